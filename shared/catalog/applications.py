"""Application registrations: the definitions that service principals are instances of.

Sources: Microsoft Graph "application resource type", "Update application", "Upsert application", "keyCredential".
"""

from shared.catalog.row import Excluded, Link, ObjectType, RecycleBin, Reference, Subtype, words

APPLICATION = ObjectType(
    name="application",
    title="Application registrations",
    path="/applications",
    graph_type="application",
    reading="delta",
    extension_target="Application",
    page_size=999,
    select=words("""
        id deletedDateTime addIns api appId appRoles applicationTemplateId authenticationBehaviors
        certification createdByAppId createdDateTime defaultRedirectUri description disabledByMicrosoftStatus
        displayName groupMembershipClaims identifierUris info isDeviceOnlyAuthSupported isDisabled
        isFallbackPublicClient keyCredentials nativeAuthenticationApisEnabled notes oauth2RequirePostResponse
        optionalClaims parentalControlSettings passwordCredentials publicClient publisherDomain
        requestSignatureVerification requiredResourceAccess samlMetadataUrl serviceManagementReference
        servicePrincipalLockConfiguration signInAudience spa tags tokenEncryptionKeyId uniqueName
        verifiedPublisher web
    """),
    singly=("keyCredentials",),
    singly_where=("keyCredentials", "*"),
    streams=("logo",),
    streams_where=("info.logoUrl", "*"),
    subtypes=(
        Subtype(
            name="agentIdentityBlueprint", title="Agent identity blueprints", properties=("managerApplications",),
            path="/applications/{key}/microsoft.graph.agentIdentityBlueprint",
        ),
    ),
    excluded=(
        Excluded(("createdOnBehalfOf",), "a record of how the application was made: it cannot be written"),
        Excluded(("inheritablePermissions",), "read as an object type of its own"),
        Excluded(("synchronization",), "provisioning runs on the service principal, where it is read"),
    ),
    links=(
        Link(
            name="owners", targets=("user", "servicePrincipal"), reading="expand",
            add="POST /applications/{id}/owners/$ref", remove="DELETE /applications/{id}/owners/{target}/$ref",
            write_permissions=("Application.ReadWrite.All", "Directory.Read.All"), note="at most 100",
        ),
        Link(
            name="sponsors", targets=("user", "group"), reading="each", slow=True,
            where=("@odata.type", "#microsoft.graph.agentIdentity*"), path="/applications/{id}/{odataType}/sponsors",
            add="POST /applications/{id}/microsoft.graph.agentIdentityBlueprint/sponsors/$ref",
            remove="DELETE /applications/{id}/microsoft.graph.agentIdentityBlueprint/sponsors/{target}/$ref",
            write_permissions=("Application.ReadWrite.All", "User.Read.All"),
            note="agent identity blueprints only",
        ),
        Link(name="federatedIdentityCredentials", reading="inverse",
             held_by=("federatedIdentityCredential.@cairn.parent",)),
        Link(name="extensionProperties", reading="inverse", held_by=("extensionProperty.@cairn.parent",)),
        Link(name="tokenIssuancePolicies", reading="inverse", held_by=("tokenIssuancePolicy.appliesTo",)),
        Link(name="tokenLifetimePolicies", reading="inverse", held_by=("tokenLifetimePolicy.appliesTo",)),
        Link(name="homeRealmDiscoveryPolicies", reading="inverse", held_by=("homeRealmDiscoveryPolicy.appliesTo",)),
        Link(name="appManagementPolicies", reading="inverse", held_by=("appManagementPolicy.appliesTo",)),
    ),
    recycle_bin=RecycleBin(
        path="/directory/deletedItems/microsoft.graph.application",
        restore="POST /directory/deletedItems/{id}/restore",
    ),
    read_permissions=("Application.Read.All",),
    write_permissions=("Application.ReadWrite.All",),
    delegated_only="verifiedPublisher can be set by a signed-in administrator only",
    actions=(("passwordCredentials", "POST /applications/{key}/addPassword"), ("logo", "PUT /applications/{key}/logo")),
    alone=("isDisabled", "samlMetadataUrl"),
    upsert="PATCH /applications(uniqueName='{uniqueName}')",
    create_required=("displayName",),
    read_only=words("""
        id deletedDateTime appId applicationTemplateId appRoles[].origin certification createdByAppId
        createdDateTime disabledByMicrosoftStatus info.logoUrl publisherDomain uniqueName verifiedPublisher
    """),
    immutable=("id", "appId", "createdByAppId", "createdDateTime", "uniqueName"),
    secret=("passwordCredentials[].secretText", "keyCredentials[].key of type private"),
    unique=("identifierUris", "uniqueName", "appId"),
    references=(
        Reference("requiredResourceAccess[].resourceAppId", "servicePrincipal", by="appId", orders=False),
        Reference("api.knownClientApplications[]", "application", by="appId", orders=False),
        Reference("api.preAuthorizedApplications[].appId", "application", by="appId", orders=False),
        Reference("createdByAppId", "application", by="appId", orders=False),
        Reference("managerApplications[]", "application", by="appId", orders=False),
        Reference("identifierUris[]", "application", by="appId", inside_text=True, orders=False),
        Reference("tags[]", "application", by="appId", inside_text=True, orders=False),
    ),
    special_bucket="keyCredentials",
    unconfirmed=(
        "Whether owners can be selected in the delta; until shown, they are read by $expand.",
        "Whether a change to federated credentials or extension properties shows in the application's delta.",
        "Whether the identifierUris of a soft-deleted application stay taken.",
        "Whether the creator becomes an owner by itself.",
        "Whether samlMetadataUrl is taken by PATCH; it goes in one of its own.",
        "Whether Application.ReadWrite.All suffices for sponsors, or AgentIdentityBlueprint.ReadWrite.All is needed.",
    ),
)

