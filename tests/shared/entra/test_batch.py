"""Laws of `$batch`: every part is answered exactly once, each on its own account."""

import time
from dataclasses import replace
from typing import Any

import pytest

from shared.entra.batch import Part, get_by_ids, read_lists, read_parts
from shared.entra.transport import Graph
from shared.errors import Garbled, NotFound, NotPermitted, Throttled, Unavailable
from tests.shared.entra.scripted import Batching, FakeGraph, answer, half_a_body, refusal

ERROR = {"error": {"code": "x", "message": "m"}}


@pytest.fixture
def batching(fake: FakeGraph) -> Batching:
    served = Batching()
    fake.script("/v1.0/$batch", served)
    return served


def parts(*paths: str) -> list[Part]:
    return [Part(path, path) for path in paths]


async def test_many_parts_go_twenty_a_request_and_each_is_answered_once(batching: Batching, graph: Graph) -> None:
    paths = [f"/groups/{number}" for number in range(205)]
    for path in paths:
        batching.script(path, (200, {"id": path}))
    answers = [one async for one in read_parts(graph, parts(*paths))]
    assert sorted(one.body["id"] for one in answers) == sorted(paths)
    assert all(one.part.path == one.body["id"] for one in answers)
    assert len(batching.asked) == 11
    assert (graph.usage.requests, graph.usage.parts) == (11, 205)
    assert graph.usage.resource_units == 205


async def test_a_throttled_part_waits_for_its_own_time_and_holds_up_no_other(batching: Batching, graph: Graph) -> None:
    batching.script("/a", (429, ERROR, {"Retry-After": "0.3"}), (200, {"id": "a"}))
    batching.script("/b", (200, {"id": "b"}))
    began = time.monotonic()
    times = {one.body["id"]: time.monotonic() - began async for one in read_parts(graph, parts("/a", "/b"))}
    assert times["b"] < 0.3 <= times["a"]
    assert batching.asked == [["/a", "/b"], ["/a"]]
    assert graph.usage.throttled == 1


async def test_a_part_that_stays_throttled_is_an_error_of_its_own(batching: Batching, graph: Graph) -> None:
    batching.script("/a", (429, ERROR, {"Retry-After": "0"}))
    (one,) = [one async for one in read_parts(graph, parts("/a"))]
    assert isinstance(one.error, Throttled)
    assert len(batching.asked) == graph.limits.throttled_attempts


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_part_that_failed_for_the_moment_is_sent_again(batching: Batching, graph: Graph, status: int) -> None:
    batching.script("/a", (status, "<html>"), (200, {"id": "a"}))
    assert [one.body async for one in read_parts(graph, parts("/a"))] == [{"id": "a"}]


async def test_a_part_that_was_left_out_of_the_answer_is_sent_again(batching: Batching, graph: Graph) -> None:
    batching.leave_out = {"/a"}
    answers = [one async for one in read_parts(graph, parts("/a", "/b"))]
    assert sorted(one.part.id for one in answers) == ["/a", "/b"]
    assert batching.asked == [["/a", "/b"], ["/a"]]


async def test_a_refused_part_is_a_typed_error_beside_good_answers(batching: Batching, graph: Graph) -> None:
    batching.script("/a", (403, ERROR))
    batching.script("/b", (404, ERROR))
    batching.script("/c", (200, {"id": "c"}))
    asked = [Part("a", "/a", permission="P"), *parts("/b", "/c")]
    errors = {one.part.path: one.error async for one in read_parts(graph, asked)}
    assert isinstance(errors["/a"], NotPermitted)
    assert errors["/a"].permission == "P"
    assert isinstance(errors["/b"], NotFound)
    assert errors["/c"] is None


@pytest.mark.parametrize("fault", [refusal(503, ""), half_a_body({"responses": []}), answer(raw=b"<html>")])
async def test_a_batch_that_failed_as_a_whole_is_read_again(fake: FakeGraph, graph: Graph, fault: Any) -> None:
    served = Batching()
    fake.script("/v1.0/$batch", fault, served)
    assert len([one async for one in read_parts(graph, parts("/a", "/b"))]) == 2


