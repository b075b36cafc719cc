"""Microsoft's published schema as its clients have it: addresses, methods and bodies, by their request builders and
models. Builders are read as text; a model is imported when a body is held against it.
"""

import functools
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from kiota_serialization_json.json_parse_node_factory import JsonParseNodeFactory

from tests.shared.catalog.conftest import SdkSchema, snake

KEYED = re.compile(r"^(\w+)\((\w+)='[^']*'\)$")
READ_ONLY = re.compile(r"\bRead-only\b(?! (?:for|if|when)\b)")
ON_CREATION = frozenset({"UnifiedRoleAssignment.roleDefinitionId"})
"""Called read-only because it never changes, and asked for by the page that creates one."""
OPEN = frozenset({"customSecurityAttributes"})
"""Properties whose values are of the tenant's own making."""


def addressed(template: str, path: str) -> str:
    """The template as an address of the published schema, with the casts of the path, which templates leave out."""
    names = template.split("/")
    steps = []
    for each in path.split("/")[2:]:
        if names and each.removeprefix("microsoft.graph.") == names[0]:
            names.pop(0)
            steps.append(each)
        elif each.startswith("microsoft.graph."):
            steps.append(each)
        else:
            steps.append(names.pop(0))
    return "/" + "/".join(steps).removesuffix("/$count")


class Builder:
    """The request builder of one address."""

    def __init__(self, file: Path, package: str) -> None:
        self.text = file.read_text()
        self._package = package

    def takes(self, method: str) -> bool:
        """Whether Microsoft's client can send this method here."""
        return f"async def {method.lower()}(" in self.text

    def body(self, method: str) -> Any:
        """The model of the body that the method takes; None where it takes none or a stream."""
        said = re.search(rf"async def {method.lower()}\(self,\s*body: (\w+)", self.text)
        found = said and re.search(rf"from (\.+[\w.]+) import {said[1]}$", self.text, re.MULTILINE)
        if not said or not found:
            return None
        return getattr(importlib.import_module(found[1], self._package), said[1])


class Published:
    """One version of the published schema."""

    def __init__(self, version: Any) -> None:
        self.schema = SdkSchema(version)

    def builder(self, address: str) -> Builder | None:
        """The builder of an address, its `{parameters}` standing for any id; None when Microsoft has none."""
        folder = self.schema.root
        for step in address.strip("/").split("/"):
            keyed = KEYED.match(step)
            an_id = step.startswith("{") or step in ("0", "applicationProxy")
            if keyed:
                name = f"{keyed[1]}with{keyed[2]}".lower()
            else:
                name = "item" if an_id else re.sub(r"[._$]", "", step.removeprefix("microsoft.")).lower()
            below = [one for one in folder.iterdir() if one.is_dir() and one.name.replace("_", "") == name]
            if not below:
                return None
            folder = below[0]
        files = sorted(folder.glob("*_request_builder.py"))
        parts = folder.relative_to(self.schema.root.parent.parent).parts
        return Builder(files[0], ".".join(parts)) if files else None


def parsed(model: Any, body: dict[str, Any]) -> Any:
    """The body as Microsoft's client reads it, as the subtype that it says it is."""
    return JsonParseNodeFactory().get_root_parse_node("application/json", orjson.dumps(body)).get_object_value(model)


def astray(value: Any, body: dict[str, Any], where: str = "") -> Iterator[str]:
    """What in a body the models do not know, read as another type or call read-only, a line each."""
    for name, said in body.items():
        if "@" in name or name.startswith("extension_"):
            continue
        attribute, at = snake(name), f"{where}{type(value).__name__}.{name}"
        if not hasattr(value, attribute):
            yield f"{at}: unknown"
            continue
        read = getattr(value, attribute)
        shown = f"{type(value).__name__}.{name}"
        if said is not None and shown not in ON_CREATION and READ_ONLY.search(_comments(type(value)).get(attribute, "")):
            yield f"{at}: read-only"
        if name in OPEN:
            continue
        if said not in (None, []) and read is None:
            yield f"{at}: {said!r} is of another type"
        elif isinstance(said, dict):
            yield from astray(read, said, f"{at}/")
        elif isinstance(said, list):
            if len(read) != len(said) or any(one is None for one in read):
                yield f"{at}: {said!r} holds another type"
            for one, each in zip(read, said, strict=False):
                if isinstance(each, dict):
                    yield from astray(one, each, f"{at}/")


@functools.cache
def _comments(model: type) -> dict[str, str]:
    """What Microsoft says of each property, inherited ones included."""
    told: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if ".generated." in each.__module__:
            found = re.findall(r"^    # (.*)\n    (\w+):", inspect.getsource(each), re.MULTILINE)
            told |= {name: comment for comment, name in found}
    return told
