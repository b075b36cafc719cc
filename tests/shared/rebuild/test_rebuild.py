"""Wipe the tables, rebuild them from the vault: everything lists as before."""

import re
import uuid
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from shared.audit.sealing import seal_book
from shared.browse.packing import show_unpacked
from shared.deployment import records_over
from shared.errors import Corrupt, UnknownFormat, UnknownTenant
from shared.notifications.channels import Notifications
from shared.rebuild.journal import KEPT, row_of
from shared.rebuild.rebuilding import rebuild, rebuild_tenant
from shared.records.memory_table import MemoryTable
from shared.repository.retention import put_same
from shared.repository.tokens import LocalTokenCipher
from shared.starting import close
from shared.tenants.settings import Schedule, TenantSettings
from tests.shared.browse.conftest import backups, unpack  # noqa: F401 - a fixture among them

ROOT = Path(__file__).resolve().parents[3]
TENANT = "11111111-2222-4333-8444-555555555555"
SECRET = "planted-webhook-secret"
OTHER = "99999999-2222-4333-8444-555555555555"


async def shown(opened):
    """All that lists show, as plain values."""
    records = opened.records
    tenants = [tenant async for _, tenant in records.tenants.stream()]
    return {
        "tenants": tenants,
        "settings": [(await records.tenants.settings(one["tenantId"])).settings for one in tenants],
        "history": [await records.tenants.history(one["tenantId"]) for one in tenants],
        "former": [one async for one in records.tenants.former()],
        "tasks": [one async for one in records.tasks.stream(None)],
        "tasks of one": [one async for one in records.tasks.stream([TENANT])],
        "events": [one async for one in records.events.stream(None)],
        "errors": [one async for one in records.events.stream([TENANT], severity="error")],
        "identities": [one async for one in records.identity_map.stream(TENANT)],
        "restores": [one async for one in records.restores.stream(TENANT)],
        "audit": [one async for one in records.audit.stream(None)],
        "assignments": await records.assignments.read(TENANT),
        "roles": (await records.roles.read()).roles,
        "consents": await records.consents.read(TENANT),
        "score": await records.consents.secure_score(TENANT),
        "channels": (await records.notifications.read(TENANT, opened.cipher)).notifications,
        "deliveries": [one async for one in records.notification_outbox.record(TENANT)],
    }


async def closed_task(opened, tenant_id=TENANT, status="succeeded"):
    records = opened.records
    task = await records.tasks.create(
        task_id=str(uuid.uuid4()), tenant_id=tenant_id, type="backup", name="Backup", requested_by="test"
    )
    await records.tasks.start(task["taskId"])
    await close(records, task, status, "It ended.", code="backupSealed", result={"backupId": "00000001"})
    return task["taskId"]


async def fill(opened):
    records = opened.records
    for tenant_id, name in ((TENANT, "One"), (OTHER, "Other")):
        await records.tenants.register(
            tenant_id=tenant_id, display_name=name, cloud="global", kind="workforce", created_by="somebody"
        )
    await records.tenants.change(TENANT, lambda tenant: {**tenant, "displayName": "One, renamed"})
    for days in (30, 60):
        await records.tenants.set_settings(
            TENANT, TenantSettings(retention_days=days, schedule=Schedule(enabled=True)), by="somebody"
        )
    await closed_task(opened)
    await closed_task(opened, status="failed")
    await records.events.record("note", tenant_id=TENANT, severity="warning", code="backupNote", message="A note.")
    await records.identity_map.add(TENANT, old_id="a", new_id="b", object_type="user", restore_id="r")
    await records.restores.create({"tenantId": TENANT, "restoreId": "r", "state": "planning", "reason": "drill"})
    await records.restores.set(TENANT, "r", state="done", planHash="abc")
    await records.assignments.replace(
        TENANT, [{"principalId": OTHER, "principalType": "user", "roles": ["Reader"]}], by="somebody"
    )
    await records.roles.replace([{"name": "Auditor", "description": "", "permissions": ["audit.read"]}], by="somebody")
    for status in ("granted", "incomplete"):
        await records.consents.keep(TENANT, {"kind": "basic", "status": status, "checkedAt": "2026-11-21T12:00:00Z"})
    await records.consents.keep_secure_score(TENANT, {"known": True, "current": 40.0})
    channels = Notifications.model_validate({"webhooks": [{"url": "https://hooks.example/", "secret": SECRET}]})
    await records.notifications.replace(TENANT, channels, opened.cipher, by="somebody")
    outbox = records.notification_outbox
    event = {"eventId": "e", "tenantId": TENANT, "code": "backupFailed"}
    waiting = outbox.delivery(event, "backupFailed", "webhook", "c")
    await outbox.wait(waiting, event)
    await outbox.sent(waiting)
    for book in (TENANT, None):
        await records.audit.append({
            "tenantId": book, "actor": OTHER, "actorType": "user", "action": "tenants.manage", "method": "POST",
            "path": "/api/v1/tenants", "targets": {}, "outcome": "done", "status": 201, "code": "", "details": {},
        })
        await seal_book(records.audit, opened.vault, (book or "deployment"))


