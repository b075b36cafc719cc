"""The caller that a valid token speaks for: who, in which roles, where, signed in when.

What a caller may do in a tenant is what its token's roles allow there, and what the roles allow that are assigned to it
(or to a group of its token) in that tenant. A caller without either sees nothing of the tenant.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Self

from shared.security.permissions import Permission, permissions_of
from shared.settings import GUID


@dataclass(frozen=True, slots=True)
class Caller:
    """A person or an app; `tenants` are those in which it may do what is asked, None where that is all of them."""

    subject: str
    """The object id: stable, and no personal value, so it may stand in records."""
    name: str
    roles: frozenset[str]
    """The roles of the token."""
    tenants: frozenset[str] | None
    auth_time: datetime | None
    app_only: bool
    groups: frozenset[str] = frozenset()
    scope: frozenset[str] | None = None
    """The tenants in which the token's roles count; None for all."""
    held: frozenset[Permission] = frozenset()
    """What the token's roles allow, in its scope."""
    assigned_roles: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Tenant → roles assigned there."""
    assigned: Mapping[str, frozenset[Permission]] = field(default_factory=dict)
    """Tenant → what the roles assigned there allow."""
    at: str | None = None
    """The tenant that the request names."""

    @property
    def principals(self) -> frozenset[str]:
        """The ids that an assignment may name to mean this caller."""
        return frozenset({self.subject.lower(), *self.groups})

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the caller may do in the tenant that the request names; else what it may do anywhere."""
        if self.at is not None:
            return self.permissions_in(self.at)
        by_token = frozenset[Permission]() if self.scope == frozenset() else self.held
        return by_token.union(*self.assigned.values())

    def permissions_in(self, tenant_id: str) -> frozenset[Permission]:
        """What the caller may do in that tenant."""
        tenant_id = tenant_id.lower()
        by_token = self.held if self.scope is None or tenant_id in self.scope else frozenset[Permission]()
        return by_token | self.assigned.get(tenant_id, frozenset())

    def may(self, permission: Permission) -> bool:
        """Whether the caller may do that, in the tenant that the request names, or anywhere if it names none."""
        return permission in self.permissions

    def may_everywhere(self, permission: Permission) -> bool:
        """Whether the caller may do that in every tenant there is and will be."""
        return self.scope is None and permission in self.held

    def sees(self, tenant_id: str) -> bool:
        """Whether the tenant is one of those in which the caller may do what is asked."""
        return self.tenants is None or tenant_id.lower() in self.tenants

    def knows(self, tenant_id: str) -> bool:
        """Whether the caller may do anything at all in that tenant."""
        return bool(self.permissions_in(tenant_id))

    def where(self, permission: Permission | None) -> frozenset[str] | None:
        """The tenants in which the caller may do that (None: anything at all); None where that is every tenant."""
        by_token = permission in self.held if permission else bool(self.held)
        if by_token and self.scope is None:
            return None
        assigned = {
            tenant_id for tenant_id, permissions in self.assigned.items()
            if (permission in permissions if permission else permissions)
        }
        return frozenset(assigned | (self.scope or frozenset() if by_token else frozenset()))

    def asking(self, permission: Permission | None, *, at: str | None) -> Self:
        """The same caller, its `tenants` narrowed to those where it holds the permission that is asked for."""
        return replace(self, tenants=self.where(permission), at=at)


def caller_of(claims: Mapping[str, Any]) -> Caller:
    """The caller that checked claims describe; a claim of the wrong shape gives nothing rather than everything."""
    listed = claims.get("roles")
    roles = frozenset(role for role in listed if isinstance(role, str)) if isinstance(listed, list) else frozenset()
    tenants = _tenants(claims)
    return Caller(
        subject=str(claims.get("oid") or claims["sub"])[:128],
        name=str(claims.get("name") or claims.get("preferred_username") or claims.get("app_displayname") or "")[:256],
        roles=roles,
        tenants=tenants,
        auth_time=_moment(claims.get("auth_time")),
        app_only=claims.get("idtyp") == "app",
        groups=_guids(claims.get("groups")),
        scope=tenants,
        held=permissions_of(roles),
    )


def _tenants(claims: Mapping[str, Any]) -> frozenset[str] | None:
    return _guids(claims["tenants"]) if "tenants" in claims else None


def _guids(listed: Any) -> frozenset[str]:
    if not isinstance(listed, list):
        return frozenset()
    return frozenset(one.lower() for one in listed if isinstance(one, str) and GUID.fullmatch(one))


def _moment(seconds: Any) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 < seconds < 253_402_300_800:
        return None
    return datetime.fromtimestamp(seconds, UTC)
