"""Conditional Access: policies and what they are built from.

Policies and named locations share a bucket of one request a second for the whole tenant and all apps, without
Retry-After. Sources: Microsoft Graph "conditionalAccessPolicy", "namedLocation", "authenticationStrengthPolicy",
"authenticationContextClassReference", "agreement resource type", "policyDeletableItem".
"""

from shared.catalog.reasons import EVIDENCE
from shared.catalog.row import Cloud, Excluded, LeftAlone, ObjectType, RecycleBin, Reference, words

_GLOBAL: frozenset[Cloud] = frozenset({"global"})
_USERS = ("All", "None", "GuestsOrExternalUsers")
_APPLICATIONS = words("All None Office365 MicrosoftAdminPortals AllAgentIdResources")
_LOCATIONS = ("All", "AllTrusted", "00000000-0000-0000-0000-000000000000")
_BIN_UNCONFIRMED = (
    "Whether an application may restore it from the recycle bin: the documents list no permission for it.",
    "The largest page.",
)

IP_NAMED_LOCATION = ObjectType(
    name="ipNamedLocation",
    title="Named locations by IP range",
    path="/identity/conditionalAccess/namedLocations",
    graph_type="ipNamedLocation",
    odata_type="#microsoft.graph.ipNamedLocation",
    special_bucket="conditionalAccess",
    recycle_bin=RecycleBin(
        path="/identity/conditionalAccess/deletedItems/namedLocations",
        restore="POST /identity/conditionalAccess/deletedItems/namedLocations/{id}/restore",
        clouds=_GLOBAL,
    ),
    read_permissions=("Policy.Read.All",),
    write_permissions=("Policy.Read.All", "Policy.ReadWrite.ConditionalAccess"),
    create_required=("@odata.type", "displayName", "ipRanges"),
    read_only=("id", "createdDateTime", "modifiedDateTime", "deletedDateTime"),
    immutable=("id", "@odata.type"),
    unique=("displayName",),
    unconfirmed=(
        *_BIN_UNCONFIRMED,
        "Whether a trusted location must lose isTrusted before it can be deleted.",
        "Whether displayName must be unique.",
    ),
)

COUNTRY_NAMED_LOCATION = ObjectType(
    name="countryNamedLocation",
    title="Named locations by country",
    path="/identity/conditionalAccess/namedLocations",
    graph_type="countryNamedLocation",
    odata_type="#microsoft.graph.countryNamedLocation",
    special_bucket="conditionalAccess",
    recycle_bin=RecycleBin(
        path="/identity/conditionalAccess/deletedItems/namedLocations",
        restore="POST /identity/conditionalAccess/deletedItems/namedLocations/{id}/restore",
        clouds=_GLOBAL,
    ),
    read_permissions=("Policy.Read.All",),
    write_permissions=("Policy.Read.All", "Policy.ReadWrite.ConditionalAccess"),
    create_required=("@odata.type", "displayName", "countriesAndRegions"),
    read_only=("id", "createdDateTime", "modifiedDateTime", "deletedDateTime"),
    immutable=("id", "@odata.type"),
    unique=("displayName",),
    unconfirmed=(*_BIN_UNCONFIRMED, "Whether displayName must be unique."),
)

AUTHENTICATION_CONTEXT = ObjectType(
    name="authenticationContextClassReference",
    title="Authentication contexts",
    path="/identity/conditionalAccess/authenticationContextClassReferences",
    graph_type="authenticationContextClassReference",
    special_bucket="conditionalAccess",
    read_permissions=("AuthenticationContext.Read.All",),
    write_permissions=("AuthenticationContext.ReadWrite.All",),
    create_required=("id", "displayName"),
    immutable=("id",),
    unique=("id",),
    unconfirmed=("Whether authentication contexts count against the Conditional Access quota; taken so.",),
)

AUTHENTICATION_STRENGTH = ObjectType(
    name="authenticationStrengthPolicy",
    title="Authentication strengths",
    path="/policies/authenticationStrengthPolicies",
    graph_type="authenticationStrengthPolicy",
    inline=("combinationConfigurations",),
    read_permissions=("Policy.Read.AuthenticationMethod",),
    write_permissions=("Policy.ReadWrite.ConditionalAccess",),
    actions=(
        ("allowedCombinations", "POST /policies/authenticationStrengthPolicies/{key}/updateAllowedCombinations"),
        ("combinationConfigurations", "POST /policies/authenticationStrengthPolicies/{key}/combinationConfigurations"),
    ),
    create_required=("displayName", "allowedCombinations"),
    read_only=(
        "id", "createdDateTime", "modifiedDateTime", "policyType", "requirementsSatisfied",
        "combinationConfigurations[].id",
    ),
    immutable=("id", "policyType"),
    unique=("displayName",),
    left_alone=(LeftAlone(("policyType", "builtIn"), "built into every tenant and the same in all"),),
    unconfirmed=(
        "That every answer holds combination configurations unasked, as the documented examples do.",
        "Whether a strength that a policy uses can be deleted.",
        "Whether displayName must be unique.",
    ),
)

