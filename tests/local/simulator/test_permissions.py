"""Permissions as Microsoft's reference has them: each published line opens its path, and nothing less does."""

import itertools

import httpx
import pytest

from local.simulator import Simulator
from local.simulator.access import permissions, reference
from local.simulator.access.tokens import Caller
from local.simulator.errors import GraphError
from tests.local.simulator.test_access import caller as application

LINES = [line.split("\t") for line in reference.TABLE.read_text("utf-8").splitlines()[1:]]


def caller(kind: str, held: frozenset[str]) -> Caller:
    roles, scopes = (held, frozenset[str]()) if kind == "app" else (frozenset[str](), held)
    return Caller(kind, "id", "app", "name", roles, scopes, 0, 0)


def let_in(kind: str, held: frozenset[str], method: str, path: str) -> bool:
    try:
        permissions.check(caller(kind, held), method, path)
    except GraphError as refused:
        if (refused.status, refused.code) != (403, "Authorization_RequestDenied"):
            raise
        return False
    return True


@pytest.mark.parametrize("kind", ["app", "user"])
def test_every_published_permission_opens_its_path_and_no_other_one_does(kind: str) -> None:
    every = {name for line in LINES for name in line[2 if kind == "app" else 3].replace("+", " ").split()}
    held_to_the_table = 0
    for method, path, app, user in LINES:
        rule = permissions.rule_of(path)
        if rule is not None and method in rule.own.split():
            continue
        published = [frozenset(each.split("+")) for each in (app if kind == "app" else user).split()]
        for each in published:
            assert let_in(kind, each, method, path), (method, path, each)
        opened = permissions.opened_by(method, path, kind, reading=method == "GET") or ()
        unnamed = every - frozenset(itertools.chain.from_iterable(opened))
        assert not let_in(kind, frozenset(unnamed), method, path), (method, path)
        assert not let_in(kind, frozenset(), method, path), (method, path)
        held_to_the_table += 1
    assert held_to_the_table >= 500


@pytest.mark.parametrize(
    ("roles", "method", "path", "opened"),
    [
        # each row read off the page of the method: Permissions
        ("User.ReadBasic.All", "GET", "users", True),
        ("Group.Read.All", "GET", "users", False),
        ("User.Read.All", "GET", "users/{id}/manager", True),
        ("User.ReadWrite.All", "POST", "users", True),
        ("User.ReadWrite.All", "DELETE", "users/{id}", True),
        ("Directory.ReadWrite.All", "DELETE", "users/{id}", False),
        ("User.Read.All", "PATCH", "users/{id}", False),
        ("LicenseAssignment.ReadWrite.All", "POST", "users/{id}/assignLicense", True),
        ("GroupMember.ReadWrite.All", "POST", "groups/{id}/members/$ref", True),
        ("GroupMember.ReadWrite.All", "PATCH", "groups/{id}", False),
        ("Group.Create", "POST", "groups", True),
        ("Group.Create", "PATCH", "groups/{id}", False),
        ("Directory.Read.All", "GET", "groups/{id}/appRoleAssignments", True),
        ("Application.Read.All", "GET", "applications", True),
        ("Application.ReadWrite.OwnedBy", "POST", "applications", True),
        ("Directory.ReadWrite.All", "DELETE", "applications/{id}", False),
        ("Application.ReadWrite.All", "POST", "applications/{id}/owners/$ref", False),
        ("Application.ReadWrite.All Directory.Read.All", "POST", "applications/{id}/owners/$ref", True),
        ("Application.ReadWrite.All", "POST", "servicePrincipals/{id}/sponsors/$ref", False),
        ("Application.ReadWrite.All User.Read.All", "POST", "servicePrincipals/{id}/sponsors/$ref", True),
        ("AgentIdentity.UpdateSponsors.All", "POST", "servicePrincipals/{id}/sponsors/$ref", True),
        ("AppRoleAssignment.ReadWrite.All", "POST", "servicePrincipals/{id}/appRoleAssignedTo", False),
        ("AppRoleAssignment.ReadWrite.All Application.Read.All", "POST", "servicePrincipals/{id}/appRoleAssignedTo",
         True),
        ("DelegatedPermissionGrant.ReadWrite.All", "POST", "oauth2PermissionGrants", True),
        ("Application.ReadWrite.All", "POST", "oauth2PermissionGrants", False),
        ("Directory.ReadWrite.All", "POST", "devices", False),
        ("Device.ReadWrite.All", "DELETE", "devices/{id}", True),
        ("AdministrativeUnit.ReadWrite.All", "POST", "directory/administrativeUnits", True),
        ("RoleManagement.ReadWrite.Directory", "POST", "roleManagement/directory/roleAssignments", True),
        ("RoleManagement.Read.Directory", "POST", "roleManagement/directory/roleAssignments", False),
        ("Policy.ReadWrite.ConditionalAccess", "POST", "identity/conditionalAccess/policies", False),
        ("Policy.ReadWrite.ConditionalAccess Policy.Read.All", "POST", "identity/conditionalAccess/policies", True),
        ("Policy.ReadWrite.Authorization", "PATCH", "policies/authorizationPolicy", True),
        ("PeopleSettings.ReadWrite.All", "PATCH", "admin/people/itemInsights", True),
        ("Organization.Read.All", "PATCH", "organization/{id}", False),
        ("Domain.Read.All", "GET", "domains", True),
        ("Group.Read.All", "GET", "groups/{id}/acceptedSenders", False),
        ("Agreement.ReadWrite.All", "POST", "identityGovernance/termsOfUse/agreements", False),
    ],
)  # fmt: skip
def test_thirty_rows_of_the_reference(roles: str, method: str, path: str, opened: bool) -> None:
    assert let_in("app", frozenset(roles.split()), method, path) is opened


async def test_a_permission_for_one_property_opens_that_property_alone(
    simulator: Simulator, graph: httpx.AsyncClient
) -> None:
    store = simulator.store
    user = next(each.key for each in store.all("user") if not store.find("unifiedRoleAssignment", "principalId", each.key)
                and not {"@odata.type", "onPremisesSyncEnabled"} & set(each.read()))  # fmt: skip
    at, headers = f"/v1.0/users/{user}", await application(simulator, "User-Phone.ReadWrite.All")
    before = store.records[user].body
    for body in ({"jobTitle": "x"}, {"mobilePhone": "1", "jobTitle": "x"}, {"accountEnabled": False}):
        assert (await graph.patch(at, json=body, headers=headers)).status_code == 403
    assert store.records[user].body == before
    assert (await graph.patch(at, json={"mobilePhone": "+1 4255550100"}, headers=headers)).status_code == 204


async def test_without_a_consent_every_collection_is_403_and_without_a_token_401(
    simulator: Simulator, graph: httpx.AsyncClient
) -> None:
    simulator.tenant.throttle.set(1e6, {})
    none = await application(simulator)
    paths = sorted({path for method, path, *_ in LINES if method == "GET" and "{id}" not in path})
    assert len(paths) >= 60
    for path in paths:
        for headers, status in ((none, 403), ({"authorization": ""}, 401)):
            answer = await graph.get(f"/v1.0/{path}", headers=headers)
            assert answer.status_code in (status, 400 if status == 403 else status), (path, answer.text)
            if answer.status_code == 400:  # a path of the beta version only
                assert (await graph.get(f"/beta/{path}", headers=headers)).status_code == status, path
