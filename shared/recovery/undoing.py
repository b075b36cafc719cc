"""What a restore changed, object by object, so that an undo touches that and nothing else. Read-only."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.catalog import OBJECT_TYPES
from shared.records.identity_map import KnownIdentities
from shared.recovery.chosen import Chosen, Key
from shared.recovery.plan import Operation
from shared.recovery.relink import filled
from shared.recovery.state import Json
from shared.recovery.store import PlanIndex, RestoreStore
from shared.recovery.verification import written


@dataclass(slots=True)
class Touched:
    """What was written of one object."""

    what: set[str] = field(default_factory=set)
    """Attributes and links; an object that was made or revived stands whole."""
    parent: str = ""
    """The id of the object that it hangs under, as the restore left it."""


async def touched_by(
    store: RestoreStore, index: PlanIndex, object_ids: Collection[str] | None, known: KnownIdentities
) -> dict[Key, Touched]:
    """(type, id that the restore left it with) → what was written of it; with ids only of these, by any id that an
    object has had."""
    new_ids = await ids_made(store, index)
    chosen = {known.now(one) for one in object_ids} if object_ids is not None else None
    found: dict[Key, Touched] = {}
    async for one, receipt in _with_receipts(store, index):
        if receipt is None or receipt["state"] != "done" or one.kind == "manual":
            continue
        try:
            key, parent = (one.object_type, written(one, receipt, new_ids)), filled(one.parent, new_ids)
        except KeyError:
            continue
        if chosen is not None and known.now(key[1]) not in chosen:
            continue
        touched = found.setdefault(key, Touched(parent=parent))
        touched.what.update((one.link,) if one.link else one.attributes)
        if one.kind in ("create", "revive", "delete"):
            touched.what.update(link.name for link in OBJECT_TYPES[one.object_type].links)
    return found


async def _with_receipts(store: RestoreStore, index: PlanIndex) -> AsyncIterator[tuple[Operation, Json | None]]:
    """Every operation with what became of it, a batch in memory at a time."""
    for number in range(1, len(index.pages) + 1):
        receipts = (await store.journal(number)).receipts
        for one in (await store.batch(index, number)).operations:
            yield one, receipts.get(one.order)


async def ids_made(store: RestoreStore, index: PlanIndex) -> dict[str, str]:
    """Old id (or appId) → the new one, of all that the receipts say was made."""
    found: dict[str, str] = {}
    if not index.counts.get("create"):
        return found
    async for one, receipt in _with_receipts(store, index):
        if one.kind == "create" and receipt is not None and receipt.get("newObjectId"):
            found[one.object_id] = receipt["newObjectId"]
            if receipt.get("newAppId") and receipt.get("oldAppId"):
                found[receipt["oldAppId"]] = receipt["newAppId"]
    return found


def as_note(touched: Mapping[Key, Touched]) -> list[list[Any]]:
    """As the undo keeps it."""
    return [[name, object_id, sorted(one.what), one.parent] for (name, object_id), one in sorted(touched.items())]


def chosen_by(note: Iterable[list[Any]]) -> Chosen:
    """What such a note chooses."""
    noted = list(note)
    return Chosen(
        object_ids=tuple(dict.fromkeys(one[1] for one in noted)),
        touched={(one[0], one[1]): frozenset(one[2]) for one in noted},
        parents={(one[0], one[1]): one[3] for one in noted if one[3]},
    )
