"""Activities of every operation: ending its task; and the two timers, which start what is due and watch what runs."""

import logging
from datetime import UTC, datetime, timedelta

from azure.durable_functions import DurableFunctionsClient
from durabletask.client import OrchestrationStatus

from activities.boundary import answering
from shared.alerts.delivery import deliver
from shared.deployment import deployment
from shared.messages import CloseTask
from shared.scheduling import start_due, watch
from shared.starting import DurableClient, close

HISTORY_KEPT = timedelta(days=3)
"""How long the engine keeps the history of an orchestration that has ended: long enough to look into a failure.
Tasks and events, which operators see, stay."""

PARTIAL = ("backup", "succeededWithWarnings")

_LOG = logging.getLogger("cairn.tasks")


@answering
async def close_task(message: CloseTask) -> dict[str, bool]:
    """End the task with its event, and let the tenant's lock go. Safe to repeat: a task that has ended stays so."""
    opened = await deployment()
    task = await opened.records.tasks.get(message["taskId"])
    code = "backupPartial" if (message["kind"], message["status"]) == PARTIAL else message["code"]
    result = {"backupId": message["backupId"]} if "backupId" in message else None
    closed = await close(
        opened.records, task, message["status"], message["summary"], code=code, lock=message["kind"],
        result=result,
    )
    return {"closed": closed}


async def start_due_work(client: DurableClient) -> None:
    """Start what is due in every tenant; one tenant's failure is an event of that tenant and holds up no other."""
    opened = await deployment()
    started = await start_due(opened.records, opened.settings, client)
    if started:
        _LOG.info("started %d scheduled operations", started)


async def send_alerts() -> None:
    """Send what waits in the outbox to Event Grid; without a topic nothing is queued."""
    opened = await deployment()
    if opened.publisher is None:
        return
    delivered = await deliver(opened.records.outbox, opened.records.events, opened.publisher)
    if delivered:
        _LOG.info("delivered %d alerts", delivered)


async def watch_tasks(client: DurableFunctionsClient) -> None:
    """Take up again or close every task whose orchestration is gone, and let the engine forget what ended long ago."""
    opened = await deployment()
    found = await watch(opened.records, client)
    if found:
        _LOG.warning("%d tasks had lost their orchestration", found)
    await client.purge_orchestrations_by(
        created_time_from=datetime(2020, 1, 1, tzinfo=UTC), created_time_to=opened.records.clock() - HISTORY_KEPT,
        runtime_status=[OrchestrationStatus.COMPLETED, OrchestrationStatus.FAILED, OrchestrationStatus.TERMINATED],
    )
