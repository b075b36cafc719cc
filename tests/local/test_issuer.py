"""The local issuer: anyone who speaks OpenID Connect can check its tokens, and nobody else can make them."""

import json
import socket
import stat
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import jwt
import pytest

from local.errors import LocalStackError
from local.issuer import AUDIENCE, Issuer, open_issuer, open_or_make_issuer, serving

TENANT = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return open_or_make_issuer(tmp_path)


def get(address: str) -> Any:
    with urllib.request.urlopen(address) as answer:
        return json.load(answer)


def claims(issuer: Issuer, token: str) -> dict[str, Any]:
    return jwt.decode(
        token, issuer.key.public_key(), algorithms=["RS256"], audience=AUDIENCE, issuer=issuer.name
    )


def test_a_token_checks_out_by_discovery_and_key_set(issuer: Issuer) -> None:
    token = issuer.mint("Reader")
    with serving(issuer):
        discovery = get(f"{issuer.name}/.well-known/openid-configuration")
        assert discovery["issuer"] == issuer.name
        key_set = jwt.PyJWKSet.from_dict(get(discovery["jwks_uri"]))
    key = key_set[jwt.get_unverified_header(token)["kid"]]
    checked = jwt.decode(token, key, algorithms=["RS256"], audience=AUDIENCE, issuer=issuer.name)
    assert checked["roles"] == ["Reader"]


def test_another_address_is_not_found(issuer: Issuer) -> None:
    with serving(issuer), pytest.raises(urllib.error.HTTPError) as refused:
        get(f"http://127.0.0.1:{issuer.port}/")
    assert refused.value.code == 404
    refused.value.close()


def test_name_and_key_stay_over_restarts(issuer: Issuer, tmp_path: Path) -> None:
    again = open_or_make_issuer(tmp_path)
    assert (again.name, again.key_id) == (issuer.name, issuer.key_id)
    assert claims(again, issuer.mint("Operator"))["roles"] == ["Operator"]


def test_the_key_is_readable_by_its_owner_only(issuer: Issuer, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600


def test_a_token_names_its_tenants_or_none_for_all(issuer: Issuer) -> None:
    assert claims(issuer, issuer.mint("Operator", tenants=[TENANT]))["tenants"] == [TENANT]
    assert "tenants" not in claims(issuer, issuer.mint("Operator"))


def test_two_roles_are_two_people_and_one_role_is_one(issuer: Issuer) -> None:
    requester, approver = (claims(issuer, issuer.mint(role))["oid"] for role in ("Administrator", "Approver"))
    assert requester != approver
    assert requester == claims(issuer, issuer.mint("Administrator"))["oid"]


def test_lifetime_and_time_of_sign_in_are_as_asked(issuer: Issuer) -> None:
    found = claims(issuer, issuer.mint("Administrator", hours=2, authenticated_hours_ago=3))
    assert found["exp"] - found["iat"] == 2 * 3600
    assert found["iat"] - found["auth_time"] == 3 * 3600
    assert abs(found["iat"] - time.time()) < 60


def test_a_lifetime_below_zero_makes_an_expired_token(issuer: Issuer) -> None:
    with pytest.raises(jwt.ExpiredSignatureError):
        claims(issuer, issuer.mint("Reader", hours=-1))


def test_two_tokens_are_never_the_same(issuer: Issuer) -> None:
    assert claims(issuer, issuer.mint("Reader"))["jti"] != claims(issuer, issuer.mint("Reader"))["jti"]


def test_an_empty_folder_has_no_issuer_and_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LocalStackError, match="start the stack"):
        open_issuer(tmp_path)


def test_its_taken_port_is_named(issuer: Issuer) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", issuer.port))
        squatter.listen()
        with pytest.raises(LocalStackError, match=str(issuer.port)), serving(issuer):
            pass