def without_etags(state):
    return {**state, "assignments": state["assignments"].assignments}


async def test_everything_lists_as_before_when_the_tables_are_rebuilt_from_the_vault(deployment, after_the_loss):
    await fill(deployment)
    before = without_etags(await shown(deployment))
    lost = after_the_loss()
    assert (await shown_nothing(lost)) == []
    rebuilt = await rebuild(lost)
    assert without_etags(await shown(lost)) == before
    assert rebuilt.counts() == {
        "tenants": 2, "restorePoints": 0, "tasks": 2, "events": 3, "auditEntries": 2, "rows": rebuilt.rows
    }


async def shown_nothing(opened):
    return [one async for one in opened.records.tenants.stream()]


async def test_rebuilding_twice_is_rebuilding_once(deployment, after_the_loss):
    await fill(deployment)
    lost = after_the_loss()
    await rebuild(lost)
    once = without_etags(await shown(lost))
    await rebuild(lost)
    assert without_etags(await shown(lost)) == once


async def test_rebuilding_writes_nothing_to_the_vault(deployment, after_the_loss):
    await fill(deployment)
    before = [entry.name async for entry in deployment.vault.list("")]
    await rebuild(after_the_loss())
    assert [entry.name async for entry in deployment.vault.list("")] == before


async def test_what_was_unregistered_stays_unregistered_and_is_remembered_as_former(deployment, after_the_loss):
    await fill(deployment)
    await deployment.records.tenants.unregister(OTHER)
    lost = after_the_loss()
    rebuilt = await rebuild(lost)
    with pytest.raises(UnknownTenant):
        await lost.records.tenants.get(OTHER)
    assert [one async for one in lost.records.tenants.former()] == [OTHER]
    assert OTHER in rebuilt.tenants


async def test_a_task_that_was_open_when_the_tables_were_lost_does_not_come_back(deployment, after_the_loss):
    await deployment.records.tasks.create(
        task_id="open", tenant_id=TENANT, type="backup", name="Backup", requested_by="test"
    )
    closed = await closed_task(deployment)
    lost = after_the_loss()
    await rebuild(lost, also=[TENANT])
    assert [task["taskId"] async for _, task in lost.records.tasks.stream(None)] == [closed]
    assert await lost.records.tasks.still_open() == []


async def test_a_closed_task_is_in_the_vault_before_the_table_says_that_it_is_closed(deployment, after_the_loss):
    task = await deployment.records.tasks.create(
        task_id="t", tenant_id=TENANT, type="backup", name="Backup", requested_by="test"
    )
    table = deployment.tables("cairnTasks")

    async def crash(*_):
        raise ConnectionError

    table.update = crash
    with pytest.raises(ConnectionError):
        await deployment.records.tasks.close(task["taskId"], "succeeded", "done")
    lost = after_the_loss()
    await rebuild(lost, also=[TENANT])
    assert (await lost.records.tasks.get("t"))["status"] == "succeeded"


async def test_an_event_cut_off_before_the_vault_is_kept_by_its_repetition(deployment, after_the_loss):
    vault, put = deployment.vault, deployment.vault.put_new

    async def crash(*_, **__):
        raise ConnectionError

    vault.put_new = crash
    note = {"tenant_id": TENANT, "severity": "warning", "code": "backupNote", "message": "A note."}
    with pytest.raises(ConnectionError):
        await deployment.records.events.record("note", **note)
    vault.put_new = put
    first = await deployment.records.events.record("note", **note)
    lost = after_the_loss()
    await rebuild(lost, also=[TENANT])
    assert [event async for _, event in lost.records.events.stream([TENANT])] == [first]


