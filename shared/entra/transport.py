"""One request to Microsoft Graph: its answer as bytes, or one typed error.

    turn in the governor → room in the gate → send with a fresh client-request-id → 2xx: the answer
      401: one new token, once          429: wait as told, else twice as long each time
      5xx, cut, timeout, garbled: again where repeating is safe          all else: the error, at once

Invariants: tries are bounded in number and in time; a request that is not safe to repeat is sent once, save where Graph
says that it did nothing (429, 401); redirects are followed only below the Graph root.
"""

import asyncio
import random
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field
from time import monotonic
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import aiohttp
from yarl import URL

from shared.entra import bodies, footprint
from shared.entra.clouds import Endpoints, is_loopback
from shared.entra.concurrency import Concurrency
from shared.entra.credentials import TokenSource
from shared.entra.failures import CLAIMS_REMEDY, failure, retry_after
from shared.entra.governor import Bucket, Governor, Seen
from shared.entra.resource_units import resource_units
from shared.entra.usage import Usage
from shared.errors import EntraError, Garbled, NotPermitted, Throttled, Unavailable
from shared.telemetry import collection_of, measure, span

CONNECTIONS = 64
BODY_BYTES_MAX = 128 * 1024 * 1024
"""No page, logo or document comes near this; an answer that does is cut off."""
INLINE_BYTES = 32 * 1024
"""A body smaller than this is parsed at once: a thread would cost more than it saves."""
REDIRECTS = 3
PREFER = "include-unknown-enum-members"
"""Without it, Graph hides values of enumerations that are newer than the client ("Microsoft Graph best practices")."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how often one request is tried."""

    attempts: int = 6
    """Tries after cut connections, timeouts, 5xx and garbled answers."""
    throttled_attempts: int = 12
    total_seconds: float = 150.0
    """All tries and waits together; a Retry-After beyond it is handed to the caller instead of being slept through."""
    turn_seconds: float = 300.0
    """The longest wait for one's turn in the governor."""
    request_seconds: float = 100.0
    connect_seconds: float = 10.0
    silence_seconds: float = 60.0
    first_wait_seconds: float = 0.5
    wait_seconds_max: float = 20.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx answer, its body as it came over the wire."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def encoding(self) -> str:
        """gzip, or empty."""
        return self.headers.get("Content-Encoding", "").lower()

    @property
    def request_id(self) -> str:
        """Graph's own id of the request."""
        return self.headers.get("request-id", "")

    def content(self) -> bytes:
        """The body inflated."""
        return bodies.inflate(self.body, self.encoding)


@dataclass(slots=True)
class _Trying:
    method: str
    address: str
    payload: bytes | None
    asked: str
    permission: str
    bucket: Bucket
    headers: dict[str, str]
    repeatable: bool
    estimate: float
    parts: int
    until: float
    attempts: int = 0
    throttled: int = 0
    redirects: int = 0
    renewed: bool = False
    stale: bool = False
    claims: str = ""
    told: float | None = None


