"""The difference reports of all tenants: one row each, newest first per tenant; their changes lie in the workspace."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Literal, TypedDict, cast

from shared.errors import UnknownRecord
from shared.records.table import Row, RowChanged, RowExists, Table, key_of, walk
from shared.records.times import Clock, as_text, newest_first, utc_now

Status = Literal["queued", "running", "succeeded", "succeededWithWarnings", "failed", "cancelled"]
OPEN: frozenset[str] = frozenset({"queued", "running"})
TRIES = 20
LIVE = "live"


class Cost(TypedDict):
    """What reading one type of the live tenant took; `mode` is how: `changes`, `full`, `parents`, `byIds`."""

    type: str
    mode: str
    why: str
    requests: int
    resourceUnits: int


class NotCompared(TypedDict):
    """A type (or a part of one) of which the report says nothing, and why."""

    type: str
    reason: str
    remedy: str


class Attribute(TypedDict):
    """How often an attribute changed."""

    attribute: str
    count: int


class Report(TypedDict):
    """A report as the HTTP interface shows it, but for what `HIDDEN` names, which leads to its files."""

    reportId: str
    tenantId: str
    origin: Literal["request", "watch"]
    backupId: str
    against: str
    status: Status
    created: str
    modified: str
    finished: str | None
    taskId: str
    requestedBy: str
    types: list[str] | None
    objectCount: int | None
    scope: str
    """Where the list of object ids lies; empty without one."""
    noise: dict[str, bool]
    comparedAt: str | None
    """When the newer state was read."""
    counts: dict[str, int]
    countsByType: dict[str, int]
    topAttributes: list[Attribute]
    collapsed: dict[str, int]
    """Changes set aside, by the rule that did; the list shows them with `collapsed=true`."""
    total: int
    costs: list[Cost]
    notCompared: list[NotCompared]
    attribution: str
    """What could not be learnt of who and when; empty where the audit log told."""
    found: str
    """The list of its files (see `segments`); empty until it was made once."""
    foundBefore: str
    """The list as it was before the last refresh, for those who still turn its pages."""


HIDDEN = frozenset({"scope", "found", "foundBefore"})
"""Fields that only Cairn needs."""


class Reports:
    """The reports of all tenants."""

    def __init__(self, table: Table, *, clock: Clock = utc_now) -> None:
        self._table = table
        self._clock = clock

    async def create(self, report: Mapping[str, Any]) -> Report:
        """Write a new report; safe to repeat: one of that id that exists is returned as it is."""
        tenant_id, report_id, now = report["tenantId"], report["reportId"], self._clock()
        body: dict[str, Any] = {
            "status": "queued", "finished": None, "comparedAt": None, "counts": {}, "countsByType": {},
            "topAttributes": [], "collapsed": {}, "total": 0, "costs": [], "notCompared": [], "attribution": "",
            "found": "", "foundBefore": "", "scope": "", **report, "created": as_text(now), "modified": as_text(now),
        }  # fmt: skip
        place = f"{newest_first(now)}-{key_of(report_id)}"
        try:
            await self._table.insert(Row(_by_id(tenant_id), key_of(report_id), {"place": place}))
        except RowExists:
            pointer = await self._table.get(_by_id(tenant_id), key_of(report_id))
            place = str(pointer.body["place"]) if pointer else place
        try:
            await self._table.insert(Row(_of_tenant(tenant_id), place, body))
        except RowExists:
            return await self.get(tenant_id, report_id)
        return cast(Report, body)

    async def get(self, tenant_id: str, report_id: str) -> Report:
        """The report; raises UnknownRecord."""
        row = await self._row(tenant_id, report_id)
        if row is None:
            raise UnknownRecord(f"There is no difference report {report_id[:64]!r} in this tenant.")
        return cast(Report, row.body)

    async def change(
        self, tenant_id: str, report_id: str, change: Callable[[Report], Mapping[str, Any]]
    ) -> Report:
        """Apply what `change` says is new; return the report as it then is."""
        for _ in range(TRIES):
            row = await self._row(tenant_id, report_id)
            if row is None:
                raise UnknownRecord(f"There is no difference report {report_id[:64]!r} in this tenant.")
            body = {**row.body, **change(cast(Report, row.body)), "modified": as_text(self._clock())}
            try:
                await self._table.update(row.with_body(body))
            except RowChanged:
                continue
            return cast(Report, body)
        raise RowChanged(f"report {report_id} is changed by too many at once")

    async def set(self, tenant_id: str, report_id: str, **new: Any) -> Report:
        """Set these fields."""
        return await self.change(tenant_id, report_id, lambda _: new)

    async def remove(self, tenant_id: str, report_id: str) -> None:
        """Remove the report's row; safe to repeat."""
        pointer = await self._table.get(_by_id(tenant_id), key_of(report_id))
        if pointer is not None:
            await self._table.delete(_of_tenant(tenant_id), str(pointer.body["place"]))
            await self._table.delete(_by_id(tenant_id), key_of(report_id))

    async def stream(self, tenant_id: str, *, after: str = "") -> AsyncIterator[tuple[str, Report]]:
        """(place, report) newest first; go on by giving the last place as `after`."""
        async for row in walk(self._table, _of_tenant(tenant_id), after=after):
            yield row.key, cast(Report, row.body)

    async def _row(self, tenant_id: str, report_id: str) -> Row | None:
        pointer = await self._table.get(_by_id(tenant_id), key_of(report_id))
        return pointer and await self._table.get(_of_tenant(tenant_id), str(pointer.body["place"]))


def _of_tenant(tenant_id: str) -> str:
    return f"tenant|{tenant_id}"


def _by_id(tenant_id: str) -> str:
    return f"id|{tenant_id}"
