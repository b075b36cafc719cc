"""Every refusal of Microsoft Graph as one typed error: the only place that reads status codes and error codes.

Sources: "Microsoft Graph error responses and resource types", "Microsoft Graph throttling guidance", "Use delta query
to track changes". Graph's own words are passed on without what may be personal: addresses and quoted names.
"""

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from shared.errors import (
    Changed,
    EntraError,
    Garbled,
    NotFound,
    NotPermitted,
    Rejected,
    Throttled,
    TokenExpired,
    Unavailable,
)

TOKEN_GONE_CODES = frozenset({
    "syncstatenotfound", "syncstateinvalid", "resyncrequired", "resyncchangesapplydifferences",
    "resyncchangesuploaddifferences", "directory_resyncrequired",
})
"""Codes that end a delta token whatever the status that carries them."""

TRANSIENT_STATUSES = frozenset({408, 423, 500, 502, 503, 504, 507, 509})
TRANSIENT_CODES = frozenset({"directory_concurrencyviolation", "directory_replicaunavailable", "servicenotavailable"})

LICENCE_CODES = frozenset({
    "authentication_requestfromnonpremiumtenantorb2ctenant", "aadpremiumlicenserequired", "missinglicense",
    "requestfromunsupporteduserrole", "nonpremiumtenant", "licenserequired",
})
LICENCE_REMEDY = "The tenant has no licence for this; buy it or leave this type out. Everything else is backed up."
CLAIMS_REMEDY = "A Conditional Access policy asks Cairn's own app for more: exclude Cairn's app from that policy."

_ADDRESS = re.compile(r"[\w.+%-]+@[\w.-]+")
_QUOTED = re.compile(r"'([^']*)'")
_PLAIN = re.compile(r"[\w.:/$-]{1,64}")
MESSAGE_LENGTH = 300


SIGN_IN_REMEDY = "Check Cairn's credential and that its app is enabled; the next run signs in anew."


def failure(
    status: int, headers: Mapping[str, str], body: bytes, *, asked: str, permission: str = "", now: float | None = None
) -> EntraError:
    """The typed error that an answer with `status` means; `asked` says in words what was being read."""
    code, message = error_of(body)
    request_id = headers.get("request-id", "")
    said = f"{asked}: {status}" + (f" {code}" if code else "") + (f" ({message})" if message else "")
    known: dict[str, Any] = {"code": code, "request_id": request_id}
    if status == 410 or code.lower() in TOKEN_GONE_CODES:
        return TokenExpired(said, status=status, **known)
    if status == 429:
        return Throttled(said, wait_seconds=retry_after(headers, now=now), **known)
    if status in TRANSIENT_STATUSES or code.lower() in TRANSIENT_CODES:
        return Unavailable(said, status=status, **known)
    if status in (401, 403) or _names_licence(code):  # PIM says 400 where the tenant has no licence for it
        remedy = SIGN_IN_REMEDY if status == 401 else _permission_remedy(code, permission)
        return NotPermitted(said, status=status, permission=permission, remedy=remedy, **known)
    if status == 404:
        return NotFound(said, status=status, **known)
    if status in (409, 412):
        return Changed(said, status=status, **known)
    if 300 <= status < 400:
        return Garbled(said, status=status, **known)
    return Rejected(said, status=status, **known)


def error_of(body: bytes) -> tuple[str, str]:
    """(code, message) of an error body, the message without personal values; empty texts where there is none."""
    try:
        error = orjson.loads(body)["error"]
        if isinstance(error, str):  # the token endpoint's form
            return error[:100], ""
        code, message = error.get("code"), error.get("message")
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", ""
    if isinstance(message, dict):  # the form of Azure AD Graph, which some paths still answer in
        message = message.get("value")
    return str(code or "")[:100], impersonal(str(message or ""))


def impersonal(message: str) -> str:
    """Graph's words without mail addresses and without quoted texts that are no plain identifier."""

    def kept(quoted: re.Match[str]) -> str:
        return quoted.group() if _PLAIN.fullmatch(quoted.group(1)) else "'…'"

    one_line = " ".join(message.split())
    return _QUOTED.sub(kept, _ADDRESS.sub("…", one_line))[:MESSAGE_LENGTH]


def retry_after(headers: Mapping[str, str], *, now: float | None = None) -> float | None:
    """Seconds to wait by Retry-After, a fraction or a date; None where Graph gave none that is readable."""
    text = headers.get("Retry-After", headers.get("retry-after", "")).strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - (time.time() if now is None else now)
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if seconds < float("inf") else None


def is_without_licence(error: EntraError) -> bool:
    """Whether the tenant has no licence for what was asked, so that it has none of it either."""
    return isinstance(error, NotPermitted) and _names_licence(error.code)


def _names_licence(code: str) -> bool:
    return code.lower() in LICENCE_CODES


def _permission_remedy(code: str, permission: str) -> str | None:
    if _names_licence(code):
        return LICENCE_REMEDY
    if code.lower() in ("insufficient_claims", "claimschallenge"):
        return CLAIMS_REMEDY
    if permission:
        return f"Grant {permission} to Cairn's app registration and give admin consent."
    return None
