"""Groups of every kind, and the settings and expiry policy that govern them.

Sources: Microsoft Graph "group resource type", "group: delta", "Add members", "Working with groups".
"""

from shared.catalog.reasons import CONTENT, DERIVED, EXTENSIONS, FILLED_BY_RULE, NEVER_RETURNED, PER_CALLER
from shared.catalog.row import Excluded, LeftAlone, Link, ObjectType, RecycleBin, Reference, words

_EXCHANGE = "Microsoft Graph only reads mail-enabled security and distribution groups: Exchange keeps them"

GROUP = ObjectType(
    name="group",
    title="Groups",
    path="/groups",
    graph_type="group",
    reading="delta",
    extension_target="Group",
    page_size=999,
    select=words("""
        id deletedDateTime assignedLabels assignedLicenses classification createdDateTime description
        displayName expirationDateTime groupTypes infoCatalogs isAssignableToRole isManagementRestricted
        licenseProcessingState mail mailEnabled mailNickname membershipRule membershipRuleProcessingState
        onPremisesDomainName onPremisesExtensionAttributes onPremisesLastSyncDateTime onPremisesNetBiosName
        onPremisesProvisioningErrors onPremisesSamAccountName onPremisesSecurityIdentifier
        onPremisesSyncEnabled organizationId preferredDataLocation preferredLanguage proxyAddresses
        renewedDateTime resourceBehaviorOptions resourceProvisioningOptions securityEnabled securityIdentifier
        serviceProvisioningErrors theme uniqueName visibility welcomeMessageEnabled
    """),
    singly=words("""
        accessType allowExternalSenders autoSubscribeNewMembers hideFromAddressLists hideFromOutlookClients
    """),
    singly_where=("groupTypes", "Unified"),
    excluded=(
        Excluded(("hasMembersWithLicenseErrors",), NEVER_RETURNED),
        Excluded(("isArchived",), "never returned on a group: it belongs to the team, which Teams archives"),
        Excluded(("isFavorite", "isSubscribedByMail", "unseenConversationsCount", "unseenCount",
                  "unseenMessagesCount"), PER_CALLER),
        Excluded(("calendar", "calendarView", "conversations", "drive", "drives", "events", "onenote", "photo",
                  "photos", "planner", "sites", "team", "threads"), CONTENT),
        Excluded(("membersWithLicenseErrors", "transitiveMemberOf", "transitiveMembers"), DERIVED),
        Excluded(("acceptedSenders", "rejectedSenders"), "Microsoft Graph gives them to signed-in users only "
                 "(delegated permissions)"),
        Excluded(("permissionGrants",), "grants that a Teams app holds on the team: kept by Teams"),
        Excluded(("createdOnBehalfOf",), "a record of how the group was made: it cannot be written"),
        Excluded(("extensions",), EXTENSIONS),
        Excluded(("onPremisesSyncBehavior",), "needs Group-OnPremisesSyncBehavior.Read.All and one request a group; "
                 "where an object is mastered shows in onPremisesSyncEnabled"),
    ),
    links=(
        Link(
            name="members", targets=("user", "group", "servicePrincipal", "device"), reading="delta",
            permissions=("Member.Read.Hidden",), shown_by="servicePrincipal.memberOf",
            add="POST /groups/{id}/members/$ref", remove="DELETE /groups/{id}/members/{target}/$ref",
            bulk_add="PATCH /groups/{id}", add_limit=20,
            left_alone=(
                LeftAlone(("groupKind", "dynamic"), FILLED_BY_RULE),
                LeftAlone(("groupKind", "mailEnabledSecurity|distribution"), _EXCHANGE),
            ),
            note="the v1.0 list of members leaves out service principals, so a list needs the cast "
                 "`members/microsoft.graph.servicePrincipal` beside it, and each full read asks the service principals "
                 "too; dynamic groups refuse changes by hand",
        ),
        Link(
            name="owners", targets=("user", "servicePrincipal"), reading="delta",
            add="POST /groups/{id}/owners/$ref", remove="DELETE /groups/{id}/owners/{target}/$ref",
            bulk_add="PATCH /groups/{id}", add_limit=20,
            left_alone=(LeftAlone(("groupKind", "mailEnabledSecurity|distribution"), _EXCHANGE),),
            note="at most 100; the last user who owns a group cannot be removed",
        ),
        Link(name="memberOf", reading="inverse", held_by=("group.members", "administrativeUnit.members",
                                                          "directoryRole.members")),
        Link(name="appRoleAssignments", reading="inverse", held_by=("appRoleAssignment.principalId",)),
        Link(name="settings", reading="inverse", held_by=("groupSpecificSetting.@cairn.parent",)),
        Link(
            name="groupLifecyclePolicies", targets=("groupLifecyclePolicy",), reading="each", slow=True,
            permissions=("Directory.Read.All",), write_permissions=("Directory.ReadWrite.All",),
            add="POST /groupLifecyclePolicies/{target}/addGroup",
            remove="POST /groupLifecyclePolicies/{target}/removeGroup", add_body=(("groupId", "{id}"),),
            where=("groupTypes", "Unified"),
            note="a fact of its own only while the policy manages `Selected` groups",
        ),
    ),
    recycle_bin=RecycleBin(
        path="/directory/deletedItems/microsoft.graph.group", restore="POST /directory/deletedItems/{id}/restore",
        not_for="distribution groups (deleted at once) and, as far as documents tell, mail-enabled security groups",
    ),
    read_permissions=("Group.Read.All",),
    write_permissions=("Group.ReadWrite.All", "RoleManagement.ReadWrite.Directory", "LicenseAssignment.ReadWrite.All"),
    delegated_only="assignedLabels (sensitivity labels) can be written by a signed-in administrator only",
    actions=(("assignedLicenses", "POST /groups/{key}/assignLicense"),),
    alone=words("""
        accessType allowExternalSenders autoSubscribeNewMembers hideFromAddressLists hideFromOutlookClients
    """),
    left_as_is=(
        Excluded(("resourceProvisioningOptions",), "it says that the group has a team, which Teams makes and removes"),
    ),
    upsert="PATCH /groups(uniqueName='{uniqueName}')",
    create_required=("displayName", "mailEnabled", "mailNickname", "securityEnabled"),
    read_only=words("""
        id deletedDateTime assignedLabels createdDateTime expirationDateTime infoCatalogs
        isManagementRestricted licenseProcessingState mail onPremisesDomainName onPremisesExtensionAttributes
        onPremisesLastSyncDateTime onPremisesNetBiosName onPremisesProvisioningErrors onPremisesSamAccountName
        onPremisesSecurityIdentifier onPremisesSyncEnabled organizationId proxyAddresses renewedDateTime
        securityIdentifier serviceProvisioningErrors uniqueName
    """),
    immutable=("id", "createdDateTime", "isAssignableToRole", "resourceBehaviorOptions", "uniqueName"),
    volatile=("licenseProcessingState", "onPremisesLastSyncDateTime"),
    unique=("mailNickname", "uniqueName"),
    left_alone=(LeftAlone(("groupKind", "mailEnabledSecurity|distribution"), _EXCHANGE),),
    synced_writable=("assignedLicenses",),
    references=(
        Reference("assignedLicenses[].skuId", "subscribedSku", by="skuId"),
        Reference("membershipRule", "group", inside_text=True, orders=False),
    ),
    unconfirmed=(
        "Whether members in the delta include service principals.",
        "Whether mail-enabled security groups go to the recycle bin.",
        "Whether a static group can be turned into a dynamic one, and back, by PATCH of groupTypes.",
        "Whether an application may read accessType, allowExternalSenders and their like without a signed-in user.",
        "Whether infoCatalogs, organizationId and onPremisesExtensionAttributes can be written.",
    ),
)

ROWS = (GROUP,)
