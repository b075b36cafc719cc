"""Alerts reach Event Grid at least once, whatever happens in between; against a local endpoint of the same protocol."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from shared.alerts.delivery import deliver
from shared.alerts.event_grid import EventGridPublisher
from shared.alerts.outbox import GIVEN_UP_AFTER, Outbox
from shared.alerts.rules import ALERT_RULES
from shared.deployment import records_over
from shared.records.memory_table import MemoryTable
from shared.settings import read_settings

TENANT = "11111111-2222-4333-8444-555555555555"


class Topic:
    """What an Event Grid topic does with CloudEvents: checks the key and the form, keeps them, or refuses."""

    def __init__(self) -> None:
        self.taken: list[dict[str, object]] = []
        self.status = 200
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        if request.headers.get("aeg-sas-key") != "topic-key":
            return web.Response(status=401)
        if not request.content_type.startswith("application/cloudevents-batch+json"):
            return web.Response(status=415)
        if self.status != 200:
            return web.Response(status=self.status)
        for event in json.loads(await request.text()):
            assert {"specversion", "id", "source", "type"} <= event.keys()
            self.taken.append(event)
        return web.Response(status=200)


class Hand:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def topic() -> AsyncIterator[Topic]:
    topic = Topic()
    app = web.Application()
    app.router.add_post("/api/events", topic.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    topic.url = f"http://127.0.0.1:{port}/api/events"
    yield topic
    await runner.cleanup()


@pytest.fixture
async def publisher(topic: Topic) -> AsyncIterator[EventGridPublisher]:
    settings = read_settings({"CAIRN_EVENT_GRID_ENDPOINT": topic.url, "CAIRN_EVENT_GRID_KEY": "topic-key"})
    publisher = EventGridPublisher(settings)
    yield publisher
    await publisher.close()


async def fail_a_backup(records) -> None:
    await records.events.record(
        "closed:1", tenant_id=TENANT, severity="error", code="backupFailed", message="Backup: no storage.",
        task={"taskId": "t1", "name": "Backup"},
    )


async def test_a_failed_backup_becomes_one_cloud_event_with_tenant_and_task(topic, publisher):
    records = records_over(lambda _: MemoryTable())
    await fail_a_backup(records)
    await fail_a_backup(records)
    assert await deliver(records.outbox, records.events, publisher) == 1
    assert await deliver(records.outbox, records.events, publisher) == 0
    event = topic.taken[0]
    assert event["type"] == "Cairn.Backup.Failed"
    assert event["subject"] == f"tenants/{TENANT}"
    assert event["data"]["taskId"] == "t1"


async def test_an_event_that_is_no_alert_is_not_sent(topic, publisher):
    records = records_over(lambda _: MemoryTable())
    await records.events.record("x", tenant_id=TENANT, severity="information", code="backupSealed", message="ok")
    assert await deliver(records.outbox, records.events, publisher) == 0
    assert topic.taken == []


async def test_an_alert_that_the_topic_refuses_waits_and_survives_a_restart(topic, publisher):
    hand = Hand()
    tables: dict[str, MemoryTable] = {}
    records = records_over(lambda name: tables.setdefault(name, MemoryTable()), clock=hand)
    await fail_a_backup(records)
    topic.status = 503
    assert await deliver(records.outbox, records.events, publisher) == 0
    topic.status = 200
    again = records_over(tables.__getitem__, clock=hand)  # another process over the same tables
    assert await deliver(again.outbox, again.events, publisher) == 0  # its time has not come
    hand.now += timedelta(minutes=2)
    assert await deliver(again.outbox, again.events, publisher) == 1
    assert [event["type"] for event in topic.taken] == ["Cairn.Backup.Failed"]


async def test_a_wrong_key_keeps_the_alert_and_names_what_to_check(topic):
    settings = read_settings({"CAIRN_EVENT_GRID_ENDPOINT": topic.url, "CAIRN_EVENT_GRID_KEY": "other"})
    publisher = EventGridPublisher(settings)
    hand = Hand()
    records = records_over(lambda _: MemoryTable(), clock=hand)
    await fail_a_backup(records)
    try:
        assert await deliver(records.outbox, records.events, publisher) == 0
    finally:
        await publisher.close()
    hand.now += timedelta(hours=2)
    assert [alert.tries async for alert in records.outbox.due()] == [1]


async def test_an_alert_is_given_up_after_days_and_an_event_says_so(topic, publisher):
    hand = Hand()
    records = records_over(lambda _: MemoryTable(), clock=hand)
    await fail_a_backup(records)
    topic.status = 500
    hand.now += GIVEN_UP_AFTER + timedelta(minutes=1)
    assert await deliver(records.outbox, records.events, publisher) == 0
    codes = [event["code"] async for _, event in records.events.stream([TENANT])]
    assert "alertNotDelivered" in codes
    assert [alert async for alert in records.outbox.due()] == []


def test_every_alert_type_is_a_cairn_type_of_its_own():
    types = [rule.type for rule in ALERT_RULES.values()]
    assert len(set(types)) == len(types)
    assert all(name.startswith("Cairn.") for name in types)


async def test_putting_an_alert_again_after_it_was_delivered_sends_nothing():
    hand = Hand()
    outbox = Outbox(MemoryTable(), clock=hand)
    event = {"eventId": "e1", "tenantId": TENANT, "code": "backupFailed"}
    await outbox.put(event)
    for alert in [alert async for alert in outbox.due()]:
        await outbox.delivered(alert)
    await outbox.put(event)
    assert [alert async for alert in outbox.due()] == []
