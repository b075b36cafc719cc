"""Directory roles in every shape: built-in and custom definitions, activated roles, assignments over the tenant and
over administrative units, and Privileged Identity Management of roles and groups with settings, requests and instances.

One fact shows three times, as in Entra: a permanent assignment over the tenant is a member of the activated role and an
active schedule without an end.
"""

from __future__ import annotations

from local.simulator import role_settings
from local.simulator.generator.draft import Draft, day, pick
from local.simulator.generator.facts import roles
from local.simulator.store import Body

ALL_TENANT = "/"


def make_roles(draft: Draft, administrator: str) -> None:
    """Create definitions, assignments and PIM; `administrator` is a service principal that is Global Administrator."""
    _Roles(draft).make(administrator)
    _group_schedules(draft)


class _Roles:
    """Makes roles and who holds them."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.chance = draft.rng("roles")
        self.active: dict[str, str] = {}  # template id: the activated role

    def make(self, administrator: str) -> None:
        """Create everything about directory roles."""
        draft = self.draft
        custom = self._definitions()
        for role in [*roles.ROLES, *(role for _, role in custom)]:
            make_settings(draft, role, "DirectoryRole", ALL_TENANT, role)
        self._assign(administrator, roles.GLOBAL_ADMINISTRATOR)
        for user in draft.breakglass:
            self._assign(user, roles.GLOBAL_ADMINISTRATOR)
        staff = draft.users[3:60] or draft.users
        held = (roles.GLOBAL_READER, roles.USER_ADMINISTRATOR, roles.SECURITY_READER, roles.EXCHANGE_ADMINISTRATOR,
                roles.GROUPS_ADMINISTRATOR)  # fmt: skip
        for role in held:
            for user in pick(self.chance, staff, 2):
                self._assign(user, role)
        for group in draft.of_kind("roleAssignable")[:2]:
            self._assign(group, roles.HELPDESK_ADMINISTRATOR)
        for principal, _, _ in draft.managed[:2]:
            self._assign(principal, roles.DIRECTORY_READERS)
        for key, unit in draft.units.items():
            for user in pick(self.chance, staff, 1 if key != "restricted" else 2):
                self._assign(user, roles.USER_ADMINISTRATOR if key == "restricted" else roles.HELPDESK_ADMINISTRATOR,
                             f"/administrativeUnits/{unit}")  # fmt: skip
        for user in pick(self.chance, staff, 1):
            self._assign(user, custom[0][1])
            for application, _, _ in draft.applications[:1]:
                self._assign(user, custom[0][1], f"/{application}")
        eligible = (roles.GLOBAL_ADMINISTRATOR, roles.PRIVILEGED_ROLE_ADMINISTRATOR, roles.SECURITY_ADMINISTRATOR,
                    roles.CONDITIONAL_ACCESS_ADMINISTRATOR, roles.APPLICATION_ADMINISTRATOR)  # fmt: skip
        for number, role in enumerate(eligible):
            for user in pick(self.chance, staff, 2):
                self._eligible(user, role, None if number % 2 else day(-240))
        for user in pick(self.chance, staff, 1):
            self._assign(user, roles.AUTHENTICATION_ADMINISTRATOR, ends=day(-200))
            self._assign(user, roles.CLOUD_APPLICATION_ADMINISTRATOR, ends=day(-150), activated=True)

    def _definitions(self) -> list[tuple[str, str]]:
        draft = self.draft
        for template, name in roles.ROLES.items():
            actions = list(roles.ACTIONS.get(template, roles.STANDARD_READ))
            draft.add(
                "unifiedRoleDefinition",
                {"id": template, "templateId": template, "displayName": name, "isBuiltIn": True, "isEnabled": True,
                 "description": f"{name}: a role that Microsoft keeps.", "resourceScopes": ["/"], "version": "1",
                 "rolePermissions": [{"allowedResourceActions": actions, "condition": None}]},
            )  # fmt: skip
            draft.add("directoryRoleTemplate", {"id": template, "displayName": name, "description": f"{name}."})
        inherited = draft.store.key("unifiedRoleDefinition", roles.DIRECTORY_READERS)
        for template in (roles.USER_ADMINISTRATOR, roles.HELPDESK_ADMINISTRATOR, roles.GLOBAL_ADMINISTRATOR):
            draft.store.link(draft.store.key("unifiedRoleDefinition", template), "inheritsPermissionsFrom", inherited)
        custom = []
        for name, allowed in roles.CUSTOM:
            role = draft.known_id(f"custom role {name}")
            custom.append((name, role))
            draft.add(
                "unifiedRoleDefinition",
                {"id": role, "templateId": role, "displayName": name, "isBuiltIn": False,
                 "isEnabled": name != "Device Name Keeper", "description": f"{name} (custom)", "resourceScopes": ["/"],
                 "version": "1",
                 "rolePermissions": [{"allowedResourceActions": list(allowed), "condition": None}]},
            )  # fmt: skip
        return custom

    def _activated(self, template: str) -> str:
        if template not in self.active:
            name = roles.ROLES[template]
            self.active[template] = self.draft.add(
                "directoryRole",
                {"id": self.draft.known_id(f"activated {template}"), "roleTemplateId": template, "displayName": name,
                 "description": f"{name}: a role that Microsoft keeps."},
            )  # fmt: skip
        return self.active[template]

    def _assign(
        self, principal: str, role: str, scope: str = ALL_TENANT, *, ends: str | None = None, activated: bool = False
    ) -> None:
        draft = self.draft
        name = f"{principal} {role} {scope}"
        assignment = draft.known_id(f"assignment {name}")
        if assignment in draft.store.records:
            return
        draft.add(
            "unifiedRoleAssignment",
            {"id": assignment, "principalId": principal, "roleDefinitionId": role, "directoryScopeId": scope,
             "principalOrganizationId": draft.store.tenant_id},
        )  # fmt: skip
        if role in roles.ROLES and scope == ALL_TENANT:
            draft.store.link(self._activated(role), "members", principal)
        elif role in roles.ROLES and scope.startswith("/administrativeUnits/"):
            shown = draft.people.get(principal)
            draft.add(
                "scopedRoleMembership",
                {"id": draft.known_id(f"scoped {name}"), "roleId": self._activated(role), "memberId": principal,
                 "administrativeUnitId": scope.rpartition("/")[2],
                 "roleMemberInfo": {"id": principal, "displayName": shown.name if shown else None}},
            )  # fmt: skip
        kind = "Activated" if activated else "Assigned"
        schedule = self._schedule("Assignment", principal, role, scope, ends, {"assignmentType": kind})
        draft.add(
            "unifiedRoleAssignmentScheduleInstance",
            {"id": draft.known_id(f"active instance {name}"), "principalId": principal, "roleDefinitionId": role,
             "directoryScopeId": scope, "memberType": "Direct", "assignmentType": kind, "startDateTime": day(300),
             "endDateTime": ends, "roleAssignmentScheduleId": schedule, "roleAssignmentOriginId": assignment},
        )  # fmt: skip

    def _eligible(self, principal: str, role: str, ends: str | None) -> None:
        schedule = self._schedule("Eligibility", principal, role, ALL_TENANT, ends, {})
        self.draft.add(
            "unifiedRoleEligibilityScheduleInstance",
            {"id": self.draft.known_id(f"eligible instance {schedule}"), "principalId": principal,
             "roleDefinitionId": role, "directoryScopeId": ALL_TENANT, "memberType": "Direct",
             "startDateTime": day(300), "endDateTime": ends, "roleEligibilityScheduleId": schedule},
        )  # fmt: skip

    def _schedule(self, level: str, principal: str, role: str, scope: str, ends: str | None, more: Body) -> str:
        draft = self.draft
        name = f"{level} {principal} {role} {scope}"
        request, schedule = draft.known_id(f"request {name}"), draft.known_id(f"schedule {name}")
        common = {"principalId": principal, "roleDefinitionId": role, "directoryScopeId": scope,
                  "createdDateTime": day(300), "scheduleInfo": _plan(ends)}  # fmt: skip
        draft.add(
            f"unifiedRole{level}ScheduleRequest",
            {"id": request, **common, "action": "adminAssign", "status": "Provisioned", "targetScheduleId": schedule,
             "completedDateTime": day(300), "isValidationOnly": False, "justification": "Onboarding"},
        )  # fmt: skip
        return draft.add(
            f"unifiedRole{level}Schedule",
            {"id": schedule, **common, "createdUsing": request, "status": "Provisioned", "memberType": "Direct",
             **more},
        )


def _plan(ends: str | None) -> Body:
    kind = "noExpiration" if ends is None else "afterDateTime"
    return {"startDateTime": day(300), "recurrence": None,
            "expiration": {"type": kind, "endDateTime": ends, "duration": None}}  # fmt: skip


def make_settings(draft: Draft, name: str, scope_type: str, scope: str, definition: str) -> None:
    """The PIM settings of one role: a policy, its rules and its assignment to the role."""
    policy_id = f"{scope_type}_{draft.store.tenant_id}_{draft.known_id(f'settings {scope} {name}')}"
    critical = definition in (roles.GLOBAL_ADMINISTRATOR, roles.PRIVILEGED_ROLE_ADMINISTRATOR, "owner")
    approvers: list[Body] = []
    if critical:
        approvers = [{"@odata.type": "#microsoft.graph.groupMembers", "groupId": each, "description": "Approvers"}
                     for each in draft.of_kind("approvers")[:1]]  # fmt: skip
        approvers += [{"@odata.type": "#microsoft.graph.singleUser", "userId": each, "description": "Approver"}
                      for each in draft.users[4:5]]  # fmt: skip
    told = [f"soc@{draft.domain}"] if critical else []
    rules = role_settings.rules_of(approvers, told, critical=critical)
    role_settings.make(draft.store, policy_id, (scope_type, scope), definition, rules, day(100))


def _group_schedules(draft: Draft) -> None:
    """PIM for groups: eligible and active members and owners of a few groups, and the settings of both."""
    chance = draft.rng("group schedules")
    groups = [*draft.of_kind("privileged"), *draft.of_kind("roleAssignable", "security", "microsoft365")[:2]]
    for group in groups[:3]:
        for definition in ("member", "owner"):
            make_settings(draft, f"{group} {definition}", "Group", group, definition)
        people = pick(chance, draft.users[4:] or draft.users, 4)
        for number, user in enumerate(people):
            level = "Eligibility" if number < 3 else "Assignment"
            access = "owner" if number == 2 else "member"
            request, schedule = draft.known_id(f"request {group} {user}"), draft.known_id(f"schedule {group} {user}")
            ends = day(-180) if number == 1 else None
            common = {"groupId": group, "principalId": user, "accessId": access, "createdDateTime": day(200),
                      "scheduleInfo": _plan(ends)}  # fmt: skip
            draft.add(
                f"privilegedAccessGroup{level}ScheduleRequest",
                {"id": request, **common, "action": "adminAssign", "status": "Provisioned",
                 "targetScheduleId": schedule, "justification": "Second line support"},
            )  # fmt: skip
            more: Body = {"assignmentType": "assigned"} if level == "Assignment" else {}
            draft.add(
                f"privilegedAccessGroup{level}Schedule",
                {"id": schedule, **common, "createdUsing": request, "status": "Provisioned", "memberType": "direct",
                 **more},
            )  # fmt: skip
            link = {"assignmentScheduleId": schedule} if level == "Assignment" else {"eligibilityScheduleId": schedule}
            draft.add(
                f"privilegedAccessGroup{level}ScheduleInstance",
                {"id": draft.known_id(f"instance {schedule}"), "groupId": group, "principalId": user,
                 "accessId": access, "memberType": "direct", "startDateTime": day(200), "endDateTime": ends, **link,
                 **more},
            )  # fmt: skip
            if level == "Assignment":
                draft.store.link(group, "members", user)
