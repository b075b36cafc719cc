"""What Cairn is measured beside: installed as published into an environment of its own, run as a process of its own."""

import hashlib
import json
import sqlite3
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

from bench.parts import ROOT, BenchError, serving
from bench.tenant import Sizes

REQUIREMENTS = ROOT / "bench" / "requirements.txt"
GATHER_SECONDS = 3600


def environment(cache: Path) -> Path:
    """The interpreter of the rivals' environment, made if its requirements are new."""
    mark = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = cache / f"rivals-{mark}"
    python = folder / "bin" / "python"
    if not (folder / "whole").exists():
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "-r", str(REQUIREMENTS)], check=True)
        (folder / "whole").touch()
    return python


def gathered(
    cache: Path, tenant: Path, sizes: Sizes, latency_ms: float, *, as_published: bool = True
) -> dict[str, Any]:
    """What roadrecon's gather cost on that tenant; BenchError if its database lacks something.

    `as_published` keeps its own limit of 600 requests a second; without it the limit is lifted.
    """
    python = environment(cache)
    script = str(ROOT / "bench" / "gather.py")
    columns = cache / "columns.json"
    columns.write_bytes(subprocess.run([str(python), script, "columns"], check=True, capture_output=True).stdout)
    stand_in = [sys.executable, "-m", "bench.older_graph", "--tenant", str(tenant), "--columns", str(columns),
                "--latency-ms", str(latency_ms)]  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="cairn-bench-") as folder, serving(stand_in) as (ready, _):
        database = Path(folder) / "roadrecon.db"
        limit = "0" if as_published else "1000000"
        ended = subprocess.run(
            [str(python), script, "gather", ready["url"], ready["tenant"], str(database), limit],
            capture_output=True, text=True, timeout=GATHER_SECONDS, cwd=folder, check=False,
        )  # fmt: skip
        if ended.returncode:
            raise BenchError(f"roadrecon ended with {ended.returncode}: {ended.stderr[-500:]}")
        told: dict[str, Any] = json.loads(ended.stdout.strip().splitlines()[-1])
        told["counts"] = _whole(database, sizes)
        told["storedMB"] = round(database.stat().st_size / 1e6, 1)
    return told


def _whole(database: Path, sizes: Sizes) -> dict[str, int]:
    tables = {
        "Users": sizes.users, "Groups": sizes.groups, "Devices": sizes.devices, "Applications": sizes.applications,
        "ServicePrincipals": sizes.service_principals, "lnk_group_member_user": sizes.memberships,
        "lnk_group_owner_user": sizes.groups, "lnk_device_owner": sizes.devices,
    }  # fmt: skip
    with sqlite3.connect(database) as connection:
        counts = {name: connection.execute(f"select count(*) from {name}").fetchone()[0] for name in tables}
    if short := {name: counts[name] for name, least in tables.items() if counts[name] < least}:
        raise BenchError(f"roadrecon did not gather all: {short}")
    return counts
