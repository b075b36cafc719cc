"""A paged list, page by page, the next one on its way before this one is worked on.

    send page n → find nextLink in its head → send page n+1 → parse page n in a worker thread → hand it out

Invariants: every page up to the last is handed out or an error is raised; a nextLink that came before is an error and
never followed again; nextLink and deltaLink are followed letter by letter, below the Graph root only; a page that can't
be parsed is read again by itself. A page carries the address of the next one, so a caller goes on from any page.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

from shared.entra import bodies
from shared.entra.governor import Bucket
from shared.entra.transport import Answer, Graph
from shared.errors import Garbled

NEXT = "@odata.nextLink"
DELTA = "@odata.deltaLink"


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
    graph: Graph, path: str, asking: Asking | None = None, *, ahead: Callable[[], bool] = lambda: True
) -> AsyncGenerator[Page]:
    """Every page from `path` on, a path below the version or a nextLink; `ahead` says whether to ask for one more
    while this one is worked on."""
    asking = asking or Asking()
    visited = {_mark(graph.endpoints.address(path, asking.version))}
    coming: asyncio.Task[Answer] = asyncio.create_task(_read(graph, path, asking))
    expected = path
    try:
        while True:
            answer = await coming
            early = bodies.next_link_in_head(answer.body, answer.encoding) if ahead() else ""
            if early and _mark(early) not in visited:
                coming = asyncio.create_task(_read(graph, graph.endpoints.followed(early), asking))
            page = await _parsed(graph, expected, asking, answer)
            if early and page.next_link != early:
                await _abandoned(coming)
            yield page
            if not page.next_link:
                return
            if _mark(page.next_link) in visited:
                raise Garbled(f"{asking.asked or 'a list'}: a nextLink repeats, so the list has no end", code="loop")
            visited.add(_mark(page.next_link))
            if page.next_link != early:
                coming = asyncio.create_task(_read(graph, page.next_link, asking))
            expected = page.next_link
    finally:
        await _abandoned(coming)


def links_of(document: Mapping[str, Any]) -> tuple[str, str]:
    """(nextLink, deltaLink) of a page; Garbled if one is there and no address, or if both are."""
    found = []
    for name in (NEXT, DELTA):
        link = document.get(name, "")
        if not isinstance(link, str) or (name in document and not link):
            raise Garbled(f"the page's {name} is no address", code="badLink")
        found.append(link)
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
