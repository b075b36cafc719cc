"""Consents over HTTP."""

from typing import Any

import httpx
import pytest

import api.consents
from shared.deployment import Records
from shared.settings import Settings
from shared.tenants.consents import ConsentMissing
from tests.api.conftest import TENANT, FakeDurable
from tests.api.test_guard import point


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


async def test_a_restore_without_its_consent_is_refused_with_what_to_grant(
    client: httpx.AsyncClient, durable: FakeDurable, records: Records, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: Any) -> None:
        raise ConsentMissing("restore", ("Group.ReadWrite.All",), "https://login.example/consent")

    monkeypatch.setattr(api.consents, "need_restore_consent", refused)
    await records.restore_points.upsert(point())
    body = {"source": {"backupId": "latest"}, "selection": {"all": True}, "reason": "x"}
    answer = await client.post(f"/tenants/{TENANT}/restores", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "consentMissing"), answer.text
    assert [one["expected"] for one in answer.json()["errors"]] == ["Group.ReadWrite.All"]
    assert answer.json()["adminConsentUrl"] == "https://login.example/consent"
    assert durable.scheduled == []
