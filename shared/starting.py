"""Starting an operation, and stopping one: the same for people, schedules and scripts.

Order: hold the tenant's lock for this kind of work; write the task; schedule its orchestration under the task's id. A
crash in between leaves a task without orchestration, which the watchdog closes. Every step may be repeated with the
same task id. A lock whose holder's orchestration is gone is taken over, and the holder's task is closed.

The lock of restores has places for a few, which run at once where `beside` says that they may.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from shared.deployment import Records
from shared.errors import Busy, CairnError
from shared.records.tasks import OPEN, Task, TaskStatus, TaskType
from shared.records.times import as_time

GRACE = timedelta(seconds=30)
"""How long a lock or a queued task may be without orchestration before it counts as dead: one is just being started."""

RESTORES_AT_ONCE = 3
"""Of one tenant; they share its write quota."""

LIVING = frozenset({"PENDING", "RUNNING", "SUSPENDED", "CONTINUED_AS_NEW"})
"""Names of durabletask's OrchestrationStatus for an orchestration that may still do something."""


class NotStarted(CairnError):
    """The engine did not take the orchestration; its task is closed and nothing runs."""

    retryable = True
    default_remedy = "Try again in a moment; if it goes on, look at the function app's health."


class OrchestrationState(Protocol):
    """What is read of an orchestration's state."""

    @property
    def runtime_status(self) -> Any:
        """durabletask's OrchestrationStatus."""


class DurableClient(Protocol):
    """The part of azure-functions-durable's client that Cairn uses, by its own method names."""

    async def schedule_new_orchestration(
        self, orchestrator: str, /, *, input: Any = None, instance_id: str | None = None  # noqa: A002 - its name
    ) -> str:
        """Start an orchestration by name and return its id."""

    async def get_orchestration_state(
        self, instance_id: str, *, fetch_payloads: bool = True
    ) -> OrchestrationState | None:
        """The orchestration's state, or None if there is none."""

    async def terminate_orchestration(
        self, instance_id: str, *, output: Any | None = None, recursive: bool = True
    ) -> None:
        """End the orchestration and its children; running activities finish and are ignored."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What is to be started; `message` is the orchestrator's input, `lock` the kind of work that runs alone."""

    task_id: str
    tenant_id: str
    type: TaskType
    name: str
    orchestrator: str
    message: Mapping[str, Any]
    requested_by: str
    lock: str = ""
    unit: str = "objects"
    beside: Callable[[], Awaitable[str]] | None = None
    """Asked once a place of the lock is held: the id of another holder's task that this may not run beside, or empty.
    Without it the operation runs alone."""
    result: Mapping[str, Any] | None = None
    """What the task says of its result from the beginning: the ids of what it makes."""


async def start(records: Records, client: DurableClient, operation: Operation) -> Task:
    """Return the operation's task; raises Busy or NotStarted. Safe to repeat."""
    if operation.lock:
        await _hold(records, client, operation)
    task = await records.tasks.create(
        task_id=operation.task_id,
        tenant_id=operation.tenant_id,
        type=operation.type,
        name=operation.name,
        requested_by=operation.requested_by,
        unit=operation.unit,
        result=operation.result,
    )
    if task["status"] != "queued" or await _lives(client, operation.task_id):
        return task
    await records.tasks.remember(operation.task_id, operation.orchestrator, operation.message)
    try:
        await client.schedule_new_orchestration(
            operation.orchestrator, input=dict(operation.message), instance_id=operation.task_id
        )
    except Exception as error:
        if await _lives(client, operation.task_id):
            return task  # a repetition, or an answer that was lost
        await close(records, task, "failed", "It could not be started.", code="notStarted", lock=operation.lock)
        raise NotStarted(f"The operation could not be started ({type(error).__name__}).") from error
    if operation.type == "backup":
        await records.tenants.backup_started(operation.tenant_id, as_time(task["created"]))
    return task


async def running(records: Records, client: DurableClient, tenant_id: str, lock: str) -> str | None:
    """The id of a living task that holds the lock, or None. Read-only."""
    return next(iter(await holders(records, client, tenant_id, lock)), None)


async def holders(records: Records, client: DurableClient, tenant_id: str, lock: str) -> list[str]:
    """The ids of the living tasks that hold a place of the lock. Read-only."""
    places = [await records.run_locks.held(tenant_id, place) for place in places_of(lock)]
    return [
        one.task_id for one in places
        if one is not None and not await _is_dead(records, client, one.task_id, since=one.since)
    ]


