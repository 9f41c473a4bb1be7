"""Which calls are asked for, and what they are to hold: checked, and in the form that the API takes."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Final

from contactship_async._arguments import flag_or_none

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def read_contents(transcript: object, words: object, tools: object, *, has_transcript: bool) -> dict[str, bool | None]:
    """Check which contents are asked for; *has_transcript* if a transcript comes."""
    contents = {
        "include_transcript": flag_or_none("include_transcript", transcript),
        "include_words": flag_or_none("include_words", words),
        "include_tools": flag_or_none("include_tools", tools),
    }
    if words and not has_transcript:
        message = "include_words must come with include_transcript=True: words are part of the transcript"
        raise ValueError(message)
    return contents


def date_or_none(name: str, value: object) -> str | None:
    """Return a date as it is sent. A `datetime` is refused, though it is a date to Python."""
    if value is None:
        return None
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    allowed = "a date, or a string such as '2026-05-04'"
    if not isinstance(value, str):
        message = f"{name} must be {allowed}, not {type(value).__name__}"
        raise TypeError(message)
    try:
        is_date = _DATE.fullmatch(value) is not None and bool(date.fromisoformat(value))
    except ValueError:
        is_date = False
    if not is_date:
        message = f"{name} must be {allowed}, not {value!r}"
        raise ValueError(message)
    return value
