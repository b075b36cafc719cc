"""Privileged Identity Management of groups: who is eligible to be a member or owner, and by which settings.

Sources: Microsoft Graph "privilegedAccessGroupEligibilitySchedule resource type", "List
roleManagementPolicyAssignments", "Govern membership and ownership of groups by using PIM for Groups".
"""

from shared.catalog.reasons import INHERITED, SAME_BY_ID
from shared.catalog.row import Cloud, Excluded, LeftAlone, ObjectType, Reference, words

_PIM_CLOUDS: frozenset[Cloud] = frozenset({"global", "usGovL4", "usGovL5", "china"})
_SCHEDULES_UNCONFIRMED = (
    "Whether a start in the past is taken; it is sent as now.", "Without a P2 licence the type is refused.",
)
_GROUP_PIM = words("id createdDateTime createdUsing modifiedDateTime status memberType")
_GROUP_REFERENCES = (
    Reference("groupId", "group", holder=True),
    Reference("principalId", "user", holder=True, alternatives=("group", "servicePrincipal")),
)

GROUP_ELIGIBILITY_SCHEDULE = ObjectType(
    name="privilegedAccessGroupEligibilitySchedule",
    title="Eligible members and owners of groups under PIM",
    path="/identityGovernance/privilegedAccess/group/eligibilitySchedules",
    graph_type="privilegedAccessGroupEligibilitySchedule",
    reading="perParent",
    parent="group",
    parent_where=("groupKind", "security|microsoft365"),
    filter="groupId eq '{id}'",
    slow=True,
    clouds=_PIM_CLOUDS,
    excluded=(Excluded(("group", "principal"), SAME_BY_ID),),
    read_permissions=("PrivilegedEligibilitySchedule.Read.AzureADGroup",),
    write_permissions=("PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup",),
    create="POST /identityGovernance/privilegedAccess/group/eligibilityScheduleRequests",
    update="POST /identityGovernance/privilegedAccess/group/eligibilityScheduleRequests",
    delete="POST /identityGovernance/privilegedAccess/group/eligibilityScheduleRequests",
    create_required=words("action accessId groupId principalId scheduleInfo"),
    read_only=_GROUP_PIM,
    immutable=("id", "accessId", "groupId", "principalId"),
    volatile=("modifiedDateTime",),
    unique=("accessId+groupId+principalId",),
    references=_GROUP_REFERENCES,
    after=("groupRoleManagementPolicy",),
    left_alone=(LeftAlone(("memberType", "group|inherited"), INHERITED),),
    unconfirmed=_SCHEDULES_UNCONFIRMED,
)

GROUP_ASSIGNMENT_SCHEDULE = ObjectType(
    name="privilegedAccessGroupAssignmentSchedule",
    title="Active members and owners of groups under PIM",
    path="/identityGovernance/privilegedAccess/group/assignmentSchedules",
    graph_type="privilegedAccessGroupAssignmentSchedule",
    reading="perParent",
    parent="group",
    parent_where=("groupKind", "security|microsoft365"),
    filter="groupId eq '{id}'",
    slow=True,
    clouds=_PIM_CLOUDS,
    excluded=(
        Excluded(("group", "principal"), SAME_BY_ID),
        Excluded(("activatedUsing",), "which eligible assignment someone used for an activation that ends by itself"),
    ),
    restored_as="group",
    restored_as_where=("scheduleInfo.expiration.type", "noExpiration"),
    read_permissions=("PrivilegedAssignmentSchedule.Read.AzureADGroup",),
    write_permissions=("PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup",),
    create="POST /identityGovernance/privilegedAccess/group/assignmentScheduleRequests",
    update="POST /identityGovernance/privilegedAccess/group/assignmentScheduleRequests",
    delete="POST /identityGovernance/privilegedAccess/group/assignmentScheduleRequests",
    create_required=words("action accessId groupId principalId scheduleInfo"),
    read_only=(*_GROUP_PIM, "assignmentType"),
    immutable=("id", "accessId", "groupId", "principalId"),
    volatile=("modifiedDateTime",),
    unique=("accessId+groupId+principalId",),
    references=_GROUP_REFERENCES,
    after=("groupRoleManagementPolicy",),
    left_alone=(
        LeftAlone(("assignmentType", "activated"), "an activation that its owner made and that ends by itself"),
        LeftAlone(("memberType", "group|inherited"), INHERITED),
    ),
    unconfirmed=_SCHEDULES_UNCONFIRMED,
)

_RULES = "policy.rules[]"
_APPROVERS = f"{_RULES}.setting.approvalStages[]"

GROUP_ROLE_MANAGEMENT_POLICY = ObjectType(
    name="groupRoleManagementPolicy",
    title="PIM settings of groups",
    path="/policies/roleManagementPolicyAssignments",
    graph_type="unifiedRoleManagementPolicyAssignment",
    reading="perParent",
    parent="group",
    # Groups that show no sign of PIM have Microsoft's defaults, and asking for all groups is advised against.
    parent_where=("isAssignableToRole", "true"),
    parent_named_by=(
        "privilegedAccessGroupEligibilitySchedule.groupId", "privilegedAccessGroupAssignmentSchedule.groupId",
    ),
    # Known as the member or owner settings of its group: ids change when PIM takes the group on.
    key="roleDefinitionId",
    key_in_parent=True,
    filter="scopeId eq '{id}' and scopeType eq 'Group'",
    expand=("policy($expand=rules)",),
    slow=True,
    clouds=_PIM_CLOUDS,
    read_permissions=("RoleManagementPolicy.Read.AzureADGroup",),
    write_permissions=("RoleManagementPolicy.ReadWrite.AzureADGroup",),
    actions=(("policy", "PATCH /policies/roleManagementPolicies/{policyId}/rules/{ruleId}"),),
    not_updated="only its rules change, each by a request of its own",
    not_deleted="a group has one for its members and one for its owners",
    not_restored="Microsoft Entra makes them for each group by itself; the rules are written on those that are there",
    comes_with_parent=True,
    read_only=words("id policyId roleDefinitionId scopeId scopeType"),
    immutable=("id", "roleDefinitionId", "scopeId", "scopeType"),
    volatile=("id", "policyId", "policy.id", "policy.lastModifiedDateTime", "policy.lastModifiedBy"),
    references=(
        Reference("@cairn.parent", "group", holder=True),
        Reference("scopeId", "group"),
        Reference("policy.scopeId", "group"),
        *(Reference(f"{_APPROVERS}.{approvers}[].{by}", target) for approvers in ("primaryApprovers",
          "escalationApprovers") for by, target in (("userId", "user"), ("groupId", "group"))),
        Reference(f"{_RULES}.claimValue", "authenticationContextClassReference"),
    ),
    unconfirmed=(
        (
            "A group under PIM that is not role-assignable and has neither eligible nor active members shows no sign "
            "of it in Microsoft Graph: its settings are read once there were some."
        ),
        "Whether a change of the settings shows in the group's delta; every full read asks again.",
        "Without a P2 licence the type is refused.",
    ),
)

ROWS = (GROUP_ELIGIBILITY_SCHEDULE, GROUP_ASSIGNMENT_SCHEDULE, GROUP_ROLE_MANAGEMENT_POLICY)
