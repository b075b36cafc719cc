"""Laws of capturing one type: every way of reading it gives all of it, and it goes on from wherever it was left."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiohttp import web
from yarl import URL

from shared.catalog import OBJECT_TYPES
from shared.catalog.row import Link, ObjectType
from shared.entra.capture import Captured, Cursor, capture
from shared.entra.governor import Governor
from shared.entra.pages import Body, LinkSlice
from shared.entra.planner import Measured, chosen_way
from shared.entra.transport import Graph
from shared.entra.wanted import Reading, holds_permission, wanted
from shared.errors import Garbled, NotFound, NotPermitted, TokenExpired
from tests.shared.entra.scripted import Batching, FakeGraph, answer, refusal


def link(name: str, **more: Any) -> Link:
    return Link(name=name, not_restored="a fixture", **more)


def row(name: str = "thing", path: str = "/things", **more: Any) -> ObjectType:
    return ObjectType(
        name=name, title="Things", path=path, graph_type="thing", read_permissions=("Thing.Read.All",),
        not_restored="a fixture", **more,
    )


@dataclass
class View:
    """What a keeper of everything captured would hold."""

    objects: dict[str, Body] = field(default_factory=dict)
    links: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    unread: list[tuple[str, str]] = field(default_factory=list)
    removals: dict[str, str] = field(default_factory=dict)
    last: Captured | None = None

    def take(self, captured: Captured) -> None:
        if captured.restarted:
            self.objects, self.links = {}, {}
        parsed = captured.parse()
        self.objects.update(parsed.objects)
        for one in parsed.links:
            self.apply(one)
        for removal in parsed.removals:
            self.removals[removal.id] = removal.reason
            self.objects.pop(removal.id, None)
            for key in [key for key in self.links if key[0] == removal.id]:
                del self.links[key]
        self.unread += [(one.object_id, one.what) for one in captured.unread]
        self.last = captured

    def apply(self, one: LinkSlice) -> None:
        targets = self.links.setdefault((one.source, one.link), set())
        if one.whole:
            targets.clear()
        targets.update(target.id for target in one.added)
        targets.difference_update(one.removed)

    @property
    def delta_link(self) -> str:
        assert self.last is not None
        assert self.last.finished
        return self.last.delta_link


async def all_of(captured: AsyncIterator[Captured], view: View | None = None) -> View:
    view = view or View()
    async for one in captured:
        view.take(one)
    return view


@pytest.fixture
def batching(fake: FakeGraph) -> Batching:
    served = Batching()
    fake.script("/v1.0/$batch", served)
    return served


def ids(*names: str) -> list[Body]:
    return [{"id": name} for name in names]


async def test_a_list_is_captured_with_its_links_page_by_page(
    fake: FakeGraph, graph: Graph, batching: Batching
) -> None:
    things = row(select=("id", "name"), page_size=999, links=(link("owners"), link("boss", single=True)))
    fake.script("/v1.0/things", answer({"value": [{"id": "1", "name": "a"}], "@odata.nextLink": "{root}/v1.0/p2"}))
    fake.script("/v1.0/p2", answer({"value": [{"id": "2"}]}))
    batching.script("/things/1/owners", (200, {"value": ids("o", "p")}))
    batching.script("/things/1/boss", (200, {"id": "b", "@odata.type": "#microsoft.graph.user"}))
    batching.script("/things/2/boss", (404, {"error": {"code": "Request_ResourceNotFound"}}))
    view = await all_of(capture(graph, things))
    assert view.objects == {"1": {"id": "1", "name": "a"}, "2": {"id": "2", "name": None}}
    assert view.links == {
        ("1", "owners"): {"o", "p"}, ("1", "boss"): {"b"}, ("2", "owners"): set(), ("2", "boss"): set(),
    }
    assert view.unread == []
    assert view.delta_link == ""
    assert str(fake.requests[0].rel_url) == "/v1.0/things?$select=id,name&$top=999"


async def test_a_link_that_could_not_be_read_is_named_and_not_empty(
    fake: FakeGraph, graph: Graph, batching: Batching
) -> None:
    fake.script("/v1.0/things", answer({"value": ids("1", "2", "3")}))
    batching.script("/things/1/owners", (403, {"error": {"code": "Authorization_RequestDenied"}}))
    batching.script("/things/2/owners", (404, {"error": {"code": "Request_ResourceNotFound"}}))
    batching.script("/things/3/owners", (404, {"error": {"code": "Request_ResourceNotFound"}}))
    batching.script("/things/2", (200, {"id": "2"}))
    batching.script("/things/3", (404, {"error": {"code": "Request_ResourceNotFound"}}))
    view = await all_of(capture(graph, row(links=(link("owners"),))))
    assert sorted(view.unread) == [("1", "owners"), ("2", "owners")]  # 3 is gone meanwhile: no failure
    assert view.links == {}


async def test_slow_properties_become_part_of_the_body(fake: FakeGraph, graph: Graph, batching: Batching) -> None:
    things = row(
        select=("id", "kind"), singly=("key",), singly_where=("kind", "k"), streams=("logo",),
        documents=(("schema", "/things/{key}/schema"),),
    )
    fake.script("/v1.0/things", answer({"value": [{"id": "1", "kind": "k"}, {"id": "2", "kind": "other"}]}))
    batching.script("/things/1?$select=id,key", (200, {"@odata.context": "c", "id": "1", "key": [1]}))
    batching.script("/things/1/schema", (200, {"rules": []}))
    batching.script("/things/2/schema", (403, {"error": {"code": "x"}}))
    batching.script("/things/1/logo", (200, "iVBORw0K"))
    batching.script("/things/2/logo", (404, {"error": {"code": "x"}}))
    view = await all_of(capture(graph, things))
    assert view.objects["1"] == {"id": "1", "kind": "k", "key": [1], "schema": {"rules": []}, "logo": "iVBORw0K"}
    assert view.objects["2"] == {"id": "2", "kind": "other"}
    assert view.unread == [("2", "schema")]


async def test_the_slow_lane_can_be_left_out(fake: FakeGraph, graph: Graph, batching: Batching) -> None:
    fake.script("/v1.0/things", answer({"value": ids("1")}))
    things = row(singly=("key",), links=(link("sponsors", slow=True), link("owners")))
    await all_of(capture(graph, things, reading=Reading(slow=False)))
    assert batching.asked == [["/things/1/owners?$select=id"]]


DELTA = row(
    reading="delta", select=("id", "name"), page_size=999,
    links=(link("members", reading="delta"), link("owners", reading="expand")),
)


async def test_a_chain_reads_objects_links_and_token_in_one_round_then_sweeps(
    fake: FakeGraph, graph: Graph, batching: Batching
) -> None:
    many = ids(*(f"o{number}" for number in range(20)))
    fake.script("/v1.0/things/$count", answer(raw=b"2"))
    fake.script("/v1.0/things/delta", answer({
        "value": [{"id": "1", "name": "a", "members@delta": ids("m1")}], "@odata.nextLink": "{root}/v1.0/p2",
    }))
    fake.script("/v1.0/p2", answer({
        "value": [{"id": "1", "members@delta": ids("m2")}, {"id": "2", "name": "b"}],
        "@odata.deltaLink": "{root}/v1.0/things/delta?$deltatoken=t",
    }))
    fake.script("/v1.0/things", answer({"value": [{"id": "1", "owners": many}, {"id": "2", "owners": ids("x")}]}))
    batching.script("/things/1/owners", (200, {"value": [*many, {"id": "o20"}]}))
    view = await all_of(capture(graph, DELTA))
    assert view.objects == {"1": {"id": "1", "name": "a"}, "2": {"id": "2", "name": "b"}}
    assert view.links["1", "members"] == {"m1", "m2"}
    assert view.links["2", "owners"] == {"x"}
    assert len(view.links["1", "owners"]) == 21  # Graph cuts an expanded link at 20
    assert view.delta_link == fake.root + "/v1.0/things/delta?$deltatoken=t"
    assert fake.asked[1] == "/v1.0/things/delta?$select=id,name,members"


async def test_paced_takes_the_token_first_and_replays_what_changed_meanwhile(
    fake: FakeGraph, graph: Graph, batching: Batching
) -> None:
    things = replace(DELTA, links=(link("members", reading="delta"),))
    fake.script("/v1.0/things/delta?$select=id,name,members&$deltatoken=latest", answer({
        "value": [], "@odata.deltaLink": "{root}/v1.0/since",
    }))
    fake.script("/v1.0/things", answer({"value": [{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]}))
    batching.script("/things/1/members", (200, {"value": ids("m1", "m2")}))
    fake.script("/v1.0/since", answer({
        "value": [
            {"id": "1", "members@delta": [{"id": "m1", "@removed": {"reason": "deleted"}}, {"id": "m3"}]},
            {"id": "2", "@removed": {"reason": "changed"}}, {"id": "3", "name": "c"},
        ],
        "@odata.deltaLink": "{root}/v1.0/next",
    }))
    paced: Cursor = {"way": "paced", "step": 0, "link": "", "token": ""}
    view = await all_of(capture(graph, things, paced))
    assert set(view.objects) == {"1", "3"}
    assert view.links == {("1", "members"): {"m2", "m3"}}
    assert view.removals == {"2": "changed"}
    assert view.delta_link == fake.root + "/v1.0/next"


async def test_changes_go_on_from_the_token_and_read_again_what_delta_does_not_show(
    fake: FakeGraph, graph: Graph, batching: Batching
) -> None:
    things = replace(DELTA, links=(*DELTA.links, link("sponsors"), link("friends", reading="expand", slow=True)))
    fake.script("/v1.0/since", answer({
        "value": [{"id": "1", "name": "new"}], "@odata.deltaLink": "{root}/v1.0/next",
    }))
    fake.script("/v1.0/things", answer({"value": [{"id": "1", "owners": ids("x")}, {"id": "2", "owners": ids("y")}]}))
    batching.script("/things/1/sponsors", (200, {"value": ids("s")}))
    view = await all_of(capture(graph, things, mode="changes", since=fake.root + "/v1.0/since"))
    assert view.objects == {"1": {"id": "1", "name": "new"}}
    assert view.links["1", "sponsors"] == {"s"}
    assert view.links["2", "owners"] == {"y"}
    assert [path for asked in batching.asked for path in asked if "/2/" in path] == []
    assert view.delta_link == fake.root + "/v1.0/next"


@pytest.mark.parametrize("gone", [refusal(410, "resyncRequired"), refusal(400, "syncStateNotFound")])
async def test_a_token_that_is_gone_falls_back_to_a_full_read_by_itself(
    fake: FakeGraph, graph: Graph, batching: Batching, gone: Any
) -> None:
    fake.script("/v1.0/since", answer({"value": [{"id": "old"}], "@odata.nextLink": "{root}/v1.0/p2"}))
    fake.script("/v1.0/p2", gone)
    fake.script("/v1.0/things/$count", answer(raw=b"1"))
    fake.script("/v1.0/things/delta", answer({"value": ids("1"), "@odata.deltaLink": "{root}/v1.0/next"}))
    fake.script("/v1.0/things", answer({"value": [{"id": "1", "owners": []}]}))
    view = await all_of(capture(graph, DELTA, mode="changes", since=fake.root + "/v1.0/since"))
    assert set(view.objects) == {"1"}
    assert view.delta_link == fake.root + "/v1.0/next"


async def test_a_type_whose_tokens_are_always_gone_is_read_as_a_list_in_the_end(
    fake: FakeGraph, graph: Graph, batching: Batching
) -> None:
    fake.script("/v1.0/things/$count", answer(raw=b"1"))
    fake.script("/v1.0/things/delta", refusal(410, "resyncRequired"))
    fake.script("/v1.0/things", answer({"value": [{"id": "1", "name": "a", "owners": ids("o")}]}))
    batching.script("/things/1/members", (200, {"value": ids("m")}))
    view = await all_of(capture(graph, DELTA))
    assert set(view.objects) == {"1"}
    assert view.links == {("1", "members"): {"m"}, ("1", "owners"): {"o"}}
    assert view.delta_link == ""


@pytest.mark.parametrize("gone", [row(select=("id",)), row(path="/policies/one", reading="single")])
async def test_a_type_without_delta_that_is_always_gone_is_an_error(
    fake: FakeGraph, graph: Graph, gone: ObjectType
) -> None:
    fake.script(f"/v1.0{gone.path}", refusal(410, "Gone"))
    with pytest.raises(TokenExpired):
        await all_of(capture(graph, gone))


async def test_a_replay_that_closes_a_reading_and_whose_tokens_are_always_gone_is_an_error(
    fake: FakeGraph, graph: Graph
) -> None:
    fake.script("/v1.0/since", refusal(410, "resyncRequired"))
    fake.script("/v1.0/things/$count", answer(raw=b"1"))
    fake.script("/v1.0/things/delta", refusal(410, "resyncRequired"))
    with pytest.raises(TokenExpired):
        await all_of(capture(
            graph, DELTA, mode="changes", since=fake.root + "/v1.0/since", reading=Reading(sweeps=False)
        ))


@pytest.mark.parametrize("nothing", [{}, {"@odata.context": "c"}])
async def test_a_single_object_without_anything_in_it_is_not_an_answer(
    fake: FakeGraph, graph: Graph, nothing: Any
) -> None:
    fake.script("/v1.0/policies/one", answer(nothing))
    with pytest.raises(Garbled):
        await all_of(capture(graph, row(name="policy", path="/policies/one", reading="single")))


async def test_a_single_object_without_an_id_goes_by_its_types_name(fake: FakeGraph, graph: Graph) -> None:
    policy = row(name="policy", path="/policies/one", reading="single")
    fake.script("/v1.0/policies/one", answer({"@odata.context": "c", "isEnabled": True}))
    assert (await all_of(capture(graph, policy))).objects == {"policy": {"id": "policy", "isEnabled": True}}


async def test_an_absent_single_object_is_none_only_where_the_row_says_so(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/one", refusal(404, "Request_ResourceNotFound"))
    may_lack = row(path="/one", reading="single", absent_status=(404,))
    assert (await all_of(capture(graph, may_lack))).objects == {}
    with pytest.raises(NotFound):
        await all_of(capture(graph, row(path="/one", reading="single")))


async def test_a_refused_type_is_raised_with_its_permission(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/things", refusal(403, "Authorization_RequestDenied"))
    with pytest.raises(NotPermitted) as caught:
        await all_of(capture(graph, row()))
    assert caught.value.permission == "Thing.Read.All"


PARENT = row(name="parent", path="/parents", page_size=999)


async def test_children_are_read_under_every_parent_and_those_cut_short_again(
    fake: FakeGraph, graph: Graph, batching: Batching
) -> None:
    child = row(path="/parents/{id}/kids", reading="perParent", parent="parent", parent_expand="kids", page_size=999)
    many = ids(*(f"k{number}" for number in range(20)))
    fake.script("/v1.0/parents", answer({"value": [{"id": "p", "kids": ids("a")}, {"id": "q", "kids": many}]}))
    batching.script("/parents/q/kids", (200, {"value": [*many, {"id": "k20"}]}))
    view = await all_of(capture(graph, child, rows={"parent": PARENT}))
    assert len(view.objects) == 22
    assert view.objects["a"] == {"id": "a", "@cairn.parent": "p"}
    assert view.objects["k20"]["@cairn.parent"] == "q"
    assert fake.asked[0] == "/v1.0/parents?$select=id&$expand=kids&$top=100"


async def test_a_parent_whose_children_could_not_be_read_is_named(
    fake: FakeGraph, graph: Graph, batching: Batching
) -> None:
    child = row(path="/parents/{id}/kids", reading="perParent", parent="parent", key_in_parent=True)
    fake.script("/v1.0/parents", answer({"value": ids("p", "q", "r")}))
    batching.script("/parents/p/kids", (200, {"value": ids("1")}))
    batching.script("/parents/q/kids", (403, {"error": {"code": "x"}}))
    batching.script("/parents/r/kids", (404, {"error": {"code": "x"}}))
    batching.script("/parents/r", (404, {"error": {"code": "x"}}))
    view = await all_of(capture(graph, child, rows={"parent": PARENT}))
    assert set(view.objects) == {"p/1"}
    assert view.unread == [("q", "thing")]


UNLICENSED = (400, {"error": {"code": "AadPremiumLicenseRequired"}})


async def test_a_licence_that_is_missing_is_told_once_and_not_of_every_parent(
    fake: FakeGraph, graph: Graph, batching: Batching
) -> None:
    child = row(path="/parents/{id}/kids", reading="perParent", parent="parent")
    fake.script("/v1.0/parents", answer({"value": ids("p", "q")}))
    batching.script("/parents/p/kids", UNLICENSED)
    batching.script("/parents/q/kids", UNLICENSED)
    with pytest.raises(NotPermitted, match="AadPremiumLicenseRequired"):
        await all_of(capture(graph, child, rows={"parent": PARENT}))


async def test_a_licence_refused_for_one_parent_takes_nothing_from_those_that_show_their_children(
    fake: FakeGraph, graph: Graph, batching: Batching
) -> None:
    child = row(path="/parents/{id}/kids", reading="perParent", parent="parent", parent_expand="kids")
    fake.script("/v1.0/parents", answer({"value": [{"id": "p", "kids": ids("a")}, {"id": "q"}]}))
    batching.script("/parents/q/kids", UNLICENSED)
    view = await all_of(capture(graph, child, rows={"parent": PARENT}))
    assert set(view.objects) == {"a"}
    assert view.unread == [("q", "thing")]


async def test_one_child_per_parent_goes_by_the_parents_id_where_it_has_none(
    fake: FakeGraph, graph: Graph, batching: Batching
) -> None:
    child = row(
        path="/parents/{id}/kid", reading="perParent", parent="parent", one_per_parent=True, absent_status=(404,),
        parent_where=("kind", "k"), singly=("deep",),
    )
    fake.script("/v1.0/parents", answer({"value": [
        {"id": "p", "kind": "k"}, {"id": "q", "kind": "k"}, {"id": "r", "kind": "other"},
    ]}))
    batching.script("/parents/p/kid", (200, {"a": 1}), (200, {"deep": 2}))
    batching.script("/parents/q/kid", (404, {"error": {"code": "x"}}))
    view = await all_of(capture(graph, child, rows={"parent": PARENT}))
    assert view.objects == {"p": {"a": 1, "@cairn.parent": "p", "deep": 2}}
    assert view.unread == []


async def test_types_that_share_a_list_are_told_apart(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/things", answer({"value": [
        {"@odata.type": "#microsoft.graph.ip", "id": "1"}, {"@odata.type": "#microsoft.graph.country", "id": "2"},
    ]}))
    assert set((await all_of(capture(graph, row(odata_type="#microsoft.graph.ip")))).objects) == {"1"}


@dataclass
class ById:
    """`$batch` of lists that are asked for by ids and expand one relation; the rest is answered from a script."""

    related: dict[str, list[str]]
    rest: Batching
    refused: bool = False
    foreign: bool = False
    asked: list[str] = field(default_factory=list)

    async def __call__(self, fake: FakeGraph, request: web.Request) -> web.StreamResponse:
        parts = json.loads(fake.bodies[-1])["requests"]
        if "$filter=" not in parts[0]["url"]:
            return await self.rest(fake, request)
        assert len(parts) <= 20
        responses = []
        for part in parts:
            query = URL(part["url"]).query
            names = re.findall(r"'([^']+)'", query["$filter"])
            assert len(names) <= 15
            self.asked += names
            name = query["$expand"].partition("(")[0]
            body = {"value": [
                {"id": one, name: ids(*self.related[one])} for one in names if one in self.related
            ] + ids(*(["stranger"] if self.foreign else []))}
            refusal = {"error": {"code": "Request_UnsupportedQuery", "message": "no"}}
            responses.append({"id": part["id"], "status": 400 if self.refused else 200,
                              "body": refusal if self.refused else body})
        return web.json_response({"responses": responses})


KNOWN = tuple(f"k{number:04}" for number in range(4_000))


def swept(batching: Batching, fake: FakeGraph, **more: Any) -> tuple[ObjectType, ById]:
    things = row(
        reading="delta", select=("id", "name"), page_size=999, links=(link("owners", reading="expand"),)
    )
    by_id = ById({name: [f"o{name}"] for name in KNOWN[:-2]}, batching, **more)
    by_id.related["k0007"] = [f"o{number}" for number in range(20)]
    fake.script("/v1.0/$batch", by_id)
    fake.script("/v1.0/d", answer({"value": [{"id": "new", "name": "n"}], "@odata.deltaLink": "{root}/v1.0/after"}))
    batching.script("/things/new/owners", (200, {"value": ids("n")}))
    batching.script("/things/k0007/owners", (200, {"value": ids(*(f"o{number}" for number in range(25)))}))
    gone = (404, {"error": {"code": "Request_ResourceNotFound"}})
    batching.script("/things/k3998/owners", (200, {"value": ids("late")}))
    batching.script("/things/k3999/owners", gone)
    batching.script("/things/k3999", gone)
    return things, by_id


async def test_objects_whose_ids_are_known_are_swept_by_these_and_none_is_left_out(
    fake: FakeGraph, graph: Graph, batching: Batching
) -> None:
    things, by_id = swept(batching, fake)
    reading = Reading(known=KNOWN)
    view = await all_of(capture(graph, things, mode="changes", since=f"{fake.root}/v1.0/d", reading=reading))
    assert sorted(by_id.asked) == list(KNOWN)
    assert view.links["k0007", "owners"] == {f"o{number}" for number in range(25)}  # it showed twenty
    assert view.links["k3998", "owners"] == {"late"}  # not shown, and there all the same
    assert ("k3999", "owners") not in view.links  # gone
    assert view.links["new", "owners"] == {"n"}
    assert len(view.links) == len(KNOWN)
    assert view.unread == []
    assert len([one for one in fake.asked if "/things?" in one]) == 0


async def test_a_sweep_by_ids_goes_on_from_every_one_of_its_cursors(
    fake: FakeGraph, graph: Graph, batching: Batching
) -> None:
    things, by_id = swept(batching, fake)
    reading = Reading(known=KNOWN)
    pieces = [one async for one in capture(graph, things, mode="changes", since=f"{fake.root}/v1.0/d", reading=reading)]
    by_id.asked.clear()
    cursor = next(one.cursor for one in pieces if one.cursor["link"].startswith("by id "))
    fake.script("/v1.0/$batch", by_id)
    rest = await all_of(capture(graph, things, cursor, mode="changes", reading=reading))
    assert 0 < len(by_id.asked) < len(KNOWN)
    assert rest.links["k3998", "owners"] == {"late"}
    assert rest.delta_link


@pytest.mark.parametrize("how", ["refused", "foreign"])
async def test_a_graph_that_does_not_filter_by_ids_is_listed(
    fake: FakeGraph, graph: Graph, batching: Batching, how: str
) -> None:
    things, by_id = swept(batching, fake, **{how: True})
    listed = {"value": [{"id": "k0001", "owners": ids("o")}], "@odata.nextLink": "{root}/v1.0/p2"}
    fake.script("/v1.0/things", answer(listed))
    fake.script("/v1.0/p2", answer({"value": [{"id": "k0002", "owners": []}]}))
    reading = Reading(known=KNOWN)
    view = await all_of(capture(graph, things, mode="changes", since=f"{fake.root}/v1.0/d", reading=reading))
    assert view.links["k0001", "owners"] == {"o"}
    assert view.links["k0002", "owners"] == set()
    assert view.delta_link
    assert len(by_id.asked) == 15  # one question was enough to find out


async def test_children_under_parents_whose_ids_are_known_are_all_found(
    fake: FakeGraph, graph: Graph, batching: Batching
) -> None:
    parent = row(name="parent", path="/parents")
    kids = row(
        name="kid", path="/parents/{id}/kids", reading="perParent", parent="parent", parent_expand="kids",
    )
    by_id = ById({name: [f"c{name}"] for name in KNOWN[:-2]}, batching)
    by_id.related["k0007"] = [f"c{number}" for number in range(20)]
    fake.script("/v1.0/$batch", by_id)
    batching.script("/parents/k0007/kids", (200, {"value": ids(*(f"c{number}" for number in range(25)))}))
    batching.script("/parents/k3998/kids", (200, {"value": ids("late")}))
    gone = (404, {"error": {"code": "Request_ResourceNotFound"}})
    batching.script("/parents/k3999/kids", gone)
    batching.script("/parents/k3999", gone)
    view = await all_of(
        capture(graph, kids, reading=Reading(known=KNOWN), rows={"parent": parent, "kid": kids})
    )
    expected = {f"c{name}" for name in KNOWN[:-2] if name != "k0007"} | {f"c{number}" for number in range(25)}
    assert set(view.objects) == expected | {"late"}
    assert view.unread == []


async def test_a_type_that_must_be_read_in_full_is_not_swept_by_what_was_known(
    fake: FakeGraph, graph: Graph, batching: Batching
) -> None:
    things, by_id = swept(batching, fake)
    fake.script("/v1.0/d", refusal(410, "syncStateNotFound"))
    latest = "{root}/v1.0/things/delta?$deltatoken=x"
    fake.script("/v1.0/things/delta", answer({"value": [], "@odata.deltaLink": latest}))
    fake.script("/v1.0/things", answer({"value": [{"id": "fresh", "owners": ids("f")}]}))
    reading = Reading(known=KNOWN)
    view = await all_of(capture(graph, things, mode="changes", since=f"{fake.root}/v1.0/d", reading=reading))
    assert by_id.asked == []
    assert view.links["fresh", "owners"] == {"f"}


async def test_a_capture_goes_on_from_every_one_of_its_cursors(
    fake: FakeGraph, graph: Graph, batching: Batching
) -> None:
    def scripted() -> None:
        fake.script("/v1.0/things/$count", answer(raw=b"3"))
        fake.script("/v1.0/things/delta", answer({
            "value": [{"id": "1", "members@delta": ids("m")}], "@odata.nextLink": "{root}/v1.0/p2",
        }))
        fake.script("/v1.0/p2", answer({"value": ids("2"), "@odata.nextLink": "{root}/v1.0/p3"}))
        fake.script("/v1.0/p3", answer({"value": ids("3"), "@odata.deltaLink": "{root}/v1.0/next"}))
        fake.script("/v1.0/things", answer({
            "value": [{"id": "1", "owners": ids("x")}], "@odata.nextLink": "{root}/v1.0/s2",
        }))
        fake.script("/v1.0/s2", answer({"value": [{"id": "2", "owners": ids("y")}]}))

    scripted()
    pieces = [one async for one in capture(graph, DELTA)]
    whole = View()
    for piece in pieces:
        whole.take(piece)
    for place in range(len(pieces) - 1):
        view = View()
        for piece in pieces[: place + 1]:
            view.take(piece)
        cursor: Cursor = pieces[place].cursor
        await all_of(capture(graph, DELTA, cursor), view)
        assert (view.objects, view.links, view.delta_link) == (whole.objects, whole.links, whole.delta_link)


async def test_a_capture_stops_at_the_first_page_after_its_time_and_asks_for_nothing_more(
    fake: FakeGraph, graph: Graph
) -> None:
    fake.script("/v1.0/things", answer({"value": ids("1"), "@odata.nextLink": "{root}/v1.0/p2"}))
    pieces = [one async for one in capture(graph, row(), stop_at=graph.now() - 1)]
    assert [piece.finished for piece in pieces] == [False]
    assert len(fake.requests) == 1
    fake.script("/v1.0/p2", answer({"value": ids("2")}))
    rest = await all_of(capture(graph, row(), pieces[0].cursor))
    assert set(rest.objects) == {"2"}


def test_the_planner_takes_the_chain_for_t1_and_the_fan_out_for_t2() -> None:
    asked = wanted(DELTA, Reading(), "global")
    quota = Governor().resource_units_per_second
    assert chosen_way(asked, Measured(20_000, 200_000, 0.05, quota)) == "chain"
    assert chosen_way(asked, Measured(100_000, 5_000_000, 0.3, quota)) == "paced"


@pytest.mark.parametrize(("latencies", "way"), [([0.9, 0.01], "chain"), ([0.9, 0.8, 0.7], "paced"), ([0.01], "chain")])
async def test_one_slow_answer_does_not_choose_the_costly_way(
    fake: FakeGraph, graph: Graph, monkeypatch: pytest.MonkeyPatch, latencies: list[float], way: str
) -> None:
    waiting = list(latencies)

    async def measured(_: object) -> Measured:
        return Measured(1_000_000, None, waiting.pop(0), 800.0)

    monkeypatch.setattr("shared.entra.capture._measured", measured)
    things = row(reading="delta", select=("id", "name"), page_size=999, links=(link("members", reading="delta"),))
    fake.script("/v1.0/things/delta", answer({"value": [], "@odata.deltaLink": "{root}/v1.0/d"}))
    fake.script("/v1.0/things", answer({"value": []}))
    fake.script("/v1.0/d", answer({"value": [], "@odata.deltaLink": "{root}/v1.0/e"}))
    pieces = [one async for one in capture(graph, things)]
    assert {one.cursor["way"] for one in pieces} == {way}
    assert waiting == []


def test_managers_come_along_the_delta_even_where_a_first_request_was_slow() -> None:
    asked = wanted(OBJECT_TYPES["user"], Reading(), "global")
    quota = Governor().resource_units_per_second
    assert chosen_way(asked, Measured(100_000, None, 0.5, quota)) == "chain"
    assert chosen_way(asked, Measured(1_000_000, None, 0.5, quota)) == "chain"


def test_a_cloud_or_tenant_without_delta_reads_lists() -> None:
    limited = replace(DELTA, delta_clouds=frozenset({"global"}))
    china = wanted(limited, Reading(), "china")
    assert not china.by_delta
    assert [one.name for one in china.each_links] == ["members"]
    assert chosen_way(china, Measured(1, 1, 1.0, 1.0)) == "list"
    assert not wanted(DELTA, Reading(delta=False), "global").by_delta


def test_what_is_off_or_not_permitted_is_left_out_and_said() -> None:
    things = row(
        select=("id", "a", "b"), select_permissions=(("a", "A.Read.All"),), property_options=(("b", "deep"),),
        links=(link("owners", permissions=("Owner.Read.All",)), link("methods", option="deep")),
    )
    asked = wanted(things, Reading(held=frozenset({"Thing.Read.All"})), "global")
    assert asked.select == ("id",)
    assert asked.each_links == ()
    assert {(one.what, one.why, one.name) for one in asked.left_out} == {
        ("a", "permission", "A.Read.All"), ("b", "option", "deep"), ("owners", "permission", "Owner.Read.All"),
        ("methods", "option", "deep"),
    }
    everything = wanted(things, Reading(options={"deep": True}), "global")
    assert everything.select == ("id", "a", "b")
    assert everything.left_out == ()


def test_a_permission_is_held_by_itself_or_by_one_that_contains_it() -> None:
    assert holds_permission(frozenset({"User.ReadWrite.All"}), "User.Read.All")
    assert holds_permission(frozenset({"Directory.Read.All"}), "Device.Read.All")
    assert not holds_permission(frozenset({"Directory.Read.All"}), "Member.Read.Hidden")
    assert not holds_permission(frozenset({"User.Read.All"}), "User.ReadWrite.All")
