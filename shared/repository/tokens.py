"""Keeping small secrets in the repository: delta tokens and one-time passwords, encrypted and bound to their
place.

AES-256-GCM under a data key; tenant and purpose are authenticated with each, so that a secret copied to
another place does not open. The data key is a file of its owner alone (a laptop), or is wrapped by a Key
Vault key and travels with what it encrypts. Each secret names the key that it needs, so that keys can be
rotated: what is new uses the newest, what is old opens with its own as long as that is kept.

    local.{key id}.{sealed}                          key id: the head of the key's SHA-256
    vault.{version}.{wrapped data key}.{sealed}      version: of the Key Vault key

Before there was rotation secrets named no key: `local.{sealed}` opens with any key of the file, and
`vault.{wrapped}.{sealed}` with the Key Vault key that is current.
"""

import base64
import binascii
import hashlib
import os
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError, HttpResponseError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import Corrupt, NotARepository, StoreUnavailable

KEY_BYTES = 32
NONCE_BYTES = 12
OWN_FOR_SECONDS = 3600.0
"""A data key of Key Vault is used for so long; then a new one is wrapped, by the version that is current then."""
MOST_KNOWN = 1000
"""Data keys that are remembered."""

_LOCAL, _VAULT = "local", "vault"
_VERSION = re.compile(r"[0-9A-Za-z-]{0,64}")


class TokenCipher(Protocol):
    """Encrypts texts for one tenant and purpose (an object type, or "password")."""

    async def encrypt(self, text: str, *, tenant_id: str, purpose: str) -> str:
        """The text, unreadable, in letters that JSON takes as they are."""

    async def decrypt(self, secret: str, *, tenant_id: str, purpose: str) -> str:
        """The text that was encrypted for this tenant and purpose, or Corrupt."""

    async def close(self) -> None:
        """Give back connections; safe to repeat."""


class LocalTokenCipher:
    """A data key in a file that only its owner may read; made when there is none yet.

    To rotate, rename the file to `{its name}.{anything}.old`: a new one is made, and old ones still open what is
    theirs.
    """

    def __init__(self, key_file: Path) -> None:
        self._key = _local_key(key_file)
        old = (_read_key(one) for one in sorted(key_file.parent.glob(f"{key_file.name}.*.old")))
        self._keys = {_key_id(key): key for key in (self._key, *old)}

    async def encrypt(self, text: str, *, tenant_id: str, purpose: str) -> str:
        """See TokenCipher."""
        return f"{_LOCAL}.{_key_id(self._key)}.{_seal(self._key, text, tenant_id, purpose)}"

    async def decrypt(self, secret: str, *, tenant_id: str, purpose: str) -> str:
        """See TokenCipher."""
        sort, _, rest = secret.partition(".")
        name, _, sealed = rest.rpartition(".")
        if sort != _LOCAL:
            raise Corrupt("a secret was encrypted with another kind of key")
        if not name:
            return self._open_unnamed(sealed, tenant_id, purpose)
        if name not in self._keys:
            raise Corrupt("a secret was encrypted with a key that is not here any more")
        return _open(self._keys[name], sealed, tenant_id, purpose)

    def _open_unnamed(self, sealed: str, tenant_id: str, purpose: str) -> str:
        *others, last = self._keys.values()
        for key in others:
            try:
                return _open(key, sealed, tenant_id, purpose)
            except Corrupt:
                continue
        return _open(last, sealed, tenant_id, purpose)

    async def close(self) -> None:
        """See TokenCipher."""


class Wrapping(Protocol):
    """What is used of Key Vault's client for one version of a key."""

    def wrap_key(self, algorithm: Any, key: bytes) -> Awaitable[Any]:
        """The key wrapped: `encrypted_key`, and `key_id` with the version that did it."""

    def unwrap_key(self, algorithm: Any, encrypted_key: bytes) -> Awaitable[Any]:
        """The key: `key`."""

    async def close(self) -> None:
        """Give back connections; safe to repeat."""


