"""Links as their targets' own lists show them, where what is read of the holders may leave some out.

Whether the delta of groups shows members that are service principals is not documented, and the v1.0 list of members
leaves them out ("List group members"); each service principal's `memberOf` shows the groups that it is in. Invariants:
this adds links and takes none away; a target that shows as many as Graph expands at most, or none at all, is asked by
itself; a refusal is an `Unread` of the link, so the type is partial then and not silently without them. Every target
is asked: a delta that shows the members of one sort, such as applications, may leave out another, such as agents.
"""

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, replace

from shared.catalog.row import Link, ObjectType
from shared.entra.children import EXPANDED_PAGE
from shared.entra.listing import Asking, Page, with_query
from shared.entra.pages import LinkSlice, Target, parse_page
from shared.entra.single_reads import LIST_PAGE, Unread, bucket_of, link_slices, permission_of
from shared.entra.singly import SINGLY, expanded_pages
from shared.entra.transport import Graph
from shared.errors import Garbled, NotFound, NotPermitted, Rejected


@dataclass(frozen=True, slots=True)
class Turned:
    """A piece: links of the holders, what could not be read, and the page that ends with it (None: more follows)."""

    slices: list[LinkSlice]
    unread: list[Unread]
    page: Page | None = None


async def turned_links(
    graph: Graph, holder: ObjectType, link: Link, target: ObjectType, *, at: str = "",
    ahead: Callable[[], bool] = lambda: True, empty: int = 0,
) -> AsyncGenerator[Turned]:
    """`link` of the holders, as the targets of this type show it; `at` is the `page.next_link` of an earlier piece."""
    shown = target.link(link.shown_by.partition(".")[2])
    try:
        async with aclosing(_listed(graph, holder, link, target, shown, at, ahead, empty)) as pieces:
            async for piece in pieces:
                yield piece
    except Rejected:
        async with aclosing(_listed(graph, holder, link, target, shown, SINGLY, ahead, 0)) as pieces:
            async for piece in pieces:
                yield piece


async def _listed(
    graph: Graph, holder: ObjectType, link: Link, target: ObjectType, shown: Link, at: str, ahead: Callable[[], bool],
    empty: int,
) -> AsyncGenerator[Turned]:
    def path(expanded: bool) -> str:
        expand = f"{shown.name}($select=id)" if expanded else ""
        return with_query(
            target.path, select=target.key, expand=expand, top=EXPANDED_PAGE if expanded else LIST_PAGE
        )

    asking = Asking(f"{shown.name} of {target.title}", target.version, permission_of(target), bucket_of(target))
    try:
        async with aclosing(expanded_pages(graph, at, path, asking, ahead=ahead, empty=empty)) as listed:
            async for page in listed:
                async with aclosing(_page(graph, holder, link, target, shown, page)) as pieces:
                    async for piece in pieces:
                        yield piece
    except (NotPermitted, NotFound, Garbled, Rejected) as refused:
        if isinstance(refused, Rejected) and not at.startswith(SINGLY):
            raise  # it may refuse the expanded list only
        yield Turned([], [Unread("", link.name, refused)], Page([], ""))


async def _page(
    graph: Graph, holder: ObjectType, link: Link, target: ObjectType, shown: Link, page: Page
) -> AsyncGenerator[Turned]:
    parsed = parse_page(page.values, key=target.key, expanded=[shown.name])
    whole = {one.source for one in parsed.links}
    asked = [value for value in page.values if value.get(target.key) not in whole]
    untold = _untold(parsed.links, link, target)
    yield Turned(list(_turned(parsed.links, holder, link, target)), untold, None if asked else page)
    if not asked:
        return
    async with aclosing(link_slices(graph, target, [shown], asked)) as reading:
        async for slices, failed in reading:
            unread = [replace(one, what=link.name) for one in failed]
            yield Turned(
                list(_turned(slices, holder, link, target)), [*unread, *_untold(slices, link, target)]
            )
    yield Turned([], [], page)


def _turned(slices: Iterable[LinkSlice], holder: ObjectType, link: Link, target: ObjectType) -> Iterable[LinkSlice]:
    for one in slices:
        to = (Target(one.source, target.graph_type),)
        yield from (LinkSlice(at.id, link.name, to) for at in one.added if at.type == holder.graph_type)


def _untold(slices: Iterable[LinkSlice], link: Link, target: ObjectType) -> list[Unread]:
    """Targets that are in something of which Graph does not say what it is, so that a holder may be among them."""
    error = Garbled(f"{link.shown_by} of {target.title}: shown without the type of what it leads to", code="noType")
    return [Unread(one.source, link.name, error) for one in slices if any(not at.type for at in one.added)]
