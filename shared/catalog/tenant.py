"""The tenant itself: organization, branding, domains, licences, certificate authorities, people settings.

Sources: Microsoft Graph "organization", "organizationalBranding", "domain", "internalDomainFederation",
"subscribedSku", "contract", "certificateBasedAuthConfiguration", "certificateBasedAuthPki", "profileCardProperty
resource type".
"""

from shared.catalog.reasons import DERIVED
from shared.catalog.row import Excluded, LeftAlone, ObjectType, RecycleBin, Reference, words

_BRANDING_STREAMS = words("backgroundImage bannerLogo customCSS favicon headerLogo squareLogo squareLogoDark")
_BRANDING_AS_IS = (
    Excluded(("customCannotAccessYourAccountUrl", "customResetItNowText"), "Microsoft says not to use it: what it "
             "would change is not supported"),
)
_BRANDING_READ_ONLY = words("""
    id backgroundImageRelativeUrl bannerLogoRelativeUrl cdnList customCSSRelativeUrl faviconRelativeUrl
    headerLogoRelativeUrl squareLogoDarkRelativeUrl squareLogoRelativeUrl
""")

ORGANIZATION = ObjectType(
    name="organization",
    title="Organization settings",
    path="/organization",
    graph_type="organization",
    extension_target="Organization",
    option="organization",
    excluded=(
        Excluded(("branding", "certificateBasedAuthConfiguration"), "read as object types of their own"),
        Excluded(("extensions",), "open extensions belong to the applications that wrote them"),
    ),
    never_synced=True,
    read_permissions=("Organization.Read.All",),
    write_permissions=("Organization.ReadWrite.All",),
    not_deleted="it is the tenant",
    not_restored="it is the tenant: it is changed, never made",
    read_only=words("""
        id deletedDateTime assignedPlans createdDateTime onPremisesLastSyncDateTime onPremisesSyncEnabled
        partnerTenantType provisionedPlans tenantType verifiedDomains mobileDeviceManagementAuthority
        countryLetterCode displayName businessPhones city country defaultUsageLocation postalCode
        preferredLanguage state street
    """),
    immutable=("id", "createdDateTime"),
    volatile=("assignedPlans", "provisionedPlans", "onPremisesLastSyncDateTime"),
    unconfirmed=(
        (
            "Whether addresses, displayName, businessPhones, preferredLanguage and defaultUsageLocation can be "
            "written; they are taken as read-only."
        ),
    ),
)

BRANDING = ObjectType(
    name="organizationalBranding",
    title="Company branding",
    path="/organization/{id}/branding",
    graph_type="organizationalBranding",
    reading="perParent",
    parent="organization",
    one_per_parent=True,
    absent_status=(404,),
    option="organization",
    streams=_BRANDING_STREAMS,
    excluded=(Excluded(("localizations",), "read as an object type of its own"),),
    read_permissions=("OrganizationalBranding.Read.All",),
    write_permissions=("OrganizationalBranding.ReadWrite.All",),
    delete="DELETE /organization/{id}/branding",
    actions=tuple(
        (stream, f"PUT /organization/{{id}}/branding/localizations/0/{stream}") for stream in _BRANDING_STREAMS
    ),
    read_only=_BRANDING_READ_ONLY,
    left_as_is=_BRANDING_AS_IS,
    immutable=("id",),
    references=(Reference("@cairn.parent", "organization", holder=True),),
    volatile=("cdnList",),
    unconfirmed=(
        "The default branding has the id `0`; its pictures are written through that localization.",
        "Branding cannot be deleted before its pictures are gone.",
    ),
)

BRANDING_LOCALIZATION = ObjectType(
    name="organizationalBrandingLocalization",
    title="Company branding by language",
    path="/organization/{id}/branding/localizations",
    graph_type="organizationalBrandingLocalization",
    reading="perParent",
    parent="organization",
    key_in_parent=True,
    absent_status=(404,),
    option="organization",
    streams=_BRANDING_STREAMS,
    read_permissions=("OrganizationalBranding.Read.All",),
    write_permissions=("OrganizationalBranding.ReadWrite.All",),
    actions=tuple(
        (stream, f"PUT /organization/{{id}}/branding/localizations/{{key}}/{stream}") for stream in _BRANDING_STREAMS
    ),
    create_required=("id",),
    read_only=_BRANDING_READ_ONLY[1:],
    left_as_is=_BRANDING_AS_IS,
    immutable=("id",),
    volatile=("cdnList",),
    unique=("id",),
    references=(Reference("@cairn.parent", "organization", holder=True),),
)

