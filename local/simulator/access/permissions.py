"""Which app role (or delegated scope) opens which path, as Microsoft's permissions reference has it.

What Microsoft publishes for a path decides (`reference`). The rules here speak where it is silent, and for methods
marked `own` in its place: where a page asks for permissions together which the published table lists one by one, or
where that table lacks what a page names. A rule names a path template, and for reading and writing the alternatives
that suffice; an alternative of several permissions needs all of them. The first rule that matches decides. What only a
user may do (`delegated`) refuses every application, whatever roles it holds. A path without a rule is refused: a
missing line shows at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from local.simulator.access import reference
from local.simulator.access.tokens import Caller
from local.simulator.errors import GraphError, denied

type Alternatives = tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table."""

    pattern: re.Pattern[str]
    read: Alternatives
    write: Alternatives
    delegated_read: bool = False
    delegated_write: bool = False
    own: str = ""  # methods for which the rule stands in place of what is published


def _alternatives(text: str) -> Alternatives:
    return tuple(frozenset(part.split("+")) for part in text.split())


def _rule(pattern: str, read: str, write: str = "", *, delegated: str = "", own: str = "") -> Rule:
    return Rule(
        re.compile(f"^(?:{pattern})$", re.IGNORECASE), _alternatives(read), _alternatives(write) or (),
        "read" in delegated, "write" in delegated, own,
    )  # fmt: skip


DIR = "Directory.Read.All Directory.ReadWrite.All"
USER = f"User.Read.All User.ReadWrite.All {DIR}"
USER_WRITE = "User.ReadWrite.All Directory.ReadWrite.All"
GROUP = f"Group.Read.All Group.ReadWrite.All {DIR}"
MEMBER = f"GroupMember.Read.All GroupMember.ReadWrite.All {GROUP}"
APP = f"Application.Read.All Application.ReadWrite.All Application.ReadWrite.OwnedBy {DIR}"
APP_WRITE = "Application.ReadWrite.All Application.ReadWrite.OwnedBy Directory.ReadWrite.All"
DEVICE = f"Device.Read.All Device.ReadWrite.All {DIR}"
UNIT = f"AdministrativeUnit.Read.All AdministrativeUnit.ReadWrite.All {DIR}"
ROLE = "RoleManagement.Read.Directory RoleManagement.Read.All RoleManagement.ReadWrite.Directory"
ROLE_OLD = f"{ROLE} {DIR}"
CA_WRITE = "Policy.ReadWrite.ConditionalAccess+Policy.Read.All Policy.ReadWrite.ConditionalAccess+Application.Read.All"
APP_POLICY = "Policy.ReadWrite.ApplicationConfiguration+Policy.Read.All Policy.ReadWrite.ApplicationConfiguration"
CSA = "CustomSecAttributeDefinition.Read.All CustomSecAttributeDefinition.ReadWrite.All"
MANAGED = "AppRoleAssignment.ReadWrite.All+Application.Read.All AppRoleAssignment.ReadWrite.All"
METHODS = "UserAuthenticationMethod.Read.All UserAuthenticationMethod.ReadWrite.All"
PRIVILEGED_GROUP = "AzureADGroup"

# What opens single properties of a user and nothing else of it (Update user: permissions for specific scenarios).
LIMITED = {
    "User.EnableDisableAccount.All": frozenset(["accountEnabled"]),
    "User-PasswordProfile.ReadWrite.All": frozenset(["passwordProfile"]),
    "User-Mail.ReadWrite.All": frozenset(["otherMails"]),
    "User-Phone.ReadWrite.All": frozenset(["businessPhones", "mobilePhone"]),
    "User.ManageIdentities.All": frozenset(["identities"]),
    "User-LifeCycleInfo.ReadWrite.All": frozenset(["employeeLeaveDateTime"]),
    "CustomSecAttributeAssignment.ReadWrite.All": frozenset(["customSecurityAttributes"]),
}

