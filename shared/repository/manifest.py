"""The manifest: everything there is to know about one restore point, as JSON.

Invariants: a manifest is immutable once sealed; it names every segment of its view, also those that older
backups wrote; its bytes are canonical, so its SHA-256 can be chained. Unknown format versions are refused.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

import orjson

from shared.errors import Corrupt, UnknownFormat
from shared.repository.records import Json, canonical

FORMAT = "cairn-manifest"
VERSION = 1

type Kind = Literal["full", "incremental", "beforeRestore"]
type Outcome = Literal["complete", "partial", "refused", "failed", "carried", "off"]


@dataclass(frozen=True, slots=True)
class SegmentRef:
    """A stored segment and its sidecar; sizes in bytes; `removals` counts the entries that cut earlier
    links."""

    sha256: str
    sidecar_sha256: str
    size: int
    sidecar_size: int
    records: int
    removals: int = 0

    def as_json(self) -> Json:
        """As it stands in a manifest or a message."""
        return {
            "sha256": self.sha256,
            "sidecarSha256": self.sidecar_sha256,
            "bytes": self.size,
            "sidecarBytes": self.sidecar_size,
            "records": self.records,
            "removals": self.removals,
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "SegmentRef":
        """The inverse of as_json."""
        return SegmentRef(
            value["sha256"],
            value["sidecarSha256"],
            value["bytes"],
            value["sidecarBytes"],
            value["records"],
            value.get("removals", 0),
        )


@dataclass(frozen=True, slots=True)
class Layer:
    """What one backup wrote for one type."""

    objects: tuple[SegmentRef, ...] = ()
    links: tuple[SegmentRef, ...] = ()

    @property
    def segments(self) -> tuple[SegmentRef, ...]:
        """Object segments, then link segments."""
        return self.objects + self.links

    def as_json(self) -> Json:
        """As it stands in a manifest."""
        return {
            "objects": [segment.as_json() for segment in self.objects],
            "links": [segment.as_json() for segment in self.links],
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "Layer":
        """The inverse of as_json."""
        return Layer(
            tuple(SegmentRef.from_json(segment) for segment in value["objects"]),
            tuple(SegmentRef.from_json(segment) for segment in value["links"]),
        )


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was not read or cannot be restored: `entries` when short, else the SHA-256 of a list in the
    vault."""

    count: int
    entries: tuple[Json, ...] = ()
    sha256: str = ""
    size: int = 0

    def as_json(self) -> Json:
        """As it stands in a manifest."""
        if self.sha256:
            return {"count": self.count, "sha256": self.sha256, "bytes": self.size}
        return {"count": self.count, "entries": list(self.entries)}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "Coverage":
        """The inverse of as_json."""
        return Coverage(value["count"], tuple(value.get("entries", ())), value.get("sha256", ""), value.get("bytes", 0))


