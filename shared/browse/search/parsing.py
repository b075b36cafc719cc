"""Reads a search into a query: the grammar, read by lark's LALR parser, and what a wrong search should have said.

    search: clause (OR? clause)*        several clauses mean OR; with `+` or `-` among them those decide
    clause: item (AND item)*            AND binds closer than OR
    item:   (+ | - | NOT)* (value | field:value | "(" search ")")
    value:  word | "phrase" | [from TO to] | [value]

Hostile searches are bounded before they are read: length, nesting, terms and `*`. Parsing takes linear time.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

from shared.browse.search import times
from shared.browse.search.query import (
    All,
    Field,
    Not,
    Pattern,
    Query,
    Screen,
    SearchError,
    Some,
    Text,
    TextRange,
    TimeRange,
)

if TYPE_CHECKING:
    from lark import Lark, Token

LONGEST = 4_000
MOST_TERMS = 100
MOST_STARS = 50
DEEPEST = 8

GRAMMAR = r"""
search: clause (OR? clause)*
clause: item (AND item)*
item: sign* (named | value | "(" search ")")
!sign: "+" | "-" | NOT
named: FIELD (VALUE | PHRASE | RANGE)
value: WORD | PHRASE

AND.3: /AND(?![^\s()])/
OR.3: /OR(?![^\s()])/
NOT.3: /NOT(?![^\s()])/
FIELD.2: /[A-Za-z][A-Za-z0-9_.]*:(?=[^\s])/
WORD: /(?!(?:AND|OR|NOT)(?![^\s()]))[^\s"\[\]():+\-][^\s"\[\]():]*/
VALUE: /[^\s"\[\]()][^\s"\[\]()]*/
PHRASE: /"[^"]*"/
RANGE: /\[[^\[\]]*\]/
%ignore /\s+/
"""

_WORDED = {
    "WORD": "a word", "PHRASE": 'a "phrase"', "FIELD": "field:value", "VALUE": "a value", "RANGE": "[from TO to]",
    "LPAR": "(", "RPAR": ")", "AND": "AND", "OR": "OR", "NOT": "NOT", "PLUS": "+", "MINUS": "-",
}


def parse(text: str, screen: Screen) -> Query | None:
    """The query that a search on this screen asks, or None for an empty one; SearchError."""
    from lark import UnexpectedCharacters, UnexpectedEOF, UnexpectedToken

    if not text.strip():
        return None
    _check_bounds(text)
    try:
        tree = _parser().parse(text)
    except UnexpectedCharacters as error:
        at = error.pos_in_stream or 0
        raise SearchError(at, _wanted(text, at, error.allowed or set())) from None
    except UnexpectedEOF as error:
        raise SearchError(len(text), _any_of(set(error.expected))) from None
    except UnexpectedToken as error:
        accepted = set(error.accepts or error.expected)
        if error.token.type == "$END":
            raise SearchError(len(text), _any_of(accepted)) from None
        at = error.token.start_pos or 0
        raise SearchError(at, _wanted(text, at, accepted)) from None
    return _Reader(text, screen).search(tree)


@cache
def _parser() -> "Lark":
    from lark import Lark

    return Lark(GRAMMAR, start="search", parser="lalr", lexer="contextual", propagate_positions=False)


class _Reader:
    """Makes a query of a parsed search."""

    def __init__(self, text: str, screen: Screen) -> None:
        self._text, self._screen = text, screen
        self._terms = self._stars = 0

    def search(self, tree: Any) -> Query:
        """The clauses, joined: what must be there, what must not, else at least one of the others."""
        must: list[Query] = []
        may: list[Query] = []
        for clause in tree.children:
            if not hasattr(clause, "children"):
                continue  # the word OR
            items = [one for one in clause.children if hasattr(one, "children")]
            sign, query = self._item(items[0])
            if len(items) > 1:
                may.append(All((_signed(sign, query), *(_signed(*self._item(one)) for one in items[1:]))))
            elif sign:
                must.append(_signed(sign, query))
            else:
                may.append(query)
        if any(not isinstance(one, Not) for one in must) or not may:
            return _all(must)
        offered = may[0] if len(may) == 1 else Some(tuple(may))
        return _all([*must, offered])

    def _item(self, tree: Any) -> tuple[str, Query]:
        *signs, last = tree.children
        marks = [str(sign.children[0]) for sign in signs]
        excluded = sum(mark in ("-", "NOT") for mark in marks) % 2 == 1
        sign = "-" if excluded else "+" if "+" in marks else ""
        if last.data == "search":
            return sign, self.search(last)
        return sign, self._named(*last.children) if last.data == "named" else self._term(None, last.children[0])

    def _named(self, name: "Token", value: "Token") -> Query:
        field = self._screen.field_of(str(name)[:-1])
        if field is None:
            fields = ", ".join(one.name for one in self._screen.fields)
            raise SearchError(name.start_pos or 0, f"one of the fields {fields}, or quotes around a text with a colon")
        return self._term(field, value)

    def _term(self, field: Field | None, token: "Token") -> Query:
        at = token.start_pos or 0
        self._terms += 1
        if self._terms > MOST_TERMS:
            raise SearchError(at, f"no more than {MOST_TERMS} words, phrases and values")
        text = str(token)
        if token.type == "RANGE":
            assert field is not None  # noqa: S101 - the grammar has ranges after a field only
            return self._range(field, text[1:-1], at + 1)
        if token.type == "PHRASE":
            text, at = text[1:-1], at + 1
        if field is not None and field.kind == "time":
            return TimeRange(field, *self._interval(text, at))
        pattern = Pattern(tuple(_parts(text)))
        self._stars += len(pattern.parts) - 1
        if self._stars > MOST_STARS:
            raise SearchError(at, f"no more than {MOST_STARS} asterisks")
        if not text.strip():
            raise SearchError(at, "something between the quotation marks")
        return Text(field, pattern)

    def _range(self, field: Field, inner: str, at: int) -> Query:
        words = inner.split()
        if len(words) not in (1, 3) or (len(words) == 3 and words[1] != "TO"):
            raise SearchError(at, "[from TO to], with * for no bound, or one value")
        if field.kind == "choice":
            raise SearchError(at - 1, f"a value of {field.name}, since it has no order")
        low, high = words[0], words[-1]
        if field.kind == "time":
            start = None if low == "*" else self._interval(low, self._place(low, at))[0]
            end = None if high == "*" else self._interval(high, self._place(high, at))[1]
            return TimeRange(field, start, end)
        return TextRange(field, None if low == "*" else low, None if high == "*" else high)

    def _interval(self, text: str, at: int) -> Any:
        if text == "*":
            return None, None
        try:
            return times.interval(text)
        except ValueError:
            raise SearchError(at, times.EXPECTED) from None

    def _place(self, word: str, at: int) -> int:
        return max(self._text.find(word, at), at)


def _parts(text: str) -> list[str]:
    """The literal parts between asterisks; several in a row count as one."""
    parts = text.split("*")
    return [part for place, part in enumerate(parts) if part or place in (0, len(parts) - 1)]


def _signed(sign: str, query: Query) -> Query:
    return Not(query) if sign == "-" else query


def _all(each: list[Query]) -> Query:
    return each[0] if len(each) == 1 else All(tuple(each))


def _check_bounds(text: str) -> None:
    if len(text) > LONGEST:
        raise SearchError(LONGEST, f"no more than {LONGEST} characters")
    if "\0" in text:
        raise SearchError(text.index("\0"), "text without control characters")
    depth, quoted = 0, False
    for at, character in enumerate(text):
        if character == '"':
            quoted = not quoted
        elif not quoted and character in "()":
            depth += 1 if character == "(" else -1
            if depth > DEEPEST:
                raise SearchError(at, f"no more than {DEEPEST} parentheses within each other")


def _wanted(text: str, at: int, allowed: set[str]) -> str:
    """What should stand where no token begins."""
    found = text[at]
    if found == '"':
        return "a quotation mark at the phrase's end too"
    if found == "[":
        return "field:[from TO to], closed with ]"
    if found == ":":
        return "a value right after the colon, without a space, or quotes around a text with a colon"
    return _any_of(allowed)


def _any_of(names: set[str]) -> str:
    words = [word for name, word in _WORDED.items() if name in names]
    if not words:
        return "the end of the search"
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]
