"""What layers say when read back: later wins; and what separates two views."""

import contextlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import Corrupt, Missing, UnknownFormat
from shared.repository import segments, sidecar_reader, view
from shared.repository.comparison import compare
from shared.repository.manifest import Layer
from shared.repository.names import segment_name, sidecar_name
from shared.repository.records import object_hash16
from shared.repository.restore_point import RestorePoint
from shared.repository.view import TypeView
from shared.repository.view_state import ViewState

IDS = [f"o{n}" for n in range(14)]

object_puts = st.lists(st.tuples(st.sampled_from(IDS), st.none() | st.integers(0, 3)), max_size=12)
link_puts = st.lists(
    st.tuples(st.sampled_from(IDS[:5]), st.sampled_from(["members", "owners"]), st.sampled_from(IDS), st.booleans()),
    max_size=12,
)
# A layer: some object segments, some link segments.
layers_of_puts = st.lists(st.tuples(st.lists(object_puts, max_size=2), st.lists(link_puts, max_size=2)), max_size=4)

type Model = tuple[dict[str, int], set[tuple[str, str, str]]]


def model_of(layers: list[Any]) -> Model:
    """The same in dictionaries: what docs/repository-format.md says under Reading."""
    objects: dict[str, int] = {}
    links: set[tuple[str, str, str]] = set()
    for object_segments, link_segments in layers:
        removed_here: dict[str, bool] = {}
        for puts in object_segments:
            for object_id, body in puts:
                if body is None:
                    objects.pop(object_id, None)
                    links = {link for link in links if link[0] != object_id}
                    removed_here[object_id] = True
                else:
                    objects[object_id] = body
                    removed_here[object_id] = False
        for puts in link_segments:
            for source, link, target, present in puts:
                (links.add if present else links.discard)((source, link, target))
        links = {link for link in links if not removed_here.get(link[0])}
    return objects, links


async def written(vault: Any, layers: list[Any]) -> TypeView:
    stored = []
    for object_segments, link_segments in layers:
        stored.append(
            Layer(
                tuple(
                    [
                        await vault.segment("t", [(i, None if b is None else {"n": b}, {"seen": b}) for i, b in puts])
                        for puts in object_segments
                        if puts
                    ]
                ),
                tuple([await vault.segment("t", links=puts) for puts in link_segments if puts]),
            )
        )
    return TypeView(vault.store, vault.tenant, "t", stored)


async def read(one: TypeView) -> Model:
    objects = [record async for record in one.objects()]
    links = [record async for record in one.links()]
    assert all(record.volatile == {"seen": record.body["n"]} for record in objects)
    by_id = {record.object_id: record.body["n"] for record in objects}
    edges = {(record.source_id, record.link, record.target_id) for record in links}
    assert (len(by_id), len(edges)) == (len(objects), len(links)), "each once"
    return by_id, edges


