"""Keeping small secrets in the repository: delta tokens and one-time passwords, encrypted and bound to their
place.

AES-256-GCM under a data key; tenant and purpose are authenticated with each, so that a secret copied to
another place does not open. The data key is a file of its owner alone (a laptop), or is wrapped by a Key
Vault key and travels with what it encrypts.
"""

import base64
import binascii
import os
import secrets
from pathlib import Path
from typing import Protocol

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError, HttpResponseError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import Corrupt, NotARepository, StoreUnavailable

KEY_BYTES = 32
NONCE_BYTES = 12
_LOCAL, _VAULT = "local", "vault"


class TokenCipher(Protocol):
    """Encrypts texts for one tenant and purpose (an object type, or "password")."""

    async def encrypt(self, text: str, *, tenant_id: str, purpose: str) -> str:
        """The text, unreadable, in letters that JSON takes as they are."""

    async def decrypt(self, secret: str, *, tenant_id: str, purpose: str) -> str:
        """The text that was encrypted for this tenant and purpose, or Corrupt."""

    async def close(self) -> None:
        """Give back connections; safe to repeat."""


class LocalTokenCipher:
    """A data key in a file that only its owner may read; made when there is none yet."""

    def __init__(self, key_file: Path) -> None:
        self._key = _local_key(key_file)

    async def encrypt(self, text: str, *, tenant_id: str, purpose: str) -> str:
        """See TokenCipher."""
        return f"{_LOCAL}.{_seal(self._key, text, tenant_id, purpose)}"

    async def decrypt(self, secret: str, *, tenant_id: str, purpose: str) -> str:
        """See TokenCipher."""
        sort, _, sealed = secret.partition(".")
        if sort != _LOCAL:
            raise Corrupt("a secret was encrypted with another kind of key")
        return _open(self._key, sealed, tenant_id, purpose)

    async def close(self) -> None:
        """See TokenCipher."""


class KeyVaultTokenCipher:
    """Data keys wrapped by a Key Vault key (RSA-OAEP-256); one data key for the life of this object.

    Needs the key's `wrapKey` and `unwrapKey`; StoreUnavailable where Key Vault does not answer or refuses.
    """

    def __init__(self, key_url: str, credential: AsyncTokenCredential) -> None:
        from azure.keyvault.keys.crypto import KeyWrapAlgorithm  # a laptop and a cold start do without
        from azure.keyvault.keys.crypto.aio import CryptographyClient

        self._client = CryptographyClient(key_url, credential)
        self._algorithm = KeyWrapAlgorithm.rsa_oaep_256
        self._own: tuple[str, bytes] | None = None
        self._known: dict[str, bytes] = {}

    async def encrypt(self, text: str, *, tenant_id: str, purpose: str) -> str:
        """See TokenCipher."""
        if self._own is None:
            key = secrets.token_bytes(KEY_BYTES)
            try:
                wrapped = await self._client.wrap_key(self._algorithm, key)
            except AzureError as error:
                raise _unavailable(error) from error
            self._own = (_letters(wrapped.encrypted_key), key)
            self._known[self._own[0]] = key
        name, key = self._own
        return f"{_VAULT}.{name}.{_seal(key, text, tenant_id, purpose)}"

    async def decrypt(self, secret: str, *, tenant_id: str, purpose: str) -> str:
        """See TokenCipher."""
        sort, _, rest = secret.partition(".")
        wrapped, _, sealed = rest.partition(".")
        if sort != _VAULT:
            raise Corrupt("a secret was encrypted with another kind of key")
        if wrapped not in self._known:
            try:
                opened = await self._client.unwrap_key(self._algorithm, _bytes(wrapped))
            except HttpResponseError as error:
                if error.status_code == 400:
                    raise Corrupt("a secret's data key was not wrapped by this Key Vault key") from error
                raise _unavailable(error) from error
            except AzureError as error:
                raise _unavailable(error) from error
            self._known[wrapped] = opened.key
        return _open(self._known[wrapped], sealed, tenant_id, purpose)

    async def close(self) -> None:
        """See TokenCipher."""
        await self._client.close()


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
