"""What a restore changed, object by object, so that an undo touches that and nothing else. Read-only."""

from collections.abc import Collection

from shared.catalog import OBJECT_TYPES
from shared.recovery.lifecycle import ids_made
from shared.recovery.relink import filled
from shared.recovery.store import PlanIndex, RestoreStore
from shared.recovery.verification import _current

type Key = tuple[str, str]


async def touched_by(
    store: RestoreStore, index: PlanIndex, object_ids: Collection[str] | None
) -> dict[Key, frozenset[str]]:
    """(type, id now) → the attributes and links that were written; an object that was made or revived stands whole."""
    receipts = await store.all_receipts(index)
    operations = [one async for one in store.operations(index)]
    new_ids = ids_made(operations, receipts)
    chosen = set(object_ids) if object_ids is not None else None
    found: dict[Key, set[str]] = {}
    for one in operations:
        receipt = receipts.get(one.order)
        if receipt is None or receipt["state"] != "done" or one.kind == "manual":
            continue
        now = str(receipt.get("newObjectId") or new_ids.get(one.object_id) or _current(one))
        if chosen is not None and not chosen & {now, one.object_id}:
            continue
        try:
            key = (one.object_type, filled(now, new_ids))
        except KeyError:
            continue
        what = found.setdefault(key, set())
        what.update((one.link,) if one.link else one.attributes)
        if one.kind in ("create", "revive", "delete"):
            row = OBJECT_TYPES[one.object_type]
            what.update(link.name for link in row.links)
    return {key: frozenset(what) for key, what in found.items()}
