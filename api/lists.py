"""Lists: `{"value": […], "nextLink": …}` with `top`, `orderBy`, `q`, and a place to go on from.

The order in which records are kept is the default order and is read page by page. Any other order gathers what
matches, sorts it and goes on by value, so that every order works at the cost that it has. A continuation only says
after which place to go on; what may be seen is decided anew by the request that carries it, and it is refused where
filters or order are not those that it was made for.
"""

import base64
import binascii
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import orjson
from fastapi import Depends, Request
from fastapi import Query as QueryParameter

from api.problems import Problem, unprocessable, wrong
from shared.browse.search.matching import matcher
from shared.browse.search.parsing import parse
from shared.browse.search.query import Field, Query, Screen, SearchError
from shared.expectations import expecting
from shared.records.table import check_key

DEFAULT_TOP = 100
MOST_TOP = 1000

type Listed = Mapping[str, Any]
type Stream = Callable[[str], AsyncIterator[tuple[str, Any]]]
"""Gives (place, record) in the default order, after a place."""


@dataclass(frozen=True, slots=True)
class ListQuery:
    """The parameters that every list takes."""

    top: int
    order_by: str | None
    q: str | None
    continuation: str | None


Top = Annotated[
    int,
    QueryParameter(ge=1, le=MOST_TOP, description="Entries a page."),
    expecting(f"a whole number from 1 to {MOST_TOP}"),
]
Continuation = Annotated[
    str | None, QueryParameter(max_length=2000, description="Where to go on; only ever as a nextLink has it.")
]


async def list_query(
    top: Top = DEFAULT_TOP,
    order_by: Annotated[
        str | None, QueryParameter(alias="orderBy", max_length=100, description="A field, then `asc` or `desc`.")
    ] = None,
    q: Annotated[str | None, QueryParameter(description="A search; see the search language.")] = None,
    continuation: Continuation = None,
) -> ListQuery:
    """The parameters as given."""
    return ListQuery(top, order_by, q, continuation)


ListedBy = Annotated[ListQuery, Depends(list_query)]


async def page_query(top: Top = DEFAULT_TOP, continuation: Continuation = None) -> ListQuery:
    """The parameters of a list that has one order and no search."""
    return ListQuery(top, None, None, continuation)


PagedBy = Annotated[ListQuery, Depends(page_query)]


@dataclass(frozen=True, slots=True)
class Fields:
    """What a list may be ordered by and searched in; `order` is how records are kept: `field asc` or `field desc`."""

    order: str
    sortable: tuple[str, ...]
    searched: Screen | tuple[str, ...] = ()
    """The screen whose search language it has, or the names of its text fields."""

    @property
    def screen(self) -> Screen:
        """What a search may name."""
        if isinstance(self.searched, Screen):
            return self.searched
        return Screen("list", tuple(Field(name) for name in self.searched))


async def listed(
    request: Request, query: ListQuery, fields: Fields, stream: Stream, *, matches: Callable[[Any], bool] | None = None
) -> dict[str, Any]:
    """One page of the stream's records that match, with the nextLink where there are more."""
    chosen, backwards = order_of(query.order_by or fields.order, fields)
    asked_for = searching(query.q, fields)

    def suits(record: Any) -> bool:
        return asked_for(record) and (matches is None or matches(record))

    asked = made_for(request)
    start = start_of(query.continuation, asked)
    if query.order_by is None or (chosen, backwards) == order_of(fields.order, fields):
        page, following = await _kept_order(stream, str(start.get("after", "")), query.top, suits)
    else:
        page, following = await _other_order(stream, chosen, start.get("value"), query.top, suits, backwards=backwards)
    answer: dict[str, Any] = {"value": page}
    if following is not None:
        answer["nextLink"] = next_link(request, {**following, "of": asked})
    return answer


async def _kept_order(
    stream: Stream, after: str, top: int, suits: Callable[[Any], bool]
) -> tuple[list[Any], Listed | None]:
    page: list[Any] = []
    place = after
    async for key, record in stream(after):
        if not suits(record):
            continue
        if len(page) == top:
            return page, {"after": place}
        page.append(record)
        place = key
    return page, None


