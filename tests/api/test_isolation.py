"""A tenant is not there for who may not see it: each route of the document, with ids that are real in the other tenant.

Every law has its control: an administrator of all tenants finds what the intruder must not.
"""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

import api.app
from api.durable import current_client
from api.services import Services
from shared.deployment import Records
from shared.notifications.senders import senders_of
from tests.api.conftest import FakeDurable, Mint, Opened, mint, validator
from tests.shared.backup.conftest import Backups, backups
from tests.shared.browse.conftest import unpack

__all__ = ["backups", "mint"]

OWN = "aaaaaaaa-1111-4111-8111-111111111111"
INTRUDER = "bbbbbbbb-0000-4000-8000-000000000001"
WITHOUT_PARAMETERS = {"/me", "/health", "/ready", "/objectTypes", "/roles", "/rebuild"}


def operations() -> Iterator[tuple[str, str]]:
    """(method, path) of everything that the OpenAPI document describes, below its root."""
    document = api.app.create_api(Services()).openapi()
    for path, described in document["paths"].items():
        for method in described:
            yield method.upper(), path.removeprefix(api.app.ROOT)


@dataclass
class Neighbours:
    """Two tenants: what is real in the foreign one, and two callers."""

    client: httpx.AsyncClient
    records: Records
    foreign: str
    ids: dict[str, str]
    name: str
    everywhere: dict[str, str]
    intruder: dict[str, str]

    def filled(self, path: str, tenant: str) -> str:
        return re.sub(r"{(\w+)}", lambda found: {**self.ids, "tenantId": tenant}[found[1]], path)

    async def ask(self, who: dict[str, str], method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        content = {"broken": 1} if body is None and method in ("PUT", "PATCH") else body
        return await self.client.request(method, path, json=content, headers={**who, **headers})

    def told(self, text: str, *, asked: str = "") -> list[str]:
        """What of the foreign tenant stands in a text, but for what the request itself said."""
        looked_for = [self.foreign, self.name, *(self.ids[one] for one in ("objectId", "restoreId", "reportId", "taskId"))]
        return [one for one in looked_for if one in text and one not in asked]


@pytest.fixture
async def neighbours(backups: Backups, mint: Mint) -> AsyncIterator[Neighbours]:
    records, foreign = backups.opened.records, backups.simulator.tenant_id
    manifest = await backups.run("full", types=["user", "group"])
    await unpack(backups, manifest)
    await records.tenants.register(
        tenant_id=OWN, display_name="Own", cloud="global", kind="workforce", created_by="test"
    )
    user = next(iter(backups.simulator.tenant.store.all("user")))
    opened = Opened(
        backups.opened.settings, records, backups.opened.vault, backups.opened.workspace, backups.opened.cipher,  # type: ignore[arg-type]
        senders_of(backups.opened.settings),
    )
    event = await records.events.record("e1", tenant_id=foreign, severity="error", code="backupFailed", message="Down.")
    await _rows(records, foreign, manifest.backup_id)
    ids = {
        "backupId": manifest.backup_id, "taskId": "foreign-task", "eventId": event["eventId"],
        "restoreId": "foreign-restore", "reportId": "foreign-report", "objectId": user.key, "name": "memberOf",
        "kind": "basic",
    }

    async def open_it() -> Opened:
        return opened

    app = api.app.create_api(Services(open_it, validator(), opened.settings))
    token = current_client.set(FakeDurable())
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="https://cairn.example/api/v1"
    ) as client:
        yield Neighbours(
            client, records, foreign, ids, str(user.read()["displayName"]), {"Authorization": f"Bearer {mint()}"},
            {"Authorization": f"Bearer {mint(oid=INTRUDER, tenants=[OWN])}"},
        )
    current_client.reset(token)


async def _rows(records: Records, tenant_id: str, backup_id: str) -> None:
    await records.tasks.create(
        task_id="foreign-task", tenant_id=tenant_id, type="backup", name="Backup", requested_by="somebody"
    )
    await records.restores.create({  # type: ignore[typeddict-item]
        "tenantId": tenant_id, "restoreId": "foreign-restore", "state": "planning", "planHash": None, "reason": "",
        "requestedBy": "somebody", "approvedBy": None, "taskId": "foreign-task", "applyTaskId": None, "plan": "",
        "credentials": "none", "beforeBackupId": None, "appliedAppOnly": False, "message": "", "undoOf": None,
        "verification": None,
    })
    await records.reports.create({
        "reportId": "foreign-report", "tenantId": tenant_id, "origin": "request", "backupId": backup_id,
        "against": "live", "taskId": "foreign-task", "requestedBy": "somebody", "types": None, "objectCount": None,
        "noise": {},
    })
    await records.identity_map.add(
        tenant_id, old_id="foreign-old", new_id="foreign-new", object_type="user", restore_id="foreign-restore"
    )


