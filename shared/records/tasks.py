"""Tasks: one per operation that someone or a schedule started, under the id of its orchestration.

Kept as: the task itself in its tenant's partition (the truth), and pointers to it by id, in `all`, and in `open` while
it is queued or running. Pointers never change, so a crash between two writes leaves at worst one that leads to a task
which says better. Progress is one row a part (an object type, say), so that activities running side by side never
write the same row, and a repeated activity counts once.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Literal, TypedDict, cast

from shared.errors import UnknownRecord
from shared.records.merging import newest
from shared.records.table import Row, RowChanged, RowExists, Table, key_of, walk
from shared.records.times import Clock, as_text, as_time, newest_first, utc_now

TaskStatus = Literal["queued", "running", "succeeded", "succeededWithWarnings", "failed", "cancelled"]
TaskType = Literal["backup", "unpack", "differences", "restore", "undo", "verify", "expiry", "rebuild", "export"]
OPEN: frozenset[TaskStatus] = frozenset({"queued", "running"})

TRIES = 20
"""How often a change is tried again when somebody else changed the task meanwhile."""


class Progress(TypedDict):
    """How far a task is; `rate` is units a second, `eta` the time it should end, both null while unknown."""

    done: int
    total: int | None
    unit: str
    rate: float | None
    eta: str | None


class Task(TypedDict):
    """A task as the HTTP interface shows it."""

    taskId: str
    tenantId: str
    type: TaskType
    name: str
    status: TaskStatus
    progress: Progress
    requestedBy: str
    created: str
    started: str | None
    modified: str
    finished: str | None
    cancelRequested: bool
    lastResultDescription: str
    result: dict[str, Any]


class Tasks:
    """All tasks of all tenants."""

    def __init__(self, table: Table, *, clock: Clock = utc_now) -> None:
        self._table = table
        self._clock = clock

    async def create(
        self,
        *,
        task_id: str,
        tenant_id: str,
        type: TaskType,  # noqa: A002 - the field's name in the interface
        name: str,
        requested_by: str,
        unit: str = "objects",
        result: Mapping[str, Any] | None = None,
    ) -> Task:
        """Return the new task, queued; safe to repeat: a task of that id that exists is returned as it is."""
        now = self._clock()
        new = Task(
            taskId=task_id, tenantId=tenant_id, type=type, name=name, status="queued",
            progress=Progress(done=0, total=None, unit=unit, rate=None, eta=None),
            requestedBy=requested_by, created=as_text(now), started=None, modified=as_text(now), finished=None,
            cancelRequested=False, lastResultDescription="", result=dict(result or {}),
        )
        key = f"{newest_first(now)}-{key_of(task_id)}"
        try:
            await self._table.insert(Row(_by_id(task_id), "task", {"tenantId": tenant_id, "key": key}))
        except RowExists:
            key = (await self._pointer(task_id))["key"]
            existing = await self.find(task_id)
            if existing is not None:
                return existing
        # Pointers before the task: one that leads nowhere is passed over, a task that none leads to would be lost.
        pointer = {"tenantId": tenant_id, "taskId": task_id}
        await asyncio.gather(
            self._table.upsert(Row("open", key, pointer)), self._table.upsert(Row("all", key, pointer))
        )
        try:
            await self._table.insert(Row(_of_tenant(tenant_id), key, cast(Mapping[str, Any], new)))
        except RowExists:
            return await self.get(task_id)
        return new

    async def find(self, task_id: str) -> Task | None:
        """The task with its progress, or None."""
        try:
            return await self.get(task_id)
        except UnknownRecord:
            return None

    async def get(self, task_id: str) -> Task:
        """The task with its progress; raises UnknownRecord."""
        return await self._with_progress(cast(Task, (await self._row(task_id)).body))

    async def start(self, task_id: str) -> Task:
        """Say that the work has begun; safe to repeat, and without effect on a task that has ended."""

        def begin(task: Task, now: str) -> Task:
            return {**task, "status": "running", "started": task["started"] or now}

        return await self._change(task_id, begin)

    async def describe(self, task_id: str, text: str) -> Task:
        """Set the task's last line while it runs."""
        return await self._change(task_id, lambda task, _: {**task, "lastResultDescription": text})

    async def request_cancel(self, task_id: str) -> Task:
        """Note that somebody wants it stopped; without effect on a task that has ended."""
        return await self._change(task_id, lambda task, _: {**task, "cancelRequested": True})

    async def progress(
        self, task_id: str, part: str, *, done: int, total: int | None = None, unit: str = "objects"
    ) -> None:
        """Set how far one part of the work is; the last word on a part counts, parts are added up."""
        body = {"done": done, "total": total, "unit": unit}
        await self._table.upsert(Row(_parts(task_id), key_of(part), body))

    async def close(
        self, task_id: str, status: TaskStatus, summary: str, *, result: Mapping[str, Any] | None = None
    ) -> bool:
        """End the task and say whether this call did; a task that has ended stays as it ended."""
        row = await self._row(task_id)
        ended = cast(Task, row.body)["status"] not in OPEN
        if not ended:
            counted = await self._with_progress(cast(Task, row.body))

            def end(task: Task, now: str) -> Task:
                return {
                    **task, "status": status, "lastResultDescription": summary, "finished": now,
                    "progress": {**counted["progress"], "rate": None, "eta": None},
                    "result": {**task["result"], **(result or {})},
                }

            closed = await self._change(task_id, end)
            ended = closed["status"] != status or closed["lastResultDescription"] != summary
        await self._table.delete("open", row.key)
        async for part in walk(self._table, _parts(task_id)):
            await self._table.delete(part.partition, part.key)
        return not ended

    async def put_back(self, key: str, task: Task) -> None:
        """Write a closed task that the vault kept, with what leads to it; safe to repeat."""
        tenant_id, task_id = task["tenantId"], task["taskId"]
        await self._table.upsert(Row(_by_id(task_id), "task", {"tenantId": tenant_id, "key": key}))
        await self._table.upsert(Row("all", key, {"tenantId": tenant_id, "taskId": task_id}))
        await self._table.upsert(Row(_of_tenant(tenant_id), key, cast(Mapping[str, Any], task)))

    async def remember(self, task_id: str, orchestrator: str, message: Mapping[str, Any]) -> None:
        """Keep what the task's orchestration was started with, so that it can be taken up again; safe to repeat."""
        body = {"orchestrator": orchestrator, "message": dict(message), "takenUp": 0}
        try:
            await self._table.insert(Row(_by_id(task_id), "start", body))
        except RowExists:
            return

    async def take_up(self, task_id: str, *, most: int) -> tuple[str, Mapping[str, Any]] | None:
        """(orchestrator, message) to start again, or None if unknown or taken up `most` times already; counts."""
        row = await self._table.get(_by_id(task_id), "start")
        if row is None or row.body["takenUp"] >= most:
            return None
        try:
            await self._table.update(row.with_body({**row.body, "takenUp": row.body["takenUp"] + 1}))
        except RowChanged:
            return None
        return str(row.body["orchestrator"]), cast(Mapping[str, Any], row.body["message"])

    async def stream(
        self, tenants: Collection[str] | None, *, after: str = "", only_open: bool = False
    ) -> AsyncIterator[tuple[str, Task]]:
        """(place, task) newest first, of these tenants or (None) of all; go on by giving the last place as `after`."""
        partitions = ["open"] if only_open else ["all"] if tenants is None else [_of_tenant(t) for t in tenants]
        async for row in newest(self._table, partitions, after=after):
            if tenants is not None and row.body["tenantId"] not in tenants:
                continue
            task = cast(Task, row.body) if "status" in row.body else await self.find(str(row.body["taskId"]))
            if task is not None:
                yield row.key, await self._with_progress(task)

    async def still_open(self) -> list[Task]:
        """Every task that is queued or running, newest first: what the watchdog looks at."""
        return [task async for _, task in self.stream(None, only_open=True) if task["status"] in OPEN]

    async def _change(self, task_id: str, change: Callable[[Task, str], Task]) -> Task:
        for _ in range(TRIES):
            row = await self._row(task_id)
            task = cast(Task, row.body)
            if task["status"] not in OPEN:
                return task
            now = as_text(self._clock())
            changed: Task = {**change(task, now), "modified": now}
            try:
                await self._table.update(row.with_body(cast(Mapping[str, Any], changed)))
            except RowChanged:
                continue
            return changed
        raise RowChanged(f"task {task_id} is changed by too many at once")

    async def _pointer(self, task_id: str) -> Mapping[str, Any]:
        pointer = await self._table.get(_by_id(task_id), "task")
        if pointer is None:
            raise UnknownRecord(f"There is no task {task_id[:64]!r}.")
        return pointer.body

    async def _row(self, task_id: str) -> Row:
        pointer = await self._pointer(task_id)
        row = await self._table.get(_of_tenant(pointer["tenantId"]), pointer["key"])
        if row is None:
            raise UnknownRecord(f"There is no task {task_id[:64]!r}.")
        return row

    async def _with_progress(self, task: Task) -> Task:
        if task["status"] not in OPEN:
            return task
        parts = [part.body async for part in walk(self._table, _parts(task["taskId"]))]
        if not parts:
            return task
        done = sum(part["done"] for part in parts)
        totals = [part["total"] for part in parts]
        total = None if None in totals else sum(totals)
        rate = _rate(done, task["started"] or task["created"], self._clock())
        return {
            **task,
            "progress": Progress(
                done=done, total=total, unit=str(parts[0]["unit"]), rate=rate,
                eta=_eta(done, total, rate, self._clock()),
            ),
        }


def _rate(done: int, since: str, now: datetime) -> float | None:
    seconds = (now - as_time(since)).total_seconds()
    return round(done / seconds, 2) if seconds > 0 else None


def _eta(done: int, total: int | None, rate: float | None, now: datetime) -> str | None:
    if total is None or not rate:
        return None
    remaining_seconds = min(max(total - done, 0) / rate, 10 * 365 * 86_400)
    return as_text(datetime.fromtimestamp(now.timestamp() + remaining_seconds, now.tzinfo))


def _by_id(task_id: str) -> str:
    return f"id|{key_of(task_id)}"


def _of_tenant(tenant_id: str) -> str:
    return f"tenant|{tenant_id}"


def _parts(task_id: str) -> str:
    return f"progress|{key_of(task_id)}"
