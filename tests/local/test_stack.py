"""The local stack as scripts meet it: one ready line, one registered tenant, a clean end, and data that
survive.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from local import children

ROOT = Path(__file__).resolve().parent.parent.parent
GUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
READY = re.compile(
    rf"ready (?P<url>http://127\.0\.0\.1:\d+) tenant=(?P<tenant>{GUID})"
    rf"(?: graph=(?P<graph>http://127\.0\.0\.1:\d+) client=(?P<client>{GUID}) secret=(?P<secret>\S+))?\n"
)


@dataclass
class Up:
    """A running `python -m local up`."""

    process: "subprocess.Popen[str]"
    data: Path
    ready: re.Match[str]

    @cached_property
    def bearer(self) -> str:
        """An administrator's token, which holds for an hour."""
        return token(self.data)

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.bearer}"}
        with httpx.Client(base_url=self.ready["url"], headers=headers, timeout=30, trust_env=False) as client:
            return client.request(method, f"/api/v1{path}", **options)

    def end(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(60)
        finally:
            if self.process.stdout:
                self.process.stdout.close()


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("CAIRN_")}


def token(data: Path, role: str = "Administrator") -> str:
    made = subprocess.run(
        [sys.executable, "-m", "local", "token", "--role", role, "--data", str(data)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return made.stdout.strip()


@contextmanager
def stack(data: Path, *arguments: str, **environment: str) -> Iterator[Up]:
    command = [sys.executable, "-m", "local", "up", "--port", "0", "--data", str(data), *arguments]
    with (data / "up.log").open("a") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**clean_environment(), **environment}, text=True,
            stdout=subprocess.PIPE, stderr=log, start_new_session=True,
        )  # fmt: skip
    said = process.stdout.readline() if process.stdout else ""
    ready = READY.fullmatch(said)
    try:
        assert ready, f"{said!r}\n{(data / 'up.log').read_text()}"
        up = Up(process, data, ready)
        yield up
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(60)
        if process.stdout:
            process.stdout.close()


SMALL = ("--users", "30", "--groups", "5", "--seed", "3")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with stack(tmp_path_factory.mktemp("stack"), *SMALL) as up:
        yield up


def living(data: Path) -> list[str]:
    """Processes that have this data folder on their command line."""
    found = []
    for process in psutil.process_iter():
        try:
            line = process.cmdline()
        except psutil.Error:
            continue
        if any(str(data) in part for part in line) and process.status() != psutil.STATUS_ZOMBIE:
            found.append(" ".join(line))
    return found


def test_the_ready_line_names_everything_that_a_script_needs(running: Up) -> None:
    assert running.ready["graph"]
    assert running.ready["client"]
    assert running.ready["secret"]


def test_the_tenant_is_registered_with_its_schedule_off(running: Up) -> None:
    tenants = running.call("GET", "/tenants").json()["value"]
    assert [tenant["tenantId"] for tenant in tenants] == [running.ready["tenant"]]
    settings = running.call("GET", f"/tenants/{running.ready['tenant']}/settings").json()
    assert settings["schedule"]["enabled"] is False


def test_registering_it_again_is_refused_with_409(running: Up) -> None:
    again = running.call("POST", "/tenants", json={"tenantId": running.ready["tenant"], "displayName": "Again"})
    assert again.status_code == 409
    assert again.headers["content-type"].startswith("application/problem+json")


def test_nobody_is_served_without_a_token(running: Up) -> None:
    answer = httpx.get(f"{running.ready['url']}/api/v1/tenants", trust_env=False)
    assert answer.status_code == 401


def test_a_reader_may_look_and_not_start_anything(running: Up) -> None:
    headers = {"Authorization": f"Bearer {token(running.data, 'Reader')}"}
    root = f"{running.ready['url']}/api/v1/tenants/{running.ready['tenant']}"
    assert httpx.get(root, headers=headers, trust_env=False).status_code == 200
    refused = httpx.post(f"{root}/backups", headers=headers, json={"kind": "full"}, trust_env=False)
    assert refused.status_code == 403


def test_a_second_stack_on_the_same_data_is_refused_and_names_the_first(running: Up) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "local", "up", "--port", "0", "--data", str(running.data)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, env=clean_environment(),
    )  # fmt: skip
    assert second.returncode == 1
    assert f"process {running.process.pid}" in second.stderr
    assert second.stderr.count("\n") == 1


def test_only_loopback_listens(running: Up) -> None:
    whole = psutil.Process(running.process.pid)
    listening = [
        connection.laddr.ip
        for process in (whole, *whole.children(recursive=True))
        for connection in process.net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 4
    assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}


def test_secrets_of_the_data_folder_are_closed_to_others(running: Up) -> None:
    assert running.data.stat().st_mode & 0o077 == 0


