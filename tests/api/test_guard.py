"""Who gets in: every route times every role times own or foreign tenant, as a table."""

import re
import time
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from api.app import ROUTERS, create_api
from api.guard import GuardedRoute, access_of, permit
from api.services import Services
from shared.deployment import Records
from shared.records.restore_points import RestorePoint
from shared.security.permissions import MEANINGS, PERMISSIONS, ROLES
from tests.api.conftest import OTHER, TENANT, Mint

NOWHERE = "99999999-9999-4999-8999-999999999999"
ME = "aaaaaaaa-0000-4000-8000-000000000001"
GROUP = "bbbbbbbb-0000-4000-8000-000000000001"


def routes() -> Iterator[tuple[str, str, APIRoute]]:
    for router in ROUTERS:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            for method in sorted(route.methods):
                yield method, route.path, route


def point(backup_id: str = "00000001", tenant_id: str = TENANT, **changed: object) -> RestorePoint:
    made: RestorePoint = {
        "backupId": backup_id, "tenantId": tenant_id, "kind": "full", "status": "packed", "outcome": "complete",
        "started": "2026-11-01T08:00:00.000Z", "finished": "2026-11-01T08:01:00.000Z", "durationSeconds": 60.0,
        "sizeBytes": 1000, "counts": {"user": 3}, "coverage": {"user": "complete"},
        "expires": "2031-11-01T08:00:00.000Z", "requests": 5, "resourceUnits": 7,
    }
    return {**made, **changed}  # type: ignore[typeddict-item]


def test_every_route_is_guarded_and_declares_what_it_asks() -> None:
    for method, path, route in routes():
        assert isinstance(route, GuardedRoute), f"{method} {path}"
        asks = access_of(route.endpoint).asks
        assert asks in PERMISSIONS | {"public", "signedIn"}, f"{method} {path}"


def test_only_health_and_readiness_are_public() -> None:
    assert {path for _, path, route in routes() if access_of(route.endpoint).asks == "public"} == {"/health", "/ready"}


def test_a_route_without_a_permission_cannot_be_made() -> None:
    router = APIRouter(route_class=GuardedRoute)

    async def open_to_all() -> None: ...

    with pytest.raises(TypeError, match="declares no permission"):
        router.get("/open")(open_to_all)


def test_whatever_changes_something_asks_for_more_than_reading() -> None:
    for method, path, route in routes():
        if method != "GET":
            asks = access_of(route.endpoint).asks
            assert asks in PERMISSIONS, f"{method} {path}"
            assert asks not in ROLES["Reader"], f"{method} {path}"


def test_every_permission_is_explained_and_held_by_administrators() -> None:
    assert set(MEANINGS) == PERMISSIONS == ROLES["Administrator"]
    assert all(held <= PERMISSIONS for held in ROLES.values())


@pytest.mark.parametrize("role", [*ROLES, "Custom", "Nobody"])
@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("by", ["token", "assignment", "group"])
async def test_every_route_lets_in_whom_its_permission_does(
    anonymous: httpx.AsyncClient, mint: Mint, records: Records, tenant: str, role: str, own: bool, by: str
) -> None:
    ids = await filled_records(records)
    held = await standing(anonymous, mint, records, role, TENANT if own else OTHER, by)
    for method, path, route in routes():
        access = access_of(route.endpoint)
        asks, names_tenant = access.asks, "{tenant_id}" in path
        filled = re.sub(r"{(\w+)}", lambda found: ids.get(found[1], NOWHERE), path)
        answer = await anonymous.request(method, filled, json={"broken": 1} if method != "GET" else None)
        where = f"{role} {method} {filled} {answer.text}"
        if asks not in ("public", "signedIn") and (not held & {asks, *access.or_else} or access.everywhere):
            assert answer.status_code == 403, where
        elif not own and "{" in path:
            assert answer.status_code == 404, where
            assert TENANT not in answer.text.replace(filled, "") or "tenantId" in answer.text, where
        else:
            unheard_of = {401, 403, 500} if NOWHERE in filled else {401, 403, 404, 500}
            assert answer.status_code not in unheard_of, where
            assert names_tenant or own or TENANT not in answer.text, where
        if method == "DELETE" and answer.status_code == 204:
            await records.tenants.register(
                tenant_id=TENANT, display_name="Contoso", cloud="global", kind="workforce", created_by="test"
            )
            await standing(anonymous, mint, records, role, TENANT if own else OTHER, by)


