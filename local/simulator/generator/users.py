"""Users: employees, guests, synced and disabled accounts, mailboxes, service accounts, local identities, break-glass.

The first users of every tenant are one of each kind, so that a small tenant has them all; the rest are drawn. Chance
is drawn once a user and spread over many properties: a million users must not take a million minutes.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from local.simulator.generator.draft import Draft, Person, day, ids, moments, security_identifier
from local.simulator.generator.facts.licences import E3, E5, F3, SKUS, VISIO, Sku
from local.simulator.generator.names import CULTURES, DEPARTMENTS, EMOJI, PARTNERS, Culture
from local.simulator.store import Body

VALUE_TYPE = "#Microsoft.DirectoryServices.CustomSecurityAttributeValue"
SPAN_OF_CONTROL = 8
BUILDINGS = ("1/1102", "18/2111", "24/1106", "B2-3.07", "HQ/0001")

# What the first users are, whatever the seed; the very first can be changed freely, which rehearsals start with.
FIRST_KINDS = (
    "employee", "employee", "breakglass", "guest", "synced", "employee", "synced", "shared", "service",
    "guest pending", "disabled",
    "room", "breakglass", "local", "emoji", "agent", "synced disabled", "federated", "minor",
)  # fmt: skip
DRAWN = (
    (0.46, "synced"), (0.84, "employee"), (0.91, "guest"), (0.92, "guest pending"), (0.945, "disabled"),
    (0.965, "synced disabled"), (0.975, "shared"), (0.979, "room"), (0.985, "service"), (0.987, "local"),
    (0.992, "federated"), (0.997, "emoji"), (1.0, "minor"),
)  # fmt: skip
EMPLOYEES = frozenset(["employee", "synced", "disabled", "synced disabled", "emoji", "federated", "minor"])
SYNCED = frozenset(["synced", "synced disabled"])
DISABLED = frozenset(["disabled", "synced disabled", "shared", "room"])


@dataclass(frozen=True, slots=True)
class Licensed:
    """One product as it shows on a user, ready to be written."""

    sku: Sku
    licences: orjson.Fragment
    plans: orjson.Fragment
    provisioned: orjson.Fragment


def make_users(draft: Draft) -> None:
    """Create all users with managers and sponsors."""
    maker = _Maker(draft)
    employees: list[str] = []
    for kind in _kinds(draft.rng("user kinds"), draft.sizes.users):
        user_id = maker.make(kind)
        if kind in EMPLOYEES:
            if employees:
                draft.store.link(user_id, "manager", employees[(len(employees) - 1) // SPAN_OF_CONTROL])
            employees.append(user_id)
    chance = draft.rng("sponsors")
    for guest in draft.guests:
        if employees and chance.random() < 0.6:
            draft.store.link(guest, "sponsors", chance.choice(employees))


def _kinds(chance: random.Random, count: int) -> Iterator[str]:
    yield from FIRST_KINDS[:count]
    for _ in range(count - len(FIRST_KINDS)):
        drawn = chance.random()
        yield next(kind for limit, kind in DRAWN if drawn < limit)


class _Maker:
    """Makes one user after the other."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.chance = draft.rng("users")
        self.new_id = ids(draft.rng("user ids"))
        self.moment = moments(self.chance)
        self.cultures = CULTURES
        self.weights = [each.weight for each in CULTURES]
        self.taken: dict[str, int] = {}
        self.number = 0
        self.licensed = {each.id: [_licensed(each, back) for back in (20, 90, 300, 700)] for each in SKUS}
        extension_app = draft.known_id("extension appId").replace("-", "")
        self.extension = f"extension_{extension_app}_badgeNumber"

    def make(self, kind: str) -> str:
        """Create a user of a kind; returns its id."""
        self.number += 1
        draft = self.draft
        culture = self.chance.choices(self.cultures, self.weights)[0]
        user_id = self.new_id()
        body: Body = {"id": user_id, "securityIdentifier": security_identifier(user_id)}
        if kind in EMPLOYEES:
            self._employee(body, kind, culture)
        elif kind.startswith("guest"):
            self._guest(body, culture, pending=kind == "guest pending")
        elif kind == "local":
            self._local(body, culture)
        elif kind == "agent":
            self._agent(body)
        else:
            self._account(body, kind)
        draft.add("user", body)
        draft.everyone.append(user_id)
        if kind.startswith("guest"):
            draft.guests.append(user_id)
            draft.bucket("guest").append(user_id)
        elif kind == "breakglass":
            draft.breakglass.append(user_id)
        elif body["accountEnabled"] and kind in EMPLOYEES:
            draft.users.append(user_id)
        if len(draft.people) < 500:
            draft.people[user_id] = Person(user_id, body["displayName"], body["userPrincipalName"])
        department, usage = body.get("department"), body.get("usageLocation")
        if department:
            draft.bucket("department", department).append(user_id)
            draft.bucket("department and place", department, usage or "").append(user_id)
        if usage:
            draft.bucket("place", usage).append(user_id)
        return user_id

    def _nickname(self, wanted: str) -> str:
        seen = self.taken.get(wanted, 0)
        self.taken[wanted] = seen + 1
        return f"{wanted}{seen + 1}" if seen else wanted

    def _common(self, body: Body, display: str, upn: str, nickname: str, created: str) -> None:
        body |= {
            "displayName": display, "userPrincipalName": upn, "mailNickname": nickname, "accountEnabled": True,
            "userType": "Member", "createdDateTime": created, "businessPhones": [], "imAddresses": [],
            "identities": [{"signInType": "userPrincipalName", "issuer": self.draft.initial_domain,
                            "issuerAssignedId": upn}],
            "signInSessionsValidFromDateTime": created, "lastPasswordChangeDateTime": self.moment(360),
        }  # fmt: skip

    def _employee(self, body: Body, kind: str, culture: Culture) -> None:
        chance, draft = self.chance, self.draft
        (given, given_latin), (family, family_latin) = chance.choice(culture.given), chance.choice(culture.family)
        nickname = self._nickname(f"{given_latin}.{family_latin}")
        domain = f"fed.{draft.domain}" if kind == "federated" else draft.domain
        upn = f"{nickname}@{domain}"
        display = f"{family} {given}" if culture.family_first else f"{given} {family}"
        if kind == "emoji":
            display = f"{display} {chance.choice(EMOJI)}"
        department, titles = chance.choice(DEPARTMENTS)
        created = self.moment(2500, 30)
        self._common(body, display, upn, nickname, created)
        drawn = chance.random()
        body |= {
            "givenName": given, "surname": family, "mail": upn, "jobTitle": chance.choice(titles),
            "department": department, "companyName": "Contoso", "city": culture.city, "country": culture.country,
            "state": culture.state, "postalCode": culture.postal,
            "streetAddress": f"{1 + int(drawn * 400)} {culture.street}",
            "officeLocation": BUILDINGS[int(drawn * 997) % len(BUILDINGS)], "usageLocation": culture.usage,
            "preferredLanguage": culture.language, "employeeId": f"E{self.number:06d}",
            "employeeType": "Contractor" if drawn > 0.9 else "Employee", "employeeHireDate": created,
            "employeeOrgData": {"costCenter": f"{1000 + int(drawn * 40) * 10}", "division": department},
            "businessPhones": [f"{culture.phone} {int(drawn * 9999):04d}"] if drawn < 0.7 else [],
            "mobilePhone": f"{culture.phone} {int(drawn * 99991) % 10000:04d}" if drawn > 0.3 else None,
            "proxyAddresses": [f"SMTP:{upn}", f"smtp:{nickname}@{draft.initial_domain}"],
            "imAddresses": [upn], "showInAddressList": True,
        }  # fmt: skip
        body["accountEnabled"] = kind not in DISABLED
        if drawn < 0.1:
            body["otherMails"] = [f"{nickname}@mail.example"]
        if drawn > 0.85:
            body["faxNumber"] = f"{culture.phone} {int(drawn * 7001):04d}"
        if kind == "minor":
            body |= {"ageGroup": "Minor", "consentProvidedForMinor": "Granted",
                     "legalAgeGroupClassification": "MinorWithParentalConsent"}  # fmt: skip
        if kind in SYNCED:
            self._synced(body, nickname, culture)
        elif drawn < 0.15:
            body["passwordPolicies"] = "DisablePasswordExpiration"
            body["onPremisesExtensionAttributes"] = {"extensionAttribute1": f"cloud-{int(drawn * 1000)}"}
        if kind == "disabled":
            body["employeeLeaveDateTime"] = self.moment(200)
        elif body["accountEnabled"]:
            body["signInActivity"] = {
                "lastSignInDateTime": self.moment(30), "lastNonInteractiveSignInDateTime": self.moment(5),
                "lastSuccessfulSignInDateTime": self.moment(30),
            }  # fmt: skip
        if self.number < 40 or self.number % 61 == 0:
            self._rare(body, drawn)
        self._licences(body, drawn)

    def _synced(self, body: Body, nickname: str, culture: Culture) -> None:
        chance, draft = self.chance, self.draft
        account = nickname.replace(".", "")[:20]
        body |= {
            "onPremisesSyncEnabled": True, "onPremisesDomainName": f"corp.{draft.domain}",
            "onPremisesDistinguishedName": f"CN={body['displayName']},OU={culture.usage},OU=Staff,DC=corp,"
                                           f"DC=contoso{draft.seed},DC=example",
            "onPremisesImmutableId": base64.b64encode(chance.randbytes(16)).decode(),
            "onPremisesLastSyncDateTime": self.moment(2), "onPremisesSamAccountName": account,
            "onPremisesSecurityIdentifier": f"S-1-5-21-1004336348-1177238915-682003330-{1100 + self.number}",
            "onPremisesUserPrincipalName": f"{nickname}@corp.{draft.domain}",
            "onPremisesExtensionAttributes": {"extensionAttribute1": f"building-{self.number % 9}",
                                              "extensionAttribute7": culture.usage,
                                              "extensionAttribute15": body["employeeType"]},
            "onPremisesProvisioningErrors": [], "passwordPolicies": "DisablePasswordExpiration",
        }  # fmt: skip

    def _rare(self, body: Body, drawn: float) -> None:
        """What few users have: attribute values, a directory extension, the part of the profile SharePoint keeps."""
        body[self.extension] = f"B-{self.number:05d}"
        body["customSecurityAttributes"] = {
            "Engineering": {"@odata.type": VALUE_TYPE, "Project@odata.type": "#Collection(String)",
                            "Project": ["Baker", "Cascade"] if drawn < 0.5 else ["Alpine"],
                            "CertificationLevel@odata.type": "#Int32", "CertificationLevel": 1 + int(drawn * 5)},
            "Privacy": {"@odata.type": VALUE_TYPE, "DataClass": "Confidential" if drawn < 0.3 else "Internal",
                        "Trained": drawn < 0.8},
        }  # fmt: skip
        body |= {
            "aboutMe": f"I work in {body['department']} – ask me about {BUILDINGS[0]}.",
            "birthday": f"{1960 + int(drawn * 40)}-{1 + int(drawn * 11):02d}-14T00:00:00Z",
            "hireDate": body["employeeHireDate"], "interests": ["hiking", "Schach", "寿司"][: 1 + int(drawn * 3)],
            "mySite": f"https://contoso{self.draft.seed}-my.sharepoint.com/personal/{body['mailNickname']}/",
            "pastProjects": ["Alpine"], "responsibilities": [body["jobTitle"]], "schools": ["Contoso University"],
            "skills": ["Graph", "Entra ID"], "preferredName": body["givenName"],
            "mailboxSettings": {"userPurpose": "user", "timeZone": "UTC"}, "preferredDataLocation": "EUR",
            "authorizationInfo": {"certificateUserIds": [f"X509:<PN>{body['userPrincipalName']}"]},
        }  # fmt: skip

    def _licences(self, body: Body, drawn: float) -> None:
        draft = self.draft
        if not body["accountEnabled"] and drawn > 0.3:
            body["assignedLicenses"] = []
            return
        spread = drawn * 13 % 1
        sku = E5 if spread < 0.15 else E3 if spread < 0.68 else F3 if spread < 0.9 else None
        if sku is None:
            body["assignedLicenses"] = []
            return
        shown = self.licensed[sku.id][int(drawn * 4)]
        held = draft.licensed.setdefault(sku.id, [])
        group = draft.licence_groups.get(sku.id) if drawn * 29 % 1 < 0.6 and len(held) < draft.largest_group else None
        if group is not None:
            held.append(body["id"])
        states = [{"skuId": sku.id, "disabledPlans": [], "assignedByGroup": group, "state": "Active", "error": "None",
                   "lastUpdatedDateTime": body["signInSessionsValidFromDateTime"]}]  # fmt: skip
        draft.consumed[sku.id] = draft.consumed.get(sku.id, 0) + 1
        licences: object = shown.licences
        if drawn * 31 % 1 < 0.03:
            draft.consumed[VISIO.id] = draft.consumed.get(VISIO.id, 0) + 1
            off = [VISIO.plans[1].id]
            licences = [{"skuId": sku.id, "disabledPlans": []}, {"skuId": VISIO.id, "disabledPlans": off}]
            states.append({**states[0], "skuId": VISIO.id, "assignedByGroup": None, "disabledPlans": off})
        body |= {"assignedLicenses": licences, "assignedPlans": shown.plans, "provisionedPlans": shown.provisioned,
                 "licenseAssignmentStates": states}  # fmt: skip

    def _guest(self, body: Body, culture: Culture, *, pending: bool) -> None:
        chance, draft = self.chance, self.draft
        (given, given_latin), (family, family_latin) = chance.choice(culture.given), chance.choice(culture.family)
        company, host = chance.choice(PARTNERS)
        local = self._nickname(f"{given_latin}.{family_latin}.{host}")
        mail = f"{local}@{host}.example"
        upn = f"{local}_{host}.example#EXT#@{draft.initial_domain}"
        display = f"{given} {family} ({company})" if chance.random() < 0.5 else f"{given} {family}"
        created = self.moment(1200)
        self._common(body, display, upn, f"{local}_{host}.example#EXT#"[:64], created)
        body |= {
            "userType": "Guest", "creationType": "Invitation", "givenName": given, "surname": family, "mail": mail,
            "externalUserState": "PendingAcceptance" if pending else "Accepted",
            "externalUserStateChangeDateTime": created, "otherMails": [mail],
            "proxyAddresses": [f"SMTP:{mail}"], "companyName": company,
            "identities": [{"signInType": "federated", "issuer": "ExternalAzureAD" if not pending else "mail",
                            "issuerAssignedId": mail if pending else None},
                           *body["identities"]],
            "showInAddressList": False,
        }  # fmt: skip

    def _local(self, body: Body, culture: Culture) -> None:
        """A local account of the customers' kind, that signs in by a mail address."""
        given, family = self.chance.choice(culture.given), self.chance.choice(culture.family)
        mail = f"{self._nickname(f'{given[1]}.{family[1]}.customer')}@mail.example"
        upn = f"{body['id']}@{self.draft.initial_domain}"
        self._common(body, f"{given[0]} {family[0]}", upn, body["id"], self.moment(900))
        body |= {
            "creationType": "LocalAccount", "passwordPolicies": "DisablePasswordExpiration, DisableStrongPassword",
            "givenName": given[0], "surname": family[0], "otherMails": [mail], "ageGroup": "Adult",
            "identities": [{"signInType": "emailAddress", "issuer": self.draft.initial_domain,
                            "issuerAssignedId": mail}, *body["identities"]],
        }  # fmt: skip

    def _agent(self, body: Body) -> None:
        nickname = self._nickname("agent.expenses")
        upn = f"{nickname}@{self.draft.domain}"
        self._common(body, "Expenses agent 🤖", upn, nickname, day(100))
        body |= {
            "@odata.type": "#microsoft.graph.agentUser", "mail": upn, "proxyAddresses": [f"SMTP:{upn}"],
            "identityParentId": self.draft.known_id("agent identity"), "usageLocation": "US",
        }  # fmt: skip
        self.draft.agents.append(body["id"])

    def _account(self, body: Body, kind: str) -> None:
        """Accounts that are nobody's: break-glass, service accounts, shared mailboxes and rooms."""
        draft = self.draft
        wanted, display = {
            "breakglass": ("breakglass", f"Break glass {len(draft.breakglass) + 1} (do not delete)"),
            "service": (f"svc-{self.number:04d}", f"Service account {self.number}"),
            "shared": (f"shared{self.number}", f"Shared mailbox {self.number} – Info & Support"),
            "room": (f"room{self.number}", f"Room {self.number} «Zürich»"),
        }[kind]
        nickname = self._nickname(wanted)
        mailbox = kind in ("shared", "room")
        upn = f"{nickname}@{draft.domain if mailbox else draft.initial_domain}"
        self._common(body, display, upn, nickname, self.moment(1800, 200))
        body["accountEnabled"] = kind not in DISABLED
        body["passwordPolicies"] = "DisablePasswordExpiration"
        if mailbox:
            body |= {
                "mail": upn, "proxyAddresses": [f"SMTP:{upn}", f"smtp:{nickname}@{draft.initial_domain}"],
                "isResourceAccount": False, "usageLocation": "DE", "officeLocation": "HQ/0001",
                "mailboxSettings": {"userPurpose": kind}, "showInAddressList": True,
            }  # fmt: skip


def _licensed(sku: Sku, back_days: int) -> Licensed:
    assigned = day(back_days)
    plans = [
        {"assignedDateTime": assigned, "capabilityStatus": "Enabled", "service": each.service, "servicePlanId": each.id}
        for each in sku.plans
    ]
    services = dict.fromkeys(each.service for each in sku.plans)
    provisioned = [
        {"capabilityStatus": "Enabled", "provisioningStatus": "Success", "service": each} for each in services
    ]
    return Licensed(
        sku,
        orjson.Fragment(orjson.dumps([{"skuId": sku.id, "disabledPlans": []}])),
        orjson.Fragment(orjson.dumps(plans)),
        orjson.Fragment(orjson.dumps(provisioned)),
    )


