"""The requests of the catalog with their places filled in. Pure."""

from urllib.parse import quote

from shared.catalog.row import PARENT, Link, ObjectType
from shared.entra.listing import with_query
from shared.recovery.state import Json

SAFE = "{}:"  # placeholders stay readable, and are filled in before anything is sent


def split(request: str) -> tuple[str, str]:
    """(method, path) of a request as rows write it."""
    method, _, path = request.partition(" ")
    return method, path


def own_key(row: ObjectType, object_id: str) -> str:
    """The object's key under its collection; of `{parent}/{key}` the key."""
    if not row.key_in_parent:
        return object_id
    if object_id.startswith("{new:") and object_id.endswith("}"):  # not only its parent is still to be made
        return object_id.replace("{new:", "{newKey:", 1)
    return object_id.rpartition("/")[2]


def parent_of(row: ObjectType, object_id: str, body: Json) -> str:
    """The id of the object that this one hangs under; empty where it hangs under none."""
    if not row.parent:
        return ""
    if isinstance(body.get(PARENT), str):
        return str(body[PARENT])
    return object_id.rpartition("/")[0] or object_id


def object_request(row: ObjectType, request: str, object_id: str, body: Json) -> tuple[str, str]:
    """(method, path) of a request on one object."""
    method, path = split(request)
    path = path.replace("{id}", _quoted(parent_of(row, object_id, body) or object_id))
    path = path.replace("{key}", _quoted(own_key(row, object_id)))
    for name, value in body.items():
        if isinstance(value, str) and f"'{{{name}}}'" in path:
            path = path.replace(f"{{{name}}}", _quoted(value.replace("'", "''")))
    return method, path


def link_request(
    request: str, source_id: str, target_id: str, target_collection: str, odata_type: str
) -> tuple[str, str]:
    """(method, path) of a request on one link."""
    method, path = split(request)
    return method, _link_places(path, source_id, target_id, target_collection, odata_type)


def link_body(link: Link, source_id: str, target_id: str, target_collection: str) -> Json:
    """The body that adds one link."""
    return {
        name: _link_places(text, source_id, target_id, target_collection, "", plain=True)
        for name, text in link.add_body
    }


def read_path(row: ObjectType, object_id: str, body: Json) -> str:
    """Where one object is read; where it is `read_by_filter` that is a list of which `only_of` takes it."""
    if row.read_by_filter:
        parent, key = parent_of(row, object_id, body), own_key(row, object_id)
        path = with_query(row.path, filter=f"{row.filter.replace('{id}', parent)} and {row.key} eq '{key}'")
        return path.replace("%7B", "{").replace("%7D", "}")  # placeholders stay readable
    path = row.path if row.alone_at_path else f"{row.path}/{{key}}"
    return object_request(row, f"GET {path}", object_id, body)[1]


def only_of(row: ObjectType, answer: Json) -> Json | None:
    """The object out of the answer of `read_path`; None where there is none."""
    if not row.read_by_filter:
        return answer
    listed = answer.get("value")
    return listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], dict) else None


def _link_places(
    path: str, source: str, target: str, collection: str, odata_type: str, *, plain: bool = False
) -> str:
    def put(value: str) -> str:
        return value if plain else _quoted(value)

    return (
        path.replace("{targetCollection}", collection).replace("{target}", put(target)).replace("{id}", put(source))
        .replace("{odataType}", odata_type.removeprefix("#"))
    )


def _quoted(text: str) -> str:
    return text if text.startswith("{new") else quote(text, safe=SAFE)
