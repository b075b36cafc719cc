"""Dotted paths into the body of an object, as rows write them: `conditions.users.includeGroups[]`.

`[]` after a step goes through every member of a collection. A first step that starts with `@` is one key whatever
dots it holds (`@odata.type`, `@cairn.parent`).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any


def steps(path: str) -> list[str]:
    """The steps of a path, each with its `[]` where it has one."""
    return [path] if path.startswith("@") else path.split(".")


def values(body: Mapping[str, Any], path: str) -> Iterator[Any]:
    """Every value at the path, in the order of the body; none where a step is missing or null."""
    level: list[Any] = [body]
    for step in steps(path):
        found = [one.get(step.removesuffix("[]")) for one in level if isinstance(one, Mapping)]
        level = _members(found) if step.endswith("[]") else [one for one in found if one is not None]
    yield from level


def holders(body: Mapping[str, Any], path: str) -> Iterator[dict[str, Any]]:
    """The objects whose property the last step names."""
    *before, _ = steps(path)
    level: list[Any] = [body] if not before else list(values(body, ".".join(before)))
    yield from (one for one in level if isinstance(one, dict))


def changed(body: dict[str, Any], path: str, change: Callable[[str], str]) -> dict[str, Any]:
    """A copy of the body in which every text at the path went through `change`; the rest is shared."""
    return _changed(body, steps(path), change)


def _changed(body: dict[str, Any], remaining: list[str], change: Callable[[str], str]) -> dict[str, Any]:
    first, *rest = remaining
    name = first.removesuffix("[]")
    if name not in body:
        return body

    def one(value: Any) -> Any:
        if rest:
            return _changed(value, rest, change) if isinstance(value, dict) else value
        return change(value) if isinstance(value, str) else value

    value = body[name]
    into_members = first.endswith("[]") and isinstance(value, list)
    return {**body, name: [one(member) for member in value] if into_members else one(value)}


def _members(found: list[Any]) -> list[Any]:
    return [member for one in found if isinstance(one, list) for member in one if member is not None]