FEDERATED_IDENTITY_CREDENTIAL = ObjectType(
    name="federatedIdentityCredential",
    title="Federated credentials of applications",
    path="/applications/{id}/federatedIdentityCredentials",
    graph_type="federatedIdentityCredential",
    reading="perParent",
    parent="application",
    parent_expand="federatedIdentityCredentials",
    read_permissions=("Application.Read.All",),
    write_permissions=("Application.ReadWrite.All",),
    create_required=("audiences", "issuer", "name"),
    read_only=("id",),
    immutable=("id", "name"),
    unique=("name", "issuer+subject"),
    references=(Reference("@cairn.parent", "application", holder=True),),
    unconfirmed=("Whether a change to one shows in the application's delta; until shown, all are read each time.",),
)

EXTENSION_PROPERTY = ObjectType(
    name="extensionProperty",
    title="Directory extensions",
    path="/applications/{id}/extensionProperties",
    graph_type="extensionProperty",
    reading="perParent",
    parent="application",
    parent_expand="extensionProperties",
    slow=True,
    read_permissions=("Application.Read.All",),
    write_permissions=("Application.ReadWrite.All",),
    not_updated="Microsoft Graph does not change a directory extension: it is deleted and made anew",
    create_required=("dataType", "name", "targetObjects"),
    read_only=("id", "deletedDateTime", "appDisplayName", "isSyncedFromOnPremises"),
    immutable=("id", "name", "dataType", "targetObjects", "isMultiValued"),
    unique=("name",),
    references=(Reference("@cairn.parent", "application", holder=True),),
    unconfirmed=(
        (
            "The name carries the application's appId: under a re-created application it is a new attribute, and "
            "values on users and groups are written under the new name."
        ),
    ),
)

INHERITABLE_PERMISSION = ObjectType(
    name="inheritablePermission",
    title="Inheritable permissions of agent identity blueprints",
    path="/applications/{id}/microsoft.graph.agentIdentityBlueprint/inheritablePermissions",
    graph_type="inheritablePermission",
    reading="perParent",
    parent="application",
    parent_where=("@odata.type", "#microsoft.graph.agentIdentityBlueprint"),
    key="resourceAppId",
    key_in_parent=True,
    slow=True,
    read_permissions=("Application.Read.All",),
    write_permissions=("AgentIdentityBlueprint.ReadWrite.All",),
    clouds=frozenset({"global"}),
    create_required=("resourceAppId", "inheritableScopes"),
    read_only=("inheritableScopes.kind",),
    immutable=("resourceAppId",),
    references=(
        Reference("@cairn.parent", "application", holder=True),
        Reference("resourceAppId", "servicePrincipal", by="appId", orders=False),
    ),
    unconfirmed=("Whether clouds beside the global one have agent identities: the pages name none.",),
)

ROWS = (APPLICATION, FEDERATED_IDENTITY_CREDENTIAL, EXTENSION_PROPERTY, INHERITABLE_PERMISSION)
