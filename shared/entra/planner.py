"""Which way a type's links are read in full: along its delta, page after page, or by many requests at once. Pure.

The chain takes the longer of its two page counts times the latency; the fan-out takes the quota, and the list besides.
It takes a request of the quota for each object, a hundred times what the chain takes, so it has to be faster by far.
Incremental reads always take the chain.
"""

from dataclasses import dataclass
from typing import Literal

from shared.entra.wanted import Wanted

DELTA_OBJECTS_A_PAGE = 200
DELTA_LINKS_A_PAGE = 500
LIST_PAGE = 999
QUOTA_USED = 0.8
"""Part of the quota that the fan-out may count on, since other types are read at the same time."""
LINKS_AN_OBJECT = 10
"""Taken where nothing is known; a first delta round of a tenant has no better figure."""
RESOURCE_UNITS_A_LINK_LIST = 2
PACED_IS_WORTH = 2.0
"""How many times faster the fan-out has to be; one measured latency is no surer than that either."""

Way = Literal["chain", "paced", "list"]


@dataclass(frozen=True, slots=True)
class Measured:
    """What the choice rests on."""

    objects: int
    links: int | None
    latency_seconds: float
    resource_units_per_second: float


def chosen_way(wanted: Wanted, measured: Measured) -> Way:
    """`chain`: one full delta round. `paced`: `latest`, a list, links in `$batch`, then replay. `list`: no delta."""
    if not wanted.by_delta:
        return "list"
    if not wanted.delta_links:
        return "paced"
    chain, paced = chain_seconds(wanted, measured), paced_seconds(wanted, measured)
    return "chain" if chain <= PACED_IS_WORTH * paced else "paced"


def chain_seconds(wanted: Wanted, measured: Measured) -> float:
    """How long one delta round takes."""
    page_count = max(measured.objects / DELTA_OBJECTS_A_PAGE, _links(wanted, measured) / DELTA_LINKS_A_PAGE)
    return max(1.0, page_count) * measured.latency_seconds


def paced_seconds(wanted: Wanted, measured: Measured) -> float:
    """How long the list and every object's links by `$batch` take."""
    links = _links(wanted, measured)
    units = RESOURCE_UNITS_A_LINK_LIST * (len(wanted.delta_links) * measured.objects + links / LIST_PAGE)
    listing = max(1.0, measured.objects / LIST_PAGE) * measured.latency_seconds
    return listing + units / (QUOTA_USED * measured.resource_units_per_second)


def _links(wanted: Wanted, measured: Measured) -> int:
    """How many there are, or at least how many to reckon with: a link such as `manager` has one target at most."""
    if measured.links is not None:
        return measured.links
    return measured.objects * (1 if all(link.single for link in wanted.delta_links) else LINKS_AN_OBJECT)
