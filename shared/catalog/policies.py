"""Tenant-wide policies: who may do what by default, with which methods, with which other tenants.

Most are singletons that exist in every tenant and can only be changed. Sources: Microsoft Graph "authorizationPolicy",
"authenticationMethodsPolicy", "identitySecurityDefaultsEnforcementPolicy", "crossTenantAccessPolicy",
"permissionGrantPolicy", "adminConsentRequestPolicy", "appManagementPolicy", "deviceRegistrationPolicy resource type".
"""

from shared.catalog.row import Cloud, Excluded, LeftAlone, Link, ObjectType, RecycleBin, Reference, words

_METHODS_IN_BETA = words(
    "microsoftAuthenticatorPlatformSettings reportSuspiciousActivitySettings systemCredentialPreferences"
)
_ONE_PER_TENANT = "there is exactly one in each tenant: it is changed, never made"
_NOT_IN_CHINA: frozenset[Cloud] = frozenset({"global", "usGovL4", "usGovL5"})
_M365 = "newer than the published schema of v1.0, and about Microsoft 365 services rather than the directory"
_TARGETS = ("AllUsers", "AllApplications", "Office365", "AllMicrosoftApps", "AllDevices")

AUTHORIZATION_POLICY = ObjectType(
    name="authorizationPolicy",
    title="Authorization policy",
    path="/policies/authorizationPolicy",
    graph_type="authorizationPolicy",
    reading="single",
    read_permissions=("Policy.Read.All",),
    write_permissions=("Policy.ReadWrite.Authorization",),
    read_only=("id", "deletedDateTime"),
    immutable=("id",),
    references=(
        Reference(
            "defaultUserRolePermissions.permissionGrantPoliciesAssigned[]", "permissionGrantPolicy", inside_text=True
        ),
    ),
    not_restored=_ONE_PER_TENANT,
    unconfirmed=(
        (
            "defaultUserRolePermissions.allowedToReadOtherUsers=false breaks Microsoft 365: restore reports it and "
            "does not set it."
        ),
    ),
)

AUTHENTICATION_METHODS_POLICY = ObjectType(
    name="authenticationMethodsPolicy",
    title="Authentication methods policy",
    path="/policies/authenticationMethodsPolicy",
    graph_type="authenticationMethodsPolicy",
    reading="single",
    inline=("authenticationMethodConfigurations",),
    in_beta=_METHODS_IN_BETA,
    property_options=tuple((name, "previewProperties") for name in _METHODS_IN_BETA),
    clouds=_NOT_IN_CHINA,
    read_permissions=("Policy.Read.AuthenticationMethod",),
    write_permissions=("Policy.ReadWrite.AuthenticationMethod",),
    actions=((
        "authenticationMethodConfigurations",
        "PATCH /policies/authenticationMethodsPolicy/authenticationMethodConfigurations/{key}",
    ),),
    read_only=("id", "description", "displayName", "lastModifiedDateTime", "policyVersion"),
    left_as_is=(
        Excluded(("reconfirmationInDays",), "Microsoft Graph's page on updating the policy names no way to set it"),
    ),
    immutable=("id",),
    references=(
        Reference("authenticationMethodConfigurations[].includeTargets[].id", "group", words=("all_users",)),
        Reference("authenticationMethodConfigurations[].excludeTargets[].id", "group"),
        Reference(
            "registrationEnforcement.authenticationMethodsRegistrationCampaign.includeTargets[].id", "group",
            alternatives=("user",), words=("all_users",),
        ),
        Reference(
            "registrationEnforcement.authenticationMethodsRegistrationCampaign.excludeTargets[].id", "group",
            alternatives=("user",),
        ),
    ),
    not_restored=_ONE_PER_TENANT,
    unconfirmed=("Whether policyMigrationState can be taken back once the migration is complete.",),
)

