"""Writing a generated password into a Key Vault, once.

Invariants
- What is there under the name is never written over: no second version, whether the first writer's answer was lost,
  its host was, or somebody has changed the secret since.
- A stand-in on this machine, which is asked over plain http, gets no token of Cairn's identity.
Sources: "Set Secret" and "Get Secret" of the Key Vault REST reference; "Authentication, requests and responses" (Key
Vault says by a challenge for what and from whom it wants a token; the client checks that it is for a Key Vault).
"""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self, cast

from azure.core.credentials import AccessToken, AccessTokenInfo
from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError

from shared.errors import StoreUnavailable
from shared.tenants.credentials_vault import is_loopback

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.keyvault.secrets.aio import SecretClient

OPTIONS: Mapping[str, Any] = {
    "retry_total": 3, "retry_backoff_factor": 0.5, "connection_timeout": 5, "read_timeout": 20,
    "permit_redirects": False,
}
RESTORE_TAG = "cairnRestore"


@dataclass(frozen=True, slots=True)
class KeptSecret:
    """What is written: the name and the tags hold ids only."""

    name: str
    value: str = field(repr=False)
    kind: str
    tags: Mapping[str, str]
    expires: datetime


class KeyVault:
    """The secrets of one Key Vault."""

    def __init__(self, client: "SecretClient") -> None:
        self._client = client

    async def keep(self, secret: KeptSecret) -> None:
        """Write the secret unless it is there; raises StoreUnavailable. Needs `secrets/get` and `secrets/set`."""
        try:
            if await self._is_there(secret):
                return
            await self._client.set_secret(
                secret.name, secret.value, content_type=secret.kind, tags=dict(secret.tags), expires_on=secret.expires
            )
        except HttpResponseError as error:
            raise _refused(f"answered {error.status_code}") from None
        except AzureError as error:
            raise _refused(f"did not answer ({type(error).__name__})") from None
        except ValueError:
            raise _refused("asks for a token that is not for a Key Vault") from None

    async def _is_there(self, secret: KeptSecret) -> bool:
        try:
            found = await self._client.get_secret(secret.name)
        except ResourceNotFoundError:
            return False
        if (found.properties.tags or {}).get(RESTORE_TAG) != secret.tags[RESTORE_TAG]:
            raise _refused("holds a secret of that name that is not Cairn's")
        return True


@asynccontextmanager
async def open_key_vault(
    address: str, *, managed_identity_id: str = "", credential: "AsyncTokenCredential | None" = None, **options: Any
) -> AsyncIterator[KeyVault]:
    """The Key Vault of that address, opened with Cairn's own identity unless a credential is given."""
    from azure.keyvault.secrets.aio import SecretClient

    options = {**OPTIONS, **options}
    async with AsyncExitStack() as stack:
        if is_loopback(address):
            # The client refuses plain http, so it is told https, and the transport undoes that for this machine.
            address = f"https{address.removeprefix('http')}"
            credential = _NoIdentity()
            options |= {"verify_challenge_resource": False, "transport": _plain_transport()}
        elif credential is None:
            from azure.identity.aio import DefaultAzureCredential

            credential = await stack.enter_async_context(
                DefaultAzureCredential(managed_identity_client_id=managed_identity_id or None)
            )
        client = SecretClient(address, cast("AsyncTokenCredential", credential), **options)
        yield KeyVault(await stack.enter_async_context(client))


class _NoIdentity:
    """Stands where a credential does; its token opens nothing."""

    async def get_token(self, *_: str, **__: Any) -> AccessToken:
        return AccessToken("loopback", int(time.time()) + 3600)

    async def get_token_info(self, *_: str, **__: Any) -> AccessTokenInfo:
        return AccessTokenInfo("loopback", int(time.time()) + 3600)

    async def close(self) -> None:
        """Nothing is open."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


def _plain_transport() -> Any:
    from azure.core.pipeline.transport import AioHttpTransport

    class Plain(AioHttpTransport):  # type: ignore[misc] # azure-core loads it lazily, untyped
        async def send(self, request: Any, **config: Any) -> Any:
            plain = copy(request)  # the client looks at its own again
            plain.url = f"http{request.url.removeprefix('https')}"
            return await super().send(plain, **config)

    return Plain()


def _refused(what: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"the Key Vault {what}",
        remedy="Check the address, the network rules of the Key Vault, and that Cairn's identity has the role Key "
        "Vault Secrets Officer on it.",
    )
