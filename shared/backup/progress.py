"""How far one lane is, told to the task: what its types hold together, at most once a second.

Only sums are shown, so a lane tells one sum: a backup has some ten lanes and some eighty types.
"""

import time
from collections.abc import Iterable

from shared.backup.checkpoint import TypeCapture
from shared.records.tasks import Tasks

TOLD_EVERY_SECONDS = 1.0


class LaneProgress:
    """Counts what the types of a lane have read; `captures` are those of the slices before."""

    def __init__(self, tasks: Tasks, task_id: str, lane: str, captures: Iterable[TypeCapture] = ()) -> None:
        self._tasks, self._task_id, self._lane = tasks, task_id, lane
        self._done = {one.object_type: one.object_records for one in captures}
        self._expected: dict[str, int] = {}
        self._told = time.monotonic() - TOLD_EVERY_SECONDS

    def expect(self, object_type: str, count: int) -> None:
        """That many are likely to come; 0 once the type is read, since what was read is then all."""
        self._expected[object_type] = count

    async def count(self, object_type: str, done: int) -> None:
        """So many of the type are read by now."""
        self._done[object_type] = done
        if time.monotonic() - self._told > TOLD_EVERY_SECONDS:
            await self.tell()

    async def tell(self) -> None:
        """Say it now."""
        self._told = time.monotonic()
        total = sum(max(done, self._expected.get(name, 0)) for name, done in self._done.items())
        total += sum(count for name, count in self._expected.items() if name not in self._done)
        await self._tasks.progress(self._task_id, self._lane, done=sum(self._done.values()), total=total)
