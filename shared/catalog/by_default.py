"""What Microsoft Graph gives by default of the types whose rows select nothing, by name.

Held against Microsoft's models. A backup keeps the whole answer, also what is newer than this list.
"""

from collections.abc import Mapping

from shared.catalog.row import ObjectType, words

BY_DEFAULT: Mapping[str, tuple[str, ...]] = {
    "groupSetting": words("displayName id templateId values"),
    "groupSpecificSetting": words("displayName id templateId values"),
    "groupSettingTemplate": words("deletedDateTime description displayName id values"),
    "groupLifecyclePolicy": words("alternateNotificationEmails groupLifetimeInDays id managedGroupTypes"),
    "federatedIdentityCredential": words("audiences description id issuer name subject"),
    "extensionProperty": words("""
        appDisplayName dataType deletedDateTime id isMultiValued isSyncedFromOnPremises name targetObjects
    """),
    "inheritablePermission": words("inheritableScopes resourceAppId"),
    "appRoleAssignment": words("""
        appRoleId createdDateTime deletedDateTime id principalDisplayName principalId principalType
        resourceDisplayName resourceId
    """),
    "oAuth2PermissionGrant": words("clientId consentType id principalId resourceId scope"),
    "delegatedPermissionClassification": words("classification id permissionId permissionName"),
    "synchronizationJob": words("id schedule status synchronizationJobSettings templateId"),
    "managedIdentityFederatedCredential": words("audiences description id issuer name subject"),
    "scopedRoleMembership": words("administrativeUnitId id roleId roleMemberInfo"),
    "unifiedRoleDefinition": words("""
        description displayName id isBuiltIn isEnabled resourceScopes rolePermissions templateId version
    """),
    "unifiedRoleAssignment": words("""
        appScopeId condition directoryScopeId id principalId principalOrganizationId roleDefinitionId
    """),
    "unifiedRoleEligibilitySchedule": words("""
        appScopeId createdDateTime createdUsing directoryScopeId id memberType modifiedDateTime principalId
        roleDefinitionId scheduleInfo status
    """),
    "unifiedRoleAssignmentSchedule": words("""
        appScopeId assignmentType createdDateTime createdUsing directoryScopeId id memberType modifiedDateTime
        principalId roleDefinitionId scheduleInfo status
    """),
    "unifiedRoleManagementPolicy": words("""
        description displayName id isOrganizationDefault lastModifiedBy lastModifiedDateTime scopeId scopeType
    """),
    "unifiedRoleManagementPolicyAssignment": words("id policyId roleDefinitionId scopeId scopeType"),
    "privilegedAccessGroupEligibilitySchedule": words("""
        accessId createdDateTime createdUsing groupId id memberType modifiedDateTime principalId scheduleInfo
        status
    """),
    "privilegedAccessGroupAssignmentSchedule": words("""
        accessId assignmentType createdDateTime createdUsing groupId id memberType modifiedDateTime
        principalId scheduleInfo status
    """),
    "groupRoleManagementPolicy": words("id policyId roleDefinitionId scopeId scopeType"),
    "conditionalAccessPolicy": words("""
        conditions createdDateTime deletedDateTime description displayName grantControls id modifiedDateTime
        sessionControls state templateId
    """),
    "ipNamedLocation": words("createdDateTime deletedDateTime displayName id ipRanges isTrusted modifiedDateTime"),
    "countryNamedLocation": words("""
        countriesAndRegions countryLookupMethod createdDateTime deletedDateTime displayName id
        includeUnknownCountriesAndRegions modifiedDateTime
    """),
    "authenticationContextClassReference": words("description displayName id isAvailable"),
    "authenticationStrengthPolicy": words("""
        allowedCombinations createdDateTime description displayName id modifiedDateTime policyType
        requirementsSatisfied
    """),
    "agreement": words("""
        displayName id isPerDeviceAcceptanceRequired isViewingBeforeAcceptanceRequired termsExpiration
        userReacceptRequiredFrequency
    """),
    "authorizationPolicy": words("""
        allowEmailVerifiedUsersToJoinOrganization allowInvitesFrom allowUserConsentForRiskyApps
        allowedToSignUpEmailBasedSubscriptions allowedToUseSSPR blockMsolPowerShell defaultUserRolePermissions
        deletedDateTime description displayName guestUserRoleId id
    """),
    "authenticationMethodsPolicy": words("""
        description displayName id lastModifiedDateTime policyMigrationState policyVersion
        reconfirmationInDays registrationEnforcement
    """),
    "identitySecurityDefaultsEnforcementPolicy": words("deletedDateTime description displayName id isEnabled"),
    "authenticationFlowsPolicy": words("description displayName id selfServiceSignUp"),
    "externalIdentitiesPolicy": words("""
        allowDeletedIdentitiesDataRemoval allowExternalIdentitiesToLeave deletedDateTime description
        displayName id
    """),
    "crossTenantAccessPolicy": words("allowedCloudEndpoints deletedDateTime description displayName id"),
    "crossTenantAccessPolicyConfigurationDefault": words("""
        appServiceConnectInbound automaticUserConsentSettings b2bCollaborationInbound b2bCollaborationOutbound
        b2bDirectConnectInbound b2bDirectConnectOutbound id inboundTrust
        invitationRedemptionIdentityProviderConfiguration isServiceDefault m365CollaborationInbound
        m365CollaborationOutbound tenantRestrictions
    """),
    "crossTenantAccessPolicyConfigurationPartner": words("""
        appServiceConnectInbound automaticUserConsentSettings b2bCollaborationInbound b2bCollaborationOutbound
        b2bDirectConnectInbound b2bDirectConnectOutbound inboundTrust isInMultiTenantOrganization
        isServiceProvider m365CollaborationInbound m365CollaborationOutbound tenantId tenantRestrictions
    """),
    "permissionGrantPolicy": words("deletedDateTime description displayName id"),
    "adminConsentRequestPolicy": words("""
        id isEnabled notifyReviewers remindersEnabled requestDurationInDays reviewers version
    """),
    "appManagementPolicy": words("deletedDateTime description displayName id isEnabled restrictions"),
    "tenantAppManagementPolicy": words("""
        applicationRestrictions deletedDateTime description displayName id isEnabled
        servicePrincipalRestrictions
    """),
    "deviceRegistrationPolicy": words("""
        azureADJoin azureADRegistration description displayName id localAdminPassword
        multiFactorAuthConfiguration userDeviceQuota
    """),
    "featureRolloutPolicy": words("description displayName feature id isAppliedToOrganization isEnabled"),
    "claimsMappingPolicy": words("definition deletedDateTime description displayName id isOrganizationDefault"),
    "homeRealmDiscoveryPolicy": words("definition deletedDateTime description displayName id isOrganizationDefault"),
    "tokenLifetimePolicy": words("definition deletedDateTime description displayName id isOrganizationDefault"),
    "tokenIssuancePolicy": words("definition deletedDateTime description displayName id isOrganizationDefault"),
    "activityBasedTimeoutPolicy": words("definition deletedDateTime description displayName id isOrganizationDefault"),
    "attributeSet": words("description id maxAttributesPerSet"),
    "customSecurityAttributeDefinition": words("""
        attributeSet description id isCollection isSearchable name status type usePreDefinedValuesOnly
    """),
    "domain": words("""
        authenticationType availabilityStatus id isAdminManaged isDefault isInitial isRoot isVerified
        manufacturer model passwordNotificationWindowInDays passwordValidityPeriodInDays state
        supportedServices
    """),
    "internalDomainFederation": words("""
        activeSignInUri displayName federatedIdpMfaBehavior id isSignedAuthenticationRequestRequired issuerUri
        metadataExchangeUri nextSigningCertificate passiveSignInUri passwordResetUri
        preferredAuthenticationProtocol promptLoginBehavior signOutUri signingCertificate
        signingCertificateUpdateStatus systemBrowserEnabledOn
    """),
    "subscribedSku": words("""
        accountId accountName appliesTo capabilityStatus consumedUnits id prepaidUnits servicePlans skuId
        skuPartNumber subscriptionIds
    """),
    "contract": words("contractType customerId defaultDomainName deletedDateTime displayName id"),
    "organization": words("""
        assignedPlans businessPhones city country countryLetterCode createdDateTime defaultUsageLocation
        deletedDateTime displayName id marketingNotificationEmails mobileDeviceManagementAuthority
        onPremisesLastSyncDateTime onPremisesSyncEnabled partnerTenantType postalCode preferredLanguage
        privacyProfile provisionedPlans securityComplianceNotificationMails
        securityComplianceNotificationPhones state street technicalNotificationMails tenantType
        verifiedDomains
    """),
    "organizationalBranding": words("""
        backgroundColor backgroundImageRelativeUrl bannerLogoRelativeUrl cdnList contentCustomization
        customAccountResetCredentialsUrl customCSSRelativeUrl customCannotAccessYourAccountText
        customCannotAccessYourAccountUrl customForgotMyPasswordText customPrivacyAndCookiesText
        customPrivacyAndCookiesUrl customResetItNowText customTermsOfUseText customTermsOfUseUrl
        faviconRelativeUrl headerBackgroundColor headerLogoRelativeUrl id loginPageLayoutConfiguration
        loginPageTextVisibilitySettings signInPageText squareLogoDarkRelativeUrl squareLogoRelativeUrl
        usernameHintText
    """),
    "organizationalBrandingLocalization": words("""
        backgroundColor backgroundImageRelativeUrl bannerLogoRelativeUrl cdnList contentCustomization
        customAccountResetCredentialsUrl customCSSRelativeUrl customCannotAccessYourAccountText
        customCannotAccessYourAccountUrl customForgotMyPasswordText customPrivacyAndCookiesText
        customPrivacyAndCookiesUrl customResetItNowText customTermsOfUseText customTermsOfUseUrl
        faviconRelativeUrl headerBackgroundColor headerLogoRelativeUrl id loginPageLayoutConfiguration
        loginPageTextVisibilitySettings signInPageText squareLogoDarkRelativeUrl squareLogoRelativeUrl
        usernameHintText
    """),
    "certificateBasedAuthConfiguration": words("certificateAuthorities id"),
    "certificateBasedAuthPki": words("deletedDateTime displayName id lastModifiedDateTime status statusDetails"),
    "certificateAuthorityDetail": words("""
        certificate certificateAuthorityType certificateRevocationListUrl createdDateTime deletedDateTime
        deltaCertificateRevocationListUrl displayName expirationDateTime id isIssuerHintEnabled issuer
        issuerSubjectKeyIdentifier thumbprint
    """),
    "profileCardProperty": words("annotations directoryPropertyName id isVisible"),
    "pronounsSettings": words("id isEnabledInOrganization"),
    "insightsSettings": words("disabledForGroup id isEnabledInOrganization"),
    "profilePropertySetting": words("displayName id name prioritizedSourceUrls"),
    "profileSource": words("displayName id kind localizations sourceId webUrl"),
    "onPremisesPublishing": words("""
        alternateUrl applicationServerTimeout applicationType externalAuthenticationType externalUrl
        internalUrl isAccessibleViaZTNAClient isBackendCertificateValidationEnabled
        isContinuousAccessEvaluationEnabled isDeviceAccessEnabled isDnsResolutionEnabled
        isHttpOnlyCookieEnabled isOnPremPublishingEnabled isPersistentCookieEnabled isSecureCookieEnabled
        isStateSessionEnabled isTranslateHostHeaderEnabled isTranslateLinksInBodyEnabled
        onPremisesApplicationSegments segmentsConfiguration singleSignOnSettings trafficRoutingMethod
        useAlternateUrlForTranslationAndRedirect verifiedCustomDomainCertificatesMetadata
        verifiedCustomDomainKeyCredential verifiedCustomDomainPasswordCredential wafAllowedHeaders wafIpRanges
        wafProvider
    """),
    "connectorGroup": words("connectorGroupType id isDefault name region"),
    "connector": words("externalIp id machineName status version"),
    "emailAuthenticationMethod": words("createdDateTime emailAddress id"),
    "phoneAuthenticationMethod": words("createdDateTime id phoneNumber phoneType smsSignInState"),
    "authenticationMethod": words("createdDateTime id"),
    "strongAuthenticationRequirements": words("perUserMfaState"),
    "signInPreferences": words("""
        isSystemPreferredAuthenticationMethodEnabled userPreferredMethodForSecondaryAuthentication
    """),
    "recoverySnapshot": words("createdDateTime id totalChangedObjects"),
    "recoveryJob": words("""
        filteringCriteria id jobCompletionDateTime jobStartDateTime status targetStateDateTime
        totalChangedLinksCalculated totalChangedObjectsCalculated totalFailedChanges totalLinksModified
        totalObjectsModified
    """),
}


def attributes_of(row: ObjectType) -> tuple[str, ...]:
    """The names of all properties that a backup keeps of the type, sorted; links are told apart."""
    return tuple(sorted({
        *row.select, *row.singly, *row.in_beta, *row.streams, *row.expanded, *row.inline,
        *(name for name, _ in row.documents), *(name for one in row.subtypes for name in one.properties),
        *BY_DEFAULT.get(row.name, ()),
    }))
