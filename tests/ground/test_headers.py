"""Headers: found whatever the case, joined, never shown, and the same after pickling."""

from __future__ import annotations

import pickle

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from contactship_async._headers import Headers


def test_names_in_any_case() -> None:
    """A header is found by its name however it is written, and keeps the case in which it came."""
    headers = Headers({"Content-Type": "audio/wav", "x-a": "1"})

    assert ("audio/wav", "1", None) == (headers["content-type"], headers["X-A"], headers.get("x-b"))
    assert "CONTENT-TYPE" in headers
    assert (["Content-Type", "x-a"], 2) == ([*headers], len(headers))
    with pytest.raises(KeyError, match="x-b"):
        _ = headers["X-B"]


def test_values_of_one_name_are_joined() -> None:
    """Several fields of a name are one list, as RFC 9110 has it, whether they came from aiohttp or differ in case."""
    came = CIMultiDictProxy(CIMultiDict([("Via", "a"), ("X-B", "2"), ("via", "b")]))

    assert {"Via": "a, b", "X-B": "2"} == dict(Headers(came))
    assert {"via": "a, b"} == dict(Headers({"via": "a", "VIA": "b"}))


def test_equality() -> None:
    """Headers are equal to any mapping with the same values by the same names, whose case does not count."""
    assert Headers({"X-A": "1"}) == {"x-a": "1"}
    assert Headers({"X-A": "1"}) != {"x-a": "2"}
    assert Headers({"X-A": "1"}) != 5
    assert Headers() == {}


def test_nothing_shows_values() -> None:
    """Neither repr nor what rich makes of them shows a value; a pickle carries them."""
    headers = Headers({"Authorization": "Bearer secret"})

    assert "Headers('Authorization')" == repr(headers)
    assert ["Authorization"] == [*headers.__rich_repr__()]
    assert headers == pickle.loads(pickle.dumps(headers))
