"""Which backup captured what: the first restore point that names a segment is the one whose backup wrote it."""

from collections.abc import Mapping

from shared.records.times import as_text
from shared.repository.chain import list_manifests
from shared.repository.manifest import Manifest
from shared.repository.store import BlobStore

type Origin = tuple[str, str]
"""(backup id, when it started)."""

_TOLD: dict[tuple[str, str], Mapping[str, Origin]] = {}
_MOST_TOLD = 64


async def origins_of(store: BlobStore, manifest: Manifest) -> Mapping[str, Origin]:
    """SHA-256 of every object segment of the restore point → where it was first sealed.

    Reads older manifests only until every segment is found to be absent from one: they share a common past.
    """
    key = (manifest.tenant_id, manifest.backup_id)
    if key not in _TOLD:
        if len(_TOLD) >= _MOST_TOLD:
            _TOLD.clear()
        _TOLD[key] = await _origins(store, manifest)
    return _TOLD[key]


async def _origins(store: BlobStore, manifest: Manifest) -> Mapping[str, Origin]:
    found = dict.fromkeys(_object_segments(manifest), _origin(manifest))
    open_still = set(found)
    async for older in list_manifests(store, manifest.tenant_id, before=manifest.sequence):
        open_still &= set(_object_segments(older))
        if not open_still:
            break
        for sha256 in open_still:
            found[sha256] = _origin(older)
    return found


def _object_segments(manifest: Manifest) -> list[str]:
    return [
        segment.sha256
        for entry in manifest.types.values() for layer in entry.layers for segment in layer.objects
    ]


def _origin(manifest: Manifest) -> Origin:
    return manifest.backup_id, as_text(manifest.started)
