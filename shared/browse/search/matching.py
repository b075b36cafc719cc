"""Asks a query of rows in memory: records, changes, restore points.

A pattern is found in a text as whole words, in any case; of an enumerated field it must be the whole value, or the
whole of a name that screens show for it. A row's fields may be nested (`object.name`).
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from shared.browse.columns import fold
from shared.browse.search.query import (
    All,
    Field,
    Not,
    Pattern,
    Query,
    Screen,
    Some,
    Text,
    TextRange,
    TimeRange,
)
from shared.browse.search.words import SEPARATORS, separates

type Row = Mapping[str, Any]
type Suits = Callable[[Row], bool]


def matcher(query: Query | None, screen: Screen) -> Suits:
    """Says whether a row of the screen is one that the query asks for."""
    return (lambda _: True) if query is None else _suits(query, screen)


def choices_of(field: Field, pattern: Pattern) -> list[str]:
    """The values of an enumerated field that the pattern is, as value or by name."""
    suits = whole(pattern)
    return [value for value, names in field.choices.items() if any(suits(name) for name in (value, *names))]


def whole(pattern: Pattern) -> Callable[[str], bool]:
    """Says whether a text is the pattern from beginning to end."""
    first, *rest = [re.escape(fold(part)) for part in pattern.parts]
    if not rest:
        return lambda text: fold(text) == fold(pattern.parts[0])
    *middle, last = rest
    following = "".join(rf"(?>.*?{part})" for part in middle)
    compiled = re.compile(rf"{first}{following}.*{last}", re.DOTALL)
    return lambda text: compiled.fullmatch(fold(text)) is not None


def within(pattern: Pattern) -> Callable[[str], bool]:
    """Says whether the pattern stands in a text as whole words."""
    first, *rest = [_literal(part) for part in pattern.parts]
    begin, end = pattern.parts[0][:1], pattern.parts[-1][-1:]
    begins = "" if begin and separates(begin) else f"(?<![^{SEPARATORS}])"
    ends = f"(?![^{SEPARATORS}])" if end and not separates(end) else ""
    # Each part is taken where it first fits and never tried again further on, which finds the same and keeps a search
    # full of asterisks from taking for ever.
    *middle, last = rest or [""]
    following = "".join(rf"(?>\S*?{part})" for part in middle) + (rf"(?>\S*?{last}{ends})" if rest else ends)
    compiled = re.compile(f"{begins}{first}{following}")
    return lambda text: compiled.search(fold(text)) is not None


def _literal(part: str) -> str:
    """The part as a pattern, in which any white space stands for any other."""
    return r"\s+".join(re.escape(word) for word in re.split(r"\s+", fold(part)))


def _suits(query: Query, screen: Screen) -> Suits:
    match query:
        case Not(one):
            inner = _suits(one, screen)
            return lambda row: not inner(row)
        case All(each):
            needed = [_suits(one, screen) for one in each]
            return lambda row: all(suits(row) for suits in needed)
        case Some(each):
            offered = [_suits(one, screen) for one in each]
            return lambda row: any(suits(row) for suits in offered)
        case Text(field, pattern):
            return _in_field(field, pattern) if field else _anywhere(pattern, screen)
        case TextRange(ranged, low, high):
            return lambda row: _between(_text(row, ranged.name), low, high)
        case TimeRange(timed, start, end):
            return lambda row: _during(_text(row, timed.name), start, end)


def _in_field(field: Field, pattern: Pattern) -> Suits:
    if pattern.is_anything:
        return lambda row: bool(_text(row, field.name))
    if field.kind == "choice":
        wanted = frozenset(choices_of(field, pattern))
        return lambda row: _text(row, field.name) in wanted
    suits = within(pattern)
    return lambda row: suits(_text(row, field.name))


def _anywhere(pattern: Pattern, screen: Screen) -> Suits:
    texts = [field for field in screen.fields if field.kind == "text"]
    choices = [field for field in screen.fields if field.kind == "choice"]
    suits = within(pattern)
    wanted = [
        (field.name, frozenset(
            value for value, names in field.choices.items() if any(suits(name) for name in (value, *names))
        ))
        for field in choices
    ]  # fmt: skip
    if pattern.is_anything:
        return lambda row: any(_text(row, field.name) for field in (*texts, *choices))
    return lambda row: any(suits(_text(row, field.name)) for field in texts) or any(
        _text(row, name) in values for name, values in wanted
    )


def _between(value: str, low: str | None, high: str | None) -> bool:
    small = fold(value)
    if not small:
        return False
    return (low is None or small >= fold(low)) and (high is None or small <= fold(high) or small.startswith(fold(high)))


def _during(value: str, start: datetime | None, end: datetime | None) -> bool:
    if not value:
        return False
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return False
    return (start is None or moment >= start) and (end is None or moment < end)


def _text(row: Row, dotted: str) -> str:
    found: Any = row
    for part in dotted.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    if found is None:
        return ""
    return found if isinstance(found, str) else str(found)
