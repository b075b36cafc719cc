"""How Microsoft's client makes and changes an object of each type that the simulator lets anybody write.

A case says where the type lives, what is said first and what then, in the SDK's own models. What is deleted, and how,
follows from the simulator's own rules; a type with a bin names it.
"""

import base64
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from local.simulator.generator.certificates import CERTIFICATES
from tests.local.simulator.sdk.world import USER_ADMINISTRATOR, World

type Said = Callable[[World], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Case:
    """One type: `made` is posted to `path` (or sent by `by`), `then` patches what came of it."""

    path: str
    made: Said | None = None
    then: Said | None = None
    by: str = "post"
    bin: str = ""  # below the version; empty for a type that is deleted at once
    bin_version: str = "v1.0"
    version: str = "v1.0"
    as_user: bool = False
    model: str = ""  # the subtype that is made
    one: str = ""  # the name in `ids` of an object that is there already
    delete: bool = True
    key: str = "id"


def named(**more: Any) -> Said:
    return lambda _world: {"display_name": "Made", **more}


def says(**said: Any) -> Said:
    return lambda _world: said


def user(w: World) -> dict[str, Any]:
    name = f"made-{uuid4().hex[:8]}"
    return {
        "account_enabled": True, "display_name": "Ada 🌟 O'Neil", "mail_nickname": name,
        "user_principal_name": f"{name}@{w.ids['domain']}",
        "password_profile": w.m("passwordProfile")(password="Correct-horse-7", force_change_password_next_sign_in=True),
    }  # fmt: skip


def access_policy(w: World) -> dict[str, Any]:
    return {
        "display_name": "Made", "state": w.enum("conditionalAccessPolicyState", "disabled"),
        "conditions": w.m("conditionalAccessConditionSet")(
            client_app_types=[w.enum("conditionalAccessClientApp", "all")],
            applications=w.m("conditionalAccessApplications")(include_applications=["All"]),
            users=w.m("conditionalAccessUsers")(include_groups=[w.ids["group"]], exclude_users=[w.ids["person"]]),
            locations=w.m("conditionalAccessLocations")(include_locations=["All"], exclude_locations=["AllTrusted"]),
        ),
        "grant_controls": w.m("conditionalAccessGrantControls")(
            operator="OR", built_in_controls=[w.enum("conditionalAccessGrantControl", "mfa")]
        ),
    }  # fmt: skip


def schedule(w: World) -> Any:
    # the SDK writes a timedelta as Python prints it, which Graph refuses: a text goes through as it is
    return w.m("requestSchedule")(
        start_date_time=dt.datetime.now(dt.UTC),
        expiration=w.m("expirationPattern")(type=w.enum("expirationPatternType", "afterDuration"), duration="P30D"),
    )


def role_request(w: World) -> dict[str, Any]:
    return {
        "action": w.enum("unifiedRoleScheduleRequestActions", "adminAssign"), "principal_id": w.ids["person"],
        "directory_scope_id": "/", "role_definition_id": USER_ADMINISTRATOR, "justification": "shown",
        "schedule_info": schedule(w),
    }  # fmt: skip


def group_request(w: World) -> dict[str, Any]:
    return {
        "action": w.enum("scheduleRequestActions", "adminAssign"), "principal_id": w.ids["person"],
        "group_id": w.ids["group"], "access_id": w.enum("privilegedAccessGroupRelationships", "member"),
        "justification": "shown", "schedule_info": schedule(w),
    }  # fmt: skip


def setting(w: World) -> dict[str, Any]:
    template = next(each.read() for each in w.store.all("groupSettingTemplate")
                    if each.read()["displayName"] == "Custom Policy Settings")  # fmt: skip
    values = [w.m("settingValue")(name=each["name"], value=each["defaultValue"]) for each in template["values"]]
    return {"template_id": template["id"], "values": values}


def guest_setting(w: World) -> dict[str, Any]:
    return {"template_id": w.pick("groupSettingTemplate", lambda body: body["displayName"] == "Group.Unified.Guest"),
            "values": [w.m("settingValue")(name="AllowToAddGuests", value="False")]}  # fmt: skip


def changed_values(said: Said, name: str, value: str) -> Said:
    def then(w: World) -> dict[str, Any]:
        values = said(w)["values"]
        for each in values:
            if each.name == name:
                each.value = value
        return {"values": values}

    return then


def agreement(w: World) -> dict[str, Any]:
    pdf = w.m("agreementFileData")(data=b"%PDF-1.4 terms")
    file = w.m("agreementFileLocalization")(file_name="t.pdf", language="en", is_default=True, file_data=pdf)
    return {"display_name": "Made", "is_viewing_before_acceptance_required": True,
            "file": w.m("agreementFile")(localizations=[file])}  # fmt: skip


def federation(w: World) -> dict[str, Any]:
    return {
        "display_name": "Made", "issuer_uri": "http://made.example/adfs/services/trust/",
        "passive_sign_in_uri": "https://sts.made.example/ls/", "signing_certificate": CERTIFICATES[1].der,
        "metadata_exchange_uri": "https://sts.made.example/mex",
        "preferred_authentication_protocol": w.enum("authenticationProtocol", "wsFed"),
    }  # fmt: skip


def definition(w: World) -> dict[str, Any]:
    return {"attribute_set": w.ids["attributeSet"], "name": "Made", "type": "String", "status": "Available",
            "is_collection": False, "is_searchable": True, "use_pre_defined_values_only": True}  # fmt: skip


def device(w: World) -> dict[str, Any]:
    return {
        "account_enabled": True, "display_name": "Made", "operating_system": "linux", "operating_system_version": "1",
        "device_id": str(uuid4()),
        "alternative_security_ids": [w.m("alternativeSecurityId")(type=2, key=b"Y3YxN2E1MWFlYw==")],
    }  # fmt: skip


NEXT = says(display_name="Next")
BIN = "directory/deletedItems"
HOME = '{"HomeRealmDiscoveryPolicy":{"AccelerateToFederatedDomain":true}}'
LIFETIME = '{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"8:00:00"}}'
ISSUANCE = '{"TokenIssuancePolicy":{"Version":1,"SigningAlgorithm":"SHA256"}}'
TIMEOUT = (
    '{"ActivityBasedTimeoutPolicy":{"Version":1,"ApplicationPolicies":'
    '[{"ApplicationId":"default","WebSessionIdleTimeout":"01:00:00"}]}}'
)


def defined(path: str, text: str) -> Case:
    return Case(path, named(definition=[text]), NEXT)


def fido(w: World) -> Any:
    return w.enum("authenticationMethodModes", "fido2")


CASES: dict[str, Case] = {
    "user": Case("users", user, says(job_title="Lead", city="Łódź"), bin=BIN),
    "group": Case(
        "groups", named(mail_enabled=False, mail_nickname="made", security_enabled=True), says(description="d"), bin=BIN
    ),
    "application": Case("applications", named(sign_in_audience="AzureADMyOrg"), says(notes="n"), bin=BIN),
    "servicePrincipal": Case(
        "servicePrincipals", lambda w: {"app_id": w.ids["newAppId"]}, says(notes="n", tags=["a"]), bin=BIN
    ),
    "administrativeUnit": Case("directory/administrativeUnits", named(), says(description="d"), bin=BIN),
    "device": Case("devices", device, says(account_enabled=False), as_user=True),
    "scopedRoleMembership": Case(
        "directory/administrativeUnits/{unit}/scopedRoleMembers",
        lambda w: {"role_id": w.ids["activeRole"], "role_member_info": w.m("identity")(id=w.ids["person"])},
    ),
    "conditionalAccessPolicy": Case(
        "identity/conditionalAccess/policies", access_policy,
        lambda w: {"state": w.enum("conditionalAccessPolicyState", "enabledForReportingButNotEnforced")},
        bin="identity/conditionalAccess/deletedItems/policies",
    ),
    "namedLocation": Case(
        "identity/conditionalAccess/namedLocations",
        lambda w: {"odata_type": "#microsoft.graph.ipNamedLocation", "display_name": "Made", "is_trusted": False,
                   "ip_ranges": [w.m("iPv4CidrRange")(odata_type="#microsoft.graph.iPv4CidrRange",
                                                      cidr_address="192.0.2.0/24")]},
        says(odata_type="#microsoft.graph.ipNamedLocation", display_name="Next"),
        bin="identity/conditionalAccess/deletedItems/namedLocations", model="ipNamedLocation",
    ),
    "authenticationContextClassReference": Case(
        "identity/conditionalAccess/authenticationContextClassReferences",
        named(id="c77", description="d", is_available=False), NEXT,
    ),
    "authenticationStrengthPolicy": Case(
        "policies/authenticationStrengthPolicies",
        lambda w: {"display_name": "Made", "allowed_combinations": [fido(w)]}, says(description="d"),
    ),
    "authenticationCombinationConfiguration": Case(
        "policies/authenticationStrengthPolicies/{strength}/combinationConfigurations",
        lambda w: {"odata_type": "#microsoft.graph.fido2CombinationConfiguration",
                   "applies_to_combinations": [fido(w)],
                   "allowed_a_a_g_u_i_ds": ["486be450-2f5a-4f2f-8b4f-0a8d0b2a8d1e"]},
        says(odata_type="#microsoft.graph.fido2CombinationConfiguration",
             allowed_a_a_g_u_i_ds=["de1e552d-db1d-4423-a619-566b625cdc84"]),
        model="fido2CombinationConfiguration",
    ),
    "directoryRole": Case("directoryRoles", lambda w: {"role_template_id": w.ids["sleepingRole"]}, delete=False),
    "unifiedRoleDefinition": Case(
        "roleManagement/directory/roleDefinitions",
        lambda w: {"display_name": "Made", "is_enabled": True, "role_permissions": [w.m("unifiedRolePermission")(
            allowed_resource_actions=["microsoft.directory/applications/basic/update"])]},
        says(description="d"), bin="roleManagement/directory/deletedItems/roleDefinitions", bin_version="beta",
    ),
    "unifiedRoleAssignment": Case(
        "roleManagement/directory/roleAssignments",
        lambda w: {"principal_id": w.ids["person"], "role_definition_id": USER_ADMINISTRATOR,
                   "directory_scope_id": f"/administrativeUnits/{w.ids['unit']}"},
    ),
    "unifiedRoleEligibilityScheduleRequest": Case(
        "roleManagement/directory/roleEligibilityScheduleRequests", role_request, delete=False
    ),
    "unifiedRoleAssignmentScheduleRequest": Case(
        "roleManagement/directory/roleAssignmentScheduleRequests", role_request, delete=False
    ),
    "privilegedAccessGroupEligibilityScheduleRequest": Case(
        "identityGovernance/privilegedAccess/group/eligibilityScheduleRequests", group_request, delete=False
    ),
    "privilegedAccessGroupAssignmentScheduleRequest": Case(
        "identityGovernance/privilegedAccess/group/assignmentScheduleRequests", group_request, delete=False
    ),
    "unifiedRoleManagementPolicyRule": Case(
        "policies/roleManagementPolicies/{rolePolicy}/rules", one="expirationRule",
        then=says(odata_type="#microsoft.graph.unifiedRoleManagementPolicyExpirationRule",
                  maximum_duration="PT9H"),
        model="unifiedRoleManagementPolicyExpirationRule", delete=False,
    ),
    "oAuth2PermissionGrant": Case(
        "oauth2PermissionGrants",
        lambda w: {"client_id": w.ids["client"], "resource_id": w.ids["graph"], "consent_type": "AllPrincipals",
                   "scope": "User.Read"},
        says(scope="User.Read openid"),
    ),
    "appRoleAssignment": Case(
        "servicePrincipals/{graph}/appRoleAssignedTo",
        lambda w: {"principal_id": UUID(w.ids["client"]), "resource_id": UUID(w.ids["graph"]),
                   "app_role_id": UUID(w.ids["appRole"])},
    ),
    "delegatedPermissionClassification": Case(
        "servicePrincipals/{graph}/delegatedPermissionClassifications",
        lambda w: {"permission_id": w.ids["scope"], "classification": w.enum("permissionClassificationType", "low")},
    ),
    "federatedIdentityCredential": Case(
        "applications/{application}/federatedIdentityCredentials",
        says(name="made", issuer="https://i.example/", subject="s", audiences=["a"]), says(description="d"),
    ),
    "extensionProperty": Case(
        "applications/{application}/extensionProperties",
        says(name="made", data_type="String", target_objects=["User"]),
    ),
    "authorizationPolicy": Case("policies/authorizationPolicy", then=says(allow_email_verified_users_to_join_organization=False)),
    "authenticationMethodsPolicy": Case(
        "policies/authenticationMethodsPolicy",
        then=lambda w: {"registration_enforcement": w.m("registrationEnforcement")(
            authentication_methods_registration_campaign=w.m("authenticationMethodsRegistrationCampaign")(
                snooze_duration_in_days=3, state=w.enum("advancedConfigState", "enabled")))},
    ),
    "authenticationMethodConfiguration": Case(
        "policies/authenticationMethodsPolicy/authenticationMethodConfigurations", one="fido2Configuration",
        then=says(odata_type="#microsoft.graph.fido2AuthenticationMethodConfiguration",
                  is_self_service_registration_allowed=False),
        model="fido2AuthenticationMethodConfiguration", delete=False,
    ),
    "identitySecurityDefaultsEnforcementPolicy": Case(
        "policies/identitySecurityDefaultsEnforcementPolicy", then=says(is_enabled=False)
    ),
    "authenticationFlowsPolicy": Case(
        "policies/authenticationFlowsPolicy",
        then=lambda w: {"self_service_sign_up":
                        w.m("selfServiceSignUpAuthenticationFlowConfiguration")(is_enabled=True)},
    ),
    "externalIdentitiesPolicy": Case(
        "policies/externalIdentitiesPolicy", then=says(allow_external_identities_to_leave=False), version="beta"
    ),
    "crossTenantAccessPolicy": Case(
        "policies/crossTenantAccessPolicy", then=says(allowed_cloud_endpoints=["microsoftonline.us"])
    ),
    "crossTenantAccessPolicyConfigurationDefault": Case(
        "policies/crossTenantAccessPolicy/default",
        then=lambda w: {"inbound_trust": w.m("crossTenantAccessPolicyInboundTrust")(is_mfa_accepted=True)},
    ),
    "crossTenantAccessPolicyConfigurationPartner": Case(
        "policies/crossTenantAccessPolicy/partners", says(tenant_id="3d0f5dec-5d3d-455c-8016-e2af1ae4d31a"),
        lambda w: {"inbound_trust": w.m("crossTenantAccessPolicyInboundTrust")(is_mfa_accepted=True)},
        bin="policies/deletedItems/crossTenantPartners", bin_version="beta", key="tenant_id",
    ),
    "crossTenantIdentitySyncPolicyPartner": Case(
        "policies/crossTenantAccessPolicy/partners/{partner}/identitySynchronization",
        lambda w: {"display_name": "Made",
                   "user_sync_inbound": w.m("crossTenantUserSyncInbound")(is_sync_allowed=True)},
        by="put",
    ),
    "adminConsentRequestPolicy": Case(
        "policies/adminConsentRequestPolicy",
        then=lambda w: {
            "is_enabled": False, "request_duration_in_days": 7, "notify_reviewers": True, "reminders_enabled": True,
            "reviewers": [w.m("accessReviewReviewerScope")(query=f"/users/{w.ids['person']}",
                                                           query_type="MicrosoftGraph")]},
    ),
    "tenantAppManagementPolicy": Case("policies/defaultAppManagementPolicy", then=says(description="d")),
    "appManagementPolicy": Case("policies/appManagementPolicies", named(description="d", is_enabled=False), NEXT),
    "permissionGrantPolicy": Case(
        "policies/permissionGrantPolicies", named(id="made-policy", description="d"), NEXT
    ),
    "permissionGrantConditionSet": Case(
        "policies/permissionGrantPolicies/{grantPolicy}/includes",
        lambda w: {"permission_type": w.enum("permissionType", "delegated"), "client_applications_from_verified_"
                   "publisher_only": True},
    ),
    "featureRolloutPolicy": Case(
        "policies/featureRolloutPolicies",
        lambda w: {"display_name": "Made", "is_enabled": False,
                   "feature": w.enum("stagedFeatureName", "passwordHashSync")},
        NEXT, as_user=True,
    ),
    "claimsMappingPolicy": defined("policies/claimsMappingPolicies", '{"ClaimsMappingPolicy":{"Version":1}}'),
    "homeRealmDiscoveryPolicy": defined("policies/homeRealmDiscoveryPolicies", HOME),
    "tokenLifetimePolicy": defined("policies/tokenLifetimePolicies", LIFETIME),
    "tokenIssuancePolicy": defined("policies/tokenIssuancePolicies", ISSUANCE),
    "activityBasedTimeoutPolicy": defined("policies/activityBasedTimeoutPolicies", TIMEOUT),
    "groupSetting": Case("groupSettings", setting, changed_values(setting, "CustomConditionalAccessPolicyUrl", "https://a.example/")),
    "group/settings": Case(
        "groups/{office}/settings", guest_setting, changed_values(guest_setting, "AllowToAddGuests", "True")
    ),
    "groupLifecyclePolicy": Case(
        "groupLifecyclePolicies",
        says(group_lifetime_in_days=180, managed_group_types="None", alternate_notification_emails="a@b.example"),
        says(group_lifetime_in_days=200),
    ),
    "organization": Case(
        "organization", one="organization", then=says(technical_notification_mails=["a@b.example"]), delete=False
    ),
    "organizationalBranding": Case(
        "organization/{organization}/branding", then=says(sign_in_page_text="Willkommen – مرحبا", background_color="#FF00AA")
    ),
    "organizationalBrandingLocalization": Case(
        "organization/{organization}/branding/localizations", says(id="fr-FR", sign_in_page_text="Bienvenue"),
        says(username_hint_text="vous@exemple.example"),
    ),
    "connectorGroup": Case(
        "onPremisesPublishingProfiles/applicationProxy/connectorGroups", says(name="Made"), says(name="Next"),
        version="beta", as_user=True,
    ),
    "emailAuthenticationMethod": Case(
        "users/{person}/authentication/emailMethods", says(email_address="a@b.example"),
        says(email_address="c@d.example"),
    ),
    "phoneAuthenticationMethod": Case(
        "users/{person}/authentication/phoneMethods",
        lambda w: {"phone_number": "+1 4255550100", "phone_type": w.enum("authenticationPhoneType", "mobile")},
        lambda w: {"phone_number": "+1 4255550101", "phone_type": w.enum("authenticationPhoneType", "mobile")},
    ),
    "temporaryAccessPassAuthenticationMethod": Case(
        "users/{person}/authentication/temporaryAccessPassMethods", says(lifetime_in_minutes=60, is_usable_once=True)
    ),
    "externalAuthenticationMethod": Case(
        "users/{person}/authentication/externalAuthenticationMethods",
        lambda w: {"configuration_id": w.ids["externalConfiguration"], "display_name": "Made"},
    ),
    "strongAuthenticationRequirements": Case(
        "users/{person}/authentication/requirements",
        then=lambda w: {"per_user_mfa_state": w.enum("perUserMfaState", "enabled")}, version="beta",
    ),
    "signInPreferences": Case(
        "users/{person}/authentication/signInPreferences",
        then=says(is_system_preferred_authentication_method_enabled=False), version="beta",
    ),
    "fido2AuthenticationMethod": Case("users/{fido2}/authentication/fido2Methods", one="fido2Method"),
    "microsoftAuthenticatorAuthenticationMethod": Case(
        "users/{authenticator}/authentication/microsoftAuthenticatorMethods", one="authenticatorMethod"
    ),
    "windowsHelloForBusinessAuthenticationMethod": Case(
        "users/{hello}/authentication/windowsHelloForBusinessMethods", one="helloMethod"
    ),
    "platformCredentialAuthenticationMethod": Case(
        "users/{platform}/authentication/platformCredentialMethods", one="platformMethod"
    ),
    "softwareOathAuthenticationMethod": Case(
        "users/{oath}/authentication/softwareOathMethods", one="oathMethod"
    ),
    "domain": Case("domains", says(id="made.example"), None),
    "internalDomainFederation": Case(
        "domains/{verified}/federationConfiguration", federation, NEXT
    ),
    "agreement": Case(
        "identityGovernance/termsOfUse/agreements", agreement, NEXT, as_user=True,
    ),
    "attributeSet": Case(
        "directory/attributeSets", says(id="Made", description="d", max_attributes_per_set=20),
        says(description="e"), delete=False,
    ),
    "customSecurityAttributeDefinition": Case(
        "directory/customSecurityAttributeDefinitions", definition, says(description="e"), delete=False
    ),
    "allowedValue": Case(
        "directory/customSecurityAttributeDefinitions/{definition}/allowedValues",
        says(id="Made", is_active=True), says(is_active=False), delete=False,
    ),
    "profileCardProperty": Case(
        "admin/people/profileCardProperties", says(directory_property_name="customAttribute9"),
        lambda w: {"annotations": [w.m("profileCardAnnotation")(display_name="Cost centre")]},
        key="directory_property_name",
    ),
    "profilePropertySetting": Case(
        "admin/people/profilePropertySettings",
        says(name="interests", prioritized_source_urls=["https://a.example/"]), NEXT,
    ),
    "profileSource": Case(
        "admin/people/profileSources", named(source_id="crm", web_url="https://a.example/"), NEXT
    ),
    "synchronizationJob": Case(
        "servicePrincipals/{provisioned}/synchronization/jobs", says(template_id="salesforceProvisioning")
    ),
    "pronounsSettings": Case("admin/people/pronouns", then=says(is_enabled_in_organization=True)),
    "insightsSettings": Case("admin/people/itemInsights", then=says(is_enabled_in_organization=False)),
    "onPremisesDirectorySynchronization": Case(
        "directory/onPremisesSynchronization", one="organization", as_user=True, delete=False,
        then=lambda w: {"features": w.m("onPremisesDirectorySynchronizationFeature")(password_sync_enabled=False)},
    ),
    "onPremisesSyncBehavior": Case("users/{synced}/onPremisesSyncBehavior", then=says(is_cloud_managed=True)),
    "extension": Case(
        "users/{person}/extensions",
        says(odata_type="#microsoft.graph.openTypeExtension", extension_name="example.made",
             additional_data={"theme": "dark"}),
        says(odata_type="#microsoft.graph.openTypeExtension", additional_data={"theme": "light"}),
        model="openTypeExtension",
    ),
    "remoteDesktopSecurityConfiguration": Case(
        "servicePrincipals/{desktop}/remoteDesktopSecurityConfiguration",
        then=says(is_remote_desktop_protocol_enabled=True),
    ),
    "certificateBasedAuthConfiguration": Case(
        "organization/{organization}/certificateBasedAuthConfiguration",
        lambda w: {"certificate_authorities": [w.m("certificateAuthority")(
            is_root_authority=True, certificate=base64.b64decode(CERTIFICATES[0].der))]},
    ),
    "certificateBasedAuthPki": Case(
        "directory/publicKeyInfrastructure/certificateBasedAuthConfigurations", named(), NEXT, bin=BIN
    ),
    "certificateAuthorityDetail": Case(
        "directory/publicKeyInfrastructure/certificateBasedAuthConfigurations/{infrastructure}/certificateAuthorities",
        lambda w: {"certificate": base64.b64decode(CERTIFICATES[0].der), "display_name": "Made",
                   "certificate_authority_type": w.enum("certificateAuthorityType", "root")},
        NEXT, bin=BIN,
    ),
}  # fmt: skip
