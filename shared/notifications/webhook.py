"""Webhooks: a signed POST of JSON, to no address that is Cairn's own network.

The receiver computes HMAC-SHA256 with the secret over `{Cairn-Timestamp}.{body}` and compares it with `Cairn-Signature`
(`v1=` and hex); a timestamp older than five minutes is a replay. Redirects are not followed. Names are resolved here
and the resolved address is the one that is connected to, so a name cannot change its mind in between.
"""

import hashlib
import hmac
import ipaddress
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from shared.errors import Rejected, Unavailable
from shared.notifications.channels import Channel
from shared.notifications.templates import Message

TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5)
GONE = frozenset({404, 410})
TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""NAT64 (RFC 6052)."""
PLATFORM = ipaddress.ip_address("168.63.129.16")
"""Azure's own services, answering inside every network there ("What is IP address 168.63.129.16?")."""
HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|[0-9A-Fa-f:.]+")
"""A name in ASCII, or an IP address. Of others the client makes another host than was looked at: full-width and circled
digits become plain ones (UTS #46)."""


class PublicResolver(AbstractResolver):
    """Resolves names, and leaves out every address that is not public."""

    def __init__(self) -> None:
        self._resolver = ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        """The public addresses of the host; OSError if there are none."""
        found = [one for one in await self._resolver.resolve(host, port, family) if is_public(one["host"])]
        if not found:
            raise OSError("the host has no public address")
        return found

    async def close(self) -> None:
        """Nothing is kept open."""
        await self._resolver.close()


class WebhookSender:
    """Sends notifications to webhooks."""

    def __init__(self, *, private_allowed: bool = False, clock: Callable[[], float] = time.time) -> None:
        self._private_allowed = private_allowed
        self._clock = clock

    async def send(self, channel: Channel, message: Message, delivery_id: str) -> None:
        """POST the message; raises Unavailable where another try may help, Rejected where none will."""
        if (reason := refused_address(channel.address, private_allowed=self._private_allowed)) is not None:
            raise Rejected(reason)
        body = orjson.dumps({"id": delivery_id, "type": f"cairn.{message.template}", **message.facts})
        resolver = None if self._private_allowed else PublicResolver()
        connector = aiohttp.TCPConnector(resolver=resolver, limit=1, force_close=True)
        headers = {"Content-Type": "application/json", **signature(channel.secret, body, delivery_id, self._clock())}
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=TIMEOUT, trust_env=False) as session,
                session.post(channel.address, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(f"the webhook did not answer ({type(error).__name__})") from None
        if status in GONE:
            raise Rejected(f"the webhook answered {status}", status=status)
        if not 200 <= status < 300:
            raise Unavailable(f"the webhook answered {status}", status=status)


def signature(secret: str, body: bytes, delivery_id: str, now: float) -> dict[str, str]:
    """The headers by which a receiver knows that the body is Cairn's, and when it was sent."""
    moment = str(int(now))
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Cairn-Timestamp": moment, "Cairn-Signature": f"v1={digest}", "Cairn-Delivery": delivery_id}


def refused_address(url: str, *, private_allowed: bool) -> str | None:
    """Why a webhook may not lead there, or None; a name's addresses are looked at when it is connected to."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "it is no address"
    if not host or parts.username is not None or parts.fragment:
        return "it must be an address without user name and fragment"
    if not HOST.fullmatch(host):
        return "it must name its host in ASCII letters, an international name as xn--"
    literal = _literal(host)
    loopback = host.rstrip(".") == "localhost" or (literal is not None and literal.is_loopback)
    if parts.scheme != "https" and not (private_allowed and loopback):
        return "it must be an https address"
    if not private_allowed and (loopback or (literal is not None and not is_public(host))):
        return "it leads into a private network"
    return None


def is_public(address: str) -> bool:
    """Whether the address is one of the public internet: not loopback, private, link-local or reserved."""
    literal = _literal(address)
    if isinstance(literal, ipaddress.IPv6Address):
        if literal.sixtofour is not None or literal.teredo is not None or literal in TRANSLATED:
            return False  # ways into an IPv4 network that nobody needs
        literal = literal.ipv4_mapped or literal
    return literal is not None and literal.is_global and not literal.is_multicast and literal != PLATFORM


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
