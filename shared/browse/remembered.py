"""A vault whose sidecars and manifests are remembered: immutable, read again and again when a past is followed."""

from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from typing import BinaryIO

from shared.repository.manifest import Layer, Manifest
from shared.repository.store import BlobEntry, BlobProperties, BlobStore

MOST_BYTES = 64 * 1024 * 1024
_LARGEST = 512 * 1024
MOST_MANIFESTS = 4_000


class Manifests(OrderedDict[tuple[str, int], Manifest]):
    """At most MOST_MANIFESTS of them, equal layers kept once: restore points that follow each other share most."""

    def __init__(self) -> None:
        super().__init__()
        self._layers: dict[Layer, Layer] = {}

    def __setitem__(self, key: tuple[str, int], manifest: Manifest) -> None:
        """Keep one more; the first to come is the first to go."""
        types = {
            name: replace(entry, layers=tuple(self._layers.setdefault(layer, layer) for layer in entry.layers))
            for name, entry in manifest.types.items()
        }
        super().__setitem__(key, replace(manifest, types=types))
        if len(self) > MOST_MANIFESTS:
            self.popitem(last=False)


class Remembered:
    """Reads as the store that it stands before; parts of sidecars come from memory the second time."""

    def __init__(self, store: BlobStore, most_bytes: int = MOST_BYTES) -> None:
        self._store, self._most_bytes = store, most_bytes
        self._parts: OrderedDict[tuple[str, int, int], bytes] = OrderedDict()
        self._bytes = 0
        self.manifests: Manifests = Manifests()
        """Manifests read before, by tenant and number; which of them are there still is listed each time."""

    async def get(self, name: str) -> bytes:
        """The whole blob, or Missing."""
        if not name.endswith(".idx"):
            return await self._store.get(name)
        part = self._known((name, 0, -1))
        return self._keep((name, 0, -1), await self._store.get(name)) if part is None else part

    async def get_range(self, name: str, offset: int, length: int) -> bytes:
        """A part of a blob, or Missing."""
        if not name.endswith(".idx"):
            return await self._store.get_range(name, offset, length)
        part = self._known((name, offset, length))
        if part is None:
            part = self._keep((name, offset, length), await self._store.get_range(name, offset, length))
        return part

    async def put_new(self, name: str, content: bytes | BinaryIO, *, retain_until: datetime | None = None) -> None:
        """As the store does."""
        await self._store.put_new(name, content, retain_until=retain_until)

    async def put(self, name: str, content: bytes) -> None:
        """As the store does."""
        await self._store.put(name, content)

    def list(self, prefix: str) -> AsyncIterator[BlobEntry]:
        """As the store does."""
        return self._store.list(prefix)

    async def delete(self, name: str) -> None:
        """As the store does."""
        await self._store.delete(name)

    async def extend_retention(self, name: str, until: datetime) -> None:
        """As the store does."""
        await self._store.extend_retention(name, until)

    async def properties(self, name: str) -> BlobProperties | None:
        """As the store does."""
        return await self._store.properties(name)

    async def close(self) -> None:
        """Forget what was remembered; the store is its owner's to close."""
        self._parts.clear()
        self._bytes = 0
        self.manifests.clear()

    def _known(self, key: tuple[str, int, int]) -> bytes | None:
        part = self._parts.get(key)
        if part is not None:
            self._parts.move_to_end(key)
        return part

    def _keep(self, key: tuple[str, int, int], part: bytes) -> bytes:
        if len(part) <= _LARGEST and key not in self._parts:
            self._parts[key] = part
            self._bytes += len(part)
            while self._bytes > self._most_bytes:
                self._bytes -= len(self._parts.popitem(last=False)[1])
        return part


_by_store: OrderedDict[int, tuple[BlobStore, Remembered]] = OrderedDict()


def remembered(store: BlobStore) -> Remembered:
    """The one memory of this store in this process."""
    if id(store) not in _by_store:
        _by_store[id(store)] = store, Remembered(store)
        while len(_by_store) > 2:
            _by_store.popitem(last=False)
    return _by_store[id(store)][1]