@dataclass(frozen=True, slots=True)
class TypeEntry:
    """One object type in a restore point; `delta_tokens` are encrypted, by Graph collection; times are RFC
    3339.

    `full_read_at` is when the type was last read whole; `row_digest` says by which catalog row, so that a
    token is not used with other properties than it was made for.
    """

    outcome: Outcome
    reason: str = ""
    remedy: str = ""
    read_at: str = ""
    full_read_at: str = ""
    row_digest: str = ""
    layers: tuple[Layer, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    requests: int = 0
    resource_units: int = 0
    delta_tokens: Mapping[str, str] = field(default_factory=dict)
    coverage: Coverage = Coverage(0)

    def carried(self, reason: str = "", remedy: str = "") -> "TypeEntry":
        """The same view in the next restore point, for a type that is not read this time."""
        return replace(self, outcome="carried", reason=reason, remedy=remedy, requests=0, resource_units=0)

    def as_json(self) -> Json:
        """As it stands in a manifest; what has nothing to say is left out."""
        optional: Json = {
            "reason": self.reason,
            "remedy": self.remedy,
            "readAt": self.read_at,
            "fullReadAt": self.full_read_at,
            "rowDigest": self.row_digest,
            "deltaTokens": dict(self.delta_tokens),
            "coverage": self.coverage.as_json() if self.coverage.count else None,
        }
        return {
            "outcome": self.outcome,
            "layers": [layer.as_json() for layer in self.layers],
            "counts": dict(self.counts),
            "requests": self.requests,
            "resourceUnits": self.resource_units,
        } | {name: value for name, value in optional.items() if value}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "TypeEntry":
        """The inverse of as_json."""
        return TypeEntry(
            outcome=value["outcome"],
            reason=value.get("reason", ""),
            remedy=value.get("remedy", ""),
            read_at=value.get("readAt", ""),
            full_read_at=value.get("fullReadAt", ""),
            row_digest=value.get("rowDigest", ""),
            layers=tuple(Layer.from_json(layer) for layer in value["layers"]),
            counts=value["counts"],
            requests=value["requests"],
            resource_units=value["resourceUnits"],
            delta_tokens=value.get("deltaTokens", {}),
            coverage=Coverage.from_json(value["coverage"]) if "coverage" in value else Coverage(0),
        )


@dataclass(frozen=True, slots=True)
class Previous:
    """The manifest before: its id and the SHA-256 of its bytes."""

    backup_id: str
    sha256: str

    def as_json(self) -> Json:
        """As it stands in a manifest or a tombstone."""
        return {"backupId": self.backup_id, "sha256": self.sha256}

    @staticmethod
    def from_json(value: Mapping[str, Any] | None) -> "Previous | None":
        """The inverse of as_json; None stays None."""
        return Previous(value["backupId"], value["sha256"]) if value else None


@dataclass(frozen=True, slots=True)
class Manifest:
    """One restore point. Until it is sealed, `sequence` is 0 and `backup_id`, `previous` and `sha256` are
    empty."""

    tenant_id: str
    run_id: str
    kind: Kind
    started: datetime
    finished: datetime
    expires: datetime
    catalog_version: str
    types: Mapping[str, TypeEntry]
    cairn_version: str = ""
    sequence: int = 0
    backup_id: str = ""
    previous: Previous | None = None
    sha256: str = ""

    @property
    def counts(self) -> dict[str, int]:
        """Objects by type, for types that say so."""
        return {name: entry.counts["objects"] for name, entry in self.types.items() if "objects" in entry.counts}

    @property
    def requests(self) -> int:
        """Graph requests that this backup made."""
        return sum(entry.requests for entry in self.types.values())

    @property
    def resource_units(self) -> int:
        """Graph resource units that this backup cost."""
        return sum(entry.resource_units for entry in self.types.values())

    @property
    def size_bytes(self) -> int:
        """Bytes of the distinct segments and sidecars that this restore point names."""
        return sum(segment.size + segment.sidecar_size for segment in set(self.segments()))

    def segments(self) -> Iterator[SegmentRef]:
        """Every segment named, in the order of types and layers; one named twice comes twice."""
        for entry in self.types.values():
            for layer in entry.layers:
                yield from layer.segments

    def as_bytes(self) -> bytes:
        """The manifest's file."""
        return canonical(
            {
                "format": FORMAT,
                "formatVersion": VERSION,
                "backupId": self.backup_id,
                "sequence": self.sequence,
                "tenantId": self.tenant_id,
                "runId": self.run_id,
                "kind": self.kind,
                "started": rfc3339(self.started),
                "finished": rfc3339(self.finished),
                "expires": rfc3339(self.expires),
                "catalogVersion": self.catalog_version,
                "cairnVersion": self.cairn_version,
                "types": {name: entry.as_json() for name, entry in self.types.items()},
                "counts": self.counts,
                "requests": self.requests,
                "resourceUnits": self.resource_units,
                "sizeBytes": self.size_bytes,
            }
            | ({"previous": self.previous.as_json()} if self.previous else {})
        )

    @staticmethod
    def from_bytes(content: bytes, name: str) -> "Manifest":
        """The manifest in a file; UnknownFormat or Corrupt, naming `name`."""
        value = parse_versioned(content, name, FORMAT, VERSION)
        try:
            return Manifest(
                tenant_id=value["tenantId"],
                run_id=value["runId"],
                kind=value["kind"],
                started=datetime.fromisoformat(value["started"]),
                finished=datetime.fromisoformat(value["finished"]),
                expires=datetime.fromisoformat(value["expires"]),
                catalog_version=value["catalogVersion"],
                types={key: TypeEntry.from_json(entry) for key, entry in value["types"].items()},
                cairn_version=value["cairnVersion"],
                sequence=value["sequence"],
                backup_id=value["backupId"],
                previous=Previous.from_json(value.get("previous")),
                sha256=hashlib.sha256(content).hexdigest(),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Corrupt(f"{name} is not a manifest: {type(error).__name__}") from error


def parse_versioned(content: bytes, name: str, expected: str, version: int) -> Json:
    """A JSON file with `format` and `formatVersion` as expected; Corrupt, or UnknownFormat for another
    version."""
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Corrupt(f"{name} is not JSON") from error
    if not isinstance(value, dict) or value.get("format") != expected:
        raise Corrupt(f"{name} is not a {expected}")
    if value.get("formatVersion") != version:
        raise UnknownFormat(f"{name} has format version {value.get('formatVersion')}; this Cairn knows {version}")
    return value


def rfc3339(moment: datetime) -> str:
    """A moment in UTC, to the microsecond where there are any, ending in Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
