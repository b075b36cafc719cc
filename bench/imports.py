"""Cold start: importing the whole function app, beside importing msgraph with its models."""

import subprocess
import sys
from pathlib import Path
from statistics import median

from bench.parts import ROOT
from bench.report import Measure, Report

ROUNDS = 5
SECONDS = 1.5
OURS = "import function_app"
THEIRS = "import msgraph; from msgraph.generated.models import user, group; user.User().get_field_deserializers()"
TIMED = """
import time
began, cpu = time.perf_counter(), time.process_time()
{what}
print(time.perf_counter() - began, time.process_time() - cpu)
"""


def measure(report: Report, cache: Path, scale: str) -> None:  # noqa: ARG001 - the same whatever the scale
    """Add the time of both, byte code being there."""
    ours, theirs = _timed(OURS), _timed(THEIRS)
    report.note("import function_app", ours)
    report.note("import msgraph with models", theirs)
    report.add(Measure(
        "import function_app", ours["wallSeconds"], "s", "msgraph with models", theirs["wallSeconds"],
        f"at most {SECONDS} s", ours["wallSeconds"] <= SECONDS,
    ))  # fmt: skip


def _timed(what: str) -> dict[str, float]:
    runs = []
    for _ in range(ROUNDS):
        said = subprocess.run(
            [sys.executable, "-c", TIMED.format(what=what)], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout.split()
        runs.append([float(number) for number in said[-2:]])
    wall, cpu = (round(median(run[place] for run in runs), 3) for place in range(2))
    return {"wallSeconds": wall, "cpuSeconds": cpu}
