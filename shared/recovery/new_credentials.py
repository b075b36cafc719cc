"""Client secrets and signing certificates of what is made anew: what is asked for, and how it is known again. Pure.

The old ones never come back, since Microsoft Graph shows no private part. What is asked for carries the name and, of a
secret, the end of the one whose place it takes: a secret lives no longer than what it replaces, and one that has
expired is replaced by none.
Sources: Microsoft Graph "application: addPassword", "servicePrincipal: addTokenSigningCertificate" (its
customKeyIdentifier is the thumbprint; up to three years; in the global cloud only).
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from shared.catalog.row import ObjectType
from shared.recovery.options import RestoreOptions
from shared.recovery.state import Json

SECRET, CERTIFICATE = "clientSecret", "signingCertificate"
SECRETS, KEYS, PREFERRED = "passwordCredentials", "keyCredentials", "preferredTokenSigningKeyThumbprint"
THUMBPRINT = "{thumbprint}"
"""Stands for the thumbprint of the certificate that was asked for: known when its own request has been answered."""
DEFAULT_SUBJECT = "CN=Microsoft Azure Federated SSO Certificate"
SAML = "saml"


@dataclass(frozen=True, slots=True)
class NewCredential:
    """One request for something whose private part nobody has."""

    yields: str
    attribute: str
    action: str
    body: Json
    becomes: Json
    reason: str


@dataclass(frozen=True, slots=True)
class Asked:
    """Which of them a restore asks for."""

    secrets: bool = False
    certificates: bool = False

    @staticmethod
    def by(options: RestoreOptions, cloud: str) -> "Asked":
        """What the options ask for, as far as the cloud has it."""
        return Asked(options.new_secrets, options.new_signing_certificates and cloud == "global")


@dataclass(frozen=True, slots=True)
class Held:
    """What an object had in the restore point."""

    secrets: list[Json] = field(default_factory=list)
    expired: list[Json] = field(default_factory=list)


def held(body: Mapping[str, Any], now: datetime) -> Held:
    """The secrets of an application or service principal; what only opens the file of a signing key is none."""
    keys = body.get(KEYS) or ()
    opened = {str(one[name]) for one in keys for name in ("keyId", "customKeyIdentifier") if one.get(name)}
    own = [
        one for one in body.get(SECRETS) or ()
        if not opened & {str(one.get("keyId")), str(one.get("customKeyIdentifier"))}
    ]
    over = [one for one in own if (end := _moment(one.get("endDateTime"))) is not None and end <= now]
    return Held([one for one in own if one not in over], over)


def new_secrets(body: Mapping[str, Any], asked: Asked, now: datetime) -> list[NewCredential]:
    """A request for each secret that had not expired."""
    return [
        NewCredential(
            SECRET, SECRETS, "addPassword",
            {"passwordCredential": {name: one[name] for name in ("displayName", "endDateTime") if one.get(name)}},
            {"holds": [{name: one[name] for name in ("displayName", "endDateTime") if one.get(name)}]},
            "nobody can read the secret that it had, and newSecrets asks for one in its place: shown once, or written "
            "to the tenant's Key Vault",
        )
        for one in (held(body, now).secrets if asked.secrets else ())
    ]


def new_certificates(row: ObjectType, body: Mapping[str, Any], asked: Asked) -> list[NewCredential]:
    """The request for a signing certificate, of a service principal with SAML sign-on."""
    if not asked.certificates or not signs(row, body):
        return []
    name = subject(body)
    return [NewCredential(
        CERTIFICATE, KEYS, "addTokenSigningCertificate", {"displayName": name},
        {"holds": [{"displayName": name, "usage": "Verify"}]},
        "nobody can read the private key that it signed with, and newSigningCertificates asks for one in its place",
    )]


def signs(row: ObjectType, body: Mapping[str, Any]) -> bool:
    """Whether it signs SAML tokens."""
    return row.name == "servicePrincipal" and body.get("preferredSingleSignOnMode") == SAML


def subject(body: Mapping[str, Any]) -> str:
    """The name that the certificate had with which it signed, else Microsoft's own for such."""
    signing = [one for one in body.get(KEYS) or () if one.get("usage") == "Sign"] or list(body.get(KEYS) or ())
    preferred = str(body.get(PREFERRED) or "").upper()
    chosen = next((one for one in body.get(KEYS) or () if preferred and thumbprint(one) == preferred), None)
    for one in ([chosen] if chosen else []) + signing:
        if str(one.get("displayName") or "").startswith("CN="):
            return str(one["displayName"])
    return DEFAULT_SUBJECT


def thumbprint(key: Mapping[str, Any]) -> str:
    """Of a certificate as Graph shows it, in capitals; empty where it shows none."""
    try:
        if key.get("key"):
            return hashlib.sha1(base64.b64decode(str(key["key"])), usedforsecurity=False).hexdigest().upper()
        return base64.b64decode(str(key.get("customKeyIdentifier") or "")).hex().upper()
    except (ValueError, binascii.Error):
        return ""


def newest(keys: Any, name: str = "") -> Json | None:
    """The public part of the last certificate (of that name); None where there is none."""
    found = [one for one in keys or () if one.get("displayName") == (name or one.get("displayName"))
             and one.get("usage") == "Verify"]
    return max(found, key=lambda one: (str(one.get("endDateTime")), str(one.get("keyId"))), default=None)


def told(credential: Mapping[str, Any]) -> Json:
    """What a receipt says of a secret or certificate: nothing of its text."""
    shown = {name: credential[name] for name in ("displayName", "endDateTime", "keyId") if credential.get(name)}
    mark = str(credential.get("thumbprint") or "").upper()
    if not mark and (credential.get("key") or credential.get("usage")):
        mark = thumbprint(credential)
    return {**shown, **({"thumbprint": mark} if mark else {})}


def is_orphan(there: Mapping[str, Any], body: Mapping[str, Any], kept: frozenset[str]) -> bool:
    """Whether a secret is one that this request made, whose text was lost with the answer."""
    asked = body["passwordCredential"]
    if str(there.get("keyId")).lower() in kept or there.get("displayName") != asked.get("displayName"):
        return False
    ours, theirs = _moment(asked.get("endDateTime")), _moment(there.get("endDateTime"))
    return ours is None or theirs is None or abs((ours - theirs).total_seconds()) < 1


def _moment(text: Any) -> datetime | None:
    """The moment that Graph's text names; it may have seven places after the second."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
