"""Everything that goes wrong, as problem details (RFC 9457) with a stable `code`.

A problem names the fields that were wrong, what was found and what was expected, and what to do. It never holds a
secret, a stack trace or the text of an error that Cairn does not know.
"""

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import orjson
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from api.expectations import expected_by
from shared.browse.engine import QueryTooExpensive
from shared.browse.index import NotUnpacked
from shared.errors import (
    Busy,
    CairnError,
    DuplicateTenant,
    EntraError,
    NotPermitted,
    RecordError,
    SettingsError,
    StoreUnavailable,
    Throttled,
    Unavailable,
    UnknownRecord,
    UnknownTenant,
)
from shared.records.idempotency import KeyReused
from shared.records.table import RowChanged
from shared.security.tokens import InvalidToken, IssuerUnavailable
from shared.starting import NotStarted

MEDIA_TYPE = "application/problem+json"
NEXT_STEPS: Mapping[int, str] = {
    400: "Correct the request and send it again.",
    401: "Sign in, and send a token that holds.",
    403: "Ask an administrator for a role that allows this.",
    404: "List what there is, and use an address or an id from the list.",
    409: "Look at the state that stands in the way, and try again when it has changed.",
    412: "Read it again, and repeat the change.",
    413: "Send less at once.",
    422: "Correct the fields that `errors` names and send the request again.",
    429: "Wait as long as Retry-After says.",
}
"""What to do where a problem says nothing better."""

MOST_SHOWN = 200
"""Characters of a wrong value that are given back."""

log = logging.getLogger("cairn.api")


class WrongField(TypedDict):
    """One field that was wrong: its dotted name, what was found, what was expected."""

    field: str
    value: Any
    expected: str


