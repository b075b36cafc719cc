"""A tenant is quiet until the moment that was found out, unless something was told meanwhile."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.records.memory_table import MemoryTable
from shared.tenants.quiet import Quiet, is_over

T = "11111111-1111-4111-8111-111111111111"
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=30)


@pytest.fixture
def quiet() -> Quiet:
    return Quiet(MemoryTable())


async def test_a_tenant_of_which_nothing_is_known_is_looked_at(quiet: Quiet) -> None:
    assert is_over((await quiet.all()).get(T), NOW)


async def test_a_quiet_tenant_is_looked_at_again_when_its_moment_has_come(quiet: Quiet) -> None:
    await quiet.note(T.upper(), LATER, seen=None)
    noted = (await quiet.all())[T]
    assert not is_over(noted, NOW)
    assert is_over(noted, LATER)
    await quiet.note(T, LATER + timedelta(hours=1), seen=noted)
    assert not is_over((await quiet.all())[T], LATER)


async def test_what_was_found_out_before_something_was_told_is_not_noted(quiet: Quiet) -> None:
    await quiet.end(T)
    await quiet.note(T, LATER, seen=None)
    assert is_over((await quiet.all())[T], NOW)
    await quiet.note(T, LATER, seen=(await quiet.all())[T])
    seen = (await quiet.all())[T]
    assert not is_over(seen, NOW)
    await quiet.end(T)
    await quiet.note(T, LATER, seen=seen)
    assert is_over((await quiet.all())[T], NOW)
