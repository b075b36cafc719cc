"""`$expand`: at most 20 related objects a relationship and no nextLink for them (Query parameters: $expand)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.simulator import model
from local.simulator.errors import bad_request, unsupported_query
from local.simulator.http_types import Request
from local.simulator.model import Navigation
from local.simulator.reads.view import View, parse_select
from local.simulator.routing import related
from local.simulator.schema import Schema
from local.simulator.store import Body, Record

if TYPE_CHECKING:
    from local.simulator.tenant import Tenant

LIMIT = 20
MOST_LEVELS = 100  # a chain of managers that goes round ends here
# where a page documents an $expand inside another (List roleManagementPolicyAssignments)
NESTED = frozenset([("unifiedRoleManagementPolicyAssignment", "policy")])
PART = re.compile(r"\s*([\w/.]+)\s*(?:\(((?:[^()]|\([^()]*\))*)\))?\s*(?:,|$)")


@dataclass(frozen=True, slots=True)
class Expansion:
    """One relationship to show inline."""

    navigation: Navigation
    select: tuple[str, ...] | None
    schema: Schema
    levels: int = 1
    within: tuple[Expansion, ...] = ()  # what is expanded of the related objects

    def answer(self, tenant: Tenant, request: Request, version: str, record: Record) -> Body:
        """The relationship as a property of its parent."""
        navigation = self.navigation
        mixed = navigation.target == "directoryObject"
        view = View(
            self.schema, self.select, tagged=mixed, unknown_enum_members=request.prefers("include-unknown-enum-members")
        )
        keys = related(tenant.store, record, navigation)
        found = [each for key in keys[: LIMIT if limited(navigation) else None] if (each := tenant.store.get(key))]
        shown = [
            view.show(each.table, tenant.derived.read(each, each.read()), "" if mixed else navigation.target)
            for each in found
            if not tenant.hidden(each)
        ]
        for body, each in zip(shown, (each for each in found if not tenant.hidden(each)), strict=True):
            for inner in self.within:
                body.update(inner.answer(tenant, request, version, each))
        if navigation.single:
            one = shown[0] if shown else None
            if one is not None and self.levels > 1 and found:
                one.update(
                    Expansion(navigation, self.select, self.schema, self.levels - 1).answer(
                        tenant, request, version, found[0]
                    )
                )
            return {navigation.name: one}
        return {navigation.name: shown}


def _levels(text: str) -> int:
    if text == "max":
        return MOST_LEVELS
    if not re.fullmatch(r"[1-9]\d{0,3}", text):
        raise bad_request(f"Parsing OData Select and Expand failed: '$levels={text}'.", "BadRequest")
    return min(int(text), MOST_LEVELS)


def limited(navigation: Navigation) -> bool:
    """Directory relationships are cut at 20; contained collections (rules, methods) are whole."""
    return navigation.how != "child"


def parse_expand(text: str | None, schema: Schema, type_name: str) -> tuple[Expansion, ...]:
    """The expansions that a `$expand` names; 400 for what the type does not have."""
    if text is None:
        return ()
    expansions: list[Expansion] = []
    at = 0
    while at < len(text):
        match = PART.match(text, at)
        if match is None or match.end() == at:
            raise bad_request(f"Parsing OData Select and Expand failed: syntax error at position {at}.", "BadRequest")
        at = match.end()
        name, inner = match.group(1).partition("/")[0], match.group(2) or ""
        name = "members" if name == "*" else name
        navigation = model.navigation_of(type_name, name)
        if navigation is None or name not in schema.properties(type_name):
            raise bad_request(
                f"Parsing OData Select and Expand failed: Could not find a property named '{name}' on type "
                f"'microsoft.graph.{type_name}'.", "BadRequest",
            )  # fmt: skip
        if navigation.how == "transitive":
            raise unsupported_query(f"Expanding '{name}' is not supported.")
        select, levels = None, 1
        within: tuple[Expansion, ...] = ()
        for option in filter(None, (part.strip() for part in inner.split(";"))):
            key, _, value = option.partition("=")
            match key.strip().lower():
                case "$select":
                    select = parse_select(value)
                case "$levels":
                    levels = _levels(value)
                case "$expand" if (type_name, name) in NESTED:
                    within = parse_expand(value, schema, navigation.target)
                case _:
                    raise unsupported_query(f"The option '{key}' is not supported inside $expand.")
        expansions.append(Expansion(navigation, select, schema, levels, within))
    if len(expansions) > 1 and schema.is_a(type_name, "directoryObject"):
        raise unsupported_query("Multiple $expand of directory object relationships is not supported.")
    return tuple(expansions)
