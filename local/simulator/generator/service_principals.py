"""Service principals that are not of the tenant's own applications: Microsoft's, gallery ones of other companies,
managed identities and agent identities.
"""

from __future__ import annotations

from collections.abc import Callable

from local.simulator.generator.certificates import CERTIFICATES
from local.simulator.generator.draft import MICROSOFT_TENANT, Draft, day, ids, moments
from local.simulator.generator.facts import first_party
from local.simulator.generator.permissions import app_roles, scopes
from local.simulator.store import Body

GALLERY = (
    ("Salesforce", "salesforce"), ("ServiceNow", "servicenow"), ("Zoom", "zoom"), ("Slack", "slack"),
    ("DocuSign", "docusign"), ("Workday", "workday"), ("GitHub Enterprise Cloud", "github"), ("Dropbox Business",
     "dbx"),
    ("Atlassian Cloud", "atlassian"), ("Box", "box"), ("SAP Cloud Identity Services", "sap"), ("Miro", "miro"),
    ("Lucidchart", "lucid"), ("Canva – Für Teams", "canva"), ("1Password", "onepassword"),
)  # fmt: skip
EMPTY: dict[str, list[str]] = {
    "addIns": [], "alternativeNames": [], "appRoles": [], "oauth2PermissionScopes": [], "keyCredentials": [],
    "passwordCredentials": [], "notificationEmailAddresses": [], "replyUrls": [], "tags": [],
    "resourceSpecificApplicationPermissions": [],
}  # fmt: skip


def make_service_principals(draft: Draft) -> None:
    """Create the service principals beside those of the tenant's own applications, up to the wanted number."""
    _first_party(draft)
    left = max(8, draft.sizes.service_principals - draft.sizes.applications - len(first_party.FIRST_PARTY) - 2)
    _agents(draft)
    managed = left * 4 // 10
    _managed(draft, managed)
    _gallery(draft, left - managed)


def _principal(object_id: str, app_id: str, name: str, owner: str, kind: str = "Application") -> Body:
    return EMPTY | {
        "id": object_id, "appId": app_id, "displayName": name, "appDisplayName": name, "servicePrincipalType": kind,
        "accountEnabled": True, "appOwnerOrganizationId": owner, "servicePrincipalNames": [app_id],
        "appRoleAssignmentRequired": False, "signInAudience": "AzureADMultipleOrgs",
    }  # fmt: skip


def _first_party(draft: Draft) -> None:
    new_id = ids(draft.rng("first-party ids"))
    for app_id, name in first_party.FIRST_PARTY.items():
        body = _principal(new_id(), app_id, name, MICROSOFT_TENANT)
        body["servicePrincipalNames"] = [app_id, f"https://{name.lower().replace(' ', '')}.microsoft.com"]
        body["verifiedPublisher"] = {"displayName": None, "verifiedPublisherId": None, "addedDateTime": None}
        if app_id == first_party.GRAPH:
            body |= {
                "appRoles": list(app_roles()), "oauth2PermissionScopes": list(scopes()),
                "servicePrincipalNames": [app_id, "https://graph.microsoft.com", "https://graph.microsoft.com/",
                                          "https://canary.graph.microsoft.com"],
                "resourceSpecificApplicationPermissions": [
                    {"id": "bc024368-1153-4739-b217-4326f2e966d0", "value": "TeamSettings.Read.Group",
                     "displayName": "Read this team's settings", "description": "Read this team's settings.",
                     "isEnabled": True}],
            }  # fmt: skip
        else:
            body["appRoles"] = [
                {"id": role, "value": value, "displayName": value, "description": value, "isEnabled": True,
                 "allowedMemberTypes": ["Application"], "origin": "Application"}
                for role, value in first_party.ROLES.get(app_id, ())
            ]  # fmt: skip
            body["oauth2PermissionScopes"] = [
                {"id": scope, "value": value, "type": "User", "isEnabled": True, "adminConsentDisplayName": value,
                 "adminConsentDescription": value, "userConsentDisplayName": value, "userConsentDescription": value}
                for scope, value in first_party.SCOPES.get(app_id, ())
            ]  # fmt: skip
        key = draft.add("servicePrincipal", body)
        draft.first_party[app_id] = (key, name)
        if app_id in (first_party.AZURE_MANAGEMENT, first_party.AZURE_CLI):
            draft.add(
                "remoteDesktopSecurityConfiguration",
                {"id": draft.known_id(f"remote desktop {app_id}"), "isRemoteDesktopProtocolEnabled": False},
                key, "remoteDesktopSecurityConfiguration",
            )  # fmt: skip