RULES = (
    # users
    _rule(r"users/\{id\}/authentication/email\w*(/.*)?",
          f"UserAuthMethod-Email.Read.All UserAuthMethod-Email.ReadWrite.All {METHODS}",
          "UserAuthMethod-Email.ReadWrite.All UserAuthenticationMethod.ReadWrite.All"),
    _rule(r"users/\{id\}/authentication/phone\w*(/.*)?",
          f"UserAuthMethod-Phone.Read.All UserAuthMethod-Phone.ReadWrite.All {METHODS}",
          "UserAuthMethod-Phone.ReadWrite.All UserAuthenticationMethod.ReadWrite.All"),
    # the published line lacks what List fido2AuthenticationMethod names
    _rule(r"users/\{id\}/authentication/fido2Methods(/.*)?", f"{METHODS} UserAuthMethod-Passkey.Read.All "
          "UserAuthMethod-Passkey.ReadWrite.All",
          "UserAuthenticationMethod.ReadWrite.All UserAuthMethod-Passkey.ReadWrite.All", own="GET"),
    _rule(r"users/\{id\}/authentication(/.*)?", METHODS, "UserAuthenticationMethod.ReadWrite.All"),
    _rule(r"users/\{id\}/assignLicense", "", f"LicenseAssignment.ReadWrite.All {USER_WRITE}"),
    _rule(r"users/\{id\}/licenseDetails(/.*)?", f"LicenseAssignment.Read.All LicenseAssignment.ReadWrite.All {USER}"),
    _rule(r"(users|groups)/\{id\}/appRoleAssignments(/.*)?", f"{DIR} AppRoleAssignment.ReadWrite.All", MANAGED),
    _rule(r"users/\{id\}/oauth2PermissionGrants(/.*)?", f"{DIR} DelegatedPermissionGrant.Read.All "
          "DelegatedPermissionGrant.ReadWrite.All"),
    _rule(r"users/\{id\}/(memberOf|transitiveMemberOf|getMember\w+|checkMember\w+)(/.*)?",
          f"{USER} GroupMember.Read.All Group.Read.All", f"{USER} GroupMember.Read.All Group.Read.All"),
    _rule(r"users/\{id\}/scopedRoleMemberOf(/.*)?", f"{ROLE_OLD}"),
    _rule(r"users/\{id\}/(ownedDevices|registeredDevices)(/.*)?", f"{USER}"),
    _rule(r"users/\{id\}/onPremisesSyncBehavior", "User-OnPremisesSyncBehavior.ReadWrite.All",
          "User-OnPremisesSyncBehavior.ReadWrite.All"),
    _rule(r"users/\{id\}/revokeSignInSessions", "", f"User.RevokeSessions.All {USER_WRITE}"),
    _rule(r"users/\{id\}/exportPersonalData", "", "User.Export.All"),
    # permissions for single properties of a user, which `LIMITED` holds to them (Update user)
    _rule(r"users/\{id\}", USER, f"{USER_WRITE} {' '.join(LIMITED)}", own="PATCH"),
    _rule(r"users(/delta|/\$count|/\{id\}(/\w+(/.*)?)?|/validateProperties|/microsoft.graph.\w+|/\w+)?", USER,
          USER_WRITE),
    _rule(r"invitations", "", f"User.Invite.All {USER_WRITE}"),
    # groups
    _rule(r"groups/\{id\}/(members|transitiveMembers)(/.*)?", MEMBER,
          "GroupMember.ReadWrite.All Group.ReadWrite.All Directory.ReadWrite.All"),
    _rule(r"groups/\{id\}/(memberOf|transitiveMemberOf|getMember\w+|checkMember\w+)(/.*)?", MEMBER, MEMBER),
    _rule(r"groups/\{id\}/owners(/.*)?", f"{GROUP} GroupMember.Read.All",
          "Group.ReadWrite.All Directory.ReadWrite.All"),
    _rule(r"groups/\{id\}/assignLicense", "", "LicenseAssignment.ReadWrite.All Group.ReadWrite.All "
          "Directory.ReadWrite.All"),
    _rule(r"groups/\{id\}/settings(/.*)?", f"GroupSettings.Read.All GroupSettings.ReadWrite.All {DIR}",
          "GroupSettings.ReadWrite.All Directory.ReadWrite.All"),
    _rule(r"groups/\{id\}/onPremisesSyncBehavior", "Group-OnPremisesSyncBehavior.ReadWrite.All",
          "Group-OnPremisesSyncBehavior.ReadWrite.All"),
    _rule(r"groups", f"{GROUP} GroupMember.Read.All", "Group.Create Group.ReadWrite.All Directory.ReadWrite.All"),
    _rule(r"groups/\{id\}/groupLifecyclePolicies", DIR),
    _rule(r"groups(/.*)?", f"{GROUP} GroupMember.Read.All",
          "Group.ReadWrite.All Directory.ReadWrite.All GroupMember.ReadWrite.All"),
    _rule(r"groupSettingTemplates(/.*)?|directorySettingTemplates(/.*)?",
          f"GroupSettings.Read.All GroupSettings.ReadWrite.All {DIR}"),
    _rule(r"groupSettings(/.*)?|settings(/.*)?", f"GroupSettings.Read.All GroupSettings.ReadWrite.All {DIR}",
          "GroupSettings.ReadWrite.All Directory.ReadWrite.All"),
    _rule(r"groupLifecyclePolicies(/.*)?", DIR, "Directory.ReadWrite.All"),
    # applications and service principals
    _rule(r"servicePrincipals/\{id\}/(appRoleAssignedTo|appRoleAssignments)(/.*)?",
          f"{APP} AppRoleAssignment.ReadWrite.All", MANAGED),
    _rule(r"servicePrincipals/\{id\}/oauth2PermissionGrants(/.*)?", f"{DIR} DelegatedPermissionGrant.Read.All "
          "DelegatedPermissionGrant.ReadWrite.All"),
    _rule(r"servicePrincipals/\{id\}/delegatedPermissionClassifications(/.*)?",
          f"{APP} Policy.Read.PermissionGrant Policy.ReadWrite.PermissionGrant", "Policy.ReadWrite.PermissionGrant"),
    _rule(r"(applications|servicePrincipals)/\{id\}/\w+Policies(/.*)?",
          "Policy.Read.All+Application.Read.All Policy.ReadWrite.ApplicationConfiguration+Application.Read.All "
          "Policy.Read.All+Application.ReadWrite.All Policy.Read.ApplicationConfiguration+Application.Read.All",
          "Policy.Read.All+Application.ReadWrite.All "
          "Policy.ReadWrite.ApplicationConfiguration+Application.ReadWrite.All"),
    _rule(r"servicePrincipals/\{id\}/synchronization(/.*)?|applications/\{id\}/synchronization(/.*)?",
          "Synchronization.Read.All Synchronization.ReadWrite.All Application.ReadWrite.OwnedBy",
          "Synchronization.ReadWrite.All"),
    _rule(r"applications/\{id\}/connectorGroup(/.*)?", "Directory.ReadWrite.All", "Directory.ReadWrite.All",
          delegated="read write"),
    _rule(r"applications/\{id\}(/microsoft\.graph\.agentIdentityBlueprint)?/inheritablePermissions(/.*)?",
          f"{APP} AgentIdentityBlueprint.Read.All AgentIdentityBlueprint.ReadWrite.All",
          "AgentIdentityBlueprint.ReadWrite.All"),
    _rule(r"applications/\{id\}/(un)?setVerifiedPublisher", "", "Application.ReadWrite.All", delegated="write"),
    _rule(r"(applications|servicePrincipals)(/.*)?", APP, APP_WRITE),
    _rule(r"applicationTemplates/\{id\}/instantiate", "", APP_WRITE),
    _rule(r"applicationTemplates(/.*)?", f"{APP} User.Read.All"),
    _rule(r"oauth2PermissionGrants(/.*)?", f"{DIR} DelegatedPermissionGrant.Read.All "
          "DelegatedPermissionGrant.ReadWrite.All", "DelegatedPermissionGrant.ReadWrite.All Directory.ReadWrite.All"),
    _rule(r"permissionGrants(/.*)?", DIR),
    # devices, contacts, administrative units
    _rule(r"devices/\{id\}/(registeredOwners|registeredUsers)(/.*)?", DEVICE, "Directory.AccessAsUser.All",
          delegated="write"),
    _rule(r"devices", DEVICE, "Directory.AccessAsUser.All", delegated="write"),
    _rule(r"devices(/.*)?", DEVICE, "Device.ReadWrite.All Directory.ReadWrite.All"),
    _rule(r"contacts(/.*)?", f"OrgContact.Read.All {DIR}"),
    _rule(r"(directory/)?administrativeUnits/\{id\}/scopedRoleMembers(/.*)?", ROLE_OLD,
          "RoleManagement.ReadWrite.Directory"),
    _rule(r"(directory/)?administrativeUnits(/.*)?", UNIT, "AdministrativeUnit.ReadWrite.All"),
    # directory roles
    _rule(r"directoryRoles(/.*)?", ROLE_OLD, "RoleManagement.ReadWrite.Directory"),
    _rule(r"directoryRoleTemplates(/.*)?", ROLE_OLD),
    _rule(r"roleManagement/directory/(deletedItems/)?roleDefinitions(/.*)?", ROLE_OLD,
          "RoleManagement.ReadWrite.Directory"),
    _rule(r"roleManagement/directory/roleAssignments(/.*)?", ROLE_OLD, "RoleManagement.ReadWrite.Directory"),
    _rule(r"roleManagement/directory/roleEligibility\w+(/.*)?",
          f"RoleEligibilitySchedule.Read.Directory RoleEligibilitySchedule.ReadWrite.Directory {ROLE}",
          "RoleEligibilitySchedule.ReadWrite.Directory RoleManagement.ReadWrite.Directory"),
    _rule(r"roleManagement/directory/roleAssignmentSchedule\w+(/.*)?",
          f"RoleAssignmentSchedule.Read.Directory RoleAssignmentSchedule.ReadWrite.Directory {ROLE}",
          "RoleAssignmentSchedule.ReadWrite.Directory RoleManagement.ReadWrite.Directory"),
    _rule(r"policies/roleManagementPolic\w+(/.*)?",
          f"RoleManagementPolicy.Read.Directory RoleManagementPolicy.ReadWrite.Directory {ROLE} "
          "RoleManagementPolicy.Read.AzureADGroup RoleManagementPolicy.ReadWrite.AzureADGroup",
          "RoleManagementPolicy.ReadWrite.Directory RoleManagementPolicy.ReadWrite.AzureADGroup "
          "RoleManagement.ReadWrite.Directory", own="GET PATCH"),  # the app roles exist and no line names them
    _rule(r"identityGovernance/privilegedAccess/group/eligibility\w+(/.*)?",
          "PrivilegedEligibilitySchedule.Read.AzureADGroup PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup "
          "PrivilegedAccess.Read.AzureADGroup PrivilegedAccess.ReadWrite.AzureADGroup",
          "PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup PrivilegedAccess.ReadWrite.AzureADGroup"),
    _rule(r"identityGovernance/privilegedAccess/group/assignment\w+(/.*)?",
          "PrivilegedAssignmentSchedule.Read.AzureADGroup PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup "
          "PrivilegedAccess.Read.AzureADGroup PrivilegedAccess.ReadWrite.AzureADGroup",
          "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup PrivilegedAccess.ReadWrite.AzureADGroup"),
    # Conditional Access and policies
    _rule(r"identity/conditionalAccess/authenticationContextClassReferences(/.*)?",
          "AuthenticationContext.Read.All AuthenticationContext.ReadWrite.All Policy.Read.All "
          "Policy.Read.ConditionalAccess",
          "AuthenticationContext.ReadWrite.All Policy.ReadWrite.ConditionalAccess"),
    _rule(r"(identity/conditionalAccess/authenticationStrength/policies|policies/authenticationStrengthPolicies)(/.*)?",
          "Policy.Read.AuthenticationMethod Policy.Read.All Policy.Read.ConditionalAccess "
          "Policy.ReadWrite.ConditionalAccess Policy.ReadWrite.AuthenticationMethod",
          "Policy.ReadWrite.ConditionalAccess Policy.ReadWrite.AuthenticationMethod"),
    _rule(r"(identity/conditionalAccess|policies/conditionalAccessPolicies)(/.*)?",
          "Policy.Read.All Policy.Read.ConditionalAccess Policy.ReadWrite.ConditionalAccess+Policy.Read.All", CA_WRITE,
          own="POST PATCH DELETE"),
    _rule(r"policies/authorizationPolicy(/.*)?", "Policy.Read.All Policy.ReadWrite.Authorization",
          "Policy.ReadWrite.Authorization"),
    _rule(r"(policies/)?authenticationMethodsPolicy(/.*)?",
          "Policy.Read.AuthenticationMethod Policy.Read.All Policy.ReadWrite.AuthenticationMethod",
          "Policy.ReadWrite.AuthenticationMethod"),
    _rule(r"policies/identitySecurityDefaultsEnforcementPolicy", "Policy.Read.All",
          "Policy.ReadWrite.SecurityDefaults+Policy.Read.All Policy.ReadWrite.ConditionalAccess+Policy.Read.All",
          own="PATCH"),
    _rule(r"policies/authenticationFlowsPolicy", "Policy.Read.All Policy.ReadWrite.AuthenticationFlows",
          "Policy.ReadWrite.AuthenticationFlows"),
    _rule(r"policies/externalIdentitiesPolicy", "Policy.Read.All Policy.ReadWrite.ExternalIdentities",
          "Policy.ReadWrite.ExternalIdentities"),
    _rule(r"policies/(crossTenantAccessPolicy|deletedItems)(/.*)?",
          "Policy.Read.All Policy.ReadWrite.CrossTenantAccess", "Policy.ReadWrite.CrossTenantAccess"),
    _rule(r"policies/permissionGrantPolicies(/.*)?",
          "Policy.Read.PermissionGrant Policy.ReadWrite.PermissionGrant Policy.Read.All",
          "Policy.ReadWrite.PermissionGrant"),
    _rule(r"policies/adminConsentRequestPolicy", "Policy.Read.All Policy.ReadWrite.ConsentRequest",
          "Policy.ReadWrite.ConsentRequest"),
    _rule(r"policies/deviceRegistrationPolicy", "Policy.Read.DeviceConfiguration Policy.Read.All "
          "Policy.ReadWrite.DeviceConfiguration", "Policy.ReadWrite.DeviceConfiguration"),
    _rule(r"policies/featureRolloutPolicies(/.*)?", "Directory.Read.All Directory.ReadWrite.All",
          "Directory.ReadWrite.All", delegated="read write"),
    _rule(r"policies/\w+(/.*)?", "Policy.Read.All Policy.Read.ApplicationConfiguration "
          "Policy.ReadWrite.ApplicationConfiguration", APP_POLICY),
    # tenant
    _rule(r"organization/\{id\}/branding(/.*)?",
          "OrganizationalBranding.Read.All OrganizationalBranding.ReadWrite.All Organization.Read.All "
          "Organization.ReadWrite.All", "OrganizationalBranding.ReadWrite.All Organization.ReadWrite.All"),
    _rule(r"organization(/.*)?", f"Organization.Read.All Organization.ReadWrite.All User.Read.All {DIR}",
          "Organization.ReadWrite.All Directory.ReadWrite.All"),
    _rule(r"domains/\{id\}/federationConfiguration(/.*)?",
          "Domain-InternalFederation.Read.All Domain-InternalFederation.ReadWrite.All Domain.Read.All "
          "Domain.ReadWrite.All Directory.Read.All", "Domain-InternalFederation.ReadWrite.All Domain.ReadWrite.All"),
    _rule(r"domains(/.*)?", f"Domain.Read.All Domain.ReadWrite.All {DIR}", "Domain.ReadWrite.All"),
    _rule(r"contracts(/.*)?", DIR),
    _rule(r"subscribedSkus(/.*)?", f"LicenseAssignment.Read.All LicenseAssignment.ReadWrite.All "
          f"Organization.Read.All Organization.ReadWrite.All {DIR}"),
    _rule(r"directory/(attributeSets|customSecurityAttributeDefinitions)(/.*)?", CSA,
          "CustomSecAttributeDefinition.ReadWrite.All"),
    _rule(r"directory/publicKeyInfrastructure(/.*)?", "PublicKeyInfrastructure.Read.All "
          "PublicKeyInfrastructure.ReadWrite.All", "PublicKeyInfrastructure.ReadWrite.All"),
    _rule(r"directory/onPremisesSynchronization(/.*)?", "OnPremDirectorySynchronization.Read.All "
          "OnPremDirectorySynchronization.ReadWrite.All", "OnPremDirectorySynchronization.ReadWrite.All",
          delegated="read write"),
    _rule(r"directory/recovery/snapshots(/\{id\}(/recovery(Preview)?Jobs(/.*)?)?)?|directory/recovery(/jobs(/.*)?)?",
          "EntraBackup.Read.All EntraBackup.ReadWrite.Preview EntraBackup.ReadWrite.Recovery",
          "EntraBackup.ReadWrite.Recovery EntraBackup.ReadWrite.Preview", delegated="write"),
    _rule(r"directory/deletedItems/(microsoft\.graph\.)?(user|agentUser)(/.*)?", f"{USER} User.DeleteRestore.All"),
    _rule(r"directory/deletedItems/(microsoft\.graph\.)?group(/.*)?", GROUP),
    _rule(r"directory/deletedItems/(microsoft\.graph\.)?certificate\w+(/.*)?",
          "PublicKeyInfrastructure.Read.All PublicKeyInfrastructure.ReadWrite.All"),
    _rule(r"directory/deletedItems/(microsoft\.graph\.)?(application|servicePrincipal|agent\w+)(/.*)?", APP),
    _rule(r"directory/deletedItems/(microsoft\.graph\.)?administrativeUnit(/.*)?", UNIT),
    _rule(r"directory/deletedItems(/.*)?", f"{USER} {GROUP} {APP} {UNIT} User.DeleteRestore.All",
          "User.DeleteRestore.All User.ReadWrite.All Group.ReadWrite.All Application.ReadWrite.All "
          "Application.ReadWrite.OwnedBy AdministrativeUnit.ReadWrite.All Directory.ReadWrite.All "
          "PublicKeyInfrastructure.ReadWrite.All", own="GET POST DELETE"),  # by kind: Restore deleted directory object
    _rule(r"directoryObjects(/.*)?", f"{DIR} {USER} {GROUP} {APP} {DEVICE} {UNIT}",
          f"{DIR} {USER} {GROUP} {APP} {DEVICE} {UNIT}"),
    _rule(r"auditLogs/directoryAudits(/.*)?", "AuditLog.Read.All AuditLog.Read.All+Directory.Read.All"),
    _rule(r"security/secureScores(/.*)?", "SecurityEvents.Read.All SecurityEvents.ReadWrite.All"),
    _rule(r"admin/people(/.*)?", "PeopleSettings.Read.All PeopleSettings.ReadWrite.All",
          "PeopleSettings.ReadWrite.All"),
    _rule(r"(identityGovernance/termsOfUse/)?agreements(/.*)?", "Agreement.Read.All Agreement.ReadWrite.All",
          "Agreement.ReadWrite.All", delegated="read write"),
    _rule(r"onPremisesPublishingProfiles/.*", "Directory.ReadWrite.All", "Directory.ReadWrite.All",
          delegated="read write"),
)  # fmt: skip

