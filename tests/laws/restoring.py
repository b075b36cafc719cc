"""Restores of a random tenant, and what separates two of its states beyond what the catalog declares."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from local.simulator import Simulator
from local.simulator.faults.throttle import DOCUMENTED, Quota
from shared.backup import sessions
from shared.catalog import OBJECT_TYPES
from shared.catalog.where import holds
from shared.entra import governor
from shared.entra.governors import Governors
from shared.recovery.difference import Change
from shared.recovery.federation import IMMUTABLE_ID
from shared.recovery.restorability import judged
from shared.recovery.writable import differing, without_given_parts
from tests.laws.views import View
from tests.shared.backup.conftest import Backups
from tests.shared.recovery.conftest import Restores
from tests.simulated import protecting, turn_on

GIVEN_ANEW = frozenset({"uniqueName", "preferredTokenSigningKeyThumbprint", "tokenEncryptionKeyId"})
"""Of an object made anew: the name that finds it, and what names a key whose private part nobody can read."""

EXACT = {"links": "exact", "newObjects": "softDelete", "conditionalAccessState": "asBackedUp"}


@asynccontextmanager
async def restoring(
    folder: Path, patch: pytest.MonkeyPatch, *, users: int = 24, groups: int = 8, seed: int = 7, options: bool = False
) -> AsyncIterator[Restores]:
    """A simulated tenant and the Cairn that restores it, with all that its settings can turn on or nothing of it;
    quotas are another test's subject."""
    for name in governor.WINDOWS:
        patch.setitem(governor.WINDOWS, name, governor.Window(100_000, 1.0))
    patch.setattr(sessions, "GOVERNORS", Governors())
    async with Simulator(users=users, groups=groups, seed=seed) as simulator:
        simulator.tenant.throttle.quotas.update(dict.fromkeys(DOCUMENTED, Quota(1_000_000, 1)))
        opened = await protecting(simulator, folder)
        if options:
            await turn_on(opened, simulator.tenant_id)
        _without_what_no_application_may_write(simulator)
        yield Restores(opened, simulator, Backups(opened, simulator))


def _without_what_no_application_may_write(simulator: Simulator) -> None:
    """Restricted units, whose members only their own administrators change; and assignments that Graph would not make,
    to groups that are not security-enabled. Home realm discovery policies apply to service principals only."""
    store = simulator.store
    for unit in list(store.all("administrativeUnit")):
        store.update(unit.key, {**unit.read(), "isMemberManagementRestricted": None})
    for one in list(store.all("appRoleAssignment")):
        principal = store.get(one.read()["principalId"])
        if principal is not None and principal.read().get("securityEnabled") is False:
            store.delete(one.key, soft=False)
    for source, target in list(store.link_set("homeRealmDiscoveryPolicies").pairs()):
        if store.get(source).table == "application":
            store.unlink(source, "homeRealmDiscoveryPolicies", target)


async def seen(restores: Restores) -> View:
    """The tenant as a full backup shows it now."""
    return await restores.backups.view(await restores.backups.run("full"))


def renamed(view: View, known: Any) -> View:
    """The view with every id that Cairn changed put back to the one it was, wherever it stands."""
    back = {new: old for old, new in (*known.objects.items(), *known.applications.items())}
    back |= {new.replace("-", ""): old.replace("-", "") for old, new in known.applications.items()}
    if not back:
        return view
    plain = {
        name: {"objects": entry["objects"], "links": sorted(entry["links"])} for name, entry in view.items()
    }
    text = orjson.dumps(plain).decode()
    for new, old in back.items():
        text = text.replace(new, old)
    return {
        name: {"objects": entry["objects"], "links": {tuple(one) for one in entry["links"]}}
        for name, entry in orjson.loads(text).items()
    }


def left(before: View, after: View, known: Any = None) -> list[str]:
    """What separates two states and the catalog does not declare as beyond any restore, a line each.

    Of an object with a new id only what can be written counts: its id, its stamps and its own addresses are new, and
    the name that finds it (`uniqueName`) is one that the creation gave.
    """
    shown = renamed(after, known) if known else after
    moved = frozenset(known.objects) if known else frozenset()
    found: list[str] = []
    for name in sorted(before):
        row = OBJECT_TYPES[name]
        if row.reference_only:
            continue
        ours, theirs = before[name], shown[name]
        for object_id in sorted(ours["objects"].keys() | theirs["objects"].keys()):
            was, now = ours["objects"].get(object_id), theirs["objects"].get(object_id)
            found += _of_object(row, object_id, was, now, new=object_id.rpartition("/")[2] in moved or object_id in moved)
        for source, link, target in sorted(ours["links"] ^ theirs["links"]):
            body = ours["objects"].get(source) or theirs["objects"].get(source) or {}
            kind: Any = "linkRemoved" if (source, link, target) in ours["links"] else "linkAdded"
            if kind == "linkAdded" and (name, link) == ("group", "owners") and not any(
                one[:2] == (source, link) for one in ours["links"]
            ):
                continue  # Graph lets go of no group's last owner
            change = judged(Change(kind, name, source, link=link, target_id=target), row, body)
            if change.restorable and source in ours["objects"] and source in theirs["objects"]:
                found.append(f"{name} {source}: {kind} {link} {target}")
    return found


def _of_object(
    row: Any, object_id: str, was: Mapping[str, Any] | None, now: Mapping[str, Any] | None, *, new: bool
) -> list[str]:
    if was is None or now is None:
        body = was or now or {}
        if row.restored_as and holds(row.restored_as_where, body):
            return []
        change = judged(Change("hardDeleted" if now is None else "newObject", row.name, object_id), row, body)
        return [f"{row.name} {object_id}: {'gone' if now is None else 'new'}"] if change.restorable else []
    if new and row.name == "user":  # the service writes the identity of the principal name itself
        was, now = ({**one, "identities": [
            each for each in one.get("identities") or () if each["signInType"] != "userPrincipalName"
        ]} for one in (was, now))
    ours, theirs = without_given_parts(row, was), without_given_parts(row, now)
    names = differing(row, was, now) if new else {name for name in {*was, *now} if ours.get(name) != theirs.get(name)}
    lines = []
    for name in sorted(names):
        if new and (name in GIVEN_ANEW or (name == IMMUTABLE_ID and not was.get(name))):
            continue
        if new and name == "scheduleInfo" and now["scheduleInfo"]["expiration"] == was["scheduleInfo"]["expiration"]:
            continue  # no schedule begins in the past
        change = judged(
            Change("changed", row.name, object_id, attribute=name, old_value=was.get(name), new_value=now.get(name)),
            row, was,
        )
        if change.restorable:
            lines.append(f"{row.name} {object_id} {name}: {was.get(name)!r} became {now.get(name)!r}")
    return lines


async def refused(restores: Restores, done: Any) -> list[str]:
    """Operations that did not end well, a line each."""
    return [
        f"{one.kind} {one.object_type} {one.method} {one.path} {one.body}: {receipt}"
        for one, receipt in await restores.operations(done) if receipt.get("state") not in ("done", "unchanged", "manual")
    ]
