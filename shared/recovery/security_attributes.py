"""Values of custom security attributes as Microsoft Graph takes them. Pure.

A PATCH merges: what it does not name stays; a value goes by null, a collection by an empty one. Collections and numbers
need their type beside them, though Graph's own types of the sets are not those that it takes. Source: Microsoft Graph
"Examples: Assign, update, list, or remove custom security attribute assignments".
"""

from collections.abc import Mapping
from typing import Any

from shared.recovery.state import Json
from shared.recovery.writable import same

NAME = "customSecurityAttributes"
SET_TYPE = "#Microsoft.DirectoryServices.CustomSecurityAttributeValue"


def assignment(wanted: Mapping[str, Any] | None, present: Mapping[str, Any] | None) -> Json:
    """The property's value in a PATCH that makes of `present` what is `wanted`; it names what differs only."""
    ours, theirs = wanted or {}, present or {}
    found: Json = {}
    for name in sorted({*ours, *theirs}):
        if "@" not in name:
            values = _values(ours.get(name) or {}, theirs.get(name) or {})
            if values:
                found[name] = {"@odata.type": SET_TYPE, **values}
    return found


def _values(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Json:
    found: Json = {}
    for name in sorted({*ours, *theirs}):
        value, there = ours.get(name), theirs.get(name)
        if "@" in name or same(value, there):
            continue
        if value in (None, []):
            found[name] = [] if isinstance(there, list) else None
            continue
        kind = _type_of(value)
        found |= {f"{name}@odata.type": kind, name: value} if kind else {name: value}
    return found


def _type_of(value: Any) -> str:
    if isinstance(value, list):
        return "#Collection(String)" if all(isinstance(one, str) for one in value) else "#Collection(Int32)"
    return "#Int32" if isinstance(value, int) and not isinstance(value, bool) else ""
