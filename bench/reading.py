"""Reading without the product around it: CPU a user beside msgraph-sdk, a list at the floor of its latency, links and
the quota. Each is a process of its own.

Fetched to stored is Cairn's own path: pages by its transport, parsed, canonical, hashed, compressed, in segment files.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from bench.file_store import FileStore
from bench.measuring import metered
from bench.parts import ROOT, BenchError, Simulator, simulating
from bench.report import Measure, Report
from bench.tenant import SCALES, tenant_file
from shared.backup.recorder import Recorder
from shared.catalog import OBJECT_TYPES
from shared.entra.batch import Part, read_lists
from shared.entra.capture import capture
from shared.entra.clouds import endpoints
from shared.entra.credentials import ClientSecret, token_source
from shared.entra.governor import RESOURCE_UNIT_WINDOW_SECONDS, RESOURCE_UNITS_PER_WINDOW
from shared.entra.listing import Page, pages, with_query
from shared.entra.pages import parse_page
from shared.entra.transport import Graph
from shared.entra.wanted import Reading, wanted
from shared.repository.segments import SegmentDraft, store_segment

TYPED_USERS = 1_000
CHEAPER = 75
FLOOR = 0.9
QUOTA = 0.9
THROTTLED = 0.01
CHAIN_MARGIN = 1.1
ROUNDS = 3
DELTA_OBJECTS_A_PAGE = 200


def measure(report: Report, cache: Path, scale: str) -> None:
    """Add CPU a user, the latency-bound list, and links by both ways."""
    tenant, sizes = tenant_file(cache, scale), SCALES[scale]
    with simulating(tenant) as simulator:
        simulator.control("POST", "quotas", {"scale": 10_000})
        ours = _several("users", simulator)
        typed = _typed(simulator)
        report.note("users, fetched to stored", ours)
        report.note("users, msgraph-sdk typed", typed)
        less = typed["cpuMicrosecondsAUser"] / ours["cpuMicrosecondsAUser"]
        report.add(Measure(
            "CPU a user, fetched to stored", ours["cpuMicrosecondsAUser"], "µs", "msgraph-sdk typed",
            typed["cpuMicrosecondsAUser"], f"{CHEAPER} times less", less >= CHEAPER,
        ))  # fmt: skip
        simulator.control("POST", "quotas", {"scale": 1})
        simulator.control("DELETE", "requests")
        fan_out = _child("fanOut", simulator)
        log = simulator.control("GET", "requests")
        fan_out |= _quota_used(log, fan_out, sizes.memberships)
        report.note("members of every group, paced by the quota", fan_out)
        report.add(
            Measure("links by fan-out: part of the quota used", fan_out["quotaUsed"], "", "the quota", 1.0,
                    f"at least {QUOTA}", fan_out["quotaUsed"] >= QUOTA if scale != "small" else None),
            Measure("governor: part of requests throttled", fan_out["throttledPart"], "", "", None,
                    f"below {THROTTLED}", fan_out["throttledPart"] < THROTTLED),
        )  # fmt: skip
        simulator.control("DELETE", "requests")
        chain = _child("chain", simulator)
        log = simulator.control("GET", "requests")
        chain |= {"requests": log["httpRequests"], "resourceUnits": log["resourceUnits"]}
        _need_edges(chain["members"], sizes.memberships + sizes.principals_in_groups)
        report.note("groups with members and owners along the delta", chain)
        floor = max(sizes.groups / DELTA_OBJECTS_A_PAGE, 440 * sizes.groups / SCALES["T1"].groups)
        report.add(Measure(
            "links of the groups: requests", chain["requests"], "", "delta at its documented pages", round(floor),
            f"{CHAIN_MARGIN} times", chain["requests"] <= CHAIN_MARGIN * floor,
        ))  # fmt: skip
    with simulating(tenant, latency_ms=50) as simulator:
        simulator.control("POST", "quotas", {"scale": 10_000})
        with metered(simulator.pid) as server:
            listed = _several("users", simulator)
        # The simulated tenant needs time of its own for a page, which comes on top of the latency.
        listed["floorSeconds"] = round(listed["pages"] * 0.05 + server.cpu_seconds / ROUNDS, 3)
        report.note("users at 50 ms, fetched to stored", listed)
        part = listed["floorSeconds"] / listed["wallSeconds"]
        report.add(Measure(
            "latency-bound list of users, 50 ms", listed["wallSeconds"], "s", "pages × (latency + server)",
            listed["floorSeconds"], f"{FLOOR:.0%} of the floor", part >= FLOOR,
        ))  # fmt: skip


def _quota_used(log: Any, told: dict[str, Any], memberships: int) -> dict[str, Any]:
    _need_edges(told["members"], memberships)
    rate = RESOURCE_UNITS_PER_WINDOW["L"] / RESOURCE_UNIT_WINDOW_SECONDS
    allowed = RESOURCE_UNITS_PER_WINDOW["L"] + rate * told["wallSeconds"]
    refused = sum(line["statuses"].get("429", 0) for line in log["paths"].values())
    return {
        "requests": log["httpRequests"], "parts": log["batchEntries"], "resourceUnits": log["resourceUnits"],
        "throttled": refused, "throttledPart": round(refused / max(1, log["graphRequests"]), 4),
        "quotaUsed": round(log["resourceUnits"] / allowed, 3),
    }  # fmt: skip


def _need_edges(found: int, least: int) -> None:
    if found < least:
        raise BenchError(f"{least - found} memberships are missing")


def _several(what: str, simulator: Simulator) -> dict[str, Any]:
    told = [_child(what, simulator) for _ in range(ROUNDS)]
    return {name: median(one[name] for one in told) for name in told[0]}


def _child(what: str, simulator: Simulator) -> dict[str, Any]:
    return _run([
        "-m", "bench.reading", what, simulator.url, simulator.tenant_id, simulator.client_id, simulator.client_secret,
    ])  # fmt: skip


def _typed(simulator: Simulator) -> dict[str, Any]:
    with simulator.graph() as graph:
        token = graph.headers["Authorization"].removeprefix("Bearer ")
    select = ",".join(wanted(OBJECT_TYPES["user"], Reading(), "global").tracked)
    return _run(["-m", "bench.typed_users", simulator.url, token, select, str(TYPED_USERS)])


def _run(arguments: list[str]) -> dict[str, Any]:
    ended = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise BenchError(f"{arguments[1:3]}: {ended.stderr[-600:]}")
    told: dict[str, Any] = json.loads(ended.stdout.strip().splitlines()[-1])
    return told


async def _users(graph: Graph) -> dict[str, Any]:
    """The list of users, stored; the next page is on its way while a worker thread stores this one."""
    row = OBJECT_TYPES["user"]
    select = wanted(row, Reading(), "global").tracked
    listing = with_query("/users", select=",".join(select), top=999)
    users = page_count = 0
    with tempfile.TemporaryDirectory(prefix="cairn-bench-") as folder:
        store, recorder = FileStore(Path(folder)), Recorder("user", row.volatile)

        def record(page: Page) -> list[SegmentDraft]:
            for object_id, body in parse_page(page.values, select=select, annotations=page.annotations).objects:
                recorder.object(object_id, body)
            return recorder.full()

        began, cpu = time.perf_counter(), time.process_time()
        async for page in pages(graph, listing):
            users, page_count = users + len(page.values), page_count + 1
            await _stored(store, await asyncio.to_thread(record, page))
        await _stored(store, await asyncio.to_thread(recorder.finish))
        wall, spent = time.perf_counter() - began, time.process_time() - cpu
    return {
        "users": users, "pages": page_count, "wallSeconds": round(wall, 3), "cpuSeconds": round(spent, 3),
        "cpuMicrosecondsAUser": round(spent / users * 1e6, 1),
    }  # fmt: skip


async def _stored(store: FileStore, drafts: list[SegmentDraft]) -> None:
    for draft in drafts:
        with draft:
            await store_segment(store, "00000000-0000-4000-8000-000000000001", draft)


async def _fan_out(graph: Graph) -> dict[str, Any]:
    """Members of every group in `$batch`, as fast as the quota allows."""
    groups: list[str] = []
    async for page in pages(graph, with_query("/groups", select="id", top=999)):
        groups += [group["id"] for group in page.values]
    parts = (Part(group, f"/groups/{group}/members?$select=id&$top=999", asked="members") for group in groups)
    members, began = 0, time.perf_counter()
    cpu = time.process_time()
    async for shown in read_lists(graph, parts):
        if shown.error is not None:
            raise BenchError(str(shown.error))
        members += len(shown.values)
    return {
        "groups": len(groups), "members": members, "wallSeconds": round(time.perf_counter() - began, 3),
        "cpuSeconds": round(time.process_time() - cpu, 3),
    }  # fmt: skip


async def _chain(graph: Graph) -> dict[str, Any]:
    """Groups in full, along the delta, by the product's own capture."""
    edges: set[tuple[str, str]] = set()
    began, cpu = time.perf_counter(), time.process_time()
    reading = Reading(slow=False)
    async for piece in capture(graph, OBJECT_TYPES["group"], reading=reading):
        edges.update((one.source, to.id) for one in piece.parse().links if one.link == "members" for to in one.added)
    return {
        "members": len(edges), "wallSeconds": round(time.perf_counter() - began, 3),
        "cpuSeconds": round(time.process_time() - cpu, 3),
    }  # fmt: skip


async def _main(what: str, root: str, tenant_id: str, client_id: str, secret: str) -> None:
    roots = endpoints("global", graph_url=root, login_url=root)
    async with Graph(roots, token_source(roots, tenant_id, ClientSecret(client_id, secret))) as graph:
        await graph.token()
        print(json.dumps(await {"users": _users, "fanOut": _fan_out, "chain": _chain}[what](graph)))


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