SECURITY_DEFAULTS = ObjectType(
    name="identitySecurityDefaultsEnforcementPolicy",
    title="Security defaults",
    path="/policies/identitySecurityDefaultsEnforcementPolicy",
    graph_type="identitySecurityDefaultsEnforcementPolicy",
    reading="single",
    read_permissions=("Policy.Read.All",),
    write_permissions=("Policy.Read.All", "Policy.ReadWrite.SecurityDefaults"),
    read_only=("id", "deletedDateTime", "displayName", "description"),
    immutable=("id",),
    after_links=True,
    not_restored=_ONE_PER_TENANT,
    unconfirmed=("Whether they can be on beside Conditional Access policies.",),
)

AUTHENTICATION_FLOWS_POLICY = ObjectType(
    name="authenticationFlowsPolicy",
    title="Authentication flows policy",
    path="/policies/authenticationFlowsPolicy",
    graph_type="authenticationFlowsPolicy",
    reading="single",
    read_permissions=("Policy.Read.All",),
    write_permissions=("Policy.ReadWrite.AuthenticationFlows",),
    read_only=("id", "description", "displayName"),
    immutable=("id",),
    not_restored=_ONE_PER_TENANT,
)

EXTERNAL_IDENTITIES_POLICY = ObjectType(
    name="externalIdentitiesPolicy",
    title="External identities policy",
    path="/policies/externalIdentitiesPolicy",
    graph_type="externalIdentitiesPolicy",
    version="beta",
    reading="single",
    read_permissions=("Policy.Read.All",),
    write_permissions=("Policy.ReadWrite.ExternalIdentities",),
    read_only=words("id deletedDateTime displayName description allowDeletedIdentitiesDataRemoval"),
    immutable=("id",),
    not_restored=_ONE_PER_TENANT,
)

CROSS_TENANT_ACCESS_POLICY = ObjectType(
    name="crossTenantAccessPolicy",
    title="Cross-tenant access policy",
    path="/policies/crossTenantAccessPolicy",
    graph_type="crossTenantAccessPolicy",
    reading="single",
    excluded=(
        Excluded(("default", "partners"), "read as object types of their own"),
        Excluded(("templates",), "templates for multi-tenant organizations, filled by Microsoft Entra"),
    ),
    read_permissions=("Policy.Read.All",),
    write_permissions=("Policy.ReadWrite.CrossTenantAccess",),
    read_only=("id", "deletedDateTime", "description", "displayName"),
    immutable=("id",),
    not_restored=_ONE_PER_TENANT,
    unconfirmed=("Whether displayName and description can be written.",),
)


def _cross_tenant_references(*sides: str) -> tuple[Reference, ...]:
    """The groups, users and applications that the sides of a cross-tenant configuration name by local ids."""
    return tuple(
        reference
        for side in sides
        for reference in (
            Reference(f"{side}.usersAndGroups.targets[].target", "group", alternatives=("user",), words=_TARGETS),
            Reference(f"{side}.applications.targets[].target", "servicePrincipal", by="appId", words=_TARGETS),
        )
    )


_SIDES = words("""
    b2bCollaborationInbound b2bCollaborationOutbound b2bDirectConnectInbound b2bDirectConnectOutbound
    tenantRestrictions
""")

CROSS_TENANT_DEFAULT = ObjectType(
    name="crossTenantAccessPolicyConfigurationDefault",
    title="Cross-tenant access, default settings",
    path="/policies/crossTenantAccessPolicy/default",
    graph_type="crossTenantAccessPolicyConfigurationDefault",
    reading="single",
    excluded=(Excluded(("m365Capabilities",), _M365),),
    read_permissions=("Policy.Read.All",),
    write_permissions=("Policy.ReadWrite.CrossTenantAccess",),
    read_only=("id", "isServiceDefault", "automaticUserConsentSettings"),
    immutable=("id",),
    references=_cross_tenant_references(*_SIDES),
    not_restored=_ONE_PER_TENANT,
)

