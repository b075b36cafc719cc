"""/me: who the caller is, and what that allows."""

from typing import Any

from fastapi import APIRouter

from api.guard import GuardedRoute, permit
from api.services import CalledBy, Deployed
from shared.records.times import as_text

router = APIRouter(prefix="/me", tags=["me"], route_class=GuardedRoute)


@router.get("")
@permit("signedIn")
async def get_me(caller: CalledBy, deployed: Deployed) -> dict[str, Any]:
    """The caller, the roles and permissions it has here, and the tenants it sees (null: all)."""
    return {
        "subject": caller.subject,
        "name": caller.name,
        "roles": sorted(caller.roles),
        "permissions": sorted(caller.permissions),
        "tenants": None if caller.tenants is None else sorted(caller.tenants),
        "assignments": [
            {"tenantId": tenant_id, "roles": sorted(roles)}
            for tenant_id, roles in sorted(caller.assigned_roles.items())
        ],
        "authTime": as_text(caller.auth_time) if caller.auth_time else None,
        "appOnly": caller.app_only,
        "cloud": deployed.settings.cloud,
        "region": deployed.settings.region,
    }
