"""Groups of every kind, their owners, settings and licences; and the members of dynamic ones, which follow from rules.

The first groups of every tenant are one of each kind; the rest are drawn. A rule is chosen only where what it selects
is no larger than the largest group: real administrators do not make one group of half the company by rule.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from local.simulator.generator.draft import Draft, day, ids, moments, pick, security_identifier
from local.simulator.generator.facts.licences import E3, F3, P2
from local.simulator.generator.names import DEPARTMENTS, EMOJI
from local.simulator.store import Body

FIRST_KINDS = (
    "security", "breakglass", "licence", "microsoft365", "dynamic", "mailSecurity", "distribution", "roleAssignable",
    "synced", "hidden", "parent", "dynamic365", "licence", "privileged", "devices", "dynamicDevices", "principals",
    "roleAssignable", "team", "security", "licence", "empty", "rollout", "security", "approvers",
)  # fmt: skip
DRAWN = (
    (0.44, "security"), (0.70, "microsoft365"), (0.80, "team"), (0.88, "synced"), (0.92, "distribution"),
    (0.94, "mailSecurity"), (0.955, "hidden"), (0.975, "parent"), (0.98, "devices"), (0.985, "principals"),
    (1.0, "dynamic"),
)  # fmt: skip
MOST_DYNAMIC = 150
MAIL_KINDS = frozenset(["microsoft365", "team", "hidden", "dynamic365", "distribution", "mailSecurity"])
UNIFIED = frozenset(["microsoft365", "team", "hidden", "dynamic365"])
ROLE_ASSIGNABLE = frozenset(["breakglass", "roleAssignable"])
FILLED_ELSEWHERE = ROLE_ASSIGNABLE | {
    "licence", "dynamic", "dynamic365", "dynamicDevices", "devices", "principals", "empty", "privileged",
}  # fmt: skip
TOPICS = (
    "All Hands", "Budget", "Büro München", "Câblage réseau", "VPN", "Projekt Ödland", "営業部", "Продажи", "فريق الدعم",
    "צוות פיתוח", "R&D «Alpine»", "Kunden & Partner", "Printers", "File Server RW", "File Server RO", "Payroll",
    "O'Reilly readers", "ITSM", "Cafétéria", "SAP users", "Warehouse", "項目組", "고객지원",
)  # fmt: skip
LICENCES = (E3, F3, P2)


def reserve_licence_groups(draft: Draft) -> None:
    """Decide which groups give licences, before users are made who have them from there."""
    wanted = sum(kind == "licence" for kind in FIRST_KINDS[: draft.sizes.groups])
    for sku in LICENCES[:wanted]:
        draft.licence_groups[sku.id] = draft.known_id(f"licence group {sku.part_number}")


def make_groups(draft: Draft) -> None:
    """Create all groups with owners, and with members where these follow from what the group is for."""
    maker = _Maker(draft)
    for kind in _kinds(draft.rng("group kinds"), draft.sizes.groups):
        maker.make(kind)


def _kinds(chance: random.Random, count: int) -> Iterator[str]:
    yield from FIRST_KINDS[:count]
    dynamic = 0
    for _ in range(count - len(FIRST_KINDS)):
        drawn = chance.random()
        kind = next(kind for limit, kind in DRAWN if drawn < limit)
        dynamic += kind == "dynamic"
        yield "security" if kind == "dynamic" and dynamic > MOST_DYNAMIC else kind


class _Maker:
    """Makes one group after the other."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.chance = draft.rng("groups")
        self.new_id = ids(draft.rng("group ids"))
        self.moment = moments(self.chance)
        self.number = 0
        self.licences = list(LICENCES)
        self.rules = _Rules(draft)
        self.chosen: list[str] = []  # whom the rule of the group being made selects

    def make(self, kind: str) -> str:
        """Create a group of a kind; returns its id."""
        self.number += 1
        draft, chance = self.draft, self.chance
        sku = self.licences.pop(0) if kind == "licence" else None
        group_id = draft.licence_groups[sku.id] if sku else self.new_id()
        name = self._name(kind) if sku is None else f"License – {sku.part_number}"
        nickname = f"grp{self.number}" if kind not in MAIL_KINDS else f"{kind.lower()}{self.number}"
        created = self.moment(2000, 20)
        body: Body = {
            "id": group_id, "displayName": name, "mailNickname": nickname, "mailEnabled": kind in MAIL_KINDS,
            "securityEnabled": kind not in MAIL_KINDS or kind == "mailSecurity",
            "groupTypes": ["Unified"] if kind in UNIFIED else [], "createdDateTime": created,
            "renewedDateTime": created, "securityIdentifier": security_identifier(group_id),
            "resourceBehaviorOptions": [], "resourceProvisioningOptions": [], "proxyAddresses": [],
            "onPremisesProvisioningErrors": [], "infoCatalogs": [],
        }  # fmt: skip
        if chance.random() < 0.6:
            body["description"] = f"{name} – kept by {chance.choice(DEPARTMENTS)[0]}"
        if kind in MAIL_KINDS:
            mail = f"{nickname}@{draft.domain}"
            body |= {"mail": mail, "proxyAddresses": [f"SMTP:{mail}"]}
        self._particular(body, kind, nickname)
        if sku is not None:
            body |= {"assignedLicenses": [{"skuId": sku.id, "disabledPlans": []}],
                     "licenseProcessingState": {"state": "ProcessingComplete"}}  # fmt: skip
        draft.add("group", body)
        draft.groups.setdefault(kind, []).append(group_id)
        draft.all_groups.append(group_id)
        if len(draft.group_names) < 500:
            draft.group_names[group_id] = name
        if sku is not None:
            for user in draft.licensed.get(sku.id, ()):
                draft.store.link(group_id, "members", user)
        elif kind in ("dynamic", "dynamic365", "dynamicDevices"):
            for member in self.chosen:
                draft.store.link(group_id, "members", member)
        elif kind == "breakglass":
            for user in draft.breakglass:
                draft.store.link(group_id, "members", user)
        elif kind in ("roleAssignable", "privileged"):
            for user in pick(chance, draft.users, 3):
                draft.store.link(group_id, "members", user)
        self._owners(group_id, kind)
        if kind in UNIFIED and (self.number < 30 or chance.random() < 0.02):
            self._settings(group_id)
        return group_id

    def _name(self, kind: str) -> str:
        chance = self.chance
        topic = TOPICS[self.number % len(TOPICS)] if self.number < 60 else chance.choice(TOPICS)
        fixed = {
            "breakglass": "CA-Exclude-BreakGlass", "roleAssignable": f"Role – Helpdesk tier {self.number % 3 + 1}",
            "privileged": "PIM – Production access", "rollout": "Rollout – passwordless", "empty": "Nobody yet",
            "approvers": "PIM – Approvers",
        }  # fmt: skip
        if kind in fixed:
            return fixed[kind]
        if chance.random() < 0.04:
            return f"{topic} {chance.choice(EMOJI)}"
        # names repeat as they do in real tenants
        return topic if chance.random() < 0.15 else f"{topic} {self.number}"

    def _particular(self, body: Body, kind: str, nickname: str) -> None:
        chance, draft = self.chance, self.draft
        if kind in UNIFIED:
            body["visibility"] = "HiddenMembership" if kind == "hidden" else chance.choice(("Private", "Public"))
            body |= {"allowExternalSenders": False, "autoSubscribeNewMembers": True, "hideFromAddressLists": False,
                     "hideFromOutlookClients": kind == "team", "accessType": "private"}  # fmt: skip
            if kind == "team":
                body["resourceProvisioningOptions"] = ["Team"]
                body["resourceBehaviorOptions"] = ["HideGroupInOutlook", "WelcomeEmailDisabled"]
            if chance.random() < 0.3:
                body |= {"classification": "Confidential", "theme": "Teal", "preferredLanguage": "en-US",
                         "preferredDataLocation": "EUR"}  # fmt: skip
            if chance.random() < 0.2:
                body["assignedLabels"] = [
                    {"labelId": draft.known_id("label General"), "displayName": "General \\ Internal"}
                ]
            body["expirationDateTime"] = day(-200)
        elif kind in ROLE_ASSIGNABLE:
            body |= {"isAssignableToRole": True, "visibility": "Private"}
        elif kind in ("synced", "mailSecurity") or (kind == "distribution" and chance.random() < 0.5):
            body |= {
                "onPremisesSyncEnabled": True, "onPremisesDomainName": f"corp.{draft.domain}",
                "onPremisesNetBiosName": "CORP", "onPremisesSamAccountName": nickname,
                "onPremisesLastSyncDateTime": self.moment(2),
                "onPremisesSecurityIdentifier": f"S-1-5-21-1004336348-1177238915-682003330-{900000 + self.number}",
            }  # fmt: skip
        elif kind == "security" and (self.number < 40 or chance.random() < 0.02):
            body["uniqueName"] = f"contoso-{nickname}"
        if kind in ("dynamic", "dynamic365", "dynamicDevices"):
            rule, self.chosen = self.rules.device() if kind == "dynamicDevices" else self.rules.user(chance)
            body["groupTypes"] = [*body["groupTypes"], "DynamicMembership"]
            body |= {"membershipRule": rule, "membershipRuleProcessingState": "On"}

    def _owners(self, group_id: str, kind: str) -> None:
        chance, draft = self.chance, self.draft
        if kind in ("synced", "mailSecurity", "distribution", "breakglass") or not draft.users:
            return
        drawn = chance.random()
        if kind in UNIFIED or drawn < 0.7:
            count = 1 if drawn < 0.5 else 2 if drawn < 0.95 else 5
            for owner in pick(chance, draft.users, count):
                draft.store.link(group_id, "owners", owner)

    def _settings(self, group_id: str) -> None:
        draft = self.draft
        draft.add(
            "group/settings",
            {"id": self.new_id(), "templateId": "08d542b9-071f-4e16-94b0-74abb372e3d9",
             "displayName": "Group.Unified.Guest", "values": [{"name": "AllowToAddGuests", "value": "False"}]},
            group_id, "settings",
        )  # fmt: skip


class _Rules:
    """Rules with whom they select."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._choices: list[tuple[str, list[str]]] = []
        for key, members in draft.buckets.items():
            if not 0 < len(members) <= draft.largest_group:
                continue
            match key:
                case ("department", department):
                    self._choices.append((f'user.department -eq "{department}"', members))
                case ("place", usage):
                    self._choices.append((f'user.usageLocation -in ["{usage}"]', members))
                case ("department and place", department, usage) if usage:
                    rule = f'(user.department -eq "{department}") -and (user.usageLocation -eq "{usage}")'
                    self._choices.append((rule, members))
                case ("guest",):
                    self._choices.append(('user.userType -eq "Guest"', members))

    def user(self, chance: random.Random) -> tuple[str, list[str]]:
        """A rule over users."""
        if not self._choices:
            return 'user.department -eq "Board of Directors"', []
        return chance.choice(self._choices)

    def device(self) -> tuple[str, list[str]]:
        """A rule over devices."""
        return '(device.deviceOSType -eq "Linux") -and (device.accountEnabled -eq true)', self._draft.bucket("linux")
