"""A container in a folder that counts what is read: for measuring the repository without a storage service."""

import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from shared.errors import AlreadyWritten, Missing
from shared.repository.store import BlobEntry, BlobProperties


class FileStore:
    """See BlobStore; nothing is retained."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bytes_read = 0
        self.reads = 0

    async def put_new(
        self, name: str, content: bytes | BinaryIO, *, retain_until: datetime | None = None  # noqa: ARG002
    ) -> None:
        """See BlobStore."""
        path = self.folder / name
        if path.exists():
            raise AlreadyWritten(f"{name} exists already")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            if isinstance(content, bytes):
                file.write(content)
            else:
                content.seek(0)
                shutil.copyfileobj(content, file)

    async def put(self, name: str, content: bytes) -> None:
        """See BlobStore."""
        (self.folder / name).write_bytes(content)

    async def get(self, name: str) -> bytes:
        """See BlobStore."""
        return self._counted(name, 0, -1)

    async def get_range(self, name: str, offset: int, length: int) -> bytes:
        """See BlobStore."""
        return self._counted(name, offset, length)

    async def list(self, prefix: str) -> AsyncIterator[BlobEntry]:
        """See BlobStore."""
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder).as_posix()
            if path.is_file() and name.startswith(prefix):
                yield BlobEntry(name, path.stat().st_size, datetime.now(UTC))

    async def delete(self, name: str) -> None:
        """See BlobStore."""
        (self.folder / name).unlink(missing_ok=True)

    async def extend_retention(self, name: str, until: datetime) -> None:
        """See BlobStore."""

    async def properties(self, name: str) -> BlobProperties | None:
        """See BlobStore."""
        path = self.folder / name
        return BlobProperties(path.stat().st_size, datetime.now(UTC), None) if path.exists() else None

    async def close(self) -> None:
        """See BlobStore."""

    def _counted(self, name: str, offset: int, length: int) -> bytes:
        try:
            with (self.folder / name).open("rb") as file:
                file.seek(offset)
                content = file.read(length)
        except FileNotFoundError:
            raise Missing(f"{name} is not there") from None
        self.bytes_read += len(content)
        self.reads += 1
        return content
