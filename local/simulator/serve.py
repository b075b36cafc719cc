"""The simulator as a process: `run` serves until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from pathlib import Path

import uvloop

from local.simulator import statefile
from local.simulator.simulator import Simulator
from local.simulator.tenant import Tenant


def run(
    port: int = 0, users: int = 1000, groups: int = 100, seed: int = 1, latency_ms: float = 0.0,
    state_file: Path | str | None = None,
) -> None:  # fmt: skip
    """Serve until SIGINT or SIGTERM, after one line `ready http://127.0.0.1:P tenant=ID client=ID secret=S`.

    With `state_file` the tenant is loaded from it when it exists, and saved to it at the end.
    """
    path = Path(state_file) if state_file else None
    tenant = statefile.load(path) if path is not None and path.exists() else None
    uvloop.run(_serve(port, users, groups, seed, latency_ms, path, tenant))


async def _serve(
    port: int, users: int, groups: int, seed: int, latency_ms: float, state_file: Path | None, tenant: Tenant | None
) -> None:
    simulator = Simulator(tenant=tenant, users=users, groups=groups, seed=seed, port=port, latency_ms=latency_ms)
    gc.freeze()  # the tenant is long-lived: collecting over it again and again would stall pages
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows has no signal handlers in its loops
            loop.add_signal_handler(name, stop.set)
    async with simulator as s:
        print(f"ready {s.url} tenant={s.tenant_id} client={s.client_id} secret={s.client_secret}", flush=True)
        await stop.wait()
        if state_file is not None:
            statefile.save(s.tenant, state_file)
