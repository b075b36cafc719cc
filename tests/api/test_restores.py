"""Restores over HTTP: who may, in which order refusals come, and what a plan is known by."""

import asyncio
import time
from datetime import timedelta

import httpx
import pytest

from api.plan_text import plan_as_text
from api.services import Services
from shared.deployment import Records
from shared.records.restores import RestoreState
from shared.records.times import as_text
from shared.recovery.lifecycle import store_of
from shared.recovery.plan import NotRestored, Operation
from tests.api.conftest import OTHER, TENANT, FakeDurable, Mint

RESTORES = f"/tenants/{TENANT}/restores"


def point(**changed):
    base = {
        "backupId": "00000001", "tenantId": TENANT, "kind": "full", "status": "packed", "outcome": "complete",
        "started": "2026-11-21T08:00:00.000Z", "finished": "2026-11-21T08:01:00.000Z", "durationSeconds": 60.0,
        "sizeBytes": 1, "counts": {}, "guests": 0, "coverage": {}, "expires": "2031-11-21T08:00:00.000Z",
        "requests": 1, "resourceUnits": 1, "taskId": "t", "manifestSha256": "", "coverageDetails": [],
    }
    return {**base, **changed}


def asked(**changed):
    return {"source": {"backupId": "latest"}, "selection": {"objectIds": ["a"]}, **changed}


@pytest.fixture
async def backed_up(records: Records, tenant: str) -> str:
    await records.restore_points.upsert(point())
    return tenant


async def test_a_restore_is_planned_before_it_is_applied(
    client: httpx.AsyncClient, backed_up: str, durable: FakeDurable
) -> None:
    answer = await client.post(RESTORES, json=asked(reason="because"))
    assert answer.status_code == 202, answer.text
    orchestrator, message, instance = durable.scheduled[-1]
    assert orchestrator == "restore_tenant"
    assert message["apply"] is False
    restore = (await client.get(f"{RESTORES}/{message['restoreId']}")).json()
    assert restore["state"] == "planning"
    assert restore["backupId"] == "00000001"
    assert restore["reason"] == "because"
    assert answer.json()["result"]["restoreId"] == message["restoreId"] == instance


@pytest.mark.parametrize(("body", "field"), [
    (asked(selection={}), "selection"),
    (asked(selection={"all": True, "objectIds": ["a"]}), "selection"),
    (asked(source={}), "source"),
    (asked(selection={"types": ["nothing"]}), "selection.types"),
    (asked(selection={"changeIds": ["c"]}), "source.reportId"),
    (asked(options={"links": "some"}), "options.links"),
    (asked(options={"unknown": 1}), "options.unknown"),
    (asked(options={"maxChanges": 0}), "options.maxChanges"),
    (asked(options={"attributes": {"user": ["department", "depratment"]}}), "options.attributes.user"),
])
async def test_a_wrong_request_is_told_which_field(
    client: httpx.AsyncClient, backed_up: str, body: dict[str, object], field: str, durable: FakeDurable
) -> None:
    answer = await client.post(RESTORES, json=body)
    assert answer.status_code == 422, answer.text
    assert field in [one["field"] for one in answer.json()["errors"]], answer.text
    assert not durable.scheduled


@pytest.mark.parametrize(("source", "field"), [
    ({"backupId": "99999999"}, "source.backupId"), ({"reportId": "none"}, "source.reportId"),
])
async def test_a_source_that_is_not_there_is_not_found(
    client: httpx.AsyncClient, backed_up: str, source: dict[str, object], field: str, durable: FakeDurable
) -> None:
    answer = await client.post(RESTORES, json=asked(source=source))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (404, field)
    assert not durable.scheduled


async def test_what_was_expected_of_a_choice_is_said_in_words(client: httpx.AsyncClient, backed_up: str) -> None:
    for selection, words in (
        ({"all": True, "types": ["user"]}, "exactly one of all, types, objectIds, changeIds"), ({"all": False}, "true"),
    ):
        answer = await client.post(RESTORES, json=asked(selection=selection))
        assert [one["expected"] for one in answer.json()["errors"]] == [words]