# Properties that need a permission of their own, whatever opens the object (user resource type).
PROPERTIES = {
    "customSecurityAttributes": "CustomSecAttributeAssignment.Read.All CustomSecAttributeAssignment.ReadWrite.All",
    "signInActivity": "AuditLog.Read.All",
    "employeeLeaveDateTime": "User-LifeCycleInfo.Read.All User-LifeCycleInfo.ReadWrite.All",
}
# What lets a caller read each kind of directory object; without it a link shows little more than type and id
# (Working with limited information returned for inaccessible member objects).
OBJECTS = {
    "user": f"{USER} User.ReadBasic.All", "group": f"{GROUP} GroupMember.Read.All", "application": APP,
    "servicePrincipal": APP, "device": DEVICE, "administrativeUnit": UNIT, "orgContact": f"OrgContact.Read.All {DIR}",
    "directoryRole": ROLE_OLD,
}  # fmt: skip
# Restoring and purging by kind (Restore deleted directory object item: permissions).
BIN_WRITES = {
    "user": "User.DeleteRestore.All User.ReadWrite.All Directory.ReadWrite.All",
    "group": "Group.ReadWrite.All Directory.ReadWrite.All",
    "application": APP_WRITE, "servicePrincipal": APP_WRITE,
    "administrativeUnit": "AdministrativeUnit.ReadWrite.All",
    "certificateBasedAuthPki": "PublicKeyInfrastructure.ReadWrite.All",
    "certificateAuthorityDetail": "PublicKeyInfrastructure.ReadWrite.All",
}  # fmt: skip
# POSTs that only read.
READING = frozenset(
    [
        "getByIds", "getMemberGroups", "getMemberObjects", "checkMemberGroups", "checkMemberObjects",
        "validateProperties", "getAvailableExtensionProperties",
    ]
)  # fmt: skip