def places_of(lock: str) -> tuple[str, ...]:
    """The names under which a lock is held: one, or for restores a few."""
    return (lock, *(f"{lock}.{number}" for number in range(2, RESTORES_AT_ONCE + 1))) if lock == "restore" else (lock,)


async def stop(records: Records, client: DurableClient, task: Task, *, by: str) -> Task:
    """Return the task, cancelled; without effect on one that has ended. Running activities finish unheard.

    A restore is not torn off in the middle of a request: it sees the wish between two operations, and ends itself.
    """
    await records.tasks.request_cancel(task["taskId"])
    if task["type"] in STOPS_ITSELF and await _lives(client, task["taskId"]):
        return await records.tasks.get(task["taskId"])
    if await _lives(client, task["taskId"]):
        await client.terminate_orchestration(task["taskId"], recursive=True)
    await close(records, task, "cancelled", f"Cancelled by {by}.", code="taskCancelled", lock=_lock_of(task))
    return await records.tasks.get(task["taskId"])


async def close(
    records: Records, task: Task, status: TaskStatus, summary: str, *, code: str, lock: str = "",
    result: Mapping[str, Any] | None = None,
) -> bool:
    """End the task with its event and let its lock go; says whether this call ended it. Safe to repeat."""
    closed = await records.tasks.close(task["taskId"], status, summary, result=result)
    if closed:
        await records.events.record(
            f"closed:{task['taskId']}",
            tenant_id=task["tenantId"],
            severity=_SEVERITY[status],
            code=code,
            message=f"{task['name']}: {summary}",
            task={"taskId": task["taskId"], "name": task["name"]},
        )
    for place in places_of(lock) if lock else ():
        await records.run_locks.release(task["tenantId"], place, task["taskId"])
    return closed


MOST_TAKE_UPS = 3
"""A task that loses its orchestration more often than this is failed: something ends it each time."""

STOPS_ITSELF: frozenset[TaskType] = frozenset({"restore", "undo"})

UNDER_WAY = frozenset({"planning", "applying", "verifying"})
"""States of a restore that only its orchestration can end."""

TAKEN_UP: frozenset[TaskType] = frozenset({
    "backup", "unpack", "differences", "verify", "expiry", "rebuild", "restore", "undo", "export"
})
"""Operations that may run again from their beginning: they change nothing in a tenant, and what they write is named
by its content; a restore knows by its journal what it has sent, and goes on from there."""


async def take_up_or_close(records: Records, client: DurableClient, task: Task) -> bool:
    """Start an open task's orchestration again if it is gone and that is safe, else close the task; say whether it was
    gone. Several watchdogs at once do no harm: the engine takes one orchestration an id."""
    task_id = task["taskId"]
    if not await _is_dead(records, client, task_id, since=task["created"]):
        return False
    state = await client.get_orchestration_state(task_id, fetch_payloads=False)
    if state is None and task["type"] in TAKEN_UP and not task["cancelRequested"]:
        found = await records.tasks.take_up(task_id, most=MOST_TAKE_UPS)
        # Somebody may have closed it meanwhile and begun another: what has ended is never taken up again.
        if found is not None and (await records.tasks.get(task_id))["status"] in OPEN:
            orchestrator, message = found
            await client.schedule_new_orchestration(orchestrator, input=dict(message), instance_id=task_id)
            await records.events.record(
                f"takenUp:{task_id}:{task['modified']}", tenant_id=task["tenantId"], severity="warning",
                code="taskTakenUp", message=f"{task['name']}: taken up again after Cairn was stopped while it ran.",
                task={"taskId": task_id, "name": task["name"]},
            )
            return True
    return await close_if_gone(records, client, task)


async def close_if_gone(records: Records, client: DurableClient, task: Task) -> bool:
    """Fail an open task whose orchestration is gone, and say whether it was; what the watchdog does."""
    if not await _is_dead(records, client, task["taskId"], since=task["created"]):
        return False
    why = "Its orchestration is gone: Cairn was stopped while it ran."
    if task["type"] in STOPS_ITSELF:
        why = await _end_lost_restore(records, task, why)
    return await close(records, task, "failed", why, code="taskLost", lock=_lock_of(task))


