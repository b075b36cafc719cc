"""Secrets in the repository open only where they belong."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from shared.errors import Corrupt, NotARepository, StoreUnavailable
from shared.repository.tokens import OWN_FOR_SECONDS, KeyVaultTokenCipher, LocalTokenCipher, TokenCipher, _clients

TENANT = "0f0e0d0c-0b0a-0908-0706-050403020100"
KEY_URL = "https://example.vault.azure.net/keys/cairn"
TOKEN = "https://graph.microsoft.com/v1.0/users/delta?$deltatoken=abc"


class FakeKeyVault:
    """A key with versions, each a real RSA key, and the two calls that the cipher makes of a client for one of them."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.versions = {"v1": rsa.generate_private_key(65_537, 2_048)}
        self.current = "v1"
        self.failure = failure
        self.calls: list[str] = []

    def rotate(self, version: str) -> None:
        self.versions[version] = rsa.generate_private_key(65_537, 2_048)
        self.current = version

    def client(self, address: str) -> "FakeClient":
        assert address.startswith(KEY_URL)
        return FakeClient(self, address.removeprefix(KEY_URL).strip("/"))


class FakeClient:
    """Remembers the version that was current when it began, as Key Vault's own does."""

    def __init__(self, vault: FakeKeyVault, version: str) -> None:
        self.vault = vault
        self.version = version or vault.current

    async def wrap_key(self, algorithm: str, key: bytes) -> Any:
        self._call("wrap")
        wrapped = self.vault.versions[self.version].public_key().encrypt(key, self._padding(algorithm))
        return type("WrapResult", (), {"encrypted_key": wrapped, "key_id": f"{KEY_URL}/{self.version}"})

    async def unwrap_key(self, algorithm: str, encrypted_key: bytes) -> Any:
        self._call("unwrap")
        if self.version not in self.vault.versions:
            raise refused(404)
        key = self.vault.versions[self.version]
        try:
            return type("UnwrapResult", (), {"key": key.decrypt(encrypted_key, self._padding(algorithm))})
        except ValueError:
            raise refused(400) from None

    async def close(self) -> None: ...

    def _call(self, name: str) -> None:
        self.vault.calls.append(name)
        if self.vault.failure:
            raise self.vault.failure

    def _padding(self, algorithm: str) -> Any:
        assert algorithm == "RSA-OAEP-256"
        return padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


def refused(status: int) -> HttpResponseError:
    error = HttpResponseError("no")
    error.status_code = status
    return error


class NoCredential:
    async def get_token(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("no token is asked for here")

    get_token_info = get_token

    async def close(self) -> None: ...


def key_vault(vault: FakeKeyVault | None = None, clock: Callable[[], float] = time.monotonic) -> KeyVaultTokenCipher:
    return KeyVaultTokenCipher(
        KEY_URL, NoCredential(), client_of=(vault or FakeKeyVault()).client, clock=clock  # type: ignore[arg-type]
    )


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
    assert vault.calls == ["wrap", "unwrap"]


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


async def test_after_a_rotation_what_is_old_opens_with_its_version_and_what_is_new_is_wrapped_by_the_current_one() -> None:
    vault, now = FakeKeyVault(), [0.0]
    cipher = key_vault(vault, lambda: now[0])
    before = await cipher.encrypt(TOKEN, tenant_id=TENANT, purpose="user")
    vault.rotate("v2")
    same_hour = await cipher.encrypt(TOKEN, tenant_id=TENANT, purpose="user")
    now[0] = OWN_FOR_SECONDS
    after = await cipher.encrypt(TOKEN, tenant_id=TENANT, purpose="user")
    assert [one.split(".")[1] for one in (before, same_hour, after)] == ["v1", "v1", "v2"]
    for secret in (before, same_hour, after):
        assert await key_vault(vault).decrypt(secret, tenant_id=TENANT, purpose="user") == TOKEN
    del vault.versions["v1"]
    with pytest.raises(Corrupt):
        await key_vault(vault).decrypt(before, tenant_id=TENANT, purpose="user")
    assert await key_vault(vault).decrypt(after, tenant_id=TENANT, purpose="user") == TOKEN


async def test_what_was_wrapped_before_versions_were_named_opens_with_the_current_one() -> None:
    vault = FakeKeyVault()
    named = await key_vault(vault).encrypt(TOKEN, tenant_id=TENANT, purpose="user")
    unnamed = named.replace("vault.v1.", "vault.")
    assert await key_vault(vault).decrypt(unnamed, tenant_id=TENANT, purpose="user") == TOKEN


async def test_a_local_key_that_was_renamed_still_opens_what_is_its_own(tmp_path: Path) -> None:
    key_file = tmp_path / "tokens.key"
    old = await LocalTokenCipher(key_file).encrypt(TOKEN, tenant_id=TENANT, purpose="user")
    unnamed = f"local.{old.rpartition('.')[2]}"
    key_file.rename(tmp_path / "tokens.key.2026.old")
    rotated = LocalTokenCipher(key_file)
    new = await rotated.encrypt(TOKEN, tenant_id=TENANT, purpose="user")
    assert new.split(".")[1] != old.split(".")[1]
    for secret in (old, unnamed, new):
        assert await rotated.decrypt(secret, tenant_id=TENANT, purpose="user") == TOKEN
    (tmp_path / "tokens.key.2026.old").unlink()
    for secret in (old, unnamed):
        with pytest.raises(Corrupt):
            await LocalTokenCipher(key_file).decrypt(secret, tenant_id=TENANT, purpose="user")


async def test_microsoft_s_client_is_made_for_the_version_that_a_secret_names() -> None:
    made = _clients(NoCredential())(f"{KEY_URL}/v7")  # type: ignore[arg-type]
    assert made.key_id == f"{KEY_URL}/v7"  # type: ignore[attr-defined]
    await made.close()
