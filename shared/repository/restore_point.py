"""A sealed restore point: its manifest, and the view of each object type."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import numpy as np

from shared.errors import Missing
from shared.repository.chain import list_manifests, read_manifest
from shared.repository.format import check_format
from shared.repository.manifest import Manifest
from shared.repository.names import is_backup_id
from shared.repository.records import LinkRecord, id16
from shared.repository.sidecar import column
from shared.repository.store import BlobStore
from shared.repository.view import TypeView

LATEST = "latest"


@dataclass(frozen=True, slots=True)
class RestorePoint:
    """What one backup captured, as a full view."""

    store: BlobStore
    manifest: Manifest

    @staticmethod
    async def open(store: BlobStore, tenant_id: str, backup_id: str = LATEST) -> "RestorePoint":
        """The restore point of this id, or the newest that is not `beforeRestore`; Missing if there is
        none."""
        await check_format(store)
        if backup_id == LATEST:
            manifest = await newest_manifest(store, tenant_id)
            if manifest is None:
                raise Missing("the tenant has no restore point yet", remedy="Run a backup first.")
            return RestorePoint(store, manifest)
        if not is_backup_id(backup_id):
            raise Missing("there is no restore point of that id", remedy="List the restore points.")
        return RestorePoint(store, await read_manifest(store, tenant_id, int(backup_id)))

    def view(self, object_type: str) -> TypeView:
        """One type's view, empty where nothing of it was ever read; Missing for a type that is not in the
        manifest."""
        entry = self.manifest.types.get(object_type)
        if entry is None:
            raise Missing(
                f"restore point {self.manifest.backup_id} knows no type {object_type}",
                remedy="Use a newer restore point: this one was made before Cairn backed that type up.",
            )
        return TypeView(self.store, self.manifest.tenant_id, object_type, entry.layers)

    async def dangling_links(self) -> AsyncIterator[LinkRecord]:
        """The links that point to no object of this restore point, of every type.

        Targets that no backup captures (a built-in, an object of another tenant) are among them.
        """
        held = [
            column((await view.winners_between("objects", *part)).entries, "id_hi")
            for view in map(self.view, self.manifest.types)
            for part in await view.ranges("objects")
        ]
        keys = np.concatenate([np.empty(0, np.uint64), *held])
        held.clear()
        keys.sort()
        for view in map(self.view, self.manifest.types):
            async for batch in view.link_batches():
                highs = np.frombuffer(b"".join(id16(link.target_id)[:8] for link in batch), ">u8").astype(np.uint64)
                places = np.searchsorted(keys, highs, side="right")
                for link, high, place in zip(batch, highs, places, strict=True):
                    is_held = place > 0 and keys[place - 1] == high
                    if not is_held:
                        yield link


async def newest_manifest(store: BlobStore, tenant_id: str) -> Manifest | None:
    """The newest restore point that is not `beforeRestore`, or None."""
    async for manifest in list_manifests(store, tenant_id):
        if manifest.kind != "beforeRestore":
            return manifest
    return None
