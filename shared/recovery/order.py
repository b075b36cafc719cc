"""The order of a plan: waves one after the other, chains side by side within a wave, batches of 250 operations. Pure.

A chain is what must go in order: all writes to one object (Microsoft Graph answers parallel writes to one object with
Directory_ConcurrencyViolation), and all Conditional Access, which has one request a second. Chains are spread over
lanes; a lane's batches go one after the other, lanes side by side, and a wave begins when the one before has ended.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from shared.recovery.plan import Operation

BATCH = 250
LANES = 4

_KINDS = ("delete", "revive", "create", "update", "link", "unlink", "manual")
"""Within a chain; a link is added before another is removed, so that a last owner can be replaced."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Operations that one activity sends."""

    number: int
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Ordered:
    """The plan's batches; `waves` names their numbers, lane by lane."""

    batches: tuple[Batch, ...]
    waves: tuple[tuple[tuple[int, ...], ...], ...]


def ordered(operations: Iterable[Operation]) -> Ordered:
    """Operations numbered from 1 in the order in which they go, cut into batches."""
    by_wave: dict[int, list[Operation]] = {}
    for one in operations:
        by_wave.setdefault(one.wave, []).append(one)
    batches: list[Batch] = []
    waves: list[tuple[tuple[int, ...], ...]] = []
    order = 0
    for number, wave in enumerate(sorted(by_wave), start=1):
        lanes: list[tuple[int, ...]] = []
        for lane in _lanes(by_wave[wave]):
            places: list[int] = []
            for at in range(0, len(lane), BATCH):
                part = tuple(
                    replace(one, order=order + place, wave=number)
                    for place, one in enumerate(lane[at : at + BATCH], start=1)
                )
                order += len(part)
                batches.append(Batch(len(batches) + 1, part))
                places.append(len(batches))
            lanes.append(tuple(places))
        waves.append(tuple(lanes))
    return Ordered(tuple(batches), tuple(waves))


def _lanes(operations: Sequence[Operation]) -> list[list[Operation]]:
    """Whole chains, spread so that lanes are about equally long; few operations stay together."""
    chains: dict[str, list[Operation]] = {}
    for one in sorted(operations, key=_place):
        chains.setdefault(one.chain or one.object_id, []).append(one)
    wanted = min(LANES, max(1, len(operations) // BATCH))
    lanes: list[list[Operation]] = [[] for _ in range(wanted)]
    longest_first = sorted(chains.items(), key=lambda item: (-len(item[1]), item[0]))
    for _, chain in longest_first:
        min(lanes, key=len).extend(chain)
    return [lane for lane in lanes if lane]


def _place(one: Operation) -> tuple[str, str, int, str, str, tuple[str, ...], tuple[str, ...]]:
    return (
        one.object_type, one.object_id, _KINDS.index(one.kind), one.link, one.path, one.targets, one.attributes
    )
