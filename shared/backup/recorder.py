"""Put what a page held into segments: objects into one writer, links into another; used by one thread at a time.

Volatile properties (the catalog's `volatile`: names, or dotted paths with `[]` after a collection) are moved beside the
body, so that they are kept and never count as a change.
"""

import asyncio
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

from shared.backup.tallies import tallies_of
from shared.repository.records import ObjectRecord, RemovalReason
from shared.repository.segments import SegmentDraft, SegmentWriter

type Json = dict[str, Any]


class Recorder:
    """Collects one type's records; hands over a segment whenever one is full."""

    def __init__(self, object_type: str, volatile: Iterable[str] = ()) -> None:
        self._type = object_type
        self._split = volatile_splitter(tuple(volatile))
        self._tallies = tallies_of(object_type)
        self.tallied = dict.fromkeys(self._tallies, 0)
        self._objects = SegmentWriter(object_type, "objects")
        self._links = SegmentWriter(object_type, "links")
        self.object_records = 0
        self.link_records = 0

    def object(self, object_id: str, body: Json) -> None:
        """Record an object as it is now; `body` becomes the recorder's."""
        for name, tally in self._tallies.items():
            self.tallied[name] += tally.counts(body)
        self._objects.put_object(object_id, body, self._split(body))
        self.object_records += 1

    def kept(self, record: ObjectRecord) -> None:
        """Record an object again as it was captured once."""
        self._objects.put_object(record.object_id, record.body, record.volatile)
        self.object_records += 1

    def removed(self, object_id: str, reason: RemovalReason) -> None:
        """Record that an object is gone."""
        self._objects.put_removed(object_id, reason)
        self.object_records += 1

    def link(self, source_id: str, name: str, target_id: str, target_type: str) -> None:
        """Record a link."""
        self._links.put_link(source_id, name, target_id, target_type or "unknown")
        self.link_records += 1

    def unlink(self, source_id: str, name: str, target_id: str, target_type: str = "") -> None:
        """Record that a link is gone."""
        self._links.put_unlink(source_id, name, target_id, target_type or "unknown")
        self.link_records += 1

    def full(self) -> list[SegmentDraft]:
        """The segments that are full, finished; the caller stores and closes them."""
        drafts = []
        if self._objects.is_full:
            drafts.append(self._objects.finish())
            self._objects = SegmentWriter(self._type, "objects")
        if self._links.is_full:
            drafts.append(self._links.finish())
            self._links = SegmentWriter(self._type, "links")
        return drafts

    def finish(self) -> list[SegmentDraft]:
        """All that is left, finished; the recorder takes no more."""
        drafts = []
        for writer in (self._objects, self._links):
            if writer.records:
                drafts.append(writer.finish())
            else:
                writer.discard()
        return drafts

    def discard(self) -> None:
        """Drop what was recorded and not handed over."""
        self._objects.discard()
        self._links.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()


async def drafts_of(work: Callable[[], list[SegmentDraft]]) -> list[SegmentDraft]:
    """The drafts that `work` makes in a worker thread; the caller closes them.

    A thread cannot be stopped: whoever is cancelled meanwhile waits for its end, so that nothing is recorded into what
    was discarded, and the drafts that nobody takes any more are closed.
    """
    working = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait([working])
        if not working.cancelled() and working.exception() is None:
            for draft in working.result():
                draft.close()
        raise


def volatile_splitter(paths: tuple[str, ...]) -> Callable[[Json], Json | None]:
    """A function that takes volatile properties out of a body and returns them, or None where there were none."""
    plain = tuple(path for path in paths if "." not in path and "[]" not in path)
    nested = tuple((path, tuple(path.replace("[]", "").split("."))) for path in paths if path not in plain)

    def split(body: Json) -> Json | None:
        taken: Json = {}
        for name in plain:
            if name in body:
                taken[name] = body.pop(name)
        for path, steps in nested:
            found = _take(body, steps)
            if found:
                taken[path] = found
        return taken or None

    return split


def _take(value: Any, steps: tuple[str, ...]) -> list[Any]:
    """What lay at the path, in order, taken out of `value`."""
    if isinstance(value, list):
        return [found for one in value for found in _take(one, steps)]
    if not isinstance(value, dict) or steps[0] not in value:
        return []
    if len(steps) == 1:
        return [value.pop(steps[0])]
    return _take(value[steps[0]], steps[1:])