async def test_each_route_answers_404_for_what_is_real_in_a_foreign_tenant(neighbours: Neighbours) -> None:
    for method, path in operations():
        if "{" not in path:
            continue
        filled = neighbours.filled(path, neighbours.foreign)
        answer = await neighbours.ask(neighbours.intruder, method, filled)
        assert answer.status_code == 404, f"{method} {filled}: {answer.text}"
        assert neighbours.told(answer.text, asked=filled) == [], f"{method} {filled}: {answer.text}"


async def test_foreign_ids_are_not_found_through_an_own_tenant_either(neighbours: Neighbours) -> None:
    for method, path in operations():
        if "{tenantId}" not in path or path.count("{") == path.count("{tenantId}") + path.count("{kind}"):
            continue
        filled = neighbours.filled(path, OWN)
        answer = await neighbours.ask(neighbours.intruder, method, filled)
        assert answer.status_code == 404, f"{method} {filled}: {answer.text}"
        assert neighbours.told(answer.text, asked=filled) == [], f"{method} {filled}: {answer.text}"


async def test_those_ids_are_real(neighbours: Neighbours) -> None:
    for method, path in operations():
        if method == "GET" and "{" in path and "credentials" not in path and "download" not in path:
            filled = neighbours.filled(path, neighbours.foreign)
            answer = await neighbours.ask(neighbours.everywhere, method, filled)
            assert answer.status_code not in (401, 403, 404, 500), f"{method} {filled}: {answer.text}"


async def test_what_is_unknown_and_what_is_foreign_look_the_same(neighbours: Neighbours) -> None:
    nowhere = "cccccccc-9999-4999-8999-999999999999"
    for method, path in operations():
        if "{tenantId}" in path:
            foreign = await neighbours.ask(neighbours.intruder, method, neighbours.filled(path, neighbours.foreign))
            unknown = await neighbours.ask(neighbours.intruder, method, neighbours.filled(path, nowhere))
            assert foreign.text.replace(neighbours.foreign, nowhere) == unknown.text, path
            assert sorted(foreign.headers) == sorted(unknown.headers), path


@pytest.mark.parametrize(("path", "body"), [
    ("/differences", {"backupId": "BACKUP"}),
    ("/differences", {"backupId": "BACKUP", "against": "BACKUP"}),
    ("/restores", {"source": {"backupId": "BACKUP"}, "selection": {"all": True}}),
    ("/restores", {"source": {"backupId": "BACKUP"}, "selection": {"objectIds": ["OBJECT"]}}),
    ("/restores", {"source": {"reportId": "REPORT"}, "selection": {"all": True}}),
    ("/restores", {"source": {"reportId": "REPORT"}, "selection": {"changeIds": ["c"]}}),
])  # fmt: skip
async def test_foreign_ids_in_bodies_are_not_found(neighbours: Neighbours, path: str, body: dict[str, Any]) -> None:
    real = {"BACKUP": neighbours.ids["backupId"], "OBJECT": neighbours.ids["objectId"], "REPORT": "foreign-report"}

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(one) for key, one in value.items()}
        if isinstance(value, list):
            return [filled(one) for one in value]
        return real.get(value, value) if isinstance(value, str) else value

    answer = await neighbours.ask(neighbours.intruder, "POST", f"/tenants/{OWN}{path}", filled(body))
    assert answer.status_code == 404, answer.text
    fields = {error["field"].rpartition(".")[2] for error in answer.json()["errors"]}
    assert fields <= {"backupId", "against", "reportId"}


async def test_lists_searches_and_exports_across_tenants_show_nothing_foreign(neighbours: Neighbours) -> None:
    seen = 0
    for method, path in operations():
        if method != "GET" or "{" in path or path in WITHOUT_PARAMETERS:
            continue
        for query in ("", "?q=Backup", "?q=foreign*", "?q=Down", f"?tenant={neighbours.foreign}"):
            asked = f"{path}{query}"
            answer = await neighbours.ask(neighbours.intruder, method, asked)
            assert answer.status_code in ((404,) if "tenant=" in query else (200, 400)), f"{asked}: {answer.text}"
            assert neighbours.told(answer.text, asked=asked) == [], asked
            seen += bool(neighbours.told((await neighbours.ask(neighbours.everywhere, method, asked)).text))
    assert seen > 8, "an administrator of all tenants finds it"
    for asked in ("/events?task=foreign-task", f"/events?task=foreign-task&tenant={OWN}"):
        assert (await neighbours.ask(neighbours.intruder, "GET", asked)).status_code == 404
    path = f"/tenants/{OWN}/restorePoints?objectIds={neighbours.ids['objectId']}"
    assert (await neighbours.ask(neighbours.intruder, "GET", path)).status_code == 404
    for listed in ("/backups", "/differences", "/restores", "/identityMap"):
        path = f"/tenants/{OWN}{listed}"
        answer = await neighbours.ask(neighbours.intruder, "GET", path)
        assert answer.status_code == 200, answer.text
        assert answer.json()["value"] == [], path


