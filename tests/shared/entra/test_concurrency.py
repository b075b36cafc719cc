"""Laws of the gate: no more inside than its width, in their order, and nobody is lost when somebody gives up."""

import asyncio

from shared.entra.concurrency import LEAST, START, Concurrency


async def test_no_more_are_inside_than_the_width_and_all_get_in() -> None:
    gate, inside, most, passed = Concurrency(start=3), 0, 0, 0

    async def pass_through() -> None:
        nonlocal inside, most, passed
        async with gate.entered():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1
            passed += 1

    await asyncio.gather(*(pass_through() for _ in range(50)))
    assert (most, passed, inside) == (3, 50, 0)


async def test_whoever_gives_up_while_waiting_or_as_it_is_let_in_leaves_no_hole() -> None:
    gate = Concurrency(start=1)
    first = gate.entered()
    await first.__aenter__()

    async def wait_inside() -> None:
        async with gate.entered():
            await asyncio.sleep(60)

    waiting = [asyncio.create_task(wait_inside()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[1].cancel()
    await asyncio.gather(waiting[1], return_exceptions=True)
    await first.__aexit__(None, None, None)
    waiting[0].cancel()  # let in, and cancelled before it ran
    waiting[2].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    async with asyncio.timeout(5), gate.entered():
        pass


async def test_it_widens_when_it_was_full_and_went_well_and_narrows_once_a_second() -> None:
    now = 0.0
    gate = Concurrency(clock=lambda: now)
    gate.went_well()
    assert gate.width == START  # it was not full, so nothing was learned
    gate.went_badly()
    gate.went_badly()
    assert gate.width == int(START * 2 / 3)
    for _ in range(20):
        now += 1
        gate.went_badly()
    assert gate.width == LEAST
    for _ in range(2):
        await gate.entered().__aenter__()
    for _ in range(4):
        gate.went_well()
    assert gate.width == LEAST + 1
