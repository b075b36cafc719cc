"""Two restore points of a million users, one percent changed: compared, and a hundred objects read out of one.

Beside DuckDB, which joins both in full: straight from the very same segment files, and from Parquet of id and hash that
was made for it beforehand. Each is a process of its own; the counts have to be exact, or there is no figure.
"""

import asyncio
import json
import random
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from bench.file_store import FileStore
from bench.parts import ROOT, BenchError
from bench.report import Measure, Report
from bench.rivals import environment
from shared.repository.comparison import compare
from shared.repository.manifest import Layer, SegmentRef
from shared.repository.segments import SegmentWriter, store_segment
from shared.repository.view import TypeView

TENANT = "00000000-0000-4000-8000-000000000001"
OBJECTS = 1_000_000
CHANGED, ADDED, REMOVED = 8_055, 946, 1_058
FETCHED = 100
ROUNDS = 3
COMPARE_SECONDS, COMPARE_MIB = 1.5, 400
FETCH_SECONDS, FETCH_MB = 0.5, 20


def measure(report: Report, cache: Path, scale: str) -> None:  # noqa: ARG001 - a million, whatever the scale
    """Add what comparing and fetching cost; always a million objects, whatever the scale."""
    folder = cache / "restore-points"
    if not (folder / "layers.json").exists():
        asyncio.run(write(folder))
    duckdb = _duckdb(cache, folder)
    report.note("DuckDB full join of two restore points", duckdb)
    ours = _child("compare", folder)
    report.note("two restore points of 1M objects compared", ours)
    fetched = _child("fetch", folder)
    report.note("100 objects out of a restore point of 1M", fetched)
    compared = ours["wallSeconds"] <= COMPARE_SECONDS and ours["peakAboveIdleMiB"] <= COMPARE_MIB
    read = fetched["wallSeconds"] <= FETCH_SECONDS and fetched["readMB"] <= FETCH_MB
    report.add(
        Measure("1M against 1M, 1 % changed", ours["wallSeconds"], "s", "DuckDB, the same segments",
                duckdb["segments"]["wallSeconds"], f"{COMPARE_SECONDS} s, {COMPARE_MIB} MiB, exact", compared),
        Measure("1M against 1M: peak memory", ours["peakAboveIdleMiB"], "MiB", "DuckDB, the same segments",
                duckdb["segments"]["peakAboveIdleMiB"], f"{COMPARE_MIB} MiB", compared),
        Measure("1M against 1M, 1 % changed", ours["wallSeconds"], "s", "DuckDB, Parquet made before",
                duckdb["parquet"]["wallSeconds"]),
        Measure("100 objects out of 1M", fetched["wallSeconds"], "s", "DuckDB, full scan of the segments",
                duckdb["scan"]["wallSeconds"], f"{FETCH_SECONDS} s, {FETCH_MB} MB", read),
        Measure("100 objects out of 1M: read", fetched["readMB"], "MB", "", None, f"{FETCH_MB} MB", read),
    )  # fmt: skip


def _child(what: str, folder: Path) -> dict[str, Any]:
    told = []
    for _ in range(ROUNDS):
        ended = subprocess.run(
            [sys.executable, "-m", "bench.restore_points", what, str(folder)], cwd=ROOT, check=False,
            capture_output=True, text=True,
        )  # fmt: skip
        if ended.returncode:
            raise BenchError(f"{what}: {ended.stderr[-500:]}")
        told.append(json.loads(ended.stdout))
    return {name: median(one[name] for one in told) for name in told[0]}


async def write(folder: Path) -> None:
    """Both restore points' segments and `layers.json`, which names them."""
    store = FileStore(folder)
    chance = random.Random("restore points")
    before, after = _Writer(store), _Writer(store)
    places = chance.sample(range(OBJECTS), CHANGED + REMOVED)
    changed, removed = set(places[:CHANGED]), set(places[CHANGED:])
    for number in range(OBJECTS + ADDED):
        object_id, body = _user(chance, number)
        if number < OBJECTS:
            await before.put(object_id, body)
        if number not in removed:
            await after.put(object_id, body | {"jobTitle": "Changed"} if number in changed else body)
    layers = {"before": await before.layer(), "after": await after.layer()}
    (folder / "layers.json").write_text(json.dumps({
        name: [[one.sha256, one.sidecar_sha256, one.size, one.sidecar_size, one.records, one.removals] for one in refs]
        for name, refs in layers.items()
    }))  # fmt: skip


class _Writer:
    def __init__(self, store: FileStore) -> None:
        self._store, self._writer = store, SegmentWriter("user", "objects")
        self._refs: list[SegmentRef] = []

    async def put(self, object_id: str, body: dict[str, Any]) -> None:
        self._writer.put_object(object_id, body)
        if self._writer.is_full:
            await self._end()

    async def layer(self) -> list[SegmentRef]:
        if self._writer.records:
            await self._end()
        return self._refs

    async def _end(self) -> None:
        with self._writer.finish() as draft:
            self._refs.append(await store_segment(self._store, TENANT, draft))
        self._writer = SegmentWriter("user", "objects")


