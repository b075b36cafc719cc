"""Search in records: words, `"phrases"`, `*`, `+`, `-`, `NOT`, `AND`, `OR`, `field:value`, `field:[a TO b]`.

Case does not matter; several words mean OR; `*` stands for any characters but spaces. A word without a field is
looked for in every searched field. `AND`, `OR` and `NOT` are operators in capitals only.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from shared.errors import RecordError

Need = Literal["must", "mustNot", "may"]
Record = Mapping[str, Any]
MOST_TERMS = 50


class SearchError(RecordError):
    """The search cannot be understood from `position` (0 is the first character) on, where `expected` should stand."""

    default_remedy = "See the search language in the documentation of the HTTP interface."

    def __init__(self, position: int, expected: str) -> None:
        super().__init__(f"at character {position}: expected {expected}")
        self.position = position
        self.expected = expected


@dataclass(frozen=True, slots=True)
class Clause:
    """One thing looked for, and whether it must, must not or may be there."""

    need: Need
    suits: Callable[[Record], bool]


_TOKEN = re.compile(
    r"""(?P<sign>[+-])?
        (?:(?P<field>[A-Za-z][A-Za-z.]*):)?
        (?:"(?P<phrase>[^"]*)"|\[(?P<low>\S+)\s+TO\s+(?P<high>[^\s\]]+)\]|(?P<word>[^\s"\[\]]+))""",
    re.VERBOSE,
)


def search(text: str, fields: Sequence[str]) -> Callable[[Record], bool]:
    """Says whether a record is one that `text` looks for; raises SearchError."""
    clauses = _clauses(text, fields)

    def suits(record: Record) -> bool:
        if any(clause.need == "mustNot" and clause.suits(record) for clause in clauses):
            return False
        needed = [clause for clause in clauses if clause.need == "must"]
        if needed:
            return all(clause.suits(record) for clause in needed)
        offered = [clause for clause in clauses if clause.need == "may"]
        return not offered or any(clause.suits(record) for clause in offered)

    return suits


def _clauses(text: str, fields: Sequence[str]) -> list[Clause]:
    clauses: list[Clause] = []
    position, joined, negated = 0, False, False
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        found = _TOKEN.match(text, position)
        if found is None or (found.end() < len(text) and not text[found.end()].isspace()):
            raise SearchError(position if found is None else found.end(), "a word, a \"phrase\" or field:value")
        word = found.group()
        if word in ("AND", "OR"):
            if not clauses or joined or negated:
                raise SearchError(position, f"something before {word}")
            joined = word == "AND"
            if joined and clauses[-1].need == "may":
                clauses[-1] = Clause("must", clauses[-1].suits)
        elif word == "NOT":
            negated = True
        else:
            need: Need = "mustNot" if negated or found["sign"] == "-" else "must" if joined or found["sign"] else "may"
            if len(clauses) == MOST_TERMS:
                raise SearchError(position, f"at most {MOST_TERMS} terms")
            clauses.append(Clause(need, _predicate(found, fields, position)))
            joined = negated = False
        position = found.end()
    if joined or negated:
        raise SearchError(len(text), "something after the operator")
    return clauses


def _predicate(found: re.Match[str], fields: Sequence[str], position: int) -> Callable[[Record], bool]:
    name = found["field"]
    if name is not None:
        by_small = {field.casefold(): field for field in fields}
        if name.casefold() not in by_small:
            raise SearchError(position, "one of the fields " + ", ".join(fields))
        looked_in: Sequence[str] = [by_small[name.casefold()]]
    else:
        looked_in = fields
    if found["low"] is not None:
        if name is None:
            raise SearchError(position, "a field before the range")
        low, high = found["low"], found["high"]
        return lambda record: _within(_value(record, looked_in[0]), low, high)
    pattern = _pattern(found["word"] if found["word"] is not None else found["phrase"])
    return lambda record: any(pattern.search(text) for text in (_value(record, field) for field in looked_in) if text)


def _pattern(text: str) -> re.Pattern[str]:
    first, *rest = [re.escape(part) for part in re.sub(r"\*+", "*", text).split("*")]
    end = r"(?!\w)"
    if not rest:
        return re.compile(rf"(?<!\w){first}{end}", re.IGNORECASE)
    # Each part is taken where it first fits and never tried again further on, which finds the same and keeps a search
    # full of stars from taking for ever.
    *middle, last = rest
    following = "".join(rf"(?>\S*?{part})" for part in middle)
    return re.compile(rf"(?<!\w){first}{following}(?>\S*?{last}{end})", re.IGNORECASE)


def _within(value: str, low: str, high: str) -> bool:
    small = value.casefold()
    if not small:
        return False
    # `2026-11-21` as an upper end includes that whole day, since the texts of its times begin with it.
    return (low == "*" or small >= low.casefold()) and (
        high == "*" or small <= high.casefold() or small.startswith(high.casefold())
    )


def _value(record: Record, dotted: str) -> str:
    found: Any = record
    for part in dotted.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return "" if found is None else str(found)
