"""The identity map, resolved: whichever id of an object is asked for, all of its ids and the present one are known."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.records.identity_map import IdentityMap, KnownIdentities
from shared.records.memory_table import MemoryTable


async def known_from(*made: tuple[str, str]) -> KnownIdentities:
    """The map after these (old, new), one restore after the other."""
    now = datetime(2026, 11, 21, tzinfo=UTC)
    table = MemoryTable()
    for number, (old, new) in enumerate(made):
        entries = IdentityMap(table, clock=lambda number=number: now + timedelta(hours=number))  # type: ignore[misc]
        await entries.add("t", old_id=old, new_id=new, object_type="group", restore_id=f"r{number}")
    return await IdentityMap(table).resolved("t")


async def test_what_was_made_anew_twice_is_followed_through_both() -> None:
    known = await known_from(("a", "b"), ("b", "c"))
    assert [known.all_of(one) for one in "abc"] == [["a", "b", "c"]] * 3
    assert [known.now(one) for one in "abc"] == ["c"] * 3


async def test_made_anew_twice_from_one_restore_point_the_first_id_is_followed_too() -> None:
    known = await known_from(("a", "b"), ("a", "c"))
    assert [known.all_of(one) for one in "abc"] == [["a", "b", "c"]] * 3
    assert known.objects == {"a": "c", "b": "c"}


async def test_a_key_that_comes_again_is_the_present_one() -> None:
    known = await known_from(("a", "b"), ("b", "a"))
    assert [known.now(one) for one in "ab"] == ["a", "a"]


async def test_a_key_within_a_parent_follows_both() -> None:
    known = await known_from(("p", "q"), ("p/k", "p/l"), ("q", "r"), ("q/m", "r/n"))
    assert known.now("p/k") == known.now("q/l") == "r/l"
    assert known.now("q/m") == known.now("p/m") == "r/n"
    assert known.now("p/untouched") == "r/untouched"
    assert known.all_of("r/l") == ["p/k", "p/l", "q/k", "q/l", "r/k", "r/l"]
    assert known.all_of("q/untouched") == ["p/untouched", "q/untouched", "r/untouched"]


async def test_an_object_that_was_never_made_anew_has_one_id() -> None:
    known = await known_from(("a", "b"))
    assert (known.now("z"), known.all_of("z"), known.all_of("z/k")) == ("z", ["z"], ["z/k"])


@given(st.lists(st.integers(0, 20), min_size=1, max_size=6, unique=True), st.data())
async def test_any_way_of_making_it_anew_leaves_one_chain(ids: list[int], data: st.DataObject) -> None:
    made = [(str(ids[data.draw(st.integers(0, at - 1))]), str(ids[at])) for at in range(1, len(ids))]
    known = await known_from(*made)
    for one in ids:
        assert known.now(str(one)) == str(ids[-1])
        assert known.all_of(str(one)) == [str(each) for each in ids]
