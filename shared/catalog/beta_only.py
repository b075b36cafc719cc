"""What only beta shows of types that are read in v1.0, and why it is left out; held against Microsoft's models.

Microsoft may change or take away what is in beta, so nothing is read from there but what a row says.
"""

from collections.abc import Mapping

from shared.catalog.reasons import DERIVED, EVIDENCE, INTUNE, MICROSOFT_365_SERVICE
from shared.catalog.row import Excluded, words

_NEW = "in beta only, where Microsoft may change it without notice"
_ANOTHER_WAY = "what v1.0 says by another property, which is read"
_BY_MICROSOFT = "set by Microsoft, and the same for whoever asks"
_BY_HAND = "a setting that only beta has: note it down by hand"
_COMMERCE = "of the licences that commerce keeps in beta; those that v1.0 shows are read"
_ELSEWHERE = "kept by other services, which show it there"

BETA_ONLY: Mapping[str, tuple[Excluded, ...]] = {
    "user": (
        Excluded(words("cloudLicensing isLicenseReconciliationNeeded usageRights"), _COMMERCE),
        Excluded(words("cloudPcPools cloudRealtimeCommunicationInfo communications distributionLists notifications "
                       "onPremisesSipInfo profile virtualEvents analytics"), MICROSOFT_365_SERVICE),
        Excluded(words("deviceEnrollmentConfigurations devices managedAppLogCollectionRequests "
                       "mobileAppIntentAndStates mobileAppTroubleshootingEvents "
                       "windowsInformationProtectionDeviceRegistrations"), INTUNE),
        Excluded(words("appRoleAssignedResources joinedGroups transitiveReports"), DERIVED),
        Excluded(words("appConsentRequestsForApproval approvals pendingAccessReviewInstances"), EVIDENCE),
        Excluded(words("identityGovernance lifecycle infoCatalogs informationProtection invitedBy security"), _NEW),
        Excluded(("deviceKeys",), "public keys of Windows Hello, made by the device when the user registers again"),
        Excluded(("refreshTokensValidFromDateTime",), _ANOTHER_WAY),
    ),
    "group": (
        Excluded(("cloudLicensing",), _COMMERCE),
        Excluded(words("createdByAppId membershipRuleProcessingStatus endpoints"), DERIVED),
        Excluded(words("disableNesting writebackConfiguration"), _BY_HAND),
    ),
    "application": (
        Excluded(words("connectorGroup onPremisesPublishing"), "read as object types of their own"),
        Excluded(words("communicationConfiguration signInAudienceRestrictions windows"), _NEW),
    ),
    "federatedIdentityCredential": (
        Excluded(("claimsMatchingExpression",), "flexible credentials are in beta only: without a subject one is kept "
                 "without what it matches, and is made anew by hand"),
    ),
    "managedIdentityFederatedCredential": (Excluded(("claimsMatchingExpression",), _NEW),),
    "servicePrincipal": (
        Excluded(words("errorUrl publisherName samlMetadataUrl publishedPermissionScopes"), _ANOTHER_WAY),
        Excluded(words("preferredTokenSigningKeyEndDateTime lifecyclePolicyComplianceState "
                       "lifecyclePolicyComplianceStateLastModifiedDateTime lifecyclePolicyComplianceStateReason "
                       "lifecyclePolicyNonComplianceDisablementDateTime inheritedAppRoleAssignments "
                       "inheritedOauth2PermissionGrants licenseDetails"), DERIVED),
        Excluded(words("claimsPolicy communicationConfiguration lifecycle permissionGrantPreApprovalPolicies"), _NEW),
        Excluded(("passwordSingleSignOnSettings",), "fields of password sign-on, whose credentials nobody can read"),
    ),
    "appRoleAssignment": (Excluded(("creationTimestamp",), _ANOTHER_WAY),),
    "oAuth2PermissionGrant": (Excluded(("expiryTime", "startTime"), "always empty: Microsoft says not to use them"),),
    "device": (
        Excluded(words("alternativeNames cloudLicensing commands deviceTemplate domainName hostnames kind name "
                       "platform status usageRights"), _ELSEWHERE),
    ),
    "administrativeUnit": (Excluded(("deletedMembers",), DERIVED),),
    "unifiedRoleDefinition": (Excluded(("allowedPrincipalTypes", "isPrivileged"), _BY_MICROSOFT),),
    "unifiedRoleAssignment": (Excluded(("resourceScope",), _ANOTHER_WAY),),
    "authenticationStrengthPolicy": (Excluded(("deletedDateTime",), DERIVED),),
    "authorizationPolicy": (
        Excluded(("permissionGrantPolicyIdsAssignedToDefaultUserRole",), _ANOTHER_WAY),
        Excluded(("defaultUserRoleOverrides", "enabledPreviewFeatures"), _NEW),
    ),
    "authenticationMethodsPolicy": (Excluded(("deletedDateTime",), DERIVED),),
    "crossTenantAccessPolicy": (Excluded(("definition",), _ANOTHER_WAY),),
    "crossTenantAccessPolicyConfigurationDefault": (Excluded(("blockServiceProviderOutboundAccess",), _BY_HAND),),
    "crossTenantAccessPolicyConfigurationPartner": (
        Excluded(("blockServiceProviderOutboundAccess",), _BY_HAND), Excluded(("deletedDateTime",), DERIVED),
    ),
    "permissionGrantPolicy": (Excluded(("includeAllPreApprovedApplications", "resourceScopeType"), _BY_HAND),),
    "domain": (Excluded(("sharedEmailDomainInvitations",), EVIDENCE),),
    "internalDomainFederation": (
        Excluded(words("defaultInteractiveAuthenticationMethod openIdConnectDiscoveryEndpoint passwordChangeUri"),
                 _BY_HAND),
    ),
    "organization": (
        Excluded(words("directorySizeQuota isMultipleDataLocationsForServicesEnabled "
                       "onPremisesLastPasswordSyncDateTime partnerInformation resourceQuotas"), _BY_MICROSOFT),
        Excluded(("certificateConnectorSetting",), INTUNE),
        Excluded(("settings",), "settings of people's profiles, read as object types of their own"),
    ),
    "organizationalBranding": (Excluded(("themes",), _NEW),),
    "emailAuthenticationMethod": (Excluded(("lastUsedDateTime",), EVIDENCE),),
    "phoneAuthenticationMethod": (Excluded(("lastUsedDateTime",), EVIDENCE),),
    "authenticationMethod": (Excluded(("lastUsedDateTime",), EVIDENCE),),
}
