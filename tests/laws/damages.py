"""Random damage done to a tenant through Graph itself, so that only what Graph allows ever happens."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from local.simulator import Simulator

type Body = dict[str, Any]


@dataclass
class Tenant:
    """A tenant as an administrator with every permission sees it, and the chance that drives them."""

    graph: httpx.AsyncClient
    simulator: Simulator
    chance: random.Random

    async def get(self, path: str) -> list[Body]:
        """All that a list shows; damage looks at small tenants only."""
        answer = await self.graph.get(path)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["value"])

    async def sent(self, method: str, path: str, body: Body | None = None) -> bool:
        """Whether Graph took it. What it refuses is no damage, and is passed over."""
        answer = await self.graph.request(method, path, json=body)
        assert answer.status_code < 500, answer.text
        return answer.status_code < 300

    async def one_of(self, path: str, wanted: Callable[[Body], bool] = lambda _: True) -> Body | None:
        """Some object of a list for which this holds."""
        # The app that works here must be left its identity.
        shown = [one for one in await self.get(path) if one.get("appId") != self.simulator.client_id]
        some = sorted((one for one in shown if wanted(one)), key=lambda one: str(one["id"]))
        return self.chance.choice(some) if some else None

    def word(self) -> str:
        """Something that nothing is called yet."""
        return f"w{self.chance.getrandbits(40):010x}"

    def ref(self, object_id: str) -> Body:
        """The body of a `$ref` request."""
        return {"@odata.id": f"{self.simulator.url}/v1.0/directoryObjects/{object_id}"}


@asynccontextmanager
async def administrator(simulator: Simulator, chance: random.Random) -> AsyncIterator[Tenant]:
    """The tenant under its administrator's hands."""
    async with httpx.AsyncClient(base_url=simulator.url, timeout=30, trust_env=False) as graph:
        granted = await graph.post(f"/{simulator.tenant_id}/oauth2/v2.0/token", data={
            "grant_type": "client_credentials", "client_id": simulator.client_id,
            "client_secret": simulator.client_secret, "scope": f"{simulator.url}/.default",
        })
        graph.headers["Authorization"] = f"Bearer {granted.json()['access_token']}"
        yield Tenant(graph, simulator, chance)


def _cloud(one: Body) -> bool:
    return not one.get("onPremisesSyncEnabled") and "@odata.type" not in one


async def some_user(tenant: Tenant) -> Body | None:
    """A user who holds no role: who restores needs no role of their own to write them."""
    roles = await tenant.get("/v1.0/roleManagement/directory/roleAssignments")
    holders = {one["principalId"] for one in roles}
    for kind in ("Eligibility", "Assignment"):
        schedules = await tenant.get(f"/v1.0/roleManagement/directory/role{kind}Schedules")
        holders |= {one["principalId"] for one in schedules}
    return await tenant.one_of(
        "/v1.0/users?$select=id,displayName,onPremisesSyncEnabled,userPrincipalName,userType,assignedLicenses",
        lambda one: _cloud(one) and one["id"] not in holders and one["userType"] == "Member",
    )


async def _some_group(tenant: Tenant) -> Body | None:
    return await tenant.one_of(
        "/v1.0/groups?$top=999",
        lambda one: _cloud(one) and not one["groupTypes"] and not one["mailEnabled"]
        and not one.get("isAssignableToRole"),
    )


async def change_a_user(tenant: Tenant) -> bool:
    user = await some_user(tenant)
    name = tenant.chance.choice(["department", "jobTitle", "city", "displayName", "officeLocation"])
    return user is not None and await tenant.sent("PATCH", f"/v1.0/users/{user['id']}", {name: tenant.word()})


async def disable_a_user(tenant: Tenant) -> bool:
    user = await some_user(tenant)
    return user is not None and await tenant.sent("PATCH", f"/v1.0/users/{user['id']}", {"accountEnabled": False})


