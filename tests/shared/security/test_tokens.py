"""A token is believed only if the issuer signed it for us, for now, in a home tenant."""

import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from shared.errors import SettingsError
from shared.security.tokens import InvalidToken, IssuerUnavailable, TokenValidator, validator_of
from shared.settings import Settings

ISSUER = "https://issuer.example/home/v2.0"
AUDIENCE = "api://cairn"
HOME = "11111111-1111-4111-8111-111111111111"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def public(key: Any, kid: str, **more: str) -> dict[str, Any]:
    kind = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    return {**kind.to_jwk(key.public_key(), as_dict=True), "kid": kid, **more}


class FakeIssuer:
    """Publishes keys, counts how often it is asked, and can be down."""

    def __init__(self) -> None:
        self.keys = [public(KEY, "one", use="sig")]
        self.algorithms = ["RS256", "ES256"]
        self.asked = 0
        self.down = False
        self.name = ISSUER

    async def fetch(self, address: str) -> Any:
        if self.down:
            raise IssuerUnavailable("down")
        self.asked += 1
        if address.endswith("/.well-known/openid-configuration"):
            return {
                "issuer": self.name, "jwks_uri": f"{ISSUER}/keys",
                "id_token_signing_alg_values_supported": self.algorithms,
            }
        return {"keys": self.keys}


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def issuer() -> FakeIssuer:
    return FakeIssuer()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def validator(issuer: FakeIssuer, clock: Clock) -> TokenValidator:
    return TokenValidator(
        issuer=ISSUER, audience=AUDIENCE, home_tenants=frozenset({HOME}), fetch=issuer.fetch, clock=clock
    )


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    base = {"iss": ISSUER, "aud": AUDIENCE, "sub": "s", "tid": HOME, "exp": now + 600, "nbf": now, "roles": ["Reader"]}
    return {name: value for name, value in {**base, **changed}.items() if value is not None}


def signed(
    key: Any = KEY, algorithm: str = "RS256", kid: str | None = "one", **changed: Any
) -> str:
    return jwt.encode(claims(**changed), key, algorithm=algorithm, headers={"kid": kid} if kid else {})


async def test_a_good_token_gives_its_caller(validator: TokenValidator) -> None:
    caller = await validator.caller(signed(oid="o", name="Pat", roles=["Operator"], auth_time=1_700_000_000))
    assert (caller.subject, caller.name, caller.roles) == ("o", "Pat", {"Operator"})
    assert caller.tenants is None
    assert caller.auth_time is not None
    assert caller.may("backups.run")
    assert not caller.may("restore.approve")


NOW = int(time.time())


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": NOW - 61}, {"nbf": NOW + 3600}, {"aud": "api://other"}, {"aud": None}, {"exp": None}, {"sub": None},
        {"iss": "https://evil.example"}, {"iss": None}, {"tid": None}, {"tid": AUDIENCE}, {"exp": "soon"},
        {"kid": "unknown"}, {"kid": None}, {"key": OTHER_KEY}, {"exp": float("inf")}, {"tid": [HOME]},
    ],
    ids=lambda change: " ".join(f"{name} {type(value).__name__}" for name, value in change.items()),
)  # fmt: skip
async def test_a_token_that_is_wrong_in_one_thing_is_refused(validator: TokenValidator, changed: Any) -> None:
    with pytest.raises(InvalidToken):
        await validator.caller(signed(**changed))


async def test_the_algorithm_none_is_refused(validator: TokenValidator) -> None:
    unsigned = jwt.encode(claims(), None, algorithm="none", headers={"kid": "one"})
    with pytest.raises(InvalidToken):
        await validator.caller(unsigned)


async def test_a_public_key_does_not_pass_for_a_shared_secret(validator: TokenValidator) -> None:
    pem = KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    header, payload = signed().split(".")[:2]
    import base64
    import hashlib
    import hmac

    forged_header = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT","kid":"one"}').rstrip(b"=").decode()
    body = f"{forged_header}.{payload}"
    mark = base64.urlsafe_b64encode(hmac.new(pem, body.encode(), hashlib.sha256).digest()).rstrip(b"=").decode()
    with pytest.raises(InvalidToken):
        await validator.caller(f"{body}.{mark}")
    assert header


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "....", "e30.e30.", "x" * 20_000, "é.é.é", "\x00"])
async def test_what_is_no_token_is_refused(validator: TokenValidator, token: str) -> None:
    with pytest.raises(InvalidToken):
        await validator.caller(token)


