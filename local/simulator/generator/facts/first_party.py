"""Microsoft's own applications that show as service principals in customers' tenants (Verify first-party Microsoft
applications in sign-in reports)."""

from __future__ import annotations

GRAPH = "00000003-0000-0000-c000-000000000000"
EXCHANGE = "00000002-0000-0ff1-ce00-000000000000"
SHAREPOINT = "00000003-0000-0ff1-ce00-000000000000"
AZURE_MANAGEMENT = "797f4846-ba00-4fd7-ba43-dac1f8f63013"
AZURE_PORTAL = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c"
AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
INTUNE_ENROLLMENT = "d4ebce55-015a-49b5-a083-c84d1797ae8c"

FIRST_PARTY: dict[str, str] = {
    line.partition(" ")[0]: line.partition(" ")[2]
    for line in """\
00000003-0000-0000-c000-000000000000 Microsoft Graph
00000002-0000-0000-c000-000000000000 Windows Azure Active Directory
00000002-0000-0ff1-ce00-000000000000 Office 365 Exchange Online
00000003-0000-0ff1-ce00-000000000000 Office 365 SharePoint Online
00000004-0000-0ff1-ce00-000000000000 Skype for Business Online
00000006-0000-0ff1-ce00-000000000000 Microsoft Office 365 Portal
00000007-0000-0000-c000-000000000000 Dataverse
00000009-0000-0000-c000-000000000000 Power BI Service
0000000a-0000-0000-c000-000000000000 Microsoft Intune
00000012-0000-0000-c000-000000000000 Microsoft Rights Management Services
00b41c95-dab0-4487-9791-b9d2c32c80f2 Office 365 Management
04b07795-8ddb-461a-bbee-02f9e1bf7b46 Microsoft Azure CLI
1950a258-227b-4e31-a9cf-717495945fc2 Microsoft Azure PowerShell
1fec8e78-bce4-4aaf-ab1b-5451cc387264 Microsoft Teams
14d82eec-204b-4c2f-b7e8-296a70dab67e Microsoft Graph Command Line Tools
4765445b-32c6-49b0-83e6-1d93765276ca OfficeHome
5e3ce6c0-2b1f-4285-8d4b-75ee78787346 Microsoft Teams Web Client
797f4846-ba00-4fd7-ba43-dac1f8f63013 Windows Azure Service Management API
89bee1f7-5e6e-4d8a-9f3d-ecd601259da7 Office365 Shell WCSS-Client
9bc3ab49-b65d-410a-85ad-de819febfddc Microsoft SharePoint Online Management Shell
c44b4083-3bb0-49c1-b47d-974e53cbdf3c Azure Portal
c5393580-f805-4401-95e8-94b7a6ef2fc2 Office 365 Management APIs
cc15fd57-2c6c-4117-a88c-83b1d56b4bbe Microsoft Teams Services
cfa8b339-82a2-471a-a3c9-0fc0be7a4093 Azure Key Vault
d3590ed6-52b3-4102-aeff-aad2292ab01c Microsoft Office
d4ebce55-015a-49b5-a083-c84d1797ae8c Microsoft Intune Enrollment
e406a681-f3d4-42a8-90b6-c2b029497af1 Azure Storage
fc780465-2017-40d4-a0c5-307022471b92 WindowsDefenderATP
29d9ed98-a469-4536-ade2-f981bc1d605e Microsoft Authentication Broker
ab9b8c07-8f02-4f72-87fa-80105867a763 OneDrive SyncEngine""".splitlines()
}

# App roles and delegated scopes of two more services that applications ask for (Permissions of Office 365 Exchange
# Online and SharePoint in app registrations).
ROLES = {
    EXCHANGE: (("dc890d15-9560-4a4c-9b7f-a736ec74ec40", "full_access_as_app"),
               ("dc50a0fb-09a3-484d-be87-e023b12c6440", "Exchange.ManageAsApp")),
    SHAREPOINT: (("678536fe-1083-478a-9c59-b99265e6b0d3", "Sites.FullControl.All"),
                 ("d13f72ca-a275-4b96-b789-48ebcc4da984", "Sites.Read.All")),
}  # fmt: skip
SCOPES = {
    EXCHANGE: (("3b5f3d61-589b-4a3c-a359-5dd4b5ee5bd5", "EWS.AccessAsUser.All"),),
    SHAREPOINT: (("56680e0d-d2a3-4ae1-80d8-3c4f2100e3d0", "AllSites.FullControl"),),
    AZURE_MANAGEMENT: (("41094075-9dad-400e-a0bd-54e686782033", "user_impersonation"),),
}