@lru_cache(4096)
def rule_of(template: str) -> Rule | None:
    """The rule for a path template."""
    return next((rule for rule in RULES if rule.pattern.match(template)), None)


def held(caller: Caller, alternatives: Alternatives) -> bool:
    """Whether a caller holds one of the alternatives whole."""
    granted = caller.scopes if caller.kind == "user" else caller.roles
    return any(each <= granted for each in alternatives)


@lru_cache(4096)
def opened_by(method: str, template: str, kind: str, *, reading: bool) -> Alternatives | None:
    """What opens a path to a kind of caller; None when no permission of the kind does or the path is unknown."""
    rule = rule_of(template)
    line = reference.line_of(method, template)
    if line is not None and (rule is None or method not in rule.own.split()):
        return (line.application if kind == "app" else line.user) or None
    if rule is None or (kind == "app" and (rule.delegated_read if reading else rule.delegated_write)):
        return None
    return rule.read if reading else rule.write


def check(caller: Caller, method: str, template: str, operation: str = "") -> None:
    """403 when nothing that the caller holds opens the path."""
    method = "GET" if method == "HEAD" else method
    alternatives = opened_by(method, template, caller.kind, reading=method == "GET" or operation in READING)
    if alternatives is None:
        raise denied(DELEGATED_ONLY) if caller.kind == "app" else denied()
    if not held(caller, alternatives):
        raise denied()