def _agents(draft: Draft) -> None:
    """Two agent identities of the tenant's blueprint, if there is one."""
    blueprint = draft.known_id("blueprint appId")
    if not any(app_id == blueprint for _, app_id, _ in draft.applications):
        return
    for number, name in enumerate(("Expenses agent", "Onboarding agent – Équipe RH")):
        agent = draft.known_id("agent identity" if number == 0 else f"agent identity {number}")
        body = _principal(agent, agent, name, draft.store.tenant_id, "ServiceIdentity")
        body |= {
            "@odata.type": "#microsoft.graph.agentIdentity", "agentIdentityBlueprintId": blueprint,
            "createdDateTime": day(120), "createdByAppId": blueprint, "signInAudience": "AzureADMyOrg",
        }  # fmt: skip
        draft.add("servicePrincipal", body)
        for sponsor in draft.users[number + 1 : number + 2]:
            draft.store.link(agent, "sponsors", sponsor)


def _managed(draft: Draft, count: int) -> None:
    chance = draft.rng("managed identities")
    new_id = ids(draft.rng("managed identity ids"))
    kinds = ("Microsoft.Web/sites/fn", "Microsoft.Compute/virtualMachines/vm", "Microsoft.Logic/workflows/la",
             "Microsoft.ManagedIdentity/userAssignedIdentities/id")  # fmt: skip
    subscription = draft.known_id("subscription")
    for number in range(count):
        kind = kinds[number % len(kinds)] if number < 8 else chance.choice(kinds)
        name = f"{kind.rpartition('/')[2]}-contoso-{number:04d}"
        object_id, app_id = new_id(), new_id()
        scope = f"/subscriptions/{subscription}/resourcegroups/rg-{number % 37}"
        path = f"{scope}/providers/{kind.rpartition('/')[0]}/{name}"
        body = _principal(object_id, app_id, name, draft.store.tenant_id, "ManagedIdentity")
        del body["appOwnerOrganizationId"], body["signInAudience"]
        made = CERTIFICATES[0]
        body |= {
            "alternativeNames": ["isExplicit=" + str("userAssigned" in kind), path],
            "servicePrincipalNames": [app_id, f"https://identity.azure.net/{draft.known_id(name)}"],
            "keyCredentials": [{"keyId": new_id(), "type": "AsymmetricX509Cert", "usage": "Verify", "key": None,
                                "displayName": f"CN={app_id}", "customKeyIdentifier": made.thumbprint,
                                "startDateTime": day(60), "endDateTime": day(-30)}],
        }  # fmt: skip
        draft.managed.append((draft.add("servicePrincipal", body), app_id, name))
        if "userAssigned" in kind and number < 40:
            draft.add(
                "federatedIdentityCredential",
                {"id": new_id(), "name": "aks", "issuer": f"https://oidc.aks.example/{object_id}/",
                 "subject": "system:serviceaccount:default:cairn", "audiences": ["api://AzureADTokenExchange"]},
                object_id, "federatedIdentityCredentials",
            )  # fmt: skip


