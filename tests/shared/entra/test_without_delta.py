"""Laws of a Graph that refuses or does less than was asked of it: the type is read another way, or says what it lacks."""

import json
from typing import Any
from urllib.parse import unquote

import pytest
from aiohttp import web

from shared.catalog.row import Link, ObjectType
from shared.entra.capture import Captured, Cursor, capture
from shared.entra.transport import Graph
from shared.entra.wanted import Reading
from shared.errors import Rejected
from tests.shared.entra.scripted import Answering, Batching, FakeGraph, answer, refusal

CLUB = ObjectType(
    name="club", title="Clubs", path="/clubs", graph_type="club", read_permissions=("Read.All",),
    reading="delta", select=("id", "name"), page_size=999, not_restored="a fixture",
    links=(
        Link("members", reading="delta", not_restored="a fixture"),
        Link("owners", reading="expand", not_restored="a fixture"),
    ),
)
KEY = ObjectType(
    name="key", title="Keys", path="/clubs/{id}/keys", graph_type="key", read_permissions=("Read.All",),
    reading="perParent", parent="club", parent_expand="keys", page_size=999, not_restored="a fixture",
)
CLUBS = [{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]
LINKS = {("1", "members", "m1"), ("1", "members", "m2"), ("2", "members", "m3"), ("2", "owners", "o")}


def listed(*, expands: bool = True) -> Answering:
    """The list of clubs, expanded as asked; or refusing to."""

    async def send(fake: FakeGraph, request: web.Request) -> web.StreamResponse:
        query = unquote(request.query_string)
        if "$expand" in query and not expands:
            return await refusal(400, "BadRequest")(fake, request)
        owners = {"1": [], "2": [{"id": "o"}]}
        shown = [{**one, **({"owners": owners[one["id"]]} if "$expand=owners" in query else {})} for one in CLUBS]
        return web.json_response({"value": shown})

    return send


@pytest.fixture
def batching(fake: FakeGraph) -> Batching:
    served = Batching()
    fake.script("/v1.0/$batch", served)
    fake.script("/v1.0/clubs/$count", answer(raw=b"2"))
    fake.script("/v1.0/clubs", listed())
    served.script("/clubs/1/members", (200, {"value": [{"id": "m1"}, {"id": "m2"}]}))
    served.script("/clubs/2/members", (200, {"value": [{"id": "m3"}]}))
    served.script("/clubs/2/owners", (200, {"value": [{"id": "o"}]}))
    return served


async def read(graph: Graph, row: ObjectType = CLUB, **more: Any) -> tuple[dict[str, Any], set[Any], list[Captured]]:
    objects: dict[str, Any] = {}
    links: set[Any] = set()
    pieces = []
    # As a worker does that is stopped after every piece: from each cursor on, through JSON.
    cursor: Cursor | None = None
    for _ in range(60):
        stop: dict[str, Any] = {} if cursor is None else {"cursor": json.loads(json.dumps(cursor))}
        async for piece in capture(graph, row, stop_at=0.0, rows={"club": CLUB, "key": KEY}, **stop, **more):
            if piece.restarted:
                objects, links = {}, set()
            parsed = piece.parse()
            objects.update(parsed.objects)
            links |= {(one.source, one.link, target.id) for one in parsed.links for target in one.added}
            pieces.append(piece)
            cursor = piece.cursor
        if pieces[-1].finished:
            return objects, links, pieces
    raise AssertionError("it never ends")


@pytest.mark.parametrize("no", [
    refusal(400, "Request_UnsupportedQuery"), refusal(404, "ResourceNotFound"), refusal(405, "MethodNotAllowed"),
    refusal(501, "NotImplemented"), answer({"value": CLUBS}),
])
async def test_a_type_whose_delta_is_refused_or_gives_no_token_is_read_as_a_list(
    fake: FakeGraph, graph: Graph, batching: Batching, no: Any
) -> None:
    fake.script("/v1.0/clubs/delta", no)
    objects, links, pieces = await read(graph)
    assert objects == {one["id"]: one for one in CLUBS}
    assert links == LINKS
    assert pieces[-1].delta_link == ""
    assert not any(piece.unread for piece in pieces)


async def test_a_delta_that_does_not_show_links_that_objects_have_is_not_trusted(
    fake: FakeGraph, graph: Graph, batching: Batching
) -> None:
    fake.script("/v1.0/clubs/delta", answer({"value": CLUBS, "@odata.deltaLink": "{root}/v1.0/since"}))
    _, links, pieces = await read(graph)
    assert links == LINKS
    assert pieces[-1].delta_link == ""


async def test_a_delta_without_links_is_trusted_where_no_object_has_any(
    fake: FakeGraph, graph: Graph, batching: Batching
) -> None:
    for path in ("/clubs/1/members", "/clubs/2/members"):
        batching.script(path, (200, {"value": []}))
    fake.script("/v1.0/clubs/delta", answer({"value": CLUBS, "@odata.deltaLink": "{root}/v1.0/since"}))
    _, links, pieces = await read(graph)
    assert links == {("2", "owners", "o")}
    assert pieces[-1].delta_link == fake.root + "/v1.0/since"


async def test_where_the_newest_token_is_refused_the_whole_delta_is_read(
    fake: FakeGraph, graph: Graph, batching: Batching
) -> None:
    fake.script("/v1.0/clubs/delta?$select=id,name,members&$deltatoken=latest", refusal(400, "BadRequest"))
    shown = [{**CLUBS[0], "members@delta": [{"id": "m1"}, {"id": "m2"}]}, {**CLUBS[1], "members@delta": [{"id": "m3"}]}]
    fake.script("/v1.0/clubs/delta", answer({"value": shown, "@odata.deltaLink": "{root}/v1.0/since"}))
    paced: Cursor = {"way": "paced", "step": 0, "link": "", "token": ""}
    pieces = [piece async for piece in capture(graph, CLUB, paced)]
    assert {(one.source, one.link, target.id) for piece in pieces for one in piece.parse().links
            for target in one.added} == LINKS
    assert pieces[-1].delta_link == fake.root + "/v1.0/since"


async def test_a_replay_that_closes_a_reading_and_is_refused_voids_nothing(
    fake: FakeGraph, graph: Graph, batching: Batching
) -> None:
    fake.script("/v1.0/since", refusal(400, "BadRequest"))
    with pytest.raises(Rejected):
        await read(graph, mode="changes", since=fake.root + "/v1.0/since", reading=Reading(sweeps=False))


async def test_links_and_children_are_asked_for_singly_where_no_list_may_be_expanded(
    fake: FakeGraph, graph: Graph, batching: Batching
) -> None:
    fake.script("/v1.0/clubs", listed(expands=False))
    fake.script("/v1.0/clubs/delta", refusal(501, "NotImplemented"))
    _, links, pieces = await read(graph)
    assert links == LINKS
    assert pieces[-1].finished
    batching.script("/clubs/2/keys", (200, {"value": [{"id": "k"}]}))
    keys, _, _ = await read(graph, KEY)
    assert set(keys) == {"k"}
