"""Values to which a policy can be reset (crossTenantAccessPolicyConfigurationDefault: resetToSystemDefault)."""

from __future__ import annotations

from typing import Any


def _targets(access: str, users: str, applications: str) -> dict[str, Any]:
    return {
        "usersAndGroups": {"accessType": access, "targets": [{"target": users, "targetType": "user"}]},
        "applications": {"accessType": access, "targets": [{"target": applications, "targetType": "application"}]},
    }


CROSS_TENANT_DEFAULT: dict[str, Any] = {
    "isServiceDefault": True,
    "inboundTrust": {
        "isMfaAccepted": False, "isCompliantDeviceAccepted": False, "isHybridAzureADJoinedDeviceAccepted": False,
    },
    "b2bCollaborationInbound": _targets("allowed", "AllUsers", "AllApplications"),
    "b2bCollaborationOutbound": _targets("allowed", "AllUsers", "AllApplications"),
    "b2bDirectConnectInbound": _targets("blocked", "AllUsers", "AllApplications"),
    "b2bDirectConnectOutbound": _targets("blocked", "AllUsers", "AllApplications"),
    "tenantRestrictions": {
        "devices": None, **_targets("blocked", "AllUsers", "AllApplications"),
    },
    "automaticUserConsentSettings": {"inboundAllowed": False, "outboundAllowed": False},
}  # fmt: skip
