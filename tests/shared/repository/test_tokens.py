"""Secrets in the repository open only where they belong."""

from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from shared.errors import Corrupt, NotARepository, StoreUnavailable
from shared.repository.tokens import KeyVaultTokenCipher, LocalTokenCipher, TokenCipher

TENANT = "0f0e0d0c-0b0a-0908-0706-050403020100"
TOKEN = "https://graph.microsoft.com/v1.0/users/delta?$deltatoken=abc"


class FakeKeyVault:
    """The two calls that the cipher makes, answered with a real RSA key."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.key = rsa.generate_private_key(65_537, 2_048)
        self.failure = failure
        self.calls: list[str] = []

    async def wrap_key(self, algorithm: str, key: bytes) -> Any:
        self._call("wrap")
        wrapped = self.key.public_key().encrypt(key, self._padding(algorithm))
        return type("WrapResult", (), {"encrypted_key": wrapped})

    async def unwrap_key(self, algorithm: str, wrapped: bytes) -> Any:
        self._call("unwrap")
        try:
            return type("UnwrapResult", (), {"key": self.key.decrypt(wrapped, self._padding(algorithm))})
        except ValueError:
            raise refused(400) from None

    async def close(self) -> None:
        self.calls.append("close")

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.failure:
            raise self.failure

    def _padding(self, algorithm: str) -> Any:
        assert algorithm == "RSA-OAEP-256"
        return padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


def refused(status: int) -> HttpResponseError:
    error = HttpResponseError("no")
    error.status_code = status
    return error


def key_vault(vault: FakeKeyVault | None = None) -> KeyVaultTokenCipher:
    class NoCredential:
        async def get_token(self, *_: Any, **__: Any) -> Any:
            raise AssertionError("no token is asked for here")

        get_token_info = get_token

        async def close(self) -> None: ...

    cipher = KeyVaultTokenCipher("https://example.vault.azure.net/keys/cairn/1", NoCredential())  # type: ignore[arg-type]
    cipher._client = vault or FakeKeyVault()  # type: ignore[assignment]
    return cipher


@pytest.fixture(params=["local", "keyVault"])
def cipher(request: pytest.FixtureRequest, tmp_path: Path) -> TokenCipher:
    return LocalTokenCipher(tmp_path / "keys" / "tokens.key") if request.param == "local" else key_vault()


async def test_a_secret_opens_where_it_belongs(cipher: TokenCipher) -> None:
    secret = await cipher.encrypt(TOKEN, tenant_id=TENANT, purpose="user")
    assert "deltatoken" not in secret
    assert await cipher.decrypt(secret, tenant_id=TENANT.upper(), purpose="user") == TOKEN
    assert await cipher.encrypt(TOKEN, tenant_id=TENANT, purpose="user") != secret, "equal tokens do not show"


async def test_a_secret_moved_elsewhere_does_not_open(cipher: TokenCipher) -> None:
    secret = await cipher.encrypt(TOKEN, tenant_id=TENANT, purpose="user")
    with pytest.raises(Corrupt):
        await cipher.decrypt(secret, tenant_id=TENANT, purpose="group")
    with pytest.raises(Corrupt):
        await cipher.decrypt(secret, tenant_id=TENANT.replace("0f", "1f"), purpose="user")


async def test_a_changed_secret_does_not_open(cipher: TokenCipher) -> None:
    secret = await cipher.encrypt(TOKEN, tenant_id=TENANT, purpose="user")
    flipped = secret[:-5] + ("A" if secret[-5] != "A" else "B") + secret[-4:]
    for wrong in (flipped, secret[:-9], "", "other.x.y", f"{secret.split('.')[0]}.", "local.é", "vault.é.é"):
        with pytest.raises(Corrupt):
            await cipher.decrypt(wrong, tenant_id=TENANT, purpose="user")


async def test_the_local_key_is_its_owners_alone_and_stays(tmp_path: Path) -> None:
    key_file = tmp_path / "tokens.key"
    secret = await LocalTokenCipher(key_file).encrypt(TOKEN, tenant_id=TENANT, purpose="user")
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["tokens.key"]  # noqa: ASYNC240 - a test blocks nobody
    assert await LocalTokenCipher(key_file).decrypt(secret, tenant_id=TENANT, purpose="user") == TOKEN
    with pytest.raises(Corrupt):
        await LocalTokenCipher(tmp_path / "other.key").decrypt(secret, tenant_id=TENANT, purpose="user")
    key_file.chmod(0o644)
    with pytest.raises(NotARepository):
        LocalTokenCipher(key_file)
    key_file.chmod(0o600)
    key_file.write_bytes(b"short")
    with pytest.raises(Corrupt):
        LocalTokenCipher(key_file)


async def test_key_vault_is_asked_once_for_many_secrets() -> None:
    vault = FakeKeyVault()
    writer, reader = key_vault(vault), key_vault(vault)
    secrets = [await writer.encrypt(str(n), tenant_id=TENANT, purpose="user") for n in range(5)]
    assert [await reader.decrypt(one, tenant_id=TENANT, purpose="user") for one in secrets] == list("01234")
    await reader.close()
    assert vault.calls == ["wrap", "unwrap", "close"]


async def test_another_vaults_key_does_not_open_it() -> None:
    secret = await key_vault().encrypt(TOKEN, tenant_id=TENANT, purpose="user")
    with pytest.raises(Corrupt):
        await key_vault().decrypt(secret, tenant_id=TENANT, purpose="user")


@pytest.mark.parametrize("failure", [refused(403), refused(503), ServiceRequestError("no route")])
async def test_a_key_vault_that_does_not_answer_is_unavailable(failure: Exception) -> None:
    secret = await key_vault().encrypt(TOKEN, tenant_id=TENANT, purpose="user")
    cipher = key_vault(FakeKeyVault(failure))
    with pytest.raises(StoreUnavailable):
        await cipher.encrypt(TOKEN, tenant_id=TENANT, purpose="user")
    with pytest.raises(StoreUnavailable):
        await cipher.decrypt(secret, tenant_id=TENANT, purpose="user")
