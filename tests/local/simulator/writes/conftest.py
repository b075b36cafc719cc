"""A small tenant with one of everything that writes refer to, asked over HTTP as any client would."""

import uuid
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from local.simulator import Simulator

GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
USER_ADMINISTRATOR = "fe930be7-5e62-47db-91af-98c3a49a38b1"
SKU = "06ebc4ee-1bb5-47dd-8120-11324bc54e06"
PLANS = {
    "e95bec33-7c88-4a70-8e19-b10bd9d0c014": "SHAREPOINTWAC",
    "5dbe027f-2339-4123-9542-606e4d348a72": "SHAREPOINTENTERPRISE",
}
SETTING_TEMPLATE = "62375ab9-6b52-47ed-826b-58e47e0e304b"
GALLERY_TEMPLATE = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621"
STRENGTH = "00000000-0000-0000-0000-000000000002"
PASSWORD = "Correct-horse-7"


@dataclass
class Graph:
    """Sends requests and hands back status and body."""

    client: httpx.AsyncClient
    simulator: Simulator

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, Any]]:
        path = path if path.startswith("/beta") else f"/v1.0{path}"
        if "conditionalAccess" in path:
            self.simulator.tenant.clock.move(1.5)  # that service takes one request a second
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self.client.request(method, path, json=body, headers=named)
        return answer.status_code, answer.json() if answer.content else {}

    async def make(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        status, made = await self.send("POST", path, body)
        assert status == 201, made
        return made

    async def get(self, path: str) -> dict[str, Any]:
        status, found = await self.send("GET", path)
        assert status == 200, found
        return found

    async def change(self, path: str, body: dict[str, Any]) -> None:
        status, said = await self.send("PATCH", path, body)
        assert status in (200, 204), said

    async def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str, str]:
        before = self.simulator.store.seq
        status, said = await self.send(method, path, body)
        assert status >= 400, said
        assert self.simulator.store.seq == before, "a refused request changed something"
        return status, said["error"]["code"], said["error"]["message"]

    def reference(self, key: str) -> dict[str, str]:
        return {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{key}"}

    @property
    def domain(self) -> str:
        return next(
            str(each.read()["id"]) for each in self.simulator.store.all("domain") if each.read().get("isDefault")
        )

    def user_body(self, name: str, **more: Any) -> dict[str, Any]:
        return {
            "accountEnabled": True,
            "displayName": name,
            "mailNickname": name,
            "passwordProfile": {"password": PASSWORD},
            "userPrincipalName": f"{name}@{self.domain}",
            **more,
        }

    async def user(self, name: str = "", **more: Any) -> str:
        return str((await self.make("/users", self.user_body(name or f"u{uuid.uuid4().hex[:8]}", **more)))["id"])

    def group_body(self, name: str, **more: Any) -> dict[str, Any]:
        return {"displayName": name, "mailEnabled": False, "mailNickname": name, "securityEnabled": True, **more}

    async def group(self, name: str = "", **more: Any) -> str:
        return str((await self.make("/groups", self.group_body(name or f"g{uuid.uuid4().hex[:8]}", **more)))["id"])

    async def application(self, name: str = "app", **more: Any) -> dict[str, Any]:
        return await self.make("/applications", {"displayName": name, **more})

    async def principal(self, name: str = "app", **more: Any) -> dict[str, Any]:
        application = await self.application(name, **more)
        return await self.make("/servicePrincipals", {"appId": application["appId"]})


def furnish(simulator: Simulator) -> None:
    """Add what a real tenant has from the start and writes refer to, where the generator made none."""
    store = simulator.store
    recording, store.recording = store.recording, False
    for template, name in ((GLOBAL_ADMINISTRATOR, "Global Administrator"), (USER_ADMINISTRATOR, "User Administrator")):
        if store.get(store.key("unifiedRoleDefinition", template)) is None:
            store.create(
                "unifiedRoleDefinition",
                {
                    "id": template,
                    "templateId": template,
                    "displayName": name,
                    "isBuiltIn": True,
                    "isEnabled": True,
                    "rolePermissions": [],
                },
            )
        if store.get(store.key("directoryRoleTemplate", template)) is None:
            store.create("directoryRoleTemplate", {"id": template, "displayName": name, "description": name})
    for each in list(store.all("subscribedSku")):
        if each.read().get("skuId") == SKU:
            store.delete(each.key, soft=False)
    plans = [{"servicePlanId": plan, "servicePlanName": name} for plan, name in PLANS.items()]
    store.create(
        "subscribedSku",
        {
            "id": f"{store.tenant_id}_{SKU}",
            "skuId": SKU,
            "skuPartNumber": "ENTERPRISEPREMIUM",
            "consumedUnits": 0,
            "prepaidUnits": {"enabled": 2, "warning": 0, "suspended": 0, "lockedOut": 0},
            "servicePlans": plans,
        },
    )
    wanted: dict[str, dict[str, Any]] = {
        "groupSettingTemplate": {
            "id": SETTING_TEMPLATE,
            "displayName": "Group.Unified",
            "values": [{"name": "EnableGroupCreation", "type": "System.Boolean", "defaultValue": "true"}],
        },
        "applicationTemplate": {"id": GALLERY_TEMPLATE, "displayName": "Custom"},
        "authenticationStrengthPolicy": {
            "id": STRENGTH,
            "displayName": "Multifactor authentication",
            "policyType": "builtIn",
            "requirementsSatisfied": "mfa",
            "allowedCombinations": ["fido2"],
        },
        "authorizationPolicy": {
            "id": "authorizationPolicy",
            "defaultUserRolePermissions": {"allowedToCreateApps": True},
        },
        "identitySecurityDefaultsEnforcementPolicy": {
            "id": "00000000-0000-0000-0000-000000000005",
            "isEnabled": False,
        },
        "crossTenantAccessPolicy": {"id": "crossTenantAccessPolicy"},
        "crossTenantAccessPolicyConfigurationDefault": {"id": "default", "isServiceDefault": True},
    }
    for table, body in wanted.items():
        if store.get(store.key(table, body["id"])) is None and (
            table in ("groupSettingTemplate", "applicationTemplate", "authenticationStrengthPolicy")
            or next(iter(store.all(table)), None) is None
        ):
            store.create(table, body)
    store.recording = recording


@pytest.fixture
async def tenant(simulator: Simulator, graph: httpx.AsyncClient) -> Graph:
    furnish(simulator)
    return Graph(graph, simulator)
