"""Objects over HTTP, on backups of a simulated tenant that was changed in between: lists, versions, questions."""

import csv
import io
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

import activities.export
import api.objects
from api.app import create_api
from api.durable import current_client
from api.services import Services
from shared.browse.packing import show_unpacked
from shared.records.table import key_of
from shared.records.times import as_text
from shared.repository.chain import read_manifest
from shared.repository.names import manifest_name
from tests.api.conftest import FakeDurable, Mint, mint, validator
from tests.shared.backup.conftest import Backups, backups
from tests.shared.browse.conftest import unpack

__all__ = ["backups", "mint"]


@dataclass
class Story:
    """A tenant backed up, changed, backed up again; the first restore point is unpacked."""

    client: httpx.AsyncClient
    backups: Backups
    root: str
    changed: str
    deleted: str
    group: str
    joined: str

    async def get(self, path: str, **query: object) -> httpx.Response:
        return await self.client.get(f"{self.root}{path}", params={name: str(value) for name, value in query.items()})

    async def ok(self, path: str, **query: object) -> dict[str, object]:
        answer = await self.get(path, **query)
        assert answer.status_code == 200, answer.text
        found: dict[str, object] = answer.json()
        return found


@pytest.fixture
async def story(backups: Backups, mint: Mint) -> AsyncIterator[Story]:
    first = await backups.run("full")
    store = backups.simulator.tenant.store
    users = [record.key for record in store.all("user")]
    groups = [record.key for record in store.all("group") if not record.read().get("groupTypes")]
    members = set(store.link_set("members").targets(groups[0]))
    changed, deleted, joined = [one for one in users if one not in members][:3]
    await unpack(backups, first)
    await show_unpacked(backups.opened.records, backups.opened.workspace, first)
    store.update(changed, {**store.get(changed).read(), "department": "Zebra handling"})
    store.delete(deleted, soft=True)
    store.link(groups[0], "members", joined)
    await backups.run("incremental")

    async def opened() -> object:
        return backups.opened

    app = create_api(Services(opened, validator(), backups.opened.settings))  # type: ignore[arg-type]
    token = current_client.set(FakeDurable())  # type: ignore[arg-type]
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="https://cairn.example/api/v1",
        headers={"Authorization": f"Bearer {mint()}"},
    ) as client:
        yield Story(
            client, backups, f"/tenants/{backups.simulator.tenant_id}", changed, deleted, groups[0], joined
        )
    current_client.reset(token)


async def test_a_list_gives_every_object_once_whatever_the_order(story: Story) -> None:
    counts = (await story.ok("/backups/00000001"))["counts"]
    for order in ("displayName asc", "displayName desc", "lastBackup asc", "mail desc"):
        seen: list[tuple[str, str]] = []
        query: dict[str, object] = {"top": 97, "orderBy": order}
        page = await story.ok("/objects", **query)
        while True:
            seen += [(one["objectType"], one["objectId"]) for one in page["value"]]  # type: ignore[attr-defined]
            if "nextLink" not in page:
                break
            answer = await story.client.get(str(page["nextLink"]))
            assert answer.status_code == 200, answer.text
            page = answer.json()
        assert len(seen) == len(set(seen)) == sum(counts.values())  # type: ignore[attr-defined]


async def test_the_summary_counts_what_the_lists_hold(story: Story) -> None:
    summary = await story.ok("/objects/summary")
    counts = (await story.ok("/backups/00000001"))["counts"]
    facets = summary["facets"]
    assert {one["value"]: one["count"] for one in facets["type"]} == {  # type: ignore[index]
        name: count for name, count in counts.items() if count  # type: ignore[attr-defined]
    }
    for facet, name in (("groupKind", "groupKind"), ("userType", "userType"), ("synced", "synced"),
                        ("mailEnabled", "mailEnabled"), ("type", "type")):
        for one in facets[facet]:  # type: ignore[index]
            listed = await story.ok("/objects", **{name: one["value"], "top": 1000})
            assert len(listed["value"]) == one["count"], (facet, one)  # type: ignore[arg-type]


