"""The senders that a deployment's settings describe."""

from typing import Any

from shared.notifications.channels import ChannelKind
from shared.notifications.delivery import Sender, Senders
from shared.settings import Settings


def senders_of(settings: Settings, credential: Any = None) -> Senders:
    """How each kind of channel is served; without a mail server there is none for e-mail."""
    from shared.notifications.webhook import WebhookSender

    senders: dict[ChannelKind, Sender] = {
        "webhook": WebhookSender(private_allowed=settings.private_webhooks == "allow")
    }
    if settings.communication_url:
        from shared.notifications.email import CommunicationSender

        senders["email"] = CommunicationSender(settings, credential)
    elif settings.smtp_host:
        from shared.notifications.email import SmtpSender

        senders["email"] = SmtpSender(settings)
    return senders
