"""How far the server's clock is from this machine's, as its responses tell, to compare times of the two."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from attrs import define, field

from contactship_async._http.rate_limit_headers import read_http_date

_MAX_BEHIND: Final = timedelta(days=7)
"""A `Date` further behind than that is no clock: by it, calls of long ago would be taken for those of now."""

_LATEST_YEAR: Final = 2999
"""What is later is no clock, and could not be reckoned with."""


@define(eq=False)
class ServerClock:
    """The `Date` of the last response that had one (RFC 9110, 6.6.1), kept as it came: hardly any is ever looked at."""

    _told: tuple[str, datetime] | None = field(default=None, init=False)

    def note(self, headers: Mapping[str, str], now: Callable[[], datetime]) -> None:
        """Keep what a response says that has just come; *now* returns the time by this machine's clock."""
        date = headers.get("date")
        if date is not None and "age" not in headers:  # A cache tells when it got the response (RFC 9111, 5.1).
            self._told = date, now()

    def read(self, at: datetime) -> datetime:
        """Return what the server's clock showed when this machine's showed *at*, or a little less.

        Where nothing is known of it, the two are taken to agree. It is less by the time that the response took to come,
        and by up to a second, as a `Date` has no fractions.
        """
        if self._told is None:
            return at
        text, received_at = self._told
        date = read_http_date(text)
        if date is None or date.year > _LATEST_YEAR or received_at - date > _MAX_BEHIND:
            return at
        return at + (date - received_at)
