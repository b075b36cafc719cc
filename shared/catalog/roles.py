"""Directory roles: who may administer what, permanently or through Privileged Identity Management (PIM).

One fact may show three times: a member of an activated role is a role assignment over the whole directory, and a
permanent one is a PIM schedule without an end. All are captured as shown; `restored_as` says which one counts.
Sources: Microsoft Graph "directoryRole", "unifiedRoleDefinition", "unifiedRoleAssignment",
"unifiedRoleEligibilitySchedule", "unifiedRoleAssignmentSchedule", "unifiedRoleManagementPolicy resource type".
"""

from shared.catalog.reasons import DERIVED, INHERITED, SAME_BY_ID
from shared.catalog.row import Cloud, Excluded, LeftAlone, Link, ObjectType, RecycleBin, Reference, words

_PIM_CLOUDS: frozenset[Cloud] = frozenset({"global", "usGovL4", "usGovL5", "china"})
_PRINCIPAL = Reference("principalId", "user", holder=True, alternatives=("group", "servicePrincipal"))
_ROLE = Reference("roleDefinitionId", "unifiedRoleDefinition", holder=True)
_SCOPE = Reference(
    "directoryScopeId", "administrativeUnit", alternatives=("application", "servicePrincipal"), words=("/",),
    inside_text=True, holder=True,
)
_SCHEDULES_UNCONFIRMED = (
    "Whether a start in the past is taken; it is sent as now.", "Without a P2 licence the type is refused.",
)
_SCHEDULE_READ_ONLY = words("id createdDateTime createdUsing modifiedDateTime status memberType")

DIRECTORY_ROLE = ObjectType(
    name="directoryRole",
    title="Activated directory roles",
    path="/directoryRoles",
    graph_type="directoryRole",
    reading="delta",
    # Named, since only examples show that `members` is tracked where nothing is selected ("directoryRole: delta").
    select=words("id deletedDateTime description displayName roleTemplateId"),
    excluded=(
        Excluded(("scopedMembers",), "the same as the roles over administrative units, which are read there"),
    ),
    links=(
        Link(
            name="members", targets=("user", "group", "servicePrincipal"), reading="delta",
            restored_as="unifiedRoleAssignment",
            add="POST /directoryRoles/{id}/members/$ref", remove="DELETE /directoryRoles/{id}/members/{target}/$ref",
        ),
    ),
    read_permissions=("RoleManagement.Read.Directory",),
    write_permissions=("RoleManagement.ReadWrite.Directory",),
    not_updated="built-in roles are the same in every tenant",
    not_deleted="a role that was activated stays so",
    create_required=("roleTemplateId",),
    read_only=("id", "deletedDateTime", "description", "displayName"),
    immutable=("id", "roleTemplateId"),
    volatile=("description",),
    unique=("roleTemplateId",),
)

ROLE_DEFINITION = ObjectType(
    name="unifiedRoleDefinition",
    title="Role definitions",
    path="/roleManagement/directory/roleDefinitions",
    graph_type="unifiedRoleDefinition",
    excluded=(Excluded(("inheritsPermissionsFrom",), "only built-in roles inherit, and these cannot be written"),),
    recycle_bin=RecycleBin(
        path="/roleManagement/directory/deletedItems/roleDefinitions",
        restore="POST /roleManagement/directory/deletedItems/roleDefinitions/{id}/restore",
        version="beta",
        not_for="built-in roles, which cannot be deleted",
    ),
    read_permissions=("RoleManagement.Read.Directory",),
    write_permissions=("RoleManagement.ReadWrite.Directory",),
    create_required=("displayName", "rolePermissions", "isEnabled"),
    read_only=("id", "isBuiltIn", "version"),
    immutable=("id", "isBuiltIn", "templateId"),
    left_as_is=(
        Excluded(("resourceScopes",), "Microsoft asks not to use it: the scope belongs to each assignment"),
    ),
    unique=("displayName",),
    left_alone=(LeftAlone(("isBuiltIn", "true"), "built into every tenant and changed by Microsoft alone"),),
    unconfirmed=(
        "How long a deleted custom role can be restored.",
        "Whether a custom role made anew with its old templateId gets it as its id too.",
        "Whether version can be written, and whether isEnabled is required.",
    ),
)

