"""`.env` and credentials: what they say reaches the app, what is wrong is named without being shown."""

from pathlib import Path

import pytest

from local.directory import from_environment, names_a_tenant
from local.dotenv import read_dotenv
from local.errors import LocalStackError

TENANT = "11111111-2222-4333-8444-555555555555"
CLIENT = "21111111-2222-4333-8444-555555555555"
GIVEN = {"CAIRN_TENANT_ID": TENANT.upper(), "CAIRN_CLIENT_ID": CLIENT, "CAIRN_CLIENT_SECRET": "hush"}


def test_a_file_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert read_dotenv(tmp_path / ".env") == {}


def test_quotes_comments_and_exports_are_understood(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(
        "# Cairn\n\nexport A=1\nB = two words # why\nC=\"a # b\"\nD='it''s'\nE=secret#with-hash\nF=\nG=x=y\n"
    )
    assert read_dotenv(path) == {
        "A": "1", "B": "two words", "C": "a # b", "D": "it", "E": "secret#with-hash", "F": "", "G": "x=y",
    }  # fmt: skip


def test_a_line_that_is_no_setting_is_named_by_number_and_not_shown(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("A=1\nhush-hush\n")
    with pytest.raises(LocalStackError, match="line 2") as refused:
        read_dotenv(path)
    assert "hush" not in str(refused.value)


def test_the_example_file_names_no_tenant_until_it_is_filled_in() -> None:
    example = Path(__file__).resolve().parent.parent.parent / ".env.example"
    assert not names_a_tenant(read_dotenv(example))


def test_one_pair_of_credentials_serves_both_sides_with_a_warning() -> None:
    directory = from_environment(GIVEN)
    assert directory.tenant_id == TENANT
    assert directory.settings["CAIRN_RESTORE_CLIENT_ID"] == CLIENT
    assert directory.settings["CAIRN_RESTORE_CLIENT_SECRET"] == "hush"
    assert "CAIRN_RESTORE_CLIENT_ID" in directory.warning


def test_two_pairs_are_kept_apart_without_a_warning() -> None:
    directory = from_environment({**GIVEN, "CAIRN_RESTORE_CLIENT_ID": TENANT, "CAIRN_RESTORE_CLIENT_SECRET": "other"})
    assert directory.settings["CAIRN_RESTORE_CLIENT_SECRET"] == "other"
    assert directory.settings["CAIRN_CLIENT_SECRET"] == "hush"
    assert not directory.warning


def test_a_certificate_will_do_instead_of_a_secret() -> None:
    given = {name: value for name, value in GIVEN.items() if name != "CAIRN_CLIENT_SECRET"}
    directory = from_environment({**given, "CAIRN_CLIENT_CERTIFICATE_PATH": "/keys/cairn.pem"})
    assert directory.settings["CAIRN_CLIENT_CERTIFICATE_PATH"] == "/keys/cairn.pem"
    assert "CAIRN_CLIENT_SECRET" not in directory.settings


@pytest.mark.parametrize("name", sorted(GIVEN))
def test_what_is_missing_is_named_and_what_is_there_is_not_shown(name: str) -> None:
    with pytest.raises(LocalStackError, match=name) as refused:
        from_environment({**GIVEN, name: " "})
    assert "hush" not in str(refused.value)


def test_a_real_tenant_uses_the_clouds_own_roots() -> None:
    settings = from_environment(GIVEN).settings
    assert "CAIRN_GRAPH_URL" not in settings
    assert "CAIRN_LOGIN_URL" not in settings


def test_a_graph_on_loopback_signs_in_at_its_own_address_unless_told_otherwise() -> None:
    graph = "http://127.0.0.1:5000"
    assert from_environment(GIVEN, graph).settings["CAIRN_LOGIN_URL"] == graph
    told = from_environment({**GIVEN, "CAIRN_LOGIN_URL": "http://127.0.0.1:6000"}, graph)
    assert told.settings["CAIRN_LOGIN_URL"] == "http://127.0.0.1:6000"
