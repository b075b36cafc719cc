"""Consents over HTTP."""

import httpx
import pytest

from shared.settings import Settings
from tests.api.conftest import TENANT


@pytest.fixture
def settings() -> Settings:
    return Settings(body_limit_bytes=65_536, client_id="aaaaaaaa-0000-4000-8000-000000000009")


async def test_all_four_consents_are_listed_before_any_was_checked(client: httpx.AsyncClient, tenant: str) -> None:
    value = (await client.get(f"/tenants/{TENANT}/consents")).json()["value"]
    assert [(one["kind"], one["status"]) for one in value] == [
        ("basic", "notChecked"), ("restore", "notChecked"),
        ("exchangeBackup", "notYetSupported"), ("exchangeRestore", "notYetSupported"),
    ]
    assert "User.Read.All" in [one["permission"] for one in value[0]["wanted"]]
    assert value[1]["roles"][0]["held"] is None
    assert value[0]["adminConsentUrl"].startswith("https://login.microsoftonline.com/" + TENANT)


async def test_what_a_consent_wants_follows_the_options(client: httpx.AsyncClient, tenant: str) -> None:
    before = (await client.get(f"/tenants/{TENANT}/consents")).json()["value"][0]["wanted"]
    await client.put(f"/tenants/{TENANT}/settings", json={"options": {"customSecurityAttributes": True}})
    after = (await client.get(f"/tenants/{TENANT}/consents")).json()["value"][0]["wanted"]
    added = {one["permission"] for one in after} - {one["permission"] for one in before}
    assert "CustomSecAttributeDefinition.Read.All" in added


@pytest.mark.parametrize(("kind", "status", "code"), [
    ("exchangeBackup", 422, "notYetSupported"), ("exchangeRestore", 422, "notYetSupported"), ("other", 404, "notFound"),
])  # fmt: skip
async def test_a_consent_that_is_not_built_is_said_so(
    client: httpx.AsyncClient, tenant: str, kind: str, status: int, code: str
) -> None:
    answer = await client.post(f"/tenants/{TENANT}/consents/{kind}/check")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_deployment_that_has_no_app_says_so(client: httpx.AsyncClient, tenant: str) -> None:
    answer = await client.post(f"/tenants/{TENANT}/consents/basic/check")
    assert (answer.status_code, answer.json()["code"]) == (503, "notConfigured")
