"""A paged list, page by page, the next one on its way before this one is worked on.

    send page n → find nextLink in its head → send page n+1 → parse page n in a worker thread → hand it out

Invariants: every page up to the last is handed out or an error is raised; a nextLink that came before is an error and
never followed again, and so is a list that goes on without bringing anything new; nextLink and deltaLink are followed
letter by letter, below the Graph root only; a page that can't be parsed is read again by itself. A page carries the
address of the next one, so a caller goes on from any page.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

from shared.entra import bodies
from shared.entra.governor import Bucket
from shared.entra.transport import Answer, Graph
from shared.errors import Garbled

NEXT = "@odata.nextLink"
DELTA = "@odata.deltaLink"

EMPTY_PAGES_MAX = 1_000
"""Pages that bring nothing, one after the other: Graph gives some and ends, so that many more have no end."""
SAME_PAGES_MAX = 3
"""How often one page may come in a row, each time under another address."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, parsed."""

    values: list[dict[str, Any]] = field(repr=False)
    next_link: str
    """Where to go on; empty on the last page."""
    delta_link: str = ""
    """At the end of a delta round only."""
    annotations: int | None = None
    """How many the values hold at any depth, types apart."""
    empty: int = 0
    """How many pages in a row, up to this one, brought nothing."""


@dataclass(slots=True)
class Course:
    """How a list has gone so far, by which one that has no end is found out."""

    asked: str
    empty: int = 0
    _visited: set[bytes] = field(default_factory=set)
    _last: list[dict[str, Any]] = field(default_factory=list)
    _same: int = 1

    def begins(self, address: str) -> None:
        """The list begins, or goes on, at this address."""
        self._visited.add(_mark(address))

    def has_been(self, address: str) -> bool:
        """Whether the list was there already."""
        return _mark(address) in self._visited

    def shows(self, values: list[dict[str, Any]]) -> None:
        """Take in what a page shows."""
        self.empty = 0 if values else self.empty + 1
        self._same = self._same + 1 if values and values == self._last else 1
        self._last = values

    def goes_on(self, link: str) -> None:
        """Take in where that page leads to; Garbled where the list has no end."""
        if self.has_been(link):
            raise self._endless("a nextLink repeats")
        if self.empty >= EMPTY_PAGES_MAX:
            raise self._endless(f"{self.empty} pages one after the other are empty")
        if self._same >= SAME_PAGES_MAX:
            raise self._endless("the same page comes again and again")
        self.begins(link)

    def _endless(self, why: str) -> Garbled:
        return Garbled(f"{self.asked or 'a list'}: {why}, so the list has no end", code="loop")


@dataclass(frozen=True, slots=True)
class Asking:
    """How a list is asked for, the same on every page: headers are not carried by nextLink."""

    asked: str = ""
    """What is read, in words for an error."""
    version: str = "v1.0"
    permission: str = ""
    bucket: Bucket = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def with_query(path: str, **options: str | int | None) -> str:
    """`path` with OData options, named without their `$`; empty ones are left out."""
    asked = [
        f"${name}={quote(str(value), safe="$,()'/:@*")}" for name, value in options.items() if value not in (None, "")
    ]
    return path + ("&" if "?" in path else "?") + "&".join(asked) if asked else path


async def pages(
    graph: Graph, path: str, asking: Asking | None = None, *, ahead: Callable[[], bool] = lambda: True, empty: int = 0
) -> AsyncGenerator[Page]:
    """Every page from `path` on, a path below the version or a nextLink; `ahead` says whether to ask for one more
    while this one is worked on, `empty` how many pages in a row brought nothing before."""
    asking = asking or Asking()
    course = Course(asking.asked, empty)
    course.begins(graph.endpoints.address(path, asking.version))
    coming: asyncio.Task[Answer] = asyncio.create_task(_read(graph, path, asking))
    expected = path
    try:
        while True:
            answer = await coming
            early = bodies.next_link_in_head(answer.body, answer.encoding) if ahead() else ""
            if early and not course.has_been(early):
                coming = asyncio.create_task(_read(graph, graph.endpoints.followed(early), asking))
            page = await _parsed(graph, expected, asking, answer)
            if early and page.next_link != early:
                await _abandoned(coming)
            course.shows(page.values)
            yield replace(page, empty=course.empty)
            if not page.next_link:
                return
            course.goes_on(page.next_link)
            if page.next_link != early:
                coming = asyncio.create_task(_read(graph, page.next_link, asking))
            expected = page.next_link
    finally:
        await _abandoned(coming)


def links_of(document: Mapping[str, Any]) -> tuple[str, str]:
    """(nextLink, deltaLink) of a page, null being none; Garbled if one is there and no address, or if both are."""
    found = []
    for name in (NEXT, DELTA):
        link = document.get(name)
        if link is not None and (not isinstance(link, str) or not link):
            raise Garbled(f"the page's {name} is no address", code="badLink")
        found.append(link or "")
    if all(found):
        raise Garbled("the page has both a nextLink and a deltaLink", code="badLink")
    return found[0], found[1]


async def _read(graph: Graph, path: str, asking: Asking) -> Answer:
    return await graph.get(
        path, version=asking.version, asked=asking.asked, permission=asking.permission, bucket=asking.bucket,
        headers=asking.headers,
    )


async def _parsed(graph: Graph, path: str, asking: Asking, first: Answer) -> Page:
    def parse(body: bytes, encoding: str) -> Page:
        document, annotations = bodies.page_document(body, encoding)
        next_link, delta_link = links_of(document)
        for link in (next_link, delta_link):
            if link:
                graph.endpoints.followed(link)
        return Page(document["value"], next_link, delta_link, annotations)

    return await graph.reread(lambda: _read(graph, path, asking), parse, first)


def _mark(link: str) -> bytes:
    return blake2b(link.encode(), digest_size=16).digest()


async def _abandoned(coming: asyncio.Task[Answer]) -> None:
    """End a request that nobody waits for any more, and take in its error so that it is not reported as lost."""
    coming.cancel()
    await asyncio.gather(coming, return_exceptions=True)