async def test_names_in_the_vault_tell_nothing_of_what_is_kept(deployment):
    await deployment.records.tenants.register(
        tenant_id=TENANT, display_name="Contoso", cloud="global", kind="workforce", created_by="ada@contoso.example"
    )
    names = [entry.name async for entry in deployment.vault.list("")]
    assert any("cairnTenants" in name for name in names)
    assert not [name for name in names if "contoso" in name.lower() or "ada" in name.lower().replace("data", "")]


async def test_kept_rows_are_retained_and_cannot_be_deleted(deployment):
    await closed_task(deployment)
    kept_rows = [entry async for entry in deployment.vault.list(f"tenants/{TENANT}/records/")]
    assert kept_rows
    assert all(entry.retain_until is not None for entry in kept_rows)


async def test_an_unknown_format_of_a_kept_row_is_refused(deployment, after_the_loss):
    name = "records/cairnTenants/00000000000000000-x.json"
    await put_same(deployment.vault, name, b'{"format":"cairn-record","formatVersion":2,"table":"cairnTenants"}')
    with pytest.raises(UnknownFormat):
        await rebuild(after_the_loss())


async def test_a_kept_row_that_is_no_json_is_named(deployment, after_the_loss):
    await put_same(deployment.vault, "records/cairnTenants/0-x.json", b"{")
    with pytest.raises(Corrupt, match=r"0-x\.json"):
        await rebuild(after_the_loss())


async def test_locks_idempotency_keys_and_waiting_alerts_are_not_kept(deployment):
    await deployment.records.run_locks.acquire(TENANT, "backup", "t")
    assert not [entry async for entry in deployment.vault.list(f"tenants/{TENANT}/")]
    assert not {"cairnRunLocks", "cairnIdempotencyKeys", "cairnAlerts"} & set(KEPT)


async def test_secrets_of_channels_are_in_the_vault_and_open_with_the_wrapping_key_alone(
    deployment, after_the_loss, tmp_path
):
    await fill(deployment)
    kept = b"".join([await deployment.vault.get(entry.name) async for entry in deployment.vault.list("")])
    assert b"cairnNotifications" in kept
    assert SECRET.encode() not in kept
    lost = after_the_loss()
    await rebuild(lost)
    found = (await lost.records.notifications.read(TENANT, lost.cipher)).notifications
    assert found.webhooks[0].secret == SECRET
    with pytest.raises(Corrupt):
        await lost.records.notifications.read(TENANT, LocalTokenCipher(tmp_path / "another"))


async def test_deliveries_that_waited_are_lost_with_their_outbox(deployment, after_the_loss):
    await fill(deployment)
    outbox = deployment.records.notification_outbox
    event = {"eventId": "later", "tenantId": TENANT, "code": "backupFailed"}
    await outbox.wait(outbox.delivery(event, "backupFailed", "webhook", "c"), event)
    lost = after_the_loss()
    await rebuild(lost)
    assert [one["status"] async for _, one in lost.records.notification_outbox.record(TENANT)] == ["sent"]
    assert [one async for one in lost.records.notification_outbox.due()] == []


async def test_a_deletion_that_was_cut_off_is_no_resurrection(deployment, after_the_loss):
    await fill(deployment)
    table = deployment.tables("cairnNotifications")
    deleted = table.delete

    async def crash(*args, **options):
        await deleted(*args, **options)
        raise ConnectionError

    table.delete = crash
    with pytest.raises(ConnectionError):
        await deployment.records.notifications.forget(TENANT)
    lost = after_the_loss()
    await rebuild(lost)
    assert not await lost.records.notifications.any_for(TENANT)


async def test_of_the_states_of_a_row_only_the_newest_is_read(deployment, after_the_loss):
    await fill(deployment)
    for days in range(1, 30):
        await deployment.records.tenants.set_settings(TENANT, TenantSettings(retention_days=days), by="somebody")
    lost, read = after_the_loss(), []
    get = lost.vault.get

    async def counted(name):
        read.append(name)
        return await get(name)

    lost.vault.get = counted
    await rebuild(lost)
    assert (await lost.records.tenants.settings(TENANT)).settings.retention_days == 29
    rows = [name for name in read if "records/cairnTenants/" in name]
    assert len({row_of(name) for name in rows}) == len(rows)


