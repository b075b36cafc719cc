"""What a search says, whatever it is asked of: terms, and how they are joined."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from shared.errors import RecordError

FieldKind = Literal["text", "time", "choice"]


class SearchError(RecordError):
    """The search cannot be understood from `position` (0 is the first character) on, where `expected` should stand."""

    default_remedy = "See the search language in the documentation of the HTTP interface."

    def __init__(self, position: int, expected: str) -> None:
        super().__init__(f"at character {position}: expected {expected}")
        self.position = position
        self.expected = expected


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a screen; `choices` are the values of an enumerated one, each with the names that screens show."""

    name: str
    kind: FieldKind = "text"
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Screen:
    """The fields that a search on one screen may name; a bare word is looked for in all that are no times."""

    name: str
    fields: tuple[Field, ...]

    def field_of(self, name: str) -> Field | None:
        """The field of that name, in any case, or None."""
        return next((one for one in self.fields if one.name.casefold() == name.casefold()), None)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A word or phrase: its literal parts, between which any number of characters but spaces may stand."""

    parts: tuple[str, ...]

    @property
    def is_anything(self) -> bool:
        """Whether it asks only that there be a value."""
        return not any(self.parts)


@dataclass(frozen=True, slots=True)
class Text:
    """A pattern in one field, or (None) in any."""

    field: Field | None
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class TextRange:
    """Texts from `low` to `high`, both included and in any case; None has no bound. A text that begins with `high`
    counts as within."""

    field: Field
    low: str | None
    high: str | None


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Times from `start` on and before `end`; None has no bound."""

    field: Field
    start: datetime | None
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Not:
    """What the other does not match."""

    one: "Query"


@dataclass(frozen=True, slots=True)
class All:
    """What each of them matches."""

    each: tuple["Query", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """What at least one of them matches."""

    each: tuple["Query", ...]


type Query = Text | TextRange | TimeRange | Not | All | Some
