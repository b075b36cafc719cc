"""Which function serves a path: the Functions route templates, in template precedence.

A segment is a literal, `{name}`, `{name:int}` (int, long, guid, alpha, bool), an optional last `{name?}`, a
catch-all last `{*name}`, or text with one parameter inside (`{id}.csv`). Invariant: of all templates that
match, the most specific wins, segment by segment: literal, mixed, constrained, parameter, catch-all; the
order of registration does not count. Literals ignore case. Parameters are decoded once, so an encoded slash
stays inside its segment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from local.host.errors import NotSupported

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Route", "parse_route"]

_PARAMETER = re.compile(r"\{(?P<all>\*{0,2})(?P<name>[A-Za-z_][A-Za-z0-9_-]*)(?::(?P<kind>[a-z]+))?(?P<optional>\?)?\}")
_KINDS = {
    "int": r"-?\d{1,10}",
    "long": r"-?\d{1,19}",
    "guid": r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}",
    "alpha": r"[A-Za-z]+",
    "bool": r"(?i:true|false)",
}
_LITERAL, _MIXED, _CONSTRAINED, _ANY, _CATCH_ALL = range(5)


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a template between slashes; `rank` is its place in the precedence."""

    rank: int
    pattern: re.Pattern[str]
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """A parsed template; sort routes by `precedence` and take the first that matches."""

    template: str
    segments: tuple[Segment, ...]

    @property
    def precedence(self) -> tuple[int, ...]:
        """Return what to sort by: the most specific first."""
        return (*(segment.rank for segment in self.segments), _LITERAL - 1)

    def match(self, parts: Sequence[str]) -> dict[str, str] | None:
        """Return the parameters if the undecoded path segments fit, else None."""
        found: dict[str, str] = {}
        for index, segment in enumerate(self.segments):
            if segment.rank == _CATCH_ALL:
                rest = "/".join(unquote(part) for part in parts[index:])
                return {**found, **dict.fromkeys(segment.pattern.groupindex, rest)}
            if index >= len(parts):
                return found if segment.optional else None
            match = segment.pattern.fullmatch(unquote(parts[index]))
            if match is None:
                return None
            found.update(match.groupdict())
        return found if len(parts) <= len(self.segments) else None


def parse_route(template: str, function: str) -> Route:
    """Return the parsed template; raises NotSupported for one that is not understood."""
    parts = [part for part in template.strip("/").split("/") if part]
    segments = tuple(_parse_segment(part, function, template) for part in parts)
    for segment in segments[:-1]:
        if segment.rank == _CATCH_ALL or segment.optional:
            raise _refusal(function, template, "only the last segment may be optional or catch all")
    return Route(template, segments)


def _parse_segment(part: str, function: str, template: str) -> Segment:
    matches = list(_PARAMETER.finditer(part))
    if not matches:
        if "{" in part or "}" in part:
            raise _refusal(function, template, f"{part!r} is not understood")
        return Segment(_LITERAL, re.compile(re.escape(part), re.IGNORECASE))
    if len(matches) > 1:
        raise _refusal(function, template, f"{part!r} has more than one parameter")
    match = matches[0]
    kind = match["kind"]
    if kind is not None and kind not in _KINDS:
        raise _refusal(function, template, f"the constraint {kind!r} is not known")
    name = match["name"].replace("-", "_")
    value = f"(?P<{name}>{_KINDS[kind] if kind else '.+'})"
    whole = match.span() == (0, len(part))
    if match["all"] and not whole:
        raise _refusal(function, template, "a catch-all stands alone in its segment")
    if match["all"]:
        return Segment(_CATCH_ALL, re.compile(value, re.DOTALL))
    before, after = re.escape(part[: match.start()]), re.escape(part[match.end() :])
    if "{" in before + after or "}" in before + after:
        raise _refusal(function, template, f"{part!r} is not understood")
    rank = (_CONSTRAINED if kind else _ANY) if whole else _MIXED
    return Segment(
        rank, re.compile(before + value + after, re.IGNORECASE | re.DOTALL), optional=bool(match["optional"])
    )


def _refusal(function: str, template: str, reason: str) -> NotSupported:
    return NotSupported(f"function {function}: the route {template!r} cannot be used: {reason}")
