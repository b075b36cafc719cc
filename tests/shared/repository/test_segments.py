"""The laws of segments and sidecars."""

import hashlib
import io
import subprocess
import tracemalloc
from typing import Any

import orjson
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Corrupt, UnknownFormat
from shared.repository.names import segment_name, sidecar_name
from shared.repository.records import object_hash16
from shared.repository.segment_reader import frames_of, rebuild_sidecar
from shared.repository.segments import FRAME_RECORDS, SegmentWriter, store_segment
from shared.repository.sidecar import ENTRY_BYTES, parse_entries, parse_head

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
bodies = st.dictionaries(st.text(max_size=6), json_values, max_size=5)


def written(writer: SegmentWriter) -> tuple[bytes, bytes]:
    with writer.finish() as draft:
        return draft.file.read(), draft.sidecar


def lines(segment: bytes) -> list[dict[str, Any]]:
    text = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(segment), read_across_frames=True).read()
    return [orjson.loads(line) for line in text.splitlines()]


@given(bodies, st.randoms(use_true_random=False))
def test_equal_objects_have_equal_hashes(body: dict[str, Any], random: Any) -> None:
    shuffled_keys = list(body)
    random.shuffle(shuffled_keys)
    shuffled = {key: body[key] for key in shuffled_keys}
    assert object_hash16("user", "a", body) == object_hash16("user", "a", shuffled)
    through_json = orjson.loads(orjson.dumps(shuffled))
    assert object_hash16("user", "a", body) == object_hash16("user", "a", through_json)


@given(bodies, bodies)
def test_different_objects_have_different_hashes(one: dict[str, Any], other: dict[str, Any]) -> None:
    same_text = orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(other, option=orjson.OPT_SORT_KEYS)
    assert (object_hash16("user", "a", one) == object_hash16("user", "a", other)) == same_text


@given(bodies, bodies)
def test_volatile_properties_do_not_change_the_hash(body: dict[str, Any], volatile: dict[str, Any]) -> None:
    writer = SegmentWriter("user", "objects")
    assert writer.put_object("a", body, volatile) == object_hash16("user", "a", body)
    segment, sidecar = written(writer)
    [record] = lines(segment)
    assert record["body"] == orjson.loads(orjson.dumps(body))
    assert record.get("volatile", {}) == orjson.loads(orjson.dumps(volatile))
    head = parse_head(sidecar, "x")
    [entry] = parse_entries(sidecar[head.entries_offset :], 1, "x")
    assert entry.tobytes()[16:32] == object_hash16("user", "a", body)


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.none() | bodies, bodies), max_size=30))
def test_a_sidecar_follows_from_its_segment_alone(
    puts: list[tuple[str, dict[str, Any] | None, dict[str, Any]]],
) -> None:
    writer = SegmentWriter("user", "objects")
    for object_id, body, volatile in puts:
        if body is None:
            writer.put_removed(object_id, "unknown", "2026-01-01T00:00:00Z")
        else:
            writer.put_object(object_id, body, volatile)
    segment, sidecar = written(writer)
    rebuilt, records, _ = rebuild_sidecar(io.BytesIO(segment), "objects", "user")
    assert (rebuilt, records) == (sidecar, len(puts))


def test_a_sidecar_of_links_follows_from_its_segment_alone() -> None:
    writer = SegmentWriter("group", "links")
    for n in range(2_500):
        (writer.put_unlink if n % 7 == 0 else writer.put_link)(f"g{n % 50}", "members", f"u{n % 900}", "user")
    segment, sidecar = written(writer)
    assert rebuild_sidecar(io.BytesIO(segment), "links", "group")[0] == sidecar


def test_the_same_records_make_the_same_bytes() -> None:
    def slice_of_a_read() -> tuple[bytes, bytes]:
        writer = SegmentWriter("user", "objects")
        for n in range(3_000):
            writer.put_object(f"u{n}", {"n": n, "name": f"User {n}"})
        return written(writer)

    assert slice_of_a_read() == slice_of_a_read()


async def test_a_retried_slice_overwrites_itself(vault: Any) -> None:
    first = await vault.segment("user", [("a", {"n": 1}), ("b", {"n": 2})])
    before = dict(vault.plain.blobs)
    vault.clock.turn(hours=20)
    assert await vault.segment("user", [("a", {"n": 1}), ("b", {"n": 2})]) == first
    assert vault.plain.blobs.keys() == before.keys()
    found = await vault.store.properties(segment_name(vault.tenant, first.sha256))
    assert (found.retain_until - vault.clock()).total_seconds() == 86_400, "its day begins again"


