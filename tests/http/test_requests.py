"""How a call becomes a request: paths, queries, bodies, and what is refused before anything is sent."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from contactship_async import Wait
from contactship_async._http.messages import Request, Response
from contactship_async._http.requests import build_request, quote_path
from contactship_async._http.secret import Secret


@pytest.mark.parametrize(
    ("path", "quoted"),
    [
        ("/v1/phone-numbers", "/v1/phone-numbers"),
        ("/v1/contacts/+12025550142", "/v1/contacts/%2B12025550142"),
        ("/v1/contacts/%2B12025550142", "/v1/contacts/%2B12025550142"),
        ("/v1/contacts/a b@example.com", "/v1/contacts/a%20b%40example.com"),
        ("/v1/contacts/100%", "/v1/contacts/100%25"),
        ("/v1/contacts/ñ", "/v1/contacts/%C3%B1"),
        ("/v1/contacts/a\\..\\b", "/v1/contacts/a%5C..%5Cb"),
        ("/v1/contacts/a\r\nx: y", "/v1/contacts/a%0D%0Ax%3A%20y"),
    ],
)
def test_paths(path: str, quoted: str) -> None:
    """Segments are percent-encoded once, so that an identifier stays one segment."""
    assert quoted == quote_path(path)


@pytest.mark.parametrize(
    "path",
    ["", "v1", "//evil.example/v1", "/v1/", "/v1//x", "/v1/./x", "/v1/../x", "/v1/%2e%2E/x", "/v1/x?y=1", "/v1/x#y",
     "https://evil.example/v1", "/v1/\ud800"],
)  # fmt: skip
def test_refused_paths(path: str) -> None:
    """What a server would resolve to another place, or would take for a query, is refused."""
    with pytest.raises(ValueError, match="path must"):
        quote_path(path)


@given(st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda text: not {"/", "?", "#", "%"} & set(text)))
def test_identifier_survives_the_path(identifier: str) -> None:
    """Whatever an identifier holds comes back when the segment is decoded."""
    if identifier in (".", ".."):
        return

    assert ["", "v1", identifier] == [unquote(segment) for segment in quote_path(f"/v1/{identifier}").split("/")]


def test_query() -> None:
    """Values get the API's own forms; None is left out, several are repeated."""

    class Colour(Enum):
        RED = "red"

    request = build_request(
        method="get",
        path="/v1/calls",
        params={
            "limit": 5,
            "ratio": 0.5,
            "include_words": True,
            "include_tools": False,
            "agent_id": None,
            "colour": Colour.RED,
            "date_from": datetime(2026, 1, 15, tzinfo=UTC),
            "tags": ["a", None, "b"],
        },
    )

    assert "GET" == request.method
    assert (
        ("limit", "5"),
        ("ratio", "0.5"),
        ("include_words", "true"),
        ("include_tools", "false"),
        ("colour", "red"),
        ("date_from", "2026-01-15T00:00:00+00:00"),
        ("tags", "a"),
        ("tags", "b"),
    ) == request.query


CYCLE: list[object] = []
CYCLE.append(CYCLE)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"method": "FETCH"}, ValueError, "method must be one of GET, HEAD, POST, PUT, PATCH, DELETE"),
        ({"method": None}, TypeError, "method must be of type str, not NoneType"),
        ({"path": 5}, TypeError, "path must be of type str, not int"),
        ({"idempotent": 1}, TypeError, "idempotent must be of type bool, not int"),
        ({"params": [("x", "y")]}, TypeError, "params must be of type Mapping, not list"),
        ({"params": {1: "x"}}, TypeError, "each name in params must be of type str, not int"),
        ({"params": {"x": float("nan")}}, ValueError, r"params\['x'\] must be finite"),
        ({"params": {"x": {}}}, TypeError, r"params\['x'\] must be a string"),
        ({"params": {"x": b"y"}}, TypeError, r"params\['x'\] must be a string"),
        ({"params": {"x": "\ud800"}}, ValueError, r"params\['x'\] must hold no lone surrogates"),
        ({"json": object()}, TypeError, "json must be of types that JSON has a form for"),
        ({"json": "\ud800"}, ValueError, "json must hold no lone surrogates"),
        ({"json": CYCLE}, ValueError, "not be nested too deeply"),
        ({"json": {"x": [None, float("nan")]}}, ValueError, "json must hold finite numbers only"),
        ({"json": ({"x": float("-inf")},)}, ValueError, "json must hold finite numbers only"),
        ({"json": {"x": {float("nan")}}}, ValueError, "json must hold finite numbers only"),
        ({"json": [Wait("retry", float("inf"), None)]}, ValueError, "json must hold finite numbers only"),
    ],
)
def test_refused_arguments(arguments: dict[str, Any], error: type[Exception], text: str) -> None:
    """Arguments are checked before anything is sent, and the error names the argument."""
    with pytest.raises(error, match=text):
        build_request(**{"method": "GET", "path": "/v1/x", **arguments})


@pytest.mark.parametrize(
    ("method", "idempotent", "is_idempotent"),
    [("GET", None, True), ("HEAD", None, True), ("POST", None, False), ("PUT", None, False), ("PATCH", None, False),
     ("DELETE", None, False), ("POST", True, True), ("GET", False, False)],
)  # fmt: skip
def test_idempotence(method: str, idempotent: bool | None, is_idempotent: bool) -> None:
    """Only reads are idempotent, unless the caller knows better."""
    assert is_idempotent is build_request(method=method, path="/v1/x", idempotent=idempotent).idempotent


def test_request_shows_no_secret() -> None:
    """The repr of a request holds neither key nor query nor body, nor does what rich makes of it."""
    request: Request = build_request(
        method="POST", path="/v1/contacts/+12025550142", params={"email": "a@b.c"}, json={"x": "y"}
    )

    key = Secret("sk-secret")
    assert "Request(method='POST', api_key=***, idempotent=False)" == repr(replace(request, api_key=key))
    assert ["method", "api_key", "idempotent"] == [name for name, _ in request.__rich_repr__()]
    assert "Response(status=200)" == repr(Response(status=200, headers={"x": "y"}, body=b"z"))