AGREEMENT = ObjectType(
    name="agreement",
    title="Terms of use",
    path="/identityGovernance/termsOfUse/agreements",
    graph_type="agreement",
    documents=(("file", "/identityGovernance/termsOfUse/agreements/{key}/file?$expand=localizations"),),
    excluded=(
        Excluded(("acceptances",), EVIDENCE),
        Excluded(("files",), "being retired by Microsoft in favour of `file`, which is read"),
    ),
    read_permissions=("Agreement.Read.All",),
    delegated_read="Microsoft documents terms of use for signed-in users only, though an application role exists",
    delegated_only="terms of use are written by a signed-in administrator (delegated Agreement.ReadWrite.All)",
    create_required=("displayName", "isViewingBeforeAcceptanceRequired", "file"),
    read_only=("id",),
    immutable=("id",),
    unique=("displayName",),
    unconfirmed=(
        "Whether an application with Agreement.Read.All or Agreement.ReadWrite.All is let in.",
        "Whether the answer holds the PDF of every language.",
        "Terms of use made anew have a new id: everyone must accept them again.",
    ),
)

CONDITIONAL_ACCESS_POLICY = ObjectType(
    name="conditionalAccessPolicy",
    title="Conditional Access policies",
    path="/identity/conditionalAccess/policies",
    graph_type="conditionalAccessPolicy",
    special_bucket="conditionalAccess",
    recycle_bin=RecycleBin(
        path="/identity/conditionalAccess/deletedItems/policies",
        restore="POST /identity/conditionalAccess/deletedItems/policies/{id}/restore",
        clouds=_GLOBAL,
    ),
    read_permissions=("Policy.Read.All",),
    write_permissions=("Policy.Read.All", "Policy.ReadWrite.ConditionalAccess", "Application.Read.All"),
    create_required=("displayName", "state", "conditions"),
    read_only=("id", "createdDateTime", "modifiedDateTime", "deletedDateTime", "templateId"),
    immutable=("id",),
    unique=("displayName",),
    references=(
        Reference("conditions.users.includeUsers[]", "user", words=_USERS),
        Reference("conditions.users.excludeUsers[]", "user", words=_USERS),
        Reference("conditions.users.includeGroups[]", "group", words=("All",)),
        Reference("conditions.users.excludeGroups[]", "group", words=("All",)),
        Reference("conditions.users.includeRoles[]", "unifiedRoleDefinition", by="templateId", words=("All",)),
        Reference("conditions.users.excludeRoles[]", "unifiedRoleDefinition", by="templateId", words=("All",)),
        Reference("conditions.applications.includeApplications[]", "servicePrincipal", by="appId", words=_APPLICATIONS),
        Reference("conditions.applications.excludeApplications[]", "servicePrincipal", by="appId", words=_APPLICATIONS),
        Reference(
            "conditions.applications.includeAuthenticationContextClassReferences[]",
            "authenticationContextClassReference",
        ),
        Reference(
            "conditions.applications.applicationFilter.rule", "customSecurityAttributeDefinition", inside_text=True
        ),
        Reference(
            "conditions.clientApplications.includeServicePrincipals[]", "servicePrincipal",
            words=("ServicePrincipalsInMyTenant",),
        ),
        Reference("conditions.clientApplications.excludeServicePrincipals[]", "servicePrincipal"),
        Reference(
            "conditions.clientApplications.servicePrincipalFilter.rule", "customSecurityAttributeDefinition",
            inside_text=True,
        ),
        Reference(
            "conditions.locations.includeLocations[]", "ipNamedLocation", alternatives=("countryNamedLocation",),
            words=_LOCATIONS,
        ),
        Reference(
            "conditions.locations.excludeLocations[]", "ipNamedLocation", alternatives=("countryNamedLocation",),
            words=_LOCATIONS,
        ),
        Reference("grantControls.termsOfUse[]", "agreement"),
        Reference("grantControls.authenticationStrength.id", "authenticationStrengthPolicy"),
    ),
    after_links=True,
    unconfirmed=(
        *_BIN_UNCONFIRMED,
        "Whether PATCH replaces conditions and controls whole; full ones are sent.",
        "Whether an authentication strength is taken by its id alone.",
        "Whether policies that Microsoft manages can be deleted or made anew.",
        "Whether security defaults must be off before a policy can be on.",
        "displayName need not be unique, so a repeated creation compares conditions too.",
    ),
)

ROWS = (
    CONDITIONAL_ACCESS_POLICY, IP_NAMED_LOCATION, COUNTRY_NAMED_LOCATION, AUTHENTICATION_CONTEXT,
    AUTHENTICATION_STRENGTH, AGREEMENT,
)
