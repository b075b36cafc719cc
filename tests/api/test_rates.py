"""How often one caller may ask."""

from collections.abc import Iterator

import httpx
import pytest

from api.rates import MOST_BUCKETS, Rates
from shared.settings import Settings
from tests.api.conftest import Mint


class Clock:
    """A time that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_served_and_a_flood_waits() -> None:
    clock = Clock()
    rates = Rates(60, clock)
    assert [rates.wait_seconds("one") for _ in range(10)] == [0.0] * 10
    assert rates.wait_seconds("one") == pytest.approx(1.0)
    assert rates.wait_seconds("other") == 0.0
    clock.now = 1.0
    assert rates.wait_seconds("one") == 0.0
    assert rates.wait_seconds("one") > 0


def test_over_a_minute_a_caller_gets_what_it_is_given_and_its_burst() -> None:
    clock = Clock()
    rates = Rates(600, clock)

    def served() -> Iterator[bool]:
        for _ in range(6000):
            clock.now += 0.01
            yield rates.wait_seconds("one") == 0.0

    assert 690 <= sum(served()) <= 701


def test_callers_without_number_do_not_fill_the_memory() -> None:
    clock = Clock()
    rates = Rates(60, clock)
    for number in range(MOST_BUCKETS * 2):
        rates.wait_seconds(str(number))
        clock.now += 0.01
    assert len(rates._buckets) <= MOST_BUCKETS + 1


@pytest.fixture
def settings() -> Settings:
    return Settings(body_limit_bytes=65_536, requests_per_minute=12)


async def test_too_many_requests_are_told_when_to_come_again(anonymous: httpx.AsyncClient, mint: Mint) -> None:
    mine = {"Authorization": f"Bearer {mint()}"}
    assert [(await anonymous.get("/me", headers=mine)).status_code for _ in range(3)] == [200, 200, 429]
    refused = await anonymous.get("/me", headers=mine)
    assert refused.json()["code"] == "tooManyRequests"
    assert 1 <= int(refused.headers["retry-after"]) <= 5
    other = {"Authorization": f"Bearer {mint(oid='aaaaaaaa-0000-4000-8000-000000000002')}"}
    assert (await anonymous.get("/me", headers=other)).status_code == 200
    assert (await anonymous.get("/health")).status_code == 200
