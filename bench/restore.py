"""Restore writes beside the write quota itself: how much of it a restore uses, and what an operation costs without it.

A tenant of N users is backed up, one attribute of each is changed, and the type is set back: N operations through plan,
journal, receipts, the engine and storage. Graph allows 3,000 writes in 150 seconds ("Microsoft Graph service-specific
throttling limits"), which a restore of 2,000 operations never runs into; so the same rate is also measured in windows
of ten seconds, where nearly every write waits for its turn.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from bench.measuring import metered
from bench.parts import BenchError, Cairn, Simulator, cairn_protecting, serving, simulator_command
from bench.report import Measure, Report

DOCUMENTED = (3_000, 150)
SHARE = 0.9
UNLIMITED = (10_000_000, 1)
PART = 20
"""Changes in one `$batch`."""


@dataclass(frozen=True, slots=True)
class Quota:
    """So many writes in so many seconds."""

    limit: int
    seconds: int


def documented(report: Report, cache: Path, scale: str) -> None:  # noqa: ARG001 - the quota does not follow the scale
    """Add 2,000 operations under the documented quota: as it is, and as the same rate in short windows."""
    _show(report, "2,000 operations, documented quota", 2_000, Quota(*DOCUMENTED))
    _show(report, "2,000 operations, the same rate in windows of 10 s", 2_000, Quota(200, 10))


def ten_times(report: Report, cache: Path, scale: str) -> None:  # noqa: ARG001 - as above
    """Add 20,000 operations at ten times the documented rate, in short windows."""
    _show(report, "20,000 operations, ten times the rate in windows of 10 s", 20_000, Quota(2_000, 10))


def unlimited(report: Report, cache: Path, scale: str) -> None:  # noqa: ARG001 - as above
    """Add what an operation costs where nothing holds it back, and whether memory grows with their number."""
    small, large = _measured(2_000, Quota(*UNLIMITED)), _measured(10_000, Quota(*UNLIMITED))
    report.note("restore without a quota, 2,000 operations", small)
    report.note("restore without a quota, 10,000 operations", large)
    report.add(
        Measure("restore without a quota: operations a second", large["aSecond"], "/s"),
        Measure("restore without a quota: CPU an operation, apply and verify", large["cpuMillisecondsAnOperation"],
                "ms"),
        Measure("restore: peak above idle, 10,000 operations", large["peakAboveIdleMiB"], "MiB",
                "2,000 operations", small["peakAboveIdleMiB"], "flat: at most 1.5 times and 50 MiB",
                large["peakAboveIdleMiB"] <= 1.5 * small["peakAboveIdleMiB"] + 50),
    )  # fmt: skip


def _show(report: Report, name: str, operations: int, quota: Quota) -> None:
    found = _measured(operations, quota)
    report.note(f"restore: {name}", found)
    share = round(found["aSecond"] / (quota.limit / quota.seconds), 3)
    report.add(
        Measure(f"restore: {name}: operations a second beside the quota's", found["aSecond"], "/s", "the quota",
                quota.limit / quota.seconds, f"at least {SHARE} of it", share >= SHARE),
    )  # fmt: skip


def _measured(operations: int, quota: Quota) -> dict[str, Any]:
    """One restore of that many changed users, each set back by one write."""
    with (
        tempfile.TemporaryDirectory(prefix="cairn-bench-") as folder, _simulated(operations) as simulator,
        cairn_protecting(
            simulator, Path(folder), module="bench.write_quota",
            more={"CAIRN_BENCH_WRITES": f"{quota.limit}/{quota.seconds}"},
        ) as cairn,
    ):
        cairn.run("backups", {"kind": "full", "types": ["user"]})
        _damage(simulator, operations)
        simulator.control("POST", "quotas", {"quotas": _quotas(quota.limit, quota.seconds)})
        planned = cairn.run("restores", {
            "source": {"backupId": "latest"}, "selection": {"types": ["user"]}, "options": {"links": "skip"},
            "force": True,
        })
        restore_id = planned["result"]["restoreId"]
        restore = cairn.get(f"restores/{restore_id}")
        if restore["counts"]["update"] != operations:
            raise BenchError(f"{restore['counts']} were planned instead of {operations} updates")
        with metered(cairn.pid) as cost:
            cairn.run(f"restores/{restore_id}/apply", {"planHash": restore["planHash"], "force": True})
        done = cairn.get(f"restores/{restore_id}")
        if done["results"] != {"done": operations} or done["verification"]["differing"]:
            raise BenchError(f"{done['results']}, {done['verification']}")
        ends = [datetime.fromisoformat(one["at"]).timestamp() for one in _operations(cairn, restore_id)]
    writing = max(ends) - min(ends)
    return {
        "operations": operations, "quota": f"{quota.limit} in {quota.seconds} s", "writingSeconds": round(writing, 2),
        "aSecond": round(operations / writing, 1),
        "cpuMillisecondsAnOperation": round(1000 * cost.cpu_seconds / operations, 2), **cost.told(),
    }


@contextmanager
def _simulated(users: int) -> Iterator[Simulator]:
    with serving(simulator_command(users=users * 2 + 200, groups=10)) as (ready, pid):
        yield Simulator(ready["url"], ready["tenant"], ready["client"], ready["secret"], pid)


def _quotas(limit: int, seconds: int) -> dict[str, dict[str, int]]:
    return {name: {"limit": limit, "seconds": seconds} for name in ("writesApplication", "writesTenant")}


def _damage(simulator: Simulator, count: int) -> None:
    """Change one attribute of so many users of the cloud; those in restricted units are not the administrator's."""
    simulator.control("POST", "quotas", {"quotas": _quotas(*UNLIMITED)})
    changed = 0
    with simulator.graph() as graph:
        address = "/users?$select=id,onPremisesSyncEnabled&$top=999"
        while changed < count and address:
            page = graph.get(address).raise_for_status().json()
            some = [
                one["id"] for one in page["value"] if not one["onPremisesSyncEnabled"] and "@odata.type" not in one
            ]
            for at in range(0, len(some), PART):
                changed += _changed(graph, some[at : at + min(PART, count - changed)])
            address = page.get("@odata.nextLink", "")
    if changed != count:
        raise BenchError(f"the tenant has only {changed} users to change")


def _changed(graph: httpx.Client, some: list[str]) -> int:
    if not some:
        return 0
    requests = [
        {"id": one, "method": "PATCH", "url": f"/users/{one}", "body": {"department": "Damaged"},
         "headers": {"Content-Type": "application/json"}} for one in some
    ]  # fmt: skip
    answers = graph.post("/$batch", json={"requests": requests}).raise_for_status().json()["responses"]
    return sum(one["status"] < 300 for one in answers)


def _operations(cairn: Cairn, restore_id: str) -> Iterator[dict[str, Any]]:
    address = f"restores/{restore_id}/operations?top=1000"
    while address:
        page = cairn.get(address)
        yield from page["value"]
        following = page.get("nextLink") or ""
        address = following.partition("/api/v1")[2]
