"""What of a body the service changes by itself, taken out so that a hash and a difference see only what people did.

`split` and `join` are inverse: the whole body comes back.
"""

from typing import Any

from shared.catalog.paths import holders
from shared.catalog.row import ObjectType

type Json = dict[str, Any]


def split(row: ObjectType, body: Json) -> tuple[Json, Json]:
    """The body without the row's volatile properties, and these by their paths; `body` is taken apart in place.

    A path inside a collection (`licenseAssignmentStates[].lastUpdatedDateTime`) keeps a list with one entry for each
    member: the value in a list of its own, or an empty list where the member has none.
    """
    taken: Json = {}
    for path in row.volatile:
        if "." not in path:
            if path in body:
                taken[path] = body.pop(path)
            continue
        name = path.rpartition(".")[2]
        members = list(holders(body, path))
        if any(name in member for member in members):
            taken[path] = [[member.pop(name)] if name in member else [] for member in members]
    return body, taken


def join(row: ObjectType, body: Json, taken: Json) -> Json:
    """The whole body again from the two parts that `split` made; `body` is filled in place."""
    for path, value in taken.items():
        if "." not in path or path not in row.volatile:
            body[path] = value
            continue
        name = path.rpartition(".")[2]
        for member, kept in zip(holders(body, path), value, strict=True):
            if kept:
                member[name] = kept[0]
    return body
