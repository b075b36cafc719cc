"""Laws of reading a whole tenant, held against the tenant simulator: everything is there, and changes add up."""

import random
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
import pytest

from local.simulator import Simulator
from shared.catalog import OBJECT_TYPES
from shared.catalog.row import ObjectType
from shared.entra.capture import Captured, Cursor, capture
from shared.entra.clouds import endpoints
from shared.entra.credentials import ClientSecret, token_source
from shared.entra.directory import held_permissions, organization, permissions
from shared.entra.recycle_bin import deleted_at
from shared.entra.transport import Graph, Limits
from shared.entra.wanted import Reading
from shared.errors import Changed, NotFound, NotPermitted, Rejected

FLAGS = {"nativeAuthenticationApisEnabled"}
"""A set of flags is one text in Graph's schema; msgraph-sdk reads it as a list, and so the simulator lists `[]`."""
DELTA_TYPES = ("user", "group", "application", "servicePrincipal", "administrativeUnit", "directoryRole")


@dataclass
class View:
    """What a keeper of everything captured holds of one type."""

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    links: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    token: str = ""
    finished: bool = False
    unread: int = 0

    def take(self, captured: Captured) -> None:
        if captured.restarted:
            self.objects, self.links = {}, {}
        parsed = captured.parse()
        self.objects.update(parsed.objects)
        for one in parsed.links:
            known = frozenset() if one.whole else self.links.get((one.source, one.link), frozenset())
            self.links[one.source, one.link] = (known | {target.id for target in one.added}) - set(one.removed)
        for removal in parsed.removals:
            self.objects.pop(removal.id, None)
            self.links = {key: targets for key, targets in self.links.items() if key[0] != removal.id}
        self.unread += len(captured.unread)
        self.finished = captured.finished
        self.token = captured.delta_link

    def shown(self) -> tuple[dict[str, Any], dict[tuple[str, str], frozenset[str]]]:
        return self.objects, {key: targets for key, targets in self.links.items() if targets}


async def read(graph: Graph, row: ObjectType, view: View | None = None, **how: Any) -> View:
    view = view or View()
    async for captured in capture(graph, row, **how):
        view.take(captured)
    return view


@pytest.fixture
async def tenant() -> AsyncIterator[Simulator]:
    async with Simulator(users=230, groups=40, seed=7) as simulator:
        yield simulator


@pytest.fixture
async def graph(tenant: Simulator) -> AsyncIterator[Graph]:
    roots = endpoints("global", graph_url=tenant.url, login_url=tenant.url)
    tokens = token_source(roots, tenant.tenant_id, ClientSecret(tenant.client_id, tenant.client_secret))
    limits = Limits(attempts=12, first_wait_seconds=0.001, wait_seconds_max=0.01)
    async with Graph(roots, tokens, limits=limits) as session:
        yield session


async def faults(tenant: Simulator, *rules: dict[str, Any]) -> None:
    async with aiohttp.ClientSession() as session:
        answered = await session.put(f"{tenant.url}/simulator/faults", json={"rules": list(rules)})
        assert answered.status == 200, await answered.text()


UNKIND: tuple[dict[str, Any], ...] = (
    {"kind": "status", "status": 503, "probability": 0.1, "seed": 1},
    {"kind": "cut", "probability": 0.08, "seed": 2},
    {"kind": "truncate", "probability": 0.08, "seed": 3},
    {"kind": "notJson", "probability": 0.08, "seed": 4},
    {"kind": "throttle", "retryAfter": 0.01, "probability": 0.05, "seed": 5},
)


@pytest.mark.parametrize("unkind", [False, True], ids=["kind", "unkind"])
async def test_every_user_group_member_owner_and_manager_is_there(
    tenant: Simulator, graph: Graph, unkind: bool
) -> None:
    if unkind:
        await faults(tenant, *UNKIND)
    store = tenant.store
    users, groups = [await read(graph, OBJECT_TYPES[name]) for name in ("user", "group")]
    assert set(users.objects) == {record.key for record in store.all("user")}
    assert set(groups.objects) == {record.key for record in store.all("group")}
    for name, view in (("members", groups), ("owners", groups), ("manager", users)):
        held = {pair for pair in store.links[name].pairs() if pair[0] in view.objects}
        assert {(source, one) for (source, of), ends in view.links.items() if of == name for one in ends} == held
        assert held
    assert users.unread == groups.unread == 0


@pytest.mark.parametrize("name", DELTA_TYPES)
async def test_lists_and_delta_give_one_body_and_one_set_of_links(graph: Graph, name: str) -> None:
    row = OBJECT_TYPES[name]
    every_option = {"customSecurityAttributes": True}
    # Keys are read one by one, 150 a minute: a second time round would wait a minute for them.
    for options in (every_option,) if row.special_bucket == "keyCredentials" else ({}, every_option):
        listed = await read(graph, row, reading=Reading(options=options, delta=False))
        for way in ("chain", "paced"):
            view = await read(graph, row, cursor=begin(way), reading=Reading(options=options))
            assert view.shown()[1] == listed.shown()[1]
            assert set(view.objects) == set(listed.objects)
            for key, body in view.objects.items():
                again = listed.objects[key]
                assert {name for name in body if name not in FLAGS and body[name] != again[name]} == set()


def begin(way: str) -> Cursor:
    return {"way": way, "step": 0, "link": "", "token": ""}


