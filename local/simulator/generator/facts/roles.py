"""Built-in directory roles with their template ids (Microsoft Entra built-in roles)."""

from __future__ import annotations

GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
PRIVILEGED_ROLE_ADMINISTRATOR = "e8611ab8-c189-46e8-94e1-60213ab1f814"
USER_ADMINISTRATOR = "fe930be7-5e62-47db-91af-98c3a49a38b1"
HELPDESK_ADMINISTRATOR = "729827e3-9c14-49f7-bb1b-9608f156bbb8"
GLOBAL_READER = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
SECURITY_ADMINISTRATOR = "194ae4cb-b126-40b2-bd5b-6091b380977d"
CONDITIONAL_ACCESS_ADMINISTRATOR = "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9"
EXCHANGE_ADMINISTRATOR = "29232cdf-9323-42fd-ade2-1d097af3e4de"
APPLICATION_ADMINISTRATOR = "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"
CLOUD_APPLICATION_ADMINISTRATOR = "158c047a-c907-4556-b7ef-446551a6b5f7"
AUTHENTICATION_ADMINISTRATOR = "c4e39bd9-1100-46d3-8c65-fb160da0071f"
DIRECTORY_READERS = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"
DIRECTORY_SYNCHRONIZATION_ACCOUNTS = "d29b2b05-8046-44ba-8758-1e26182fcf32"
SECURITY_READER = "5d6b6bb7-de71-4623-b4af-96380a352509"
GROUPS_ADMINISTRATOR = "fdd7a751-b60b-444a-984c-02652fe8fa1c"

GUEST_USER = "10dae51f-b6af-4016-8d66-8c2a99b929b3"  # the role of guests in authorizationPolicy.guestUserRoleId

ROLES: dict[str, str] = {
    line.partition(" ")[0]: line.partition(" ")[2]
    for line in """\
62e90394-69f5-4237-9190-012177145e10 Global Administrator
e8611ab8-c189-46e8-94e1-60213ab1f814 Privileged Role Administrator
7be44c8a-adaf-4e2a-84d6-ab2649e08a13 Privileged Authentication Administrator
fe930be7-5e62-47db-91af-98c3a49a38b1 User Administrator
729827e3-9c14-49f7-bb1b-9608f156bbb8 Helpdesk Administrator
f2ef992c-3afb-46b9-b7cf-a126ee74c451 Global Reader
194ae4cb-b126-40b2-bd5b-6091b380977d Security Administrator
b1be1c3e-b65d-4f19-8427-f6fa0d97feb9 Conditional Access Administrator
29232cdf-9323-42fd-ade2-1d097af3e4de Exchange Administrator
f28a1f50-f6e7-4571-818b-6a12f2af6b6c SharePoint Administrator
9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3 Application Administrator
158c047a-c907-4556-b7ef-446551a6b5f7 Cloud Application Administrator
cf1c38e5-3621-4004-a7cb-879624dced7c Application Developer
c4e39bd9-1100-46d3-8c65-fb160da0071f Authentication Administrator
0526716b-113d-4c15-b2c8-68e3c22b9f80 Authentication Policy Administrator
9f06204d-73c1-4d4c-880a-6edb90606fd8 Microsoft Entra Joined Device Local Administrator
e3973bdf-4987-49ae-837a-ba8e231c7286 Azure DevOps Administrator
7495fdc4-34c4-4d15-a289-98788ce399fd Azure Information Protection Administrator
b0f54661-2d74-4c50-afa3-1ec803f12efe Billing Administrator
7698a772-787b-4ac8-901f-60d6b08affd2 Cloud Device Administrator
17315797-102d-40b4-93e0-432062caca18 Compliance Administrator
e6d1a23a-da11-4be4-9570-befc86d067a7 Compliance Data Administrator
5c4f9dcd-47dc-4cf7-8c9a-9e4207cbfc91 Customer LockBox Access Approver
88d8e3e3-8f55-4a1e-953a-9b9898b8876b Directory Readers
d29b2b05-8046-44ba-8758-1e26182fcf32 Directory Synchronization Accounts
9360feb5-f418-4baa-8175-e2a00bac4301 Directory Writers
44367163-eba1-44c3-98af-f5787879f96a Dynamics 365 Administrator
31392ffb-586c-42d1-9346-e59415a2cc4e Exchange Recipient Administrator
6e591065-9bad-43ed-90f3-e9424366d2f0 External ID User Flow Administrator
be2f45a1-457d-42af-a067-6ec1fa63bc45 External Identity Provider Administrator
a9ea8996-122f-4c74-9520-8edcd192826c Fabric Administrator
fdd7a751-b60b-444a-984c-02652fe8fa1c Groups Administrator
95e79109-95c0-4d8e-aee3-d01accf2d47b Guest Inviter
8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2 Hybrid Identity Administrator
3a2c62db-5318-420d-8d74-23affee5d9d5 Intune Administrator
4d6ac14f-3453-41d0-bef9-a3e0c569773a License Administrator
790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b Message Center Reader
2b745bdf-0803-4d80-aa65-822c4493daac Office Apps Administrator
966707d0-3269-4727-9be2-8c3a10f19b9d Password Administrator
11648597-926c-4cf3-9c36-bcebb0ba8dcc Power Platform Administrator
4a5d8f65-41da-4de4-8968-e035b65339cf Reports Reader
5f2222b1-57c3-48ba-8ad5-d4759f1fde6f Security Operator
5d6b6bb7-de71-4623-b4af-96380a352509 Security Reader
f023fd81-a637-4b56-95fd-791ac0226033 Service Support Administrator
69091246-20e8-4a56-aa4d-066075b2a7a8 Teams Administrator
baf37b3a-610e-45da-9e62-d9d1e5e8914b Teams Communications Administrator
75934031-6c7e-415a-99d7-48dbd49e875e Usage Summary Reports Reader""".splitlines()
}

ACTIONS = {
    GLOBAL_ADMINISTRATOR: ("microsoft.directory/users/allProperties/allTasks",
                           "microsoft.directory/groups/allProperties/allTasks",
                           "microsoft.directory/applications/allProperties/allTasks",
                           "microsoft.directory/directoryRoles/allProperties/allTasks"),
    USER_ADMINISTRATOR: ("microsoft.directory/users/basic/update", "microsoft.directory/users/create",
                         "microsoft.directory/users/delete", "microsoft.directory/groups/members/update"),
    HELPDESK_ADMINISTRATOR: ("microsoft.directory/users/password/update",
                             "microsoft.directory/users/invalidateAllRefreshTokens"),
}  # fmt: skip
STANDARD_READ = ("microsoft.directory/users/standard/read", "microsoft.directory/groups/standard/read")

CUSTOM = (
    ("Application Registration Support", ("microsoft.directory/applications/basic/update",
                                          "microsoft.directory/applications/credentials/update")),
    ("Group Owner Support – Équipe", ("microsoft.directory/groups/members/update",
                                      "microsoft.directory/groups/owners/update")),
    ("Device Name Keeper", ("microsoft.directory/devices/basic/update",)),
)  # fmt: skip
