"""The files of a restore point, read without Cairn: a copy of the vault, zstd and JSON lines
(docs/repository-format.md).

Only `damaged` touches the vault itself, around Cairn, the way somebody with the account key could where no
immutability policy stands in the way; it puts the bytes back.
"""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard
from azure.storage.blob import BlobClient, BlobServiceClient

from shared.deployment import VAULT_CONTAINER


@dataclass(frozen=True, slots=True)
class VaultCopy:
    """One tenant's folder of the vault, copied to disk."""

    folder: Path

    def manifest(self, backup_id: str) -> dict[str, Any]:
        """The manifest of a restore point."""
        found: dict[str, Any] = json.loads((self.folder / "manifests" / f"{backup_id}.json").read_bytes())
        return found

    def segment_path(self, sha256: str) -> Path:
        """Where a segment of that hash lies, below the folder."""
        return Path("segments") / sha256[:2] / f"{sha256}.ndjson.zst"

    def records(self, segments: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The records of these segments in order, as `zstd -dc` gives them."""
        for segment in segments:
            packed = (self.folder / self.segment_path(segment["sha256"])).read_bytes()
            reader = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)
            for line in io.TextIOWrapper(reader, encoding="utf-8"):
                yield json.loads(line)

    def bytes(self) -> int:
        """What all the files take."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())


def copy_vault(connection_string: str, tenant_id: str, folder: Path) -> VaultCopy:
    """Copy one tenant's part of the vault, as `az storage blob download-batch` would."""
    with (
        BlobServiceClient.from_connection_string(connection_string) as service,
        service.get_container_client(VAULT_CONTAINER) as container,
    ):
        for name in container.list_blob_names(name_starts_with=f"tenants/{tenant_id}/"):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(container.download_blob(name).readall())
    return VaultCopy(folder / "tenants" / tenant_id)


@contextmanager
def damaged(connection_string: str, tenant_id: str, path: Path) -> Iterator[None]:
    """Flip one byte in the middle of a blob for the time of the block."""
    with BlobClient.from_connection_string(
        connection_string, VAULT_CONTAINER, f"tenants/{tenant_id}/{path.as_posix()}"
    ) as blob:
        whole = blob.download_blob().readall()
        metadata = blob.get_blob_properties().metadata
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 0x01
        blob.upload_blob(bytes(flipped), overwrite=True, metadata=metadata)
        try:
            yield
        finally:
            blob.upload_blob(whole, overwrite=True, metadata=metadata)
