"""How many objects a first backup is likely to find, so that its progress has an end: Graph counts, in one request.

An estimate and nothing else: what cannot be counted is left out, and nothing fails for it.
Source: "Advanced query capabilities on Microsoft Entra ID objects" (`$count` needs `ConsistencyLevel: eventual`).
"""

from base64 import b64decode
from collections.abc import Iterable

from shared.catalog.row import ObjectType
from shared.entra.batch import Part, PartAnswer, read_parts
from shared.entra.transport import Graph
from shared.errors import EntraError

COUNTED = frozenset({"user", "group", "application", "servicePrincipal", "device"})
"""The types that make up most of a tenant, all of which Graph counts."""


async def expected_counts(graph: Graph, rows: Iterable[ObjectType]) -> dict[str, int]:
    """Type → how many Graph says there are, of those that it counts."""
    parts = [
        Part(
            row.name, f"{row.path}/$count", asked=f"the number of {row.title}", binary=True,
            headers={"ConsistencyLevel": "eventual"},
        )
        for row in rows if row.name in COUNTED
    ]
    counts: dict[str, int] = {}
    try:
        async for answer in read_parts(graph, parts):
            count = _count(answer)
            if count is not None:
                counts[answer.part.id] = count
    except EntraError:
        return counts
    return counts


def _count(answer: PartAnswer) -> int | None:
    """The number in a plain-text body, which `$batch` shows as it is, as text, or as base64."""
    body = answer.body
    if answer.error is not None or isinstance(body, bool):
        return None
    if isinstance(body, int):
        return body if body >= 0 else None
    if not isinstance(body, str):
        return None
    for text in (body.strip(), _from_base64(body)):
        if text.isascii() and text.isdecimal():
            return int(text)
    return None


def _from_base64(text: str) -> str:
    try:
        return b64decode(text, validate=True).decode("utf-8-sig").strip()
    except ValueError:
        return ""
