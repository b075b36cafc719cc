"""What the parts of the generator share: the store they fill, chance that is each part's own, and who is who.

- Chance is drawn by part: `rng("users")` gives the same sequence whatever other parts draw.
- A tenant's living content does not depend on the clock: its last day is `TODAY`. Only what Entra counts from now is
  told from the clock's midnight: when things in the recycle bin were deleted.
- A null is left out of a body: reads show it as null, and a million users stay small.
"""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from struct import unpack
from typing import Protocol

from local.simulator.store import Body, Store

TODAY = date(2026, 11, 1)
YEARS = 10
_DAYS = [(TODAY - timedelta(days=back)).isoformat() for back in range(YEARS * 366 + 1)]
_MINUTES = [f"T{minute // 60:02d}:{minute % 60:02d}:{minute * 37 % 60:02d}Z" for minute in range(1440)]
LARGEST = 0.0235  # the largest group's share of all memberships (performance facts: 4,700 of 200,000)
MICROSOFT_TENANT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many objects of the large kinds a tenant gets."""

    users: int
    groups: int
    memberships: int
    applications: int
    service_principals: int
    devices: int


@dataclass(slots=True)
class Person:
    """What other parts need to know of a user."""

    id: str
    name: str
    upn: str


@dataclass
class Draft:
    """A tenant under construction."""

    store: Store
    seed: int
    sizes: Sizes
    users: list[str] = field(default_factory=list)  # members who can work: ids, enabled, not guests
    guests: list[str] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)
    everyone: list[str] = field(default_factory=list)  # every living user
    breakglass: list[str] = field(default_factory=list)
    people: dict[str, Person] = field(default_factory=dict)  # the few whose names are told elsewhere
    groups: dict[str, list[str]] = field(default_factory=dict)  # ids by kind
    all_groups: list[str] = field(default_factory=list)
    group_names: dict[str, str] = field(default_factory=dict)
    applications: list[tuple[str, str, str]] = field(default_factory=list)  # id, appId, display name
    principals: list[tuple[str, str, str]] = field(default_factory=list)  # id, appId, display name, of own applications
    first_party: dict[str, tuple[str, str]] = field(default_factory=dict)  # appId: id, display name
    managed: list[tuple[str, str, str]] = field(default_factory=list)
    gallery: list[tuple[str, str, str]] = field(default_factory=list)
    devices: list[str] = field(default_factory=list)
    units: dict[str, str] = field(default_factory=dict)  # administrative units by kind
    licence_groups: dict[str, str] = field(default_factory=dict)  # SKU id: the group that gives it
    licensed: dict[str, list[str]] = field(default_factory=dict)  # SKU id: users who have it from the group
    consumed: dict[str, int] = field(default_factory=dict)  # SKU id: seats taken
    buckets: dict[tuple[str, ...], list[str]] = field(default_factory=dict)  # what membership rules select

    @property
    def initial_domain(self) -> str:
        """The domain that every tenant is born with."""
        return f"contoso{self.seed}.onmicrosoft.com"

    @property
    def domain(self) -> str:
        """The default domain, of the company's own."""
        return f"contoso{self.seed}.example"

    @property
    def largest_group(self) -> int:
        """How many members the largest groups of a tenant have."""
        return max(20, round(self.sizes.memberships * LARGEST))

    def rng(self, part: str) -> random.Random:
        """The chance of one part."""
        return random.Random(f"{self.seed}/{part}")

    def known_id(self, name: str) -> str:
        """An id that follows from the seed and a name, for what several parts refer to."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"cairn-simulator/{self.seed}/{name}"))

    def add(self, table: str, body: Body, parent: str = "", link: str = "") -> str:
        """Create an object, perhaps contained in another; returns its key."""
        return self.store.create(table, body, parent, link).key

    def bucket(self, *key: str) -> list[str]:
        """Those whom one kind of membership rule selects; added to while they are made."""
        return self.buckets.setdefault(key, [])

    def of_kind(self, *kinds: str) -> list[str]:
        """The groups of some kinds."""
        return [each for kind in kinds for each in self.groups.get(kind, ())]


def ids(rng: random.Random) -> Callable[[], str]:
    """A maker of random ids."""
    bits = rng.getrandbits

    def new_id() -> str:
        text = f"{bits(128):032x}"
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{'89ab'[int(text[16], 16) & 3]}{text[17:20]}-{text[20:]}"

    return new_id


class Moment(Protocol):
    """Draws a moment between so many days before `TODAY`."""

    def __call__(self, oldest_days: int, newest_days: int = 1) -> str:
        """The moment as Graph writes it."""
        ...


def moments(rng: random.Random) -> Moment:
    """A maker of moments."""
    chance = rng.random

    def moment(oldest_days: int, newest_days: int = 1) -> str:
        back = newest_days + int(chance() * (oldest_days - newest_days + 1))
        return _DAYS[back] + _MINUTES[int(chance() * 1440)]

    return moment


def day(back_days: int, time: str = "T08:00:00Z") -> str:
    """A moment so many days before `TODAY`, or after it when negative."""
    return (TODAY - timedelta(days=back_days)).isoformat() + time


def pick[Chosen](rng: random.Random, choices: Sequence[Chosen], count: int) -> list[Chosen]:
    """Up to `count` different choices."""
    return rng.sample(choices, min(count, len(choices)))


def security_identifier(object_id: str) -> str:
    """The SID that Entra derives from an object's id: the GUID's bytes as four numbers."""
    return "S-1-12-1-{}-{}-{}-{}".format(*unpack("<4I", uuid.UUID(object_id).bytes_le))


def thumbprint(text: str) -> bytes:
    """Twenty bytes that look like a certificate's thumbprint."""
    return hashlib.sha256(text.encode()).digest()[:20]
