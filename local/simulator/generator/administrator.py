"""The administrator's application: the client that holds every permission, whose secret the ready line prints."""

from __future__ import annotations

from local.simulator.credentials import Credentials
from local.simulator.generator.draft import Draft, day
from local.simulator.generator.facts import first_party
from local.simulator.generator.permissions import app_roles

NAME = "Tenant administration"


def make_administrator(draft: Draft) -> tuple[Credentials, str]:
    """Create the application; returns its credentials and the id of its service principal."""
    app_id, key_id = draft.known_id("administrator appId"), draft.known_id("administrator key")
    secret = f"sim~{draft.known_id('administrator secret').replace('-', '')}"
    draft.add(
        "application",
        {"id": draft.known_id("administrator application"), "appId": app_id, "displayName": NAME,
         "signInAudience": "AzureADMyOrg", "identifierUris": [], "createdDateTime": day(900), "tags": [],
         "publisherDomain": draft.domain,
         "passwordCredentials": [{"keyId": key_id, "displayName": "administration", "hint": secret[:3],
                                  "startDateTime": day(900), "endDateTime": "2099-01-01T00:00:00Z",
                                  "secretText": None, "customKeyIdentifier": None}]},
    )  # fmt: skip
    draft.store.secrets[key_id] = secret
    principal = draft.add(
        "servicePrincipal",
        {"id": draft.known_id("administrator principal"), "appId": app_id, "displayName": NAME, "appDisplayName": NAME,
         "accountEnabled": True, "servicePrincipalType": "Application", "signInAudience": "AzureADMyOrg",
         "appOwnerOrganizationId": draft.store.tenant_id, "servicePrincipalNames": [app_id],
         "tags": ["WindowsAzureActiveDirectoryIntegratedApp"]},
    )  # fmt: skip
    graph, name = draft.first_party[first_party.GRAPH]
    for role in app_roles():
        draft.add(
            "appRoleAssignment",
            {"id": draft.known_id(f"administrator {role['value']}"), "appRoleId": role["id"], "principalId": principal,
             "principalType": "ServicePrincipal", "principalDisplayName": NAME, "resourceId": graph,
             "resourceDisplayName": name, "createdDateTime": day(900)},
        )  # fmt: skip
    return Credentials(app_id, secret), principal
