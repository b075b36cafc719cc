"""Laws of notifications, against real servers on this machine: told once, signed, tried again, and never in the way."""

import asyncio
import hashlib
import hmac
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message as Mail
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiosmtpd.smtp import SMTP

from shared.alerts.rules import ALERT_RULES
from shared.deployment import Records, records_in_memory
from shared.errors import Rejected, SettingsError, Unavailable
from shared.notifications import delivery
from shared.notifications.channels import Notifications, channel_id
from shared.notifications.delivery import deliver
from shared.notifications.email import CommunicationSender, SmtpSender
from shared.notifications.senders import senders_of
from shared.notifications.templates import BY_NAME, template_of
from shared.notifications.webhook import WebhookSender, is_public, refused_address
from shared.repository.tokens import LocalTokenCipher
from shared.settings import Settings, read_settings

ROOT = Path(__file__).resolve().parents[3]
TENANT = "11111111-1111-4111-8111-111111111111"
SECRET = "a secret of enough length".replace(" ", "-")
PERSON = "somebody@contoso.example"


@dataclass
class Mailbox:
    """A real SMTP server; `refuse` is what it answers instead of taking a mail."""

    port: int = 0
    mails: list[Mail] = field(default_factory=list)
    refuse: str = ""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(message_from_bytes(envelope.content))
        return "250 taken"


@dataclass
class Hook:
    """A real HTTP server that takes webhooks."""

    url: str = ""
    status: int = 200
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.taken.append((dict(request.headers), await request.read()))
        return web.Response(status=self.status, headers={"Location": "/elsewhere"} if self.status == 302 else {})


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    box = Mailbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(box, enable_SMTPUTF8=True, loop=loop), "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    yield box
    server.close()
    await server.wait_closed()


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sockets = site._server.sockets  # type: ignore[union-attr]
    try:
        yield f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    one, app = Hook(), web.Application()
    app.router.add_post("/hook", one.take)
    app.router.add_post("/elsewhere", one.take)
    async with serving(app) as root:
        one.url = f"{root}/hook"
        yield one


