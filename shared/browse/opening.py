"""Open what an unpacked restore point has to be asked: the listing of its objects, as requests and exports use it."""

from collections.abc import Sequence

from shared.browse.files import index_files
from shared.browse.index import find_index
from shared.browse.listing import Listing
from shared.browse.living import Living
from shared.browse.since import Since
from shared.deployment import Records
from shared.records.times import as_text
from shared.repository.chain import manifest_numbers
from shared.repository.manifest import Manifest
from shared.repository.restore_point import newest_manifest
from shared.repository.store import BlobStore


async def open_listing(records: Records, vault: BlobStore, workspace: BlobStore, manifest: Manifest) -> Listing:
    """The objects of a restore point; NotUnpacked unless all of its index is there."""
    files = index_files()
    await find_index(workspace, manifest, known=files.known)
    tenant = await records.tenants.get(manifest.tenant_id)
    constants: dict[str, Sequence[str]] = {
        "backupDate": [as_text(manifest.started)],
        "tenant": [tenant["displayName"], manifest.tenant_id],
    }
    since = Since(vault, manifest, await newest_manifest(vault, manifest.tenant_id))
    living = Living(vault, manifest.tenant_id, sorted(await manifest_numbers(vault, manifest.tenant_id)))
    return Listing(workspace, files, manifest, since, constants, living)
