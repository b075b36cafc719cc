"""Restore writes beside the write quota itself: how much of it a restore uses, and what an operation costs without it.

A tenant of N users is backed up, one attribute of each is changed, and all are set back: N operations in the simulator,
under the documented write quota (3,000 in 150 seconds) scaled as asked, through plan, journal, receipts and verifying.
"""

import asyncio
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from local.simulator import Simulator
from local.simulator.faults.throttle import Quota
from shared.deployment import Deployment, records_in_memory
from shared.entra import governor
from shared.repository.memory_store import MemoryBlobStore
from shared.repository.tokens import LocalTokenCipher
from shared.settings import read_settings
from tests.shared.backup.conftest import Backups
from tests.shared.recovery.conftest import Restores

QUOTA_A_SECOND = 20.0


@dataclass(frozen=True, slots=True)
class Measured:
    """One run."""

    operations: int
    scale: float
    seconds: float
    a_second: float
    share_of_quota: float
    cpu_milliseconds_an_operation: float
    peak_mebibytes: float


async def measure(operations: int, scale: float) -> Measured:
    """Restore that many changed users under `scale` times the documented quota."""
    limit = round(3000 * scale)
    governor.WINDOWS["writes"] = governor.Window(limit, 150.0)
    with tempfile.TemporaryDirectory() as folder:
        async with Simulator(users=operations * 2, groups=10, seed=5) as simulator:
            simulator.tenant.throttle.quotas["writes"] = Quota(limit, 150)
            settings = read_settings({
                "CAIRN_GRAPH_URL": simulator.url, "CAIRN_LOGIN_URL": simulator.url,
                "CAIRN_CLIENT_ID": simulator.client_id, "CAIRN_CLIENT_SECRET": simulator.client_secret,
            })
            opened = Deployment(
                settings, records_in_memory(), MemoryBlobStore(), MemoryBlobStore(),
                LocalTokenCipher(Path(folder) / "key"),
            )
            await opened.records.tenants.register(
                tenant_id=simulator.tenant_id, display_name="Bench", cloud="global", kind="workforce",
                created_by="bench",
            )
            backups = Backups(opened, simulator)
            await backups.run("full", ["user"])
            store = simulator.store
            users = [
                one.key for one in store.all("user") if not one.read().get("onPremisesSyncEnabled")
            ][:operations]
            for key in users:
                store.update(key, {**store.get(key).read(), "department": "Damaged"})  # type: ignore[union-attr]
            restores = Restores(opened, simulator, backups)
            planned = await restores.plan(users, links="skip")
            began, cpu = time.monotonic(), time.process_time()
            done = await restores.apply(planned)
            seconds, spent = time.monotonic() - began, time.process_time() - cpu
    count = done["results"]["done"]
    return Measured(
        count, scale, round(seconds, 2), round(count / seconds, 1),
        round(count / seconds / (QUOTA_A_SECOND * scale), 3), round(1000 * spent / count, 2),
        round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    )


def main() -> None:
    """Print one line a run: operations and quota scale come in pairs from the command line."""
    asked = [float(one) for one in sys.argv[1:]] or [2000, 1]
    for operations, scale in zip(asked[::2], asked[1::2], strict=True):
        print(asyncio.run(measure(int(operations), scale)))


if __name__ == "__main__":
    main()
