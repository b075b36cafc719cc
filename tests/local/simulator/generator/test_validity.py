"""What is generated is what Graph could hold: valid by Microsoft's schema, unique where it must be, no loose ends."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import pytest

from local.simulator import model
from local.simulator.generator.facts.roles import GLOBAL_ADMINISTRATOR
from local.simulator.schema import Schema
from local.simulator.store import Store
from local.simulator.writes.membership_rule import parse
from local.simulator.writes.validation import CHECKS, INVALID
from tests.local.simulator.generator.conftest import everything

# Properties that stand in a body for the store's sake, and that the schema files under another name.
STORED = {"memberId", "id"}
OPEN = {"openTypeExtension", "customSecurityAttributeValue"}
# Words that stand where an id could.
WORDS = {
    "", "/", "All", "None", "AllTrusted", "GuestsOrExternalUsers", "Office365", "MicrosoftAdminPortals", "AllUsers",
    "AllApplications", "all_users", "all", "any", "ServicePrincipalsInMyTenant",
}  # fmt: skip
REFERENCES = {
    "user": ("licenseAssignmentStates[].assignedByGroup", "identityParentId"),
    "appRoleAssignment": ("principalId", "resourceId"),
    "oAuth2PermissionGrant": ("clientId", "resourceId", "principalId"),
    "unifiedRoleAssignment": ("principalId",), "scopedRoleMembership": ("roleId", "administrativeUnitId", "memberId"),
    "unifiedRoleEligibilitySchedule": ("principalId", "createdUsing"),
    "unifiedRoleAssignmentSchedule": ("principalId", "createdUsing"),
    "unifiedRoleAssignmentScheduleInstance": ("principalId", "roleAssignmentScheduleId", "roleAssignmentOriginId"),
    "unifiedRoleEligibilityScheduleInstance": ("principalId", "roleEligibilityScheduleId"),
    "privilegedAccessGroupEligibilitySchedule": ("groupId", "principalId"),
    "privilegedAccessGroupAssignmentSchedule": ("groupId", "principalId"),
    "insightsSettings": ("disabledForGroup",), "resourceSpecificPermissionGrant": ("clientId", "resourceAppId"),
    "conditionalAccessPolicy": (
        "conditions.users.includeUsers[]", "conditions.users.excludeUsers[]", "conditions.users.includeGroups[]",
        "conditions.users.excludeGroups[]", "conditions.locations.includeLocations[]",
        "conditions.locations.excludeLocations[]", "conditions.clientApplications.includeServicePrincipals[]",
        "grantControls.termsOfUse[]",
    ),
    "authenticationMethodConfiguration": ("includeTargets[].id", "excludeTargets[].id"),
    "unifiedRoleManagementPolicyRule": ("setting.approvalStages[].primaryApprovers[].userId",
                                        "setting.approvalStages[].primaryApprovers[].groupId"),
    "deviceRegistrationPolicy": ("azureADJoin.allowedToJoin.users[]", "azureADJoin.allowedToJoin.groups[]"),
}  # fmt: skip
ROLE_REFERENCES = {
    "unifiedRoleAssignment": "roleDefinitionId", "unifiedRoleEligibilitySchedule": "roleDefinitionId",
    "unifiedRoleAssignmentSchedule": "roleDefinitionId", "directoryRole": "roleTemplateId",
}  # fmt: skip
UNIQUE = {
    "user": ("userPrincipalName", "proxyAddresses", "onPremisesImmutableId", "onPremisesSecurityIdentifier",
             "employeeId"),
    "group": ("proxyAddresses", "mailNickname", "uniqueName"),
    "application": ("appId", "identifierUris", "uniqueName"), "servicePrincipal": ("appId", "servicePrincipalNames"),
    "device": ("deviceId",), "directoryRole": ("roleTemplateId",), "conditionalAccessPolicy": ("displayName",),
    "namedLocation": ("displayName",), "subscribedSku": ("skuId",), "featureRolloutPolicy": ("feature",),
}  # fmt: skip


def values(body: Any, path: str) -> Iterator[Any]:
    """The values at a path; `[]` goes through a list."""
    head, _, rest = path.partition(".")
    name = head.removesuffix("[]")
    held = body.get(name) if isinstance(body, dict) else None
    for each in (held or []) if head.endswith("[]") else [held]:
        if rest:
            yield from values(each, rest)
        elif each is not None:
            yield each


def faults(schemas: list[Schema], type_name: str, body: dict[str, Any], at: str) -> Iterator[str]:
    """What is wrong with a body: names that neither version knows, and values of the wrong kind."""
    known = {name: each for schema in schemas for name, each in schema.properties(type_name).items()}
    for name, value in body.items():
        if "@" in name or name.startswith("extension_") or (not at and name in STORED) or type_name in OPEN:
            continue
        each = known.get(name)
        if each is None:
            yield f"{type_name}: unknown {at}{name}"
            continue
        if value is None:
            continue
        if isinstance(value, list) != each.collection:
            yield f"{type_name}: {at}{name} is a list or is none"
            continue
        for one in value if isinstance(value, list) else [value]:
            if each.navigation:
                continue  # method targets: entities that stand inside their configuration and are not served alone
            if each.kind == "object":
                said = str(one.get("@odata.type", each.type)).removeprefix("#microsoft.graph.")
                if not any(schema.is_a(said, each.type) for schema in schemas):
                    yield f"{type_name}: {at}{name} says the type {said}"
                yield from faults(schemas, said, one, f"{at}{name}.")
            elif each.kind == "enum":
                members = {member for schema in schemas for member in schema.enums.get(each.type, ())}
                if not set(one.split(",")) <= members:
                    yield f"{type_name}: {at}{name} has no member {one}"
            elif each.kind in CHECKS and CHECKS[each.kind](one) is INVALID:
                yield f"{type_name}: {at}{name} cannot be {one!r}"


def test_every_body_is_valid_by_microsofts_schema(small: Store, schemas: Mapping[str, Schema]) -> None:
    both = list(schemas.values())
    wrong: set[str] = set()
    for record, deleted in everything(small):
        body = record.read()
        if deleted:
            del body["deletedDateTime"]
        type_name = model.type_of(record.table, body)
        assert any(type_name in schema.types for schema in both), f"{type_name} is in neither schema"
        wrong.update(faults(both, type_name, body, ""))
    assert not wrong, "\n".join(sorted(wrong))


def test_links_lead_from_and_to_living_objects(small: Store) -> None:
    for name, links in small.links.items():
        for source, target in links.pairs():
            assert source in small.records, (name, source)
            assert target in small.records, (name, target)


def test_links_are_the_ones_the_model_knows(small: Store) -> None:
    known = {(each.source, model.link_name(each)) for each in model.NAVIGATION if each.how in ("link", "child")}
    for name, links in small.links.items():
        for source, _ in links.pairs():
            assert (small.records[source].table, name) in known


@pytest.mark.parametrize("table", REFERENCES)
def test_references_in_bodies_lead_to_living_objects(small: Store, table: str) -> None:
    for record in small.all(table):
        body = record.read()
        for path in REFERENCES[table]:
            for value in values(body, path):
                assert value in WORDS or value in small.records, (record.table, path, value)


@pytest.mark.parametrize("table", ROLE_REFERENCES)
def test_roles_are_defined(small: Store, table: str) -> None:
    for record in small.all(table):
        role = record.read()[ROLE_REFERENCES[table]]
        assert small.key("unifiedRoleDefinition", role) in small.records


def test_conditional_access_names_applications_and_strengths_that_are_there(small: Store) -> None:
    applications = {each.read()["appId"] for each in small.all("servicePrincipal")}
    contexts = {each.read()["id"] for each in small.all("authenticationContextClassReference")}
    for record in small.all("conditionalAccessPolicy"):
        body = record.read()
        said = values(body, "conditions.applications.includeApplications[]")
        assert {each for each in said if each not in WORDS} <= applications
        said = values(body, "conditions.applications.includeAuthenticationContextClassReferences[]")
        assert set(said) <= contexts
        for strength in values(body, "grantControls.authenticationStrength.id"):
            assert small.key("authenticationStrengthPolicy", strength) in small.records


@pytest.mark.parametrize("table", UNIQUE)
def test_unique_values_are_unique_also_against_the_bin(small: Store, table: str) -> None:
    for name in UNIQUE[table]:
        held: Counter[str] = Counter()
        for record, _ in everything(small):
            if record.table == table:
                value = record.read().get(name)
                held.update(each.casefold() for each in (value if isinstance(value, list) else [value]) if each)
        repeated = [value for value, count in held.items() if count > 1]
        assert not repeated, (table, name, repeated[:3])


def test_dynamic_members_are_those_whom_the_rule_selects(small: Store) -> None:
    members = small.link_set("members")
    seen = 0
    for record in [*small.all("group"), *small.all("administrativeUnit")]:
        body = record.read()
        if body.get("membershipRule"):
            rule = parse(body["membershipRule"])
            wanted = {each.key for each in small.all(rule.table) if rule.selects(each.read(), small.clock.now())}
            assert set(members.targets(record.key)) == wanted, body["membershipRule"]
            seen += bool(wanted)
    assert seen >= 3


def test_licences_taken_are_counted_and_group_licences_come_from_members_groups(small: Store) -> None:
    taken: Counter[str] = Counter()
    members = small.link_set("members")
    for record in small.all("user"):
        body = record.read()
        taken.update(each["skuId"] for each in body.get("assignedLicenses") or ())
        for state in body.get("licenseAssignmentStates") or ():
            if state["assignedByGroup"]:
                assert members.has(state["assignedByGroup"], record.key)
    for record in small.all("subscribedSku"):
        body = record.read()
        assert body["consumedUnits"] == taken[body["skuId"]]
        assert body["prepaidUnits"]["enabled"] > body["consumedUnits"]


def test_there_is_a_permanent_global_administrator_and_a_break_glass_account(small: Store) -> None:
    permanent = {
        body["principalId"]
        for body in (each.read() for each in small.all("unifiedRoleAssignmentSchedule"))
        if body["roleDefinitionId"] == GLOBAL_ADMINISTRATOR
        and body["scheduleInfo"]["expiration"]["type"] == "noExpiration"
    }
    emergency = [each for each in small.all("user") if each.read()["displayName"].startswith("Break glass")]
    assert emergency
    assert {each.key for each in emergency} <= permanent
    assert any(small.records[each].table == "servicePrincipal" for each in permanent)
    group = next(each for each in small.all("group") if each.read()["displayName"] == "CA-Exclude-BreakGlass")
    assert {each.key for each in emergency} <= set(small.link_set("members").targets(group.key))
    for policy in small.all("conditionalAccessPolicy"):
        conditions = policy.read()["conditions"]
        assert conditions["clientApplications"] or group.key in conditions["users"]["excludeGroups"]


def test_managers_are_a_tree(small: Store) -> None:
    manager = small.link_set("manager")
    for user in small.all("user"):
        seen = {user.key}
        key = next(iter(manager.targets(user.key)), None)
        while key:
            assert key not in seen
            seen.add(key)
            key = next(iter(manager.targets(key)), None)


def test_deleted_objects_were_deleted_within_thirty_days_before_now(small: Store) -> None:
    now = small.clock.now()
    assert {entry.record.table for entry in small.bin.values()} >= {*model.BIN, *(table for table,
                                                                                  _ in model.BINS.values())}
    for entry in small.bin.values():
        assert now - 30 * 86400 < entry.at < now
        assert orjson.loads(entry.record.body)["deletedDateTime"]
    assert len({entry.at for entry in small.bin.values()}) > 8
