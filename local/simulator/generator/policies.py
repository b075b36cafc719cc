"""Policies of which a tenant has one each, and those made for applications and rolled out to groups."""

from __future__ import annotations

import orjson

from local.simulator.generator.draft import Draft, day, pick
from local.simulator.generator.facts import first_party, roles
from local.simulator.generator.names import PARTNERS
from local.simulator.store import Body

ALL_USERS = {"targetType": "group", "id": "all_users", "isRegistrationRequired": False}
TEAM_GRANTS = "microsoft-dynamically-managed-permissions-for-team"
NO_GROUP = {"targetType": "group", "id": "00000000-0000-0000-0000-000000000000"}


def make_policies(draft: Draft) -> None:
    """Create the tenant's policies."""
    _singletons(draft)
    _methods(draft)
    _cross_tenant(draft)
    _consent(draft)
    _applications(draft)
    for number, (feature, name) in enumerate((("passwordHashSync", "Passwort-Hash"), ("seamlessSso", "Seamless SSO"),
                                              ("certificateBasedAuthentication", "CBA pilot"))):  # fmt: skip
        key = draft.add(
            "featureRolloutPolicy",
            {"id": draft.known_id(f"rollout {feature}"), "displayName": name, "description": f"Staged: {feature}",
             "feature": feature, "isEnabled": number < 2, "isAppliedToOrganization": False},
        )  # fmt: skip
        for group in [*draft.of_kind("rollout"), *draft.of_kind("security")[number : number + 1]]:
            draft.store.link(key, "appliesTo", group)


def _singletons(draft: Draft) -> None:
    draft.add(
        "authorizationPolicy",
        {"id": "authorizationPolicy", "displayName": "Authorization Policy",
         "description": "Used to manage authorization related settings across the company.",
         "allowInvitesFrom": "adminsAndGuestInviters", "allowedToSignUpEmailBasedSubscriptions": False,
         "allowedToUseSSPR": True, "allowEmailVerifiedUsersToJoinOrganization": False,
         "allowUserConsentForRiskyApps": False, "blockMsolPowerShell": True, "guestUserRoleId": roles.GUEST_USER,
         "defaultUserRolePermissions": {
             "allowedToCreateApps": False, "allowedToCreateSecurityGroups": False, "allowedToCreateTenants": False,
             "allowedToReadBitlockerKeysForOwnedDevice": True, "allowedToReadOtherUsers": True,
             "permissionGrantPoliciesAssigned": ["managePermissionGrantsForSelf.contoso-low-risk",
                                                 f"managePermissionGrantsForOwnedResource.{TEAM_GRANTS}"]}},
    )  # fmt: skip
    draft.add(
        "identitySecurityDefaultsEnforcementPolicy",
        {"id": "00000000-0000-0000-0000-000000000005", "displayName": "Security Defaults", "isEnabled": False,
         "description": "Security defaults is a set of basic identity security mechanisms."},
    )  # fmt: skip
    draft.add(
        "authenticationFlowsPolicy",
        {"id": "authenticationFlowsPolicy", "displayName": "Authentication flows policy",
         "description": "Authentication flows policy allows modification of settings related to authentication flows.",
         "selfServiceSignUp": {"isEnabled": False}},
    )  # fmt: skip
    draft.add(
        "externalIdentitiesPolicy",
        {"id": "externalIdentitiesPolicy", "displayName": "External Identities Policy",
         "description": "What guests may do by themselves.", "allowExternalIdentitiesToLeave": True,
         "allowDeletedIdentitiesDataRemoval": False},
    )  # fmt: skip
    joiners = draft.of_kind("security")[:1]
    allowed: Body = {"@odata.type": "#microsoft.graph.allDeviceRegistrationMembership"}
    named: Body = {"@odata.type": "#microsoft.graph.enumeratedDeviceRegistrationMembership", "users": draft.users[:1],
                   "groups": joiners}  # fmt: skip
    draft.add(
        "deviceRegistrationPolicy",
        {"id": "deviceRegistrationPolicy", "displayName": "Device Registration Policy",
         "description": "Tenant-wide policy that manages initial provisioning controls.", "userDeviceQuota": 20,
         "multiFactorAuthConfiguration": "notRequired", "localAdminPassword": {"isEnabled": True},
         "azureADRegistration": {"isAdminConfigurable": False, "allowedToRegister": allowed},
         "azureADJoin": {"isAdminConfigurable": True, "allowedToJoin": named,
                         "localAdmins": {"enableGlobalAdmins": True, "registeringUsers": allowed}}},
    )  # fmt: skip


