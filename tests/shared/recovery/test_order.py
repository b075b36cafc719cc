"""What a plan leaves is told in an order of its own, however it came in."""

import random

from hypothesis import given
from hypothesis import strategies as st

from shared.recovery.order import Sorting
from shared.recovery.plan import NotRestored

TEXTS = st.text(max_size=3)
LEFT = st.lists(st.builds(NotRestored, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS), max_size=20)


@given(LEFT, st.integers(0, 20), st.randoms(use_true_random=False))
def test_equal_things_come_out_alike_in_whatever_order_and_parts_they_were_put(
    left: list[NotRestored], cut: int, chance: random.Random
) -> None:
    others = chance.sample(left, len(left))
    with Sorting() as one, Sorting() as other:
        one.put(each.as_json() for each in left)
        other.put(each.as_json() for each in others[:cut])
        other.put(each.as_json() for each in others[cut:])
        told = list(one)
        assert told == list(other)
    assert sorted(map(str, told)) == sorted(str(each.as_json()) for each in left)