async def filled_records(records: Records) -> dict[str, str]:
    """One of everything in the tenant, by the name of the path parameter that means it."""
    await records.restore_points.upsert(point())
    task = await records.tasks.create(
        task_id="t1", tenant_id=TENANT, type="backup", name="Backup", requested_by="someone"
    )
    event = await records.events.record(
        "e1", tenant_id=TENANT, severity="error", code="x", message="x", task={"taskId": "t1", "name": "Backup"}
    )
    await records.restores.create({  # type: ignore[typeddict-item]
        "tenantId": TENANT, "restoreId": "r1", "state": "planning", "planHash": None, "reason": "", "plan": "",
        "requestedBy": ME, "approvedBy": None, "taskId": "t1", "applyTaskId": None, "credentials": "waiting",
        "beforeBackupId": None, "appliedAppOnly": False, "message": "", "undoOf": None, "verification": None,
    })
    await records.reports.create({
        "reportId": "d1", "tenantId": TENANT, "origin": "request", "backupId": "00000001", "against": "live",
        "taskId": "t1", "requestedBy": "someone", "types": None, "objectCount": None, "noise": {},
    })
    return {
        "tenant_id": TENANT, "backup_id": "latest", "task_id": task["taskId"], "event_id": event["eventId"],
        "kind": "basic", "restore_id": "r1", "report_id": "d1",
    }


async def standing(
    anonymous: httpx.AsyncClient, mint: Mint, records: Records, role: str, where: str, by: str
) -> frozenset[str]:
    """Give the caller the role in that tenant, and return the permissions that it has so."""
    custom = {"Custom": frozenset({"backups.read", "tasks.read", "audit.read"})}
    await records.roles.replace(
        [{"name": "Custom", "description": "", "permissions": sorted(custom["Custom"])}], by="test"  # type: ignore[typeddict-item]
    )
    token = mint(roles=[role], tenants=[where])
    if by != "token":
        principal = ME if by == "assignment" else GROUP
        await records.assignments.replace(
            where, [{"principalId": principal, "principalType": "user", "roles": [role]}], by="test"
        )
        token = mint(roles=None, groups=[GROUP])
    anonymous.headers["Authorization"] = f"Bearer {token}"
    return frozenset({**ROLES, **custom}.get(role, frozenset()))


async def test_lists_across_tenants_show_a_caller_its_own_tenants_only(
    anonymous: httpx.AsyncClient, mint: Mint, records: Records
) -> None:
    for tenant_id in (TENANT, OTHER):
        await records.tenants.register(
            tenant_id=tenant_id, display_name=tenant_id, cloud="global", kind="workforce", created_by="test"
        )
        await records.tasks.create(
            task_id=f"t-{tenant_id}", tenant_id=tenant_id, type="backup", name="Backup", requested_by="someone"
        )
        await records.events.record("e", tenant_id=tenant_id, severity="error", code="x", message="x")
        await records.restore_points.upsert(point(tenant_id=tenant_id))
    anonymous.headers["Authorization"] = f"Bearer {mint(tenants=[TENANT.upper()])}"
    for path in ("/tenants", "/tasks", "/tasks?status=queued", "/events", "/events?severity=error", "/dashboard"):
        text = (await anonymous.get(path)).text
        assert TENANT in text, path
        assert OTHER not in text, path
    foreign, missing = [
        (await anonymous.get(f"/tasks/{task_id}")).json() for task_id in (f"t-{OTHER}", f"t-{OTHER[:-1]}9")
    ]
    assert foreign["detail"].replace(OTHER, "") == missing["detail"].replace(f"{OTHER[:-1]}9", "")
    assert (await anonymous.post("/tenants", json={"tenantId": OTHER})).status_code == 404
    assert (await anonymous.post("/tenants", json={"tenantId": OTHER, "kind": "x"})).status_code == 404


async def test_an_old_sign_in_is_asked_for_anew_as_rfc_9470_has_it(services: Services, mint: Mint) -> None:
    router = APIRouter(route_class=GuardedRoute)

    @router.post("/grave")
    @permit("restore.fromObjects", signed_in_within=timedelta(hours=1))
    async def grave() -> dict[str, str]:
        return {}

    app = create_api(services)
    app.include_router(router, prefix="/api/v1")
    now = int(time.time())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://c.example/api/v1") as client:
        for changed, status in (
            ({"auth_time": now - 3500}, 200), ({"auth_time": now - 3700}, 401), ({"auth_time": None}, 401),
            ({"auth_time": True}, 401), ({"auth_time": None, "idtyp": "app"}, 200),
            ({"auth_time": now - 3700, "roles": ["Reader"]}, 401), ({"auth_time": now, "roles": ["Reader"]}, 403),
        ):
            answer = await client.post("/grave", headers={"Authorization": f"Bearer {mint(**changed)}"})
            assert answer.status_code == status, changed
            if status == 401:
                challenge = answer.headers["www-authenticate"]
                assert 'error="insufficient_user_authentication"' in challenge
                assert "max_age=3600" in challenge
                assert answer.json()["max_age"] == 3600


async def test_a_failure_that_nobody_expected_tells_nothing(
    services: Services, mint: Mint, caplog: pytest.LogCaptureFixture
) -> None:
    router = APIRouter(route_class=GuardedRoute)

    @router.get("/broken")
    @permit("signedIn")
    async def broken() -> dict[str, str]:
        raise RuntimeError("lanosrep"[::-1])

    app = create_api(services)
    app.include_router(router, prefix="/api/v1")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://c.example/api/v1") as client:
        answer = await client.get("/broken", headers={"Authorization": f"Bearer {mint()}"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internalError")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "personal" not in answer.text + caplog.text
    assert "RuntimeError" in caplog.text
