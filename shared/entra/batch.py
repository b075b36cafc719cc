"""Many small reads in `$batch`: 20 a request, several on their way, each part judged on its own.

    parts → bundles of 20 → answers in any order
      2xx: the part's body              429: the part waits for its own Retry-After and goes into a later bundle
      401: again with a new token, once
      5xx, no answer: again, a few times          all else: the part's typed error

Invariants: every part is answered exactly once, by a body or by an error; one part's failure is no other part's; a
request that fails as a whole is raised, save where `$batch` itself is refused: then every part goes by itself. A list
inside a part is followed to its end, part by part.
Source: "Combine multiple HTTP requests using JSON batching" (at most 20 parts; parts are throttled one by one).
"""

import asyncio
import random
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import orjson

from shared.entra.bodies import document as json_of
from shared.entra.bodies import is_error
from shared.entra.failures import failure, retry_after
from shared.entra.governor import Bucket, Seen
from shared.entra.listing import NEXT, Course
from shared.entra.resource_units import resource_units
from shared.entra.transport import PREFER, Answer, Graph, number
from shared.errors import EntraError, Garbled, NotFound, NotPermitted, Rejected, Throttled, Unavailable

PARTS_MAX = 20
IN_FLIGHT = 12
"""Requests on their way at once; the session's gate and the governor may hold them back further."""

NO_CONTENT = 204

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """One GET inside a `$batch`."""

    id: str
    """The caller's own name for it; need not be unique."""
    path: str
    """Below the version, with its query."""
    asked: str = ""
    permission: str = ""
    bucket: Bucket = ""
    then: tuple[str, ...] = ()
    """Further lists that belong to the same one, read after it (`read_lists`)."""
    headers: Mapping[str, str] = field(default_factory=dict)
    binary: bool = False
    """Its body is bytes, which `$batch` carries as base64 text, and no JSON object."""


@dataclass(frozen=True, slots=True)
class PartAnswer:
    """What became of a part: a body, or an error."""

    part: Part
    body: Any = field(default=None, repr=False)
    error: EntraError | None = None

    def as_bytes(self) -> bytes:
        """The body of a binary part, which `$batch` carries as base64; Garbled if it is none."""
        try:
            return b64decode(self.body, validate=True) if isinstance(self.body, str) else b""
        except (Base64Error, ValueError):
            raise Garbled(f"{self.part.asked}: the part is not base64", code="notBase64") from None


@dataclass(frozen=True, slots=True)
class ListSlice:
    """One page of a part's list; `first` and `last` say where in the list it stands."""

    part: Part
    values: list[Json] = field(repr=False)
    first: bool
    last: bool
    error: EntraError | None = None
    """The list ends here, unread from here on."""


async def read_parts(
    graph: Graph, parts: Iterable[Part], *, version: str = "v1.0", in_flight: int = IN_FLIGHT, size: int = PARTS_MAX
) -> AsyncGenerator[PartAnswer]:
    """The answer to every part, in the order in which they come; `parts` is drawn from as there is room."""
    async with aclosing(_bundles(graph, _Queue(iter(parts), size), version, in_flight)) as bundles:
        async for answers in bundles:
            for answer in answers:
                yield answer


async def read_lists(
    graph: Graph, parts: Iterable[Part], *, version: str = "v1.0", in_flight: int = IN_FLIGHT, size: int = PARTS_MAX
) -> AsyncGenerator[ListSlice]:
    """Every page of every part's list; the pages of one part come in their order."""
    queue = _Queue(iter(parts), size)
    going_on: dict[int, Course] = {}
    async with aclosing(_bundles(graph, queue, version, in_flight)) as bundles:
        async for answers in bundles:
            for answer in answers:
                course = going_on.pop(id(answer.part), None)
                first, course = course is None, course or _course(answer.part)
                one, follow = _slice(graph, answer, version, course, first=first)
                if follow is not None:
                    going_on[id(follow)] = course
                    queue.again(follow)
                yield one


async def get_by_ids(
    graph: Graph, ids: Iterable[str], *, types: tuple[str, ...] = (), select: tuple[str, ...] = ("id",),
    permission: str = "",
) -> dict[str, Json]:
    """id → body of those directory objects that exist, 1,000 a request; a deleted one is simply not among them."""
    found: dict[str, Json] = {}
    waiting = iter(ids)
    path = "/directoryObjects/getByIds" + (f"?$select={','.join(select)}" if select else "")
    while some := list(islice(waiting, 1000)):
        payload: Json = {"ids": some, **({"types": list(types)} if types else {})}
        document = await graph.post_json(
            path, orjson.dumps(payload), asked="objects by id", permission=permission
        )
        values = document.get("value")
        if not isinstance(values, list):
            raise Garbled("getByIds was answered without `value`", code="noValue")
        found.update({value["id"]: value for value in values if isinstance(value, dict) and "id" in value})
    return found


