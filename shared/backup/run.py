"""One run's plan: made once when a backup begins, kept in the workspace, and read by every activity of the run."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.backup.checkpoint import load_json, run_prefix, store_json
from shared.backup.planning import Mode
from shared.entra.wanted import Reading
from shared.messages import BackupKind
from shared.records.times import as_text, as_time
from shared.repository.chain import read_manifest
from shared.repository.manifest import Manifest
from shared.repository.store import BlobStore


@dataclass(frozen=True, slots=True)
class TypeRun:
    """How this run reads one type, and why."""

    mode: Mode
    reason: str
    digest: str
    expected_objects: int | None = None
    expected_links: int | None = None
    anew: bool = False
    """Whether what the restore point before holds of it is damaged, so that nothing is built on it."""


@dataclass(slots=True)
class Base:
    """The manifest of the restore point that a run builds on, read once an activity however many types ask for it."""

    _manifest: Manifest | None = None
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def manifest(self, vault: BlobStore, tenant_id: str, number: int) -> Manifest:
        """The manifest of that number; Missing or Corrupt as `read_manifest`."""
        async with self._reading:
            if self._manifest is None:
                self._manifest = await read_manifest(vault, tenant_id, number)
            return self._manifest


@dataclass(frozen=True, slots=True)
class Run:
    """A run's plan; `previous` is the restore point it builds on, as its number, or 0."""

    tenant_id: str
    task_id: str
    kind: BackupKind
    partial: bool
    """Whether only some types were asked for."""
    scheduled: bool
    started: datetime
    retention_days: int
    options: Mapping[str, bool]
    delta: bool
    """False for tenants without change tracking (external and B2C tenants)."""
    previous: int
    held: frozenset[str] | None
    """Application permissions that the token holds; None if unknown."""
    extensions: Mapping[str, tuple[str, ...]]
    """Directory extensions registered in the tenant, by the kind of object."""
    types: Mapping[str, TypeRun]
    closing: tuple[str, ...]
    notes: tuple[str, ...] = ()
    """What could not be found out while planning; each becomes an event."""
    base: Base = field(default_factory=Base, compare=False, repr=False)

    def reading(self, name: str = "") -> Reading:
        """How this run's types are to be read; with a type's name also what is expected of it."""
        planned = self.types.get(name)
        return Reading(
            options=self.options, held=self.held, delta=self.delta, extensions=self.extensions,
            expected_objects=planned.expected_objects if planned else None,
            expected_links=planned.expected_links if planned else None,
        )

    def as_json(self) -> dict[str, Any]:
        """As it lies in the workspace."""
        return {
            "tenantId": self.tenant_id, "taskId": self.task_id, "kind": self.kind, "partial": self.partial,
            "scheduled": self.scheduled, "started": as_text(self.started), "retentionDays": self.retention_days,
            "options": dict(self.options), "delta": self.delta, "previous": self.previous,
            "held": None if self.held is None else sorted(self.held),
            "extensions": {target: list(names) for target, names in self.extensions.items()},
            "types": {
                name: {
                    "mode": one.mode, "reason": one.reason, "digest": one.digest,
                    "expectedObjects": one.expected_objects, "expectedLinks": one.expected_links,
                    "anew": one.anew,
                }
                for name, one in self.types.items()
            },
            "closing": list(self.closing), "notes": list(self.notes),
        }  # fmt: skip

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "Run":
        """The inverse of as_json."""
        return Run(
            tenant_id=value["tenantId"], task_id=value["taskId"], kind=value["kind"], partial=value["partial"],
            scheduled=value["scheduled"], started=as_time(value["started"]), retention_days=value["retentionDays"],
            options=value["options"], delta=value["delta"], previous=value["previous"],
            held=None if value["held"] is None else frozenset(value["held"]),
            extensions={target: tuple(names) for target, names in value["extensions"].items()},
            types={
                name: TypeRun(
                    one["mode"], one["reason"], one["digest"], one["expectedObjects"], one["expectedLinks"],
                    one.get("anew", False),
                )
                for name, one in value["types"].items()
            },
            closing=tuple(value["closing"]), notes=tuple(value["notes"]),
        )  # fmt: skip


async def save_run(workspace: BlobStore, run: Run) -> str:
    """The name under which the plan now lies."""
    return await store_json(workspace, run_prefix(run.tenant_id, run.task_id), run.as_json())


async def load_run(workspace: BlobStore, name: str) -> Run:
    """The plan of that name."""
    return Run.from_json(await load_json(workspace, name))
