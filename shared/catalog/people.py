"""Users: the accounts of a tenant, with manager, sponsors and what hangs on them.

Sources: Microsoft Graph "user resource type", "user: delta", "Working with users", "Update user".
"""

from shared.catalog.reasons import (
    CONTENT,
    DERIVED,
    EVIDENCE,
    EXTENSIONS,
    INTUNE,
    MICROSOFT_365_SERVICE,
    NOT_SUPPORTED,
)
from shared.catalog.row import Excluded, Link, ObjectType, RecycleBin, Reference, Subtype, words

USER = ObjectType(
    name="user",
    title="Users",
    path="/users",
    graph_type="user",
    reading="delta",
    extension_target="User",
    page_size=999,
    select=words("""
        id deletedDateTime accountEnabled ageGroup assignedLicenses assignedPlans authorizationInfo
        businessPhones city companyName consentProvidedForMinor country createdDateTime creationType
        customSecurityAttributes department displayName employeeHireDate employeeId employeeLeaveDateTime
        employeeOrgData employeeType externalUserState externalUserStateChangeDateTime faxNumber givenName
        identities identityParentId imAddresses isManagementRestricted isResourceAccount jobTitle
        lastPasswordChangeDateTime legalAgeGroupClassification licenseAssignmentStates mail mailNickname
        mobilePhone officeLocation onPremisesDistinguishedName onPremisesDomainName
        onPremisesExtensionAttributes onPremisesImmutableId onPremisesLastSyncDateTime
        onPremisesProvisioningErrors onPremisesSamAccountName onPremisesSecurityIdentifier
        onPremisesSyncEnabled onPremisesUserPrincipalName otherMails passwordPolicies passwordProfile
        postalCode preferredDataLocation preferredLanguage provisionedPlans proxyAddresses securityIdentifier
        serviceProvisioningErrors showInAddressList signInSessionsValidFromDateTime state streetAddress
        surname usageLocation userPrincipalName userType
    """),
    singly=words("""
        aboutMe birthday hireDate interests mySite pastProjects responsibilities schools skills
        mailboxSettings signInActivity
    """),
    select_permissions=(
        ("customSecurityAttributes", "CustomSecAttributeAssignment.Read.All"),
        ("employeeLeaveDateTime", "User-LifeCycleInfo.Read.All"),
        ("mailboxSettings", "MailboxSettings.Read"),
        ("signInActivity", "AuditLog.Read.All"),
    ),
    property_options=(
        ("customSecurityAttributes", "customSecurityAttributes"),
        ("aboutMe", "userProfiles"), ("birthday", "userProfiles"), ("hireDate", "userProfiles"),
        ("interests", "userProfiles"), ("mySite", "userProfiles"), ("pastProjects", "userProfiles"),
        ("responsibilities", "userProfiles"), ("schools", "userProfiles"), ("skills", "userProfiles"),
        ("mailboxSettings", "inactiveMailboxes"),
        ("signInActivity", "signInActivity"),
    ),
    subtypes=(Subtype(name="agentUser", title="Agent users"),),
    excluded=(
        Excluded(("preferredName",), NOT_SUPPORTED),
        Excluded(("print", "settings", "insights", "presence", "employeeExperience", "solutions", "teamwork",
                  "cloudClipboard", "dataSecurityAndGovernance", "activities", "adhocCalls", "onlineMeetings",
                  "cloudPCs"), MICROSOFT_365_SERVICE),
        Excluded(("calendar", "calendarGroups", "calendars", "calendarView", "chats", "contactFolders", "contacts",
                  "drive", "drives", "events", "followedSites", "inferenceClassification", "joinedTeams",
                  "mailFolders", "messages", "notes", "onenote", "outlook", "people", "photo", "photos", "planner",
                  "todo"), CONTENT),
        Excluded(("deviceEnrollmentLimit", "deviceManagementTroubleshootingEvents", "managedAppRegistrations",
                  "managedDevices"), INTUNE),
        Excluded(("createdObjects", "licenseDetails", "ownedObjects", "transitiveMemberOf"), DERIVED),
        Excluded(("agreementAcceptances",), EVIDENCE),
        Excluded(("authentication",), "read as object types of its own: authentication methods and requirements"),
        Excluded(("permissionGrants",), "grants that a Teams or chat app holds on the user: kept by Teams"),
        Excluded(("extensions",), EXTENSIONS),
        Excluded(("onPremisesSyncBehavior",), "needs User-OnPremisesSyncBehavior.Read.All and one request a user; "
                 "where an object is mastered shows in onPremisesSyncEnabled"),
    ),
    links=(
        Link(
            name="manager", targets=("user",), reading="delta", single=True,
            add="PUT /users/{id}/manager/$ref", remove="DELETE /users/{id}/manager/$ref",
        ),
        Link(
            name="sponsors", targets=("user", "group"), reading="expand", slow=True,
            add="POST /users/{id}/sponsors/$ref", remove="DELETE /users/{id}/sponsors/{target}/$ref",
            note="whether delta tracks sponsors is not documented",
        ),
        Link(name="directReports", reading="inverse", held_by=("user.manager",)),
        Link(name="sponsorOf", reading="inverse", held_by=("user.sponsors",)),
        Link(name="memberOf", reading="inverse",
             held_by=("group.members", "administrativeUnit.members", "directoryRole.members")),
        Link(name="appRoleAssignments", reading="inverse", held_by=("appRoleAssignment.principalId",)),
        Link(name="oauth2PermissionGrants", reading="inverse", held_by=("oAuth2PermissionGrant.principalId",)),
        Link(name="registeredDevices", reading="inverse", held_by=("device.registeredUsers",)),
        Link(name="ownedDevices", reading="inverse", held_by=("device.registeredOwners",)),
        Link(name="scopedRoleMemberOf", reading="inverse", held_by=("scopedRoleMembership.roleMemberInfo.id",)),
    ),
    recycle_bin=RecycleBin(
        path="/directory/deletedItems/microsoft.graph.user", restore="POST /directory/deletedItems/{id}/restore",
        body=("autoReconcileProxyConflict", "newUserPrincipalName"),
    ),
    read_permissions=("User.Read.All",),
    write_permissions=words("""
        User.ReadWrite.All User-PasswordProfile.ReadWrite.All User.EnableDisableAccount.All
        User.DeleteRestore.All LicenseAssignment.ReadWrite.All
    """),
    property_write_permissions=(
        ("customSecurityAttributes", "CustomSecAttributeAssignment.ReadWrite.All"),
        ("employeeLeaveDateTime", "User-LifeCycleInfo.ReadWrite.All"),
    ),
    actions=(("assignedLicenses", "POST /users/{key}/assignLicense"),),
    alone=("authorizationInfo",),
    left_as_is=(
        Excluded(("passwordProfile",), "nobody can read a password: the one that there is stays, and a user made anew "
                 "gets a random one"),
        Excluded(("mailboxSettings",), "Exchange keeps it with the mailbox; it is read to tell what a mailbox is for"),
        Excluded(("showInAddressList",), "Microsoft asks to manage it in the Microsoft 365 admin center and not by "
                 "Microsoft Graph"),
    ),
    synced_writable=("usageLocation", "assignedLicenses", "customSecurityAttributes"),
    create_required=words("""
        accountEnabled displayName mailNickname passwordProfile userPrincipalName
    """),
    sensitive=words("""
        accountEnabled businessPhones mobilePhone onPremisesImmutableId otherMails passwordProfile
        userPrincipalName
    """),
    read_only=words("""
        id deletedDateTime assignedPlans createdDateTime creationType externalUserState
        externalUserStateChangeDateTime identityParentId imAddresses isManagementRestricted isResourceAccount
        lastPasswordChangeDateTime legalAgeGroupClassification licenseAssignmentStates
        onPremisesDistinguishedName onPremisesDomainName onPremisesLastSyncDateTime
        onPremisesProvisioningErrors onPremisesSamAccountName onPremisesSecurityIdentifier
        onPremisesSyncEnabled onPremisesUserPrincipalName provisionedPlans proxyAddresses securityIdentifier
        serviceProvisioningErrors signInActivity signInSessionsValidFromDateTime
    """),
    immutable=("id", "createdDateTime"),
    secret=("passwordProfile.password",),
    volatile=words("""
        assignedPlans provisionedPlans licenseAssignmentStates[].lastUpdatedDateTime
        onPremisesLastSyncDateTime signInActivity
    """),
    unique=("userPrincipalName", "proxyAddresses", "onPremisesImmutableId"),
    references=(
        Reference("userPrincipalName", "domain", inside_text=True),
        Reference("assignedLicenses[].skuId", "subscribedSku", by="skuId"),
        Reference("licenseAssignmentStates[].assignedByGroup", "group", orders=False),
        Reference("identityParentId", "user", orders=False),
    ),
    unconfirmed=(
        "Whether changes to customSecurityAttributes, licences and onPremisesExtensionAttributes surface in the delta.",
        "Whether sponsors can be selected in the delta.",
        "Whether externalUserState, externalUserStateChangeDateTime and identityParentId can be written.",
        "Whether onPremisesImmutableId must be unique.",
        "Whether an application may write authorizationInfo (certificate user ids) of users who hold admin roles.",
        "Creating a guest with POST /users makes no B2B identity: the guest must be invited again.",
    ),
)

ROWS = (USER,)
