"""Verify: read back all that was written and compare it, attribute by attribute and link by link. Read-only.

What does not match may not be everywhere yet: it is read again, with growing pauses, up to a bound.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from shared.catalog import OBJECT_TYPES
from shared.catalog.row import PARENT
from shared.recovery.actions import expected_value, has_become
from shared.recovery.fixups import GROUP_PIM, PIM
from shared.recovery.new_credentials import THUMBPRINT
from shared.recovery.plan import Operation
from shared.recovery.reading import PresentReader
from shared.recovery.relink import filled
from shared.recovery.state import Json, Present, Wanted
from shared.recovery.writable import comparable, same

LAG_SECONDS = 60.0
WAITS = (0.3, 0.6, 1.2, 2.5, 5.0, 10.0)
AT_ONCE = 500
UNREADABLE = frozenset({"passwordProfile", "action", "justification"})
SENT = frozenset({"done", "unchanged"})


@dataclass(slots=True)
class Expected:
    """One object as it should be after the restore."""

    object_type: str
    object_id: str
    parent: str = ""
    gone: bool = False
    attributes: Json = field(default_factory=dict)
    becomes: list[tuple[str, Json]] = field(default_factory=list)
    """(property, what a request of its own should have made of it)."""
    linked: dict[str, set[str]] = field(default_factory=dict)
    unlinked: dict[str, set[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fact:
    """One attribute or link that was written, as it was read back."""

    object_type: str
    object_id: str
    what: str
    """The attribute or link; empty for the object itself."""
    expected: Any
    found: Any
    matches: bool

    def as_json(self) -> Json:
        """As the vault keeps it and the interface shows it."""
        return {"objectType": self.object_type, "objectId": self.object_id, "what": self.what,
                "expected": self.expected, "found": self.found, "matches": self.matches}


def expectations(
    operations: Iterable[Operation], receipts: Mapping[int, Json], new_ids: Mapping[str, str]
) -> list[Expected]:
    """What the operations that were done should have made of each object."""
    found: dict[tuple[str, str], Expected] = {}
    for one in operations:
        receipt = receipts.get(one.order)
        if receipt is None or receipt["state"] not in SENT:
            continue
        try:
            object_id, parent = written(one, receipt, new_ids), filled(one.parent, new_ids)
            key = (one.object_type, object_id)
            expected = found.setdefault(key, Expected(one.object_type, object_id, parent))
            _add(expected, one, receipt, new_ids)
        except KeyError:
            continue
    return list(found.values())


def written(one: Operation, receipt: Json, new_ids: Mapping[str, str]) -> str:
    """The id of the object that the operation wrote; KeyError where it was to be made and was not."""
    return str(receipt.get("newObjectId") or filled(one.present_id or one.object_id, new_ids))


def _add(expected: Expected, one: Operation, receipt: Json, new_ids: Mapping[str, str]) -> None:
    if one.kind == "delete":
        expected.gone = True
    elif one.kind in ("link", "unlink"):
        targets = {filled(target, new_ids) for target in one.targets}
        (expected.linked if one.kind == "link" else expected.unlinked).setdefault(one.link, set()).update(targets)
    elif one.becomes:
        expected.becomes += [(name, filled(one.becomes, new_ids)) for name in one.attributes]
    elif one.kind in ("create", "update") and isinstance(one.body, dict) and one.object_type not in PIM | GROUP_PIM:
        body = one.body.get("onPremisesPublishing", one.body)
        # What it is known by is what Entra makes of the name that a creation gives (directory extensions).
        body = {**body, **{name: value for name, value in one.find.get("match", {}).items() if name in body}}
        sent = receipt.get("after") or {}
        body = {name: sent.get(name, value) if value == THUMBPRINT else value for name, value in body.items()}
        names = [name for name in one.attributes if name in body and name not in UNREADABLE]
        expected.attributes.update({name: filled(body[name], new_ids) for name in names})


async def verify(reader: PresentReader, expected: Sequence[Expected], *, until: float) -> list[Fact]:
    """Every fact as it is when it is as planned, or at `until`, a time of `monotonic()`."""
    facts: dict[tuple[str, str], list[Fact]] = {}
    waiting = list(expected)
    tries = 0
    while True:
        again: list[Expected] = []
        for at in range(0, len(waiting), AT_ONCE):
            some = waiting[at : at + AT_ONCE]
            states = await _read(reader, some)
            for one in some:
                key = (one.object_type, one.object_id)
                facts[key] = _compared(one, states[key])
                if not all(fact.matches for fact in facts[key]):
                    again.append(one)
        if not again or monotonic() >= until:
            return [fact for one in expected for fact in facts[one.object_type, one.object_id]]
        waiting = again
        await asyncio.sleep(min(WAITS[min(tries, len(WAITS) - 1)], max(0.0, until - monotonic())))
        tries += 1


async def _read(reader: PresentReader, some: Iterable[Expected]) -> dict[tuple[str, str], Present]:
    asked = [Wanted(one.object_type, one.object_id, {PARENT: one.parent} if one.parent else {}) for one in some]
    return await reader.read(asked)


def _compared(one: Expected, present: Present) -> list[Fact]:
    """What could not be read is no fact, but for the object itself."""
    def fact(what: str, expected: Any, found: Any, matches: bool) -> Fact:
        return Fact(one.object_type, one.object_id, what, expected, found, matches)

    if one.gone:
        return [fact("", "deleted", present.liveness, present.liveness != "live")]
    if present.liveness != "live":
        return [fact("", "live", present.liveness, matches=False)]
    row = OBJECT_TYPES[one.object_type]
    body, wanted = (_without_own_identity(comparable(row, each)) for each in (present.body, one.attributes))
    found = [fact("", "live", "live", matches=True)]
    found += [
        fact(name, value, body[name], same(value, body[name])) for name, value in sorted(wanted.items())
        if name in body
    ]
    found += [
        fact(name, becomes, expected_value(name, present.body), has_become(becomes, name, present.body))
        for name, becomes in one.becomes if name in present.body
    ]
    for name, targets in sorted(one.linked.items()):
        there = set(present.links.get(name, {}))
        if name not in present.unread_links:
            found += [fact(name, target, target if target in there else None, target in there) for target in
                      sorted(targets)]
    for name, targets in sorted(one.unlinked.items()):
        there = set(present.links.get(name, {}))
        if name not in present.unread_links:
            found += [fact(name, None, target if target in there else None, target not in there) for target in
                      sorted(targets)]
    return found


def _without_own_identity(body: Json) -> Json:
    """Without the identity of the principal name, which the service writes itself ("identities property")."""
    if "identities" not in body:
        return body
    kept = [one for one in body["identities"] or () if one.get("signInType") != "userPrincipalName"]
    return {**body, "identities": kept}
