"""One object type of one tenant, read whole or by what changed: pages in their order, each with where to go on.

    chain    round → shown ─────────────────────→ sweeps        one full delta, its links inline
    paced    latest → list (links in $batch) → sweeps → replay  a list, closed by what changed meanwhile
    list     list → sweeps          single   the one object          children   under each parent
    changes  replay → sweeps                                    from the token of the last time

A sweep lists every object with one link expanded, for links that delta does not track; objects whose ids are known are
asked for by these instead, many at once. After the sweeps of a full read, links that the holders may not show whole
are read of their targets too (`turned`). Invariants: the cursor of each
`Captured` says where to go on when it and all before it are kept; going on from an earlier one repeats some of it and
harms nothing; the delta token is given with the last one only. A token that is gone starts the type anew by itself:
then `restarted` is set, and what was captured of the type before is void. So does a Graph that refuses the delta, or
whose delta does not show the links that objects have: the type is then read one way further down, at last as a list.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

from shared.catalog import OBJECT_TYPES
from shared.catalog.row import PARENT, Link, ObjectType
from shared.entra import delta
from shared.entra.absent import fill_absent
from shared.entra.by_id import BY_ID, NotById, left, objects_by_id
from shared.entra.children import (
    EXPANDED_PAGE,
    Children,
    child_body,
    children,
    parents_of,
    parents_path,
    parents_select,
)
from shared.entra.listing import Asking, Page, pages, with_query
from shared.entra.pages import TYPE, Body, LinkSlice, Parsed, body_of, is_links_only, parse_page
from shared.entra.planner import Measured, Way, chosen_way
from shared.entra.shared_lists import SharedLists
from shared.entra.shown import NotShown, any_hidden, names_shown
from shared.entra.single_reads import (
    Unread,
    bucket_of,
    link_slices,
    listing_bucket,
    permission_of,
    slow_properties,
)
from shared.entra.singly import SINGLY, expanded_pages
from shared.entra.transport import Graph
from shared.entra.turned import turned_links
from shared.entra.wanted import Reading, Wanted, wanted
from shared.errors import CatalogError, EntraError, Garbled, NotFound, Rejected, TokenExpired

RESTARTS = 2
"""How often a type is begun anew in one capture, before its lost tokens mean that it is read without delta."""
SLOW_PAGE = 100
"""Objects a page where each takes a request of its own under a narrow limit, so that no page takes minutes."""

MEASURED_AGAIN = 2
"""More samples of the latency before every object's links are read by requests of their own."""

SHOWN = "shown"
"""In a cursor: the links that the round has shown of any object."""

EMPTY = "empty"
"""In a cursor: how many pages in a row brought nothing."""

Mode = Literal["full", "changes"]
type Cursor = dict[str, Any]
type _Way = Callable[[Cursor], AsyncGenerator[Captured]]

@dataclass(frozen=True, slots=True)
class Captured:
    """A piece of a type: `parse` it in a worker thread, keep it, then keep `cursor`."""

    cursor: Cursor
    parse: Callable[[], Parsed] = Parsed
    """Pure. What it returns is in the order in which it is to be applied: objects, then links, then removals."""
    unread: tuple[Unread, ...] = ()
    finished: bool = False
    """The type is read to its end."""
    delta_link: str = ""
    """With `finished`: where the next `changes` begins; empty where the type has no delta here."""
    replay: bool = False
    """It brings what changed since an earlier read: links that come whole replace what was captured of them before."""
    restarted: bool = False
    """What was captured of this type before is void, and it is read in full from here on."""


@dataclass(slots=True)
class _Run:
    graph: Graph
    wanted: Wanted
    reading: Reading
    asking: Asking
    ahead: Callable[[], bool]
    lists: SharedLists
    steps: list[str] = field(default_factory=list)