async def test_a_batch_that_stays_failed_is_raised_and_not_an_empty_answer(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/$batch", refusal(503, ""))
    with pytest.raises(Unavailable):
        _ = [one async for one in read_parts(graph, parts("/a"))]


async def test_a_batch_without_responses_is_garbled(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/$batch", answer({"value": []}))
    with pytest.raises(Garbled):
        _ = [one async for one in read_parts(graph, parts("/a"))]


async def test_a_list_inside_a_part_is_followed_to_its_end(batching: Batching, graph: Graph) -> None:
    batching.script("/a", (200, {"value": [{"id": "1"}], "@odata.nextLink": "{root}/v1.0/a2?$skiptoken=%2F"}))
    batching.script("/a2?$skiptoken=%2F", (200, {"value": [{"id": "2"}]}))
    batching.script("/cast", (200, {"value": [{"id": "3"}]}))
    asked = [Part("a", "/a", then=("/cast",)), Part("b", "/b")]
    slices = [one async for one in read_lists(graph, asked)]
    of_a = [one for one in slices if one.part.id == "a"]
    assert [value["id"] for one in of_a for value in one.values] == ["1", "2", "3"]
    assert [(one.first, one.last) for one in of_a] == [(True, False), (False, False), (False, True)]
    assert [(one.first, one.last, one.values) for one in slices if one.part.id == "b"] == [(True, True, [])]


@pytest.mark.parametrize("bad", [
    {"values": []}, {"value": None}, "text", None, {"value": [], "@odata.nextLink": "https://example.org/v1.0/x"},
    {"value": [], "@odata.nextLink": "{root}/v1.0/a"}, {"value": [], "@odata.nextLink": 3},
    {"value": [], "@odata.nextLink": "{root}/beta/x"},
])
async def test_a_part_that_is_no_list_is_an_error_and_never_an_empty_list(
    batching: Batching, graph: Graph, bad: Any
) -> None:
    batching.script("/a", (200, bad))
    (one,) = [one async for one in read_lists(graph, parts("/a"))]
    assert isinstance(one.error, Garbled)
    assert one.values == []


async def test_the_nextlink_of_a_part_that_goes_round_is_an_error(batching: Batching, graph: Graph) -> None:
    batching.script("/a", (200, {"value": [], "@odata.nextLink": "{root}/v1.0/b"}))
    batching.script("/b", (200, {"value": [], "@odata.nextLink": "{root}/v1.0/c"}))
    batching.script("/c", (200, {"value": [], "@odata.nextLink": "{root}/v1.0/b"}))
    slices = [one async for one in read_lists(graph, parts("/a"))]
    assert isinstance(slices[-1].error, Garbled)
    assert len(slices) == 3


async def test_a_binary_part_comes_as_bytes(batching: Batching, graph: Graph) -> None:
    batching.script("/logo", (200, "iVBORw0K"))
    batching.script("/bad", (200, "no base64!"))
    logos = [replace(part, binary=True) for part in parts("/logo", "/bad")]
    answers = {one.part.id: one async for one in read_parts(graph, logos)}
    assert answers["/logo"].as_bytes() == b"\x89PNG\r\n"
    with pytest.raises(Garbled):
        answers["/bad"].as_bytes()


async def test_conditional_access_goes_one_part_a_request(batching: Batching, graph: Graph) -> None:
    await _all(read_parts(graph, parts("/a", "/b"), size=1))
    assert [len(asked) for asked in batching.asked] == [1, 1]


async def test_objects_by_id_a_thousand_a_request(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/directoryObjects/getByIds", answer({"value": [{"id": "7"}, {"id": "1500"}]}))
    found = await get_by_ids(graph, (str(number) for number in range(1600)), types=("user",))
    assert set(found) == {"7", "1500"}
    assert len(fake.requests) == 2
    assert fake.requests[0].query["$select"] == "id"


async def _all(answers: Any) -> None:
    async for _ in answers:
        pass


async def test_parts_that_answer_401_are_asked_again_once_with_one_new_token(
    fake: FakeGraph, graph: Graph, batching: Batching
) -> None:
    refused = (401, {"error": {"code": "InvalidAuthenticationToken", "message": "expired"}})
    for name in "ab":
        batching.script(f"/things/{name}", refused, (200, {"id": name}))
    batching.script("/things/c", refused)
    answers = {one.part.id: one async for one in read_parts(graph, [Part(name, f"/things/{name}") for name in "abc"])}
    assert answers["a"].body == {"id": "a"}
    assert answers["b"].body == {"id": "b"}
    assert answers["c"].error is not None
    assert answers["c"].error.status == 401
    assert batching.asked == [["/things/a", "/things/b", "/things/c"]] * 2
    assert len(fake.token_forms) == 2
    sent = [request.headers["Authorization"] for request in fake.requests]
    assert sent == ["Bearer token-1", "Bearer token-2"]


async def test_a_parts_list_that_shows_the_same_page_again_and_again_ends_with_an_error(
    batching: Batching, graph: Graph
) -> None:
    ways = [(200, {"value": [{"id": "1"}], "@odata.nextLink": f"{{root}}/v1.0/a?$skip={at}"}) for at in range(9)]
    batching.script("/a", *ways)
    slices = [one async for one in read_lists(graph, parts("/a"))]
    assert isinstance(slices[-1].error, Garbled)
    assert sum(map(len, batching.asked)) < len(ways)


@pytest.mark.parametrize("body", [None, ERROR])
async def test_a_part_without_a_body_or_with_an_error_under_a_200_is_not_an_answer(
    batching: Batching, graph: Graph, body: Any
) -> None:
    batching.script("/a", (200, body))
    batching.script("/b", (204, None))
    answers = {one.part.id: one async for one in read_parts(graph, parts("/a", "/b"))}
    assert isinstance(answers["/a"].error, Garbled)
    assert answers["/b"].error is None


@pytest.mark.parametrize("no", [refusal(404, "x"), refusal(400, "BadRequest"), refusal(501, "NotImplemented")])
async def test_where_there_is_no_batch_every_part_goes_by_itself(fake: FakeGraph, graph: Graph, no: Any) -> None:
    fake.script("/v1.0/$batch", no)
    more = answer({"value": [{"id": "1"}], "@odata.nextLink": "{root}/v1.0/a2"})
    fake.script("/v1.0/a", half_a_body({"value": []}), more)
    fake.script("/v1.0/a2", answer({"value": [{"id": "2"}]}))
    fake.script("/v1.0/b", refusal(403, "Authorization_RequestDenied"))
    slices = [one async for one in read_lists(graph, parts("/a", "/b"))]
    assert [value["id"] for one in slices for value in one.values] == ["1", "2"]
    assert [type(one.error) for one in slices if one.error] == [NotPermitted]
    assert fake.asked.count("/v1.0/$batch") == 1