def _methods(draft: Draft) -> None:
    rollout = draft.of_kind("rollout", "security")[:1]
    excluded = [{"id": each, "targetType": "group"} for each in draft.of_kind("breakglass")]
    policy = draft.add(
        "authenticationMethodsPolicy",
        {"id": "authenticationMethodsPolicy", "displayName": "Authentication Methods Policy",
         "description": "The tenant-wide policy that controls which authentication methods are allowed.",
         "lastModifiedDateTime": day(45), "policyVersion": "1.5", "policyMigrationState": "migrationInProgress",
         "reconfirmationInDays": 180,
         # shown by beta only
         "systemCredentialPreferences": {"state": "enabled", "excludeTargets": [], "includeTargets": [
             {"id": "all_users", "targetType": "group"}]},
         "reportSuspiciousActivitySettings": {"state": "enabled", "voiceReportingCode": 0, "includeTarget": {
             "id": "all_users", "targetType": "group"}},
         "registrationEnforcement": {"authenticationMethodsRegistrationCampaign": {
             "state": "enabled", "snoozeDurationInDays": 3, "excludeTargets": excluded,
             "includeTargets": [{"id": "all_users", "targetType": "group",
                                 "targetedAuthenticationMethod": "microsoftAuthenticator"}]}}},
    )  # fmt: skip
    some = [{"targetType": "group", "id": each, "isRegistrationRequired": False} for each in rollout] or [ALL_USERS]
    feature = {"state": "enabled", "includeTarget": {"targetType": "group", "id": "all_users"},
                                                     "excludeTarget": NO_GROUP}
    configurations: tuple[tuple[str, str, str, Body], ...] = (
        ("Fido2", "fido2", "enabled", {
            "isAttestationEnforced": True, "isSelfServiceRegistrationAllowed": True, "includeTargets": some,
            "keyRestrictions": {"isEnforced": True, "enforcementType": "allow",
                                "aaGuids": ["de1e552d-db1d-4423-a619-566b625cdc84",
                                            "90a3ccdf-635c-4729-a248-9b709135078f"]}}),
        ("MicrosoftAuthenticator", "microsoftAuthenticator", "enabled", {
            "isSoftwareOathEnabled": False, "featureSettings": {"displayAppInformationRequiredState": feature,
                                                                "displayLocationInformationRequiredState": feature},
            "includeTargets": [{**ALL_USERS, "authenticationMode": "any"}]}),
        ("Sms", "sms", "enabled", {"includeTargets": [{**each, "isUsableForSignIn": False} for each in some]}),
        ("TemporaryAccessPass", "temporaryAccessPass", "enabled", {
            "defaultLifetimeInMinutes": 60, "defaultLength": 12, "minimumLifetimeInMinutes": 60,
            "maximumLifetimeInMinutes": 480, "isUsableOnce": True, "includeTargets": [ALL_USERS]}),
        ("SoftwareOath", "softwareOath", "disabled", {"includeTargets": [ALL_USERS]}),
        ("Voice", "voice", "disabled", {"isOfficePhoneAllowed": False, "includeTargets": [ALL_USERS]}),
        ("Email", "email", "enabled", {"allowExternalIdToUseEmailOtp": "enabled", "includeTargets": [ALL_USERS]}),
        ("QRCodePin", "qrCodePin", "disabled", {
            "standardQRCodeLifetimeInDays": 365, "pinLength": 8, "includeTargets": [ALL_USERS]}),
        ("X509Certificate", "x509Certificate", "enabled", {
            "includeTargets": some, "certificateUserBindings": [
                {"x509CertificateField": "PrincipalName", "userProperty": "userPrincipalName", "priority": 1,
                 "trustAffinityLevel": "low"}],
            "authenticationModeConfiguration": {
                "x509CertificateAuthenticationDefaultMode": "x509CertificateMultiFactor",
                "x509CertificateDefaultRequiredAffinityLevel": "low", "rules": []},
            "issuerHintsConfiguration": {"state": "enabled"},
            "crlValidationConfiguration": {"state": "disabled",
                                           "exemptedCertificateAuthoritiesSubjectKeyIdentifiers": []},
            "certificateAuthorityScopes": []}),
        ("VerifiableCredentials", "verifiableCredentials", "disabled", {"includeTargets": [ALL_USERS]}),
    )  # fmt: skip
    for name, kind, state, particular in configurations:
        tag = f"#microsoft.graph.{kind}AuthenticationMethodConfiguration"
        draft.add(
            "authenticationMethodConfiguration",
            {"@odata.type": tag, "id": name, "state": state,
             "excludeTargets": excluded if state == "enabled" and kind != "fido2" else [], **particular},
            policy, "authenticationMethodConfigurations",
        )  # fmt: skip


