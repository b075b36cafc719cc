"""The result of any sequence of incremental backups equals a full backup taken at the same moment, for every type."""

import random
import uuid

import pytest


def change_something(store, chance: random.Random) -> str:
    """One random change of the simulated tenant, as an administrator or an attacker could make it."""
    users = [record.key for record in store.all("user")]
    groups = [record.key for record in store.all("group")]
    applications = [record.key for record in store.all("application")]
    principals = [record.key for record in store.all("servicePrincipal")]
    kind = chance.choice([
        "create", "update", "soft", "hard", "restore", "join", "leave", "manager", "own", "disown", "app", "group", "purge",
    ])
    if kind == "create":
        store.create("user", {
            "id": str(uuid.UUID(int=chance.getrandbits(128))), "displayName": f"New {chance.random()}",
            "userPrincipalName": f"n{chance.getrandbits(40)}@contoso.example", "accountEnabled": True,
            "createdDateTime": store.clock.text() if hasattr(store.clock, "text") else "2026-11-21T00:00:00Z",
        })
    elif kind == "update":
        key = chance.choice(users)
        store.update(key, {**store.get(key).read(), "department": f"D{chance.getrandbits(16)}"})
    elif kind in ("soft", "hard") and len(users) > 5:
        store.delete(chance.choice(users + groups[:2]), soft=kind == "soft")
    elif kind in ("restore", "purge"):
        waiting = [deleted.record.key for name in ("user", "group") for deleted in store.deleted(name)]
        if waiting:
            (store.restore if kind == "restore" else store.purge)(chance.choice(waiting))
    elif kind == "join":
        store.link(chance.choice(groups), "members", chance.choice(users + groups))
    elif kind == "leave":
        group = chance.choice(groups)
        members = list(store.link_set("members").targets(group))
        if members:
            store.unlink(group, "members", chance.choice(members))
    elif kind == "manager":
        store.link(chance.choice(users), "manager", chance.choice(users))
    elif kind in ("own", "disown"):
        source = chance.choice(groups + applications + principals)
        owners = list(store.link_set("owners").targets(source))
        if kind == "own":
            store.link(source, "owners", chance.choice(users))
        elif owners:
            store.unlink(source, "owners", chance.choice(owners))
    elif kind == "app":
        key = chance.choice(applications)
        store.update(key, {**store.get(key).read(), "notes": f"N{chance.getrandbits(16)}"})
    elif kind == "group":
        key = chance.choice(groups)
        store.update(key, {**store.get(key).read(), "description": f"G{chance.getrandbits(16)}"})
    return kind


def apart(seen, expected) -> list[str]:
    """What differs between two views, property by property."""
    lines = []
    for name in sorted({*seen, *expected}):
        one, other = seen[name], expected[name]
        lines += [f"{name}: link only in one: {link}" for link in sorted(one["links"] ^ other["links"])]
        lines += [f"{name}: object only in one: {key}" for key in sorted(one["objects"].keys() ^ other["objects"].keys())]
        for key in one["objects"].keys() & other["objects"].keys():
            a, b = one["objects"][key], other["objects"][key]
            lines += [
                f"{name} {key} {prop}: {a.get(prop, 'absent')!r} against {b.get(prop, 'absent')!r}"
                for prop in sorted({*a, *b}) if a.get(prop, "absent") != b.get(prop, "absent")
            ]
    return lines


@pytest.mark.parametrize("seed", range(8))
async def test_incremental_backups_equal_a_full_one_taken_at_the_same_moment(backups, seed):
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
