"""Entra's deleted items of one type: what can still be revived with its id, and since when it has been there.

Source: "List deletedItems (directory objects)"; Conditional Access and role definitions have containers of their own.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from shared.catalog.row import ObjectType
from shared.entra.listing import Asking, pages, with_query
from shared.entra.pages import Body, parse_page
from shared.entra.single_reads import bucket_of, permission_of
from shared.entra.transport import Graph

LIST_PAGE = 999


def has_recycle_bin(graph: Graph, row: ObjectType) -> bool:
    """Whether deleted objects of the type wait anywhere in this cloud."""
    return row.recycle_bin is not None and graph.endpoints.cloud in row.recycle_bin.clouds


async def deleted(graph: Graph, row: ObjectType, *, select: tuple[str, ...] = ()) -> AsyncGenerator[list[Body]]:
    """Deleted objects of the type, page by page; none where there is no recycle bin.

    Without `select` the answer is Graph's default, which for users is a small part of the object.
    """
    if row.recycle_bin is None or not has_recycle_bin(graph, row):
        return
    asking = Asking(
        asked=f"deleted {row.title}", version=row.recycle_bin.version, permission=permission_of(row),
        bucket=bucket_of(row),
    )
    path = with_query(
        row.recycle_bin.path, select=",".join(select), top=LIST_PAGE if row.page_size == LIST_PAGE else None
    )
    async with aclosing(pages(graph, path, asking)) as listed:
        async for page in listed:
            yield [body for _, body in parse_page(page.values, key=row.key).objects]


async def deleted_at(graph: Graph, row: ObjectType) -> dict[str, str]:
    """Key of each object in the recycle bin → when it was deleted (RFC 3339; empty where Graph does not say)."""
    found: dict[str, str] = {}
    async with aclosing(deleted(graph, row, select=(row.key, "deletedDateTime"))) as listed:
        async for bodies in listed:
            found.update({str(body[row.key]): str(body.get("deletedDateTime") or "") for body in bodies})
    return found
