"""Who events are of: contacts by what is sent of them, and sessions.

Source: https://docs.contactship.ai/api-reference/endpoint/send-events
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from contactship_async.sandbox._resources.contacts import Contacts


@frozen
class Match:
    """The contact that was found, or created.

    Args:
        id: Of the contact; None if there is none.
        matched_by: What it was found by; None if it was created.
        reason: Why there is none.
        conflict: What is ambiguous.
    """

    id: str | None = None
    matched_by: str | None = None
    reason: str | None = None
    conflict: dict[str, Any] = field(factory=dict)

    def show(self) -> dict[str, Any]:
        """Return what a response shows of the contact."""
        return {"id": self.id, "matched_by": self.matched_by, "created": self.matched_by is None}


class Identities:
    """What is known of contacts besides themselves: their ids elsewhere, and their sessions.

    Args:
        contacts: Those of the organization.
    """

    def __init__(self, contacts: Contacts) -> None:
        self._contacts = contacts
        self._ids_elsewhere: dict[str, str] = {}
        self._sessions: dict[str, str] = {}

    def owner_of(self, session_id: str | None) -> str | None:
        """Return the id of the contact that a session belongs to; None if it is not known, or gone."""
        return self._existing(self._sessions.get(session_id or ""))

    def link(self, session_id: str, contact_id: str) -> str:
        """Let a session belong to a contact, unless it belongs to one already, and return the id of its owner."""
        owner = self._sessions[session_id] = self.owner_of(session_id) or contact_id
        return owner

    def find(self, sent: Mapping[str, Any], *, may_create: bool) -> Match:
        """Find the contact that *sent* is about, or create it, and note what is new about it."""
        conflict: dict[str, Any] = {}
        found = {
            "contact_id": self._existing(sent.get("contact_id")),
            "external_id": self._existing(self._ids_elsewhere.get(sent.get("external_id", ""))),
            "phone": self._find_phone(sent.get("phone"), conflict),
            "email": self._find_email(sent.get("email"), conflict),
        }
        if "contact_id" in sent and found["contact_id"] is None:
            conflict["contact_id_not_found"] = sent["contact_id"]
        matched_by = next((name for name, id_ in found.items() if id_ is not None), None)
        id_ = None if matched_by is None else found[matched_by]
        if id_ is not None and found["email"] not in (None, id_):
            conflict["email_points_to"] = found["email"]
        phone = None if found["phone"] else sent.get("phone")
        email = None if found["email"] or "email_shared" in conflict else sent.get("email")
        if id_ is not None:
            self._contacts.fill_in(id_, phone_number=phone, email=email)
        elif not phone and "email_shared" in conflict:
            return Match(reason="ambiguous_email", conflict=conflict)
        elif may_create and (phone or email):
            id_ = self._create(sent, phone, email)
        else:
            return Match(reason="not_found", conflict=conflict)
        if "external_id" in sent:
            self._ids_elsewhere[sent["external_id"]] = id_
        return Match(id_, matched_by, conflict=conflict)

    def _existing(self, id_: str | None) -> str | None:
        return id_ if id_ is not None and self._contacts.knows(id_) else None

    def _find_phone(self, phone: str | None, conflict: dict[str, Any]) -> str | None:
        """Return the newest contact with a number; the API prefers the one with the latest conversation or call."""
        ids = [] if phone is None else self._contacts.of_last_digits(phone)
        if len(ids) > 1:
            conflict["phone_shared_by"] = len(ids)
        return ids[0] if ids else None

    def _find_email(self, email: str | None, conflict: dict[str, Any]) -> str | None:
        ids = [] if email is None else self._contacts.all_of_email(email)
        if len(ids) > 1:
            conflict["email_shared"] = len(ids)
            return None
        return ids[0] if ids else None

    def _create(self, sent: Mapping[str, Any], phone: str | None, email: str | None) -> str:
        created = self._contacts.insert({
            "phone_number": phone,
            "full_name": sent.get("name") or email or phone,
            "country": sent.get("country"),
            "email": email,
        })  # fmt: skip
        id_: str = created["id"]
        return id_
