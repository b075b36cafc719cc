"""The full backup, beside roadrecon's gather of the same tenant; and what an incremental one costs after one percent.

Cairn reads from the tenant simulator and roadrecon from its stand-in: what those two spend is nobody's figure. In the
runs beside it Cairn leaves out the two links that are slow and that roadrecon does not read (users' sponsors, devices'
registered users); managers, licences and delta tokens it reads besides. `every_link` has them all.
"""

from pathlib import Path

from bench.backup import SAME_TYPES, Backup, back_up, folder, proven
from bench.changes import change_one_percent
from bench.parts import cairn_protecting, simulating
from bench.report import Measure, Report
from bench.rivals import gathered
from bench.tenant import SCALES, tenant_file

MEMORY_MIB = {"small": 150, "T1": 150, "1M": 250}
WALL, CPU, REQUESTS = 4, 5, 30
INCREMENTAL_REQUESTS = 200
INCREMENTAL_PART = 15
RIVAL = "roadrecon 2.0 gather"


def at_50_ms(report: Report, cache: Path, scale: str) -> None:
    """Add the same types and links at 50 ms, beside the rival."""
    _beside(report, cache, scale, 50.0)


def every_link(report: Report, cache: Path, scale: str) -> None:
    """Add the same types at 50 ms with every link that Cairn reads, users' sponsors and devices' users too."""
    ours = _same(report, cache, scale, 50.0, every_link=True)
    report.add(Measure("full backup, every link, 50 ms: wall", ours["wallSeconds"], "s"))
    _memory(report, "full backup, every link", scale, ours)


def without_latency(report: Report, cache: Path, scale: str) -> None:
    """Add the same types without latency, beside the rival."""
    _beside(report, cache, scale, 0.0)


def incremental(report: Report, cache: Path, scale: str) -> None:
    """Add the whole catalog in full, and after one percent changed."""
    with (
        folder() as data,
        simulating(tenant_file(cache, scale), latency_ms=50) as simulator,
        cairn_protecting(simulator, Path(data)) as cairn,
    ):
        full = back_up(simulator, cairn, {"kind": "full"})
        proven(full, SCALES[scale])
        report.note("full backup, whole catalog, 50 ms", full.told)
        _memory(report, "full backup, whole catalog", scale, full)
        changed = change_one_percent(simulator)
        after = back_up(simulator, cairn, {"kind": "incremental"})
        report.note(f"incremental backup, {changed} changed, 50 ms", after.told)
    besides = after["requests"] - after["appRoleSweep"] - after["slowLane"]
    part = full["backupSeconds"] / after["backupSeconds"]
    report.add(
        Measure("incremental: requests besides app-role sweep and slow lane", besides, "", "own full", full["requests"],
                f"at most {INCREMENTAL_REQUESTS}", besides <= INCREMENTAL_REQUESTS),
        Measure("incremental: requests of the app-role sweep", after["appRoleSweep"], ""),
        Measure("incremental: requests of the slow lane", after["slowLane"], "", "own full", full["slowLane"]),
        Measure("incremental, 50 ms: time", after["backupSeconds"], "s", "own full", full["backupSeconds"],
                f"1/{INCREMENTAL_PART} of the full", part >= INCREMENTAL_PART if scale != "small" else None),
        Measure("incremental, 50 ms: CPU", after["cpuSeconds"], "s", "own full", full["cpuSeconds"]),
    )  # fmt: skip


def soak(report: Report, cache: Path, scale: str) -> None:  # noqa: ARG001 - a million users, whatever the scale
    """Add a million users: memory has to stay flat."""
    small = _same(report, cache, "T1", 0.0, every_link=False)
    large = _same(report, cache, "1M", 0.0, every_link=False)
    _memory(report, "full backup, 1M users", "1M", large)
    report.add(Measure(
        "peak memory, 1M users", large["peakAboveIdleMiB"], "MiB", "100k users", small["peakAboveIdleMiB"]
    ))  # fmt: skip


def _beside(report: Report, cache: Path, scale: str, latency_ms: float) -> None:
    ours = _same(report, cache, scale, latency_ms, every_link=False)
    theirs = gathered(cache, tenant_file(cache, scale), SCALES[scale], latency_ms)
    report.note(f"{RIVAL}, {latency_ms:.0f} ms", theirs)
    label, judged = f"full backup, {latency_ms:.0f} ms", scale != "small"

    def line(what: str, name: str, unit: str, times: int) -> Measure:
        met = theirs[name] >= times * ours[name] if judged else None
        return Measure(f"{label}: {what}", ours[name], unit, RIVAL, theirs[name], f"1/{times}", met)

    report.add(
        line("wall", "wallSeconds", "s", WALL), line("CPU", "cpuSeconds", "s", CPU),
        line("requests", "requests", "", REQUESTS),
        Measure(f"{label}: resource units", ours["resourceUnits"], ""),
        Measure(f"{label}: stored", ours["storedMB"], "MB", RIVAL, theirs["storedMB"]),
    )  # fmt: skip
    _memory(report, label, scale, ours, theirs["peakAboveIdleMiB"])


def _same(report: Report, cache: Path, scale: str, latency_ms: float, *, every_link: bool) -> Backup:
    with (
        folder() as data,
        simulating(tenant_file(cache, scale), latency_ms=latency_ms) as simulator,
        cairn_protecting(simulator, Path(data), every_link=every_link) as cairn,
    ):
        backup = back_up(simulator, cairn, {"kind": "full", "types": list(SAME_TYPES)})
    proven(backup, SCALES[scale])
    links = "every link" if every_link else "same links"
    report.note(f"full backup, {scale}, same types, {links}, {latency_ms:.0f} ms", backup.told)
    return backup


def _memory(report: Report, label: str, scale: str, backup: Backup, theirs: float | None = None) -> None:
    allowed, peak = MEMORY_MIB[scale], backup["peakAboveIdleMiB"]
    rival = RIVAL if theirs is not None else ""
    report.add(Measure(
        f"{label}: peak above idle", peak, "MiB", rival, theirs, f"at most {allowed} MiB", peak <= allowed
    ))  # fmt: skip
