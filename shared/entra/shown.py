"""Whether a delta shows the links that it was asked for: a tenant without any, and a Graph that shows none, look alike.

Invariant: a link of which a whole round showed nothing is asked for of some objects by itself; if one of them has it,
the round was not whole, and the type is to be read without delta.
"""

from collections.abc import Sequence
from contextlib import aclosing

from shared.catalog.row import Link
from shared.entra.listing import Asking, with_query
from shared.entra.pages import DELTA_SUFFIX, Body
from shared.entra.single_reads import link_slices
from shared.entra.transport import Graph
from shared.entra.wanted import Wanted
from shared.errors import EntraError

ASKED = 100
"""Objects that are asked for a link by themselves: five `$batch`es, and only where not one such link was shown."""


class NotShown(Exception):
    """Objects have a link that their delta does not show."""


def names_shown(links: Sequence[Link], values: Sequence[Body]) -> set[str]:
    """The names of those links that a page of a delta shows of any object."""
    return {link.name for link in links if any(link.name + DELTA_SUFFIX in value for value in values)}


async def any_hidden(graph: Graph, asked: Wanted, links: Sequence[Link], asking: Asking) -> bool:
    """Whether one of some objects has one of these links; False also where that cannot be asked."""
    row = asked.row
    path = with_query(row.path, select=",".join(asked.select), filter=row.filter, top=ASKED if row.page_size else None)
    try:
        document = await graph.get_json(
            path, version=row.version, asked=asking.asked, permission=asking.permission, bucket=asking.bucket
        )
        values = [one for one in document.get("value") or () if isinstance(one, dict) and one.get(row.key)]
        async with aclosing(link_slices(graph, row, links, values[:ASKED])) as reading:
            async for slices, _ in reading:
                if any(one.added for one in slices):
                    return True
    except EntraError:
        return False
    return False