async def capture(
    graph: Graph, row: ObjectType, cursor: Cursor | None = None, *, mode: Mode = "full", since: str = "",
    reading: Reading | None = None, stop_at: float | None = None, rows: Mapping[str, ObjectType] = OBJECT_TYPES,
    lists: SharedLists | None = None,
) -> AsyncGenerator[Captured]:
    """The type from `cursor` (or from its beginning) to its end, or to the first page after `stop_at`.

    `mode="changes"` goes on from the delta token `since`; a type without delta is read in full all the same. `stop_at`
    is a time of `graph.now()`; `lists` are read once for all that are given the same ones. Errors of the whole type are
    raised; those of single objects come as `unread`.
    """
    reading = reading or Reading()
    asked = wanted(row, reading, graph.endpoints.cloud)
    run = _Run(
        graph, asked, reading,
        Asking(row.title, row.version, permission_of(row), listing_bucket(row, asked.select)),
        ahead=lambda: stop_at is None or graph.now() < stop_at, lists=lists or SharedLists(),
    )
    at: Cursor = dict(cursor) if cursor else await _beginning(run, mode, since)
    while True:
        if at["way"] == "list":  # also where there is delta, and this Graph refuses it
            run.wanted = asked = wanted(row, replace(reading, delta=False), graph.endpoints.cloud)
        run.steps = _steps(at["way"], asked, sweeps=reading.sweeps)
        try:
            async with aclosing(_from(run, at, rows)) as pieces:
                async for captured in pieces:
                    yield captured
                    moved = captured.cursor != at
                    at = captured.cursor
                    if captured.finished or (moved and not run.ahead()):
                        return
        except TokenExpired:
            restarts = at.get("restarts", 0) + 1
            by_delta = at["way"] in ("chain", "paced", "changes")
            if restarts > RESTARTS and not (by_delta and reading.sweeps):  # without: what was read before it stands
                raise
            begun = await _beginning(run, "full", "") if restarts <= RESTARTS else _begun("list")
            at = {**begun, "restarts": restarts}
            yield Captured(at, restarted=True)
        except (Rejected, NotFound, Garbled, NotShown) as refused:
            further = await _further_down(run, at, refused)
            if further is None:
                raise
            at = further
            yield Captured(at, restarted=True)


async def _beginning(run: _Run, mode: Mode, since: str) -> Cursor:
    asked, row = run.wanted, run.wanted.row
    if row.reading in ("single", "perParent"):
        return _begun(row.reading)
    if mode == "changes" and since and asked.by_delta:
        return {**_begun("changes"), "link": run.graph.endpoints.followed(since)}
    way: Way = "list" if not asked.by_delta else "paced"
    if asked.delta_links and asked.by_delta:
        way = await _chosen(run)
    return _begun(way)


def _begun(way: str) -> Cursor:
    return {"way": way, "step": 0, "link": "", "token": ""}


async def _further_down(run: _Run, at: Cursor, refused: Exception) -> Cursor | None:
    """Where to begin anew after the delta was refused, or did not show all; None where it was something else."""
    if run.steps[at["step"]] not in ("latest", "round", "shown", "replay"):
        return None
    if isinstance(refused, Garbled) and refused.code != delta.NO_DELTA_LINK:
        return None
    match at["way"]:
        case "paced":
            begun = _begun("chain")
        case "chain":
            begun = _begun("list")
        case _ if run.reading.sweeps:
            begun = await _beginning(run, "full", "")
        case _:  # a replay that closes what was just read: that stands, and the coverage tells
            return None
    return {**begun, "restarts": at.get("restarts", 0)}


def _steps(way: str, asked: Wanted, *, sweeps: bool) -> list[str]:
    # Whoever goes without sweeps knows all but what changed: begun anew, since its token is gone, it is swept as well.
    swept = [f"sweep {link.name}" for link in asked.expand_links if way != "changes" or (sweeps and not link.slow)]
    held = (*asked.delta_links, *asked.each_links)
    turned = [f"turned {link.name}" for link in held if link.shown_by]
    return {
        "chain": ["round", "shown", *swept, *turned], "paced": ["latest", "list", *swept, *turned, "replay"],
        "list": ["list", *swept, *turned],
        "changes": ["replay", *swept], "single": ["single"], "perParent": ["children"],
    }[way]


async def _from(run: _Run, at: Cursor, rows: Mapping[str, ObjectType]) -> AsyncGenerator[Captured]:
    """All that is left of the type; every piece says where to go on."""
    while True:
        step = run.steps[at["step"]]
        async with aclosing(_step(run, step, at, rows)) as reading:
            async for piece in reading:
                at = piece.cursor
                told = replace(piece, replay=step == "replay")
                yield _ended(told) if at["step"] >= len(run.steps) else told
        if at["step"] >= len(run.steps):
            return


def _ended(piece: Captured) -> Captured:
    return replace(piece, finished=True, delta_link=piece.cursor["token"])


