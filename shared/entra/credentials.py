"""Tokens for Microsoft Graph: through azure-identity, save for an authority on this machine.

azure-identity and MSAL refuse an authority that is not https. Tests and the local stack use an authority on loopback
over plain http, so one small client-credentials flow stands here for that place alone, and is refused for any other.
Invariant: no secret, assertion or token stands in a repr, a log or an error.
"""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import aiohttp
import orjson
from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError, HttpResponseError

from shared.entra.clouds import Endpoints, is_loopback
from shared.errors import SettingsError, SignInFailed, Unavailable

if TYPE_CHECKING:
    from azure.identity.aio import ManagedIdentityCredential

REFRESH_BEFORE_SECONDS = 300
"""A token this close to its end is replaced, so that none expires on its way."""

TOKEN_EXCHANGE_SCOPE = "api://AzureADTokenExchange/.default"  # noqa: S105 - the audience of federated credentials
CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0

SIGN_IN_REMEDIES = {
    "AADSTS90002": "No such tenant in this cloud: check the tenant id and the cloud.",
    "AADSTS700016": "The app is not in this tenant: check the client id, and give admin consent in the tenant.",
    "AADSTS7000215": "The client secret is wrong: take the secret's value, not its id.",
    "AADSTS7000222": "The client secret has expired: make a new one, or use a federated credential.",
    "AADSTS700027": "The certificate is not registered for the app, or has expired.",
    "AADSTS70021": "No federated credential of the app matches the managed identity: check issuer and subject.",
    "AADSTS700213": "No federated credential of the app matches the managed identity: check issuer and subject.",
    "AADSTS7000112": "The app is disabled in this tenant: enable its enterprise application.",
    "AADSTS500011": "Microsoft Graph is not known in this tenant: check the cloud.",
    "AADSTS53003": "A Conditional Access policy blocks Cairn's app: exclude it from that policy.",
}
"""What mends the common refusals of the token endpoint ("Microsoft Entra authentication and authorization error
codes")."""


class TokenSource(Protocol):
    """Gives the bearer token for one tenant and app."""

    async def token(self, *, fresh: bool = False, claims: str = "") -> str:
        """A token good for some minutes at least; `fresh` asks the authority again, `claims` answers a challenge."""

    async def aclose(self) -> None:
        """Close connections; safe to repeat."""


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """An app's client id and one of its secrets."""

    client_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """An app's client id and its certificate with private key, as PEM or PKCS12 bytes."""

    client_id: str
    certificate: bytes = field(repr=False)
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class FederatedIdentity:
    """An app that trusts a managed identity of ours: no secret anywhere."""

    client_id: str
    managed_identity_id: str = ""
    """Client id of a user-assigned identity; empty for the system-assigned one."""


Credential = ClientSecret | ClientCertificate | FederatedIdentity


def token_source(endpoints: Endpoints, tenant_id: str, credential: Credential) -> TokenSource:
    """The source of Graph tokens for one tenant and app; nothing is sent until a token is asked for."""
    if is_loopback(endpoints.login):
        if not isinstance(credential, ClientSecret):
            raise SettingsError("CAIRN_CLIENT_SECRET", "a client secret for an authority on this machine", "none")
        return CachedTokens(_LoopbackFlow(endpoints, tenant_id, credential))
    return CachedTokens(_IdentityFlow(endpoints, tenant_id, credential))


class _ClosingCredential(Protocol):
    async def get_token(self, *scopes: str, claims: str | None = None) -> AccessToken: ...

    async def close(self) -> None: ...


class _Flow(Protocol):
    async def request(self, claims: str, fresh: bool) -> AccessToken: ...

    async def aclose(self) -> None: ...


class CachedTokens:
    """One token at a time, replaced before it ends; concurrent callers share one request for it."""

    def __init__(self, flow: _Flow, *, clock: Callable[[], float] = time.time) -> None:
        self._flow = flow
        self._clock = clock
        self._held: AccessToken | None = None
        self._asking = asyncio.Lock()

    def __repr__(self) -> str:
        return f"CachedTokens({type(self._flow).__name__})"

    async def token(self, *, fresh: bool = False, claims: str = "") -> str:
        """A token good for some minutes at least; an authority that is down does not matter while one still holds."""
        seen = self._held
        if seen is not None and not fresh and not claims and self._left(seen) > REFRESH_BEFORE_SECONDS:
            return seen.token
        async with self._asking:
            held = self._held
            if held is not None and held is not seen and self._left(held) > REFRESH_BEFORE_SECONDS:
                return held.token  # another caller replaced it while this one waited
            try:
                self._held = await self._flow.request(claims, fresh)
            except Unavailable:
                if held is None or fresh or claims or self._left(held) <= 0:
                    raise
                return held.token
            return self._held.token

    async def aclose(self) -> None:
        """Close connections; safe to repeat."""
        await self._flow.aclose()

    def _left(self, token: AccessToken) -> float:
        return token.expires_on - self._clock()