@dataclass(slots=True)
class _Pending:
    part: Part
    attempts: int = 0
    throttled: int = 0
    renewed: bool = False
    """Whether it is being sent again with a new token."""


class _Queue:
    """Parts that are still to be sent: repeats that are due, then pages that go on, then new ones."""

    def __init__(self, parts: Iterator[Part], size: int) -> None:
        self._fresh = parts
        self._size = size
        self._ready: deque[_Pending] = deque()
        self._waiting: list[tuple[float, int, _Pending]] = []
        self._count = 0
        self.singly = False
        """Whether this Graph has no `$batch`."""

    def again(self, part: Part) -> None:
        self._ready.append(_Pending(part))

    def later(self, pending: _Pending, at: float) -> None:
        self._count += 1
        self._waiting.append((at, self._count, pending))

    def bundle(self, now: float) -> list[_Pending]:
        due = sorted(entry for entry in self._waiting if entry[0] <= now)
        self._waiting = [entry for entry in self._waiting if entry[0] > now]
        self._ready.extendleft(entry[2] for entry in reversed(due))
        bundle = [self._ready.popleft() for _ in range(min(self._size, len(self._ready)))]
        bundle += [_Pending(part) for part in islice(self._fresh, self._size - len(bundle))]
        return bundle

    def next_due(self) -> float | None:
        return min((at for at, _, _ in self._waiting), default=None)