DELEGATED_ONLY = "This operation is not supported with application permissions."


def check_properties(caller: Caller, names: Iterable[str]) -> None:
    """403 for a property of a user that none of the caller's permissions opens."""
    granted = caller.scopes if caller.kind == "user" else caller.roles
    if granted & WHOLE_USER:
        return
    opened = set[str]().union(*(names for permission, names in LIMITED.items() if permission in granted))
    if not opened.issuperset(names):
        raise denied()


WHOLE_USER = frozenset(
    [
        "User.ReadWrite.All", "Directory.ReadWrite.All", "User.ReadWrite", "Directory.AccessAsUser.All",
        "User.ReadWrite.CrossCloud", "AgentIdUser.ReadWrite.All", "AgentIdUser.ReadWrite.IdentityParentedBy",
        "DeviceManagementApps.ReadWrite.All", "DeviceManagementConfiguration.ReadWrite.All",
        "DeviceManagementManagedDevices.ReadWrite.All", "DeviceManagementServiceConfig.ReadWrite.All",
    ]
)  # fmt: skip


@lru_cache(64)
def _property_alternatives(name: str) -> Alternatives:
    return _alternatives(PROPERTIES[name])


def check_select(caller: Caller, select: tuple[str, ...] | None) -> None:
    """403 for a selected property that needs a permission of its own."""
    for name in select or ():
        if name in PROPERTIES and not held(caller, _property_alternatives(name)):
            raise denied()


@lru_cache(64)
def _object_alternatives(table: str) -> Alternatives:
    return _alternatives(OBJECTS[table])


def may_read(caller: Caller, table: str) -> bool:
    """Whether the caller may see more than type and id of objects of a table."""
    return table not in OBJECTS or held(caller, _object_alternatives(table))


def check_bin(caller: Caller, table: str) -> None:
    """403 when the caller may not restore or purge this kind."""
    if table in BIN_WRITES and not held(caller, _alternatives(BIN_WRITES[table])):
        raise denied()


def hidden_members(caller: Caller) -> GraphError | None:
    """The refusal for reading the members of a group or unit with hidden membership."""
    return None if held(caller, _alternatives("Member.Read.Hidden")) else denied()