async def test_a_restore_that_was_under_way_is_said_to_have_failed_unless_its_task_is_there(deployment, after_the_loss):
    restores, tasks = deployment.records.restores, deployment.records.tasks
    for name, state in (("cut", "applying"), ("ended", "done"), ("planned", "ready")):
        await restores.create({
            "tenantId": TENANT, "restoreId": name, "state": state, "taskId": f"t-{name}", "applyTaskId": None
        })
    await tasks.create(task_id="t-cut", tenant_id=TENANT, type="restore", name="Restore", requested_by="test")
    await rebuild(deployment, also=[TENANT])
    assert (await restores.get(TENANT, "cut"))["state"] == "applying", "nothing was lost"
    lost = after_the_loss()
    await rebuild(lost, also=[TENANT])
    found = {one["restoreId"]: one["state"] async for _, one in lost.records.restores.stream(TENANT)}
    assert found == {"cut": "failed", "ended": "done", "planned": "ready"}


async def test_what_is_changed_while_rows_are_put_back_stays_changed(deployment):
    await fill(deployment)
    vault, changed = deployment.vault, []
    get = vault.get

    async def meanwhile(name):
        if "records/cairnTenants/" in name and not changed:
            changed.append(name)
            await deployment.records.tenants.set_settings(TENANT, TenantSettings(retention_days=7), by="somebody")
        return await get(name)

    vault.get = meanwhile
    await rebuild(deployment)
    assert changed
    assert (await deployment.records.tenants.settings(TENANT)).settings.retention_days == 7


async def test_the_format_page_describes_every_table_and_every_name_that_is_kept(deployment):
    await fill(deployment)
    section = (ROOT / "docs" / "repository-format.md").read_text().partition("\n## Records beside restore points\n")[2]
    rows = dict(re.findall(r"^\| `(cairn\w+)` \|.*\| (all|one) \|$", section.partition("\n## ")[0], re.MULTILINE))
    assert {name: "one" if keeping.once else "all" for name, keeping in KEPT.items()} == rows
    once = [name for name, keeping in KEPT.items() if keeping.once]
    fields = set(orjson.loads(section.partition("```json\n")[2].partition("```")[0]))
    async for entry in deployment.vault.list(""):
        folder, _, name = entry.name.rpartition("/")
        if "records/" in entry.name:
            wanted = r"[0-9a-f]{32}\.json" if folder.endswith(tuple(once)) else r"\d{17}-[0-9a-f]{32}-[0-9a-f]{8}\.json"
            assert re.fullmatch(wanted, name), entry.name
            kept = orjson.loads(await deployment.vault.get(entry.name))
            assert set(kept) == fields - ({"at"} if folder.endswith(tuple(once)) else set()), entry.name
        elif "audit/" in entry.name:
            assert re.fullmatch(r"\d{12}\.ndjson", name), entry.name


async def test_a_rebuild_of_tables_that_are_there_keeps_the_indexes_that_are_whole(backups):
    tables = defaultdict(MemoryTable)
    opened = backups.opened = replace(
        backups.opened, records=records_over(tables.__getitem__), tables=tables.__getitem__
    )
    tenant_id = backups.simulator.tenant_id
    await opened.records.tenants.register(
        tenant_id=tenant_id, display_name="Test", cloud="global", kind="workforce", created_by="test"
    )
    manifest = await backups.run("full", ["group", "user"])
    packed = await opened.records.restore_points.get(tenant_id, manifest.backup_id)
    await unpack(backups, manifest)
    await show_unpacked(opened.records, opened.workspace, manifest)
    unpacked = await opened.records.restore_points.get(tenant_id, manifest.backup_id)

    async def rebuilt():
        await rebuild_tenant(opened, tenant_id)
        return await records_over(tables.__getitem__).restore_points.get(tenant_id, manifest.backup_id)

    assert await rebuilt() == unpacked
    summary = next(iter([one.name async for one in opened.workspace.list("") if one.name.endswith("/index.json")]))
    await opened.workspace.delete(summary)
    assert await rebuilt() == packed, "an index that is not whole"
    await unpack(backups, manifest)
    tables["cairnRestorePoints"] = MemoryTable()
    assert (await rebuilt())["status"] == "packed", "nobody knows any more that it was wanted"
