"""Deliver what waits in the outbox; what does not go through now waits longer, and after days is given up and said."""

import logging

from shared.alerts.event_grid import Publisher
from shared.alerts.outbox import Outbox
from shared.errors import EntraError
from shared.records.events import Events

_LOG = logging.getLogger("cairn.alerts")

FAILURES_IN_A_ROW = 3
"""After so many the topic is taken to be out of reach, and the rest waits for the next time."""


async def deliver(outbox: Outbox, events: Events, publisher: Publisher) -> int:
    """Return how many alerts were delivered. Safe to repeat; an alert may arrive twice after a crash in between."""
    delivered, failed = 0, 0
    async for alert in outbox.due():
        try:
            await publisher.send(alert)
        except EntraError as error:
            failed += 1
            if not await outbox.postponed(alert):
                await events.record(
                    f"undelivered:{alert.event_id}", tenant_id=str(alert.event["tenantId"]), severity="warning",
                    code="alertNotDelivered", message=f"An alert was given up after days: {error} {error.remedy}",
                )  # fmt: skip
            _LOG.warning("an alert was not delivered: %s", error)
            if failed >= FAILURES_IN_A_ROW:
                break
        else:
            failed = 0
            delivered += 1
            await outbox.delivered(alert)
    return delivered
