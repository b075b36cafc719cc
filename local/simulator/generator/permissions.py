"""Microsoft Graph's app roles and delegated scopes: those that open any path of the simulator, and popular others.

`facts/graph_permissions.tsv` holds name, app role id, delegated scope id, who consents and display name (Microsoft
Graph permissions reference). A permission that `access/permissions.py` asks for and the file lacks gets an id of its
own, so that nothing the simulator wants can be missing.
"""

from __future__ import annotations

import uuid
from functools import cache
from importlib.resources import files
from typing import Any

from local.simulator.access.permissions import PROPERTIES, RULES


def _asked_for() -> set[str]:
    names = {name for rule in RULES for each in (*rule.read, *rule.write) for name in each}
    return names | {name for text in PROPERTIES.values() for name in text.replace("+", " ").split()}


@cache
def _rows() -> dict[str, tuple[str, str, str, str]]:
    text = files("local.simulator.generator.facts").joinpath("graph_permissions.tsv").read_text(encoding="utf-8")
    rows: dict[str, tuple[str, str, str, str]] = {}
    for line in text.splitlines():
        name, role, scope, consent, display = line.split("\t")
        rows[name] = (role, scope, consent, display)
    for name in _asked_for():
        role, scope, consent, display = rows.get(name, ("-", "-", "admin", name))
        if role == "-" and name != "Directory.AccessAsUser.All":
            rows[name] = (str(uuid.uuid5(uuid.NAMESPACE_URL, f"role/{name}")), scope, consent, display)
    return rows


@cache
def app_roles() -> tuple[dict[str, Any], ...]:
    """The app roles of Microsoft Graph."""
    return tuple(
        {"id": role, "value": name, "displayName": display, "description": f"Allows the app: {display}.",
         "isEnabled": True, "allowedMemberTypes": ["Application"], "origin": "Application"}
        for name, (role, _, _, display) in sorted(_rows().items()) if role != "-"
    )  # fmt: skip


@cache
def scopes() -> tuple[dict[str, Any], ...]:
    """The delegated scopes of Microsoft Graph."""
    return tuple(
        {"id": scope, "value": name, "type": "User" if consent == "user" else "Admin", "isEnabled": True,
         "adminConsentDisplayName": display, "adminConsentDescription": f"Allows the app: {display}.",
         "userConsentDisplayName": display, "userConsentDescription": f"Allows the app: {display}."}
        for name, (_, scope, consent, display) in sorted(_rows().items()) if scope != "-"
    )  # fmt: skip


@cache
def role_ids() -> dict[str, str]:
    """App role ids by name."""
    return {each["value"]: each["id"] for each in app_roles()}


@cache
def scope_ids() -> dict[str, str]:
    """Delegated scope ids by name."""
    return {each["value"]: each["id"] for each in scopes()}
