"""Laws of links that their targets show: what the holders leave out is there all the same, and nothing is taken away."""

from dataclasses import replace
from typing import Any

import pytest

from shared.catalog.row import Link, ObjectType
from shared.entra.capture import Captured, Cursor, capture
from shared.entra.pages import Body
from shared.entra.transport import Graph
from tests.shared.entra.scripted import Batching, FakeGraph, answer, refusal


def row(name: str, path: str, *links: Link, **more: Any) -> ObjectType:
    return ObjectType(
        name=name, title=f"All {name}s", path=path, graph_type=name, read_permissions=("Read.All",), links=links,
        not_restored="a fixture", **more,
    )


CLUB = row(
    "club", "/clubs", Link("members", reading="delta", shown_by="robot.memberOf", not_restored="a fixture"),
    reading="delta", select=("id",),
)
ROBOT = row("robot", "/robots", Link("memberOf", reading="inverse", held_by=("club.members",)), page_size=999)
ROWS = {"club": CLUB, "robot": ROBOT}
SWEEP = "/v1.0/robots?$select=id&$expand=memberOf($select%3Did)&$top=100"


@pytest.fixture
def batching(fake: FakeGraph) -> Batching:
    served = Batching()
    fake.script("/v1.0/$batch", served)
    fake.script("/v1.0/clubs/$count", answer(raw=b"2"))
    fake.script("/v1.0/clubs/delta", answer({
        "value": [{"id": "c1", "members@delta": [{"id": "u", "@odata.type": "#microsoft.graph.user"}]}, {"id": "c2"}],
        "@odata.deltaLink": "{root}/v1.0/clubs/delta?$deltatoken=t",
    }))
    return served


def in_clubs(*clubs: str) -> list[Body]:
    other = {"id": "elsewhere", "@odata.type": "#microsoft.graph.directoryRole"}
    return [*({"id": club, "@odata.type": "#microsoft.graph.club"} for club in clubs), other]


async def read(graph: Graph, **more: Any) -> tuple[set[tuple[str, str, str]], list[Captured]]:
    """The links as (holder, target, the target's type), and the pieces that they came in."""
    pieces = [piece async for piece in capture(graph, CLUB, rows=ROWS, **more)]
    slices = [one for piece in pieces for one in piece.parse().links]
    assert all(one.link == "members" and not one.removed for one in slices)
    return {(one.source, target.id, target.type) for one in slices for target in one.added}, pieces


async def test_members_that_delta_leaves_out_are_read_of_themselves(
    fake: FakeGraph, graph: Graph, batching: Batching
) -> None:
    fake.script(SWEEP, answer({"value": [
        {"id": "r1", "memberOf": in_clubs("c1", "c2")}, {"id": "r2", "memberOf": in_clubs()},
    ]}))
    links, pieces = await read(graph)
    assert links == {("c1", "u", "user"), ("c1", "r1", "robot"), ("c2", "r1", "robot")}
    assert pieces[-1].finished
    assert pieces[-1].delta_link == fake.root + "/v1.0/clubs/delta?$deltatoken=t"
    assert not any(piece.unread for piece in pieces)


async def test_who_shows_as_many_as_graph_expands_is_asked_again_and_so_is_who_shows_none_at_all(
    fake: FakeGraph, graph: Graph, batching: Batching
) -> None:
    many = [f"c{number}" for number in range(30)]
    fake.script(SWEEP, answer({"value": [{"id": "r1", "memberOf": in_clubs(*many)[:20]}, {"id": "r2"}]}))
    batching.script("/robots/r1/memberOf", (200, {"value": in_clubs(*many)}))
    batching.script("/robots/r2/memberOf", (200, {"value": in_clubs("c7")}))
    links, _ = await read(graph)
    assert links == {("c1", "u", "user"), ("c7", "r2", "robot"), *((club, "r1", "robot") for club in many)}


