"""Conditional Access: locations, authentication strengths and contexts, terms of use, and policies that refer to them.

Every policy leaves out the break-glass group, as Microsoft advises. Built-in strengths have their real ids
(authenticationStrengthPolicy resource type).
"""

from __future__ import annotations

from local.simulator.generator.certificates import terms
from local.simulator.generator.draft import Draft, day, ids, moments, pick
from local.simulator.generator.facts import first_party, roles
from local.simulator.store import Body

PHISHING_RESISTANT = ["windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor"]
PASSWORDLESS = [*PHISHING_RESISTANT, "deviceBasedPush"]
MULTIFACTOR = [*PASSWORDLESS, "temporaryAccessPassOneTime", "temporaryAccessPassMultiUse",
               "password,microsoftAuthenticatorPush", "password,softwareOath", "password,hardwareOath", "password,sms",
               "password,voice", "federatedMultiFactor", "microsoftAuthenticatorPush,federatedSingleFactor",
               "softwareOath,federatedSingleFactor", "hardwareOath,federatedSingleFactor", "sms,federatedSingleFactor",
               "voice,federatedSingleFactor"]  # fmt: skip
BUILT_IN = (
    ("00000000-0000-0000-0000-000000000002", "Multifactor authentication", MULTIFACTOR),
    ("00000000-0000-0000-0000-000000000003", "Passwordless MFA", PASSWORDLESS),
    ("00000000-0000-0000-0000-000000000004", "Phishing-resistant MFA", PHISHING_RESISTANT),
)
ADMINISTRATORS = [roles.GLOBAL_ADMINISTRATOR, roles.PRIVILEGED_ROLE_ADMINISTRATOR, roles.SECURITY_ADMINISTRATOR,
                  roles.CONDITIONAL_ACCESS_ADMINISTRATOR, roles.EXCHANGE_ADMINISTRATOR]  # fmt: skip


def make_conditional_access(draft: Draft) -> None:
    """Create the policies and what they refer to."""
    _Access(draft).make()


