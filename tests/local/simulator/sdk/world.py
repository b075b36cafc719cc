"""Microsoft's client for each version and caller, its builders by path, its models by name, and a tenant's anchors."""

import importlib
import re
import time
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import httpx
from azure.core.credentials import AccessToken
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph_core import GraphClientFactory

from local.simulator import Simulator
from local.simulator.store import Body, Store

PACKAGES = {"v1.0": "msgraph", "beta": "msgraph_beta"}
GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
GRAPH = "00000003-0000-0000-c000-000000000000"
USER_ADMINISTRATOR = "fe930be7-5e62-47db-91af-98c3a49a38b1"
SCOPES = (
    "Directory.AccessAsUser.All Directory.ReadWrite.All Agreement.ReadWrite.All Agreement.Read.All "
    "OnPremDirectorySynchronization.ReadWrite.All EntraBackup.ReadWrite.Recovery EntraBackup.ReadWrite.Preview "
    "EntraBackup.Read.All Application.ReadWrite.All Group.ReadWrite.All Policy.ReadWrite.HybridAuthentication"
)


class Held:
    """A token that was had already, as a credential of azure-identity."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken(self._token, int(time.time()) + 3600)

    async def close(self) -> None:
        """Nothing is open."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_raised: object) -> None:
        await self.close()


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def model(version: str, type_name: str) -> Any:
    """The generated class of a type, enumerations included."""
    if version == "beta":
        type_name = type_name.replace("groupSetting", "directorySetting")
    *spaces, name = type_name.split(".")
    path = ".".join(snake(part) for part in (*spaces, name))
    return getattr(importlib.import_module(f"{PACKAGES[version]}.generated.models.{path}"), name[:1].upper() + name[1:])


def by_id(builder: Any, object_id: str) -> Any:
    """The builder of one object of a collection."""
    method = next(each for each in dir(builder) if each.startswith("by_"))
    return getattr(builder, method)(object_id)


class Ids(dict[str, str]):
    """Ids by name: those that were set, else picked from the tenant when first asked for."""

    def __init__(self, world: "World") -> None:
        super().__init__()
        self._world = world

    def __missing__(self, name: str) -> str:
        self[name] = found = PICKED[name](self._world)
        return found


@dataclass(slots=True)
class World:
    """One tenant with Microsoft's clients on it: `app` for each version, `user` for a signed-in administrator."""

    simulator: Simulator
    app: dict[str, Any] = field(default_factory=dict)
    user: dict[str, Any] = field(default_factory=dict)
    ids: Ids = field(init=False)
    version: str = "v1.0"

    def __post_init__(self) -> None:
        self.ids = Ids(self)

    @property
    def store(self) -> Store:
        return self.simulator.store

    def m(self, type_name: str) -> Any:
        """A model of the version in hand."""
        return model(self.version, type_name)

    def enum(self, type_name: str, value: str) -> Any:
        """A member of an enumeration by its value on the wire."""
        return self.m(type_name)(value)

    def pick(self, table: str, wanted: Callable[[Body], object] = lambda _body: True) -> str:
        """The id of the first object of a table that fits."""
        return str(next(body["id"] for body in (each.read() for each in self.store.all(table)) if wanted(body)))

    def contained(self, table: str, link: str, wanted: Callable[[Body], object] = lambda _body: True) -> tuple[str, str]:
        """The id of an object that contains one of a table, and that one's id."""
        held = self.store.link_set(link)
        return next(
            (self.store.records[source].read()["id"], body["id"])
            for body, key in ((each.read(), each.key) for each in self.store.all(table)) if wanted(body)
            for source in held.sources(key)
        )  # fmt: skip

    def method(self, kind: str) -> tuple[str, str]:
        """A user and the id of an authentication method of a kind that the user has."""
        return self.contained(
            "authenticationMethod", "authentication/methods",
            lambda body: body["@odata.type"] == f"#microsoft.graph.{kind}AuthenticationMethod",
        )  # fmt: skip

    def at(self, path: str, *, version: str = "v1.0", as_user: bool = False) -> Any:
        """The builder of a path, by the SDK's own attributes; `{name}` stands for an id of `ids`."""
        builder = (self.user if as_user else self.app)[version]
        for segment in path.split("/"):
            if segment.startswith("{"):
                builder = by_id(builder, self.ids[segment[1:-1]])
            elif segment == "applicationProxy":
                builder = by_id(builder, segment)
            else:
                names = {each.replace("_", ""): each for each in dir(builder) if not each.startswith("_")}
                builder = getattr(builder, names[snake(segment.removeprefix("$")).replace("_", "")])
        return builder


def _active(world: World) -> set[str]:
    return {each.read()["roleTemplateId"] for each in world.store.all("directoryRole")}


def _graph(world: World) -> Body:
    return world.store.find("servicePrincipal", "appId", GRAPH)[0].read()


