"""A delta round: everything, or everything since a deltaLink.

Invariants: the deltaLink is known only when the round is over, and a round that ends without one is an error; a round
may be taken up again from any of its nextLinks; a token that Graph no longer honours is TokenExpired, never an empty
answer. `$select` fixes the properties and links of a token for its life: whoever changes it starts a full round.
Source: "Use delta query to track changes in Microsoft Graph data".
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from shared.entra.listing import Asking, Page, links_of, pages, with_query
from shared.entra.transport import Graph
from shared.errors import Garbled

NO_DELTA_LINK = "noDeltaLink"
"""The code of the error that a round, or `latest`, ended without a deltaLink."""

TOKEN_DAYS = 7
"""How long a deltaLink of directory objects lives."""


def round_path(path: str, select: tuple[str, ...] = ()) -> str:
    """Where a full round begins, with every property and link that is to be tracked."""
    return with_query(f"{path}/delta", select=",".join(select))


async def rounds(
    graph: Graph, link: str, asking: Asking | None = None, *, ahead: Callable[[], bool] = lambda: True, empty: int = 0
) -> AsyncGenerator[Page]:
    """The pages of a round that begins at, or goes on from, `link`; the last one has the deltaLink."""
    ended = False
    async with aclosing(pages(graph, link, asking, ahead=ahead, empty=empty)) as listed:
        async for page in listed:
            ended = bool(page.delta_link)
            yield page
    if not ended:
        raise Garbled("the delta round ended without a deltaLink", code=NO_DELTA_LINK)


async def latest(graph: Graph, path: str, select: tuple[str, ...], asking: Asking) -> str:
    """A deltaLink that begins now, without reading anything: replayed after a full list, it brings what changed
    meanwhile."""
    document = await graph.get_json(
        with_query(round_path(path, select), deltatoken="latest"), version=asking.version, asked=asking.asked,
        permission=asking.permission, headers=asking.headers,
    )
    _, link = links_of(document)
    if not link:
        raise Garbled("$deltatoken=latest was answered without a deltaLink", code=NO_DELTA_LINK)
    return graph.endpoints.followed(link)