def _step(run: _Run, step: str, at: Cursor, rows: Mapping[str, ObjectType]) -> AsyncGenerator[Captured]:
    name, _, link = step.partition(" ")
    match name:
        case "latest":
            return _latest(run, at)
        case "list":
            return _list(run, at)
        case "round" | "replay":
            return _round(run, at)
        case "shown":
            return _all_shown(run, at)
        case "sweep":
            return _sweep(run, at, run.wanted.row.link(link))
        case "turned":
            return _turned(run, at, run.wanted.row.link(link), rows)
        case "children":
            return _children(run, at, rows)
        case _:
            return _single(run, at)


async def _latest(run: _Run, at: Cursor) -> AsyncGenerator[Captured]:
    link = await delta.latest(run.graph, run.wanted.row.path, _delta_select(run.wanted), run.asking)
    yield Captured({**at, "step": at["step"] + 1, "link": "", "token": link})


async def _list(run: _Run, at: Cursor) -> AsyncGenerator[Captured]:
    asked, row = run.wanted, run.wanted.row
    narrow = asked.singly and row.special_bucket == "keyCredentials"
    top = min(row.page_size, SLOW_PAGE) if row.page_size and narrow else row.page_size
    path = at["link"] or with_query(
        row.path, select=",".join(asked.select), expand=",".join(row.expand), filter=row.filter, top=top
    )
    # In `paced`, links that delta shows inline are read one by one here, and the replay brings what changed since.
    links = [*asked.each_links, *(asked.delta_links if at["way"] == "paced" else ())]
    listing = (
        run.lists.pages(run.graph, path, run.asking, ahead=run.ahead) if row.odata_type and not at["link"]
        else pages(run.graph, path, run.asking, ahead=run.ahead, empty=at.get(EMPTY, 0))
    )
    async with aclosing(listing) as listed:
        async for page in listed:
            after = _after(at, page)
            async with aclosing(_page(run, page, at, after, links=links)) as pieces:
                async for piece in pieces:
                    yield piece
            at = after


async def _round(run: _Run, at: Cursor) -> AsyncGenerator[Captured]:
    asked, row = run.wanted, run.wanted.row
    chain = at["way"] == "chain"
    path = at["link"] or at["token"] or delta.round_path(row.path, _delta_select(asked))
    # Of an object that changed, what the delta does not show is read again; a chain's sweeps follow anyway.
    links = [*asked.each_links, *(() if chain else asked.expand_links)]
    async with aclosing(delta.rounds(run.graph, path, run.asking, ahead=run.ahead, empty=at.get(EMPTY, 0))) as listed:
        async for page in listed:
            if chain:
                at = {**at, SHOWN: sorted(names_shown(asked.delta_links, page.values).union(at.get(SHOWN, ())))}
            after = _after(at, page)
            async with aclosing(_page(run, page, at, after, links=links, in_delta=True)) as pieces:
                async for piece in pieces:
                    yield piece
            at = after


async def _all_shown(run: _Run, at: Cursor) -> AsyncGenerator[Captured]:
    never = [link for link in run.wanted.delta_links if link.name not in at.get(SHOWN, ())]
    if never and await any_hidden(run.graph, run.wanted, never, run.asking):
        raise NotShown
    yield Captured({**at, "step": at["step"] + 1})


async def _page(
    run: _Run, page: Page, at: Cursor, after: Cursor, *, links: list[Link], in_delta: bool = False
) -> AsyncGenerator[Captured]:
    """One page's objects, then what takes requests of their own; the cursor moves on with the last piece."""
    asked, row = run.wanted, run.wanted.row
    values = _of_type(row, page.values)
    shown = [value for value in values if not (in_delta and is_links_only(value, row.key))]
    beside: dict[str, Body] = {}
    unread: list[Unread] = []
    also = asked.untracked if in_delta else ()
    if (asked.has_slow_properties or also) and shown:
        beside, unread = await slow_properties(run.graph, asked, shown, also=also)
    parse = partial(
        parse_page, values, key=row.key, links=[link.name for link in asked.delta_links] if in_delta else [],
        select=asked.tracked if in_delta else asked.select, beside=beside,
        annotations=page.annotations if len(values) == len(page.values) else None,
    )
    if not links or not shown:
        yield Captured(after, parse, tuple(unread))
        return
    yield Captured(at, parse, tuple(unread))
    latest = list({str(value.get(row.key)): value for value in shown}.values())
    async with aclosing(link_slices(run.graph, row, links, latest)) as reading:
        async for slices, failed in reading:
            yield Captured(at, partial(_links_only, slices), tuple(failed))
    yield Captured(after)


