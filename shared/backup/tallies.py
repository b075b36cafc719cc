"""Kinds of objects that lists count apart: guests among users. One row each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Tally:
    """Objects whose property has this value."""

    property: str
    value: str

    def counts(self, body: Mapping[str, Any]) -> bool:
        """Whether the object is one of them."""
        return body.get(self.property) == self.value


_TALLIES: Mapping[str, Mapping[str, Tally]] = {"user": {"guests": Tally("userType", "Guest")}}


def tallies_of(object_type: str) -> Mapping[str, Tally]:
    """What is counted apart among objects of that type, by the name of the count."""
    return _TALLIES.get(object_type, {})
