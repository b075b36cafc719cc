"""Laws of reading a list: whole or an error, never short, never for ever."""

import asyncio
from contextlib import aclosing
from typing import Any

import pytest
from aiohttp import web

from shared.entra import listing
from shared.entra.delta import latest, round_path, rounds
from shared.entra.listing import Asking, pages, with_query
from shared.entra.transport import Graph
from shared.errors import Garbled, NotPermitted, TokenExpired, Unavailable
from tests.shared.entra.scripted import (
    FakeGraph,
    answer,
    cut_connection,
    cut_gzip,
    gzipped,
    half_a_body,
    refusal,
)


def page(*ids: str, next_link: str = "", delta_link: str = "") -> dict[str, Any]:
    links = {"@odata.nextLink": next_link, "@odata.deltaLink": delta_link}
    return {"@odata.context": "c", **{n: link for n, link in links.items() if link}, "value": [{"id": i} for i in ids]}


async def ids_of(graph: Graph, path: str, asking: Asking | None = None) -> list[str]:
    return [value["id"] async for one in pages(graph, path, asking) for value in one.values]


async def test_every_page_is_read_and_nextlink_is_followed_letter_by_letter(fake: FakeGraph, graph: Graph) -> None:
    odd = "/v1.0/users?$skiptoken=a%2Fb%20c%252B&x='%7B'"
    fake.script("/v1.0/users", answer(page("1", "2", next_link="{root}" + odd)))
    fake.script(odd, gzipped(page("3")))
    assert await ids_of(graph, "/users") == ["1", "2", "3"]
    assert fake.requests[1].raw_path == odd


