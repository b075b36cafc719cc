"""Objects that are listed under each object of another type: app role assignments, per-group settings, federated keys.

A page of parents at a time. Where the parents' list can show the children (`$expand`), only those parents that show as
many as Graph ever does are read by themselves; else every parent for which the row's condition holds is.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from shared.catalog.row import PARENT, ObjectType
from shared.catalog.where import holds
from shared.entra.batch import Part, read_lists, read_parts
from shared.entra.failures import is_without_licence
from shared.entra.listing import with_query
from shared.entra.pages import EXPANDED_MAX, TYPE, Body, body_of
from shared.entra.single_reads import Unread, bucket_of, bundle_size, permission_of, still_there
from shared.entra.transport import Graph
from shared.entra.wanted import Wanted
from shared.errors import EntraError, Garbled, NotFound

EXPANDED_PAGE = 100
"""Parents a page, at most, when a relation is expanded."""
GROUP_KIND_PROPERTIES = ("groupTypes", "mailEnabled", "securityEnabled")


@dataclass(slots=True)
class Children:
    """Children of some parents: (parent id, child), and the parents whose children could not be read."""

    found: list[tuple[str, Body]] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)


def parents_path(row: ObjectType, parent: ObjectType, *, expanded: bool = True) -> str:
    """Where the parents are listed, with no more of them than the children need; `expanded` shows these as well."""
    top = EXPANDED_PAGE if row.parent_expand else parent.page_size
    select = ",".join(parents_select(row, parent))
    expand = row.parent_expand if expanded else ""
    return with_query(parent.path, select=select, expand=expand, filter=parent.filter, top=top)


def parents_select(row: ObjectType, parent: ObjectType) -> tuple[str, ...]:
    """The properties of a parent that the children need."""
    return tuple(dict.fromkeys((parent.key, *_properties(row))))


def parents_of(
    row: ObjectType, parent: ObjectType, values: list[Body], named: frozenset[str] = frozenset()
) -> list[Body]:
    """The parents on a page under which the row's objects are to be looked for; `named` are so in any case."""
    ours = [one for one in values if not parent.odata_type or one.get(TYPE) == parent.odata_type]
    return [one for one in ours if holds(row.parent_where, one) or one.get(parent.key) in named]


async def children(graph: Graph, wanted: Wanted, parent: ObjectType, parents: list[Body]) -> AsyncGenerator[Children]:
    """The children of these parents, some at a time; NotPermitted where the tenant has no licence for any of them."""
    row = wanted.row
    shown, cut = _expanded(row, parent, parents)
    if shown.found:
        yield shown
    to_ask = cut if row.parent_expand else [str(one.get(parent.key, "")) for one in parents]
    if not to_ask:
        return
    reading = _alone(graph, wanted, to_ask) if row.one_per_parent else _listed(graph, wanted, to_ask)
    missing: dict[str, Unread] = {}
    found = bool(shown.found)
    async with aclosing(reading):
        async for some in reading:
            found = found or bool(some.found)
            for one in () if found else some.unread:
                if is_without_licence(one.error):  # it is the tenant's, so one parent says it for all
                    raise one.error
            gone = [one for one in some.unread if isinstance(one.error, NotFound)]
            missing.update((one.object_id, one) for one in gone)
            some.unread = [
                one for one in some.unread if one not in gone and one.error.status not in row.absent_status
            ]
            yield some
    if row.absent_status and 404 in row.absent_status:
        return
    still = await still_there(graph, parent, missing)
    yield Children(unread=[missing[identity] for identity in still])


def child_body(row: ObjectType, parent_id: str, value: Body) -> tuple[str, Body]:
    """(identity, body) of a child; Garbled if it has no key of its own."""
    body = {**body_of(value), PARENT: parent_id}
    key = body.get(row.key)
    if not isinstance(key, str) or not key:
        if not row.one_per_parent:
            raise Garbled(f"one of {row.title} has no {row.key!r}", code="noKey")
        return parent_id, body
    return (f"{parent_id}/{key}" if row.key_in_parent else key), body


def _expanded(row: ObjectType, parent: ObjectType, parents: list[Body]) -> tuple[Children, list[str]]:
    shown, cut = Children(), list[str]()
    for one in parents if row.parent_expand else ():
        identity = str(one.get(parent.key, ""))
        inline = one.get(row.parent_expand)
        if isinstance(inline, list) and len(inline) < EXPANDED_MAX:
            shown.found += [(identity, child) for child in inline]
        else:
            cut.append(identity)  # cut short, or not shown at all
    return shown, cut


async def _listed(graph: Graph, wanted: Wanted, parents: list[str]) -> AsyncGenerator[Children]:
    row = wanted.row
    parts = [_part(wanted, identity) for identity in parents]
    lists = read_lists(graph, parts, version=row.version, size=bundle_size(bucket_of(row)))
    async with aclosing(lists):
        async for page in lists:
            identity = page.part.id
            yield Children(
                [(identity, value) for value in page.values],
                [Unread(identity, row.name, page.error)] if page.error is not None else [],
            )


async def _alone(graph: Graph, wanted: Wanted, parents: list[str]) -> AsyncGenerator[Children]:
    row = wanted.row
    parts = [_part(wanted, identity) for identity in parents]
    answers = read_parts(graph, parts, version=row.version, size=bundle_size(bucket_of(row)))
    async with aclosing(answers):
        async for answer in answers:
            identity, error, body = answer.part.id, answer.error, answer.body
            if error is None and not isinstance(body, dict) and body not in (None, ""):
                error = Garbled(f"one of {row.title} is not a JSON object", code="notJson")
            unread = [Unread(identity, row.name, error)] if isinstance(error, EntraError) else []
            yield Children([(identity, body)] if isinstance(body, dict) and error is None else [], unread)


def _part(wanted: Wanted, parent_id: str) -> Part:
    row = wanted.row
    path: Any = with_query(
        row.path, select=",".join(wanted.select), expand=",".join(row.expand), filter=row.filter,
        top=None if row.one_per_parent else row.page_size,
    )
    return Part(
        parent_id, path.replace("{id}", quote(parent_id, safe="")).replace("%7Bid%7D", quote(parent_id, safe="")),
        asked=row.title, permission=permission_of(row), bucket=bucket_of(row),
    )


def _properties(row: ObjectType) -> tuple[str, ...]:
    if row.parent_where is None or row.parent_where[0].startswith("@"):
        return ()
    name = row.parent_where[0].split(".")[0]
    return GROUP_KIND_PROPERTIES if name == "groupKind" else (name,)
