"""What is sent of events: each argument is checked, and brought into the form that the API takes it in.

No error quotes a value: they are personal.

Source: https://docs.contactship.ai/api-reference/endpoint/send-events
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import attrs

from contactship_async._arguments import (
    Checks,
    check_flag,
    check_length,
    check_moment,
    check_number,
    check_sequence,
    check_text,
    check_type,
)
from contactship_async._http.requests import encode_json
from contactship_async.models.events import Event, EventGroup, EventIdentity, EventLink
from contactship_async.resources._common_arguments import check_json_object

_LONGEST_NAME: Final = 40
_LONGEST_ID: Final = 200
_LONGEST_LABEL: Final = 200
_LONGEST_URL: Final = 2_000
_LONGEST_PARAMS: Final = 32_000
_MOST_LINKS: Final = 10
_FEWEST_DIGITS: Final = 7

_FIRST_MOMENT: Final = datetime(2000, 1, 1, tzinfo=UTC)
_FURTHEST_AHEAD: Final = timedelta(hours=24)

_BETWEEN_WORDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[\W_]+")
_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_CURRENCY: Final = re.compile(r"[A-Za-z]{3}")
_SCHEMES: Final = ("http://", "https://")

_IDENTIFYING: Final = ("contact_id", "external_id", "phone", "email")


def check_event(name: str, value: object) -> dict[str, object]:
    """Return an event as the API takes it, without what is None.

    Raises:
        TypeError: It is no `Event`, or a field has the wrong type.
        ValueError: A field is not allowed, or the event has neither a contact nor a session.
    """
    body = _check_fields(name, value, Event, _EVENT_CHECKS)
    if not body.keys() & {"contact", "session_id"}:
        message = f"{name} must have a contact or a session_id"
        raise ValueError(message)
    return body


def check_identity(name: str, value: object) -> dict[str, object]:
    """Return who a contact is as the API takes it, without what is None.

    Raises:
        TypeError: It is no `EventIdentity`, or a field has the wrong type.
        ValueError: A field is not allowed, or none is there that finds a contact.
    """
    body = _check_fields(name, value, EventIdentity, _IDENTITY_CHECKS)
    if not body.keys() & {*_IDENTIFYING}:
        message = f"{name} must have at least one of {', '.join(_IDENTIFYING)}"
        raise ValueError(message)
    return body


def check_id(name: str, value: object) -> str:
    """Return the id of an event or of a session; spaces at its ends are the API's to take off.

    Raises:
        TypeError: It is not a string.
        ValueError: It is empty or too long, or holds a space between other characters.
    """
    text = check_length(name, value, shortest=1, longest=_LONGEST_ID)
    if len(text.split()) != 1:
        message = f"{name} must be a string of 1 to {_LONGEST_ID} characters without spaces"
        raise ValueError(message)
    return text


def _check_fields(name: str, value: object, cl: type[Any], checks: Checks) -> dict[str, object]:
    check_type(name, value, cl)
    fields = [(field.name, field.default, getattr(value, field.name)) for field in attrs.fields(cl)]
    return {
        key: checks[key](f"{name}.{key}", one)
        for key, default, one in fields
        if one is not None or default is attrs.NOTHING
    }


def _check_name(name: str, value: object) -> str:
    """Check the name of an event by the shortest form that the API may store it in: the rest is for the API to judge.

    It drops accents, and divides names at capitals, spaces, hyphens and dots.
    """
    text = check_text(name, value)
    letters = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    stored = _BETWEEN_WORDS.sub("_", letters).strip("_").lower()
    allowed = f"of 1 to {_LONGEST_NAME} characters in snake_case, a letter first, and not begin with 'cs_'"
    if not stored[:1].isalpha() or len(stored) > _LONGEST_NAME or stored.startswith("cs_"):
        message = f"{name} must be {allowed}"
        raise ValueError(message)
    return text


def _check_moment(name: str, value: object) -> datetime:
    moment = check_moment(name, value)
    if not _FIRST_MOMENT <= moment <= datetime.now(UTC) + _FURTHEST_AHEAD:
        message = f"{name} must be from the year 2000 to 24 hours from now"
        raise ValueError(message)
    return moment


def _check_phone(name: str, value: object) -> str:
    text = check_text(name, value)
    if sum(one.isdecimal() for one in text) < _FEWEST_DIGITS:
        message = f"{name} must have at least {_FEWEST_DIGITS} digits"
        raise ValueError(message)
    return text


def _check_params(name: str, value: object) -> dict[str, object]:
    params = check_json_object(name, value)
    length = len(encode_json(name, params).decode())
    if length > _LONGEST_PARAMS:
        message = f"{name} must be of at most {_LONGEST_PARAMS} characters of JSON, not of {length}"
        raise ValueError(message)
    return params


def _check_value(name: str, value: object) -> float | str:
    if not isinstance(value, str):
        return check_number(name, value)
    if not _NUMBER.fullmatch(value):
        message = f"{name} must be a finite number, or a string that is one"
        raise ValueError(message)
    return value


def _check_currency(name: str, value: object) -> str:
    text = check_text(name, value)
    if not _CURRENCY.fullmatch(text):
        message = f"{name} must be a code of ISO 4217, such as 'USD'"
        raise ValueError(message)
    return text


def _check_group(name: str, value: object) -> dict[str, object]:
    return _check_fields(name, value, EventGroup, _GROUP_CHECKS)


def _check_links(name: str, value: object) -> list[dict[str, object]]:
    links = check_sequence(name, value)
    if len(links) > _MOST_LINKS:
        message = f"{name} must be at most {_MOST_LINKS}, not {len(links)}"
        raise ValueError(message)
    return [_check_fields(f"{name}[{place}]", link, EventLink, _LINK_CHECKS) for place, link in enumerate(links)]


def _check_url(name: str, value: object) -> str:
    text = check_length(name, value, shortest=1, longest=_LONGEST_URL)
    if not text.lower().startswith(_SCHEMES):
        message = f"{name} must begin with http:// or https://"
        raise ValueError(message)
    return text


_EXTERNAL_ID: Final = partial(check_length, shortest=1, longest=_LONGEST_ID)

_IDENTITY_CHECKS: Final[Checks] = {
    "contact_id": check_text,
    "external_id": _EXTERNAL_ID,
    "phone": _check_phone,
    "email": check_text,
    "name": check_text,
    "country": check_text,
}

_GROUP_CHECKS: Final[Checks] = {"id": _EXTERNAL_ID, "name": check_text, "properties": check_json_object}

_LINK_CHECKS: Final[Checks] = {"url": _check_url, "label": partial(check_length, longest=_LONGEST_LABEL)}

_EVENT_CHECKS: Final[Checks] = {
    "event_name": _check_name,
    "event_id": check_id,
    "occurred_at": _check_moment,
    "contact": check_identity,
    "create_contact": check_flag,
    "session_id": check_id,
    "params": _check_params,
    "value": _check_value,
    "currency": _check_currency,
    "group": _check_group,
    "links": _check_links,
}
