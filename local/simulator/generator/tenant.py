"""A small tenant: users with managers, groups, applications with service principals, and the administrator's app."""

from __future__ import annotations

import random
import uuid
from typing import Any

from local.simulator.access.tokens import GRAPH_APP_ID
from local.simulator.credentials import Credentials
from local.simulator.generator.permissions import APP_ROLES
from local.simulator.schema import Schema
from local.simulator.store import Store

GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
FIRST = "Anna Ben Chloé Dmitri Élodie Fatima Göran Hiroshi Ines José Kwame Léa Mei Noor O'Neil Paula".split()
LAST = "Müller O'Brien Şahin García Ivanov 田中 Nguyễn Smith Jones Silva Novák Haddad Kim Okafor".split()
CREATED = "2024-03-01T08:00:00Z"


def populate(store: Store, schemas: dict[str, Schema], *, users: int, groups: int, seed: int) -> Credentials:
    """Fill an empty store; returns the administrator's application."""
    rng = random.Random(seed)

    def new_id() -> str:
        return str(uuid.UUID(int=rng.getrandbits(128), version=4))

    domain = f"contoso{seed}.onmicrosoft.com"
    store.create("organization", {"id": store.tenant_id, "displayName": "Contoso", "createdDateTime": CREATED,
                                  "tenantType": "AAD", "countryLetterCode": "DE"})  # fmt: skip
    store.create("domain", {"id": domain, "isDefault": True, "isInitial": True, "isRoot": True, "isVerified": True,
                            "authenticationType": "Managed", "supportedServices": ["Email"]})  # fmt: skip
    people: list[str] = []
    for number in range(users):
        first, last = rng.choice(FIRST), rng.choice(LAST)
        nickname = f"user{number}"
        body: dict[str, Any] = {
            "id": new_id(), "accountEnabled": rng.random() > 0.05, "displayName": f"{first} {last}",
            "givenName": first, "surname": last, "mailNickname": nickname, "userType": "Member",
            "userPrincipalName": f"{nickname}@{domain}", "mail": f"{nickname}@{domain}", "createdDateTime": CREATED,
            "department": rng.choice(["Sales", "IT", "Legal", "R&D"]), "jobTitle": rng.choice(["Clerk", "Lead"]),
            "usageLocation": "DE", "businessPhones": [], "proxyAddresses": [f"SMTP:{nickname}@{domain}"],
        }  # fmt: skip
        people.append(store.create("user", body).key)
        if number:
            store.link(people[-1], "manager", people[(number - 1) // 8])
    for number in range(groups):
        group = store.create(
            "group",
            {"id": new_id(), "displayName": f"Group {number}", "mailNickname": f"group{number}", "mailEnabled": False,
             "securityEnabled": True, "groupTypes": [], "createdDateTime": CREATED, "visibility": None},
        )  # fmt: skip
        size = min(len(people), int(rng.paretovariate(1.1)) * 3)
        for member in rng.sample(people, size):
            store.link(group.key, "members", member)
        if people:
            store.link(group.key, "owners", rng.choice(people))
    for number in range(max(2, users // 20)):
        app_id = new_id()
        application = store.create(
            "application", {"id": new_id(), "appId": app_id, "displayName": f"App {number}", "identifierUris": [],
                            "signInAudience": "AzureADMyOrg", "createdDateTime": CREATED},
        )  # fmt: skip
        principal = _principal(store, new_id(), app_id, f"App {number}")
        if people:
            store.link(application.key, "owners", rng.choice(people))
            store.link(principal, "owners", rng.choice(people))
    return _administrator(store, new_id)


def _principal(store: Store, object_id: str, app_id: str, name: str, **more: Any) -> str:
    return store.create(
        "servicePrincipal",
        {"id": object_id, "appId": app_id, "displayName": name, "appDisplayName": name, "accountEnabled": True,
         "servicePrincipalType": "Application", "appOwnerOrganizationId": store.tenant_id,
         "servicePrincipalNames": [app_id], "signInAudience": "AzureADMyOrg", **more},
    ).key  # fmt: skip


def _administrator(store: Store, new_id: Any) -> Credentials:
    """Microsoft Graph's own service principal with its app roles, and an app that holds all of them."""
    roles = [
        {"id": str(uuid.uuid5(uuid.NAMESPACE_URL, name)), "value": name, "displayName": name, "description": name,
         "isEnabled": True, "allowedMemberTypes": ["Application"]}
        for name in APP_ROLES
    ]  # fmt: skip
    graph = _principal(store, new_id(), GRAPH_APP_ID, "Microsoft Graph", appRoles=roles,
                       appOwnerOrganizationId="f8cdef31-a31e-4b4a-93e4-5f571e91255a")  # fmt: skip
    app_id, secret, key_id = new_id(), f"sim~{new_id().replace('-', '')}", new_id()
    store.create(
        "application",
        {"id": new_id(), "appId": app_id, "displayName": "Tenant administration", "signInAudience": "AzureADMyOrg",
         "identifierUris": [], "createdDateTime": CREATED,
         "passwordCredentials": [{"keyId": key_id, "displayName": "administration", "hint": secret[:3],
                                  "startDateTime": CREATED, "endDateTime": "2099-01-01T00:00:00Z",
                                  "secretText": None, "customKeyIdentifier": None}]},
    )  # fmt: skip
    store.secrets[key_id] = secret
    principal = _principal(store, new_id(), app_id, "Tenant administration")
    for role in roles:
        store.create(
            "appRoleAssignment",
            {"id": new_id(), "appRoleId": role["id"], "principalId": principal, "principalType": "ServicePrincipal",
             "principalDisplayName": "Tenant administration", "resourceId": graph,
             "resourceDisplayName": "Microsoft Graph", "createdDateTime": CREATED},
        )  # fmt: skip
    role = store.create(
        "directoryRole", {"id": new_id(), "displayName": "Global Administrator", "roleTemplateId": GLOBAL_ADMINISTRATOR,
                          "description": "Can manage all aspects of Microsoft Entra ID."},
    )  # fmt: skip
    store.link(role.key, "members", principal)
    store.create(
        "unifiedRoleAssignment",
        {"id": new_id().replace("-", ""), "principalId": principal, "roleDefinitionId": GLOBAL_ADMINISTRATOR,
         "directoryScopeId": "/"},
    )  # fmt: skip
    return Credentials(app_id, secret)
