"""Names of directory roles as today's portal shows them, and the older ones by which they are still known.

Source: Microsoft Entra built-in roles ("PowerShell name" and "former name" of each), which Graph's directoryRole
objects of older tenants still carry.
"""

from collections.abc import Mapping
from typing import Any

FORMER_NAMES: Mapping[str, tuple[str, ...]] = {
    "Global Administrator": ("Company Administrator",),
    "Global Reader": ("Company Reader",),
    "Dynamics 365 Administrator": ("CRM Service Administrator",),
    "Exchange Administrator": ("Exchange Service Administrator",),
    "Azure Information Protection Administrator": ("Information Protection Administrator",),
    "Intune Administrator": ("Intune Service Administrator",),
    "Skype for Business Administrator": ("Lync Service Administrator",),
    "Fabric Administrator": ("Power BI Administrator", "Power BI Service Administrator"),
    "SharePoint Administrator": ("SharePoint Service Administrator",),
    "Teams Administrator": ("Teams Service Administrator",),
    "Service Support Administrator": ("Service Administrator",),
    "User Administrator": ("User Account Administrator",),
    "Microsoft Entra Joined Device Local Administrator": (
        "Azure AD Joined Device Local Administrator", "Device Administrators",
    ),
    "Attribute Provisioning Administrator": ("Attribute Provisioning Admin",),
}
"""Today's name → older ones."""

_TODAY: Mapping[str, str] = {former: today for today, formers in FORMER_NAMES.items() for former in formers}

ROLE_TYPES = frozenset({"directoryRole", "unifiedRoleDefinition"})

GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
"""Template id of the role, the same in every tenant ("Microsoft Entra built-in roles")."""


def role_name(object_type: str, body: Mapping[str, Any]) -> str:
    """Today's name of a role; empty for what is no role or has no name."""
    if object_type not in ROLE_TYPES:
        return ""
    name = str(body.get("displayName") or "")
    return _TODAY.get(name, name)


def all_names(name: str) -> str:
    """The name with the older ones behind it, for searches."""
    return " ".join((name, *FORMER_NAMES.get(name, ())))
