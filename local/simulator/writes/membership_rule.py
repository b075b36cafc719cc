"""Dynamic membership rules: parsed, refused when wrong, and tried on users and devices.

The grammar is that of "Manage rules for dynamic membership groups": comparisons joined by -and, -or, -not and
parentheses; -any and -all over collections; employeeHireDate against a date or `system.now` with a duration. Operators
stand with or without their hyphen, strings compare without case. Two rules stand alone and join no other: the direct
reports of a manager, and the members of up to 50 groups ("Configure dynamic membership groups with the memberOf
attribute").
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from local.simulator.store import Body
from local.simulator.writes.membership_terms import (
    BOOLEANS,
    COLLECTIONS,
    COMPARED,
    DATES,
    DEVICE_NAMES,
    OF_DATES,
    PLAN_NAMES,
    USER_NAMES,
    RuleError,
    dates_hold,
    duration,
    holds,
    moment,
)

TOKEN = re.compile(
    r"""\s*(?:"(?:[^"`]|`.)*"|'(?:[^'`]|`.|'')*'|\d{4}-\d\d-\d\d[\w:.+-]*|-\w+|[()\[\],]|[\w.]+)"""
)
DIRECT_REPORTS = re.compile(r"""\s*direct\s+reports\s+for\s+["']([0-9a-f-]{36})["']\s*""", re.IGNORECASE)
MEMBER_OF = re.compile(
    r"""\s*(user|device)\.memberof\s+-?any\s*\(\s*group\.objectid\s+-?in\s*\[([^\]]*)\]\s*\)\s*""", re.IGNORECASE
)
GROUP_ID = re.compile(r"""\s*["']([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})["']\s*""", re.IGNORECASE)
MOST_CHARACTERS = 3072
MOST_GROUPS = 50

type Test = Callable[[Any, float], bool]


def _nobody(_body: Any, _now: float) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class MembershipRule:
    """A rule that was read: the table it selects from, and a test over bodies, a manager or groups."""

    table: str
    test: Test = _nobody
    manager: str = ""
    """The id of the manager whose direct reports are meant; then `test` says nothing."""
    groups: frozenset[str] = frozenset()
    """The ids of the groups whose direct members are meant; then `test` says nothing."""
    timed: bool = False
    """Whether what it selects changes with time alone."""

    def selects(self, body: Body, now: float) -> bool:
        """Whether an object belongs by its properties; `now` in seconds since the epoch."""
        return self.test(body, now)


@lru_cache(maxsize=4096)
def parse(text: str) -> MembershipRule:
    """The rule that a text says; RuleError when it says none."""
    if len(text) > MOST_CHARACTERS:
        raise RuleError(f"a rule has at most {MOST_CHARACTERS} characters")
    reports = DIRECT_REPORTS.fullmatch(text)
    if reports is not None:
        return MembershipRule("user", manager=reports.group(1).lower())
    held = MEMBER_OF.fullmatch(text)
    if held is not None:
        return MembershipRule(held.group(1).lower(), groups=_groups(held.group(2)))
    reader = _Reader(text)
    test = reader.either()
    if reader.peek() is not None:
        raise RuleError(f"unexpected '{reader.peek()}'")
    if len(reader.tables) != 1:
        raise RuleError("a rule speaks of users or of devices, not of both and not of none")
    return MembershipRule(next(iter(reader.tables)), test, timed=reader.timed)


def _groups(listed: str) -> frozenset[str]:
    found = [GROUP_ID.fullmatch(each) for each in listed.split(",")]
    if not all(found) or len(found) > MOST_GROUPS:
        raise RuleError(f"memberOf takes the ids of one to {MOST_GROUPS} groups in quotes")
    return frozenset(each.group(1).lower() for each in found if each is not None)