def _sides(access: str, users: list[str], kind: str, applications: str = "AllApplications") -> Body:
    return {
        "usersAndGroups": {"accessType": access, "targets": [{"target": each, "targetType": kind} for each in users]},
        "applications": {"accessType": access, "targets": [{"target": applications, "targetType": "application"}]},
    }


def _cross_tenant(draft: Draft) -> None:
    draft.add(
        "crossTenantAccessPolicy",
        {"id": "crossTenantAccessPolicy", "displayName": "CrossTenantAccessPolicy",
         "description": "How the tenant works with others.", "allowedCloudEndpoints": ["microsoftonline.us"]},
    )  # fmt: skip
    everyone = ["AllUsers"]
    draft.add(
        "crossTenantAccessPolicyConfigurationDefault",
        {"id": "default", "isServiceDefault": False, "b2bCollaborationInbound": _sides("allowed", everyone, "user"),
         "b2bCollaborationOutbound": _sides("allowed", everyone, "user"),
         "b2bDirectConnectInbound": _sides("blocked", everyone, "user"),
         "b2bDirectConnectOutbound": _sides("blocked", everyone, "user"),
         "inboundTrust": {"isMfaAccepted": True, "isCompliantDeviceAccepted": False,
                          "isHybridAzureADJoinedDeviceAccepted": False},
         "invitationRedemptionIdentityProviderConfiguration": {
             "primaryIdentityProviderPrecedenceOrder": ["externalFederation", "azureActiveDirectory",
                                                        "socialIdentityProviders"],
             "fallbackIdentityProvider": "defaultConfiguredIdp"},
         "automaticUserConsentSettings": {"inboundAllowed": False, "outboundAllowed": False},
         "tenantRestrictions": {"devices": None, **_sides("blocked", everyone, "user")}},
    )  # fmt: skip
    groups = draft.of_kind("security", "microsoft365")
    for number, (company, slug) in enumerate(PARTNERS[:5]):
        tenant = draft.known_id(f"partner {slug}")
        body: Body = {"id": tenant, "tenantId": tenant, "isServiceProvider": number == 4,
                      "isInMultiTenantOrganization": number == 0}  # fmt: skip
        if number < 3:
            body["inboundTrust"] = {"isMfaAccepted": True, "isCompliantDeviceAccepted": number == 0,
                                    "isHybridAzureADJoinedDeviceAccepted": False}  # fmt: skip
            body["automaticUserConsentSettings"] = {"inboundAllowed": number == 0, "outboundAllowed": number == 0}
        if groups and number in (0, 1):
            body["b2bDirectConnectInbound"] = _sides("allowed", groups[number : number + 1] or groups[:1], "group")
            body["b2bCollaborationOutbound"] = _sides("allowed", groups[:1], "group", first_party.SHAREPOINT)
        key = draft.add("crossTenantAccessPolicyConfigurationPartner", body)
        if number < 2:
            draft.add(
                "crossTenantIdentitySyncPolicyPartner",
                {"id": tenant, "tenantId": tenant, "displayName": company,
                 "userSyncInbound": {"isSyncAllowed": number == 0}},
                key, "identitySynchronization",
            )  # fmt: skip