ROLE_ASSIGNMENT = ObjectType(
    name="unifiedRoleAssignment",
    title="Role assignments",
    path="/roleManagement/directory/roleAssignments",
    graph_type="unifiedRoleAssignment",
    excluded=(Excluded(("appScope", "directoryScope", "principal", "roleDefinition"), SAME_BY_ID),),
    read_permissions=("RoleManagement.Read.Directory",),
    write_permissions=("RoleManagement.ReadWrite.Directory",),
    not_updated="all of it is immutable: it is deleted and made anew",
    create_required=("principalId", "roleDefinitionId", "directoryScopeId"),
    read_only=("id", "principalOrganizationId"),
    immutable=words("id principalId roleDefinitionId directoryScopeId appScopeId condition"),
    unique=("principalId+roleDefinitionId+directoryScopeId",),
    references=(_PRINCIPAL, _ROLE, _SCOPE),
    unconfirmed=(
        (
            "Which assignments are there only because someone activated an eligible role: told apart by comparing "
            "with the active schedules."
        ),
        "The largest page.",
    ),
)

ROLE_ELIGIBILITY_SCHEDULE = ObjectType(
    name="unifiedRoleEligibilitySchedule",
    title="Eligible role assignments",
    path="/roleManagement/directory/roleEligibilitySchedules",
    graph_type="unifiedRoleEligibilitySchedule",
    clouds=_PIM_CLOUDS,
    excluded=(Excluded(("appScope", "directoryScope", "principal", "roleDefinition"), SAME_BY_ID),),
    read_permissions=("RoleEligibilitySchedule.Read.Directory",),
    write_permissions=("RoleEligibilitySchedule.ReadWrite.Directory",),
    create="POST /roleManagement/directory/roleEligibilityScheduleRequests",
    update="POST /roleManagement/directory/roleEligibilityScheduleRequests",
    delete="POST /roleManagement/directory/roleEligibilityScheduleRequests",
    create_required=words("action principalId roleDefinitionId directoryScopeId scheduleInfo"),
    read_only=_SCHEDULE_READ_ONLY,
    immutable=words("id principalId roleDefinitionId directoryScopeId appScopeId"),
    volatile=("modifiedDateTime",),
    unique=("principalId+roleDefinitionId+directoryScopeId",),
    references=(_PRINCIPAL, _ROLE, _SCOPE),
    after=("unifiedRoleManagementPolicy",),
    left_alone=(LeftAlone(("memberType", "Group|Inherited"), INHERITED),),
    unconfirmed=(
        "Whether `noExpiration` needs the role's policy to allow it; a start in the past is sent as now.",
        "Without a P2 licence the type is refused.",
    ),
)

ROLE_ASSIGNMENT_SCHEDULE = ObjectType(
    name="unifiedRoleAssignmentSchedule",
    title="Active role assignments under PIM",
    path="/roleManagement/directory/roleAssignmentSchedules",
    graph_type="unifiedRoleAssignmentSchedule",
    clouds=_PIM_CLOUDS,
    excluded=(
        Excluded(("appScope", "directoryScope", "principal", "roleDefinition"), SAME_BY_ID),
        Excluded(("activatedUsing",), "which eligible assignment someone used for an activation that ends by itself"),
    ),
    restored_as="unifiedRoleAssignment",
    restored_as_where=("scheduleInfo.expiration.type", "noExpiration"),
    read_permissions=("RoleAssignmentSchedule.Read.Directory",),
    write_permissions=("RoleAssignmentSchedule.ReadWrite.Directory",),
    create="POST /roleManagement/directory/roleAssignmentScheduleRequests",
    update="POST /roleManagement/directory/roleAssignmentScheduleRequests",
    delete="POST /roleManagement/directory/roleAssignmentScheduleRequests",
    create_required=words("action principalId roleDefinitionId directoryScopeId scheduleInfo"),
    read_only=(*_SCHEDULE_READ_ONLY, "assignmentType"),
    immutable=words("id principalId roleDefinitionId directoryScopeId appScopeId"),
    volatile=("modifiedDateTime",),
    unique=("principalId+roleDefinitionId+directoryScopeId",),
    references=(_PRINCIPAL, _ROLE, _SCOPE),
    after=("unifiedRoleManagementPolicy",),
    left_alone=(
        LeftAlone(("assignmentType", "Activated"), "an activation that its owner made and that ends by itself"),
        LeftAlone(("memberType", "Group|Inherited"), INHERITED),
    ),
    unconfirmed=_SCHEDULES_UNCONFIRMED,
)

