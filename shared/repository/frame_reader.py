"""Reading records out of a stored segment by frame, in ranges that join frames lying together.

Fetching goes on while the last range is decoded; decoding runs in a worker thread. Each frame's checksum and
count of records is checked, and when a segment was read as a whole, its SHA-256.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping

import zstandard

from shared.errors import Corrupt
from shared.repository.names import segment_name
from shared.repository.sidecar import MAX_FRAME_TEXT_BYTES, Frame
from shared.repository.sidecar_reader import SidecarReader
from shared.repository.store import PARALLEL_REQUESTS, BlobStore, at_once

# What one range holds is decoded at once: this bounds the memory of a reader.
RANGE_BYTES = 1024 * 1024
RANGE_RECORDS = 4_000
# Frames with less than this between them are fetched in one request, the gap with them.
GAP_BYTES = 32 * 1024

type Hidden = Mapping[int, Collection[int]]  # frame -> offsets of the lines that are not wanted


class FrameReader:
    """One segment in a store."""

    def __init__(self, store: BlobStore, tenant_id: str, sidecar: SidecarReader) -> None:
        self._store = store
        self._sidecar = sidecar
        self._name = segment_name(tenant_id, sidecar.segment.sha256)

    async def lines_but[T](self, hidden: Hidden, decode: Callable[[bytes], T]) -> AsyncIterator[list[T]]:
        """Every line but the hidden ones, decoded, in lists of a range each; Missing or Corrupt."""
        frames = await self._sidecar.frames()
        wanted = [n for n, frame in enumerate(frames) if len(hidden.get(n, ())) < frame.records]
        ranges = _ranges(frames, wanted, gap=0)
        whole = hashlib.sha256() if len(wanted) == len(frames) else None
        ahead = self._ahead(ranges[0]) if ranges else None
        try:
            for number, part in enumerate(ranges):
                assert ahead is not None  # noqa: S101 - set before every turn
                content = await ahead
                ahead = self._ahead(ranges[number + 1]) if number + 1 < len(ranges) else None
                yield await asyncio.to_thread(self._decode_but, frames, part, content, hidden, decode, whole)
        finally:
            if ahead is not None:
                ahead.cancel()
        if whole is not None:
            end = frames[-1].offset + frames[-1].length if frames else 0
            rest = self._sidecar.segment.size - end  # skippable frames, where the segment was written anew
            if rest:
                whole.update(await self._store.get_range(self._name, end, rest))
        if whole is not None and whole.hexdigest() != self._sidecar.segment.sha256:
            raise Corrupt(f"{self._name} does not have the content that its name says")

    async def lines_at[T](
        self, places: Collection[tuple[int, int]], decode: Callable[[bytes], T]
    ) -> dict[tuple[int, int], T]:
        """The lines at these places (frame, offset), decoded; Missing or Corrupt."""
        frames = await self._sidecar.frames()
        wanted: dict[int, list[int]] = {}
        for frame, offset in places:
            wanted.setdefault(frame, []).append(offset)
        if wanted and max(wanted) >= len(frames):
            raise Corrupt(f"the sidecar of {self._name} points beyond its frames")
        found: dict[tuple[int, int], T] = {}

        async def fetch(part: list[int]) -> None:
            content = await self._fetch(frames, part)
            found.update(await asyncio.to_thread(self._decode_at, frames, part, content, wanted, decode))

        await at_once((fetch(part) for part in _ranges(frames, sorted(wanted), GAP_BYTES)), PARALLEL_REQUESTS)
        return found

    def _ahead(self, part: list[int]) -> asyncio.Task[bytes]:
        async def fetch() -> bytes:
            return await self._fetch(await self._sidecar.frames(), part)

        return asyncio.create_task(fetch())

    async def _fetch(self, frames: list[Frame], part: list[int]) -> bytes:
        first, last = frames[part[0]], frames[part[-1]]
        length = last.offset + last.length - first.offset
        content = await self._store.get_range(self._name, first.offset, length)
        if len(content) != length:
            raise Corrupt(f"{self._name} is cut short")
        return content

    def _decode_but[T](
        self,
        frames: list[Frame],
        part: list[int],
        content: bytes,
        hidden: Hidden,
        decode: Callable[[bytes], T],
        whole: "hashlib._Hash | None",
    ) -> list[T]:
        if whole is not None:
            whole.update(content)
        decoded: list[T] = []
        for number, text in self._texts(frames, part, content):
            lines = text.split(b"\n")
            lines.pop()
            if len(lines) != frames[number].records:
                raise Corrupt(f"a frame of {self._name} does not hold the records that its sidecar says")
            unwanted = hidden.get(number)
            if not unwanted:
                decoded += map(decode, lines)
                continue
            at = 0
            for line in lines:
                if at not in unwanted:
                    decoded.append(decode(line))
                at += len(line) + 1
        return decoded

    def _decode_at[T](
        self,
        frames: list[Frame],
        part: list[int],
        content: bytes,
        wanted: Mapping[int, list[int]],
        decode: Callable[[bytes], T],
    ) -> dict[tuple[int, int], T]:
        found: dict[tuple[int, int], T] = {}
        for number, text in self._texts(frames, part, content):
            for offset in wanted[number]:
                end = text.find(b"\n", offset)
                if end < 0:
                    raise Corrupt(f"the sidecar of {self._name} points beyond a frame")
                found[number, offset] = decode(text[offset:end])
        return found

    def _texts(self, frames: list[Frame], part: list[int], content: bytes) -> Iterator[tuple[int, bytes]]:
        context = zstandard.ZstdDecompressor()
        view = memoryview(content)
        start = frames[part[0]].offset
        for number in part:
            frame = frames[number]
            try:
                piece = view[frame.offset - start : frame.offset - start + frame.length]
                if zstandard.frame_content_size(piece) > MAX_FRAME_TEXT_BYTES:
                    raise Corrupt(f"a frame of {self._name} claims more text than a frame holds")
                text = context.decompress(piece)
            except zstandard.ZstdError as error:
                raise Corrupt(f"a frame of {self._name} is damaged") from error
            yield number, text


def _ranges(frames: list[Frame], wanted: list[int], gap: int) -> list[list[int]]:
    """Frames in groups to be fetched by one request each: close together, and not too many bytes."""
    ranges: list[list[int]] = []
    for number in wanted:
        frame = frames[number]
        if ranges:
            first, last = frames[ranges[-1][0]], frames[ranges[-1][-1]]
            close = frame.offset - (last.offset + last.length) <= gap
            records = sum(frames[n].records for n in ranges[-1]) + frame.records
            if close and records <= RANGE_RECORDS and frame.offset + frame.length - first.offset <= RANGE_BYTES:
                ranges[-1].append(number)
                continue
        ranges.append([number])
    return ranges
