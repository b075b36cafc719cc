"""Notifications over HTTP: set, shown without secrets, tested, and listed with what became of them."""

import httpx
import pytest

from shared.deployment import Records
from shared.settings import Settings
from tests.api.conftest import TENANT

HOOK = {"url": "http://127.0.0.1:9/hook", "secret": "sixteen-characters-at-least"}


@pytest.fixture
def settings() -> Settings:
    return Settings(body_limit_bytes=65_536, private_webhooks="allow")


async def test_what_is_set_is_shown_without_its_secret(client: httpx.AsyncClient, tenant: str) -> None:
    path = f"/tenants/{TENANT}/notifications"
    put = await client.put(path, json={"recipients": [{"email": "a@b.example"}], "webhooks": [HOOK]})
    assert put.status_code == 200, put.text
    shown = await client.get(path)
    assert shown.json() == put.json()
    assert HOOK["secret"] not in shown.text
    assert shown.json()["webhooks"][0]["secretSet"] is True
    assert {one["name"] for one in shown.json()["templates"]} >= {"backupFailed", "approvalWanted", "consentExpiring"}
    kept = await client.put(path, json={"webhooks": [{"url": HOOK["url"]}]}, headers={"If-Match": put.headers["etag"]})
    assert kept.status_code == 200, kept.text
    stale = await client.put(path, json={}, headers={"If-Match": put.headers["etag"]})
    assert stale.status_code == 412


@pytest.mark.parametrize(("wrong", "where"), [
    ({"webhooks": [{"url": "https://127。0。0。1/", "secret": "s" * 16}]}, "webhooks.0.url"),
    ({"recipients": [{"email": "nobody"}]}, "recipients.0.email"),
    ({"recipients": [{"email": "a\x00b@b.example"}]}, "recipients.0.email"),
    ({"recipients": [{"email": "a\x85b@b.example"}]}, "recipients.0.email"),
    ({"recipients": [{"email": "a@b.example\nBcc: x@y.example"}]}, "recipients.0.email"),
    ({"recipients": [{"email": "a@b.example", "templates": ["other"]}]}, "recipients.0.templates.0"),
    ({"webhooks": [{"url": "https://example.com/", "secret": "short"}]}, "webhooks.0.secret"),
    ({"webhooks": [{"url": "https://example.com/"}]}, "webhooks.0.secret"),
    ({"webhooks": [{"url": "http://example.com/", "secret": HOOK["secret"]}]}, "webhooks.0.url"),
    ({"webhooks": [{"url": "file:///etc/passwd", "secret": HOOK["secret"]}]}, "webhooks.0.url"),
    ({"recipients": [{"email": "a@b.example"}, {"email": "A@b.example"}]}, "recipients.1.email"),
])  # fmt: skip
async def test_a_channel_that_cannot_be_is_refused_by_name(
    client: httpx.AsyncClient, tenant: str, wrong: dict[str, object], where: str
) -> None:
    answer = await client.put(f"/tenants/{TENANT}/notifications", json=wrong)
    assert answer.status_code == 422, answer.text
    assert where in [one["field"] for one in answer.json()["errors"]]


async def test_a_test_says_what_became_of_it_in_each_channel(
    client: httpx.AsyncClient, records: Records, tenant: str
) -> None:
    path = f"/tenants/{TENANT}/notifications"
    assert (await client.post(f"{path}/test")).json()["code"] == "noChannels"
    await client.put(path, json={"recipients": [{"email": "a@b.example"}], "webhooks": [HOOK]})
    answer = await client.post(f"{path}/test", json={"template": "approvalWanted"})
    assert answer.status_code == 200, answer.text
    found = {one["channel"]: (one["status"], one["lastError"]) for one in answer.json()["value"]}
    assert found["email"] == ("givenUp", "nothing is set to send email with")
    assert found["webhook"][0] == "givenUp"
    listed = (await client.get(f"{path}/deliveries?q=channel:webhook")).json()["value"]
    assert [one["template"] for one in listed] == ["approvalWanted"]


async def test_the_audit_trail_counts_channels_and_names_none(
    client: httpx.AsyncClient, records: Records, tenant: str
) -> None:
    await client.put(f"/tenants/{TENANT}/notifications", json={"recipients": [{"email": "a@b.example"}]})
    (entry,) = [entry async for _, entry in records.audit.stream(None)]
    assert entry["details"] == {"recipients": 1, "webhooks": 0, "enabled": True}
    assert "a@b.example" not in str(entry)


async def test_channels_whose_key_is_gone_are_said_to_be_so_and_can_be_set_anew(
    client: httpx.AsyncClient, records: Records, tenant: str
) -> None:
    path = f"/tenants/{TENANT}/notifications"
    put = await client.put(path, json={"recipients": [{"email": "a@b.example"}]})
    row = await records.notifications._table.get(f"channels|{TENANT}", "channels")
    assert row is not None
    stored = await records.notifications._table.update(row.with_body({**row.body, "sealed": "local.0123.AAAA"}))
    for answer in (await client.get(path), await client.post(f"{path}/test")):
        assert (answer.status_code, answer.json()["code"]) == (409, "channelsUnreadable")
    stale = await client.put(path, json={}, headers={"If-Match": put.headers["etag"]})
    assert stale.status_code == 412
    anew = {"recipients": [{"email": "c@b.example"}]}
    assert (await client.put(path, json=anew, headers={"If-Match": stored.etag})).status_code == 200
    assert (await client.get(path)).json()["recipients"][0]["email"] == "c@b.example"
