"""Finds what was changed, removed or put into a book of the audit trail after it was written.

Checked are every row's own hash, the hash it gives of the one before, the numbers without a gap, and that the vault's
segments say the same. The vault cannot be rewritten, so a chain that was made anew as a whole is found out too.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from shared.audit.entry import FIRST_PREVIOUS, hash_of
from shared.audit.sealing import audit_prefix
from shared.audit.trail import AuditTrail
from shared.repository.store import BlobStore

MOST_FINDINGS = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was written."""

    sequence: int
    what: str


@dataclass(frozen=True, slots=True)
class BookReport:
    """What verification found in one book."""

    book: str
    entries: int
    sealed: int
    findings: tuple[Finding, ...]

    @property
    def intact(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


async def verify_book(trail: AuditTrail, vault: BlobStore, book: str) -> BookReport:
    """The book checked from its end to its beginning, in tables and vault. Read-only."""
    findings: list[Finding] = []
    kept: dict[int, str] = {}
    following: Mapping[str, Any] | None = None
    async for entry in trail.newest_of(book):
        sequence = entry["sequence"]
        if hash_of(entry) != entry["hash"]:
            findings.append(Finding(sequence, "its content is not what its hash says"))
        if following is not None:
            findings += _joined(entry, following)
        kept[sequence] = entry["hash"]
        following = entry
    if following is not None and (following["sequence"] != 1 or following["previousHash"] != FIRST_PREVIOUS):
        findings.append(Finding(following["sequence"], "the entries before it are gone"))
    sealed = 0
    previous: Mapping[str, Any] | None = None
    async for number, entry_in_vault in _in_vault(vault, book):
        sealed += 1
        findings += _compared(number, entry_in_vault, previous, kept)
        previous = entry_in_vault
    return BookReport(book, len(kept), sealed, tuple(findings[:MOST_FINDINGS]))


def _joined(entry: Mapping[str, Any], following: Mapping[str, Any]) -> list[Finding]:
    found = []
    if following["sequence"] != entry["sequence"] + 1:
        found.append(Finding(entry["sequence"] + 1, "entries are gone from here"))
    elif following["previousHash"] != entry["hash"]:
        found.append(Finding(following["sequence"], "it does not follow the entry before it"))
    return found


def _compared(
    number: int, entry: Mapping[str, Any], previous: Mapping[str, Any] | None, kept: Mapping[int, str]
) -> list[Finding]:
    if not entry or hash_of(entry) != entry.get("hash") or entry.get("sequence") != number:
        return [Finding(number, "the vault's segment is damaged")]
    found = []
    if previous and entry["previousHash"] != previous.get("hash"):
        found.append(Finding(number, "the vault's segments do not follow each other"))
    if number not in kept:
        found.append(Finding(number, "it is in the vault and gone from the tables"))
    elif kept[number] != entry["hash"]:
        found.append(Finding(number, "the tables say something else than the vault"))
    return found


async def _in_vault(vault: BlobStore, book: str) -> AsyncIterator[tuple[int, Mapping[str, Any]]]:
    expected = 1
    async for blob in vault.list(audit_prefix(book)):
        first = int(blob.name.rsplit("/", 1)[1].removesuffix(".ndjson"))
        if first != expected:
            yield expected, {}
        number = first
        for line in (await vault.get(blob.name)).splitlines():
            yield number, _parsed(line)
            number += 1
        expected = number


def _parsed(line: bytes) -> Mapping[str, Any]:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
