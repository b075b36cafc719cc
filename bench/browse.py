"""A restore point of a million users unpacked, then asked as people ask: pages, facets, searches, one object, its past.

Beside plain DuckDB over the very same segments, newline-delimited JSON under zstd. Each side is a process of its own,
and an answer that is not the rival's is no figure.
"""

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from bench import restore_points
from bench.file_store import FileStore
from bench.parts import ROOT, BenchError
from bench.report import Measure, Report
from shared.browse.files import IndexFiles
from shared.browse.listing import Filter, Listing
from shared.browse.point import Point
from shared.browse.search.parsing import parse
from shared.browse.search.screens import OBJECTS as SCREEN
from shared.browse.since import Since
from shared.browse.timeline import History, events_of
from shared.browse.unpacking import Checkpoint, Unpacking
from shared.repository.manifest import Layer, Manifest, TypeEntry
from shared.repository.names import manifest_name

ROUNDS = 20
POINTS = 365
UNPACK_SECONDS, UNPACK_MIB, PAGE_MS = 60.0, 512, 300

SEARCHES = {
    "a word": "4711",
    "the beginning of a word": "99999*",
    "the end of a word": "*4711",
    "ten words, any": "word1 word2 word3 word4 word5 word6 word7 word8 word9 4711",
    "two words, both": "4711 AND contoso",
    "a field": "department:\"Department 7\" AND city:\"City 3\"",
    "a pattern": "mail:user77*@contoso.example",
}
RIVAL = """
import duckdb, json, sys, time
duckdb.sql("SET enable_progress_bar = false")
files, rounds = json.loads(sys.stdin.read()), 3
base = f"read_json({files}, format='newline_delimited', compression='zstd', columns={{id: 'VARCHAR', body: 'JSON'}})"
asked = {
  "page": f"select id from {base} order by lower(body->>'displayName'), id limit 100",
  "facets": f"select body->>'userType', body->>'mail' is not null, count(*) from {base} group by all",
  "search": f"select count(*) from {base} where regexp_matches(body->>'mail', '(?i)^user77[^ ]*@contoso[.]example$')",
  "lookup": f"select body from {base} where id = (select max(id) from {base})",
}
told = {}
for name, sql in asked.items():
    spent = []
    for _ in range(rounds):
        began = time.perf_counter(); rows = duckdb.sql(sql).fetchall(); spent.append(time.perf_counter() - began)
    told[name] = sorted(spent)[rounds // 2]
    if name == "search": told["found"] = rows[0][0]
print(json.dumps(told))
"""


def measure(report: Report, cache: Path, scale: str) -> None:  # noqa: ARG001 - always a million objects
    """Add what unpacking and each question cost."""
    folder = cache / "restore-points"
    if not (folder / "layers.json").exists():
        asyncio.run(restore_points.write(folder))
    told = _child(folder)
    report.note("browse", told)
    rival = _rival(folder)
    report.note("browse: plain DuckDB over the segments", rival)
    if rival["found"] != told["search a pattern"]["found"]:
        raise BenchError(f"the two find different things: {rival['found']}, {told['search a pattern']['found']}")
    unpacked = told["unpack"]
    report.add(
        Measure("unpack 1M objects", unpacked["wallSeconds"], "s", target=f"{UNPACK_SECONDS:.0f} s",
                met=unpacked["wallSeconds"] <= UNPACK_SECONDS),
        Measure("unpack 1M objects: peak memory", unpacked["peakAboveIdleMiB"], "MiB", target=f"{UNPACK_MIB} MiB",
                met=unpacked["peakAboveIdleMiB"] <= UNPACK_MIB),
    )  # fmt: skip
    beside = {"page": "page", "facets": "facets", "search a pattern": "search", "lookup": "lookup"}
    for name, found in told.items():
        if "p95Ms" not in found:
            continue
        known = rival.get(beside.get(name, ""))
        report.add(Measure(
            f"{name}, p95 over 1M", found["p95Ms"], "ms", "DuckDB over NDJSON" if known else "",
            None if known is None else known * 1000, f"{PAGE_MS} ms", found["p95Ms"] <= PAGE_MS,
            f"p50 {found['p50Ms']} ms, CPU {found['cpuMs']} ms",
        ))  # fmt: skip


def _child(folder: Path) -> dict[str, Any]:
    ended = subprocess.run(
        [sys.executable, "-m", "bench.browse", str(folder)], cwd=ROOT, check=False, capture_output=True, text=True
    )
    if ended.returncode:
        raise BenchError(f"browse: {ended.stderr[-500:]}")
    told: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return told


