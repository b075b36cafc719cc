"""Consents: what each of Cairn's app identities wants of a tenant, what it holds there, and what is missing.

`basic` reads and `restore` changes; the two Exchange consents keep their place and are not built yet. What is wanted
follows from the catalog and the tenant's options. What is held is read from a fresh token, whose `roles` are the
permissions with admin consent; directory roles and the credential's end are read where the app may, else unknown is
said. No check changes anything in the tenant.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, TypedDict, cast

from shared.backup.sessions import reading_credential, restoring_credential, sessions
from shared.catalog import OBJECT_TYPES
from shared.catalog.options import DEFAULTS
from shared.catalog.permissions import RESTORE_ROLES, ConsentKind, missing, wanted
from shared.entra.clouds import endpoints
from shared.entra.credentials import ClientCertificate, ClientSecret, Credential, FederatedIdentity
from shared.entra.directory import held_permissions
from shared.entra.listing import with_query
from shared.entra.transport import Graph
from shared.errors import CairnError, EntraError, SignInFailed
from shared.records.table import Row, Table, walk
from shared.records.times import Clock, as_text, utc_now
from shared.settings import Settings

Kind = Literal["basic", "restore", "exchangeBackup", "exchangeRestore"]
Status = Literal["granted", "incomplete", "notGranted", "notChecked", "unknown", "notYetSupported"]
KINDS: tuple[ConsentKind, ...] = ("basic", "restore")
NOT_BUILT: tuple[Kind, ...] = ("exchangeBackup", "exchangeRestore")
ALL_ROLES = "Global Administrator"
APART = frozenset({"Attribute Assignment Administrator"})
"""Roles whose permissions even a Global Administrator lacks ("Custom security attributes")."""

OUT_OF_THE_TENANT = frozenset({"AADSTS700016", "AADSTS7000112", "AADSTS90002"})
"""The token endpoint's codes for an app that was deleted or never consented to, that is disabled, and for a tenant that
is gone ("Microsoft Entra authentication and authorization error codes")."""


class WantedPermission(TypedDict):
    """A permission and what it is for: object types of the catalog."""

    permission: str
    objectTypes: list[str]


class DirectoryRole(TypedDict):
    """A directory role that the app needs besides permissions; `held` is null where it could not be read."""

    role: str
    why: str
    held: bool | None


class CredentialState(TypedDict):
    """How the app proves itself, and when that ends; `expires` is null where it never does or is unknown."""

    kind: Literal["federated", "certificate", "secret", "none"]
    expires: str | None
    detail: str


class Consent(TypedDict):
    """One consent of a tenant as it was at the last check."""

    kind: Kind
    status: Status
    clientId: str
    wanted: list[WantedPermission]
    held: list[str]
    missing: list[str]
    roles: list[DirectoryRole]
    credential: CredentialState
    adminConsentUrl: str
    checkedAt: str | None
    code: str
    detail: str
    remedy: str


class ConsentMissing(CairnError):
    """The app identity lacks permissions that are needed; `permissions` are exactly those to be granted."""

    def __init__(self, kind: ConsentKind, permissions: tuple[str, ...], consent_url: str) -> None:
        super().__init__(
            f"The consent {kind} lacks {', '.join(permissions)}.",
            remedy="Add these application permissions of Microsoft Graph to the app registration, and have an "
            f"administrator of the tenant consent at {consent_url}",
        )
        self.kind = kind
        self.permissions = permissions
        self.consent_url = consent_url


class Consents:
    """The last check of every consent of every tenant."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def read(self, tenant_id: str) -> dict[str, Consent]:
        """The consents that were ever checked, by kind."""
        rows = [row async for row in walk(self._table, _of_tenant(tenant_id))]
        return {row.key: cast(Consent, row.body) for row in rows if row.key in KINDS}

    async def keep(self, tenant_id: str, consent: Consent) -> None:
        """Keep it as the last check of its kind."""
        await self._table.upsert(Row(_of_tenant(tenant_id), consent["kind"], cast(Mapping[str, Any], consent)))

    async def secure_score(self, tenant_id: str) -> Mapping[str, Any] | None:
        """The tenant's Secure Score as last read, or None."""
        row = await self._table.get(_of_tenant(tenant_id), "secureScore")
        return None if row is None else row.body

    async def keep_secure_score(self, tenant_id: str, score: Mapping[str, Any]) -> None:
        """Keep the Secure Score as it was read."""
        await self._table.upsert(Row(_of_tenant(tenant_id), "secureScore", score))

    async def forget(self, tenant_id: str) -> None:
        """A tenant that is no longer registered has none; safe to repeat."""
        async for row in walk(self._table, _of_tenant(tenant_id)):
            await self._table.delete(row.partition, row.key)


