"""NCRONTAB as Azure takes it, and nothing that Azure refuses."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from local.host.errors import NotSupported
from local.host.schedule import parse_schedule

SATURDAY = datetime(2026, 11, 21, 10, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "following"),
    [
        ("0 */5 * * * *", datetime(2026, 11, 21, 10, 20, tzinfo=UTC)),
        ("*/5 * * * *", datetime(2026, 11, 21, 10, 20, tzinfo=UTC)),
        ("30 15 10 * * *", datetime(2026, 11, 22, 10, 15, 30, tzinfo=UTC)),
        ("*/10 * * * * *", datetime(2026, 11, 21, 10, 15, 40, tzinfo=UTC)),
        ("0 0 9 * * mon-fri", datetime(2026, 11, 23, 9, tzinfo=UTC)),
        ("0 0 9 * * Mon,Wed", datetime(2026, 11, 23, 9, tzinfo=UTC)),
        ("0 0 0 1 jan *", datetime(2027, 1, 1, tzinfo=UTC)),
        ("0 0 0 29 2 *", datetime(2028, 2, 29, tzinfo=UTC)),
        ("0  0   0 * * 0", datetime(2026, 11, 22, tzinfo=UTC)),
    ],
)
def test_the_next_time_is_strictly_later(expression, following):
    assert parse_schedule(expression, "f", {}).after(SATURDAY) == following


def test_day_of_month_and_day_of_week_must_both_match():
    friday_the_13th = parse_schedule("0 0 0 13 * 5", "f", {}).after(SATURDAY)
    assert friday_the_13th == datetime(2027, 8, 13, tzinfo=UTC)


def test_times_are_utc_whatever_zone_is_asked_in():
    in_india = SATURDAY.astimezone(timezone(timedelta(hours=5, minutes=30)))
    following = parse_schedule("0 0 11 * * *", "f", {}).after(in_india)
    assert (following, following.tzinfo) == (datetime(2026, 11, 21, 11, tzinfo=UTC), UTC)


def test_a_setting_stands_for_the_schedule_or_a_part_of_it():
    settings = {"WHOLE": "0 0 1 * * *", "MINUTE": "7"}
    assert parse_schedule("%WHOLE%", "f", settings).expression == "0 0 1 * * *"
    assert parse_schedule("0 %MINUTE% 1 * * *", "f", settings).expression == "0 7 1 * * *"


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("%UNSET%", "the setting UNSET is not set"),
        ("", "five fields, or six"),
        ("* * *", "five fields, or six"),
        ("* * * * * * *", "five fields, or six"),
        ("@daily", "five fields, or six"),
        ("01:00:00", "TimeSpan"),
        ("1.02:03:04", "TimeSpan"),
        ("0 0 0 L * *", "'L' is not NCRONTAB"),
        ("0 0 0 ? * *", "'?' is not NCRONTAB"),
        ("0 0 0 * * 5#2", "'5#2' is not NCRONTAB"),
        ("0 0 0 * * 7", "'7' is not NCRONTAB"),
        ("0 0 H * * *", "'H' is not NCRONTAB"),
        ("0 99 * * * *", "99"),
        ("0 0 0 31 2 *", "failed to find"),
        ("0 5- * * * *", "5-"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_timer_and_the_reason(expression, reason):
    with pytest.raises(NotSupported, match="timer night_watch: the schedule") as refusal:
        parse_schedule(expression, "night_watch", {})
    assert reason in str(refusal.value)
