"""One object twice: as the restore point has it, and as the tenant has it now. Plain values, nothing is read here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

type Json = dict[str, Any]
type Links = Mapping[str, Mapping[str, str]]
"""Link name → target's id → target's type."""

Liveness = Literal["live", "softDeleted", "absent", "unread"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object as the restore point has it, under the id it had then."""

    object_type: str
    object_id: str
    body: Json
    links: Links = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Present:
    """The same object in the tenant, under the id that it has now."""

    object_type: str
    object_id: str
    liveness: Liveness
    body: Json = field(default_factory=dict)
    links: Links = field(default_factory=dict)
    unread_links: frozenset[str] = frozenset()
    """Links that could not be read: nothing is known of them, so nothing is planned for them."""
    why_unread: str = ""


def display_name(body: Mapping[str, Any]) -> str:
    """The name by which people know the object; empty where it has none."""
    for name in ("displayName", "name", "principalDisplayName", "templateDisplayName", "id"):
        value = body.get(name)
        if isinstance(value, str) and value:
            return value
    return ""
