"""What a selected property that an answer leaves out stands for.

A delta leaves out what was never set, where a list shows null, or `[]` for a collection ("Use delta query to track
changes"). Both ways of reading must give one body, else every object would seem to change whenever the way changes.
"""

from collections.abc import Iterable
from typing import Any

from shared.catalog.row import words

COLLECTIONS = frozenset(words("""
    addIns alternativeNames alternativeSecurityIds appRoles assignedLabels assignedLicenses assignedPlans businessPhones
    groupTypes identifierUris identities imAddresses infoCatalogs keyCredentials licenseAssignmentStates
    notificationEmailAddresses oauth2PermissionScopes onPremisesProvisioningErrors otherMails passwordCredentials
    physicalIds provisionedPlans proxyAddresses replyUrls requiredResourceAccess resourceBehaviorOptions
    resourceProvisioningOptions resourceSpecificApplicationPermissions servicePrincipalNames serviceProvisioningErrors
    systemLabels tags
"""))
"""Collections among the properties of types with delta, as the schema of Microsoft Graph has it; a test compares."""


def fill_absent(body: dict[str, Any], selected: Iterable[str]) -> None:
    """Give `body` an empty collection, or null, for each selected property that it does not have."""
    for name in selected:
        if name not in body:
            body[name] = [] if name in COLLECTIONS else None
