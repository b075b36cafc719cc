"""Microsoft's own client, unmodified: create, update, link, delete and un-delete of each kind of object."""

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from msgraph import GraphServiceClient
from msgraph.generated.models.administrative_unit import AdministrativeUnit
from msgraph.generated.models.app_role import AppRole
from msgraph.generated.models.app_role_assignment import AppRoleAssignment
from msgraph.generated.models.application import Application
from msgraph.generated.models.assigned_license import AssignedLicense
from msgraph.generated.models.authentication_method_modes import AuthenticationMethodModes
from msgraph.generated.models.authentication_strength_policy import AuthenticationStrengthPolicy
from msgraph.generated.models.conditional_access_applications import ConditionalAccessApplications
from msgraph.generated.models.conditional_access_client_app import ConditionalAccessClientApp
from msgraph.generated.models.conditional_access_condition_set import ConditionalAccessConditionSet
from msgraph.generated.models.conditional_access_grant_control import ConditionalAccessGrantControl
from msgraph.generated.models.conditional_access_grant_controls import ConditionalAccessGrantControls
from msgraph.generated.models.conditional_access_policy import ConditionalAccessPolicy
from msgraph.generated.models.conditional_access_policy_state import ConditionalAccessPolicyState
from msgraph.generated.models.conditional_access_users import ConditionalAccessUsers
from msgraph.generated.models.country_named_location import CountryNamedLocation
from msgraph.generated.models.expiration_pattern import ExpirationPattern
from msgraph.generated.models.expiration_pattern_type import ExpirationPatternType
from msgraph.generated.models.group import Group as GraphGroup
from msgraph.generated.models.i_pv4_cidr_range import IPv4CidrRange
from msgraph.generated.models.invitation import Invitation
from msgraph.generated.models.ip_named_location import IpNamedLocation
from msgraph.generated.models.o_auth2_permission_grant import OAuth2PermissionGrant
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.password_profile import PasswordProfile
from msgraph.generated.models.reference_create import ReferenceCreate
from msgraph.generated.models.reference_update import ReferenceUpdate
from msgraph.generated.models.request_schedule import RequestSchedule
from msgraph.generated.models.service_principal import ServicePrincipal
from msgraph.generated.models.unified_role_assignment import UnifiedRoleAssignment
from msgraph.generated.models.unified_role_eligibility_schedule_request import UnifiedRoleEligibilityScheduleRequest
from msgraph.generated.models.unified_role_schedule_request_actions import UnifiedRoleScheduleRequestActions
from msgraph.generated.models.user import User
from msgraph.generated.users.item.assign_license.assign_license_post_request_body import AssignLicensePostRequestBody

from tests.local.simulator.writes.conftest import PASSWORD, SKU, USER_ADMINISTRATOR, Graph

# kiota's generated request builders warn of their own names whenever one is first imported
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def user(tenant: Graph, name: str, **more: Any) -> User:
    return User(
        account_enabled=True,
        display_name=name,
        mail_nickname=name,
        user_principal_name=f"{name}@{tenant.domain}",
        password_profile=PasswordProfile(password=PASSWORD),
        **more,
    )


def reference(key: object) -> ReferenceCreate:
    return ReferenceCreate(odata_id=f"https://graph.microsoft.com/v1.0/directoryObjects/{key}")


async def refused(call: Callable[[], Awaitable[Any]]) -> tuple[int | None, str | None]:
    with pytest.raises(ODataError) as raised:
        await call()
    assert raised.value.error is not None
    return raised.value.response_status_code, raised.value.error.code