async def _bundles(
    graph: Graph, queue: _Queue, version: str, in_flight: int
) -> AsyncGenerator[list[PartAnswer]]:
    running: set[asyncio.Task[list[PartAnswer]]] = set()
    try:
        while True:
            while len(running) < in_flight and (bundle := queue.bundle(graph.now())):
                running.add(asyncio.create_task(_sent(graph, bundle, queue, version)))
            due = queue.next_due()
            if not running and due is None:
                return
            wait = None if due is None else max(0.0, due - graph.now())
            if not running:
                await asyncio.sleep(wait or 0.0)
                continue
            done, running = await asyncio.wait(running, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield task.result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _sent(graph: Graph, bundle: list[_Pending], queue: _Queue, version: str) -> list[PartAnswer]:
    if queue.singly:
        return await _alone(graph, bundle, version)
    costs = [float(resource_units("GET", pending.part.path)) for pending in bundle]
    bucket: Bucket = next((pending.part.bucket for pending in bundle if pending.part.bucket), "")
    payload = {"requests": [
        {
            "id": str(place), "method": "GET", "url": pending.part.path,
            "headers": {"Prefer": PREFER, **pending.part.headers},
        }
        for place, pending in enumerate(bundle)
    ]}
    token = await graph.token()
    try:
        document = await graph.post_json(
            "/$batch", orjson.dumps(payload), version=version, asked=f"a batch of {bundle[0].part.asked or 'reads'}",
            permission=bundle[0].part.permission, estimate=sum(costs), parts=len(bundle), bucket=bucket,
        )
    except (NotFound, Rejected):  # no `$batch` here; each part finds out by itself whether it is refused
        queue.singly = True
        return await _alone(graph, bundle, version)
    answered = _by_place(document)
    _settled(graph, bucket, costs, answered)
    answers = []
    judged = [_judged(pending, answered.get(place)) for place, pending in enumerate(bundle)]
    for place, (pending, answer) in enumerate(zip(bundle, judged, strict=True)):
        if _signed_out(answer.error) and not pending.renewed:  # the token ended while the batch was worked on
            await graph.renew_token(token, _headers(answered.get(place)).get("www-authenticate", ""))
    for pending, answer in zip(bundle, judged, strict=True):
        wait = None if answer.error is None else _another_try(graph, pending, answer.error)
        if wait is None:
            answers.append(answer)
        else:
            graph.usage.repeats += 1
            queue.later(pending, graph.now() + wait)
    return answers


async def _alone(graph: Graph, bundle: list[_Pending], version: str) -> list[PartAnswer]:
    """The same, each part a request of its own, which the transport repeats where that helps."""
    return [await _answered(graph, pending.part, version) for pending in bundle]


async def _answered(graph: Graph, part: Part, version: str) -> PartAnswer:
    async def get() -> Answer:
        return await graph.get(
            part.path, version=version, asked=part.asked, permission=part.permission, bucket=part.bucket,
            headers=part.headers,
        )

    try:
        first = await get()
        if part.binary:
            return PartAnswer(part, b64encode(first.content()).decode())
        body = None if first.status == NO_CONTENT else await graph.reread(get, json_of, first)
        return PartAnswer(part, body)
    except EntraError as error:
        return PartAnswer(part, error=error)


def _by_place(document: Json) -> dict[int, Json]:
    responses = document.get("responses")
    if not isinstance(responses, list):
        raise Garbled("a $batch was answered without `responses`", code="noResponses")
    return {
        int(response["id"]): response for response in responses
        if isinstance(response, dict) and str(response.get("id", "")).isdecimal()
    }


def _judged(pending: _Pending, response: Json | None) -> PartAnswer:
    part = pending.part
    if response is None or not isinstance(response.get("status"), int):
        return PartAnswer(part, error=Unavailable(f"{part.asked}: the $batch left this part out"))
    status, body = response["status"], response.get("body")
    if 200 <= status < 300:
        if not part.binary and status != NO_CONTENT and (not isinstance(body, dict) or is_error(body)):
            return PartAnswer(part, error=Garbled(f"{part.asked or 'a part'}: not a JSON object", code="notJson"))
        return PartAnswer(part, body)
    # A part's error is JSON in JSON; what else may stand there (an HTML page as text) has no code to read.
    return PartAnswer(part, error=failure(
        status, _headers(response), orjson.dumps(body), asked=part.asked or "a part", permission=part.permission
    ))


def _headers(response: Json | None) -> dict[str, str]:
    headers = response.get("headers") if response else None
    return {str(name).lower(): str(text) for name, text in headers.items()} if isinstance(headers, dict) else {}


def _settled(graph: Graph, bucket: Bucket, costs: list[float], answered: Mapping[int, Json]) -> None:
    """Tell the governor what the parts cost beyond what was reckoned, and what they said of the limit."""
    reckoned = actual = 0.0
    highest: float | None = None
    for place, cost in enumerate(costs):
        response = answered.get(place)
        headers = _headers(response)
        if response is not None and response.get("status") == 429:
            graph.usage.throttled += 1
            # What was refused cost nothing, and holds back everything else in its bucket.
            graph.governor.correct(bucket, 0.0, Seen(-cost, None, throttled=True, wait_seconds=retry_after(headers)))
            continue
        told = number(headers.get("x-ms-resource-unit"))
        reckoned += cost
        actual += cost if told is None else told
        percentage = number(headers.get("x-ms-throttle-limit-percentage"))
        highest = percentage if highest is None else max(highest, percentage or 0.0)
    graph.usage.resource_units += actual
    graph.governor.correct(bucket, reckoned, Seen(actual, highest))


def _signed_out(error: EntraError | None) -> bool:
    return isinstance(error, NotPermitted) and error.status == 401


def _another_try(graph: Graph, pending: _Pending, error: EntraError) -> float | None:
    limits = graph.limits
    if _signed_out(error) and not pending.renewed:
        pending.renewed = True
        return 0.0
    if isinstance(error, Throttled):
        pending.throttled += 1
        if pending.throttled >= limits.throttled_attempts:
            return None
        if error.wait_seconds is not None:
            return error.wait_seconds if error.wait_seconds <= limits.total_seconds else None
        attempt = pending.throttled + 1
    elif isinstance(error, (Unavailable, Garbled)):
        pending.attempts += 1
        if pending.attempts >= limits.attempts:
            return None
        attempt = pending.attempts
    else:
        return None
    longest: float = min(limits.wait_seconds_max, limits.first_wait_seconds * 2.0 ** (attempt - 1))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret


def _slice(
    graph: Graph, answer: PartAnswer, version: str, course: Course, *, first: bool
) -> tuple[ListSlice, Part | None]:
    """One page of a part's list, and the part that goes on with it."""
    part = answer.part
    try:
        if answer.error is not None:
            raise answer.error
        values, link = _page(answer)
        if link:
            link_version, path = graph.endpoints.relative(link)
            if link_version != version:
                raise Garbled(f"{part.asked}: a nextLink leads to another version", code="badLink")
            course.shows(values)
            course.goes_on(path)
            return ListSlice(part, values, first, last=False), replace(part, path=path)
        if part.then:
            course.begins(part.then[0])
            return ListSlice(part, values, first, last=False), replace(part, path=part.then[0], then=part.then[1:])
        return ListSlice(part, values, first, last=True), None
    except EntraError as error:
        return ListSlice(part, [], first, last=True, error=error), None


def _page(answer: PartAnswer) -> tuple[list[Json], str]:
    """The values and the nextLink of a list; one object in place of a list is a list of one."""
    body = answer.body
    if isinstance(body, dict) and "value" not in body and isinstance(body.get("id"), str):
        return [body], ""
    values = body.get("value") if isinstance(body, dict) else None
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise Garbled(f"{answer.part.asked}: the part has no `value` that is a list", code="noValue")
    link = body.get(NEXT) or ""
    if not isinstance(link, str):
        raise Garbled(f"{answer.part.asked}: the part's nextLink is no address", code="badLink")
    return values, link


def _course(part: Part) -> Course:
    course = Course(part.asked)
    course.begins(part.path)
    return course
