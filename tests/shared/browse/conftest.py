"""A backup without the durable engine, unpacked without it too."""

from pathlib import Path

import pytest

from shared.browse.files import IndexFiles
from shared.browse.unpacking import Checkpoint, Unpacking
from shared.repository.manifest import Manifest
from tests.shared.backup.conftest import Backups, backups

__all__ = ["backups", "files"]


@pytest.fixture
def files(tmp_path: Path) -> IndexFiles:
    folder = tmp_path / "index"
    folder.mkdir()
    return IndexFiles(folder)


async def unpack(backups: Backups, manifest: Manifest, *, slice_seconds: float = 60.0) -> int:
    """Unpack to the end; returns how many slices it took."""
    work = Unpacking(backups.opened.vault, backups.opened.workspace, manifest, slice_seconds=slice_seconds)
    reached: Checkpoint | None = Checkpoint()
    slices = 0
    while reached is not None:
        reached = await work.slice(reached)
        slices += 1
    return slices
