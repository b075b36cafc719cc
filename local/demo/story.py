"""The frame of the demo: a local stack of its own in a temporary folder, the chapters in order, and the
ending.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from rich.markup import escape

from local import azurite
from local.data_folder import DataFolder
from local.demo.chapters import CHAPTERS
from local.demo.interface import Interface, RefusedError, TooSlowError
from local.demo.scene import Scene
from local.demo.stage import FalseClaimError, Stage
from local.errors import LocalStackError
from local.issuer import open_issuer
from local.ports import free_ports

ROOT = Path(__file__).resolve().parent.parent.parent
USERS, GROUPS, SEED = 2000, 250, 11
STOP_SECONDS = 60.0
_READY = re.compile(
    r"ready (?P<url>\S+) tenant=(?P<tenant>\S+)"
    r" graph=(?P<graph>\S+) client=(?P<client>\S+) secret=(?P<secret>\S+)"
)


def tell(*, keep: bool = False) -> int:
    """Tell the whole story; 0 if every claim was true, else 1."""
    stage, began = Stage(), time.monotonic()
    stage.console.print("[bold]Cairn[/bold]: backup and recovery for Microsoft Entra ID, on a simulated tenant")
    folder = Path(tempfile.mkdtemp(prefix="cairn-demo-"))
    try:
        with _stack(stage, folder) as scene:
            for chapter in CHAPTERS:
                chapter(scene)
    except FalseClaimError as claim:
        keep = True
        stage.console.print(f"\n[red]The demo failed[/red]: it is not so that {escape(str(claim))}.")
        return 1
    except (LocalStackError, RefusedError, TooSlowError, httpx.HTTPError) as failure:
        keep = True
        stage.console.print(f"\n[red]The demo failed[/red]: {escape(str(failure))}")
        return 1
    finally:
        if keep:
            stage.console.print(f"Its data and logs are kept in {folder}")
        else:
            shutil.rmtree(folder)
    stage.console.print(f"\n[green]Every claim held.[/green] {time.monotonic() - began:.0f} s in all.")
    return 0


@contextmanager
def _stack(stage: Stage, folder: Path) -> Iterator[Scene]:
    """Run `python -m local up` on a free port for the time of the block, as anybody would."""
    port = free_ports(1)[0]
    command = [
        sys.executable, "-m", "local", "up", "--port", str(port), "--data", str(folder),
        "--users", str(USERS), "--groups", str(GROUPS), "--seed", str(SEED),
    ]  # fmt: skip
    errors = folder / "up.log"
    with errors.open("wb") as log:
        child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, start_new_session=True)
    try:
        with stage.progress("starting the local stack"):
            said = child.stdout.readline().decode() if child.stdout else ""
        ready = _READY.match(said)
        if ready is None:
            lines = errors.read_text(errors="replace").strip().splitlines()
            raise LocalStackError(f"the local stack did not start: {lines[-1] if lines else 'it said nothing'}")
        token = open_issuer(DataFolder(folder).issuer).mint("Administrator", tenants=[ready["tenant"]])
        with httpx.Client(
            base_url=ready["url"], headers={"Authorization": f"Bearer {token}"}, timeout=30, trust_env=False
        ) as client:
            yield Scene(
                stage=stage,
                cairn=Interface(client, ready["tenant"]),
                graph_url=ready["graph"],
                admin_client_id=ready["client"],
                admin_client_secret=ready["secret"],
                storage=azurite.start(DataFolder(folder).azurite).connection_string,
                folder=folder,
            )
    finally:
        _stop(child, folder)


def _stop(child: "subprocess.Popen[bytes]", folder: Path) -> None:
    if child.poll() is None:
        child.terminate()
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        azurite.stop(azurite.start(DataFolder(folder).azurite))  # which it left behind
    if child.stdout is not None:
        child.stdout.close()
