"""Every row of the catalog, with one realistic object of its type."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from shared.catalog import (
    CATALOG_VERSION,
    OBJECT_TYPES,
    enabled,
    object_type,
    order,
    permissions,
    restore_waves,
    wanted_permissions,
)
from shared.catalog.docs import object_types as object_types_page
from shared.catalog.docs import permissions as permissions_page
from shared.catalog.noise import NOISE_RULES
from shared.catalog.options import DEFAULTS, OPTIONS, checked
from shared.catalog.paths import changed, holders, values
from shared.catalog.row import Excluded, Link, ObjectType, Reference
from shared.catalog.where import group_kind, holds, why_left_alone
from shared.errors import CatalogError, SettingsError

ROOT = Path(__file__).parents[1]
FIXTURES = Path(__file__).parent / "shared" / "catalog" / "fixtures"
each_row = pytest.mark.parametrize("row", OBJECT_TYPES.values(), ids=OBJECT_TYPES.keys())


def fixture(row: ObjectType) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((FIXTURES / f"{row.name}.json").read_text(encoding="utf-8"))
    return body


def row(**changes: Any) -> ObjectType:
    """A small valid row, changed."""
    given: dict[str, Any] = {
        "name": "thing", "title": "Things", "path": "/things", "graph_type": "thing",
        "read_permissions": ("Thing.Read.All",), "write_permissions": ("Thing.ReadWrite.All",),
    }
    return ObjectType(**{**given, **changes})


def test_every_type_has_a_fixture_and_every_fixture_a_type() -> None:
    assert {path.stem for path in FIXTURES.glob("*.json")} == set(OBJECT_TYPES)


@each_row
def test_an_object_of_the_type_has_only_what_the_row_reads(row: ObjectType) -> None:
    asked = {
        *row.select, *row.singly, *row.in_beta, *row.expanded, *row.inline, *(name for name, _ in row.documents),
        *(name for one in row.subtypes for name in one.properties),
    }
    own = {name for name in fixture(row) if not name.startswith("@")}
    assert not own & row.excluded_names
    assert not row.select or own <= asked


@each_row
def test_an_object_of_the_type_has_its_key(row: ObjectType) -> None:
    body = fixture(row)
    assert ("@cairn.parent" in body) == (row.reading == "perParent")
    if not row.one_per_parent and row.reading != "single":
        assert isinstance(body[row.key], str)
        assert body[row.key]


@each_row
def test_every_reference_finds_what_it_names(row: ObjectType) -> None:
    body = fixture(row)
    for reference in row.references:
        found = list(values(body, reference.property))
        assert found, reference.property
        assert all(isinstance(value, str) for value in found), reference.property


@each_row
def test_references_can_be_rewritten_where_they_stand(row: ObjectType) -> None:
    body = fixture(row)
    before = copy.deepcopy(body)
    for reference in row.references:
        new = changed(body, reference.property, lambda _: "new")
        assert set(values(new, reference.property)) == {"new"}
    assert body == before


@each_row
def test_every_volatile_property_is_where_the_row_says(row: ObjectType) -> None:
    body = fixture(row)
    for path in row.volatile:
        if path not in row.singly:
            assert list(holders(body, path)), path


@each_row
def test_what_an_administrator_may_write_is_never_volatile(row: ObjectType) -> None:
    roots = {path.split(".")[0].removesuffix("[]") for path in row.volatile}
    writable = {name for name in roots if name not in row.read_only}
    # Readable only at all: what the row cannot change is no administrator's setting.
    assert not writable or bool(row.not_updated)


@each_row
def test_a_row_says_why_wherever_restore_cannot(row: ObjectType) -> None:
    for why in (row.not_restored, row.not_updated, row.not_deleted, row.delegated_only, row.delegated_read):
        assert not why or len(why) > 15
    if row.reading == "single":
        assert row.not_restored
    for link in row.links:
        assert link.add or link.not_restored or link.held_by


@each_row
def test_what_holds_the_inverse_of_a_link_is_there(row: ObjectType) -> None:
    for link in row.links:
        for holder in link.held_by:
            type_name, name = holder.split(".", 1)
            other = object_type(type_name)
            links = {one.name for one in other.links if one.reading != "inverse"}
            assert name in links or name in {reference.property for reference in other.references}, holder


@each_row
def test_conditions_of_a_row_speak_of_properties_that_are_read(row: ObjectType) -> None:
    own = [one.where for one in row.left_alone] + [row.singly_where, row.streams_where, row.restored_as_where]
    own += [link.where for link in row.links]
    own += [one.where for link in row.links for one in link.left_alone]
    of_parent = [(row.parent, row.parent_where)] if row.parent_where else []
    for type_name, where in [*((row.name, where) for where in own if where), *of_parent]:
        assert where is not None
        body = fixture(object_type(type_name))
        first = where[0] if where[0].startswith("@") else where[0].split(".")[0]
        assert first in body or first == "groupKind", where


def test_design_asks_for_these_types_and_they_are_there() -> None:
    asked = """
        user group application servicePrincipal device administrativeUnit scopedRoleMembership conditionalAccessPolicy
        ipNamedLocation countryNamedLocation authenticationContextClassReference authenticationStrengthPolicy
        directoryRole unifiedRoleDefinition unifiedRoleAssignment unifiedRoleEligibilitySchedule
        unifiedRoleAssignmentSchedule unifiedRoleManagementPolicy oAuth2PermissionGrant appRoleAssignment
        authorizationPolicy authenticationMethodsPolicy identitySecurityDefaultsEnforcementPolicy
        authenticationFlowsPolicy externalIdentitiesPolicy crossTenantAccessPolicy
        crossTenantAccessPolicyConfigurationDefault crossTenantAccessPolicyConfigurationPartner groupSetting
        groupSettingTemplate groupLifecyclePolicy organization organizationalBranding claimsMappingPolicy
        homeRealmDiscoveryPolicy tokenLifetimePolicy tokenIssuancePolicy onPremisesPublishing connectorGroup
        emailAuthenticationMethod phoneAuthenticationMethod domain contract subscribedSku agreement attributeSet
        customSecurityAttributeDefinition federatedIdentityCredential extensionProperty internalDomainFederation
        certificateBasedAuthConfiguration activityBasedTimeoutPolicy permissionGrantPolicy adminConsentRequestPolicy
        appManagementPolicy tenantAppManagementPolicy deviceRegistrationPolicy unifiedRoleManagementPolicyAssignment
        privilegedAccessGroupEligibilitySchedule privilegedAccessGroupAssignmentSchedule connector
        strongAuthenticationRequirements groupSpecificSetting delegatedPermissionClassification recoverySnapshot
        recoveryJob profileCardProperty
    """
    assert set(asked.split()) <= set(OBJECT_TYPES)


def test_costly_parts_are_off_until_asked_for() -> None:
    always = {one.name for one in enabled({}, "global")}
    everything = {one.name for one in enabled(dict.fromkeys(OPTIONS, True), "global")}
    assert everything == set(OBJECT_TYPES)
    assert not always & {
        "organization", "organizationalBranding", "claimsMappingPolicy", "connectorGroup", "onPremisesPublishing",
        "phoneAuthenticationMethod", "emailAuthenticationMethod", "attributeSet", "customSecurityAttributeDefinition",
    }
    assert {"user", "group", "conditionalAccessPolicy", "appRoleAssignment"} <= always


def test_what_a_cloud_lacks_is_not_asked_there() -> None:
    china = {one.name for one in enabled({}, "china")}
    assert not china & {"recoverySnapshot", "recoveryJob", "authenticationMethodsPolicy"}
    assert "administrativeUnit" in china
    assert "china" not in object_type("administrativeUnit").delta_clouds


def test_reading_asks_for_no_permission_to_write() -> None:
    everything = dict.fromkeys(OPTIONS, True)
    assert not [name for name in wanted_permissions("basic", everything) if "Write" in name]


def test_an_option_that_is_off_asks_for_no_permission() -> None:
    off = set(wanted_permissions("basic", {}))
    assert not off & {"CustomSecAttributeAssignment.Read.All", "UserAuthMethod-Phone.Read.All", "MailboxSettings.Read"}
    assert "CustomSecAttributeAssignment.Read.All" in wanted_permissions("basic", {"customSecurityAttributes": True})


def test_permissions_are_named_as_microsoft_names_them() -> None:
    everything = dict.fromkeys(OPTIONS, True)
    verbs = "Read|ReadWrite|Invite|EnableDisableAccount|DeleteRestore"
    shape = re.compile(rf"[A-Z][A-Za-z]+(-[A-Z][A-Za-z]+)?\.({verbs})(\.\w+)*")
    for kind in ("basic", "restore"):
        for name in wanted_permissions(kind, everything):
            assert shape.fullmatch(name), name


@pytest.mark.parametrize(
    ("wanted", "held", "missing"),
    [
        (["User.Read.All"], ["User.ReadWrite.All"], ()),
        (["User.Read.All"], ["Directory.Read.All"], ()),
        (["User.Read.All"], ["Directory.ReadWrite.All"], ()),
        (["User.ReadWrite.All"], ["User.Read.All"], ("User.ReadWrite.All",)),
        (["Member.Read.Hidden", "Group.Read.All"], ["Directory.Read.All"], ("Member.Read.Hidden",)),
        (["Application.Read.All"], ["Directory.Read.All"], ("Application.Read.All",)),
        (["UserAuthMethod-Phone.Read.All"], ["UserAuthenticationMethod.ReadWrite.All"], ()),
        (["Policy.Read.All"], [], ("Policy.Read.All",)),
    ],
)
def test_a_wider_permission_serves_for_a_narrower_one_only(
    wanted: list[str], held: list[str], missing: tuple[str, ...]
) -> None:
    assert permissions.missing(wanted, held) == missing


def place(name: str) -> int:
    return next(wave.number for wave in restore_waves() if name in wave.object_types)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("domain", "user"),
        ("application", "servicePrincipal"),
        ("servicePrincipal", "appRoleAssignment"),
        ("group", "appRoleAssignment"),
        ("servicePrincipal", "oAuth2PermissionGrant"),
        ("attributeSet", "customSecurityAttributeDefinition"),
        ("unifiedRoleDefinition", "unifiedRoleAssignment"),
        ("administrativeUnit", "unifiedRoleAssignment"),
        ("ipNamedLocation", "conditionalAccessPolicy"),
        ("authenticationStrengthPolicy", "conditionalAccessPolicy"),
        ("agreement", "conditionalAccessPolicy"),
        ("authenticationMethodsPolicy", "conditionalAccessPolicy"),
    ],
)
def test_what_is_named_is_restored_before_what_names_it(earlier: str, later: str) -> None:
    assert place(earlier) < place(later)


def test_conditional_access_comes_after_every_link_it_judges_by() -> None:
    members = next(wave.number for wave in restore_waves() if ("group", "members") in wave.links)
    assert place("group") < members < place("conditionalAccessPolicy")


def test_every_link_that_can_be_written_has_its_wave_once() -> None:
    written = [pair for wave in restore_waves() for pair in wave.links]
    expected = {
        (one.name, link.name)
        for one in OBJECT_TYPES.values() for link in one.links
        if link.add and not link.restored_as and not one.reference_only
    }
    assert len(written) == len(set(written))
    assert set(written) == expected


def test_a_fact_shown_twice_is_restored_once() -> None:
    names = [name for wave in restore_waves() for name in wave.object_types]
    assert "scopedRoleMembership" not in names
    assert ("directoryRole", "members") not in [pair for wave in restore_waves() for pair in wave.links]
    assert "unifiedRoleAssignment" in names
    assert len(names) == len(set(names))


def test_a_circle_of_references_is_refused_and_named() -> None:
    one = row(name="one", references=(Reference("twoId", "two"),))
    two = row(name="two", references=(Reference("oneId", "one"),))
    with pytest.raises(CatalogError, match=r"circle.*one.*orders=False"):
        order.waves({"one": one, "two": two})
    later = row(name="two", references=(Reference("oneId", "one", orders=False),))
    assert [wave.object_types for wave in order.waves({"one": one, "two": later})] == [("two",), ("one",)]


def test_a_type_that_comes_early_may_not_need_one_that_comes_late() -> None:
    late = row(name="late", after_links=True)
    early = row(name="early", references=(Reference("lateId", "late"),))
    with pytest.raises(CatalogError, match="after_links"):
        order.waves({"late": late, "early": early})


@pytest.mark.parametrize(
    ("changes", "lesson"),
    [
        ({"path": "things"}, "must start with"),
        ({"path": "/a/{id}/b"}, "parent's id"),
        ({"reading": "perParent", "path": "/a/{id}/b"}, "goes with reading='perParent'"),
        ({"read_permissions": ()}, "least permission that reads"),
        ({"write_permissions": ()}, "least permission that writes"),
        ({"select": ("id", "id")}, "repeats"),
        ({"select": ("id",), "select_permissions": (("other", "X.Read.All"),)}, "the row asks for"),
        ({"select": ("id",), "excluded": (Excluded(("id",), "a reason that is long enough"),)}, "excluded at once"),
        ({"links": (Link("one", add="POST /x"), Link("one", add="POST /x"))}, "one name"),
        ({"links": (Link("one"),)}, "must say why"),
        ({"links": (Link("one", reading="delta", add="POST /x"),)}, "the type must be too"),
        ({"links": (Link("one", reading="inverse"),)}, "held_by"),
        ({"links": (Link("one", add="POST /x", add_limit=20),)}, "bulk_add"),
        ({"key_in_parent": True}, "needs a `parent`"),
        ({"restored_as_where": ("a", "b")}, "needs `restored_as`"),
    ],
)
def test_a_row_that_contradicts_itself_is_refused_with_a_lesson(changes: dict[str, Any], lesson: str) -> None:
    with pytest.raises(CatalogError, match=lesson):
        row(**changes)


def test_requests_follow_from_the_path_unless_the_row_says_otherwise() -> None:
    assert row().create_request == "POST /things"
    assert row().update_request == "PATCH /things/{key}"
    assert row().delete_request == "DELETE /things/{key}"
    single = row(reading="single", not_restored="there is only one of it")
    assert (single.create_request, single.update_request, single.delete_request) == ("", "PATCH /things", "")
    assert row(reference_only=True).update_request == ""


def test_an_unknown_object_type_is_refused_with_what_to_do() -> None:
    with pytest.raises(CatalogError, match="no object type 'users'") as caught:
        object_type("users")
    assert "objectTypes" in caught.value.remedy


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"groupTypes": [], "mailEnabled": False, "securityEnabled": True}, "security"),
        ({"groupTypes": ["Unified"], "mailEnabled": True, "securityEnabled": False}, "microsoft365"),
        ({"groupTypes": ["Unified", "DynamicMembership"], "mailEnabled": True}, "dynamic"),
        ({"groupTypes": [], "mailEnabled": True, "securityEnabled": True}, "mailEnabledSecurity"),
        ({"groupTypes": [], "mailEnabled": True, "securityEnabled": False}, "distribution"),
        ({}, "security"),
    ],
)
def test_a_groups_kind_follows_from_its_properties(body: dict[str, Any], kind: str) -> None:
    assert group_kind(body) == kind


@pytest.mark.parametrize(
    ("where", "body", "expected"),
    [
        (None, {}, True),
        (("a", "x"), {"a": "x"}, True),
        (("a", "x"), {"a": ["y", "x"]}, True),
        (("a", "x|y"), {"a": "y"}, True),
        (("a", "x"), {"a": "xy"}, False),
        (("a", "x*"), {"a": "xy"}, True),
        (("a", "*"), {"a": [{"b": 1}]}, True),
        (("a", "*"), {"a": []}, False),
        (("a", "*"), {}, False),
        (("a.b", "x"), {"a": {"b": "x"}}, True),
        (("a.b", "x"), {"a": None}, False),
        (("a", "true"), {"a": True}, True),
        (("@odata.type", "#t"), {"@odata.type": "#t"}, True),
        (("groupKind", "security|microsoft365"), {"groupTypes": ["Unified"]}, True),
        (("groupKind", "security"), {"groupTypes": ["Unified"]}, False),
    ],
)
def test_a_condition_holds_or_does_not(
    where: tuple[str, str] | None, body: dict[str, Any], expected: bool
) -> None:
    assert holds(where, body) is expected


def test_a_built_in_role_is_left_alone_and_a_custom_one_is_not() -> None:
    rules = object_type("unifiedRoleDefinition").left_alone
    assert "Microsoft" in why_left_alone(rules, {"isBuiltIn": True})
    assert why_left_alone(rules, {"isBuiltIn": False}) == ""


def test_an_option_is_off_unless_set() -> None:
    assert not any(DEFAULTS.values())
    assert checked({"organization": True}) == {**DEFAULTS, "organization": True}


@pytest.mark.parametrize("given", [{"organisation": True}, {"organization": "yes"}, {"organization": 1}])
def test_a_wrong_option_is_refused_by_name(given: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=next(iter(given))):
        checked(given)


def test_every_option_turns_something_on() -> None:
    for name in OPTIONS:
        more = {one.name for one in enabled({name: True}, "global")} - {one.name for one in enabled({}, "global")}
        properties = [
            prop for one in OBJECT_TYPES.values() for prop, option in one.property_options if option == name
        ]
        assert more or properties, name


def test_noise_rules_say_what_and_why() -> None:
    assert all(rule.what and rule.why for rule in NOISE_RULES.values())


def test_the_catalogs_version_is_the_same_in_every_process() -> None:
    import subprocess
    import sys

    code = "from shared.catalog import CATALOG_VERSION; print(CATALOG_VERSION)"
    seen = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env={"PYTHONHASHSEED": seed}, capture_output=True, text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert seen == {CATALOG_VERSION}


@pytest.mark.parametrize(
    ("name", "page"), [("object-types.md", object_types_page), ("permissions.md", permissions_page)]
)
def test_the_generated_docs_are_fresh(name: str, page: Any) -> None:
    written = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert written == page(), "run: python -m shared.catalog.docs"


def test_what_is_unconfirmed_is_in_the_docs() -> None:
    page = object_types_page()
    for one in OBJECT_TYPES.values():
        assert all(fact in page for fact in one.unconfirmed), one.name
