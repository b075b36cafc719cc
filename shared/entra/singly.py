"""Lists that expand a relation; where this Graph refuses that, without it, and each object is asked by itself.

Which of the two it is goes with the address of each page, so that a list that was left goes on as it was begun.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace

from shared.entra.listing import Asking, Page, pages
from shared.entra.transport import Graph

SINGLY = "singly "
"""What the place begins with where this Graph refuses to expand; alone it is the beginning of such a list."""


async def expanded_pages(
    graph: Graph, place: str, path: Callable[[bool], str], asking: Asking, *, ahead: Callable[[], bool], empty: int = 0
) -> AsyncGenerator[Page]:
    """Every page from this place on (empty: the beginning), a `next_link` being the place of the next; `path` is where
    the list begins, expanded or not."""
    singly = place.startswith(SINGLY)
    address = place.removeprefix(SINGLY) or path(not singly)
    async with aclosing(pages(graph, address, asking, ahead=ahead, empty=empty)) as listed:
        async for page in listed:
            yield replace(page, next_link=SINGLY + page.next_link) if singly and page.next_link else page
