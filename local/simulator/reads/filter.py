"""`$filter` as far as directory clients use it: parsing, whether it needs advanced query support, and evaluation.

Comparison of text ignores case, as the directory's does. An unknown property is 400, and so is a value of another
type than the property's: the service's OData library finds no operator for the two.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.simulator.errors import GraphError, bad_request, unsupported_query
from local.simulator.schema import Property, Schema
from local.simulator.store import Body

type Test = Callable[[Body], bool]

TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<time>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)|\d{4}-\d\d-\d\d(?![\w-]))"
    r"|(?P<guid>[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})"
    r"|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z_$@][\w.]*(?:/[\w.$@]+)*)|(?P<mark>[(),:]))"
)
COMPARISONS = frozenset(["eq", "ne", "gt", "ge", "lt", "le"])
# How a value is written for a property of each kind, and the name of each in a refusal (OData literals).
LITERALS = {
    "string": ("text",), "bool": ("name",), "int": ("number",), "float": ("number",), "datetime": ("time",),
    "date": ("time",), "uuid": ("guid",),
}  # fmt: skip
EDM = {
    "bool": "Edm.Boolean", "int": "Edm.Int32", "float": "Edm.Double", "datetime": "Edm.DateTimeOffset",
    "date": "Edm.Date", "uuid": "Edm.Guid",
}  # fmt: skip
WRITTEN = {
    "text": "Edm.String", "name": "Edm.Boolean", "number": "Edm.Int32", "time": "Edm.DateTimeOffset",
    "guid": "Edm.Guid",
}  # fmt: skip
# Properties that a filter by `ge`/`le`/`ne`/`not`/`endsWith` reaches only through the advanced index
# (Advanced query capabilities on Microsoft Entra objects).
ADVANCED_OPERATORS = frozenset(["ne", "not", "endswith"])


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed filter: its test, whether it needs the advanced index, and what an index can serve: an equality, or the
    ids that are asked for and nothing else."""

    test: Test
    advanced: bool
    equals: tuple[str, str] | None
    ids: tuple[str, ...] | None = None


def parse(text: str, schema: Schema, type_name: str) -> Filter:
    """The filter that a text means for a type; raises 400 for what Graph would refuse."""
    return _Parser(text, schema, type_name).parse()


