"""What a resource declares about its bodies and fields is what is accepted and refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contactship_async.sandbox._api.fields import Field, as_object
from contactship_async.sandbox._api.parsing import read_body, read_query
from contactship_async.sandbox._api.replies import Refusal

COLOR = Field("color", {"type": "string", "pattern": "^#[0-9A-F]{6}$"}, "Hexadecimal.", example="#1F6FEB")
LABEL = Field("label", {"type": ["string", "null"]}, "Free text.", example="Customers", required=False)
NAME = Field("name", {"type": "string", "minLength": 1}, "What it is called.", example="vip")
DELAY = Field("delay", {"type": "number", "minimum": 0, "maximum": 9}, "Minutes.", example=1, required=False)
ITEM = as_object(NAME, LABEL)
ITEMS = Field("items", {"type": "array", "items": ITEM}, "Several.", example=[{"name": "vip"}], required=False)
NOTES = Field("notes", {"type": "object"}, "Anything.", example={"a": 1}, required=False)
DAY = Field("day", {"type": "string", "format": "date"}, "A day.", example="2026-05-04")
CALL_ID = Field("id", {"type": "string", "format": "uuid"}, "A UUID.", example="7d0c2f5e-3b1a-4a77-9c0e-0f6b1f1d2a11")
VALUE = Field("value", {"type": ["number", "string", "null"], "minimum": 0}, "A price.", example=5, required=False)
ANYTHING = Field("extra", {}, "Whatever it is.", example=None, required=False)
SOUND = Field("sound", {"type": ["string", "null"], "enum": ["sea", None]}, "One.", example="sea", required=False)
GREETING = Field("greeting", {"type": "string", "maxLength": 3}, "Said first.", example="Hi", required=False)
COUNT = Field("count", {"type": "integer"}, "Of what.", example=1, required=False)
EVENTS = Field("events", {"type": "array", "items": {"type": "object"}, "minItems": 1, "maxItems": 2}, "Some.", [{}])
TYPE = Field("type", {"type": "string", "enum": ["a", "b"]}, "What it is.", example="a")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"color": "#000000"}', {"color": "#000000"}),
        (b'{"label": null, "color": "#000000", "more": [1]}', {"color": "#000000", "label": None}),
        (b'{"label": "", "color": "#000000"}', {"color": "#000000", "label": ""}),
    ],
)
def test_bodies_are_read_by_their_declaration(body: bytes, expected: dict[str, object]) -> None:
    """Declared fields are read, null where it is allowed; others are ignored, and none is made up."""
    assert expected == read_body((COLOR, LABEL), body)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (None, "The body must be a JSON object"),
        (b"", "The body must be a JSON object"),
        (b"[]", "The body must be a JSON object"),
        (b"{", "The body must be a JSON object"),
        (b"\xff", "The body must be a JSON object"),
        (b"[" * 100_000, "The body must be a JSON object"),
        (b'{"label": NaN}', "The body must be a JSON object"),
        (b"{}", "color is required"),
        (b'{"color": null}', "color must be a string such as #1F6FEB"),
        (b'{"color": 5}', "color must be a string such as #1F6FEB"),
        (b'{"color": "#1F6FEB\\n"}', "color must be a string such as #1F6FEB"),
        (b'{"color": "#000000", "label": true}', "label must be a string or null"),
    ],
)
def test_other_bodies_are_refused(body: bytes | None, message: str) -> None:
    """A body that is no JSON object, or lacks a field, or has one that is not allowed, is a 400 with a message."""
    with pytest.raises(Refusal) as caught:
        read_body((COLOR, LABEL), body)

    assert (400, message) == (caught.value.status, caught.value.message)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"delay": 0}, None),
        ({"delay": 8.5}, None),
        ({"delay": -1}, "delay must be a number from 0 to 9"),
        ({"delay": 9.1}, "delay must be a number from 0 to 9"),
        ({"delay": True}, "delay must be a number from 0 to 9"),
        ({"items": []}, None),
        ({"items": [{"name": "a", "label": None, "more": 1}, {"name": "b"}]}, None),
        ({"items": {}}, 'items must be an array such as [{"name": "vip"}]'),
        ({"items": ["a"]}, 'items must be an array such as [{"name": "vip"}]'),
        ({"items": [{"label": "a"}]}, 'items must be an array such as [{"name": "vip"}]'),
        ({"items": [{"name": ""}]}, 'items must be an array such as [{"name": "vip"}]'),
        ({"notes": {"any": [1]}}, None),
        ({"notes": None}, 'notes must be an object such as {"a": 1}'),
    ],
    ids=str,
)
def test_nested_bodies(body: dict[str, object], expected: str | None) -> None:
    """Numbers, arrays and objects are checked to the bottom; what is not declared is not."""
    message = None
    try:
        assert body == read_body((DELAY, ITEMS, NOTES), json.dumps(body).encode())
    except Refusal as refusal:
        message = refusal.message

    assert expected == message


@pytest.mark.parametrize(
    ("field", "allowed", "refused", "message"),
    [
        (VALUE, [0, 1.5, "9", "", None], [-1, True, [], {}], "value must be a number >= 0 or a string or null"),
        (ANYTHING, [0, "a", True, None, [], {}], [], ""),
        (SOUND, ["sea", None], ["fire", "", 5], "sound must be one of: sea, null"),
        (GREETING, ["", "abc"], ["abcd", None], "greeting must be a string of at most 3 characters"),
        (COUNT, [-1, 0, 10**30], [1.0, "1", None], "count must be an integer"),
        (EVENTS, [[{}], [{}, {}]], [[], [{}] * 3, [1], {}], "events must be an array of 1 to 2 items such as [{}]"),
    ],
    ids=lambda value: value.name if isinstance(value, Field) else "",
)
def test_other_declarations(field: Field, allowed: list[object], refused: list[object], message: str) -> None:
    """A field may be of several types or of any, null among those named, and of limited length."""
    for value in allowed:
        assert {field.name: value} == read_body([field], json.dumps({field.name: value}).encode())
    for value in refused:
        with pytest.raises(Refusal) as caught:
            read_body([field], json.dumps({field.name: value}).encode())
        assert message == caught.value.message


@pytest.mark.parametrize(
    ("field", "text", "is_allowed"),
    [
        (DAY, "2024-02-29", True),
        (DAY, "2023-02-29", False),
        (DAY, "2024-W09-4", False),
        (DAY, "20240229", False),
        (DAY, "", False),
        (CALL_ID, "7d0c2f5e-3b1a-4a77-9c0e-0F6B1F1D2A11", True),
        (CALL_ID, "7d0c2f5e3b1a4a779c0e0f6b1f1d2a11", False),
        (CALL_ID, "7d0c2f5e-3b1a-4a77-9c0e-0f6b1f1d2a1g", False),
    ],
)
def test_formats(field: Field, text: str, *, is_allowed: bool) -> None:
    """A date and a UUID have one form each."""
    assert is_allowed == field.accepts(text)


def test_queries_are_read_by_their_declaration() -> None:
    """Flags are spelled as in JSON, and have defaults."""
    flag = Field("words", {"type": "boolean", "default": False}, "Whether.", example=True)

    assert [{"words": False}, {"words": True}, {"words": False}] == [
        read_query([flag], query) for query in ([], [("words", "true")], [("words", "false")])
    ]
    with pytest.raises(Refusal, match="words must be true or false"):
        read_query([flag], [("words", "1")])


def test_without_declared_fields_no_body_is_read() -> None:
    """An endpoint without a body does not mind one."""
    assert {} == read_body((), b"{")


@pytest.mark.parametrize(
    ("field", "value", "error", "message"),
    [
        (NAME, "", ValueError, "name must be a non-empty string, not ''"),
        (NAME, b"vip", TypeError, "name must be a non-empty string, not bytes"),
        (COLOR, "red", ValueError, "color must be a string such as #1F6FEB, not 'red'"),
        (LABEL, 5, TypeError, "label must be a string or null, not int"),
        (ITEMS, {}, TypeError, 'items must be an array such as [{"name": "vip"}], not dict'),
        (ITEMS, [1], ValueError, 'items must be an array such as [{"name": "vip"}], not [1]'),
        (CALL_ID, "vip", ValueError, "id must be a UUID, not 'vip'"),
        (TYPE, "c", ValueError, "type must be 'a' or 'b', not 'c'"),
    ],
)
def test_arguments_are_checked_by_the_same_declaration(
    field: Field, value: Any, error: type[Exception], message: str
) -> None:
    """What a test adds obeys the declaration as a request does; the error names what is allowed."""
    with pytest.raises(error) as caught:
        field.check(value)

    assert message == str(caught.value)


def test_allowed_arguments_pass() -> None:
    """None stands for what is made up, and allowed values for themselves."""
    for field, value in ((NAME, "vip"), (COLOR, "#000000"), (TYPE, "a"), (NAME, None)):
        field.check(value)
