"""What a process costs: CPU seconds of itself and the peak of its resident memory, read from outside while it runs.

The peak is the kernel's own high-water mark, set back to the present at the start (Linux `clear_refs`), so that no
moment between two samples is missed. Elsewhere it is sampled.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

MIB = 1024 * 1024
SAMPLE_SECONDS = 0.05


@dataclass(slots=True)
class Cost:
    """Seconds and bytes; filled when the block ends."""

    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    idle_bytes: int = 0
    peak_bytes: int = 0

    @property
    def above_idle_mib(self) -> float:
        """The peak above what the process had before it was given work."""
        return max(0, self.peak_bytes - self.idle_bytes) / MIB

    def told(self) -> dict[str, Any]:
        """As it stands in the results."""
        return {
            "wallSeconds": round(self.wall_seconds, 3), "cpuSeconds": round(self.cpu_seconds, 3),
            "idleMiB": round(self.idle_bytes / MIB, 1), "peakAboveIdleMiB": round(self.above_idle_mib, 1),
        }  # fmt: skip


@contextmanager
def metered(pid: int) -> Iterator[Cost]:
    """Measure a running process for the time of the block."""
    process, cost = psutil.Process(pid), Cost()
    status = Path(f"/proc/{pid}/status")
    with suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    cost.idle_bytes = process.memory_info().rss
    ended = threading.Event()
    sampler = threading.Thread(target=_sample, args=(process, cost, ended), daemon=True)
    if not status.exists():
        sampler.start()
    began, before = time.perf_counter(), _cpu(process)
    try:
        yield cost
    finally:
        cost.wall_seconds = time.perf_counter() - began
        with suppress(psutil.NoSuchProcess):
            cost.cpu_seconds = _cpu(process) - before
        ended.set()
        if status.exists():
            cost.peak_bytes = max(cost.peak_bytes, _high_water(status))


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _high_water(status: Path) -> int:
    for line in status.read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _sample(process: psutil.Process, cost: Cost, ended: threading.Event) -> None:
    with suppress(psutil.NoSuchProcess):
        while not ended.wait(SAMPLE_SECONDS):
            cost.peak_bytes = max(cost.peak_bytes, process.memory_info().rss)
