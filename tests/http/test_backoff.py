"""The waiting rule of a gate: how long after a 429 nothing is sent, and how far apart requests leave then."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactship_async._http.backoff import Backoff


def refuse(
    backoff: Backoff, asked: float | None = None, *, now: float = 0.0, sent_at: float | None = None, drawn: float = 0.0
) -> float:
    """Refuse a request that was sent just now, unless it is said when."""
    sent_at = now if sent_at is None else sent_at
    return backoff.refuse(asked, sent_at=sent_at, now=now, rng=lambda: drawn)


@pytest.mark.parametrize(
    ("asked", "drawn", "seconds"),
    [(7, 0.9, 7), (2.5, 0.9, 2.5), (0, 0, 0.5), (0, 1, 1), (0.75, 0, 0.75), (0.75, 1, 1), (None, 0, 0.5), (None, 1, 1)],
)
def test_wait(asked: float | None, drawn: float, seconds: float) -> None:
    """It is as long as the server says, but never less than 0.5 to 1 s, which is also what is waited without a word."""
    assert seconds == refuse(Backoff(), asked, drawn=drawn)


def test_doubling() -> None:
    """Waits double only after 5 s of refusals without any success, up to 15 s, and a success starts anew."""
    backoff = Backoff()
    moments = [100, 101, 104.9, 105, 106, 110, 120, 140, 200, 300]
    waits = [refuse(backoff, now=moment) for moment in moments]
    backoff.succeed()

    assert [0.5, 0.5, 0.5, 1, 2, 4, 8, 15, 15, 15] == waits
    assert 0.5 == refuse(backoff, now=301)


def test_known_waits_do_not_double() -> None:
    """A server that says how long to wait is obeyed, however often it says so."""
    backoff = Backoff()

    assert [2] * 50 == [refuse(backoff, 2, now=moment) for moment in range(0, 100, 2)]


def test_refusals_in_flight_together() -> None:
    """Of requests that were in flight together, only the first refusal is news: the others double nothing."""
    backoff = Backoff()
    refuse(backoff, now=100)
    waits = [refuse(backoff, now=106 + late / 100, sent_at=105) for late in range(8)]

    assert [1] * 8 == waits


def test_long_refusal_does_not_overflow() -> None:
    """Ten thousand refusals in a row are no harm."""
    backoff = Backoff()

    assert 15 == [refuse(backoff, now=moment) for moment in range(10_000)][-1]


def test_spacing() -> None:
    """After a refusal, requests leave 0.1 s apart, and each success takes a fifth off until they leave as they come."""
    backoff = Backoff()
    refuse(backoff)
    spacings = []
    for _ in range(11):
        spacings.append(backoff.spacing)
        backoff.succeed()

    assert pytest.approx([0.1 * 0.8**successes for successes in range(11)]) == spacings
    assert 0 == backoff.spacing


@pytest.mark.parametrize(("successes", "spacing"), [(0, 0.1), (5, 0.1), (10, 0.1), (11, 0), (120, 0)])
def test_spacing_of_a_large_budget(successes: int, spacing: float) -> None:
    """Where more than ten have succeeded since the refusal before, they leave as they come."""
    backoff = Backoff()
    refuse(backoff, now=0)
    wanted = [backoff.succeed() for _ in range(successes)]
    refuse(backoff, now=1)

    assert spacing == backoff.spacing
    assert [place < 10 for place in range(successes)] == wanted


@given(
    asked=st.none() | st.floats(0, 1e9),
    drawn=st.floats(0, 1, exclude_max=True),
    moments=st.lists(st.floats(0, 1e6), min_size=1, max_size=20),
)
def test_waits_stay_within_bounds(asked: float | None, drawn: float, moments: list[float]) -> None:
    """No wait is shorter than 0.5 s or than what was asked for; without a word, none is longer than 15 s."""
    backoff = Backoff()
    for moment in sorted(moments):
        wait = refuse(backoff, asked, now=moment, drawn=drawn)

        assert max(0.5, asked or 0) <= wait <= (15 if asked is None else max(asked, 1))
        assert math.isfinite(wait)
