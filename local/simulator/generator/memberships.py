"""Members of the groups that people fill by hand: a few huge groups, a long tail, some empty, some nested.

Sizes follow a Pareto law scaled to the wanted sum; the largest group takes about one part in forty of all memberships
and one group in twenty stays empty (figures of the performance facts: 200,000 memberships over 20,000 groups, largest
near 4,700).
"""

from __future__ import annotations

import random

from local.simulator.generator.draft import LARGEST, Draft, pick
from local.simulator.generator.groups import FILLED_ELSEWHERE

EMPTY = 0.05
STEEPNESS = 0.9


def fill_groups(draft: Draft) -> None:
    """Link members, counting what rules and licences have already linked against the wanted sum."""
    chance = draft.rng("memberships")
    store = draft.store
    for group in draft.of_kind("devices"):
        for device in pick(chance, draft.devices, 1 + int(chance.paretovariate(1.0))):
            store.link(group, "members", device)
    for group in draft.of_kind("principals"):
        for principal, _, _ in pick(chance, draft.principals + draft.managed, 3):
            store.link(group, "members", principal)
    groups = [each for kind, held in draft.groups.items() if kind not in FILLED_ELSEWHERE for each in held]
    people = draft.users + draft.guests + draft.agents
    if not groups or not people:
        return
    parents = draft.of_kind("parent")
    nestable = draft.of_kind("security", "synced")
    for parent in parents:
        for child in pick(chance, nestable, 1 + int(chance.random() * 4)):
            store.link(parent, "members", child)
    wanted = max(len(groups), draft.sizes.memberships - store.link_set("members").count)
    chance.shuffle(groups)
    for group, size in zip(groups, sizes(chance, len(groups), wanted, len(people)), strict=True):
        for member in chance.sample(people, size):
            store.link(group, "members", member)


def sizes(chance: random.Random, count: int, wanted: int, largest: int) -> list[int]:
    """`count` group sizes, largest first, that sum up to about `wanted`, none above `largest`."""
    empty = round(count * EMPTY)
    cap = min(largest, max(3, round(wanted * LARGEST)) if count > 50 else max(1, wanted // 3))
    raw = sorted((chance.paretovariate(STEEPNESS) for _ in range(count - empty)), reverse=True)
    low, high = 0.0, float(wanted)
    for _ in range(40):
        factor = (low + high) / 2
        if sum(min(cap, max(1, int(each * factor))) for each in raw) < wanted:
            low = factor
        else:
            high = factor
    return [min(cap, max(1, int(each * high))) for each in raw] + [0] * empty
