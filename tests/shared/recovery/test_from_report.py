"""What a difference report tells of as new is deleted where that is chosen: each type, one by one."""

from random import Random
from typing import Any

import pytest

import activities.differences as steps
from local.simulator.faults.rules import parse
from shared.catalog import OBJECT_TYPES
from shared.differences.reports import Report
from tests.laws.damages import administrator
from tests.shared.differences.conftest import Differences
from tests.shared.recovery.conftest import Restores
from tests.simulated import turn_on

MADE = {
    "appRoleAssignment", "conditionalAccessPolicy", "federatedIdentityCredential", "group", "oAuth2PermissionGrant",
}


async def make_since(restores: Restores) -> None:
    """One of each: in the directory, outside of it, and under another object."""
    store = restores.simulator.store
    own = {one.read()["appId"]: one.key for one in store.all("application")}
    principals = [one for one in store.all("servicePrincipal") if one.read()["appId"] in own]
    role = next(one for one in principals if one.read()["appRoles"])
    user = next(one.key for one in store.all("user"))
    assigned = {"principalId": user, "resourceId": role.key, "appRoleId": role.read()["appRoles"][0]["id"]}
    sent = {
        "/groups": {"displayName": "made since", "mailEnabled": False, "mailNickname": "since", "securityEnabled": True},
        "/identity/conditionalAccess/policies": {
            "displayName": "made since", "state": "disabled",
            "grantControls": {"operator": "OR", "builtInControls": ["mfa"]},
            "conditions": {"clientAppTypes": ["all"], "applications": {"includeApplications": ["All"]},
                           "users": {"includeUsers": ["All"]}},
        },
        "/oauth2PermissionGrants": {"clientId": principals[0].key, "resourceId": principals[1].key,
                                    "consentType": "Principal", "principalId": user, "scope": "Since.Read"},
        f"/servicePrincipals/{role.key}/appRoleAssignedTo": assigned,
        f"/applications/{own[role.read()['appId']]}/federatedIdentityCredentials": {
            "name": "since", "issuer": "https://since.example", "subject": "since", "audiences": ["api://since"],
        },
    }
    assert not [one for one in store.all("appRoleAssignment") if assigned.items() <= one.read().items()]
    async with administrator(restores.simulator, Random(1)) as people:
        for path, body in sent.items():
            assert await people.sent("POST", f"/v1.0{path}", body), path


async def reported(restores: Restores, patch: pytest.MonkeyPatch) -> tuple[Differences, Report]:
    async def opened() -> Any:
        return restores.opened

    patch.setattr(steps, "deployment", opened)
    patch.setattr(steps, "sessions", restores.backups.sessions)
    differences = Differences(restores.backups)
    latest = await restores.opened.records.restore_points.get(restores.tenant_id, "latest")
    return differences, await differences.report(latest["backupId"])


@pytest.fixture
async def since(restores: Restores, monkeypatch: pytest.MonkeyPatch) -> tuple[Restores, dict[str, str], Report, Any]:
    await turn_on(restores.opened, restores.tenant_id)
    await restores.backups.run("full")
    await make_since(restores)
    differences, report = await reported(restores, monkeypatch)
    told = [one for one in await differences.changes(report, collapsed=None) if one["changeType"] == "newObject"]
    changes = {one["objectType"]: one for one in told}
    assert sorted(one["objectType"] for one in told) == sorted(MADE)
    return restores, {name: changes[name]["objectId"] for name in MADE}, report, changes


def test_what_is_read_under_another_object_names_that_one_first_of_its_holders():
    under = [row for row in OBJECT_TYPES.values() if row.parent and not row.key_in_parent and row.delete_request]
    assert under
    for row in under:
        assert next(one for one in row.references if one.holder).target == row.parent, row.name


async def test_new_objects_of_every_type_are_deleted_one_by_one(since: Any):
    restores, made, report, _ = since
    done = await restores.apply(await restores.plan(report=report, newObjects="softDelete"))
    ops = {
        (one.kind, one.object_type, one.object_id): receipt["state"] for one, receipt in await restores.operations(done)
    }
    assert ops == {("delete", *one): "done" for one in made.items()}
    assert done["verification"]["differing"] == 0
    undone = await restores.undo(done)
    assert undone["verification"]["differing"] == 0
    assert not [receipt for _, receipt in await restores.operations(undone) if receipt["state"] != "done"]


async def test_only_the_chosen_one_is_deleted(since: Any):
    restores, made, report, changes = since
    for name, object_id in made.items():
        planned = await restores.plan(
            report=report, change_ids=[changes[name]["changeId"]], newObjects="softDelete"
        )
        ops = [(one.kind, one.object_type, one.object_id) for one, _ in await restores.operations(planned)]
        assert ops == [("delete", name, object_id)]


async def test_those_that_are_kept_are_told_one_by_one(since: Any):
    restores, _, report, changes = since
    planned = await restores.plan(report=report)
    assert not await restores.operations(planned)
    assert {(one["objectType"], one["objectId"]) for one in await restores.left(planned)} == {
        (name, one["objectId"]) for name, one in changes.items()
    }


async def test_one_that_cannot_be_read_is_left_with_the_reason(since: Any):
    restores, made, report, _ = since
    fault = {"kind": "status", "status": 403, "path": f"policies/{made['conditionalAccessPolicy']}"}
    restores.simulator.tenant.faults.rules.append(parse(fault))
    planned = await restores.plan(report=report, newObjects="softDelete")
    ops = {one.object_type for one, _ in await restores.operations(planned)}
    assert ops == made.keys() - {"conditionalAccessPolicy"}
    [told] = await restores.left(planned)
    assert told["objectId"] == made["conditionalAccessPolicy"]
    assert "could not be read" in told["reason"]
