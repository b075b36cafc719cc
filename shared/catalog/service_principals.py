"""Service principals: enterprise applications, managed and agent identities, and the rights given to and by them.

Sources: Microsoft Graph "servicePrincipal resource type", "Grant an appRoleAssignment for a service principal",
"oAuth2PermissionGrant resource type", "List delegatedPermissionClassifications", "synchronizationJob resource type".
"""

from shared.catalog.reasons import DERIVED
from shared.catalog.row import Excluded, LeftAlone, Link, ObjectType, RecycleBin, Reference, Subtype, words

SERVICE_PRINCIPAL = ObjectType(
    name="servicePrincipal",
    title="Service principals",
    path="/servicePrincipals",
    graph_type="servicePrincipal",
    reading="delta",
    page_size=999,
    select=words("""
        id deletedDateTime accountEnabled addIns alternativeNames appDescription appDisplayName appId
        appOwnerOrganizationId appRoleAssignmentRequired appRoles applicationTemplateId createdByAppId
        customSecurityAttributes description disabledByMicrosoftStatus displayName homepage info isDisabled
        keyCredentials loginUrl logoutUrl notes notificationEmailAddresses oauth2PermissionScopes
        passwordCredentials preferredSingleSignOnMode preferredTokenSigningKeyThumbprint replyUrls
        resourceSpecificApplicationPermissions samlSingleSignOnSettings servicePrincipalNames
        servicePrincipalType signInAudience tags tokenEncryptionKeyId verifiedPublisher
    """),
    singly=("keyCredentials",),
    singly_where=("keyCredentials", "*"),
    select_permissions=(("customSecurityAttributes", "CustomSecAttributeAssignment.Read.All"),),
    property_options=(("customSecurityAttributes", "customSecurityAttributes"),),
    subtypes=(
        Subtype(
            name="agentIdentity", title="Agent identities",
            properties=("agentIdentityBlueprintId", "createdDateTime"),
            path="/servicePrincipals/{key}/microsoft.graph.agentIdentity",
        ),
        Subtype(name="agentIdentityBlueprintPrincipal", title="Agent identity blueprint principals"),
    ),
    excluded=(
        Excluded(("managerApplications",), "Graph copies them from the agents' blueprint, where they are read, and "
                 "the published v1.0 schema does not have them here"),
        Excluded(("createdObjects", "ownedObjects", "transitiveMemberOf"), DERIVED),
        Excluded(("endpoints",), "endpoints that a service publishes for itself: they cannot be written"),
        Excluded(("remoteDesktopSecurityConfiguration",), "a setting of Microsoft's own remote desktop services, one "
                 "request for each service principal"),
    ),
    links=(
        Link(
            name="owners", targets=("user", "servicePrincipal"), reading="expand",
            add="POST /servicePrincipals/{id}/owners/$ref",
            remove="DELETE /servicePrincipals/{id}/owners/{target}/$ref",
            write_permissions=("Application.ReadWrite.All", "Directory.Read.All"),
        ),
        Link(
            name="sponsors", targets=("user", "group"), reading="each", slow=True,
            where=("@odata.type", "#microsoft.graph.agentIdentity*"),
            path="/servicePrincipals/{id}/{odataType}/sponsors",
            add="POST /servicePrincipals/{id}/{odataType}/sponsors/$ref",
            remove="DELETE /servicePrincipals/{id}/{odataType}/sponsors/{target}/$ref",
            write_permissions=("Application.ReadWrite.All", "User.Read.All"),
            note="agent identities and their blueprints' principals only",
        ),
        Link(name="memberOf", reading="inverse",
             held_by=("group.members", "administrativeUnit.members", "directoryRole.members")),
        Link(name="appRoleAssignedTo", reading="inverse", held_by=("appRoleAssignment.resourceId",)),
        Link(name="appRoleAssignments", reading="inverse", held_by=("appRoleAssignment.principalId",)),
        Link(name="oauth2PermissionGrants", reading="inverse", held_by=("oAuth2PermissionGrant.clientId",)),
        Link(name="delegatedPermissionClassifications", reading="inverse",
             held_by=("delegatedPermissionClassification.@cairn.parent",)),
        Link(name="federatedIdentityCredentials", reading="inverse",
             held_by=("managedIdentityFederatedCredential.@cairn.parent",)),
        Link(name="synchronization", reading="inverse", held_by=("synchronizationJob.@cairn.parent",)),
        Link(name="claimsMappingPolicies", reading="inverse", held_by=("claimsMappingPolicy.appliesTo",)),
        Link(name="homeRealmDiscoveryPolicies", reading="inverse", held_by=("homeRealmDiscoveryPolicy.appliesTo",)),
        Link(name="tokenIssuancePolicies", reading="inverse", held_by=("tokenIssuancePolicy.appliesTo",)),
        Link(name="tokenLifetimePolicies", reading="inverse", held_by=("tokenLifetimePolicy.appliesTo",)),
        Link(name="appManagementPolicies", reading="inverse", held_by=("appManagementPolicy.appliesTo",)),
    ),
    recycle_bin=RecycleBin(
        path="/directory/deletedItems/microsoft.graph.servicePrincipal",
        restore="POST /directory/deletedItems/{id}/restore",
    ),
    read_permissions=("Application.Read.All",),
    write_permissions=("Application.ReadWrite.All",),
    property_write_permissions=(("customSecurityAttributes", "CustomSecAttributeAssignment.ReadWrite.All"),),
    actions=(
        ("passwordCredentials", "POST /servicePrincipals/{key}/addPassword"),
        ("keyCredentials", "POST /servicePrincipals/{key}/addTokenSigningCertificate"),
    ),
    left_as_is=(
        Excluded(words("appRoles displayName homepage info oauth2PermissionScopes replyUrls servicePrincipalNames"),
                 "it comes from the application, where it is restored, and Microsoft Entra brings it from there again"),
        Excluded(("isDisabled",), "it follows the application's own, where it is restored; that of another tenant's "
                 "application is that tenant's to set"),
    ),
    upsert="PATCH /servicePrincipals(appId='{appId}')",
    create_required=("appId",),
    read_only=words("""
        id deletedDateTime appDescription appDisplayName appId appOwnerOrganizationId applicationTemplateId
        createdByAppId disabledByMicrosoftStatus resourceSpecificApplicationPermissions servicePrincipalType
        signInAudience verifiedPublisher
    """),
    immutable=("id", "appId", "servicePrincipalType"),
    secret=("passwordCredentials[].secretText", "keyCredentials[].key of type private"),
    unique=("appId", "servicePrincipalNames"),
    left_alone=(
        LeftAlone(("servicePrincipalType", "ManagedIdentity"), "made and removed by Azure with what it belongs to"),
    ),
    references=(
        Reference("appId", "application", by="appId"),
        Reference("createdByAppId", "application", by="appId", orders=False),
        Reference("agentIdentityBlueprintId", "application", by="appId", orders=False),
        Reference("servicePrincipalNames[]", "application", by="appId", inside_text=True, orders=False),
        Reference("tags[]", "application", by="appId", inside_text=True, orders=False),
    ),
    special_bucket="keyCredentials",
    unconfirmed=(
        "Whether owners can be selected in the delta; until shown, they are read by $expand.",
        "Which links come back when a service principal is restored from the recycle bin.",
        "Whether homepage can be written on the service principal.",
        "Whether Application.ReadWrite.All suffices for sponsors, or AgentIdentity.ReadWrite.All is needed.",
    ),
)

