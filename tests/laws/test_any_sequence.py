"""Any sequence of changes and incremental backups, under faults, equals a full backup taken at the same moment."""

import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.catalog import OBJECT_TYPES
from tests.laws.anything import anything
from tests.laws.conftest import protected_tenant
from tests.laws.test_faults_of_graph import PASSING
from tests.laws.views import apart_from_truth

STEPS = st.lists(st.tuples(st.integers(1, 15), st.sampled_from(["none", *PASSING])), min_size=1, max_size=4)


async def follow(steps: list[tuple[int, str]], seed: int) -> None:
    """Back up, change and back up again, so many times; then nothing separates what is held from what there is."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        async with protected_tenant(Path(folder)) as protected, anything(protected.simulator, chance) as anyone:
            await protected.read_everything()
            incremental = await protected.backed_up("full")
            done: list[str] = []
            for times, fault in steps:
                protected.faults()
                done += await anyone.change(times)
                protected.faults(*([{**PASSING[fault], "seed": seed}] if fault != "none" else []))
                incremental = await protected.backed_up()
            protected.faults()
            differs = await protected.apart_now(incremental)
            assert not differs, f"after {done}:\n{differs}"
            assert not apart_from_truth(await protected.view(incremental), protected.store)
            await protected.assert_sound()


@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), print_blob=True)
@given(STEPS, st.integers(0, 2**32))
async def test_incremental_backups_equal_a_full_one_taken_at_the_same_moment(
    steps: list[tuple[int, str]], seed: int
) -> None:
    await follow(steps, seed)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(STEPS, st.integers(0, 2**32))
async def test_a_hundred_more_sequences(steps: list[tuple[int, str]], seed: int) -> None:
    await follow(steps, seed)


async def test_changes_reach_nearly_every_type_that_graph_lets_anybody_write() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with protected_tenant(Path(folder)) as protected, anything(protected.simulator, random.Random(1)) as anyone:
            await anyone.change(300)
    reached = {name.split()[1] for name in anyone.made}
    assert len(reached) >= 40, sorted(set(OBJECT_TYPES) - reached)
    assert {name.split()[0] for name in anyone.made} == {"update", "create", "delete", "bin", "link"}
