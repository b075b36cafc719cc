"""Writing segments: records in, one content-named file and its sidecar out.

Invariants: the same records in the same order make the same bytes; memory is bounded (text and entries go to
temporary files frame by frame; only while the sidecar is sorted are its entries in memory); nothing is visible in the
store before it is whole. Where what lies under a segment's name, or its sidecar's, is damaged, the same records are
stored under other names: the file gets an empty skippable frame more at its end.
"""

import asyncio
import hashlib
import io
import struct
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, BinaryIO, Self, cast

import orjson
import zstandard

from shared.errors import Corrupt
from shared.repository.manifest import SegmentRef
from shared.repository.memory_store import clock
from shared.repository.names import segment_name, sidecar_name
from shared.repository.records import (
    REMOVAL_REASONS,
    Holds,
    Json,
    RemovalReason,
    canonical,
    id16,
    link16,
    object_text,
)
from shared.repository.retention import put_content_named
from shared.repository.sidecar import (
    MAX_FRAME_TEXT_BYTES,
    OFFSET_SHIFT,
    REMOVED,
    SALT,
    Frame,
    build_sidecar,
    of_other_segment,
)
from shared.repository.store import PART_BYTES, BlobStore

FRAME_RECORDS = 1_000
FRAME_TEXT_BYTES = 4 * 1024 * 1024
SEGMENT_BYTES = 64 * 1024 * 1024
# Sorting a sidecar takes some 120 bytes each of memory for a moment: with this many, less than a page of users takes.
SEGMENT_RECORDS = 200_000
# How long a segment is kept that no restore point names yet: longer than any backup takes.
UNSEALED_RETENTION = timedelta(days=1)
# Damage under so many names of one content is no accident.
NAMES_TRIED = 8
# Some twenty writers are open while a tenant is read: what is longer than this waits on disk and not in memory.
_SPOOL_BYTES = 512 * 1024
_PLACE = struct.Struct("<II")


