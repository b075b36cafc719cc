"""Microsoft's permissions reference for the paths that the simulator has: who may do what, as Microsoft publishes it.

`permissions_reference.tsv` is transcribed by `transcribe` from the data behind the permission tables of Graph's pages
(the permissions reference; `permissions/new/permissions.json` of 2026-08-07), so that nobody's memory stands between.

- A permission that needs another beside it is written `one+other`; any alternative suffices.
- The published table often names a reading permission and not the writing one that includes it; both open a read.
- A link that is written has its line with `/$ref`, without it, or both; either opens the write.
- Some of its lines for one object lack what its line for the list has; a read of one object takes either.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

type Alternatives = tuple[frozenset[str], ...]

TABLE = Path(__file__).parent / "permissions_reference.tsv"
CAST = re.compile(r"/microsoft\.graph\.(?!delta$)\w+(?=/|$)")


@dataclass(frozen=True, slots=True)
class Line:
    """Who may use a method on a path: an application by its roles, a user by the scopes of the token."""

    application: Alternatives
    user: Alternatives

    def joined(self, other: Line) -> Line:
        """What either line opens."""
        return Line(self.application + other.application, self.user + other.user)

    def reading(self) -> Line:
        """The same with the permissions to write that include those to read."""
        return Line(*(side + tuple(frozenset(map(_writing, each)) for each in side)
                      for side in (self.application, self.user)))  # fmt: skip


def line_of(method: str, template: str) -> Line | None:
    """The line for a path template (`users/{id}/manager`); None when Microsoft publishes none."""
    path = CAST.sub("", template).removesuffix("/$count").lower()
    for one in dict.fromkeys((path, path.removesuffix("/$ref"))):
        found = _lines().get((method, one))
        if found is None:
            continue
        if method != "GET":
            beside = _lines().get((method, one.removesuffix("/$ref"))) if one.endswith("/$ref") else None
            return found.joined(beside) if beside else found
        listed = _lines().get((method, one.removesuffix("/{id}"))) if one.endswith("/{id}") else None
        return (found.joined(listed) if listed else found).reading()
    return None


def _writing(name: str) -> str:
    return name.replace(".Read.", ".ReadWrite.")


@lru_cache(1)
def _lines() -> dict[tuple[str, str], Line]:
    told = {}
    for row in TABLE.read_text("utf-8").splitlines()[1:]:
        method, path, application, user = row.split("\t")
        told[method, path] = Line(_alternatives(application), _alternatives(user))
    return told


def _alternatives(text: str) -> Alternatives:
    return tuple(frozenset(part.split("+")) for part in text.split())
