"""Sending alerts to Event Grid as CloudEvents (azure-eventgrid)."""

from typing import Any, Protocol

from azure.core.exceptions import AzureError, HttpResponseError
from azure.core.messaging import CloudEvent

from shared.alerts.outbox import Alert
from shared.alerts.rules import ALERT_RULES
from shared.errors import Unavailable
from shared.settings import Settings

SOURCE = "/cairn"
TIMEOUT_SECONDS = 20.0


class Publisher(Protocol):
    """Takes an alert, or raises."""

    async def send(self, alert: Alert) -> None:
        """Deliver the alert; raises Unavailable where it was not taken."""

    async def close(self) -> None:
        """Give back connections; safe to repeat."""


class EventGridPublisher:
    """An Event Grid topic."""

    def __init__(self, settings: Settings, credential: Any = None) -> None:
        from azure.core.credentials import AzureKeyCredential
        from azure.eventgrid.aio import EventGridPublisherClient

        key = AzureKeyCredential(settings.event_grid_key) if settings.event_grid_key else credential
        self._client = EventGridPublisherClient(
            settings.event_grid_endpoint, key, retry_total=1, connection_timeout=TIMEOUT_SECONDS,
            read_timeout=TIMEOUT_SECONDS,
        )  # fmt: skip

    async def send(self, alert: Alert) -> None:
        """See Publisher."""
        try:
            await self._client.send(cloud_event(alert))
        except HttpResponseError as error:
            raise Unavailable(
                f"Event Grid answered {error.status_code}", status=error.status_code or 0,
                remedy="Check CAIRN_EVENT_GRID_ENDPOINT, and that Cairn's identity is EventGrid Data Sender there.",
            ) from None
        except AzureError as error:
            raise Unavailable(f"Event Grid did not answer ({type(error).__name__})") from None

    async def close(self) -> None:
        """See Publisher."""
        await self._client.close()


def cloud_event(alert: Alert) -> CloudEvent[dict[str, Any]]:
    """The alert in CloudEvents 1.0: `subject` is the tenant, and (with the task) all that a receiver needs to look."""
    event = alert.event
    task = event.get("task") or {}
    return CloudEvent(
        id=alert.event_id,
        source=SOURCE,
        type=ALERT_RULES[event["code"]].type,
        subject=f"tenants/{event['tenantId']}",
        time=event["timestamp"],
        data={
            "tenantId": event["tenantId"], "severity": event["severity"], "code": event["code"],
            "message": event["message"], "taskId": task.get("taskId"), "taskName": task.get("name"),
        },
    )  # fmt: skip
