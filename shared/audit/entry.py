"""One entry of the audit trail, and the hash that binds it to the one before it."""

import hashlib
from collections.abc import Mapping
from typing import Any, Literal, TypedDict

import orjson

DEPLOYMENT = "deployment"
"""The book of what belongs to no tenant."""

FIRST_PREVIOUS = "0" * 64
"""Stands in the first entry of a book, which has none before it."""

Outcome = Literal["done", "refused", "failed"]


class Deed(TypedDict):
    """What is to be recorded: who (object id, empty for strangers) did or tried what, on what, with what outcome."""

    tenantId: str | None
    actor: str
    actorType: Literal["user", "app", "unknown"]
    action: str
    method: str
    path: str
    targets: dict[str, str]
    outcome: Outcome
    status: int
    code: str
    details: dict[str, Any]


class AuditEntry(Deed):
    """A deed in its place in its book."""

    auditId: str
    timestamp: str
    sequence: int
    previousHash: str
    hash: str


def sealed_entry(deed: Deed, *, audit_id: str, timestamp: str, sequence: int, previous: str) -> AuditEntry:
    """The deed with its place and its hash."""
    entry = AuditEntry(
        **deed, auditId=audit_id, timestamp=timestamp, sequence=sequence, previousHash=previous, hash=""
    )
    entry["hash"] = hash_of(entry)
    return entry


def hash_of(entry: Mapping[str, Any]) -> str:
    """SHA-256 (hex) over the entry's canonical JSON without its own hash; the hash before it is part of it."""
    without = {name: value for name, value in entry.items() if name != "hash"}
    return hashlib.sha256(orjson.dumps(without, option=orjson.OPT_SORT_KEYS)).hexdigest()


def book_of(tenant_id: str | None) -> str:
    """The book that a deed in this tenant (None: in none) belongs to."""
    return tenant_id.lower() if tenant_id else DEPLOYMENT
