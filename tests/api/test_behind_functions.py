"""The interface answers the same behind the Functions ASGI middleware, which is how Azure and the local host call."""

from collections.abc import Mapping

import azure.functions as func
import orjson
import pytest

from api.app import create_api
from api.durable import current_client
from api.services import Services
from tests.api.conftest import TENANT, FakeDurable, Mint


class Called:
    """What the middleware reads of an invocation's context."""

    function_name = "http"
    function_directory = "."
    invocation_id = "1"
    trace_context = None
    retry_context = None
    thread_local_storage = None


type Ask = object


@pytest.fixture
def ask(services: Services, durable: FakeDurable, mint: Mint):  # type: ignore[no-untyped-def]
    web = func.AsgiMiddleware(create_api(services))
    token = mint()

    async def send(
        method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> func.HttpResponse:
        request = func.HttpRequest(
            method=method, url=f"https://cairn.example/api/v1{path}", body=body,
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json", **(headers or {})},
        )
        set_client = current_client.set(durable)
        try:
            return await web.handle_async(request, Called())
        finally:
            current_client.reset(set_client)

    return send


async def test_a_tenant_is_registered_and_backed_up(ask, durable: FakeDurable) -> None:  # type: ignore[no-untyped-def]
    made = await ask("POST", "/tenants", orjson.dumps({"tenantId": TENANT}))
    assert made.status_code == 201, made.get_body()
    again = await ask("POST", "/tenants", orjson.dumps({"tenantId": TENANT, "kind": "x"}))
    assert again.status_code == 409, "also without a Content-Length"
    started = await ask("POST", f"/tenants/{TENANT}/backups", b"{}")
    assert started.status_code == 202
    assert started.headers["Location"].startswith("/api/v1/tasks/")
    assert len(durable.scheduled) == 1


async def test_a_body_that_is_too_long_is_refused(ask) -> None:  # type: ignore[no-untyped-def]
    assert (await ask("POST", "/tenants", b"x" * 70_000)).status_code == 413


async def test_a_next_link_has_the_callers_own_address(ask) -> None:  # type: ignore[no-untyped-def]
    for number in range(2):
        await ask("POST", "/tenants", orjson.dumps({"tenantId": f"{TENANT[:-1]}{number}"}))
    page = orjson.loads((await ask("GET", "/tenants?top=1")).get_body())
    assert page["nextLink"].startswith("https://cairn.example/api/v1/tenants?top=1&continuation=")