async def test_hybrid_deletion_is_not_yet_supported(client: httpx.AsyncClient, backed_up: str) -> None:
    answer = await client.post(RESTORES, json=asked(options={"deleteExistingHybridUser": True}))
    assert (answer.status_code, answer.json()["code"]) == (422, "notYetSupported")


async def test_restoring_needs_a_recent_sign_in(
    anonymous: httpx.AsyncClient, backed_up: str, mint: Mint
) -> None:
    old = mint(auth_time=int(time.time()) - 3700)
    answer = await anonymous.post(RESTORES, json=asked(), headers={"Authorization": f"Bearer {old}"})
    assert answer.status_code == 401
    assert answer.json()["max_age"] == 3600


async def test_a_reader_may_not_restore(anonymous: httpx.AsyncClient, backed_up: str, mint: Mint) -> None:
    token = mint(roles=["Reader"])
    answer = await anonymous.post(RESTORES, json=asked(), headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403


async def test_another_tenants_restore_is_not_found(client: httpx.AsyncClient, backed_up: str) -> None:
    assert (await client.get(f"/tenants/{OTHER}/restores/x")).status_code == 404
    assert (await client.get(f"{RESTORES}/x")).status_code == 404
    assert (await client.post(f"{RESTORES}/x/apply", json={"planHash": "h"})).status_code == 404


async def test_one_restore_of_a_tenant_runs_at_a_time(client: httpx.AsyncClient, backed_up: str) -> None:
    first = await client.post(RESTORES, json=asked())
    second = await client.post(RESTORES, json=asked())
    assert second.status_code == 409
    assert second.json()["taskId"] == first.json()["taskId"]


async def test_restores_of_other_objects_run_at_once_and_a_refused_one_leaves_nothing(
    client: httpx.AsyncClient, backed_up: str, records: Records
) -> None:
    first = (await client.post(RESTORES, json=asked())).json()["taskId"]
    other = await client.post(RESTORES, json=asked(selection={"objectIds": ["b"]}))
    assert other.status_code == 202, other.text
    for body in (asked(selection={"objectIds": ["b", "c"]}), asked(selection={"all": True}),
                 asked(selection={"objectIds": ["d"]}, options={"links": "exact"})):
        refused = await client.post(RESTORES, json=body)
        assert (refused.status_code, refused.json()["code"]) == (409, "busy"), refused.text
        assert refused.json()["taskId"] in (first, other.json()["taskId"])
    shown = (await client.get(RESTORES)).json()["value"]
    assert len(shown) == 2
    assert "scope" not in shown[0]


async def test_while_a_restore_runs_that_must_run_alone_every_other_is_refused_before_it_is_looked_at(
    client: httpx.AsyncClient, backed_up: str, records: Records
) -> None:
    alone = (await client.post(RESTORES, json=asked(selection={"types": ["user"]}))).json()["taskId"]
    for body in (asked(), {}):
        refused = await client.post(RESTORES, json=body)
        assert (refused.status_code, refused.json()["taskId"]) == (409, alone)


async def test_a_plan_is_applied_beside_a_restore_of_other_objects_only(
    client: httpx.AsyncClient, backed_up: str, records: Records
) -> None:
    planned = (await client.post(RESTORES, json=asked())).json()["taskId"]
    await records.restores.set(TENANT, planned, state="ready", planHash="h" * 64)
    await records.tasks.close(planned, "succeeded", "planned")
    same = (await client.post(RESTORES, json=asked())).json()["taskId"]
    refused = await client.post(f"{RESTORES}/{planned}/apply", json={"planHash": "h" * 64})
    assert (refused.status_code, refused.json()["taskId"]) == (409, same)
    assert (await records.restores.get(TENANT, planned))["state"] == "ready"
    await records.tasks.close(same, "succeeded", "planned")
    await client.post(RESTORES, json=asked(selection={"objectIds": ["b"]}))
    applied = await client.post(f"{RESTORES}/{planned}/apply", json={"planHash": "h" * 64})
    assert applied.status_code == 202, applied.text


async def test_where_approval_is_asked_for_applying_at_once_is_refused(
    client: httpx.AsyncClient, backed_up: str, durable: FakeDurable
) -> None:
    await client.put(f"/tenants/{TENANT}/settings", json={"approvals": True})
    answer = await client.post(RESTORES, json=asked(apply=True))
    assert (answer.status_code, answer.json()["code"]) == (422, "approvalRequired")
    assert not durable.scheduled


async def test_the_requester_never_approves_and_another_does(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient, backed_up: str, records: Records, mint: Mint
) -> None:
    restore_id = (await client.post(RESTORES, json=asked())).json()["taskId"]
    await records.restores.set(TENANT, restore_id, state="awaitingApproval", planHash="h" * 64)
    own = await client.post(f"{RESTORES}/{restore_id}/approve")
    assert (own.status_code, own.json()["code"]) == (403, "selfApproval")
    other = mint(oid="bbbbbbbb-0000-4000-8000-000000000002", roles=["Approver"])
    approved = await client.post(
        f"{RESTORES}/{restore_id}/approve", headers={"Authorization": f"Bearer {other}"}
    )
    assert approved.status_code == 200, approved.text
    assert approved.json()["state"] == "ready"
    assert approved.json()["approvedBy"] == "bbbbbbbb-0000-4000-8000-000000000002"


@pytest.mark.parametrize("state", ["ready", "awaitingApproval"])
async def test_a_plan_that_is_too_old_is_neither_approved_nor_applied_and_must_be_made_again(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient, backed_up: str, records: Records, mint: Mint,
    durable: FakeDurable, state: RestoreState,
) -> None:
    restore_id = (await client.post(RESTORES, json=asked())).json()["taskId"]
    await records.tasks.close(restore_id, "succeeded", "planned")
    before, body = len(durable.scheduled), {"planHash": "h" * 64}
    approver = {"Authorization": f"Bearer {mint(oid='bbbbbbbb-0000-4000-8000-000000000002', roles=['Approver'])}"}

    async def planned(**ago: float) -> None:
        when = as_text(records.clock() - timedelta(**ago))
        await records.restores.set(TENANT, restore_id, state=state, planHash="h" * 64, planned=when)

    await planned(days=7, minutes=1)
    asked_for = [await client.post(f"{RESTORES}/{restore_id}/approve", headers=approver)]
    if state == "ready":
        asked_for.append(await client.post(f"{RESTORES}/{restore_id}/apply", json=body))
    for refused in asked_for:
        assert (refused.status_code, refused.json()["code"]) == (409, "planExpired"), refused.text
        assert "Plan it again" in refused.json()["remedy"]
    assert len(durable.scheduled) == before
    assert (await records.restores.get(TENANT, restore_id))["approvedBy"] is None
    await planned(days=6, hours=23)
    assert (await client.post(f"{RESTORES}/{restore_id}/approve", headers=approver)).status_code == 200
    assert (await client.post(f"{RESTORES}/{restore_id}/apply", json=body)).status_code == 202


async def test_a_restore_that_was_cut_off_is_gone_on_with_however_old_its_plan_is(
    client: httpx.AsyncClient, backed_up: str, records: Records, durable: FakeDurable
) -> None:
    restore_id = (await client.post(RESTORES, json=asked())).json()["taskId"]
    await records.tasks.close(restore_id, "succeeded", "planned")
    old = as_text(records.clock() - timedelta(days=60))
    await records.restores.set(
        TENANT, restore_id, state="failed", planHash="h" * 64, planned=old, beforeBackupId="00000002"
    )
    applied = await client.post(f"{RESTORES}/{restore_id}/apply", json={"planHash": "h" * 64})
    assert applied.status_code == 202, applied.text


async def test_a_restore_that_failed_before_its_first_write_may_be_applied_again(
    client: httpx.AsyncClient, backed_up: str, records: Records, durable: FakeDurable
) -> None:
    restore_id = (await client.post(RESTORES, json=asked())).json()["taskId"]
    await records.tasks.close(restore_id, "succeeded", "planned")
    now = as_text(records.clock())
    await records.restores.set(TENANT, restore_id, state="failed", planHash="h" * 64, planned=now)
    applied = await client.post(f"{RESTORES}/{restore_id}/apply", json={"planHash": "h" * 64})
    assert applied.status_code == 202, applied.text


async def test_a_restore_that_changed_nothing_has_nothing_to_undo(
    client: httpx.AsyncClient, backed_up: str, records: Records, durable: FakeDurable
) -> None:
    restore_id = (await client.post(RESTORES, json=asked())).json()["taskId"]
    await records.run_locks.release(TENANT, "restore", restore_id)
    await records.restores.set(TENANT, restore_id, state="done", planHash="h" * 64, applied="2026-11-21T08:00:00Z")
    refused = await client.post(f"{RESTORES}/{restore_id}/undo")
    assert (refused.status_code, refused.json()["code"]) == (409, "wrongState")
    assert "nothing to undo" in refused.json()["detail"]


async def test_a_plan_of_another_hash_is_not_applied(
    client: httpx.AsyncClient, backed_up: str, records: Records, durable: FakeDurable
) -> None:
    restore_id = (await client.post(RESTORES, json=asked())).json()["taskId"]
    await records.restores.set(TENANT, restore_id, state="ready", planHash="h" * 64)
    await records.run_locks.release(TENANT, "restore", restore_id)
    wrong = await client.post(f"{RESTORES}/{restore_id}/apply", json={"planHash": "x"})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "planChanged")
    held = {"code": "massDelete", "message": "Too many.", "blocks": True, "count": 9, "threshold": 1}
    await records.restores.set(TENANT, restore_id, findings=[held])
    unsafe = await client.post(f"{RESTORES}/{restore_id}/apply", json={"planHash": "h" * 64})
    assert (unsafe.status_code, unsafe.json()["code"]) == (422, "planUnsafe")
    forced = await client.post(f"{RESTORES}/{restore_id}/apply", json={"planHash": "h" * 64, "force": True})
    assert forced.status_code == 202, forced.text
    assert durable.scheduled[-1][1]["planHash"] == "h" * 64


