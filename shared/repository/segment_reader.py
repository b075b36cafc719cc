"""Reading segments from their own bytes, without a sidecar: for checking, and for making a sidecar again."""

import hashlib
import io
import struct
from collections.abc import Iterator
from typing import IO

import zstandard

from shared.errors import Corrupt
from shared.repository.records import Holds, canonical, id16, link16, parse
from shared.repository.sidecar import MAX_FRAME_TEXT_BYTES, OFFSET_SHIFT, REMOVED, Frame, build_sidecar

_CHUNK_BYTES = 1024 * 1024
_PLACE = struct.Struct("<II")
_KINDS = {"objects": ("object", "removed"), "links": ("link", "unlink")}


def frames_of(segment: IO[bytes]) -> Iterator[tuple[Frame, bytes]]:
    """Each frame of a segment and its text, from the file's place on; Corrupt if the last one is cut
    short."""
    context = zstandard.ZstdDecompressor()
    offset = 0
    rest = segment.read(_CHUNK_BYTES)
    while rest:
        frame = context.decompressobj()
        text: list[bytes] = []
        length, text_length = 0, 0
        while not frame.eof:
            if not rest:
                raise Corrupt("the segment is cut short")
            try:
                text.append(frame.decompress(rest))
            except zstandard.ZstdError as error:
                raise Corrupt("a frame of the segment is damaged") from error
            length += len(rest)
            text_length += len(text[-1])
            if text_length > MAX_FRAME_TEXT_BYTES:
                raise Corrupt("a frame of the segment holds more text than a frame may")
            rest = frame.unused_data if frame.eof else segment.read(_CHUNK_BYTES)
        length -= len(rest)
        whole = b"".join(text)
        yield Frame(offset, length, whole.count(b"\n")), whole
        offset += length
        rest = rest or segment.read(_CHUNK_BYTES)


def rebuild_sidecar(segment: IO[bytes], holds: Holds, object_type: str) -> tuple[bytes, int, int]:
    """The sidecar that follows from a segment, its number of records and of cut entries.

    Corrupt if a record is not JSON, is of another type, or does not belong in a segment of this sort.
    """
    segment.seek(0)
    sha256 = hashlib.sha256()
    while chunk := segment.read(_CHUNK_BYTES):
        sha256.update(chunk)
    segment.seek(0)
    frames: list[Frame] = []
    entries = io.BytesIO()
    for frame, text in frames_of(segment):
        if not text:  # a skippable frame, which holds no record
            continue
        at = 0
        for line in text.split(b"\n")[:-1]:
            key, removed = _key_of(line, holds, object_type)
            entries.write(key)
            entries.write(_PLACE.pack(len(frames), at << OFFSET_SHIFT | (REMOVED if removed else 0)))
            at += len(line) + 1
        frames.append(frame)
    size = segment.tell()
    entries.seek(0)
    sidecar, removals = build_sidecar(holds, sha256.digest(), size, frames, entries)
    return sidecar, sum(frame.records for frame in frames), removals


def _key_of(line: bytes, holds: Holds, object_type: str) -> tuple[bytes, bool]:
    """What the record's entry begins with, and whether it is a removal."""
    record = parse(line)
    kind = record.get("kind")
    if kind not in _KINDS[holds] or record.get("type") != object_type:
        raise Corrupt(f"a segment of {holds} of type {object_type} holds a record of another sort")
    try:
        if holds == "links":
            return id16(record["id"]) + link16(record["link"], record["target"]), kind == "unlink"
        if "volatile" in record:
            del record["volatile"]
            line = canonical(record)
        return id16(record["id"]) + hashlib.sha256(line).digest()[:16], kind == "removed"
    except (KeyError, AttributeError) as error:
        raise Corrupt(f"a record lacks what its kind needs: {error}") from error
