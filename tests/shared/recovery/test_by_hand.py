"""What no application may write, and what no copy can hold, is a step that a person can follow."""

from datetime import UTC, datetime

from shared.catalog import OBJECT_TYPES
from shared.recovery.by_hand import step_after_creation
from shared.recovery.connector_groups import PROFILE, ConnectorGroups, steps
from shared.recovery.new_credentials import Asked
from shared.recovery.options import RestoreOptions
from shared.recovery.planner import InboundLink, Planner, Situation
from shared.recovery.state import Present, Wanted
from tests.shared.recovery.conftest import Restores, restores  # noqa: F401 - the fixture

GROUP = {"id": "g", "name": "Berlin", "region": "eur"}


def test_changed_settings_of_a_connector_group_are_one_request():
    there = ConnectorGroups(applications={"a": "g"}, connectors={"c": "g"})
    assert steps(GROUP, GROUP, there, applications=["a"], connectors=["c"]) == []
    [step] = steps(GROUP, {**GROUP, "name": "Bonn"}, there, applications=["a"])
    assert step == f'PATCH {PROFILE}/connectorGroups/g with {{"name": "Berlin"}}.'
    [step] = steps(GROUP, {**GROUP, "region": "nam"}, there)
    assert '{"region": "eur"}' in step
    assert "no connector and no application" in step


def test_an_application_that_was_moved_is_put_back():
    there = ConnectorGroups(applications={"a": "elsewhere"}, names={"a": "Intranet"})
    [step] = steps(GROUP, GROUP, there, applications=["a"])
    assert step.startswith("Put Intranet (a) into Berlin: PUT /beta/applications/a/connectorGroup/$ref with ")
    assert f'{{"@odata.id": "https://graph.microsoft.com{PROFILE}/connectorGroups/g"}}' in step


def test_a_connector_that_was_moved_is_put_back():
    [step] = steps(GROUP, GROUP, ConnectorGroups(connectors={"c": "elsewhere"}), connectors=["c"])
    assert f"POST {PROFILE}/connectors/c/memberOf/$ref" in step


def test_a_deleted_group_gives_way_to_one_of_the_same_name():
    there = ConnectorGroups(by_name={"Berlin": "other"}, applications={"a": "default"})
    found = steps(GROUP, None, there, applications=["a"])
    assert "is there (other)" in found[0]
    assert "connectorGroups/other" in found[1]
    assert not any("POST" in one for one in found)
    assert steps(GROUP, None, ConnectorGroups(by_name={"Berlin": "o"}, applications={"a": "o"}), applications=["a"]) == []


def test_a_deleted_group_without_one_of_its_name_is_made_first():
    found = steps(GROUP, None, ConnectorGroups(), applications=["a", "{new:b}"])
    assert found[0] == f'Make the group: POST {PROFILE}/connectorGroups with {{"name": "Berlin", "region": "eur"}}.'
    assert "{the new group's id}" in found[1]
    assert "applications/{its new id}/connectorGroup" in found[2]


def plan_of(name, body, present, **more):
    wanted = Wanted(name, body["id"], body, more.pop("links", {}))
    planner = Planner(Situation({(name, body["id"]): wanted}, {(name, body["id"]): present}, RestoreOptions(), **more))
    operations, _ = planner.run()
    return [(one.kind, one.reason) for one in operations]


def test_nothing_that_only_people_may_write_is_sent():
    present = Present("connectorGroup", "g", "live", {**GROUP, "name": "Bonn"}, {"applications": {}})
    found = plan_of("connectorGroup", GROUP, present, links={"applications": {"a": "application"}})
    assert [kind for kind, _ in found] == ["manual", "manual"]
    terms = {"id": "t", "displayName": "Terms", "isViewingBeforeAcceptanceRequired": True}
    changed = Present("agreement", "t", "live", {**terms, "displayName": "Other"})
    assert [kind for kind, _ in plan_of("agreement", terms, changed)] == ["manual"]
    assert plan_of("agreement", terms, Present("agreement", "t", "live", terms)) == []


def test_secrets_of_an_application_and_the_certificate_of_a_saml_application_are_told():
    secret = {"displayName": "build", "keyId": "k", "endDateTime": "2027-01-01T00:00:00Z"}
    now = datetime(2026, 1, 1, tzinfo=UTC)
    step = step_after_creation(OBJECT_TYPES["application"], {"passwordCredentials": [secret]}, Asked(), now)
    assert "1 client secrets (build, until 2027-01-01)" in step
    assert step_after_creation(OBJECT_TYPES["application"], {}, Asked(), now) == ""
    saml = {"preferredSingleSignOnMode": "saml", "displayName": "Expenses", "applicationTemplateId": "template-1"}
    step = step_after_creation(OBJECT_TYPES["servicePrincipal"], saml, Asked(), now)
    assert "addTokenSigningCertificate" in step
    assert "preferredTokenSigningKeyThumbprint" in step
    assert "template-1" in step


async def test_what_is_published_through_the_application_proxy_is_published_again(restores: Restores):
    tenants = restores.opened.records.tenants
    settings = (await tenants.settings(restores.tenant_id)).settings
    await tenants.set_settings(
        restores.tenant_id,
        settings.model_copy(update={"options": {**settings.options, "applicationProxy": True}}),
        by="test",
    )
    store = restores.simulator.store
    application = next(one for one in store.all("application") if one.read().get("onPremisesPublishing"))
    published = application.read()["onPremisesPublishing"]
    principal = next(
        one.key for one in store.all("servicePrincipal") if one.read()["appId"] == application.read()["appId"]
    )
    await restores.backups.run("full")
    store.delete(principal, soft=False)
    store.delete(application.key, soft=False)
    done = await restores.run([application.key])
    assert (done["state"], done["verification"]["differing"]) == ("done", 0)
    new = await restores.new_id(application.key)
    now = store.records[new].read()["onPremisesPublishing"]
    assert {name: now.get(name) for name in published if name not in ("applicationType", "isOnPremPublishingEnabled")} \
        == {name: value for name, value in published.items()
            if name not in ("applicationType", "isOnPremPublishingEnabled")}
    reasons = [one.reason for one, _ in await restores.operations(done) if one.kind == "manual"]
    assert any("connector group" in one for one in reasons)
    store.update(new, store.records[new].read() | {
        "onPremisesPublishing": {**now, "isHttpOnlyCookieEnabled": not now["isHttpOnlyCookieEnabled"]},
    })
    again = await restores.run(types=["onPremisesPublishing"])
    assert again["results"] == {"done": 1}, await restores.operations(again)
    assert store.records[new].read()["onPremisesPublishing"] == now


def test_the_group_of_an_application_that_is_made_anew_is_a_step_and_no_request():
    application = {"id": "a", "appId": "app", "displayName": "Intranet"}
    inbound = InboundLink("connectorGroup", "g", "Berlin", "applications", "a", "application", GROUP)
    planner = Planner(Situation(
        {("application", "a"): Wanted("application", "a", application)},
        {("application", "a"): Present("application", "a", "absent")}, RestoreOptions(), inbound=(inbound,),
    ))
    operations, _ = planner.run()
    assert [one.kind for one in operations] == ["create", "manual"]
    assert "into Berlin: PUT /beta/applications/{its new id}/connectorGroup/$ref" in operations[1].reason
