"""The screens and the fields that a search on each may name; enumerated values with the names that people see."""

from collections.abc import Mapping

from shared.browse.columns import GROUP_KINDS, USER_TYPES, singular
from shared.browse.search.query import Field, Screen
from shared.catalog import OBJECT_TYPES

_MORE_NAMES: Mapping[str, tuple[str, ...]] = {
    "servicePrincipal": ("Service Principal", "Enterprise application"),
    "application": ("Application", "App registration"),
    "device": ("Device",),
    "groupSetting": ("Directory Setting",),
    "oAuth2PermissionGrant": ("OAuth2PermissionGrant",),
    "countryNamedLocation": ("Country Named Location",),
    "ipNamedLocation": ("IP Named Location",),
    "identitySecurityDefaultsEnforcementPolicy": ("Security Defaults",),
    "authorizationPolicy": ("User Authorization Settings",),
    "authenticationMethodsPolicy": ("User Authentication Settings",),
    "externalIdentitiesPolicy": ("External Identities Settings",),
    "scopedRoleMembership": ("Scoped Role Membership",),
    "directoryRole": ("Directory Role",),
}
"""Names of types besides their own titles."""

CHANGE_TYPES: Mapping[str, tuple[str, ...]] = {
    "changed": ("Changed",),
    "linkAdded": ("Link added",),
    "linkRemoved": ("Link removed",),
    "newObject": ("New object",),
    "softDeleted": ("Object soft deleted", "Soft deleted"),
    "hardDeleted": ("Object hard deleted", "Hard deleted"),
}

TASK_STATUSES: Mapping[str, tuple[str, ...]] = {
    "queued": ("Queued", "Pending"),
    "running": ("Running", "In progress"),
    "succeeded": ("Succeeded", "Completed"),
    "succeededWithWarnings": ("Completed with warnings", "Succeeded with warnings", "Completed"),
    "failed": ("Failed",),
    "cancelled": ("Cancelled", "Canceled"),
}

TASK_TYPES: Mapping[str, tuple[str, ...]] = {
    "backup": ("Backup", "Back up"),
    "unpack": ("Unpack", "Unpack backup"),
    "differences": ("Differences", "Differences report"),
    "restore": ("Restore", "Restore objects"),
    "undo": ("Undo", "Undo restore"),
    "verify": ("Verify", "Verification"),
    "expiry": ("Expiry",),
    "rebuild": ("Rebuild",),
    "export": ("Export",),
}

OBJECT_TYPE_NAMES: Mapping[str, tuple[str, ...]] = {
    name: tuple(dict.fromkeys((row.title, singular(name), row.graph_type, *_MORE_NAMES.get(name, ()))))
    for name, row in OBJECT_TYPES.items()
}

OBJECTS = Screen("objects", (
    Field("displayName"),
    Field("objectType", "choice", OBJECT_TYPE_NAMES),
    Field("backupDate", "time"),
    Field("tenant"),
    Field("userPrincipalName"),
    Field("mail"),
    Field("city"),
    Field("department"),
    Field("jobTitle"),
    Field("description"),
    Field("userType", "choice", USER_TYPES),
    Field("telephoneNumber"),
    Field("groupKind", "choice", GROUP_KINDS),
    Field("objectId"),
))

DIFFERENCES = Screen("differences", (
    Field("objectName"),
    Field("changeType", "choice", CHANGE_TYPES),
    Field("objectType", "choice", OBJECT_TYPE_NAMES),
    Field("changedAttribute"),
    Field("oldValue"),
    Field("newValue"),
    Field("backupDate", "time"),
    Field("objectId"),
    Field("targetName"),
    Field("changedBy"),
))
"""`changedAttribute` of a link's change is `link` and the link's name, so that `link*` finds all of them."""

EVENTS = Screen("events", (
    Field("timestamp", "time"),
    Field("message"),
    Field("object.name"),
    Field("task.name"),
    Field("severity", "choice", {"error": ("Error",), "warning": ("Warning",), "information": ("Information", "Info")}),
    Field("code"),
))

TASKS = Screen("tasks", (
    Field("name"),
    Field("status", "choice", TASK_STATUSES),
    Field("type", "choice", TASK_TYPES),
    Field("modified", "time"),
    Field("created", "time"),
    Field("lastResultDescription"),
    Field("requestedBy"),
))

BACKUPS = Screen("backups", (
    Field("when", "time"),
    Field("backupId"),
    Field("kind", "choice", {
        "full": ("Full",), "incremental": ("Incremental",), "beforeRestore": ("Before restore",),
    }),
    Field("outcome", "choice", {"complete": ("Complete",), "partial": ("Partial",)}),
    Field("status", "choice", {"packed": ("Packed",), "unpacked": ("Unpacked",)}),
))

TENANTS = Screen("tenants", (
    Field("displayName"),
    Field("tenantId"),
    Field("cloud", "choice", {"global": ("Global",), "usGovL4": (), "usGovL5": (), "china": ("China",)}),
    Field("kind", "choice", {"workforce": ("Workforce",), "b2c": ("B2C",), "external": ("External",)}),
))