def _lock_of(task: Task) -> str:
    return "restore" if task["type"] in STOPS_ITSELF else task["type"]


async def _end_lost_restore(records: Records, task: Task, why: str) -> str:
    """What its task says, once the restore itself has ended as well; one that waits for approval goes on waiting."""
    restore_id = task["result"].get("restoreId", "")
    restore = await records.restores.find(task["tenantId"], restore_id)
    if restore is None or restore["state"] not in UNDER_WAY:
        return why
    why += (
        " Nothing was changed: plan it again." if restore["state"] == "planning"
        else " Apply it again with the same planHash: it goes on where it stopped, and sends nothing twice."
    )
    await records.restores.change(
        task["tenantId"], restore_id,
        lambda now: {"state": "failed", "message": why} if now["state"] in UNDER_WAY else None,
    )
    return why


_SEVERITY: Mapping[str, Any] = {
    "succeeded": "information",
    "succeededWithWarnings": "warning",
    "failed": "error",
    "cancelled": "warning",
}


async def _hold(records: Records, client: DurableClient, operation: Operation) -> None:
    """Hold a place of the lock; raises Busy where none is free, or where another's holder is met."""
    tenant_id, task_id = operation.tenant_id, operation.task_id
    places = places_of(operation.lock)
    had = [place for place in places if await _holder(records, tenant_id, place) == task_id]
    mine = had[0] if had else await _first_place(records, client, operation, places)
    for place in places:
        if place != mine:
            await _let_go_of_dead(records, client, tenant_id, place)
    others = [await _holder(records, tenant_id, place) for place in places if place != mine]
    there = next((one for one in others if one and one != task_id), "")
    met = (await operation.beside() if operation.beside else there) if there else ""
    if met:
        if not had:
            await records.run_locks.release(tenant_id, mine, task_id)
        raise Busy(f"A {operation.lock} of this tenant is running already.", task_id=met)


async def _first_place(
    records: Records, client: DurableClient, operation: Operation, places: tuple[str, ...]
) -> str:
    """The first place that could be held; raises Busy with the first holder."""
    first: Busy | None = None
    for place in places:
        try:
            await _hold_place(records, client, operation, place)
        except Busy as busy:
            first = first or busy
        else:
            return place
    raise first or Busy("There is no place.", task_id="")


async def _holder(records: Records, tenant_id: str, place: str) -> str:
    held = await records.run_locks.held(tenant_id, place)
    return held.task_id if held is not None else ""


async def _let_go_of_dead(records: Records, client: DurableClient, tenant_id: str, place: str) -> None:
    """Free a place whose holder is dead, and close its task."""
    held = await records.run_locks.held(tenant_id, place)
    if held is None or not await _is_dead(records, client, held.task_id, since=held.since):
        return
    dead = await records.tasks.find(held.task_id)
    if dead is not None and dead["status"] in OPEN:
        await close_if_gone(records, client, dead)
    await records.run_locks.release(tenant_id, place, held.task_id)


async def _hold_place(records: Records, client: DurableClient, operation: Operation, lock: str) -> None:
    tenant_id, task_id = operation.tenant_id, operation.task_id
    try:
        await records.run_locks.acquire(tenant_id, lock, task_id)
    except Busy as busy:
        held = await records.run_locks.held(tenant_id, lock)
        if held is not None and not await _is_dead(records, client, busy.task_id, since=held.since):
            raise
        dead = await records.tasks.find(busy.task_id)
        if dead is not None and dead["status"] in OPEN:
            await close_if_gone(records, client, dead)
        await records.run_locks.take_over(tenant_id, lock, dead=busy.task_id, task_id=task_id)


async def _is_dead(records: Records, client: DurableClient, task_id: str, *, since: str) -> bool:
    task = await records.tasks.find(task_id)
    if task is not None and task["status"] not in OPEN:
        return True  # its orchestration may have its last line to say; nobody who saw it end waits for that
    state = await client.get_orchestration_state(task_id, fetch_payloads=False)
    if state is not None:
        return state.runtime_status.name not in LIVING
    if task is not None and task["status"] != "queued":
        return True
    return records.clock() - as_time(since) > GRACE


async def _lives(client: DurableClient, task_id: str) -> bool:
    state = await client.get_orchestration_state(task_id, fetch_payloads=False)
    return state is not None and state.runtime_status.name in LIVING
