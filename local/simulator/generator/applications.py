"""Application registrations with what hangs on them, and the service principal of each.

Every tenant's first applications are of every kind; the rest are drawn. Certificates are real ones
of which only the public part is told; secrets show their first characters, as Graph shows them.
"""

from __future__ import annotations

import base64
import random

from local.simulator.generator.certificates import CERTIFICATES, LOGO
from local.simulator.generator.draft import Draft, day, ids, moments, pick
from local.simulator.generator.facts import first_party
from local.simulator.generator.permissions import role_ids, scope_ids
from local.simulator.store import Body

KINDS = (
    "extensions", "api", "web", "spa", "daemon", "public", "saml", "proxy", "blueprint", "multitenant", "disabled",
)  # fmt: skip
WEIGHTS = (0, 15, 30, 12, 25, 8, 4, 2, 1, 2, 2)
NAMES = (
    "Expenses", "Holiday planner", "Invoice robot", "Zeiterfassung", "Portail RH", "Data lake loader", "Ticketing",
    "在庫管理", "Кадры", "Field service", "Terraform", "Backup of O'Hare site", "BI exporter", "Kiosk", "Parking 🚗",
)  # fmt: skip
APP_PERMISSIONS = ("User.Read.All", "Group.Read.All", "Mail.Send", "Sites.Read.All", "AuditLog.Read.All",
                   "Directory.Read.All", "Files.Read.All", "Calendars.Read")  # fmt: skip
DELEGATED = ("User.Read", "openid", "profile", "email", "offline_access", "Mail.Read", "Files.ReadWrite.All",
             "Calendars.ReadWrite", "Sites.Read.All", "People.Read")  # fmt: skip


def make_applications(draft: Draft) -> None:
    """Create all applications of the tenant's own with their service principals, owners and credentials."""
    chance = draft.rng("applications")
    new_id = ids(draft.rng("application ids"))
    moment = moments(chance)
    for number in range(draft.sizes.applications):
        kind = KINDS[number] if number < len(KINDS) else chance.choices(KINDS, WEIGHTS)[0]
        first = number < len(KINDS)
        app_id = draft.known_id(f"{kind} appId") if first else new_id()
        name = NAMES[number] if number < len(NAMES) else f"{chance.choice(NAMES)} {number}"
        if kind == "blueprint":
            name = f"{name} agent blueprint"
        created = moment(1500, 30)
        body = _application(draft, chance, kind, new_id(), app_id, name, created)
        object_id = draft.add("application", body)
        draft.applications.append((object_id, app_id, name))
        _contained(draft, chance, object_id, app_id, name, kind)
        if number == 0 or chance.random() < 0.3:
            for creator in pick(chance, draft.users, 1):
                draft.store.link(object_id, "createdOnBehalfOf", creator)
        principal_id = new_id()
        draft.add("servicePrincipal", own_principal(draft, body, principal_id, kind))
        draft.principals.append((principal_id, app_id, name))
        if kind == "blueprint":
            for sponsor in pick(chance, draft.users, 2):
                draft.store.link(object_id, "sponsors", sponsor)
                draft.store.link(principal_id, "sponsors", sponsor)
        for owner in pick(chance, draft.users, 0 if chance.random() < 0.25 else 1 + int(chance.random() * 2)):
            draft.store.link(object_id, "owners", owner)
            draft.store.link(principal_id, "owners", owner)


