"""The hours of the day in which people may be called."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from attrs import frozen

_HOURS: Final = re.compile(r"((?:[01][0-9]|2[0-3]):[0-5][0-9])-((?:[01][0-9]|2[0-3]):[0-5][0-9])")
_FORM: Final = "two times of the day that differ, such as 09:00-18:00"


@frozen
class Hours:
    """A part of each day, such as 09:00-18:00 in Madrid; one such as 22:00-06:00 goes past midnight.

    Args:
        start: When it begins.
        end: When it ends: that minute is no longer in it.
        zone: Whose time that is.
    """

    start: time
    end: time
    zone: ZoneInfo

    @classmethod
    def read(cls, between: str, time_zone: str) -> Hours:
        """Read them as they are written.

        Args:
            between: Such as `09:00-18:00`.
            time_zone: Such as `Europe/Madrid`.

        Raises:
            ValueError: *between* has another form, or there is no such zone.

        Source: https://www.iana.org/time-zones
        """
        found = _HOURS.fullmatch(between)
        if found is None or found[1] == found[2]:
            message = f"between must be {_FORM}, not {between!r}"
            raise ValueError(message)
        try:
            zone = ZoneInfo(time_zone)
        except (OSError, LookupError, ValueError):  # of a folder, an unknown one, one outside of the database
            message = f"time_zone must be one of the IANA database, such as Europe/Madrid, not {time_zone!r}"
            raise ValueError(message) from None
        return cls(time.fromisoformat(found[1]), time.fromisoformat(found[2]), zone)

    def seconds_until_open(self, now: datetime) -> float:
        """Return how long it takes until they begin; 0 within them.

        Args:
            now: With a time zone.
        """
        there = now.astimezone(self.zone)
        is_late_enough, is_early_enough = there.time() >= self.start, there.time() < self.end
        if (is_late_enough and is_early_enough) or (self.start > self.end and (is_late_enough or is_early_enough)):
            return 0
        # Where clocks are set back, a time comes twice; where they are set forward, one that is left out comes an hour
        # later (PEP 495).
        begins = (
            datetime.combine(there.date() + timedelta(days=day), self.start, self.zone).replace(fold=fold)
            for day in (0, 1, 2)
            for fold in (0, 1)
        )
        return min(seconds for begin in begins if (seconds := (begin.astimezone(UTC) - now).total_seconds()) > 0)

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M} ({self.zone.key})"
