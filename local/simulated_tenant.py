"""The simulated tenant as a part of the local stack: a process of its own, with its data in the data folder.

It ends when its standard input closes, so it never outlives the stack however that ends, and it saves before
it goes; the next start waits for one that is still saving.
"""

import asyncio
import contextlib
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from local import children
from local.errors import LocalStackError
from local.ports import free_ports, is_free
from local.private_files import private_folder

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 300.0
"""Making a million users takes minutes."""
STOP_SECONDS = 30.0
_READY = re.compile(
    r"ready (?P<url>\S+) tenant=(?P<tenant>\S+) client=(?P<client>\S+) secret=(?P<secret>\S+)"
)


@dataclass(frozen=True, slots=True)
class Size:
    """What to make of a new simulated tenant; one that has data keeps them."""

    users: int
    groups: int
    seed: int


@dataclass(frozen=True, slots=True)
class SimulatedTenant:
    """A serving simulator: its roots are one address, and its app may do anything."""

    url: str
    tenant_id: str
    client_id: str
    client_secret: str


@asynccontextmanager
async def simulating(folder: Path, size: Size) -> AsyncIterator[SimulatedTenant]:
    """Serve that folder's simulated tenant for the time of the block, made by `size` if it is new."""
    private_folder(folder)
    tenant_file, pid_file = folder / "tenant.json", folder / "simulator.pid"
    if left := children.find(pid_file, str(tenant_file)):
        children.end(left, pid_file, wait_seconds=STOP_SECONDS)
    command = [
        sys.executable, "-m", "local", "simulator", "--port", str(_kept_port(folder)), "--data",
        str(tenant_file), "--users", str(size.users), "--groups", str(size.groups), "--seed", str(size.seed),
        "--until-stdin-closes",
    ]  # fmt: skip
    with (folder / "simulator.log").open("ab") as log:
        child = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, start_new_session=True,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log,
        )  # fmt: skip
    pid_file.write_text(f"{child.pid}\n")
    try:
        yield await _ready(child, folder)
    finally:
        await _end(child)
        pid_file.unlink(missing_ok=True)


async def _ready(child: asyncio.subprocess.Process, folder: Path) -> SimulatedTenant:
    said = b""
    if child.stdout is not None:
        with contextlib.suppress(TimeoutError):
            said = await asyncio.wait_for(child.stdout.readline(), START_SECONDS)
    matched = _READY.match(said.decode(errors="replace"))
    if matched is None:
        raise LocalStackError(f"the tenant simulator did not start; see {folder / 'simulator.log'}")
    return SimulatedTenant(matched["url"], matched["tenant"], matched["client"], matched["secret"])


async def _end(child: asyncio.subprocess.Process) -> None:
    """Close its input, wait for it to save, and kill it only if it does not come to an end."""
    if child.stdin is not None:
        child.stdin.close()
    try:
        await asyncio.wait_for(child.wait(), STOP_SECONDS)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, 9)
        await child.wait()


def _kept_port(folder: Path) -> int:
    """The port of last time if it is free, so that addresses that people noted stay good."""
    kept = folder / "port.json"
    with contextlib.suppress(FileNotFoundError, ValueError):
        port = json.loads(kept.read_text())
        if isinstance(port, int) and is_free(port):
            return port
    port = free_ports(1)[0]
    kept.write_text(json.dumps(port))
    return port
