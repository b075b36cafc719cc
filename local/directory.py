"""Which directory a local stack protects, and with which credentials: a simulated tenant's or a real
one's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from local.errors import LocalStackError
from local.simulated_tenant import SimulatedTenant
from shared.settings import LOOPBACK

CREDENTIALS = (
    "CAIRN_TENANT_ID",
    "CAIRN_CLIENT_ID",
    "CAIRN_CLIENT_SECRET",
    "CAIRN_CLIENT_CERTIFICATE_PATH",
    "CAIRN_RESTORE_CLIENT_ID",
    "CAIRN_RESTORE_CLIENT_SECRET",
    "CAIRN_RESTORE_CLIENT_CERTIFICATE_PATH",
)


@dataclass(frozen=True, slots=True)
class Directory:
    """A tenant that the stack registers by itself; `settings` are the app settings that reach it."""

    tenant_id: str
    display_name: str
    settings: Mapping[str, str]
    warning: str = ""


def simulated(tenant: SimulatedTenant) -> Directory:
    """The simulator's tenant, with its administrator's app for reading and for restoring."""
    return Directory(
        tenant_id=tenant.tenant_id,
        display_name="Simulated tenant",
        settings={
            "CAIRN_GRAPH_URL": tenant.url,
            "CAIRN_LOGIN_URL": tenant.url,
            "CAIRN_TENANT_ID": tenant.tenant_id,
            "CAIRN_CLIENT_ID": tenant.client_id,
            "CAIRN_CLIENT_SECRET": tenant.client_secret,
            "CAIRN_RESTORE_CLIENT_ID": tenant.client_id,
            "CAIRN_RESTORE_CLIENT_SECRET": tenant.client_secret,
        },
    )


def names_a_tenant(environment: Mapping[str, str]) -> bool:
    """Whether any credential of a tenant is set there."""
    return any(environment.get(name, "").strip() for name in CREDENTIALS)


def from_environment(environment: Mapping[str, str], graph_url: str = "") -> Directory:
    """The tenant whose credentials the environment holds; raises naming what is missing, never what is
    there.
    """
    found = {name: environment.get(name, "").strip() for name in CREDENTIALS}
    missing = [name for name in ("CAIRN_TENANT_ID", "CAIRN_CLIENT_ID") if not found[name]]
    if not found["CAIRN_CLIENT_SECRET"] and not found["CAIRN_CLIENT_CERTIFICATE_PATH"]:
        missing.append("CAIRN_CLIENT_SECRET or CAIRN_CLIENT_CERTIFICATE_PATH")
    if missing:
        raise LocalStackError(f"a tenant's credentials are incomplete: {', '.join(missing)} is not set")
    warning = ""
    if not found["CAIRN_RESTORE_CLIENT_ID"]:
        warning = (
            "no CAIRN_RESTORE_CLIENT_ID: restores use CAIRN_CLIENT_ID, which then must be allowed to write"
        )
        found["CAIRN_RESTORE_CLIENT_ID"] = found["CAIRN_CLIENT_ID"]
        found["CAIRN_RESTORE_CLIENT_SECRET"] = found["CAIRN_CLIENT_SECRET"]
        found["CAIRN_RESTORE_CLIENT_CERTIFICATE_PATH"] = found["CAIRN_CLIENT_CERTIFICATE_PATH"]
    graph = graph_url or environment.get("CAIRN_GRAPH_URL", "")
    login = environment.get("CAIRN_LOGIN_URL", "")
    if not login and urlsplit(graph).hostname in LOOPBACK:
        login = graph  # a simulator signs in at its own address
    settings = {**found, "CAIRN_GRAPH_URL": graph, "CAIRN_LOGIN_URL": login}
    return Directory(
        tenant_id=found["CAIRN_TENANT_ID"].lower(),
        display_name=f"Tenant {found['CAIRN_TENANT_ID'].lower()}",
        settings={name: value for name, value in settings.items() if value},
        warning=warning,
    )
