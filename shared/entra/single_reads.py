"""Reads that take a request for each object, all in `$batch`: slow properties, links, and who is gone meanwhile.

Invariants: what could not be read is returned as `Unread`, object by object, never as empty; an object that was deleted
between its list and its own request is neither unread nor an error (the closing delta or the next list tells of it).
"""

from base64 import b64encode
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from shared.catalog.row import Link, ObjectType
from shared.catalog.where import holds
from shared.entra.batch import PARTS_MAX, ListSlice, Part, PartAnswer, read_lists, read_parts
from shared.entra.governor import Bucket
from shared.entra.listing import with_query
from shared.entra.pages import TYPE, Body, LinkSlice, body_of, targets_of
from shared.entra.transport import Graph
from shared.entra.wanted import Wanted
from shared.errors import EntraError, Garbled, NotFound

LINKS_A_SLICE = 5_000
"""Targets handed out together, so that one large group does not fill the memory."""

LIST_PAGE = 999

BESIDE: Mapping[str, tuple[str, ...]] = {
    # "List group members": v1.0 does not list service principals among the members; the cast does.
    "/groups/{id}/members": ("/groups/{id}/members/microsoft.graph.servicePrincipal",),
}
"""Lists that are not whole by themselves, and what has to be read beside them."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A part of one object that could not be read, and why."""

    object_id: str
    what: str
    """A property, a link, or the type's name for the objects under a parent."""
    error: EntraError


def bucket_of(row: ObjectType) -> Bucket:
    """The bucket of the type's ordinary requests: credentials cost theirs only where keys are asked for singly."""
    return "conditionalAccess" if row.special_bucket == "conditionalAccess" else ""


def listing_bucket(row: ObjectType, select: Collection[str]) -> Bucket:
    """The bucket of the type's list: one that shows credentials counts against their limit, page by page."""
    return "keyCredentials" if "keyCredentials" in select else bucket_of(row)


def bundle_size(bucket: Bucket) -> int:
    """Parts a `$batch`: one where Graph takes one request a second, since parts are counted one by one."""
    return 1 if bucket == "conditionalAccess" else PARTS_MAX


def permission_of(row: ObjectType, link: Link | None = None) -> str:
    """The permission to name when Graph refuses."""
    return " ".join(link.permissions) if link is not None and link.permissions else " ".join(row.read_permissions)


def filled(path: str, value: Body, key: str) -> str:
    """`path` with the object's id, its key and its type in it."""
    identity = quote(str(value.get(key, "")), safe="")
    shown = str(value.get(TYPE, "")).removeprefix("#")
    return path.replace("{id}", identity).replace("{key}", identity).replace("{odataType}", quote(shown, safe="."))


async def slow_properties(
    graph: Graph, wanted: Wanted, values: list[Body], *, also: tuple[str, ...] = ()
) -> tuple[dict[str, Body], list[Unread]]:
    """Key → properties that Graph gives one object at a time, and what of them could not be read.

    `also` names properties that every object is asked for besides.
    """
    row, beside, unread = wanted.row, dict[str, Body](), list[Unread]()
    missing: dict[str, list[Unread]] = {}
    async for answer in _answers(graph, wanted, values, also):
        identity, what, kind = answer.part.id.split("\n")
        error = answer.error
        if isinstance(error, NotFound) and kind == "stream":
            continue  # no logo is no failure
        try:
            if error is not None:
                raise error
            if kind == "stream":
                if answer.body:
                    beside.setdefault(identity, {})[what] = b64encode(answer.as_bytes()).decode()
            elif not isinstance(answer.body, dict):
                raise Garbled(f"{answer.part.asked}: the part is not a JSON object", code="notJson")
            elif kind == "document":
                beside.setdefault(identity, {})[what] = once_each(body_of(answer.body))
            else:
                shown = body_of(answer.body)
                beside.setdefault(identity, {}).update({name: shown.get(name) for name in what.split(",")})
        except NotFound as gone:
            missing.setdefault(identity, []).append(Unread(identity, what, gone))
        except EntraError as failed:
            unread.append(Unread(identity, what, failed))
    still = await still_there(graph, row, missing)
    unread += [one for identity in still for one in missing[identity]]
    return beside, unread


async def _answers(
    graph: Graph, wanted: Wanted, values: list[Body], also: tuple[str, ...]
) -> AsyncGenerator[PartAnswer]:
    row, size = wanted.row, bundle_size(bucket_of(wanted.row))
    parts = {row.version: list(_slow_parts(wanted, values, also))}
    if wanted.in_beta:
        parts["beta"] = list(_beta_parts(wanted, values))
    for version, some in parts.items():
        async for answer in read_parts(graph, some, version=version, size=size):
            yield answer


def once_each(document: Body) -> Body:
    """A document that is a list, without what Graph shows twice (a page may repeat an object)."""
    values = document.get("value")
    if not isinstance(values, list):
        return document
    kept = [one for place, one in enumerate(values) if one not in values[:place]]
    return {**document, "value": kept}