async def test_segments_and_sidecars_are_named_by_their_content(vault: Any) -> None:
    ref = await vault.segment("user", [("a", {"n": 1})])
    for name, sha256 in (
        (segment_name(vault.tenant, ref.sha256), ref.sha256),
        (sidecar_name(vault.tenant, ref.sidecar_sha256), ref.sidecar_sha256),
    ):
        assert hashlib.sha256(vault.plain.blobs[name].content).hexdigest() == sha256


async def test_an_empty_segment_is_not_stored(vault: Any) -> None:
    with SegmentWriter("user", "objects").finish() as draft, pytest.raises(ValueError, match="empty"):
        await store_segment(vault.store, vault.tenant, draft)


def test_frames_are_independent_and_hold_a_thousand_records() -> None:
    writer = SegmentWriter("user", "objects")
    for n in range(2_500):
        writer.put_object(f"u{n}", {"n": n})
    segment, _ = written(writer)
    frames = [frame for frame, _ in frames_of(io.BytesIO(segment))]
    assert [frame.records for frame in frames] == [FRAME_RECORDS, FRAME_RECORDS, 500]
    second = segment[frames[1].offset : frames[1].offset + frames[1].length]
    assert orjson.loads(zstandard.ZstdDecompressor().decompress(second).splitlines()[0])["id"] == "u1000"


def test_a_large_object_has_a_frame_to_itself() -> None:
    writer = SegmentWriter("application", "objects")
    writer.put_object("small", {"n": 1})
    writer.put_object("large", {"logo": "x" * 9_000_000})
    writer.put_object("last", {"n": 2})
    segment, sidecar = written(writer)
    assert [frame.records for frame, _ in frames_of(io.BytesIO(segment))] == [1, 1, 1]
    assert rebuild_sidecar(io.BytesIO(segment), "objects", "application")[0] == sidecar


def test_entries_are_sorted_and_the_fan_out_counts_them() -> None:
    writer = SegmentWriter("user", "objects")
    for n in range(5_000):
        writer.put_object(f"u{n}", {"n": n})
    _, sidecar = written(writer)
    head = parse_head(sidecar, "x")
    raw = sidecar[head.entries_offset :]
    keys = [raw[at : at + 16] for at in range(0, len(raw), ENTRY_BYTES)]
    assert keys == sorted(keys)
    assert keys == sorted(hashlib.sha256(f"u{n}".encode()).digest()[:16] for n in range(5_000))
    for first in range(256):
        start, end = head.bucket(first, first)
        assert all(key[0] == first for key in keys[start:end])


def test_a_sidecar_of_an_unknown_format_version_is_refused() -> None:
    writer = SegmentWriter("user", "objects")
    writer.put_object("a", {})
    _, sidecar = written(writer)
    with pytest.raises(UnknownFormat):
        parse_head(sidecar[:8] + b"\x02\x00" + sidecar[10:], "x")
    with pytest.raises(Corrupt):
        parse_head(b"PK" + sidecar[2:], "x")


def test_a_writer_takes_one_sort_of_record() -> None:
    with pytest.raises(ValueError, match="links"):
        SegmentWriter("user", "links").put_object("a", {})
    with pytest.raises(ValueError, match="objects"):
        SegmentWriter("user", "objects").put_link("a", "manager", "b")
    with pytest.raises(ValueError, match="reason"):
        SegmentWriter("user", "objects").put_removed("a", "gone")  # type: ignore[arg-type]


def test_a_segment_is_readable_without_cairn(tmp_path: Any) -> None:
    zstd = subprocess.run(["sh", "-c", "command -v zstd"], capture_output=True, check=False).stdout.strip()
    writer = SegmentWriter("user", "objects")
    for n in range(2_500):
        writer.put_object(f"u{n}", {"n": n})
    segment, _ = written(writer)
    if zstd:
        path = tmp_path / "s.zst"
        path.write_bytes(segment)
        text = subprocess.run([zstd, "-dc", path], capture_output=True, check=True).stdout
        assert [orjson.loads(line)["id"] for line in text.splitlines()] == [f"u{n}" for n in range(2_500)]
    assert [record["id"] for record in lines(segment)] == [f"u{n}" for n in range(2_500)]


def test_what_a_segment_holds_waits_on_disk_while_it_is_written() -> None:
    count = 60_000
    tracemalloc.start()
    try:
        with SegmentWriter("group", "links") as writer:
            writer.put_link("first", "members", "u", "user")
            before, _ = tracemalloc.get_traced_memory()
            for number in range(count):
                writer.put_link(f"group {number}", "members", f"user {number}", "user")
            written_bytes = tracemalloc.get_traced_memory()[0] - before
            tracemalloc.reset_peak()
            with writer.finish() as draft:
                finished_bytes = tracemalloc.get_traced_memory()[1] - before
                assert draft.records == count + 1
    finally:
        tracemalloc.stop()
    assert written_bytes < ENTRY_BYTES * count / 2
    assert finished_bytes < 4 * ENTRY_BYTES * count
