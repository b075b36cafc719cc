"""Ids that change, followed through bodies and requests. Pure.

An object that is created anew gets its id from Entra, so a plan cannot know it: it writes `{new:OLD}` in its place (and
`{newAppId:OLD}`), which apply fills in once the creation has answered. What an earlier restore re-created is in the
identity map already and is replaced at once.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.catalog import paths
from shared.catalog.row import PARENT, ObjectType, Reference
from shared.records.identity_map import now_of
from shared.recovery.state import Json

GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
PLACEHOLDER = re.compile(r"\{(new|newKey|newAppId|newAppIdPlain):([^{}]+)\}")
EXTENSION = re.compile(r"extension_([0-9a-f]{32})_(.+)")


@dataclass(frozen=True, slots=True)
class Ids:
    """Old id → the id now, or a placeholder; the same for appIds."""

    objects: Mapping[str, str] = field(default_factory=dict)
    applications: Mapping[str, str] = field(default_factory=dict)

    def now(self, object_id: str) -> str:
        """The id now; of `{parent}/{key}` each part by itself."""
        return now_of(self.objects, object_id)


@dataclass(frozen=True, slots=True)
class Relinked:
    """One reference that a plan re-writes."""

    property: str
    old: str
    new: str


def relinked(row: ObjectType, body: Mapping[str, Any], ids: Ids) -> tuple[Json, list[Relinked]]:
    """The body with every reference to a changed id re-written, and the list of them."""
    found: list[Relinked] = []
    changed: Json = dict(body)
    for reference in row.references:
        table = ids.applications if reference.by == "appId" else ids.objects
        if not table:
            continue

        def change(text: str, reference: Reference = reference, table: Mapping[str, str] = table) -> str:
            new = _renamed(text, reference, table)
            if new != text:
                found.append(Relinked(reference.property, text, new))
            return new

        changed = paths.changed(changed, reference.property, change)
    if PARENT in changed and str(changed[PARENT]) in ids.objects and not _names_parent(row):
        changed[PARENT] = ids.objects[str(changed[PARENT])]
    return _extensions(changed, ids, found), found


def placeholder(object_id: str) -> str:
    """What stands for the new id of an object that is still to be created."""
    return f"{{new:{object_id}}}"


def app_placeholder(app_id: str) -> str:
    """What stands for the new appId of an application that is still to be created."""
    return f"{{newAppId:{app_id}}}"


def placeholders_in(value: Any) -> set[str]:
    """The old ids (or appIds) whose new ones this value waits for."""
    if isinstance(value, str):
        return {name for _, name in PLACEHOLDER.findall(value)}
    if isinstance(value, Mapping):
        return {name for key, part in value.items() for name in placeholders_in(key) | placeholders_in(part)}
    if isinstance(value, list):
        return {name for part in value for name in placeholders_in(part)}
    return set()


def filled(value: Any, new_ids: Mapping[str, str]) -> Any:
    """The value with every placeholder filled in; KeyError for one that is not known yet."""
    if isinstance(value, str):
        return PLACEHOLDER.sub(lambda found: _fill(found, new_ids), value) if "{new" in value else value
    if isinstance(value, Mapping):
        return {filled(key, new_ids): filled(part, new_ids) for key, part in value.items()}
    return [filled(part, new_ids) for part in value] if isinstance(value, list) else value


def _fill(found: re.Match[str], new_ids: Mapping[str, str]) -> str:
    new = new_ids[found.group(2)]
    if found.group(1) == "newKey":
        return new.rpartition("/")[2]
    return new.replace("-", "") if found.group(1) == "newAppIdPlain" else new


def _renamed(text: str, reference: Reference, table: Mapping[str, str]) -> str:
    if text in reference.words:
        return text
    if text in table:
        return table[text]
    # A domain goes by its name; an id in a consumer's principal name is a part of that name and stays.
    if reference.inside_text and reference.target != "domain":
        return GUID.sub(lambda guid: table.get(guid.group(), guid.group()), text)
    return text


def _names_parent(row: ObjectType) -> bool:
    return any(reference.property == PARENT for reference in row.references)


def _extensions(body: Json, ids: Ids, found: list[Relinked]) -> Json:
    """Directory extensions carry the appId of their application in their name."""
    plain = {old.replace("-", ""): new for old, new in ids.applications.items()}
    if plain and isinstance(body.get("name"), str):  # the extension itself
        body = {**body, "name": _extension(body["name"], plain)}
    if not plain or not any(name.startswith("extension_") for name in body):
        return body
    changed: Json = {}
    for name, value in body.items():
        now = _extension(name, plain)
        changed[now] = value
        if now != name:
            found.append(Relinked(name, name, now))
    return changed


def _extension(name: str, applications: Mapping[str, str]) -> str:
    """The extension's name with its application's appId as it is now."""
    match = EXTENSION.fullmatch(name)
    new = applications.get(match.group(1)) if match else None
    if match is None or new is None:
        return name
    waiting = PLACEHOLDER.fullmatch(new)
    token = f"{{newAppIdPlain:{waiting.group(2)}}}" if waiting else new.replace("-", "")
    return f"extension_{token}_{match.group(2)}"
