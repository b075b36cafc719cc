"""Cairn killed at random moments, again and again: `python tests/laws/soak_kills.py --kills 50`, part of `make soak`.

Each round starts a backup, with faults of the directory, kills Cairn's process (its storage is a process of its own and
stays), and starts it on the same data. Then: nothing stays running, every restore point that is listed passes `verify`,
its counts are the tenant's, and the next backup works. A tally is printed; the exit code is 1 if a round broke a law.
"""

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
READY = re.compile(r"ready (?P<url>\S+) tenant=(?P<tenant>\S+)(?: graph=(?P<graph>\S+) client=\S+ secret=\S+)?\n")
OPEN = ("queued", "running")
END_SECONDS = 180.0
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "throttle", "retryAfter": 1, "probability": 0.02},
    {"kind": "status", "status": 503, "probability": 0.05},
    {"kind": "cut", "probability": 0.05},
    {"kind": "truncate", "probability": 0.05},
    {"kind": "slow", "seconds": 0.3, "probability": 0.2},
    {"kind": "repeat", "probability": 0.3},
    {"kind": "deltaReset", "count": 2, "probability": 0.5},
)


@dataclass
class Cairn:
    """A running stack."""

    process: "subprocess.Popen[str]"
    url: str
    tenant: str
    graph: str
    token: str

    def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """The interface's answer."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.request(
            method, f"{self.url}/api/v1{path}", headers=headers, json=body, timeout=60, trust_env=False
        )

    def simulator(self, method: str, path: str, body: Any = None) -> Any:
        """The simulator's answer."""
        answer = httpx.request(method, f"{self.graph}/simulator/{path}", json=body, timeout=60, trust_env=False)
        return answer.json() if answer.content else None

    def ended(self, task_id: str) -> dict[str, Any]:
        """The task when it has ended."""
        until = time.monotonic() + END_SECONDS
        while time.monotonic() < until:
            task: dict[str, Any] = self.call("GET", f"/tasks/{task_id}").json()
            if task["status"] not in OPEN:
                return task
            time.sleep(0.3)
        raise AssertionError(f"task {task_id} has not ended after {END_SECONDS:.0f} s")

    def back_up(self) -> dict[str, Any]:
        """The task of a backup that may be started at once, or once the running one has ended."""
        for _ in range(2):
            answer = self.call("POST", f"/tenants/{self.tenant}/backups", {"kind": "incremental"})
            if answer.status_code == 202:
                return self.ended(answer.json()["taskId"])
            assert answer.status_code == 409, answer.text
            running = re.search(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer.text)
            assert running, answer.text
            self.ended(running.group())
        raise AssertionError("the lock is held though its task has ended")

    def kill(self) -> None:
        """SIGKILL to Cairn, not to its storage."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)
        if self.process.stdout:
            self.process.stdout.close()

    def stop(self) -> None:
        """A clean end."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)
        if self.process.stdout:
            self.process.stdout.close()


def started(data: Path, size: tuple[int, int]) -> Cairn:
    """A stack on this data."""
    arguments = ["up", "--port", "0", "--data", str(data), "--users", str(size[0]), "--groups", str(size[1])]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CAIRN_")}
    with (data / "up.log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "local", *arguments], cwd=ROOT, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=log, start_new_session=True,
        )  # fmt: skip
    said = process.stdout.readline() if process.stdout else ""
    ready = READY.fullmatch(said)
    assert ready, f"{said!r}\n{(data / 'up.log').read_text()[-2000:]}"
    token = subprocess.run(
        [sys.executable, "-m", "local", "token", "--role", "Administrator", "--data", str(data)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    return Cairn(process, ready["url"], ready["tenant"], ready["graph"], token)


def killed_round(data: Path, chance: random.Random, size: tuple[int, int], longest: float) -> tuple[str, str]:
    """How the task that was cut off ended, and how its successor did; AssertionError if a law is broken."""
    cairn = started(data, size)
    rule = {**chance.choice(FAULTS), "seed": chance.randrange(1000)}
    cairn.simulator("PUT", "faults", rule)
    answer = cairn.call("POST", f"/tenants/{cairn.tenant}/backups", {"kind": chance.choice(["full", "incremental"])})
    assert answer.status_code == 202, answer.text
    cut_off = answer.json()["taskId"]
    time.sleep(chance.uniform(0.0, longest))
    cairn.kill()
    cairn = started(data, size)
    try:
        cairn.simulator("DELETE", "faults")
        assert_listed_points_pass(cairn)
        task = cairn.ended(cut_off)
        assert task["lastResultDescription"], task
        after = cairn.back_up()
        assert after["status"] in ("succeeded", "succeededWithWarnings"), after["lastResultDescription"]
        assert_listed_points_pass(cairn)
        truth = cairn.simulator("GET", "state")["objects"]
        point = cairn.call("GET", f"/tenants/{cairn.tenant}/backups/latest").json()
        for name in ("user", "group", "application", "servicePrincipal", "device"):
            held, real = point["counts"].get(name, 0), len(truth.get(name, {}))
            assert held == real, f"{name}: {held} against {real}"
        still = [one for one in cairn.call("GET", "/tasks").json()["value"] if one["status"] in OPEN]
        assert not still, still
        return task["status"], after["status"]
    finally:
        cairn.stop()


def assert_listed_points_pass(cairn: Cairn) -> None:
    """The newest restore points that are listed pass `verify`."""
    for point in cairn.call("GET", f"/tenants/{cairn.tenant}/backups?top=2").json()["value"]:
        answer = cairn.call("POST", f"/tenants/{cairn.tenant}/backups/{point['backupId']}/verify")
        assert answer.status_code == 202, answer.text
        verified = cairn.ended(answer.json()["taskId"])
        assert verified["status"] == "succeeded", verified["lastResultDescription"]


def main() -> int:
    """Run and print the tally."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--users", type=int, default=400)
    parser.add_argument("--groups", type=int, default=60)
    parser.add_argument("--longest", type=float, default=4.0, help="seconds after which Cairn is killed at the latest")
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    tally: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="cairn-soak-") as folder:
        for number in range(1, asked.kills + 1):
            try:
                cut_off, after = killed_round(Path(folder), chance, (asked.users, asked.groups), asked.longest)
                said = f"cut off: {cut_off}, next: {after}"
            except AssertionError as broken:
                said = f"BROKEN: {str(broken)[:300]}"
            tally[said if said.startswith("cut off") else "BROKEN"] += 1
            print(f"kill {number:3}: {said}", flush=True)
    for said, count in tally.most_common():
        print(f"{count:4}  {said}")
    return 1 if tally["BROKEN"] else 0


if __name__ == "__main__":
    sys.exit(main())