def _application(
    draft: Draft, chance: random.Random, kind: str, object_id: str, app_id: str, name: str, created: str
) -> Body:
    drawn = chance.random()
    slug = f"app-{app_id[:8]}"
    site = f"https://{slug}.{draft.domain}"
    body: Body = {
        "id": object_id, "appId": app_id, "displayName": name, "createdDateTime": created, "tags": [],
        "publisherDomain": draft.domain, "signInAudience": "AzureADMyOrg", "identifierUris": [], "addIns": [],
        "api": {"acceptMappedClaims": None, "knownClientApplications": [], "requestedAccessTokenVersion": 2,
                "oauth2PermissionScopes": [], "preAuthorizedApplications": []},
        "appRoles": [], "keyCredentials": [], "passwordCredentials": [], "isFallbackPublicClient": None,
        "publicClient": {"redirectUris": []}, "spa": {"redirectUris": []},
        "web": {"homePageUrl": None, "logoutUrl": None, "redirectUris": [], "redirectUriSettings": [],
                "implicitGrantSettings": {"enableAccessTokenIssuance": False, "enableIdTokenIssuance": False}},
        "info": {"logoUrl": None, "marketingUrl": None, "privacyStatementUrl": None, "supportUrl": None,
                 "termsOfServiceUrl": None},
        "parentalControlSettings": {"countriesBlockedForMinors": [], "legalAgeGroupRule": "Allow"},
        "verifiedPublisher": {"displayName": None, "verifiedPublisherId": None, "addedDateTime": None},
        "requiredResourceAccess": _required(chance, kind),
        "servicePrincipalLockConfiguration": {
            "isEnabled": True, "allProperties": True, "credentialsWithUsageVerify": True,
            "credentialsWithUsageSign": True, "tokenEncryptionKeyId": True,
        },
    }  # fmt: skip
    if kind in ("web", "saml", "proxy", "multitenant"):
        body["web"] |= {
            "homePageUrl": f"{site}/", "logoutUrl": f"{site}/signout",
            "redirectUris": [f"{site}/signin-oidc", "https://localhost:44321/"],
            "redirectUriSettings": [{"uri": f"{site}/signin-oidc", "index": None},
                                    {"uri": "https://localhost:44321/", "index": None}],
            "implicitGrantSettings": {"enableAccessTokenIssuance": False, "enableIdTokenIssuance": drawn < 0.4},
        }  # fmt: skip
        body["optionalClaims"] = {
            "idToken": [{"name": "email", "source": None, "essential": False, "additionalProperties": []}],
            "accessToken": [{"name": "groups", "source": None, "essential": False,
                             "additionalProperties": ["sam_account_name"]}],
            "saml2Token": [],
        }  # fmt: skip
        body["groupMembershipClaims"] = "SecurityGroup" if drawn < 0.5 else None
    elif kind == "spa":
        body["spa"]["redirectUris"] = [f"{site}/", "http://localhost:3000/"]
    elif kind == "public":
        body["publicClient"]["redirectUris"] = [f"msal{app_id}://auth", "http://localhost"]
        body["isFallbackPublicClient"] = True
    if kind in ("api", "web", "daemon"):
        body["identifierUris"] = [f"api://{app_id}"]
    if kind in ("api", "web"):
        body["api"]["oauth2PermissionScopes"] = [_scope(draft, app_id, name, each) for each in ("access_as_user",
                                                                                                "read")]
        body["appRoles"] = [
            _role(draft, app_id, "Reader", "User"), _role(draft, app_id, "Approver.Überstunden", "User"),
            _role(draft, app_id, "Jobs.Run", "Application"),
        ]  # fmt: skip
        if kind == "api":
            scope = body["api"]["oauth2PermissionScopes"][0]["id"]
            body["api"]["preAuthorizedApplications"] = [
                {"appId": draft.known_id("spa appId"), "delegatedPermissionIds": [scope]}
            ]
            body["api"]["knownClientApplications"] = [draft.known_id("spa appId")]
    if kind == "multitenant":
        body["signInAudience"] = "AzureADMultipleOrgs"
        body["verifiedPublisher"] = {
            "displayName": "Contoso Ltd.", "verifiedPublisherId": "1234567", "addedDateTime": created,
        }  # fmt: skip
    if kind == "saml":
        body |= {"identifierUris": [f"https://{slug}.{draft.domain}"],
                 "applicationTemplateId": "8adf8e6e-67b2-4cf2-a259-e3dc5476c621",
                 "tags": ["WindowsAzureActiveDirectoryIntegratedApp",
                          "WindowsAzureActiveDirectoryCustomSingleSignOnApp"],
                 "samlMetadataUrl": f"{site}/metadata.xml"}  # fmt: skip
    if kind == "proxy":
        body["tags"] = ["WindowsAzureActiveDirectoryOnPremApp"]
        body["onPremisesPublishing"] = {
            "applicationType": "enterpriseapp", "externalAuthenticationType": "aadPreAuthentication",
            "externalUrl": f"https://{slug}-{draft.seed}.msappproxy.net/",
            "internalUrl": f"http://intranet.corp.{draft.domain}/{slug}/", "isOnPremPublishingEnabled": True,
            "isHttpOnlyCookieEnabled": True, "isPersistentCookieEnabled": False, "isSecureCookieEnabled": True,
            "isTranslateHostHeaderEnabled": True, "isTranslateLinksInBodyEnabled": False,
            "isBackendCertificateValidationEnabled": True, "applicationServerTimeout": "Default",
            "singleSignOnSettings": {"singleSignOnMode": "onPremisesKerberos", "kerberosSignOnSettings": {
                "kerberosServicePrincipalName": f"http/intranet.corp.{draft.domain}",
                "kerberosSignOnMappingAttributeType": "userPrincipalName"}},
        }  # fmt: skip
    if kind == "blueprint":
        body |= {"@odata.type": "#microsoft.graph.agentIdentityBlueprint", "managerApplications": []}
    if kind == "disabled":
        body["disabledByMicrosoftStatus"] = None
        body["isDisabled"] = True
    if kind == "extensions":
        body |= {"uniqueName": "contoso-directory-extensions", "notes": "Owns our directory extensions. Do not delete."}
    _credentials(draft, chance, body, kind, drawn)
    return body


