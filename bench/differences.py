"""Differences, measured: two restore points beside a full DuckDB join, and a report whose cost follows the change.

Everything lies in memory, as the records of a backup would: what Microsoft Graph adds is measured by the incremental
backup, since a report reads the tenant by the same steps. Each measure runs in a process of its own, so that its memory
is its own. `python -m bench.differences [OBJECTS …]`; without sizes 10,000 and 100,000.
"""

import asyncio
import json
import resource
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from bench.report import Measure, Report
from shared.backup.recorder import Recorder
from shared.differences.comparing import Bins, Comparing
from shared.differences.finishing import finish
from shared.differences.names import Names
from shared.differences.segments import ChangeWriter
from shared.records.times import utc_now
from shared.recovery.attribution import AuditIndex
from shared.repository.comparison import compare
from shared.repository.manifest import Layer, Manifest, SegmentRef, TypeEntry
from shared.repository.memory_store import MemoryBlobStore
from shared.repository.restore_point import RestorePoint
from shared.repository.segments import store_segment
from shared.repository.view import TypeView

TENANT = "11111111-1111-4111-8111-111111111111"
SIZES = (10_000, 100_000)
MILLION = 1_000_000
CHANGED = (1_000, 100_000)


def user(number: int, version: int = 0) -> dict[str, Any]:
    """One user, as long as a real one's body."""
    name = f"User {number}"
    return {
        "id": str(uuid.UUID(int=number + 1)), "displayName": name, "userPrincipalName": f"u{number}@contoso.example",
        "department": f"Department {version}", "accountEnabled": True, "userType": "Member", "city": "Bern",
        "businessPhones": ["+41 31 000 00 00"], "assignedLicenses": [], "jobTitle": f"Title {number % 50}",
        "mail": f"u{number}@contoso.example", "createdDateTime": "2020-01-01T00:00:00Z", "otherMails": [],
        "onPremisesSyncEnabled": None, "usageLocation": "CH", "preferredLanguage": "de-CH", "officeLocation": "1A",
    }


async def layer(store: MemoryBlobStore, numbers: range, version: int = 0) -> Layer:
    """These users as one backup writes them."""
    recorder, segments = Recorder("user"), list[SegmentRef]()
    for number in numbers:
        recorder.object(str(uuid.UUID(int=number + 1)), user(number, version))
        for draft in recorder.full():
            with draft:
                segments.append(await store_segment(store, TENANT, draft))
    for draft in recorder.finish():
        with draft:
            segments.append(await store_segment(store, TENANT, draft))
    return Layer(objects=tuple(segments))


def point(store: MemoryBlobStore, *layers: Layer) -> RestorePoint:
    """A restore point of these layers."""
    now = utc_now()
    entry = TypeEntry("complete", row_digest="d", layers=layers, read_at="2026-11-21T08:00:00.000Z")
    return RestorePoint(store, Manifest(
        tenant_id=TENANT, run_id="bench", kind="full", started=now, finished=now, expires=now, catalog_version="bench",
        cairn_version="bench", types={"user": entry},
    ))


