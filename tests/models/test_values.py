"""The values a user meets: pages, settings, enums, secrets."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactship_async import Page, PhoneNumber, PhoneNumberType, RateLimit, RetryPolicy, Secret, SortOrder, Timeouts
from contactship_async._http.messages import Request
from contactship_async._http.secret import _unescape

NUMBER = PhoneNumber(
    id="pn-1",
    phone_number="+12025550142",
    type=PhoneNumberType("both"),
    organization_id="org-1",
    created_at=datetime(2026, 1, 15, tzinfo=UTC),
)


@pytest.mark.parametrize(
    "value",
    [
        NUMBER,
        Page((NUMBER,), 1, 0, None),
        Timeouts(),
        RateLimit(1, 2),
        RetryPolicy(),
        SortOrder.ASC,
        PhoneNumberType("both"),
    ],
)
def test_values_pickle_and_copy(value: object) -> None:
    """Values are equal to their pickled and copied selves."""
    assert [value] * 3 == [pickle.loads(pickle.dumps(value)), copy.copy(value), copy.deepcopy(value)]


@pytest.mark.parametrize(
    ("page", "next_offset"),
    [
        (Page(("a", "b"), 5, 0, 2), 2),
        (Page(("e",), 5, 4, 2), None),
        (Page((), 5, 4, 0), None),
        (Page(("a", "b"), None, 6, 2), 8),
        (Page(("a", "b"), 1, 0, 2), None),
    ],
)
def test_pages(page: Page[str], next_offset: int | None) -> None:
    """A page is a sized iterable of its rows and knows where the next one begins."""
    assert next_offset == page.next_offset
    assert list(page.data) == list(page)
    assert len(page.data) == len(page)


def test_enums() -> None:
    """Enums print as the API's own words; only the known values are members."""
    assert "inbound asc both" == f"{PhoneNumberType.INBOUND} {SortOrder.ASC} {PhoneNumberType('both')}"
    assert ["inbound", "outbound"] == list(PhoneNumberType)
    with pytest.raises(ValueError, match="5 is not a valid PhoneNumberType"):
        PhoneNumberType(5)  # type: ignore[arg-type] # the point of the test
    with pytest.raises(ValueError, match="is not a valid SortOrder"):
        SortOrder("up")


@pytest.mark.parametrize("name", ["connect", "attempt", "total"])
@pytest.mark.parametrize(
    ("value", "error"),
    [(0, ValueError), (-1, ValueError), (float("nan"), ValueError), (float("inf"), ValueError), (True, TypeError),
     ("5", TypeError)],
)  # fmt: skip
def test_refused_timeouts(name: str, value: Any, error: type[Exception]) -> None:
    """A time limit is a positive number of seconds or None; aiohttp would take 0, -1 and NaN for no limit."""
    with pytest.raises(error, match=name):
        Timeouts(**{name: value})


@pytest.mark.parametrize(
    ("settings", "error"),
    [({"max_attempts": 0}, ValueError), ({"max_attempts": 1.5}, TypeError), ({"max_attempts": True}, TypeError),
     ({"initial_delay": -0.1}, ValueError), ({"max_delay": float("inf")}, ValueError),
     ({"max_retry_after": None}, TypeError),
     ({"max_delay": 10**400}, ValueError), ({"retry_statuses": {503}}, TypeError),
     ({"retry_statuses": frozenset({"503"})}, TypeError), ({"retry_statuses": frozenset({True})}, TypeError),
     ({"retry_statuses": frozenset({503, 200})}, ValueError), ({"retry_statuses": frozenset({1000})}, ValueError)],
)  # fmt: skip
def test_refused_retry_policies(settings: dict[str, Any], error: type[Exception]) -> None:
    """A policy's numbers are finite and not negative, and there is at least one attempt."""
    with pytest.raises(error, match=next(iter(settings))):
        RetryPolicy(**settings)


@pytest.mark.parametrize(
    ("requests", "per_seconds", "error", "name"),
    [(0, 60, ValueError, "requests"), (1.5, 60, TypeError, "requests"), (True, 60, TypeError, "requests"),
     (1, 0, ValueError, "per_seconds"), (1, -1, ValueError, "per_seconds"), (1, None, TypeError, "per_seconds"),
     (1, float("nan"), ValueError, "per_seconds"), (1, 10**400, ValueError, "per_seconds")],
)  # fmt: skip
def test_refused_rate_limits(requests: Any, per_seconds: Any, error: type[Exception], name: str) -> None:
    """A budget is a whole number of requests, and a positive number of seconds."""
    with pytest.raises(error, match=name):
        RateLimit(requests, per_seconds)


def test_statuses_of_the_standard_library() -> None:
    """The statuses to retry after may be those that the standard library names."""
    policy = RetryPolicy(retry_statuses=frozenset({HTTPStatus.BAD_GATEWAY}))

    assert policy.retries(502)
    assert not policy.retries(503)


def test_secrets_stay_secret() -> None:
    """A secret shows in no repr or text and is neither pickled nor copied."""
    secret = Secret("sk-live")
    request = Request(method="GET", path="/v1/x", api_key=secret, idempotent=True)

    assert "*** ***" == f"{secret} {secret!r}"
    assert "sk-live" not in repr(request)
    for duplicate in (pickle.dumps, copy.deepcopy):
        for value in (secret, request):
            with pytest.raises(TypeError, match="neither copied nor pickled"):
                duplicate(value)


FORMS: list[Callable[[str], str]] = [
    lambda character: character,
    lambda character: f"\\{character}",
    lambda character: f"\\u{ord(character):04x}",
    lambda character: f"\\u{ord(character):04X}",
    lambda character: f"%{ord(character):02x}",
]


@given(key=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=9, max_size=30), data=st.data())
def test_redaction(key: str, data: st.DataObject) -> None:
    """The key is gone from any text, plain or escaped, however often it stands there and wherever the text ends."""
    around = st.text(st.sampled_from("xyz \n")).filter(
        lambda text: not any(text.endswith(key[:n]) for n in range(1, 9))
    )
    echoes = ["".join(data.draw(st.sampled_from(FORMS))(character) for character in key), key]
    text = "".join(data.draw(around) + echo for echo in echoes)
    cut = text[: data.draw(st.integers(0, len(text)))].encode()
    redacted = Secret(key).redact(cut)

    for seen in (redacted, _unescape(redacted)[0]):
        assert key.encode() not in seen
        assert not seen.endswith(key.encode()[:8])


def test_redaction_keeps_all_else() -> None:
    """What is not the key stays as it was; an empty key stands nowhere."""
    assert b"abc" == Secret("").redact(b"abc")
    assert b'{"a\\u0022": "***%20***", "b": "*** and ***' == Secret("sk-0123456789").redact(
        b'{"a\\u0022": "sk-0123456789%20sk-01%32345678\\u0039", "b": "sk-0123456789 and sk-0123456'
    )
