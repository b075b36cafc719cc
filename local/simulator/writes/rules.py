"""What may be created, updated and deleted, per type: required, read-only and create-only properties, kinds of delete.

Taken from each type's page in the Microsoft Graph v1.0 reference (Create, Update, Delete) and the SDK's comments. A
type without a row cannot be written. What depends on values or on other objects is in the module of the type.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

type Delete = Literal["", "soft", "hard"]


@dataclass(frozen=True, slots=True)
class TypeRule:
    """The writes of one type."""

    required: frozenset[str] = frozenset()
    read_only: frozenset[str] = frozenset()  # never in a body
    at_creation: frozenset[str] = frozenset()  # only in the body that creates
    only: frozenset[str] | None = None  # the only properties that a PATCH takes
    create: bool = True
    update: bool = True
    delete: Delete = "hard"
    tagged: bool = False  # `@odata.type` must say which subtype
    patched: Literal[200, 204] = 204
    app_only: bool = True  # whether an application alone may write
    own_id: bool = False  # the caller chooses the id
    echoed: frozenset[str] = frozenset()  # of `at_creation`, what a PATCH may repeat unchanged


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ENTITY = "id deletedDateTime"
POLICY = TypeRule(_words("definition displayName"), _words(ENTITY))
SCHEDULE = TypeRule(create=False, update=False, delete="")
METHOD = TypeRule(_words(""), _words("id createdDateTime"), patched=200)

RULES: dict[str, TypeRule] = {
    "user": TypeRule(
        _words("accountEnabled displayName mailNickname passwordProfile userPrincipalName"),
        _words(
            f"{ENTITY} assignedLicenses assignedPlans createdDateTime creationType imAddresses isManagementRestricted "
            "isResourceAccount lastPasswordChangeDateTime legalAgeGroupClassification licenseAssignmentStates "
            "onPremisesDistinguishedName onPremisesDomainName onPremisesLastSyncDateTime onPremisesProvisioningErrors "
            "onPremisesSamAccountName onPremisesSecurityIdentifier onPremisesSyncEnabled onPremisesUserPrincipalName "
            "preferredName provisionedPlans proxyAddresses securityIdentifier serviceProvisioningErrors signInActivity "
            "signInSessionsValidFromDateTime mailboxSettings print deviceEnrollmentLimit "
            "externalUserState externalUserStateChangeDateTime identityParentId"
        ),
        delete="soft",
    ),
    "group": TypeRule(
        _words("displayName mailEnabled mailNickname securityEnabled"),
        _words(
            f"{ENTITY} assignedLicenses createdDateTime expirationDateTime hasMembersWithLicenseErrors isArchived "
            "isManagementRestricted licenseProcessingState mail onPremisesDomainName onPremisesLastSyncDateTime "
            "onPremisesNetBiosName onPremisesProvisioningErrors onPremisesSamAccountName onPremisesSecurityIdentifier "
            "onPremisesSyncEnabled onPremisesExtensionAttributes proxyAddresses renewedDateTime securityIdentifier "
            "serviceProvisioningErrors uniqueName unseenConversationsCount unseenMessagesCount organizationId "
            "infoCatalogs"
        ),
        _words("isAssignableToRole resourceBehaviorOptions resourceProvisioningOptions"),
        delete="soft",
    ),
    "application": TypeRule(
        _words("displayName"),
        _words(
            f"{ENTITY} appId applicationTemplateId certification createdByAppId createdDateTime "
            "disabledByMicrosoftStatus publisherDomain uniqueName verifiedPublisher passwordCredentials "
            "managerApplications"
        ),
        delete="soft",
    ),
    "servicePrincipal": TypeRule(
        _words("appId"),
        _words(
            f"{ENTITY} appDescription appDisplayName appOwnerOrganizationId applicationTemplateId createdByAppId "
            "disabledByMicrosoftStatus oauth2PermissionScopes passwordCredentials "
            "resourceSpecificApplicationPermissions servicePrincipalType signInAudience verifiedPublisher isDisabled "
            "createdDateTime"
        ),
        _words("appId"),
        delete="soft",
    ),
    "device": TypeRule(
        _words("accountEnabled alternativeSecurityIds deviceId displayName operatingSystem operatingSystemVersion"),
        _words(
            f"{ENTITY} approximateLastSignInDateTime complianceExpirationDateTime deviceCategory deviceOwnership "
            "enrollmentProfileName enrollmentType isCompliant isManaged isManagementRestricted isRooted "
            "managementType manufacturer mdmAppId model onPremisesLastSyncDateTime onPremisesSecurityIdentifier "
            "onPremisesSyncEnabled registrationDateTime systemLabels trustType"
        ),
        _words("deviceId"),
        app_only=False,
    ),
    "administrativeUnit": TypeRule(
        _words("displayName"), _words(ENTITY), _words("isMemberManagementRestricted"), delete="soft"
    ),
    "scopedRoleMembership": TypeRule(_words("roleId roleMemberInfo"), _words("id"), update=False),
    "conditionalAccessPolicy": TypeRule(
        _words("displayName state conditions"),
        _words("id createdDateTime modifiedDateTime deletedDateTime templateId"),
        delete="soft",
    ),
    "namedLocation": TypeRule(
        _words("displayName"),
        _words("id createdDateTime modifiedDateTime deletedDateTime"),
        delete="soft",
        tagged=True,
    ),
    "authenticationContextClassReference": TypeRule(
        _words("id displayName"), at_creation=_words("id"), own_id=True
    ),
    "authenticationStrengthPolicy": TypeRule(
        _words("displayName allowedCombinations"),
        _words("id createdDateTime modifiedDateTime policyType requirementsSatisfied"),
        _words("allowedCombinations"),
        patched=200,
    ),
    "authenticationCombinationConfiguration": TypeRule(
        _words("appliesToCombinations"), _words("id"), tagged=True, patched=200
    ),
    "directoryRole": TypeRule(
        _words("roleTemplateId"), _words(f"{ENTITY} description displayName"), update=False, delete=""
    ),
    "unifiedRoleDefinition": TypeRule(
        _words("displayName rolePermissions isEnabled"), _words("id isBuiltIn resourceScopes"),
        _words("templateId"), delete="hard",
    ),
    "unifiedRoleAssignment": TypeRule(
        _words("principalId roleDefinitionId"), _words("id principalOrganizationId condition"), update=False
    ),
    "unifiedRoleEligibilitySchedule": SCHEDULE,
    "unifiedRoleAssignmentSchedule": SCHEDULE,
    "unifiedRoleEligibilityScheduleInstance": SCHEDULE,
    "unifiedRoleAssignmentScheduleInstance": SCHEDULE,
    "unifiedRoleEligibilityScheduleRequest": TypeRule(
        _words("action principalId roleDefinitionId directoryScopeId"),
        _words("id approvalId completedDateTime createdBy createdDateTime status targetScheduleId"),
        update=False, delete="",
    ),
    "unifiedRoleAssignmentScheduleRequest": TypeRule(
        _words("action principalId roleDefinitionId directoryScopeId"),
        _words("id approvalId completedDateTime createdBy createdDateTime status targetScheduleId"),
        update=False, delete="",
    ),
    "privilegedAccessGroupEligibilitySchedule": SCHEDULE,
    "privilegedAccessGroupAssignmentSchedule": SCHEDULE,
    "privilegedAccessGroupEligibilityScheduleRequest": TypeRule(
        _words("accessId action groupId principalId"),
        _words("id approvalId completedDateTime createdBy createdDateTime status targetScheduleId"),
        update=False, delete="",
    ),
    "privilegedAccessGroupAssignmentScheduleRequest": TypeRule(
        _words("accessId action groupId principalId"),
        _words("id approvalId completedDateTime createdBy createdDateTime status targetScheduleId"),
        update=False, delete="",
    ),
    "unifiedRoleManagementPolicy": TypeRule(create=False, update=False, delete=""),
    "unifiedRoleManagementPolicyRule": TypeRule(
        read_only=_words("target"), at_creation=_words("id"), create=False, delete="", tagged=True, patched=200
    ),
    "oAuth2PermissionGrant": TypeRule(
        _words("clientId consentType resourceId scope"), _words("id"),
        _words("clientId consentType principalId resourceId"),
    ),
    "appRoleAssignment": TypeRule(
        _words("appRoleId principalId resourceId"),
        _words(f"{ENTITY} createdDateTime principalDisplayName principalType resourceDisplayName"),
        update=False,
    ),
    "delegatedPermissionClassification": TypeRule(_words("permissionId"), _words("id"), update=False),
    "federatedIdentityCredential": TypeRule(
        _words("audiences issuer name subject"), _words("id"), _words("name")
    ),
    "inheritablePermission": TypeRule(_words("resourceAppId inheritableScopes"), at_creation=_words("resourceAppId")),
    "extensionProperty": TypeRule(
        _words("dataType name targetObjects"), _words(f"{ENTITY} appDisplayName isSyncedFromOnPremises"),
        update=False,
    ),
    "authorizationPolicy": TypeRule(read_only=_words(ENTITY), create=False, delete=""),
    "authenticationMethodsPolicy": TypeRule(
        read_only=_words("id description displayName lastModifiedDateTime policyVersion reconfirmationInDays"),
        create=False, delete="",
    ),
    "authenticationMethodConfiguration": TypeRule(
        read_only=_words("id"), create=False, delete="", tagged=True
    ),
    "identitySecurityDefaultsEnforcementPolicy": TypeRule(
        read_only=_words(f"{ENTITY} displayName description"), create=False, delete=""
    ),
    "authenticationFlowsPolicy": TypeRule(
        read_only=_words("id description displayName"), create=False, delete=""
    ),
    "externalIdentitiesPolicy": TypeRule(only=_words("allowExternalIdentitiesToLeave"), create=False, delete=""),
    "crossTenantAccessPolicy": TypeRule(
        read_only=_words(f"{ENTITY} description displayName"), create=False, delete=""
    ),
    "crossTenantAccessPolicyConfigurationDefault": TypeRule(
        read_only=_words("id isServiceDefault automaticUserConsentSettings"), create=False, delete=""
    ),
    "crossTenantAccessPolicyConfigurationPartner": TypeRule(
        _words("tenantId"), _words("isInMultiTenantOrganization deletedDateTime"), _words("tenantId isServiceProvider"),
        delete="soft",
    ),
    "crossTenantIdentitySyncPolicyPartner": TypeRule(
        read_only=_words("deletedDateTime"), at_creation=_words("tenantId"), create=False
    ),
    "adminConsentRequestPolicy": TypeRule(read_only=_words("id version"), create=False, delete=""),
    "tenantAppManagementPolicy": TypeRule(read_only=_words(ENTITY), create=False, delete=""),
    "appManagementPolicy": TypeRule(_words("displayName"), _words(ENTITY)),
    "deviceRegistrationPolicy": TypeRule(
        read_only=_words("id displayName description"), create=False, delete=""
    ),
    "permissionGrantPolicy": TypeRule(
        _words("id displayName description"), _words("deletedDateTime"), _words("id"), own_id=True
    ),
    "permissionGrantConditionSet": TypeRule(read_only=_words("id"), update=False),
    "featureRolloutPolicy": TypeRule(
        _words("displayName feature isEnabled"), _words("id"), _words("feature"), app_only=False
    ),
    "claimsMappingPolicy": POLICY,
    "homeRealmDiscoveryPolicy": POLICY,
    "tokenLifetimePolicy": POLICY,
    "tokenIssuancePolicy": POLICY,
    "activityBasedTimeoutPolicy": POLICY,
    "groupSetting": TypeRule(_words("templateId values"), _words("id displayName"), _words("templateId")),
    "groupLifecyclePolicy": TypeRule(
        _words("groupLifetimeInDays managedGroupTypes"), _words("id"), patched=200
    ),
    "organization": TypeRule(
        only=_words(
            "marketingNotificationEmails technicalNotificationMails securityComplianceNotificationMails "
            "securityComplianceNotificationPhones privacyProfile"
        ),
        create=False, delete="",
    ),
    "organizationalBranding": TypeRule(
        read_only=_words(
            "id backgroundImageRelativeUrl bannerLogoRelativeUrl cdnList customCSSRelativeUrl faviconRelativeUrl "
            "headerLogoRelativeUrl squareLogoDarkRelativeUrl squareLogoRelativeUrl backgroundImage bannerLogo "
            "customCSS favicon headerLogo squareLogo squareLogoDark"
        ),
        patched=200,
    ),
    "organizationalBrandingLocalization": TypeRule(
        _words("id"),
        _words(
            "backgroundImageRelativeUrl bannerLogoRelativeUrl cdnList customCSSRelativeUrl faviconRelativeUrl "
            "headerLogoRelativeUrl squareLogoDarkRelativeUrl squareLogoRelativeUrl backgroundImage bannerLogo "
            "customCSS favicon headerLogo squareLogo squareLogoDark"
        ),
        _words("id"), own_id=True, patched=200,
    ),
    "connectorGroup": TypeRule(
        _words("name"), _words("id isDefault connectorGroupType"), app_only=False, patched=200
    ),
    "emailAuthenticationMethod": TypeRule(_words("emailAddress"), METHOD.read_only, patched=200),
    "phoneAuthenticationMethod": TypeRule(
        _words("phoneNumber phoneType"), METHOD.read_only | {"smsSignInState"}, _words("phoneType"), patched=200,
        echoed=_words("phoneType"),  # the page's own example repeats it (Update phoneAuthenticationMethod)
    ),
    "temporaryAccessPassAuthenticationMethod": TypeRule(
        read_only=METHOD.read_only | {"temporaryAccessPass", "isUsable", "methodUsabilityReason"}, update=False
    ),
    "externalAuthenticationMethod": TypeRule(_words("configurationId"), METHOD.read_only, update=False),
    "strongAuthenticationRequirements": TypeRule(read_only=_words("id"), create=False, delete=""),
    "signInPreferences": TypeRule(
        read_only=_words("id systemPreferredAuthenticationMethod"), create=False, delete=""
    ),
    "passwordAuthenticationMethod": TypeRule(create=False, update=False, delete=""),
    "fido2AuthenticationMethod": TypeRule(create=False, update=False),
    "microsoftAuthenticatorAuthenticationMethod": TypeRule(create=False, update=False),
    "windowsHelloForBusinessAuthenticationMethod": TypeRule(create=False, update=False),
    "platformCredentialAuthenticationMethod": TypeRule(create=False, update=False),
    "softwareOathAuthenticationMethod": TypeRule(create=False, update=False),
    "domain": TypeRule(
        _words("id"),
        _words(
            "authenticationType availabilityStatus isAdminManaged isInitial isRoot isVerified manufacturer model state"
        ),
        _words("id"), own_id=True, patched=200,
    ),
    "internalDomainFederation": TypeRule(
        _words("issuerUri passiveSignInUri signingCertificate"), _words("id signingCertificateUpdateStatus"),
        patched=200,
    ),
    "agreement": TypeRule(
        _words("displayName isViewingBeforeAcceptanceRequired file"), _words("id acceptances files"), app_only=False,
        patched=200,
    ),
    "attributeSet": TypeRule(_words("id"), at_creation=_words("id"), delete="", own_id=True),
    "customSecurityAttributeDefinition": TypeRule(
        _words("attributeSet isCollection isSearchable name status type usePreDefinedValuesOnly"),
        _words("id"), _words("attributeSet isCollection isSearchable name type"), delete="",
    ),
    "allowedValue": TypeRule(_words("id isActive"), at_creation=_words("id"), delete="", own_id=True),
    "peopleAdminSettings": TypeRule(create=False, update=False, delete=""),
    "profileCardProperty": TypeRule(
        _words("directoryPropertyName"), _words("id"), _words("directoryPropertyName"), patched=200
    ),
    "profilePropertySetting": TypeRule(_words("name"), _words("id"), _words("name")),
    "profileSource": TypeRule(_words("displayName sourceId webUrl"), _words("id"), _words("sourceId")),
    "synchronizationJob": TypeRule(_words("templateId"), _words("id status"), _words("templateId")),
    "pronounsSettings": TypeRule(read_only=_words("id"), create=False, delete="", patched=200),
    "insightsSettings": TypeRule(read_only=_words("id"), create=False, delete="", patched=200),
    "onPremisesDirectorySynchronization": TypeRule(
        read_only=_words("id"), create=False, delete="", app_only=False
    ),
    "onPremisesSyncBehavior": TypeRule(read_only=_words("id"), create=False, delete=""),
    "extension": TypeRule(_words("extensionName"), _words(""), _words("extensionName")),
    "remoteDesktopSecurityConfiguration": TypeRule(read_only=_words("id"), patched=200),
    "certificateBasedAuthConfiguration": TypeRule(
        _words("certificateAuthorities"), _words("id"), update=False
    ),
    "certificateBasedAuthPki": TypeRule(
        _words("displayName"), _words("id deletedDateTime lastModifiedDateTime status statusDetails"), delete="soft"
    ),
    "certificateAuthorityDetail": TypeRule(
        _words("certificate certificateAuthorityType"),
        _words("id deletedDateTime createdDateTime expirationDateTime issuer issuerSubjectKeyIdentifier thumbprint"),
        delete="soft",
    ),
}  # fmt: skip


def rule_of(type_name: str, lineage: list[str]) -> TypeRule | None:
    """The rule of a type: its own, else that of the nearest type it descends from."""
    for one in (type_name, *lineage):
        found = RULES.get(one)
        if found is not None:
            return found
    return None