async def _sweep(run: _Run, at: Cursor, link: Link) -> AsyncGenerator[Captured]:
    by_id = _by_id(run, at) and not run.wanted.row.odata_type
    known = partial(_sweep_by_id, run, link=link) if by_id else None
    async with aclosing(_as_far_as_answered(at, known, partial(_sweep_listed, run, link=link))) as pieces:
        async for piece in pieces:
            yield piece


async def _as_far_as_answered(
    at: Cursor, by_id: _Way | None, listed: _Way, *, expands: bool = True
) -> AsyncGenerator[Captured]:
    """One relation of every object: by the known ids, else page after page, else of every object by itself."""
    if by_id is not None:
        try:
            async with aclosing(by_id(at)) as pieces:
                async for piece in pieces:
                    yield piece
            return
        except NotById:
            at = {**at, "link": ""}
    try:
        async with aclosing(listed(at)) as pieces:
            async for piece in pieces:
                yield piece
    except Rejected:  # this Graph does not expand here
        if at["link"] or not expands:
            raise
        async with aclosing(listed({**at, "link": SINGLY})) as pieces:
            async for piece in pieces:
                yield piece


def _expanded(run: _Run, at: Cursor, path: Callable[[bool], str], asking: Asking) -> AsyncGenerator[Page]:
    return expanded_pages(run.graph, at["link"], path, asking, ahead=run.ahead, empty=at.get(EMPTY, 0))


async def _sweep_listed(run: _Run, at: Cursor, *, link: Link) -> AsyncGenerator[Captured]:
    row = run.wanted.row

    def path(expanded: bool) -> str:
        return with_query(
            row.path, select=row.key, expand=f"{link.name}($select=id)" if expanded else "", filter=row.filter,
            top=min(row.page_size or EXPANDED_PAGE, EXPANDED_PAGE),
        )

    async with aclosing(_expanded(run, at, path, replace(run.asking, bucket=bucket_of(row)))) as listed:
        async for page in listed:
            after = _after(at, page)
            async with aclosing(_swept(run, page, at, after, link)) as pieces:
                async for piece in pieces:
                    yield piece
            at = after


async def _turned(run: _Run, at: Cursor, link: Link, rows: Mapping[str, ObjectType]) -> AsyncGenerator[Captured]:
    target = rows[link.shown_by.partition(".")[0]]
    async with aclosing(
        turned_links(
            run.graph, run.wanted.row, link, target, at=at["link"], ahead=run.ahead, empty=at.get(EMPTY, 0)
        )
    ) as pieces:
        async for piece in pieces:
            at = _after(at, piece.page) if piece.page else at
            yield Captured(at, partial(_links_only, piece.slices), tuple(piece.unread))


def _by_id(run: _Run, at: Cursor) -> bool:
    """Whether to ask by ids: more than a page of them are known, and this sweep has not begun to list.

    What is new since is not among them: the replay before the sweep brings it, so only changes are swept so.
    """
    known = run.reading.known
    if known is None or len(known) <= EXPANDED_PAGE or at["way"] not in ("changes", "perParent"):
        return False
    return not at["link"] or at["link"].startswith(BY_ID)


async def _sweep_by_id(run: _Run, at: Cursor, *, link: Link) -> AsyncGenerator[Captured]:
    row = run.wanted.row
    for ids in left(run.reading.known or (), at["link"]):
        values, unanswered = await objects_by_id(
            run.graph, row, ids, select=(row.key,), expand=f"{link.name}($select=id)"
        )
        parsed = parse_page(values, key=row.key, expanded=[link.name])
        yield Captured(at, partial(_links_only, parsed.links))
        again = [{row.key: identity} for identity in (*(identity for identity, _ in parsed.cut), *unanswered)]
        if again:
            async with aclosing(link_slices(run.graph, row, [link], again)) as reading:
                async for slices, failed in reading:
                    yield Captured(at, partial(_links_only, slices), tuple(failed))
        at = {**at, "link": BY_ID + ids[-1]}
        yield Captured(at)
    yield Captured({**at, "step": at["step"] + 1, "link": ""})


async def _swept(run: _Run, page: Page, at: Cursor, after: Cursor, link: Link) -> AsyncGenerator[Captured]:
    row = run.wanted.row
    values = _of_type(row, page.values)
    parsed = parse_page(values, key=row.key, expanded=[link.name])
    cut = {identity for identity, _ in parsed.cut}
    yield Captured(at if cut else after, partial(_links_only, parsed.links))
    if cut:
        again = [value for value in values if value.get(row.key) in cut]
        async with aclosing(link_slices(run.graph, row, [link], again)) as reading:
            async for slices, failed in reading:
                yield Captured(at, partial(_links_only, slices), tuple(failed))
        yield Captured(after)


