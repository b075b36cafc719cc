"""Policies that are made once and assigned to applications or service principals.

An assignment is kept as the policy's link `appliesTo` and written from the side of the one it applies to. Sources:
Microsoft Graph "claimsMappingPolicy", "homeRealmDiscoveryPolicy", "tokenLifetimePolicy", "tokenIssuancePolicy",
"activityBasedTimeoutPolicy resource type", "List appliesTo".
"""

from shared.catalog.row import Excluded, Link, ObjectType


def _applies_to(collection: str, *targets: str) -> Link:
    return Link(
        name="appliesTo", targets=targets, reading="each", permissions=("Application.Read.All",),
        add=f"POST {{targetCollection}}/{{target}}/{collection}/$ref",
        remove=f"DELETE {{targetCollection}}/{{target}}/{collection}/{{id}}/$ref",
        add_body=(("@odata.id", f"{{root}}/policies/{collection}/{{id}}"),),
        write_permissions=("Application.ReadWrite.All",),
        not_revived=True,
        note="not brought back when an application or service principal is restored from the recycle bin",
    )


def _policy(name: str, title: str, collection: str, *targets: str, option: str = "") -> ObjectType:
    """A policy whose content is `definition`, an array of one JSON text."""
    return ObjectType(
        name=name,
        title=title,
        path=f"/policies/{collection}",
        graph_type=name,
        option=option,
        links=(_applies_to(collection, *targets),) if targets else (),
        excluded=() if targets else (Excluded(("appliesTo",), "works only as the organization's default"),),
        read_permissions=("Policy.Read.All",),
        write_permissions=("Policy.ReadWrite.ApplicationConfiguration",),
        create_required=("definition", "displayName"),
        read_only=("id", "deletedDateTime"),
        immutable=("id",),
        unique=("displayName+definition",),
        unconfirmed=("Whether displayName must be unique; at most one may be the organization's default.",),
    )


ROWS = (
    _policy(
        "claimsMappingPolicy", "Claims-mapping policies", "claimsMappingPolicies", "servicePrincipal",
        option="claimsMappingPolicies",
    ),
    _policy(
        "homeRealmDiscoveryPolicy", "Home realm discovery policies", "homeRealmDiscoveryPolicies", "servicePrincipal",
        "application",
    ),
    _policy(
        "tokenLifetimePolicy", "Token lifetime policies", "tokenLifetimePolicies", "application", "servicePrincipal"
    ),
    _policy(
        "tokenIssuancePolicy", "Token issuance policies", "tokenIssuancePolicies", "application", "servicePrincipal"
    ),
    _policy("activityBasedTimeoutPolicy", "Activity-based timeout policies", "activityBasedTimeoutPolicies"),
)
