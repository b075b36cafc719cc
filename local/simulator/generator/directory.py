"""What there is once in a tenant: organization, branding, domains, licences, partners, people settings, CBA."""

from __future__ import annotations

from local.simulator.generator.certificates import BANNER, CERTIFICATES, FAVICON, LOGO, STYLE
from local.simulator.generator.draft import Draft, day
from local.simulator.generator.facts.licences import SKUS
from local.simulator.generator.names import PARTNERS
from local.simulator.store import Body

CARD_PROPERTIES = (("CustomAttribute1", "Building", "Gebäude"), ("CostCenter", "Cost centre", "Kostenstelle"))


def make_directory(draft: Draft) -> None:
    """Create the tenant's own objects."""
    _organization(draft)
    _branding(draft)
    _domains(draft)
    _licences(draft)
    _people(draft)
    _certificates(draft)
    for number, (company, slug) in enumerate(PARTNERS[:3]):
        draft.add(
            "contract",
            {"id": draft.known_id(f"contract {slug}"), "customerId": draft.known_id(f"customer {slug}"),
             "contractType": ("ResellerPartnerContract", "BreadthPartnerContract",
                              "SyndicationPartnerContract")[number],
             "defaultDomainName": f"{slug}.onmicrosoft.com", "displayName": company},
        )  # fmt: skip
    draft.add(
        "onPremisesDirectorySynchronization",
        {"id": draft.store.tenant_id,
         "configuration": {"accidentalDeletionPrevention": {"synchronizationPreventionType": "enabledForCount",
                                                            "alertThreshold": 500}},
         "features": {"passwordSyncEnabled": True, "passwordWritebackEnabled": True, "deviceWritebackEnabled": False,
                      "groupWriteBackEnabled": False, "userWritebackEnabled": False, "softMatchOnUpnEnabled": True,
                      "synchronizeUpnForManagedUsersEnabled": True, "directoryExtensionsEnabled": True,
                      "blockSoftMatchEnabled": False, "unifiedGroupWritebackEnabled": False}},
    )  # fmt: skip
    for number in range(max(3, draft.sizes.users // 200)):
        company, slug = PARTNERS[number % len(PARTNERS)]
        mail = f"contact{number}@{slug}.example"
        contact = draft.add(
            "orgContact",
            {"id": draft.known_id(f"contact {number}"), "displayName": f"{company} – Ansprechpartner {number}",
             "givenName": "Kontakt", "surname": str(number), "mail": mail, "mailNickname": f"contact{number}",
             "companyName": company, "department": "Sales", "jobTitle": "Buyer", "proxyAddresses": [f"SMTP:{mail}"],
             "phones": [{"type": "business", "number": "+1 425 555 0100"}], "onPremisesSyncEnabled": True,
             "onPremisesLastSyncDateTime": day(1), "onPremisesProvisioningErrors": [],
             "addresses": [{"city": "Redmond", "countryOrRegion": "United States", "officeLocation": "1/1",
                            "postalCode": "98052", "state": "WA", "street": "1 Contoso Way"}]},
        )  # fmt: skip
        for manager in draft.users[:1]:
            draft.store.link(contact, "manager", manager)


def _organization(draft: Draft) -> None:
    domains = [
        {"name": draft.domain, "capabilities": "Email, OfficeCommunicationsOnline", "isDefault": True,
         "isInitial": False, "type": "Managed"},
        {"name": draft.initial_domain, "capabilities": "Email, OfficeCommunicationsOnline", "isDefault": False,
         "isInitial": True, "type": "Managed"},
        {"name": f"fed.{draft.domain}", "capabilities": "Email", "isDefault": False, "isInitial": False,
         "type": "Federated"},
    ]  # fmt: skip
    plans = {plan.id: plan for sku in SKUS for plan in sku.plans}
    draft.add(
        "organization",
        {"id": draft.store.tenant_id, "displayName": "Contoso", "createdDateTime": "2016-09-12T07:30:00Z",
         "tenantType": "AAD", "countryLetterCode": "DE", "country": "Germany", "city": "München", "postalCode": "80331",
         "state": "Bayern", "street": "Marienplatz 8", "preferredLanguage": "en", "defaultUsageLocation": "DE",
         "businessPhones": ["+49 89 5550 100"], "marketingNotificationEmails": [f"marketing@{draft.domain}"],
         "technicalNotificationMails": [f"it@{draft.domain}"],
         "securityComplianceNotificationMails": [f"security@{draft.domain}"],
         "securityComplianceNotificationPhones": ["+49 89 5550 911"], "mobileDeviceManagementAuthority": "intune",
         "privacyProfile": {"contactEmail": f"privacy@{draft.domain}",
                            "statementUrl": f"https://www.{draft.domain}/privacy"},
         "onPremisesSyncEnabled": True, "onPremisesLastSyncDateTime": day(1), "verifiedDomains": domains,
         "assignedPlans": [{"assignedDateTime": day(700), "capabilityStatus": "Enabled", "service": each.service,
                            "servicePlanId": each.id} for each in plans.values()],
         "provisionedPlans": [{"capabilityStatus": "Enabled", "provisioningStatus": "Success", "service": each}
                              for each in dict.fromkeys(plan.service for plan in plans.values())]},
    )  # fmt: skip


def _branding(draft: Draft) -> None:
    tenant = draft.store.tenant_id
    shared: Body = {
        "backgroundColor": "#0078D4", "bannerLogo": BANNER, "squareLogo": LOGO, "signInPageText": "Contoso – für alle",
        "usernameHintText": f"someone@{draft.domain}", "bannerLogoRelativeUrl": f"{tenant}/bannerlogo",
        "squareLogoRelativeUrl": f"{tenant}/tilelogo", "cdnList": ["secure.aadcdn.microsoftonline-p.com"],
        "customPrivacyAndCookiesText": "Privacy", "customPrivacyAndCookiesUrl": f"https://www.{draft.domain}/privacy",
        "customTermsOfUseText": "Terms", "customTermsOfUseUrl": f"https://www.{draft.domain}/terms",
        "loginPageTextVisibilitySettings": {"hideCannotAccessYourAccount": False, "hideForgotMyPassword": False,
                                            "hideResetItNow": True, "hideTermsOfUse": False,
                                            "hidePrivacyAndCookies": False, "hideAccountResetCredentials": False},
        "loginPageLayoutConfiguration": {"layoutTemplateType": "verticalSplit", "isHeaderShown": True,
                                         "isFooterShown": True},
    }  # fmt: skip
    branding = draft.add(
        "organizationalBranding",
        {"id": "0", "favicon": FAVICON, "customCSS": STYLE, "headerBackgroundColor": "#FFFFFF", **shared},
        tenant, "branding",
    )  # fmt: skip
    for language, text in (("de-DE", "Willkommen bei Contoso"), ("ar-SA", "مرحبًا بكم في كونتوسو"), ("ja-JP",
                                                                                                     "ようこそ")):
        draft.add(
            "organizationalBrandingLocalization",
            {**shared, "id": language, "signInPageText": text, "squareLogoDark": LOGO}, branding, "localizations",
        )  # fmt: skip


def _domains(draft: Draft) -> None:
    common: Body = {"isAdminManaged": True, "isRoot": True, "isVerified": True, "authenticationType": "Managed",
                    "passwordNotificationWindowInDays": 14, "passwordValidityPeriodInDays": 2147483647}  # fmt: skip
    initial = {"id": draft.initial_domain, "isDefault": False, "isInitial": True,
               "supportedServices": ["Email", "OfficeCommunicationsOnline"]}  # fmt: skip
    own = {"id": draft.domain, "isDefault": True, "isInitial": False,
           "supportedServices": ["Email", "OfficeCommunicationsOnline", "Intune"]}  # fmt: skip
    federated = {"id": f"fed.{draft.domain}", "isDefault": False, "isInitial": False, "isRoot": False,
                 "authenticationType": "Federated", "supportedServices": ["Email"]}  # fmt: skip
    pending = {"id": f"new-{draft.domain}", "isDefault": False, "isInitial": False, "isVerified": False,
               "supportedServices": [], "state": {"lastActionDateTime": day(3), "operation": "Initial",
                                                  "status": "ReadyToStart"}}  # fmt: skip
    for body in (initial, own, federated, pending):
        key = draft.add("domain", common | body)
        name = str(body["id"])
        records: tuple[Body, ...] = (
            {"@odata.type": "#microsoft.graph.domainDnsTxtRecord", "recordType": "Txt",
             "text": f"MS=ms{draft.seed:08d}"},
            {"@odata.type": "#microsoft.graph.domainDnsMxRecord", "recordType": "Mx", "preference": 32767,
             "mailExchange": f"ms{draft.seed:08d}.msv1.invalid"},
        )  # fmt: skip
        for number, record in enumerate(records):
            shared = {"isOptional": False, "label": name, "ttl": 3600}
            draft.add("domainDnsRecord", {"id": draft.known_id(f"verify {name} {number}"), "supportedService": "Email",
                                          **shared, **record}, key, "verificationDnsRecords")  # fmt: skip
            draft.add("domainDnsRecord", {"id": draft.known_id(f"service {name} {number}"), "supportedService": "Email",
                                          **shared, **record}, key, "serviceConfigurationRecords")  # fmt: skip
        if body is federated:
            draft.add(
                "internalDomainFederation",
                {"id": draft.known_id(f"federation {name}"), "displayName": "Contoso AD FS",
                 "issuerUri": f"http://sts.{draft.domain}/adfs/services/trust",
                                            "preferredAuthenticationProtocol": "wsFed",
                 "metadataExchangeUri": f"https://sts.{draft.domain}/adfs/services/trust/mex",
                 "passiveSignInUri": f"https://sts.{draft.domain}/adfs/ls/",
                 "activeSignInUri": f"https://sts.{draft.domain}/adfs/services/trust/2005/usernamemixed",
                 "signOutUri": f"https://sts.{draft.domain}/adfs/ls/", "promptLoginBehavior": "nativeSupport",
                 "signingCertificate": CERTIFICATES[1].der, "nextSigningCertificate": None,
                 "federatedIdpMfaBehavior": "rejectMfaByFederatedIdp", "isSignedAuthenticationRequestRequired": False},
                key, "federationConfiguration",
            )  # fmt: skip


def _licences(draft: Draft) -> None:
    for sku in SKUS:
        taken = draft.consumed.get(sku.id, 0)
        draft.add(
            "subscribedSku",
            {"id": f"{draft.store.tenant_id}_{sku.id}", "skuId": sku.id, "skuPartNumber": sku.part_number,
             "accountId": draft.store.tenant_id, "accountName": "Contoso", "appliesTo": "User",
             "capabilityStatus": "Enabled", "consumedUnits": taken,
             "prepaidUnits": {"enabled": taken + max(25, taken // 20), "suspended": 0, "warning": 0, "lockedOut": 0},
             "subscriptionIds": [draft.known_id(f"subscription {sku.part_number}")],
             "servicePlans": [{"servicePlanId": each.id, "servicePlanName": each.name, "appliesTo": "User",
                               "provisioningStatus": "Success"} for each in sku.plans]},
        )  # fmt: skip


def _people(draft: Draft) -> None:
    draft.add("peopleAdminSettings", {"id": "peopleAdminSettings"})
    draft.add("pronounsSettings", {"id": "pronounsSettings", "isEnabledInOrganization": True})
    hidden = next(iter(draft.of_kind("security")), None)
    draft.add("insightsSettings", {"id": "insightsSettings", "isEnabledInOrganization": True,
                                   "disabledForGroup": hidden})  # fmt: skip
    for name, display, german in CARD_PROPERTIES:
        draft.add(
            "profileCardProperty",
            {"id": name, "directoryPropertyName": name, "isVisible": True, "annotations": [
                {"displayName": display, "localizations": [{"languageTag": "de", "displayName": german}]}]},
        )  # fmt: skip


    for name, urls in (("skills", ["https://hr.contoso.example/", "https://graph.microsoft.com/"]), ("jobTitle", [])):
        draft.add(
            "profilePropertySetting",
            {"id": draft.known_id(f"profile property {name}"), "name": name, "displayName": None,
             "prioritizedSourceUrls": urls},
        )  # fmt: skip
    draft.add(
        "profileSource",
        {"id": draft.known_id("profile source hr"), "sourceId": "hr", "displayName": "HR", "kind": "Connector",
         "webUrl": "https://hr.contoso.example/",
         "localizations": [{"languageTag": "de", "displayName": "Personal", "webUrl": "https://hr.contoso.example/de"}]},
    )  # fmt: skip


def _certificates(draft: Draft) -> None:
    root, issuing = CERTIFICATES[2], CERTIFICATES[3]
    draft.add(
        "certificateBasedAuthConfiguration",
        {"id": "29728ade-6ae4-4ee9-9103-412912537da5", "certificateAuthorities": [
            {"isRootAuthority": made is root, "certificate": made.der, "issuer": made.subject,
             "issuerSki": draft.known_id(made.subject).replace("-", "").upper(),
             "certificateRevocationListUrl": f"http://crl.{draft.domain}/{number}.crl",
             "deltaCertificateRevocationListUrl": None}
            for number, made in enumerate((root, issuing))]},
        draft.store.tenant_id, "certificateBasedAuthConfiguration",
    )  # fmt: skip
    pki = draft.add(
        "certificateBasedAuthPki",
        {"id": draft.known_id("pki"), "displayName": "Contoso PKI", "status": "succeeded", "statusDetails": None,
         "lastModifiedDateTime": day(60)},
    )  # fmt: skip
    for made in (root, issuing):
        draft.add(
            "certificateAuthorityDetail",
            {"id": draft.known_id(f"authority {made.subject}"), "certificate": made.der, "displayName": made.subject,
             "certificateAuthorityType": "root" if made is root else "intermediate", "issuer": made.subject,
             "issuerSubjectKeyIdentifier": draft.known_id(made.subject).replace("-", "").upper(),
             "thumbprint": made.thumbprint, "isIssuerHintEnabled": True, "createdDateTime": made.starts,
             "expirationDateTime": made.ends, "certificateRevocationListUrl": f"http://crl.{draft.domain}/ca.crl",
             "deltaCertificateRevocationListUrl": None},
            pki, "certificateAuthorities",
        )  # fmt: skip
