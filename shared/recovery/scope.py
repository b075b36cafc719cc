"""What a restore may write, small enough for its row, so that two that do not meet may run at once. Pure.

A restore has a scope if it was asked for a few objects by their ids and takes nothing away: then nothing that was
looked at for the whole tenant (the last administrator, lockout, thresholds) can come out otherwise for two plans
together than for each alone. Every other restore has none, and runs alone.

Two scopes meet if both write an object, or if one brings an object back (under its id or a new one) that the other
names in an attribute or a link: planned side by side, neither would write the link between them. Before there is a plan
a scope holds the ids that were asked for; two restores are compared again once either is planned.
Invariant: ids stand in a scope as hashes, so ids that are taken for equal by mistake only make a restore wait.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypedDict, cast

import orjson

from shared.recovery.options import RestoreOptions, Selection
from shared.recovery.plan import Operation
from shared.recovery.planner import Key
from shared.recovery.relink import Ids
from shared.recovery.state import Wanted

MOST_ASKED, MOST_HELD = 100, 2_000
ADDS: frozenset[str] = frozenset({"revive", "create", "update", "link", "manual"})
ALONE_BUCKETS: frozenset[str] = frozenset({"conditionalAccess"})
_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
_LICENCES = "licences"
"""Seats are counted for the tenant, so of two restores that assign any one waits."""


class Scope(TypedDict):
    """Hashes of ids: what is written, what of it comes back, what it names."""

    writes: list[str]
    brings: list[str]
    names: list[str]


def asked_for(selection: Selection, options: RestoreOptions) -> Scope | None:
    """The scope of a restore before it is planned; None where it must run alone."""
    ids = selection.object_ids
    takes = options.new_objects != "keep" or options.links == "exact" or options.delete_existing_cloud_user
    if ids is None or len(ids) > MOST_ASKED or takes:
        return None
    return Scope(writes=_hashed(ids), brings=[], names=[])


def planned(
    operations: Iterable[Operation], wanted_ones: Mapping[Key, Wanted], ids: Ids
) -> Scope | None:
    """The scope of a plan for these objects, as the restore point has them; None where it must run alone."""
    writes: set[str] = set()
    brings: set[str] = set()
    names: set[str] = set()
    for key, wanted in wanted_ones.items():
        names |= _ids_in([key[1], ids.now(key[1]), wanted.body, {
            link: {one: ids.now(one) for one in targets} for link, targets in wanted.links.items()
        }])
    for one in operations:
        if one.kind not in ADDS or one.bucket in ALONE_BUCKETS or _disables(one):
            return None
        if one.kind == "manual":
            continue
        own = {one.object_id, ids.now(one.object_id), *_ids_in([one.path, one.object_id])}
        writes |= own
        if "assignLicense" in one.path:
            writes.add(_LICENCES)
        names |= _ids_in([one.body, list(one.targets), one.parent])
        if one.kind in ("create", "revive"):
            wanted_now = wanted_ones.get((one.object_type, one.object_id))
            brings |= own
            if wanted_now is not None:
                brings |= _ids_in([wanted_now.body.get("appId")])
    scope = Scope(writes=_hashed(writes), brings=_hashed(brings), names=_hashed(names))
    return scope if sum(map(len, (scope["writes"], scope["brings"], scope["names"]))) <= MOST_HELD else None


def of_row(restore: Mapping[str, Any]) -> Scope | None:
    """The scope that stands in a restore's row."""
    return cast(Scope | None, restore.get("scope"))


def meet(one: Scope | None, other: Scope | None) -> bool:
    """Whether the two may not run at once."""
    if one is None or other is None:
        return True
    return any(
        not set(one[mine]).isdisjoint(other[theirs])  # type: ignore[literal-required]
        for mine, theirs in (("writes", "writes"), ("brings", "names"), ("names", "brings"))
    )


def _disables(one: Operation) -> bool:
    body: Mapping[str, Any] = one.body or {}
    return body.get("accountEnabled") is False or body.get("state") == "disabled"


def _ids_in(value: Any) -> set[str]:
    return set(_ID.findall(orjson.dumps(value, default=str).decode().lower()))


def _hashed(ids: Iterable[str]) -> list[str]:
    return sorted({
        hashlib.blake2b(one.lower().replace("-", "").encode(), digest_size=8).hexdigest() for one in ids
    })