class Clock:
    """A time that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Cairn:
    """Records with notifications, and what sends them."""

    records: Records
    cipher: LocalTokenCipher
    clock: Clock
    settings: Settings

    async def set(self, **wanted: Any) -> None:
        await self.records.notifications.replace(
            TENANT, Notifications.model_validate(wanted), self.cipher, by="test"
        )

    async def event(self, code: str = "backupFailed", key: str = "e1") -> None:
        await self.records.events.record(key, tenant_id=TENANT, severity="error", code=code, message="It went wrong.")

    async def turn(self) -> int:
        return await deliver(
            self.records.notification_outbox, self.records.notifications, self.records.events, self.cipher,
            senders_of(self.settings),
        )

    async def deliveries(self) -> list[dict[str, Any]]:
        return [dict(one) async for _, one in self.records.notification_outbox.record(TENANT)]


@pytest.fixture
def cairn(tmp_path: Path, mailbox: Mailbox) -> Cairn:
    clock = Clock()
    settings = read_settings({
        "CAIRN_SMTP_HOST": "127.0.0.1", "CAIRN_SMTP_PORT": str(mailbox.port), "CAIRN_SMTP_SECURITY": "none",
        "CAIRN_MAIL_FROM": "cairn@contoso.example", "CAIRN_PRIVATE_WEBHOOKS": "allow",
    })
    return Cairn(records_in_memory(clock=clock), LocalTokenCipher(tmp_path / "key"), clock, settings)


async def test_an_event_becomes_a_mail_to_each_recipient_once(cairn: Cairn, mailbox: Mailbox) -> None:
    await cairn.set(recipients=[{"email": PERSON}, {"email": "other@contoso.example"}])
    await cairn.event()
    await cairn.event()
    assert [await cairn.turn(), await cairn.turn()] == [2, 0]
    assert sorted(mail["To"] for mail in mailbox.mails) == ["other@contoso.example", PERSON]
    assert mailbox.mails[0]["Subject"] == "Cairn: Backup failed"
    assert "It went wrong." in str(mailbox.mails[0].get_payload())
    assert {one["status"] for one in await cairn.deliveries()} == {"sent"}


async def test_a_webhook_is_signed_over_its_timestamp_and_body(cairn: Cairn, hook: Hook) -> None:
    await cairn.set(webhooks=[{"url": hook.url, "secret": SECRET}])
    await cairn.event()
    assert await cairn.turn() == 1
    headers, body = hook.taken[0]
    signed = f"{headers['Cairn-Timestamp']}.".encode() + body
    assert headers["Cairn-Signature"] == "v1=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    said = orjson.loads(body)
    assert (said["type"], said["tenantId"], said["code"]) == ("cairn.backupFailed", TENANT, "backupFailed")
    assert said["id"] == headers["Cairn-Delivery"] == (await cairn.deliveries())[0]["deliveryId"]


async def test_who_asked_for_some_notifications_gets_no_others(cairn: Cairn, mailbox: Mailbox) -> None:
    await cairn.set(recipients=[{"email": PERSON, "templates": ["verifyFailed"]}])
    await cairn.event("backupFailed", "e1")
    await cairn.event("verifyFoundDamage", "e2")
    await cairn.event("backupSealed", "e3")
    assert await cairn.turn() == 1
    assert [mail["Subject"] for mail in mailbox.mails] == ["Cairn: Verification failed"]


async def test_a_delivery_that_fails_waits_longer_each_time_and_is_told_when_it_is_given_up(
    cairn: Cairn, hook: Hook
) -> None:
    hook.status = 500
    await cairn.set(webhooks=[{"url": hook.url, "secret": SECRET}])
    await cairn.event()
    assert [await cairn.turn(), await cairn.turn()] == [0, 0]
    assert len(hook.taken) == 1
    cairn.clock.now += timedelta(minutes=1)
    await cairn.turn()
    assert len(hook.taken) == 2
    (one,) = await cairn.deliveries()
    assert (one["status"], one["tries"], one["lastError"]) == ("waiting", 2, "the webhook answered 500")
    cairn.clock.now += timedelta(days=4)
    await cairn.turn()
    assert (await cairn.deliveries())[0]["status"] == "givenUp"
    codes = [event["code"] async for _, event in cairn.records.events.stream([TENANT])]
    assert codes == ["notificationNotDelivered", "backupFailed"]


async def test_a_delivery_comes_through_after_an_outage(cairn: Cairn, hook: Hook) -> None:
    hook.status = 503
    await cairn.set(webhooks=[{"url": hook.url, "secret": SECRET}])
    await cairn.event()
    await cairn.turn()
    hook.status, cairn.clock.now = 204, cairn.clock.now + timedelta(minutes=2)
    assert await cairn.turn() == 1


async def test_one_channel_that_fails_holds_up_no_other(cairn: Cairn, mailbox: Mailbox, hook: Hook) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{unused.getsockname()[1]}/hook"
    await cairn.set(
        recipients=[{"email": PERSON}],
        webhooks=[{"url": dead, "secret": SECRET}, {"url": hook.url, "secret": SECRET}],
    )
    await cairn.event()
    assert await cairn.turn() == 2
    assert (len(mailbox.mails), len(hook.taken)) == (1, 1)


async def test_a_recipient_that_the_relay_refuses_for_good_is_not_tried_again(cairn: Cairn, mailbox: Mailbox) -> None:
    mailbox.refuse = "550 no such user"
    await cairn.set(recipients=[{"email": PERSON}])
    await cairn.event()
    await cairn.turn()
    assert (await cairn.deliveries())[0]["status"] == "givenUp"
    mailbox.refuse = "450 later"
    await cairn.event(key="e2")
    await cairn.turn()
    assert (await cairn.deliveries())[0]["status"] == "waiting"


async def test_redirects_are_not_followed(cairn: Cairn, hook: Hook) -> None:
    hook.status = 302
    await cairn.set(webhooks=[{"url": hook.url, "secret": SECRET}])
    await cairn.event()
    assert await cairn.turn() == 0
    assert len(hook.taken) == 1


async def test_a_channel_that_was_removed_gets_nothing_more(cairn: Cairn, hook: Hook) -> None:
    hook.status = 500
    await cairn.set(webhooks=[{"url": hook.url, "secret": SECRET}])
    await cairn.event()
    await cairn.turn()
    await cairn.set()
    cairn.clock.now += timedelta(minutes=2)
    await cairn.turn()
    assert len(hook.taken) == 1
    assert (await cairn.deliveries())[0]["status"] == "givenUp"


async def test_addresses_and_secrets_stand_in_no_row_in_clear(cairn: Cairn, mailbox: Mailbox, hook: Hook) -> None:
    await cairn.set(recipients=[{"email": PERSON}], webhooks=[{"url": hook.url, "secret": SECRET}])
    await cairn.event()
    mailbox.refuse = f"550 <{PERSON}> unknown"
    await cairn.turn()
    rows = str(cairn.records.notifications._table.__dict__) + str(cairn.records.events._table.__dict__)
    assert channel_id(TENANT, PERSON) in rows
    assert PERSON not in rows
    assert SECRET not in rows
    assert "/hook" not in rows


@pytest.mark.parametrize("url", [
    "http://example.com/hook", "https://127.0.0.1/hook", "https://localhost/hook", "https://10.0.0.1/",
    "https://169.254.169.254/metadata", "https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://user:x@example.com/",
    "ftp://example.com/", "https://", "https://100.64.0.1/", "https://example.com:99999/", "https://168.63.129.16/",
    "https://127。0。0。1/", "https://①27.0.0.1/", "https://169.254.169.254/", "https://ⓛocalhost/",
    "https://127%2e0.0.1/", "https://[::1%25lo]/", "https://localhost./", "https://2130706433.example.com\x00/",
])  # fmt: skip
async def test_a_webhook_leads_to_no_private_place(cairn: Cairn, url: str) -> None:
    assert refused_address(url, private_allowed=False) is not None
    with pytest.raises(Rejected):
        await WebhookSender().send(_channel(url), _message(), "d1")


@pytest.fixture
async def knocked() -> AsyncIterator[tuple[int, list[str]]]:
    """A port of this machine, and who connected to it, whatever they went on to say."""
    who: list[str] = []

    def knock(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        who.append(str(writer.get_extra_info("peername")))
        writer.close()

    server = await asyncio.start_server(knock, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1], who
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("host", [
    "localhost.localdomain", "localhost", "127.1", "2130706433", "0177.0.0.1", "0x7f000001", "127.000.000.001",
    "127.0.0.1.", "127.0.0.1", "127。0。0。1", "①27.0.0.1", "[::ffff:127.0.0.1]", "0.0.0.0", "0",
])  # fmt: skip
async def test_no_way_of_writing_this_machine_connects_to_it(knocked: tuple[int, list[str]], host: str) -> None:
    port, who = knocked
    with pytest.raises((Rejected, Unavailable)):
        await WebhookSender().send(_channel(f"https://{host}:{port}/"), _message(), "d1")
    assert who == []


async def test_the_local_stack_may_reach_this_machine(knocked: tuple[int, list[str]]) -> None:
    port, who = knocked
    with pytest.raises(Unavailable):
        await WebhookSender(private_allowed=True).send(_channel(f"https://127.0.0.1:{port}/"), _message(), "d1")
    assert len(who) == 1


def test_a_public_address_is_public() -> None:
    assert is_public("20.42.65.92")


def test_an_unsecured_relay_is_taken_on_loopback_only() -> None:
    with pytest.raises(SettingsError):
        SmtpSender(Settings(smtp_host="mail.example.com", smtp_security="none", mail_from="a@b.example"))
    with pytest.raises(SettingsError):
        SmtpSender(Settings(smtp_host="127.0.0.1", smtp_security="none"))


async def test_communication_services_get_the_mail_by_their_own_sdk() -> None:
    seen: list[tuple[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        seen.append((request.path_qs, await request.json()))
        return web.json_response({"id": "1", "status": "Running"}, status=202, headers={"Operation-Location": root})

    app = web.Application()
    app.router.add_post("/emails:send", take)
    async with serving(app) as root:
        sender = CommunicationSender(Settings(
            communication_url=root, communication_key="c2VjcmV0", mail_from="cairn@contoso.example",
        ))
        await sender.send(_channel(PERSON), _message(), "d1")
        await sender.close()
    (path, body), *_ = seen
    assert path.startswith("/emails:send?api-version=")
    assert body["recipients"] == {"to": [{"address": PERSON}]}
    assert body["content"]["subject"] == "Cairn: Backup failed"


def test_every_template_is_made_by_some_event() -> None:
    for name, one in BY_NAME.items():
        assert {template_of(code) for code in one.codes} == {name}
    assert template_of("restoreApplied") == "restoreFinished"
    assert template_of("backupSealed") is None


def test_every_code_that_makes_a_notification_is_one_that_cairn_says_and_event_grid_hears_of_it_too() -> None:
    said = "\n".join(
        path.read_text() for folder in ("shared", "activities", "orchestrators", "api")
        for path in (ROOT / folder).rglob("*.py")
        if path.name not in ("templates.py", "rules.py")
    )
    codes = {code for one in BY_NAME.values() for code in one.codes}
    assert [code for code in sorted(codes) if f'"{code}"' not in said] == []
    assert codes - ALERT_RULES.keys() == {"unpackFailed", "differencesFailed"}


async def test_a_key_that_is_gone_holds_up_no_other_tenant_and_is_told(
    cairn: Cairn, mailbox: Mailbox, tmp_path: Path
) -> None:
    other = "22222222-2222-4222-8222-222222222222"
    await cairn.set(recipients=[{"email": PERSON}])
    await cairn.event()
    (tmp_path / "key").unlink()
    cairn.cipher = LocalTokenCipher(tmp_path / "key")
    await cairn.records.notifications.replace(
        other, Notifications.model_validate({"recipients": [{"email": PERSON}]}), cairn.cipher, by="test"
    )
    await cairn.records.events.record("e", tenant_id=other, severity="error", code="backupFailed", message="Down.")
    assert await cairn.turn() == 1
    codes = [event["code"] async for _, event in cairn.records.events.stream([TENANT])]
    assert codes == ["channelsUnreadable", "backupFailed"]


async def test_a_channel_that_is_down_with_many_waiting_leaves_room_for_the_others(
    cairn: Cairn, mailbox: Mailbox, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "MOST_A_TURN", 12)
    monkeypatch.setattr(delivery, "MOST_OF_A_CHANNEL", 5)
    hook.status = 503
    await cairn.set(webhooks=[{"url": hook.url, "secret": SECRET}])
    for number in range(40):
        await cairn.event(key=f"e{number}")
    await cairn.turn()
    await cairn.set(recipients=[{"email": PERSON}], webhooks=[{"url": hook.url, "secret": SECRET}])
    await cairn.event(key="last")
    assert await cairn.turn() == 1
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize("address", [
    "::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1", "2001:0:a00:1::", "fe80::1", "fd00::1", "0.0.0.0", "224.0.0.1",
    "100.64.0.1", "192.0.2.1", "168.63.129.16", "no address",
])  # fmt: skip
def test_no_address_that_leads_into_a_private_network_is_public(address: str) -> None:
    assert not is_public(address)


def _channel(address: str) -> Any:
    from shared.notifications.channels import Channel
    return Channel("c1", "webhook", address, SECRET)


def _message() -> Any:
    from shared.notifications.templates import message_of
    return message_of("backupFailed", {
        "eventId": "e1", "tenantId": TENANT, "timestamp": "2026-11-21T12:00:00.000Z", "severity": "error",
        "code": "backupFailed", "message": "x", "task": None,
    })
