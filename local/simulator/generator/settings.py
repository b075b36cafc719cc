"""Group settings with their templates, group expiry, attribute sets and definitions, application proxy, templates."""

from __future__ import annotations

from local.simulator.generator.draft import Draft, day, ids, pick

# Template ids and values (groupSettingTemplate resource type; Microsoft Entra cmdlets for configuring group settings).
UNIFIED = "62375ab9-6b52-47ed-826b-58e47e0e304b"
TEMPLATES: tuple[tuple[str, str, str, tuple[tuple[str, str, str], ...]], ...] = (
    (UNIFIED, "Group.Unified", "Settings for Microsoft 365 groups.", (
        ("NewUnifiedGroupWritebackDefault", "System.Boolean", "true"), ("EnableMIPLabels", "System.Boolean", "false"),
        ("CustomBlockedWordsList", "System.String", ""), ("EnableMSStandardBlockedWords", "System.Boolean", "false"),
        ("ClassificationDescriptions", "System.String", ""), ("DefaultClassification", "System.String", ""),
        ("PrefixSuffixNamingRequirement", "System.String", ""), ("AllowGuestsToBeGroupOwner", "System.Boolean",
         "false"),
        ("AllowGuestsToAccessGroups", "System.Boolean", "true"), ("GuestUsageGuidelinesUrl", "System.String", ""),
        ("GroupCreationAllowedGroupId", "System.Guid", ""), ("AllowToAddGuests", "System.Boolean", "true"),
        ("UsageGuidelinesUrl", "System.String", ""), ("ClassificationList", "System.String", ""),
        ("EnableGroupCreation", "System.Boolean", "true"))),
    ("08d542b9-071f-4e16-94b0-74abb372e3d9", "Group.Unified.Guest", "Settings for a specific Microsoft 365 group.",
     (("AllowToAddGuests", "System.Boolean", "true"),)),
    ("5cf42378-d67d-4f36-ba46-e8b86229381d", "Password Rule Settings", "Custom password rules.", (
        ("BannedPasswordCheckOnPremisesMode", "System.String", "Audit"),
        ("EnableBannedPasswordCheckOnPremises", "System.Boolean", "true"),
        ("EnableBannedPasswordCheck", "System.Boolean", "true"), ("LockoutDurationInSeconds", "System.Int32", "60"),
        ("LockoutThreshold", "System.Int32", "10"), ("BannedPasswordList", "System.String", ""))),
    ("80661d51-be2f-4d46-9713-98a2fcaec5bc", "Prohibited Names Settings", "Words that names may not hold.", (
        ("CustomBlockedSubStringsList", "System.String", ""), ("CustomBlockedWholeWordsList", "System.String", ""))),
    ("898f1161-d651-43d1-805c-3b0b388a9fc2", "Custom Policy Settings", "Custom policy.",
     (("CustomConditionalAccessPolicyUrl", "System.String", ""),)),
    ("dffd5d46-495d-40a9-8e21-954ff55e198a", "Consent Policy Settings", "Consent to applications.", (
        ("EnableGroupSpecificConsent", "System.Boolean", "true"),
        ("BlockUserConsentForRiskyApps", "System.Boolean", "true"),
        ("EnableAdminConsentRequests", "System.Boolean", "false"),
        ("ConstrainGroupSpecificConsentToMembersOfGroupId", "System.Guid", ""))),
)  # fmt: skip
ATTRIBUTES: tuple[tuple[str, str, str, bool, tuple[str, ...]], ...] = (
    # set, name, type, collection, predefined values
    ("Engineering", "Project", "String", True, ("Alpine", "Baker", "Cascade")),
    ("Engineering", "CertificationLevel", "Integer", False, ()),
    ("Engineering", "RetiredCode", "String", False, ()),
    ("Privacy", "DataClass", "String", False, ("Public", "Internal", "Confidential")),
    ("Privacy", "Trained", "Boolean", False, ()),
    ("Applications", "Tier", "String", False, ("Tier0", "Tier1", "Tier2")),
)  # fmt: skip
GALLERY_TEMPLATES = (
    ("8adf8e6e-67b2-4cf2-a259-e3dc5476c621", "Custom"), ("cd3ed3de-93ee-400b-8b19-b61ef44a0f29", "Salesforce"),
    ("aa36e4ba-9b0b-4a15-9e4f-3d4a2c5d7d52", "ServiceNow"), ("4a52a2bd-2f5b-4c2f-9d5c-a9a02f0fd5a3", "Zoom"),
)  # fmt: skip


