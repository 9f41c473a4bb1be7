"""Which calls may be what became of a start: with clocks that differ, a listing that lags, and calls of others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest
from attrs import define, evolve, field

from contactship_async import ContactshipClient, MalformedResponseError, Request, Response

SENT_AT = datetime(2026, 5, 4, 9, 12, 3, 250_000, tzinfo=UTC)
NUMBER = "+14155550137"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def row(call_id: str, created_at: datetime | None, number: str | None = NUMBER, **fields: Any) -> dict[str, Any]:
    """Make a row of the listing."""
    return {
        "id": call_id,
        "direction": "outbound",
        "created_at": created_at and created_at.isoformat().replace("+00:00", "Z"),
        "contact": {"id": "ct-1", "phone_number": number},
        **fields,
    }


@define
class Server:
    """A transport that lists calls, and has a clock of its own.

    Args:
        rows: The newest first.
        ahead: By how much its clock is ahead of the client's.
        lag: How many requests it takes until a call appears in the listing.
        tells_time: Whether its responses have a `Date`.
        took: How long after a start the listing is asked for, by the client's clock.
        page: How many rows it returns at the most.
        zone: Whose days `date_from` is of.
    """

    rows: Sequence[dict[str, Any]]
    ahead: timedelta = timedelta()
    lag: int = 0
    tells_time: bool = True
    took: timedelta = timedelta(seconds=30)
    page: int = 1000
    zone: timezone = UTC
    requests: list[dict[str, str]] = field(factory=list)

    async def transport(self, request: Request) -> Response:
        """List what can be seen by now."""
        query = dict(request.query)
        self.requests.append(query)
        seen = [] if len(self.requests) <= self.lag else [each for each in self.rows if self.is_asked_for(each, query)]
        offset, limit = int(query["offset"]), min(int(query["limit"]), self.page)
        body = {"data": seen[offset : offset + limit], "count": len(seen)}
        now = SENT_AT + self.took + self.ahead
        headers = {"date": format_datetime(now, usegmt=True)} if self.tells_time else {}
        return Response(status=200, headers=headers, body=json.dumps(body).encode())

    def is_asked_for(self, each: dict[str, Any], query: dict[str, str]) -> bool:
        """Tell whether a row was created on the day that is asked for, or later."""
        created_at = each["created_at"]
        created_on = created_at and datetime.fromisoformat(created_at).astimezone(self.zone).date()
        return created_on is None or created_on >= date.fromisoformat(query["date_from"])

    def client(self) -> ContactshipClient:
        """Make a client whose clock is right."""
        client = ContactshipClient("key", transport=self.transport)
        client._caller.attempts = evolve(client._caller.attempts, now=lambda: SENT_AT + self.took)
        return client


async def found(server: Server, since: datetime = SENT_AT) -> list[str]:
    """Return the ids of what is found."""
    async with server.client() as client:
        return [call.id for call in await client.calls.find_recent(to_number=NUMBER, since=since)]


@pytest.mark.parametrize("zone", [-12, 0, 14])
@pytest.mark.parametrize("ahead", [timedelta(), 7 * MINUTE, -7 * MINUTE, 90 * MINUTE, -90 * MINUTE, 3 * DAY, -3 * DAY])
async def test_clocks_that_differ(ahead: timedelta, zone: int) -> None:
    """By whatever the clocks differ, the call of the start is found, and none that was made before it."""
    rows = [row("ours", SENT_AT + ahead), row("before", SENT_AT + ahead - timedelta(seconds=5))]
    days_of = timezone(timedelta(hours=zone))

    assert ["ours"] == await found(Server(rows, ahead, zone=days_of))
    assert [] == await found(Server(rows[1:], ahead, zone=days_of))


@pytest.mark.parametrize("zone", [-12, 0, 14])
@pytest.mark.parametrize("hour", range(0, 24, 3))
async def test_days_of_any_zone(hour: int, zone: int) -> None:
    """In whichever zone the server's days begin, the call is among those asked for, with one request."""
    sent_at = SENT_AT.replace(hour=hour)
    server = Server([row("ours", sent_at)], zone=timezone(timedelta(hours=zone)))

    assert ["ours"] == await found(server, sent_at)
    assert 1 == len(server.requests)


