"""No secret and no personal value stands where it does not belong, after a backup, calls good and bad, and deliveries.

Values are planted, a tenant is backed up, watched and asked about, and then everything that is kept or said is searched
for them: logs, rows of every table, names of blobs, messages of orchestrations, manifests and the audit in the vault.
Only restore points hold what was backed up.
"""

import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import orjson
import pytest
import zstandard

import tests.shared.backup.conftest as backing_up
from api.app import create_api
from api.durable import current_client
from api.services import Services
from local.simulator import Simulator
from shared.audit.sealing import seal_book
from shared.deployment import Deployment, records_over
from shared.errors import CairnError
from shared.notifications.delivery import deliver
from shared.notifications.senders import senders_of
from shared.records.memory_table import MemoryTable
from shared.repository.memory_store import MemoryBlobStore
from shared.repository.tokens import LocalTokenCipher
from shared.settings import read_settings
from shared.tenants.consent_watch import watch_consents
from tests.api.conftest import FakeDurable, Mint, mint, validator
from tests.shared.backup.conftest import Backups

__all__ = ["mint"]

PERSONAL = ("Lanosrep", "lanosrep.plant", "+49 170 5550123", "recipient.plant@contoso.example")
HOOK_SECRET, HOOK_PATH = "planted-webhook-secret", "planted-webhook-path"
NAMES_AND_MESSAGES = ("capture_slice", "close_lane")


class Planted:
    """A deployment over memory whose tables can all be looked at, and a tenant with planted values."""

    def __init__(self, simulator: Simulator, opened: Deployment, tables: dict[str, MemoryTable]) -> None:
        self.simulator = simulator
        self.opened = opened
        self.tables = tables
        self.messages: list[str] = []


@pytest.fixture
async def planted(tmp_path: Path) -> AsyncIterator[Planted]:
    tables: dict[str, MemoryTable] = {}

    def table(name: str) -> MemoryTable:
        return tables.setdefault(name, MemoryTable())

    async with Simulator(users=12, groups=4, seed=5) as simulator:
        settings = read_settings({
            "CAIRN_GRAPH_URL": simulator.url, "CAIRN_LOGIN_URL": simulator.url,
            "CAIRN_CLIENT_ID": simulator.client_id, "CAIRN_CLIENT_SECRET": simulator.client_secret,
            "CAIRN_SMTP_HOST": "127.0.0.1", "CAIRN_SMTP_PORT": "1", "CAIRN_SMTP_SECURITY": "none",
            "CAIRN_MAIL_FROM": "cairn@contoso.example", "CAIRN_PRIVATE_WEBHOOKS": "allow",
        })
        opened = Deployment(
            settings, records_over(table), MemoryBlobStore(), MemoryBlobStore(), LocalTokenCipher(tmp_path / "key"),
            senders=senders_of(settings),
        )
        await opened.records.tenants.register(
            tenant_id=simulator.tenant_id, display_name="Contoso", cloud="global", kind="workforce", created_by="test"
        )
        await _plant(simulator)
        yield Planted(simulator, opened, tables)


async def _plant(simulator: Simulator) -> None:
    form = {
        "grant_type": "client_credentials", "client_id": simulator.client_id,
        "client_secret": simulator.client_secret, "scope": f"{simulator.url}/.default",
    }
    async with aiohttp.ClientSession() as session:
        token_url = f"{simulator.url}/{simulator.tenant_id}/oauth2/v2.0/token"
        async with session.post(token_url, data=form) as answer:
            headers = {"Authorization": f"Bearer {(await answer.json())['access_token']}"}
        async with session.get(f"{simulator.url}/v1.0/users?$top=1", headers=headers) as answer:
            user = (await answer.json())["value"][0]
        domain = user["userPrincipalName"].split("@")[1]
        body = {
            "displayName": "Lanosrep Planted", "userPrincipalName": f"lanosrep.plant@{domain}",
            "mobilePhone": "+49 170 5550123",
        }
        async with session.patch(f"{simulator.url}/v1.0/users/{user['id']}", json=body, headers=headers) as answer:
            assert answer.status == 204, await answer.text()