async def changed(graph: Graph, luck: random.Random) -> None:
    """One change that an administrator might make."""

    async def write(method: str, path: str, body: dict[str, Any] | None = None) -> None:
        payload = None if body is None else orjson.dumps(body)
        with suppress(Rejected, NotPermitted, NotFound, Changed):  # a refused change is no change
            await graph.send(method, path, payload=payload, repeatable=True)

    users = [value["id"] for value in (await graph.get_json("/users?$select=id&$top=999"))["value"]]
    groups = [value["id"] for value in (await graph.get_json("/groups?$select=id&$top=999"))["value"]]
    user, group, number = luck.choice(users), luck.choice(groups), luck.randrange(10**9)
    reference = {"@odata.id": f"{graph.endpoints.graph}/v1.0/directoryObjects/{user}"}
    match luck.randrange(8):
        case 0:
            await write("PATCH", f"/users/{user}", {"city": f"c{number}", "otherMails": []})
        case 1:
            await write("PATCH", f"/groups/{group}", {"description": f"d{number}"})
        case 2:
            await write("POST", f"/groups/{group}/members/$ref", reference)
        case 3:
            await write("DELETE", f"/groups/{group}/members/{user}/$ref")
        case 4:
            await write("POST", "/groups", {
                "displayName": f"g{number}", "mailNickname": f"g{number}", "mailEnabled": False,
                "securityEnabled": True,
            })
        case 5:
            await write("DELETE", f"/users/{user}")
        case 6:
            await write("DELETE", f"/groups/{group}")
        case _:
            await write("PUT", f"/users/{luck.choice(users)}/manager/$ref", reference)


@pytest.mark.parametrize("seed", range(4))
async def test_a_full_read_and_any_changes_equal_a_full_read_afterwards(
    tenant: Simulator, graph: Graph, seed: int
) -> None:
    luck = random.Random(seed)
    rows = [OBJECT_TYPES["user"], OBJECT_TYPES["group"]]
    views = [await read(graph, row) for row in rows]
    for _ in range(3):
        for _ in range(luck.randrange(25)):
            await changed(graph, luck)
        if seed % 2:
            await faults(tenant, *UNKIND)
        views = [
            await read(graph, row, View(view.objects, view.links), mode="changes", since=view.token)
            for row, view in zip(rows, views, strict=True)
        ]
        await faults(tenant)
    fresh = [await read(graph, row) for row in rows]
    for row, view, again in zip(rows, views, fresh, strict=True):
        assert view.objects == again.objects
        assert without_slow(row, view) == without_slow(row, again)


def without_slow(row: ObjectType, view: View) -> Any:
    """What a view shows, without links of the slow lane, which are as old as their last full read."""
    slow = {link.name for link in row.links if link.slow}
    objects, links = view.shown()
    return objects, {key: targets for key, targets in links.items() if key[1] not in slow}


@pytest.mark.parametrize("way", ["chain", "paced"])
async def test_what_changes_during_a_full_read_is_in_it_or_in_the_next_changes(
    tenant: Simulator, graph: Graph, way: str
) -> None:
    luck, row, view = random.Random(3), OBJECT_TYPES["group"], View()
    async for captured in capture(graph, row, begin(way)):
        view.take(captured)
        for _ in range(6):
            await changed(graph, luck)
    view = await read(graph, row, View(view.objects, view.links), mode="changes", since=view.token)
    assert view.shown() == (await read(graph, row)).shown()


async def test_a_reset_token_falls_back_to_a_full_read(tenant: Simulator, graph: Graph) -> None:
    row = OBJECT_TYPES["group"]
    before = await read(graph, row)
    async with aiohttp.ClientSession() as session:
        await session.post(f"{tenant.url}/simulator/deltaReset")
    after = await read(graph, row, View(), mode="changes", since=before.token)
    assert after.shown() == before.shown()
    assert after.token != before.token


async def test_slices_of_no_time_at_all_add_up_to_the_whole(graph: Graph) -> None:
    row = OBJECT_TYPES["group"]
    whole, view, cursor = await read(graph, row), View(), None
    for _ in range(1_000):
        async for captured in capture(graph, row, cursor, stop_at=graph.now()):
            view.take(captured)
            cursor = captured.cursor
        if view.finished:
            break
    assert view.finished
    assert view.shown() == whole.shown()


async def test_the_recycle_bin_tells_what_was_deleted_and_when(tenant: Simulator, graph: Graph) -> None:
    waited = await deleted_at(graph, OBJECT_TYPES["group"])
    victim = next(record.key for record in tenant.store.all("group"))
    await graph.send("DELETE", f"/groups/{victim}")
    waiting = await deleted_at(graph, OBJECT_TYPES["group"])
    assert set(waiting) == {victim, *waited}
    assert waiting[victim].endswith("Z")
    assert await deleted_at(graph, OBJECT_TYPES["device"]) == {}


async def test_the_token_tells_which_permissions_are_held(tenant: Simulator, graph: Graph) -> None:
    assert "User.Read.All" in await held_permissions(graph)
    told = await permissions(graph, ["User.Read.All", "No.Such.Permission"])
    assert told.missing == ("No.Such.Permission",)
    assert (await organization(graph))["id"] == tenant.tenant_id


@pytest.mark.parametrize("row", OBJECT_TYPES.values(), ids=lambda row: row.name)
async def test_every_row_of_the_catalog_ends_whole_or_with_a_typed_refusal(graph: Graph, row: ObjectType) -> None:
    try:
        finished = (await read(graph, row)).finished
    except (NotPermitted, NotFound, Rejected) as refused:
        finished = refused.status in (400, 403, 404)
    assert finished
