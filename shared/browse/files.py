"""A bounded cache of index files on this machine's own disk, since DuckDB reads local files only.

Files are named by their content, so one that is there is the right one. The least recently used go when the folder
outgrows its bound; those that a query is reading stay.
"""

import asyncio
import atexit
import hashlib
import shutil
import tempfile
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Literal

from shared.browse.engine import Engine
from shared.browse.index import Known, NotUnpacked, Part, TypeIndex, find_index, forget
from shared.errors import Corrupt, Missing
from shared.repository.manifest import Manifest
from shared.repository.store import BlobStore, at_once

CACHE_BYTES = 2 * 1024**3
"""Up to which index files are kept: some twenty million objects."""


class IndexFiles:
    """The folder, and the engine that reads in it."""

    def __init__(self, folder: Path, most_bytes: int = CACHE_BYTES) -> None:
        self.folder = folder
        self.engine = Engine(folder)
        self.known: Known = {}
        self._most_bytes = most_bytes
        self._sizes: OrderedDict[str, int] = OrderedDict()
        self._in_use: Counter[str] = Counter()
        self._fetching: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def local(self, workspace: BlobStore, wanted: Sequence[tuple[TypeIndex, Part]]) -> AsyncIterator[list[str]]:
        """The paths of these files while the context lasts; Missing if one is not in the workspace any more."""
        names = [part.sha256 for _, part in wanted]
        self._in_use.update(names)
        try:
            await at_once(self._fetch(workspace, index, part) for index, part in wanted)
            yield [str(self._path(name)) for name in names]
        finally:
            self._in_use.subtract(names)
            self._in_use += Counter()
            self._trim()

    @asynccontextmanager
    async def of_types(
        self, workspace: BlobStore, manifest: Manifest, types: Iterable[str], what: Literal["objects", "links"]
    ) -> AsyncIterator[list[str]]:
        """The paths of a restore point's files of these types while the context lasts; NotUnpacked.

        A summary known from before may be of an index that was dropped and made anew since: it is read once more.
        """
        chosen = list(types)
        async with AsyncExitStack() as stack:
            indexes = await find_index(workspace, manifest, chosen, self.known)
            try:
                paths = await stack.enter_async_context(self.local(workspace, files_of(indexes, what)))
            except Missing:
                forget(self.known, indexes)
                indexes = await find_index(workspace, manifest, chosen, self.known)
                try:
                    paths = await stack.enter_async_context(self.local(workspace, files_of(indexes, what)))
                except Missing as error:
                    forget(self.known, indexes)
                    raise NotUnpacked(f"Restore point {manifest.backup_id} is packed.") from error
            yield paths

    def keep(self, content: bytes, sha256: str) -> None:
        """Put a file that was just made into the cache, so that the machine that unpacks need not fetch it."""
        if sha256 not in self._sizes:
            self._write(content, sha256)
            self._trim()

    async def _fetch(self, workspace: BlobStore, index: TypeIndex, part: Part) -> None:
        lock = self._fetching.setdefault(part.sha256, asyncio.Lock())
        try:
            async with lock:
                if part.sha256 in self._sizes:
                    self._sizes.move_to_end(part.sha256)
                    return
                content = await workspace.get(index.part_name(part))
                if hashlib.sha256(content).hexdigest() != part.sha256:
                    raise Corrupt(
                        "a file of the index does not have the content that its name says",
                        remedy="Pack the restore point and unpack it again.",
                    )
                await asyncio.to_thread(self._write, content, part.sha256)
        finally:
            if not lock.locked():
                self._fetching.pop(part.sha256, None)

    def _write(self, content: bytes, sha256: str) -> None:
        path = self._path(sha256)
        draft = path.with_suffix(".new")
        draft.write_bytes(content)
        draft.replace(path)
        self._sizes[sha256] = len(content)

    def _trim(self) -> None:
        excess = sum(self._sizes.values()) - self._most_bytes
        for name in list(self._sizes):
            if excess <= 0:
                return
            if not self._in_use[name]:
                excess -= self._sizes.pop(name)
                self._path(name).unlink(missing_ok=True)

    def _path(self, sha256: str) -> Path:
        return self.folder / f"{sha256}.parquet"


def files_of(indexes: Mapping[str, TypeIndex], what: Literal["objects", "links"]) -> list[tuple[TypeIndex, Part]]:
    """The files of these indexes."""
    return [
        (index, part) for index in indexes.values() for part in (index.objects if what == "objects" else index.links)
    ]


def index_files() -> IndexFiles:
    """The cache of this process, in a folder that nobody else can read and that goes with the process."""
    global _files
    if _files is None:
        folder = Path(tempfile.mkdtemp(prefix="cairn-index-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        _files = IndexFiles(folder)
    return _files


_files: IndexFiles | None = None