APP_ROLE_ASSIGNMENT = ObjectType(
    name="appRoleAssignment",
    title="App role assignments",
    path="/servicePrincipals/{id}/appRoleAssignedTo",
    graph_type="appRoleAssignment",
    reading="perParent",
    parent="servicePrincipal",
    parent_expand="appRoleAssignedTo",
    page_size=999,
    read_permissions=("Application.Read.All",),
    write_permissions=("AppRoleAssignment.ReadWrite.All", "Application.Read.All"),
    not_updated="all of it is immutable: it is deleted and made anew",
    create_required=("appRoleId", "principalId", "resourceId"),
    read_only=words("""
        id deletedDateTime createdDateTime principalDisplayName principalType resourceDisplayName
    """),
    immutable=("id", "appRoleId", "principalId", "resourceId"),
    volatile=("principalDisplayName", "resourceDisplayName"),
    unique=("appRoleId+principalId+resourceId",),
    references=(
        Reference("resourceId", "servicePrincipal", holder=True),
        Reference("principalId", "user", holder=True, alternatives=("group", "servicePrincipal")),
    ),
    unconfirmed=(
        "Whether a new assignment shows in the service principal's delta; until shown, all are swept each time.",
        "The largest page.",
        "Whether a service principal with exactly 20 shown by $expand has more; it is read again.",
        "Whether role, principal and resource together must be unique.",
    ),
)

