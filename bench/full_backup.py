"""The full backup: the same types that the rivals read, at once and at 50 ms, and the whole catalog; then what changed.

Cairn reads from the tenant simulator, whose own work is not counted.
"""

from pathlib import Path

from bench.backup import SAME_TYPES, Backup, back_up, folder, proven
from bench.changes import change_one_percent
from bench.parts import cairn_protecting, simulating
from bench.report import Measure, Report
from bench.tenant import SCALES, tenant_file

LATENCIES_MS = (0.0, 50.0)
MEMORY_MIB = {"small": 150, "T1": 150, "1M": 250}
INCREMENTAL_REQUESTS = 200
INCREMENTAL_PART = 15


def measure(report: Report, cache: Path, scale: str) -> None:
    """Add what a full and an incremental backup cost."""
    tenant, sizes = tenant_file(cache, scale), SCALES[scale]
    for latency in LATENCIES_MS:
        with folder() as data, simulating(tenant, latency_ms=latency) as simulator:
            with cairn_protecting(simulator, Path(data)) as cairn:
                same = back_up(simulator, cairn, {"kind": "full", "types": list(SAME_TYPES)})
                proven(same, sizes)
                report.note(f"full backup, same types, {latency:.0f} ms", same.told)
            if latency:
                with folder() as other, cairn_protecting(simulator, Path(other)) as cairn:
                    full = back_up(simulator, cairn, {"kind": "full"})
                    proven(full, sizes)
                    report.note(f"full backup, whole catalog, {latency:.0f} ms", full.told)
                    changed = change_one_percent(simulator)
                    after = back_up(simulator, cairn, {"kind": "incremental"})
                    report.note(f"incremental backup, {changed} changed, {latency:.0f} ms", after.told)
                    _lines(report, scale, same, full, after)


def _lines(report: Report, scale: str, same: Backup, full: Backup, after: Backup) -> None:
    allowed = MEMORY_MIB[scale]
    sweep = after["paths"].get("GET servicePrincipals", 0)
    besides = after["requests"] - sweep
    part = full["backupSeconds"] / after["backupSeconds"]
    report.add(
        Measure("peak memory above idle, same types", same["peakAboveIdleMiB"], "MiB",
                target=f"at most {allowed} MiB", met=same["peakAboveIdleMiB"] <= allowed),
        Measure("peak memory above idle, whole catalog", full["peakAboveIdleMiB"], "MiB",
                target=f"at most {allowed} MiB", met=full["peakAboveIdleMiB"] <= allowed),
        Measure("incremental: requests besides the app-role sweep", besides, "",
                "own full", full["requests"],
                f"at most {INCREMENTAL_REQUESTS}", besides <= INCREMENTAL_REQUESTS if scale == "T1" else None),
        Measure("incremental: time", after["backupSeconds"], "s", "own full", full["backupSeconds"],
                f"1/{INCREMENTAL_PART} of the full", part >= INCREMENTAL_PART if scale == "T1" else None),
    )  # fmt: skip
