"""Provisioning of a service principal: jobs, their schedule and schema (Create synchronizationJob; Start, Pause and
Restart synchronizationJob; Update synchronizationSchema).

Nothing is provisioned here: a started job says that it is active, and its schema is kept as it was sent.
"""

from __future__ import annotations

from local.simulator.errors import bad_request
from local.simulator.http_types import Response
from local.simulator.store import Body, Record
from local.simulator.writes import refusals
from local.simulator.writes.change import Write, edit, new_id, no_content
from local.simulator.writes.hooks import Hooks, register
from local.simulator.writes.validation import Validator

INTERVAL = "PT40M"
FIRST_SCHEMA: Body = {"version": "v1", "synchronizationRules": [], "directories": []}


def _prepare(write: Write, made: Body, _body: Body, _sent: Body) -> Body:
    template, parent = made["templateId"], write.parent()
    templates = write.store.link_set("synchronization/templates").targets(parent.key)
    known = {write.store.records[key].read()["id"] for key in templates}
    if template not in known:
        raise bad_request(f"The template '{template}' is not one of this application's.", "InvalidTemplate")
    schedule = {"state": "Disabled", "interval": INTERVAL, "expiration": None}
    return made | {
        "id": f"{template}.{write.store.tenant_id.replace('-', '')}.{new_id()}",
        "schedule": made.get("schedule") or schedule,
        "status": {"code": "NotRun", "countSuccessiveCompleteFailures": 0, "escrowsPruned": False},
    }  # fmt: skip


def _born(write: Write, record: Record, _sent: Body) -> None:
    write.store.create("synchronizationSchema", {"id": new_id(), **FIRST_SCHEMA}, record.key, "schema")


def put_schema(write: Write) -> Response:
    """PUT of a job's schema: 204; the one before is replaced whole."""
    record, body = write.record(), write.request.json()
    if "synchronizationRules" not in body:
        raise refusals.required("synchronizationRules", "synchronizationSchema")
    checked = Validator(write.schema).body("synchronizationSchema", body)
    write.store.update(record.key, {**FIRST_SCHEMA, **checked, "id": record.read()["id"]})
    return no_content()


def start(write: Write) -> Response:
    """POST `…/start` or `…/restart`: 204."""
    return _scheduled(write, "Active", "Active")


def pause(write: Write) -> Response:
    """POST `…/pause`: 204."""
    return _scheduled(write, "Paused", "Paused")


def _scheduled(write: Write, state: str, code: str) -> Response:
    record = write.record()
    body = record.read()
    schedule = body.get("schedule") or {"interval": INTERVAL, "expiration": None}
    edit(write, record, schedule=schedule | {"state": state}, status=(body.get("status") or {}) | {"code": code})
    return no_content()


register("synchronizationJob", Hooks(prepare=_prepare, born=_born))
