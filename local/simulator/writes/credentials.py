"""Secrets and certificates of applications and service principals (addPassword, removePassword, addKey, removeKey,
addTokenSigningCertificate).

A secret's text is in the answer that makes it and in the store's vault for sign-in, nowhere else; a reader sees its
first three characters. A key's private part never leaves the answer's maker: it is not kept.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import string
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from local.simulator.errors import bad_request
from local.simulator.http_types import Response
from local.simulator.store import Body, Record
from local.simulator.writes import refusals
from local.simulator.writes.applications import keys
from local.simulator.writes.change import Write, edit, new_id, no_content
from local.simulator.writes.validation import Validator

MOST_SIGNING_DAYS = 3 * 365 + 1
SECRET = string.ascii_letters + string.digits + "-_.~"


def add_password(write: Write) -> Response:
    """POST `addPassword`: 200 with the secret, this once."""
    record = write.record()
    said = _parameter(write, "passwordCredential", "passwordCredential", required=False)
    if set(said) - {"displayName", "startDateTime", "endDateTime", "@odata.type"}:
        raise refusals.read_only(next(iter(set(said) - {"displayName", "startDateTime", "endDateTime"})))
    now = datetime.fromtimestamp(write.tenant.clock.now(), UTC)
    start = said.get("startDateTime") or _written(now)
    end = said.get("endDateTime") or _written(now.replace(year=now.year + 2))
    if end <= start:
        raise refusals.invalid_value("endDateTime", "passwordCredential")
    text = "".join(secrets.choice(SECRET) for _ in range(40))
    kept = {
        "customKeyIdentifier": None, "displayName": said.get("displayName"), "endDateTime": end, "hint": text[:3],
        "keyId": new_id(), "secretText": None, "startDateTime": start,
    }  # fmt: skip
    write.store.secrets[str(kept["keyId"])] = text
    edit(write, record, passwordCredentials=[*(record.read().get("passwordCredentials") or ()), kept])
    return write.value("microsoft.graph.passwordCredential", kept | {"secretText": text})


def remove_password(write: Write) -> Response:
    """POST `removePassword`: 204."""
    record, body = write.record(), write.request.json()
    held = record.read().get("passwordCredentials") or []
    key_id = str(body.get("keyId") or "").lower()
    if not any(each["keyId"] == key_id for each in held):
        raise bad_request("No password credential found with keyId.")
    write.store.secrets.pop(key_id, None)
    edit(write, record, passwordCredentials=[each for each in held if each["keyId"] != key_id])
    return no_content()


def add_key(write: Write) -> Response:
    """POST `addKey`: 200; only an existing certificate can vouch for a new one."""
    record = write.record()
    said = _parameter(write, "keyCredential", "keyCredential", required=True)
    _prove(write, record)
    held = record.read().get("keyCredentials") or []
    kept = keys([*held, said], held)
    edit(write, record, keyCredentials=kept)
    return write.value("microsoft.graph.keyCredential", kept[-1] | {"key": None})


def remove_key(write: Write) -> Response:
    """POST `removeKey`: 204, with the same proof."""
    record, body = write.record(), write.request.json()
    _prove(write, record)
    held = record.read().get("keyCredentials") or []
    key_id = str(body.get("keyId") or "").lower()
    if not any(each["keyId"] == key_id for each in held):
        raise bad_request("No key credential found with keyId.")
    edit(write, record, keyCredentials=[each for each in held if each["keyId"] != key_id])
    return no_content()


def add_signing_certificate(write: Write) -> Response:
    """POST `addTokenSigningCertificate`: 200 with a self-signed certificate's public part, made here."""
    record, body = write.record(), write.request.json()
    name = body.get("displayName")
    if set(body) - {"displayName", "endDateTime"}:
        raise refusals.unknown_property(next(iter(set(body) - {"displayName", "endDateTime"})))
    if not isinstance(name, str) or not name.startswith("CN="):
        raise bad_request("The displayName of a token signing certificate must start with 'CN='.")
    start = datetime.fromtimestamp(write.tenant.clock.now(), UTC).replace(microsecond=0)
    end = start + timedelta(days=MOST_SIGNING_DAYS - 1)
    if body.get("endDateTime"):
        try:
            end = datetime.fromisoformat(body["endDateTime"]).astimezone(UTC)
        except (TypeError, ValueError) as error:
            raise refusals.invalid_value("endDateTime", "selfSignedCertificate") from error
    if not start < end <= start + timedelta(days=MOST_SIGNING_DAYS):
        raise refusals.invalid_value("endDateTime", "selfSignedCertificate")
    certificate = _self_signed(name.removeprefix("CN="), start, end)
    der = certificate.public_bytes(serialization.Encoding.DER)
    thumbprint = hashlib.sha1(der, usedforsecurity=False).digest()
    common = {
        "customKeyIdentifier": base64.b64encode(thumbprint).decode(), "displayName": name,
        "startDateTime": _written(start), "endDateTime": _written(end),
    }  # fmt: skip
    public = {"type": "AsymmetricX509Cert", "usage": "Verify", "keyId": new_id(), "key": base64.b64encode(der).decode()}
    private = {"type": "AsymmetricX509Cert", "usage": "Sign", "keyId": new_id(), "key": None}
    password = common | {"keyId": private["keyId"], "hint": None, "secretText": None}
    said = record.read()
    edit(
        write, record,
        keyCredentials=[*(said.get("keyCredentials") or ()), common | private, common | public],
        passwordCredentials=[*(said.get("passwordCredentials") or ()), password],
    )  # fmt: skip
    answer = common | public | {"thumbprint": thumbprint.hex().upper()}
    return write.value("microsoft.graph.selfSignedCertificate", answer)


def _self_signed(name: str, start: datetime, end: datetime) -> x509.Certificate:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    return (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)
        .sign(key, hashes.SHA256())
    )  # fmt: skip


def _parameter(write: Write, name: str, type_name: str, *, required: bool) -> Body:
    body = write.request.json() if write.request.body else {}
    unknown = set(body) - {name, "proof", "passwordCredential"}
    if unknown:
        raise refusals.unknown_property(min(unknown))
    said: Any = body.get(name)
    if said is None:
        if required:
            raise refusals.required(name, type_name)
        return {}
    if not isinstance(said, dict):
        raise refusals.invalid_value(name, type_name)
    return Validator(write.schema).body(type_name, said)


def _prove(write: Write, record: Record) -> None:
    """Proof of possession: a short-lived token signed by one of the object's own certificates."""
    proof = write.request.json().get("proof")
    failed = bad_request("Access to the key credential is denied: the proof is missing or invalid.",
                         "Authentication_MissingOrMalformed")  # fmt: skip
    if not isinstance(proof, str):
        raise failed
    for each in record.read().get("keyCredentials") or ():
        if each.get("type") != "AsymmetricX509Cert" or not each.get("key"):
            continue
        try:
            public: Any = x509.load_der_x509_certificate(base64.b64decode(each["key"])).public_key()
            claims = jwt.decode(
                proof, public, algorithms=["RS256", "PS256"], audience="00000002-0000-0000-c000-000000000000",
                options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )  # fmt: skip
        except (ValueError, jwt.PyJWTError):
            continue
        now = write.tenant.clock.now()
        known = claims.get("iss") in (record.key, record.read().get("appId"))
        if known and claims.get("nbf", 0) <= now + 60 and now <= claims.get("exp", 0) <= now + 660:
            return
    raise failed


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
