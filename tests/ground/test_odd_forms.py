"""Types whose values come in other forms, too: durations and counts as text, times as Unix milliseconds."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from contactship_async import MalformedResponseError
from contactship_async._codec import codec, python_codec
from contactship_async.models.calls import Call
from contactship_async.models.common import Count, Model, Seconds, Timestamp

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENT = datetime(2026, 10, 26, 7, 33, 20, tzinfo=UTC)
LAST_MILLISECOND = 253_402_300_799_999
"""Of the year 9999, the last that Python has."""


@frozen
class Odd(Model):
    """A field of each kind."""

    seconds: Seconds | None = None
    count: Count | None = None
    time: Timestamp | None = None


def read(**fields: object) -> Odd:
    """Read an object with *fields*."""
    return codec.loads(json.dumps(fields).encode(), Odd)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (98, 98.0), (98.5, 98.5), (0, 0.0), ("98", 98.0), ("98.5", 98.5), ("-1", -1.0), ("007", 7.0), (None, None),
        ("", None), (" 98", None), ("98 s", None), ("1:38", None), ("1e3", None), ("nan", None), ("Infinity", None),
        ("1_0", None), ("٣", None), ("9" * 5000, None),
    ],
)  # fmt: skip
def test_seconds(value: object, seconds: float | None) -> None:
    """A duration is a number, also as text; text that is none is None."""
    assert Odd(seconds=seconds) == read(seconds=value)
    assert isinstance(read(seconds=value).seconds, float | None)


@pytest.mark.parametrize(
    ("value", "count"),
    [(12, 12), (12.0, 12), ("12", 12), (0, 0), ("0", 0), (-2, -2), (None, None), (12.5, None), ("12.0", None),
     ("", None), ("many", None), ("9" * 5000, None)],
)  # fmt: skip
def test_count(value: object, count: int | None) -> None:
    """A count is a whole number, also as text or with a fraction of zero; what is none is None."""
    assert Odd(count=count) == read(count=value)
    assert isinstance(read(count=value).count, int | None)


@pytest.mark.parametrize(
    ("value", "time"),
    [
        (1_793_000_000_000, MOMENT), (1_793_000_000_000.0, MOMENT), ("1793000000000", MOMENT),
        ("2026-10-26T07:33:20Z", MOMENT), ("2026-10-26 07:33:20", MOMENT), ("20261026T073320Z", MOMENT),
        ("1712150000000", datetime(2024, 4, 3, 13, 13, 20, tzinfo=UTC)),  # Python takes it for a date of 1712.
        (1, EPOCH + timedelta(milliseconds=1)),
        (LAST_MILLISECOND, datetime(9999, 12, 31, 23, 59, 59, 999_000, UTC)), (LAST_MILLISECOND + 1, None),
        (0, None), (0.0, None), ("0", None), (-1, None), (1e300, None), (10**30, None), (None, None),
        ("", None), ("soon", None), ("9" * 18, None), ("9" * 5000, None), ("2026-10-26T07:33:20+00:00:01", None),
    ],
)  # fmt: skip
def test_timestamp(value: object, time: datetime | None) -> None:
    """A time is Unix milliseconds or ISO 8601; 0 is not known, and what the calendar does not have is none."""
    assert Odd(time=time) == read(time=value)


@pytest.mark.parametrize(
    ("name", "expected"), [("seconds", "a number of seconds"), ("count", "a whole number"), ("time", "a time")]
)
@pytest.mark.parametrize(("value", "got"), [(True, "true or false"), ([98], "an array"), ({"x": 98}, "an object")])
def test_other_kinds_are_refused(name: str, expected: str, value: object, got: str) -> None:
    """What is neither number nor string is a problem, named by its path and without a value."""
    with pytest.raises(MalformedResponseError) as caught:
        read(**{name: value})

    assert (f"{name}: expected {expected}, got {got}",) == caught.value.issues
    assert caught.value.__context__ is None


def test_value_that_must_be_there() -> None:
    """A field that may not be null refuses what would be None."""
    with pytest.raises(MalformedResponseError) as caught:
        codec.loads(b'["98", "x"]', list[Seconds])

    assert ("[1]: expected a number, got null",) == caught.value.issues


@given(st.integers(1, LAST_MILLISECOND))
def test_milliseconds_are_exact(milliseconds: int) -> None:
    """No time is off by a rounding error."""
    time = read(time=milliseconds).time

    assert time is not None
    assert milliseconds == (time - EPOCH) / timedelta(milliseconds=1)
    assert time == read(time=str(milliseconds)).time == read(time=time.isoformat()).time


@given(st.dictionaries(st.sampled_from(["seconds", "count", "time"]), st.integers() | st.floats() | st.text()))
def test_numbers_and_strings_never_fail(fields: dict[str, Any]) -> None:
    """Whatever number or string comes, the object is read, and is the same again when it was dumped."""
    value = codec.convert(fields, Odd)

    if all(abs(number) < 2**53 for number in fields.values() if isinstance(number, int | float)):
        assert value == codec.loads(codec.dumps(value), Odd)
        assert value == python_codec.convert(json.loads(json.dumps(value.to_dict())), Odd)


def test_pydantic() -> None:
    """Schemas tell the usual forms, which are what is dumped; the others are read, too."""
    adapter = TypeAdapter(Odd)
    properties = adapter.json_schema()["properties"]
    kinds = {name: [one for one in field["anyOf"] if one != {"type": "null"}] for name, field in properties.items()}
    whole = Odd(98.0, 12, MOMENT)

    assert {
        "seconds": [{"type": "number"}],
        "count": [{"type": "integer"}],
        "time": [{"type": "string", "format": "date-time"}],
    } == kinds
    assert {"seconds": 98.0, "count": 12, "time": "2026-10-26T07:33:20Z"} == adapter.dump_python(whole)
    for fields in (whole.to_dict(), {"seconds": "98", "count": 12.0, "time": 1_793_000_000_000}, vars_of(whole)):
        assert whole == adapter.validate_python(fields)
    with pytest.raises(ValidationError, match="seconds: expected a number of seconds, got true or false"):
        adapter.validate_python({"seconds": True})


def vars_of(value: Odd) -> dict[str, object]:
    """Return the fields as they are."""
    return {"seconds": value.seconds, "count": value.count, "time": value.time}


def test_calls_have_durations_as_text() -> None:
    """One call of a page whose duration is text is read as the others are."""
    rows = [{"id": "c-1", "duration": 98, "from": "+12025550142"}, {"id": "c-2", "duration": "98"}]

    assert [Call("c-1", from_number="+12025550142", duration=98.0), Call("c-2", duration=98.0)] == codec.loads(
        json.dumps(rows).encode(), list[Call]
    )
