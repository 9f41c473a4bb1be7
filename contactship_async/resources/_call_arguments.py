"""What a call is started with: each argument is checked, and brought into the form that the API takes it in.

No error quotes a value: they are personal, and a webhook's address may be secret.
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from contactship_async._arguments import Checks, build_body, check_moment, check_phone_number, check_text, check_type
from contactship_async.resources._common_arguments import (
    check_json_object,
    check_mapping,
    check_webhook_url,
    citing_page,
)

_LATEST_START: Final = timedelta(seconds=60)
"""How long ago a call may have been scheduled for, since clocks differ and programs take a while."""

_MINUTE: Final = timedelta(minutes=1)

_LARGEST: Final = sys.float_info.max
_LARGEST_EXACT: Final = 2.0**53
"""Up to here, a float holds each integer."""


def check_schedule(name: str, value: object, *, now: datetime) -> dict[str, str]:
    """Return when a call is to be placed, in UTC, so that no zone and no change of clocks can be taken for another.

    Raises:
        TypeError: It is not a `datetime`.
        ValueError: It has no time zone, is past by more than a minute, or has microseconds.
    """
    moment = check_moment(name, value)
    if moment.microsecond:
        message = f"{name} must be of whole seconds: use replace(microsecond=0)"
        raise ValueError(message)
    if moment < now - _LATEST_START:
        seconds = (now - moment) // timedelta(seconds=1)
        message = f"{name} must be in the future, and is {timedelta(seconds=seconds)} h ago"
        raise ValueError(message)
    return {"scheduled_call_time": moment.replace(tzinfo=None).isoformat(" "), "timezone": "UTC"}


def check_delay(name: str, value: object) -> float:
    """Return a delay in minutes: the API takes a number, so seconds are fractions of one.

    Raises:
        TypeError: It is neither a `timedelta` nor a number.
        ValueError: It is below zero, or not finite.
    """
    allowed = "a timedelta or a number of minutes, >= 0 and finite"
    minutes = value / _MINUTE if isinstance(value, timedelta) else value
    if isinstance(minutes, bool) or not isinstance(minutes, int | float):
        message = f"{name} must be {allowed}, not {type(value).__name__}"
        raise TypeError(message)
    if not 0 <= minutes <= _LARGEST:
        message = f"{name} must be {allowed}, not {value}"
        raise ValueError(message)
    minutes = float(minutes)
    return int(minutes) if minutes.is_integer() and minutes <= _LARGEST_EXACT else minutes


def check_additional_data(name: str, value: object) -> list[dict[str, str]]:
    """Return what an agent is to know for a call, as the pairs that the API takes.

    Raises:
        TypeError: It is no mapping, or a key or value in it is no string.
        ValueError: A key is empty.
    """
    pairs = []
    for key, text in check_mapping(name, value).items():
        check_text(f"each key in {name}", key)
        check_type(f"each value in {name}", text, str)
        pairs.append({"key": key, "value": text})
    return pairs


_CHECKS: Final[Checks] = {
    "from_number": check_phone_number,
    "to_number": check_phone_number,
    "full_name": check_text,
    "agent_id": check_text,
    "contact_id": check_text,
    "from_number_id": check_text,
    "email": check_text,
    "country": check_text,
    "delay": check_delay,
    "additional_data": check_additional_data,
    "webhook_url": check_webhook_url,
    "metadata": check_json_object,
}


def build_start(slug: str, now: datetime, **fields: object) -> dict[str, object]:
    """Return the body of a request that starts a call.

    Args:
        slug: Of the page that says what is allowed.
        now: The time by the clock on the wall.
        fields: The arguments.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is not allowed.
    """
    checks: Checks = {**_CHECKS, "schedule": partial(check_schedule, now=now)}
    with citing_page(slug):
        body = build_body(checks, **fields)
        if body.keys() >= {"delay", "schedule"}:
            message = "delay must not be given together with schedule: each says when to call"
            raise ValueError(message)
        return body
