"""App roles, scopes and who may use them unasked: values that Microsoft Graph takes only in two requests. Pure.

A role or scope that is enabled can be neither removed nor given another value, so it is disabled first. An application
that is authorized in advance names scopes that must be there before. Sources: Microsoft Graph "appRole resource type",
"permissionScope resource type", "preAuthorizedApplication resource type".
"""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.catalog.row import ObjectType
from shared.recovery.state import Json

BEFORE_REASON = "Microsoft Graph removes no app role or scope that is enabled, and authorizes nobody for one to come"
SCOPES, AUTHORIZED = "oauth2PermissionScopes", "preAuthorizedApplications"


def value_before(row: ObjectType, name: str, wanted: Any, present: Any) -> Any:
    """What the property must be set to before it can be set to the wanted value; None where one request does."""
    if row.name != "application":
        return None
    if name == "appRoles" and isinstance(wanted, list):
        before = _between(wanted, present or [])
        return before if before != list(present or []) else None
    if name == "api" and isinstance(wanted, Mapping):
        return _api_before(wanted, present if isinstance(present, Mapping) else {})
    return None


def apart_at_creation(row: ObjectType, made: Json) -> tuple[Json, tuple[str, ...]]:
    """The body of a creation without what names its own scopes, and the properties to be set whole afterwards."""
    api = made.get("api")
    if row.name != "application" or not isinstance(api, Mapping) or not api.get(AUTHORIZED):
        return made, ()
    return {**made, "api": {name: value for name, value in api.items() if name != AUTHORIZED}}, ("api",)


def _api_before(wanted: Mapping[str, Any], present: Mapping[str, Any]) -> Any:
    theirs = list(present.get(SCOPES) or [])
    between = _between(list(wanted.get(SCOPES) or []), theirs)
    known = {str(one.get("id")) for one in theirs}
    named = {
        str(one) for each in wanted.get(AUTHORIZED) or () for one in each.get("delegatedPermissionIds") or ()
    }
    if named - known:
        taken = {one.get("value") for one in between}
        between += [
            one for one in wanted.get(SCOPES) or ()
            if str(one.get("id")) not in known and one.get("value") not in taken
        ]
    return {**present, SCOPES: between} if between != theirs else None


def _between(wanted: Sequence[Json], present: Sequence[Json]) -> list[Json]:
    """What is there now, with all that goes or gets another value disabled."""
    kept = {str(one.get("id")): one for one in wanted}
    changed = []
    for one in present:
        after = kept.get(str(one.get("id")))
        goes = after is None or (after.get("isEnabled", True) and after.get("value") != one.get("value"))
        changed.append({**one, "isEnabled": False} if goes and one.get("isEnabled", True) else one)
    return changed
