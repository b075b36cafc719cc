"""The HTTP interface as one ASGI application."""

from typing import Any, cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import api.assignments
import api.audit
import api.backups
import api.consents
import api.coverage
import api.dashboard
import api.differences
import api.events
import api.health
import api.identity_map
import api.me
import api.notifications
import api.object_types
import api.objects
import api.one_object
import api.rebuild
import api.restore_points
import api.restores
import api.roles
import api.settings
import api.tasks
import api.tenants
import api.unpacking
from api.guard import access_of
from api.heads import HeadAsGet
from api.openapi import describe
from api.problems import of_http, of_unknown, of_validation
from api.services import Services

ROOT = "/api/v1"
ROUTERS = (
    api.tenants.router,
    api.settings.router,
    api.assignments.router,
    api.consents.router,
    api.notifications.router,
    api.roles.router,
    api.audit.router,
    api.backups.router,
    api.unpacking.router,
    api.objects.router,
    api.one_object.router,
    api.restore_points.router,
    api.coverage.router,
    api.restores.router,
    api.identity_map.router,
    api.differences.router,
    api.tasks.router,
    api.events.router,
    api.object_types.router,
    api.rebuild.router,
    api.dashboard.router,
    api.me.router,
    api.health.router,
)

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""On every answer (OWASP REST Security Cheat Sheet)."""


def create_api(services: Services | None = None) -> FastAPI:
    """The application; nothing is opened before the first request."""
    app = FastAPI(
        title="Cairn",
        version="1",
        description="Backup and recovery of Microsoft Entra tenants.",
        openapi_url=f"{ROOT}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.services = services or Services()
    for router in ROUTERS:
        app.include_router(router, prefix=ROOT)

    @app.exception_handler(HTTPException)
    async def refuse(request: Request, error: Exception) -> Response:
        return of_http(cast(HTTPException, error), request, allowed=_methods(request.url.path)).response()

    @app.exception_handler(RequestValidationError)
    async def refuse_invalid(_: Request, error: Exception) -> Response:
        return of_validation(cast(RequestValidationError, error)).response()

    @app.exception_handler(Exception)
    async def refuse_unknown(_: Request, error: Exception) -> Response:
        return of_unknown(error).response()

    app.add_middleware(SecurityHeaders)
    app.add_middleware(HeadAsGet, taken=lambda path: "HEAD" in _methods(path))
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]
    return app


def routes() -> list[tuple[str, APIRoute]]:
    """Every route of the interface with its whole path."""
    return [
        (f"{ROOT}{route.path}", route)
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
    ]


def _methods(path: str) -> list[str]:
    """The methods of all routes that the path leads to; the framework knows those of the first one only."""
    below = path.removeprefix(ROOT)
    there = [route for _, route in routes() if route.path_regex.match(below)]
    head = {"HEAD" for route in there if "GET" in (route.methods or ()) and not access_of(route.endpoint).once}
    return sorted(head.union(*(route.methods or () for route in there)))


def _described(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        app.openapi_schema = describe(app, routes())
    return app.openapi_schema


class SecurityHeaders:
    """Adds the security headers to every answer that does not set them itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the headers."""

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_secured if scope["type"] == "http" else send)