SCORED_DAYS = 3


def make_secure_scores(draft: Draft) -> None:
    """Create the scores of the last days, newest first (List secureScores)."""
    for back in range(1, SCORED_DAYS + 1):
        moment = day(back, "T00:00:00Z")
        draft.add("secureScore", {
            "id": f"{draft.store.tenant_id}_{moment[:10]}", "azureTenantId": draft.store.tenant_id,
            "createdDateTime": moment, "currentScore": 41.0 - back, "maxScore": 80.0, "activeUserCount": 0,
            "licensedUserCount": 0, "enabledServices": ["HasAADP1"], "averageComparativeScores": [],
            "controlScores": [],
            "vendorInformation": {"vendor": "Microsoft", "provider": "SecureScore", "providerVersion": None,
                                  "subProvider": None},
        })


def make_settings(draft: Draft) -> None:
    """Create settings of groups, expiry, custom security attributes, application proxy and gallery templates."""
    _groups(draft)
    _attributes(draft)
    _proxy(draft)
    for template, name in GALLERY_TEMPLATES:
        draft.add(
            "applicationTemplate",
            {"id": template, "displayName": name, "publisher": name if name != "Custom" else "Microsoft",
             "categories": ["businessMgmt"], "description": f"{name} for everybody", "endpoints": [],
             "homePageUrl": f"https://{name.lower()}.example", "logoUrl": None, "isEntraIntegrated": True,
             "supportedProvisioningTypes": ["sync"], "supportedSingleSignOnModes": ["saml", "password", "oidc"],
             "lastModifiedDateTime": day(80)},
        )  # fmt: skip
    for number, group in enumerate(draft.of_kind("team")[:3]):
        client = draft.gallery[number % len(draft.gallery)]
        graph = next(iter(draft.first_party.values()))
        draft.add(
            "resourceSpecificPermissionGrant",
            {"id": draft.known_id(f"specific grant {group}"), "clientAppId": client[1], "clientId": client[0],
             "resourceAppId": graph[0], "permissionType": "Application", "permission": "TeamSettings.Read.Group"},
        )  # fmt: skip
    _extensions(draft)


def _groups(draft: Draft) -> None:
    for template, name, description, values in TEMPLATES:
        draft.add(
            "groupSettingTemplate",
            {"id": template, "displayName": name, "description": description, "values": [
                {"name": value, "type": kind, "defaultValue": default, "description": value}
                for value, kind, default in values]},
        )  # fmt: skip
    creators = next(iter(draft.of_kind("security")), "")
    said = {"GroupCreationAllowedGroupId": creators, "EnableGroupCreation": "false" if creators else "true",
            "EnableMIPLabels": "true", "ClassificationList": "Öffentlich,Intern,Vertraulich",
            "PrefixSuffixNamingRequirement": "[Department]-[GroupName]", "CustomBlockedWordsList": "CEO,Payroll",
            "BannedPasswordList": "contoso\tmünchen", "LockoutThreshold": "8"}  # fmt: skip
    for template, name, _, values in (TEMPLATES[0], TEMPLATES[2], TEMPLATES[5]):
        draft.add(
            "groupSetting",
            {"id": draft.known_id(f"setting {name}"), "templateId": template, "displayName": name,
             "values": [{"name": value, "value": said.get(value, default)} for value, _, default in values]},
        )  # fmt: skip
    policy = draft.add(
        "groupLifecyclePolicy",
        {"id": draft.known_id("group expiry"), "groupLifetimeInDays": 365, "managedGroupTypes": "Selected",
         "alternateNotificationEmails": f"groups@{draft.domain};it@{draft.domain}"},
    )  # fmt: skip
    for group in draft.of_kind("microsoft365", "team")[:25]:
        draft.store.link(group, "groupLifecyclePolicies", policy)
    chance = draft.rng("senders")
    for group in draft.of_kind("microsoft365")[:10]:
        for name in ("acceptedSenders", "rejectedSenders"):
            for user in pick(chance, draft.users, 2):
                draft.store.link(group, name, user)
        if draft.users:
            draft.store.link(group, "createdOnBehalfOf", draft.users[0])


