"""The local issuer: signs the bearer tokens that the local HTTP interface asks for, as Entra does in Azure.

It is a real OpenID Connect issuer: discovery document, JSON Web Key Set, RS256. Its name (which holds its
port), its key and its home tenant are drawn once and kept in the data folder, the key readable by its owner
only; so tokens stay good over a restart, and whoever may read the folder may make tokens without the issuer
running.
"""

import json
import threading
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from local.errors import LocalStackError
from local.ports import LOOPBACK, free_ports, need_free
from local.private_files import private_folder, write_private

AUDIENCE = "api://cairn-local"
BUILT_IN_ROLES = ("Reader", "Operator", "Administrator", "Approver")
SECONDS_AN_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Issuer:
    """An issuer that has been opened from its folder; it need not be serving to mint."""

    port: int
    home_tenant: str
    key: RSAPrivateKey

    @property
    def name(self) -> str:
        """The `iss` of its tokens and the root of its documents."""
        return f"http://{LOOPBACK}:{self.port}/{self.home_tenant}/v2.0"

    @property
    def key_id(self) -> str:
        """The key's thumbprint (RFC 7638), the `kid` of its tokens."""
        numbers = {name: self.public_key()[name] for name in ("e", "kty", "n")}
        canonical = json.dumps(numbers, sort_keys=True, separators=(",", ":")).encode()
        return _base64url(sha256(canonical).digest())

    def public_key(self) -> dict[str, str]:
        """The key as a JSON Web Key without its id."""
        numbers = self.key.public_key().public_numbers()
        return {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "n": _base64url(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8)),
            "e": _base64url(numbers.e.to_bytes((numbers.e.bit_length() + 7) // 8)),
        }

    def mint(
        self,
        role: str,
        *,
        tenants: Sequence[str] = (),
        hours: float = 1.0,
        authenticated_hours_ago: float = 0.0,
    ) -> str:
        """A signed token for that role's one person, for all tenants where none is named."""
        now = int(time.time())
        person = str(uuid.uuid5(uuid.UUID(self.home_tenant), role))
        claims = {
            "iss": self.name,
            "aud": AUDIENCE,
            "sub": person,
            "oid": person,
            "tid": self.home_tenant,
            "ver": "2.0",
            "idtyp": "user",
            "name": f"Local {role}",
            "preferred_username": f"{role.lower()}@cairn.localhost",
            "roles": [role],
            "auth_time": now - round(authenticated_hours_ago * SECONDS_AN_HOUR),
            "iat": now,
            "nbf": now + min(0, round(hours * SECONDS_AN_HOUR)),
            "exp": now + round(hours * SECONDS_AN_HOUR),
            "jti": str(uuid.uuid4()),
        }
        if tenants:
            claims["tenants"] = list(tenants)
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": self.key_id})


def open_issuer(folder: Path) -> Issuer:
    """The issuer that lives in that folder; raises if there is none."""
    try:
        kept = json.loads((folder / "issuer.json").read_text())
        key = load_pem_private_key((folder / "key.pem").read_bytes(), password=None)
    except FileNotFoundError as missing:
        raise LocalStackError(
            f"no issuer in {folder}; start the stack on this data folder first (make up)"
        ) from missing
    if not isinstance(key, RSAPrivateKey):
        raise LocalStackError(f"{folder / 'key.pem'} holds no RSA key; remove {folder} to get a new one")
    return Issuer(port=kept["port"], home_tenant=kept["homeTenant"], key=key)


def open_or_make_issuer(folder: Path) -> Issuer:
    """The issuer of that folder, made if there is none; the caller holds the data folder's lock."""
    private_folder(folder)
    if not (folder / "issuer.json").exists():
        key = generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_private(folder / "key.pem", pem)
        kept = {"port": free_ports(1)[0], "homeTenant": str(uuid.uuid4())}
        write_private(folder / "issuer.json", json.dumps(kept).encode())  # last: then the key is there too
    return open_issuer(folder)


@contextmanager
def serving(issuer: Issuer) -> Iterator[None]:
    """Serve the discovery document and the key set on loopback for the time of the block."""
    need_free(issuer.port, "the local issuer's, part of its name")
    documents = {
        f"/{issuer.home_tenant}/v2.0/.well-known/openid-configuration": _discovery(issuer),
        f"/{issuer.home_tenant}/discovery/v2.0/keys": {
            "keys": [{**issuer.public_key(), "kid": issuer.key_id}]
        },
    }

    class Documents(BaseHTTPRequestHandler):
        """Answers from `documents`, and 404 elsewhere."""

        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_GET(self) -> None:
            """One document, or 404."""
            found = documents.get(self.path.partition("?")[0])
            body = json.dumps(found if found is not None else {"error": "not_found"}).encode()
            self.send_response(200 if found is not None else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing: each request is one of Cairn's own."""

    server = ThreadingHTTPServer((LOOPBACK, issuer.port), Documents)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="local-issuer", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _discovery(issuer: Issuer) -> dict[str, object]:
    root = f"http://{LOOPBACK}:{issuer.port}/{issuer.home_tenant}"
    return {
        "issuer": issuer.name,
        "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
        "token_endpoint": f"{root}/oauth2/v2.0/token",
        "jwks_uri": f"{root}/discovery/v2.0/keys",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }


def _base64url(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
