"""The vault alone is enough: tables and indexes are wiped on disk, rebuilt from the vault, and everything lists as it
did, over HTTP, before and after."""

import hashlib
import hmac
import importlib.util
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location("stack_for_rebuild", Path(__file__).with_name("test_stack.py"))
assert _spec
assert _spec.loader
stacks = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = stacks
_spec.loader.exec_module(stacks)


SECRET = "a-secret-of-enough-length"
SOON = {"CAIRN_NOTIFICATION_CRON": "*/2 * * * * *"}
"""Notifications go out every other second, so that nobody waits for the half minute."""


def wait(up: Any, task: dict[str, Any]) -> dict[str, Any]:
    deadline = time.monotonic() + 120
    while task["status"] in ("queued", "running"):
        assert time.monotonic() < deadline, task
        time.sleep(0.3)
        task = up.call("GET", f"/tasks/{task['taskId']}").json()
    return task


def run(up: Any, path: str, body: Any) -> dict[str, Any]:
    answer = up.call("POST", path, json=body)
    assert answer.status_code == 202, answer.text
    task = wait(up, answer.json())
    assert task["status"].startswith("succeeded"), task
    return task


def lists(up: Any, restore_id: str = "") -> dict[str, Any]:
    tenant = f"/tenants/{up.ready['tenant']}"
    paths = [
        "/tenants", f"{tenant}/settings", f"{tenant}/backups", f"{tenant}/backups/latest/coverage", "/tasks",
        "/events", "/roles", f"{tenant}/assignments", f"{tenant}/notifications", f"{tenant}/notifications/deliveries",
        f"{tenant}/consents", f"{tenant}/identityMap", f"{tenant}/restores", f"{tenant}/restorePoints",
    ]
    if restore_id:
        paths += [f"{tenant}/restores/{restore_id}{part}" for part in ("", "/plan", "/operations")]
    shown = {path: up.call("GET", path).json() for path in paths}
    for page in shown.values():
        page.pop("nextLink", None)
    return shown


def graph(up: Any) -> httpx.Client:
    """The tenant as its administrator changes it."""
    form = {
        "grant_type": "client_credentials", "client_id": up.ready["client"], "client_secret": up.ready["secret"],
        "scope": f"{up.ready['graph']}/.default",
    }
    token = httpx.post(f"{up.ready['graph']}/{up.ready['tenant']}/oauth2/v2.0/token", data=form, trust_env=False).json()
    return httpx.Client(
        base_url=f"{up.ready['graph']}/v1.0", headers={"Authorization": f"Bearer {token['access_token']}"},
        trust_env=False,
    )


def delete_for_good(up: Any, kind: str) -> str:
    """The id of a group (or user) of the cloud that is not even in the recycle bin any more."""
    with graph(up) as client:
        if kind == "users":
            query = {"$filter": "userType eq 'Member' and accountEnabled eq true", "$top": "30"}
        else:
            query = {"$filter": "securityEnabled eq true and mailEnabled eq false", "$top": "30"}
        found = client.get(f"/{kind}", params={**query, "$select": "id,onPremisesSyncEnabled"}).json()["value"]
        for one in reversed([one for one in found if not one["onPremisesSyncEnabled"]]):
            if client.delete(f"/{kind}/{one['id']}").status_code == 204:
                client.delete(f"/directory/deletedItems/{one['id']}")
                return str(one["id"])
    raise AssertionError(f"none of {kind} could be deleted")


def names(up: Any, kind: str) -> list[str]:
    with graph(up) as client:
        page = client.get(f"/{kind}", params={"$select": "displayName", "$top": "999"}).json()
    return sorted(one["displayName"] for one in page["value"])