class _IdentityFlow:
    """Through azure-identity. Its own cache can't be told to forget, so a fresh token takes a fresh credential."""

    def __init__(self, endpoints: Endpoints, tenant_id: str, credential: Credential) -> None:
        self._scope = endpoints.scope
        self._make: Callable[[], _Identity] = lambda: _identity(endpoints, tenant_id, credential)
        self._current: _Identity | None = None

    async def request(self, claims: str, fresh: bool) -> AccessToken:
        from azure.identity import CredentialUnavailableError  # a tenth of a cold start, for what a backup needs first

        if fresh:
            await self.aclose()
        try:
            if self._current is None:
                self._current = self._make()
            return await self._current.token(self._scope, claims)
        except CredentialUnavailableError:
            raise SignInFailed(
                "no managed identity is available here", code="managedIdentityMissing",
                remedy="Assign the managed identity to the function app, or set a client secret or certificate.",
            ) from None
        except HttpResponseError as error:
            raise _refused(str(error.message), error.status_code or 0) from None
        except AzureError as error:
            raise Unavailable(f"the token endpoint did not answer ({type(error).__name__})") from None
        except ValueError as error:
            # A malformed tenant id, or a certificate that can't be read; the library's text may quote what was given.
            said = f"the credential cannot be used ({type(error).__name__})"
            raise SignInFailed(said, code="badCredential") from None

    async def aclose(self) -> None:
        if self._current is not None:
            closing, self._current = self._current, None
            await closing.aclose()


class _Identity:
    """An azure-identity credential and, for a federated one, the managed identity whose token is its assertion."""

    def __init__(
        self, credential: _ClosingCredential, managed: "ManagedIdentityCredential | None" = None,
        present: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._credential = credential
        self._managed = managed
        self._present = present

    async def token(self, scope: str, claims: str) -> AccessToken:
        if self._managed is not None:
            self._present((await self._managed.get_token(TOKEN_EXCHANGE_SCOPE)).token)
        return await (self._credential.get_token(scope, claims=claims) if claims else self._credential.get_token(scope))

    async def aclose(self) -> None:
        await self._credential.close()
        if self._managed is not None:
            await self._managed.close()


def _identity(endpoints: Endpoints, tenant_id: str, credential: Credential) -> _Identity:
    from azure.identity.aio import (
        CertificateCredential,
        ClientAssertionCredential,
        ClientSecretCredential,
        ManagedIdentityCredential,
    )

    # Without discovery an authority of any name is taken as given; Microsoft's list knows only Microsoft's own.
    common: dict[str, Any] = {
        "authority": endpoints.login, "disable_instance_discovery": True,
        "connection_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS, "retry_total": 3,
    }
    match credential:
        case ClientSecret(client_id, secret):
            return _Identity(ClientSecretCredential(tenant_id, client_id, secret, **common))
        case ClientCertificate(client_id, certificate, password):
            return _Identity(CertificateCredential(
                tenant_id, client_id, certificate_data=certificate, password=password or None, **common
            ))
        case FederatedIdentity(client_id, managed_identity_id):
            # azure-identity calls the assertion function without awaiting it, so the assertion is fetched beforehand.
            shown: list[str] = []
            exchanged = ClientAssertionCredential(tenant_id, client_id, lambda: shown[-1], **common)

            def present(assertion: str) -> None:
                shown[:] = [assertion]

            managed = ManagedIdentityCredential(client_id=managed_identity_id or None)
            return _Identity(exchanged, managed, present)


class _LoopbackFlow:
    """OAuth 2.0 client credentials against an authority on this machine, and nowhere else."""

    def __init__(self, endpoints: Endpoints, tenant_id: str, credential: ClientSecret) -> None:
        if not is_loopback(endpoints.login):
            raise SettingsError("CAIRN_LOGIN_URL", "an authority on this machine for the plain http flow", "another")
        self._url = f"{endpoints.login}/{tenant_id}/oauth2/v2.0/token"
        self._scope = endpoints.scope
        self._credential = credential

    async def request(self, claims: str, fresh: bool) -> AccessToken:  # noqa: ARG002 - it keeps no cache to bypass
        form = {
            "grant_type": "client_credentials", "scope": self._scope,
            "client_id": self._credential.client_id, "client_secret": self._credential.secret,
        }
        if claims:
            form["claims"] = claims
        timeout = aiohttp.ClientTimeout(total=READ_SECONDS, sock_connect=CONNECT_SECONDS)
        asked = time.time()
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
                session.post(self._url, data=form, allow_redirects=False) as response,
            ):
                status, body = response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unavailable(f"the token endpoint did not answer ({type(error).__name__})") from None
        try:
            answer = orjson.loads(body)
            if status == 200:
                return AccessToken(answer["access_token"], int(asked + float(answer.get("expires_in", 3600))))
            reason = str(answer.get("error_description") or answer.get("error") or "")
        except (ValueError, KeyError, TypeError, AttributeError):
            reason = ""
        raise _refused(reason, status)

    async def aclose(self) -> None:
        """Nothing is kept open between two tokens."""


def _refused(reason: str, status: int) -> SignInFailed | Unavailable:
    if status == 429 or status >= 500:
        return Unavailable(f"the token endpoint answered {status}", status=status)
    found = re.search(r"AADSTS\d+", reason)
    code = found.group() if found else "signInRefused"
    return SignInFailed(
        f"the token endpoint refused Cairn's credentials ({code})", status=status, code=code,
        remedy=SIGN_IN_REMEDIES.get(code),
    )

