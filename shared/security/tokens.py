"""Bearer tokens: signature by the issuer's published keys, issuer, audience, times, home tenant.

Algorithm
1. The unverified part only chooses the issuer (for `{tenantid}`) and the key; nothing of it is believed.
2. Algorithms are fixed to RS256 and ES256, less what the issuer's discovery does not list; the key's own type must
   match, so a token can neither choose `none` nor pass a public key off as a shared secret.
3. Discovery and keys are cached for an hour. An unknown key id asks again, at most every 30 seconds; keys that cannot
   be refreshed serve for a day, then IssuerUnavailable.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt

from shared.errors import CairnError, SettingsError
from shared.security.callers import Caller, caller_of
from shared.settings import Settings

ALGORITHMS: Mapping[str, str] = {"RS256": "RSA", "ES256": "EC"}
"""Allowed algorithms and the type of key that each needs (RFC 7518)."""

LEEWAY_SECONDS = 60
LONGEST_TOKEN = 16_384
FRESH_SECONDS = 3600.0
STALE_SECONDS = 86_400.0
COOL_DOWN_SECONDS = 30.0

Fetch = Callable[[str], Awaitable[Any]]
"""Returns the JSON at an address, or raises IssuerUnavailable."""


class InvalidToken(CairnError):
    """The bearer token is missing something or is not to be believed; the message may be shown to the caller."""

    default_remedy = "Get a new token for this API from its issuer."


class IssuerUnavailable(CairnError):
    """The issuer's discovery document or keys could not be read."""

    retryable = True
    default_remedy = "Check CAIRN_AUTH_ISSUER and that the issuer can be reached; then try again."


@dataclass(slots=True)
class _Keys:
    """An issuer's keys as last read, by key id."""

    algorithms: frozenset[str]
    keys: dict[str, Mapping[str, Any]]
    read_at: float


@dataclass(slots=True)
class TokenValidator:
    """Turns a bearer token into a Caller."""

    issuer: str
    audience: str
    home_tenants: frozenset[str]
    fetch: Fetch
    clock: Callable[[], float] = time.monotonic
    _known: dict[str, _Keys] = field(default_factory=dict)
    _tried: dict[str, float] = field(default_factory=dict)

    async def caller(self, token: str) -> Caller:
        """The caller whose token this is; raises InvalidToken or IssuerUnavailable."""
        if len(token) > LONGEST_TOKEN:
            raise InvalidToken("The token is too long.")
        header, unverified = _peek(token)
        issuer = self._issuer(unverified)
        algorithm = header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            raise InvalidToken("The token's algorithm is not allowed.")
        key = await self._key(issuer, header.get("kid"), algorithm)
        try:
            claims = jwt.decode(
                token, key, algorithms=[algorithm], audience=self.audience, issuer=issuer, leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"], "strict_aud": False},
            )
        except jwt.ExpiredSignatureError:
            raise InvalidToken("The token has expired.") from None
        except jwt.InvalidAudienceError:
            raise InvalidToken("The token is for another audience.") from None
        except jwt.InvalidTokenError as error:
            raise InvalidToken(f"The token is not valid ({type(error).__name__}).") from None
        self._check_home(claims)
        return caller_of(claims)

    def _issuer(self, unverified: Mapping[str, Any]) -> str:
        if "{tenantid}" not in self.issuer:
            if unverified.get("iss") != self.issuer:
                raise InvalidToken("The token is from another issuer.")
            return self.issuer
        tenant_id = unverified.get("tid")
        if not isinstance(tenant_id, str) or tenant_id.lower() not in self.home_tenants:
            raise InvalidToken("The token is from a tenant that may not call.")
        return self.issuer.replace("{tenantid}", tenant_id.lower())

    def _check_home(self, claims: Mapping[str, Any]) -> None:
        tenant_id = claims.get("tid")
        known = isinstance(tenant_id, str) and tenant_id.lower() in self.home_tenants
        if self.home_tenants and not known:
            raise InvalidToken("The token is from a tenant that may not call.")

    async def _key(self, issuer: str, kid: Any, algorithm: str) -> Any:
        if not isinstance(kid, str):
            raise InvalidToken("The token names no key.")
        known = await self._keys(issuer, wanted=kid)
        found = known.keys.get(kid)
        if found is None:
            raise InvalidToken("The token is signed with a key that the issuer does not publish.")
        allowed = (
            algorithm in known.algorithms
            and found.get("kty") == ALGORITHMS[algorithm]
            and found.get("use", "sig") == "sig"
            and found.get("alg", algorithm) == algorithm
        )
        if not allowed:
            raise InvalidToken("The token's algorithm does not fit its key.")
        try:
            return jwt.PyJWK(dict(found), algorithm=algorithm).key
        except jwt.PyJWTError:
            raise IssuerUnavailable("The issuer publishes a key that cannot be read.") from None

    async def _keys(self, issuer: str, *, wanted: str) -> _Keys:
        known, now = self._known.get(issuer), self.clock()
        fresh = known is not None and now - known.read_at < FRESH_SECONDS
        if known is not None and fresh and wanted in known.keys:
            return known
        may_ask = now - self._tried.get(issuer, -STALE_SECONDS) >= COOL_DOWN_SECONDS
        if not may_ask and known is not None and now - known.read_at < STALE_SECONDS:
            return known
        self._tried[issuer] = now
        try:
            self._known[issuer] = await self._read(issuer)
        except IssuerUnavailable:
            if known is None or now - known.read_at >= STALE_SECONDS:
                self._tried.pop(issuer, None)
                raise
            return known
        return self._known[issuer]

    async def _read(self, issuer: str) -> _Keys:
        discovery = await self.fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if not isinstance(discovery, dict) or not isinstance(discovery.get("jwks_uri"), str):
            raise IssuerUnavailable("The issuer's discovery document is not one.")
        if discovery.get("issuer") != issuer:
            raise IssuerUnavailable("The issuer's discovery document names another issuer.")
        listed = discovery.get("id_token_signing_alg_values_supported") or ["RS256"]
        published = await self.fetch(discovery["jwks_uri"])
        keys = published.get("keys") if isinstance(published, dict) else None
        if not isinstance(keys, list):
            raise IssuerUnavailable("The issuer's key list is not one.")
        return _Keys(
            algorithms=frozenset(listed) & frozenset(ALGORITHMS),
            keys={key["kid"]: key for key in keys if isinstance(key, dict) and isinstance(key.get("kid"), str)},
            read_at=self.clock(),
        )


def validator_of(settings: Settings, fetch: Fetch) -> TokenValidator:
    """The validator that the settings describe; raises SettingsError where they leave it open."""
    if not settings.auth_issuer:
        raise SettingsError("CAIRN_AUTH_ISSUER", "the address of the issuer of bearer tokens", "nothing")
    if not settings.auth_audience:
        raise SettingsError("CAIRN_AUTH_AUDIENCE", "the audience of bearer tokens", "nothing")
    if "{tenantid}" in settings.auth_issuer and not settings.home_tenants:
        raise SettingsError("CAIRN_HOME_TENANTS", "at least one tenant, since the issuer has {tenantid}", "nothing")
    return TokenValidator(
        issuer=settings.auth_issuer, audience=settings.auth_audience, home_tenants=frozenset(settings.home_tenants),
        fetch=fetch,
    )


def _peek(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        whole = jwt.decode_complete(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        raise InvalidToken("The token is not a JSON Web Token.") from None
    return whole["header"], whole["payload"]