def unchecked(kind: Kind, settings: Settings, tenant_id: str, options: Mapping[str, bool]) -> Consent:
    """The consent as far as it is known without asking the tenant."""
    built = kind in KINDS
    permissions = wanted_permissions(cast(ConsentKind, kind), options) if built else {}
    client_id = client_of(cast(ConsentKind, kind), settings) if built else ""
    return Consent(
        kind=kind, status="notChecked" if built else "notYetSupported", clientId=client_id,
        wanted=[WantedPermission(permission=name, objectTypes=list(types)) for name, types in permissions.items()],
        held=[], missing=[],
        roles=[DirectoryRole(role=role, why=why, held=None) for role, why in roles_needed(kind).items()],
        credential=CredentialState(kind="none", expires=None, detail=""),
        adminConsentUrl=admin_consent_url(settings, tenant_id, client_id) if client_id else "", checkedAt=None,
        code="", detail="" if built else "Exchange is not built yet.", remedy="",
    )  # fmt: skip


async def check_consent(
    kind: ConsentKind, settings: Settings, tenant_id: str, options: Mapping[str, bool], *, clock: Clock = utc_now
) -> Consent:
    """What the consent is at this moment. Read-only; raises Throttled, Unavailable and SettingsError only."""
    consent = unchecked(kind, settings, tenant_id, options)
    consent["checkedAt"] = as_text(clock())
    credential = _credential_of(kind, settings)
    try:
        async with _session(kind, settings, tenant_id) as graph:
            held = await held_permissions(graph, fresh=True)
            consent["held"] = sorted(held)
            principal = await _own_principal(graph, credential.client_id)
            consent["roles"] = await _roles(graph, kind, principal)
            consent["credential"] = await _credential_state(graph, credential)
    except SignInFailed as error:
        consent["status"] = "notGranted" if error.code in OUT_OF_THE_TENANT else "unknown"
        consent["missing"] = [one["permission"] for one in consent["wanted"]]
        consent["credential"] = CredentialState(kind=_sort(credential), expires=None, detail="It was not accepted.")
        return _explained(consent, error.code, error)
    consent["missing"] = list(missing((one["permission"] for one in consent["wanted"]), held))
    if consent["missing"]:
        consent["status"] = "incomplete" if held else "notGranted"
        lack = ConsentMissing(kind, tuple(consent["missing"]), consent["adminConsentUrl"])
        return _explained(consent, "consentMissing", lack)
    consent["status"] = "granted"
    return consent


def _explained(consent: Consent, code: str, error: CairnError) -> Consent:
    consent["code"], consent["detail"], consent["remedy"] = code, str(error), error.remedy
    return consent


async def missing_for(
    kind: ConsentKind,
    settings: Settings,
    tenant_id: str,
    options: Mapping[str, bool],
    *,
    types: Collection[str] | None = None,
) -> tuple[str, ...]:
    """The permissions that the app of this consent lacks for these object types (None: all), by a fresh token."""
    async with _session(kind, settings, tenant_id) as graph:
        held = await held_permissions(graph, fresh=True)
    return missing(wanted_permissions(kind, options, types=types), held)


async def need_consent(
    kind: ConsentKind,
    settings: Settings,
    tenant_id: str,
    options: Mapping[str, bool],
    *,
    types: Collection[str] | None = None,
) -> None:
    """Raise ConsentMissing, with exactly what is to be granted, unless the app holds all that these types want."""
    lacking = await missing_for(kind, settings, tenant_id, options, types=types)
    if lacking:
        raise ConsentMissing(kind, lacking, admin_consent_url(settings, tenant_id, client_of(kind, settings)))


async def need_restore_consent(settings: Settings, tenant_id: str, options: Mapping[str, bool]) -> None:
    """Raise ConsentMissing if the restoring app holds nothing by which it could change the tenant, or is not there.

    What a single plan lacks beyond that is the plan's own finding, since it knows its operations.
    """
    writing = tuple(name for name in wanted_permissions("restore", options) if ".Read." not in name)
    try:
        lacking = await missing_for("restore", settings, tenant_id, options)
    except SignInFailed as error:
        if error.code not in OUT_OF_THE_TENANT:
            raise
        lacking = writing
    if set(writing) <= set(lacking):
        url = admin_consent_url(settings, tenant_id, client_of("restore", settings))
        raise ConsentMissing("restore", lacking, url)


