"""Which parts of a body Microsoft Graph lets us write, by the catalog row. Pure.

Invariants: what a row calls read-only, secret, volatile, or written by a request of its own never stands in a body we
send; a creation sends nothing empty, an update says null or [] where that is the value.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.backup.recorder import volatile_splitter
from shared.catalog.row import PARENT, ObjectType
from shared.recovery.state import Json

TYPE = "@odata.type"

def writable_names(row: ObjectType, body: Mapping[str, Any]) -> list[str]:
    """The properties of this body that a PATCH may carry, in the order of their names."""
    return sorted(name for name in body if is_writable(row, name) and name not in row.immutable)


def is_writable(row: ObjectType, name: str) -> bool:
    """Whether a body that we send may hold the property."""
    return not (
        "@" in name
        or name == PARENT
        or name in row.read_only
        or row.why_left_as_is(name)
        or name in row.excluded_names
        or name in {action for action, _ in row.actions}
        or name in row.streams
        or name in {document for document, _ in row.documents}
        or name in row.expanded
        or name in row.inline
        or name in {path.split(".")[0].removesuffix("[]") for path in row.volatile if "." not in path}
    )


def comparable(row: ObjectType, body: Mapping[str, Any]) -> Json:
    """The body as restore compares it: without volatile and nested read-only parts; a copy."""
    copied: Json = _copied(body)
    volatile_splitter(row.volatile)(copied)
    _drop_all(copied, (*row.read_only, *row.secret))
    if row.name == "conditionalAccessPolicy":
        _strength_by_id(copied)
    return copied


def without_given_parts(row: ObjectType, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The body without the parts of its properties that the service gives, such as ids of conditions; else as it is."""
    nested = [path for path in row.read_only if "." in path or "[]" in path]
    if not nested:
        return body
    copied: Json = _copied(body)
    _drop_all(copied, nested)
    return copied


def differing(row: ObjectType, wanted: Mapping[str, Any], present: Mapping[str, Any]) -> dict[str, Any]:
    """Writable property → wanted value, for those that both sides know and that differ."""
    ours, theirs = comparable(row, wanted), comparable(row, present)
    return {
        name: ours[name]
        for name in writable_names(row, ours)
        if name in theirs and not same(ours[name], theirs[name])
    }


def same(one: Any, other: Any) -> bool:
    """Whether two values say the same: null, empty and absent are alike, and so are sets of plain values."""
    return bool(_plain({"value": one}) == _plain({"value": other}))


def creation(row: ObjectType, wanted: Mapping[str, Any]) -> Json:
    """The body that creates the object: all that may be set at creation and is not empty."""
    body = comparable(row, wanted)
    names = [name for name in body if is_writable(row, name) or (name in row.create_required and "@" not in name)]
    made = {name: _without_nulls(body[name]) for name in sorted(names)}
    made = {name: value for name, value in made.items() if value is not None and value not in ([], {}, "")}
    return {**typed(row, wanted), **made}


def typed(row: ObjectType, body: Mapping[str, Any]) -> Json:
    """`@odata.type` where Graph wants it sent back: lists of several types, and subtypes."""
    shown = body.get(TYPE)
    if row.odata_type:
        return {TYPE: row.odata_type}
    if isinstance(shown, str) and shown != f"#microsoft.graph.{row.graph_type}":
        return {TYPE: shown}
    return {}


def _strength_by_id(policy: Json) -> None:
    """Graph shows a policy's strength whole, and takes it by its id ("Create conditionalAccessPolicy")."""
    controls = policy.get("grantControls")
    if isinstance(controls, dict) and isinstance(controls.get("authenticationStrength"), dict):
        controls["authenticationStrength"] = {"id": controls["authenticationStrength"].get("id")}


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _copied(part) for name, part in value.items()}
    return [_copied(part) for part in value] if isinstance(value, list) else value


def _drop_all(body: Json, paths: Iterable[str]) -> None:
    for path in paths:
        if ("." in path or "[]" in path) and " " not in path:
            _drop(body, path.replace("[]", "").split("."))


def _drop(value: Any, steps: list[str]) -> None:
    if isinstance(value, list):
        for one in value:
            _drop(one, steps)
    elif isinstance(value, dict):
        if len(steps) == 1:
            value.pop(steps[0], None)
        elif steps[0] in value:
            _drop(value[steps[0]], steps[1:])


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: _without_nulls(part) for name, part in value.items()}
        return {name: part for name, part in kept.items() if part is not None}
    return [_without_nulls(part) for part in value] if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        kept = {name: _plain(part) for name, part in value.items()}
        return {name: part for name, part in sorted(kept.items()) if part not in (None, [], {})}
    if isinstance(value, list):
        parts = [_plain(part) for part in value]
        return sorted(parts, key=str) if all(isinstance(part, str) for part in parts) else _ordered(parts)
    return value


def _ordered(parts: Iterable[Any]) -> list[Any]:
    """Objects in a collection by their own names where they have them: Graph keeps no order of these."""
    found = list(parts)
    for key in ("id", "keyId", "resourceAppId", "appId", "skuId"):
        if found and all(isinstance(one, dict) and key in one for one in found):
            return sorted(found, key=lambda one: str(one[key]))
    return found
