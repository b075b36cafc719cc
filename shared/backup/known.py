"""Which objects of a type there are, as far as is known: in the restore point before, and by what this run has read."""

from collections.abc import Iterable
from dataclasses import replace

from shared.backup.checkpoint import TypeCapture
from shared.backup.finishing import Finishing
from shared.backup.run import Run
from shared.catalog import OBJECT_TYPES
from shared.catalog.paths import values
from shared.catalog.row import PARENT, ObjectType
from shared.deployment import Deployment
from shared.entra.failures import LICENCE_REMEDY
from shared.repository.manifest import Layer
from shared.repository.view import TypeView


async def known_ids(
    opened: Deployment, run: Run, row: ObjectType, captured: TypeCapture | None = None
) -> tuple[str, ...] | None:
    """Their ids, `captured` being this run's own reading of the type; None where nothing is known.

    A sweep that asks for objects by id asks for these. Those that are gone are asked for in vain, and that is all.
    """
    entry = await Finishing(opened, run, row).before()
    builds_on = entry is not None and (captured is None or captured.stored_as == "changes")
    layers = [*(entry.layers if entry is not None and builds_on else ()), *([captured.layer] if captured else ())]
    if not layers:
        return None
    view = TypeView(opened.vault, run.tenant_id, row.name, layers)
    return tuple([record.object_id async for batch in view.object_batches() for record in batch])


async def named_parents(
    opened: Deployment, run: Run, row: ObjectType, captured: Iterable[TypeCapture]
) -> frozenset[str]:
    """The parents under which the type is read because objects of other types name them, or because some of its own
    were there before; `captured` is what this run has read, a type's own reading before its replay."""
    if not row.parent_named_by:
        return frozenset()
    read = [one for one in captured if one.outcome in ("complete", "partial")]
    found: set[str] = set()
    for holder in (*row.parent_named_by, f"{row.name}.{PARENT}"):
        name, _, place = holder.partition(".")
        entry = await Finishing(opened, run, OBJECT_TYPES[name]).before()
        layers: tuple[Layer, ...] = entry.layers if entry is not None else ()
        for one in (one for one in read if one.object_type == name and name != row.name):
            layers = (*(layers if one.stored_as == "changes" else ()), one.layer)
        async for batch in TypeView(opened.vault, run.tenant_id, name, layers).object_batches():
            found.update(str(value) for record in batch for value in values(record.body, place))
    return frozenset(found)


def with_unnamed_parents(at: TypeCapture, row: ObjectType, captured: Iterable[TypeCapture]) -> TypeCapture:
    """The same, partial where types that name this one's parents were not read whole: some may not have been asked.

    A type that the tenant has no licence for names none.
    """
    naming = {place.partition(".")[0] for place in row.parent_named_by}
    unsure = [
        one for one in captured
        if one.object_type in naming and one.outcome != "complete"
        and not (one.outcome == "refused" and one.remedy == LICENCE_REMEDY)
    ]
    if not unsure:
        return at
    titles = " and ".join(sorted({OBJECT_TYPES[one.object_type].title for one in unsure}))
    reason = f"Not read whole: {titles}. What only those show to have some of these was not asked for them."
    told = {"what": row.name, "reason": reason, "remedy": unsure[0].remedy}
    return replace(
        at, outcome="partial", reason=at.reason if at.outcome == "partial" else reason,
        remedy=at.remedy or unsure[0].remedy, not_read=(*at.not_read, told), not_read_count=at.not_read_count + 1,
    )