async def test_one_time_passwords_are_for_people_only(
    client: httpx.AsyncClient, backed_up: str, records: Records, mint: Mint
) -> None:
    restore_id = (await client.post(RESTORES, json=asked())).json()["taskId"]
    await records.restores.set(TENANT, restore_id, credentials="waiting")
    app = mint(idtyp="app")
    refused = await client.get(f"{RESTORES}/{restore_id}/credentials", headers={"Authorization": f"Bearer {app}"})
    assert refused.status_code == 403
    other = mint(oid="bbbbbbbb-0000-4000-8000-000000000002")
    refused = await client.get(f"{RESTORES}/{restore_id}/credentials", headers={"Authorization": f"Bearer {other}"})
    assert refused.status_code == 403


async def test_where_passwords_are_in_a_key_vault_is_shown_again_and_again_and_what_waits_once(
    client: httpx.AsyncClient, backed_up: str, records: Records, services: Services, mint: Mint
) -> None:
    restore_id = (await client.post(RESTORES, json=asked())).json()["taskId"]
    opened = await services.deployment()
    store = store_of(opened, TENANT, restore_id)
    place = {"kind": "password", "objectType": "user", "objectId": "a", "newObjectId": "b",
             "keyVault": "https://contoso.vault.azure.net", "secretName": f"cairn-{restore_id}-1"}
    await store.keep_secret("00000001", place)
    waiting = {"kind": "password", "objectType": "user", "objectId": "c", "purpose": "password/c",
               "secret": await opened.cipher.encrypt("hunter2!", tenant_id=TENANT, purpose="password/c")}
    await store.keep_secret("00000002", waiting)
    await records.restores.set(TENANT, restore_id, credentials="waiting")
    both = (await client.get(f"{RESTORES}/{restore_id}/credentials")).json()["value"]
    assert [one.get("password") for one in both] == ["hunter2!", None]
    app = {"Authorization": f"Bearer {mint(idtyp='app')}"}
    for headers in ({}, {}, app):
        again = await client.get(f"{RESTORES}/{restore_id}/credentials", headers=headers)
        assert again.json() == {"value": [place]}
    async for name, _ in store.secrets():
        await store.forget(name)
    lost = await client.get(f"{RESTORES}/{restore_id}/credentials")
    assert (lost.status_code, lost.json()["code"]) == (410, "credentialsLost")
    assert restore_id in lost.json()["remedy"]


