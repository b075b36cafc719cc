"""How long indexes live: while an unpacked restore point needs them.

Swept with the expiry of restore points. Nothing is taken from an unpacking that goes on. Safe to repeat.
"""

from datetime import timedelta

from shared.browse.index import digests, indexes_prefix
from shared.browse.packing import unpacked_of
from shared.deployment import Records
from shared.errors import Missing
from shared.repository.chain import read_manifest
from shared.repository.store import BlobStore, at_once

LEFT_OVER = timedelta(days=1)
"""Files that no restore point needs any more are this old, for no question is being answered from them."""


async def sweep_indexes(records: Records, vault: BlobStore, workspace: BlobStore, tenant_id: str) -> int:
    """Delete what no unpacked restore point needs of a tenant's indexes, summaries first; how many files went."""
    if [one async for _, one in records.tasks.stream([tenant_id], only_open=True) if one["type"] == "unpack"]:
        return 0
    needed: set[tuple[str, str]] = set()
    for backup_id in await unpacked_of(records, tenant_id):
        try:
            needed |= set(digests(await read_manifest(vault, tenant_id, int(backup_id))).items())
        except Missing:
            continue  # it has expired
    prefix, now = indexes_prefix(tenant_id), records.clock()
    found: list[str] = []
    async for entry in workspace.list(prefix):
        object_type, digest, *_ = entry.name.removeprefix(prefix).split("/")
        if (object_type, digest) not in needed and now - entry.modified > LEFT_OVER:
            found.append(entry.name)
    for summaries in (True, False):
        await at_once(workspace.delete(name) for name in found if name.endswith("/index.json") is summaries)
    return len(found)
