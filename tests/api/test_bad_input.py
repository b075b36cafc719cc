"""Every bad input is refused as a problem that names the field, what was found and what was expected."""

from typing import Any

import httpx
import pytest

from tests.api.conftest import TENANT, Mint

T = f"/tenants/{TENANT}"
UNKNOWN = "99999999-9999-4999-8999-999999999999"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "field"),
    [
        ("GET", f"/tenants/{UNKNOWN}", None, 404, "unknownTenant", "tenantId"),
        ("GET", "/tenants/not-a-guid", None, 404, "unknownTenant", "tenantId"),
        ("GET", "/tenants/%00'%20or%201%20eq%201", None, 404, "unknownTenant", "tenantId"),
        ("POST", f"/tenants/{UNKNOWN}/backups", {"kind": "sideways"}, 404, "unknownTenant", "tenantId"),
        ("GET", f"/tasks?tenant={UNKNOWN}", None, 404, "unknownTenant", "tenantId"),
        ("GET", f"/dashboard?tenant={UNKNOWN}&top=x", None, 404, "unknownTenant", "tenantId"),
        ("GET", "/tasks/nothing", None, 404, "notFound", "taskId"),
        ("GET", "/events/nothing", None, 404, "notFound", "eventId"),
        ("GET", "/events?task=nothing", None, 404, "notFound", "task"),
        ("GET", f"{T}/objects/x?backup=nothing", None, 404, "notFound", "backup"),
        ("GET", f"{T}/objects?backup=nothing", None, 404, "notFound", "backup"),
        ("POST", f"{T}/differences", {"backupId": "nothing", "against": "live"}, 404, "notFound", "backupId"),
        ("GET", f"{T}/backups/latest", None, 404, "notFound", "backupId"),
        ("GET", f"{T}/backups/..%2F..", None, 404, "unknownRoute", None),
        ("GET", f"{T}/backups/a'b", None, 404, "notFound", "backupId"),
        ("POST", f"{T}/backups/nothing/verify", None, 404, "notFound", "backupId"),
        ("GET", "/nowhere", None, 404, "unknownRoute", None),
        ("GET", "/tenants/", None, 404, "unknownRoute", None),
        ("PUT", "/tenants", {}, 405, "methodNotAllowed", "method"),
        ("DELETE", "/health", None, 405, "methodNotAllowed", "method"),
        ("POST", "/tenants", {"tenantId": TENANT}, 409, "duplicateTenant", "tenantId"),
        ("POST", "/tenants", {"tenantId": TENANT.upper(), "kind": "x"}, 409, "duplicateTenant", "tenantId"),
        ("POST", "/tenants", {"tenantId": "contoso"}, 422, "invalidRequest", "tenantId"),
        ("POST", "/tenants", {"tenantId": 7}, 422, "invalidRequest", "tenantId"),
        ("POST", "/tenants", {"tenantId": None}, 422, "invalidRequest", "tenantId"),
        ("POST", "/tenants", {}, 422, "invalidRequest", "tenantId"),
        ("POST", "/tenants", [], 422, "invalidRequest", "body"),
        ("POST", "/tenants", "text", 422, "invalidRequest", "body"),
        ("POST", "/tenants", {"tenantId": UNKNOWN, "kind": "big"}, 422, "invalidRequest", "kind"),
        ("POST", "/tenants", {"tenantId": UNKNOWN, "cloud": "mars"}, 422, "invalidRequest", "cloud"),
        ("POST", "/tenants", {"tenantId": UNKNOWN, "cloud": "china"}, 422, "otherCloud", "cloud"),
        ("POST", "/tenants", {"tenantId": UNKNOWN, "displayName": ""}, 422, "invalidRequest", "displayName"),
        ("POST", "/tenants", {"tenantId": UNKNOWN, "displayName": "x" * 257}, 422, "invalidRequest", "displayName"),
        ("POST", "/tenants", {"tenantId": UNKNOWN, "displayName": "  "}, 422, "invalidRequest", "displayName"),
        ("POST", "/tenants", {"tenantId": UNKNOWN, "displayName": "a\x00b"}, 422, "invalidRequest", "displayName"),
        ("PATCH", T, {"displayName": "Contoso\r\nX: y"}, 422, "invalidRequest", "displayName"),
        ("PATCH", T, {"displayName": "Contoso \u202etset"}, 422, "invalidRequest", "displayName"),
        ("POST", "/tenants", {"tenantId": UNKNOWN, "secret": "x"}, 422, "invalidRequest", "secret"),
        ("PUT", f"{T}/settings", {"schedule": {"timesPerDay": 0}}, 422, "invalidRequest", "schedule.timesPerDay"),
        ("PUT", f"{T}/settings", {"schedule": {"timesPerDay": 5}}, 422, "invalidRequest", "schedule.timesPerDay"),
        ("PUT", f"{T}/settings", {"schedule": {"timesPerDay": "2"}}, 422, "invalidRequest", "schedule.timesPerDay"),
        ("PUT", f"{T}/settings", {"schedule": {"timesPerDay": 1.5}}, 422, "invalidRequest", "schedule.timesPerDay"),
        ("PUT", f"{T}/settings", {"schedule": {"timesPerDay": True}}, 422, "invalidRequest", "schedule.timesPerDay"),
        ("PUT", f"{T}/settings", {"schedule": {"enabled": "yes"}}, 422, "invalidRequest", "schedule.enabled"),
        ("PUT", f"{T}/settings", {"schedule": {"startAt": "24:00"}}, 422, "invalidRequest", "schedule.startAt"),
        ("PUT", f"{T}/settings", {"schedule": {"startAt": "7:5"}}, 422, "invalidRequest", "schedule.startAt"),
        ("PUT", f"{T}/settings", {"schedule": {"startAt": "07:05\n"}}, 422, "invalidRequest", "schedule.startAt"),
        ("PUT", f"{T}/settings", {"schedule": {"start": 1}}, 422, "invalidRequest", "schedule.start"),
        ("PUT", f"{T}/settings", {"schedule": None}, 422, "invalidRequest", "schedule"),
        ("PUT", f"{T}/settings", {"retentionDays": 0}, 422, "invalidRequest", "retentionDays"),
        ("PUT", f"{T}/settings", {"retentionDays": 1826}, 422, "invalidRequest", "retentionDays"),
        ("PUT", f"{T}/settings", {"retentionDays": -1}, 422, "invalidRequest", "retentionDays"),
        ("PUT", f"{T}/settings", {"retentionDays": 10**40}, 422, "invalidRequest", "retentionDays"),
        ("PUT", f"{T}/settings", {"retentionDays": {"a": 1}}, 422, "invalidRequest", "retentionDays"),
        ("PUT", f"{T}/settings", {"options": {"everything": True}}, 422, "invalidRequest", "options.everything"),
        ("PUT", f"{T}/settings", {"options": {"organization": 1}}, 422, "invalidRequest", "options.organization"),
        ("PUT", f"{T}/settings", {"breakGlassIds": ["me"]}, 422, "invalidRequest", "breakGlassIds.0"),
        ("PUT", f"{T}/settings", {"credentialsVault": "https://evil.example"}, 422, "invalidRequest", "credentialsVault"),
        ("PUT", f"{T}/settings", {"credentialsVault": "https://x1y.vault.azure.cn"}, 422, "invalidRequest", "credentialsVault"),
        ("PUT", f"{T}/settings", {"credentialsVault": "http://127.0.0.1:1"}, 422, "invalidRequest", "credentialsVault"),
        ("PUT", f"{T}/settings", {"breakGlassIds": [UNKNOWN] * 101}, 422, "invalidRequest", "breakGlassIds"),
        ("POST", f"{T}/backups", {"kind": "sideways"}, 422, "invalidRequest", "kind"),
        ("POST", f"{T}/backups", {"types": []}, 422, "invalidRequest", "types"),
        ("POST", f"{T}/backups", {"types": ["user", "unicorn"]}, 422, "invalidRequest", "types"),
        ("GET", f"{T}/backups?status=lost", None, 422, "invalidRequest", "status"),
        ("GET", f"{T}/backups?from=yesterday", None, 422, "invalidRequest", "from"),
        ("GET", f"{T}/backups?to=2026-01-01T00:00:00", None, 422, "invalidRequest", "to"),
        ("GET", "/tasks?top=0", None, 422, "invalidRequest", "top"),
        ("GET", "/tasks?top=1001", None, 422, "invalidRequest", "top"),
        ("GET", "/tasks?top=ten", None, 422, "invalidRequest", "top"),
        ("GET", "/tasks?status=lost", None, 422, "invalidRequest", "status"),
        ("GET", "/tasks?type=party", None, 422, "invalidRequest", "type"),
        ("GET", "/tasks?orderBy=secret", None, 422, "invalidRequest", "orderBy"),
        ("GET", "/tasks?orderBy=created%20sideways", None, 422, "invalidRequest", "orderBy"),
        ("GET", "/tasks?continuation=xyz", None, 422, "invalidRequest", "continuation"),
        ("GET", "/tasks?continuation=%F0%9F%98%80", None, 422, "invalidRequest", "continuation"),
        ("GET", "/events?severity=awful", None, 422, "invalidRequest", "severity"),
        ("GET", "/tasks?q=%22open", None, 400, "wrongQuery", "q"),
        ("GET", "/tasks?q=colour:red", None, 400, "wrongQuery", "q"),
    ],
)
async def test_bad_input_is_refused_by_name(
    client: httpx.AsyncClient, tenant: str, method: str, path: str, body: Any, status: int, code: str, field: str | None
) -> None:
    answer = await client.request(method, path, json=body) if body is not None else await client.request(method, path)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["type"].endswith(code)
    if field is not None:
        assert [error["field"] for error in problem["errors"]] == [field]
        assert all(error["expected"] for error in problem["errors"])


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "malformedJson"),
        (b"\xff\xfe{}", "application/json", 400, "malformedJson"),
        (b"[" * 30_000, "application/json", 400, "malformedJson"),
        (b"not json", "application/json", 400, "malformedJson"),
        (b"", "application/json", 422, "invalidRequest"),
        (b"{}", "text/plain", 415, "unsupportedMediaType"),
        (b"a=1", "application/x-www-form-urlencoded", 415, "unsupportedMediaType"),
        (b"x" * 70_000, "application/json", 413, "bodyTooLarge"),
        (b'{"retentionDays": NaN}', "application/json", 422, "invalidRequest"),
        (b'{"schedule": {"startAt": "\\ud800"}}', "application/json", 422, "invalidRequest"),
        (b'{"\\ud800": 1}', "application/json", 422, "invalidRequest"),
    ],
)
async def test_a_body_that_is_no_json_object_is_refused(
    client: httpx.AsyncClient, tenant: str, content: bytes, kind: str, status: int, code: str
) -> None:
    answer = await client.put(f"{T}/settings", content=content, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_a_wrong_setting_is_told_with_what_was_found_and_what_is_allowed(
    client: httpx.AsyncClient, tenant: str
) -> None:
    answer = await client.put(f"{T}/settings", json={"retentionDays": 1826, "schedule": {"timesPerDay": 5}})
    assert answer.json()["errors"] == [
        {"field": "schedule.timesPerDay", "value": 5, "expected": "a whole number from 1 to 4"},
        {"field": "retentionDays", "value": 1826, "expected": "a whole number from 1 to 1825"},
    ]


async def test_authorization_comes_before_the_body_is_looked_at(
    anonymous: httpx.AsyncClient, mint: Mint, tenant: str
) -> None:
    rubbish = {"content": b"{", "headers": {"Content-Type": "application/json"}}
    assert (await anonymous.post(f"{T}/backups", **rubbish)).status_code == 401
    anonymous.headers["Authorization"] = f"Bearer {mint(roles=['Reader'])}"
    assert (await anonymous.post(f"{T}/backups", **rubbish)).status_code == 403
    anonymous.headers["Authorization"] = f"Bearer {mint(tenants=[UNKNOWN])}"
    assert (await anonymous.post(f"{T}/backups", **rubbish)).status_code == 404
    anonymous.headers["Authorization"] = f"Bearer {mint()}"
    assert (await anonymous.post(f"{T}/backups")).status_code == 202
    assert (await anonymous.post(f"{T}/backups", **rubbish)).status_code == 409


async def test_every_answer_carries_the_security_headers(client: httpx.AsyncClient) -> None:
    for path in ("/health", "/nowhere", "/tenants", "/tasks?top=0"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


async def test_a_method_that_is_not_allowed_is_answered_with_all_that_are(client: httpx.AsyncClient) -> None:
    for path, allowed in (
        ("/tenants", "GET, HEAD, POST"), (T, "DELETE, GET, HEAD, PATCH"), (f"{T}/settings", "GET, HEAD, PUT"),
        (f"{T}/restores/x/credentials", "GET"),
    ):
        answer = await client.request("OPTIONS", path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
