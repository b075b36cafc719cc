"""Laws of addresses and tokens: known roots, https or this machine, no secret in sight."""

from typing import Any

import pytest
from azure.core.credentials import AccessToken
from hypothesis import given
from hypothesis import strategies as st

from shared.entra.clouds import AUTHORITIES, GRAPH_ROOTS, Endpoints, endpoints, is_loopback
from shared.entra.credentials import (
    CachedTokens,
    ClientCertificate,
    ClientSecret,
    FederatedIdentity,
    token_source,
)
from shared.errors import Garbled, SettingsError, SignInFailed, Unavailable
from tests.shared.entra.scripted import SECRET, TENANT, FakeGraph, answer, cut_connection


def test_every_cloud_has_its_own_roots() -> None:
    assert set(GRAPH_ROOTS) == set(AUTHORITIES) == {"global", "usGovL4", "usGovL5", "china"}
    assert endpoints("china").scope == "https://microsoftgraph.chinacloudapi.cn/.default"
    assert endpoints("usGovL5").address("/users", "beta") == "https://dod-graph.microsoft.us/beta/users"


@pytest.mark.parametrize("url", [
    "http://graph.example.org", "https://graph.example.org/v1.0", "graph.example.org", "https://", "ftp://127.0.0.1",
    "https://a:b@graph.example.org", "https://x.org?y=1", "http://127.0.0.1.example.org", "https://x:99999",
])
def test_a_root_that_is_no_plain_https_address_is_refused(url: str) -> None:
    with pytest.raises(SettingsError):
        endpoints("global", graph_url=url)
    with pytest.raises(SettingsError):
        endpoints("global", login_url=url)


def test_plain_http_is_taken_on_this_machine_only() -> None:
    assert endpoints("global", graph_url="http://127.0.0.1:8080/").graph == "http://127.0.0.1:8080"
    assert is_loopback("http://localhost:1")
    assert not is_loopback("https://127.0.0.1")


@given(st.text())
def test_no_text_leads_to_another_host(text: str) -> None:
    roots = endpoints("global")
    try:
        followed = roots.followed(text)
    except Garbled:
        return
    assert followed.lower().startswith(("https://graph.microsoft.com/", "https://graph.microsoft.com:443"))


@pytest.mark.parametrize("link", [
    "https://graph.microsoft.com:444/v1.0/users", "http://graph.microsoft.com/v1.0/users",
    "https://graph.microsoft.com@evil.org/", "https://graph.microsoft.com.evil.org/", "https://evil.org/", "",
    "https://graph.microsoft.com:x/", "https://[::1", "javascript:alert(1)",
])
def test_a_foreign_link_is_garbled(link: str) -> None:
    with pytest.raises(Garbled):
        endpoints("global").followed(link)


def test_the_default_port_and_the_case_of_the_host_do_not_matter() -> None:
    roots = endpoints("global")
    for link in ("https://graph.microsoft.com:443/v1.0/x", "https://GRAPH.microsoft.com/v1.0/x"):
        assert roots.followed(link) == link
    assert roots.relative("https://graph.microsoft.com/beta/users?$top=1") == ("beta", "/users?$top=1")


async def test_a_token_is_kept_until_shortly_before_its_end(fake: FakeGraph, roots: Endpoints) -> None:
    source = token_source(roots, TENANT, ClientSecret("the-app", SECRET))
    assert [await source.token() for _ in range(3)] == ["token-1"] * 3
    assert await source.token(fresh=True) == "token-2"
    assert fake.token_forms[0] == {
        "grant_type": "client_credentials", "scope": fake.root + "/.default", "client_id": "the-app",
        "client_secret": SECRET,
    }


class Flow:
    """An authority that gives out numbered tokens for an hour, or is down."""

    def __init__(self) -> None:
        self.asked = 0
        self.now = 0.0
        self.down = False

    async def request(self, claims: str, fresh: bool) -> AccessToken:
        if self.down:
            raise Unavailable("down")
        self.asked += 1
        return AccessToken(f"t{self.asked}", int(self.now + 3600))

    async def aclose(self) -> None: ...


async def test_a_token_near_its_end_is_replaced_and_used_on_while_the_authority_is_down() -> None:
    flow = Flow()
    source = CachedTokens(flow, clock=lambda: flow.now)
    assert await source.token() == "t1"
    flow.now = 3400
    assert await source.token() == "t2"
    flow.now, flow.down = 3400 + 3500, True
    assert await source.token() == "t2"
    flow.now = 3400 + 3600
    with pytest.raises(Unavailable):
        await source.token()


@pytest.mark.parametrize(("body", "status", "code"), [
    ({"error": "invalid_client", "error_description": f"AADSTS7000215: Invalid client secret {SECRET}"}, 401,
     "AADSTS7000215"),
    ({"error": "x", "error_description": "AADSTS90002: no tenant"}, 400, "AADSTS90002"),
    ({"error": "x"}, 400, "signInRefused"), ([], 400, "signInRefused"), ({}, 200, "signInRefused"),
])
async def test_a_refused_sign_in_names_its_code_and_never_the_secret(
    fake: FakeGraph, roots: Endpoints, body: Any, status: int, code: str
) -> None:
    fake.tokens = [answer(body, status)]
    with pytest.raises(SignInFailed) as caught:
        await token_source(roots, TENANT, ClientSecret("the-app", SECRET)).token()
    assert caught.value.code == code
    assert SECRET not in repr(caught.value) + str(caught.value) + caught.value.remedy


@pytest.mark.parametrize("fault", [answer({}, 503), answer({}, 429), cut_connection()])
async def test_an_authority_that_is_down_is_worth_another_try(fake: FakeGraph, roots: Endpoints, fault: Any) -> None:
    fake.tokens = [fault, fault]
    with pytest.raises(Unavailable):
        await token_source(roots, TENANT, ClientSecret("the-app", SECRET)).token()


def test_no_credential_shows_its_secret() -> None:
    shown = repr([
        ClientSecret("app", SECRET), ClientCertificate("app", SECRET.encode(), SECRET),
        token_source(endpoints("global"), TENANT, ClientSecret("app", SECRET)),
    ])
    assert SECRET not in shown


def test_a_loopback_authority_takes_a_secret_only() -> None:
    local = endpoints("global", graph_url="http://127.0.0.1:1", login_url="http://127.0.0.1:1")
    for credential in (ClientCertificate("app", b"x"), FederatedIdentity("app")):
        with pytest.raises(SettingsError):
            token_source(local, TENANT, credential)


async def test_a_certificate_that_cannot_be_read_is_a_refused_sign_in() -> None:
    source = token_source(endpoints("global"), TENANT, ClientCertificate("app", b"no certificate"))
    with pytest.raises(SignInFailed):
        await source.token()
    await source.aclose()