def delete(path: str, some: Callable[[Tenant], Awaitable[Body | None]], *, hard: bool) -> "Damage":
    """Delete one of these, and with `hard` out of the recycle bin as well."""

    async def damage(tenant: Tenant) -> bool:
        one = await some(tenant)
        if one is None or not await tenant.sent("DELETE", f"{path}/{one['id']}"):
            return False
        if hard:
            base = "/v1.0/identity/conditionalAccess/deletedItems" if "conditionalAccess" in path else ""
            kind = path.rpartition("/")[2]
            purge = f"{base}/{kind}/{one['id']}" if base else f"/v1.0/directory/deletedItems/{one['id']}"
            await tenant.sent("DELETE", purge)
        return True

    return damage


def some(path: str, wanted: Callable[[Body], bool] = lambda _: True) -> Callable[[Tenant], Awaitable[Body | None]]:
    """One of a list."""

    async def find(tenant: Tenant) -> Body | None:
        return await tenant.one_of(path, wanted)

    return find


def patch(path: str, find: Callable[[Tenant], Awaitable[Body | None]], body: Callable[[Tenant, Body], Body]) -> "Damage":
    """Change one of these."""

    async def damage(tenant: Tenant) -> bool:
        one = await find(tenant)
        return one is not None and await tenant.sent("PATCH", f"{path}/{one['id']}", body(tenant, one))

    return damage


async def set_a_manager(tenant: Tenant) -> bool:
    user, other = await some_user(tenant), await some_user(tenant)
    if user is None or other is None or user["id"] == other["id"]:
        return False
    if tenant.chance.random() < 0.5:
        return await tenant.sent("DELETE", f"/v1.0/users/{user['id']}/manager/$ref")
    return await tenant.sent("PUT", f"/v1.0/users/{user['id']}/manager/$ref", tenant.ref(other["id"]))


def join_or_leave(link: str) -> "Damage":
    """Add a user to a group's members or owners, or take one out."""

    async def damage(tenant: Tenant) -> bool:
        group = await _some_group(tenant)
        if group is None:
            return False
        base = f"/v1.0/groups/{group['id']}/{link}"
        there = sorted(one["id"] for one in await tenant.get(base))
        if there and tenant.chance.random() < 0.6:
            return await tenant.sent("DELETE", f"{base}/{tenant.chance.choice(there)}/$ref")
        user = await some_user(tenant)
        return user is not None and await tenant.sent("POST", f"{base}/$ref", tenant.ref(user["id"]))

    return damage


async def nest_a_group(tenant: Tenant) -> bool:
    outer, inner = await _some_group(tenant), await _some_group(tenant)
    if outer is None or inner is None or outer["id"] == inner["id"]:
        return False
    return await tenant.sent("POST", f"/v1.0/groups/{outer['id']}/members/$ref", tenant.ref(inner["id"]))


async def make_a_user(tenant: Tenant) -> bool:
    name = tenant.word()
    return await tenant.sent("POST", "/v1.0/users", {
        "displayName": name, "mailNickname": name, "accountEnabled": True,
        "userPrincipalName": f"{name}@{_domain(tenant)}", "passwordProfile": {"password": f"{uuid.uuid4()}Aa!"},
    })


async def make_a_group(tenant: Tenant) -> bool:
    name = tenant.word()
    return await tenant.sent("POST", "/v1.0/groups", {
        "displayName": name, "mailNickname": name, "mailEnabled": False, "securityEnabled": True,
    })


async def make_an_application(tenant: Tenant) -> bool:
    return await tenant.sent("POST", "/v1.0/applications", {"displayName": tenant.word()})


async def take_a_licence(tenant: Tenant) -> bool:
    user = await some_user(tenant)
    if user is None or not user["assignedLicenses"]:
        return False
    sku = tenant.chance.choice(sorted(one["skuId"] for one in user["assignedLicenses"]))
    body = {"addLicenses": [], "removeLicenses": [sku]}
    return await tenant.sent("POST", f"/v1.0/users/{user['id']}/assignLicense", body)


async def strip_a_role(tenant: Tenant) -> bool:
    """Take a role from somebody who holds it alone for all of the tenant, and is not the last of its kind."""
    one = await tenant.one_of(
        "/v1.0/roleManagement/directory/roleAssignments",
        lambda each: each["directoryScopeId"] == "/"
        and each["roleDefinitionId"] != "62e90394-69f5-4237-9190-012177145e10",
    )
    return one is not None and await tenant.sent(
        "DELETE", f"/v1.0/roleManagement/directory/roleAssignments/{one['id']}"
    )


