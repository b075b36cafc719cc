"""The tenant that is measured on, as a file that both the simulator and the rival's stand-in load.

Equal sizes make equal tenants. Users weigh about 2.5 kB on the wire, as `$select` of every property shows them; the
sizes of groups have a long tail; one service principal in a hundred is assigned to more than 20 principals, so that the
follow-up of a cut `$expand` is part of what is measured; one in twenty is a member of a group, beside the memberships
of users that a size says.
"""

import random
from dataclasses import dataclass
from pathlib import Path

from local.simulator.model import SINGLETONS
from local.simulator.statefile import save
from local.simulator.store import Store
from local.simulator.tenant import new_tenant

CREATED = "2021-03-01T08:00:00Z"
FIRST = (
    "Anna", "Ben", "Chloe", "Dmitri", "Elodie", "Fatima", "Goran", "Hiroshi", "Ines", "Jose", "Kwame", "Lea", "Mei",
    "Noor", "Oscar", "Paula",
)  # fmt: skip
LAST = (
    "Mueller", "Brien", "Sahin", "Garcia", "Ivanov", "Tanaka", "Nguyen", "Smith", "Jones", "Silva", "Novak", "Haddad",
    "Kim", "Okafor",
)  # fmt: skip
DEPARTMENTS = ["Sales", "Finance", "Legal", "Research", "Operations", "Marketing", "Support", "Facilities"]
CITIES = ["Berlin", "Madrid", "Osaka", "Lagos", "Austin", "Lyon", "Porto", "Krakow"]
LARGEST_GROUP = 4_691
CROWDED_EVERY = 100
CROWD = 25
PRINCIPAL_IN_A_GROUP_EVERY = 20
MADE = 2
"""Raise it with every change of what is made: a file of another number is made anew."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of each there is."""

    users: int
    groups: int
    memberships: int
    service_principals: int
    applications: int
    devices: int

    @property
    def principals_in_groups(self) -> int:
        """Memberships of service principals, which come beside `memberships`."""
        return -(-self.service_principals // PRINCIPAL_IN_A_GROUP_EVERY)


SCALES = {
    "small": Sizes(10_000, 2_000, 20_000, 1_000, 500, 3_000),
    "T1": Sizes(100_000, 20_000, 200_000, 10_000, 5_000, 30_000),
    "1M": Sizes(1_000_000, 100_000, 1_000_000, 20_000, 10_000, 100_000),
}


def tenant_file(folder: Path, scale: str) -> Path:
    """The file of that scale's tenant, made if it is not there."""
    path = folder / f"tenant-{scale}-{MADE}.json"
    if not path.exists():
        _make(path, SCALES[scale])
    return path


def _make(path: Path, sizes: Sizes) -> None:
    tenant = new_tenant(users=20, groups=4, seed=1)
    store = tenant.store
    store.recording = False
    chance = random.Random(f"bench/{sizes.users}")
    users = [_user(store, chance, number) for number in range(sizes.users)]
    for number, user in enumerate(users[1:]):
        store.link(user, "manager", users[number // 8])
    groups = _groups(store, chance, users, sizes)
    applications = [_application(store, chance, number) for number in range(sizes.applications)]
    for key, _ in applications:
        store.link(key, "owners", chance.choice(users))
    for number in range(sizes.service_principals):
        own = applications[number][1] if number < len(applications) else _guid(chance)
        principal = _service_principal(store, chance, number, own)
        if number % 3 == 0:
            store.link(principal, "owners", chance.choice(users))
        if number % PRINCIPAL_IN_A_GROUP_EVERY == 0:
            store.link(chance.choice(groups), "members", principal)
        if number % CROWDED_EVERY == 0 or number % 2 == 0:
            _assign(store, chance, principal, number, users, CROWD if number % CROWDED_EVERY == 0 else 1)
    for number in range(sizes.devices):
        device = _device(store, chance, number)
        owner = chance.choice(users)
        store.link(device, "registeredOwners", owner)
        store.link(device, "registeredUsers", owner)
    for single in SINGLETONS:
        if not store.table(single.type).live:
            store.create(single.type, {"id": single.type})
    store.recording = True
    path.parent.mkdir(parents=True, exist_ok=True)
    save(tenant, path)


def _user(store: Store, chance: random.Random, number: int) -> str:
    first, last = chance.choice(FIRST), chance.choice(LAST)
    name = f"{first.lower()}.{last.lower()}.{number}"
    city = chance.choice(CITIES)
    return store.create("user", {
        "id": _guid(chance), "accountEnabled": chance.random() > 0.05, "displayName": f"{first} {last}",
        "givenName": first, "surname": last, "mailNickname": name, "userType": "Member",
        "userPrincipalName": f"{name}@contoso1.example", "mail": f"{name}@contoso1.example", "createdDateTime": CREATED,
        "department": chance.choice(DEPARTMENTS), "jobTitle": f"{chance.choice(DEPARTMENTS)} specialist {number % 97}",
        "usageLocation": "DE", "businessPhones": [f"+49 30 {number:08d}"], "mobilePhone": f"+49 170 {number:07d}",
        "proxyAddresses": [f"SMTP:{name}@contoso1.example", f"smtp:{name}@contoso1.onmicrosoft.com"],
        "city": city, "country": "DE", "postalCode": f"{10_000 + number % 80_000}", "state": city,
        "streetAddress": f"{number % 900} Long Street", "officeLocation": f"{city} {number % 40}/{number % 12}",
        "companyName": "Contoso", "employeeId": f"E{number:07d}", "employeeType": "Employee",
        "employeeHireDate": CREATED, "preferredLanguage": "de-DE", "securityIdentifier": f"S-1-12-1-{number}-1-2-3",
        "otherMails": [f"{name}@home.example"], "lastPasswordChangeDateTime": "2025-11-03T10:11:12Z",
        "signInSessionsValidFromDateTime": "2025-11-03T10:11:12Z", "passwordPolicies": "None",
        "identities": [{"signInType": "userPrincipalName", "issuer": "contoso1.onmicrosoft.com",
                        "issuerAssignedId": f"{name}@contoso1.example"}],
        "onPremisesExtensionAttributes": {f"extensionAttribute{place}": None for place in range(1, 16)},
    }).key  # fmt: skip


def _groups(store: Store, chance: random.Random, users: list[str], sizes: Sizes) -> list[str]:
    groups = [
        store.create("group", {
            "id": _guid(chance), "displayName": f"Group {number} {chance.choice(DEPARTMENTS)}",
            "description": f"Members of {chance.choice(DEPARTMENTS)}, {chance.choice(CITIES)}",
            "mailNickname": f"group{number}", "mailEnabled": False, "securityEnabled": True, "groupTypes": [],
            "createdDateTime": CREATED, "securityIdentifier": f"S-1-12-1-{number}-4-5-6",
        }).key
        for number in range(sizes.groups)
    ]  # fmt: skip
    for group in groups:
        store.link(group, "owners", chance.choice(users))
    largest = min(LARGEST_GROUP, sizes.users // 4)
    left = sizes.memberships
    for number, group in enumerate(groups):
        share = left // (len(groups) - number)
        wanted = largest if number == 0 else min(largest, int(chance.paretovariate(1.2) * share * 0.25))
        if number % 20 == 19:
            wanted = 0
        if number == len(groups) - 1:
            wanted = left
        for member in chance.sample(users, min(wanted, left, len(users))):
            store.link(group, "members", member)
            left -= 1
    return groups


def _application(store: Store, chance: random.Random, number: int) -> tuple[str, str]:
    app_id = _guid(chance)
    record = store.create("application", {
        "id": _guid(chance), "appId": app_id, "displayName": f"Application {number}", "createdDateTime": CREATED,
        "identifierUris": [f"api://{app_id}"], "signInAudience": "AzureADMyOrg", "tags": ["bench"],
        "publisherDomain": "contoso1.example",
        "appRoles": [{"id": _guid(chance), "value": f"Role.{place}", "displayName": f"Role {place}", "isEnabled": True,
                      "description": f"May do {place}", "allowedMemberTypes": ["User"]} for place in range(3)],
        "web": {"redirectUris": [f"https://app{number}.contoso1.example/signin"], "homePageUrl": None,
                "logoutUrl": None},
        "requiredResourceAccess": [{"resourceAppId": "00000003-0000-0000-c000-000000000000", "resourceAccess": [
            {"id": "e1fe6dd8-ba31-4d61-89e7-88639da4683d", "type": "Scope"}]}],
    })  # fmt: skip
    return record.key, app_id


def _service_principal(store: Store, chance: random.Random, number: int, app_id: str) -> str:
    name = f"Application {number}"
    return store.create("servicePrincipal", {
        "id": _guid(chance), "appId": app_id, "displayName": name, "appDisplayName": name, "accountEnabled": True,
        "servicePrincipalType": "Application", "appOwnerOrganizationId": store.tenant_id, "tags": ["bench"],
        "servicePrincipalNames": [app_id, f"api://{app_id}"], "signInAudience": "AzureADMyOrg",
        "appRoleAssignmentRequired": False, "replyUrls": [f"https://app{number}.contoso1.example/signin"],
        "appRoles": [{"id": _guid(chance), "value": "Role.0", "displayName": "Role 0", "isEnabled": True,
                      "description": "May do 0", "allowedMemberTypes": ["User"]}],
    }).key  # fmt: skip


def _assign(
    store: Store, chance: random.Random, principal: str, number: int, users: list[str], count: int
) -> None:
    for user in chance.sample(users, count):
        store.create("appRoleAssignment", {
            "id": _guid(chance).replace("-", ""), "appRoleId": "00000000-0000-0000-0000-000000000000",
            "principalId": user, "principalType": "User", "principalDisplayName": "A user",
            "resourceId": principal, "resourceDisplayName": f"Application {number}", "createdDateTime": CREATED,
        })  # fmt: skip


def _device(store: Store, chance: random.Random, number: int) -> str:
    return store.create("device", {
        "id": _guid(chance), "deviceId": _guid(chance), "displayName": f"LAPTOP-{number:06d}", "accountEnabled": True,
        "operatingSystem": "Windows", "operatingSystemVersion": "10.0.26100.1", "trustType": "AzureAd",
        "profileType": "RegisteredDevice", "isCompliant": True, "isManaged": True, "registrationDateTime": CREATED,
        "approximateLastSignInDateTime": "2026-10-30T07:00:00Z", "deviceVersion": 2,
        "manufacturer": "Contoso", "model": "Book 7",
        "physicalIds": [f"[USER-GID]:{_guid(chance)}", f"[GID]:g:{number}", f"[HWID]:h:{number}"],
    }).key  # fmt: skip


def _guid(chance: random.Random) -> str:
    text = f"{chance.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"