async def test_a_packed_restore_point_says_how_to_unpack_it_and_still_shows_single_objects(story: Story) -> None:
    refused = await story.get("/objects", backup="latest")
    assert (refused.status_code, refused.json()["code"]) == (409, "notUnpacked")
    assert "/unpack" in refused.json()["remedy"]
    one = await story.ok(f"/objects/{story.changed}", backup="latest")
    assert one["body"]["department"] == "Zebra handling"  # type: ignore[index]
    assert (await story.ok("/objects"))["backupId"] == "00000001", "the newest unpacked one, and it says so"


async def test_what_was_deleted_since_is_found(story: Story) -> None:
    gone = (await story.ok("/objects", deleted="true"))["value"]
    assert [one["objectId"] for one in gone] == [story.deleted]  # type: ignore[attr-defined]
    assert gone[0]["deleted"] is True  # type: ignore[index]
    missing = await story.get(f"/objects/{story.deleted}", backup="latest")
    assert missing.status_code == 404
    point = (await story.ok("/backups/latest"))["backupId"]
    manifest = await _manifest(story, str(point))
    await unpack(story.backups, manifest)  # type: ignore[arg-type]
    await show_unpacked(story.backups.opened.records, story.backups.opened.workspace, manifest)  # type: ignore[arg-type]
    buried = (await story.ok("/objects", backup="latest", deleted="true"))["value"]
    assert [(one["objectId"], one["deletedHow"], one["lastBackup"]) for one in buried] == [  # type: ignore[attr-defined]
        (story.deleted, "softDeleted", "00000001")
    ]


async def test_one_object_has_the_same_links_packed_and_unpacked(story: Story) -> None:
    for object_id in (story.group, story.changed):
        unpacked = await story.ok(f"/objects/{object_id}", backup="00000001")
        point = story.backups.opened.records.restore_points
        tenant_id = story.backups.simulator.tenant_id
        files = {entry.name async for entry in story.backups.opened.workspace.list("") if "/indexes/" in entry.name}
        kept = {name: await story.backups.opened.workspace.get(name) for name in files}
        for name in files:
            await story.backups.opened.workspace.delete(name)
        await point.set_packed(tenant_id, "00000001")
        from shared.browse.files import index_files

        index_files().known.clear()
        packed = await story.ok(f"/objects/{object_id}", backup="00000001")
        for name, content in kept.items():
            await story.backups.opened.workspace.put(name, content)
        assert packed["links"] == unpacked["links"]
        assert any(unpacked["links"].values())  # type: ignore[attr-defined]


async def test_a_timeline_shows_what_changed_when(story: Story) -> None:
    changed = await story.ok(f"/objects/{story.changed}/versions")
    assert [(one["change"], one["backupId"]) for one in changed["value"]] == [  # type: ignore[attr-defined]
        ("changed", "00000002"), ("created", "00000001")
    ]
    assert changed["lastBackup"] == "00000002"
    gone = await story.ok(f"/objects/{story.deleted}/versions")
    assert gone["deleted"] is True
    assert [(one["change"], one["deletedHow"]) for one in gone["value"]] == [  # type: ignore[attr-defined]
        ("deleted", "softDeleted"), ("created", None)
    ]
    group = await story.ok(f"/objects/{story.group}/versions")
    newest = group["value"][0]  # type: ignore[index]
    assert (newest["attributesChanged"], newest["linksChanged"]) == (False, True)
    assert (await story.get("/objects/12345678-0000-4000-8000-000000000000/versions")).status_code == 404


