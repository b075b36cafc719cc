"""The processes that are measured, each apart: the simulated tenant, Cairn's local stack, and (below it) Azurite.

Each ends with its block, gently first.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 900.0
STOP_SECONDS = 60.0
POLL_SECONDS = (0.1, 2.0)
"""At first, and at most: asking often would be measured too."""
CLOSED = frozenset({"succeeded", "succeededWithWarnings", "failed", "cancelled"})
READY = re.compile(r"ready (?P<url>\S+) tenant=(?P<tenant>\S+)(?: .*?client=(?P<client>\S+) secret=(?P<secret>\S+))?")


class BenchError(Exception):
    """Something that is measured did not do its work: no figure is shown for it."""


@dataclass(frozen=True, slots=True)
class Simulator:
    """A serving tenant simulator."""

    url: str
    tenant_id: str
    client_id: str
    client_secret: str
    pid: int

    def control(self, method: str, path: str, body: object = None) -> Any:
        """The answer of one of the simulator's own paths."""
        answer = httpx.request(method, f"{self.url}/simulator/{path}", json=body, timeout=600, trust_env=False)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def graph(self) -> httpx.Client:
        """A client of the simulated Graph with the administrator's token."""
        token = httpx.post(
            f"{self.url}/{self.tenant_id}/oauth2/v2.0/token", trust_env=False,
            data={"grant_type": "client_credentials", "client_id": self.client_id, "client_secret": self.client_secret,
                  "scope": "https://graph.microsoft.com/.default"},
        ).json()["access_token"]  # fmt: skip
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=f"{self.url}/v1.0", headers=headers, timeout=120, trust_env=False)


@dataclass(frozen=True, slots=True)
class Cairn:
    """A serving local stack."""

    client: httpx.Client
    tenant_id: str
    pid: int

    def get(self, path: str) -> Any:
        """The body of an answer below the tenant, or below the interface if the path begins with a slash."""
        answer = self.client.get(self._address(path))
        answer.raise_for_status()
        return answer.json()

    def run(self, path: str, body: Mapping[str, object], *, wait_seconds: float = 3600.0) -> Any:
        """The task of that work once it has ended well; BenchError otherwise."""
        answer = self.client.post(self._address(path), json=body)
        answer.raise_for_status()
        task, until, pause = answer.json(), time.monotonic() + wait_seconds, POLL_SECONDS[0]
        while task["status"] not in CLOSED:
            if time.monotonic() > until:
                raise BenchError(f"{task['name']} is still {task['status']} after {wait_seconds:.0f} s")
            time.sleep(pause)
            pause = min(POLL_SECONDS[1], pause * 1.1)
            task = self.get(f"/tasks/{task['taskId']}")
        if task["status"] not in ("succeeded", "succeededWithWarnings"):
            raise BenchError(f"{task['name']}: {task['status']}: {task['lastResultDescription']}")
        return task

    def storage_pid(self) -> int:
        """Azurite's process."""
        folder = Path(self.client.headers["x-bench-data"])
        return int((folder / "azurite" / "azurite.pid").read_text().split()[0])

    def _address(self, path: str) -> str:
        return f"/api/v1{path}" if path.startswith("/") else f"/api/v1/tenants/{self.tenant_id}/{path}"


def simulator_command(*, users: int, groups: int, seed: int = 5) -> list[str]:
    """The command that serves a generated tenant of that size."""
    return [sys.executable, "-m", "local", "simulator", "--port", "0", "--users", str(users), "--groups", str(groups),
            "--seed", str(seed)]  # fmt: skip


@contextmanager
def simulating(tenant: Path, *, latency_ms: float = 0.0) -> Iterator[Simulator]:
    """Serve a copy of that tenant: what changes in the block is not kept."""
    copy = tenant.with_name(f"running-{os.getpid()}-{tenant.name}")
    copy.unlink(missing_ok=True)
    os.link(tenant, copy)
    command = [sys.executable, "-m", "local", "simulator", "--port", "0", "--users", "1", "--groups", "0",
               "--latency-ms", str(latency_ms), "--data", str(copy)]  # fmt: skip
    try:
        with serving(command) as (ready, pid):
            yield Simulator(ready["url"], ready["tenant"], ready["client"], ready["secret"], pid)
    finally:
        copy.unlink(missing_ok=True)


@contextmanager
def generating(users: int, groups: int, *, latency_ms: float = 0.0) -> Iterator[Simulator]:
    """Serve a tenant of the simulator's own making, which lies in no file: for sizes that take long to load."""
    command = [sys.executable, "-m", "local", "simulator", "--port", "0", "--users", str(users),
               "--groups", str(groups), "--latency-ms", str(latency_ms)]  # fmt: skip
    with serving(command) as (ready, pid):
        yield Simulator(ready["url"], ready["tenant"], ready["client"], ready["secret"], pid)


@contextmanager
def cairn_protecting(
    simulator: Simulator, folder: Path, *, every_link: bool = True, module: str = "",
    more: Mapping[str, str] | None = None,
) -> Iterator[Cairn]:
    """Serve Cairn over that tenant, with its storage in `folder`; `module` is what runs in the place of `local`."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CAIRN_")},
        "CAIRN_TENANT_ID": simulator.tenant_id, "CAIRN_CLIENT_ID": simulator.client_id,
        "CAIRN_CLIENT_SECRET": simulator.client_secret, "CAIRN_RESTORE_CLIENT_ID": simulator.client_id,
        "CAIRN_RESTORE_CLIENT_SECRET": simulator.client_secret, "CAIRN_LOGIN_URL": simulator.url,
        **(more or {}),
    }  # fmt: skip
    module = module or ("local" if every_link else "bench.same_links")
    command = [sys.executable, "-m", module, "up", "--port", "0", "--data", str(folder), "--graph-url", simulator.url]
    with serving(command, environment) as (ready, pid):
        token = subprocess.run(
            [sys.executable, "-m", "local", "token", "--role", "Administrator", "--hours", "12", "--data", str(folder)],
            cwd=ROOT, check=True, capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip
        headers = {"Authorization": f"Bearer {token}", "x-bench-data": str(folder)}
        with httpx.Client(base_url=ready["url"], headers=headers, timeout=120, trust_env=False) as client:
            yield Cairn(client, simulator.tenant_id, pid)


@contextmanager
def serving(
    command: list[str], environment: Mapping[str, str] = os.environ
) -> Iterator[tuple[Mapping[str, str], int]]:
    """Run a process for the time of the block; the value is its ready line, taken apart, and its id."""
    process = subprocess.Popen(command, cwd=ROOT, env=dict(environment), stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        matched = READY.match(line)
        if matched is None:
            raise BenchError(f"{' '.join(command[1:4])} did not start: {line!r}")
        yield matched.groupdict(), process.pid
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def machine() -> dict[str, Any]:
    """What it was measured on, and how busy that was."""
    load = psutil.getloadavg()
    return {
        "cores": psutil.cpu_count(), "memoryGiB": round(psutil.virtual_memory().total / 2**30, 1),
        "python": sys.version.split()[0], "load": [round(one, 2) for one in load],
    }  # fmt: skip


def written(path: Path, results: Mapping[str, Any]) -> None:
    """Keep the results, whole or not at all."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    part.replace(path)