PICKED: dict[str, Callable[[World], str]] = {
    "domain": lambda w: w.pick("domain", lambda body: body.get("isDefault")),
    "organization": lambda w: w.store.tenant_id,
    "graph": lambda w: str(_graph(w)["id"]),
    "appRole": lambda w: next(each["id"] for each in _graph(w)["appRoles"] if each["value"] == "User.Read.All"),
    "scope": lambda w: next(each["id"] for each in _graph(w)["oauth2PermissionScopes"] if each["value"] == "Group.Read.All"),
    "sleepingRole": lambda w: w.pick("directoryRoleTemplate", lambda body: body["id"] not in _active(w)),
    "activeRole": lambda w: w.pick("directoryRole", lambda body: body["roleTemplateId"] == USER_ADMINISTRATOR),
    "boss": lambda w: w.pick("user", lambda body: body.get("userType") == "Member"),
    "device": lambda w: w.pick("device", lambda body: not any(
        list(w.store.link_set(name).targets(body["id"])) for name in ("registeredOwners", "registeredUsers"))),
    "connectors": lambda w: w.pick("connectorGroup", lambda body: not body.get("isDefault")),
    "connector": lambda w: next(each.read()["id"] for each in w.store.all("connector") if not w.store.link_set(
        "members").has(w.store.key("connectorGroup", w.ids["connectors"]), each.key)),
    "rollout": lambda w: w.pick("featureRolloutPolicy"),
    "strength": lambda w: w.pick("authenticationStrengthPolicy", lambda body: body["policyType"] == "custom"
                                 and "fido2" in body["allowedCombinations"]),
    "rolePolicy": lambda w: w.contained("unifiedRoleManagementPolicyRule", "rules",
                                        lambda body: body["id"] == "Expiration_EndUser_Assignment")[0],
    "expirationRule": lambda _w: "Expiration_EndUser_Assignment",
    "fido2Configuration": lambda _w: "Fido2",
    "partner": lambda w: str(next(
        body["tenantId"] for each in w.store.all("crossTenantAccessPolicyConfigurationPartner")
        if (body := each.read()) and not list(w.store.link_set("identitySynchronization").targets(each.key)))),
    "grantPolicy": lambda w: w.pick("permissionGrantPolicy", lambda body: not body["id"].startswith("microsoft-")),
    "externalConfiguration": lambda w: str(next(
        body["configurationId"] for each in w.store.all("authenticationMethod")
        if (body := each.read())["@odata.type"].endswith("externalAuthenticationMethod"))),
    "fido2": lambda w: w.method("fido2")[0], "fido2Method": lambda w: w.method("fido2")[1],
    "authenticator": lambda w: w.method("microsoftAuthenticator")[0],
    "authenticatorMethod": lambda w: w.method("microsoftAuthenticator")[1],
    "hello": lambda w: w.method("windowsHelloForBusiness")[0],
    "helloMethod": lambda w: w.method("windowsHelloForBusiness")[1],
    "platform": lambda w: w.method("platformCredential")[0],
    "platformMethod": lambda w: w.method("platformCredential")[1],
    "oath": lambda w: w.method("softwareOath")[0], "oathMethod": lambda w: w.method("softwareOath")[1],
    "attributeSet": lambda w: w.pick("attributeSet"),
    "definition": lambda w: w.pick("customSecurityAttributeDefinition", lambda body: body["usePreDefinedValuesOnly"]),
    "provisioned": lambda w: w.contained("synchronizationTemplate", "synchronization/templates",
                                         lambda body: body["id"] == "salesforceProvisioning")[0],
    "synced": lambda w: w.contained("onPremisesSyncBehavior", "onPremisesSyncBehavior")[0],
    "desktop": lambda w: w.contained("remoteDesktopSecurityConfiguration", "remoteDesktopSecurityConfiguration")[0],
    "infrastructure": lambda w: w.pick("certificateBasedAuthPki"),
}  # fmt: skip


@asynccontextmanager
async def opened(simulator: Simulator, credential: Any) -> AsyncIterator[World]:
    """The world of a tenant."""
    simulator.tenant.throttle.set(1e6, {})
    world = World(simulator)
    store = simulator.store
    principal = store.find("servicePrincipal", "appId", simulator.client_id)[0]
    graph = store.find("servicePrincipal", "appId", GRAPH)[0]
    store.create("oAuth2PermissionGrant", {
        "id": "cairn-tests-delegated-scopes", "clientId": principal.key, "resourceId": graph.key,
        "consentType": "AllPrincipals", "principalId": None, "scope": SCOPES})  # fmt: skip
    administrator = next(
        each for assignment in store.all("unifiedRoleAssignment")
        if (body := assignment.read())["roleDefinitionId"] == GLOBAL_ADMINISTRATOR
        and (each := store.get(body["principalId"])) is not None and each.table == "user"
    )  # fmt: skip
    token = simulator.app.issuer.user_token(administrator, principal, "https://graph.microsoft.com", None)
    async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_keepalive_connections=0)) as http:
        for version, package in PACKAGES.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                sdk = importlib.import_module(package)
            for clients, held in ((world.app, credential), (world.user, Held(token))):
                provider = AzureIdentityAuthenticationProvider(
                    held, scopes=["https://graph.microsoft.com/.default"], allowed_hosts=["127.0.0.1"]
                )
                adapter = sdk.GraphRequestAdapter(
                    provider, GraphClientFactory.create_with_default_middleware(client=http)
                )
                adapter.base_url = f"{simulator.url}/{version}"
                clients[version] = sdk.GraphServiceClient(request_adapter=adapter)
        yield world
