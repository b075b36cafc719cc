"""Objects that are gone from a restore point but were in an earlier one: as they were last, and how they went."""

from collections.abc import AsyncIterator

from shared.browse.origins import Captures, Origin
from shared.repository.records import ObjectRecord
from shared.repository.removals import removals_in
from shared.repository.view import TypeView

_BATCH = 2_000


async def tombstones(view: TypeView, captures: Captures) -> AsyncIterator[tuple[ObjectRecord, str, Origin]]:
    """(the object as it last was, softDeleted | hardDeleted | unknown, who captured it), as far as layers go back.

    What a compaction has folded away is not among them: older restore points show it.
    """
    gone: dict[str, tuple[int, str]] = {}
    for number, layer in enumerate(view.layers):
        async for object_id, reason in removals_in(view.store, view.tenant_id, layer):
            gone[object_id] = number, reason
    ids = list(gone)
    for at in range(0, len(ids), _BATCH):
        part = ids[at : at + _BATCH]
        living = await view.hashes_of(part)
        by_layer: dict[int, list[str]] = {}
        for object_id in part:
            if object_id not in living:
                by_layer.setdefault(gone[object_id][0], []).append(object_id)
        for number, removed in by_layer.items():
            before = TypeView(view.store, view.tenant_id, view.object_type, view.layers[:number])
            for record in (await before.objects_by_id(removed)).values():
                yield record, gone[record.object_id][1], captures.of(record.object_id)