async def test_an_elliptic_key_is_taken_only_where_the_issuer_lists_its_algorithm(
    issuer: FakeIssuer, validator: TokenValidator, clock: Clock
) -> None:
    issuer.keys.append(public(EC_KEY, "two"))
    assert await validator.caller(signed(EC_KEY, "ES256", "two"))
    issuer.algorithms = ["RS256"]
    clock.now += 4000
    with pytest.raises(InvalidToken):
        await validator.caller(signed(EC_KEY, "ES256", "two"))


async def test_keys_are_read_once_and_again_for_an_unknown_key_with_a_cool_down(
    issuer: FakeIssuer, validator: TokenValidator, clock: Clock
) -> None:
    for _ in range(5):
        await validator.caller(signed())
    assert issuer.asked == 2
    issuer.keys = [public(OTHER_KEY, "two")]
    with pytest.raises(InvalidToken):
        await validator.caller(signed(OTHER_KEY, kid="two"))
    assert issuer.asked == 2
    clock.now += 31
    assert await validator.caller(signed(OTHER_KEY, kid="two"))
    assert issuer.asked == 4
    for _ in range(5):
        with pytest.raises(InvalidToken):
            await validator.caller(signed(kid="one"))
    assert issuer.asked == 4


async def test_an_issuer_that_is_down_does_not_lock_out_for_a_day(
    issuer: FakeIssuer, validator: TokenValidator, clock: Clock
) -> None:
    await validator.caller(signed())
    issuer.down = True
    clock.now += 7200
    assert await validator.caller(signed())
    clock.now += 90_000
    with pytest.raises(IssuerUnavailable):
        await validator.caller(signed())
    issuer.down = False
    assert await validator.caller(signed())


async def test_an_issuer_that_was_never_reached_is_unavailable_and_asked_again(
    issuer: FakeIssuer, validator: TokenValidator
) -> None:
    issuer.down = True
    with pytest.raises(IssuerUnavailable):
        await validator.caller(signed())
    issuer.down = False
    assert await validator.caller(signed())


async def test_a_discovery_document_of_another_issuer_is_not_believed(
    issuer: FakeIssuer, validator: TokenValidator
) -> None:
    issuer.name = "https://evil.example"
    with pytest.raises(IssuerUnavailable):
        await validator.caller(signed())


async def test_a_multi_tenant_issuer_takes_home_tenants_only(issuer: FakeIssuer) -> None:
    issuer.name = f"https://issuer.example/{HOME}/v2.0"
    validator = TokenValidator(
        issuer="https://issuer.example/{tenantid}/v2.0", audience=AUDIENCE, home_tenants=frozenset({HOME}),
        fetch=issuer.fetch,
    )
    assert await validator.caller(signed(iss=issuer.name))
    with pytest.raises(InvalidToken):
        await validator.caller(signed(tid="22222222-2222-4222-8222-222222222222", iss=issuer.name))


@pytest.mark.parametrize("listed", ["x", [], [7, "no guid"], None, {}])
async def test_a_tenants_claim_of_the_wrong_shape_gives_no_tenant(validator: TokenValidator, listed: Any) -> None:
    token = jwt.encode({**claims(), "tenants": listed}, KEY, algorithm="RS256", headers={"kid": "one"})
    caller = await validator.caller(token)
    assert caller.tenants == frozenset()
    assert not caller.sees(HOME)


@pytest.mark.parametrize(
    "settings",
    [
        Settings(auth_audience=AUDIENCE),
        Settings(auth_issuer=ISSUER),
        Settings(auth_issuer="https://issuer.example/{tenantid}/v2.0", auth_audience=AUDIENCE),
    ],
)
def test_there_is_no_validator_without_issuer_audience_and_home_tenants(
    settings: Settings, issuer: FakeIssuer
) -> None:
    with pytest.raises(SettingsError):
        validator_of(settings, issuer.fetch)
