"""What the module of a type adds to creating, updating and deleting its objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from local.simulator.store import Body, Record
from local.simulator.writes.change import Write


@dataclass(frozen=True, slots=True)
class Hooks:
    """Functions of one type; each may refuse by raising, those that check run before anything is changed."""

    # (write, the object to be, the body as sent, navigation properties of the body) → the object to store
    prepare: Callable[[Write, Body, Body, Body], Body] | None = None
    # (write, the new object, navigation properties of the body)
    born: Callable[[Write, Record, Body], None] | None = None
    # (write, the object, before, after so far, the body as sent) → after
    change: Callable[[Write, Record, Body, Body, Body], Body] | None = None
    # (write, the object, before)
    changed: Callable[[Write, Record, Body], None] | None = None
    # (write, the object) → True for the bin, False for good, None as the type's rule says
    remove: Callable[[Write, Record], bool | None] | None = None
    removed: Callable[[Write, Record], None] | None = None
    # properties whose PATCH answers 200 with the object
    answered: frozenset[str] = frozenset()


NONE = Hooks()
_HOOKS: dict[str, Hooks] = {}


def register(type_name: str, hooks: Hooks) -> None:
    """Add the hooks of a type; those that descend from it share them."""
    _HOOKS[type_name] = hooks


def hooks_of(types: list[str]) -> Hooks:
    """The hooks of the first of the types that has any."""
    for each in types:
        found = _HOOKS.get(each)
        if found is not None:
            return found
    return NONE