ROLE_MANAGEMENT_POLICY = ObjectType(
    name="unifiedRoleManagementPolicy",
    title="PIM settings of roles",
    path="/policies/roleManagementPolicies",
    graph_type="unifiedRoleManagementPolicy",
    filter="scopeId eq '/' and scopeType eq 'DirectoryRole'",
    expand=("rules",),
    excluded=(Excluded(("effectiveRules",), DERIVED),),
    read_permissions=("RoleManagement.Read.Directory",),
    write_permissions=("RoleManagementPolicy.ReadWrite.Directory",),
    actions=(("rules", "PATCH /policies/roleManagementPolicies/{key}/rules/{ruleId}"),),
    not_updated="only its rules change, each by a request of its own",
    not_deleted="every role has exactly one",
    read_only=words("""
        id displayName description isOrganizationDefault lastModifiedBy lastModifiedDateTime scopeId scopeType
    """),
    immutable=("id", "scopeId", "scopeType"),
    volatile=("lastModifiedBy", "lastModifiedDateTime"),
    references=(
        Reference("rules[].setting.approvalStages[].primaryApprovers[].userId", "user"),
        Reference("rules[].setting.approvalStages[].primaryApprovers[].groupId", "group"),
        Reference("rules[].setting.approvalStages[].escalationApprovers[].userId", "user"),
        Reference("rules[].setting.approvalStages[].escalationApprovers[].groupId", "group"),
        Reference("rules[].claimValue", "authenticationContextClassReference"),
    ),
    not_restored="Microsoft Entra makes one for each role by itself; its rules are written on the one that is there",
    unconfirmed=(
        (
            "Whether an application may change the rules: the path is documented for signed-in users, though an "
            "application role exists."
        ),
        "Whether the list must be filtered by scopeId and scopeType; it is.",
    ),
)

ROLE_MANAGEMENT_POLICY_ASSIGNMENT = ObjectType(
    name="unifiedRoleManagementPolicyAssignment",
    title="Which PIM settings a role has",
    path="/policies/roleManagementPolicyAssignments",
    graph_type="unifiedRoleManagementPolicyAssignment",
    filter="scopeId eq '/' and scopeType eq 'DirectoryRole'",
    excluded=(Excluded(("policy",), SAME_BY_ID),),
    read_permissions=("RoleManagement.Read.Directory",),
    reference_only=True,
    read_only=words("id policyId roleDefinitionId scopeId scopeType"),
    immutable=("id",),
    references=(
        Reference("policyId", "unifiedRoleManagementPolicy"),
        Reference("roleDefinitionId", "unifiedRoleDefinition"),
    ),
    not_restored="policy ids differ from tenant to tenant: it tells which role a policy belongs to",
)

ROWS = (
    DIRECTORY_ROLE, ROLE_DEFINITION, ROLE_ASSIGNMENT, ROLE_ELIGIBILITY_SCHEDULE, ROLE_ASSIGNMENT_SCHEDULE,
    ROLE_MANAGEMENT_POLICY, ROLE_MANAGEMENT_POLICY_ASSIGNMENT,
)