async def test_two_versions_are_compared_with_their_links(story: Story) -> None:
    user = await story.ok(f"/objects/{story.changed}/compare")
    assert (user["from"]["backupId"], user["to"]["backupId"]) == ("00000001", "00000002")  # type: ignore[index]
    assert [(one["attribute"], one["newValue"]) for one in user["attributes"]] == [  # type: ignore[attr-defined]
        ("department", "Zebra handling")
    ]
    whole = await story.ok(f"/objects/{story.changed}/compare", onlyDifferences="false", **{"from": "00000001"})
    assert len(whole["attributes"]) > 20  # type: ignore[arg-type]
    group = await story.ok(f"/objects/{story.group}/compare", **{"from": "00000001", "to": "00000002"})
    assert [(one["link"], one["change"], one["targetId"]) for one in group["links"]] == [  # type: ignore[attr-defined]
        ("members", "added", story.joined)
    ]
    joined = await story.ok(f"/objects/{story.joined}/compare", **{"from": "00000001", "to": "00000002"})
    assert [(one["link"], one["change"], one["targetId"]) for one in joined["links"]] == [  # type: ignore[attr-defined]
        ("memberOf", "added", story.group)
    ]
    same = await story.ok(f"/objects/{story.group}/compare", **{"from": "00000002", "to": "00000002"})
    assert (same["identical"], same["attributes"], same["links"]) == (True, [], [])


async def test_who_was_in_a_group_at_a_time_is_one_call(story: Story) -> None:
    began = (await story.ok("/backups/00000002"))["started"]
    first = (await story.ok("/backups/00000001"))["started"]
    before = await story.ok(f"/objects/{story.group}/links/members", at=first, top=1000)
    now = await story.ok(f"/objects/{story.group}/links/members", at=began, top=1000)
    assert {one["id"] for one in now["value"]} - {one["id"] for one in before["value"]} == {story.joined}  # type: ignore[attr-defined]
    assert (await story.get(f"/objects/{story.group}/links/members", at="2001-01-01")).status_code == 404
    unknown = await story.get(f"/objects/{story.group}/links/sisters")
    assert (unknown.status_code, "members" in unknown.json()["remedy"]) == (404, True)
    wide = await story.ok(f"/objects/{story.group}/links/transitiveMembers", top=1000)
    assert {one["id"] for one in wide["value"]} >= {one["id"] for one in before["value"]}  # type: ignore[attr-defined]


async def test_who_holds_a_role_and_who_reaches_an_application(story: Story) -> None:
    roles = (await story.ok("/objects", type="directoryRole", top=1000))["value"]
    store = story.backups.simulator.tenant.store
    asked = eligible_seen = 0
    for role in roles:  # type: ignore[attr-defined]
        members = set(store.link_set("members").targets(role["objectId"]))
        holders = await story.ok(f"/objects/{role['objectId']}/links/holders", backup="00000001", top=1000)
        assert members <= {one["id"] for one in holders["value"]}, role  # type: ignore[attr-defined]
        asked += len(members)
        eligible = [one.read() for one in store.all("privilegedAccessGroupEligibilitySchedule")]
        through = {one["id"] for one in holders["value"] if one.get("via")}  # type: ignore[attr-defined]
        for one in eligible:
            if one["accessId"] == "member" and one["groupId"] in members:
                assert one["principalId"] in through
                eligible_seen += 1
    assert asked
    assert eligible_seen
    for service in (await story.ok("/objects", type="servicePrincipal", top=1000))["value"]:  # type: ignore[attr-defined]
        reached = await story.ok(f"/objects/{service['objectId']}/links/reachableBy", backup="00000001", top=1000)
        direct = await story.ok(f"/objects/{service['objectId']}/links/appRoleAssignedTo", backup="00000001")
        assert bool(reached["value"]) == bool(direct["value"])
        assert isinstance(reached["everyone"], bool)


async def test_the_restore_points_that_hold_all_objects_are_counted_by_day(story: Story) -> None:
    both = await story.ok("/restorePoints", objectIds=f"{story.changed},{story.deleted}", groupBy="day")
    assert [(day["count"], [one["backupId"] for one in day["restorePoints"]]) for day in both["value"]] == [  # type: ignore[attr-defined]
        (1, ["00000001"])
    ]
    one = await story.ok("/restorePoints", objectIds=story.changed)
    assert [point["backupId"] for point in one["value"]] == ["00000002", "00000001"]  # type: ignore[attr-defined]


