"""Which objects of a type there are, as far as is known: in the restore point before, and by what this run has read."""

from shared.backup.checkpoint import TypeCapture
from shared.backup.finishing import Finishing
from shared.backup.run import Run
from shared.catalog.row import ObjectType
from shared.deployment import Deployment
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