def _gallery(draft: Draft, count: int) -> None:
    chance = draft.rng("gallery")
    new_id = ids(draft.rng("gallery ids"))
    moment = moments(chance)
    for number in range(count):
        name, slug = GALLERY[number] if number < len(GALLERY) else chance.choice(GALLERY)
        if number >= len(GALLERY):
            name, slug = f"{name} ({number})", f"{slug}-{number}"
        saml = number % 3 == 0
        app_id = new_id()
        body = _principal(new_id(), app_id, name, new_id())
        body |= {
            "tags": ["WindowsAzureActiveDirectoryIntegratedApp",
                     *(["WindowsAzureActiveDirectoryGalleryApplicationPrimaryV1"] if saml else [])],
            "homepage": f"https://{slug}.example", "replyUrls": [f"https://{slug}.example/saml/acs"],
            "appRoleAssignmentRequired": chance.random() < 0.7,
                                                       "applicationTemplateId": draft.known_id(f"gallery {slug}"),
            "appRoles": [{"id": draft.known_id(f"gallery role {app_id}"), "value": None, "displayName": "User",
                          "description": "User", "isEnabled": True, "allowedMemberTypes": ["User"],
                          "origin": "Application"}],
            "info": {"logoUrl": None, "marketingUrl": None, "privacyStatementUrl": f"https://{slug}.example/privacy",
                     "supportUrl": None, "termsOfServiceUrl": None},
            "verifiedPublisher": {"displayName": name, "verifiedPublisherId": str(1000000 + number),
                                  "addedDateTime": moment(1500)},
            "accountEnabled": chance.random() > 0.05,
        }  # fmt: skip
        if saml:
            made = CERTIFICATES[1]
            body |= {
                "preferredSingleSignOnMode": "saml", "loginUrl": f"https://{slug}.example/login",
                "samlSingleSignOnSettings": {"relayState": f"https://{slug}.example/home"},
                "notificationEmailAddresses": [f"identity-team@{draft.domain}"],
                "keyCredentials": [{"keyId": new_id(), "type": "AsymmetricX509Cert", "usage": "Verify", "key": made.der,
                                    "displayName": "CN=Microsoft Azure Federated SSO Certificate",
                                    "customKeyIdentifier": made.thumbprint, "startDateTime": made.starts,
                                    "endDateTime": made.ends}],
            }  # fmt: skip
        key = draft.add("servicePrincipal", body)
        draft.gallery.append((key, app_id, name))
        if number < len(GALLERY):
            _provisioning(draft, key, slug, number, new_id)
        if draft.users and chance.random() < 0.3:
            draft.store.link(key, "owners", chance.choice(draft.users))


def _provisioning(draft: Draft, key: str, slug: str, number: int, new_id: Callable[[], str]) -> None:
    """What an application of the gallery can provision, and for some a job that does."""
    template = f"{slug}Provisioning"
    draft.add("synchronizationTemplate", {"id": template, "applicationId": draft.known_id(f"gallery {slug}"),
                                          "factoryTag": template, "default": True, "discoverable": True},
              key, "synchronization/templates")  # fmt: skip
    if number % 4:
        return
    active = number % 8 == 0
    job = draft.add(
        "synchronizationJob",
        {"id": f"{template}.{draft.store.tenant_id.replace('-', '')}.{new_id()}", "templateId": template,
         "schedule": {"state": "Active" if active else "Paused", "interval": "PT40M", "expiration": None},
         "status": {"code": "Active" if active else "Paused", "countSuccessiveCompleteFailures": 0,
                    "escrowsPruned": False},
         "synchronizationJobSettings": [{"name": "AzureIngestionAttributeOptimization", "value": "False"}]},
        key, "synchronization/jobs",
    )  # fmt: skip
    rule = {
        "id": new_id(), "name": "USER_INBOUND_USER", "editable": True, "priority": 1,
        "sourceDirectoryName": "Azure Active Directory", "targetDirectoryName": slug,
        "objectMappings": [
            {"enabled": True, "name": "Synchronize Azure Active Directory Users", "flowTypes": "Add,Update,Delete",
             "sourceObjectName": "User", "targetObjectName": "User", "attributeMappings": [
                 {"targetAttributeName": "userName", "matchingPriority": 1, "flowType": "Always",
                  "flowBehavior": "FlowWhenChanged",
                  "source": {"type": "Attribute", "name": "userPrincipalName", "expression": "[userPrincipalName]"}}]}
        ],
    }  # fmt: skip
    draft.add("synchronizationSchema", {"id": new_id(), "version": "v1.12", "synchronizationRules": [rule]},
              job, "schema")  # fmt: skip
