"""The names of blobs: one function each, as docs/repository-format.md draws them; none holds a personal
value."""

import re

from shared.errors import RepositoryError

FORMAT = "format.json"
_TENANT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BACKUP = re.compile(r"\d{8}")


def tenant_prefix(tenant_id: str) -> str:
    """The folder of one tenant; refuses what is no GUID, so that no id can reach into another folder."""
    if not _TENANT.fullmatch(tenant_id.lower()):
        raise RepositoryError("a tenant id must be a GUID", remedy="Use the tenant's directory id.")
    return f"tenants/{tenant_id.lower()}/"


def segment_name(tenant_id: str, sha256: str) -> str:
    """A segment's blob."""
    return f"{tenant_prefix(tenant_id)}segments/{sha256[:2]}/{sha256}.ndjson.zst"


def sidecar_name(tenant_id: str, sha256: str) -> str:
    """A sidecar's blob."""
    return f"{tenant_prefix(tenant_id)}segments/{sha256[:2]}/{sha256}.idx"


def coverage_name(tenant_id: str, sha256: str) -> str:
    """A long coverage list's blob."""
    return f"{tenant_prefix(tenant_id)}coverage/{sha256[:2]}/{sha256}.ndjson.zst"


def manifests_prefix(tenant_id: str) -> str:
    """The folder of a tenant's manifests."""
    return f"{tenant_prefix(tenant_id)}manifests/"


def tombstones_prefix(tenant_id: str) -> str:
    """The folder of a tenant's tombstones."""
    return f"{tenant_prefix(tenant_id)}expired/"


def manifest_name(tenant_id: str, backup_id: str) -> str:
    """A manifest's blob."""
    return f"{manifests_prefix(tenant_id)}{backup_id}.json"


def tombstone_name(tenant_id: str, backup_id: str) -> str:
    """A tombstone's blob."""
    return f"{tombstones_prefix(tenant_id)}{backup_id}.json"


def backup_id(sequence: int) -> str:
    """A restore point's id: its number in eight digits."""
    return f"{sequence:08d}"


def is_backup_id(text: str) -> bool:
    """Whether this can be a restore point's id."""
    return _BACKUP.fullmatch(text) is not None


def sequence_of(name: str) -> int | None:
    """The number in a manifest's or tombstone's name, or None for a blob that is neither."""
    stem = name.rsplit("/", 1)[-1]
    return int(stem[:8]) if stem.endswith(".json") and _BACKUP.fullmatch(stem[:-5]) else None
