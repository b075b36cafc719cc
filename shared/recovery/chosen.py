"""What a request chose, resolved. Plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

type Key = tuple[str, str]
"""(object type, id in the restore point)."""

WHOLE = "*"
"""Stands for all attributes and links of an object."""


def of_link(link: str, target_id: str) -> str:
    """Stands for one link to one target."""
    return f"{link}\n{target_id}"


@dataclass(frozen=True, slots=True)
class Chosen:
    """Ids or whole types; `touched` narrows what may be planned, object by object."""

    object_ids: tuple[str, ...] = ()
    types: tuple[str, ...] | None = None
    touched: Mapping[Key, frozenset[str]] | None = None
    parents: Mapping[Key, str] = field(default_factory=dict)
    """What objects that the restore point may not know hang under."""
    follows: bool = False
    """Whether what hangs on objects that come back, and what refers to them, is planned although it was not chosen."""
    new: tuple[Key, ...] = ()
    """Chosen changes that are new objects, to be deleted."""
    kept_new: tuple[Key, ...] = ()
    """Those that `newObjects` leaves in place."""
    unknown: tuple[str, ...] = ()
    """Chosen changes, or objects, of which the report has none."""
