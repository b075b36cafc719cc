"""`$batch` as Microsoft's own client sends it: typed bodies, order, failures of single parts, the limit of twenty."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
from azure.identity.aio import ClientSecretCredential
from kiota_abstractions.request_information import RequestInformation
from kiota_serialization_json.json_parse_node_factory import JsonParseNodeFactory
from msgraph_core.requests.batch_request_content import BatchRequestContent
from msgraph_core.requests.batch_request_item import BatchRequestItem

from local.simulator import Simulator
from tests.local.simulator.sdk.cases import user
from tests.local.simulator.sdk.world import World, opened

# kiota's generated request builders warn of their own names whenever one is first imported
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
async def world(simulator: Simulator, credential: ClientSecretCredential) -> AsyncIterator[World]:
    async with opened(simulator, credential) as made:
        yield made


async def sent(world: World, content: BatchRequestContent) -> dict[str, dict[str, Any]]:
    """The answer by id. msgraph-core 1.5.2 reads a part's body as base64 text and so loses Graph's, which are JSON
    objects: the bytes are fetched through its adapter, and the bodies parsed by the models. It also writes `dependsOn`
    under a name that Graph does not know, which is put right here."""
    client = world.app["v1.0"]
    request = await client.batch.to_post_request_information(content)
    request.content = request.content.replace(b'"depends_on"', b'"dependsOn"')
    raw = await client.request_adapter.send_primitive_async(request, "bytes", {})
    return {each["id"]: each for each in orjson.loads(raw)["responses"]}


def parsed(world: World, type_name: str, body: dict[str, Any]) -> Any:
    node = JsonParseNodeFactory().get_root_parse_node("application/json", orjson.dumps(body))
    return node.get_object_value(world.m(type_name))


def batch(**requests: RequestInformation) -> BatchRequestContent:
    content = BatchRequestContent({})
    for name, request in requests.items():
        content.add_request(name, BatchRequestItem(request, name))
    return content


async def test_twenty_typed_reads_come_back_typed(world: World) -> None:
    users = world.app["v1.0"].users
    wanted = {f"r{at}": record.key for at, record in enumerate(list(world.store.all("user"))[:20])}
    told = await sent(world, batch(**{
        name: users.by_user_id(key).to_get_request_information() for name, key in wanted.items()}))  # fmt: skip
    for name, key in wanted.items():
        read = parsed(world, "user", told[name]["body"])
        assert isinstance(read, world.m("user"))
        assert (told[name]["status"], read.id) == (200, key)
        assert read.display_name == world.store.records[key].read()["displayName"]
        assert not {each for each in read.additional_data if "@" not in each}


async def test_parts_are_done_in_the_order_of_dependson_and_fail_alone(world: World) -> None:
    client = world.app["v1.0"]
    person = user(world)
    content = batch(
        make=client.users.to_post_request_information(world.m("user")(**person)),
        again=client.users.to_post_request_information(world.m("user")(**person)),
        after=client.users.to_get_request_information(),
        missing=client.users.by_user_id("00000000-0000-4000-8000-000000000000").to_get_request_information(),
        apart=client.organization.to_get_request_information(),
    )
    requests = content.requests
    requests["again"].set_depends_on(["make"])
    requests["after"].set_depends_on(["again"])
    told = await sent(world, content)
    assert {name: each["status"] for name, each in told.items()} == {
        "make": 201, "again": 400, "after": 424, "missing": 404, "apart": 200}  # fmt: skip
    made = parsed(world, "user", told["make"]["body"])
    assert made.display_name == person["display_name"]
    assert (await client.users.by_user_id(made.id).get()).id == made.id
    for name, code in (("again", "Request_BadRequest"), ("missing", "Request_ResourceNotFound"),
                       ("after", "FailedDependency")):  # fmt: skip
        assert parsed(world, "oDataErrors.oDataError", told[name]["body"]).error.code == code


async def test_a_throttled_part_says_when_and_leaves_the_others(world: World, graph: httpx.AsyncClient) -> None:
    rule = {"kind": "throttle", "path": "/v1.0/organization", "count": 1, "retryAfter": 7}
    assert (await graph.post("/simulator/faults", json=rule)).status_code == 200
    client = world.app["v1.0"]
    told = await sent(world, batch(
        one=client.organization.to_get_request_information(), two=client.domains.to_get_request_information()))
    assert (told["one"]["status"], told["two"]["status"]) == (429, 200)
    assert told["one"]["headers"]["Retry-After"] == "7"


async def test_more_than_twenty_are_refused_by_the_client_and_by_graph(world: World, graph: httpx.AsyncClient) -> None:
    get = world.app["v1.0"].organization.to_get_request_information
    content = batch(**{f"r{at}": get() for at in range(20)})
    with pytest.raises(RuntimeError, match="20"):
        content.add_request("r20", BatchRequestItem(get(), "r20"))
    many = [{"id": str(at), "method": "GET", "url": "/organization"} for at in range(21)]
    written = world.store.seq
    for requests, status in ((many, 400), (many[:20], 200), ([], 400), ([many[0], many[0]], 400)):
        assert (await graph.post("/v1.0/$batch", json={"requests": requests})).status_code == status
    assert world.store.seq == written