OAUTH2_PERMISSION_GRANT = ObjectType(
    name="oAuth2PermissionGrant",
    title="Delegated permission grants",
    path="/oauth2PermissionGrants",
    graph_type="oAuth2PermissionGrant",
    reading="delta",
    page_size=999,
    read_permissions=("Directory.Read.All",),
    write_permissions=("DelegatedPermissionGrant.ReadWrite.All",),
    create_required=("clientId", "consentType", "resourceId", "scope"),
    read_only=("id",),
    immutable=("id", "clientId", "consentType", "principalId", "resourceId"),
    unique=("clientId+resourceId+consentType+principalId",),
    references=(
        Reference("clientId", "servicePrincipal", holder=True),
        Reference("resourceId", "servicePrincipal", holder=True),
        Reference("principalId", "user", holder=True),
    ),
    unconfirmed=("The largest page.", "Whether client, resource, consent type and principal together must be unique."),
)

DELEGATED_PERMISSION_CLASSIFICATION = ObjectType(
    name="delegatedPermissionClassification",
    title="Delegated permission classifications",
    path="/servicePrincipals/{id}/delegatedPermissionClassifications",
    graph_type="delegatedPermissionClassification",
    reading="perParent",
    parent="servicePrincipal",
    parent_where=("oauth2PermissionScopes", "*"),
    key_in_parent=True,
    slow=True,
    read_permissions=("Application.Read.All",),
    write_permissions=("Policy.ReadWrite.PermissionGrant",),
    not_updated="Microsoft Graph does not change a classification: it is deleted and made anew",
    create_required=("permissionId", "classification"),
    read_only=("id",),
    immutable=("id", "permissionId", "classification"),
    unique=("permissionId",),
    references=(Reference("@cairn.parent", "servicePrincipal", holder=True),),
)

SYNCHRONIZATION_JOB = ObjectType(
    name="synchronizationJob",
    title="Provisioning jobs",
    path="/servicePrincipals/{id}/synchronization/jobs",
    graph_type="synchronizationJob",
    reading="perParent",
    parent="servicePrincipal",
    parent_where=("tags", "WindowsAzureActiveDirectoryIntegratedApp"),
    key_in_parent=True,
    slow=True,
    option="provisioning",
    documents=(("schema", "/servicePrincipals/{id}/synchronization/jobs/{key}/schema"),),
    excluded=(Excluded(("bulkUpload",), "an upload under way and no setting"),),
    read_permissions=("Synchronization.Read.All",),
    write_permissions=("Synchronization.ReadWrite.All",),
    create_required=("templateId",),
    actions=(("schema", "PUT /servicePrincipals/{id}/synchronization/jobs/{key}/schema"),),
    read_only=("id", "schema.id", "schema.version", "status"),
    immutable=("id", "templateId"),
    secret=("the credentials of the target system (synchronization/secrets)",),
    volatile=("status",),
    references=(Reference("@cairn.parent", "servicePrincipal", holder=True),),
    unconfirmed=(
        "Whether every service principal with provisioning carries the integrated-application tag.",
        "Whether schedule and settings can be written by PATCH of the job.",
    ),
)

_KEPT_BY_AZURE = (
    "Azure keeps it with the managed identity, and Microsoft Graph shows it only: put it back there (az identity "
    "federated-credential)"
)

MANAGED_IDENTITY_FEDERATED_CREDENTIAL = ObjectType(
    name="managedIdentityFederatedCredential",
    title="Federated credentials of managed identities",
    path="/servicePrincipals/{id}/federatedIdentityCredentials",
    graph_type="federatedIdentityCredential",
    reading="perParent",
    parent="servicePrincipal",
    parent_where=("servicePrincipalType", "ManagedIdentity"),
    slow=True,
    read_permissions=("Application.Read.All",),
    not_updated=_KEPT_BY_AZURE,
    not_deleted=_KEPT_BY_AZURE,
    not_restored=_KEPT_BY_AZURE,
    create_required=("audiences", "issuer", "name"),
    read_only=("id",),
    immutable=("id", "name"),
    unique=("name", "issuer+subject"),
    references=(Reference("@cairn.parent", "servicePrincipal", holder=True),),
    left_alone=(LeftAlone(("id", "*"), _KEPT_BY_AZURE),),
    unconfirmed=(
        (
            "Whether Microsoft Graph lists them for every managed identity: the schema has the list, and its documents "
            "speak of applications only."
        ),
        "Whether a change to one shows in the service principal's delta; every full read asks again.",
    ),
)

ROWS = (
    SERVICE_PRINCIPAL, APP_ROLE_ASSIGNMENT, OAUTH2_PERMISSION_GRANT, DELEGATED_PERMISSION_CLASSIFICATION,
    SYNCHRONIZATION_JOB, MANAGED_IDENTITY_FEDERATED_CREDENTIAL,
)