async def widen_a_method(tenant: Tenant) -> bool:
    base = "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations"
    kind = tenant.chance.choice(["Fido2", "Email", "Sms"])
    shown = (await tenant.graph.get(f"{base}/{kind}")).json()
    state = "disabled" if shown.get("state") == "enabled" else "enabled"
    return await tenant.sent("PATCH", f"{base}/{kind}", {"@odata.type": shown["@odata.type"], "state": state})


async def loosen_the_tenant(tenant: Tenant) -> bool:
    choice = tenant.chance.choice(["everyone", "adminsAndGuestInviters", "none"])
    return await tenant.sent("PATCH", "/v1.0/policies/authorizationPolicy", {"allowInvitesFrom": choice})


def _domain(tenant: Tenant) -> str:
    names = [one.read() for one in tenant.simulator.store.all("domain")]
    return str(next(one["id"] for one in names if one.get("isDefault")))


def own(one: Body) -> bool:
    """Whether it is a plain application's, and no agent's or Azure's."""
    return "@odata.type" not in one and one.get("servicePrincipalType", "Application") == "Application"


APPS = "/v1.0/applications"
PRINCIPALS = "/v1.0/servicePrincipals"
POLICIES = "/v1.0/identity/conditionalAccess/policies"
LOCATIONS = "/v1.0/identity/conditionalAccess/namedLocations"
UNITS = "/v1.0/directory/administrativeUnits"
GRANTS = "/v1.0/oauth2PermissionGrants"

type Damage = Callable[[Tenant], Awaitable[bool]]

DAMAGES: dict[str, Damage] = {
    "change a user": change_a_user,
    "disable a user": disable_a_user,
    "delete a user": delete("/v1.0/users", some_user, hard=False),
    "delete a user for good": delete("/v1.0/users", some_user, hard=True),
    "change a group": patch("/v1.0/groups", _some_group, lambda tenant, _: {"description": tenant.word()}),
    "delete a group": delete("/v1.0/groups", _some_group, hard=False),
    "delete a group for good": delete("/v1.0/groups", _some_group, hard=True),
    "change members": join_or_leave("members"),
    "change owners": join_or_leave("owners"),
    "nest a group": nest_a_group,
    "set a manager": set_a_manager,
    "take a licence": take_a_licence,
    "change an application": patch(APPS, some(APPS, own), lambda tenant, _: {"notes": tenant.word()}),
    "delete an application": delete(APPS, some(APPS, own), hard=False),
    "delete an application for good": delete(APPS, some(APPS, own), hard=True),
    "change a service principal": patch(PRINCIPALS, some(PRINCIPALS, own), lambda tenant, _: {"notes": tenant.word()}),
    "change a policy": patch(POLICIES, some(POLICIES), lambda *_: {"state": "disabled"}),
    "delete a policy": delete(POLICIES, some(POLICIES), hard=False),
    "delete a policy for good": delete(POLICIES, some(POLICIES), hard=True),
    "rename a location": patch(
        LOCATIONS, some(LOCATIONS),
        lambda tenant, one: {"@odata.type": one["@odata.type"], "displayName": tenant.word()},
    ),
    "change a unit": patch(UNITS, some(UNITS), lambda tenant, _: {"description": tenant.word()}),
    "delete a unit for good": delete(UNITS, some(UNITS), hard=True),
    "take a consent": delete(GRANTS, some(GRANTS), hard=False),
    "strip a role": strip_a_role,
    "widen a sign-in method": widen_a_method,
    "loosen the tenant": loosen_the_tenant,
    "make a user": make_a_user,
    "make a group": make_a_group,
    "make an application": make_an_application,
}


async def damage(tenant: Tenant, times: int, *, among: Mapping[str, Damage] = DAMAGES) -> list[str]:
    """Do so many random kinds of damage and say which."""
    done: list[str] = []
    while len(done) < times:
        name = tenant.chance.choice(sorted(among))
        if await among[name](tenant):
            done.append(name)
        await asyncio.sleep(0)
    return done
