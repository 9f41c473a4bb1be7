"""All the sandbox knows about events: what was sent, whose it is, and their two endpoints.

Source: https://docs.contactship.ai/api-reference/endpoint/send-events
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, overload

from attrs import evolve, field, frozen

from contactship_async.sandbox._api.replies import Refusal
from contactship_async.sandbox._api.routes import Call, Route
from contactship_async.sandbox._resources.contacts import Contacts
from contactship_async.sandbox._resources.event_fields import (
    COUNTED,
    CREATE_CONTACT,
    EVENTS,
    IDENTIFIED,
    IDENTIFIED_CONTACT,
    SENT,
    SESSION_ID,
    find_faults,
    has_identity,
    read_moment,
    store_name,
)
from contactship_async.sandbox._resources.event_identities import Identities, Match
from contactship_async.sandbox._resources.organization import Organization

_KEPT: Final = timedelta(days=30)
"""For how long events wait for their session."""

_MOST_NAMES: Final = 500


@frozen(kw_only=True)
class RecordedEvent:
    """One event that was sent.

    Args:
        event_name: The name that it is stored under; empty if none was sent.
        event_id: As it was sent; None without one.
        status: What became of it, in the API's words. One that is `pending` becomes `created` when its session is
            identified.
        contact_id: Of the contact it is stored with; None without one.
        session_id: As it was sent; None without one.
        occurred_at: When it happened, in the zone that it was sent with, or else when it arrived.
        body: All that was sent. Not shown by `repr`.
    """

    event_name: str
    event_id: str | None
    status: str
    contact_id: str | None
    session_id: str | None
    occurred_at: datetime
    body: Mapping[str, Any] = field(repr=False)


class Events(Sequence[RecordedEvent]):
    """The events that were sent, in order, also those that are not stored.

    Args:
        organization: Whose they are.
        contacts: Those that they may be of.

    Attributes:
        is_enabled: Whether the organization has this add-on; without it, each request about events is a 403.
    """

    def __init__(self, organization: Organization, contacts: Contacts) -> None:
        self.is_enabled = True
        self._organization = organization
        self._identities = Identities(contacts)
        self._recorded: list[RecordedEvent] = []
        self._ids: set[str] = set()
        self._names: set[str] = set()
        self._pending: dict[str, list[tuple[datetime, int]]] = {}
        self.routes = (
            Route(
                "POST", "/v1/events", self._send, "send-events", SENT, body=(EVENTS,), errors=(403,), shape="wrapped"
            ),
            Route(
                "POST",
                "/v1/identify",
                self._identify,
                "identify",
                IDENTIFIED,
                body=(SESSION_ID, IDENTIFIED_CONTACT, CREATE_CONTACT),
                errors=(403,),
                shape="wrapped",
            ),
        )

    def __len__(self) -> int:
        return len(self._recorded)

    @overload
    def __getitem__(self, index: int) -> RecordedEvent: ...
    @overload
    def __getitem__(self, index: slice) -> list[RecordedEvent]: ...
    def __getitem__(self, index: int | slice) -> RecordedEvent | list[RecordedEvent]:
        return self._recorded[index]

    def __repr__(self) -> str:
        return f"<Events: {len(self)}>"

    def _send(self, call: Call) -> Mapping[str, object]:
        self._require_add_on()
        results = [self._take(index, event) for index, event in enumerate(call.body["events"])]
        counts = Counter(result["status"] for result in results)
        created = sum(result.get("contact", {}).get("created", False) for result in results)
        summary = {"received": len(results), **{name: counts[name] for name in COUNTED}, "contacts_created": created}
        return {"summary": summary, "results": results}

    def _take(self, index: int, sent: Mapping[str, Any]) -> dict[str, Any]:
        """Record an event, and return its result."""
        now = self._organization.agenda.now
        event = {name: value for name, value in sent.items() if value is not None}
        name, id_ = event.get("event_name"), event.get("event_id")
        stored_name = store_name(name) if isinstance(name, str) else ""
        result: dict[str, Any] = {"index": index, "event_id": id_ if isinstance(id_, str) else None}
        if stored_name:
            result["event_name"] = stored_name
            if stored_name != name:
                result["original_event_name"] = name
        faults = find_faults(event, now)
        result |= {"status": "invalid", "errors": faults} if faults else self._store(event, stored_name, now)
        self._recorded.append(
            RecordedEvent(
                event_name=stored_name,
                event_id=result["event_id"],
                status=result["status"],
                contact_id=result.get("contact", {}).get("id"),
                session_id=None if faults else _trimmed(event, "session_id"),
                occurred_at=now if faults or "occurred_at" not in event else read_moment(event["occurred_at"]),
                body=sent,
            )
        )
        return result

    def _store(self, event: Mapping[str, Any], name: str, now: datetime) -> dict[str, Any]:
        """Store a well-formed event, unless it is a duplicate or too much, and return what its result says of that."""
        id_, session_id = _trimmed(event, "event_id"), _trimmed(event, "session_id")
        contact = event.get("contact", {})
        is_anonymous = not has_identity(contact)
        if id_ is not None and id_ in self._ids:
            return {"status": "duplicate"}
        if is_anonymous and session_id is None:
            return {"status": "rejected", "reason": "no_identity"}
        if name not in self._names and len(self._names) == _MOST_NAMES:
            return {"status": "rejected", "reason": "event_name_limit"}
        self._names.add(name)
        self._ids |= set() if id_ is None else {id_}
        if is_anonymous:
            owner = self._identities.owner_of(session_id)
            if owner is None:
                self._pending.setdefault(session_id or "", []).append((now, len(self._recorded)))
                return {"status": "pending"}
            match = Match(owner, "session")
        else:
            match = self._identities.find(contact, may_create=event.get("create_contact", True))
        if match.id is not None and session_id is not None:
            self._link(session_id, match)
        conflict = {"conflict": match.conflict} if match.conflict else {}
        if match.id is None:
            return {"status": "unresolved", "reason": match.reason, **conflict}
        return {"status": "created", "contact": match.show(), **conflict}

    def _identify(self, call: Call) -> Mapping[str, object]:
        self._require_add_on()
        session_id, contact = call.body["session_id"].strip(), call.body["contact"]
        match = self._identities.find(contact, may_create=call.body.get("create_contact", True))
        if match.id is None:
            result: dict[str, object] = {
                "status": "not_found",
                "contact": None,
                "pending_events": 0,
                "reason": match.reason,
            }
        else:
            waiting = len(self._waiting(session_id))
            owner = self._link(session_id, match)
            if owner == match.id:
                result = {"status": "linked", "contact": match.show(), "pending_events": waiting}
            else:
                shown = {"id": owner, "matched_by": None, "created": False}
                result = {"status": "already_linked", "contact": shown, "pending_events": 0}
        return {"session_id": session_id, **result, **({"conflict": match.conflict} if match.conflict else {})}

    def _link(self, session_id: str, match: Match) -> str:
        """Let a session belong to a contact, with the events that wait for it, and return the id of its owner."""
        assert match.id is not None  # noqa: S101 - for type checkers
        owner = self._identities.link(session_id, match.id)
        if owner != match.id:
            match.conflict["session_belongs_to"] = owner  # What the API calls this is not documented.
        for place in self._waiting(session_id):
            self._recorded[place] = evolve(self._recorded[place], status="created", contact_id=owner)
        self._pending.pop(session_id, None)
        return owner

    def _waiting(self, session_id: str) -> list[int]:
        """Return the places of the events that wait for a session, and have not done so for too long."""
        first = self._organization.agenda.now - _KEPT
        return [place for arrived, place in self._pending.get(session_id, ()) if arrived >= first]

    def _require_add_on(self) -> None:
        if not self.is_enabled:
            raise Refusal(403, "The events add-on is not enabled for this organization")


def _trimmed(event: Mapping[str, Any], name: str) -> str | None:
    text = event.get(name)
    return text.strip() if isinstance(text, str) else None