async def _other_order(
    stream: Stream, chosen: str, start: Any, top: int, suits: Callable[[Any], bool], *, backwards: bool
) -> tuple[list[Any], Listed | None]:
    found = [(_rank(record.get(chosen)), key, record) async for key, record in stream("") if suits(record)]
    found.sort(key=lambda one: one[:2], reverse=backwards)
    if isinstance(start, list) and len(start) == 3:
        mark = ((start[0], start[1]), start[2])
        try:
            found = [one for one in found if (one[:2] < mark if backwards else one[:2] > mark)]
        except TypeError:
            raise bad_continuation() from None
    page = found[:top]
    following = {"value": [*page[-1][0], page[-1][1]]} if len(found) > top else None
    return [record for _, _, record in page], following


def _rank(value: Any) -> tuple[int, Any]:
    """A value that can be compared with any other of its field; nothing comes before something."""
    if value is None:
        return (0, "")
    return (1, value) if isinstance(value, int | float) else (2, str(value).casefold())


def order_of(text: str, fields: Fields) -> tuple[str, bool]:
    """(field, whether downwards) that an `orderBy` asks for; 422."""
    name, _, direction = text.strip().partition(" ")
    if name not in fields.sortable or direction.strip() not in ("", "asc", "desc"):
        raise unprocessable(wrong("orderBy", text, f"one of {', '.join(fields.sortable)}, then asc or desc"))
    return name, direction.strip() == "desc"


def searching(q: str | None, fields: Fields) -> Callable[[Any], bool]:
    """Says whether a record is one that `q` looks for; 400 where it cannot be understood."""
    if q is None or not q.strip() or not fields.searched:
        return lambda _: True
    return matcher(query_of(q, fields.screen), fields.screen)


def query_of(q: str | None, screen: Screen) -> Query | None:
    """What a search on this screen asks; 400 with the position and what was expected."""
    try:
        return parse(q or "", screen)
    except SearchError as error:
        raise Problem(
            400, "wrongQuery", "The search cannot be understood.", str(error),
            errors=[wrong("q", q, f"{error.expected} at character {error.position}")], remedy=error.remedy,
            more={"position": error.position, "expected": error.expected},
        ) from None


def made_for(request: Request) -> str:
    """What a continuation is made for: the list, its filters and its order."""
    return made_for_address(request.url.path, request.query_params.multi_items())


def made_for_address(path: str, parameters: Iterable[tuple[str, str]]) -> str:
    """As made_for, of another address."""
    kept = sorted((name, value) for name, value in parameters if name not in _PAGING)
    return hashlib.sha256(orjson.dumps([path, kept], default=str)).hexdigest()[:16]


_PAGING = frozenset({"top", "continuation"})


def start_of(continuation: str | None, made_for: str) -> dict[str, Any]:
    """Where a continuation goes on, or {} without one; 422 if it is not one of this list."""
    if continuation is None:
        return {}
    try:
        found = orjson.loads(base64.b64decode(continuation.encode("ascii"), altchars=b"-_", validate=True))
        if not isinstance(found, dict) or found.get("of") != made_for:
            raise bad_continuation()
        if "after" in found:
            check_key(found["after"])
    except (ValueError, TypeError, binascii.Error, UnicodeEncodeError):
        raise bad_continuation() from None
    return found


def bad_continuation() -> Exception:
    """422 for a continuation that no nextLink had."""
    return unprocessable(
        wrong("continuation", None, "what the nextLink of the same list holds"), remedy="Start the list anew."
    )


def next_link(request: Request, mark: Listed) -> str:
    """The address of the next page."""
    return address_of(request, request.url.path, request.query_params.multi_items(), mark)


def address_of(request: Request, path: str, parameters: Iterable[tuple[str, str]], mark: Listed | None = None) -> str:
    """The whole address of a list, or of where it goes on."""
    kept = [(name, value) for name, value in parameters if name != "continuation"]
    if mark is not None:
        kept.append(("continuation", base64.urlsafe_b64encode(orjson.dumps(mark)).decode()))
    services = request.app.state.services
    return f"{services.public_root(request)}{quote(path, safe=_IN_PATHS)}?{urlencode(kept)}"


_IN_PATHS = "/:@!$&'()*+,;=~"
"""What stands in a path as it is (RFC 3986, 3.3)."""
