"""Restore points that expired after an index named them: what it says was captured then is told of the oldest living
one that holds the same."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.browse.origins import Origin
from shared.errors import Missing
from shared.records.times import as_text
from shared.repository.chain import read_manifest
from shared.repository.store import BlobStore


@dataclass(slots=True)
class Living:
    """The restore points that there are, by number, oldest first."""

    vault: BlobStore
    tenant_id: str
    numbers: Sequence[int]
    _known: dict[str, Origin] = field(default_factory=dict)

    async def of(self, captured: str, captured_at: str) -> Origin:
        """The restore point that captured an object, or the first after it that is still there."""
        if not captured.isdecimal():
            return captured, captured_at
        if captured not in self._known:
            self._known[captured] = await self._of(int(captured), (captured, captured_at))
        return self._known[captured]

    async def _of(self, number: int, named: Origin) -> Origin:
        for living in self.numbers[bisect_left(self.numbers, number) :]:
            if living == number:
                return named
            try:
                manifest = await read_manifest(self.vault, self.tenant_id, living)
            except Missing:  # it expires just now
                continue
            return manifest.backup_id, as_text(manifest.started)
        return named
