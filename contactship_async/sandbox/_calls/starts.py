"""When a call that was asked for is to begin.

Source: https://docs.contactship.ai/api-reference/endpoint/make-ai-phone-call
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from contactship_async.sandbox._api.replies import Refusal


def read_schedule(body: Mapping[str, Any]) -> datetime | None:
    """Return the time that a body asks for, in UTC, or refuse what is none; None without a schedule."""
    if (schedule := body.get("schedule")) is None:
        return None
    zone = _find_zone(schedule["timezone"])
    try:
        return datetime.fromisoformat(schedule["scheduled_call_time"]).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refusal(400, "schedule.scheduled_call_time must be a time such as 2026-07-02 16:45:00") from None


def find_begin(body: Mapping[str, Any], schedule: datetime | None, now: datetime) -> datetime:
    """Return when a call is to begin: by its schedule, else by its delay, and never before *now*.

    What the API does with both, or with a time that has passed, is not documented.
    """
    return max(now, schedule or now + timedelta(minutes=body.get("delay", 0)))


def _find_zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC  # It is there without a database of zones, too.
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # an unknown name, one that leads out of the database, or to a folder
        raise Refusal(400, "schedule.timezone must be the name of an IANA time zone such as America/Bogota") from None
