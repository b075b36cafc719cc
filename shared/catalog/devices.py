"""Devices: computers and phones that joined or registered, and who they belong to.

Sources: Microsoft Graph "device resource type", "Update device", "Create device", "device: delta".
"""

from shared.catalog.reasons import DERIVED, EXTENSIONS
from shared.catalog.row import Excluded, Link, ObjectType, words

_BY_USERS_ONLY = "Microsoft Graph lets only signed-in users write it: it comes back when the device joins again"

DEVICE = ObjectType(
    name="device",
    title="Devices",
    path="/devices",
    graph_type="device",
    reading="delta",
    extension_target="Device",
    page_size=999,
    select=words("""
        id deletedDateTime accountEnabled alternativeSecurityIds approximateLastSignInDateTime
        complianceExpirationDateTime deviceCategory deviceId deviceMetadata deviceOwnership deviceVersion displayName
        enrollmentProfileName enrollmentType isCompliant isManaged isManagementRestricted isRooted managementType
        manufacturer mdmAppId model onPremisesLastSyncDateTime onPremisesSecurityIdentifier onPremisesSyncEnabled
        operatingSystem operatingSystemVersion physicalIds profileType registrationDateTime systemLabels trustType
    """),
    in_beta=("extensionAttributes",),
    property_options=(("extensionAttributes", "previewProperties"),),
    excluded=(
        Excluded(("transitiveMemberOf",), DERIVED),
        Excluded(("extensions",), EXTENSIONS),
    ),
    links=(
        Link(
            name="registeredOwners", targets=("user", "servicePrincipal"), reading="expand", slow=True,
            not_restored=_BY_USERS_ONLY, note="at most one",
        ),
        Link(
            name="registeredUsers", targets=("user", "servicePrincipal"), reading="expand", slow=True,
            not_restored=_BY_USERS_ONLY,
        ),
        Link(name="memberOf", reading="inverse", held_by=("group.members", "administrativeUnit.members")),
    ),
    read_permissions=("Device.Read.All",),
    write_permissions=("Device.ReadWrite.All",),
    create_required=words("accountEnabled alternativeSecurityIds deviceId displayName operatingSystem"),
    read_only=words("""
        id deletedDateTime approximateLastSignInDateTime complianceExpirationDateTime deviceCategory deviceMetadata
        deviceOwnership deviceVersion enrollmentProfileName enrollmentType isCompliant isManaged
        isManagementRestricted isRooted managementType manufacturer mdmAppId model onPremisesLastSyncDateTime
        onPremisesSecurityIdentifier onPremisesSyncEnabled physicalIds profileType registrationDateTime
        systemLabels trustType
    """),
    immutable=("id", "deviceId", "alternativeSecurityIds"),
    secret=("BitLocker keys and local administrator passwords, which go with the device",),
    volatile=("approximateLastSignInDateTime", "complianceExpirationDateTime", "onPremisesLastSyncDateTime"),
    unique=("deviceId",),
    not_restored="a device makes its keys when it joins: a deleted one must join again, and no copy would work",
    unconfirmed=(
        "Whether registered owners and users can be selected in the delta; until shown, the slow lane reads them.",
        "The largest page.",
        "Which properties an application may change that does not manage the device.",
    ),
)

ROWS = (DEVICE,)
