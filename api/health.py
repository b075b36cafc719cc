"""/health says that the process answers; /ready says whether it could do its work, and what is in the way."""

from collections.abc import Awaitable

from fastapi import APIRouter, Request, Response

from api.guard import GuardedRoute, permit
from api.services import Services, within
from shared.errors import CairnError
from shared.repository.store import BlobStore

router = APIRouter(tags=["health"], route_class=GuardedRoute)


@router.get("/health")
@permit("public")
async def get_health() -> dict[str, str]:
    """Always the same, while Cairn serves."""
    return {"status": "healthy"}


@router.get("/ready")
@permit("public")
async def get_ready(request: Request, response: Response) -> dict[str, object]:
    """200 if settings, records, vault and workspace are usable, else 503 with what is wrong of each."""
    services: Services = request.app.state.services
    checks: dict[str, str] = {}
    try:
        services.token_validator()
        deployed = await services.deployment()
    except CairnError as error:
        checks["settings"] = str(error)
    else:
        checks["settings"] = "ok"
        checks["records"] = await _state(_first(deployed.records.tenants.stream()))
        checks["vault"] = await _state(_reads(deployed.vault))
        checks["workspace"] = await _state(_reads(deployed.workspace))
    ready = all(state == "ok" for state in checks.values())
    response.status_code = 200 if ready else 503
    return {"status": "ready" if ready else "notReady", "checks": checks}


async def _state(check: Awaitable[object]) -> str:
    try:
        await within(check)
    except TimeoutError:
        return "no answer in time"
    except CairnError as error:
        return str(error)
    return "ok"


async def _first(stream: object) -> None:
    async for _ in stream:  # type: ignore[attr-defined]
        return


async def _reads(store: BlobStore) -> None:
    await store.properties("readiness")
