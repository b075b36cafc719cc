"""Tokens as the Microsoft identity platform issues them: RS256, app roles in `roles`, read back on every request.

The key is made at start, so tokens die with the simulator. Lifetimes run on the tenant's virtual clock. A client
proves itself by secret, by a federated assertion (accepted when the application has a matching federated credential)
or by a certificate assertion that one of its keyCredentials verifies.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509 import load_der_x509_certificate

from local.simulator.errors import GraphError
from local.simulator.http_types import Request, Response
from local.simulator.store import Actor, Record

if TYPE_CHECKING:
    from local.simulator.tenant import Tenant

LIFETIME_SECONDS = 3599
SKEW_SECONDS = 300  # how far the clocks of issuer and service may differ
GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a token speaks for: an application (`roles`) or a user through one (`scopes`)."""

    kind: str
    object_id: str
    app_id: str
    name: str
    roles: frozenset[str]
    scopes: frozenset[str]
    expires: float
    issued: float

    def actor(self) -> Actor:
        """The same, as the audit log names it."""
        return Actor("user" if self.kind == "user" else "app", self.object_id, self.name, self.app_id)


@cache
def signing_key() -> rsa.RSAPrivateKey:
    """The key of this run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def key_id() -> str:
    """The name of the key in JWKS and token headers."""
    numbers = signing_key().public_key().public_numbers()
    return hashlib.sha256(str(numbers.n).encode()).hexdigest()[:22]


class Issuer:
    """Issues and reads the tokens of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self._read: dict[str, Caller] = {}
        self.revoked: set[str] = set()

    def issue(self, request: Request) -> Response:
        """The answer of `POST /{tenant}/oauth2/v2.0/token`."""
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        said = request.segments[0].lower()
        if said not in (self.tenant.id, "common", "organizations", self.domain()):
            return _refused(400, "invalid_request", 90002, f"Tenant '{said}' not found.")
        basic = request.headers.get("authorization", "")
        if basic.lower().startswith("basic "):
            try:
                client, _, secret = base64.b64decode(basic[6:]).decode().partition(":")
            except ValueError:
                return _refused(401, "invalid_client", 7000215, "Invalid client secret provided.")
            form.setdefault("client_id", client)
            form.setdefault("client_secret", secret)
        grant = form.get("grant_type", "")
        if grant not in ("client_credentials", "password", "urn:cairn:simulator:user"):
            return _refused(400, "unsupported_grant_type", 70003, f"The grant type '{grant}' is not supported.")
        client_id = form.get("client_id", "").lower()
        found = self.tenant.store.find("application", "appId", client_id)
        principals = self.tenant.store.find("servicePrincipal", "appId", client_id)
        if not found or not principals:
            return _refused(
                400, "unauthorized_client", 700016,
                f"Application with identifier '{client_id}' was not found in the directory.",
            )  # fmt: skip
        if not principals[0].read().get("accountEnabled", True):
            return _refused(401, "unauthorized_client", 7000112, f"Application '{client_id}' is disabled.")
        scope = form.get("scope", "")
        if not scope.endswith("/.default"):
            return _refused(
                400, "invalid_scope", 1002012, f"The provided value for scope {scope} is not valid. Client credential "
                "flows must have a scope value with /.default suffixed to the resource identifier.",
            )  # fmt: skip
        refusal = self._prove(found[0], form)
        if refusal is not None:
            return refusal
        audience = scope.removesuffix("/.default")
        if grant == "client_credentials":
            token = self.app_token(principals[0], audience)
        else:
            users = self.tenant.store.find("user", "userPrincipalName", form.get("username", ""))
            if not users:
                return _refused(400, "invalid_grant", 50034, "The user account does not exist.")
            token = self.user_token(users[0], principals[0], audience, form.get("auth_time"))
        return Response(
            200,
            orjson.dumps(
                {"token_type": "Bearer", "expires_in": LIFETIME_SECONDS, "ext_expires_in": LIFETIME_SECONDS,
                 "access_token": token}
            ),
            {"content-type": "application/json; charset=utf-8", "cache-control": "no-store, no-cache"},
        )  # fmt: skip

    def domain(self) -> str:
        """The tenant's initial domain."""
        for record in self.tenant.store.all("domain"):
            body = record.read()
            if body.get("isInitial"):
                return str(body["id"])
        return ""

    def roles(self, principal_key: str) -> list[str]:
        """The values of Graph's app roles that a service principal holds."""
        graph = self.tenant.store.find("servicePrincipal", "appId", GRAPH_APP_ID)
        if not graph:
            return []
        names = {role["id"]: role["value"] for role in graph[0].read().get("appRoles", ())}
        held = self.tenant.store.find("appRoleAssignment", "principalId", principal_key)
        bodies = [each.read() for each in held]
        return sorted(
            names[body["appRoleId"]]
            for body in bodies
            if body["resourceId"] == graph[0].key and body["appRoleId"] in names
        )

    def app_token(self, principal: Record, audience: str) -> str:
        """An application's token."""
        body = principal.read()
        return self._sign(
            {"aud": audience, "appid": body["appId"], "app_displayname": body.get("displayName"), "idtyp": "app",
             "oid": principal.key, "sub": principal.key, "roles": self.roles(principal.key), "azpacr": "1"}
        )  # fmt: skip

    def user_token(self, user: Record, principal: Record, audience: str, auth_time: str | None) -> str:
        """A user's token through an application, with the scopes granted to it."""
        body, app = user.read(), principal.read()
        scopes: set[str] = set()
        for grant in self.tenant.store.find("oAuth2PermissionGrant", "clientId", principal.key):
            said = grant.read()
            if said.get("consentType") == "AllPrincipals" or said.get("principalId") == user.key:
                scopes.update(str(said.get("scope") or "").split())
        now = int(self.tenant.clock.now())
        return self._sign(
            {"aud": audience, "appid": app["appId"], "app_displayname": app.get("displayName"), "idtyp": "user",
             "oid": user.key, "sub": user.key, "upn": body["userPrincipalName"], "name": body.get("displayName"),
             "scp": " ".join(sorted(scopes)), "auth_time": int(auth_time) if auth_time else now}
        )  # fmt: skip

    def read(self, request: Request) -> Caller:
        """Who calls, or 401 as Graph words it."""
        said = request.headers.get("authorization", "")
        if not said:
            raise _unauthorized("Access token is empty.")
        kind, _, token = said.partition(" ")
        if kind.lower() != "bearer" or not token:
            raise _unauthorized("Access token is empty.")
        caller = self._read.get(token)
        if caller is None:
            caller = self._verify(token.strip())
            if len(self._read) > 10_000:
                self._read.clear()
            self._read[token] = caller
        if self.tenant.clock.now() >= caller.expires or token in self.revoked:
            raise _unauthorized("Lifetime validation failed, the token is expired.")
        return caller

    def _verify(self, token: str) -> Caller:
        try:
            claims = jwt.decode(
                token, signing_key().public_key(), algorithms=["RS256"],
                options={"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )  # fmt: skip
        except jwt.PyJWTError as error:
            raise _unauthorized("IDX14100: JWT is not well formed.") from error
        if claims.get("tid") != self.tenant.id:
            raise _unauthorized("Invalid tenant.")
        return Caller(
            str(claims["idtyp"]), claims["oid"], claims["appid"],
            claims.get("name") or claims.get("app_displayname") or "",
            frozenset(claims.get("roles", ())), frozenset(str(claims.get("scp", "")).split()),
            float(claims["exp"]), float(claims["iat"]),
        )  # fmt: skip

    def _sign(self, claims: dict[str, Any]) -> str:
        now = int(self.tenant.clock.now())
        common = {
            "iss": f"https://sts.windows.net/{self.tenant.id}/", "iat": now, "nbf": now,
            "exp": now + LIFETIME_SECONDS + 1, "tid": self.tenant.id, "ver": "1.0", "uti": uuid.uuid4().hex[:22],
        }  # fmt: skip
        return jwt.encode(common | claims, signing_key(), algorithm="RS256", headers={"kid": key_id()})

    def _prove(self, application: Record, form: dict[str, str]) -> Response | None:
        body = application.read()
        if "client_secret" in form:
            offered = form["client_secret"]
            for credential in body.get("passwordCredentials", ()):
                if self.tenant.store.secrets.get(credential["keyId"]) == offered:
                    ends = credential.get("endDateTime")
                    if ends and ends <= self.tenant.clock.stamp():
                        return _refused(401, "invalid_client", 7000222, "The provided client secret keys are expired.")
                    return None
            return _refused(401, "invalid_client", 7000215, "Invalid client secret provided.")
        if "client_assertion" in form:
            return None if self._assertion(application, form["client_assertion"]) else _refused(
                401, "invalid_client", 700213, "No matching federated identity record or key found for the assertion."
            )  # fmt: skip
        return _refused(
            401, "invalid_client", 7000218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        )  # fmt: skip

    def _timely(self, claims: dict[str, Any]) -> bool:
        """Whether an assertion is valid now; without an expiry it is not."""
        now, expires, begins = self.tenant.clock.now(), claims.get("exp"), claims.get("nbf", 0)
        if not isinstance(expires, int | float) or not isinstance(begins, int | float):
            return False
        return now - SKEW_SECONDS < expires and begins <= now + SKEW_SECONDS

    def _assertion(self, application: Record, assertion: str) -> bool:
        try:
            claims = jwt.decode(assertion, options={"verify_signature": False})
        except jwt.PyJWTError:
            return False
        if not self._timely(claims):
            return False
        body, now = application.read(), self.tenant.clock.stamp()
        for key in body.get("keyCredentials", ()):
            if str(key.get("endDateTime") or now) < now:
                continue
            if key.get("type") == "AsymmetricX509Cert" and key.get("key"):
                try:
                    public = load_der_x509_certificate(base64.b64decode(key["key"])).public_key()
                    jwt.decode(assertion, public, algorithms=["RS256", "PS256"],  # type: ignore[arg-type]
                               options={"verify_aud": False, "verify_exp": False})  # fmt: skip
                except (ValueError, jwt.PyJWTError):
                    continue
                return bool(claims.get("iss") == claims.get("sub") == body["appId"])
        store = self.tenant.store
        for child in store.link_set("federatedIdentityCredentials").targets(application.key):
            said = store.records[child].read()
            if said["issuer"] == claims.get("iss") and said.get("subject") == claims.get("sub"):
                audience = claims.get("aud")
                audiences = audience if isinstance(audience, list) else [audience]
                return bool(set(audiences) & set(said.get("audiences", ())))
        return False


def _refused(status: int, code: str, number: int, why: str) -> Response:
    body = {
        "error": code, "error_description": f"AADSTS{number}: {why}", "error_codes": [number],
        "timestamp": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ"), "trace_id": str(uuid.uuid4()),
        "correlation_id": str(uuid.uuid4()),
        "error_uri": f"https://login.microsoftonline.com/error?code={number}",
    }  # fmt: skip
    return Response(status, orjson.dumps(body), {"content-type": "application/json; charset=utf-8"})


def _unauthorized(why: str) -> GraphError:
    return GraphError(
        401, "InvalidAuthenticationToken", why,
        {"www-authenticate": 'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"'},
    )  # fmt: skip