def _user(chance: random.Random, number: int) -> tuple[str, dict[str, Any]]:
    text = f"{chance.getrandbits(128):032x}"
    object_id = f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"
    return object_id, {
        "id": object_id, "accountEnabled": number % 20 != 0, "displayName": f"User {number} {text[:6]}",
        "givenName": text[:5], "surname": text[5:12], "mail": f"user{number}@contoso.example",
        "userPrincipalName": f"user{number}@contoso.example", "department": f"Department {number % 83}",
        "jobTitle": f"Specialist {number % 97}", "city": f"City {number % 31}", "country": "DE",
        "businessPhones": [f"+49 30 {number:08d}"], "proxyAddresses": [f"SMTP:user{number}@contoso.example"],
        "employeeId": f"E{number:07d}", "companyName": "Contoso", "usageLocation": "DE", "userType": "Member",
        "onPremisesSyncEnabled": None, "createdDateTime": "2021-03-01T08:00:00Z", "assignedLicenses": [],
    }  # fmt: skip


def layers_in(folder: Path) -> dict[str, Layer]:
    """The layers `before` and `after`."""
    told = json.loads((folder / "layers.json").read_text())
    return {name: Layer(objects=tuple(SegmentRef(*one) for one in refs)) for name, refs in told.items()}


async def _compared(folder: Path) -> dict[str, float]:
    store, layers = FileStore(folder), layers_in(folder)
    before, after = (TypeView(store, TENANT, "user", [layers[name]]) for name in ("before", "after"))
    idle, cpu, began = _peak_mib(), time.process_time(), time.perf_counter()
    found = await compare(before, after)
    wall, spent = time.perf_counter() - began, time.process_time() - cpu
    peak = _peak_mib() - idle
    counts = (len(found.changed_before), len(found.added), len(found.removed))
    if counts != (CHANGED, ADDED, REMOVED):
        raise BenchError(f"the comparison is not exact: {counts}")
    sides = 0
    began = time.perf_counter()
    async for one in found.objects():
        sides += (one.before is not None) + (one.after is not None)
    return {
        "wallSeconds": round(wall, 3), "cpuSeconds": round(spent, 3), "peakAboveIdleMiB": round(peak, 1),
        "withBothSidesSeconds": round(wall + time.perf_counter() - began, 3), "sides": sides,
    }  # fmt: skip


async def _fetched(folder: Path) -> dict[str, float]:
    layers, ids = layers_in(folder), []
    chance = random.Random("restore points")
    chance.sample(range(OBJECTS), CHANGED + REMOVED)
    for number in range(OBJECTS):
        object_id, _ = _user(chance, number)
        ids.append(object_id)
    wanted = random.Random(1).sample(ids, FETCHED)
    store = FileStore(folder)
    began, cpu = time.perf_counter(), time.process_time()
    found = await TypeView(store, TENANT, "user", [layers["before"]]).objects_by_id(wanted)
    wall, spent = time.perf_counter() - began, time.process_time() - cpu
    if set(found) != set(wanted):
        raise BenchError("not every object was found")
    return {
        "wallSeconds": round(wall, 3), "cpuSeconds": round(spent, 3), "readMB": round(store.bytes_read / 1e6, 2),
        "reads": store.reads,
    }  # fmt: skip


def _peak_mib() -> float:
    # Not ru_maxrss: a child inherits that from whoever started it.
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024


def _duckdb(cache: Path, folder: Path) -> dict[str, Any]:
    python = environment(cache)
    layers = json.loads((folder / "layers.json").read_text())
    by_hash = {path.name: str(path) for path in folder.rglob("*") if path.is_file()}
    files = {
        name: [next(path for found, path in by_hash.items() if one[0] in found) for one in refs]
        for name, refs in layers.items()
    }
    runs = []
    for _ in range(ROUNDS):
        ended = subprocess.run(
            [str(python), str(ROOT / "bench" / "duckdb_join.py"), str(folder)], input=json.dumps(files), text=True,
            capture_output=True, check=False,
        )  # fmt: skip
        if ended.returncode:
            raise BenchError(f"DuckDB: {ended.stderr[-500:]}")
        runs.append(json.loads(ended.stdout))
    for run in runs:
        for kind in ("segments", "parquet"):
            if run[kind]["counts"] != [CHANGED, ADDED, REMOVED]:
                raise BenchError(f"DuckDB's join is not exact: {run[kind]}")
    return {
        kind: {
            name: median(run[kind][name] for run in runs) for name in ("wallSeconds", "cpuSeconds", "peakAboveIdleMiB")
        }
        for kind in ("parquet", "segments", "scan")
    }


if __name__ == "__main__":
    asked = {"compare": _compared, "fetch": _fetched}[sys.argv[1]]
    print(json.dumps(asyncio.run(asked(Path(sys.argv[2])))))
