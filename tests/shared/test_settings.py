"""Settings come from one table, and a wrong one is told by name without giving a secret away."""

from pathlib import Path

import pytest

from shared.errors import SettingsError
from shared.settings import Settings, need, read_settings, settings_table
from shared.settings_page import page

ROOT = Path(__file__).parents[2]
GUID = "11111111-1111-4111-8111-111111111111"


def test_the_settings_page_is_fresh() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == page()


def test_nothing_set_gives_the_defaults() -> None:
    assert read_settings({"PATH": "/bin", "CAIRN_GRAPH_URL": "  "}) == Settings()


def test_each_setting_reaches_its_field() -> None:
    found = read_settings({
        "CAIRN_GRAPH_URL": "http://127.0.0.1:8080/", "CAIRN_CLOUD": "china", "CAIRN_BODY_LIMIT_BYTES": "2048",
        "CAIRN_HOME_TENANTS": f"{GUID.upper()}, {GUID}", "CAIRN_AUTH_ISSUER": "https://sts.example/{tenantid}/",
        "CAIRN_VAULT_URL": "https://vault.blob.example", "CAIRN_KEY_URL": "/data/key",
    })  # fmt: skip
    assert found.graph_url == "http://127.0.0.1:8080"
    assert found.cloud == "china"
    assert found.body_limit_bytes == 2048
    assert found.home_tenants == (GUID, GUID)
    assert found.auth_issuer == "https://sts.example/{tenantid}/"
    assert (found.vault_url, found.key_url) == ("https://vault.blob.example", "/data/key")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("CAIRN_CLOUD", "mars"), ("CAIRN_GRAPH_URL", "graph.microsoft.com"), ("CAIRN_GRAPH_URL", "http://graph.example"),
        ("CAIRN_GRAPH_URL", "https://graph.example/v1.0"), ("CAIRN_GRAPH_URL", "https://user:pw@graph.example"),
        ("CAIRN_LOGIN_URL", "https://"), ("CAIRN_LOGIN_URL", "https://a:port"), ("CAIRN_VAULT_URL", "file:///etc"),
        ("CAIRN_CLIENT_ID", "our app"), ("CAIRN_HOME_TENANTS", f"{GUID},x"), ("CAIRN_BODY_LIMIT_BYTES", "0"),
        ("CAIRN_BODY_LIMIT_BYTES", "1e6"), ("CAIRN_BODY_LIMIT_BYTES", "٣٠٠٠"), ("CAIRN_KEY_URL", "key.pem"),
        ("CAIRN_AUTH_ISSUER", "issuer"), ("CAIRN_EVENT_GRID_ENDPOINT", "https://a.example?x=1"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_told_with_what_was_expected_and_found(name: str, found: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({name: found})
    assert caught.value.name == name
    assert caught.value.expected
    assert repr(found) == caught.value.found


def test_a_place_is_given_once() -> None:
    with pytest.raises(SettingsError, match="CAIRN_VAULT_URL"):
        read_settings({"CAIRN_VAULT_URL": "https://v.example", "CAIRN_VAULT_CONNECTION_STRING": "AccountKey=hush"})


def test_what_is_needed_is_named_where_it_is_missing() -> None:
    with pytest.raises(SettingsError, match="CAIRN_VAULT_URL or CAIRN_VAULT_CONNECTION_STRING"):
        need(Settings(), "vault_url", "vault_connection_string")


def test_every_secret_is_marked_and_kept_out_of_a_settings_repr() -> None:
    secret = {row.name for row in settings_table() if row.secret}
    assert {name for name in (row.name for row in settings_table()) if "SECRET" in name or "STRING" in name} <= secret
    shown = repr(read_settings({"CAIRN_CLIENT_SECRET": "hush", "CAIRN_VAULT_CONNECTION_STRING": "AccountKey=hush"}))
    assert "hush" not in shown
