"""When a server asks to come back, and which budgets it calls used up."""

from __future__ import annotations

import pytest

from contactship_async._http.rate_limit_headers import is_rate_limiter, read_retry_after

DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "0"}, 0),
        ({"retry-after": " 17 "}, 17),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after": "0.0"}, 0),
        ({"retry-after": ".5"}, None),
        ({"retry-after": "2,5"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": "1e3"}, None),
        ({"retry-after": "9" * 400}, 1e9),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": DATE}, 30),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30", "date": DATE}, 30),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 -0000", "date": DATE}, 30),
        ({"retry-after": "Wed, 21 Oct 2026 07:27:00 GMT", "date": DATE}, 0),
        ({"retry-after": "Wed, 21 Oct 9999 07:27:00 GMT", "date": DATE}, 1e9),
        ({"retry-after": "Wed, 21 Oct 1999 07:27:00 GMT", "date": "yesterday"}, 0),
        ({"retry-after": "soon"}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    """Numbers and dates are read as seconds from now, within what arithmetic can take; all else is ignored."""
    assert seconds == read_retry_after(headers)


def test_retry_after_without_a_date() -> None:
    """Without a `Date`, an HTTP date is compared with the own clock."""
    assert 0 == read_retry_after({"retry-after": "Wed, 21 Oct 1999 07:27:00 GMT"})


NOON = {"date": "Wed, 21 Oct 2026 12:00:00 GMT"}
NOON_UNIX = 1792584000


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-reset": "7"}, 7),
        ({"x-ratelimit-reset": "7.5"}, 7.5),
        ({"x-ratelimit-reset": "0"}, 0),
        ({"x-ratelimit-reset": "3600"}, 3600),
        ({"x-ratelimit-reset": "3601"}, None),
        ({"x-ratelimit-reset": str(NOON_UNIX + 42), **NOON}, 42),
        ({"x-ratelimit-reset": str(NOON_UNIX - 42), **NOON}, 0),
        ({"x-ratelimit-reset": str(NOON_UNIX + 86_400), **NOON}, 86_400),
        ({"x-ratelimit-reset": str(NOON_UNIX + 86_401), **NOON}, None),
        ({"x-ratelimit-reset": str(NOON_UNIX * 1000), **NOON}, None),
        ({"x-ratelimit-reset": "9" * 5000, **NOON}, None),
        ({"x-ratelimit-reset": "-1"}, None),
        ({"x-ratelimit-reset": "soon"}, None),
        ({"x-ratelimit-reset": "7", "retry-after": "soon"}, 7),
        ({"x-ratelimit-reset": "7", "retry-after": "0"}, 0),
        ({"x-ratelimit-reset-ip": "9"}, 9),
        ({"x-ratelimit-reset": "7", "x-ratelimit-reset-heavy": "9"}, 7),
        ({"x-ratelimit-reset": "7", "x-ratelimit-reset-heavy": "9", "x-ratelimit-remaining-heavy": "0"}, 9),
        (
            {
                "x-ratelimit-remaining": "0",
                "x-ratelimit-reset": "9",
                "x-ratelimit-remaining-heavy": "0",
                "x-ratelimit-reset-heavy": "7",
            },
            9,
        ),
        ({"x-ratelimit-reset": "7", "x-ratelimit-remaining-heavy": "0"}, None),
    ],
)
def test_reset_of_a_refusal(headers: dict[str, str], seconds: float | None) -> None:
    """Of a 429 without `Retry-After`, the reset of the budgets it calls used up counts, or else the first it names."""
    assert seconds == read_retry_after(headers, refused=True)
    assert read_retry_after(headers) in (None, 0)


@pytest.mark.parametrize(
    ("names", "is_one"),
    [
        (["Retry-After"], True),
        (["x-ratelimit-limit"], True),
        (["Date", "X-RateLimit-Remaining-heavy"], True),
        (["Date", "Server", "X-Rate"], False),
        ([], False),
    ],
)
def test_rate_limiter(names: list[str], is_one: bool) -> None:
    """A 429 is that of a rate limiter if it has one of its headers, however they are spelled."""
    assert is_one is is_rate_limiter(dict.fromkeys(names, "1"))
