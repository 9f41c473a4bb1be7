"""The server's words about an error, in the forms that frameworks and gateways give them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contactship_async._http.error_messages import read_message

DEEP: Any = "bottom"
for _ in range(9):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"message": "limit must be >= 0"}, "limit must be >= 0"),
        ({"error": "no such tag"}, "no such tag"),
        ({"errors": "no such tag"}, "no such tag"),
        ({"detail": "Not Found"}, "Not Found"),
        ({"errors": ["limit is wrong", 5, None, "order is wrong"]}, "limit is wrong; order is wrong"),
        ({"error": {"code": 7, "message": "no such tag"}}, "no such tag"),
        ({"errors": [{"message": "first"}, {"title": "second"}, "third"]}, "first; second; third"),
        ({"errors": [{"title": "Invalid", "detail": "limit must be >= 0"}]}, "limit must be >= 0"),
        (
            {"errors": {"name": ["is too long", "is taken"], "color": "is unknown"}},
            "name: is too long; is taken; color: is unknown",
        ),
        (
            {"detail": [{"loc": ["query", "limit"], "msg": "Input should be greater than 0", "type": "greater_than"}]},
            "query.limit: Input should be greater than 0",
        ),
        (
            {"detail": [{"loc": ["body", "tags", 0], "msg": "Field required"}, {"msg": "x"}]},
            "body.tags.0: Field required; x",
        ),
        (
            {"type": "about:blank", "title": "Forbidden", "detail": "the add-on is not enabled"},
            "the add-on is not enabled",
        ),
        ({"statusCode": 400, "message": ["a", "b"], "error": "Bad Request"}, "a; b"),
        ({"message": "", "error": "Bad Request"}, "Bad Request"),
        ({"message": None, "errors": [], "detail": {"message": {"error": "deep"}}}, "deep"),
        ({"message": DEEP}, ""),
        ({"message": 5, "error": True, "errors": {"a": 1}, "detail": [[]]}, ""),
        ({"title": "only within others"}, ""),
        (["message"], ""),
        ("message", ""),
    ],
)
def test_messages(content: Any, message: str) -> None:
    """The words are found in the first field that has some, with the places that are told."""
    assert message == read_message(json.dumps(content).encode())


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"message": "\\ud800"}', b'{"message": "x"}' + b" " * 2**20])
def test_bodies_without_words(body: bytes) -> None:
    """What is no JSON, or too large to be searched, has none."""
    assert "" == read_message(body)
