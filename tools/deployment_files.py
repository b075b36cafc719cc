"""Writes what Bicep reads of the code: Graph permissions by consent, the interface's app roles, settings' defaults.

All are computed, from the catalog, the roles and the table of settings; a test holds the files fresh.
`python -m tools.deployment_files` makes them anew.
"""

import json
from pathlib import Path
from typing import Any, Final

from shared.catalog import wanted_permissions
from shared.catalog.options import OPTIONS
from shared.security.permissions import ENTRY, ROLES
from shared.settings import settings_table

INFRA: Final = Path(__file__).resolve().parent.parent / "infra"
CLOUDS: Final = ("global", "usGovL4", "usGovL5", "china")
CONSENTS: Final = ("basic", "restore")

LOCAL_ONLY: Final = frozenset({
    "CAIRN_TENANT_ID", "CAIRN_DATA", "CAIRN_CLIENT_CERTIFICATE_PATH", "CAIRN_RESTORE_CLIENT_CERTIFICATE_PATH",
})  # fmt: skip
"""Settings of a laptop; so are all secrets, since nothing in Azure has one."""

ROLE_MEANINGS: Final = {
    "Reader": "Sees restore points, objects without their attributes, differences, tasks and events.",
    "Operator": "Runs backups, differences and restores, and sees attributes.",
    "Administrator": "Does everything, settings and access included.",
    "Approver": "Approves what another person wants to restore.",
    ENTRY: "Nothing by itself: sees the tenants that assignments give it.",
}


def permissions() -> dict[str, Any]:
    """Permissions of Microsoft Graph by cloud and consent: what is always asked for, and what each option adds."""
    return {cloud: {consent: _of(consent, cloud) for consent in CONSENTS} for cloud in CLOUDS}


def app_roles() -> list[dict[str, str]]:
    """The roles that people and scripts are given on the interface."""
    return [{"value": role, "description": ROLE_MEANINGS[role]} for role in sorted({*ROLES, ENTRY})]


def settings() -> dict[str, str]:
    """Every setting of a deployment in Azure, with its default; main.bicep says the others."""
    return {row.name: row.default for row in settings_table() if not row.secret and row.name not in LOCAL_ONLY}


def files() -> dict[Path, str]:
    """The text of each file."""
    made = {
        INFRA / "permissions.json": permissions(),
        INFRA / "approles.json": app_roles(),
        INFRA / "settings.json": settings(),
    }
    return {path: json.dumps(content, indent=2) + "\n" for path, content in made.items()}


def _of(consent: Any, cloud: Any) -> dict[str, Any]:
    always = set(wanted_permissions(consent, {}, cloud))
    added = {option: set(wanted_permissions(consent, {option: True}, cloud)) - always for option in OPTIONS}
    return {"always": sorted(always), "options": {name: sorted(more) for name, more in added.items() if more}}


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