@pytest.fixture(params=["whole", "parts"])
def reading(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small limits, so that small examples cross frames, ranges and guesses."""
    monkeypatch.setattr(segments, "FRAME_RECORDS", 3)
    if request.param == "parts":
        monkeypatch.setattr(sidecar_reader, "WHOLE_BYTES", 0)
        monkeypatch.setattr(sidecar_reader, "HEAD_BYTES", 2_120)
        monkeypatch.setattr(sidecar_reader, "GAP_ENTRIES", 0)
        monkeypatch.setattr(sidecar_reader, "MARGIN_ENTRIES", 0)
        monkeypatch.setattr(view, "CHUNK_ENTRIES", 4)


properties = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@properties
@given(layers=layers_of_puts)
async def test_layers_read_back_equal_what_was_written(vault: Any, reading: None, layers: list[Any]) -> None:
    objects, links = model_of(layers)
    one = await written(vault, layers)
    assert await read(one) == (objects, links)
    assert (await one.count("objects"), await one.count("links")) == (len(objects), len(links))
    found = await one.objects_by_id([*IDS, "nobody"])
    assert {key: record.body["n"] for key, record in found.items()} == objects
    assert (await one.hashes_of(IDS)).keys() == objects.keys()
    of_some = await one.links_of(IDS[:3])
    assert {(r.source_id, r.link, r.target_id) for rs in of_some.values() for r in rs} == {
        link for link in links if link[0] in IDS[:3]
    }


@properties
@given(before=layers_of_puts, after=layers_of_puts, prefix=st.booleans())
async def test_a_comparison_is_exact(
    vault: Any, reading: None, before: list[Any], after: list[Any], prefix: bool
) -> None:
    if prefix:
        after = before + after
    old, new = model_of(before), model_of(after)
    compared = await compare(await written(vault, before), await written(vault, after))
    found = [difference async for difference in compared.objects()]
    assert {(d.object_id, d.change) for d in found} == (
        {(i, "added") for i in new[0].keys() - old[0].keys()}
        | {(i, "removed") for i in old[0].keys() - new[0].keys()}
        | {(i, "changed") for i in old[0].keys() & new[0].keys() if old[0][i] != new[0][i]}
    )
    for difference in found:
        assert (difference.before.body["n"] if difference.before else None) == old[0].get(difference.object_id)
        assert (difference.after.body["n"] if difference.after else None) == new[0].get(difference.object_id)
    links = [difference async for difference in compared.links()]
    edges = {(d.change, d.link.source_id, d.link.link, d.link.target_id) for d in links}
    assert edges == {("added", *e) for e in new[1] - old[1]} | {("removed", *e) for e in old[1] - new[1]}
    assert len(edges) == len(links)
    assert compared.is_empty == (old == new)


async def test_a_removed_object_hides_its_own_links_and_not_the_links_to_it(vault: Any) -> None:
    base = ([[("a", 1), ("b", 1)]], [[("a", "members", "b", True), ("b", "members", "a", True)]])
    one = await written(vault, [base, ([[("a", None)]], [])])
    assert await read(one) == ({"b": 1}, {("b", "members", "a")})
    back = await written(vault, [base, ([[("a", None)]], []), ([[("a", 2)]], [])])
    assert await read(back) == ({"a": 2, "b": 1}, {("b", "members", "a")})


async def test_an_object_removed_and_brought_back_in_one_segment_keeps_only_new_links(vault: Any) -> None:
    base = ([[("a", 1)]], [[("a", "members", "x", True)]])
    again = ([[("a", None), ("a", 2)]], [[("a", "members", "y", True)]])
    assert await read(await written(vault, [base, again])) == ({"a": 2}, {("a", "members", "y")})


async def test_a_comparison_opens_only_frames_that_differ(vault: Any) -> None:
    base = await vault.layer("t", [(f"u{n}", {"n": n}) for n in range(20_000)])
    change = await vault.layer("t", [("u7", {"n": -1}), ("u19999", None), ("new", {"n": 1})])
    old = TypeView(vault.store, vault.tenant, "t", [base])
    new = TypeView(vault.store, vault.tenant, "t", [base, change])
    reads = vault.counting()
    compared = await compare(old, new)
    assert {(d.change, d.object_id) async for d in compared.objects()} == {
        ("changed", "u7"),
        ("removed", "u19999"),
        ("added", "new"),
    }
    base_name = segment_name(vault.tenant, base.objects[0].sha256)
    assert [length for name, length in reads if name == base_name] != []
    assert sum(length for name, length in reads if name == base_name) < base.objects[0].size / 5


async def test_one_object_is_read_without_reading_its_segment(vault: Any) -> None:
    layer = await vault.layer("t", [(f"u{n}", {"n": n, "text": f"{n * 7919}" * 20}) for n in range(20_000)])
    reads = vault.counting()
    found = await TypeView(vault.store, vault.tenant, "t", [layer]).objects_by_id(["u12345"])
    assert found["u12345"].body["n"] == 12_345
    [segment] = layer.objects
    assert sum(length for _, length in reads) < (segment.size + segment.sidecar_size) / 8


async def test_a_large_source_is_read_whole(vault: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sidecar_reader, "WHOLE_BYTES", 0)
    links = [("big", "members", f"u{n}", True) for n in range(9_000)]
    links += [(f"g{n}", "members", "u1", True) for n in range(30_000)]
    one = TypeView(vault.store, vault.tenant, "t", [await vault.layer("t", links=links)])
    found = await one.links_of(["big", "g77", "none"])
    assert {key: len(value) for key, value in found.items()} == {"big": 9_000, "g77": 1, "none": 0}


@pytest.mark.parametrize("at", [100, -100])
async def test_a_damaged_segment_is_corrupt_and_never_short(vault: Any, at: int) -> None:
    layer = await vault.layer("t", [(f"u{n}", {"n": n}) for n in range(3_000)])
    one = TypeView(vault.store, vault.tenant, "t", [layer])
    blob = vault.plain.blobs[segment_name(vault.tenant, layer.objects[0].sha256)]
    damaged = bytearray(blob.content)
    damaged[at] ^= 1
    blob.content = bytes(damaged)
    with pytest.raises(Corrupt):
        _ = [record async for record in one.objects()]
    blob.content = bytes(damaged[:-50])
    with pytest.raises(Corrupt):
        _ = [record async for record in one.objects()]
    del vault.plain.blobs[segment_name(vault.tenant, layer.objects[0].sha256)]
    with pytest.raises(Missing):
        _ = [record async for record in one.objects()]


async def test_no_layers_are_an_empty_view(vault: Any) -> None:
    one = TypeView(vault.store, vault.tenant, "t", [])
    assert await read(one) == ({}, set())
    assert await one.objects_by_id(["a"]) == {}
    assert (await compare(one, one)).is_empty


@properties
@given(layers=layers_of_puts, fresh=st.dictionaries(st.sampled_from([*IDS, "new1", "new2"]), st.integers(0, 3)))
async def test_a_fresh_read_is_told_what_changed_and_what_is_gone(
    vault: Any, reading: None, layers: list[Any], fresh: dict[str, int]
) -> None:
    objects, _ = model_of(layers)
    state = await ViewState.of(await written(vault, layers))
    assert len(state) == len(objects)
    ids = list(fresh)
    for page in (ids[:3], ids[3:]):
        for object_id, hash16 in zip(page, state.meet(page), strict=True):
            same = hash16 == object_hash16("t", object_id, {"n": fresh[object_id]})
            assert (hash16 is None) == (object_id not in objects)
            assert same == (objects.get(object_id) == fresh[object_id])
    assert set(await state.unmet()) == objects.keys() - fresh.keys()


async def test_dangling_links_are_kept_and_listed(vault: Any) -> None:
    users = await vault.layer("user", [("u1", {"n": 1})], [("u1", "manager", "gone", True)])
    groups = await vault.layer(
        "group", [("g1", {"n": 1})], [("g1", "members", "u1", True), ("g1", "owners", "u2", True)]
    )
    await vault.sealed({"user": (users,), "group": (groups,), "device": ()})
    point = await RestorePoint.open(vault.store, vault.tenant)
    assert {(one.link, one.target_id) async for one in point.dangling_links()} == {
        ("manager", "gone"),
        ("owners", "u2"),
    }


async def test_a_damaged_sidecar_is_corrupt_and_never_short(vault: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sidecar_reader, "WHOLE_BYTES", 0)
    layer = await vault.layer("t", [(f"u{n}", {"n": n}) for n in range(60)])
    blob = vault.plain.blobs[sidecar_name(vault.tenant, layer.objects[0].sidecar_sha256)]
    whole = blob.content

    def one() -> TypeView:
        return TypeView(vault.store, vault.tenant, "t", [layer])

    right = [record async for record in one().objects()]
    by_id = await one().objects_by_id(["u1", "none"])
    for at in range(len(whole)):
        blob.content = whole[:at] + bytes([whole[at] ^ 0x21]) + whole[at + 1 :]
        with contextlib.suppress(Corrupt, UnknownFormat):
            assert [record async for record in one().objects()] == right
        with contextlib.suppress(Corrupt, UnknownFormat):
            assert await one().objects_by_id(["u1", "none"]) == by_id