CERTIFICATE_AUTH_CONFIGURATION = ObjectType(
    name="certificateBasedAuthConfiguration",
    title="Certificate-based authentication",
    path="/organization/{id}/certificateBasedAuthConfiguration",
    graph_type="certificateBasedAuthConfiguration",
    reading="perParent",
    parent="organization",
    key_in_parent=True,
    option="organization",
    read_permissions=("Organization.Read.All",),
    write_permissions=("Organization.ReadWrite.All",),
    not_updated="Microsoft Graph does not change it: it is deleted and made anew",
    create_required=("certificateAuthorities",),
    read_only=("id",),
    immutable=("id", "certificateAuthorities"),
    references=(Reference("@cairn.parent", "organization", holder=True),),
)

CERTIFICATE_PKI = ObjectType(
    name="certificateBasedAuthPki",
    title="Public key infrastructures",
    path="/directory/publicKeyInfrastructure/certificateBasedAuthConfigurations",
    graph_type="certificateBasedAuthPki",
    option="organization",
    excluded=(Excluded(("certificateAuthorities",), "read as an object type of its own"),),
    recycle_bin=RecycleBin(
        path="/directory/deletedItems/microsoft.graph.certificateBasedAuthPki",
        restore="POST /directory/deletedItems/{id}/restore",
    ),
    read_permissions=("PublicKeyInfrastructure.Read.All",),
    write_permissions=("PublicKeyInfrastructure.ReadWrite.All",),
    create_required=("displayName",),
    read_only=("id", "deletedDateTime", "lastModifiedDateTime", "status", "statusDetails"),
    immutable=("id",),
    unique=("displayName",),
    unconfirmed=("Whether displayName must be unique.",),
)

CERTIFICATE_AUTHORITY = ObjectType(
    name="certificateAuthorityDetail",
    title="Certificate authorities",
    path="/directory/publicKeyInfrastructure/certificateBasedAuthConfigurations/{id}/certificateAuthorities",
    graph_type="certificateAuthorityDetail",
    reading="perParent",
    parent="certificateBasedAuthPki",
    option="organization",
    recycle_bin=RecycleBin(
        path="/directory/deletedItems/microsoft.graph.certificateAuthorityDetail",
        restore="POST /directory/deletedItems/{id}/restore",
    ),
    read_permissions=("PublicKeyInfrastructure.Read.All",),
    write_permissions=("PublicKeyInfrastructure.ReadWrite.All",),
    create_required=("certificate", "certificateAuthorityType"),
    read_only=words("""
        id deletedDateTime createdDateTime displayName expirationDateTime issuer issuerSubjectKeyIdentifier thumbprint
    """),
    immutable=("id", "certificate", "certificateAuthorityType"),
    unique=("thumbprint",),
    references=(Reference("@cairn.parent", "certificateBasedAuthPki", holder=True),),
)

PROFILE_CARD_PROPERTY = ObjectType(
    name="profileCardProperty",
    title="Profile card properties",
    path="/admin/people/profileCardProperties",
    graph_type="profileCardProperty",
    key="directoryPropertyName",
    option="organization",
    read_permissions=("PeopleSettings.Read.All",),
    write_permissions=("PeopleSettings.ReadWrite.All",),
    create_required=("directoryPropertyName",),
    read_only=("id",),
    immutable=("directoryPropertyName",),
    unique=("directoryPropertyName",),
)

PRONOUNS_SETTINGS = ObjectType(
    name="pronounsSettings",
    title="Pronouns settings",
    path="/admin/people/pronouns",
    graph_type="pronounsSettings",
    reading="single",
    option="organization",
    read_permissions=("PeopleSettings.Read.All",),
    write_permissions=("PeopleSettings.ReadWrite.All",),
    read_only=("id",),
    not_restored="there is exactly one in each tenant: it is changed, never made",
)

INSIGHTS_SETTINGS = ObjectType(
    name="insightsSettings",
    title="Item insights settings",
    path="/admin/people/itemInsights",
    graph_type="insightsSettings",
    reading="single",
    option="organization",
    read_permissions=("PeopleSettings.Read.All",),
    write_permissions=("PeopleSettings.ReadWrite.All",),
    read_only=("id",),
    references=(Reference("disabledForGroup", "group"),),
    not_restored="there is exactly one in each tenant: it is changed, never made",
    unconfirmed=("Whether an application is let in: other products sign in as a Global Reader to read it.",),
)

