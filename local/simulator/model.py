"""Where each type lives in Graph's paths, and how its navigation is answered from the store.

Names and paths are Microsoft's (the SDK's request builders follow the same paths; a test compares). A table holds one
type with its subtypes. Navigation is one of: `link` (stored), `inverse` (the other end of stored links), `child`
(contained objects, stored as links to a table of their own), `where` (objects whose property holds my id), `refers`
(the object whose id my property holds) and `transitive`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

type How = Literal["link", "inverse", "child", "where", "refers", "transitive"]


@dataclass(frozen=True, slots=True)
class Navigation:
    """One navigation property of a type."""

    source: str
    name: str
    target: str
    how: How = "link"
    via: tuple[str, ...] = ()  # link names for inverse/transitive; the property for where/refers
    single: bool = False


@dataclass(frozen=True, slots=True)
class EntitySet:
    """A collection at a path below the version."""

    path: str
    type: str
    table: str = ""
    versions: tuple[str, ...] = ("v1.0", "beta")
    delta: tuple[str, ...] = ()
    alternate_keys: tuple[str, ...] = ()
    page_default: int = 100
    page_max: int = 999
    pages: bool = True
    required_filter: tuple[str, ...] = ()  # properties without which a listing is refused


@dataclass(frozen=True, slots=True)
class Singleton:
    """One object at a path below the version, kept in a table of its own."""

    path: str
    type: str
    versions: tuple[str, ...] = ("v1.0", "beta")


BOTH = ("v1.0", "beta")
BETA = ("beta",)

SETS = (
    EntitySet("users", "user", delta=BOTH, alternate_keys=("userPrincipalName",)),
    EntitySet("invitations", "invitation"),
    EntitySet("groups", "group", delta=BOTH, alternate_keys=("uniqueName",)),
    EntitySet("applications", "application", delta=BOTH, alternate_keys=("appId", "uniqueName")),
    EntitySet("servicePrincipals", "servicePrincipal", delta=BOTH, alternate_keys=("appId",)),
    EntitySet("devices", "device", delta=BOTH, alternate_keys=("deviceId",)),
    EntitySet("contacts", "orgContact", delta=BOTH),
    EntitySet("directory/administrativeUnits", "administrativeUnit", delta=BOTH),
    EntitySet("administrativeUnits", "administrativeUnit", versions=BETA, delta=BETA),
    EntitySet("directoryRoles", "directoryRole", delta=BOTH, alternate_keys=("roleTemplateId",), pages=False),
    EntitySet("directoryRoleTemplates", "directoryRoleTemplate", delta=BETA, pages=False),
    EntitySet("oauth2PermissionGrants", "oAuth2PermissionGrant", delta=BOTH),
    EntitySet("permissionGrants", "resourceSpecificPermissionGrant"),
    EntitySet("domains", "domain"),
    EntitySet("contracts", "contract", delta=BETA),
    EntitySet("subscribedSkus", "subscribedSku", pages=False),
    EntitySet("organization", "organization", delta=BETA, pages=False),
    EntitySet("groupSettings", "groupSetting", versions=("v1.0",)),
    EntitySet("settings", "groupSetting", versions=BETA),
    EntitySet("groupSettingTemplates", "groupSettingTemplate", versions=("v1.0",)),
    EntitySet("directorySettingTemplates", "groupSettingTemplate", versions=BETA),
    EntitySet("groupLifecyclePolicies", "groupLifecyclePolicy"),
    EntitySet("applicationTemplates", "applicationTemplate"),
    EntitySet("identity/conditionalAccess/policies", "conditionalAccessPolicy"),
    EntitySet("identity/conditionalAccess/namedLocations", "namedLocation"),
    EntitySet(
        "identity/conditionalAccess/authenticationContextClassReferences", "authenticationContextClassReference"
    ),
    EntitySet("identity/conditionalAccess/authenticationStrength/policies", "authenticationStrengthPolicy"),
    EntitySet("policies/conditionalAccessPolicies", "conditionalAccessPolicy"),
    EntitySet("policies/authenticationStrengthPolicies", "authenticationStrengthPolicy"),
    EntitySet("policies/activityBasedTimeoutPolicies", "activityBasedTimeoutPolicy"),
    EntitySet("policies/claimsMappingPolicies", "claimsMappingPolicy"),
    EntitySet("policies/homeRealmDiscoveryPolicies", "homeRealmDiscoveryPolicy"),
    EntitySet("policies/tokenLifetimePolicies", "tokenLifetimePolicy"),
    EntitySet("policies/tokenIssuancePolicies", "tokenIssuancePolicy"),
    EntitySet("policies/permissionGrantPolicies", "permissionGrantPolicy"),
    EntitySet("policies/appManagementPolicies", "appManagementPolicy"),
    EntitySet("policies/authorizationPolicy", "authorizationPolicy", versions=BETA),
    EntitySet("policies/featureRolloutPolicies", "featureRolloutPolicy"),
    EntitySet("policies/roleManagementPolicies", "unifiedRoleManagementPolicy",
              required_filter=("scopeId", "scopeType")),
    EntitySet("policies/roleManagementPolicyAssignments", "unifiedRoleManagementPolicyAssignment",
              required_filter=("scopeId", "scopeType")),
    EntitySet(
        "policies/crossTenantAccessPolicy/partners",
        "crossTenantAccessPolicyConfigurationPartner",
        alternate_keys=("tenantId",),
    ),
    EntitySet("roleManagement/directory/roleDefinitions", "unifiedRoleDefinition"),
    EntitySet("roleManagement/directory/roleAssignments", "unifiedRoleAssignment"),
    EntitySet("roleManagement/directory/roleEligibilitySchedules", "unifiedRoleEligibilitySchedule"),
    EntitySet("roleManagement/directory/roleAssignmentSchedules", "unifiedRoleAssignmentSchedule"),
    EntitySet("roleManagement/directory/roleEligibilityScheduleRequests", "unifiedRoleEligibilityScheduleRequest"),
    EntitySet("roleManagement/directory/roleAssignmentScheduleRequests", "unifiedRoleAssignmentScheduleRequest"),
    EntitySet("roleManagement/directory/roleEligibilityScheduleInstances", "unifiedRoleEligibilityScheduleInstance"),
    EntitySet("roleManagement/directory/roleAssignmentScheduleInstances", "unifiedRoleAssignmentScheduleInstance"),
    EntitySet(
        "identityGovernance/privilegedAccess/group/eligibilitySchedules", "privilegedAccessGroupEligibilitySchedule",
        required_filter=("groupId|principalId",),
    ),
    EntitySet(
        "identityGovernance/privilegedAccess/group/assignmentSchedules", "privilegedAccessGroupAssignmentSchedule",
        required_filter=("groupId|principalId",),
    ),
    EntitySet(
        "identityGovernance/privilegedAccess/group/eligibilityScheduleRequests",
        "privilegedAccessGroupEligibilityScheduleRequest",
    ),
    EntitySet(
        "identityGovernance/privilegedAccess/group/assignmentScheduleRequests",
        "privilegedAccessGroupAssignmentScheduleRequest",
    ),
    EntitySet("identityGovernance/termsOfUse/agreements", "agreement"),
    EntitySet("agreements", "agreement"),
    EntitySet("directory/attributeSets", "attributeSet"),
    EntitySet("directory/customSecurityAttributeDefinitions", "customSecurityAttributeDefinition"),
    EntitySet("auditLogs/directoryAudits", "directoryAudit"),
    EntitySet("security/secureScores", "secureScore"),
    EntitySet(
        "directory/publicKeyInfrastructure/certificateBasedAuthConfigurations", "certificateBasedAuthPki"
    ),
    EntitySet("admin/people/profileCardProperties", "profileCardProperty"),
    EntitySet("admin/people/profilePropertySettings", "profilePropertySetting"),
    EntitySet("admin/people/profileSources", "profileSource", alternate_keys=("sourceId",)),
    EntitySet("directory/onPremisesSynchronization", "onPremisesDirectorySynchronization"),
    EntitySet("directory/recovery/snapshots", "entraRecoveryServices.snapshot"),
    EntitySet("directory/recovery/jobs", "entraRecoveryServices.recoveryJobBase"),
    EntitySet("onPremisesPublishingProfiles/applicationProxy/connectorGroups", "connectorGroup", versions=BETA),
    EntitySet("onPremisesPublishingProfiles/applicationProxy/connectors", "connector", versions=BETA),
)  # fmt: skip

SINGLETONS = (
    Singleton("policies/authorizationPolicy", "authorizationPolicy", ("v1.0",)),
    Singleton("policies/authenticationMethodsPolicy", "authenticationMethodsPolicy"),
    Singleton("authenticationMethodsPolicy", "authenticationMethodsPolicy"),
    Singleton("policies/identitySecurityDefaultsEnforcementPolicy", "identitySecurityDefaultsEnforcementPolicy"),
    Singleton("policies/authenticationFlowsPolicy", "authenticationFlowsPolicy"),
    Singleton("policies/externalIdentitiesPolicy", "externalIdentitiesPolicy", BETA),
    Singleton("policies/crossTenantAccessPolicy", "crossTenantAccessPolicy"),
    Singleton("policies/crossTenantAccessPolicy/default", "crossTenantAccessPolicyConfigurationDefault"),
    Singleton("policies/adminConsentRequestPolicy", "adminConsentRequestPolicy"),
    Singleton("policies/defaultAppManagementPolicy", "tenantAppManagementPolicy"),
    Singleton("policies/deviceRegistrationPolicy", "deviceRegistrationPolicy"),
    Singleton("admin/people", "peopleAdminSettings"),
    Singleton("admin/people/pronouns", "pronounsSettings"),
    Singleton("admin/people/itemInsights", "insightsSettings"),
    Singleton("directory/recovery", "entraRecoveryServices.recovery"),
)

METHODS = (
    "emailMethods", "phoneMethods", "passwordMethods", "fido2Methods", "microsoftAuthenticatorMethods",
    "windowsHelloForBusinessMethods", "softwareOathMethods", "temporaryAccessPassMethods", "platformCredentialMethods",
    "externalAuthenticationMethods",
)  # fmt: skip


def method_type(navigation: str) -> str:
    """The type of the authentication methods of a collection: `emailAuthenticationMethod` for `emailMethods`."""
    stem = navigation.removesuffix("Methods")
    return f"{stem}Method" if stem.endswith("Authentication") else f"{stem}AuthenticationMethod"


NAVIGATION = (
    Navigation("user", "manager", "directoryObject", single=True),
    Navigation("user", "directReports", "directoryObject", "inverse", ("manager",)),
    Navigation("orgContact", "manager", "directoryObject", single=True),
    Navigation("user", "sponsors", "directoryObject"),
    Navigation("group", "members", "directoryObject"),
    Navigation("group", "owners", "directoryObject"),
    Navigation("group", "acceptedSenders", "directoryObject"),
    Navigation("group", "rejectedSenders", "directoryObject"),
    Navigation("group", "createdOnBehalfOf", "directoryObject", single=True),
    Navigation("group", "transitiveMembers", "directoryObject", "transitive", ("members",)),
    Navigation("application", "owners", "directoryObject"),
    Navigation("application", "createdOnBehalfOf", "directoryObject", single=True),
    Navigation("servicePrincipal", "owners", "directoryObject"),
    # agent identities and their blueprints only: the schema gives no other application sponsors
    Navigation("application", "sponsors", "directoryObject"),
    Navigation("servicePrincipal", "sponsors", "directoryObject"),
    Navigation("device", "registeredOwners", "directoryObject"),
    Navigation("device", "registeredUsers", "directoryObject"),
    Navigation("administrativeUnit", "members", "directoryObject"),
    Navigation("directoryRole", "members", "directoryObject"),
    *(
        Navigation(source, "memberOf", "directoryObject", "inverse", ("members",))
        for source in ("user", "group", "servicePrincipal", "device", "orgContact")
    ),
    *(
        Navigation(source, "transitiveMemberOf", "directoryObject", "transitive", ("memberOf",))
        for source in ("user", "group", "servicePrincipal", "device", "orgContact")
    ),
    *(
        Navigation(source, "ownedObjects", "directoryObject", "inverse", ("owners",))
        for source in ("user", "servicePrincipal")
    ),
    Navigation("user", "ownedDevices", "directoryObject", "inverse", ("registeredOwners",)),
    Navigation("user", "registeredDevices", "directoryObject", "inverse", ("registeredUsers",)),
    *(
        Navigation(source, "appRoleAssignments", "appRoleAssignment", "where", ("principalId",))
        for source in ("user", "group", "servicePrincipal")
    ),
    Navigation("servicePrincipal", "appRoleAssignedTo", "appRoleAssignment", "where", ("resourceId",)),
    Navigation("servicePrincipal", "oauth2PermissionGrants", "oAuth2PermissionGrant", "where", ("clientId",)),
    Navigation("user", "oauth2PermissionGrants", "oAuth2PermissionGrant", "where", ("principalId",)),
    Navigation("user", "scopedRoleMemberOf", "scopedRoleMembership", "where", ("memberId",)),
    Navigation("administrativeUnit", "scopedRoleMembers", "scopedRoleMembership", "where", ("administrativeUnitId",)),
    Navigation("directoryRole", "scopedMembers", "scopedRoleMembership", "where", ("roleId",)),
    *(
        Navigation(source, name, target)
        for source in ("application", "servicePrincipal")
        for name, target in (
            ("tokenIssuancePolicies", "tokenIssuancePolicy"),
            ("tokenLifetimePolicies", "tokenLifetimePolicy"),
            ("homeRealmDiscoveryPolicies", "homeRealmDiscoveryPolicy"),
            ("appManagementPolicies", "appManagementPolicy"),
        )
    ),
    Navigation("servicePrincipal", "claimsMappingPolicies", "claimsMappingPolicy"),
    Navigation("claimsMappingPolicy", "appliesTo", "directoryObject", "inverse", ("claimsMappingPolicies",)),
    Navigation("homeRealmDiscoveryPolicy", "appliesTo", "directoryObject", "inverse", ("homeRealmDiscoveryPolicies",)),
    Navigation("tokenLifetimePolicy", "appliesTo", "directoryObject", "inverse", ("tokenLifetimePolicies",)),
    Navigation("tokenIssuancePolicy", "appliesTo", "directoryObject", "inverse", ("tokenIssuancePolicies",)),
    Navigation("appManagementPolicy", "appliesTo", "directoryObject", "inverse", ("appManagementPolicies",)),
    Navigation("featureRolloutPolicy", "appliesTo", "directoryObject"),
    Navigation("group", "groupLifecyclePolicies", "groupLifecyclePolicy"),
    Navigation("group", "settings", "groupSetting", "child"),
    Navigation("application", "federatedIdentityCredentials", "federatedIdentityCredential", "child"),
    # agent identity blueprints only: the schema gives no other application such
    Navigation("application", "inheritablePermissions", "inheritablePermission", "child"),
    Navigation("application", "extensionProperties", "extensionProperty", "child"),
    Navigation("application", "connectorGroup", "connectorGroup", single=True),
    Navigation("servicePrincipal", "federatedIdentityCredentials", "federatedIdentityCredential", "child"),
    Navigation(
        "servicePrincipal", "delegatedPermissionClassifications", "delegatedPermissionClassification", "child"
    ),
    Navigation(
        "servicePrincipal", "remoteDesktopSecurityConfiguration", "remoteDesktopSecurityConfiguration", "child",
        single=True,
    ),
    Navigation("servicePrincipal", "synchronization", "synchronization", "child", single=True),
    Navigation("servicePrincipal", "synchronization/jobs", "synchronizationJob", "child"),
    Navigation("servicePrincipal", "synchronization/templates", "synchronizationTemplate", "child"),
    Navigation("synchronizationJob", "schema", "synchronizationSchema", "child", single=True),
    *(
        Navigation(source, "extensions", "extension", "child")
        for source in ("user", "group", "device", "organization", "administrativeUnit")
    ),
    *(
        Navigation(source, "onPremisesSyncBehavior", "onPremisesSyncBehavior", "child", single=True)
        for source in ("user", "group")
    ),
    Navigation("user", "licenseDetails", "licenseDetails", "child"),
    Navigation("user", "authentication/methods", "authenticationMethod", "child"),
    *(
        Navigation("user", f"authentication/{name}", method_type(name), "child", ("authentication/methods",))
        for name in METHODS
    ),
    # beta only: the types are not in the v1.0 schema
    Navigation("user", "authentication/requirements", "strongAuthenticationRequirements", "child", single=True),
    Navigation("user", "authentication/signInPreferences", "signInPreferences", "child", single=True),
    Navigation(
        "authenticationStrengthPolicy", "combinationConfigurations", "authenticationCombinationConfiguration", "child"
    ),
    Navigation(
        "authenticationMethodsPolicy", "authenticationMethodConfigurations", "authenticationMethodConfiguration",
        "child",
    ),
    Navigation(
        "crossTenantAccessPolicyConfigurationPartner", "identitySynchronization",
        "crossTenantIdentitySyncPolicyPartner", "child", single=True,
    ),
    Navigation("unifiedRoleManagementPolicy", "rules", "unifiedRoleManagementPolicyRule", "child"),
    Navigation("unifiedRoleManagementPolicy", "effectiveRules", "unifiedRoleManagementPolicyRule", "child", ("rules",)),
    Navigation(
        "unifiedRoleManagementPolicyAssignment", "policy", "unifiedRoleManagementPolicy", "refers", ("policyId",),
        single=True,
    ),
    *(
        Navigation(source, name, target, "refers", (via,), single=True)
        for source in (
            "unifiedRoleAssignment",
            "unifiedRoleEligibilitySchedule",
            "unifiedRoleAssignmentSchedule",
            "unifiedRoleEligibilityScheduleInstance",
            "unifiedRoleAssignmentScheduleInstance",
            "unifiedRoleEligibilityScheduleRequest",
            "unifiedRoleAssignmentScheduleRequest",
        )
        for name, target, via in (
            ("principal", "directoryObject", "principalId"),
            ("roleDefinition", "unifiedRoleDefinition", "roleDefinitionId"),
            ("directoryScope", "directoryObject", "directoryScopeId"),
        )
    ),
    Navigation("unifiedRoleDefinition", "inheritsPermissionsFrom", "unifiedRoleDefinition"),
    Navigation("domain", "federationConfiguration", "internalDomainFederation", "child"),
    Navigation("domain", "verificationDnsRecords", "domainDnsRecord", "child"),
    Navigation("domain", "serviceConfigurationRecords", "domainDnsRecord", "child"),
    Navigation("customSecurityAttributeDefinition", "allowedValues", "allowedValue", "child"),
    Navigation("organization", "branding", "organizationalBranding", "child", single=True),
    Navigation("organizationalBranding", "localizations", "organizationalBrandingLocalization", "child"),
    Navigation("organization", "certificateBasedAuthConfiguration", "certificateBasedAuthConfiguration", "child"),
    Navigation("certificateBasedAuthPki", "certificateAuthorities", "certificateAuthorityDetail", "child"),
    Navigation("permissionGrantPolicy", "includes", "permissionGrantConditionSet", "child"),
    Navigation("permissionGrantPolicy", "excludes", "permissionGrantConditionSet", "child"),
    Navigation("agreement", "file", "agreementFile", "child", single=True),
    Navigation("agreement", "files", "agreementFileLocalization", "child"),
    Navigation("agreement", "acceptances", "agreementAcceptance", "child"),
    Navigation("agreementFile", "localizations", "agreementFileLocalization", "child"),
    Navigation("connectorGroup", "members", "connector"),
    Navigation("connectorGroup", "applications", "application", "inverse", ("connectorGroup",)),
    Navigation("entraRecoveryServices.snapshot", "recoveryJobs", "entraRecoveryServices.recoveryJob", "child"),
    Navigation(
        "entraRecoveryServices.snapshot", "recoveryPreviewJobs", "entraRecoveryServices.recoveryPreviewJob", "child"
    ),
)  # fmt: skip

# Link names with one target at most (createdOnBehalfOf, manager, connectorGroup and single contained objects).
SINGLE_LINKS = frozenset(each.name for each in NAVIGATION if each.single and each.how in ("link", "child"))

# Tables whose ids are names or repeat from parent to parent.
NAMED = frozenset(
    [
        "authenticationContextClassReference", "authenticationMethodConfiguration", "domain", "attributeSet",
        "customSecurityAttributeDefinition", "allowedValue", "crossTenantAccessPolicyConfigurationPartner",
        "crossTenantIdentitySyncPolicyPartner", "permissionGrantPolicy", "permissionGrantConditionSet",
        "unifiedRoleManagementPolicy", "unifiedRoleManagementPolicyRule",
        "unifiedRoleManagementPolicyAssignment", "authenticationMethod", "emailAuthenticationMethod",
        "phoneAuthenticationMethod", "organizationalBranding", "organizationalBrandingLocalization",
        "directoryRoleTemplate", "unifiedRoleDefinition", "groupSettingTemplate", "subscribedSku",
        "licenseDetails", "extension", "onPremisesSyncBehavior", "domainDnsRecord", "internalDomainFederation",
        "remoteDesktopSecurityConfiguration", "profileCardProperty", "applicationTemplate", "synchronizationTemplate",
        "inheritablePermission",
        "certificateBasedAuthConfiguration", "entraRecoveryServices.snapshot",
        "delegatedPermissionClassification", "onPremisesDirectorySynchronization", "agreementFile",
        "authenticationStrengthPolicy",
        "strongAuthenticationRequirements", "signInPreferences",
    ]
) | {each.type for each in SINGLETONS}  # fmt: skip

# What a user shows who never had these set (strongAuthenticationRequirements, signInPreferences resource types).
DEFAULTS: dict[str, dict[str, Any]] = {
    "strongAuthenticationRequirements": {"perUserMfaState": "disabled"},
    "signInPreferences": {
        "isSystemPreferredAuthenticationMethodEnabled": True,
        "userPreferredMethodForSecondaryAuthentication": None,
        "systemPreferredAuthenticationMethod": None,
    },
    "synchronization": {"secrets": []},
}

# What may stand in /directory/deletedItems (List deletedItems; agent types are subtypes of these).
BIN = (
    "user", "group", "application", "servicePrincipal", "administrativeUnit", "certificateBasedAuthPki",
    "certificateAuthorityDetail",
)  # fmt: skip
BINS = {
    "identity/conditionalAccess/deletedItems/policies": ("conditionalAccessPolicy", BOTH),
    "identity/conditionalAccess/deletedItems/namedLocations": ("namedLocation", BOTH),
    "roleManagement/directory/deletedItems/roleDefinitions": ("unifiedRoleDefinition", BETA),
    "policies/deletedItems/crossTenantPartners": ("crossTenantAccessPolicyConfigurationPartner", BETA),
}

DIRECTORY_TABLES = (
    "user", "group", "application", "servicePrincipal", "device", "orgContact", "administrativeUnit",
    "directoryRole", "organization",
)  # fmt: skip

# A subtype is kept in the table of the type whose collection shows it (polymorphic collections in the v1.0 schema).
SUBTYPE_TABLES = {
    "agentUser": "user",
    "agentIdentity": "servicePrincipal",
    "agentIdentityBlueprintPrincipal": "servicePrincipal",
    "agentIdentityBlueprint": "application",
    "ipNamedLocation": "namedLocation",
    "countryNamedLocation": "namedLocation",
    "entraRecoveryServices.recoveryJob": "entraRecoveryServices.recoveryJobBase",
    "entraRecoveryServices.recoveryPreviewJob": "entraRecoveryServices.recoveryJobBase",
    **{method_type(name): "authenticationMethod" for name in METHODS},
}

# Contained objects whose type also has a collection of its own are kept apart from it.
CHILD_TABLES = {("group", "settings"): "group/settings"}
TABLE_TYPES = {"group/settings": "groupSetting"}


def table_of(type_name: str) -> str:
    """The table that keeps objects of a type."""
    return SUBTYPE_TABLES.get(type_name, type_name)


def child_table(navigation: Navigation) -> str:
    """The table that keeps a contained collection."""
    return CHILD_TABLES.get((navigation.source, navigation.name)) or table_of(navigation.target)


def link_name(navigation: Navigation) -> str:
    """The name under which the store keeps a stored or contained navigation."""
    return navigation.via[0] if navigation.how == "child" and navigation.via else navigation.name


def type_of(table: str, body: Mapping[str, Any]) -> str:
    """The type of an object: what it says itself, else that of its table."""
    said = body.get("@odata.type")
    return said.removeprefix("#microsoft.graph.") if isinstance(said, str) else TABLE_TYPES.get(table, table)


def navigation_of(type_name: str, name: str) -> Navigation | None:
    """How a type's navigation property is answered; None when the simulator does not know it."""
    return _NAVIGATION.get((table_of(type_name), name))


_NAVIGATION = {(each.source, each.name): each for each in NAVIGATION}
