"""E-mail: through an SMTP relay, or through Azure Communication Services.

Each recipient gets a message of its own, so that none sees another's address. Text only: nothing in a notification is
shown as anything else.
"""

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Any

from azure.core.exceptions import AzureError, HttpResponseError

from shared.errors import Rejected, SettingsError, Unavailable
from shared.notifications.channels import Channel
from shared.notifications.templates import Message
from shared.records.times import as_time
from shared.settings import LOOPBACK, Settings

TIMEOUT_SECONDS = 20.0


class SmtpSender:
    """An SMTP relay; the connection is secured, save on loopback."""

    def __init__(self, settings: Settings) -> None:
        if settings.smtp_security == "none" and settings.smtp_host not in LOOPBACK:
            raise SettingsError("CAIRN_SMTP_SECURITY", "starttls or tls, for a relay on another machine", "none")
        if not settings.mail_from:
            raise SettingsError("CAIRN_MAIL_FROM", "the sender's e-mail address", "nothing")
        self._settings = settings

    async def send(self, channel: Channel, message: Message, delivery_id: str) -> None:
        """Hand the message to the relay; raises Unavailable where another try may help, Rejected where none will."""
        mail = composed(self._settings.mail_from, channel.address, message, delivery_id)
        try:
            await asyncio.to_thread(self._send, mail)
        except smtplib.SMTPRecipientsRefused as error:
            codes = {code for code, _ in error.recipients.values()}
            kind = Rejected if all(code >= 500 for code in codes) else Unavailable
            raise kind(f"the relay refused the recipient ({min(codes)})") from None
        except smtplib.SMTPResponseException as error:
            raise Unavailable(f"the relay answered {error.smtp_code}") from None
        except (smtplib.SMTPException, OSError) as error:
            raise Unavailable(f"the relay did not take it ({type(error).__name__})") from None

    def _send(self, mail: EmailMessage) -> None:
        settings, context = self._settings, ssl.create_default_context()
        if settings.smtp_security == "tls":
            relay: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.smtp_host, settings.smtp_port, timeout=TIMEOUT_SECONDS, context=context
            )
        else:
            relay = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=TIMEOUT_SECONDS)
        with relay:
            if settings.smtp_security == "starttls":
                relay.starttls(context=context)
            if settings.smtp_user:
                relay.login(settings.smtp_user, settings.smtp_password)
            relay.send_message(mail)


class CommunicationSender:
    """Azure Communication Services ("Email - Send", by its SDK)."""

    def __init__(self, settings: Settings, credential: Any = None) -> None:
        from azure.communication.email.aio import EmailClient
        from azure.core.credentials import AzureKeyCredential

        if not settings.mail_from:
            raise SettingsError("CAIRN_MAIL_FROM", "a sender of the Communication Services resource", "nothing")
        self._sender = settings.mail_from
        key = AzureKeyCredential(settings.communication_key) if settings.communication_key else credential
        self._client = EmailClient(
            settings.communication_url, key, retry_total=1, connection_timeout=TIMEOUT_SECONDS,
            read_timeout=TIMEOUT_SECONDS,
        )  # fmt: skip

    async def send(self, channel: Channel, message: Message, delivery_id: str) -> None:
        """Hand the message over; raises Unavailable where another try may help, Rejected where none will."""
        mail = {
            "senderAddress": self._sender, "recipients": {"to": [{"address": channel.address}]},
            "content": {"subject": message.subject, "plainText": message.text},
            "headers": {"x-cairn-delivery": delivery_id},
        }  # fmt: skip
        try:
            await self._client.begin_send(mail)
        except HttpResponseError as error:
            status = error.status_code or 0
            kind = Rejected if 400 <= status < 500 and status not in (401, 403, 408, 429) else Unavailable
            raise kind(f"Communication Services answered {status}", status=status) from None
        except AzureError as error:
            raise Unavailable(f"Communication Services did not answer ({type(error).__name__})") from None

    async def close(self) -> None:
        """Give back connections; safe to repeat."""
        await self._client.close()


def composed(sender: str, recipient: str, message: Message, delivery_id: str) -> EmailMessage:
    """The notification as a mail; its id is the delivery's, so that a repetition is known as one."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, recipient, message.subject
    mail["Date"] = format_datetime(as_time(message.facts["timestamp"]))
    mail["Message-ID"] = make_msgid(delivery_id, "cairn.invalid")
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Cairn-Delivery"] = delivery_id
    mail.set_content(message.text)
    return mail