async def report_of(objects: int, changes: int) -> dict[str, Any]:
    """A whole report: a base of so many objects, so many of them changed since."""
    store = MemoryBlobStore()
    base = await layer(store, range(objects))
    step = max(1, objects // changes)
    changed = await layer(store, range(0, step * min(changes, objects), step), version=1)
    before, after = point(store, base), point(store, base, changed)
    with measured() as found:
        comparing = Comparing(before=before, after=after, live=False, bins=Bins(None), now=utc_now())
        writer = ChangeWriter(store, "found/")
        await comparing.write("user", writer, Names(after, before))
        _, figures = await finish(store, "report/", await writer.finish(), rules={}, audit=AuditIndex())
    if figures.total != min(changes, objects):
        raise AssertionError(f"{figures.total} differences instead of {min(changes, objects)}")
    return {"measure": "report", "objects": objects, "changes": changes, **found}


async def joined(objects: int) -> dict[str, Any]:
    """Two restore points that share no segment, 1 % changed: the sidecars beside a DuckDB join of both."""
    store = MemoryBlobStore()
    first = await layer(store, range(objects))
    body = [user(number, int(number % 100 == 0)) for number in range(objects)]
    recorder = Recorder("user")
    segments = list[SegmentRef]()
    for one in body:
        recorder.object(one["id"], dict(one))
        for draft in recorder.full():
            with draft:
                segments.append(await store_segment(store, TENANT, draft))
    for draft in recorder.finish():
        with draft:
            segments.append(await store_segment(store, TENANT, draft))
    second = Layer(objects=tuple(segments))
    with measured() as ours:
        comparison = await compare(
            TypeView(store, TENANT, "user", [first]), TypeView(store, TENANT, "user", [second])
        )
        count = len([one async for one in comparison.objects()])
    with TemporaryDirectory() as folder:
        old, new = Path(folder) / "old.ndjson", Path(folder) / "new.ndjson"
        old.write_text("".join(json.dumps(user(number)) + "\n" for number in range(objects)))
        new.write_text("".join(json.dumps(one) + "\n" for one in body))
        began = time.perf_counter()
        with duckdb.connect() as connection:
            row = connection.execute(
                f"select count(*) from read_ndjson('{old}') a join read_ndjson('{new}') b using (id) "
                "where a::varchar <> b::varchar"
            ).fetchone()
        rival = time.perf_counter() - began
    if not row or row[0] != count or count != (objects + 99) // 100:
        raise AssertionError(f"Cairn finds {count}, DuckDB {row}")
    told = {"measure": "two restore points", "objects": objects, "changes": count}
    return {**told, **ours, "duckdbSeconds": round(rival, 3)}


@contextmanager
def measured() -> Iterator[dict[str, Any]]:
    """Seconds, CPU seconds and the growth of the process's peak memory in MiB, once it is over."""
    found: dict[str, Any] = {}
    peak, began, cpu = _peak(), time.perf_counter(), time.process_time()
    yield found
    found["seconds"] = round(time.perf_counter() - began, 3)
    found["cpuSeconds"] = round(time.process_time() - cpu, 3)
    found["peakMiB"] = round(_peak() - peak, 1)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(report: Report, cache: Path, scale: str) -> None:  # noqa: ARG001 - its own sizes, whatever the scale
    """Add what comparing costs as the base grows, and the two restore points beside DuckDB."""
    for row in rows((*SIZES, MILLION)):
        told = f"{row['objects']} objects, {row['changes']} changed"
        report.note(f"differences in memory: {row['measure']}, {told}", row)
        if row["measure"] == "report":
            report.add(Measure(f"report of restore points, {told}", row["seconds"], "s"))
        else:
            report.add(Measure(
                f"two restore points that share nothing, {told}", row["seconds"], "s", "DuckDB, full join of NDJSON",
                row["duckdbSeconds"],
            ))  # fmt: skip


def rows(sizes: tuple[int, ...] = SIZES) -> list[dict[str, Any]]:
    """Every measure at every size, each in a process of its own."""
    found = []
    for objects in sizes:
        wanted = [("report", objects, changes) for changes in CHANGED if changes <= objects] + [("joined", objects, 0)]
        for measure, size, changes in wanted:
            command = [sys.executable, "-m", "bench.differences", "one", measure, str(size), str(changes)]
            answer = subprocess.run(command, capture_output=True, text=True, check=True)
            found.append(json.loads(answer.stdout))
    return found


def main(arguments: list[str]) -> None:
    """Print a line of JSON a measure."""
    if arguments[:1] == ["one"]:
        measure, objects, changes = arguments[1], int(arguments[2]), int(arguments[3])
        print(json.dumps(asyncio.run(report_of(objects, changes) if measure == "report" else joined(objects))))
        return
    for row in rows(tuple(map(int, arguments)) or SIZES):
        print(json.dumps(row))


if __name__ == "__main__":
    main(sys.argv[1:])
