"""Whatever is sent, Cairn answers what it was asked or tells of the caller's mistake, and gives nothing away."""

import json
import re
from typing import Any
from urllib.parse import quote

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.conftest import TENANT, FakeDurable
from tests.api.test_guard import routes

QUERIES = ("top", "orderBy", "q", "continuation", "tenant", "status", "severity", "type", "task", "from", "to", "x")
FIELDS = (
    "tenantId", "displayName", "cloud", "kind", "types", "schedule", "timesPerDay", "enabled", "startAt",
    "retentionDays", "options", "approvals", "breakGlassIds", "watch", "runNow", "organization",
)

text = st.text(st.characters(), max_size=30)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | text | st.just(TENANT),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS) | text, inner, max_size=4),
    max_leaves=8,
)
paths = st.sampled_from(sorted({path for _, path, _ in routes()}))
words = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30), st.just(TENANT),
    st.just("latest"), st.sampled_from(['"', "a:b", "AND", "created desc", "[a TO b]", "*", "1"])
)

given_anything = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def filled(path: str, word: str) -> str:
    path = path.replace("{tenant_id}", TENANT)
    return re.sub(r"{\w+}", lambda _: quote(word, safe="") or "x", path)


def check(answer: httpx.Response) -> None:
    assert answer.status_code < 500 or answer.json()["code"] == "notReady", answer.text
    if answer.status_code >= 400:
        problem = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert problem["status"] == answer.status_code
        assert problem["code"]
        assert "Traceback" not in answer.text


@given_anything
@given(path=paths, word=words, query=st.dictionaries(st.sampled_from(QUERIES), words, max_size=3))
async def test_reading_anything_anyhow_is_answered(
    client: httpx.AsyncClient, tenant: str, path: str, word: str, query: dict[str, str]
) -> None:
    encoded = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    check(await client.get(f"{filled(path, word)}?{encoded}"))


@given_anything
@given(
    method=st.sampled_from(["POST", "PUT", "PATCH"]), path=paths, word=words, body=values,
    key=st.none() | st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=10),
)  # fmt: skip
async def test_writing_anything_anywhere_is_answered(
    client: httpx.AsyncClient, tenant: str, durable: FakeDurable, method: str, path: str, word: str, body: Any,
    key: str | None,
) -> None:
    headers = {"Content-Type": b"application/json"}
    if key is not None:
        headers["Idempotency-Key"] = key.strip().encode("latin-1")
    content = json.dumps(body).encode()  # with NaN, Infinity and lone surrogates, as hostile callers write them
    check(await client.request(method, filled(path, word), content=content, headers=headers))  # type: ignore[arg-type]


@given_anything
@given(token=st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=80))
async def test_no_made_up_token_lets_anybody_in(anonymous: httpx.AsyncClient, token: str) -> None:
    for scheme in ("Bearer ", "", "Basic "):
        answer = await anonymous.get("/me", headers={"Authorization": f"{scheme}{token}".strip().encode("latin-1")})  # type: ignore[dict-item]
        assert answer.status_code == 401
        check(answer)
