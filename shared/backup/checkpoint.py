"""What a lane has captured so far, and where it goes on: one small JSON blob a slice in the workspace.

Invariants: a checkpoint is named by the hash of its content and never changes, and an orchestration's history names the
one that counts. So a slice that runs twice, even at the same time as itself, leaves two blobs of which one is used: no
page is lost and none is needed twice. Cursors are encrypted, since Graph's page links can hold more than ids.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import orjson

from shared.errors import Corrupt
from shared.repository.manifest import Layer, SegmentRef
from shared.repository.names import tenant_prefix
from shared.repository.store import BlobStore

type Json = dict[str, Any]
type TypeOutcome = Literal["complete", "partial", "refused", "failed"]

COVERAGE_LIMIT = 50_000
"""Entries kept a type; beyond it the count alone goes on, so that a checkpoint stays small."""


@dataclass(frozen=True, slots=True)
class TypeCapture:
    """One type's reading: what was written, at what cost, and how it ended."""

    object_type: str
    started: str
    finished: str = ""
    mode: str = "full"
    outcome: TypeOutcome = "complete"
    reason: str = ""
    remedy: str = ""
    objects: tuple[SegmentRef, ...] = ()
    links: tuple[SegmentRef, ...] = ()
    object_records: int = 0
    link_records: int = 0
    tokens: Mapping[str, str] = field(default_factory=dict)
    """Where the next read goes on, encrypted, by Graph collection."""
    requests: int = 0
    resource_units: float = 0.0
    throttled: int = 0
    not_read: tuple[Json, ...] = ()
    not_read_count: int = 0
    stored_as: Literal["base", "changes"] = "base"
    """Whether the layer stands alone or over those of the restore point before."""
    tallied: Mapping[str, int] = field(default_factory=dict)
    """What is counted apart among the objects recorded, by the name of the count."""
    retryable: bool = False
    """Whether a failure may pass: the closing lane tries such a type once more."""

    @property
    def layer(self) -> Layer:
        """What was written, as a layer."""
        return Layer(objects=self.objects, links=self.links)

    def failed(self, outcome: TypeOutcome, reason: str, remedy: str, at: str) -> "TypeCapture":
        """The same, ended early."""
        return replace(self, outcome=outcome, reason=reason, remedy=remedy, finished=at)

    def as_json(self) -> Json:
        """As it stands in a checkpoint."""
        return {
            "objectType": self.object_type, "started": self.started, "finished": self.finished, "mode": self.mode,
            "outcome": self.outcome, "reason": self.reason, "remedy": self.remedy,
            "layer": self.layer.as_json(), "objectRecords": self.object_records, "linkRecords": self.link_records,
            "tokens": dict(self.tokens), "requests": self.requests, "resourceUnits": self.resource_units,
            "throttled": self.throttled, "notRead": list(self.not_read), "notReadCount": self.not_read_count,
            "storedAs": self.stored_as, "tallied": dict(self.tallied), "retryable": self.retryable,
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "TypeCapture":
        """The inverse of as_json."""
        layer = Layer.from_json(value["layer"])
        return TypeCapture(
            object_type=value["objectType"], started=value["started"], finished=value["finished"], mode=value["mode"],
            outcome=value["outcome"], reason=value["reason"], remedy=value["remedy"],
            objects=layer.objects, links=layer.links,
            object_records=value["objectRecords"], link_records=value["linkRecords"], tokens=value["tokens"],
            requests=value["requests"], resource_units=value["resourceUnits"], throttled=value["throttled"],
            not_read=tuple(value["notRead"]), not_read_count=value["notReadCount"],
            stored_as=value["storedAs"], tallied=value["tallied"], retryable=value["retryable"],
        )


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A lane between two slices; `cursors` (encrypted) say where the types that are being read go on."""

    captures: tuple[TypeCapture, ...] = ()
    cursors: Mapping[str, str] = field(default_factory=dict)

    def done(self) -> frozenset[str]:
        """The types that are finished."""
        return frozenset(capture.object_type for capture in self.captures if capture.finished)

    def with_capture(self, capture: TypeCapture, cursor: str = "") -> "Checkpoint":
        """The same with the newest state of one type."""
        name = capture.object_type
        others = tuple(one for one in self.captures if one.object_type != name)
        cursors = {other: where for other, where in self.cursors.items() if other != name}
        return Checkpoint((*others, capture), {**cursors, name: cursor} if cursor else cursors)

    def with_type_of(self, other: "Checkpoint", object_type: str) -> "Checkpoint":
        """The same with what another one has of one type."""
        capture = other.of(object_type)
        return self if capture is None else self.with_capture(capture, other.cursors.get(object_type, ""))

    def of(self, object_type: str) -> TypeCapture | None:
        """What is known of one type."""
        return next((one for one in self.captures if one.object_type == object_type), None)


def run_prefix(tenant_id: str, task_id: str) -> str:
    """The folder of one run in the workspace; the task's id is hashed, since it came from outside once."""
    return f"{tenant_prefix(tenant_id)}runs/{hashlib.sha256(task_id.encode()).hexdigest()[:32]}/"


async def store_json(workspace: BlobStore, prefix: str, value: Json) -> str:
    """The name under which the value now lies: the hash of its content."""
    content = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    name = f"{prefix}{hashlib.sha256(content).hexdigest()}.json"
    await workspace.put(name, content)
    return name


async def load_json(workspace: BlobStore, name: str) -> Json:
    """What lies under the name; Missing, or Corrupt where the content is not what the name says."""
    content = await workspace.get(name)
    if hashlib.sha256(content).hexdigest() != name.rsplit("/", 1)[-1].removesuffix(".json"):
        raise Corrupt(f"{name} is not what its name says", remedy="Run the backup again.")
    value: Json = orjson.loads(content)
    return value


async def save_checkpoint(workspace: BlobStore, tenant_id: str, task_id: str, checkpoint: Checkpoint) -> str:
    """The name under which the checkpoint now lies."""
    value = {"captures": [capture.as_json() for capture in checkpoint.captures], "cursors": dict(checkpoint.cursors)}
    return await store_json(workspace, run_prefix(tenant_id, task_id), value)


async def load_checkpoint(workspace: BlobStore, name: str) -> Checkpoint:
    """The checkpoint of that name, or an empty one for an empty name."""
    if not name:
        return Checkpoint()
    value = await load_json(workspace, name)
    captures = tuple(TypeCapture.from_json(one) for one in value["captures"])
    # A lane that was under way when Cairn was updated left one cursor, of the type that it read last.
    only = {captures[-1].object_type: value["cursor"]} if value.get("cursor") else {}
    return Checkpoint(captures, value.get("cursors", only))
