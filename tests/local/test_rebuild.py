"""The vault alone is enough: tables and indexes are wiped on disk, rebuilt from the vault, and everything lists as it
did, over HTTP, before and after."""

import importlib.util
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location("stack_for_rebuild", Path(__file__).with_name("test_stack.py"))
assert _spec
assert _spec.loader
stacks = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = stacks
_spec.loader.exec_module(stacks)


def wait(up: Any, task: dict[str, Any]) -> dict[str, Any]:
    deadline = time.monotonic() + 120
    while task["status"] in ("queued", "running"):
        assert time.monotonic() < deadline, task
        time.sleep(0.3)
        task = up.call("GET", f"/tasks/{task['taskId']}").json()
    return task


def lists(up: Any) -> dict[str, Any]:
    tenant = f"/tenants/{up.ready['tenant']}"
    shown = {
        path: up.call("GET", path).json()
        for path in (
            "/tenants", f"{tenant}/settings", f"{tenant}/backups", f"{tenant}/backups/latest/coverage", "/tasks",
            "/events", "/roles", f"{tenant}/assignments",
        )
    }
    for page in shown.values():
        page.pop("nextLink", None)
    return shown


def rebuilt(data: Path) -> dict[str, int]:
    run = subprocess.run(
        [sys.executable, "-m", "local", "rebuild", "--data", str(data)], cwd=ROOT, capture_output=True, text=True,
        timeout=120, env=stacks.clean_environment(),
    )
    assert run.returncode == 0, run.stderr
    return {name: int(count) for name, count in (pair.split("=") for pair in run.stdout.split())}


def test_everything_lists_as_before_and_the_next_backup_goes_on_from_the_last(tmp_path: Path) -> None:
    with stacks.stack(tmp_path, *stacks.SMALL) as up:
        tenant = f"/tenants/{up.ready['tenant']}"
        assert up.call("PUT", f"{tenant}/settings", json={"retentionDays": 90}).status_code == 200
        for kind in ("full", "incremental"):
            asked = {"kind": kind, "types": ["user", "group"]}
            task = wait(up, up.call("POST", f"{tenant}/backups", json=asked).json())
            assert task["status"].startswith("succeeded"), task
        before = lists(up)
        assert len(before[f"{tenant}/backups"]["value"]) == 2
        assert up.end() == 0
    counts = rebuilt(tmp_path)
    assert counts["tenants"] == 1
    assert counts["restorePoints"] == 2
    assert counts["tasks"] >= 2  # the schedule may have verified the newest one meanwhile
    with stacks.stack(tmp_path, *stacks.SMALL) as up:
        assert lists(up) == before
        task = wait(up, up.call("POST", f"{tenant}/backups", json={"kind": "incremental", "types": ["user"]}).json())
        assert task["result"]["backupId"] == "00000003"
        answer = up.call("POST", "/rebuild", json={})
        assert answer.status_code == 202, answer.text
        over_http = wait(up, answer.json())
        assert over_http["status"] == "succeeded", over_http
        assert over_http["lastResultDescription"].startswith("1 tenants with 3 restore points")
        verified = wait(up, up.call("POST", f"{tenant}/backups/latest/verify").json())
        assert verified["status"] == "succeeded", verified
