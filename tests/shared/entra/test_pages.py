"""Laws of taking a page apart."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.entra import bodies
from shared.entra.pages import Body, LinkSlice, Removal, Target, body_of, parse_page
from shared.entra.resource_units import resource_units
from shared.errors import Garbled


def test_the_type_is_kept_and_other_annotations_are_not() -> None:
    body = body_of({
        "@odata.type": "#microsoft.graph.user", "@odata.id": "x", "@odata.etag": "x", "id": "1",
        "manager@odata.type": "x", "plain": ["a", "b"], "nothing": None,
        "conditions": {
            "@odata.type": "#a.b", "users@odata.context": "x", "list": [{"@odata.id": "x", "a": 1}, {"b": 2}],
        },
    })
    assert body == {
        "@odata.type": "#microsoft.graph.user", "id": "1",
        "conditions": {"@odata.type": "#a.b", "list": [{"a": 1}, {"b": 2}]},
        "plain": ["a", "b"], "nothing": None,
    }


def test_inline_links_leave_the_body_and_say_who_came_and_who_went() -> None:
    parsed = parse_page([{
        "id": "g", "displayName": "G", "members@delta": [
            {"@odata.type": "#microsoft.graph.user", "id": "u"}, {"id": "v", "@removed": {"reason": "deleted"}},
        ],
    }], links=["members", "owners"])
    assert parsed.objects == [("g", {"id": "g", "displayName": "G"})]
    assert parsed.links == [LinkSlice("g", "members", (Target("u", "user"),), ("v",))]


def test_a_further_slice_of_a_large_group_adds_links_and_leaves_the_object_alone() -> None:
    slice_of = {"id": "g", "members@delta": [{"id": "u"}]}
    parsed = parse_page([{"id": "g", "displayName": "G"}, slice_of], links=["members"], select=["displayName"])
    assert parsed.objects == [("g", {"id": "g", "displayName": "G"})]
    assert len(parsed.links) == 1


def test_what_was_selected_and_is_absent_is_null() -> None:
    assert parse_page([{"id": "1"}], select=["id", "city"]).objects == [("1", {"id": "1", "city": None})]


def test_a_removal_says_whether_it_is_for_good() -> None:
    removed: list[Body] = [
        {"id": "1", "@removed": {"reason": "changed"}}, {"id": "2", "@removed": {"reason": "deleted"}},
    ]
    assert parse_page(removed).removals == [Removal("1", "changed"), Removal("2", "deleted")]


def test_of_several_entries_of_one_object_the_last_wins() -> None:
    gone: Body = {"id": "1", "@removed": {"reason": "changed"}}
    there: Body = {"id": "1", "a": 1, "members@delta": [{"id": "u"}]}
    ended = parse_page([there, gone], links=["members"])
    assert (ended.objects, ended.links, len(ended.removals)) == ([], [], 1)
    back = parse_page([gone, there], links=["members"])
    assert (len(back.objects), len(back.links), back.removals) == (1, 1, [])


def test_an_expanded_link_that_shows_twenty_is_to_be_read_again() -> None:
    def owners(count: int) -> list[Body]:
        return [{"id": str(number)} for number in range(count)]

    values: list[Body] = [
        {"id": "a", "owners": owners(19)}, {"id": "b", "owners": owners(20)}, {"id": "c", "owners": []},
    ]
    parsed = parse_page(values, expanded=["owners"])
    assert parsed.cut == [("b", "owners")]
    assert [(one.source, len(one.added), one.whole) for one in parsed.links] == [("a", 19, True), ("c", 0, True)]


@pytest.mark.parametrize("bad", [{}, {"id": None}, {"id": ""}, {"id": 5}, {"id": "1", "members@delta": [{}]}])
def test_an_object_or_target_without_an_id_is_garbled(bad: Body) -> None:
    with pytest.raises(Garbled):
        parse_page([bad], links=["members"])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4), max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=8).filter(lambda name: "@" not in name), JSON, max_size=6))
def test_a_body_without_annotations_stays_as_it_is(body: dict[str, Any]) -> None:
    def plain(value: Any) -> bool:
        if isinstance(value, dict):
            return all("@" not in name and plain(part) for name, part in value.items())
        return all(plain(part) for part in value) if isinstance(value, list) else True

    if plain(body):
        assert body_of(body) == body


@given(JSON, st.integers(min_value=1, max_value=60))
def test_a_body_cut_anywhere_is_garbled_and_never_a_shorter_page(value: Any, cut: int) -> None:
    text = json.dumps({"value": [{"id": "1", "x": value}], "more": 1}).encode()
    with pytest.raises(Garbled):
        bodies.page_document(text[: max(0, len(text) - cut)], "")


@given(st.binary(max_size=300), st.sampled_from(["", "gzip", "deflate", "br"]))
def test_no_bytes_whatever_raise_anything_but_garbled(body: bytes, encoding: str) -> None:
    bodies.next_link_in_head(body, encoding)
    with pytest.raises(Garbled):
        bodies.page_document(b"\x00" + body, encoding)


@pytest.mark.parametrize(("method", "path", "units"), [
    ("GET", "/users?$select=id&$top=999", 1), ("GET", "/users", 2), ("GET", "/groups/1/members", 3),
    ("GET", "/groups/1/members?$select=id", 2), ("GET", "/groups?$expand=owners", 2), ("GET", "/devices", 1),
    ("GET", "/groups/1/transitiveMembers?$top=5", 4), ("POST", "/directoryObjects/getByIds", 5),
    ("POST", "/directoryObjects/getByIds?$select=id", 2), ("GET", "/devices?$top=1&$select=id", 1),
    ("PATCH", "/users/1", 1), ("GET", "/users/delta?$select=id", 1), ("GET", "/subscribedSkus", 3),
])
def test_costs_are_those_of_the_documented_table(method: str, path: str, units: int) -> None:
    assert resource_units(method, path) == units


NAMES = st.sampled_from([
    "id", "name", "mail", "@odata.type", "@odata.id", "manager@delta", "manager@odata.type", "@odata.etag", "a@b.c",
])
PLAIN = st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["x", "@odata.type", 'q"@odata.id":', "a@b", "\\@"])
PARTS = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4))
OBJECTS = st.dictionaries(NAMES, PARTS, max_size=6).map(lambda one: {**one, "id": "1"})


@given(st.lists(OBJECTS, max_size=4), st.booleans())
def test_counting_annotations_in_the_text_changes_nothing_but_the_time(values: list[Body], escaped: bool) -> None:
    text = orjson.dumps({"@odata.context": "c", "value": values, "@odata.nextLink": "n"})
    if escaped:
        text = text.replace(b"@", b"\\u0040")
    page, annotations = bodies.page_document(text, "")
    quick = parse_page(page["value"], select=("id", "absent"), annotations=annotations)
    assert quick == parse_page(page["value"], select=("id", "absent"))
