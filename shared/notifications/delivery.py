"""Address what was queued, and send what waits; each delivery is recorded, and none holds up another."""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol

from shared.errors import Corrupt, EntraError, Rejected, SettingsError
from shared.notifications.channels import Channel, ChannelKind, NotificationSettings, channels_of
from shared.notifications.outbox import Delivery, NotificationOutbox, Waiting
from shared.notifications.templates import Message, TemplateName, message_of, template_of
from shared.records.events import Events
from shared.repository.tokens import TokenCipher

_LOG = logging.getLogger("cairn.notifications")

AT_ONCE = 8
MOST_A_TURN = 500
MOST_OF_A_CHANNEL = 50
"""So that a channel that is down, with many that wait for it, leaves room for the others."""
FAILURES_OF_A_CHANNEL = 3
"""A channel that failed so often in one turn is left alone until the next."""


class Sender(Protocol):
    """How notifications go to one kind of channel."""

    async def send(self, channel: Channel, message: Message, delivery_id: str) -> None:
        """Send the message; raises Unavailable where another try may help, Rejected where none will."""


type Senders = Mapping[ChannelKind, Sender]


async def deliver(
    outbox: NotificationOutbox, settings: NotificationSettings, events: Events, cipher: TokenCipher, senders: Senders
) -> int:
    """Return how many deliveries were made. Safe to repeat; one may be made twice after a crash in between."""
    known: dict[str, list[Channel]] = {}
    async for event in outbox.events():
        await _address(outbox, settings, events, cipher, event)
    waiting: list[Waiting] = []
    taken = Counter[str]()
    async for one in outbox.due():
        taken[one.delivery["channelId"]] += 1
        if taken[one.delivery["channelId"]] <= MOST_OF_A_CHANNEL:
            waiting.append(one)
        if len(waiting) == MOST_A_TURN:
            break
    for tenant_id in {one.delivery["tenantId"] for one in waiting}:
        known[tenant_id] = await _channels(settings, cipher, tenant_id, None)
    places, failures = asyncio.Semaphore(AT_ONCE), Counter[str]()

    async def send(one: Waiting) -> bool:
        delivery = one.delivery
        async with places:
            if failures[delivery["channelId"]] >= FAILURES_OF_A_CHANNEL:
                return False
            channel = next(
                (found for found in known[delivery["tenantId"]] if found.channel_id == delivery["channelId"]), None
            )
            done = await _send(outbox, one, channel, senders)
        if done["status"] != "sent":
            failures[delivery["channelId"]] += 1
        if done["status"] == "givenUp":
            await _tell(events, done)
        return done["status"] == "sent"

    return sum(await asyncio.gather(*(send(one) for one in waiting)))


async def send_now(
    outbox: NotificationOutbox, channels: list[Channel], template: TemplateName, event: Mapping[str, Any],
    senders: Senders,
) -> list[Delivery]:
    """Send to these channels at once and return what became of each; what failed is not tried again."""

    async def send(channel: Channel) -> Delivery:
        delivery = outbox.delivery(event, template, channel.kind, channel.channel_id)
        return await _send(outbox, Waiting(delivery, event, outbox.now()), channel, senders, once=True)

    return list(await asyncio.gather(*(send(channel) for channel in channels)))


async def _address(
    outbox: NotificationOutbox, settings: NotificationSettings, events: Events, cipher: TokenCipher,
    event: Mapping[str, Any],
) -> None:
    tenant_id, template = str(event["tenantId"]), template_of(str(event["code"]))
    if template is not None and await settings.any_for(tenant_id):
        try:
            for channel in await _channels(settings, cipher, tenant_id, template, raising=True):
                await outbox.wait(outbox.delivery(event, template, channel.kind, channel.channel_id), event)
        except Corrupt:
            await events.record(
                f"channelsUnreadable:{tenant_id}:{outbox.now():%G-W%V}", tenant_id=tenant_id, severity="error",
                code="channelsUnreadable",
                message="Notification channels cannot be opened any more: the key that they were kept with is gone. "
                "Set them again with PUT /api/v1/tenants/{tenantId}/notifications.",
            )
    await outbox.addressed(event)


async def _channels(
    settings: NotificationSettings, cipher: TokenCipher, tenant_id: str, template: TemplateName | None, *,
    raising: bool = False,
) -> list[Channel]:
    """The tenant's channels; none where they cannot be opened any more, or Corrupt if asked to raise that."""
    try:
        return channels_of(tenant_id, (await settings.read(tenant_id, cipher)).notifications, template)
    except Corrupt:
        if raising:
            raise
        return []


async def _send(
    outbox: NotificationOutbox, one: Waiting, channel: Channel | None, senders: Senders, *, once: bool = False
) -> Delivery:
    delivery = one.delivery
    if channel is None:
        return await outbox.failed(one, "the channel is no longer set", for_good=True)
    sender = senders.get(channel.kind)
    if sender is None:
        return await outbox.failed(one, f"nothing is set to send {channel.kind} with", for_good=once)
    try:
        await sender.send(channel, message_of(delivery["template"], one.event), delivery["deliveryId"])
    except (EntraError, SettingsError) as error:
        _LOG.warning("a notification was not delivered: %s", type(error).__name__)
        return await outbox.failed(one, str(error), for_good=once or isinstance(error, Rejected))
    return await outbox.sent(delivery)


async def _tell(events: Events, delivery: Delivery) -> None:
    await events.record(
        f"notDelivered:{delivery['deliveryId']}", tenant_id=delivery["tenantId"], severity="warning",
        code="notificationNotDelivered",
        message=f"A notification ({delivery['template']}) to {delivery['channel']} channel {delivery['channelId']} was "
        f"given up: {delivery['lastError']}.",
    )  # fmt: skip
