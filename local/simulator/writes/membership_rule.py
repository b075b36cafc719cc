"""Dynamic membership rules: parsed, refused when wrong, and tried on users and devices.

The grammar is that of "Manage rules for dynamic membership groups": comparisons joined by -and, -or, -not and
parentheses; -any and -all over collections. Strings compare without case. `memberOf`, direct-report rules and
arithmetic on dates are not known here and are refused, more than Graph does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from local.simulator.store import Body

TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"`]|`.)*"|'(?:[^'`]|`.)*')|(?P<operator>-\w+)|(?P<mark>[()\[\],])|(?P<word>[\w.]+))"""
)

# How a rule names what the schema calls otherwise (the same page, supported properties).
USER_NAMES = {
    "objectid": "id", "mobile": "mobilePhone", "telephonenumber": "businessPhones", "dirsyncenabled":
    "onPremisesSyncEnabled", "physicaldeliveryofficename": "officeLocation", "facsimiletelephonenumber": "faxNumber",
    **{name.lower(): name for name in (
        "accountEnabled", "city", "companyName", "country", "department", "displayName", "employeeId", "givenName",
        "jobTitle", "mail", "mailNickname", "onPremisesDistinguishedName", "onPremisesSecurityIdentifier",
        "passwordPolicies", "postalCode", "preferredLanguage", "sipProxyAddress", "state", "streetAddress", "surname",
        "usageLocation", "userPrincipalName", "userType", "otherMails", "proxyAddresses", "assignedPlans",
        "employeeType", "officeLocation",
    )},
}  # fmt: skip
DEVICE_NAMES = {
    "objectid": "id", "deviceostype": "operatingSystem", "deviceosversion": "operatingSystemVersion",
    "devicemodel": "model", "devicemanufacturer": "manufacturer", "devicetrusttype": "trustType",
    "devicephysicalids": "physicalIds", "devicemanagementappid": "mdmAppId",
    **{name.lower(): name for name in (
        "accountEnabled", "deviceCategory", "deviceId", "deviceOwnership", "displayName", "enrollmentProfileName",
        "isRooted", "managementType", "systemLabels",
    )},
}  # fmt: skip
BOOLEANS = frozenset(["accountEnabled", "onPremisesSyncEnabled", "isRooted"])
COLLECTIONS = frozenset(["otherMails", "proxyAddresses", "assignedPlans", "physicalIds", "systemLabels"])
COMPARED = frozenset(
    ["-eq", "-ne", "-startswith", "-notstartswith", "-contains", "-notcontains", "-match", "-notmatch", "-in", "-notin"]
)


class RuleError(ValueError):
    """The rule cannot be read; the message says where."""


type Test = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class MembershipRule:
    """A rule that was read: the table it selects from and its test over bodies."""

    table: str
    test: Test

    def selects(self, body: Body) -> bool:
        """Whether an object belongs."""
        return self.test(body)


@lru_cache(maxsize=4096)
def parse(text: str) -> MembershipRule:
    """The rule that a text says; RuleError when it says none."""
    reader = _Reader(text)
    test = reader.either()
    if reader.peek() is not None:
        raise RuleError(f"unexpected '{reader.peek()}'")
    if len(reader.tables) != 1:
        raise RuleError("a rule speaks of users or of devices, not of both and not of none")
    return MembershipRule(next(iter(reader.tables)), test)


class _Reader:
    """A descent over the tokens of one rule."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        self.tables: set[str] = set()
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

    def either(self) -> Test:
        """Terms joined by -or."""
        terms = [self.both()]
        while (self.peek() or "").lower() == "-or":
            self.take()
            terms.append(self.both())
        return terms[0] if len(terms) == 1 else lambda body: any(term(body) for term in terms)

    def both(self) -> Test:
        """Terms joined by -and."""
        terms = [self.negated()]
        while (self.peek() or "").lower() == "-and":
            self.take()
            terms.append(self.negated())
        return terms[0] if len(terms) == 1 else lambda body: all(term(body) for term in terms)

    def negated(self) -> Test:
        """A term, perhaps after -not."""
        if (self.peek() or "").lower() == "-not":
            self.take()
            inner = self.negated()
            return lambda body: not inner(body)
        if self.peek() == "(":
            self.take()
            inner = self.either()
            self.take(")")
            return inner
        return self.comparison()

    def comparison(self) -> Test:
        """`property operator value`."""
        read, name = self._property(self.take())
        operator = self.take().lower()
        operator = operator if operator.startswith("-") else f"-{operator}"
        if operator in ("-any", "-all"):
            if name not in COLLECTIONS:
                raise RuleError(f"{operator} needs a collection")
            return self._over(read, operator)
        if operator not in COMPARED:
            raise RuleError(f"unknown operator '{operator}'")
        if name in COLLECTIONS and operator not in ("-contains", "-notcontains", "-eq", "-ne"):
            raise RuleError(f"invalid operands found for operator {operator}")
        value = self._value(is_list=operator in ("-in", "-notin"))
        if name in BOOLEANS and not (isinstance(value, bool) or value is None):
            raise RuleError(f"invalid operands found for operator {operator}")
        if isinstance(value, bool) and name not in BOOLEANS:
            raise RuleError(f"invalid operands found for operator {operator}")
        return lambda body: _holds(operator, read(body), value)

    def _over(self, read: Callable[[Any], Any], operator: str) -> Test:
        if self._inner:
            raise RuleError("-any and -all do not nest")
        self._inner = "element"
        self.take("(")
        test = self.either()
        self.take(")")
        self._inner = ""
        if operator == "-any":
            return lambda body: any(test(each) for each in read(body) or ())
        return lambda body: all(test(each) for each in read(body) or ())

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
            return re.sub(r"`(.)", r"\1", token[1:-1])
        lowered = token.lower()
        if lowered in ("true", "false"):
            return lowered == "true"
        if lowered in ("null", "$null"):
            return None
        if re.fullmatch(r"\d+", token):
            return token
        raise RuleError(f"'{token}' is no value; text stands in quotes")


PLAN_NAMES = {"serviceplanid": "servicePlanId", "capabilitystatus": "capabilityStatus", "service": "service"}


def _fold(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _holds(operator: str, held: Any, value: Any) -> bool:
    if operator.startswith(("-not", "-ne")):
        return not _holds({"-ne": "-eq"}.get(operator, f"-{operator[4:]}"), held, value)
    held = False if held is None and isinstance(value, bool) else held
    if operator == "-eq":
        if value is None or value == "":
            return held is None or held in ("", [])
        return bool(_fold(held) == _fold(value))
    if operator == "-in":
        return _fold(held) in [_fold(each) for each in value]
    if isinstance(held, list):
        return any(_fold(each) == _fold(value) for each in held)
    if not isinstance(held, str) or not isinstance(value, str):
        return False
    if operator == "-contains":
        return value.casefold() in held.casefold()
    if operator == "-startswith":
        return held.casefold().startswith(value.casefold())
    try:
        return re.search(value, held, re.IGNORECASE) is not None
    except re.error:
        return False