async def test_users(tenant: Graph, sdk: GraphServiceClient) -> None:
    made = await sdk.users.post(user(tenant, "ada", usage_location="DE"))
    boss = await sdk.users.post(user(tenant, "boss"))
    assert made is not None
    assert boss is not None
    item = sdk.users.by_user_id(str(made.id))
    await item.patch(User(job_title="Lead", employee_hire_date=dt.datetime(2024, 1, 2, tzinfo=dt.UTC)))
    await item.manager.ref.put(ReferenceUpdate(odata_id=f"https://graph.microsoft.com/v1.0/users/{boss.id}"))
    body = AssignLicensePostRequestBody(
        add_licenses=[AssignedLicense(sku_id=UUID(SKU), disabled_plans=[])], remove_licenses=[]
    )
    await item.assign_license.post(body)
    manager = await item.manager.get()
    assert manager is not None
    assert manager.id == boss.id
    await item.delete()
    assert await refused(item.get) == (404, "Request_ResourceNotFound")
    restored = await sdk.directory.deleted_items.by_directory_object_id(str(made.id)).restore.post()
    assert isinstance(restored, User)
    assert restored.id == made.id


async def test_groups(tenant: Graph, sdk: GraphServiceClient) -> None:
    made = await sdk.groups.post(
        GraphGroup(display_name="g", mail_enabled=False, mail_nickname="g", security_enabled=True)
    )
    member = await sdk.users.post(user(tenant, "ada"))
    assert made is not None
    assert member is not None
    item = sdk.groups.by_group_id(str(made.id))
    await item.members.ref.post(reference(member.id))
    assert await refused(lambda: item.members.ref.post(reference(member.id))) == (400, "Request_BadRequest")
    await item.patch(GraphGroup(description="x"))
    await item.members.by_directory_object_id(str(member.id)).ref.delete()
    await item.owners.ref.post(reference(member.id))
    await item.delete()
    restored = await sdk.directory.deleted_items.by_directory_object_id(str(made.id)).restore.post()
    assert isinstance(restored, GraphGroup)


async def test_applications_service_principals_and_consents(tenant: Graph, sdk: GraphServiceClient) -> None:
    role = AppRole(
        id=UUID(int=1),
        allowed_member_types=["Application"],
        display_name="r",
        description="r",
        is_enabled=True,
        value="r",
    )
    application = await sdk.applications.post(Application(display_name="api", app_roles=[role]))
    assert application is not None
    principal = await sdk.service_principals.post(ServicePrincipal(app_id=application.app_id))
    other = await sdk.applications.post(Application(display_name="client"))
    assert other is not None
    client = await sdk.service_principals.post(ServicePrincipal(app_id=other.app_id))
    assert principal is not None
    assert client is not None
    item = sdk.service_principals.by_service_principal_id(str(principal.id))
    await item.patch(ServicePrincipal(notes="x", app_role_assignment_required=True))
    assignment = AppRoleAssignment(
        principal_id=UUID(str(client.id)), resource_id=UUID(str(principal.id)), app_role_id=UUID(int=1)
    )
    assert (await item.app_role_assigned_to.post(assignment)) is not None
    grant = OAuth2PermissionGrant(
        client_id=client.id, resource_id=principal.id, consent_type="AllPrincipals", scope="a"
    )
    made = await sdk.oauth2_permission_grants.post(grant)
    assert made is not None
    assert (await refused(lambda: sdk.oauth2_permission_grants.post(grant)))[0] == 409
    secret = await sdk.applications.by_application_id(str(application.id)).add_password.post(_password_body())
    assert secret is not None
    assert secret.secret_text
    await sdk.applications.by_application_id(str(application.id)).delete()
    for key in (application.id, principal.id):
        assert await sdk.directory.deleted_items.by_directory_object_id(str(key)).restore.post() is not None


def _password_body() -> Any:
    from msgraph.generated.applications.item.add_password.add_password_post_request_body import (
        AddPasswordPostRequestBody,
    )

    return AddPasswordPostRequestBody()


async def test_administrative_units(tenant: Graph, sdk: GraphServiceClient) -> None:
    made = await sdk.directory.administrative_units.post(AdministrativeUnit(display_name="north"))
    member = await sdk.users.post(user(tenant, "ada"))
    assert made is not None
    assert member is not None
    item = sdk.directory.administrative_units.by_administrative_unit_id(str(made.id))
    await item.members.ref.post(reference(member.id))
    await item.patch(AdministrativeUnit(description="x"))
    await item.delete()
    assert await sdk.directory.deleted_items.by_directory_object_id(str(made.id)).restore.post() is not None