def _attributes(draft: Draft) -> None:
    for name, description in (("Engineering", "Attributes of engineers"), ("Privacy", "Datenschutz"),
                              ("Applications", "What applications are worth")):  # fmt: skip
        draft.add("attributeSet", {"id": name, "description": description, "maxAttributesPerSet": 25})
    for set_name, name, kind, collection, values in ATTRIBUTES:
        key = draft.add(
            "customSecurityAttributeDefinition",
            {"id": f"{set_name}_{name}", "attributeSet": set_name, "name": name, "type": kind,
             "description": f"{name} ({set_name})", "isCollection": collection, "isSearchable": True,
             "status": "Deprecated" if name == "RetiredCode" else "Available",
             "usePreDefinedValuesOnly": bool(values)},
        )  # fmt: skip
        for value in values:
            draft.add("allowedValue", {"id": value, "isActive": value != "Cascade" or collection}, key, "allowedValues")


def _proxy(draft: Draft) -> None:
    new_id = ids(draft.rng("connectors"))
    groups = [
        draft.add("connectorGroup", {"id": new_id(), "name": name, "connectorGroupType": "applicationProxy",
                                     "isDefault": name == "Default", "region": region})
        for name, region in (("Default", "eur"), ("Werk München", "eur"), ("Redmond", "nam"))
    ]  # fmt: skip
    for number, group in enumerate((groups[0], groups[1], groups[1], groups[2])):
        connector = draft.add(
            "connector",
            {"id": new_id(), "machineName": f"proxy{number}.corp.{draft.domain}",
             "externalIp": f"203.0.113.{10 + number}",
             "status": "active" if number < 3 else "inactive", "version": "1.5.3925.0"},
        )  # fmt: skip
        draft.store.link(group, "members", connector)
    published = [key for key, app_id, _ in draft.applications
                 if b'"onPremisesPublishing"' in draft.store.records[key].body]  # fmt: skip
    for number, key in enumerate(published):
        draft.store.link(key, "connectorGroup", groups[number % len(groups)])


def _extensions(draft: Draft) -> None:
    """Open extensions, which applications write, on one object of each kind that takes them; and who masters what."""
    holders = [*draft.users[:2], *draft.all_groups[:1], *draft.devices[:1], draft.store.tenant_id]
    for holder in [*holders, *list(draft.units.values())[:1]]:
        name = f"com.contoso.{draft.store.records[holder].table.lower()}"
        draft.add(
            "extension",
            {"@odata.type": "#microsoft.graph.openTypeExtension", "id": name, "extensionName": name, "theme": "dark",
             "favourites": ["Graph"]},
            holder, "extensions",
        )  # fmt: skip
    synced = [key for key in draft.everyone[:200] if b'"onPremisesSyncEnabled":true' in draft.store.records[key].body]
    for holder in [*synced[:3], *draft.of_kind("synced")[:2]]:
        draft.add("onPremisesSyncBehavior", {"id": holder, "isCloudManaged": False}, holder, "onPremisesSyncBehavior")
