"""HEAD answers as GET does, without the body: status, headers, refusals."""

import azure.functions as func
import httpx
import pytest

from api.app import routes
from api.guard import access_of
from tests.api.conftest import OTHER, TENANT
from tests.api.test_behind_functions import ask  # noqa: F401 - a fixture

T = f"/tenants/{TENANT}"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/health", 200), ("/tenants", 200), (T, 200), (f"{T}/settings", 200), (f"{T}/identityMap.csv", 200), ("/openapi.json", 200), ("/me", 200),
        (f"{T}/backups/latest", 404), (f"/tenants/{OTHER}", 404), ("/tasks?top=0", 422), ("/tasks?no=1", 400),
    ],
)
async def test_head_answers_what_get_does_without_the_body(client: httpx.AsyncClient, tenant, path, status) -> None:
    got, head = await client.get(path), await client.head(path)
    assert (got.status_code, head.status_code) == (status, status)
    assert head.content == b""
    assert got.content
    assert dict(head.headers) == dict(got.headers)


async def test_head_lets_nobody_in_whom_get_does_not(anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.head("/tenants")).status_code == 401
    assert (await anonymous.head("/health")).status_code == 200


async def test_head_is_no_way_to_what_is_given_once(client: httpx.AsyncClient, tenant) -> None:
    answer = await client.head(f"{T}/restores/x/credentials")
    assert (answer.status_code, answer.headers["allow"], answer.content) == (405, "GET", b"")
    assert [path for path, route in routes() if access_of(route.endpoint).once] == [
        "/api/v1/tenants/{tenant_id}/restores/{restore_id}/credentials"
    ]


async def test_head_is_not_allowed_where_there_is_no_get(client: httpx.AsyncClient, tenant) -> None:
    answer = await client.head(f"{T}/backups/latest/verify")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_head_passes_the_functions_host(ask) -> None:  # type: ignore[no-untyped-def]
    answer: func.HttpResponse = await ask("HEAD", "/health")
    assert (answer.status_code, answer.get_body()) == (200, b"")