def _rival(folder: Path) -> dict[str, Any]:
    named = json.loads((folder / "layers.json").read_text())["before"]
    files = [str(path) for ref in named for path in folder.rglob(f"{ref[0]}.ndjson.zst")]
    ended = subprocess.run([sys.executable, "-c", RIVAL], input=json.dumps(files), capture_output=True, text=True,
                           check=False)  # fmt: skip
    if ended.returncode:
        raise BenchError(f"DuckDB: {ended.stderr[-500:]}")
    told: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return told


def _manifest(layers: tuple[Layer, ...], number: int) -> Manifest:
    began = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)
    entry = TypeEntry("complete", layers=layers, counts={"objects": sum(one.records for one in layers[0].objects)})
    return Manifest(
        tenant_id=restore_points.TENANT, run_id="bench", kind="full", started=began, finished=began,
        expires=began + timedelta(days=1825), catalog_version="", types={"user": entry}, sequence=number,
        backup_id=f"{number:08d}",
    )  # fmt: skip


async def _measured(folder: Path) -> dict[str, Any]:
    store, layers = FileStore(folder), restore_points.layers_in(folder)
    with tempfile.TemporaryDirectory(prefix="cairn-bench-") as place:
        vault, workspace = store, FileStore(Path(place) / "workspace")
        cache = Path(place) / "index"
        cache.mkdir()
        manifest = _manifest((layers["before"],), 1)
        told: dict[str, Any] = {"unpack": await _unpacked(vault, workspace, manifest)}
        files = IndexFiles(cache)
        listing = Listing(workspace, files, manifest, Since(vault, manifest, manifest), {"tenant": ["bench"]})
        page, _ = await listing.page(Filter(), top=1)
        told["page"] = await _often(lambda: listing.page(Filter(), top=100))
        told["facets"] = await _often(lambda: listing.summary(Filter()))
        for name, text in SEARCHES.items():
            chosen = Filter(query=parse(text, SCREEN))
            told[f"search {name}"] = {
                **await _often(partial(listing.page, chosen, top=100)),
                "found": await listing.count(chosen),
            }  # fmt: skip
        object_id = page[0]["objectId"]
        told["lookup"] = await _often(lambda: Point(vault, manifest).get(object_id, "user"))
        past = FileStore(Path(place) / "past")
        for number in range(1, POINTS + 1):
            name = manifest_name(restore_points.TENANT, f"{number:08d}")
            (past.folder / name).parent.mkdir(parents=True, exist_ok=True)
            side = layers["before" if number <= POINTS // 2 else "after"]
            await past.put(name, _manifest((side,), number).as_bytes())
        (past.folder / "tenants" / restore_points.TENANT / "segments").symlink_to(
            (folder / "tenants" / restore_points.TENANT / "segments").resolve()
        )

        async def timeline() -> object:
            return events_of(await History(past, restore_points.TENANT).seen("user", [object_id]))

        told[f"timeline of {POINTS} restore points"] = await _often(timeline)
    return told


async def _unpacked(vault: FileStore, workspace: FileStore, manifest: Manifest) -> dict[str, float]:
    work = Unpacking(vault, _Making(workspace), manifest)  # type: ignore[arg-type]
    idle, cpu, began = _peak_mib(), time.process_time(), time.perf_counter()
    reached: Checkpoint | None = Checkpoint()
    slices = 0
    while reached is not None:
        reached = await work.slice(reached)
        slices += 1
    wall = time.perf_counter() - began
    size = sum(path.stat().st_size for path in workspace.folder.rglob("*.parquet"))
    return {
        "wallSeconds": round(wall, 2), "cpuSeconds": round(time.process_time() - cpu, 2),
        "peakAboveIdleMiB": round(_peak_mib() - idle, 1), "slices": slices, "indexMB": round(size / 1e6, 1),
    }  # fmt: skip


class _Making:
    """Makes the folders that a container has no need of."""

    def __init__(self, store: FileStore) -> None:
        self._store = store

    async def put(self, name: str, content: bytes) -> None:
        (self._store.folder / name).parent.mkdir(parents=True, exist_ok=True)
        await self._store.put(name, content)

    async def get(self, name: str) -> bytes:
        return await self._store.get(name)


async def _often(ask: Callable[[], Awaitable[object]]) -> dict[str, float]:
    await ask()
    spent, cpu = [], []
    for _ in range(ROUNDS):
        began, busy = time.perf_counter(), time.process_time()
        await ask()
        spent.append((time.perf_counter() - began) * 1000)
        cpu.append((time.process_time() - busy) * 1000)
    return {
        "p50Ms": round(median(spent), 1), "p95Ms": round(quantiles(spent, n=20)[-1], 1),
        "cpuMs": round(median(cpu), 1),
    }  # fmt: skip


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_measured(Path(sys.argv[1])))))
