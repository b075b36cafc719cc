"""The timer of the notifications: what waits is sent."""

import logging

from shared.deployment import deployment
from shared.notifications.delivery import deliver

_LOG = logging.getLogger("cairn.notifications")


async def send_notifications() -> None:
    """Send what waits in the outbox, by e-mail and webhook."""
    opened = await deployment()
    records = opened.records
    sent = await deliver(
        records.notification_outbox, records.notifications, records.events, opened.cipher, opened.senders
    )
    if sent:
        _LOG.info("sent %d notifications", sent)