async def test_an_empty_page_in_the_middle_does_not_end_the_list(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/users", answer(page("1", next_link="{root}/v1.0/b")))
    fake.script("/v1.0/b", answer(page(next_link="{root}/v1.0/c")))
    fake.script("/v1.0/c", answer(page("2")))
    assert await ids_of(graph, "/users") == ["1", "2"]


async def test_a_next_link_that_is_null_ends_the_list(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/users", answer({"value": [{"id": "1"}], "@odata.nextLink": None}))
    assert await ids_of(graph, "/users") == ["1"]


async def test_headers_are_sent_again_on_every_page(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/users", answer(page("1", next_link="{root}/v1.0/b")))
    fake.script("/v1.0/b", answer(page("2")))
    await ids_of(graph, "/users", Asking(headers={"ConsistencyLevel": "eventual"}))
    assert [request.headers["ConsistencyLevel"] for request in fake.requests] == ["eventual", "eventual"]
    assert all(request.headers["Prefer"] == "include-unknown-enum-members" for request in fake.requests)
    assert len({request.headers["client-request-id"] for request in fake.requests}) == 2


async def test_the_next_request_leaves_before_this_page_is_worked_on(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/users", answer(page("1", next_link="{root}/v1.0/b")))
    fake.script("/v1.0/b", answer(page("2")))
    reading = pages(graph, "/users")
    first = await anext(reading)
    async with asyncio.timeout(5):
        while len(fake.requests) < 2:  # noqa: ASYNC110 - the server runs in this loop and has no event to wait for
            await asyncio.sleep(0.001)
    assert first.values == [{"id": "1"}]
    await reading.aclose()


async def test_a_nextlink_that_comes_after_value_is_found_too(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/users", answer({"value": [{"id": "1"}], "@odata.nextLink": "{root}/v1.0/b"}))
    fake.script("/v1.0/b", answer(page("2")))
    assert await ids_of(graph, "/users") == ["1", "2"]


async def test_nothing_is_asked_ahead_when_told_so(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/users", answer(page("1", next_link="{root}/v1.0/b")))
    reading = pages(graph, "/users", ahead=lambda: False)
    first = await anext(reading)
    await reading.aclose()
    assert first.next_link == fake.root + "/v1.0/b"
    assert len(fake.requests) == 1


async def test_a_list_goes_on_from_any_of_its_nextlinks(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/b", answer(page("2")))
    assert await ids_of(graph, fake.root + "/v1.0/b") == ["2"]


@pytest.mark.parametrize("foreign", [
    "https://graph.microsoft.com.example.org/v1.0/b", "http://127.0.0.1:1/v1.0/b", "//127.0.0.1/v1.0/b", "nonsense",
])
async def test_a_nextlink_to_another_host_is_never_followed(fake: FakeGraph, graph: Graph, foreign: str) -> None:
    fake.script("/v1.0/users", answer(page("1", next_link=foreign)))
    with pytest.raises(Garbled) as caught:
        await ids_of(graph, "/users")
    assert caught.value.code == "foreignAddress"
    assert len(fake.requests) == 1


async def test_a_nextlink_with_a_user_name_in_it_is_foreign(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/users", answer(page("1", next_link="{root}@example.org/v1.0/b")))
    with pytest.raises(Garbled):
        await ids_of(graph, "/users")


@pytest.mark.parametrize("path", ["/v1.0/users", "/v1.0/b"])
async def test_a_nextlink_that_repeats_is_an_error_and_not_a_loop(fake: FakeGraph, graph: Graph, path: str) -> None:
    fake.script("/v1.0/users", answer(page("1", next_link="{root}/v1.0/b")))
    fake.script("/v1.0/b", answer(page("2", next_link="{root}" + path)))
    with pytest.raises(Garbled) as caught:
        await ids_of(graph, "/users")
    assert caught.value.code == "loop"
    assert len(fake.requests) == 2


@pytest.mark.parametrize("bad", [
    {"values": []}, {"value": None}, {"value": {"id": "1"}}, {"value": ["1"]}, {}, [],
    {"value": [], "@odata.nextLink": ""}, {"value": [], "@odata.nextLink": 5},
])
async def test_an_answer_without_a_list_of_objects_is_garbled_and_never_an_empty_list(
    fake: FakeGraph, graph: Graph, bad: Any
) -> None:
    fake.script("/v1.0/users", answer(bad))
    with pytest.raises(Garbled):
        await ids_of(graph, "/users")


@pytest.mark.parametrize("fault", [
    half_a_body(page("1", "2")), cut_connection(), cut_gzip(page("1", "2")), answer(raw=b"<html>busy</html>"),
    answer(raw=b""), answer(raw=b'{"value":[{"id":"1"}'), refusal(500, "x"), refusal(502, ""), refusal(503, ""),
    refusal(504, ""),
], ids=["half", "cut", "gzip", "html", "empty", "truncated", "500", "502", "503", "504"])
async def test_a_damaged_page_is_read_again_and_nothing_is_lost(
    fake: FakeGraph, graph: Graph, fault: Any
) -> None:
    fake.script("/v1.0/users", answer(page("1", "2", next_link="{root}/v1.0/b")))
    fake.script("/v1.0/b", fault, fault, answer(page("3")))
    assert await ids_of(graph, "/users") == ["1", "2", "3"]
    assert len(fake.requests) == 4


async def test_a_page_that_stays_damaged_is_an_error(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/users", cut_connection())
    with pytest.raises(Unavailable):
        await ids_of(graph, "/users")
    assert len(fake.requests) == graph.limits.attempts


async def test_a_refused_page_ahead_is_raised_when_its_turn_comes(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/users", answer(page("1", next_link="{root}/v1.0/b")))
    fake.script("/v1.0/b", refusal(403, "Authorization_RequestDenied"))
    reading = pages(graph, "/users")
    assert (await anext(reading)).values == [{"id": "1"}]
    with pytest.raises(NotPermitted):
        await anext(reading)


async def test_a_round_ends_with_its_deltalink(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/groups/delta", answer(page("1", next_link="{root}/v1.0/b")))
    fake.script("/v1.0/b", answer(page("1", "2", delta_link="{root}/v1.0/d")))
    read = [one async for one in rounds(graph, round_path("/groups", ("id", "members")))]
    assert [one.delta_link for one in read] == ["", fake.root + "/v1.0/d"]
    assert fake.requests[0].query["$select"] == "id,members"


async def test_a_round_without_a_deltalink_at_its_end_is_an_error(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/groups/delta", answer(page("1")))
    with pytest.raises(Garbled):
        _ = [one async for one in rounds(graph, "/groups/delta")]


@pytest.mark.parametrize("gone", [
    refusal(410, "resyncRequired", Location="{root}/v1.0/groups/delta?$deltatoken="),
    refusal(400, "syncStateNotFound"), refusal(404, "SyncStateNotFound"), refusal(400, "resyncRequired"),
    answer(status=410, raw=b""),
])
async def test_a_token_that_expired_in_the_middle_of_a_round_says_so(
    fake: FakeGraph, graph: Graph, gone: Any
) -> None:
    fake.script("/v1.0/groups/delta", answer(page("1", next_link="{root}/v1.0/b")))
    fake.script("/v1.0/b", gone)
    with pytest.raises(TokenExpired):
        _ = [one async for one in rounds(graph, "/groups/delta")]


async def test_latest_gives_a_deltalink_and_reads_nothing(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/users/delta", answer(page(delta_link="{root}/v1.0/d")))
    assert await latest(graph, "/users", ("id",), Asking()) == fake.root + "/v1.0/d"
    assert dict(fake.requests[0].query) == {"$select": "id", "$deltatoken": "latest"}


def test_an_option_is_escaped_and_an_empty_one_is_left_out() -> None:
    path = with_query("/users", select="id,displayName", top=999, filter="displayName eq 'R&D #1+2'", expand="")
    assert path == "/users?$select=id,displayName&$top=999&$filter=displayName%20eq%20'R%26D%20%231%2B2'"


def without_end(*ids: str) -> Any:
    """Answers the same at every address, and each time leads to a new one."""

    async def send(fake: FakeGraph, request: web.Request) -> web.Response:
        link = f"{fake.root}/v1.0/users?$skiptoken={len(fake.requests)}"
        return web.json_response(page(*ids, next_link=link))

    return send


@pytest.mark.parametrize("ids", [(), ("1", "2")])
async def test_a_list_that_goes_on_without_anything_new_is_an_error_and_not_a_loop(
    fake: FakeGraph, graph: Graph, monkeypatch: pytest.MonkeyPatch, ids: tuple[str, ...]
) -> None:
    monkeypatch.setattr(listing, "EMPTY_PAGES_MAX", 10)
    fake.script("/v1.0/users", without_end(*ids))
    with pytest.raises(Garbled, match="no end"):
        await ids_of(graph, "/users")


async def test_empty_pages_are_counted_on_where_a_list_is_taken_up_again(
    fake: FakeGraph, graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "EMPTY_PAGES_MAX", 10)
    fake.script("/v1.0/users", without_end())
    async with aclosing(pages(graph, "/users", empty=8)) as listed:
        assert (await anext(listed)).empty == 9
        assert (await anext(listed)).empty == 10
        with pytest.raises(Garbled, match="no end"):
            await anext(listed)


async def test_an_error_under_a_200_is_never_taken_for_an_object(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/policies/one", answer({"error": {"code": "x", "message": "y"}}))
    with pytest.raises(Garbled):
        await graph.get_json("/policies/one")
