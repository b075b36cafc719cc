"""Section "backup": full and incremental backups through the whole product, beside the rivals, on one tenant.

Every backup goes through the HTTP interface of a local stack of its own, engine included, and ends sealed and hashed;
requests and resource units are those that the simulated tenant counted, not those that Cairn says.
"""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.measuring import metered
from bench.parts import BenchError, Cairn, Simulator
from bench.tenant import Sizes
from shared.catalog import OBJECT_TYPES

SAME_TYPES = (
    "user", "group", "application", "servicePrincipal", "device", "appRoleAssignment", "oAuth2PermissionGrant",
    "administrativeUnit", "directoryRole", "unifiedRoleDefinition", "unifiedRoleAssignment",
    "unifiedRoleEligibilitySchedule", "authorizationPolicy", "conditionalAccessPolicy",
)  # fmt: skip
"""What both sides read; the whole catalog is measured besides."""


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup and what it cost."""

    restore_point: Mapping[str, Any]
    told: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.told[name]


def back_up(simulator: Simulator, cairn: Cairn, body: Mapping[str, object]) -> Backup:
    """Run one backup over HTTP and measure host, simulator and storage apart."""
    simulator.control("DELETE", "requests")
    with metered(cairn.storage_pid()) as storage, metered(simulator.pid) as tenant, metered(cairn.pid) as worker:
        task = cairn.run("backups", body)
    asked = simulator.control("GET", "requests")
    restore_point = cairn.get(f"backups/{task['result']['backupId']}")
    whole = set(restore_point["coverage"].values()) <= {"complete", "off", "carried", "refused"}
    told = {
        **worker.told(),
        "simulatorCpuSeconds": round(tenant.cpu_seconds, 2), "storageCpuSeconds": round(storage.cpu_seconds, 2),
        "requests": asked["httpRequests"], "parts": asked["batchEntries"], "resourceUnits": asked["resourceUnits"],
        "throttled": sum(line["statuses"].get("429", 0) for line in asked["paths"].values()),
        "appRoleSweep": _requests_for(asked, _is_app_role_sweep), "slowLane": _requests_for(asked, _is_slow),
        "graphRequests": asked["graphRequests"], "whole": whole, "storedMB": round(restore_point["sizeBytes"] / 1e6, 1),
        "backupSeconds": restore_point["durationSeconds"], "counts": {
            name: count for name, count in restore_point["counts"].items() if count
        },
        "paths": {
            name: line["count"] for name, line in sorted(asked["paths"].items(), key=lambda one: -one[1]["count"])[:12]
        },
    }  # fmt: skip
    return Backup(restore_point, told)


def _requests_for(asked: Mapping[str, Any], ours: Callable[[str], bool]) -> int:
    """HTTP requests that were for nothing else; a `$batch` is one, and counts if all its parts are."""
    by_purpose: Mapping[str, int] = asked["httpRequestsBy"]
    return sum(count for purpose, count in by_purpose.items() if all(map(ours, purpose.split(" + "))))


def _is_app_role_sweep(purpose: str) -> bool:
    return "appRoleAssignedTo" in purpose


def _is_slow(purpose: str) -> bool:
    """Whether it is the catalog's slow lane: a request for each object, paced (design section 3)."""
    return any(name in purpose for name in SLOW)


SLOW = frozenset(
    [link.name for row in OBJECT_TYPES.values() for link in row.links if link.slow]
    + [row.path.replace("{key}", "{id}").lstrip("/") for row in OBJECT_TYPES.values() if row.slow]
)


def proven(backup: Backup, sizes: Sizes) -> None:
    """Raise unless the restore point holds all that the tenant has: a fast backup of less is no figure."""
    expected = {
        "user": sizes.users, "group": sizes.groups, "application": sizes.applications,
        "servicePrincipal": sizes.service_principals, "device": sizes.devices,
    }  # fmt: skip
    counts = backup.restore_point["counts"]
    short = {name: counts.get(name, 0) for name, least in expected.items() if counts.get(name, 0) < least}
    if short or not backup["whole"]:
        raise BenchError(f"the backup is not whole: {short} {backup.restore_point['coverage']}")


def folder() -> tempfile.TemporaryDirectory[str]:
    """A data folder that is gone after its block."""
    return tempfile.TemporaryDirectory(prefix="cairn-bench-", ignore_cleanup_errors=True)


def data_path(name: str) -> Path:
    """That folder as a path."""
    return Path(name)