async def test_attributes_of_users_need_their_permission_and_a_recent_sign_in(story: Story, mint: Mint) -> None:
    async def ask(path: str, **claims: object) -> tuple[int, str]:
        story.client.headers["Authorization"] = f"Bearer {mint(**claims)}"
        answer = await story.get(path)
        return answer.status_code, answer.json().get("code", "")

    old = int(time.time()) - 8 * 86_400
    assert await ask(f"/objects/{story.changed}", roles=["Reader"]) == (403, "forbidden")
    assert await ask(f"/objects/{story.changed}", auth_time=old) == (401, "insufficient_user_authentication")
    assert await ask(f"/objects/{story.changed}/compare", auth_time=old) == (401, "insufficient_user_authentication")
    assert (await ask(f"/objects/{story.group}", auth_time=old))[0] == 200
    assert (await ask(f"/objects/{story.changed}/links/manager", roles=["Reader"]))[0] == 200


async def _manifest(story: Story, backup_id: str) -> object:
    from shared.repository.chain import read_manifest

    return await read_manifest(story.backups.opened.vault, story.backups.simulator.tenant_id, int(backup_id))


async def test_a_csv_holds_the_list_or_the_selection_and_no_formula(story: Story) -> None:
    listed = (await story.ok("/objects", type="user", top=1000))["value"]
    answer = await story.get("/objects.csv", type="user")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["objectId"] for row in rows] == [one["objectId"] for one in listed]  # type: ignore[attr-defined]
    assert [row["objectId"] for row in rows if row["deleted"] == "true"] == [story.deleted]
    assert not [cell for row in rows for cell in row.values() if cell[:1] in ("=", "+", "-", "@")]
    for order in ("city desc", "objectId", "lastBackup asc"):
        listed = (await story.ok("/objects", type="user", top=1000, orderBy=order))["value"]
        sorted_rows = csv.DictReader(io.StringIO((await story.get("/objects.csv", type="user", orderBy=order)).text))
        assert [row["objectId"] for row in sorted_rows] == [one["objectId"] for one in listed], order  # type: ignore[attr-defined]
    assert (await story.get("/objects.csv", orderBy="shoeSize")).status_code == 422
    chosen = await story.get("/objects.csv", objectIds=f"{story.changed},{story.group}")
    assert chosen.status_code == 200, chosen.text
    assert {row["objectId"] for row in csv.DictReader(io.StringIO(chosen.text))} == {story.changed, story.group}


async def test_a_long_csv_becomes_a_task_whose_download_is_a_fresh_link(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.objects, "MOST_ROWS_AT_ONCE", 5)
    opened = story.backups.opened
    answer = await story.get("/objects.csv", q="objectType:user", deleted="any")
    assert answer.status_code == 202, answer.text
    task_id = answer.json()["taskId"]
    assert (await story.client.get(f"/tasks/{task_id}/download")).status_code == 409
    started = await opened.records.tasks._table.get(f"id|{key_of(task_id)}", "start")
    assert started is not None
    message = started.body["message"]

    async def deployment() -> object:
        return opened

    monkeypatch.setattr(activities.export, "deployment", deployment)
    written = await activities.export.write_export(dict(message))
    assert written == {"rows": 60}
    await opened.records.tasks.close(task_id, "succeeded", "", result={"backupId": "00000001"})
    download = await story.client.get(f"/tasks/{task_id}/download")
    assert download.status_code == 302, download.text
    name = download.headers["location"].removeprefix("memory://")
    assert (await opened.workspace.get(name)).count(b"\r\n") == 61


async def test_an_object_that_was_made_anew_keeps_its_past(story: Story) -> None:
    await story.backups.opened.records.identity_map.add(
        story.backups.simulator.tenant_id, old_id=story.deleted, new_id=story.changed, object_type="user",
        restore_id="r1",
    )
    for object_id in (story.deleted, story.changed):
        past = await story.ok(f"/objects/{object_id}/versions")
        assert past["deleted"] is False
        assert past["value"][-1]["change"] == "created"  # type: ignore[index]


