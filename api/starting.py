"""Answers for work that was started: 202, where to look, when to look again; and once only per Idempotency-Key."""

import hashlib
import re
import uuid
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import orjson
from fastapi import Header, Request, Response

from api.problems import unprocessable, wrong
from api.services import OpenDeployment
from shared.deployment import Records
from shared.errors import Busy
from shared.records.tasks import OPEN, Task
from shared.security.callers import Caller
from shared.starting import NotStarted

RETRY_AFTER_SECONDS = 2
_KEY = re.compile(r"[\x21-\x7e]{1,256}")

IdempotencyKey = Annotated[
    str | None, Header(alias="Idempotency-Key", description="The same key with the same request starts one task.")
]

type Start = Callable[[str], Awaitable[Task]]
"""Starts the work under this task id; safe to repeat with it."""


async def started_once(
    request: Request, deployed: OpenDeployment, caller: Caller, key: str | None, body: Any, start: Start
) -> Response:
    """202 with the task that `start` starts, or with the one that the same request started before."""
    records = deployed.records
    if key is None:
        return accepted(await start(str(uuid.uuid4())))
    if not _KEY.fullmatch(key):
        raise unprocessable(wrong("Idempotency-Key", key, "1 to 256 visible ASCII characters"))
    scope = _scope(request, caller)
    fingerprint = hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()
    claim = await records.idempotency_keys.claim(scope, key, fingerprint=fingerprint, task_id=str(uuid.uuid4()))
    if not claim.first:
        task = await records.tasks.find(claim.task_id)
        if task is not None:
            return accepted(task)
    try:
        return accepted(await start(claim.task_id))
    except (Busy, NotStarted):
        await records.idempotency_keys.forget(scope, key)
        raise


async def was_sent_before(request: Request, records: Records, caller: Caller) -> bool:
    """Whether this request's Idempotency-Key stands for a task already; read-only."""
    key = request.headers.get("idempotency-key", "")
    return bool(_KEY.fullmatch(key)) and await records.idempotency_keys.knows(_scope(request, caller), key)


def accepted(task: Task) -> Response:
    """202 with the task as body."""
    headers = {"Location": f"/api/v1/tasks/{task['taskId']}"}
    if task["status"] in OPEN:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return Response(orjson.dumps(task), 202, headers=headers, media_type="application/json")


def _scope(request: Request, caller: Caller) -> str:
    return f"{caller.subject} {request.method} {request.url.path}"
