"""What Entra and its neighbours hold that Cairn does not back up, said plainly and listed in the docs.

Each says at which addresses Microsoft Graph has it, so that a test can tell that every part of the directory is either
read or named here.
"""

from dataclasses import dataclass

from shared.catalog.row import words


@dataclass(frozen=True, slots=True)
class Uncovered:
    """Something that a restore point does not hold, and why."""

    what: str
    why: str
    addresses: tuple[str, ...] = ()
    """Where Microsoft Graph has it, with all below; none where it has no interface for it."""


_NOT_YET = "a setting of the tenant that is not in the catalog yet: note it down by hand"

UNCOVERED = (
    Uncovered("Passwords, client secrets, private keys, OATH seeds", "Microsoft Graph never gives them."),
    Uncovered(
        "BitLocker keys and local administrator passwords of devices",
        "They are secrets; to keep copies is a decision for the tenant's owner that no backup should take.",
        words("directory/deviceLocalCredentials informationProtection"),
    ),
    Uncovered(
        "Mailboxes, files, sites, teams, chats, planner", "Content of Microsoft 365, not of the directory.",
        words("""
            appCatalogs chats communications drives places planner print search shares sites teams teamsTemplates
            teamwork
        """),
    ),
    Uncovered(
        "Settings of Microsoft 365 services, Copilot and Education",
        "Each belongs to its own service and is backed up with that service.",
        words("""
            admin/configurationManagement admin/edge admin/exchange admin/microsoft365Apps admin/reportSettings
            admin/serviceAnnouncement admin/sharepoint admin/teams copilot education employeeExperience external
            connections solutions storage
        """),
    ),
    Uncovered(
        "Devices as Intune manages them", "Intune keeps its own settings; the directory's devices are kept.",
        words("deviceManagement deviceAppManagement"),
    ),
    Uncovered(
        "Dynamic distribution groups, mail flow, inactive mailboxes' content", "Exchange keeps them; Microsoft "
        "Graph does not show them. The identifiers that tie a mailbox to a user need the Exchange consent.",
    ),
    Uncovered(
        "Organizational contacts", "Synced or made in Exchange; links to them are kept by their ids.", ("contacts",),
    ),
    Uncovered(
        "Entitlement management, access reviews, lifecycle workflows, app consent requests",
        "Identity Governance beyond terms of use and PIM is not in the catalog yet.",
        words("""
            identityGovernance/accessReviews identityGovernance/appConsent identityGovernance/catalogs
            identityGovernance/entitlementManagement identityGovernance/lifecycleWorkflows
            identityGovernance/privilegedAccess/customExtensions roleManagement/entitlementManagement
        """),
    ),
    Uncovered(
        "Requests, approvals and instances of PIM",
        "Records of what was asked for, and what the schedules, which are kept, amount to at the moment.",
        words("""
            identityGovernance/privilegedAccess/group/assignmentApprovals
            identityGovernance/privilegedAccess/group/assignmentScheduleInstances
            identityGovernance/privilegedAccess/group/assignmentScheduleRequests
            identityGovernance/privilegedAccess/group/eligibilityScheduleInstances
            identityGovernance/privilegedAccess/group/eligibilityScheduleRequests
            identityGovernance/privilegedAccess/group/resources
            roleManagement/directory/roleAssignmentScheduleInstances
            roleManagement/directory/roleAssignmentScheduleRequests
            roleManagement/directory/roleEligibilityScheduleInstances
            roleManagement/directory/roleEligibilityScheduleRequests
        """),
    ),
    Uncovered(
        "User flows, identity providers, custom authentication extensions, fraud protection",
        "Settings of external tenants (B2C, External ID) and of federation with guests' organizations, not in the "
        "catalog yet.",
        words("""
            directory/federationConfigurations identity/apiConnectors identity/authenticationEventListeners
            identity/authenticationEventsFlows identity/b2xUserFlows identity/customAuthenticationExtensions
            identity/identityProviders identity/riskPrevention identity/userFlowAttributes identityProviders
        """),
    ),
    Uncovered(
        "Verified ID profiles", "Verified ID keeps its own settings, beside the directory.", ("identity/verifiedId",),
    ),
    Uncovered(
        "Settings of directory synchronization", "Microsoft Entra Connect and cloud sync keep them with the server; "
        "what Microsoft Graph shows of them is not in the catalog yet.", ("directory/onPremisesSynchronization",),
    ),
    Uncovered("The policy on groups without owners", f"It is {_NOT_YET}.", ("policies/ownerlessGroupPolicy",)),
    Uncovered(
        "The policy on validating federated tokens", f"It is {_NOT_YET}.", ("policies/federatedTokenValidationPolicy",),
    ),
    Uncovered(
        "Multitenant organizations and their templates, tenant governance, partners' delegated administration",
        "Agreements between tenants: one side's copy brings none of them back.",
        words("""
            directory/remoteTenantGroups directory/tenantGovernance policies/crossTenantAccessPolicy/templates
            tenantRelationships
        """),
    ),
    Uncovered(
        "Subscriptions as they were bought", "Kept by Microsoft's commerce; the licences that they bring are read.",
        ("directory/subscriptions",),
    ),
    Uncovered(
        "Open extensions and schema extensions", "They belong to the applications that wrote them, and Microsoft "
        "Graph gives them one object at a time or by names that no list tells. Directory extensions are kept.",
        ("schemaExtensions",),
    ),
    Uncovered(
        "Rights that Teams apps hold on chats and teams", "Teams keeps them with the app's installation.",
        ("permissionGrants",),
    ),
    Uncovered(
        "Azure role assignments on subscriptions", "Kept by Azure Resource Manager; ids of re-created principals "
        "can be exported from the identity map to mend them.",
    ),
    Uncovered(
        "Sign-in and audit logs, risk, security alerts, reports, acceptances of terms of use",
        "Records and no state; the audit log is read to say who made a change.",
        words("""
            agreementAcceptances auditLogs compliance identityGovernance/termsOfUse/agreementAcceptances
            identityProtection privacy reports security
        """),
    ),
    Uncovered(
        "Change notifications that apps subscribed to", "They last for days, and each app renews its own.",
        ("subscriptions",),
    ),
    Uncovered(
        "What Microsoft gives to every tenant alike", "Templates, catalogues of roles' actions and of methods: no "
        "tenant changes them.",
        words("""
            applicationTemplates directoryRoleTemplates filterOperators functions
            identity/conditionalAccess/authenticationStrength/authenticationMethodModes
            identity/conditionalAccess/templates roleManagement/directory/resourceNamespaces
        """),
    ),
    Uncovered("Self-service password reset settings of the tenant", "Microsoft Graph has no interface for them."),
)