class _Parser:
    def __init__(self, text: str, schema: Schema, type_name: str) -> None:
        self.tokens = _tokens(text)
        self.at = 0
        self.schema = schema
        self.type_name = type_name
        self.advanced = False
        self.equals: tuple[str, str] | None = None
        self.depth = 0
        self.variable = ""
        self.element: Property | None = None  # what the range variable runs over
        self.plain = True
        self.terms = 0
        self.ids: tuple[str, ...] | None = None

    def parse(self) -> Filter:
        test = self._or()
        if self.at < len(self.tokens):
            raise _wrong(f"unexpected '{self.tokens[self.at][1]}'")
        alone = self.terms == 1 and not self.advanced
        return Filter(test, self.advanced, self.equals if self.plain else None, self.ids if alone else None)

    def _peek(self) -> str:
        return self.tokens[self.at][1].lower() if self.at < len(self.tokens) else ""

    def _take(self) -> tuple[str, str]:
        if self.at >= len(self.tokens):
            raise _wrong("the expression ends too early")
        self.at += 1
        return self.tokens[self.at - 1]

    def _expect(self, mark: str) -> None:
        if self._take()[1] != mark:
            raise _wrong(f"'{mark}' was expected")

    def _or(self) -> Test:
        tests = [self._and()]
        while self._peek() == "or":
            self._take()
            self.plain = False
            tests.append(self._and())
        return tests[0] if len(tests) == 1 else lambda body: any(test(body) for test in tests)

    def _and(self) -> Test:
        tests = [self._unary()]
        while self._peek() == "and":
            self._take()
            tests.append(self._unary())
        return tests[0] if len(tests) == 1 else lambda body: all(test(body) for test in tests)

    def _unary(self) -> Test:
        if self._peek() == "not":
            self._take()
            self.advanced, self.plain = True, False
            inner = self._unary()
            return lambda body: not inner(body)
        if self._peek() == "(":
            self.depth += 1
            if self.depth > 50:
                raise _wrong("it is nested too deeply")
            self._take()
            inner = self._or()
            self._expect(")")
            self.depth -= 1
            return inner
        return self._term()

    def _term(self) -> Test:
        self.terms += 1
        kind, word = self._take()
        if kind != "name":
            raise _wrong(f"a property was expected, not '{word}'")
        lower = word.lower()
        if lower in ("startswith", "endswith", "contains") and self._peek() == "(":
            return self._text_function(lower)
        if lower == "isof" and self._peek() == "(":
            return self._isof()
        if self._peek() == "(" and lower.rpartition("/")[2] in ("any", "all"):
            return self._any(word.rpartition("/")[0], lower.rpartition("/")[2])
        path = self._path(word)
        operator = self._take()[1].lower()
        if operator == "in":
            self.plain = False
            return self._in(path)
        if operator not in COMPARISONS:
            raise _wrong(f"'{operator}' is no operator")
        value = self._value(self._property(word))
        if operator == "ne":
            self.advanced = True
        if path == ["$count"] or (path and path[-1] == "$count"):
            self.advanced = True
            return _counted(path[:-1], operator, value)
        if operator == "eq" and len(path) == 1 and isinstance(value, str) and not self.variable:
            self.equals = self.equals or (path[0], value)
        return _compared(path, operator, value)

    def _path(self, word: str) -> list[str]:
        parts = word.split("/")
        if self.variable:
            if parts[0] == self.variable:
                return parts[1:]
            raise _wrong(f"'{parts[0]}' is not the range variable")
        known = self.schema.properties(self.type_name)
        if parts[0] not in known and not parts[0].startswith("extension_") and self.type_name != "directoryObject":
            where = f"type 'microsoft.graph.{self.type_name}'"
            raise bad_request(f"Could not find a property named '{parts[0]}' on {where}.", "BadRequest")
        return parts

    def _property(self, word: str) -> Property | None:
        """What the schema says of a path's last part, where it says anything (extensions and casts are not judged)."""
        type_name, parts = self.type_name, word.split("/")
        if self.variable:
            if self.element is None or len(parts) == 1:
                return self.element
            type_name, parts = self.element.type, parts[1:]
        found: Property | None = None
        for part in parts:
            found = self.schema.properties(type_name).get(part)
            if found is None:
                return None
            type_name = found.type
        return found

    def _value(self, judged: Property | None = None) -> Any:
        kind, word = self._take()
        if judged is not None and kind in WRITTEN and not (kind == "name" and word.lower() == "null"):
            wanted = LITERALS.get(judged.kind)
            if wanted is not None and kind not in wanted:
                raise _incompatible(EDM.get(judged.kind, "Edm.String"), WRITTEN[kind])
        match kind:
            case "text":
                return word[1:-1].replace("''", "'")
            case "guid":
                return word
            case "number":
                return float(word) if "." in word else int(word)
            case "time":
                return _moment(word)
            case "name" if word.lower() in ("true", "false"):
                return word.lower() == "true"
            case "name" if word.lower() == "null":
                return None
        raise _wrong(f"a value was expected, not '{word}'")

    def _in(self, path: list[str]) -> Test:
        self._expect("(")
        judged = self._property("/".join([self.variable, *path]) if self.variable else "/".join(path))
        values = [_folded(self._value(judged))]
        while self._peek() == ",":
            self._take()
            values.append(_folded(self._value(judged)))
        self._expect(")")
        if len(values) > 15:
            raise unsupported_query("Too many values in the 'in' expression; at most 15 are supported.")
        if path == ["id"] and not self.variable:
            self.ids = tuple(str(value) for value in values)
        return lambda body: _folded(_reach(body, path)) in values

    def _text_function(self, name: str) -> Test:
        self.plain = False
        self._expect("(")
        _, word = self._take()
        path, judged = self._path(word), self._property(word)
        self._expect(",")
        value = self._value()
        self._expect(")")
        if not isinstance(value, str) or (judged is not None and judged.kind not in ("string", "any")):
            raise _wrong(f"No function signature for the function with name '{name}' matches the specified arguments")
        if name == "contains" and self.type_name in DIRECTORY_TYPES:
            raise unsupported_query("Unsupported Query: 'contains' is not supported by directory objects.")
        if name == "endswith":
            self.advanced = True
        if self._peek() == "eq":  # startsWith(x,'y') eq true
            self._take()
            if self._value() is not True:
                raise unsupported_query("Unsupported comparison of a text function.")
        wanted = value.casefold()

        def test(body: Body) -> bool:
            held = _reach(body, path)
            if not isinstance(held, str):
                return False
            held = held.casefold()
            if name == "contains":
                return wanted in held
            return held.startswith(wanted) if name == "startswith" else held.endswith(wanted)

        return test

    def _isof(self) -> Test:
        self.plain = False
        self._expect("(")
        kind = self._value()
        self._expect(")")
        wanted = str(kind).removeprefix("microsoft.graph.")
        return lambda body: self.schema.is_a(str(body.get("@odata.type", "")).removeprefix("#microsoft.graph."), wanted)

    def _any(self, collection: str, quantifier: str) -> Test:
        self.plain = False
        path = self._path(collection)
        self._expect("(")
        if self._peek() == ")":
            self._take()
            self.advanced = True
            return lambda body: bool(_reach(body, path))
        variable = self._take()[1]
        self._expect(":")
        element = self._property(collection)
        outer, self.variable, self.element = (self.variable, self.element), variable, element
        inner = self._lambda_body()
        self.variable, self.element = outer
        self._expect(")")

        def test(body: Body) -> bool:
            held = _reach(body, path)
            each = (inner(one if isinstance(one, dict) else {"": one}) for one in held or ())
            return any(each) if quantifier == "any" else all(each)

        return test

    def _lambda_body(self) -> Test:
        return self._or()


