"""What a call may be started with: all is checked before anything is sent, and no error quotes a person's data."""

from __future__ import annotations

import json
from collections import UserDict
from datetime import UTC, date, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve
from called_resources import Recorder, enveloped
from endpoints import PAGES
from hypothesis import given
from hypothesis import strategies as st
from starts import PERSON

from contactship_async import ContactshipClient
from contactship_async._arguments import check_phone_number
from contactship_async.models.calls import PlacedCall

NOW = datetime(2026, 5, 4, 9, 12, tzinfo=UTC)
CONTACT: dict[str, Any] = {"contact_id": "ct-1", "agent_id": "agent-1", "from_number_id": "pn-1"}
SECRETS = ("5550", "hidden")

BOGOTA = timezone(timedelta(hours=-5))


class Dialled:
    """A client at nine in the morning, and what it sends."""

    def __init__(self) -> None:
        self.server = Recorder([enveloped("F", {"call_id": "c-1"})])
        self.client = self.server.client()
        self.client._caller.attempts = evolve(self.client._caller.attempts, now=lambda: NOW)

    async def phone_call(self, **arguments: Any) -> PlacedCall:
        """Call a number."""
        return await self.client.calls.make_phone_call(**{**PERSON, **arguments})

    async def contact_call(self, **arguments: Any) -> PlacedCall:
        """Call a contact."""
        return await self.client.calls.make_contact_call(**{**CONTACT, **arguments})


async def body_of(**arguments: Any) -> Any:
    """Return what is sent besides what can't be left out."""
    dialled = Dialled()
    assert PlacedCall("c-1") == await dialled.phone_call(**arguments)
    [request] = dialled.server.requests
    body = json.loads(request.body or b"")
    return {name: value for name, value in body.items() if name not in PERSON}


async def refusal_of(kind: type[Exception] | tuple[type[Exception], ...], **arguments: Any) -> str:
    """Return how the arguments are refused; nothing may have been sent, and nothing personal be quoted.

    A `ValueError` names the page that says what is allowed, which is left out of what is returned.
    """
    dialled = Dialled()
    with pytest.raises(kind) as caught:
        await dialled.phone_call(**arguments)
    assert [] == dialled.server.requests
    assert [] == [secret for secret in SECRETS if secret in str(caught.value).replace("+12025550142", "")]
    text, _, page = str(caught.value).partition("; see ")
    assert (PAGES + "make-ai-phone-call" if caught.type is ValueError else "") == page
    return text


@pytest.mark.parametrize("number", ["+1202555", "+12025550142", "+123456789012345", "+9876543"])
@pytest.mark.parametrize("name", ["from_number", "to_number"])
async def test_phone_number(name: str, number: str) -> None:
    """A number of 7 to 15 digits is sent as it is."""
    dialled = Dialled()
    await dialled.phone_call(**{name: number})

    assert number == json.loads(dialled.server.requests[0].body or b"")[name]


@pytest.mark.parametrize(
    "number",
    [
        "",
        "12025550142",
        "+02025550142",
        "+120255",
        "+1234567890123456",
        "+1 202 555 0142",
        "+1-202-5550142",
        "+12025550142\n",
        " +12025550142",
        "++12025550142",
        "+1202555014a",
        "+١٢٠٢٥٥٥٠١٤٢",
        "+1\u0660\u0662\u0665\u0665\u0665\u0660\u0661\u0664\u0662",
        "\uff0b12025550142",
        "tel:+12025550142",
        "0012025550142",
        "+12025550142;ext=5",
    ],
)
@pytest.mark.parametrize("name", ["from_number", "to_number"])
async def test_no_phone_number(name: str, number: str) -> None:
    """Nothing is guessed or dropped: any other text is refused by the name of its argument."""
    text = await refusal_of(ValueError, **{name: number})

    assert f"{name} must be a phone number with a plus, the country code and no blanks, such as '+12025550142'" == text


@given(st.text() | st.text("0123456789\u0661", min_size=6, max_size=17).map("+".__add__))
def test_phone_numbers(text: str) -> None:
    """What is accepted is a plus and ASCII digits, whatever the text."""
    try:
        accepted = check_phone_number("to_number", text)
    except ValueError:
        return
    assert text == accepted == f"+{int(text[1:])}"
    assert text.isascii()
    assert 8 <= len(text) <= 16