class _Access:
    """Makes Conditional Access, keeping the ids that policies name."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.chance = draft.rng("conditional access")
        self.new_id = ids(draft.rng("conditional access ids"))
        self.moment = moments(self.chance)
        self.breakglass = draft.of_kind("breakglass")

    def make(self) -> None:
        """Create everything."""
        draft = self.draft
        ip, trusted, countries = self._locations()
        strength = self._strengths()
        for number, (name, note) in enumerate((("Sensitive data", "Finance"), ("PIM activation", "Rollen"),
                                               ("Retired", "No longer used"))):  # fmt: skip
            draft.add(
                "authenticationContextClassReference",
                {"id": f"c{number + 1}", "displayName": name, "description": note, "isAvailable": number < 2},
            )  # fmt: skip
        agreement = self._agreements()
        app = [draft.principals[1][1]] if len(draft.principals) > 1 else [first_party.EXCHANGE]
        group = draft.of_kind("security")[:1]
        guests = {"guestOrExternalUserTypes": "internalGuest,b2bCollaborationGuest,b2bCollaborationMember",
                  "externalTenants": {"@odata.type": "#microsoft.graph.conditionalAccessAllExternalTenants",
                                      "membershipKind": "all"}}  # fmt: skip
        some_tenants = {"@odata.type": "#microsoft.graph.conditionalAccessEnumeratedExternalTenants",
                        "membershipKind": "enumerated", "members": [draft.known_id("partner fabrikam")]}  # fmt: skip
        partners = {"guestOrExternalUserTypes": "b2bCollaborationGuest", "externalTenants": some_tenants}
        policy = self._policy
        policy("CA001 – Require MFA for administrators", users={"includeRoles": ADMINISTRATORS},
               strength="00000000-0000-0000-0000-000000000004")
        policy("CA002 – Require MFA for all users", users={"includeUsers": ["All"]}, controls=["mfa"],
               locations={"includeLocations": ["All"], "excludeLocations": ["AllTrusted"]})
        policy("CA003 – Block legacy authentication", users={"includeUsers": ["All"]}, controls=["block"],
               client_apps=["exchangeActiveSync", "other"])
        policy("CA004 – Block sign-in from unexpected countries", users={"includeUsers": ["All"]}, controls=["block"],
               locations={"includeLocations": [countries], "excludeLocations": [trusted]})
        policy("CA005 – Compliant device for Exchange and SharePoint", users={"includeUsers": ["All"]},
               apps={"includeApplications": [first_party.EXCHANGE, first_party.SHAREPOINT]},
               controls=["compliantDevice", "domainJoinedDevice"],
               platforms={"includePlatforms": ["all"], "excludePlatforms": ["linux"]},
               sessions={"applicationEnforcedRestrictions": {"isEnabled": True}})
        policy("CA006 – Guests accept the terms of use", users={"includeGuestsOrExternalUsers": guests},
               terms_of_use=[agreement], state="enabledForReportingButNotEnforced")
        policy("CA007 – Own strength for the expenses app", users={"includeGroups": group} if group else
               {"includeUsers": ["All"]}, apps={"includeApplications": app}, strength=strength,
               sessions={"signInFrequency": {"value": 4, "type": "hours", "isEnabled": True,
                                             "authenticationType": "primaryAndSecondaryAuthentication",
                                             "frequencyInterval": "timeBased"},
                         "persistentBrowser": {"mode": "never", "isEnabled": True}})
        policy("CA008 – Risky sign-ins", users={"includeUsers": ["All"]}, controls=["mfa"],
               risks={"signInRiskLevels": ["high", "medium"]})
        policy("CA009 – Risky users change their password", users={"includeUsers": ["All"]},
               controls=["mfa", "passwordChange"], operator="AND", risks={"userRiskLevels": ["high"]})
        policy("CA010 – Step up for PIM", users={"includeUsers": ["All"]},
               apps={"includeApplications": [], "includeAuthenticationContextClassReferences": ["c2"]},
                                                                                                controls=["mfa"])
        policy("CA011 – Registering security information", users={"includeUsers": ["All"]},
               apps={"includeApplications": [], "includeUserActions": ["urn:user:registersecurityinfo"]},
               locations={"includeLocations": ["All"], "excludeLocations": [ip]}, controls=["mfa"])
        policy("CA012 – Azure-Verwaltung nur mit MFA", users={"includeUsers": ["All"]}, controls=["mfa"],
               apps={"includeApplications": [first_party.AZURE_MANAGEMENT, "MicrosoftAdminPortals"]})
        policy("CA013 – Tier 0 applications", users={"includeUsers": ["All"]}, controls=["mfa"], state="disabled",
               apps={"includeApplications": [], "applicationFilter": {
                   "mode": "include", "rule": 'CustomSecurityAttribute.Applications_Tier -eq "Tier0"'}})
        policy("CA014 – Workloads only from our network", users={"includeUsers": ["None"]}, controls=["block"],
               clients={"includeServicePrincipals": [key for key, _, _ in draft.principals[:2]] or
                        ["ServicePrincipalsInMyTenant"], "excludeServicePrincipals": []},
               locations={"includeLocations": ["All"], "excludeLocations": [ip]}, state="disabled")
        policy("CA015 – Device code flow", users={"includeUsers": ["All"]}, controls=["block"],
               flows={"transferMethods": "deviceCodeFlow,authenticationTransfer"},
               state="enabledForReportingButNotEnforced")
        policy("CA016 – Unmanaged devices", users={"includeUsers": ["All"],
                                                   "excludeGuestsOrExternalUsers": partners}, controls=["mfa"],
               devices={"deviceFilter": {"mode": "exclude", "rule": "device.isCompliant -eq True"}},
               sessions={"cloudAppSecurity": {"cloudAppSecurityType": "blockDownloads", "isEnabled": True}})
        policy("CA017 – Risk remediation (preview)", users={"includeGroups": group} if group else
               {"includeUsers": ["None"]}, controls=["riskRemediation"], state="disabled",
               risks={"userRiskLevels": ["high"], "insiderRiskLevels": "elevated"})
        for number in range(min(60, draft.sizes.users // 400)):
            named = pick(self.chance, draft.of_kind("security", "microsoft365"), 2)
            policy(f"CA1{number:02d} – Department rule {number}",
                   users={"includeGroups": named[:1] or [], "excludeUsers": pick(self.chance, draft.users, 1)},
                   controls=["mfa"], state=self.chance.choice(("enabled", "disabled")))  # fmt: skip

    def _locations(self) -> tuple[str, str, str]:
        draft = self.draft
        made = []
        for name, ranges, trusted in (
            ("Head office", ("198.51.100.0/24", "203.0.113.64/26"), True), ("VPN – außen", ("192.0.2.0/24",), True),
            ("Partner network", ("198.18.0.0/15",), False),
        ):  # fmt: skip
            made.append(draft.add(
                "namedLocation",
                {"@odata.type": "#microsoft.graph.ipNamedLocation", "id": self.new_id(), "displayName": name,
                 "createdDateTime": day(900), "modifiedDateTime": day(200), "isTrusted": trusted,
                 "ipRanges": [*({"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": each}
                                for each in ranges),
                              {"@odata.type": "#microsoft.graph.iPv6CidrRange", "cidrAddress": "2001:db8::/48"}]},
            ))  # fmt: skip
        for name, listed, gps in (("Blocked countries", ["KP", "IR"], False), ("Field staff by GPS", ["DE", "AT"],
                                                                                                      True)):
            made.append(draft.add(
                "namedLocation",
                {"@odata.type": "#microsoft.graph.countryNamedLocation", "id": self.new_id(), "displayName": name,
                 "createdDateTime": day(800), "modifiedDateTime": day(100), "countriesAndRegions": listed,
                 "countryLookupMethod": "authenticatorAppGps" if gps else "clientIpAddress",
                 "includeUnknownCountriesAndRegions": not gps},
            ))  # fmt: skip
        return made[0], made[1], made[3]

    def _strengths(self) -> str:
        draft = self.draft
        for strength, name, combinations in BUILT_IN:
            draft.add(
                "authenticationStrengthPolicy",
                {"id": strength, "displayName": name, "description": f"{name}, built in.", "policyType": "builtIn",
                 "createdDateTime": "2021-12-01T08:00:00Z", "modifiedDateTime": "2021-12-01T08:00:00Z",
                 "requirementsSatisfied": "mfa", "allowedCombinations": combinations},
            )  # fmt: skip
        custom = self.new_id()
        for strength, name, combinations in (
            (custom, "Contoso security keys", ["fido2", "x509CertificateMultiFactor"]),
            (self.new_id(), "TAP onboarding", ["temporaryAccessPassOneTime", "fido2"]),
        ):  # fmt: skip
            key = draft.add(
                "authenticationStrengthPolicy",
                {"id": strength, "displayName": name, "description": f"{name}, ours", "policyType": "custom",
                 "createdDateTime": day(400), "modifiedDateTime": day(90), "requirementsSatisfied": "mfa",
                 "allowedCombinations": combinations},
            )  # fmt: skip
            configurations: list[Body] = [
                {"@odata.type": "#microsoft.graph.fido2CombinationConfiguration", "appliesToCombinations": ["fido2"],
                 "allowedAAGUIDs": ["de1e552d-db1d-4423-a619-566b625cdc84"]},
            ]  # fmt: skip
            if strength == custom:
                configurations.append(
                    {"@odata.type": "#microsoft.graph.x509CertificateCombinationConfiguration",
                     "appliesToCombinations": ["x509CertificateMultiFactor"],
                     "allowedIssuerSkis": [draft.known_id("CN=Contoso Root CA").replace("-", "").upper()],
                     "allowedPolicyOIDs": ["1.3.6.1.4.1.311.21.8.1"]}
                )  # fmt: skip
            for each in configurations:
                draft.add(
                    "authenticationCombinationConfiguration", {"id": self.new_id(), **each}, key,
                    "combinationConfigurations",
                )  # fmt: skip
        return custom

    def _agreements(self) -> str:
        draft = self.draft
        made = []
        for name, languages in (("Terms of use for guests", ("en", "de")), ("Nutzungsbedingungen", ("de", "fr", "ar"))):
            agreement = draft.add(
                "agreement",
                {"id": self.new_id(), "displayName": name, "isViewingBeforeAcceptanceRequired": True,
                 "isPerDeviceAcceptanceRequired": False, "userReacceptRequiredFrequency": "P90D",
                 "termsExpiration": {"frequency": "P180D", "startDateTime": day(300)}},
            )  # fmt: skip
            made.append(agreement)
            shown: list[Body] = [
                {"id": self.new_id(), "fileName": f"terms-{language}.pdf", "displayName": f"{name} ({language})",
                 "language": language, "isDefault": number == 0, "isMajorVersion": False, "createdDateTime": day(300),
                 "fileData": {"data": terms(language)}}
                for number, language in enumerate(languages)
            ]  # fmt: skip
            file = draft.add("agreementFile", shown[0] | {"id": "default"}, agreement, "file")
            for each in shown:
                draft.add("agreementFileLocalization", each, file, "localizations")
                draft.store.link(agreement, "files", each["id"])
            for guest in draft.guests[:5]:
                person = draft.people.get(guest)
                draft.add(
                    "agreementAcceptance",
                    {"id": f"{agreement}_{guest}", "agreementId": agreement, "agreementFileId": shown[0]["id"],
                     "userId": guest, "userDisplayName": person.name if person else None, "state": "accepted",
                     "userPrincipalName": person.upn if person else None, "recordedDateTime": day(100)},
                    agreement, "acceptances",
                )  # fmt: skip
        return made[0]

    def _policy(
        self, name: str, *, users: Body, controls: list[str] | None = None, operator: str = "OR", strength: str = "",
        apps: Body | None = None, locations: Body | None = None, client_apps: list[str] | None = None,
        platforms: Body | None = None, sessions: Body | None = None, risks: Body | None = None,
        terms_of_use: list[str] | None = None, clients: Body | None = None, flows: Body | None = None,
        devices: Body | None = None, state: str = "enabled",
    ) -> None:  # fmt: skip
        lists = ("includeUsers", "excludeUsers", "includeGroups", "excludeGroups", "includeRoles", "excludeRoles")
        people: Body = {each: [] for each in lists} | {
            "includeGuestsOrExternalUsers": None, "excludeGuestsOrExternalUsers": None,
        } | users  # fmt: skip
        if clients is None:
            people["excludeGroups"] = [*people["excludeGroups"], *self.breakglass]
        grant: Body = {"operator": operator, "builtInControls": controls or [], "customAuthenticationFactors": [],
                       "termsOfUse": terms_of_use or [],
                       "authenticationStrength": {"id": strength} if strength else None}  # fmt: skip
        session: Body = {"applicationEnforcedRestrictions": None, "cloudAppSecurity": None, "persistentBrowser": None,
                         "signInFrequency": None, "secureSignInSession": None,
                         "disableResilienceDefaults": None} | (sessions or {})  # fmt: skip
        created = self.moment(1000, 50)
        self.draft.add(
            "conditionalAccessPolicy",
            {"id": self.new_id(), "displayName": name, "state": state, "createdDateTime": created,
             "modifiedDateTime": self.moment(49), "templateId": None,
             "conditions": {
                 "users": people, "clientAppTypes": client_apps or ["all"], "locations": locations,
                 "applications": {"includeApplications": ["All"], "excludeApplications": [], "includeUserActions": [],
                                  "includeAuthenticationContextClassReferences": [], "applicationFilter": None}
                 | (apps or {}),
                 "platforms": None if platforms is None else {"excludePlatforms": []} | platforms,
                 "signInRiskLevels": [], "userRiskLevels": [], "servicePrincipalRiskLevels": [],
                 "insiderRiskLevels": None, "clientApplications": clients, "authenticationFlows": flows,
                 "devices": devices, **(risks or {})},
             "grantControls": grant, "sessionControls": session if sessions else None},
        )  # fmt: skip
