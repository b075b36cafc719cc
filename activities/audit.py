"""The timer of the audit trail: what is new goes into the vault; once a day every book is checked."""

import logging

from shared.audit.sealing import seal_book
from shared.audit.verification import verify_book
from shared.deployment import deployment
from shared.errors import CairnError

_LOG = logging.getLogger("cairn.audit")

CHECKED_AT = (3, 5)
"""Books are checked by the turn of the timer in the first five minutes of this hour, UTC."""


async def seal_audit() -> None:
    """Seal every book; one book's trouble holds up no other. Safe to repeat."""
    opened = await deployment()
    records, now = opened.records, opened.records.clock()
    for book in await records.audit.books():
        try:
            await seal_book(records.audit, opened.vault, book, clock=records.clock)
            if now.hour != CHECKED_AT[0] or now.minute >= CHECKED_AT[1]:
                continue
            report = await verify_book(records.audit, opened.vault, book)
        except CairnError as error:
            _LOG.warning("a book of the audit trail: %s", type(error).__name__)
            continue
        if not report.intact:
            first = report.findings[0]
            await records.events.record(
                f"auditTampered:{book}:{now:%Y-%m-%d}", tenant_id=book, severity="error", code="auditTampered",
                message=f"The audit trail is not as it was written: entry {first.sequence}: {first.what}. See "
                "GET /api/v1/audit/verification.",
            )  # fmt: skip
