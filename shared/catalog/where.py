"""Whether a row's condition holds for an object: pure, and the same for reading, comparing and restoring.

A property is a dotted path in the body; a collection holds the condition if any of its members does. `groupKind` is
computed, since Microsoft Graph tells a group's kind by three properties together.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from shared.catalog.paths import values
from shared.catalog.row import LeftAlone, Where

GroupKind = Literal["security", "microsoft365", "dynamic", "mailEnabledSecurity", "distribution"]


def group_kind(body: Mapping[str, Any]) -> GroupKind:
    """The kind of a group as administrators name it (Microsoft Graph, "Working with groups")."""
    group_types = body.get("groupTypes") or []
    if "DynamicMembership" in group_types:
        return "dynamic"
    if "Unified" in group_types:
        return "microsoft365"
    if body.get("mailEnabled"):
        return "mailEnabledSecurity" if body.get("securityEnabled") else "distribution"
    return "security"


def holds(where: Where | None, body: Mapping[str, Any]) -> bool:
    """Whether the condition holds for this body; no condition always holds."""
    if where is None:
        return True
    name, wanted = where
    if name == "groupKind":
        return group_kind(body) in wanted.split("|")
    return any(_matches(text, choice) for text in _texts(body, name) for choice in wanted.split("|"))


def why_left_alone(rules: tuple[LeftAlone, ...], body: Mapping[str, Any]) -> str:
    """Why restore leaves this object (or the links from it) as it is; empty where it does not."""
    return next((rule.why for rule in rules if holds(rule.where, body)), "")


def _matches(text: str, wanted: str) -> bool:
    return text.startswith(wanted[:-1]) if wanted.endswith("*") else text == wanted


def _texts(body: Mapping[str, Any], name: str) -> Iterator[str]:
    """The values at a dotted path as texts; an empty value has none."""
    for value in values(body, name):
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, bool):
                yield "true" if one else "false"
            elif one not in (None, "", {}):
                yield str(one)