async def _use(planted: Planted, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, tenant = planted.opened, planted.simulator.tenant_id
    for name in NAMES_AND_MESSAGES:
        work = getattr(backing_up, name)

        async def recorded(deployment: Any, graph: Any, run: Any, message: Any, work: Any = work) -> Any:
            answer = await work(deployment, graph, run, message)
            planted.messages.append(orjson.dumps([message, answer]).decode())
            return answer

        monkeypatch.setattr(backing_up, name, recorded)
    backups = Backups(opened, planted.simulator)
    await backups.run("full", types=["user", "group", "application", "servicePrincipal"])
    await watch_consents(opened.records, opened.settings)

    async def open_it() -> Deployment:
        return opened

    app = create_api(Services(open_it, validator(), opened.settings))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="https://cairn.example/api/v1") as client:
        mine = {"Authorization": f"Bearer {token}"}
        channels = {
            "recipients": [{"email": "recipient.plant@contoso.example"}],
            "webhooks": [{"url": f"http://127.0.0.1:1/{HOOK_PATH}", "secret": HOOK_SECRET}],
        }
        set_current = current_client.set(FakeDurable())
        try:
            for method, path, body in (
                ("PUT", f"/tenants/{tenant}/notifications", channels),
                ("POST", f"/tenants/{tenant}/notifications/test", {}),
                ("PUT", f"/tenants/{tenant}/settings", {"Lanosrep": "lanosrep.plant"}),
                ("GET", f"/tenants/{tenant}/objects?q=Lanosrep", None),
                ("GET", "/tasks?q=Lanosrep&orderBy=lanosrep.plant", None),
                ("GET", "/tasks/Lanosrep", None),
                ("POST", f"/tenants/{tenant}/backups", {"types": ["Lanosrep"]}),
                ("GET", f"/tenants/{tenant}/objects/lanosrep.plant", None),
            ):
                await client.request(method, path, json=body, headers=mine)
            await client.get("/me", headers={"Authorization": f"Bearer {token}Lanosrep"})
        finally:
            current_client.reset(set_current)
    await opened.records.events.record(
        "e1", tenant_id=tenant, severity="error", code="backupFailed", message="It went wrong."
    )
    await deliver(
        opened.records.notification_outbox, opened.records.notifications, opened.records.events, opened.cipher,
        opened.senders,
    )
    for book in await opened.records.audit.books():
        await seal_book(opened.records.audit, opened.vault, book)


async def test_what_is_planted_is_found_in_restore_points_alone(
    planted: Planted, mint: Mint, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for noisy in ("asyncio", "aiohttp", "httpx", "httpcore", "hypothesis"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    token = mint()
    with caplog.at_level(logging.DEBUG):
        await _use(planted, token, monkeypatch)
    secrets = (
        planted.simulator.client_secret, HOOK_SECRET, HOOK_PATH, token, token.rsplit(".", 1)[1], "deltatoken=",
        # How a JSON Web Token begins; `eyJ` alone also stands in what is encrypted, by chance.
        "eyJhbGciOi", "eyJ0eXAiOi", token.partition(".")[0],
    )
    said = {
        "log": "\n".join(_told(record) for record in caplog.records),
        "messages": "\n".join(planted.messages),
        **{f"table {name}": _rows(table) for name, table in planted.tables.items()},
        **{f"names {place}": await _names(store) for place, store in _stores(planted).items()},
        "vault's readable blobs": await _readable(planted.opened.vault),
    }
    assert planted.messages
    assert await _backed_up(planted.opened.vault, PERSONAL[0])
    assert "It went wrong." in said["table cairnEvents"]
    found = [
        f"{place}: …{text[max(0, text.find(value) - 60):text.find(value) + 20]}…"
        for place, text in said.items() for value in (*PERSONAL, *secrets) if value.lower() in text.lower()
    ]
    assert found == []


def _told(record: logging.LogRecord) -> str:
    return logging.Formatter().format(record)


def _rows(table: MemoryTable) -> str:
    return str({name: getattr(table, name) for name in ("_partitions", "_rows") if hasattr(table, name)})


def _stores(planted: Planted) -> dict[str, Any]:
    return {"vault": planted.opened.vault, "workspace": planted.opened.workspace}


async def _names(store: Any) -> str:
    return "\n".join([blob.name async for blob in store.list("")])


async def _readable(store: Any) -> str:
    """Every blob that is no compressed segment of a restore point."""
    texts = [
        (await store.get(blob.name)).decode() async for blob in store.list("") if blob.name.endswith((".json", ".ndjson"))
    ]
    assert any("putNotifications" in text for text in texts)
    return "\n".join(texts)


async def _backed_up(vault: Any, value: str) -> bool:
    async for blob in vault.list(""):
        if blob.name.endswith(".ndjson.zst"):
            reader = zstandard.ZstdDecompressor().stream_reader(await vault.get(blob.name), read_across_frames=True)
            if value.encode() in reader.read():
                return True
    return False


async def test_the_search_finds_what_it_looks_for(planted: Planted) -> None:
    table = planted.tables["cairnEvents"]
    await planted.opened.records.events.record(
        "leak", tenant_id=planted.simulator.tenant_id, severity="error", code="x", message="Lanosrep was here"
    )
    assert "Lanosrep" in _rows(table)
    with pytest.raises(CairnError):
        await planted.opened.records.tasks.get("Lanosrep")
