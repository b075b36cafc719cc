"""What a view holds, as ids and hashes alone: for telling, page by page, what a fresh read changes.

40 bytes an object in memory and no segment opened; use `comparison.compare` where both sides are stored.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shared.repository.records import id16
from shared.repository.sidecar import column
from shared.repository.view import TypeView, Winners, concatenated

_BATCH = 5_000


class ViewState:
    """The objects of one view, and which of them a fresh read has met so far."""

    def __init__(self, view: TypeView, winners: Winners) -> None:
        self._view = view
        self._winners = winners
        self._highs = column(winners.entries, "id_hi")
        self._met = np.zeros(len(winners), np.bool_)

    @staticmethod
    async def of(view: TypeView) -> "ViewState":
        """The state of a view; Missing or Corrupt if a sidecar cannot be read."""
        parts = [await view.winners_between("objects", *part) for part in await view.ranges("objects")]
        return ViewState(view, concatenated(parts))

    def __len__(self) -> int:
        return len(self._winners)

    def meet(self, object_ids: Sequence[str]) -> list[bytes | None]:
        """For each object of a freshly read page the hash16 that the view has for it, or None if it is new
        there.

        Equal to `object_hash16` of the fresh object means unchanged. Objects met are not `unmet` any more.
        """
        keys = [id16(object_id) for object_id in object_ids]
        wanted = np.frombuffer(b"".join(key[:8] for key in keys), ">u8").astype(np.uint64)
        starts: npt.NDArray[np.intp] = np.searchsorted(self._highs, wanted)
        return [self._hash_at(int(start), key) for start, key in zip(starts, keys, strict=True)]

    async def unmet(self) -> list[str]:
        """The ids of the objects that the fresh read has not met: gone, if it was whole."""
        places = np.flatnonzero(~self._met)
        ids: list[str] = []
        for at in range(0, len(places), _BATCH):
            records = await self._view.read_objects(self._winners.only(places[at : at + _BATCH]))
            ids += [record.object_id for record in records]
        return ids

    def _hash_at(self, place: int, key: bytes) -> bytes | None:
        """The hash at the first entry from `place` on that has this key; ids that share their first half
        follow on."""
        entries = self._winners.entries
        while place < len(entries):
            found: bytes = entries[place].tobytes()
            if found[:8] != key[:8]:
                return None
            if found[8:16] == key[8:]:
                self._met[place] = True
                return found[16:32]
            place += 1
        return None