def wanted_permissions(
    kind: ConsentKind, options: Mapping[str, bool], *, types: Collection[str] | None = None
) -> dict[str, tuple[str, ...]]:
    """Permission → the object types that want it, with these options."""
    chosen = {**DEFAULTS, **options}
    rows = [
        row for row in OBJECT_TYPES.values()
        if (types is None or row.name in types) and (not row.option or chosen.get(row.option))
    ]
    return wanted(rows, kind, chosen)


def roles_needed(kind: Kind) -> Mapping[str, str]:
    """Directory roles that the app needs besides permissions, each with what for."""
    return RESTORE_ROLES if kind == "restore" else {}


def client_of(kind: ConsentKind, settings: Settings) -> str:
    """The application (client) id behind the consent; empty if none is set."""
    return settings.restore_client_id or settings.client_id if kind == "restore" else settings.client_id


def admin_consent_url(settings: Settings, tenant_id: str, client_id: str) -> str:
    """Where an administrator of the tenant consents ("Construct the URL for granting tenant-wide admin consent")."""
    roots = endpoints(settings.cloud, graph_url=settings.graph_url, login_url=settings.login_url)
    return f"{roots.login}/{tenant_id}/adminconsent?client_id={client_id}"


def _session(kind: ConsentKind, settings: Settings, tenant_id: str) -> AbstractAsyncContextManager[Graph]:
    opening = sessions.restoring if kind == "restore" else sessions.reading
    return opening(settings, tenant_id)


def _credential_of(kind: ConsentKind, settings: Settings) -> Credential:
    return restoring_credential(settings) if kind == "restore" else reading_credential(settings)


async def _own_principal(graph: Graph, client_id: str) -> str | None:
    """The id of the app's service principal in the tenant; None where it may not read it."""
    try:
        path = with_query(f"/servicePrincipals(appId='{client_id}')", select="id")
        return str((await graph.get_json(path, asked="Cairn's own app", permission="Application.Read.All"))["id"])
    except (EntraError, KeyError):
        return None


async def _roles(graph: Graph, kind: ConsentKind, principal: str | None) -> list[DirectoryRole]:
    needed = roles_needed(kind)
    held: set[str] | None = None
    if needed and principal is not None:
        try:
            held = {name async for name in _roles_of(graph, principal)}
        except EntraError:
            held = None
    return [
        DirectoryRole(role=role, why=why, held=None if held is None else role in held or _contained(role, held))
        for role, why in needed.items()
    ]


def _contained(role: str, held: Collection[str]) -> bool:
    return ALL_ROLES in held and role not in APART


async def _roles_of(graph: Graph, principal: str) -> AsyncIterator[str]:
    path = with_query(
        "/roleManagement/directory/roleAssignments", filter=f"principalId eq '{principal}'", expand="roleDefinition"
    )
    document = await graph.get_json(path, asked="roles of Cairn's app", permission="RoleManagement.Read.Directory")
    for assignment in document.get("value", []):
        if assignment.get("directoryScopeId") == "/":
            yield str((assignment.get("roleDefinition") or {}).get("displayName", ""))


async def _credential_state(graph: Graph, credential: Credential) -> CredentialState:
    """The end of the credential in use, from the app's registration, which is in its home tenant alone."""
    sort = _sort(credential)
    if sort == "federated":
        return CredentialState(kind=sort, expires=None, detail="A federated identity has no end.")
    if isinstance(credential, ClientCertificate):
        return CredentialState(kind=sort, expires=_end_of(credential), detail="")
    try:
        path = with_query(f"/applications(appId='{credential.client_id}')", select="passwordCredentials")
        document = await graph.get_json(path, asked="Cairn's own registration", permission="Application.Read.All")
    except EntraError:
        return CredentialState(kind=sort, expires=None, detail="The app's registration cannot be read from here.")
    ends = [
        str(one["endDateTime"]) for one in document.get("passwordCredentials") or ()
        if one.get("endDateTime") and isinstance(credential, ClientSecret)
        and one.get("hint") in (None, credential.secret[:3])
    ]
    return CredentialState(kind=sort, expires=max(ends, default=None), detail="" if ends else "No secret is listed.")


def _sort(credential: Credential) -> Literal["federated", "certificate", "secret"]:
    if isinstance(credential, FederatedIdentity):
        return "federated"
    return "certificate" if isinstance(credential, ClientCertificate) else "secret"


def _end_of(credential: ClientCertificate) -> str | None:
    """When the certificate ends; None where it is no PEM."""
    from cryptography.x509 import load_pem_x509_certificate

    try:
        return as_text(load_pem_x509_certificate(credential.certificate).not_valid_after_utc)
    except ValueError:
        return None


def _of_tenant(tenant_id: str) -> str:
    return f"tenant|{tenant_id.lower()}"