@dataclass(slots=True)
class SegmentDraft:
    """A finished segment that is not stored yet; `close` drops its temporary file."""

    object_type: str
    holds: Holds
    file: IO[bytes]
    sha256: str
    size: int
    sidecar: bytes
    records: int
    removals: int

    def rename(self) -> None:
        """Make it another file of the same records: one skippable frame longer, so with other hashes."""
        self.file.seek(0, io.SEEK_END)
        self.file.write(SALT)
        self.size += len(SALT)
        self.file.seek(0)
        sha256 = hashlib.sha256()
        while chunk := self.file.read(PART_BYTES):
            sha256.update(chunk)
        self.sha256 = sha256.hexdigest()
        self.sidecar = of_other_segment(self.sidecar, sha256.digest(), self.size)

    def close(self) -> None:
        """Drop the temporary file; safe to repeat."""
        self.file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class SegmentWriter:
    """Collects the records of one object type, either objects or links; used by one thread at a time.

    When `is_full`, the caller finishes this one and goes on with another. As a context it discards what was
    not finished.
    """

    def __init__(self, object_type: str, holds: Holds) -> None:
        self.object_type = object_type
        self.holds: Holds = holds
        self.records = 0
        self._type_text = orjson.dumps(object_type)
        self._file: IO[bytes] | None = None
        self._sha256 = hashlib.sha256()
        self._compressor = zstandard.ZstdCompressor(level=3, write_checksum=True, write_content_size=True)
        self._frames: list[Frame] = []
        self._entries = bytearray()  # of the frame being filled
        self._index: IO[bytes] | None = None
        self._lines: list[bytes] = []
        self._line_bytes = 0
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether this segment has reached its size; more may still be put."""
        return self._bytes >= SEGMENT_BYTES or self.records >= SEGMENT_RECORDS

    @property
    def stored_bytes(self) -> int:
        """Compressed bytes so far, without the frame being filled."""
        return self._bytes

    def put_object(self, object_id: str, body: Json, volatile: Json | None = None) -> bytes:
        """Add an object, and say its hash16; `volatile` is kept beside the body and is no part of the
        hash."""
        self._only("objects")
        text = object_text(self.object_type, object_id, body)
        hash16 = hashlib.sha256(text).digest()[:16]
        if volatile:
            text = b'%b,"volatile":%b}' % (text[:-1], canonical(volatile))
        self._put(id16(object_id), hash16, text, 0)
        return hash16

    def put_removed(self, object_id: str, reason: RemovalReason, at: str | None = None) -> None:
        """Say that an object is gone: hides its earlier records and its own links; `at` is RFC 3339, where
        known."""
        self._only("objects")
        if reason not in REMOVAL_REASONS:
            raise ValueError(f"reason: expected one of {REMOVAL_REASONS}, found {reason!r}")
        record = {"id": object_id, "kind": "removed", "reason": reason, "type": self.object_type}
        text = canonical(record | {"at": at} if at else record)
        self._put(id16(object_id), hashlib.sha256(text).digest()[:16], text, REMOVED)

    def put_link(self, source_id: str, link: str, target_id: str, target_type: str = "unknown") -> None:
        """Add a link; one that is there already stays one."""
        self._put_edge(b"link", source_id, link, target_id, target_type, 0)

    def put_unlink(self, source_id: str, link: str, target_id: str, target_type: str = "unknown") -> None:
        """Say that a link is gone."""
        self._put_edge(b"unlink", source_id, link, target_id, target_type, REMOVED)

    def finish(self) -> SegmentDraft:
        """The segment, ready to be stored; the writer takes no more."""
        self._end_frame()
        file = self._file = self._file or _spool()
        file.seek(0)
        digest = self._sha256.digest()
        with self._index or _spool() as index:
            index.seek(0)
            sidecar, removals = build_sidecar(self.holds, digest, self._bytes, self._frames, index)
        self._file = self._index = None
        return SegmentDraft(
            self.object_type, self.holds, file, digest.hex(), self._bytes, sidecar, self.records, removals
        )

    def discard(self) -> None:
        """Drop what was put, where the read failed; nothing after `finish`; safe to repeat."""
        for file in (self._file, self._index):
            if file is not None:
                file.close()
        self._file = self._index = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    def _put_edge(self, kind: bytes, source_id: str, link: str, target_id: str, target_type: str, bits: int) -> None:
        self._only("links")
        text = b'{"id":%b,"kind":"%b","link":%b,"target":%b,"targetType":%b,"type":%b}' % (
            orjson.dumps(source_id),
            kind,
            orjson.dumps(link),
            orjson.dumps(target_id),
            orjson.dumps(target_type),
            self._type_text,
        )
        self._put(id16(source_id), link16(link, target_id), text, bits)

    def _put(self, key: bytes, hash16: bytes, text: bytes, bits: int) -> None:
        if len(self._lines) >= FRAME_RECORDS or self._line_bytes + len(text) > FRAME_TEXT_BYTES:
            self._end_frame()
        if len(text) >= MAX_FRAME_TEXT_BYTES:
            raise ValueError("a record is larger than a frame may be")
        self._entries += key
        self._entries += hash16
        self._entries += _PLACE.pack(len(self._frames), self._line_bytes << OFFSET_SHIFT | bits)
        self._lines.append(text)
        self._line_bytes += len(text) + 1
        self.records += 1

    def _end_frame(self) -> None:
        if not self._lines:
            return
        self._lines.append(b"")
        frame = self._compressor.compress(b"\n".join(self._lines))
        self._frames.append(Frame(self._bytes, len(frame), len(self._lines) - 1))
        self._file = self._file or _spool()
        self._file.write(frame)
        self._index = self._index or _spool()
        self._index.write(self._entries)
        self._sha256.update(frame)
        self._bytes += len(frame)
        self._entries = bytearray()
        self._lines = []
        self._line_bytes = 0

    def _only(self, holds: Holds) -> None:
        if self.holds != holds:
            raise ValueError(f"this segment holds {self.holds}, not {holds}")


def _spool() -> IO[bytes]:
    return tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES)  # closed by the writer, or by the draft


async def store_segment(
    store: BlobStore, tenant_id: str, draft: SegmentDraft, *, now: datetime | None = None
) -> SegmentRef:
    """Where the segment and its sidecar now lie, whole; safe to repeat, since equal content has one name.

    Both are retained for a day, until a restore point that names them is sealed. Where one of them lies there damaged,
    the draft is renamed and stored beside it. An empty draft is refused (ValueError): a layer without records names no
    segment.
    """
    if not draft.records:
        raise ValueError("an empty segment is not stored")
    retain_until = (now or clock()) + UNSEALED_RETENTION
    for _ in range(NAMES_TRIED):
        index, sidecar_sha256 = draft.sidecar, hashlib.sha256(draft.sidecar).hexdigest()
        if await put_content_named(
            store, segment_name(tenant_id, draft.sha256), cast(BinaryIO, draft.file),
            sha256=draft.sha256, size=draft.size, retain_until=retain_until,
        ) and await put_content_named(
            store, sidecar_name(tenant_id, sidecar_sha256), index,
            sha256=sidecar_sha256, size=len(index), retain_until=retain_until,
        ):  # fmt: skip
            return SegmentRef(draft.sha256, sidecar_sha256, draft.size, len(index), draft.records, draft.removals)
        await asyncio.to_thread(draft.rename)
    raise Corrupt(
        f"{NAMES_TRIED} segments of the same records are damaged",
        remedy="Find out what changes the vault's blobs; verify names them.",
    )
