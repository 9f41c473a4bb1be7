"""What is known of the server's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contactship_async._http.server_clock import ServerClock

NOW = datetime(2026, 5, 4, 9, 12, 0, 700_000, tzinfo=UTC)


def clock_of(*dates: str | None) -> ServerClock:
    """Make a clock that has heard of these, all of them now."""
    clock = ServerClock()
    for date in dates:
        clock.note({} if date is None else {"date": date}, lambda: NOW)
    return clock


@pytest.mark.parametrize(
    ("date", "ahead"),
    [
        ("Mon, 04 May 2026 09:12:00 GMT", timedelta(milliseconds=-700)),
        ("Mon, 04 May 2026 09:19:00 GMT", timedelta(minutes=7, milliseconds=-700)),
        ("Mon, 04 May 2026 09:05:00 GMT", timedelta(minutes=-7, milliseconds=-700)),
        ("Monday, 04-May-26 09:12:00 GMT", timedelta(milliseconds=-700)),
    ],
)
def test_difference(date: str, ahead: timedelta) -> None:
    """The server's clock is as far ahead as its date was of the time when it came."""
    before = NOW - timedelta(hours=1)

    assert before + ahead == clock_of(date).read(before)


@pytest.mark.parametrize("date", [None, "", "now", "Sun, 26 Apr 2026 09:12:00 GMT", "Mon, 04 May 3000 09:12:00 GMT"])
def test_unknown(date: str | None) -> None:
    """Without a date, or with one that no clock shows, the clocks are taken to agree."""
    assert NOW == clock_of(date).read(NOW)


def test_last_one_counts() -> None:
    """The last date counts, and a response without one changes nothing."""
    clock = clock_of("Mon, 04 May 2026 08:00:00 GMT", "Mon, 04 May 2026 09:12:10 GMT", None)

    assert NOW.replace(microsecond=0) + timedelta(seconds=10) == clock.read(NOW)


def test_date_of_a_cache_is_none_of_now() -> None:
    """A response out of a cache, which has an `Age`, has the date of when that got it, and tells nothing of now."""
    clock = clock_of("Mon, 04 May 2026 09:12:10 GMT")
    clock.note({"date": "Sun, 03 May 2026 09:12:00 GMT", "age": "86400"}, lambda: NOW)

    assert NOW.replace(microsecond=0) + timedelta(seconds=10) == clock.read(NOW)
