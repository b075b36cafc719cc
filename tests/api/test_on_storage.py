"""The interface on real tables (Azurite), with tokens of the local issuer: nothing in memory but the engine."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from api.app import create_api
from api.durable import current_client
from api.services import Services
from local.azurite import Azurite
from local.issuer import AUDIENCE, Issuer, open_or_make_issuer, serving
from shared.deployment import Deployment, open_deployment
from shared.settings import Settings
from tests.api.conftest import TENANT, FakeDurable


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return open_or_make_issuer(tmp_path / "issuer")


@pytest.fixture
def stored(azurite: Azurite, issuer: Issuer, tmp_path: Path) -> Settings:
    return Settings(
        vault_connection_string=azurite.connection_string, records_connection_string=azurite.connection_string,
        auth_issuer=issuer.name, auth_audience=AUDIENCE, home_tenants=(issuer.home_tenant,),
        key_url=str(tmp_path / "key"),
    )


@pytest.fixture
async def opened(stored: Settings) -> AsyncIterator[Deployment]:
    deployment = await open_deployment(stored)
    yield deployment
    await deployment.records.tenants.unregister(TENANT)
    await deployment.close()


async def test_the_story_holds_on_storage(opened: Deployment, stored: Settings, issuer: Issuer) -> None:
    async def once() -> Deployment:
        return opened

    durable = FakeDurable()
    token = current_client.set(durable)
    with serving(issuer):
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(create_api(Services(once, None, stored))),
            base_url="https://cairn.example/api/v1",
            headers={"Authorization": f"Bearer {issuer.mint('Operator', tenants=[TENANT])}"},
        ) as client:
            ready = await client.get("/ready")
            assert ready.json()["status"] == "ready", ready.text
            assert (await client.post("/tenants", json={"tenantId": TENANT})).status_code == 403
            client.headers["Authorization"] = f"Bearer {issuer.mint('Administrator')}"
            assert (await client.post("/tenants", json={"tenantId": TENANT})).status_code == 201
            put = await client.put(f"/tenants/{TENANT}/settings", json={"retentionDays": 30})
            late = await client.put(f"/tenants/{TENANT}/settings", json={}, headers={"If-Match": '"defaults"'})
            assert (put.status_code, late.status_code) == (200, 412)
            ids = []
            for number in range(3):
                started = await client.post(
                    f"/tenants/{TENANT}/backups", json={}, headers={"Idempotency-Key": f"k{number}"}
                )
                assert started.status_code == 202, started.text
                ids.append(started.json()["taskId"])
                assert (await client.post(f"/tenants/{TENANT}/backups", json={})).status_code == 409
                await client.post(f"/tasks/{ids[-1]}/cancel")
            first = (await client.get(f"/tasks?tenant={TENANT}&top=2")).json()
            rest = (await client.get(first["nextLink"])).json()
            assert [task["taskId"] for task in (*first["value"], *rest["value"])] == ids[::-1]
            assert {task["status"] for task in first["value"]} == {"cancelled"}
            assert len((await client.get(f"/events?tenant={TENANT}&severity=warning")).json()["value"]) == 3
            client.headers["Authorization"] = f"Bearer {issuer.mint('Administrator', hours=-1)}"
            assert (await client.get("/me")).status_code == 401
    current_client.reset(token)


async def test_storage_that_is_gone_is_told_by_readiness_and_as_a_problem(
    stored: Settings, issuer: Issuer
) -> None:
    from shared.errors import StoreUnavailable

    async def nothing() -> Deployment:
        raise StoreUnavailable("Table Storage: ServiceRequestError")

    with serving(issuer):
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(create_api(Services(nothing, None, stored))),
            base_url="https://cairn.example/api/v1",
            headers={"Authorization": f"Bearer {issuer.mint('Reader')}"},
        ) as client:
            ready = await client.get("/ready")
            assert (ready.status_code, ready.json()["status"]) == (503, "notReady")
            listed = await client.get("/tenants")
            assert (listed.status_code, listed.json()["code"]) == (503, "storageUnavailable")
            assert listed.headers["retry-after"] == "10"
            assert (await client.get("/health")).status_code == 200
