"""Writes what is new in a book into the vault: newline-delimited JSON, write-once, kept for five years.

A segment is named by the number of its first entry, so that a repetition, or a second machine, finds it there. Whoever
changes the tables later is found out by the vault; what is not sealed yet can still be cut off.
"""

from datetime import timedelta

import orjson

from shared.audit.entry import DEPLOYMENT, AuditEntry
from shared.audit.trail import AuditTrail
from shared.errors import AlreadyWritten
from shared.records.times import Clock, utc_now
from shared.repository.names import tenant_prefix
from shared.repository.store import BlobStore

KEPT = timedelta(days=1825)
MOST_IN_SEGMENT = 5000


def audit_prefix(book: str) -> str:
    """The folder of a book's segments in the vault."""
    return "audit/" if book == DEPLOYMENT else f"{tenant_prefix(book)}audit/"


def segment_name(book: str, first: int) -> str:
    """The segment whose first entry has that number."""
    return f"{audit_prefix(book)}{first:012d}.ndjson"


async def seal_book(trail: AuditTrail, vault: BlobStore, book: str, *, clock: Clock = utc_now) -> int:
    """Return how many entries went into the vault. Safe to repeat, and on several machines at once."""
    sealed = await trail.sealed_up_to(book)
    waiting = [entry async for entry in trail.newest_of(book, down_to=sealed)]
    waiting.reverse()
    done = 0
    while waiting:
        batch, waiting = waiting[:MOST_IN_SEGMENT], waiting[MOST_IN_SEGMENT:]
        last = await _write(vault, book, batch, clock)
        for entry in batch:
            await trail.list_entry(book, entry)
        await trail.note_sealed(book, last)
        done += last - batch[0]["sequence"] + 1
        waiting = [entry for entry in [*batch, *waiting] if entry["sequence"] > last]
    return done


async def _write(vault: BlobStore, book: str, batch: list[AuditEntry], clock: Clock) -> int:
    """The number of the last entry that the segment holds, which is fewer where another wrote it before."""
    name = segment_name(book, batch[0]["sequence"])
    content = b"".join(orjson.dumps(entry, option=orjson.OPT_SORT_KEYS) + b"\n" for entry in batch)
    try:
        await vault.put_new(name, content, retain_until=clock() + KEPT)
    except AlreadyWritten:
        written = (await vault.get(name)).splitlines()
        return int(orjson.loads(written[-1])["sequence"])
    return batch[-1]["sequence"]
