"""What a tenant has asked for: who is to hear of what. Kept encrypted: addresses are personal, secrets secret."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from shared.expectations import expecting
from shared.notifications.templates import TEMPLATES, TemplateName
from shared.records.table import Table, key_of
from shared.records.times import Clock, as_text, utc_now
from shared.repository.tokens import TokenCipher
from shared.security.custom_roles import replaced
from shared.tenants.settings import Body

PURPOSE = "notifications"
ChannelKind = Literal["email", "webhook"]

Templates = Annotated[
    list[Annotated[TemplateName, expecting("one of " + ", ".join(TEMPLATES))]], Field(max_length=len(TEMPLATES))
]
EmailAddress = Annotated[
    str,
    Field(
        max_length=254,
        pattern=r'^[^\s\x00-\x1f\x7f-\x9f@<>,;:"()\[\]\\]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$',
    ),
    expecting("an e-mail address"),
]
Secret = Annotated[
    str,
    Field(min_length=16, max_length=256, pattern=r"^[\x21-\x7e]+$"),
    expecting("16 to 256 visible ASCII characters"),
]


class Recipient(Body):
    """Somebody who gets e-mail; without `templates` of every kind."""

    email: EmailAddress
    templates: Templates | None = None


class Webhook(Body):
    """An address that gets signed POSTs; `secret` is never shown, and may be left out for an address that has one."""

    url: Annotated[
        str, Field(max_length=2000, pattern=r"^https?://[^\s\x00-\x1f]+$"),
        expecting("an https address (http on loopback of a local stack only)"),
    ]
    secret: Secret | None = None
    templates: Templates | None = None


class Notifications(Body):
    """All channels of one tenant."""

    enabled: bool = True
    recipients: Annotated[list[Recipient], Field(max_length=50)] = Field(default_factory=list)
    webhooks: Annotated[list[Webhook], Field(max_length=10)] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Channel:
    """One place that a notification goes to; its id stands for the address wherever that must not be shown."""

    channel_id: str
    kind: ChannelKind
    address: str
    secret: str = ""


@dataclass(frozen=True, slots=True)
class StoredNotifications:
    """A tenant's channels, with the etag of the row that holds them; empty if there never were any."""

    notifications: Notifications
    etag: str


class NotificationSettings:
    """The channels of all tenants."""

    def __init__(self, table: Table, *, clock: Clock = utc_now) -> None:
        self._table = table
        self._clock = clock

    async def read(self, tenant_id: str, cipher: TokenCipher) -> StoredNotifications:
        """The tenant's channels with their secrets; raises Corrupt where the key that they were kept with is gone."""
        row = await self._table.get(_of_tenant(tenant_id), "channels")
        if row is None:
            return StoredNotifications(Notifications(), "")
        text = await cipher.decrypt(row.body["sealed"], tenant_id=tenant_id, purpose=PURPOSE)
        return StoredNotifications(Notifications.model_validate_json(text), row.etag)

    async def replace(
        self, tenant_id: str, wanted: Notifications, cipher: TokenCipher, *, by: str, etag: str | None = None
    ) -> StoredNotifications:
        """Replace all of them; with `etag` only if they are still those, else RowChanged."""
        sealed = await cipher.encrypt(wanted.model_dump_json(by_alias=True), tenant_id=tenant_id, purpose=PURPOSE)
        body = {"sealed": sealed, "modified": as_text(self._clock()), "modifiedBy": by}
        row = await replaced(self._table, _of_tenant(tenant_id), "channels", body, etag)
        return StoredNotifications(wanted, row.etag)

    async def etag(self, tenant_id: str) -> str:
        """The etag of what is set, opened or not; empty if nothing ever was."""
        row = await self._table.get(_of_tenant(tenant_id), "channels")
        return "" if row is None else row.etag

    async def any_for(self, tenant_id: str) -> bool:
        """Whether the tenant ever set channels; costs one read and no decryption."""
        return await self._table.get(_of_tenant(tenant_id), "channels") is not None

    async def forget(self, tenant_id: str) -> None:
        """A tenant that is no longer registered has none; safe to repeat."""
        await self._table.delete(_of_tenant(tenant_id), "channels")


def channels_of(tenant_id: str, wanted: Notifications, template: str | None) -> list[Channel]:
    """Where a notification of that kind goes (None: every place there is)."""
    if not wanted.enabled and template is not None:
        return []
    emails = [
        Channel(channel_id(tenant_id, one.email), "email", one.email)
        for one in wanted.recipients if _hears(one.templates, template)
    ]
    webhooks = [
        Channel(channel_id(tenant_id, one.url), "webhook", one.url, one.secret or "")
        for one in wanted.webhooks if _hears(one.templates, template)
    ]
    return [*emails, *webhooks]


def channel_id(tenant_id: str, address: str) -> str:
    """Stands for the address; the same for the same address of the same tenant."""
    return key_of(tenant_id.lower(), address)[:16]


def shown(tenant_id: str, wanted: Notifications) -> Mapping[str, Any]:
    """The channels as they may be shown: secrets never, each with its id."""
    return {
        "enabled": wanted.enabled,
        "recipients": [
            {"channelId": channel_id(tenant_id, one.email), "email": one.email, "templates": one.templates}
            for one in wanted.recipients
        ],
        "webhooks": [
            {
                "channelId": channel_id(tenant_id, one.url), "url": one.url, "secretSet": bool(one.secret),
                "templates": one.templates,
            }
            for one in wanted.webhooks
        ],
    }


def _hears(templates: list[TemplateName] | None, template: str | None) -> bool:
    return template is None or templates is None or template in templates


def _of_tenant(tenant_id: str) -> str:
    return f"channels|{tenant_id.lower()}"
