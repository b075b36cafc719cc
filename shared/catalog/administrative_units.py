"""Administrative units, their members, and the roles that are held over them alone.

Sources: Microsoft Graph "administrativeUnit resource type", "scopedRoleMembership resource type"; Microsoft Entra
"Restricted management administrative units".
"""

from shared.catalog.reasons import EXTENSIONS, FILLED_BY_RULE
from shared.catalog.row import Excluded, LeftAlone, Link, ObjectType, RecycleBin, Reference, words

ADMINISTRATIVE_UNIT = ObjectType(
    name="administrativeUnit",
    title="Administrative units",
    path="/directory/administrativeUnits",
    graph_type="administrativeUnit",
    reading="delta",
    extension_target="AdministrativeUnit",
    delta_clouds=frozenset({"global", "usGovL4", "usGovL5"}),
    select=words("""
        id deletedDateTime description displayName isMemberManagementRestricted membershipRule
        membershipRuleProcessingState membershipType visibility
    """),
    excluded=(Excluded(("extensions",), EXTENSIONS),),
    links=(
        Link(
            name="members", targets=("user", "group", "device"), reading="delta",
            permissions=("Member.Read.Hidden",),
            add="POST /directory/administrativeUnits/{id}/members/$ref",
            remove="DELETE /directory/administrativeUnits/{id}/members/{target}/$ref",
            left_alone=(LeftAlone(("membershipType", "Dynamic"), FILLED_BY_RULE),),
            note="one a request",
        ),
        Link(name="scopedRoleMembers", reading="inverse", held_by=("scopedRoleMembership.administrativeUnitId",)),
    ),
    recycle_bin=RecycleBin(
        path="/directory/deletedItems/microsoft.graph.administrativeUnit",
        restore="POST /directory/deletedItems/{id}/restore",
    ),
    read_permissions=("AdministrativeUnit.Read.All",),
    write_permissions=("AdministrativeUnit.ReadWrite.All",),
    create_required=("displayName",),
    read_only=("id", "deletedDateTime"),
    immutable=("id", "isMemberManagementRestricted"),
    references=(Reference("membershipRule", "group", inside_text=True, orders=False),),
    unconfirmed=(
        "The largest page.",
        "Whether roles held over a unit come back with it from the recycle bin.",
        "Whether visibility `HiddenMembership` can be set after creation.",
    ),
)

SCOPED_ROLE_MEMBERSHIP = ObjectType(
    name="scopedRoleMembership",
    title="Roles over administrative units",
    path="/directory/administrativeUnits/{id}/scopedRoleMembers",
    graph_type="scopedRoleMembership",
    reading="perParent",
    parent="administrativeUnit",
    restored_as="unifiedRoleAssignment",
    read_permissions=("RoleManagement.Read.Directory",),
    write_permissions=("RoleManagement.ReadWrite.Directory",),
    not_updated="all of it is immutable: it is deleted and made anew",
    create_required=("roleId", "roleMemberInfo"),
    read_only=("id",),
    immutable=("id", "administrativeUnitId", "roleId", "roleMemberInfo"),
    unique=("administrativeUnitId+roleId+roleMemberInfo.id",),
    references=(
        Reference("administrativeUnitId", "administrativeUnit", holder=True),
        Reference("roleId", "directoryRole"),
        Reference("roleMemberInfo.id", "user", holder=True, alternatives=("group", "servicePrincipal")),
    ),
)

ROWS = (ADMINISTRATIVE_UNIT, SCOPED_ROLE_MEMBERSHIP)
