"""Applications of the gallery come back from their template: once, whole, and under one name for both objects."""

import asyncio
from typing import Any

import pytest

from local.simulator.faults.rules import parse
from shared.catalog import OBJECT_TYPES
from shared.entra.writing import Write, write
from shared.recovery import apply as applying
from shared.recovery import gallery, known_when_sent
from tests.shared.recovery.conftest import Restores, restores  # noqa: F401 - the fixture

SALESFORCE = "cd3ed3de-93ee-400b-8b19-b61ef44a0f29"
ROLE = {
    "id": "11111111-1111-4111-8111-111111111111", "displayName": "Sales", "description": "Sales", "value": "sales",
    "isEnabled": True, "allowedMemberTypes": ["User"],
}


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long is waited between two looks is no matter here."""
    for module, names in ((applying, ("LOST_WAITS", "INSTANCE_WAITS", "LAG_WAITS")), (known_when_sent, ("WAITS",))):
        for name in names:
            monkeypatch.setattr(module, name, (0.05,) * 40)


async def instance(restores: Restores, name: str = "Sales tool", template: str = SALESFORCE) -> tuple[str, str]:
    """An application of the gallery with its service principal, set up as a person would."""
    async with restores.sessions.restoring(restores.opened.settings, restores.tenant_id) as graph:
        made = (await write(graph, Write("POST", f"/applicationTemplates/{template}/instantiate",
                                         {"displayName": name}))).body
        application, principal = made["application"]["id"], made["servicePrincipal"]["id"]
        disabled = [one | {"isEnabled": False} for one in made["application"]["appRoles"]]
        for path, body in (
            (f"/applications/{application}", {"appRoles": disabled}),
            (f"/applications/{application}", {
                "appRoles": [ROLE], "notes": "ours", "web": {"redirectUris": [], "homePageUrl": None},
            }),
            (f"/servicePrincipals/{principal}", {"preferredSingleSignOnMode": "saml", "notes": "ours too",
                                                 "appRoleAssignmentRequired": False}),
        ):
            await write(graph, Write("PATCH", path, body))
    return application, principal


def gone(restores: Restores, *keys: str) -> None:
    store = restores.simulator.store
    for key in keys:
        if key in store.records:
            store.delete(key, soft=False)


def body_of(restores: Restores, key: str) -> dict[str, Any]:
    return restores.simulator.store.records[key].read()


def of_template(restores: Restores) -> list[str]:
    return [one.key for one in restores.simulator.store.all("application")
            if one.read().get("applicationTemplateId") == SALESFORCE]


SAME = ("displayName", "appRoles", "notes", "identifierUris", "signInAudience", "applicationTemplateId", "tags")


async def came_back(restores: Restores, application: str, principal: str, before: Any) -> None:
    new, arrived = [await restores.new_id(one) for one in (application, principal)]
    assert of_template(restores) == [new]
    now, stands = body_of(restores, new), body_of(restores, arrived)
    assert {name: now.get(name) for name in SAME} == {name: before[0].get(name) for name in SAME}
    assert now["api"]["oauth2PermissionScopes"] == before[0]["api"]["oauth2PermissionScopes"]
    assert (now["web"]["redirectUris"], now["web"]["homePageUrl"]) == ([], None)
    assert stands["appId"] == now["appId"] != before[0]["appId"]
    for name in ("displayName", "notes", "preferredSingleSignOnMode", "appRoleAssignmentRequired", "appRoles"):
        assert stands[name] == before[1][name]
    resolved = await restores.opened.records.identity_map.resolved(restores.tenant_id)
    assert resolved.applications[before[0]["appId"]] == now["appId"]


FAULTS = {
    "none": [],
    "answer lost": [{"kind": "timeoutAfterWrite", "method": "POST", "path": "instantiate", "count": 1}],
    "connection lost": [{"kind": "cut", "method": "POST", "path": "instantiate", "count": 2}],
    "answers of updates lost": [{"kind": "timeoutAfterWrite", "method": "PATCH", "count": 4}],
    "slow replication": [{"kind": "lag", "method": "POST", "path": "instantiate", "seconds": 1}],
    "lost and slow": [
        {"kind": "timeoutAfterWrite", "method": "POST", "path": "instantiate", "count": 1},
        {"kind": "lag", "method": "POST", "path": "instantiate", "seconds": 1},
    ],
}


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS.keys())
async def test_an_application_of_the_gallery_comes_back_from_its_template_once(restores: Restores, faults: Any):
    application, principal = await instance(restores)
    before = body_of(restores, application), body_of(restores, principal)
    await restores.backups.run("full")
    gone(restores, principal, application)
    planned = await restores.plan([application, principal])
    restores.simulator.tenant.faults.rules += [parse(each) for each in faults]
    done = await restores.apply(planned)
    assert (done["state"], done["results"].get("failed", 0)) == ("done", 0), await restores.operations(done)
    assert done["verification"]["differing"] == 0
    await came_back(restores, application, principal, before)
    again = await restores.run([application, principal])
    assert not [one for one, _ in await restores.operations(again) if one.kind != "manual"]


@pytest.mark.parametrize("after", range(5))
async def test_a_host_that_dies_at_any_request_makes_no_second_instance(
    restores: Restores, monkeypatch: pytest.MonkeyPatch, after: int
):
    application, principal = await instance(restores)
    before = body_of(restores, application), body_of(restores, principal)
    await restores.backups.run("full")
    gone(restores, principal, application)
    planned = await restores.plan([application, principal])
    real, sent = applying.write, []

    async def dies(graph: Any, request: Write) -> Any:
        answer = await real(graph, request)
        sent.append(request)
        if len(sent) == after + 1:
            raise asyncio.CancelledError
        return answer

    monkeypatch.setattr(applying, "write", dies)
    try:
        await restores.apply(planned)
    except asyncio.CancelledError:
        await restores.apply(planned)
    await came_back(restores, application, principal, before)


async def test_two_instances_of_one_name_are_told_apart(restores: Restores):
    pairs = [await instance(restores) for _ in range(2)]
    await restores.backups.run("full")
    gone(restores, *(key for pair in pairs for key in reversed(pair)))
    planned = await restores.plan([key for pair in pairs for key in pair])
    restores.simulator.tenant.faults.rules.append(
        parse({"kind": "timeoutAfterWrite", "method": "POST", "path": "instantiate", "count": 2})
    )
    await restores.apply(planned)
    made = [[await restores.new_id(key) for key in pair] for pair in pairs]
    assert sorted(of_template(restores)) == sorted(one[0] for one in made)
    assert len({one[0] for one in made}) == 2
    assert all(body_of(restores, one)["displayName"] == "Sales tool" for pair in made for one in pair)


async def test_where_the_gallery_has_the_template_no_more_it_is_made_plainly_and_a_step_says_so(restores: Restores):
    application, principal = await instance(restores)
    await restores.backups.run("full")
    gone(restores, principal, application)
    store = restores.simulator.store
    store.delete(next(one.key for one in store.all("applicationTemplate") if one.read()["id"] == SALESFORCE), soft=False)
    done = await restores.run([application, principal])
    assert done["state"] == "done"
    assert body_of(restores, await restores.new_id(application))["displayName"] == "Sales tool"
    steps = [one.reason for one, _ in await restores.operations(done) if one.kind == "manual"]
    assert any(SALESFORCE in one and "plain application" in one for one in steps)


async def test_an_undo_puts_both_into_the_bin_and_a_redo_revives_them(restores: Restores):
    application, principal = await instance(restores)
    await restores.backups.run("full")
    gone(restores, principal, application)
    done = await restores.run([application, principal])
    new = await restores.new_id(application)
    undone = await restores.undo(done)
    assert undone["results"].get("failed", 0) == 0
    assert new not in restores.simulator.store.records
    again = await restores.run([application, principal])
    assert again["results"].get("failed", 0) == 0
    assert new in restores.simulator.store.records


def test_a_template_of_no_application_of_the_gallery_is_none():
    row = OBJECT_TYPES["application"]
    assert gallery.template(row, {"applicationTemplateId": SALESFORCE}) == SALESFORCE
    assert not any(gallery.template(row, {"applicationTemplateId": one}) for one in [*gallery.NON_GALLERY, None])
    assert gallery.template(OBJECT_TYPES["servicePrincipal"], {"applicationTemplateId": SALESFORCE}) == ""


def test_the_name_of_an_instance_is_no_longer_than_a_name_may_be_and_holds_the_old_id():
    name = gallery.instance_name({"displayName": "O'Hare " * 60}, "0" * 36)
    assert len(name) <= 256
    assert name.endswith(f"({'0' * 36})")
    assert "O''Hare" in gallery.finding({"displayName": "O'Hare"}, "1")["path"].replace("%27", "'")
