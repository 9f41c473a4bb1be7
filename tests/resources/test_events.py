"""Events: what is checked, how they are divided and sent, and what the contract of all endpoints does not say."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from attrs import define, evolve, field
from endpoints import PAGES

from contactship_async import (
    ClientClosedError,
    ContactshipClient,
    ContactshipError,
    EventsRejectedError,
    PermissionDeniedError,
    RateLimitError,
    Request,
    Response,
    RetryPolicy,
    ServerError,
)
from contactship_async.models.events import (
    Event,
    EventGroup,
    EventIdentity,
    EventLink,
    EventResult,
    EventStatus,
    EventSummary,
    SentEvents,
)

NOOR: Final = EventIdentity(email="noor@example.com")
VISIT: Final = Event(event_name="page_view", session_id="visit-7")
PAGE: Final = "; see https://docs.contactship.ai/api-reference/endpoint/send-events"


@define
class EventServer:
    """A transport that stores all events, but those named `refused`, and fails as it is told.

    Attributes:
        failures: For requests, by their number, what is returned or raised in place of a response.
        batches: The events of each request.
    """

    failures: dict[int, Response | Exception] = field(factory=dict)
    batches: list[list[dict[str, Any]]] = field(factory=list)

    async def transport(self, request: Request) -> Response:
        """Take the next request."""
        events = json.loads(request.body or b"").get("events", [])
        self.batches.append(events)
        failure = self.failures.get(len(self.batches))
        if isinstance(failure, Exception):
            raise failure
        if failure is not None:
            return failure
        results = [
            {"index": place, "event_id": event["event_id"], "status": event["event_name"]}
            for place, event in enumerate(events)
        ]
        body = {"statusCode": 200, "data": {"summary": {"received": len(events), "created": 1}, "results": results}}
        return Response(status=200, body=json.dumps(body).encode())

    def client(self) -> ContactshipClient:
        """Make a client that talks to this transport, and repeats nothing."""
        return ContactshipClient("key", transport=self.transport, retry=RetryPolicy(max_attempts=1))

    @property
    def sizes(self) -> list[int]:
        """How many events each request had."""
        return [len(batch) for batch in self.batches]


def numbered(number: int, name: str = "created") -> list[Event]:
    """Make up events without ids."""
    return [Event(event_name=name, session_id=f"visit-{place}") for place in range(number)]


async def yielding(events: Iterable[Any], end: Exception | None = None) -> AsyncIterator[Any]:
    """Yield events, and fail then."""
    for event in events:
        yield event
    if end is not None:
        raise end


def ids_of(events: Iterable[Any]) -> list[Any]:
    """Return the ids of events, or of results."""
    return [event.event_id for event in events]


# What is checked

ID: Final = "must be a string of 1 to 200 characters"
NAME: Final = "must be of 1 to 40 characters in snake_case, a letter first, and not begin with 'cs_'"
LONG: Final = "x" * 201


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"event_name": "x" * 41}, f"event_name {NAME}"),
        ({"event_name": "oneTwo" * 6}, f"event_name {NAME}"),
        ({"event_name": ""}, "event_name must be a non-empty string, not ''"),
        ({"event_name": "- ."}, f"event_name {NAME}"),
        ({"event_name": "1st purchase"}, f"event_name {NAME}"),
        *[({"event_name": name}, f"event_name {NAME}") for name in ("cs_call", "CS-call", "cs.call", "csCall")],
        ({"event_id": ""}, f"event_id {ID}, not of 0"),
        ({"event_id": LONG}, f"event_id {ID}, not of 201"),
        ({"event_id": "purchase 7"}, f"event_id {ID} without spaces"),
        ({"event_id": "  "}, f"event_id {ID} without spaces"),
        ({"session_id": "visit\t7"}, f"session_id {ID} without spaces"),
        ({"session_id": None}, " must have a contact or a session_id"),
        (
            {"contact": EventIdentity(name="Noor", country="US")},
            "contact must have at least one of contact_id, external_id, phone, email",
        ),
        ({"contact": EventIdentity(phone="555-014")}, "contact.phone must have at least 7 digits"),
        ({"contact": EventIdentity(external_id=LONG)}, f"contact.external_id {ID}, not of 201"),
        ({"contact": EventIdentity(email="")}, "contact.email must be a non-empty string, not ''"),
        ({"occurred_at": datetime(1999, 12, 31, tzinfo=UTC)}, "occurred_at must be from the year 2000 to 24 hours"),
        (
            {"occurred_at": datetime.now(UTC) + timedelta(hours=25)},
            "occurred_at must be from the year 2000 to 24 hours",
        ),
        (
            {"occurred_at": datetime.fromisoformat("2026-05-04T09:12")},
            "occurred_at must be a datetime with a time zone",
        ),
        ({"params": {"key": "x" * 31_991}}, "params must be of at most 32000 characters of JSON, not of 32001"),
        ({"value": float("nan")}, "value must be a finite number"),
        ({"value": "41,90"}, "value must be a finite number, or a string that is one"),
        ({"currency": "US$"}, "currency must be a code of ISO 4217, such as 'USD'"),
        ({"currency": "dollar"}, "currency must be a code of ISO 4217, such as 'USD'"),
        ({"group": EventGroup(id=LONG)}, f"group.id {ID}, not of 201"),
        ({"links": [EventLink(url="http://a")] * 11}, "links must be at most 10, not 11"),
        ({"links": [EventLink(url="javascript:a")]}, "links[0].url must begin with http:// or https://"),
        (
            {"links": [EventLink(url="http://a" + "a" * 1993)]},
            "links[0].url must be a string of 1 to 2000 characters, not of 2001",
        ),
        (
            {"links": [EventLink(url="http://a"), EventLink(url="http://a", label=LONG)]},
            "links[1].label must be a string of 0 to 200 characters, not of 201",
        ),
    ],
)
async def test_refused_values(fields: dict[str, Any], expected: str) -> None:
    """What the documentation forbids is refused by its place, range and page, before any of the events is sent."""
    server = EventServer()
    async with server.client() as client:
        with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared
            await client.events.send([VISIT, evolve(VISIT, **fields)])

    assert str(caught.value).startswith(f"events[1]{'' if expected.startswith(' ') else '.'}{expected}")
    assert str(caught.value).endswith(PAGE)
    assert (None, True) == (caught.value.__cause__, caught.value.__suppress_context__)
    assert [] == server.batches


ANYTHING: Final[Any] = {"id": None, "url": None, "phone": 5550142}
"""Values of the wrong types, which type checkers do not see."""


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"event_name": None}, "event_name must be a non-empty string, not NoneType"),
        ({"event_id": 7}, f"event_id {ID}, not int"),
        ({"contact": {"email": "noor@example.com"}}, "contact must be of type EventIdentity, not dict"),
        ({"contact": EventIdentity(phone=ANYTHING["phone"])}, "contact.phone must be a non-empty string, not int"),
        ({"occurred_at": "2026-05-04"}, "occurred_at must be a datetime with a time zone"),
        ({"create_contact": 1}, "create_contact must be True or False, not int"),
        ({"params": [1]}, "params must be of type Mapping, not list"),
        ({"params": {"a": object()}}, "params must be of types that JSON has a form for"),
        ({"value": True}, "value must be a finite number, not bool"),
        ({"group": EventGroup(id=ANYTHING["id"])}, f"group.id {ID}, not NoneType"),
        ({"links": EventLink(url="http://a")}, "links must be a sequence such as a list, not EventLink"),
        ({"links": [EventLink(url=ANYTHING["url"])]}, "links[0].url must be a string of 1 to 2000 characters, not"),
    ],
)
async def test_wrong_types(fields: dict[str, Any], expected: str) -> None:
    """A value of another type is refused by its place, before anything is sent."""
    server = EventServer()
    async with server.client() as client:
        with pytest.raises(TypeError) as caught:
            await client.events.send([evolve(VISIT, **fields)])

    assert str(caught.value).startswith(f"events[0].{expected}")
    assert [] == server.batches


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (VISIT, "events must be a sequence such as a list, not Event"),
        ([{"event_name": "page_view"}], r"events\[0\] must be of type Event, not dict"),
        ([evolve(VISIT, params=ANYTHING | {1: 2})], r"each key in events\[0\].params must be of type str, not int"),
    ],
)
async def test_what_is_no_event(events: Any, expected: str) -> None:
    """Only a sequence of events is sent."""
    server = EventServer()
    async with server.client() as client:
        with pytest.raises(TypeError, match=f"^{expected}$"):
            await client.events.send(events)

    assert [] == server.batches


async def test_accepted_at_the_bounds() -> None:
    """Whatever the documentation allows is sent as it is, but times in UTC."""
    names = ["a" * 40, "addToCartAddToCartAddToCart", "Compra Realizada!", "événement", "csv_upload", "-visit-"]
    names += [f"{'a' * 19}__{'b' * 20}", "é" * 40]
    events = [evolve(VISIT, event_name=name) for name in names]
    events += [
        evolve(VISIT, session_id=None, contact=EventIdentity(phone=phone)) for phone in ("2025550", "+1 (202) 555-0142")
    ]
    events += [evolve(VISIT, value=value) for value in (0, -2.5, "41.90", ".5", "-7", "1e3")]
    events += [
        evolve(VISIT, event_id=" x "),
        evolve(VISIT, event_id="x" * 200, currency="usd", params={"key": "ü" * 31_990}),
        evolve(VISIT, occurred_at=datetime.fromisoformat("2000-01-01T01:00:00+01:00")),
        evolve(VISIT, occurred_at=datetime.now(UTC) + timedelta(hours=23, minutes=59)),
        evolve(VISIT, links=[EventLink(url="HTTP://a", label="")] * 10, group=EventGroup(id="Acme Inc.")),
        evolve(VISIT, create_contact=False, contact=EventIdentity(contact_id="ct-1", external_id="a b")),
    ]
    server = EventServer()
    async with server.client() as client:
        sent = await client.events.send(events)

    [batch] = server.batches
    assert len(events) == len(sent.results)
    assert names == [event["event_name"] for event in batch[: len(names)]]
    phones = [event["contact"].get("phone") for event in batch if "contact" in event]
    assert ["2025550", "+1 (202) 555-0142", None] == phones
    assert [0, -2.5, "41.90", ".5", "-7", "1e3"] == [event["value"] for event in batch if "value" in event]
    assert "2000-01-01T00:00:00Z" == next(event["occurred_at"] for event in batch if "occurred_at" in event)
    assert {"event_name": "page_view", "event_id": " x ", "session_id": "visit-7"} in batch
    assert {"contact_id": "ct-1", "external_id": "a b"} == batch[-1]["contact"]
    assert batch[-1]["create_contact"] is False


@pytest.mark.parametrize(
    ("session_id", "contact", "expected"),
    [
        ("visit 7", NOOR, f"session_id {ID} without spaces"),
        (LONG, NOOR, f"session_id {ID}, not of 201"),
        ("visit-7", EventIdentity(name="Noor"), "contact must have at least one of contact_id, external_id, phone"),
    ],
)
async def test_refused_identification(session_id: str, contact: EventIdentity, expected: str) -> None:
    """What identifies no session or no contact is refused, with the page of this endpoint."""
    server = EventServer()
    async with server.client() as client:
        with pytest.raises(ValueError, match=r"; see https://.*/identify$") as caught:
            await client.events.identify(session_id, contact=contact)

    assert str(caught.value).startswith(expected)
    assert [] == server.batches


# How events are sent


async def test_hundred_in_a_request() -> None:
    """Any number is sent, a hundred in a request, and the results are those of all, in order, with their sums."""
    server = EventServer()
    events = [evolve(event, event_id=f"e-{place}") for place, event in enumerate(numbered(250))]
    async with server.client() as client:
        sent = await client.events.send(events)
        nothing = await client.events.send(())

    assert [100, 100, 50] == server.sizes
    assert ids_of(events) == ids_of(sent.results) == [event["event_id"] for batch in server.batches for event in batch]
    assert [*range(250)] == [result.index for result in sent.results]
    assert EventSummary(received=250, created=3) == sent.summary
    zero = EventSummary(**dict.fromkeys(EventSummary().to_dict(), 0))
    assert SentEvents((), zero) == nothing


async def test_ids_are_made_before_anything_is_sent() -> None:
    """Each event without an id gets one of its own, also those that no request has taken when one fails."""
    server = EventServer({2: ConnectionResetError()})
    events = numbered(250)
    events[120] = evolve(events[120], event_id="mine")
    async with server.client() as client:
        with pytest.raises(ContactshipError) as caught:
            await client.events.send(events)

    first, second = ([event["event_id"] for event in batch] for batch in server.batches)
    results, unsent = caught.value.results, caught.value.unsent
    assert (100, 150) == (len(results), len(unsent))
    assert first == ids_of(results)
    assert second == ids_of(unsent[:100])
    assert 250 == len({*first, *ids_of(unsent)})
    assert "mine" == unsent[20].event_id
    assert events[100:] == [evolve(event, event_id=events[100 + place].event_id) for place, event in enumerate(unsent)]
    assert events[0].event_id is None


async def test_texts_that_no_request_can_carry() -> None:
    """They are refused before the first batch leaves; those of an iterator, behind the events before them."""
    server = EventServer()
    events = [*numbered(150), evolve(VISIT, session_id="\ud800")]
    results = []
    async with server.client() as client:
        with pytest.raises(ValueError, match=r"^events\[150\] must hold no lone surrogates"):
            await client.events.send(events)
        assert [] == server.sizes
        with pytest.raises(ValueError, match=r"^events\[150\] must hold no lone surrogates"):
            async for result in client.events.send_from(yielding(events)):
                results.append(result.index)  # noqa: PERF401 - a comprehension would keep none when it raises

    assert [100, 50] == server.sizes
    assert [*range(150)] == results


async def test_unsent_events_are_sent_with_their_ids() -> None:
    """What an error says is unsent can be handed to `send`, and is sent as it was; the error pickles and copies."""
    server = EventServer({1: Response(status=503)})
    async with server.client() as client:
        with pytest.raises(ServerError) as caught:
            await client.events.send(numbered(2))
        error = pickle.loads(pickle.dumps(caught.value))
        await client.events.send(error.unsent)

    assert () == error.results == copy.copy(error).results
    assert caught.value.unsent == error.unsent == copy.copy(error).unsent
    first, second = server.batches
    assert first == second


async def test_closing_ends_a_long_send() -> None:
    """A client that is closed between two requests sends no more of them."""
    server = EventServer()
    client = server.client()

    async def close_soon(request: Request) -> Response:
        response = await server.transport(request)
        await client.close()
        return response

    client._connection.transport = close_soon
    with pytest.raises(ClientClosedError) as caught:
        await client.events.send(numbered(300))

    assert [100] == server.sizes
    assert (100, 200) == (len(caught.value.results), len(caught.value.unsent))


async def test_rejections_are_an_error_on_demand() -> None:
    """`raise_for_rejected` raises if an event is rejected or invalid, and does nothing for any other status."""
    server = EventServer()
    statuses = ["created", "pending", "unresolved", "duplicate", "of tomorrow"]
    async with server.client() as client:
        stored = await client.events.send([evolve(VISIT, event_name=status) for status in statuses])
        refused = await client.events.send(
            [evolve(VISIT, event_name=one) for one in ("created", "rejected", "invalid")]
        )

    stored.raise_for_rejected()
    with pytest.raises(EventsRejectedError) as caught:
        refused.raise_for_rejected()
    assert refused.results == caught.value.results == pickle.loads(pickle.dumps(caught.value)).results
    assert () == caught.value.unsent
    assert caught.value.may_have_been_processed
    assert [EventStatus.REJECTED, EventStatus.INVALID] == [result.status for result in refused.rejected]
    assert "2 of 3 events are not stored: they are rejected or invalid" == str(caught.value)
    assert EventResult().is_stored


async def test_summary_is_unknown_where_a_response_has_none() -> None:
    """Sums need all responses: where one of them does not say how many, nobody knows."""
    body = b'{"results": [], "summary": {"received": 100, "created": null}}'
    server = EventServer({2: Response(status=200, body=body)})
    async with server.client() as client:
        sent = await client.events.send(numbered(200))
        server.failures = {3: Response(status=200, body=b'{"results": []}')}
        alone = await client.events.send(numbered(1))

    assert EventSummary(received=200) == sent.summary
    assert alone.summary is None


@pytest.mark.parametrize("method", ["send", "send_from", "identify"])
async def test_add_on_is_named(method: str) -> None:
    """The 403 of an organization that has not enabled the add-on says that it is one."""
    server = EventServer({1: Response(status=403)})
    async with server.client() as client:
        with pytest.raises(PermissionDeniedError, match="Events is an add-on, which may not be enabled") as caught:
            await call(client, method)

    assert "Events" == caught.value.add_on


@pytest.mark.parametrize("method", ["send", "send_from", "identify"])
async def test_refusals_hold_back_events_alone(method: str) -> None:
    """A 429 that names no budget is of the one that events and identification share: other calls go on."""
    server = EventServer({1: Response(status=429, headers={"retry-after": "7"})})
    async with server.client() as client:
        with pytest.raises(RateLimitError):
            await call(client, method)
        limits = client._caller.attempts.limits

    assert not limits.events.is_open()
    assert limits.organization.is_open()


# Endless sources


async def test_events_of_an_iterator() -> None:
    """A request leaves when it is full, or at the end; the next event is asked for when all results are taken."""
    server = EventServer()
    taken: list[tuple[int, list[int]]] = []

    async def source() -> AsyncIterator[Event]:
        for place, event in enumerate(numbered(5)):
            taken.append((place, server.sizes))
            yield event

    async with server.client() as client:
        results = [(result, server.sizes) async for result in client.events.send_from(source(), batch_size=2)]

    assert [(0, []), (1, []), (2, [2]), (3, [2]), (4, [2, 2])] == taken
    assert [[2], [2], [2, 2], [2, 2], [2, 2, 1]] == [sizes for _, sizes in results]
    assert [0, 1, 2, 3, 4] == [result.index for result, _ in results]
    assert [event["event_id"] for batch in server.batches for event in batch] == ids_of(one for one, _ in results)


@pytest.mark.parametrize(("number", "sizes"), [(0, []), (200, [100, 100]), (101, [100, 1])])
async def test_hundred_events_of_an_iterator(number: int, sizes: list[int]) -> None:
    """Without a size, a request has a hundred events; one without events is not sent."""
    server = EventServer()
    async with server.client() as client:
        results = [result async for result in client.events.send_from(yielding(numbered(number)))]

    assert sizes == server.sizes
    assert number == len(results)


async def test_leaving_loses_no_event() -> None:
    """After a `break`, all that was taken from the iterator is sent, the rest is still to be had, and nothing runs."""
    server = EventServer()
    source = yielding(numbered(7))
    async with server.client() as client:
        async with aclosing(client.events.send_from(source, batch_size=3)) as results:
            async for _ in results:
                break
        running = asyncio.all_tasks() - {asyncio.current_task()}
        rest = [event.session_id async for event in source]

    assert set() == running
    assert [["visit-0", "visit-1", "visit-2"]] == [[event["session_id"] for event in one] for one in server.batches]
    assert ["visit-3", "visit-4", "visit-5", "visit-6"] == rest


async def test_one_at_a_time_loses_none_when_cancelled() -> None:
    """With a batch size of 1, a consumer that is cancelled while no event comes has sent all that were taken."""
    server = EventServer()
    taken, waits = 0, asyncio.Event()

    async def source() -> AsyncIterator[Event]:
        nonlocal taken
        for event in numbered(3):
            taken += 1
            yield event
        waits.set()
        await asyncio.Event().wait()

    async def consume() -> None:
        async for _ in client.events.send_from(source(), batch_size=1):
            pass

    async with server.client() as client:
        consumer = asyncio.create_task(consume())
        await waits.wait()
        consumer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await consumer

    assert (3, [1, 1, 1]) == (taken, server.sizes)


async def test_cancelled_while_the_iterator_waits() -> None:
    """A consumer that is cancelled while no event comes ends at once, and leaves no task."""
    server = EventServer()

    async def source() -> AsyncIterator[Event]:
        yield VISIT
        await asyncio.Event().wait()

    async with server.client() as client:
        consumer = asyncio.create_task(anext(client.events.send_from(source())))
        await asyncio.sleep(0)
        consumer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await consumer
        running = asyncio.all_tasks() - {asyncio.current_task()}

    assert set() == running
    assert [] == server.batches


@pytest.mark.parametrize(
    ("failure", "expected"),
    [(OSError("no more"), "no more"), (None, "events[3] must be of type Event, not dict")],
)
async def test_iterator_that_fails(failure: Exception | None, expected: str) -> None:
    """What came before a failure, or before something that is no event, is sent first; then it is raised."""
    server = EventServer()
    source = yielding(numbered(3) if failure else [*numbered(3), {}, VISIT], failure)
    results = []
    async with server.client() as client:
        with pytest.raises((OSError, TypeError)) as caught:
            async for result in client.events.send_from(source, batch_size=2):
                results.append(result)  # noqa: PERF401 - those before the failure

    assert expected == str(caught.value)
    assert [2, 1] == server.sizes
    assert 3 == len(results)


async def test_request_that_fails() -> None:
    """The events of a request that failed are in its error, with their ids; the results before it were yielded."""
    server = EventServer({2: Response(status=503)})
    results = []
    async with server.client() as client:
        with pytest.raises(ServerError) as caught:
            async for result in client.events.send_from(yielding(numbered(9), OSError()), batch_size=2):
                results.append(result)  # noqa: PERF401 - those before the failure

    assert [0, 1] == [result.index for result in results]
    assert [event["event_id"] for event in server.batches[1]] == ids_of(caught.value.unsent)
    assert () == caught.value.results


async def test_closed_client_sends_no_more() -> None:
    """An iteration that began before the client was closed does not open it anew."""
    server = EventServer()
    client = server.client()
    iteration = client.events.send_from(yielding(numbered(4)), batch_size=1)
    await anext(iteration)
    await client.close()
    with pytest.raises(ClientClosedError) as caught:
        await anext(iteration)

    assert [1] == server.sizes
    assert "visit-1" == caught.value.unsent[0].session_id


@pytest.mark.parametrize(
    ("iterator", "batch_size", "expected"),
    [
        ([VISIT], 100, "iterator must be of type AsyncIterable, not list"),
        (yielding([]), 0, "batch_size must be an integer from 1 to 100, not 0"),
        (yielding([]), 101, "batch_size must be an integer from 1 to 100, not 101"),
    ],
)
def test_refused_iterations(iterator: Any, batch_size: int, expected: str) -> None:
    """Arguments are checked before the first event is asked for."""
    with pytest.raises((TypeError, ValueError), match=f"^{expected}(; see {PAGES}send-events)?$"):
        EventServer().client().events.send_from(iterator, batch_size=batch_size)


async def call(client: ContactshipClient, method: str) -> None:
    """Call one of the methods."""
    if method == "send":
        await client.events.send([VISIT])
    elif method == "identify":
        await client.events.identify("visit-7", contact=NOOR)
    else:
        async for _ in client.events.send_from(yielding([VISIT])):
            pass
