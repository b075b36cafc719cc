"""Asks a query of the index: the same meaning as `matching`, as SQL with parameters for DuckDB.

No text of the query becomes part of the SQL. Words are looked for with RE2, which takes linear time, and only in rows
that hold the literal parts at all.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shared.browse.columns import fold, kind_title
from shared.browse.search.matching import choices_of, matcher, whole, within
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

MANY_WORDS = 12
"""From so many words on, one expression for all of them costs less than looking for each."""

SEARCHED = "search"
"""The column that holds the searched texts of an object, folded, one a line; enumerated fields are asked by value."""

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

_KINDS = sorted({kind_title("group", kind) for kind in ("security", "microsoft365", "dynamic", "mailEnabledSecurity",
                                                        "distribution")})


class Compiler:
    """Compiles one query; `constants` are fields that are the same for every row (the tenant, the backup's date)."""

    def __init__(self, screen: Screen, constants: Mapping[str, Sequence[str]]) -> None:
        self._screen, self._constants = screen, constants
        self.parameters: dict[str, Any] = {}

    def condition(self, query: Query | None) -> str:
        """The SQL condition; its parameters are in `parameters`."""
        match query:
            case None:
                return "TRUE"
            case Not(one):
                return f"NOT coalesce({self.condition(one)}, FALSE)"
            case All(each):
                return "(" + " AND ".join(self.condition(one) for one in each) + ")"
            case Some(each):
                return "(" + " OR ".join(self._offered(each)) + ")"
            case Text(None, pattern):
                return self._anywhere(pattern)
            case Text(field, pattern):
                return self._in_field(field, pattern) if field else "FALSE"
            case TextRange(field, low, high):
                return self._between(field, low, high)
            case TimeRange(field, _, _):
                return self._constant(query, field)

    def _offered(self, each: Sequence[Query]) -> list[str]:
        """The conditions of which one is enough; of many words one pass over the text finds any."""
        words = [one.pattern for one in each if isinstance(one, Text) and one.field is None and _is_plain(one.pattern)]
        if len(words) < MANY_WORDS:
            return [self.condition(one) for one in each]
        rest = [one for one in each if not (isinstance(one, Text) and one.field is None and _is_plain(one.pattern))]
        by_ends: dict[tuple[str, str], dict[str, None]] = {}
        for word in words:
            begins, literal, ends = _pieces(word, fold)
            by_ends.setdefault((begins, ends), {})[literal] = None
        passes = [
            f"regexp_matches({SEARCHED}, {self._bind(f'(?m){begins}(?:{"|".join(literals)}){ends}')})"
            for (begins, ends), literals in by_ends.items()
        ]
        return [*passes, *self._beside(words), *(self.condition(one) for one in rest)]

    def _anywhere(self, pattern: Pattern) -> str:
        if pattern.is_anything:
            return "TRUE"
        return "(" + " OR ".join([self._words(SEARCHED, pattern, folded=True), *self._beside([pattern])]) + ")"

    def _beside(self, words: Sequence[Pattern]) -> list[str]:
        """What words without a field are looked for in besides the searched text; one of them is enough."""
        each = [within(word) for word in words]
        if any(suits(value) for suits in each for value in self._constants.get("tenant", ())):
            return ["TRUE"]
        conditions = []
        for field in self._screen.fields:
            named = [
                value for value, names in field.choices.items()
                if any(suits(name) for suits in each for name in (value, *names))
            ]
            if named:
                conditions.append(f'list_contains({self._bind(named)}::VARCHAR[], "{field.name}")')
        ids = [word.parts[0].lower() for word in words if len(word.parts) == 1 and _GUID.fullmatch(word.parts[0])]
        if ids:
            conditions.append(f"list_contains({self._bind(ids)}::VARCHAR[], objectId)")
        return conditions

    def _in_field(self, field: Field, pattern: Pattern) -> str:
        if field.name in self._constants:
            return self._constant(Text(field, pattern), field)
        column = f'"{field.name}"'
        if pattern.is_anything:
            return f"{column} IS NOT NULL"
        if field.kind != "choice":
            return self._words(column, pattern, folded=False)
        condition = f"list_contains({self._bind(choices_of(field, pattern))}::VARCHAR[], {column})"
        if field.name != "objectType":
            return condition
        suits = whole(pattern)
        kinds = [kind for kind in _KINDS if suits(kind)]
        return f"({condition} OR list_contains({self._bind(kinds)}::VARCHAR[], kind))" if kinds else condition

    def _words(self, column: str, pattern: Pattern, *, folded: bool) -> str:
        """The pattern as whole words in a column; literal parts first, which costs little where they are not."""
        form = fold if folded else str.lower
        expression = expression_of(pattern, form)
        searched = f"regexp_matches({column}, {self._bind(expression if folded else '(?i)' + expression)})"
        literals = [form(word) for part in pattern.parts for word in part.split()]
        if not folded:
            literals = [word for word in literals if word.isascii()]
        if not literals:
            return searched
        holder = column if folded else f"lower({column})"
        held = " AND ".join(f"contains({holder}, {self._bind(word)})" for word in dict.fromkeys(literals))
        return f"CASE WHEN {held} THEN {searched} ELSE FALSE END"

    def _between(self, field: Field, low: str | None, high: str | None) -> str:
        if field.name in self._constants:
            return self._constant(TextRange(field, low, high), field)
        column = f'lower("{field.name}")'
        bounds = [f"{column} IS NOT NULL"]
        if low is not None:
            bounds.append(f"{column} >= {self._bind(fold(low))}")
        if high is not None:
            bound = self._bind(fold(high))
            bounds.append(f"({column} <= {bound} OR starts_with({column}, {bound}))")
        return "(" + " AND ".join(bounds) + ")"

    def _constant(self, query: Query, field: Field) -> str:
        suits = matcher(query, self._screen)
        name, *rest = field.name.split(".")
        assert not rest  # noqa: S101 - fields of objects are not nested
        return "TRUE" if any(suits({name: value}) for value in self._constants.get(field.name, ())) else "FALSE"

    def _bind(self, value: Any) -> str:
        name = f"q{len(self.parameters)}"
        self.parameters[name] = value
        return f"${name}"


def expression_of(pattern: Pattern, form: Callable[[str], str]) -> str:
    """The pattern as whole words, as RE2 reads it, its literal parts in the form that the column has."""
    return "(?m)" + "".join(_pieces(pattern, form))


def _pieces(pattern: Pattern, form: Callable[[str], str]) -> tuple[str, str, str]:
    """What must stand before, the pattern itself, and what must stand after.

    An asterisk at either end takes away the bound there, and nothing more: before it there is always a word's start.
    """
    first, last = pattern.parts[0][:1], pattern.parts[-1][-1:]
    begins = f"(?:^|[{SEPARATORS}])" if first and not separates(first) else ""
    ends = f"(?:$|[{SEPARATORS}])" if last and not separates(last) else ""
    return begins, r"\S*?".join(_literal(part, form) for part in pattern.parts if part), ends


def _is_plain(pattern: Pattern) -> bool:
    """Whether it is one word, with asterisks at its ends at most."""
    return sum(bool(part) for part in pattern.parts) == 1


def _literal(part: str, form: Callable[[str], str]) -> str:
    return r"\s+".join(re.escape(word) for word in re.split(r"\s+", form(part)))