def _credentials(draft: Draft, chance: random.Random, body: Body, kind: str, drawn: float) -> None:
    app_id, name, created = body["appId"], body["displayName"], body["createdDateTime"]
    if kind in ("daemon", "web", "multitenant") or drawn < 0.2:
        body["passwordCredentials"] = _secrets(draft, chance, app_id, created)
    if kind in ("daemon", "saml") or drawn > 0.93:
        body["keyCredentials"] = [_certificate(draft, chance, app_id)]
    if drawn < 0.05 or (kind == "web" and drawn < 0.2) or kind == "multitenant":
        body["info"]["logoUrl"] = f"https://secure.aadcdn.microsoftonline-p.com/app-{app_id[:8]}/logo.png"
        body["info"]["supportUrl"] = f"https://app-{app_id[:8]}.{draft.domain}/support"
        body["logo"] = LOGO
    if drawn > 0.5:
        body["description"] = f"{name} for {draft.domain}, since {created[:4]}"
        body["serviceManagementReference"] = f"CMDB-{int(drawn * 100000)}"


def _required(chance: random.Random, kind: str) -> list[Body]:
    roles = [] if kind in ("spa", "public") else chance.sample(APP_PERMISSIONS, 1 + int(chance.random() * 3))
    scopes = chance.sample(DELEGATED, 2) if kind != "daemon" else []
    access = [{"id": scope_ids()[each], "type": "Scope"} for each in dict.fromkeys(("User.Read", *scopes))]
    access += [{"id": role_ids()[each], "type": "Role"} for each in roles]
    required: list[Body] = [{"resourceAppId": first_party.GRAPH, "resourceAccess": access}]
    if kind == "daemon" and chance.random() < 0.3:
        required.append({"resourceAppId": first_party.EXCHANGE, "resourceAccess": [
            {"id": first_party.ROLES[first_party.EXCHANGE][0][0], "type": "Role"}]})  # fmt: skip
    return required


def _scope(draft: Draft, app_id: str, name: str, value: str) -> Body:
    return {
        "id": draft.known_id(f"{app_id} scope {value}"), "value": value, "type": "User", "isEnabled": True,
        "adminConsentDisplayName": f"{value} of {name}", "adminConsentDescription": f"Lets the app use {name}.",
        "userConsentDisplayName": f"Use {name}", "userConsentDescription": f"Lets the app use {name} for you.",
    }  # fmt: skip


def _role(draft: Draft, app_id: str, value: str, member: str) -> Body:
    return {
        "id": draft.known_id(f"{app_id} role {value}"), "value": value, "displayName": value, "isEnabled": True,
        "description": f"May act as {value}", "allowedMemberTypes": [member], "origin": "Application",
    }  # fmt: skip


def _secrets(draft: Draft, chance: random.Random, app_id: str, created: str) -> list[Body]:
    return [
        {"keyId": draft.known_id(f"{app_id} secret {number}"), "displayName": label, "hint": hint,
         "startDateTime": created, "endDateTime": day(back), "secretText": None, "customKeyIdentifier": None}
        for number, (label, hint, back) in enumerate(
            (("pipeline", "x~Q", -200), ("alt – nicht löschen", "9v8", 40))[: 1 + int(chance.random() * 2)]
        )
    ]  # fmt: skip


def _certificate(draft: Draft, chance: random.Random, app_id: str) -> Body:
    made = chance.choice(CERTIFICATES)
    return {
        "keyId": draft.known_id(f"{app_id} certificate"), "displayName": made.subject, "type": "AsymmetricX509Cert",
        "usage": "Verify", "key": made.der, "customKeyIdentifier": made.thumbprint, "startDateTime": made.starts,
        "endDateTime": made.ends,
    }  # fmt: skip


