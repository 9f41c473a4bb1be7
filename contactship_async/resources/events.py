"""What contacts did in a product of the organization; an add-on: `/v1/events`.

Source: https://docs.contactship.ai/api-reference/endpoint/send-events
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Sequence
from typing import Final, TypeVar
from uuid import uuid4

import attrs
from attrs import evolve, frozen

from contactship_async._arguments import check_flag, check_integer, check_sequence, check_type
from contactship_async._http.caller import Caller
from contactship_async._http.requests import build_request, encode_json
from contactship_async._http.responses import read_object
from contactship_async._http.session import WalkSession
from contactship_async.errors import ContactshipError
from contactship_async.models.events import (
    Event,
    EventIdentity,
    EventResult,
    EventSummary,
    IdentifiedSession,
    SentEvents,
)
from contactship_async.resources._common_arguments import citing_page
from contactship_async.resources._event_arguments import check_event, check_id, check_identity

T = TypeVar("T")

_EVENTS_PATH: Final = "/v1/events"
_IDENTIFY_PATH: Final = "/v1/identify"

_BATCH: Final = 100
"""As many events as a request may have."""


@frozen
class _Checked:
    """An event that has an id, and what is sent of it."""

    event: Event
    body: dict[str, object]


@frozen(repr=False)
class Events:
    """What contacts did in a product of the organization; an add-on: `client.events`."""

    _caller: Caller

    async def send(self, events: Sequence[Event]) -> SentEvents:
        """Send events, 100 in a request, one request after the other.

        An event without an `event_id` gets one before the first request leaves. So it is safe to repeat, by the client
        and by you: the API stores no event twice. What the API does not store is no error, but told by its result. The
        total limit of time is that of each request, and begins when it has its turn at the rate limits. If it is
        cancelled, nothing tells the ids that it gave: to be able to send the events again, give them ids of your own.

        Args:
            events: As many as you like; all are checked before the first is sent.

        Returns:
            A result for each event, in their order: `raise_for_rejected()` makes an error of those that are not stored.

        Raises:
            TypeError: *events* is no sequence of `Event`, or a field has the wrong type.
            ValueError: A field is not allowed, or an event has neither a contact nor a session.
            PermissionDeniedError: The add-on is not enabled for the organization.
            ContactshipError: A request failed. The error's `results` are those of the requests before it, and its
                `unsent` the events of it and of those behind it, with their ids: send these.

        Source: https://docs.contactship.ai/api-reference/endpoint/send-events
        """
        checked = [_check(place, event) for place, event in enumerate(check_sequence("events", events))]
        of_walk = WalkSession()
        sent: list[SentEvents] = []
        for start in range(0, len(checked), _BATCH):
            try:
                sent.append(await self._send_batch(checked[start : start + _BATCH], start, of_walk))
            except ContactshipError as error:
                error.results = _results_of(sent)
                error.unsent = tuple(one.event for one in checked[start:])
                raise
        return SentEvents(_results_of(sent), _add_up(sent))

    def send_from(
        self, iterator: AsyncIterable[Event], *, batch_size: int = _BATCH
    ) -> AsyncGenerator[EventResult, None]:
        """Send the events of an iterator, which may be endless, and iterate over their results.

            async for result in client.events.send_from(read_queue()):
                print(result.event_id, result.status)

        A request leaves when *batch_size* events are there, or when the iterator ends or fails; it does not leave
        because of the time. The next event is asked for when all results have been taken. So whenever a result is
        yielded, all events that were taken from the iterator have been sent, and nothing runs in the background.
        A step that is cancelled loses the events that it has taken: with a *batch_size* of 1, none while it waits for
        the next one, and at most the one that is being sent.

        Args:
            iterator: Yields the events, which get an `event_id` as in `send`. It is not closed.
            batch_size: How many events are sent together, 1 to 100: 1 sends each one at once, as suits an iterator that
                waits for things to happen.

        Returns:
            The results, whose `index` counts from the first event of the iterator.

        Raises:
            TypeError: An argument, or something that the iterator yields, has the wrong type.
            ValueError: *batch_size* is out of range; or an event is not allowed: those before it are sent first.
            ContactshipError: A request failed. The error's `unsent` are its events, with their ids.

        Source: https://docs.contactship.ai/api-reference/endpoint/send-events
        """
        check_type("iterator", iterator, AsyncIterable)
        with citing_page("send-events"):
            check_integer("batch_size", batch_size, lowest=1, highest=_BATCH)
        return self._send_from(aiter(iterator), batch_size)

    async def identify(
        self, session_id: str, *, contact: EventIdentity, create_contact: bool | None = None
    ) -> IdentifiedSession:
        """Say whose a session is: the events that waited for it become that contact's. Safe to repeat.

        An event that has both a session and a contact does so, too.

        Args:
            session_id: That of the events, 1 to 200 characters without spaces.
            contact: Who it turned out to be.
            create_contact: Whether a contact that nothing matches is created, which needs a phone number or an email
                address and uses the quota of the plan; None leaves it to the API, which does so.

        Returns:
            Whose the session is. One that is already another contact's stays with that one; this is no error, and
            neither is a contact that is not found.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is not allowed, or nothing in *contact* finds one.
            PermissionDeniedError: The add-on is not enabled for the organization.
            ContactshipError: The call failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/identify
        """
        with citing_page("identify"):
            body: dict[str, object] = {
                "session_id": check_id("session_id", session_id),
                "contact": check_identity("contact", contact),
            }
            if create_contact is not None:
                body["create_contact"] = check_flag("create_contact", create_contact)
        return await self._call(_IDENTIFY_PATH, body, IdentifiedSession)

    async def _send_from(self, iterator: AsyncIterator[Event], batch_size: int) -> AsyncGenerator[EventResult, None]:
        of_walk = WalkSession()
        taken = 0
        while True:
            batch: list[_Checked] = []
            end: Exception | None = None
            try:
                while len(batch) < batch_size:
                    batch.append(_check(taken + len(batch), await anext(iterator)))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is raised behind the results
                end = error
            if batch:
                try:
                    sent = await self._send_batch(batch, taken, of_walk)
                except ContactshipError as error:
                    error.unsent = tuple(one.event for one in batch)
                    raise
                taken += len(batch)
                for result in sent.results:
                    yield result
            if isinstance(end, StopAsyncIteration):
                return
            if end is not None:
                raise end

    async def _send_batch(self, batch: Sequence[_Checked], start: int, of_walk: WalkSession) -> SentEvents:
        """Send one request; *start* events came before it."""
        sent = await self._call(_EVENTS_PATH, {"events": [one.body for one in batch]}, SentEvents, of_walk)
        if not start:
            return sent
        results = [
            result if result.index is None else evolve(result, index=result.index + start) for result in sent.results
        ]
        return evolve(sent, results=tuple(results))

    async def _call(self, path: str, body: object, returns: type[T], of_walk: WalkSession | None = None) -> T:
        request = build_request(method="POST", path=path, json=body, idempotent=True, add_on="Events")
        return read_object(await self._caller.exchange(request, own_budget="events", of_walk=of_walk), returns)


def _check(place: int, event: object) -> _Checked:
    """Check an event, and give it an id if it has none."""
    with citing_page("send-events"):
        body = check_event(f"events[{place}]", event)
        encode_json(f"events[{place}]", body)  # A text may hold a lone surrogate: no batch has been sent yet.
    assert isinstance(event, Event)  # noqa: S101 - what was checked, for type checkers
    if event.event_id is None:
        event = evolve(event, event_id=str(uuid4()))
        body["event_id"] = event.event_id
    return _Checked(event, body)


def _results_of(sent: Iterable[SentEvents]) -> tuple[EventResult, ...]:
    return tuple(result for batch in sent for result in batch.results)


def _add_up(sent: Sequence[SentEvents]) -> EventSummary | None:
    """Add up what the responses say; what one of them does not say is not known."""
    if len(sent) == 1:
        return sent[0].summary
    names = [field.name for field in attrs.fields(EventSummary)]
    counts: dict[str, list[int | None]] = {
        name: [getattr(batch.summary, name, None) for batch in sent] for name in names
    }
    return EventSummary(**{name: None if None in each else sum(filter(None, each)) for name, each in counts.items()})