def _consent(draft: Draft) -> None:
    reviewers: list[Body] = [
        {"query": f"/beta/roleManagement/directory/roleAssignments?$filter=roleDefinitionId eq "
                  f"'{roles.CLOUD_APPLICATION_ADMINISTRATOR}'", "queryType": "MicrosoftGraph", "queryRoot": None},
    ]  # fmt: skip
    reviewers += [{"query": f"/v1.0/groups/{each}/transitiveMembers/microsoft.graph.user",
                   "queryType": "MicrosoftGraph",
                   "queryRoot": None} for each in draft.of_kind("approvers")]  # fmt: skip
    reviewers += [{"query": f"/v1.0/users/{each}", "queryType": "MicrosoftGraph", "queryRoot": None}
                  for each in draft.users[4:5]]  # fmt: skip
    draft.add(
        "adminConsentRequestPolicy",
        {"id": "adminConsentRequestPolicy", "isEnabled": True, "notifyReviewers": True, "remindersEnabled": True,
         "requestDurationInDays": 30, "version": 4, "reviewers": reviewers},
    )  # fmt: skip
    anyone: Body = {
        "permissionType": "delegated", "permissionClassification": "all", "resourceApplication": "any",
        "permissions": ["all"], "clientApplicationIds": ["all"], "clientApplicationTenantIds": ["all"],
        "clientApplicationPublisherIds": ["all"], "clientApplicationsFromVerifiedPublisherOnly": False,
    }  # fmt: skip
    low = {"permissionClassification": "low", "resourceApplication": first_party.GRAPH}
    verified = {"clientApplicationsFromVerifiedPublisherOnly": True}
    client = [draft.principals[0][1]] if draft.principals else ["all"]
    team = {"permissionType": "application", "resourceApplication": first_party.GRAPH}
    policies: tuple[tuple[str, str, tuple[Body, ...], tuple[Body, ...]], ...] = (
        ("microsoft-user-default-low", "Default user low risk policy", (low,), ()),
        ("microsoft-user-default-legacy", "Default user legacy policy", ({},), ()),
        ("microsoft-all-application-permissions", "All application permissions", ({"permissionType": "application"},),
         ()),
        (TEAM_GRANTS, "Permissions for teams", (team,), ()),
        ("contoso-low-risk", "Contoso: low risk, verified publishers", (low | verified,
         {"clientApplicationIds": client}),
         ({"permissions": ["all"], "permissionClassification": "high"},)),
    )  # fmt: skip
    for name, display, includes, excludes in policies:
        key = draft.add("permissionGrantPolicy", {"id": name, "displayName": display, "description": display})
        for link, sets in (("includes", includes), ("excludes", excludes)):
            for number, each in enumerate(sets):
                draft.add(
                    "permissionGrantConditionSet", {"id": draft.known_id(f"{name} {link} {number}"), **anyone, **each},
                    key, link,
                )  # fmt: skip


def _restrictions(months: int) -> Body:
    password = {"restrictionType": "passwordAddition", "state": "enabled", "maxLifetime": None,
                "restrictForAppsCreatedAfterDateTime": "2025-01-01T00:00:00Z"}  # fmt: skip
    return {
        "passwordCredentials": [
            password, password | {"restrictionType": "passwordLifetime", "maxLifetime": f"P{months * 30}D"},
            password | {"restrictionType": "symmetricKeyAddition"},
        ],
        "keyCredentials": [{"restrictionType": "asymmetricKeyLifetime", "state": "enabled", "maxLifetime": "P365D",
                            "restrictForAppsCreatedAfterDateTime": "2025-01-01T00:00:00Z"}],
    }  # fmt: skip