class _Reader:
    """A descent over the tokens of one rule."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        self.tables: set[str] = set()
        self.timed = False
        self._at = 0
        self._inner = ""  # inside -any or -all: the collection's element
        position = 0
        text = text.rstrip()
        while position < len(text):
            found = TOKEN.match(text, position)
            if found is None:
                raise RuleError(f"unexpected text at {position}")
            self.tokens.append(found.group(0).strip())
            position = found.end()
        if not self.tokens:
            raise RuleError("the rule is empty")

    def peek(self) -> str | None:
        """The next token."""
        return self.tokens[self._at] if self._at < len(self.tokens) else None

    def take(self, expected: str = "") -> str:
        """The next token, gone past."""
        token = self.peek()
        if token is None or (expected and token.lower() != expected):
            raise RuleError(f"expected {expected or 'more'} and found {token or 'the end'}")
        self._at += 1
        return token

    def word(self) -> str:
        """The next token as an operator, with its hyphen."""
        token = (self.peek() or "").lower()
        return token if token.startswith("-") else f"-{token}"

    def either(self) -> Test:
        """Terms joined by -or."""
        terms = [self.both()]
        while self.word() == "-or":
            self.take()
            terms.append(self.both())
        return terms[0] if len(terms) == 1 else lambda body, now: any(term(body, now) for term in terms)

    def both(self) -> Test:
        """Terms joined by -and."""
        terms = [self.negated()]
        while self.word() == "-and":
            self.take()
            terms.append(self.negated())
        return terms[0] if len(terms) == 1 else lambda body, now: all(term(body, now) for term in terms)

    def negated(self) -> Test:
        """A term, perhaps after -not."""
        if self.word() == "-not":
            self.take()
            inner = self.negated()
            return lambda body, now: not inner(body, now)
        if self.peek() == "(":
            self.take()
            inner = self.either()
            self.take(")")
            return inner
        return self.comparison()

    def comparison(self) -> Test:
        """`property operator value`."""
        read, name = self._property(self.take())
        operator = self.word()
        self.take()
        if operator in ("-any", "-all"):
            if name not in COLLECTIONS:
                raise RuleError(f"{operator} needs a collection")
            return self._over(read, operator)
        if operator not in COMPARED:
            raise RuleError(f"unknown operator '{operator}'")
        if name in DATES:
            return self._dated(read, operator)
        if operator in ("-le", "-ge") or (name in COLLECTIONS and operator in ("-in", "-notin")):
            raise RuleError(f"invalid operands found for operator {operator}")
        value = self._value(is_list=operator in ("-in", "-notin"))
        if name in BOOLEANS and not (isinstance(value, bool) or value is None):
            raise RuleError(f"invalid operands found for operator {operator}")
        if isinstance(value, bool) and name not in BOOLEANS:
            raise RuleError(f"invalid operands found for operator {operator}")
        return lambda body, _now: holds(operator, read(body), value)

    def _dated(self, read: Callable[[Any], Any], operator: str) -> Test:
        if operator not in OF_DATES:
            raise RuleError(f"invalid operands found for operator {operator}")
        token = self.take()
        if token.lower() in ("null", "$null"):
            if operator not in ("-eq", "-ne"):
                raise RuleError(f"invalid operands found for operator {operator}")
            return lambda body, _now: (read(body) is None) == (operator == "-eq")
        ahead, fixed = 0.0, None
        if token.lower() == "system.now":
            self.timed = True
            if self.word() in ("-plus", "-minus"):
                sign = 1 if self.word() == "-plus" else -1
                self.take()
                ahead = sign * duration(self.take())
        else:
            fixed = moment(token.strip("\"'"))
            if fixed is None:
                raise RuleError(f"'{token}' is no date")
        return lambda body, now: dates_hold(operator, read(body), now + ahead if fixed is None else fixed)

    def _over(self, read: Callable[[Any], Any], operator: str) -> Test:
        if self._inner:
            raise RuleError("-any and -all do not nest")
        self._inner = "element"
        if self.peek() == "(":
            self.take("(")
            test = self.either()
            self.take(")")
        else:
            test = self.comparison()  # `-any _ -startsWith "x"`: one comparison needs no parentheses
        self._inner = ""
        if operator == "-any":
            return lambda body, now: any(test(each, now) for each in read(body) or ())
        return lambda body, now: all(test(each, now) for each in read(body) or ())

    def _property(self, token: str) -> tuple[Callable[[Any], Any], str]:
        head, _, name = token.partition(".")
        if self._inner:
            if token == "_":
                return (lambda element: element), "_"
            if head.lower() == "assignedplan" and name.lower() in PLAN_NAMES:
                plain = PLAN_NAMES[name.lower()]
                return (lambda element: element.get(plain)), plain
            raise RuleError(f"unknown property '{token}'")
        names = {"user": USER_NAMES, "device": DEVICE_NAMES}.get(head.lower())
        if names is None or not name:
            raise RuleError(f"unknown property '{token}'")
        self.tables.add(head.lower())
        lowered = name.lower()
        if re.fullmatch(r"extensionattribute([1-9]|1[0-5])", lowered):
            number = lowered.removeprefix("extensionattribute")
            holder = "onPremisesExtensionAttributes" if head.lower() == "user" else "extensionAttributes"
            return (lambda body: (body.get(holder) or {}).get(f"extensionAttribute{number}")), lowered
        if lowered.startswith("extension_"):
            return (lambda body: body.get(name)), name
        if lowered not in names:
            raise RuleError(f"unknown property '{token}'")
        plain = names[lowered]
        if plain == "businessPhones":
            return (lambda body: next(iter(body.get("businessPhones") or ()), None)), plain
        return (lambda body: body.get(plain)), plain

    def _value(self, *, is_list: bool) -> Any:
        token = self.take()
        if is_list:
            if token != "[":
                raise RuleError("a list in brackets is expected")
            values = [self._plain(self.take())]
            while self.peek() == ",":
                self.take()
                values.append(self._plain(self.take()))
            self.take("]")
            return values
        return self._plain(token)

    def _plain(self, token: str) -> Any:
        if token[0] in "\"'":
            text = token[1:-1] if token[0] == '"' else token[1:-1].replace("''", "'")
            return re.sub(r"`(.)", r"\1", text)
        lowered = token.lower()
        if lowered in ("true", "false"):
            return lowered == "true"
        if lowered in ("null", "$null"):
            return None
        if re.fullmatch(r"\d+", token):
            return token
        raise RuleError(f"'{token}' is no value; text stands in quotes")