def test_the_log_holds_no_secret(running: Up) -> None:
    log = (running.data / "cairn.log").read_text() + (running.data / "up.log").read_text()
    assert running.ready["secret"] not in log
    assert (running.data / "azurite" / "azurite.key").read_text() not in log


@contextmanager
def graph(up: Up) -> Iterator[httpx.Client]:
    """Graph as the people see it who change the tenant."""
    ready = up.ready
    with httpx.Client(base_url=ready["graph"], timeout=30, trust_env=False) as client:
        granted = client.post(
            f"/{ready['tenant']}/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials", "client_id": ready["client"], "client_secret": ready["secret"],
                "scope": f"{ready['graph']}/.default",
            },
        )  # fmt: skip
        client.headers["Authorization"] = f"Bearer {granted.json()['access_token']}"
        yield client


def change(up: Up) -> str:
    """Change something in Cairn and something in the tenant; the value is the new object's path."""
    renamed = up.call("PATCH", f"/tenants/{up.ready['tenant']}", json={"displayName": "Kept"})
    assert renamed.status_code == 200, renamed.text
    group = {"displayName": "Kept", "mailNickname": "kept", "mailEnabled": False, "securityEnabled": True}
    with graph(up) as client:
        made = client.post("/v1.0/groups", json=group)
        assert made.status_code == 201, made.text
    return f"/v1.0/groups/{made.json()['id']}"


def assert_kept(up: Up, path: str) -> None:
    assert up.call("GET", f"/tenants/{up.ready['tenant']}").json()["displayName"] == "Kept"
    with graph(up) as client:
        assert client.get(path).status_code == 200


def test_a_clean_stop_leaves_no_process_and_the_next_start_finds_everything(tmp_path: Path) -> None:
    with stack(tmp_path, *SMALL) as first:
        changed = change(first)
        old_token = token(tmp_path)
        assert first.end(signal.SIGINT) == 0
    assert living(tmp_path) == []
    with stack(tmp_path, *SMALL) as second:
        kept = ("tenant", "graph", "client", "secret")
        assert [second.ready[name] for name in kept] == [first.ready[name] for name in kept]
        tenant = httpx.get(
            f"{second.ready['url']}/api/v1/tenants/{second.ready['tenant']}",
            headers={"Authorization": f"Bearer {old_token}"}, trust_env=False,
        )  # fmt: skip
        assert tenant.status_code == 200
        assert_kept(second, changed)


def test_a_killed_stack_leaves_its_storage_alone_and_the_next_one_takes_it_up(tmp_path: Path) -> None:
    with stack(tmp_path, *SMALL) as first:
        changed = change(first)
        os.killpg(first.process.pid, signal.SIGKILL)
        first.end()
    storage = children.find(tmp_path / "azurite" / "azurite.pid", str(tmp_path / "azurite" / "azurite"))
    assert storage is not None
    with stack(tmp_path, *SMALL) as second:
        assert int((tmp_path / "azurite" / "azurite.pid").read_text()) == storage.pid
        assert_kept(second, changed)
    assert living(tmp_path) == []


def test_a_graph_given_by_address_is_protected_with_the_credentials_of_the_environment(
    running: Up, tmp_path: Path
) -> None:
    ready = running.ready
    given = {
        "CAIRN_TENANT_ID": ready["tenant"], "CAIRN_CLIENT_ID": ready["client"], "CAIRN_CLIENT_SECRET": ready["secret"],
    }  # fmt: skip
    with stack(tmp_path, "--graph-url", ready["graph"], **given) as up:
        assert up.ready["tenant"] == ready["tenant"]
        assert up.ready["graph"] is None
        assert up.call("GET", f"/tenants/{ready['tenant']}").status_code == 200
    assert "CAIRN_RESTORE_CLIENT_ID" in (tmp_path / "up.log").read_text()


def test_a_tenant_named_in_the_env_file_is_protected_in_a_folder_of_its_own(running: Up, tmp_path: Path) -> None:
    ready = running.ready
    dotenv = tmp_path / ".env"
    dotenv.write_text(
        f"CAIRN_TENANT_ID={ready['tenant'].upper()}\nCAIRN_CLIENT_ID={ready['client']}\n"
        f"CAIRN_CLIENT_SECRET={ready['secret']}\nCAIRN_GRAPH_URL={ready['graph']}\n"
    )
    with stack(tmp_path, "--env-file", str(dotenv)) as up:
        assert up.ready["tenant"] == ready["tenant"]
        assert up.ready["graph"] is None
        up.data = tmp_path / ready["tenant"]
        assert up.call("GET", f"/tenants/{ready['tenant']}").status_code == 200
    said = (tmp_path / "up.log").read_text()
    assert str(tmp_path / ready["tenant"]) in said
    assert ready["secret"] not in said