@pytest.mark.parametrize(
    ("moment", "sent"),
    [
        (NOW, "2026-05-04 09:12:00"),
        (NOW - timedelta(seconds=60), "2026-05-04 09:11:00"),
        (datetime(2026, 7, 2, 16, 45, tzinfo=BOGOTA), "2026-07-02 21:45:00"),
        (datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Madrid")), "2026-10-25 00:30:00"),
        (datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Madrid"), fold=1), "2026-10-25 01:30:00"),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), "9999-12-31 23:59:59"),
    ],
)
async def test_schedule(moment: datetime, sent: str) -> None:
    """A time is sent in UTC, so that no change of clocks makes two of it."""
    assert {"schedule": {"scheduled_call_time": sent, "timezone": "UTC"}} == await body_of(schedule=moment)


@pytest.mark.parametrize(
    ("moment", "kind", "text"),
    [
        (NOW.replace(tzinfo=None), ValueError, "schedule must be a datetime with a time zone"),
        (NOW - timedelta(seconds=61), ValueError, "schedule must be in the future, and is 0:01:01 h ago"),
        (datetime(1, 1, 1, tzinfo=UTC), ValueError, "schedule must be a datetime with a time zone, such as"),
        (
            datetime(9999, 12, 31, 23, tzinfo=BOGOTA),
            ValueError,
            "schedule must be a datetime with a time zone, such as",
        ),
        (NOW.replace(microsecond=1), ValueError, "schedule must be of whole seconds: use replace(microsecond=0)"),
        (
            date(2126, 5, 4),
            TypeError,
            "from 1970 to 9999, not date",
        ),
        ("2126-07-02 16:45:00", TypeError, "schedule must be a datetime"),
        (4_102_444_800, TypeError, "schedule must be a datetime"),
    ],
)
async def test_no_schedule(moment: Any, kind: type[Exception], text: str) -> None:
    """A time without a zone, a past one, and one that could not be sent whole, is refused."""
    assert text in await refusal_of(kind, schedule=moment)


@pytest.mark.parametrize(
    ("delay", "sent"),
    [
        (0, 0),
        (-0.0, 0),
        (5, 5),
        (5.0, 5),
        (2.5, 2.5),
        (timedelta(), 0),
        (timedelta(minutes=3), 3),
        (timedelta(hours=1, seconds=30), 60.5),
        (timedelta(seconds=20), 1 / 3),
        (1e300, 1e300),
        (2**53, 2**53),
        (10**30, 1e30),
    ],
)
async def test_delay(delay: Any, sent: float) -> None:
    """A delay is sent in minutes, as an integer where it is whole."""
    body = await body_of(delay=delay)

    assert {"delay": sent} == body
    assert type(sent) is type(body["delay"])


@pytest.mark.parametrize("delay", [-1, -1e-9, timedelta(seconds=-1), float("nan"), float("inf"), 10**400])
async def test_no_delay(delay: Any) -> None:
    """A delay below zero, or no finite one, is refused."""
    assert (await refusal_of(ValueError, delay=delay)).startswith(
        "delay must be a timedelta or a number of minutes, >= 0"
    )


@pytest.mark.parametrize("delay", ["5", True, [], {}])
async def test_delay_of_another_type(delay: Any) -> None:
    """What is neither a duration nor a number is refused."""
    text = await refusal_of(TypeError, delay=delay)

    assert f"delay must be a timedelta or a number of minutes, >= 0 and finite, not {type(delay).__name__}" == text


@pytest.mark.parametrize("delay", [0, 5, timedelta(minutes=1)])
async def test_delay_and_schedule(delay: Any) -> None:
    """Which of them would win is not documented: both are refused, also a delay of zero."""
    text = await refusal_of(ValueError, delay=delay, schedule=NOW)

    assert "delay must not be given together with schedule: each says when to call" == text


@pytest.mark.parametrize("kind", [dict, MappingProxyType, UserDict])
async def test_additional_data(kind: Any) -> None:
    """A mapping of strings becomes the pairs that the API takes."""
    body = await body_of(additional_data=kind({"order_no": "A-1881", "note ü": ""}))

    assert {"additional_data": [{"key": "order_no", "value": "A-1881"}, {"key": "note ü", "value": ""}]} == body
    assert {"additional_data": []} == await body_of(additional_data=kind({}))


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ([{"key": "hidden", "value": "hidden"}], TypeError, "additional_data must be of type Mapping, not list"),
        ({"hidden": 5}, TypeError, "each value in additional_data must be of type str, not int"),
        ({"hidden": None}, TypeError, "each value in additional_data must be of type str, not NoneType"),
        ({5: "hidden"}, TypeError, "each key in additional_data must be a non-empty string, not int"),
        ({"": "hidden"}, ValueError, "each key in additional_data must be a non-empty string, not ''"),
    ],
)
async def test_no_additional_data(value: Any, kind: type[Exception], text: str) -> None:
    """Whatever is no mapping of strings is refused, and not quoted."""
    assert text == await refusal_of(kind, additional_data=value)