class Problem(Exception):
    """A refusal, raised anywhere in the HTTP interface and answered as problem details."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str = "",
        *,
        errors: Sequence[WrongField] = (),
        remedy: str = "",
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(title)
        self.status = status
        self.headers = dict(headers or {})
        self.body: dict[str, Any] = {
            "type": f"urn:cairn:problem:{code}",
            "title": title,
            "status": status,
            "detail": detail or title,
            "code": code,
            "errors": list(errors),
            "remedy": remedy or NEXT_STEPS.get(status, "Try again later; if it goes on, look at the log."),
            **(more or {}),
        }

    def response(self) -> Response:
        """The answer."""
        content = orjson.dumps(self.body, option=orjson.OPT_NON_STR_KEYS)
        return Response(content, self.status, headers=self.headers, media_type=MEDIA_TYPE)


def wrong(field: str, value: Any, expected: str) -> WrongField:
    """A wrong field, its value made fit to be shown."""
    return WrongField(field=field, value=shown(value), expected=expected)


def unprocessable(*errors: WrongField, code: str = "invalidRequest", remedy: str = "") -> Problem:
    """422: the request was understood, and these fields cannot be so."""
    detail = "; ".join(f"{error['field']}: expected {error['expected']}" for error in errors)
    return Problem(422, code, "The request is not valid.", detail, errors=errors, remedy=remedy)


def shown(value: Any) -> Any:
    """The value if it is small and can be JSON, else a word for what it is."""
    if isinstance(value, str):
        text = value if len(value) <= MOST_SHOWN else value[:MOST_SHOWN] + "…"
        return text.encode("utf-8", "replace").decode()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else "a very large number"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return "an array" if isinstance(value, list) else "an object"


def of_validation(error: RequestValidationError) -> Problem:
    """400 where the body is no JSON, else 422 with every wrong field."""
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        where = next(one["loc"][-1] for one in found if one["type"] == "json_invalid")
        return Problem(
            400, "malformedJson", "The body is not JSON.", f"The body stops being JSON at character {where}.",
            errors=[wrong("body", None, "a JSON object in UTF-8")], remedy="Send a JSON object.",
        )
    return unprocessable(*(wrong(_field(one["loc"]), _found(one), expected_by(one)) for one in found))


def of_http(error: HTTPException, request: Request, *, allowed: Sequence[str] = ()) -> Problem:
    """What the framework itself refuses: no such route, another method, an unreadable body."""
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return Problem(
            404, "unknownRoute", "There is no such address here.", f"{request.url.path} leads nowhere.",
            remedy="Look the address up in /api/v1/openapi.json.",
        )
    if error.status_code == 405:
        methods = ", ".join(allowed)
        return Problem(
            405, "methodNotAllowed", "This method is not allowed here.", headers={"Allow": methods},
            errors=[wrong("method", request.method, methods)], remedy=f"Use {methods}.",
        )
    if error.status_code == 400:
        return Problem(
            400, "malformedJson", "The body could not be read.",
            errors=[wrong("body", None, "a JSON object in UTF-8")], remedy="Send a JSON object.",
        )
    return Problem(error.status_code, "refused", "The request was refused.", headers=headers)


def of_error(error: CairnError) -> Problem:
    """A failure that Cairn knows."""
    status, code = next(
        ((status, code) for kind, status, code in _KNOWN if isinstance(error, kind)), (500, "internalError")
    )
    headers = {"Retry-After": "10"} if error.retryable else {}
    more = {"taskId": error.task_id} if isinstance(error, Busy) else {}
    return Problem(status, code, _TITLES.get(code, "The request failed."), str(error), remedy=error.remedy,
                   headers=headers, more=more)


def of_unknown(error: Exception) -> Problem:
    """A failure that Cairn does not know: logged by its kind and place, and told without either."""
    log.error("unhandled %s", type(error).__name__, exc_info=_without_values(error))
    return Problem(
        500, "internalError", "Something went wrong in Cairn.",
        remedy="Try again; if it goes on, look at the function app's log at this time.",
    )


_KNOWN: tuple[tuple[type[CairnError], int, str], ...] = (
    (InvalidToken, 401, "unauthenticated"),
    (IssuerUnavailable, 503, "issuerUnavailable"),
    (UnknownTenant, 404, "unknownTenant"),
    (UnknownRecord, 404, "notFound"),
    (DuplicateTenant, 409, "duplicateTenant"),
    (Busy, 409, "busy"),
    (NotUnpacked, 409, "notUnpacked"),
    (QueryTooExpensive, 422, "queryTooExpensive"),
    (KeyReused, 422, "idempotencyKeyReused"),
    (RowChanged, 409, "changedMeanwhile"),
    (RecordError, 409, "conflict"),
    (NotStarted, 503, "notStarted"),
    (StoreUnavailable, 503, "storageUnavailable"),
    (SettingsError, 503, "notConfigured"),
    (Throttled, 503, "throttled"),
    (Unavailable, 502, "graphUnavailable"),
    (NotPermitted, 502, "graphRefused"),
    (EntraError, 502, "graphFailed"),
)

_TITLES: Mapping[str, str] = {
    "unauthenticated": "Sign in first.",
    "issuerUnavailable": "Tokens cannot be checked at the moment.",
    "unknownTenant": "There is no such tenant.",
    "notFound": "There is nothing of that id.",
    "duplicateTenant": "This tenant is registered already.",
    "busy": "Such an operation is running already.",
    "notUnpacked": "The restore point is packed.",
    "queryTooExpensive": "The question asks for too much at once.",
    "idempotencyKeyReused": "This Idempotency-Key stands for another request.",
    "changedMeanwhile": "It was changed by somebody else meanwhile.",
    "notStarted": "The operation could not be started.",
    "storageUnavailable": "Storage cannot be reached.",
    "notConfigured": "This deployment is not set up.",
}


def _field(location: Sequence[Any]) -> str:
    source, *rest = location
    name = ".".join(str(part) for part in rest)
    return name or str(source)


def _found(error: Mapping[str, Any]) -> Any:
    return None if error["type"] == "missing" else error.get("input")


def _without_values(error: Exception) -> Exception:
    """The kind and the place of the failure, without its text, which could hold personal values."""
    return RuntimeError(type(error).__name__).with_traceback(error.__traceback__)
