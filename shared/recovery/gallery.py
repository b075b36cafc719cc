"""Applications that came from the gallery: made from their template, application and service principal together. Pure.

    POST instantiate under a name of its own → what the template made enabled is disabled → one PATCH of what the
    restore point says, its name included → the same for the service principal, which is there already

The template makes a new instance each time it is asked, instances may have one name, and no key can be given to one. So
the instance is asked for under a name that holds the old id: by it an earlier try is found again, and nothing else is.
Sources: Microsoft Graph "applicationTemplate: instantiate" (non-gallery templates by cloud; what it makes), "appRole
resource type", "permissionScope resource type".
"""

from collections.abc import Mapping
from typing import Any

from shared.catalog.row import ObjectType
from shared.entra.listing import with_query
from shared.recovery.state import Json
from shared.recovery.writable import comparable, is_writable

NON_GALLERY = frozenset({
    "8adf8e6e-67b2-4cf2-a259-e3dc5476c621", "4602d0b4-76bb-404b-bca9-2652e1a39c6d",
    "5a532e38-1581-4918-9658-008dc27c1d68",
})
"""Templates of no application of the gallery: what they make is made plainly as well, and under a key."""
DISABLED = "{disabled}"
"""Stands for the roles or scopes that there are, disabled: known when the instance is there."""
DISABLING: Json = {"appRoles": DISABLED, "api": DISABLED}
BEFORE = "what its template made enabled is disabled, since Microsoft Graph removes nothing that is enabled"
REASON = "it is in no recycle bin, so it is made anew from its template in the gallery and gets a new id"
ARRIVED = "it came with its application out of the gallery, with a new id, and is set to what the restore point says"
SCOPES = "oauth2PermissionScopes"
LONGEST_NAME = 200


def template(row: ObjectType, body: Mapping[str, Any]) -> str:
    """The gallery template that an application came from; empty where it came from none."""
    named = str(body.get("applicationTemplateId") or "")
    return named if row.name == "application" and named.lower() not in NON_GALLERY else ""


def instance_name(body: Mapping[str, Any], object_id: str) -> str:
    """The name that the instance has until it is set to what the restore point says."""
    return f"{str(body.get('displayName'))[:LONGEST_NAME]} ({object_id})"


def request(body: Mapping[str, Any], object_id: str) -> tuple[str, Json]:
    """(path, body) of the POST."""
    path = f"/applicationTemplates/{body['applicationTemplateId']}/instantiate"
    return path, {"displayName": instance_name(body, object_id)}


def finding(body: Mapping[str, Any], object_id: str) -> Json:
    """Where an instance that an earlier try made is looked for, and by what it is known."""
    name = instance_name(body, object_id)
    quoted = name.replace("'", "''")
    path = with_query("/applications", filter=f"displayName eq '{quoted}'", select="id,appId,displayName")
    return {"path": path, "match": {"displayName": name}}


def with_what_is_empty(row: ObjectType, made: Json, body: Mapping[str, Any], chosen: frozenset[str] | None) -> Json:
    """The body of a creation with what is empty in the restore point, since the template may have put something there;
    `chosen` are the only attributes that are restored, None for all."""
    said = comparable(row, body)
    filled = {
        name: _with_empty_parts(value, said.get(name)) if isinstance(value, dict) else value
        for name, value in made.items()
    }
    empty = {
        name: value for name, value in said.items()
        if value == [] and name not in made and is_writable(row, name) and name not in row.immutable
        and (chosen is None or name in chosen)
    }
    return {name: value for name, value in sorted({**filled, **empty}.items()) if name not in row.immutable}


def disabling(present: Mapping[str, Any]) -> Json:
    """The update that disables every role and scope of an application; empty where none is enabled."""
    api = present.get("api") or {}
    roles, scopes = list(present.get("appRoles") or []), list(api.get(SCOPES) or [])
    update: Json = {}
    if any(one.get("isEnabled") for one in roles):
        update["appRoles"] = [{**one, "isEnabled": False} for one in roles]
    if any(one.get("isEnabled") for one in scopes):
        update["api"] = {**api, SCOPES: [{**one, "isEnabled": False} for one in scopes]}
    return update


def _with_empty_parts(made: Json, said: Any) -> Json:
    empty = {name: value for name, value in said.items() if value in (None, [])} if isinstance(said, dict) else {}
    return {**empty, **made}