def _contained(
    draft: Draft, chance: random.Random, object_id: str, app_id: str, name: str, kind: str
) -> None:
    if kind == "daemon":
        for number in range(1 + int(chance.random() * 2)):
            draft.add(
                "federatedIdentityCredential",
                {"id": draft.known_id(f"{app_id} federation {number}"), "name": f"github-{number}",
                 "issuer": "https://token.actions.githubusercontent.com",
                 "subject": f"repo:contoso/{app_id[:8]}:ref:refs/heads/main-{number}",
                 "audiences": ["api://AzureADTokenExchange"], "description": f"Deploys {name}"},
                object_id, "federatedIdentityCredentials",
            )  # fmt: skip
    if kind == "blueprint":
        for resource, scopes in (
            (first_party.GRAPH, {"@odata.type": "#microsoft.graph.enumeratedScopes", "kind": "enumerated",
                                 "scopes": ["User.Read", "Mail.Read"]}),
            (first_party.EXCHANGE, {"@odata.type": "#microsoft.graph.noScopes", "kind": "none"}),
        ):  # fmt: skip
            draft.add(
                "inheritablePermission", {"id": resource, "resourceAppId": resource, "inheritableScopes": scopes},
                object_id, "inheritablePermissions",
            )  # fmt: skip
    if kind == "extensions":
        for value, data_type, targets in (
            ("badgeNumber", "String", ["User"]), ("retentionYears", "Integer", ["Group"]), ("onSite", "Boolean",
             ["User"]),
        ):  # fmt: skip
            draft.add(
                "extensionProperty",
                {"id": draft.known_id(f"{app_id} extension {value}"), "dataType": data_type, "targetObjects": targets,
                 "name": f"extension_{app_id.replace('-', '')}_{value}", "appDisplayName": name,
                 "isMultiValued": False, "isSyncedFromOnPremises": False},
                object_id, "extensionProperties",
            )  # fmt: skip


def own_principal(draft: Draft, application: Body, object_id: str, kind: str) -> Body:
    """The service principal of an application of the tenant's own."""
    app_id, name = application["appId"], application["displayName"]
    body: Body = {
        "id": object_id, "appId": app_id, "displayName": name, "appDisplayName": name,
        "servicePrincipalType": "Application", "accountEnabled": kind != "disabled",
        "appOwnerOrganizationId": draft.store.tenant_id, "signInAudience": application["signInAudience"],
        "servicePrincipalNames": [*application["identifierUris"], app_id], "appRoles": application["appRoles"],
        "oauth2PermissionScopes": application["api"]["oauth2PermissionScopes"],
        "replyUrls": [*application["web"]["redirectUris"], *application["spa"]["redirectUris"]],
        "tags": ["WindowsAzureActiveDirectoryIntegratedApp", *(["HideApp"] if kind == "daemon" else [])],
        "homepage": application["web"]["homePageUrl"], "logoutUrl": application["web"]["logoutUrl"],
        "appRoleAssignmentRequired": kind in ("web", "saml"), "alternativeNames": [], "addIns": [],
        "notificationEmailAddresses": [], "keyCredentials": [], "passwordCredentials": [],
        "resourceSpecificApplicationPermissions": [], "info": application["info"],
        "verifiedPublisher": application["verifiedPublisher"],
    }  # fmt: skip
    if "description" in application:
        body["appDescription"] = application["description"]
    if kind == "saml":
        made = CERTIFICATES[0]
        signing = base64.b64encode(f"CN=Microsoft Azure Federated SSO {app_id}".encode()).decode()
        body |= {
            "preferredSingleSignOnMode": "saml", "loginUrl": f"https://app-{app_id[:8]}.{draft.domain}/login",
            "samlSingleSignOnSettings": {"relayState": f"https://app-{app_id[:8]}.{draft.domain}/start"},
            "notificationEmailAddresses": [f"identity-team@{draft.domain}"],
            "preferredTokenSigningKeyThumbprint": base64.b64decode(made.thumbprint).hex().upper(),
            "applicationTemplateId": application["applicationTemplateId"],
            "tags": ["WindowsAzureActiveDirectoryIntegratedApp", "WindowsAzureActiveDirectoryCustomSingleSignOnApp"],
            "keyCredentials": [
                {"keyId": draft.known_id(f"{app_id} signing {usage}"), "usage": usage, "type": kind_of_key,
                 "displayName": "CN=Microsoft Azure Federated SSO Certificate",
                 "key": made.der if usage == "Verify" else
                 None, "customKeyIdentifier": signing, "startDateTime": made.starts, "endDateTime": made.ends}
                for usage, kind_of_key in (("Verify", "AsymmetricX509Cert"), ("Sign", "X509CertAndPassword"))
            ],
        }  # fmt: skip
    if kind == "proxy":
        body["tags"] = [*body["tags"], "WindowsAzureActiveDirectoryOnPremApp"]
    if kind == "blueprint":
        body |= {"@odata.type": "#microsoft.graph.agentIdentityBlueprintPrincipal"}
    if kind == "api":
        body["customSecurityAttributes"] = {
            "Privacy": {"@odata.type": "#Microsoft.DirectoryServices.CustomSecurityAttributeValue",
                        "DataClass": "Confidential"}}  # fmt: skip
        body["notes"] = "Reviewed by the identity team."
    return {name: value for name, value in body.items() if value is not None}
