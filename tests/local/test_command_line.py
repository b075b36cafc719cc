"""The command line: what scripts read stands alone on standard output, and what is wrong is said in one
line.
"""

import os
import socket
import subprocess
import sys
from pathlib import Path

import jwt
import pytest

from local.__main__ import main
from local.issuer import open_or_make_issuer

ROOT = Path(__file__).resolve().parent.parent.parent
TENANT = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    open_or_make_issuer(tmp_path / "issuer")
    return tmp_path


def unverified(token: str) -> dict[str, object]:
    return jwt.decode(token, options={"verify_signature": False})


def test_token_prints_the_token_alone(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "--role", "Operator", "--tenant", TENANT.upper(), "--data", str(data)]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.count("\n") == 1
    claims = unverified(said.out.strip())
    assert claims["roles"] == ["Operator"]
    assert claims["tenants"] == [TENANT]


def test_the_data_folder_also_comes_from_the_environment(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAIRN_DATA", str(data))
    assert main(["token", "--role", "Reader", "--hours", "0.5", "--authenticated-ago", "2"]) == 0
    claims = unverified(capsys.readouterr().out.strip())
    assert int(str(claims["exp"])) - int(str(claims["iat"])) == 1800
    assert int(str(claims["iat"])) - int(str(claims["auth_time"])) == 7200


def test_a_token_from_an_empty_folder_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["token", "--role", "Reader", "--data", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("cairn: no issuer in")
    assert said.err.count("\n") == 1


def test_a_role_that_is_not_built_in_is_made_with_a_warning(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "--role", "Auditor", "--data", str(data)]) == 0
    said = capsys.readouterr()
    assert "none of the built-in roles" in said.err
    assert unverified(said.out.strip())["roles"] == ["Auditor"]


@pytest.mark.parametrize(
    ("arguments", "lesson"),
    [
        (["token", "--role", "Reader", "--tenant", "contoso"], "is no tenant id"),
        (["token", "--role", "a b"], "is no role name"),
        (["up", "--port", "70000"], "is no port"),
        (["up", "--users", "-1"], "is no whole number"),
        (["up", "--graph-url", "https://graph.microsoft.com/v1.0"], "without a path"),
        (["simulator", "--port", "0", "--latency-ms", "soon"], "is no number of milliseconds"),
        (["restore"], "invalid choice"),
    ],
)
def test_a_wrong_argument_is_named_with_what_is_expected(
    arguments: list[str], lesson: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert lesson in capsys.readouterr().err


def test_up_says_in_one_line_that_its_port_is_taken(tmp_path: Path) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = squatter.getsockname()[1]
        up = subprocess.run(
            [sys.executable, "-m", "local", "up", "--port", str(port), "--data", str(tmp_path)],
            cwd=ROOT, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert up.returncode == 1
    assert up.stdout == ""
    assert up.stderr == f"cairn: port {port} (the HTTP interface) is taken by another program; end it or take another\n"


def test_up_with_half_a_credential_names_what_is_missing_and_never_what_is_there(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text(f"CAIRN_TENANT_ID={TENANT}\nCAIRN_CLIENT_SECRET=hush-hush\n")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CAIRN_")}
    up = subprocess.run(
        [sys.executable, "-m", "local", "up", "--port", "0", "--data", str(tmp_path), "--env-file", str(dotenv)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, env=clean,
    )  # fmt: skip
    assert up.returncode == 1
    assert up.stdout == ""
    assert "CAIRN_CLIENT_ID is not set" in up.stderr
    assert "hush-hush" not in up.stderr


def test_permissions_prints_the_catalogs_least_permissions_one_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["permissions", "--read"]) == 0
    read = capsys.readouterr().out.splitlines()
    assert main(["permissions", "--write"]) == 0
    write = capsys.readouterr().out.splitlines()
    assert "User.Read.All" in read
    assert not [name for name in read if "ReadWrite" in name]
    assert [name for name in write if "ReadWrite" in name]
    assert main(["permissions", "--read", "--option", "nonsense"]) == 1
    assert "no such option: nonsense" in capsys.readouterr().err


def test_the_simulator_ends_when_its_standard_input_closes() -> None:
    simulator = subprocess.run(
        [
            sys.executable, "-m", "local", "simulator", "--port", "0", "--users", "3", "--groups", "1", "--seed", "1",
            "--until-stdin-closes",
        ],
        cwd=ROOT, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert simulator.returncode in {0, -15}, simulator.stderr  # -15: it was told before it listened