async def test_conditional_access(tenant: Graph, sdk: GraphServiceClient) -> None:
    root, clock = sdk.identity.conditional_access, tenant.simulator.tenant.clock
    office = IpNamedLocation(
        odata_type="#microsoft.graph.ipNamedLocation",
        display_name="o",
        is_trusted=False,
        ip_ranges=[IPv4CidrRange(odata_type="#microsoft.graph.iPv4CidrRange", cidr_address="192.0.2.0/24")],
    )
    location = await root.named_locations.post(office)
    assert isinstance(location, IpNamedLocation)
    clock.move(2)
    country = CountryNamedLocation(
        odata_type="#microsoft.graph.countryNamedLocation", display_name="c", countries_and_regions=["DE"]
    )
    assert isinstance(await root.named_locations.post(country), CountryNamedLocation)
    clock.move(2)
    policy = ConditionalAccessPolicy(
        display_name="p",
        state=ConditionalAccessPolicyState.Disabled,
        conditions=ConditionalAccessConditionSet(
            users=ConditionalAccessUsers(include_users=["All"]),
            client_app_types=[ConditionalAccessClientApp.All],
            applications=ConditionalAccessApplications(include_applications=["All"]),
        ),
        grant_controls=ConditionalAccessGrantControls(
            operator="OR", built_in_controls=[ConditionalAccessGrantControl.Mfa]
        ),
    )
    made = await root.policies.post(policy)
    assert made is not None
    item = root.policies.by_conditional_access_policy_id(str(made.id))
    clock.move(2)
    await item.patch(ConditionalAccessPolicy(state=ConditionalAccessPolicyState.EnabledForReportingButNotEnforced))
    clock.move(2)
    await item.delete()
    clock.move(2)
    bin_ = root.deleted_items.policies.by_conditional_access_policy_id(str(made.id))
    restored = await bin_.restore.post()
    assert restored is not None
    assert restored.id == made.id


async def test_strengths_roles_and_eligibility(tenant: Graph, sdk: GraphServiceClient) -> None:
    strength = AuthenticationStrengthPolicy(display_name="s", allowed_combinations=[AuthenticationMethodModes.Fido2])
    made = await sdk.policies.authentication_strength_policies.post(strength)
    assert made is not None
    item = sdk.policies.authentication_strength_policies.by_authentication_strength_policy_id(str(made.id))
    await item.patch(AuthenticationStrengthPolicy(description="x"))
    await item.delete()
    person = await sdk.users.post(user(tenant, "ada"))
    assert person is not None
    roles = sdk.role_management.directory
    assignment = UnifiedRoleAssignment(
        principal_id=person.id, role_definition_id=USER_ADMINISTRATOR, directory_scope_id="/"
    )
    held = await roles.role_assignments.post(assignment)
    assert held is not None
    await roles.role_assignments.by_unified_role_assignment_id(str(held.id)).delete()
    request = UnifiedRoleEligibilityScheduleRequest(
        action=UnifiedRoleScheduleRequestActions.AdminAssign,
        principal_id=person.id,
        directory_scope_id="/",
        role_definition_id=USER_ADMINISTRATOR,
        justification="j",
        schedule_info=RequestSchedule(
            start_date_time=dt.datetime.now(dt.UTC),
            expiration=ExpirationPattern(type=ExpirationPatternType.NoExpiration),
        ),
    )
    answered = await roles.role_eligibility_schedule_requests.post(request)
    assert answered is not None
    assert answered.status == "Provisioned"


async def test_invitations(sdk: GraphServiceClient, tenant: Graph) -> None:
    invitation = Invitation(invited_user_email_address="eve@partner.example", invite_redirect_url="https://a.example")
    made = await sdk.invitations.post(invitation)
    assert made is not None
    assert made.invited_user is not None
    guest = await sdk.users.by_user_id(str(made.invited_user.id)).get()
    assert guest is not None
    assert guest.mail == "eve@partner.example"