def _applications(draft: Draft) -> None:
    draft.add(
        "tenantAppManagementPolicy",
        {"id": "00000000-0000-0000-0000-000000000000", "displayName": "Default app management tenant policy",
         "description": "Default tenant policy that enforces app management restrictions.", "isEnabled": True,
         "applicationRestrictions": _restrictions(6), "servicePrincipalRestrictions": _restrictions(6)},
    )  # fmt: skip
    chance = draft.rng("application policies")
    applications = [key for key, _, _ in draft.applications]
    principals = [key for key, _, _ in [*draft.principals, *draft.gallery]]
    for name, months in (("Legacy daemons may keep secrets", 24), ("Strict – keine Geheimnisse", 1)):
        key = draft.add(
            "appManagementPolicy",
            {"id": draft.known_id(f"app management {name}"), "displayName": name, "description": name,
             "isEnabled": True, "restrictions": _restrictions(months)},
        )  # fmt: skip
        for target in pick(chance, applications, 3) + pick(chance, principals, 1):
            draft.store.link(target, "appManagementPolicies", key)
    claims = {"ClaimsMappingPolicy": {"Version": 1, "IncludeBasicClaimSet": "true", "ClaimsSchema": [
        {"Source": "user", "ID": "employeeid",
         "SamlClaimType": "https://contoso.example/claims/employeeid"}]}}  # fmt: skip
    realm = {"HomeRealmDiscoveryPolicy": {"AccelerateToFederatedDomain": True,
                                          "PreferredDomain": f"fed.{draft.domain}"}}  # fmt: skip
    lifetime = {"TokenLifetimePolicy": {"Version": 1, "AccessTokenLifetime": "0:30:0"}}
    issuance = {"TokenIssuancePolicy": {"Version": 1, "SigningAlgorithm": "http://www.w3.org/2001/04/xmldsig-more"
                                        "#rsa-sha256", "TokenResponseSigningPolicy": "TokenOnly",
                                        "SamlTokenVersion": "2.0"}}  # fmt: skip
    idle = {"ActivityBasedTimeoutPolicy": {"Version": 1, "ApplicationPolicies": [
        {"ApplicationId": "default", "WebSessionIdleTimeout": "01:00:00"},
        {"ApplicationId": first_party.AZURE_PORTAL, "WebSessionIdleTimeout": "00:15:00"}]}}  # fmt: skip
    made: tuple[tuple[str, str, Body, bool, list[str], str], ...] = (
        ("claimsMappingPolicy", "Employee id in tokens", claims, False, pick(chance, principals, 3),
         "claimsMappingPolicies"),
        ("claimsMappingPolicy", "Emit übliche Ansprüche", claims, False, pick(chance, principals, 1),
         "claimsMappingPolicies"),
        ("homeRealmDiscoveryPolicy", "Straight to AD FS", realm, False,
         pick(chance, principals, 2) + pick(chance, applications, 1), "homeRealmDiscoveryPolicies"),
        ("tokenLifetimePolicy", "Half an hour", lifetime, False,
         pick(chance, applications, 2) + pick(chance, principals, 1), "tokenLifetimePolicies"),
        ("tokenIssuancePolicy", "SAML 2.0, token signed", issuance, False,
         pick(chance, applications, 1) + pick(chance, principals, 1), "tokenIssuancePolicies"),
        ("activityBasedTimeoutPolicy", "Portal idle timeout", idle, True, [], ""),
    )  # fmt: skip
    for table, name, definition, default, targets, link in made:
        key = draft.add(
            table,
            {"id": draft.known_id(f"{table} {name}"), "displayName": name, "isOrganizationDefault": default,
             "definition": [orjson.dumps(definition).decode()]},
        )  # fmt: skip
        held = draft.store.link_set(link) if link else None
        for target in targets:
            if held is not None and not list(held.targets(target)):
                draft.store.link(target, link, key)