async def test_an_idempotency_key_stands_for_nothing_of_another_caller_or_tenant(neighbours: Neighbours) -> None:
    key = {"Idempotency-Key": "the-same"}
    first = await neighbours.ask(
        neighbours.everywhere, "POST", f"/tenants/{neighbours.foreign}/backups", {"kind": "full"}, **key
    )
    own = await neighbours.ask(neighbours.intruder, "POST", f"/tenants/{OWN}/backups", {"kind": "full"}, **key)
    assert first.status_code == own.status_code == 202, own.text
    assert own.json()["tenantId"] == OWN
    assert own.json()["taskId"] != first.json()["taskId"]
    theirs = await neighbours.ask(neighbours.everywhere, "POST", f"/tenants/{OWN}/backups", {"kind": "full"}, **key)
    assert (theirs.status_code, theirs.json()["code"]) == (409, "busy"), "another caller's key is not theirs"


async def test_a_continuation_of_one_tenant_goes_on_in_no_other(neighbours: Neighbours) -> None:
    await neighbours.records.tasks.create(
        task_id="second", tenant_id=neighbours.foreign, type="backup", name="Backup", requested_by="somebody"
    )
    await neighbours.records.reports.create({
        "reportId": "second", "tenantId": neighbours.foreign, "origin": "request", "backupId": "00000001",
        "against": "live", "taskId": "second", "requestedBy": "somebody", "types": None, "objectCount": None, "noise": {},
    })
    page = f"/tenants/{neighbours.foreign}/differences?top=1"
    link = (await neighbours.ask(neighbours.everywhere, "GET", page)).json()["nextLink"]
    assert (await neighbours.ask(neighbours.intruder, "GET", link)).status_code == 404
    moved = await neighbours.ask(neighbours.intruder, "GET", link.replace(neighbours.foreign, OWN))
    assert moved.status_code == 422, moved.text
    link = (await neighbours.ask(neighbours.everywhere, "GET", "/tasks?top=1")).json()["nextLink"]
    assert (await neighbours.ask(neighbours.intruder, "GET", link)).json() == {"value": []}


async def test_a_right_in_one_tenant_is_no_right_in_another(neighbours: Neighbours, mint: Mint) -> None:
    """Administrator of one tenant and Reader of the other: each right counts where it was given."""
    for tenant_id, role in ((OWN, "Administrator"), (neighbours.foreign, "Reader")):
        await neighbours.records.assignments.replace(
            tenant_id, [{"principalId": INTRUDER, "principalType": "user", "roles": [role]}], by="test"
        )
    who = {"Authorization": f"Bearer {mint(oid=INTRUDER, roles=None)}"}
    for method, path in operations():
        if "{tenantId}" not in path and "{taskId}" not in path:
            continue
        filled = neighbours.filled(path, neighbours.foreign)
        answer = await neighbours.ask(who, method, filled)
        if method == "GET":
            assert answer.status_code not in (401, 404, 500) or "download" in path, f"{method} {filled}: {answer.text}"
        else:
            assert answer.status_code in (403, 404), f"{method} {filled}: {answer.text}"
            assert answer.status_code == 403 or "{tenantId}" not in path, f"{method} {filled}: {answer.text}"


async def test_an_assignment_that_is_taken_back_counts_from_the_next_request_on(
    neighbours: Neighbours, mint: Mint
) -> None:
    who = {"Authorization": f"Bearer {mint(oid=INTRUDER, roles=None)}"}
    path = f"/tenants/{neighbours.foreign}/backups"
    assignment: Any = {"principalId": INTRUDER, "principalType": "user", "roles": ["Reader"]}
    for assigned, status in (([], 403), ([assignment], 200), ([], 403)):
        await neighbours.records.assignments.replace(neighbours.foreign, assigned, by="test")
        assert (await neighbours.ask(who, "GET", path)).status_code == status


async def test_cancelling_a_task_asks_for_as_much_as_starting_it(neighbours: Neighbours, mint: Mint) -> None:
    await neighbours.records.roles.replace(
        [{"name": "Backups", "description": "", "permissions": ["backups.run", "tasks.read"]}], by="test"
    )
    for kind, status in (("restore", 403), ("undo", 403), ("differences", 403), ("unpack", 403), ("verify", 202)):
        await neighbours.records.tasks.create(
            task_id=f"t-{kind}", tenant_id=OWN, type=kind, name=kind, requested_by="somebody"  # type: ignore[arg-type]
        )
        who = {"Authorization": f"Bearer {mint(roles=['Backups'])}"}
        answer = await neighbours.ask(who, "POST", f"/tasks/t-{kind}/cancel")
        assert answer.status_code == status, answer.text


def test_the_document_describes_every_route() -> None:
    routed = {(method, path) for path, route in api.app.routes() for method in route.methods or ()}
    assert len(routed) == len(set(operations()))
