"""The contract once more where every id leads somewhere: a tenant backed up twice, unpacked, compared, a restore planned.

`test_contract.py` draws requests against an almost empty deployment, where most addresses can only answer 404. Here the
ids in addresses and bodies are those of what is there, and every route has to have answered well at least once.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import given
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

import activities.differences as steps
from api.app import create_api
from api.durable import current_client
from api.services import Services
from shared.browse.packing import show_unpacked
from tests.api.conftest import FakeDurable, Mint, mint, validator
from tests.api.test_contract import OPERATIONS, VALID, WRONG, given_little
from tests.shared.backup.conftest import Backups, backups
from tests.shared.browse.conftest import unpack
from tests.shared.differences.conftest import Differences
from tests.shared.recovery.conftest import Restores

__all__ = ["backups", "mint"]

NEED_MORE = frozenset({"notConfigured", "notReady", "storageUnavailable", "notStarted", "graphUnavailable"})
"""5xx that say what this deployment in memory lacks."""

NEVER_WELL = {
    "GET /api/v1/tenants/{tenantId}/restores/{restoreId}/credentials": "nothing was applied that has any",
    "GET /api/v1/tasks/{taskId}/download": "the task is no export",
}
"""Reads that cannot answer 200 here, and why."""


@dataclass
class Seeded:
    """What the addresses may name."""

    client: httpx.AsyncClient
    ids: dict[str, str]
    query: dict[str, str]

    def filled(self, path: str) -> str:
        return re.sub(r"{(\w+)}", lambda found: self.ids[found[1]], path)


@pytest.fixture
async def seeded(backups: Backups, mint: Mint, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Seeded]:
    opened, tenant_id = backups.opened, backups.simulator.tenant_id

    async def deployment() -> Any:
        return opened

    monkeypatch.setattr(steps, "deployment", deployment)
    first = await backups.run("full")
    store = backups.simulator.tenant.store
    group = next(one.key for one in store.all("group") if not one.read().get("groupTypes"))
    store.update(group, {**store.get(group).read(), "description": "Changed"})
    second = await backups.run("incremental")
    for manifest in (first, second):
        await unpack(backups, manifest)
        await show_unpacked(opened.records, opened.workspace, manifest)
    report = await Differences(backups).report(first.backup_id, second.backup_id)
    restore = await Restores(opened, backups.simulator, backups).plan([group], backup_id=first.backup_id)
    task = await anext(aiter(opened.records.tasks.stream([tenant_id])))
    await opened.records.events.record(
        "test", tenant_id=tenant_id, severity="information", code="test", message="Something happened"
    )
    event = await anext(aiter(opened.records.events.stream([tenant_id])))
    ids = {
        "tenantId": tenant_id, "backupId": first.backup_id, "objectId": group, "name": "members",
        "reportId": report["reportId"], "restoreId": restore["restoreId"], "taskId": task[1]["taskId"],
        "eventId": event[1]["eventId"], "kind": "basic",
    }
    query = {"tenant": tenant_id, "backup": first.backup_id, "objectIds": group, "task": task[1]["taskId"]}
    app = create_api(Services(deployment, validator(), opened.settings))  # type: ignore[arg-type]

    async def with_client(scope: Any, receive: Any, send: Any) -> None:
        token = current_client.set(FakeDurable())  # type: ignore[arg-type]
        try:
            await app(scope, receive, send)
        finally:
            current_client.reset(token)

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(with_client), base_url="https://cairn.example",
        headers={"Authorization": f"Bearer {mint()}"},
    ) as client:
        yield Seeded(client, ids, query)


def cases(label: str, mode: Any) -> list[Any]:
    """A few requests that schemathesis draws for an operation."""
    found: list[Any] = []

    @given_little
    @given(case=OPERATIONS[label].as_strategy(generation_mode=mode))
    def collect(case: Any) -> None:
        found.append(case)

    collect()
    return found


def order(label: str) -> tuple[bool, bool, str]:
    """Reads first; what takes something away last."""
    method = label.split()[0]
    return method != "GET", method == "DELETE", label


async def test_every_route_answers_well_and_as_the_document_promises_where_its_ids_are_there(seeded: Seeded) -> None:
    ill: dict[str, int] = {}
    for label in sorted(OPERATIONS, key=order):
        operation = OPERATIONS[label]
        method, path = label.split()
        has_more = list(operation.iter_parameters()) or list(operation.body)
        for mode in (VALID, WRONG) if has_more else (VALID,):
            for case in cases(label, mode):
                if case.path_parameters:
                    case.path_parameters = {name: seeded.ids[name] for name in case.path_parameters}
                case.query = {**(case.query or {}), **{
                    name: value for name, value in seeded.query.items() if name in (case.query or {})
                }}
                await checked(seeded, case)
        if method == "GET":
            required = {
                one.name: seeded.query[one.name] for one in operation.iter_parameters()
                if one.location.value == "query" and one.is_required
            }
            answer = await seeded.client.get(seeded.filled(path), params=required)
            if answer.status_code >= 300:
                ill[label] = answer.status_code
    assert set(ill) == set(NEVER_WELL), ill


async def checked(seeded: Seeded, case: Any) -> None:
    sent = case.as_transport_kwargs(base_url="https://cairn.example")
    headers = {
        name: value for name, value in dict(sent["headers"]).items()
        if name.lower() not in ("authorization", "user-agent", "accept-encoding", "connection")
        and str(value).isascii() and str(value).isprintable()
    }
    request = seeded.client.build_request(
        sent["method"], sent["url"], params=sent.get("params"), headers=headers, json=sent.get("json"),
        content=sent.get("data"), cookies=sent.get("cookies"),
    )  # fmt: skip
    answer = await seeded.client.send(request)
    assert "Traceback" not in answer.text
    if answer.status_code >= 500 and answer.json()["code"] in NEED_MORE:
        return
    case.validate_response(
        schemathesis.Response.from_any(answer),
        checks=[not_a_server_error, content_type_conformance, response_schema_conformance],
    )