class KeyVaultTokenCipher:
    """Data keys wrapped by a Key Vault key (RSA-OAEP-256), each used for an hour.

    `key_url` has no version, so that what is new is wrapped by the current one. Needs the key's `get`, `wrapKey` and
    `unwrapKey`; StoreUnavailable where Key Vault does not answer or refuses.
    """

    def __init__(
        self, key_url: str, credential: AsyncTokenCredential, *,
        client_of: Callable[[str], Wrapping] | None = None, clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._key_url = key_url.rstrip("/")
        self._client_of = client_of or _clients(credential)
        self._clock = clock
        self._clients: dict[str, Wrapping] = {}
        self._own: tuple[str, bytes] | None = None
        self._own_until = 0.0
        self._known: dict[str, bytes] = {}

    async def encrypt(self, text: str, *, tenant_id: str, purpose: str) -> str:
        """See TokenCipher."""
        if self._own is None or self._clock() >= self._own_until:
            self._own = await self._new_key()
            self._own_until = self._clock() + OWN_FOR_SECONDS
        name, key = self._own
        return f"{_VAULT}.{name}.{_seal(key, text, tenant_id, purpose)}"

    async def decrypt(self, secret: str, *, tenant_id: str, purpose: str) -> str:
        """See TokenCipher."""
        sort, _, rest = secret.partition(".")
        name, _, sealed = rest.rpartition(".")
        version, _, wrapped = name.rpartition(".")
        if sort != _VAULT or not _VERSION.fullmatch(version):
            raise Corrupt("a secret was encrypted with another kind of key")
        if name not in self._known:
            self._remember(name, await self._unwrapped(version, wrapped))
        return _open(self._known[name], sealed, tenant_id, purpose)

    async def close(self) -> None:
        """See TokenCipher."""
        for client in self._clients.values():
            await client.close()

    async def _new_key(self) -> tuple[str, bytes]:
        """A data key and its name; asked of a new client, since one remembers the version that it began with."""
        key = secrets.token_bytes(KEY_BYTES)
        client = self._client_of(self._key_url)
        try:
            wrapped = await client.wrap_key(_algorithm(), key)
        except AzureError as error:
            raise _unavailable(error) from error
        finally:
            await client.close()
        version = str(wrapped.key_id or "").removeprefix(self._key_url).strip("/")
        name = f"{version if _VERSION.fullmatch(version) else ''}.{_letters(wrapped.encrypted_key)}"
        self._remember(name, key)
        return name, key

    async def _unwrapped(self, version: str, wrapped: str) -> bytes:
        address = f"{self._key_url}/{version}".rstrip("/")
        client = self._clients.get(address) or self._client_of(address)
        self._clients[address] = client
        try:
            opened = await client.unwrap_key(_algorithm(), _bytes(wrapped))
        except HttpResponseError as error:
            if error.status_code in (400, 404):
                raise Corrupt("a secret's data key was not wrapped by this Key Vault key") from error
            raise _unavailable(error) from error
        except AzureError as error:
            raise _unavailable(error) from error
        return bytes(opened.key)

    def _remember(self, name: str, key: bytes) -> None:
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[name] = key


def _algorithm() -> Any:
    from azure.keyvault.keys.crypto import KeyWrapAlgorithm

    return KeyWrapAlgorithm.rsa_oaep_256


def _clients(credential: AsyncTokenCredential) -> Callable[[str], Wrapping]:
    """Key Vault's clients, which a laptop and a cold start do without until one is needed."""

    def client(address: str) -> Wrapping:
        from azure.keyvault.keys.crypto.aio import CryptographyClient

        return CryptographyClient(address, credential)

    return client


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"cairn key " + key).hexdigest()[:16]


def _seal(key: bytes, text: str, tenant_id: str, purpose: str) -> str:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return _letters(nonce + AESGCM(key).encrypt(nonce, text.encode(), _place(tenant_id, purpose)))


def _open(key: bytes, sealed: str, tenant_id: str, purpose: str) -> str:
    content = _bytes(sealed)
    try:
        nonce, rest = content[:NONCE_BYTES], content[NONCE_BYTES:]
        return AESGCM(key).decrypt(nonce, rest, _place(tenant_id, purpose)).decode()
    except (InvalidTag, ValueError) as error:
        raise Corrupt("a secret was changed, or encrypted for another place or with another key") from error


def _place(tenant_id: str, purpose: str) -> bytes:
    return f"{tenant_id.lower()}\0{purpose}".encode()


def _local_key(key_file: Path) -> bytes:
    key_file.parent.mkdir(parents=True, exist_ok=True)
    try:
        # Written whole under another name first: a crash leaves no half key, and of two makers one wins.
        draft = key_file.with_name(f"{key_file.name}.{secrets.token_hex(8)}")
        if not key_file.exists():
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(draft, key_file)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
    except OSError as error:
        raise StoreUnavailable(f"the key file {key_file.name} cannot be used: {error.strerror}") from error
    return _read_key(key_file)


def _read_key(key_file: Path) -> bytes:
    try:
        if key_file.stat().st_mode & 0o077:
            raise NotARepository(f"{key_file.name} can be read by others", remedy="Make the key file's mode 600.")
        key = key_file.read_bytes()
    except OSError as error:
        raise StoreUnavailable(f"the key file {key_file.name} cannot be used: {error.strerror}") from error
    if len(key) != KEY_BYTES:
        raise Corrupt(f"{key_file.name} is not a key of {KEY_BYTES} bytes")
    return key


def _unavailable(error: AzureError) -> StoreUnavailable:
    status = error.status_code if isinstance(error, HttpResponseError) else type(error).__name__
    return StoreUnavailable(
        f"Key Vault did not do what was asked: {status}",
        remedy="Check that the key exists and that Cairn's identity has the role Key Vault Crypto User on it.",
    )


def _letters(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(letters: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(letters + "=" * (-len(letters) % 4))
    except (binascii.Error, ValueError) as error:
        raise Corrupt("a secret is not in its own alphabet") from error
