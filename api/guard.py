"""The one place where a request is let in, and recorded: who calls, may they, is the tenant theirs.

Every endpoint declares with `permit` what it asks for; a route whose endpoint does not cannot be made. Refusals come
in this order: 401, 403, 404; then the body is read (413); then the endpoint's own `refuse` (404, 409); then a query
parameter that the endpoint does not know (400), since a filter that is misspelt would otherwise return everything; then
415, and only then are body and parameters looked at (400, 422).
"""

import asyncio
import math
import re
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic.alias_generators import to_camel
from starlette.exceptions import HTTPException
from starlette.types import Message

from api.auditing import record
from api.problems import Problem, of_error, of_http, of_unknown, of_validation, wrong
from api.services import Services
from shared.errors import CairnError, UnknownRecord
from shared.records.times import utc_now
from shared.security.callers import Caller
from shared.security.permissions import Permission
from shared.security.standing import with_standing
from shared.security.tokens import InvalidToken

Asks = Permission | Literal["public", "signedIn"]
Refusal = Callable[[Request], Awaitable[None]]
"""Raises what makes the request impossible (404, 409) before its content is looked at."""

AUDITED: frozenset[Asks] = frozenset({
    "objects.readAttributes", "export", "hybrid.credentials", "restore.fromObjects", "restore.fromDifferences",
    "restore.approve",
})
"""Permissions whose every use is recorded, also for reading."""

LONGEST_SECONDS = 120.0
"""An answer that takes longer is given up; the host would cut it off at 230 seconds ("Azure Functions limits")."""

ALWAYS_TAKEN = frozenset({"top"})
"""Query parameters that every GET takes: lists that are always whole need none, and callers send it all the same."""

IN_PATH, IN_QUERY = "tenant_id", "tenant"
"""The parameters that name a tenant, in every route."""


@dataclass(frozen=True, slots=True)
class Access:
    """What an endpoint asks of its caller."""

    asks: Asks
    refuse: Refusal | None = None
    signed_in_within: timedelta | None = None
    """How recently the caller must have proved who it is."""
    audited: bool = False
    """Whether reading here is recorded; changes always are."""
    everywhere: bool = False
    """Whether the permission must be held in every tenant, since what is done concerns them all."""
    or_else: tuple[Permission, ...] = ()
    """Permissions of which each lets in as well; the endpoint says which of them the case needs."""
    once: bool = False
    """Whether what a GET gives is gone then, so that HEAD must not ask for it."""


def permit[F: Callable[..., Any]](
    asks: Asks,
    *,
    refuse: Refusal | None = None,
    signed_in_within: timedelta | None = None,
    everywhere: bool = False,
    audited: bool = False,
    or_else: tuple[Permission, ...] = (),
    once: bool = False,
) -> Callable[[F], F]:
    """Declare what the endpoint asks of its caller."""

    def declare(endpoint: F) -> F:
        records = audited or asks in AUDITED
        endpoint.access = Access(  # type: ignore[attr-defined]
            asks, refuse, signed_in_within, audited=records, everywhere=everywhere, or_else=or_else, once=once
        )
        return endpoint

    return declare


def access_of(endpoint: Callable[..., Any]) -> Access:
    """What the endpoint declared; raises TypeError if nothing."""
    access = getattr(endpoint, "access", None)
    if not isinstance(access, Access):
        raise TypeError(f"{endpoint.__name__} declares no permission; decorate it with @permit(…)")
    return access


class GuardedRoute(APIRoute):
    """A route that lets nobody in whom its endpoint's `permit` does not."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        access_of(endpoint)
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler behind the guard."""
        answer = super().get_route_handler()
        access = access_of(self.endpoint)
        takes_body = self.body_field is not None
        known = _names_in(self.dependant)

        action = to_camel(self.endpoint.__name__)
        shown_path = re.sub(r"{(\w+)}", lambda found: f"{{{to_camel(found[1])}}}", self.path)

        async def admitted(request: Request) -> Response:
            await _admit(request, access)
            whole = await _read(request)
            if access.refuse is not None:
                await access.refuse(whole)
            _check_names(whole, access, known)
            if takes_body:
                await _check_kind(whole)
            return await answer(whole)

        async def answered(request: Request) -> Response:
            try:
                async with asyncio.timeout(LONGEST_SECONDS):
                    return await admitted(request)
            except TimeoutError:
                return too_long().response()
            except Problem as problem:
                return problem.response()
            except CairnError as error:
                return refusal(error, request).response()
            except RequestValidationError as error:
                return of_validation(error).response()
            except HTTPException as error:
                return of_http(error, request).response()
            except Exception as error:  # noqa: BLE001 - the last boundary: no stack trace may leave
                return of_unknown(error).response()

        async def guarded(request: Request) -> Response:
            response = await answered(request)
            if access.asks == "public":
                return response
            try:
                await record(request, response, action=action, path=shown_path, audited=access.audited)
            except CairnError as error:
                return refusal(error, request).response()
            return response

        return guarded


