"""The result of any sequence of incremental backups equals a full backup taken at the same moment, for every type."""

import random
import uuid

import pytest

from shared.catalog import OBJECT_TYPES


def change_something(store, chance: random.Random) -> None:
    """One random change of the simulated tenant, as an administrator or an attacker could make it."""
    chance.choice(CHANGES)(store, chance)


def keys(store, *tables: str) -> list[str]:
    return [record.key for table in tables for record in store.all(table)]


def create(store, chance) -> None:
    store.create("user", {
        "id": str(uuid.UUID(int=chance.getrandbits(128))), "displayName": f"New {chance.random()}",
        "userPrincipalName": f"n{chance.getrandbits(40)}@contoso.example", "accountEnabled": True,
        "createdDateTime": "2026-11-21T00:00:00Z",
    })


def update(store, chance) -> None:
    table, name = chance.choice([("user", "department"), ("application", "notes"), ("group", "description")])
    key = chance.choice(keys(store, table))
    store.update(key, {**store.get(key).read(), name: f"D{chance.getrandbits(16)}"})


def delete(store, chance) -> None:
    store.delete(chance.choice(keys(store, "user") + keys(store, "group")[:2]), soft=chance.random() < 0.5)


def empty_or_use_the_bin(store, chance) -> None:
    waiting = [deleted.record.key for name in ("user", "group") for deleted in store.deleted(name)]
    if waiting:
        chance.choice([store.restore, store.purge])(chance.choice(waiting))


def link_or_unlink(store, chance) -> None:
    name, sources, targets = chance.choice([
        ("members", ["group"], ["user", "group"]), ("owners", ["group", "application", "servicePrincipal"], ["user"]),
        ("manager", ["user"], ["user"]),
    ])
    source = chance.choice(keys(store, *sources))
    there = list(store.link_set(name).targets(source))
    if there and chance.random() < 0.5:
        store.unlink(source, name, chance.choice(there))
    else:
        store.link(source, name, chance.choice(keys(store, *targets)))


def register(store, chance) -> None:
    """A new application, or one that goes, with what hangs on it."""
    if chance.random() < 0.3:
        store.delete(chance.choice(keys(store, "application")), soft=chance.random() < 0.5)
        return
    there = store.get(chance.choice(keys(store, "application"))).read()
    key = str(uuid.UUID(int=chance.getrandbits(128)))
    store.create("application", {**there, "id": key, "appId": key, "displayName": f"App {chance.random()}"})
    store.link(key, "owners", chance.choice(keys(store, "user")))


CHANGES = [create, register, update, update, delete, empty_or_use_the_bin, link_or_unlink, link_or_unlink, link_or_unlink]


def apart(seen, expected) -> list[str]:
    """What differs between two views, property by property; without the slow lane, which is as old as its last read."""
    lines = []
    for name in sorted({*seen, *expected}):
        one, other = seen[name], expected[name]
        if OBJECT_TYPES[name].slow:
            continue
        slow = {link.name for link in OBJECT_TYPES[name].links if link.slow}
        links = sorted(link for link in one["links"] ^ other["links"] if link[1] not in slow)
        lines += [f"{name}: link only in one: {link}" for link in links]
        alone = sorted(one["objects"].keys() ^ other["objects"].keys())
        lines += [f"{name}: object only in one: {key}" for key in alone]
        for key in one["objects"].keys() & other["objects"].keys():
            a, b = one["objects"][key], other["objects"][key]
            lines += [
                f"{name} {key} {prop}: {a.get(prop, 'absent')!r} against {b.get(prop, 'absent')!r}"
                for prop in sorted({*a, *b}) if a.get(prop, "absent") != b.get(prop, "absent")
            ]
    return lines


@pytest.mark.parametrize("by_id", [False, True], ids=["listed", "byId"])
@pytest.mark.parametrize("seed", range(5))
async def test_incremental_backups_equal_a_full_one_taken_at_the_same_moment(backups, seed, by_id, monkeypatch):
    if by_id:  # as in a tenant with more than a page of applications and service principals
        monkeypatch.setattr("shared.entra.capture.EXPANDED_PAGE", 3)
        monkeypatch.setattr("shared.entra.by_id.IDS_AT_ONCE", 20)
    chance = random.Random(seed)
    store = backups.simulator.tenant.store
    await backups.run("full")
    for _ in range(3):
        for _ in range(chance.randint(1, 12)):
            change_something(store, chance)
        incremental = await backups.run()
    full = await backups.run("full")
    seen, expected = await backups.view(incremental), await backups.view(full)
    differs = apart(seen, expected)
    assert not differs, "\n".join(differs)
    assert incremental.counts == full.counts
