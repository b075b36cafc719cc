"""What no application may write, and what no copy can hold, is a step that a person can follow."""

from datetime import UTC, datetime

from shared.catalog import OBJECT_TYPES
from shared.recovery.by_hand import connector_group_steps, step_after_creation
from shared.recovery.new_credentials import Asked
from shared.recovery.options import RestoreOptions
from shared.recovery.planner import Planner, Situation
from shared.recovery.state import Present, Wanted

GROUP = {"id": "g", "name": "Berlin", "region": "eur"}


def test_changed_settings_of_a_connector_group_are_one_request():
    assert connector_group_steps(GROUP, GROUP, {}, {"a": ("A", "g")}) == []
    [step] = connector_group_steps(GROUP, {**GROUP, "name": "Bonn"}, {}, {"a": ("A", "g")})
    assert "PATCH" in step
    assert '"name": "Berlin", "region": "eur"' in step


def test_an_application_that_was_moved_is_put_back():
    [step] = connector_group_steps(GROUP, GROUP, {}, {"a": ("A", "elsewhere")})
    assert "PUT /beta/applications/a/connectorGroup/$ref" in step
    assert "connectorGroups/g" in step


def test_a_deleted_group_gives_way_to_one_of_the_same_name():
    steps = connector_group_steps(GROUP, None, {"Berlin": "other"}, {"a": ("A", "default")})
    assert "is there (other)" in steps[0]
    assert "connectorGroups/other" in steps[1]
    assert not any("POST" in one for one in steps)


def test_a_deleted_group_without_one_of_its_name_is_made_first():
    steps = connector_group_steps(GROUP, None, {}, {"a": ("A", "default")})
    assert "POST" in steps[0]
    assert "the new group's id" in steps[1]


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
