"""`python -m bench.run`: measure, print the table, write `bench/results.json`.

Everything of one run is measured on one machine in one go, rivals too: the ratios are what to read. Nothing is shown
for work that was not done whole.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import browse, differences, full_backup, imports, live_differences, reading, restore, restore_points
from bench.parts import ROOT, machine, written
from bench.report import Report
from bench.tenant import SCALES

CACHE = ROOT / "bench" / ".cache"
RESULTS = ROOT / "bench" / "results.json"

type Part = Callable[[Report, Path, str], None]

SECTIONS: dict[str, dict[str, Part]] = {
    "backup": {
        "full": full_backup.at_50_ms,
        "incremental": full_backup.incremental,
        "restorePoints": restore_points.measure,
        "imports": imports.measure,
        "reading": reading.measure,
        "everyLink": full_backup.every_link,
        "fullWithoutLatency": full_backup.without_latency,
    },
    "browse": {"browse": browse.measure},
    "restore": {
        "restoreDocumented": restore.documented,
        "restoreTenTimes": restore.ten_times,
        "restoreUnlimited": restore.unlimited,
    },
    "differences": {"differences": differences.measure, "differencesLive": live_differences.measure},
}

SOAK: dict[str, Part] = {
    "million": full_backup.soak,
    "differencesMany": live_differences.many,
    "differencesMillion": live_differences.million,
}
"""Each takes a quarter of an hour and 8 GiB for the simulated tenant: only by name (`make soak`)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; 1 if something that was to be measured failed."""
    parser = argparse.ArgumentParser(prog="python -m bench.run", description="Side-by-side measurements.")
    parser.add_argument("--section", choices=sorted(SECTIONS), action="append", help="may be repeated; default all")
    parser.add_argument("--part", action="append", help="only this part of the section; may be repeated")
    parser.add_argument("--scale", choices=tuple(SCALES), default="T1", help="how large a tenant")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the results are written")
    asked = parser.parse_args(arguments)
    CACHE.mkdir(parents=True, exist_ok=True)
    began = machine()

    def keep(report: Report) -> None:
        written(asked.results, {"scale": asked.scale, "machine": began, **report.as_json()})

    report, failed = Report(keep), False
    for section in asked.section or sorted(SECTIONS):
        for name, part in {**SECTIONS[section], **SOAK}.items():
            if name not in (asked.part or SECTIONS[section]):
                continue
            try:
                part(report, CACHE, asked.scale)
            except Exception as why:  # noqa: BLE001 - one part that fails takes none of the others along
                failed = True
                report.note(f"{name} failed", f"{type(why).__name__}: {why}")
    report.show()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
