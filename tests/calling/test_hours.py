"""The hours in which people may be called."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from contactship_async.calling import Hours


@pytest.mark.parametrize(
    ("between", "now", "seconds"),
    [
        ("09:00-18:00", "2026-11-28 08:59:59", 1),
        ("09:00-18:00", "2026-11-28 09:00:00", 0),
        ("09:00-18:00", "2026-11-28 17:59:59.999999", 0),
        ("09:00-18:00", "2026-11-28 18:00:00", 15 * 3600),
        ("22:00-06:00", "2026-11-28 23:00:00", 0),
        ("22:00-06:00", "2026-11-28 05:59:00", 0),
        ("22:00-06:00", "2026-11-28 06:00:00", 16 * 3600),
        # Clocks were set forward at 2:00 and back at 3:00.
        ("09:00-18:00", "2026-03-28 18:00:00", 14 * 3600),
        ("09:00-18:00", "2026-10-24 18:00:00", 16 * 3600),
        ("02:30-02:45", "2026-03-29 01:30:00", 24 * 3600),
    ],
)
def test_seconds_until_open(between: str, now: str, seconds: float) -> None:
    """They are those of the clocks there, also when these are set."""
    hours = Hours.read(between, "Europe/Madrid")
    moment = datetime.fromisoformat(now).replace(tzinfo=hours.zone).astimezone(UTC)

    while (wait := hours.seconds_until_open(moment)) and wait < seconds:
        moment += timedelta(seconds=wait)
        seconds -= wait
    assert seconds == wait


def test_an_hour_that_comes_twice() -> None:
    """Hours begin again when clocks are set back to before them."""
    hours = Hours.read("02:30-02:45", "Europe/Madrid")
    now = datetime(2026, 10, 25, 2, 10, fold=1, tzinfo=hours.zone)

    assert 20 * 60 == hours.seconds_until_open(now)


@given(
    st.times(),
    st.times(),
    st.sampled_from(["Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"]),
    st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - UTC is added
)
def test_they_come(start: time, end: time, zone: str, now: datetime) -> None:
    """Whoever waits as long as is said comes into them within two days, whatever the clocks do meanwhile."""
    assume(f"{start:%H:%M}" != f"{end:%H:%M}")
    hours = Hours.read(f"{start:%H:%M}-{end:%H:%M}", zone)
    moment = now
    while wait := hours.seconds_until_open(moment):
        assert wait > 0
        moment += timedelta(seconds=wait)

    assert moment - now <= timedelta(days=2)
    there = moment.astimezone(hours.zone).time()
    assert (hours.start <= there < hours.end) or (hours.end < hours.start and not hours.end <= there < hours.start)


@pytest.mark.parametrize(
    ("between", "zone", "told"),
    [
        ("9-18", "Europe/Madrid", "between must be two times of the day that differ, such as 09:00-18:00, not '9-18'"),
        ("09:00-24:00", "Europe/Madrid", "between must be"),
        ("09:00-09:00", "Europe/Madrid", "between must be"),
        ("09:00-18:00", "Madrid", "time_zone must be one of the IANA database, such as Europe/Madrid, not 'Madrid'"),
        ("09:00-18:00", "../etc/passwd", "time_zone must be"),
        ("09:00-18:00", "", "time_zone must be"),
        ("09:00-18:00", "Europe", "time_zone must be"),
    ],
)
def test_wrong_hours(between: str, zone: str, told: str) -> None:
    """What is no time of the day, or no zone, is refused."""
    with pytest.raises(ValueError, match=r".") as caught:
        Hours.read(between, zone)

    assert told in str(caught.value)


def test_they_are_told() -> None:
    """In words for a person."""
    assert "09:00-18:00 (Europe/Madrid)" == str(Hours.read("09:00-18:00", "Europe/Madrid"))