def too_long() -> Problem:
    """503 for an answer that would take too long."""
    return Problem(
        503, "timedOut", "This took too long.", headers={"Retry-After": "30"},
        remedy="Ask for less at once, or try again when less is going on.",
    )


IDS_IN_QUERY = frozenset({"task", "backup", "from", "to"})
"""Query parameters that name what must be there."""


def refusal(error: CairnError, request: Request) -> Problem:
    """The problem, with the id that leads nowhere, or with the challenge that a 401 must carry (RFC 6750)."""
    problem = of_error(error)
    if isinstance(error, UnknownRecord):
        in_path = [(name, value) for name, value in request.path_params.items() if name != IN_PATH]
        in_query = [(name, value) for name, value in request.query_params.items() if name in IDS_IN_QUERY]
        told = [(name, value) for name, value in (*in_path, *in_query) if value and repr(value[:64]) in str(error)]
        problem.body["errors"] = [
            wrong(to_camel(name), value, "the id of one that is there, as its list gives it")
            for name, value in told or in_path or in_query
        ]
    if isinstance(error, InvalidToken):
        problem.headers["WWW-Authenticate"] = f'Bearer error="invalid_token", error_description="{error}"'
    return problem


async def _admit(request: Request, access: Access) -> None:
    if access.asks == "public":
        return
    services: Services = request.app.state.services
    caller = await services.token_validator().caller(_bearer(request))
    request.state.caller = caller
    wait = services.wait_seconds(caller.subject)
    if wait:
        raise Problem(
            429, "tooManyRequests", "Too many requests.", headers={"Retry-After": str(math.ceil(wait))},
            remedy="Wait as long as Retry-After says, and ask less often.",
        )
    if access.signed_in_within is not None:
        check_recent(caller, access.signed_in_within)
    asked = [None if access.asks == "signedIn" else access.asks, *access.or_else]
    refused: Problem | None = None
    for asks in asked:
        try:
            await _entitle(request, caller, asks, everywhere=access.everywhere)
        except Problem as problem:
            if problem.status != 403:
                raise
            refused = refused or problem
        else:
            return
    if refused is not None:
        raise refused


async def _entitle(request: Request, caller: Caller, asks: Permission | None, *, everywhere: bool) -> None:
    """Narrow the request's caller to where it holds the permission; raises 403, and 404 for a foreign tenant."""
    named = _tenants_named(request)
    caller = await _standing(request, caller, asks, named)
    request.state.caller = caller
    if asks is not None and not _holds_anywhere(caller, asks, everywhere=everywhere):
        raise lacks(asks, everywhere=everywhere)
    for tenant_id in named:
        # A tenant that is not here and one that the caller may not see must look the same.
        services: Services = request.app.state.services
        records = (await services.deployment()).records
        if not caller.knows(tenant_id) or await records.tenants.find(tenant_id) is None:
            raise no_such_tenant(tenant_id)
        if asks is not None and not caller.sees(tenant_id):
            raise lacks(asks)


async def _standing(request: Request, caller: Caller, asks: Permission | None, named: Sequence[str]) -> Caller:
    """The caller with what it may do; other tenants than the named ones are looked at only where that matters."""
    services: Services = request.app.state.services
    records = (await services.deployment()).records
    at = named[0] if len(named) == 1 else None
    if named:
        known = await with_standing(caller, records.roles, records.assignments, named)
        known = known.asking(asks, at=at)
        if all(known.sees(tenant_id) for tenant_id in named):
            return known
    return (await with_standing(caller, records.roles, records.assignments, None)).asking(asks, at=at)