@contextmanager
def receiver() -> Iterator[tuple[str, list[tuple[str, str, bytes]]]]:
    """An address that takes webhooks, and (timestamp, signature, body) of each."""
    taken: list[tuple[str, str, bytes]] = []

    class Take(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append((self.headers["Cairn-Timestamp"], self.headers["Cairn-Signature"], body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Take)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/hook", taken
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


def rebuilt(data: Path) -> dict[str, int]:
    run = subprocess.run(
        [sys.executable, "-m", "local", "rebuild", "--data", str(data)], cwd=ROOT, capture_output=True, text=True,
        timeout=120, env=stacks.clean_environment(),
    )
    assert run.returncode == 0, run.stderr
    return {name: int(count) for name, count in (pair.split("=") for pair in run.stdout.split())}


def test_everything_lists_as_before_and_the_next_backup_goes_on_from_the_last(tmp_path: Path) -> None:
    with receiver() as (address, taken):
        with stacks.stack(tmp_path, *stacks.SMALL, **SOON) as up:
            tenant = f"/tenants/{up.ready['tenant']}"
            assert up.call("PUT", f"{tenant}/settings", json={"retentionDays": 90}).status_code == 200
            channels = {"webhooks": [{"url": address, "secret": SECRET}]}
            assert up.call("PUT", f"{tenant}/notifications", json=channels).status_code == 200
            assert up.call("POST", f"{tenant}/consents/basic/check").status_code == 200
            for kind in ("full", "incremental"):
                run(up, f"{tenant}/backups", {"kind": kind, "types": ["user", "group"]})
            groups = names(up, "groups")
            lost = delete_for_good(up, "groups")
            chosen = {"source": {"backupId": "latest"}, "selection": {"objectIds": [lost]}, "apply": True}
            restore_id = run(up, f"{tenant}/restores", chosen)["result"]["restoreId"]
            assert names(up, "groups") == groups
            assert up.call("POST", f"{tenant}/notifications/test").json()["value"][0]["status"] == "sent"
            deadline = time.monotonic() + 60
            while not any(b"restoreApplied" in body for _, _, body in taken):
                assert time.monotonic() < deadline, taken
                time.sleep(0.5)
            time.sleep(2)  # what became of that delivery is written after the receiver has answered
            before = lists(up, restore_id)
            assert len(before[f"{tenant}/identityMap"]["value"]) == 1
            audited = up.call("GET", "/audit").json()["value"]
            assert up.end() == 0
        counts = rebuilt(tmp_path)
        assert counts["tenants"] == 1
        assert counts["restorePoints"] == 3
        assert counts["tasks"] >= 3  # the schedule may have verified the newest one meanwhile
        with stacks.stack(tmp_path, *stacks.SMALL, **SOON) as up:
            after = lists(up, restore_id)
            for path in ("/tasks", "/events"):  # the schedule starts work of its own at any time
                shown = [one for one in before.pop(path)["value"] if one.get("status") not in ("queued", "running")]
                assert [one for one in after[path]["value"] if one in shown] == shown, path
            for path, page in before.items():
                assert after[path] == page, path
            assert audited == [one for one in up.call("GET", "/audit").json()["value"] if one in audited]
            taken.clear()
            assert up.call("POST", f"{tenant}/notifications/test").json()["value"][0]["status"] == "sent"
            (moment, signed, body), *_ = taken
            digest = hmac.new(SECRET.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
            assert signed == f"v1={digest}"
            users = names(up, "users")
            lost = delete_for_good(up, "users")
            chosen = {"source": {"backupId": "00000001"}, "selection": {"objectIds": [lost]}, "apply": True}
            again = run(up, f"{tenant}/restores", chosen)["result"]["restoreId"]
            assert names(up, "users") == users
            shown = up.call("GET", f"{tenant}/restores/{again}").json()
            assert (shown["state"], shown["credentials"]) == ("done", "waiting")
            undone = run(up, f"{tenant}/restores/{restore_id}/undo", {"apply": True})
            assert undone["result"]["restoreId"] != restore_id
            run(up, f"{tenant}/backups", {"kind": "incremental", "types": ["user"]})
            over_http = run(up, "/rebuild", {})
            assert over_http["lastResultDescription"].startswith("1 tenants with ")
            run(up, f"{tenant}/backups/latest/verify", {})
            books = up.call("GET", "/audit/verification").json()["value"]
            assert [one for one in books if not one["intact"]] == []
            assert sum(one["entries"] for one in books) > len(audited)