async def test_an_object_that_was_made_anew_is_the_same_one_in_comparisons_and_calendars(story: Story) -> None:
    store = story.backups.simulator.tenant.store
    old, new = story.joined, story.changed
    policy = next(one for one in store.all("conditionalAccessPolicy") if one.read()["conditions"]["users"])

    def named(user: str) -> None:
        body = policy.read()
        users = {**body["conditions"]["users"], "excludeUsers": [user]}
        store.update(policy.key, {**body, "conditions": {**body["conditions"], "users": users}})

    named(old)
    await story.backups.run("incremental")
    store.unlink(story.group, "members", old)
    store.delete(old, soft=False)
    store.link(story.group, "members", new)
    named(new)
    await story.backups.run("incremental")
    asked = {"from": "00000003", "to": "00000004"}
    before = [await story.ok(f"/objects/{one}/compare", **asked) for one in (story.group, policy.key)]
    assert [one["identical"] for one in before] == [False, False]
    await story.backups.opened.records.identity_map.add(
        story.backups.simulator.tenant_id, old_id=old, new_id=new, object_type="user", restore_id="r1"
    )
    for one in (story.group, policy.key):
        same = await story.ok(f"/objects/{one}/compare", **asked)
        assert (same["identical"], same["attributes"], same["links"]) == (True, [], []), same
    for ids in (old, new, f"{old},{new}"):
        held = await story.ok("/restorePoints", objectIds=ids)
        points = [one["backupId"] for one in held["value"]]  # type: ignore[attr-defined]
        assert points == ["00000004", "00000003", "00000002", "00000001"]


async def test_unpacking_may_start_a_report_of_the_differences_as_well(story: Story, mint: Mint) -> None:
    unpacked = await story.client.post(f"{story.root}/backups/latest/unpack", json={"differences": True})
    assert unpacked.status_code == 202, unpacked.text
    report = await story.ok(f"/differences/{unpacked.json()['result']['reportId']}")
    assert (report["backupId"], report["against"]) == ("00000002", "live")
    again = await story.client.post(f"{story.root}/backups/latest/unpack", json={})
    assert (again.status_code, again.json()["code"]) == (409, "busy")


async def test_a_restore_point_that_expired_is_no_last_backup(story: Story) -> None:
    opened = story.backups.opened
    tenant_id = story.backups.simulator.tenant_id
    newest = await read_manifest(opened.vault, tenant_id, 2)
    await unpack(story.backups, newest)
    await show_unpacked(opened.records, opened.workspace, newest)
    asked = {"backup": "00000002", "type": "user"}
    assert {one["lastBackup"] for one in (await story.ok("/objects", **asked))["value"]} == {"00000001", "00000002"}  # type: ignore[attr-defined]
    await opened.vault.delete(manifest_name(tenant_id, "00000001"))
    listed = (await story.ok("/objects", **asked))["value"]
    assert {(one["lastBackup"], one["lastBackupAt"]) for one in listed} == {("00000002", as_text(newest.started))}  # type: ignore[attr-defined]
    rows = csv.DictReader(io.StringIO((await story.get("/objects.csv", **asked)).text))
    assert {(row["lastBackup"], row["lastBackupAt"]) for row in rows} == {("00000002", as_text(newest.started))}


async def test_a_restore_point_is_packed_at_once_and_again_without_effect(story: Story) -> None:
    for _ in range(2):
        packed = await story.client.post(f"{story.root}/backups/00000001/pack")
        assert (packed.status_code, packed.json()["status"]) == (200, "packed"), packed.text
    assert (await story.get("/objects")).status_code == 409


async def test_links_that_do_not_fit_go_on_where_those_shown_end(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.browse.one_object.FIRST_LINKS", 2)
    whole = await story.ok(f"/objects/{story.group}/links/members", backup="latest", top=1000)
    assert len(whole["value"]) > 4  # type: ignore[arg-type]
    links = (await story.ok(f"/objects/{story.group}", backup="latest"))["links"]
    seen = list(links["members"])  # type: ignore[index]
    address = str(links["members@nextLink"]) + "&top=2"  # type: ignore[index]
    while address:
        answer = await story.client.get(address)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        seen += page["value"]
        address = page.get("nextLink", "")
    assert seen == whole["value"]
    refused = await story.get(f"/objects/{story.group}/links/members", q="a")
    assert (refused.status_code, refused.json()["code"]) == (400, "unknownParameter")
