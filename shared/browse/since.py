"""What of a restore point is gone from the newest one: told from sidecars, and remembered while both stay."""

from collections import OrderedDict
from collections.abc import Collection, Iterable

import numpy as np

from shared.repository.comparison import compare
from shared.repository.manifest import Layer, Manifest
from shared.repository.store import BlobStore
from shared.repository.view import TypeView

_BATCH = 5_000
_MOST_REMEMBERED = 200
type _Key = tuple[str, str, tuple[Layer, ...], tuple[Layer, ...]]
_remembered: OrderedDict[_Key, frozenset[str]] = OrderedDict()


class Since:
    """One restore point as the newest one has it."""

    def __init__(self, vault: BlobStore, manifest: Manifest, newest: Manifest | None) -> None:
        self._vault, self._manifest, self._newest = vault, manifest, newest

    async def gone(self, types: Iterable[str]) -> dict[str, frozenset[str]]:
        """The objects of each type that the newest restore point has not any more."""
        found = {name: await self._gone(name) for name in types}
        return {name: ids for name, ids in found.items() if ids}

    async def gone_of(self, object_type: str, object_ids: Collection[str]) -> frozenset[str]:
        """Those of some objects that the newest restore point has not any more."""
        before, after = self._layers(object_type)
        if before == after or not object_ids:
            return frozenset()
        remembered = _remembered.get((self._manifest.tenant_id, object_type, before, after))
        if remembered is not None:
            return remembered.intersection(object_ids)
        here, there = self._view(object_type, before), self._view(object_type, after)
        known, living = await here.hashes_of(object_ids), await there.hashes_of(object_ids)
        return frozenset(known.keys() - living.keys())

    async def _gone(self, object_type: str) -> frozenset[str]:
        before, after = self._layers(object_type)
        if before == after:
            return frozenset()
        key = (self._manifest.tenant_id, object_type, before, after)
        if key not in _remembered:
            here = self._view(object_type, before)
            removed = (await compare(here, self._view(object_type, after))).removed
            ids: list[str] = []
            for at in range(0, len(removed), _BATCH):
                batch = removed.only(np.arange(at, min(at + _BATCH, len(removed))))
                ids += [record.object_id for record in await here.read_objects(batch)]
            _remembered[key] = frozenset(ids)
            while len(_remembered) > _MOST_REMEMBERED:
                _remembered.popitem(last=False)
        return _remembered[key]

    def _layers(self, object_type: str) -> tuple[tuple[Layer, ...], tuple[Layer, ...]]:
        """The type's layers here and in the newest; where the newest knows nothing of it, nothing is gone."""
        before = self._manifest.types.get(object_type)
        after = self._newest.types.get(object_type) if self._newest else None
        if before is None or after is None or not after.layers:
            return (), ()
        return before.layers, after.layers

    def _view(self, object_type: str, layers: tuple[Layer, ...]) -> TypeView:
        return TypeView(self._vault, self._manifest.tenant_id, object_type, layers)

