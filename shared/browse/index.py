"""The browsable index of a restore point: per object type a few Parquet files in the workspace, named by content.

A type's index is named by a digest of the layers that it was made from, so a neighbour whose layers of that type are
the same has it already. `index.json` is written last: without it there is no index. What is indexed is stored
write-once and made again at will, so losing it costs time only.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import orjson

from shared.browse.columns import INDEX_VERSION, references_digest
from shared.errors import CairnError, Corrupt, Missing
from shared.repository.manifest import Manifest, TypeEntry
from shared.repository.names import tenant_prefix
from shared.repository.records import canonical
from shared.repository.store import BlobStore, at_once


class NotUnpacked(CairnError):
    """The restore point has no browsable index."""

    default_remedy = "Unpack it with POST /api/v1/tenants/{tenantId}/backups/{backupId}/unpack, then ask again."


MOST_KNOWN = 20_000
type Known = dict[tuple[str, str], TypeIndex]
"""(tenant, digest) → the index."""


@dataclass(frozen=True, slots=True)
class Part:
    """One Parquet file."""

    sha256: str
    rows: int
    size: int

    def as_json(self) -> list[object]:
        """As it stands in `index.json` and in checkpoints."""
        return [self.sha256, self.rows, self.size]

    @staticmethod
    def from_json(value: list[object]) -> "Part":
        """The inverse of as_json."""
        sha256, rows, size = value
        return Part(str(sha256), int(str(rows)), int(str(size)))


@dataclass(frozen=True, slots=True)
class TypeIndex:
    """The index of one object type."""

    tenant_id: str
    object_type: str
    digest: str
    objects: tuple[Part, ...]
    links: tuple[Part, ...]

    @property
    def size_bytes(self) -> int:
        """Bytes of all its files."""
        return sum(part.size for part in (*self.objects, *self.links))

    def part_name(self, part: Part) -> str:
        """The blob of one of its files."""
        return part_name(self.tenant_id, self.object_type, self.digest, part.sha256)


def type_digest(object_type: str, entry: TypeEntry) -> str:
    """What names the index of one type of a restore point."""
    layers = [
        [[segment.sha256 for segment in layer.objects], [segment.sha256 for segment in layer.links]]
        for layer in entry.layers
    ]
    made_from = [INDEX_VERSION, object_type, references_digest(object_type), layers]
    return hashlib.sha256(canonical(made_from)).hexdigest()[:32]


def digests(manifest: Manifest) -> dict[str, str]:
    """The indexes that make up a restore point's: type → digest, for the types that hold anything."""
    return {
        name: type_digest(name, entry)
        for name, entry in manifest.types.items()
        if any(layer.segments for layer in entry.layers)
    }


def indexes_prefix(tenant_id: str) -> str:
    """The folder of a tenant's indexes."""
    return f"{tenant_prefix(tenant_id)}indexes/"


def type_prefix(tenant_id: str, object_type: str, digest: str) -> str:
    """The folder of one type's index."""
    return f"{indexes_prefix(tenant_id)}{object_type}/{digest}/"


def part_name(tenant_id: str, object_type: str, digest: str, sha256: str) -> str:
    """The blob of one Parquet file."""
    return f"{type_prefix(tenant_id, object_type, digest)}{sha256}.parquet"


async def find_type_index(workspace: BlobStore, tenant_id: str, object_type: str, digest: str) -> TypeIndex | None:
    """The index of that digest if it is whole, else None."""
    try:
        content = await workspace.get(_summary_name(tenant_id, object_type, digest))
    except Missing:
        return None
    try:
        found = orjson.loads(content)
        objects, links = ([Part.from_json(part) for part in found[holds]] for holds in ("objects", "links"))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise Corrupt("the summary of an index is damaged", remedy="Pack the restore point and unpack it.") from error
    return TypeIndex(tenant_id, object_type, digest, tuple(objects), tuple(links))


async def store_type_index(workspace: BlobStore, index: TypeIndex) -> None:
    """Write the summary that makes the index whole; safe to repeat."""
    content = canonical({
        "objects": [part.as_json() for part in index.objects], "links": [part.as_json() for part in index.links],
    })
    await workspace.put(_summary_name(index.tenant_id, index.object_type, index.digest), content)


async def find_index(
    workspace: BlobStore, manifest: Manifest, types: Iterable[str] | None = None, known: "Known | None" = None
) -> dict[str, TypeIndex]:
    """The indexes of these types (default: of all) of a restore point; NotUnpacked if one is missing.

    `known` keeps summaries read before: they are immutable, and one that was dropped shows by its files being gone.
    """
    named = digests(manifest)
    chosen = None if types is None else set(types)
    wanted = [name for name in named if chosen is None or name in chosen]
    known = {} if known is None else known
    absent = [name for name in wanted if (manifest.tenant_id, named[name]) not in known]
    for index in await at_once(find_type_index(workspace, manifest.tenant_id, name, named[name]) for name in absent):
        if index is None:
            raise NotUnpacked(f"Restore point {manifest.backup_id} is packed.")
        if len(known) >= MOST_KNOWN:
            known.clear()
        known[manifest.tenant_id, index.digest] = index
    return {name: known[manifest.tenant_id, named[name]] for name in wanted}


async def drop_indexes(workspace: BlobStore, manifest: Manifest, kept: Iterable[Manifest]) -> int:
    """Delete what only this restore point's index needs, summaries first; return how many blobs went.

    `kept` are the restore points that stay unpacked. Safe to repeat.
    """
    in_use = {digest for one in kept for digest in digests(one).values()}
    gone = 0
    for name, digest in digests(manifest).items():
        if digest in in_use:
            continue
        await workspace.delete(_summary_name(manifest.tenant_id, name, digest))
        blobs = [entry.name async for entry in workspace.list(type_prefix(manifest.tenant_id, name, digest))]
        await at_once(workspace.delete(blob) for blob in blobs)
        gone += len(blobs) + 1
    return gone


def _summary_name(tenant_id: str, object_type: str, digest: str) -> str:
    return f"{type_prefix(tenant_id, object_type, digest)}index.json"


def forget(known: Known, indexes: Mapping[str, TypeIndex]) -> None:
    """Forget summaries whose files turned out to be gone: somebody packed the restore point elsewhere."""
    for index in indexes.values():
        known.pop((index.tenant_id, index.digest), None)
