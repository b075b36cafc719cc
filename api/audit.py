"""/audit: who did what, when, and what was refused."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api.backups import csv_of
from api.guard import GuardedRoute, permit
from api.lists import Fields, ListedBy, listed, query_of
from api.services import CalledBy, Deployed, Kept
from api.tasks import tenants_asked
from shared.audit.entry import AuditEntry
from shared.audit.verification import verify_book
from shared.browse.search.matching import matcher
from shared.browse.search.query import Field, Screen

router = APIRouter(prefix="/audit", tags=["audit"], route_class=GuardedRoute)

SCREEN = Screen("audit", (
    Field("timestamp", "time"),
    Field("action"),
    Field("actor"),
    Field("actorType", "choice", {"user": ("User",), "app": ("App",), "unknown": ("Unknown",)}),
    Field("outcome", "choice", {"done": ("Done",), "refused": ("Refused",), "failed": ("Failed",)}),
    Field("method"),
    Field("path"),
    Field("code"),
    Field("tenantId"),
    Field("auditId"),
))
FIELDS = Fields(
    "timestamp desc", ("timestamp", "action", "actor", "outcome", "status", "method", "tenantId"), SCREEN
)
COLUMNS = (
    "timestamp", "tenantId", "actor", "actorType", "action", "method", "path", "targets", "outcome", "status", "code",
    "details", "auditId", "sequence", "previousHash", "hash",
)
MOST_ROWS = 50_000

Tenant = Annotated[str | None, Query(max_length=64, description="One tenant only.")]


@router.get("")
@permit("audit.read")
async def list_audit(
    request: Request, caller: CalledBy, records: Kept, query: ListedBy, tenant: Tenant = None
) -> dict[str, Any]:
    """The audit trail, newest first; what concerns no single tenant is shown to who reads the audit of all."""
    tenants = tenants_asked(caller, tenant)

    def stream(after: str) -> AsyncIterator[tuple[str, AuditEntry]]:
        return records.audit.stream(tenants, after=after)

    return await listed(request, query, FIELDS, stream)


@router.get(".csv", response_class=Response)
@permit("audit.read", audited=True)
async def get_audit_csv(
    caller: CalledBy, records: Kept, query: ListedBy, tenant: Tenant = None
) -> Response:
    """The audit trail as CSV, narrowed by `q`; at most 50,000 lines, the newest."""
    tenants = tenants_asked(caller, tenant)
    suits = matcher(query_of(query.q, SCREEN), SCREEN)
    rows: list[list[Any]] = []
    async for _, entry in records.audit.stream(tenants):
        if suits(entry):
            rows.append([_shown(entry, name) for name in COLUMNS])
            if len(rows) == MOST_ROWS:
                break
    return csv_of("audit", COLUMNS, rows)


@router.get("/verification")
@permit("audit.read")
async def verify_audit(caller: CalledBy, deployed: Deployed, tenant: Tenant = None) -> dict[str, Any]:
    """Whether each book of the trail is as it was written: its chain of hashes, and the segments in the vault."""
    asked = tenants_asked(caller, tenant)
    trail = deployed.records.audit
    books = [book for book in await trail.books() if asked is None or book in asked]
    reports = [await verify_book(trail, deployed.vault, book) for book in books]
    return {
        "intact": all(report.intact for report in reports),
        "value": [
            {
                "book": report.book, "entries": report.entries, "sealed": report.sealed, "intact": report.intact,
                "findings": [{"sequence": one.sequence, "what": one.what} for one in report.findings],
            }
            for report in reports
        ],
    }


def _shown(entry: AuditEntry, name: str) -> Any:
    value = entry[name]  # type: ignore[literal-required]
    if isinstance(value, dict):
        return "; ".join(f"{key}={one}" for key, one in value.items())
    return value
