"""What was deleted in the last weeks and can still be restored, in the bin of every type that has one.

When it was deleted counts from the clock's last midnight, since Entra empties bins after 30 days of real time; nothing
else of a tenant depends on the clock.
"""

from __future__ import annotations

import orjson

from local.simulator.clock import written
from local.simulator.generator.certificates import CERTIFICATES
from local.simulator.generator.draft import Draft, day, pick, security_identifier
from local.simulator.store import Body

DAY = 86400


def make_bins(draft: Draft) -> None:
    """Create and delete objects of every type that has a recycle bin."""
    now = draft.store.clock.now()
    midnight = now - now % DAY
    chance = draft.rng("bins")
    objects = [*_directory(draft), *_policies(draft), *_certificates(draft)]
    objects += [("user", _user(draft, number + 100), [], []) for number in range(draft.sizes.users // 100)]
    for number, (table, body, outward, inward) in enumerate(objects):
        key = draft.add(table, body)
        for name, target in outward:
            draft.store.link(key, name, target)
        for source, name in inward:
            draft.store.link(source, name, key)
        draft.store.delete(key, soft=True)
        entry = draft.store.bin[key]
        entry.at = midnight - (1 + (number * 5 + int(chance.random() * 3)) % 27) * DAY + 9 * 3600
        entry.record.body = orjson.dumps(body | {"deletedDateTime": written(entry.at)})


def _certificates(draft: Draft) -> list[Deleted]:
    made = CERTIFICATES[3]
    pki: Body = {"id": draft.known_id("deleted pki"), "displayName": "Contoso PKI (old)", "status": "succeeded",
                 "statusDetails": None, "lastModifiedDateTime": day(400)}  # fmt: skip
    authority: Body = {
        "id": draft.known_id("deleted authority"), "certificate": made.der, "displayName": f"{made.subject} (old)",
        "certificateAuthorityType": "intermediate", "issuer": made.subject, "thumbprint": made.thumbprint,
        "issuerSubjectKeyIdentifier": draft.known_id(made.subject).replace("-", "").upper(),
        "isIssuerHintEnabled": False, "createdDateTime": made.starts, "expirationDateTime": made.ends,
    }  # fmt: skip
    living = next(draft.store.all("certificateBasedAuthPki")).key
    return [("certificateBasedAuthPki", pki, [], []),
            ("certificateAuthorityDetail", authority, [], [(living, "certificateAuthorities")])]  # fmt: skip


type Deleted = tuple[str, Body, list[tuple[str, str]], list[tuple[str, str]]]


def _user(draft: Draft, number: int) -> Body:
    user_id = draft.known_id(f"deleted user {number}")
    nickname = f"left.{number}"
    return {
        "id": user_id, "displayName": f"Gone Öztürk {number}", "givenName": "Gone", "surname": "Öztürk",
        "mailNickname": nickname, "accountEnabled": True, "userType": "Member", "createdDateTime": day(600),
        "userPrincipalName": f"{user_id.replace('-', '')}{nickname}@{draft.domain}",
                                                                     "mail": f"{nickname}@{draft.domain}",
        "proxyAddresses": [f"SMTP:{nickname}@{draft.domain}"], "usageLocation": "DE", "businessPhones": [],
        "securityIdentifier": security_identifier(user_id), "department": "Operations",
    }  # fmt: skip


def _directory(draft: Draft) -> list[Deleted]:
    chance = draft.rng("deleted links")
    groups = draft.of_kind("security", "microsoft365")
    deleted: list[Deleted] = []
    for number in range(3):
        outward = [("manager", each) for each in draft.users[:1]]
        inward = [(each, "members") for each in pick(chance, groups, 2)]
        deleted.append(("user", _user(draft, number), outward, inward))
    for number, types in enumerate((["Unified"], [], ["Unified"])):
        group_id = draft.known_id(f"deleted group {number}")
        members = [("members", each) for each in pick(chance, draft.users, 4)]
        deleted.append((
            "group",
            {"id": group_id, "displayName": f"Project closed {number}", "mailNickname": f"closed{number}",
             "mailEnabled": bool(types), "securityEnabled": not types, "groupTypes": types, "visibility": "Private",
             "createdDateTime": day(500), "securityIdentifier": security_identifier(group_id), "proxyAddresses": []},
            [*members, *(("owners", each) for each in draft.users[:1])], [],
        ))  # fmt: skip
    for number in range(2):
        app_id = draft.known_id(f"deleted appId {number}")
        name = f"Decommissioned app {number}"
        application = {"id": draft.known_id(f"deleted application {number}"), "appId": app_id, "displayName": name,
                       "createdDateTime": day(800), "signInAudience": "AzureADMyOrg", "identifierUris": [],
                       "publisherDomain": draft.domain, "tags": []}  # fmt: skip
        principal = {"id": draft.known_id(f"deleted principal {number}"), "appId": app_id, "displayName": name,
                     "appDisplayName": name, "accountEnabled": True, "servicePrincipalType": "Application",
                     "appOwnerOrganizationId": draft.store.tenant_id, "servicePrincipalNames": [app_id],
                     "signInAudience": "AzureADMyOrg", "tags": []}  # fmt: skip
        deleted += [("application", application, [], []), ("servicePrincipal", principal, [], [])]
    unit = {"id": draft.known_id("deleted unit"), "displayName": "Closed branch", "membershipType": "Assigned"}
    deleted.append(("administrativeUnit", unit, [("members", each) for each in draft.users[:2]], []))
    return deleted


def _policies(draft: Draft) -> list[Deleted]:
    policy: Body = {
        "id": draft.known_id("deleted policy"), "displayName": "CA099 – Old pilot", "state": "disabled",
        "createdDateTime": day(700), "modifiedDateTime": day(100),
        "conditions": {"clientAppTypes": ["all"], "applications": {"includeApplications": ["All"]},
                       "users": {"includeUsers": ["All"], "excludeGroups": draft.of_kind("breakglass")}},
        "grantControls": {"operator": "OR", "builtInControls": ["mfa"], "termsOfUse": [],
                          "customAuthenticationFactors": []},
    }  # fmt: skip
    location: Body = {
        "@odata.type": "#microsoft.graph.ipNamedLocation", "id": draft.known_id("deleted location"),
        "displayName": "Closed office", "isTrusted": False, "createdDateTime": day(700), "modifiedDateTime": day(100),
        "ipRanges": [{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "198.51.100.128/25"}],
    }  # fmt: skip
    role_id = draft.known_id("deleted role")
    role: Body = {
        "id": role_id, "templateId": role_id, "displayName": "Former custom role", "isBuiltIn": False,
        "isEnabled": True,
        "description": "No longer needed", "resourceScopes": ["/"], "version": "1",
        "rolePermissions": [{"allowedResourceActions": ["microsoft.directory/groups/standard/read"]}],
    }  # fmt: skip
    tenant = draft.known_id("deleted partner")
    partner: Body = {"id": tenant, "tenantId": tenant, "isServiceProvider": False, "isInMultiTenantOrganization": False}
    return [("conditionalAccessPolicy", policy, [], []), ("namedLocation", location, [], []),
            ("unifiedRoleDefinition", role, [], []),
            ("crossTenantAccessPolicyConfigurationPartner", partner, [], [])]  # fmt: skip
