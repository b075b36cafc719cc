"""The sorted index of one segment: which record lies where, and its hash, without opening the segment.

Invariants: one entry a record, sorted by key and then as written; a sidecar follows from its segment byte for
byte; every read of it checks magic, version and the segment it belongs to, so that a swapped sidecar is never
used.
"""

import hashlib
import struct
import threading
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import IO

import numpy as np
import numpy.typing as npt

from shared.errors import Corrupt, UnknownFormat
from shared.repository.records import Holds

MAGIC = b"CAIRNIDX"
VERSION = 1
HEADER = struct.Struct("<8sHBBIII32sQ")
FAN_OUT_PLACES = 256
FAN_OUT_END = HEADER.size + 4 * FAN_OUT_PLACES
HEAD_END = FAN_OUT_END + 4 * FAN_OUT_PLACES
FRAME = struct.Struct("<QII")
ENTRY_BYTES = 40

# No frame's text is longer: a damaged length must not become an allocation. (The entry's 29 bits allow twice that.)
MAX_FRAME_TEXT_BYTES = 256 * 1024 * 1024

# An empty skippable frame: readers pass over it, and the file has another hash.
SALT = struct.pack("<II", 0x184D2A50, 0)

REMOVED, CUT, SUPERSEDED = 1, 2, 4
OFFSET_SHIFT = 3

ENTRY = np.dtype(
    [
        ("id_hi", ">u8"),
        ("id_lo", ">u8"),
        ("hash_hi", ">u8"),
        ("hash_lo", ">u8"),
        ("frame", "<u4"),
        ("bits", "<u4"),
    ]
)

# Several types end at once, and their sidecars need not all be in memory together.
_ONE_AT_A_TIME = threading.Lock()

type Entries = npt.NDArray[np.void]
type Mask = npt.NDArray[np.bool_]
type Places = npt.NDArray[np.intp]

_HOLDS_CODE: dict[Holds, int] = {"objects": 1, "links": 2}
# The leading halves of the keys decide nearly every comparison; the whole key is only sorted by when they do
# not.
_QUICK_KEY: dict[Holds, tuple[str, ...]] = {"objects": ("id_hi",), "links": ("id_hi", "hash_hi")}
_WHOLE_KEY: dict[Holds, tuple[str, ...]] = {
    "objects": ("id_hi", "id_lo"),
    "links": ("id_hi", "id_lo", "hash_hi", "hash_lo"),
}


class OtherSegment(Corrupt):
    """A sidecar that was swapped for another segment's."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where one frame lies in its segment."""

    offset: int
    length: int
    records: int


@dataclass(frozen=True, slots=True)
class SidecarHead:
    """What stands before the entries."""

    holds: Holds
    entries: int
    segment_sha256: str
    segment_bytes: int
    fan_out: tuple[int, ...]
    checksums: tuple[int, ...]
    frame_count: int

    @property
    def entries_offset(self) -> int:
        """Where the entries begin, in bytes."""
        return HEAD_END + FRAME.size * self.frame_count

    def bucket(self, first: int, last: int) -> tuple[int, int]:
        """The places [from, to) of the entries whose id16 begins with a byte in [first, last]."""
        return (self.fan_out[first - 1] if first else 0), self.fan_out[last]


def build_sidecar(
    holds: Holds, segment_sha256: bytes, segment_bytes: int, frames: list[Frame], written: IO[bytes]
) -> tuple[bytes, int]:
    """A sidecar's bytes and its number of cut entries, from entries in the order in which the records were
    written: the rest of that file."""
    with _ONE_AT_A_TIME:
        return _built(holds, segment_sha256, segment_bytes, frames, np.frombuffer(written.read(), dtype=ENTRY))


def _built(
    holds: Holds, segment_sha256: bytes, segment_bytes: int, frames: list[Frame], entries: Entries
) -> tuple[bytes, int]:
    order, same = key_order(entries, holds)
    entries = entries[order]
    del order
    entries["bits"][:-1][same] |= SUPERSEDED
    removals = _mark_cuts(entries) if holds == "objects" else 0
    counts = np.bincount((entries["id_hi"] >> np.uint64(56)).astype(np.intp), minlength=FAN_OUT_PLACES)
    head = HEADER.pack(
        MAGIC,
        VERSION,
        _HOLDS_CODE[holds],
        0,
        len(entries),
        len(frames),
        ENTRY_BYTES,
        segment_sha256,
        segment_bytes,
    )
    fan_out = np.cumsum(counts).astype("<u4")
    checksums = struct.pack(f"<{FAN_OUT_PLACES}I", *bucket_checksums(entries, fan_out.tolist()))
    table = b"".join(FRAME.pack(frame.offset, frame.length, frame.records) for frame in frames)
    return b"".join((head, fan_out.tobytes(), checksums, table, entries.view(np.uint8).data)), removals


def of_other_segment(sidecar: bytes, segment_sha256: bytes, segment_bytes: int) -> bytes:
    """The same sidecar for a segment that holds the same frames under another hash and length."""
    head = list(HEADER.unpack_from(sidecar))
    head[-2:] = [segment_sha256, segment_bytes]
    return HEADER.pack(*head) + sidecar[HEADER.size :]