DIRECTORY_TYPES = frozenset(
    [
        "user", "group", "application", "servicePrincipal", "device", "administrativeUnit", "directoryRole",
        "orgContact", "directoryObject",
    ]
)  # fmt: skip


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    text = text.rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise _wrong(f"position {at}")
        found.append((match.lastgroup or "", match.group(match.lastgroup or 0)))
        at = match.end()
    if not found:
        raise _wrong("it is empty")
    return found


def _wrong(why: str) -> GraphError:
    return bad_request(f"Invalid filter clause: {why}.", "BadRequest")


def _incompatible(held: str, said: str) -> GraphError:
    return bad_request(
        f"A binary operator with incompatible types was detected. Found operand types '{held}' and '{said}' for "
        "operator kind 'Equal'.",
        "BadRequest",
    )


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise _wrong(f"'{text}' is no date") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _reach(body: Any, path: list[str]) -> Any:
    if not path:
        return body.get("")  # the range variable of a collection of plain values
    for part in path:
        if not isinstance(body, dict):
            return None
        body = body.get(part)
    return body


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _compared(path: list[str], operator: str, value: Any) -> Test:
    wanted = _folded(value)

    def test(body: Body) -> bool:
        held = _reach(body, path)
        if isinstance(wanted, datetime):
            held = _moment(held) if isinstance(held, str) else None
        held = _folded(held)
        if operator == "eq":
            return bool(held == wanted)
        if operator == "ne":
            return bool(held != wanted)
        if held is None or wanted is None or isinstance(held, bool) or type(held) is not type(wanted):
            return False
        match operator:
            case "gt":
                return bool(held > wanted)
            case "ge":
                return bool(held >= wanted)
            case "lt":
                return bool(held < wanted)
        return bool(held <= wanted)

    return test


def _counted(path: list[str], operator: str, value: Any) -> Test:
    def test(body: Body) -> bool:
        count = len(_reach(body, path) or ())
        return _compared(["n"], operator, value)({"n": count})

    return test