async def test_a_graph_that_does_not_expand_is_asked_one_by_one(
    fake: FakeGraph, graph: Graph, batching: Batching
) -> None:
    fake.script(SWEEP, refusal(400, "Request_UnsupportedQuery"))
    fake.script("/v1.0/robots?$select=id&$top=999", answer({
        "value": [{"id": "r1"}], "@odata.nextLink": "{root}/v1.0/robots?page=2",
    }))
    fake.script("/v1.0/robots?page=2", answer({"value": [{"id": "r2"}]}))
    for robot in ("r1", "r2"):
        batching.script(f"/robots/{robot}/memberOf", (200, {"value": in_clubs("c2")}))
    links, pieces = await read(graph)
    assert links == {("c1", "u", "user"), ("c2", "r1", "robot"), ("c2", "r2", "robot")}
    assert pieces[-1].finished


async def test_a_sweep_that_was_cut_off_goes_on_where_it_was(
    fake: FakeGraph, graph: Graph, batching: Batching
) -> None:
    fake.script(SWEEP, answer({
        "value": [{"id": "r1", "memberOf": in_clubs("c1")}], "@odata.nextLink": "{root}/v1.0/robots?page=2",
    }))
    fake.script("/v1.0/robots?page=2", answer({"value": [{"id": "r2", "memberOf": in_clubs("c2")}]}))
    whole, pieces = await read(graph)
    cursors: list[Cursor] = [piece.cursor for piece in pieces]
    at = next(place for place, cursor in enumerate(cursors) if cursor["link"].endswith("page=2"))
    rest, _ = await read(graph, cursor=cursors[at])
    assert rest == {("c2", "r2", "robot")}
    assert rest < whole


@pytest.mark.parametrize("status", [403, 404])
async def test_a_refusal_makes_the_link_unread_and_stops_nothing(
    fake: FakeGraph, graph: Graph, batching: Batching, status: int
) -> None:
    fake.script(SWEEP, refusal(status, "Authorization_RequestDenied"))
    links, pieces = await read(graph)
    assert links == {("c1", "u", "user")}
    assert [one.what for piece in pieces for one in piece.unread] == ["members"]
    assert pieces[-1].finished


@pytest.mark.parametrize("targets", [
    refusal(501, "NotImplemented"), answer({"value": [], "@odata.nextLink": "{root}/v1.0/robots?$top=100"}),
])
async def test_a_list_of_targets_that_cannot_be_read_to_its_end_leaves_the_holders_as_they_were_read(
    fake: FakeGraph, graph: Graph, batching: Batching, targets: Any
) -> None:
    for path in (SWEEP, "/v1.0/robots?$select=id&$top=999", "/v1.0/robots?$top=100"):
        fake.script(path, targets)
    links, pieces = await read(graph)
    assert links == {("c1", "u", "user")}
    assert [one.what for piece in pieces for one in piece.unread] == ["members"]
    assert pieces[-1].finished


async def test_changes_alone_do_not_ask_every_target(fake: FakeGraph, graph: Graph, batching: Batching) -> None:
    fake.script("/v1.0/clubs/since", answer({"value": [], "@odata.deltaLink": "{root}/v1.0/clubs/next"}))
    await read(graph, mode="changes", since=fake.root + "/v1.0/clubs/since")
    assert fake.asked == ["/v1.0/clubs/since"]


async def test_a_link_that_no_target_shows_is_not_asked_for(
    fake: FakeGraph, graph: Graph, batching: Batching
) -> None:
    alone = replace(CLUB, links=(Link("members", reading="delta", not_restored="a fixture"),))
    _ = [piece async for piece in capture(graph, alone, rows=ROWS)]
    assert not any(path.startswith("/v1.0/robots") for path in fake.asked)


async def test_a_target_in_something_without_a_type_makes_the_link_unread(
    fake: FakeGraph, graph: Graph, batching: Batching
) -> None:
    fake.script(SWEEP, answer({"value": [{"id": "r1", "memberOf": [{"id": "c2"}]}, {"id": "r2", "memberOf": []}]}))
    links, pieces = await read(graph)
    assert ("c2", "r1", "robot") not in links
    assert [(one.object_id, one.what) for piece in pieces for one in piece.unread] == [("r1", "members")]
