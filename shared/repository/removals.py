"""Which objects a layer says are gone, and how: for what lived under them, and for telling soft from hard deletion."""

from collections.abc import AsyncIterator

from shared.repository.frame_reader import FrameReader
from shared.repository.manifest import Layer
from shared.repository.records import parse
from shared.repository.sidecar_reader import SidecarReader
from shared.repository.store import BlobStore


async def removals_in(store: BlobStore, tenant_id: str, layer: Layer) -> AsyncIterator[tuple[str, str]]:
    """(object id, reason) of every removal that the layer's segments hold, also of objects that came back later."""
    for segment in layer.objects:
        if not segment.removals:
            continue
        reader = FrameReader(store, tenant_id, SidecarReader(store, tenant_id, segment))
        async for batch in reader.lines_but({}, _removal):
            for removal in batch:
                if removal is not None:
                    yield removal


def _removal(line: bytes) -> tuple[str, str] | None:
    if b'"kind":"removed"' not in line:
        return None
    record = parse(line)
    return (record["id"], record["reason"]) if record.get("kind") == "removed" else None
