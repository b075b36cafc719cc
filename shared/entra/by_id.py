"""Objects asked for by their ids, with one relation expanded: many at once, where a list goes page after page.

    ids → fifteen a part → twenty parts a `$batch` → several on their way

A list with `$expand` comes a hundred objects a page, each page saying where the next one is, so its time follows the
tenant. Who knows the ids already needs not wait for that. Invariant: every id that was asked for is shown, or is among
the unanswered; a Graph that does not filter as asked is told from one that has fewer objects, and raises NotById.
Sources: "Use the $filter query parameter" (`in`, at most 15 values for directory objects); "Use the $expand query
parameter" (at most 20 related objects).
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import batched

from shared.catalog.row import ObjectType
from shared.entra.batch import IN_FLIGHT, PARTS_MAX, Part, read_parts
from shared.entra.listing import with_query
from shared.entra.pages import Body
from shared.entra.single_reads import bucket_of, permission_of
from shared.entra.transport import Graph
from shared.errors import Garbled, Rejected

IDS_A_PART = 15
IDS_AT_ONCE = IDS_A_PART * PARTS_MAX * IN_FLIGHT
"""As many as are on their way together; a cursor moves on by so many."""

BY_ID = "by id "
"""What a cursor's link begins with where the ids up to the one that follows are done."""


class NotById(Exception):
    """This Graph does not answer the question by ids: what it was asked for has to be listed."""


def left(ids: Iterable[str], link: str) -> Iterator[tuple[str, ...]]:
    """The ids that a cursor has not passed yet, in their order, as many at a time as are asked for at once.

    The first time it is one part alone: a Graph that does not answer by ids is found out by one request.
    """
    done = link.removeprefix(BY_ID)
    waiting = [one for one in sorted(ids) if one > done]
    first = IDS_A_PART if not done else 0
    yield from batched(waiting[:first], IDS_A_PART, strict=False)
    yield from batched(waiting[first:], IDS_AT_ONCE, strict=False)


async def objects_by_id(
    graph: Graph, row: ObjectType, ids: Sequence[str], *, select: Sequence[str], expand: str
) -> tuple[list[Body], list[str]]:
    """The objects of these ids, and the ids that were not answered; NotById, or the error of the first part's."""
    parts = [
        Part(
            "\n".join(some),
            with_query(row.path, select=",".join(select), expand=expand, filter=f"{row.key} in ({_quoted(some)})"),
            asked=row.title, permission=permission_of(row), bucket=bucket_of(row),
        )
        for some in batched(ids, IDS_A_PART, strict=False)
    ]
    shown: dict[str, Body] = {}
    async for answer in read_parts(graph, parts, version=row.version):
        if isinstance(answer.error, Rejected):
            raise NotById from answer.error
        if answer.error is not None:
            raise answer.error
        values = answer.body.get("value") if isinstance(answer.body, dict) else None
        if not isinstance(values, list):
            raise Garbled(f"{row.title}: the part has no `value` that is a list", code="noValue")
        asked = frozenset(answer.part.id.split("\n"))
        for value in values:
            if not isinstance(value, dict) or value.get(row.key) not in asked:
                raise NotById
            shown[str(value[row.key])] = value
    return list(shown.values()), [one for one in ids if one not in shown]


def _quoted(ids: Iterable[str]) -> str:
    return ",".join("'" + one.replace("'", "''") + "'" for one in ids)