async def _single(run: _Run, at: Cursor) -> AsyncGenerator[Captured]:
    asked, row = run.wanted, run.wanted.row
    path = with_query(row.path, select=",".join(asked.select), expand=",".join(row.expand))
    after = {**at, "step": at["step"] + 1}
    try:
        body = await run.graph.get_json(
            path, version=row.version, asked=row.title, permission=run.asking.permission, bucket=run.asking.bucket
        )
    except EntraError as error:
        if error.status not in row.absent_status:
            raise
        yield Captured(after)
        return
    values: list[Body] = body["value"] if row.key not in body and isinstance(body.get("value"), list) else [body]
    if not body_of(body):
        raise Garbled(f"{row.title}: an answer without anything in it", code="noBody")
    # A singleton without an id of its own goes by its type's name, which there is one of in a tenant.
    named = [value if value.get(row.key) else {**value, row.key: row.name} for value in values]
    async with aclosing(_page(run, Page(named, ""), at, after, links=list(asked.each_links))) as pieces:
        async for piece in pieces:
            yield piece


async def _children(run: _Run, at: Cursor, rows: Mapping[str, ObjectType]) -> AsyncGenerator[Captured]:
    row = run.wanted.row
    parent = rows.get(row.parent)
    if parent is None:
        raise CatalogError(f"catalog row {row.name!r}: its parent {row.parent!r} has no row")
    asking = Asking(
        asked=parent.title, version="beta" if "beta" in (parent.version, row.version) else "v1.0",
        permission=permission_of(parent), bucket=bucket_of(parent),
    )
    if run.reading.parents is not None:
        some = Page([dict(one) for one in run.reading.parents], "")
        async with aclosing(_children_of(run, parent, some, at)) as pieces:
            async for piece in pieces:
                yield piece
        yield Captured(_after(at, some))
        return
    by_id = _by_id(run, at) and row.parent_expand and row.parent_where is None and not parent.odata_type
    known = partial(_children_by_id, run, parent=parent) if by_id else None
    listed = partial(_children_listed, run, parent=parent, asking=asking)
    async with aclosing(_as_far_as_answered(at, known, listed, expands=bool(row.parent_expand))) as pieces:
        async for piece in pieces:
            yield piece


async def _children_listed(
    run: _Run, at: Cursor, *, parent: ObjectType, asking: Asking
) -> AsyncGenerator[Captured]:
    def path(expanded: bool) -> str:
        return parents_path(run.wanted.row, parent, expanded=expanded)

    async with aclosing(_expanded(run, at, path, asking)) as listed:
        async for page in listed:
            after = _after(at, page)
            async with aclosing(_children_of(run, parent, page, at)) as pieces:
                async for piece in pieces:
                    yield piece
            yield Captured(after)
            at = after


async def _children_by_id(run: _Run, at: Cursor, *, parent: ObjectType) -> AsyncGenerator[Captured]:
    row = run.wanted.row
    for ids in left(run.reading.known or (), at["link"]):
        values, unanswered = await objects_by_id(
            run.graph, parent, ids, select=parents_select(row, parent), expand=row.parent_expand
        )
        # One that shows no children is asked for them by itself, and then whether it is there at all.
        shown = Page([*values, *({parent.key: identity} for identity in unanswered)], "")
        async with aclosing(_children_of(run, parent, shown, at)) as pieces:
            async for piece in pieces:
                yield piece
        at = {**at, "link": BY_ID + ids[-1]}
        yield Captured(at)
    yield Captured({**at, "step": at["step"] + 1, "link": ""})


async def _children_of(run: _Run, parent: ObjectType, page: Page, at: Cursor) -> AsyncGenerator[Captured]:
    asked = run.wanted
    parents = parents_of(asked.row, parent, page.values, run.reading.named)
    async with aclosing(children(run.graph, asked, parent, parents)) as reading:
        async for some in reading:
            unread, beside = some.unread, dict[str, Body]()
            if asked.has_slow_properties and some.found:
                beside, failed = await _slow_children(run, some)
                unread = [*unread, *failed]
            yield Captured(at, partial(_parse_children, asked, some, beside), tuple(unread))