PROFILE_PROPERTY_SETTING = ObjectType(
    name="profilePropertySetting",
    title="Profile property settings",
    path="/admin/people/profilePropertySettings",
    graph_type="profilePropertySetting",
    option="organization",
    read_permissions=("PeopleSettings.Read.All",),
    write_permissions=("PeopleSettings.ReadWrite.All",),
    create_required=("name",),
    read_only=("id",),
    immutable=("id", "name"),
    unique=("name",),
)

PROFILE_SOURCE = ObjectType(
    name="profileSource",
    title="Profile sources",
    path="/admin/people/profileSources",
    graph_type="profileSource",
    option="organization",
    read_permissions=("PeopleSettings.Read.All",),
    write_permissions=("PeopleSettings.ReadWrite.All",),
    create_required=("sourceId", "displayName"),
    read_only=("id",),
    immutable=("id", "sourceId"),
    unique=("sourceId",),
)

DOMAIN = ObjectType(
    name="domain",
    title="Domains",
    path="/domains",
    graph_type="domain",
    documents=(
        ("verificationDnsRecords", "/domains/{key}/verificationDnsRecords"),
        ("serviceConfigurationRecords", "/domains/{key}/serviceConfigurationRecords"),
    ),
    excluded=(
        Excluded(("domainNameReferences", "rootDomain"), DERIVED),
        Excluded(("federationConfiguration",), "read as an object type of its own"),
    ),
    read_permissions=("Domain.Read.All",),
    write_permissions=("Domain.ReadWrite.All",),
    delegated_only="a domain made anew works only after its owner proves it by a DNS record",
    create_required=("id",),
    read_only=words("""
        authenticationType availabilityStatus isAdminManaged isInitial isRoot isVerified manufacturer model
        serviceConfigurationRecords state verificationDnsRecords
    """),
    immutable=("id",),
    volatile=("state",),
    unique=("id",),
    left_alone=(LeftAlone(("isInitial", "true"), "the tenant's first domain, which Microsoft made"),),
    unconfirmed=("Whether authenticationType can be written.", "The largest page."),
)

INTERNAL_DOMAIN_FEDERATION = ObjectType(
    name="internalDomainFederation",
    title="Federation of domains",
    path="/domains/{id}/federationConfiguration",
    graph_type="internalDomainFederation",
    reading="perParent",
    parent="domain",
    parent_where=("authenticationType", "Federated"),
    read_permissions=("Domain-InternalFederation.Read.All",),
    write_permissions=("Domain-InternalFederation.ReadWrite.All",),
    create_required=("issuerUri", "passiveSignInUri", "signingCertificate"),
    read_only=("id", "signingCertificateUpdateStatus"),
    immutable=("id",),
    secret=("the federation server's private key",),
    unique=("issuerUri",),
    references=(Reference("@cairn.parent", "domain", holder=True),),
)

CONTRACT = ObjectType(
    name="contract",
    title="Partner contracts",
    path="/contracts",
    graph_type="contract",
    reference_only=True,
    read_permissions=("Directory.Read.All",),
    read_only=words("id deletedDateTime contractType customerId defaultDomainName displayName"),
    immutable=("id",),
    not_restored="made by Microsoft when a customer signs with a partner",
)

SUBSCRIBED_SKU = ObjectType(
    name="subscribedSku",
    title="Licences of the tenant",
    path="/subscribedSkus",
    graph_type="subscribedSku",
    reference_only=True,
    read_permissions=("LicenseAssignment.Read.All",),
    read_only=words("""
        id accountId accountName appliesTo capabilityStatus consumedUnits prepaidUnits servicePlans skuId
        skuPartNumber subscriptionIds
    """),
    immutable=("id",),
    volatile=("consumedUnits",),
    not_restored="licences are bought, not restored; kept to name them and to check seats",
)

ROWS = (
    DOMAIN, INTERNAL_DOMAIN_FEDERATION, SUBSCRIBED_SKU, CONTRACT, ORGANIZATION, BRANDING, BRANDING_LOCALIZATION,
    CERTIFICATE_AUTH_CONFIGURATION, CERTIFICATE_PKI, CERTIFICATE_AUTHORITY, PROFILE_CARD_PROPERTY, PRONOUNS_SETTINGS,
    INSIGHTS_SETTINGS, PROFILE_PROPERTY_SETTING, PROFILE_SOURCE,
)