CROSS_TENANT_PARTNER = ObjectType(
    name="crossTenantAccessPolicyConfigurationPartner",
    title="Cross-tenant access, partner settings",
    path="/policies/crossTenantAccessPolicy/partners",
    graph_type="crossTenantAccessPolicyConfigurationPartner",
    key="tenantId",
    expand=("identitySynchronization",),
    excluded=(
        Excluded(("m365Capabilities",), _M365),
        Excluded(("serviceProviderConstraints",), "set by the partner relationship with the service provider"),
    ),
    recycle_bin=RecycleBin(
        path="/policies/deletedItems/crossTenantPartners",
        restore="POST /policies/deletedItems/crossTenantPartners/{id}/restore",
        version="beta",
    ),
    read_permissions=("Policy.Read.All",),
    write_permissions=("Policy.ReadWrite.CrossTenantAccess",),
    actions=((
        "identitySynchronization", "PUT /policies/crossTenantAccessPolicy/partners/{key}/identitySynchronization",
    ),),
    create_required=("tenantId",),
    read_only=("deletedDateTime", "isInMultiTenantOrganization", "isServiceProvider"),
    immutable=("tenantId",),
    unique=("tenantId",),
    references=_cross_tenant_references(*_SIDES),
    unconfirmed=(
        "Whether isServiceProvider can be written.",
        "Properties that are null inherit the default settings; restore keeps nulls.",
    ),
)

PERMISSION_GRANT_POLICY = ObjectType(
    name="permissionGrantPolicy",
    title="Permission grant policies",
    path="/policies/permissionGrantPolicies",
    graph_type="permissionGrantPolicy",
    inline=("includes", "excludes"),
    read_permissions=("Policy.Read.PermissionGrant",),
    write_permissions=("Policy.ReadWrite.PermissionGrant",),
    actions=(
        ("includes", "POST /policies/permissionGrantPolicies/{key}/includes"),
        ("excludes", "POST /policies/permissionGrantPolicies/{key}/excludes"),
    ),
    create_required=("id", "displayName", "description"),
    read_only=("deletedDateTime", "includes[].id", "excludes[].id"),
    immutable=("id",),
    unique=("id",),
    left_alone=(LeftAlone(("id", "microsoft-*"), "built into every tenant and changed by Microsoft alone"),),
    references=(
        Reference("includes[].clientApplicationIds[]", "servicePrincipal", by="appId", words=("all",), orders=False),
        Reference("includes[].resourceApplication", "servicePrincipal", by="appId", words=("any",), orders=False),
        Reference("excludes[].clientApplicationIds[]", "servicePrincipal", by="appId", words=("all",), orders=False),
        Reference("excludes[].resourceApplication", "servicePrincipal", by="appId", words=("any",), orders=False),
    ),
    unconfirmed=("That every answer holds includes and excludes unasked, as the documented examples do.",),
)

ADMIN_CONSENT_REQUEST_POLICY = ObjectType(
    name="adminConsentRequestPolicy",
    title="Admin consent request policy",
    path="/policies/adminConsentRequestPolicy",
    graph_type="adminConsentRequestPolicy",
    reading="single",
    read_permissions=("Policy.Read.All",),
    write_permissions=("Policy.ReadWrite.ConsentRequest",),
    update="PUT /policies/adminConsentRequestPolicy",
    read_only=("id", "version"),
    immutable=("id",),
    references=(
        Reference(
            "reviewers[].query", "user", alternatives=("group", "unifiedRoleDefinition"), inside_text=True
        ),
    ),
    not_restored=_ONE_PER_TENANT,
    unconfirmed=("Whether an application may change it.",),
)

