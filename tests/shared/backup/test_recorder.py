"""What the recorder takes out of a body is kept beside it, and only what the catalog names."""

import asyncio
import threading

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.backup.recorder import Recorder, drafts_of, volatile_splitter
from shared.repository.manifest import Layer
from shared.repository.memory_store import MemoryBlobStore
from shared.repository.segments import SegmentDraft, store_segment
from shared.repository.view import TypeView

TENANT = "11111111-1111-4111-8111-111111111111"

NUMBERS = some.integers(-(2**53), 2**53)
BODIES = some.dictionaries(
    some.sampled_from(["a", "b", "c"]),
    some.one_of(NUMBERS, some.lists(some.fixed_dictionaries({"x": NUMBERS, "y": NUMBERS}))),
)


@given(BODIES)
def test_nothing_is_lost_between_body_and_volatile(body):
    before = orjson.loads(orjson.dumps(body))
    taken = volatile_splitter(("a", "b[].x"))(body) or {}
    assert "a" not in body
    assert taken.get("a", before.get("a")) == before.get("a")
    if isinstance(before.get("b"), list):
        assert taken.get("b[].x", []) == [one["x"] for one in before["b"]]
        assert [one["y"] for one in body["b"]] == [one["y"] for one in before["b"]]
    assert body.get("c") == before.get("c")


async def test_whoever_is_cancelled_waits_for_the_thread_and_closes_what_it_made():
    recorder, began, let_go = Recorder("user"), threading.Event(), threading.Event()
    made: list[SegmentDraft] = []

    def slow() -> list[SegmentDraft]:
        began.set()
        let_go.wait()
        recorder.object("u", {"id": "u"})
        made.extend(recorder.finish())
        return made

    taking = asyncio.create_task(drafts_of(slow))
    await asyncio.to_thread(began.wait)
    taking.cancel()
    await asyncio.sleep(0)
    assert not taking.done()
    let_go.set()
    with pytest.raises(asyncio.CancelledError):
        await taking
    assert [draft.file.closed for draft in made] == [True]


async def test_objects_that_differ_in_volatile_properties_alone_make_records_of_equal_hash():
    hashes = []
    for signed_in in (1, 2):
        recorder = Recorder("user", ("signInActivity",))
        recorder.object("u", {"id": "u", "signInActivity": signed_in})
        store = MemoryBlobStore()
        [draft] = recorder.finish()
        with draft:
            layer = Layer(objects=(await store_segment(store, TENANT, draft),))
        view = TypeView(store, TENANT, "user", (layer,))
        hashes.append(await view.hashes_of(["u"]))
        assert (await view.objects_by_id(["u"]))["u"].volatile == {"signInActivity": signed_in}
    assert hashes[0] == hashes[1]


def test_a_recorder_without_records_makes_no_segment():
    assert Recorder("user").finish() == []


def test_guests_are_counted_as_they_are_recorded():
    recorder = Recorder("user")
    recorder.object("a", {"userType": "Guest"})
    recorder.object("b", {"userType": "Member"})
    assert recorder.tallied == {"guests": 1}
    recorder.discard()
