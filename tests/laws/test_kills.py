"""The whole stack, killed once while a backup runs; `make soak` does it 50 times, with every fault of the simulator."""

import random
from pathlib import Path

from tests.laws.soak_kills import killed_round


def test_a_stack_that_is_killed_while_it_backs_up_ends_in_verified_restore_points(tmp_path: Path) -> None:
    cut_off, after = killed_round(tmp_path, random.Random(3), (60, 10), 1.0)
    assert cut_off in ("succeeded", "succeededWithWarnings", "failed")
    assert after in ("succeeded", "succeededWithWarnings")
