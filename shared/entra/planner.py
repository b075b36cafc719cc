"""Which way a type's links are read in full: along its delta, page after page, or by many requests at once. Pure.

The chain takes the longer of its two page counts times the latency; the fan-out takes the quota, and the list besides.
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
    return "chain" if chain_seconds(measured) <= paced_seconds(wanted, measured) else "paced"


def chain_seconds(measured: Measured) -> float:
    """How long one delta round takes."""
    links = measured.objects * LINKS_AN_OBJECT if measured.links is None else measured.links
    page_count = max(measured.objects / DELTA_OBJECTS_A_PAGE, links / DELTA_LINKS_A_PAGE)
    return max(1.0, page_count) * measured.latency_seconds


def paced_seconds(wanted: Wanted, measured: Measured) -> float:
    """How long the list and every object's links by `$batch` take."""
    links = measured.objects * LINKS_AN_OBJECT if measured.links is None else measured.links
    units = RESOURCE_UNITS_A_LINK_LIST * (len(wanted.delta_links) * measured.objects + links / LIST_PAGE)
    listing = max(1.0, measured.objects / LIST_PAGE) * measured.latency_seconds
    return listing + units / (QUOTA_USED * measured.resource_units_per_second)
