"""Which addresses pass as the Key Vault of generated passwords."""

import pytest
from pydantic import ValidationError

from shared.tenants.credentials_vault import why_refused
from shared.tenants.settings import TenantSettings


def kept(address: str) -> str | None:
    return TenantSettings.model_validate({"credentialsVault": address}).credentials_vault


@pytest.mark.parametrize(("asked", "found"), [
    ("https://contoso-passwords.vault.azure.net", "https://contoso-passwords.vault.azure.net"),
    ("https://Contoso.vault.azure.net/", "https://contoso.vault.azure.net"),
    ("https://gov.vault.usgovcloudapi.net", "https://gov.vault.usgovcloudapi.net"),
    ("https://cn1.vault.azure.cn", "https://cn1.vault.azure.cn"),
    ("http://127.0.0.1:8443", "http://127.0.0.1:8443"),
])
def test_roots_of_key_vaults_and_this_machine_pass(asked: str, found: str) -> None:
    assert kept(asked) == found


@pytest.mark.parametrize("address", [
    "http://contoso.vault.azure.net", "https://vault.azure.net", "https://a.b.vault.azure.net",
    "https://contoso.vault.azure.net.evil.example", "https://evil.example/.vault.azure.net",
    "https://user@contoso.vault.azure.net", "https://contoso.vault.azure.net:8443", "https://evil.example#.vault.azure.net",
    "https://contoso.vault.azure.net/secrets", "https://contoso.vault.azure.net?x=1", "https://evil.example\\.vault.azure.net",
    "https://169.254.169.254", "http://169.254.169.254", "http://10.0.0.1", "http://127.0.0.1.evil.example",
    "http://127.0.0.1:99999", "http://127.0.0.1/path", "http://user@127.0.0.1", "contoso.vault.azure.net", "",
    "https://-a.vault.azure.net", "https://a--b.vault.azure.net", "https://ab.vault.azure.net",
    f"https://{'a' * 25}.vault.azure.net", "https://conto\nso.vault.azure.net", "https://contoso.vault.azure.net\n",
])
def test_nothing_else_passes(address: str) -> None:
    with pytest.raises(ValidationError):
        kept(address)


def test_a_deployment_takes_its_own_cloud_only_and_this_machine_only_where_it_is_allowed() -> None:
    global_one = "https://contoso.vault.azure.net"
    assert why_refused(global_one, cloud="global", loopback_allowed=False) == ""
    assert "vault.azure.cn" in why_refused(global_one, cloud="china", loopback_allowed=True)
    assert why_refused("http://127.0.0.1:1", cloud="global", loopback_allowed=True) == ""
    assert why_refused("http://127.0.0.1:1", cloud="global", loopback_allowed=False)
