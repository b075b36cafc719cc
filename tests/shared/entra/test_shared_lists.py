"""Types that share a list are read of one reading of it, and each is whole whatever becomes of the other."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest

from shared.entra.capture import capture
from shared.entra.shared_lists import SharedLists
from shared.entra.transport import Graph
from shared.errors import Garbled, NotPermitted
from tests.shared.entra.scripted import FakeGraph, answer, refusal
from tests.shared.entra.test_capture import View, all_of, row

IP = row("ip", odata_type="#microsoft.graph.ip")
COUNTRY = row("country", odata_type="#microsoft.graph.country")
FIRST: dict[str, Any] = {
    "value": [
        {"@odata.type": "#microsoft.graph.ip", "id": "1"}, {"@odata.type": "#microsoft.graph.country", "id": "2"},
    ],
    "@odata.nextLink": "{root}/v1.0/second",
}
SECOND: dict[str, Any] = {
    "value": [
        {"@odata.type": "#microsoft.graph.country", "id": "3"}, {"@odata.type": "#microsoft.graph.ip", "id": "4"},
    ]
}


@pytest.fixture
def both(graph: Graph) -> Callable[[], Any]:
    """Reads both types at once, over the same lists."""

    async def read() -> list[View | BaseException]:
        lists = SharedLists()
        return await asyncio.gather(
            *(all_of(capture(graph, one, lists=lists)) for one in (IP, COUNTRY)), return_exceptions=True
        )

    return read


async def test_a_list_that_two_types_share_is_read_once(fake: FakeGraph, both: Callable[[], Any]) -> None:
    fake.script("/v1.0/things", answer(FIRST))
    fake.script("/v1.0/second", answer(SECOND))
    ip, country = await both()
    assert (set(ip.objects), set(country.objects)) == ({"1", "4"}, {"2", "3"})
    assert len(fake.requests) == 2


async def test_each_type_reads_the_whole_list_if_it_is_the_only_one(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/things", answer(FIRST))
    fake.script("/v1.0/second", answer(SECOND))
    assert set((await all_of(capture(graph, COUNTRY, lists=SharedLists()))).objects) == {"2", "3"}


async def test_what_one_type_could_not_read_the_other_reads_itself(fake: FakeGraph, both: Callable[[], Any]) -> None:
    fake.script("/v1.0/things", answer(FIRST))
    fake.script("/v1.0/second", refusal(403, "Authorization_RequestDenied"), answer(SECOND))
    ip, country = await both()
    assert isinstance(ip, NotPermitted)
    assert set(country.objects) == {"2", "3"}
    assert fake.asked == ["/v1.0/things", "/v1.0/second"] * 2


async def test_a_failure_of_the_list_is_each_types_own(fake: FakeGraph, both: Callable[[], Any]) -> None:
    fake.script("/v1.0/things", answer({"value": [{"id": "1"}]}))
    assert [type(one) for one in await both()] == [Garbled, Garbled]


async def test_a_list_that_was_left_before_its_end_is_not_taken_for_the_whole(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/things", answer(FIRST))
    fake.script("/v1.0/second", answer(SECOND))
    lists = SharedLists()
    async with aclosing(capture(graph, IP, lists=lists, stop_at=graph.now())) as pieces:
        left = [piece async for piece in pieces]
    assert not left[-1].finished
    assert set((await all_of(capture(graph, COUNTRY, lists=lists))).objects) == {"2", "3"}
    rest = await all_of(capture(graph, IP, left[-1].cursor, lists=lists))
    assert set(rest.objects) == {"4"}
