"""/tenants/{tenantId}/notifications: who is told of what, a test of it, and what became of each delivery."""

import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response

from api.auditing import note
from api.guard import GuardedRoute, permit
from api.lists import Fields, ListedBy, listed
from api.matching import IfMatch, changed_since, matched
from api.problems import Problem, unprocessable, wrong
from api.services import CalledBy, Deployed, Kept, OpenDeployment
from shared.browse.search.query import Field, Screen
from shared.errors import Corrupt
from shared.expectations import expecting
from shared.notifications.channels import Notifications, StoredNotifications, Webhook, channels_of, shown
from shared.notifications.delivery import send_now
from shared.notifications.outbox import Delivery
from shared.notifications.templates import BY_NAME, TEMPLATES, TemplateName
from shared.notifications.webhook import refused_address
from shared.records.table import RowChanged
from shared.records.times import as_text
from shared.tenants.settings import Body

router = APIRouter(prefix="/tenants/{tenant_id}/notifications", tags=["notifications"], route_class=GuardedRoute)

SCREEN = Screen("deliveries", (
    Field("created", "time"),
    Field("template"),
    Field("channel", "choice", {"email": ("E-mail",), "webhook": ("Webhook",)}),
    Field("status", "choice", {"waiting": ("Waiting",), "sent": ("Sent",), "givenUp": ("Given up",)}),
    Field("channelId"),
    Field("lastError"),
))
FIELDS = Fields("created desc", ("created", "modified", "template", "channel", "status", "tries"), SCREEN)


class Test(Body):
    """What to send as a test: which notification (default: `backupFailed`), to which channels (default: all)."""

    template: Annotated[TemplateName, expecting("one of " + ", ".join(TEMPLATES))] = "backupFailed"
    channel_ids: list[str] | None = None


@router.get("")
@permit("backups.configure")
async def get_notifications(tenant_id: str, deployed: Deployed, response: Response) -> dict[str, Any]:
    """The tenant's channels, their secrets left out, and the templates that there are."""
    return _shown(tenant_id, await _opened(deployed, tenant_id), response)


@router.put("")
@permit("backups.configure")
async def put_notifications(
    request: Request,
    tenant_id: str,
    body: Notifications,
    caller: CalledBy,
    deployed: Deployed,
    response: Response,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Replace the tenant's channels; a webhook's secret may be left out where that address has one already."""
    settings = deployed.records.notifications
    try:
        stored = await settings.read(tenant_id.lower(), deployed.cipher)
    except Corrupt:  # what cannot be opened any more can still be replaced
        stored = StoredNotifications(Notifications(), await settings.etag(tenant_id.lower()))
    etag = matched(if_match, stored.etag)
    wanted = _completed(body, stored.notifications, private_allowed=deployed.settings.private_webhooks == "allow")
    note(request, recipients=len(wanted.recipients), webhooks=len(wanted.webhooks), enabled=wanted.enabled)
    try:
        stored = await settings.replace(
            tenant_id.lower(), wanted, deployed.cipher, by=caller.subject, etag=etag
        )
    except RowChanged:
        raise changed_since("notifications") from None
    return _shown(tenant_id, stored, response)


@router.post("/test")
@permit("events.manage")
async def send_test_notification(
    tenant_id: str, deployed: Deployed, body: Test | None = None
) -> dict[str, Any]:
    """Send a test to the tenant's channels now, and say what became of it in each."""
    asked, records = body or Test(), deployed.records
    wanted = (await _opened(deployed, tenant_id)).notifications
    channels = channels_of(tenant_id, wanted, None)
    if asked.channel_ids is not None:
        channels = [one for one in channels if one.channel_id in asked.channel_ids]
    if not channels:
        raise Problem(
            409, "noChannels", "There is nobody to send a test to.",
            remedy="Set recipients or webhooks with PUT /api/v1/tenants/{tenantId}/notifications.",
        )
    event = {
        "eventId": uuid.uuid4().hex, "tenantId": tenant_id.lower(), "timestamp": as_text(records.clock()),
        "severity": "information", "code": "test", "message": "This is a test. Nothing has happened.", "task": None,
    }  # fmt: skip
    sent = await send_now(records.notification_outbox, channels, asked.template, event, deployed.senders)
    return {"value": sent}


@router.get("/deliveries")
@permit("events.read")
async def list_deliveries(request: Request, tenant_id: str, records: Kept, query: ListedBy) -> dict[str, Any]:
    """What became of each delivery, newest first; channels stand by their ids."""

    def stream(after: str) -> AsyncIterator[tuple[str, Delivery]]:
        return records.notification_outbox.record(tenant_id, after=after)

    return await listed(request, query, FIELDS, stream)


async def _opened(deployed: OpenDeployment, tenant_id: str) -> StoredNotifications:
    """The tenant's channels; 409 where the key that they were kept with is gone."""
    try:
        return await deployed.records.notifications.read(tenant_id.lower(), deployed.cipher)
    except Corrupt as error:
        raise Problem(
            409, "channelsUnreadable", "The channels cannot be opened any more.", str(error),
            remedy="Set them again with PUT /api/v1/tenants/{tenantId}/notifications.",
        ) from None


def _completed(body: Notifications, before: Notifications, *, private_allowed: bool) -> Notifications:
    """The channels with the secrets that were left out; 422 for what cannot be."""
    had = {one.url: one.secret for one in before.webhooks}
    errors, webhooks, seen = [], [], set[str]()
    for at, hook in enumerate(body.webhooks):
        secret = hook.secret or had.get(hook.url)
        if (reason := refused_address(hook.url, private_allowed=private_allowed)) is not None:
            errors.append(wrong(f"webhooks.{at}.url", None, f"a public https address: {reason}"))
        if secret is None:
            errors.append(wrong(f"webhooks.{at}.secret", None, "16 to 256 visible ASCII characters"))
        if hook.url in seen:
            errors.append(wrong(f"webhooks.{at}.url", None, "each address once"))
        seen.add(hook.url)
        webhooks.append(Webhook(url=hook.url, secret=secret, templates=hook.templates))
    for at, one in enumerate(body.recipients):
        if one.email.casefold() in seen:
            errors.append(wrong(f"recipients.{at}.email", None, "each address once"))
        seen.add(one.email.casefold())
    if errors:
        raise unprocessable(*errors)
    return body.model_copy(update={"webhooks": webhooks})


def _shown(tenant_id: str, stored: StoredNotifications, response: Response) -> dict[str, Any]:
    response.headers["ETag"] = stored.etag or '"defaults"'
    templates = [{"name": name, "subject": one.subject, "words": one.words} for name, one in BY_NAME.items()]
    return {**shown(tenant_id, stored.notifications), "templates": templates}
