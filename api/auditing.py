"""What of the requests goes into the audit trail: every change and every attempt at one, every read of attributes and
credentials, every export, every refused call.

Refusals are bounded, so that a stranger cannot fill the trail: a caller's are recorded up to a number a minute, then
counted, and the next one recorded says how many were not. The trail comes before the answer: where it cannot be
written, an answer that was to be recorded is not given.
"""

from typing import Any

import orjson
from fastapi import Request, Response
from pydantic.alias_generators import to_camel

from api.problems import MEDIA_TYPE
from api.services import Services
from shared.audit.entry import Deed, Outcome
from shared.errors import CairnError
from shared.settings import GUID

REFUSED = frozenset({401, 403, 429})
CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
MOST_SHOWN = 128


def note(request: Request, *, tenant_id: str | None = None, **details: Any) -> None:
    """Add to what is recorded of this request, and have it recorded if it would not be: ids, names of fields and
    counts, never a personal value. `tenant_id` is for routes that do not name the tenant."""
    noted = getattr(request.state, "audit_note", {})
    request.state.audit_note = {**noted, **details}
    if tenant_id is not None:
        request.state.audit_tenant = tenant_id


async def record(request: Request, response: Response, *, action: str, path: str, audited: bool) -> None:
    """Append the request with its outcome to the audit trail if it belongs there; raises StoreUnavailable."""
    services: Services = request.app.state.services
    caller = getattr(request.state, "caller", None)
    noted: dict[str, Any] | None = getattr(request.state, "audit_note", None)
    code = _code(response)
    outcome = _outcome(response.status_code, code)
    details = dict(noted or {})
    if outcome == "refused":
        passed_over = services.refusals.take(caller.subject if caller else "")
        if passed_over is None:
            return
        if passed_over:
            details["refusalsNotRecorded"] = passed_over
    elif not _belongs(request, response, outcome, wanted=audited or noted is not None):
        return
    tenant_id = _tenant(request, caller)
    deed = Deed(
        tenantId=tenant_id,
        actor=caller.subject if caller else "",
        actorType="unknown" if caller is None else "app" if caller.app_only else "user",
        action=action, method=request.method, path=path, targets=_targets(request, response, tenant_id),
        outcome=outcome, status=response.status_code, code=code, details=details,
    )
    try:
        await (await services.deployment()).records.audit.append(deed)
    except CairnError:
        if outcome != "refused":
            raise  # a refusal stands by itself; everything else is not done unseen


def _belongs(request: Request, response: Response, outcome: Outcome, *, wanted: bool) -> bool:
    changes = request.method in CHANGES
    return changes if outcome == "failed" else response.status_code < 400 and (changes or wanted)


def _outcome(status: int, code: str) -> Outcome:
    if status in REFUSED or code == "unknownTenant":
        return "refused"
    return "failed" if status >= 500 else "done"


def _code(response: Response) -> str:
    if response.media_type != MEDIA_TYPE:
        return ""
    return str(orjson.loads(response.body).get("code", ""))


def _tenant(request: Request, caller: Any) -> str | None:
    """The tenant that the deed belongs to, as far as the caller could know of it."""
    named = getattr(request.state, "audit_tenant", None) or request.path_params.get("tenant_id")
    if named is None or caller is None or not GUID.fullmatch(str(named)) or not caller.knows(str(named)):
        return None
    return str(named).lower()


def _targets(request: Request, response: Response, tenant_id: str | None) -> dict[str, str]:
    targets = {to_camel(name): str(value)[:MOST_SHOWN] for name, value in request.path_params.items()}
    targets = {name: value for name, value in targets.items() if name != "tenantId" or tenant_id is None}
    if "location" in response.headers:
        targets["location"] = response.headers["location"][:MOST_SHOWN]
    return {name: value for name, value in targets.items() if name != "name" or _is_word(value)}


def _is_word(value: str) -> bool:
    return value.isascii() and value.isidentifier()
