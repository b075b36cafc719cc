"""Laws of consents, against the simulator: what is wanted, held and missing is told, and what gets worse is news."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from local.simulator import Simulator
from shared.backup.sessions import sessions
from shared.catalog.options import OPTIONS
from shared.deployment import Records, records_in_memory
from shared.settings import Settings, read_settings
from shared.tenants.consent_watch import watch_consents
from shared.tenants.consents import (
    ConsentMissing,
    check_consent,
    missing_for,
    need_consent,
    need_restore_consent,
    unchecked,
    wanted_permissions,
)


class Administrator:
    """The person who changes the tenant."""

    def __init__(self, simulator: Simulator, session: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self._session = session

    async def send(self, method: str, path: str, body: Any = None) -> Any:
        form = {
            "grant_type": "client_credentials", "client_id": self.simulator.client_id,
            "client_secret": self.simulator.client_secret, "scope": f"{self.simulator.url}/.default",
        }
        token_url = f"{self.simulator.url}/{self.simulator.tenant_id}/oauth2/v2.0/token"
        async with self._session.post(token_url, data=form) as answer:
            token = (await answer.json())["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{self.simulator.url}/v1.0{path}"
        async with self._session.request(method, url, json=body, headers=headers) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json() if answer.status != 204 else None

    async def new_app(self, *permissions: str) -> dict[str, str]:
        """An app in the tenant that holds these permissions."""
        app = await self.send("POST", "/applications", {"displayName": "Cairn"})
        secret = await self.send("POST", f"/applications/{app['id']}/addPassword", {"passwordCredential": {}})
        principal = await self.send("POST", "/servicePrincipals", {"appId": app["appId"]})
        graph = (await self.send(
            "GET", "/servicePrincipals?$filter=appId eq '00000003-0000-0000-c000-000000000000'"
        ))["value"][0]
        roles = {role["value"]: role["id"] for role in graph["appRoles"]}
        for name in permissions:
            await self.send("POST", f"/servicePrincipals/{principal['id']}/appRoleAssignments", {
                "principalId": principal["id"], "resourceId": graph["id"], "appRoleId": roles[name],
            })
        return {
            "principal": principal["id"], "application": app["id"], "client": app["appId"],
            "secret": secret["secretText"], "ends": secret["endDateTime"],
        }


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(users=10, groups=3, seed=3) as one:
        yield one


@pytest.fixture
async def administrator(simulator: Simulator) -> AsyncIterator[Administrator]:
    async with aiohttp.ClientSession() as session:
        yield Administrator(simulator, session)


@pytest.fixture(autouse=True)
def _fresh_tokens() -> Iterator[None]:
    sessions._tokens.clear()
    yield
    sessions._tokens.clear()


def settings_of(simulator: Simulator, app: dict[str, str] | None = None, **more: str) -> Settings:
    return read_settings({
        "CAIRN_GRAPH_URL": simulator.url, "CAIRN_LOGIN_URL": simulator.url,
        "CAIRN_CLIENT_ID": app["client"] if app else simulator.client_id,
        "CAIRN_CLIENT_SECRET": app["secret"] if app else simulator.client_secret, **more,
    })


async def registered(simulator: Simulator, now: datetime) -> Records:
    records = records_in_memory(clock=lambda: now)
    await records.tenants.register(
        tenant_id=simulator.tenant_id, display_name="Test", cloud="global", kind="workforce", created_by="test"
    )
    return records


async def codes(records: Records) -> list[str]:
    return [event["code"] async for _, event in records.events.stream(None)]


async def test_an_app_that_holds_everything_is_granted(simulator: Simulator) -> None:
    for kind in ("basic", "restore"):
        consent = await check_consent(kind, settings_of(simulator), simulator.tenant_id, {})  # type: ignore[arg-type]
        assert (consent["status"], consent["missing"]) == ("granted", [])
        assert consent["checkedAt"] is not None
        assert {one["permission"] for one in consent["wanted"]} <= set(consent["held"]) or kind == "basic"


async def test_what_is_missing_is_named_exactly_with_where_to_consent(
    simulator: Simulator, administrator: Administrator
) -> None:
    app = await administrator.new_app("User.Read.All", "Application.Read.All")
    settings = settings_of(simulator, app)
    consent = await check_consent("basic", settings, simulator.tenant_id, {})
    assert consent["status"] == "incomplete"
    assert "Policy.Read.All" in consent["missing"]
    assert "User.Read.All" not in consent["missing"]
    assert consent["adminConsentUrl"] == (
        f"{simulator.url}/{simulator.tenant_id}/adminconsent?client_id={app['client']}"
    )
    assert consent["credential"]["kind"] == "secret"
    assert consent["credential"]["expires"] == app["ends"]
    with pytest.raises(ConsentMissing) as refused:
        await need_consent("restore", settings, simulator.tenant_id, {}, types=["group"])
    assert "Group.ReadWrite.All" in refused.value.permissions
    assert app["client"] in refused.value.remedy


async def test_types_that_are_not_restored_ask_for_nothing(simulator: Simulator, administrator: Administrator) -> None:
    app = await administrator.new_app("AdministrativeUnit.ReadWrite.All", "Application.Read.All", "Directory.Read.All")
    settings = settings_of(simulator, app)
    narrow = await missing_for("restore", settings, simulator.tenant_id, {}, types=["administrativeUnit"])
    assert set(narrow) < set(await missing_for("restore", settings, simulator.tenant_id, {}))
    assert "ConditionalAccess" not in " ".join(narrow)


@pytest.mark.parametrize("option", sorted(OPTIONS))
def test_an_option_only_ever_adds_to_what_is_wanted(option: str) -> None:
    assert set(wanted_permissions("basic", {})) <= set(wanted_permissions("basic", {option: True}))


async def test_an_app_that_is_gone_or_disabled_is_told_before_a_backup_fails(
    simulator: Simulator, administrator: Administrator
) -> None:
    app = await administrator.new_app("User.Read.All", "Application.Read.All")
    settings, now = settings_of(simulator, app), datetime(2026, 11, 21, 12, tzinfo=UTC)
    records = await registered(simulator, now)
    assert await watch_consents(records, settings) == 1
    assert await watch_consents(records, settings) == 0
    assert await codes(records) == ["consentIncomplete"]
    await administrator.send("PATCH", f"/servicePrincipals/{app['principal']}", {"accountEnabled": False})
    sessions._tokens.clear()
    consent = await check_consent("basic", settings, simulator.tenant_id, {})
    assert (consent["status"], consent["code"]) == ("notGranted", "AADSTS7000112")
    await administrator.send("DELETE", f"/servicePrincipals/{app['principal']}")
    sessions._tokens.clear()
    consent = await check_consent("basic", settings, simulator.tenant_id, {})
    assert consent["status"] == "notGranted"
    assert consent["missing"] == [one["permission"] for one in consent["wanted"]]


async def test_a_consent_that_was_there_and_is_not_is_an_error(
    simulator: Simulator, administrator: Administrator
) -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    records = records_in_memory(clock=lambda: now)
    await records.tenants.register(
        tenant_id=simulator.tenant_id, display_name="Test", cloud="global", kind="workforce", created_by="test"
    )
    await watch_consents(records, settings_of(simulator))
    assert await codes(records) == []
    now += timedelta(hours=7)
    app = await administrator.new_app("User.Read.All")
    await watch_consents(records, settings_of(simulator, app))
    assert await codes(records) == ["consentLost"]
    score = await records.consents.secure_score(simulator.tenant_id)
    assert score is not None
    assert score["known"] is False
    assert score["reason"]


@pytest.mark.parametrize(("left", "told"), [(31, []), (29, ["credentialExpiring"]), (-1, ["credentialExpiring"])])
async def test_a_credential_that_ends_is_told_in_time(
    simulator: Simulator, administrator: Administrator, left: int, told: list[str]
) -> None:
    ends = datetime(2099, 1, 1, tzinfo=UTC)
    records = await registered(simulator, ends - timedelta(days=left))
    await watch_consents(records, settings_of(simulator))
    assert await codes(records) == told


def test_exchange_keeps_its_place() -> None:
    settings = read_settings({"CAIRN_CLIENT_ID": "aaaaaaaa-0000-4000-8000-000000000001"})
    consent = unchecked("exchangeBackup", settings, "11111111-1111-4111-8111-111111111111", {})
    assert (consent["status"], consent["wanted"]) == ("notYetSupported", [])


async def test_a_restore_is_refused_before_planning_only_where_nothing_may_be_changed(
    simulator: Simulator, administrator: Administrator
) -> None:
    reader = await administrator.new_app("Directory.Read.All", "Application.Read.All")
    with pytest.raises(ConsentMissing) as refused:
        await need_restore_consent(settings_of(simulator, reader), simulator.tenant_id, {})
    assert "Group.ReadWrite.All" in refused.value.permissions
    writer = await administrator.new_app("Group.ReadWrite.All")
    await need_restore_consent(settings_of(simulator, writer), simulator.tenant_id, {})
    gone = {**reader, "client": "aaaaaaaa-0000-4000-8000-00000000000f"}
    with pytest.raises(ConsentMissing):
        await need_restore_consent(settings_of(simulator, gone), simulator.tenant_id, {})
