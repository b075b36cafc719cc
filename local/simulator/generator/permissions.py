"""The app roles of Microsoft Graph that matter to a directory (Microsoft Graph permissions reference)."""

APP_ROLES = tuple(
    sorted(
        set(
            """
AdministrativeUnit.Read.All AdministrativeUnit.ReadWrite.All Agreement.Read.All Agreement.ReadWrite.All
AppRoleAssignment.ReadWrite.All Application.Read.All Application.ReadWrite.All Application.ReadWrite.OwnedBy
AuditLog.Read.All AuthenticationContext.Read.All AuthenticationContext.ReadWrite.All
CustomSecAttributeAssignment.Read.All CustomSecAttributeAssignment.ReadWrite.All
CustomSecAttributeDefinition.Read.All CustomSecAttributeDefinition.ReadWrite.All
DelegatedPermissionGrant.Read.All DelegatedPermissionGrant.ReadWrite.All Device.Read.All Device.ReadWrite.All
Directory.Read.All Directory.ReadWrite.All Domain.Read.All Domain.ReadWrite.All
Domain-InternalFederation.Read.All Domain-InternalFederation.ReadWrite.All EntraBackup.Read.All
Group.Read.All Group.ReadWrite.All Group.Create Group-OnPremisesSyncBehavior.ReadWrite.All GroupMember.Read.All
GroupMember.ReadWrite.All GroupSettings.Read.All GroupSettings.ReadWrite.All LicenseAssignment.Read.All
LicenseAssignment.ReadWrite.All Member.Read.Hidden OnPremDirectorySynchronization.Read.All
OnPremDirectorySynchronization.ReadWrite.All Organization.Read.All Organization.ReadWrite.All
OrganizationalBranding.Read.All OrganizationalBranding.ReadWrite.All OrgContact.Read.All
PeopleSettings.Read.All PeopleSettings.ReadWrite.All Policy.Read.All Policy.Read.AuthenticationMethod
Policy.Read.ConditionalAccess Policy.Read.PermissionGrant Policy.ReadWrite.ApplicationConfiguration
Policy.ReadWrite.AuthenticationFlows Policy.ReadWrite.AuthenticationMethod Policy.ReadWrite.Authorization
Policy.ReadWrite.ConditionalAccess Policy.ReadWrite.ConsentRequest Policy.ReadWrite.CrossTenantAccess
Policy.ReadWrite.DeviceConfiguration Policy.ReadWrite.ExternalIdentities Policy.ReadWrite.PermissionGrant
Policy.ReadWrite.SecurityDefaults PrivilegedAccess.Read.AzureADGroup PrivilegedAccess.ReadWrite.AzureADGroup
PrivilegedAssignmentSchedule.Read.AzureADGroup PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup
PrivilegedEligibilitySchedule.Read.AzureADGroup PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup
PublicKeyInfrastructure.Read.All PublicKeyInfrastructure.ReadWrite.All
RoleAssignmentSchedule.Read.Directory RoleAssignmentSchedule.ReadWrite.Directory
RoleEligibilitySchedule.Read.Directory RoleEligibilitySchedule.ReadWrite.Directory
RoleManagement.Read.All RoleManagement.Read.Directory RoleManagement.ReadWrite.Directory
RoleManagementPolicy.Read.Directory RoleManagementPolicy.ReadWrite.Directory
RoleManagementPolicy.Read.AzureADGroup RoleManagementPolicy.ReadWrite.AzureADGroup
Synchronization.Read.All Synchronization.ReadWrite.All User.Invite.All User.Read.All User.ReadBasic.All
User.ReadWrite.All User.DeleteRestore.All User.EnableDisableAccount.All User.ManageIdentities.All
User.Export.All User.RevokeSessions.All User-LifeCycleInfo.Read.All User-LifeCycleInfo.ReadWrite.All
User-OnPremisesSyncBehavior.ReadWrite.All User-PasswordProfile.ReadWrite.All UserAuthenticationMethod.Read.All
UserAuthenticationMethod.ReadWrite.All UserAuthMethod-Email.Read.All UserAuthMethod-Email.ReadWrite.All
UserAuthMethod-Phone.Read.All UserAuthMethod-Phone.ReadWrite.All
""".split()
        )
    )
)