APP_MANAGEMENT_POLICY = ObjectType(
    name="appManagementPolicy",
    title="App management policies",
    path="/policies/appManagementPolicies",
    graph_type="appManagementPolicy",
    links=(
        Link(
            name="appliesTo", targets=("application", "servicePrincipal"), reading="each",
            permissions=("Application.Read.All",),
            add="POST {targetCollection}/{target}/appManagementPolicies/$ref",
            remove="DELETE {targetCollection}/{target}/appManagementPolicies/{id}/$ref",
            add_body=(("@odata.id", "{root}/policies/appManagementPolicies/{id}"),),
            write_permissions=("Application.ReadWrite.All",),
        ),
    ),
    read_permissions=("Policy.Read.All",),
    write_permissions=("Policy.ReadWrite.ApplicationConfiguration",),
    create_required=("displayName", "isEnabled", "restrictions"),
    read_only=("id", "deletedDateTime"),
    immutable=("id",),
    unique=("displayName",),
    unconfirmed=("Whether displayName must be unique.",),
)

TENANT_APP_MANAGEMENT_POLICY = ObjectType(
    name="tenantAppManagementPolicy",
    title="Default app management policy",
    path="/policies/defaultAppManagementPolicy",
    graph_type="tenantAppManagementPolicy",
    reading="single",
    read_permissions=("Policy.Read.All",),
    write_permissions=("Policy.ReadWrite.ApplicationConfiguration",),
    read_only=("id", "deletedDateTime", "displayName", "description"),
    immutable=("id",),
    not_restored=_ONE_PER_TENANT,
    unconfirmed=("Whether displayName and description can be written.",),
)

DEVICE_REGISTRATION_POLICY = ObjectType(
    name="deviceRegistrationPolicy",
    title="Device registration policy",
    path="/policies/deviceRegistrationPolicy",
    graph_type="deviceRegistrationPolicy",
    reading="single",
    read_permissions=("Policy.Read.DeviceConfiguration",),
    write_permissions=("Policy.ReadWrite.DeviceConfiguration",),
    update="PUT /policies/deviceRegistrationPolicy",
    read_only=("id", "displayName", "description"),
    immutable=("id",),
    references=tuple(
        Reference(f"{place}.{kind}[]", target)
        for place in words("""
            azureADJoin.allowedToJoin azureADJoin.localAdmins.registeringUsers azureADRegistration.allowedToRegister
        """)
        for kind, target in (("users", "user"), ("groups", "group"))
    ),
    not_restored=_ONE_PER_TENANT,
    unconfirmed=("Whether an application may change it.",),
)

FEATURE_ROLLOUT_POLICY = ObjectType(
    name="featureRolloutPolicy",
    title="Feature rollout policies",
    path="/policies/featureRolloutPolicies",
    graph_type="featureRolloutPolicy",
    links=(
        Link(
            name="appliesTo", targets=("group",), reading="each",
            add="POST /policies/featureRolloutPolicies/{id}/appliesTo/$ref",
            remove="DELETE /policies/featureRolloutPolicies/{id}/appliesTo/{target}/$ref",
        ),
    ),
    read_permissions=("Directory.Read.All",),
    delegated_read="Microsoft documents feature rollout for signed-in users only",
    delegated_only=(
        "feature rollout policies are written by a signed-in administrator (delegated Directory.ReadWrite.All)"
    ),
    create_required=("displayName", "feature", "isEnabled"),
    read_only=("id",),
    immutable=("id", "feature"),
    unique=("feature",),
    unconfirmed=("Whether an application is let in at all.",),
)

ROWS = (
    AUTHORIZATION_POLICY, AUTHENTICATION_METHODS_POLICY, SECURITY_DEFAULTS, AUTHENTICATION_FLOWS_POLICY,
    EXTERNAL_IDENTITIES_POLICY, CROSS_TENANT_ACCESS_POLICY, CROSS_TENANT_DEFAULT, CROSS_TENANT_PARTNER,
    PERMISSION_GRANT_POLICY, ADMIN_CONSENT_REQUEST_POLICY, APP_MANAGEMENT_POLICY, TENANT_APP_MANAGEMENT_POLICY,
    DEVICE_REGISTRATION_POLICY, FEATURE_ROLLOUT_POLICY,
)
