"""The caller that a valid token speaks for: who, in which roles, for which tenants, signed in when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.security.permissions import Permission, permissions_of
from shared.settings import GUID


@dataclass(frozen=True, slots=True)
class Caller:
    """A person or an app; `tenants` is None where it may see all of them."""

    subject: str
    """The object id: stable, and no personal value, so it may stand in records."""
    name: str
    roles: frozenset[str]
    tenants: frozenset[str] | None
    auth_time: datetime | None
    app_only: bool

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the caller's roles allow."""
        return permissions_of(self.roles)

    def may(self, permission: Permission) -> bool:
        """Whether one of the caller's roles holds the permission."""
        return permission in self.permissions

    def sees(self, tenant_id: str) -> bool:
        """Whether the tenant is one of the caller's."""
        return self.tenants is None or tenant_id.lower() in self.tenants


def caller_of(claims: Mapping[str, Any]) -> Caller:
    """The caller that checked claims describe; a claim of the wrong shape gives nothing rather than everything."""
    roles = claims.get("roles")
    auth_time = claims.get("auth_time")
    return Caller(
        subject=str(claims.get("oid") or claims["sub"])[:128],
        name=str(claims.get("name") or claims.get("preferred_username") or claims.get("app_displayname") or "")[:256],
        roles=frozenset(role for role in roles if isinstance(role, str)) if isinstance(roles, list) else frozenset(),
        tenants=_tenants(claims),
        auth_time=_moment(auth_time),
        app_only=claims.get("idtyp") == "app",
    )


def _tenants(claims: Mapping[str, Any]) -> frozenset[str] | None:
    if "tenants" not in claims:
        return None
    listed = claims["tenants"]
    if not isinstance(listed, list):
        return frozenset()
    return frozenset(tenant.lower() for tenant in listed if isinstance(tenant, str) and GUID.fullmatch(tenant))


def _moment(seconds: Any) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 < seconds < 253_402_300_800:
        return None
    return datetime.fromtimestamp(seconds, UTC)