def parse_head(content: bytes, name: str) -> SidecarHead:
    """The head from a sidecar's first HEAD_END bytes; Corrupt or UnknownFormat."""
    if len(content) < HEAD_END or content[:8] != MAGIC:
        raise Corrupt(f"{name} is not a sidecar")
    _, version, code, _, entries, frames, entry_bytes, sha256, size = HEADER.unpack_from(content)
    if version != VERSION or entry_bytes != ENTRY_BYTES:
        raise UnknownFormat(f"{name} has format version {version}")
    fan_out = struct.unpack_from(f"<{FAN_OUT_PLACES}I", content, HEADER.size)
    holds: Holds = "links" if code == _HOLDS_CODE["links"] else "objects"
    if fan_out[-1] != entries or list(fan_out) != sorted(fan_out):
        raise Corrupt(f"{name} has a fan-out that does not fit its entries")
    checksums = struct.unpack_from(f"<{FAN_OUT_PLACES}I", content, FAN_OUT_END)
    return SidecarHead(holds, entries, sha256.hex(), size, fan_out, checksums, frames)


def check_belongs(head: SidecarHead, segment_sha256: str, name: str) -> None:
    """Return if this is the sidecar of that segment; OtherSegment otherwise."""
    if head.segment_sha256 != segment_sha256:
        raise OtherSegment(f"{name} belongs to another segment")


def parse_frames(content: bytes, head: SidecarHead, name: str) -> list[Frame]:
    """The frame table from a sidecar's bytes up to its entries at least; Corrupt if cut short."""
    if len(content) < head.entries_offset:
        raise Corrupt(f"{name} is cut short")
    return [Frame(*FRAME.unpack_from(content, HEAD_END + FRAME.size * i)) for i in range(head.frame_count)]


def bucket_checksums(entries: Entries, fan_out: Sequence[int]) -> list[int]:
    """The CRC-32 of the entries of each place of a fan-out that begins where these do."""
    view = np.ascontiguousarray(entries).view(np.uint8).data
    ends = [0, *fan_out]
    return [zlib.crc32(view[start * ENTRY_BYTES : end * ENTRY_BYTES]) for start, end in pairwise(ends)]


def parse_entries(content: bytes, count: int, name: str) -> Entries:
    """`count` entries from their bytes; Corrupt if cut short."""
    if len(content) != count * ENTRY_BYTES:
        raise Corrupt(f"{name} is cut short")
    return np.frombuffer(content, dtype=ENTRY)


def check_sidecar(content: bytes, sidecar_sha256: str, segment_sha256: str, name: str) -> SidecarHead:
    """The head of a whole sidecar whose own hash, size and segment are as named; Corrupt (OtherSegment)
    otherwise."""
    if hashlib.sha256(content).hexdigest() != sidecar_sha256:
        with suppress(UnknownFormat):
            check_belongs(parse_head(content, name), segment_sha256, name)
        raise Corrupt(f"{name} does not have the content that its name says")
    head = parse_head(content, name)
    check_belongs(head, segment_sha256, name)
    if len(content) != head.entries_offset + head.entries * ENTRY_BYTES:
        raise Corrupt(f"{name} does not have the length that its head says")
    return head


def joined(parts: Sequence[Entries]) -> Entries:
    """Entries one after the other, as bytes: numpy itself would turn them to the machine's byte order."""
    if len(parts) == 1:
        return parts[0]
    blocks = [np.ascontiguousarray(part).view(f"V{ENTRY_BYTES}") for part in parts]
    return np.concatenate(blocks).view(ENTRY) if blocks else np.empty(0, ENTRY)


def key_order(entries: Entries, holds: Holds) -> tuple[Places, Mask]:
    """The stable order of entries by key, and for each but the last whether the next in that order has the
    same key."""
    order = _sorted_by(entries, _QUICK_KEY[holds])
    alike = _next_alike(entries, order, _QUICK_KEY[holds])
    same = alike & _next_alike(entries, order, _WHOLE_KEY[holds])
    if bool((alike != same).any()):
        order = _sorted_by(entries, _WHOLE_KEY[holds])
        same = _next_alike(entries, order, _WHOLE_KEY[holds])
    return order, same


def column(entries: Entries, name: str) -> npt.NDArray[np.uint64]:
    """One eight-byte column in the machine's own byte order, in which it sorts fast."""
    native: npt.NDArray[np.uint64] = entries[name].astype(np.uint64)
    return native


def _sorted_by(entries: Entries, key: tuple[str, ...]) -> Places:
    if len(key) == 1:
        return np.argsort(column(entries, key[0]), kind="stable")
    return np.lexsort(tuple(column(entries, name) for name in reversed(key)))


def _next_alike(entries: Entries, order: Places, key: tuple[str, ...]) -> Mask:
    alike = np.ones(max(len(order) - 1, 0), dtype=np.bool_)
    for name in key:
        values = entries[name][order]
        alike &= values[1:] == values[:-1]
    return alike


def _mark_cuts(entries: Entries) -> int:
    """Set the cut bit on every entry at or after a removal of the same object; entries are in key order."""
    for place in np.flatnonzero(entries["bits"] & REMOVED):
        at = int(place)
        while True:
            entries["bits"][at] |= CUT
            if not entries["bits"][at] & SUPERSEDED:
                break
            at += 1
    return int(np.count_nonzero(entries["bits"] & CUT))