async def test_of_two_who_fetch_at_once_one_sees_the_passwords(
    client: httpx.AsyncClient, backed_up: str, records: Records, services: Services
) -> None:
    restore_id = (await client.post(RESTORES, json=asked())).json()["taskId"]
    opened = await services.deployment()
    await store_of(opened, TENANT, restore_id).keep_secret("00000001", {
        "kind": "password", "objectType": "user", "objectId": "c", "purpose": "password/c",
        "secret": await opened.cipher.encrypt("hunter2!", tenant_id=TENANT, purpose="password/c"),
    })
    await records.restores.set(TENANT, restore_id, credentials="waiting")
    answers = await asyncio.gather(*(client.get(f"{RESTORES}/{restore_id}/credentials") for _ in range(4)))
    assert sorted(one.status_code for one in answers) == [200, 404, 404, 404]


async def test_each_source_asks_for_its_own_permission_and_either_is_enough_for_its_own(
    anonymous: httpx.AsyncClient, records: Records, backed_up: str, mint: Mint
) -> None:
    await records.reports.create({
        "reportId": "d1", "tenantId": TENANT, "origin": "request", "backupId": "00000001", "against": "live",
        "taskId": "t", "requestedBy": "somebody", "types": None, "objectCount": None, "noise": {},
    })
    await records.reports.set(TENANT, "d1", status="succeeded")
    sources = {"restore.fromObjects": {"backupId": "latest"}, "restore.fromDifferences": {"reportId": "d1"}}
    await records.roles.replace(
        [{"name": name.replace(".", ""), "description": "", "permissions": [name]} for name in sources], by="test"  # type: ignore[typeddict-item]
    )
    for held in sources:
        anonymous.headers["Authorization"] = f"Bearer {mint(roles=[held.replace('.', '')])}"
        for needed, source in sources.items():
            started = await anonymous.post(RESTORES, json=asked(source=source))
            assert started.status_code == (202 if held == needed else 403), (held, needed, started.text)
            if started.status_code == 202:
                restore_id = started.json()["result"]["restoreId"]
                assert (await anonymous.post(f"{RESTORES}/{restore_id}/cancel")).status_code == 202
                await records.run_locks.release(TENANT, "restore", started.json()["taskId"])
    for restore in [one async for _, one in records.restores.stream(TENANT)]:
        needed = "restore.fromDifferences" if "reportId" in restore["source"] else "restore.fromObjects"
        anonymous.headers["Authorization"] = f"Bearer {mint(roles=[needed.replace('.', '')])}"
        assert (await anonymous.post(f"{RESTORES}/{restore['restoreId']}/cancel")).status_code == 202
        other = next(name for name in sources if name != needed)
        anonymous.headers["Authorization"] = f"Bearer {mint(roles=[other.replace('.', '')])}"
        assert (await anonymous.post(f"{RESTORES}/{restore['restoreId']}/cancel")).status_code == 403


class StoredPlan:
    """A plan whose names somebody hostile gave."""

    backup_id, sha256, findings, missing_permissions = "00000001", "f" * 64, (), ()
    counts = {"update": 1}  # noqa: RUF012
    NAME = "Anna\n     2  delete  user Bob\x1b[2J\u202egro"

    async def operations(self, _index):
        yield Operation(
            "update", "user", "a", self.NAME, method="PATCH", path="/users/a", attributes=("city",), order=1, wave=1,
            reason="it differs",
        )

    async def not_restored(self, _index):
        yield NotRestored("user", "b", self.NAME, "", "it was left")


async def test_no_name_in_a_plan_for_people_passes_for_a_line_of_it_or_moves_a_terminal():
    plan = StoredPlan()
    text = bytes((await plan_as_text({"restoreId": "x"}, plan, plan)).body).decode()
    lines = text.splitlines()
    assert len([line for line in lines if "Bob" in line]) == 2
    assert not [line for line in lines if line.split()[1:2] == ["delete"]]
    assert "Anna\\u000a     2  delete  user Bob\\u001b[2J\\u202egro" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