@pytest.mark.parametrize("kind", [dict, MappingProxyType, UserDict])
async def test_metadata(kind: Any) -> None:
    """Anything that JSON has a form for is sent."""
    metadata = {"order": 5, "nested": {"list": [1, 2.5, None, True]}, "at": NOW}
    sent = {"order": 5, "nested": {"list": [1, 2.5, None, True]}, "at": "2026-05-04T09:12:00Z"}

    assert {"metadata": sent} == await body_of(metadata=kind(metadata))


def nested(depth: int) -> dict[str, Any]:
    """Nest a mapping."""
    inner: dict[str, Any] = {}
    for _ in range(depth):
        inner = {"hidden": inner}
    return inner


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ("hidden", TypeError, "metadata must be of type Mapping, not str"),
        ({"hidden": object()}, TypeError, "metadata must be of types that JSON has a form for"),
        ({5: "hidden"}, TypeError, "each key in metadata must be of type str, not int"),
        ({"hidden": "\ud800"}, ValueError, "metadata must hold no lone surrogates"),
        (nested(100_000), ValueError, "metadata must hold no lone surrogates and not be nested too deeply"),
    ],
)
async def test_no_metadata(value: Any, kind: type[Exception], text: str) -> None:
    """What has no form in JSON is refused, and not quoted."""
    assert text in await refusal_of(kind, metadata=value)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hooks/calls?tenant=1",
        "https://user:secret@example.com:8443/",
        "http://localhost:8080/hook",
        "http://127.0.0.1/hook",
        "http://[::1]:9/hook",
    ],
)
async def test_webhook_url(url: str) -> None:
    """An encrypted address is sent as it is, and so is one of this machine."""
    assert {"webhook_url": url} == await body_of(webhook_url=url)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hidden",
        "http://127.0.0.1.example.com/hidden",
        "ftp://example.com/hidden",
        "example.com/hidden",
        "//example.com/hidden",
        "https://",
        "https:///hidden",
        "https://example.com/hid den",
        "https://example.com/hidden\n",
        "https://exa\\mple.com/hidden",
        "javascript:hidden",
    ],
)
async def test_no_webhook_url(url: str) -> None:
    """What was said in a call does not travel in clear, and an address that is none is refused."""
    text = await refusal_of(ValueError, webhook_url=url)

    assert "webhook_url must be an https:// URL, or an http:// URL of this machine" == text


@pytest.mark.parametrize("name", ["full_name", "agent_id", "email", "country", "webhook_url"])
async def test_texts(name: str) -> None:
    """A text is not empty, and a string."""
    assert f"{name} must be a non-empty string, not ''" == await refusal_of(ValueError, **{name: ""})
    assert f"{name} must be a non-empty string, not int" == await refusal_of(TypeError, **{name: 12025550142})


@pytest.mark.parametrize("name", CONTACT)
async def test_texts_of_a_contact_call(name: str) -> None:
    """An id is not empty, and a string."""
    dialled = Dialled()
    for value, kind in (("", ValueError), (5, TypeError), (None, TypeError)):
        with pytest.raises(kind, match=f"^{name} must be a non-empty string"):
            await dialled.contact_call(**{name: value})

    assert [] == dialled.server.requests


async def test_contact_call() -> None:
    """A contact is called by its id, from a number by its id."""
    dialled = Dialled()
    await dialled.contact_call(schedule=NOW, additional_data={"a": "b"}, metadata={"c": 1})

    [request] = dialled.server.requests
    assert "/v1/calls/single-contact-call" == request.path
    assert {
        **CONTACT,
        "schedule": {"scheduled_call_time": "2026-05-04 09:12:00", "timezone": "UTC"},
        "additional_data": [{"key": "a", "value": "b"}],
        "metadata": {"c": 1},
    } == json.loads(request.body or b"")


async def test_time_of_the_machine() -> None:
    """A client compares with the clock of its machine."""
    server = Recorder([enveloped("F", {"call_id": "c-1"})])
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    async with ContactshipClient("key", transport=server.transport) as client:
        await client.calls.make_contact_call(**CONTACT, schedule=soon)
        with pytest.raises(ValueError, match=r"^schedule must be in the future"):
            await client.calls.make_contact_call(**CONTACT, schedule=soon - timedelta(hours=2))

    assert 1 == len(server.requests)
