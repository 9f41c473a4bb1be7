"""What a resource declares about its bodies and fields is what is accepted and refused."""

from __future__ import annotations

from typing import Any

import pytest

from contactship_async.sandbox._api.fields import Field
from contactship_async.sandbox._api.parsing import read_body
from contactship_async.sandbox._api.replies import Refusal

COLOR = Field("color", {"type": "string", "pattern": "^#[0-9A-F]{6}$"}, "Hexadecimal.", example="#1F6FEB")
LABEL = Field("label", {"type": ["string", "null"]}, "Free text.", example="Customers", required=False)
NAME = Field("name", {"type": "string", "minLength": 1}, "What it is called.", example="vip")
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
