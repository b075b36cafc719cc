"""/tenants/{tenantId}/settings: schedule, retention, options, approvals, break-glass accounts, watch, Key Vault."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Header, Response
from pydantic import Field

from api.durable import Durable
from api.guard import GuardedRoute, permit
from api.problems import Problem, unprocessable, wrong
from api.services import CalledBy, Deployed, Kept
from shared import operations
from shared.catalog.options import DEFAULTS, OPTIONS
from shared.deployment import Records
from shared.errors import Busy
from shared.records.table import RowChanged
from shared.starting import DurableClient, start
from shared.tenants.credentials_vault import why_refused
from shared.tenants.registry import StoredSettings
from shared.tenants.safeguards import tell_what_is_off
from shared.tenants.schedule import starts_at
from shared.tenants.settings import TenantSettings

router = APIRouter(prefix="/tenants/{tenant_id}/settings", tags=["settings"], route_class=GuardedRoute)

IfMatch = Annotated[str | None, Header(alias="If-Match", description="The ETag that a GET gave: replace only those.")]


class ShownSettings(TenantSettings):
    """Settings, and the backup that putting them started."""

    task_id: str | None = Field(
        default=None, description="After `runNow`: the backup's task, started now or running already. Ignored in a PUT."
    )


@router.get("")
@permit("backups.read")
async def get_settings(tenant_id: str, records: Kept, response: Response) -> ShownSettings:
    """The tenant's settings, every field present; `schedule.startAt` is the first backup's time until one is set."""
    return await _shown(records, tenant_id, await records.tenants.settings(tenant_id), response)


@router.put("")
@permit("backups.configure")
async def put_settings(
    tenant_id: str,
    body: ShownSettings,
    caller: CalledBy,
    deployed: Deployed,
    client: Durable,
    response: Response,
    if_match: IfMatch = None,
) -> ShownSettings:
    """Replace the settings; what is left out takes its default. `runNow` starts a backup, whose task is `taskId` and
    `Location`."""
    records = deployed.records
    unknown = sorted(set(body.options) - set(OPTIONS))
    if unknown:
        raise unprocessable(
            *(wrong(f"options.{name}", body.options[name], "one of " + ", ".join(OPTIONS)) for name in unknown)
        )
    elsewhere = body.credentials_vault and why_refused(
        body.credentials_vault, cloud=deployed.settings.cloud,
        loopback_allowed=deployed.settings.private_webhooks == "allow",
    )
    if elsewhere:
        raise unprocessable(wrong("credentialsVault", body.credentials_vault, elsewhere))
    before = await records.tenants.settings(tenant_id)
    if if_match is not None and if_match not in ("*", _tag(before)):
        raise _changed()
    try:
        stored = await records.tenants.set_settings(
            tenant_id, TenantSettings.model_validate(body.model_dump(exclude={"task_id"})), by=caller.subject,
            etag=None if if_match is None else before.etag,
        )
    except RowChanged:
        raise _changed() from None
    await tell_what_is_off(records.events, tenant_id.lower(), before.settings, stored.settings)
    if not body.run_now:
        return await _shown(records, tenant_id, stored, response)
    task_id = await _backup_now(tenant_id.lower(), caller.subject, records, client)
    response.headers["Location"] = f"/api/v1/tasks/{task_id}"
    # The first backup gives the schedule its time, so what is shown is looked up after it has started.
    shown = await _shown(records, tenant_id, stored, response)
    return shown.model_copy(update={"task_id": task_id})


async def _backup_now(tenant_id: str, subject: str, records: Records, client: DurableClient) -> str:
    """The task of a backup that was started, or of the one that runs, which is what was wanted."""
    operation = operations.backup(
        tenant_id, str(uuid.uuid4()), kind="incremental", types=None, requested_by=subject
    )
    try:
        return (await start(records, client, operation))["taskId"]
    except Busy as running:
        return running.task_id


async def _shown(
    records: Records, tenant_id: str, stored: StoredSettings, response: Response
) -> ShownSettings:
    response.headers["ETag"] = _tag(stored)
    settings = stored.settings.completed(DEFAULTS)
    at = starts_at(settings.schedule, await records.tenants.history(tenant_id))
    schedule = settings.schedule.model_copy(update={"start_at": at.strftime("%H:%M") if at else None})
    whole = settings.model_copy(update={"schedule": schedule})
    return ShownSettings.model_validate(whole.model_dump())


def _tag(stored: StoredSettings) -> str:
    return stored.etag or '"defaults"'


def _changed() -> Problem:
    return Problem(
        412, "changedMeanwhile", "The settings were changed since they were read.",
        errors=[wrong("If-Match", None, "the ETag of the settings as they are now")],
        remedy="Read them again, and repeat the change.",
    )