class Graph:
    """A session with Microsoft Graph for one tenant and app; enter it to open its connections."""

    def __init__(
        self, endpoints: Endpoints, tokens: TokenSource, *, governor: Governor | None = None,
        limits: Limits | None = None, usage: Usage | None = None, scheduled: bool = False,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.endpoints = endpoints
        self.governor = governor or Governor()
        self.usage = usage or Usage()
        self.limits = limits or Limits()
        self.done = False
        """Set by whoever has read all that there is for it to read: nobody takes up its share of the quota after it."""
        self._tokens = tokens
        self._scheduled = scheduled  # Graph throttles low priority before anything that a person waits for
        if scheduled:
            self.governor.yield_to_others()
        self._clock = clock
        self._gate = Concurrency(most=CONNECTIONS)
        self._http: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return f"Graph({self.endpoints.graph})"

    async def __aenter__(self) -> Self:
        """Open the session; connections are made as they are needed."""
        footprint.prepare()
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS, ttl_dns_cache=300),
            timeout=aiohttp.ClientTimeout(
                total=self.limits.request_seconds, sock_connect=self.limits.connect_seconds,
                sock_read=self.limits.silence_seconds,
            ),
            auto_decompress=False,  # inflating is the worker thread's work
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=not is_loopback(self.endpoints.graph),  # a proxy knows nothing of this machine's loopback
        )
        # aiohttp sends GET, PUT and DELETE again by itself when a kept connection turns out to be cut. Here every try
        # is counted, and a DELETE that was sent twice answers 404 the second time. There is no public switch for it.
        self._http._retry_connection = False  # noqa: SLF001
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close connections and the token source."""
        await self.aclose()

    async def aclose(self) -> None:
        """Close connections and the token source; safe to repeat."""
        if self._http is not None:
            closing, self._http = self._http, None
            await closing.close()
        await self._tokens.aclose()

    def apart(self) -> Self:
        """The same session with counts of its own, for work that goes on beside other work; this one closes it."""
        other = copy(self)
        other.usage = Usage()
        return other

    def now(self) -> float:
        """The session's clock, in seconds from no point in particular."""
        return self._clock()

    async def token(self, *, fresh: bool = False) -> str:
        """The session's bearer token, for reading its claims."""
        return await self._tokens.token(fresh=fresh)

    async def renew_token(self, refused: str, challenge: str = "") -> None:
        """Replace the token that Graph refused, unless somebody did already; `challenge` is the WWW-Authenticate."""
        if await self._tokens.token() == refused:
            await self._tokens.token(fresh=True, claims=_claims_challenge(challenge))

    async def get(
        self, path: str, *, version: str = "v1.0", asked: str = "", permission: str = "", bucket: Bucket = "",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer to a GET of `path` (below the version, or a whole address below the Graph root), as bytes."""
        return await self.send(
            "GET", path, version=version, asked=asked, permission=permission, bucket=bucket, headers=headers
        )

    async def get_json(
        self, path: str, *, version: str = "v1.0", asked: str = "", permission: str = "", bucket: Bucket = "",
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The JSON object that a GET answers; read again if it is garbled."""
        return await self.reread(
            lambda: self.get(
                path, version=version, asked=asked, permission=permission, bucket=bucket, headers=headers
            ),
            bodies.document,
        )

    async def post_json(
        self, path: str, payload: bytes, *, version: str = "v1.0", asked: str = "", permission: str = "",
        estimate: float | None = None, parts: int = 0, bucket: Bucket = "", headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The JSON object that a POST answers, for a POST that only reads (`$batch` of GETs, getByIds)."""
        return await self.reread(
            lambda: self.send(
                "POST", path, payload=payload, version=version, asked=asked, permission=permission, repeatable=True,
                estimate=estimate, parts=parts, bucket=bucket, headers=headers,
            ),
            bodies.document,
        )

    async def reread[T](
        self, read: Callable[[], Any], parse: Callable[[bytes, str], T], first: Answer | None = None
    ) -> T:
        """What `parse` makes of the answer; a garbled one is read again, as often as the limits allow."""
        attempt = 0
        while True:
            answer: Answer = first if first is not None else await read()
            first = None
            try:
                if len(answer.body) < INLINE_BYTES:
                    return parse(answer.body, answer.encoding)
                return await asyncio.to_thread(parse, answer.body, answer.encoding)
            except Garbled as error:
                attempt += 1
                if attempt >= self.limits.attempts or error.code == "foreignAddress":
                    error.request_id = answer.request_id
                    raise
            self.usage.repeats += 1
            await asyncio.sleep(self._backoff(attempt))

    async def send(
        self, method: str, path: str, *, payload: bytes | None = None, version: str = "v1.0", asked: str = "",
        permission: str = "", bucket: Bucket = "", headers: Mapping[str, str] | None = None,
        repeatable: bool | None = None, estimate: float | None = None, parts: int = 0,
    ) -> Answer:
        """The 2xx answer to one request, or a typed error; `asked` and `permission` go into that error's words.

        `repeatable` says that sending it twice does no harm (default: it is a GET). `estimate` is its cost in resource
        units, if not the documented one; `parts` are the requests inside a `$batch`.
        """
        address = self.endpoints.address(path, version)
        trying = _Trying(
            method, address, payload, asked or f"{method} {_below(path)}", permission, bucket,
            {"Prefer": PREFER, **(headers or {})},
            repeatable=method == "GET" if repeatable is None else repeatable,
            estimate=resource_units(method, self.endpoints.relative(address)[1]) if estimate is None else estimate,
            parts=parts, until=self._clock() + self.limits.total_seconds,
        )
        while True:
            try:
                return await self._once(trying)
            except EntraError as error:
                wait = self._another_try(trying, error)
                if wait is None:
                    raise
            self.usage.repeats += 1
            await asyncio.sleep(wait)

    async def _once(self, trying: _Trying) -> Answer:
        token = await self._tokens.token(fresh=trying.stale, claims=trying.claims)
        trying.stale, trying.claims = False, ""
        seen = Seen(resource_units=0.0)
        wait = self.governor.reserve(trying.bucket, trying.estimate, requests=max(1, trying.parts))
        try:
            await self._turn(trying, wait)
            async with self._gate.entered():
                answer = await self._exchange(trying, token)
                seen = _seen(answer, trying.parts)
                failed = answer.status >= 500 or seen.throttled
                (self._gate.went_badly if failed else self._gate.went_well)()
        except Unavailable:
            self._gate.went_badly()
            raise
        finally:
            self.governor.settle(trying.bucket, trying.estimate, seen)
        self._count(trying, answer, seen)
        if 200 <= answer.status < 300:
            return answer
        if 300 <= answer.status < 400 and trying.redirects < REDIRECTS and trying.method == "GET":
            trying.redirects += 1
            trying.address = self.endpoints.followed(answer.headers.get("Location", ""))
            return await self._once(trying)
        raise self._refusal(trying, answer)

    async def _turn(self, trying: _Trying, wait: float) -> None:
        while wait > 0:
            if wait > self.limits.turn_seconds:
                raise Throttled(f"{trying.asked}: the quota leaves no room in time", wait_seconds=wait)
            trying.until += wait  # waiting for one's turn is not a failed try
            await asyncio.sleep(wait)
            wait = self.governor.pause(trying.bucket)

    async def _exchange(self, trying: _Trying, token: str) -> Answer:
        if self._http is None:
            raise RuntimeError("the Graph session is not open: enter it with `async with`")
        headers = {
            "Authorization": f"Bearer {token}", "Accept": "application/json", "Accept-Encoding": "gzip",
            "client-request-id": str(uuid4()), **trying.headers,
        }
        if trying.payload is not None:
            headers.setdefault("Content-Type", "application/json")
        if self._scheduled:
            headers["x-ms-throttle-priority"] = "low"
        self.usage.requests += 1
        about = collection_of(trying.address)
        measure.requests.add(1, {"cairn.graph.collection": about})
        try:
            # A nextLink is sent back letter by letter: yarl must not decode and encode it anew.
            with span("graph", {"http.request.method": trying.method, "cairn.graph.collection": about}) as traced:
                async with self._http.request(
                    trying.method, URL(trying.address, encoded=True), data=trying.payload, headers=headers,
                    allow_redirects=False,
                ) as response:
                    traced.set_attribute("http.response.status_code", response.status)
                    return Answer(response.status, response.headers.copy(), await _body(response))
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise Unavailable(f"{trying.asked}: the connection was cut ({type(error).__name__})") from None

    def _refusal(self, trying: _Trying, answer: Answer) -> EntraError:
        try:
            body = answer.content()
        except Garbled:
            body = b""
        error = failure(answer.status, answer.headers, body, asked=trying.asked, permission=trying.permission)
        trying.told = retry_after(answer.headers)
        if answer.status == 401:
            trying.claims = _claims_challenge(answer.headers.get("WWW-Authenticate", ""))
            if trying.claims and trying.renewed:
                error.code, error.remedy = "claimsChallenge", CLAIMS_REMEDY
        return error

    def _another_try(self, trying: _Trying, error: EntraError) -> float | None:
        """Seconds after which the request is sent again, or None if the error is to be raised."""
        if isinstance(error, NotPermitted) and error.status == 401 and not trying.renewed:
            trying.renewed = trying.stale = True
            return 0.0
        if isinstance(error, Throttled):
            trying.throttled += 1
            told = error.wait_seconds
            # Never earlier than told, since that counts against the quota too; a little later, so as not to come all
            # at once. The governor holds back every other request of the bucket meanwhile.
            wait = self._backoff(trying.throttled + 1) if told is None else told + random.uniform(0, 0.1)  # noqa: S311
            late = trying.throttled >= self.limits.throttled_attempts
        elif isinstance(error, Unavailable) and trying.repeatable:
            trying.attempts += 1
            wait = max(trying.told or 0.0, self._backoff(trying.attempts))
            trying.told = None
            late = trying.attempts >= self.limits.attempts
        else:
            return None
        return None if late or self._clock() + wait > trying.until else wait

    def _backoff(self, attempt: int) -> float:
        longest = min(self.limits.wait_seconds_max, self.limits.first_wait_seconds * 2.0 ** (attempt - 1))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret

    def _count(self, trying: _Trying, answer: Answer, seen: Seen) -> None:
        self.usage.parts += trying.parts
        self.usage.bytes_received += len(answer.body)
        self.usage.throttled += seen.throttled
        if seen.throttled:
            measure.throttled.add(seen.throttled, {"cairn.graph.collection": collection_of(trying.address)})
        if not trying.parts:  # the parts of a `$batch` are counted one by one, where they are read
            self.usage.resource_units += trying.estimate if seen.resource_units is None else seen.resource_units


async def _body(response: aiohttp.ClientResponse) -> bytes:
    chunks: list[bytes] = []
    received = 0
    async for chunk in response.content.iter_any():
        received += len(chunk)
        if received > BODY_BYTES_MAX:
            raise Garbled("the answer is larger than any that Microsoft Graph gives", code="tooLarge")
        chunks.append(chunk)
    return b"".join(chunks)


def _seen(answer: Answer, parts: int) -> Seen:
    # A `$batch` is charged part by part, and its parts say so themselves.
    return Seen(
        resource_units=None if parts else number(answer.headers.get("x-ms-resource-unit")),
        percentage=number(answer.headers.get("x-ms-throttle-limit-percentage")),
        throttled=answer.status == 429,
        wait_seconds=retry_after(answer.headers) if answer.status == 429 else None,
    )


def number(text: str | None) -> float | None:
    """A header's number; None where it is absent or none."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None


def _claims_challenge(header: str) -> str:
    """The claims that continuous access evaluation asks for, ready for the token request; empty if it asks for none."""
    found = re.search(r'claims="([^"]+)"', header)
    if not found:
        return ""
    try:
        return urlsafe_b64decode(found.group(1) + "=" * (-len(found.group(1)) % 4)).decode()
    except ValueError:
        return ""


def _below(path: str) -> str:
    """A path for a message: no query, since it may hold a token or a name."""
    return path.split("?", 1)[0].split("://", 1)[-1]