def _holds_anywhere(caller: Caller, asks: Permission, *, everywhere: bool) -> bool:
    if everywhere:
        return caller.may_everywhere(asks)
    return asks in caller.held or any(asks in permissions for permissions in caller.assigned.values())


def lacks(permission: Permission, *, everywhere: bool = False) -> Problem:
    """403 for a permission that none of the caller's roles holds."""
    where = " for all tenants" if everywhere else ""
    return Problem(
        403, "forbidden", "Your roles do not allow this.", f"It needs the permission {permission}{where}.",
        errors=[wrong("permission", None, permission)],
        remedy=f"Ask an administrator for a role that holds {permission}{where}.",
    )


def _tenants_named(request: Request) -> list[str]:
    in_path = request.path_params.get(IN_PATH)
    return [*([] if in_path is None else [in_path]), *request.query_params.getlist(IN_QUERY)]


def no_such_tenant(tenant_id: str) -> Problem:
    """404 for a tenant that is unknown, foreign or malformed."""
    return Problem(
        404, "unknownTenant", "There is no such tenant.",
        errors=[wrong("tenantId", tenant_id, "the id (a GUID) of a tenant that is registered here")],
        remedy="List the tenants with GET /api/v1/tenants, or register this one with POST.",
    )


def is_recent(caller: Caller, within: timedelta) -> bool:
    """Whether the caller signed in that recently; apps sign in with every token."""
    return caller.app_only or (caller.auth_time is not None and utc_now() - caller.auth_time <= within)


def check_recent(caller: Caller, within: timedelta) -> None:
    """Raise 401 as RFC 9470 has it unless the caller signed in that recently."""
    if is_recent(caller, within):
        return
    max_age = int(within.total_seconds())
    words = "A more recent sign-in is needed."
    raise Problem(
        401, "insufficient_user_authentication", words, f"It must not be older than {max_age} seconds.",
        remedy="Sign in again and send the new token.", more={"max_age": max_age},
        headers={
            "WWW-Authenticate": (
                f'Bearer error="insufficient_user_authentication", error_description="{words}", max_age={max_age}'
            )
        },
    )


def _bearer(request: Request) -> str:
    given = request.headers.getlist("authorization")
    scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token.strip():
        raise Problem(
            401, "unauthenticated", "Sign in first.", "This address asks for a bearer token.",
            remedy="Send `Authorization: Bearer TOKEN`.", headers={"WWW-Authenticate": "Bearer"},
        )
    return token.strip()


async def _read(request: Request) -> Request:
    """The request with its body read, unless that is too long."""
    services: Services = request.app.state.services
    limit = services.body_limit_bytes()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise Problem(
                413, "bodyTooLarge", "The body is too large.",
                errors=[wrong("body", None, f"at most {limit} bytes")], remedy="Send less at once.",
            )

    async def replay() -> Message:
        return {"type": "http.request", "body": bytes(body), "more_body": False}

    return Request(request.scope, replay)


def _names_in(dependant: Dependant) -> frozenset[str]:
    """The query parameters of an endpoint and of all that it depends on."""
    names = frozenset(one.alias for one in dependant.query_params)
    return names.union(*(_names_in(one) for one in dependant.dependencies))


def _check_names(request: Request, access: Access, known: frozenset[str]) -> None:
    taken = known | ALWAYS_TAKEN if request.method == "GET" else known
    unknown = sorted(request.query_params.keys() - taken)
    if unknown and access.asks != "public":
        expected = f"one of the parameters {', '.join(sorted(known))}" if known else "no query parameters"
        raise Problem(
            400, "unknownParameter", "There is no such query parameter here.",
            errors=[wrong(name, request.query_params[name], expected) for name in unknown[:20]],
            remedy="Mind upper and lower case; names have no `$`.",
        )


async def _check_kind(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
    if not is_json and await request.body():
        raise Problem(
            415, "unsupportedMediaType", "The body's content type is not taken here.",
            errors=[wrong("Content-Type", kind or None, "application/json")],
            remedy="Send `Content-Type: application/json`.", headers={"Accept": "application/json"},
        )