def _slow_parts(wanted: Wanted, values: list[Body], also: tuple[str, ...]) -> Iterable[Part]:
    row = wanted.row
    own_path = row.path if row.alone_at_path else f"{row.path}/{{key}}"
    for value in values:
        def part(path: str, what: str, kind: str, bucket: Bucket, of: Body = value) -> Part:
            return Part(
                f"{of[row.key]}\n{what}\n{kind}", filled(path, of, row.key), asked=f"{what} of one of {row.title}",
                permission=permission_of(row), bucket=bucket, binary=kind == "stream",
            )

        if also:
            names = ",".join(also)
            yield part(with_query(own_path, select=f"{row.key},{names}"), names, "singly", bucket_of(row))
        if wanted.singly and holds(row.singly_where, value):
            names = ",".join(wanted.singly)
            bucket: Bucket = row.special_bucket or ""
            yield part(with_query(own_path, select=f"{row.key},{names}"), names, "singly", bucket)
        for subtype in wanted.subtypes:
            if str(value.get(TYPE, "")).endswith(f".{subtype.name}"):
                names = ",".join(subtype.properties)
                path = with_query(subtype.path, select=f"{row.key},{names}")
                yield part(path, names, "singly", bucket_of(row))
        for name, path in wanted.documents:
            yield part(path, name, "document", bucket_of(row))
        if holds(row.streams_where, value):
            for name in wanted.streams:
                yield part(f"{own_path}/{name}", name, "stream", bucket_of(row))


def _beta_parts(wanted: Wanted, values: list[Body]) -> Iterable[Part]:
    row, names = wanted.row, ",".join(wanted.in_beta)
    path = row.path if row.alone_at_path else with_query(f"{row.path}/{{key}}", select=f"{row.key},{names}")
    for value in values:
        yield Part(
            f"{value[row.key]}\n{names}\nsingly", filled(path, value, row.key), asked=f"{names} of one of {row.title}",
            permission=permission_of(row), bucket=bucket_of(row),
        )


async def link_slices(
    graph: Graph, row: ObjectType, links: Iterable[Link], values: list[Body]
) -> AsyncGenerator[tuple[list[LinkSlice], list[Unread]]]:
    """The links of these objects, each read by its own list, some thousand targets at a time."""
    for version in ("v1.0", "beta"):
        of_version = [link for link in links if link.version == version]
        parts = (part for value in values for link in of_version for part in _link_parts(row, link, value))
        if not of_version:
            continue
        slices: list[LinkSlice] = []
        unread: list[Unread] = []
        missing: dict[str, list[Unread]] = {}
        count = 0
        single = {link.name for link in of_version if link.single}
        lists = read_lists(graph, parts, version=version, size=bundle_size(bucket_of(row)))
        async with aclosing(lists):
            async for shown in lists:
                identity, name = shown.part.id.split("\n")
                _take(shown, identity, name, single, slices, unread, missing)
                count += 1 + len(shown.values)
                if count >= LINKS_A_SLICE:
                    yield slices, unread
                    slices, unread, count = [], [], 0
        still = await still_there(graph, row, missing)
        yield slices, unread + [one for identity in still for one in missing[identity]]


def _take(
    shown: ListSlice, identity: str, name: str, single: set[str], slices: list[LinkSlice], unread: list[Unread],
    missing: dict[str, list[Unread]],
) -> None:
    if isinstance(shown.error, NotFound) and name in single:
        slices.append(LinkSlice(identity, name, whole=True))  # a user without a manager answers 404
    elif isinstance(shown.error, NotFound):
        missing.setdefault(identity, []).append(Unread(identity, name, shown.error))
    elif shown.error is not None:
        unread.append(Unread(identity, name, shown.error))
    else:
        try:
            slices.append(LinkSlice(identity, name, targets_of(shown.values), whole=shown.first))
        except Garbled as error:
            unread.append(Unread(identity, name, error))


def _link_parts(row: ObjectType, link: Link, value: Body) -> Iterable[Part]:
    if not holds(link.where, value):
        return
    path = link.path or (f"{row.path}/{link.name}" if row.alone_at_path else row.link_path(link))
    top = LIST_PAGE if row.page_size and not link.single else None
    lists = [
        filled(with_query(one, select="id", top=top), value, row.key) for one in (path, *BESIDE.get(path, ()))
    ]
    yield Part(
        f"{value[row.key]}\n{link.name}", lists[0], asked=f"{link.name} of one of {row.title}",
        permission=permission_of(row, link), bucket=bucket_of(row), then=tuple(lists[1:]),
    )


async def still_there(graph: Graph, row: ObjectType, identities: Mapping[str, Any]) -> list[str]:
    """Which of these objects exist, so that a 404 for a part of them means more than that they are gone."""
    if not identities or row.alone_at_path:
        return list(identities)
    parts = [
        Part(identity, with_query(f"{row.path}/{quote(identity, safe='')}", select=row.key), bucket=bucket_of(row),
             asked=f"one of {row.title}", permission=permission_of(row))
        for identity in identities
    ]
    return [
        answer.part.id
        async for answer in read_parts(graph, parts, version=row.version, size=bundle_size(bucket_of(row)))
        if not isinstance(answer.error, NotFound)
    ]