async def _slow_children(run: _Run, found: Children) -> tuple[dict[str, Body], list[Unread]]:
    """Slow properties of children, whose paths hold the parent's id and their own key."""
    row = run.wanted.row
    beside: dict[str, Body] = {}
    unread: list[Unread] = []
    by_parent: dict[str, list[Body]] = {}
    for parent_id, child in found.found:
        by_parent.setdefault(parent_id, []).append(child if child.get(row.key) else {**child, row.key: parent_id})
    for parent_id, some in by_parent.items():
        under = _under(run.wanted, parent_id)
        read, failed = await slow_properties(run.graph, under, some)
        known = {str(child.get(row.key)): child_body(row, parent_id, child)[0] for child in some}
        beside.update({known[key]: body for key, body in read.items()})
        unread += [Unread(known[one.object_id], one.what, one.error) for one in failed]
    return beside, unread


def _under(asked: Wanted, parent_id: str) -> Wanted:
    """The same, its paths leading to the children of one parent."""
    row = asked.row
    documents = tuple((name, path.replace("{id}", parent_id)) for name, path in asked.documents)
    # Such a row stands by itself, below a path without a parent, so it is not the catalog's and is not checked as one.
    alone = replace(
        row, reading="single" if row.one_per_parent else "list", path=row.path.replace("{id}", parent_id), filter="",
        parent="", parent_where=None, parent_expand="", one_per_parent=False, key_in_parent=False,
    )
    return replace(asked, row=alone, documents=documents)


def _parse_children(asked: Wanted, found: Children, beside: Mapping[str, Body]) -> Parsed:
    parsed = Parsed()
    for parent_id, value in found.found:
        if asked.row.odata_type and value.get(TYPE) != asked.row.odata_type:
            continue
        identity, body = child_body(asked.row, parent_id, value)
        body.update(beside.get(identity, {}))
        fill_absent(body, asked.select)
        body[PARENT] = parent_id
        parsed.objects.append((identity, body))
    return parsed


def _links_only(slices: list[LinkSlice]) -> Parsed:
    return Parsed(links=slices)


def _of_type(row: ObjectType, values: list[Body]) -> list[Body]:
    """The values of the row's own type, where several types share a list."""
    if not row.odata_type:
        return values
    if any(TYPE not in value and "@removed" not in value for value in values):
        raise Garbled(f"{row.title}: a shared list shows objects without their type", code="noType")
    return [value for value in values if value.get(TYPE) == row.odata_type]


def _delta_select(asked: Wanted) -> tuple[str, ...]:
    # Without `$select` Graph tracks everything it tracks by default; naming a link alone would leave out all else.
    return (*asked.tracked, *(link.name for link in asked.delta_links)) if asked.select else ()


def _after(at: Cursor, page: Page) -> Cursor:
    """Where to go on after this page: its next page, or the next step."""
    token = page.delta_link or at["token"]
    at = {name: part for name, part in at.items() if name != EMPTY}
    if page.next_link:
        return {**at, "link": page.next_link, **({EMPTY: page.empty} if page.empty else {})}
    return {**at, "step": at["step"] + 1, "link": "", "token": token}


async def _chosen(run: _Run) -> Way:
    """The planner's choice. The costly way is not taken on one slow answer: the fastest of some counts."""
    measured = await _measured(run)
    for _ in range(MEASURED_AGAIN):
        if chosen_way(run.wanted, measured) == "chain":
            return "chain"
        again = await _measured(run)
        measured = replace(again, latency_seconds=min(measured.latency_seconds, again.latency_seconds))
    return chosen_way(run.wanted, measured)


async def _measured(run: _Run) -> Measured:
    """Objects, links, latency and quota as they are now; one small request, which also measures the latency."""
    row, reading = run.wanted.row, run.reading
    began = run.graph.now()
    objects = reading.expected_objects
    try:
        answer = await run.graph.get(
            f"{row.path}/$count", version=row.version, asked=f"the number of {row.title}",
            permission=run.asking.permission, headers={"ConsistencyLevel": "eventual"},
        )
        text = answer.content().decode("utf-8-sig", "replace").strip()
        objects = int(text) if text.isdecimal() else objects
    except EntraError:
        pass  # an estimate only: without it the chain is taken, which is never wrong, only slower at times
    latency = max(0.001, run.graph.now() - began)
    return Measured(objects or 0, reading.expected_links, latency, run.graph.governor.resource_units_per_second)
