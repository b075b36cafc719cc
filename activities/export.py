"""Activity of exports: the whole list written as one CSV file."""

from activities.boundary import answering
from shared.browse.exporting import export_name, export_to, filter_of
from shared.browse.opening import open_listing
from shared.deployment import deployment
from shared.messages import ExportObjects, ObjectsExported
from shared.repository.chain import read_manifest


@answering
async def write_export(message: ExportObjects) -> ObjectsExported:
    """Write the file. Safe to repeat."""
    opened = await deployment()
    tenant_id, task_id = message["tenantId"], message["taskId"]
    await opened.records.tasks.start(task_id)
    manifest = await read_manifest(opened.vault, tenant_id, int(message["backupId"]))
    listing = await open_listing(opened.records, opened.vault, opened.workspace, manifest)
    rows = await export_to(listing, opened.workspace, filter_of(message["filter"]), export_name(tenant_id, task_id))
    await opened.records.tasks.progress(task_id, "objects", done=rows, total=rows)
    return ObjectsExported(rows=rows)
