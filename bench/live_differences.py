"""A difference report against the live tenant, through the whole product: what it costs as the tenant grows.

The same changes are made in tenants of three sizes, and in larger ones a hundred times as many; each report begins with
`POST /differences` and ends with its task. Latency and quotas are the documented ones (quotas are lifted only for the
backup before and for making the changes, which nobody measures here). A report that lists another number of changes
than were made gives no figure.
"""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from bench.backup import folder
from bench.changes import change_users
from bench.measuring import metered
from bench.parts import BenchError, Cairn, Simulator, cairn_protecting, generating, simulating
from bench.report import Measure, Report
from bench.tenant import SCALES, tenant_file

LATENCY_MS = 50.0
FEW, MANY, MILLION = 1_000, 100_000, 1_000_000
SECONDS = 60
DELTA_TYPES = (
    "user", "group", "application", "servicePrincipal", "device", "administrativeUnit", "directoryRole",
    "oAuth2PermissionGrant",
)
"""Types that Microsoft Graph has a delta of."""
QUOTAS_LIFTED = 10_000
KEYS_SINGLY = frozenset({"application", "servicePrincipal"})
"""Types whose keys Graph gives one by one, 150 a minute: in the simulator's own tenant of a million users many have
some, and the backup before would take hours of waiting that say nothing of the report."""


def measure(report: Report, cache: Path, scale: str) -> None:
    """Add the sizes up to the one asked for; the largest is `python -m bench.run --part differencesMillion`."""
    for size in ("small",) if scale == "small" else ("small", "T1"):
        _at(report, _from_file(cache, size), _objects(size))


def many(report: Report, cache: Path, scale: str) -> None:  # noqa: ARG001 - the one size that it is worth it for
    """Add a hundred thousand changes."""
    _at(report, _from_file(cache, "T1"), _objects("T1"), many_too=True)


def million(report: Report, cache: Path, scale: str) -> None:  # noqa: ARG001 - its tenant lies in no file
    """Add a million users, without the two links that take a page of a hundred objects each in the backup before.

    The tenant is of the simulator's own making: as a file it would take more memory to load than to make. With the
    scale `small` it is a hundredth of that, to see that it runs.
    """
    users = MILLION // 100 if scale == "small" else MILLION
    generated = generating(users, users // 10, latency_ms=LATENCY_MS)
    _at(report, generated, types=tuple(name for name in DELTA_TYPES if name not in KEYS_SINGLY), every_type=False)


def _from_file(cache: Path, scale: str) -> AbstractContextManager[Simulator]:
    return simulating(tenant_file(cache, scale), latency_ms=LATENCY_MS)


def _objects(scale: str) -> int:
    sizes = SCALES[scale]
    return sizes.users + sizes.groups + sizes.service_principals + sizes.applications + sizes.devices


def _at(
    report: Report, tenant: AbstractContextManager[Simulator], objects: int = 0, *, every_type: bool = True,
    many_too: bool = False, types: tuple[str, ...] = DELTA_TYPES,
) -> None:
    whole = wholesale = None
    with (
        folder() as data,
        tenant as simulator,
        cairn_protecting(simulator, Path(data), every_link=every_type) as cairn,
    ):
        simulator.control("POST", "quotas", {"scale": QUOTAS_LIFTED})
        with metered(cairn.pid) as worker:
            base = cairn.run("backups", {"kind": "full", **({} if every_type else {"types": list(types)})})
        base = base["result"]["backupId"]
        objects = objects or sum(cairn.get(f"backups/{base}")["counts"].values())
        report.note(f"the full backup before, {objects} objects, quotas lifted", worker.told())
        simulator.control("POST", "quotas", {"scale": 1})
        few = change_users(simulator, FEW, "Changed once")
        by_delta = _told(report, simulator, cairn, base, few, f"{objects} objects, types with delta", types)
        if every_type:
            whole = _told(report, simulator, cairn, base, few, f"{objects} objects, every type", None)
        if many_too:
            changed = change_users(simulator, MANY, "Changed twice")
            wholesale = _told(
                report, simulator, cairn, base, changed, f"{objects} objects, types with delta", DELTA_TYPES
            )
    lines = [("types with delta", few, by_delta, SECONDS)]
    if whole is not None:
        lines.append(("every type", few, whole, SECONDS))
    if wholesale is not None:
        lines.append(("types with delta", MANY, wholesale, 0))
    for what, count, told, most in lines:
        label = f"against live, {objects} objects, {count} changed, {what}"
        report.add(
            Measure(f"{label}: wall", told["wallSeconds"], "s", target=f"under {most} s" if most else "",
                    met=told["wallSeconds"] < most if most else None),
            Measure(f"{label}: CPU", told["cpuSeconds"], "s"),
            Measure(f"{label}: requests", told["requests"], ""),
            Measure(f"{label}: resource units", told["resourceUnits"], ""),
            Measure(f"{label}: peak above idle", told["peakAboveIdleMiB"], "MiB"),
        )  # fmt: skip


def _told(
    report: Report, simulator: Simulator, cairn: Cairn, base: str, changed: int, name: str,
    types: tuple[str, ...] | None,
) -> dict[str, Any]:
    simulator.control("DELETE", "requests")
    with metered(simulator.pid) as tenant, metered(cairn.pid) as worker:
        asked = {"backupId": base, "against": "live", **({} if types is None else {"types": list(types)})}
        task = cairn.run("differences", asked)
    requests = simulator.control("GET", "requests")
    made = cairn.get(f"differences/{task['result']['reportId']}")
    if made["counts"]["changed"] != changed or made["total"] != changed:
        raise BenchError(f"{name}: {made['counts']} instead of {changed} changes")
    costs = {cost["type"]: cost["requests"] for cost in made["costs"] if cost["requests"]}
    told = {
        **worker.told(), "changed": changed, "simulatorCpuSeconds": round(tenant.cpu_seconds, 2),
        "requests": requests["httpRequests"], "parts": requests["batchEntries"],
        "resourceUnits": requests["resourceUnits"],
        "costliest": dict(sorted(costs.items(), key=lambda one: -one[1])[:8]),
    }  # fmt: skip
    report.note(f"differences against live, {name}, {changed} changed", told)
    return told
