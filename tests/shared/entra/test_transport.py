"""Laws of one request: an answer or one typed error, tried again where that helps and never where it harms."""

import time
from typing import Any

import pytest

from shared.entra.credentials import ClientSecret, token_source
from shared.entra.failures import failure, impersonal, is_without_licence, retry_after
from shared.entra.governor import Governor
from shared.entra.transport import Graph, Limits
from shared.errors import Changed, EntraError, Garbled, NotFound, NotPermitted, Rejected, Throttled, Unavailable
from tests.shared.entra.scripted import SECRET, TENANT, FakeGraph, answer, cut_connection, refusal

OK = answer({"value": []})


async def test_a_refused_token_is_renewed_once_and_the_request_sent_again(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/users", refusal(401, "InvalidAuthenticationToken"), OK)
    assert (await graph.get("/users")).status == 200
    assert [request.headers["Authorization"] for request in fake.requests] == ["Bearer token-1", "Bearer token-2"]


async def test_a_token_that_is_refused_twice_is_an_error(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/users", refusal(401, "InvalidAuthenticationToken"))
    with pytest.raises(NotPermitted) as caught:
        await graph.get("/users")
    assert caught.value.status == 401
    assert len(fake.requests) == 2


async def test_a_claims_challenge_is_answered_and_named_if_it_does_not_help(fake: FakeGraph, graph: Graph) -> None:
    challenge = 'Bearer error="insufficient_claims", claims="eyJhIjoxfQ"'
    fake.script("/v1.0/users", answer({}, 401, WWW_Authenticate=challenge))
    with pytest.raises(NotPermitted) as caught:
        await graph.get("/users")
    assert fake.token_forms[1]["claims"] == '{"a":1}'
    assert caught.value.code == "claimsChallenge"
    assert "Conditional Access" in caught.value.remedy


async def test_403_is_not_tried_again_and_names_the_permission(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/users", refusal(403, "Authorization_RequestDenied", "Insufficient privileges"))
    with pytest.raises(NotPermitted) as caught:
        await graph.get("/users", permission="User.Read.All")
    assert caught.value.permission == "User.Read.All"
    assert "User.Read.All" in caught.value.remedy
    assert caught.value.request_id == "r-1"
    assert len(fake.requests) == 1


async def test_a_missing_licence_is_told_apart_from_a_missing_permission() -> None:
    body = b'{"error":{"code":"Authentication_RequestFromNonPremiumTenantOrB2CTenant","message":"x"}}'
    assert "licence" in failure(403, {}, body, asked="x").remedy


async def test_a_missing_licence_is_no_bad_request_even_where_graph_answers_400() -> None:
    error = failure(400, {}, b'{"error":{"code":"AadPremiumLicenseRequired","message":"x"}}', asked="x")
    assert isinstance(error, NotPermitted)
    assert "licence" in error.remedy
    assert not is_without_licence(failure(403, {}, b'{"error":{"code":"Forbidden"}}', asked="x"))


async def test_retry_after_may_be_a_fraction_and_is_waited_out(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/users", refusal(429, "TooManyRequests", Retry_After="0.3"), OK)
    began = time.monotonic()
    await graph.get("/users")
    assert time.monotonic() - began >= 0.3
    assert graph.usage.throttled == 1


async def test_a_429_without_retry_after_is_waited_out_too(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/users", refusal(429, "TooManyRequests"), OK)
    await graph.get("/users")
    assert len(fake.requests) == 2


async def test_a_wait_beyond_the_time_there_is_goes_to_the_caller(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/users", refusal(429, "TooManyRequests", Retry_After="3600"))
    with pytest.raises(Throttled) as caught:
        await graph.get("/users")
    assert caught.value.wait_seconds == 3600
    assert len(fake.requests) == 1


def test_retry_after_is_seconds_or_a_date_and_nonsense_is_none() -> None:
    assert retry_after({"Retry-After": "2.128"}) == 2.128
    assert retry_after({"Retry-After": "Thu, 01 Jan 1970 00:01:40 GMT"}, now=40.0) == 60.0
    assert retry_after({"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}, now=40.0) == 0.0
    assert [retry_after({"Retry-After": text}) for text in ("soon", "", "nan-ish", "inf")] == [None] * 4
    assert retry_after({}) is None


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("fault", [refusal(500, ""), refusal(503, ""), refusal(504, ""), cut_connection()])
async def test_what_is_not_safe_to_repeat_is_sent_once(
    fake: FakeGraph, graph: Graph, fault: Any, method: str
) -> None:
    fake.script("/v1.0/users", OK)
    await graph.get("/users")  # leaves a connection to be used again
    fake.script("/v1.0/groups", fault)
    with pytest.raises(Unavailable):
        await graph.send(method, "/groups", payload=b"{}")
    assert len(fake.requests) == 2


async def test_a_throttled_write_did_nothing_so_it_is_sent_again(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/groups", refusal(429, "", Retry_After="0"), answer({"id": "1"}, 201))
    assert (await graph.send("POST", "/groups", payload=b"{}", bucket="writes")).status == 201


@pytest.mark.parametrize(("status", "code", "kind"), [
    (400, "Request_BadRequest", Rejected), (404, "Request_ResourceNotFound", NotFound), (409, "Conflict", Changed),
    (409, "Directory_ConcurrencyViolation", Unavailable), (412, "", Changed), (501, "NotImplemented", Rejected),
    (429, "", Throttled), (423, "", Unavailable), (302, "", Garbled), (418, "", Rejected),
])
def test_every_refusal_has_one_meaning(status: int, code: str, kind: type[EntraError]) -> None:
    body = b'{"error":{"code":"%s","message":"m"}}' % code.encode()
    error = failure(status, {"request-id": "r"}, body, asked="users")
    assert type(error) is kind
    assert (error.status, error.code, error.request_id) == (status, code, "r")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error":null}', b'{"error":{"code":5}}', b"\xff\xfe"])
def test_an_error_without_a_readable_body_still_has_its_status(body: bytes) -> None:
    assert failure(400, {}, body, asked="users").status == 400


def test_personal_values_in_graphs_words_are_left_out() -> None:
    told = impersonal("User 'Ada Lovelace' (ada@contoso.com) with id '6f1e-22' is missing property 'displayName'.")
    assert "Ada" not in told
    assert "contoso" not in told
    assert "'6f1e-22'" in told
    assert "'displayName'" in told


async def test_a_redirect_is_followed_below_the_graph_root_only(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/a", answer(status=302, raw=b"", Location="{root}/v1.0/users"))
    fake.script("/v1.0/b", answer(status=302, raw=b"", Location="https://example.org/v1.0/users"))
    fake.script("/v1.0/users", OK)
    assert (await graph.get("/a")).status == 200
    with pytest.raises(Garbled):
        await graph.get("/b")


async def test_usage_counts_requests_units_and_bytes(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/users", answer({"value": []}, x_ms_resource_unit="7"))
    fake.script("/v1.0/devices", OK)
    await graph.get("/users")
    await graph.get("/devices")
    usage = graph.usage.as_counts()
    assert (usage["requests"], usage["resource_units"]) == (2, 8)
    assert usage["bytes_received"] > 0


async def test_scheduled_reads_ask_for_low_priority(fake: FakeGraph, roots: Any) -> None:
    fake.script("/v1.0/users", OK)
    for scheduled in (True, False):
        tokens = token_source(roots, TENANT, ClientSecret("the-app", SECRET))
        async with Graph(roots, tokens, scheduled=scheduled) as graph:
            await graph.get("/users")
    assert [request.headers.get("x-ms-throttle-priority") for request in fake.requests] == ["low", None]


async def test_nothing_is_sent_while_the_quota_leaves_no_room(fake: FakeGraph, roots: Any) -> None:
    governor = Governor()
    governor.reserve("", 1_000_000)
    tokens = token_source(roots, TENANT, ClientSecret("the-app", SECRET))
    async with Graph(roots, tokens, governor=governor, limits=Limits(turn_seconds=1)) as graph:
        with pytest.raises(Throttled):
            await graph.get("/users")
    assert fake.requests == []


async def test_many_requests_at_once_share_one_token(fake: FakeGraph, graph: Graph) -> None:
    import asyncio

    fake.script("/v1.0/users", OK)
    await asyncio.gather(*(graph.get("/users") for _ in range(100)))
    assert len(fake.token_forms) == 1
    assert len(fake.requests) == 100
