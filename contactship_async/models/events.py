"""Events: what contacts did in a product of the organization, and what became of each that was sent.

Source: https://docs.contactship.ai/api-reference/endpoint/send-events
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen

from contactship_async.errors import EventsRejectedError
from contactship_async.models.common import Count, Model, NonEmptyText, OpenEnum

__all__ = [
    "Event",
    "EventGroup",
    "EventIdentity",
    "EventLink",
    "EventReason",
    "EventResult",
    "EventStatus",
    "EventSummary",
    "IdentifiedSession",
    "IdentityMatch",
    "MatchedBy",
    "SentEvents",
    "SessionStatus",
]


class EventStatus(OpenEnum):
    """What became of an event; the server may add values, see `OpenEnum`."""

    CREATED = "created"
    PENDING = "pending"
    UNRESOLVED = "unresolved"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    INVALID = "invalid"


class EventReason(OpenEnum):
    """Why an event has no contact, or is not stored; the server may add values, see `OpenEnum`."""

    CONTACT_LIMIT_REACHED = "contact_limit_reached"
    AMBIGUOUS_EMAIL = "ambiguous_email"
    NOT_FOUND = "not_found"
    NO_IDENTITY = "no_identity"
    ANONYMOUS_DAILY_LIMIT = "anonymous_daily_limit"
    EVENT_NAME_LIMIT = "event_name_limit"


class MatchedBy(OpenEnum):
    """What a contact was found by; the server may add values, see `OpenEnum`."""

    CONTACT_ID = "contact_id"
    EXTERNAL_ID = "external_id"
    PHONE = "phone"
    EMAIL = "email"
    SESSION = "session"


class SessionStatus(OpenEnum):
    """What became of a session that was identified; the server may add values, see `OpenEnum`."""

    LINKED = "linked"
    ALREADY_LINKED = "already_linked"
    NOT_FOUND = "not_found"


@frozen(kw_only=True)
class EventIdentity:
    """Who it was: at least one of *contact_id*, *external_id*, *phone* and *email*, which are tried in this order.

    Args:
        contact_id: The contact's `id`. It finds a contact, and creates none.
        external_id: The id of the contact in a system of yours, 1 to 200 characters. The first event that has it
            together with something that finds the contact makes it known.
        phone: At least 7 digits, best in E.164 format: numbers are the same if their last 10 digits are.
        email: Upper and lower case are the same.
        name: The name of a contact that is created.
        country: The country of a contact that is created.

    Source: https://docs.contactship.ai/api-reference/endpoint/send-events
    """

    contact_id: str | None = None
    external_id: str | None = None
    phone: str | None = None
    email: str | None = None
    name: str | None = None
    country: str | None = None


@frozen(kw_only=True)
class EventGroup:
    """The company that a contact belongs to; the first event with its id creates it.

    Args:
        id: The id of the company in a system of yours, 1 to 200 characters.
        name: The name of the company.
        properties: What is known of it: anything that JSON has a form for. They are added to those it has.

    Source: https://docs.contactship.ai/api-reference/endpoint/send-events
    """

    id: str
    name: str | None = None
    properties: Mapping[str, Any] | None = None


@frozen(kw_only=True)
class EventLink:
    """Where an event can be looked up, such as an invoice.

    Args:
        url: `http://` or `https://`, of at most 2,000 characters.
        label: What is shown in place of the URL, of at most 200 characters.

    Source: https://docs.contactship.ai/api-reference/endpoint/send-events
    """

    url: str
    label: str | None = None


@frozen(kw_only=True)
class Event:
    """What somebody did, to be sent with `client.events.send`; it is checked there.

        Event(event_name="purchase", contact=EventIdentity(email="noor@example.com"), value=41.9, currency="USD")

    Args:
        event_name: In the spelling that you like: `Add To Cart`, `add-to-cart` and `AddToCart` are all stored as
            `add_to_cart`. As it is stored, it begins with a letter and has at most 40 characters; names that begin with
            `cs_` are Contactship's.
        event_id: Of the event among all that the organization ever sends, 1 to 200 characters without spaces, such as
            `purchase-10025`. An event whose id is known is not stored again. None lets the client make one up.
        occurred_at: When it happened, with a time zone; from 2000 to 24 hours from now. None is when it arrives.
        contact: Who it was. Not needed with a *session_id*.
        create_contact: Whether a contact that nothing matches is created, which needs a phone number or an email
            address and uses the quota of the plan; None leaves it to the API, which does so.
        session_id: The visit that it was part of, 1 to 200 characters without spaces, and no personal data. Without a
            *contact*, the event waits for up to 30 days until its session is identified, and is then that contact's.
        params: Anything else that JSON has a form for, at most 32,000 characters of it.
        value: What it is worth: a number, or a string that is one, such as `str(Decimal("41.90"))`. None takes that in
            *params*.
        currency: Of the value, three letters as in ISO 4217. None takes that in *params*.
        group: The company of the contact.
        links: At most 10.

    Source: https://docs.contactship.ai/api-reference/endpoint/send-events
    """

    event_name: str
    event_id: str | None = None
    occurred_at: datetime | None = None
    contact: EventIdentity | None = None
    create_contact: bool | None = None
    session_id: str | None = None
    params: Mapping[str, Any] | None = None
    value: float | str | None = None
    currency: str | None = None
    group: EventGroup | None = None
    links: Sequence[EventLink] | None = None


@frozen
class IdentityMatch(Model):
    """The contact that an event or a session belongs to.

    Args:
        id: Opaque; the `id` of the contact.
        matched_by: What it was found by; None if it was just created.
        created: Whether it was.
    """

    id: NonEmptyText
    matched_by: MatchedBy | None = None
    created: bool | None = None


@frozen
class EventResult(Model):
    """What became of one event.

    Args:
        index: Its place among the events that were sent together, from 0.
        event_id: The one that it was sent with.
        event_name: The name that it is stored under; missing if none could be made of what was sent.
        original_event_name: The one that was sent, if it is stored under another.
        status: `created`: stored with its contact. `pending`: it waits for its session to be identified.
            `unresolved`: stored without a contact, see *reason*. `duplicate`: its id is known, it is not stored again.
            `rejected`: not stored, see *reason*. `invalid`: not stored, see *errors*.
        reason: Why it has no contact, or is not stored.
        errors: What is wrong with an invalid event.
        contact: Whose it is, of one that was created.
        conflict: What is ambiguous, such as `phone_shared_by`, `email_shared`, `email_points_to` or
            `contact_id_not_found`. Which values these have is not documented, nor are all names.
    """

    index: Count | None = None
    event_id: str | None = None
    event_name: str | None = None
    original_event_name: str | None = None
    status: EventStatus | None = None
    reason: EventReason | None = None
    errors: tuple[Any, ...] | None = None
    contact: IdentityMatch | None = None
    conflict: dict[str, Any] | None = None

    @property
    def is_stored(self) -> bool:
        """Whether the event is stored, now or by an earlier attempt: it is neither rejected nor invalid."""
        return self.status not in (EventStatus.REJECTED, EventStatus.INVALID)


@frozen
class EventSummary(Model):
    """How many events there were of each status.

    Args:
        received: How many were sent.
        created: Stored with their contacts.
        unresolved: Stored without a contact.
        pending: They wait for their sessions to be identified.
        duplicate: Their ids were known.
        rejected: Not stored.
        invalid: Not stored.
        contacts_created: How many contacts were created.
    """

    received: Count | None = None
    created: Count | None = None
    unresolved: Count | None = None
    pending: Count | None = None
    duplicate: Count | None = None
    rejected: Count | None = None
    invalid: Count | None = None
    contacts_created: Count | None = None


@frozen
class SentEvents(Model):
    """What became of the events that were sent together.

    Args:
        results: One for each event, in the order in which they were sent.
        summary: How many there are of each status, over all requests that it took.

    Source: https://docs.contactship.ai/api-reference/endpoint/send-events
    """

    results: tuple[EventResult, ...]
    summary: EventSummary | None = None

    @property
    def rejected(self) -> tuple[EventResult, ...]:
        """The results of the events that are not stored: those that are rejected or invalid."""
        return tuple(result for result in self.results if not result.is_stored)

    def raise_for_rejected(self) -> None:
        """Do nothing if all events are stored.

        Raises:
            EventsRejectedError: Some are not; its `results` are those of all.
        """
        if self.rejected:
            raise EventsRejectedError(self.results, rejected=len(self.rejected))


@frozen
class IdentifiedSession(Model):
    """What became of a session that was identified.

    Args:
        status: `linked`: it belongs to the contact. `already_linked`: it belongs to another contact, which keeps it.
            `not_found`: no contact matches, and none was created, see *reason*.
        session_id: The session.
        contact: Whose it is; None if there is none.
        pending_events: How many events waited for it: they are the contact's within a minute.
        reason: Why there is no contact.
        conflict: What is ambiguous, as of an `EventResult`.

    Source: https://docs.contactship.ai/api-reference/endpoint/identify
    """

    status: SessionStatus | None = None
    session_id: str | None = None
    contact: IdentityMatch | None = None
    pending_events: Count | None = None
    reason: EventReason | None = None
    conflict: dict[str, Any] | None = None