@pytest.mark.parametrize("cut", [timedelta(), timedelta(milliseconds=250), timedelta(seconds=2)])
async def test_call_that_seems_older_than_its_start(cut: timedelta) -> None:
    """A time that is cut to whole seconds, or of another server, still counts."""
    assert ["ours"] == await found(Server([row("ours", SENT_AT - cut)]))


async def test_server_without_a_clock() -> None:
    """Without a `Date`, clocks are taken to agree."""
    rows = [row("ours", SENT_AT), row("before", SENT_AT - 3 * timedelta(seconds=1))]

    assert ["ours"] == await found(Server(rows, tells_time=False))


@pytest.mark.parametrize("date", ["", "soon", "Thu, 01 Jan 0001 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_date_that_is_none(date: str) -> None:
    """What is no date counts as none."""
    server = Server([row("ours", SENT_AT)])

    async def transport(request: Request) -> Response:
        response = await server.transport(request)
        return Response(status=200, headers={"date": date}, body=response.body)

    async with ContactshipClient("key", transport=transport) as client:
        assert ["ours"] == [call.id for call in await client.calls.find_recent(to_number=NUMBER, since=SENT_AT)]


async def test_listing_that_lags() -> None:
    """A call that is not listed yet is not found, and is found by a later request."""
    server = Server([row("ours", SENT_AT)], lag=1)

    assert [] == await found(server)
    assert ["ours"] == await found(server)


async def test_calls_of_others() -> None:
    """Calls to others, from the number, and such that say too little are left out; the newest comes first."""
    rows = [
        row("late", SENT_AT + MINUTE),
        row("other", SENT_AT, "+14155550138"),
        row("inbound", SENT_AT, direction="inbound"),
        row("no direction", SENT_AT, direction=None),
        row("no contact", SENT_AT, contact=None),
        row("no number", SENT_AT, None),
        row("no time", None),
        row("of tomorrow", SENT_AT, direction="outbound-api"),
        row("ours", SENT_AT),
        row("before", SENT_AT - MINUTE),
    ]

    assert ["late", "of tomorrow", "ours"] == await found(Server(rows))


@pytest.mark.parametrize(
    ("sent_at", "day"),
    [
        (SENT_AT, "2026-05-03"),
        (datetime(2026, 5, 4, 0, 0, 1, tzinfo=UTC), "2026-05-03"),
        (datetime(2026, 5, 4, 23, 59, tzinfo=UTC), "2026-05-03"),
        (datetime(2026, 5, 4, 1, 0, tzinfo=timezone(timedelta(hours=14))), "2026-05-02"),
    ],
)
async def test_what_is_asked_for(sent_at: datetime, day: str) -> None:
    """The newest calls since the day before are asked for, to all numbers: the filter by number may match another."""
    server = Server([])
    await found(server, sent_at)

    assert [{"limit": "1000", "offset": "0", "date_from": day, "order": "desc"}] == server.requests


async def test_older_pages_are_left_alone() -> None:
    """Pages are asked for until one has a call from before the start, and no further: each costs of a small budget."""
    rows = [row(f"call-{number}", SENT_AT - number * MINUTE + 3 * MINUTE) for number in range(100)]
    server = Server(rows, page=2)

    assert ["call-0", "call-1", "call-2", "call-3"] == await found(server)
    assert 3 == len(server.requests)


async def test_malformed_row() -> None:
    """A row that can't be read raises: it might be the one."""
    with pytest.raises(MalformedResponseError):
        await found(Server([row("ours", SENT_AT), row("other", SENT_AT, direction=5)]))


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"to_number": "4155550137"}, ValueError, "^to_number must be a phone number"),
        ({"to_number": 14155550137}, TypeError, "^to_number must be a phone number"),
        ({"since": SENT_AT.replace(tzinfo=None)}, ValueError, "^since must be a datetime with a time zone"),
        ({"since": SENT_AT.date()}, TypeError, "^since must be a datetime with a time zone"),
        ({"since": datetime(1969, 12, 31, tzinfo=UTC)}, ValueError, "^since must be a datetime with a time zone"),
    ],
)
async def test_wrong_arguments(arguments: dict[str, Any], error: type[Exception], text: str) -> None:
    """A wrong argument is refused before anything is sent, and no number is quoted."""
    server = Server([])
    async with server.client() as client:
        with pytest.raises(error, match=text) as caught:
            await client.calls.find_recent(**{"to_number": NUMBER, "since": SENT_AT, **arguments})

    assert "5550137" not in str(caught.value)
    assert [] == server.requests
