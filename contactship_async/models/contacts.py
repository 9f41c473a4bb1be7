"""Contacts, what is noted about them, and how the calls with them went.

Source: https://docs.contactship.ai/api-reference/endpoint/get-contacts
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import attrs
from attrs import frozen

from contactship_async.models.calls import CallAnalysis, CallDirection, CallType, TranscriptEntry
from contactship_async.models.common import AwareDatetime, Count, Model, NonEmptyText, OpenEnum, Seconds, json_field
from contactship_async.models.tags import Tag

__all__ = [
    "CallHistory",
    "CommentSource",
    "Contact",
    "ContactCallHistory",
    "ContactComment",
    "ContactField",
    "ContactFieldType",
    "IdentifierType",
    "PastCall",
    "PastCallStatus",
]


class IdentifierType(StrEnum):
    """What a contact is asked for by."""

    ID = "id"
    PHONE_NUMBER = "phone_number"
    EMAIL = "email"


class ContactFieldType(OpenEnum):
    """What the value of a field is; the server may add values, see `OpenEnum`, and its own pages name others."""

    TEXT = "text"
    URL = "url"
    LOCATION = "location"
    NUMBER = "number"
    CALENDAR = "calendar"
    DATE = "date"


def _read_type(value: str | None) -> ContactFieldType | None:
    """Take a type as a string, too; what is none of these is for the API to judge."""
    return ContactFieldType(value) if isinstance(value, str) else value


class CommentSource(StrEnum):
    """Who or what makes a comment."""

    USER = "USER"
    SYSTEM = "SYSTEM"
    AI = "AI"
    AUTOMATIZATION = "AUTOMATIZATION"


class PastCallStatus(OpenEnum):
    """What became of a call, as call histories have it; the server may add values, see `OpenEnum`."""

    ANSWERED = "answered"
    VOICEMAIL = "voicemail"
    MISSED = "missed"
    REJECTED = "rejected"
    BUSY = "busy"
    FAILED = "failed"
    COMPLETED = "completed"
    NO_ANSWER = "no-answer"
    IN_PROGRESS = "in-progress"


@frozen
class ContactField(Model):
    """Something that the organization notes about a contact under a name of its own.

        ContactField("text", "segment", "retail")

    Args:
        type: What the value is, such as `text`, `date` or `location`.
        field: The name.
        value: A string; what else the API may send is not documented, and arrives as it came.
    """

    type: ContactFieldType | None = attrs.field(default=None, converter=_read_type)
    field: str | None = None
    value: Any = None


@frozen
class Contact(Model):
    """A contact of an organization.

    Args:
        id: Opaque; the `contact_id` of all else.
        created_at: When the contact was created; with a time zone.
        phone_number: In E.164 format.
        full_name: As the organization knows the person.
        country: In whatever form the organization uses.
        email: The e-mail address of the person.
        description: Free text. The API shows it, and takes none any more.
        additional_data: What the organization notes besides.
        organization_id: Opaque; the organization that owns the contact.
        tags: Those that the contact has, where the server sends them.
    """

    id: NonEmptyText
    created_at: AwareDatetime | None = None
    phone_number: str | None = None
    full_name: str | None = None
    country: str | None = None
    email: str | None = None
    description: str | None = None
    additional_data: tuple[ContactField, ...] | None = None
    organization_id: str | None = None
    tags: tuple[Tag, ...] | None = None


@frozen
class ContactComment(Model):
    """A comment on a contact.

    Args:
        id: Opaque.
        content: The text.
        created_by: The member of the organization, as an object whose fields are not documented; of any other comment,
            its source, such as `AI`.
        created_at: When it was made; with a time zone.
        updated_at: When it was changed; with a time zone. This and what follows only servers of older revisions send.
        user_id: Opaque; the id of the member.
        user_name: The name of the member.
        organization_id: Opaque; the id of the organization.

    Source: https://docs.contactship.ai/api-reference/endpoint/get-contact-comments
    """

    id: NonEmptyText
    content: str | None = None
    created_by: dict[str, Any] | str | None = None
    created_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None
    user_id: str | None = None
    user_name: str | None = None
    organization_id: str | None = None


@frozen
class PastCall(Model):
    """A call with a contact. What begins with `id` only servers of older revisions send.

    Args:
        direction: Such as `inbound` or `outbound`; older examples have `outbound-api`.
        status: Such as `answered` or `voicemail`.
        duration: In seconds; None also where the server sends what is no number.
        from_number: The caller's number: `from` in the API.
        call_record: The address of the recording.
        start_at: When it began; with a time zone.
        finished_at: When it ended; with a time zone.
        price: What it cost.
        price_unit: The currency of that.
        call_analysis: How it went.
        type: What started it, such as `api_call`.
        created_at: When it was asked for; with a time zone.
        chat_history: The transcript.
        id: Opaque; the id of the call.
        call_time: When it was made; with a time zone.
        recording_url: The address of the recording.
        transcript: What was said, of a form that is not documented.
        notes: Free text.
        contact_id: Opaque; the id of the contact.
        user_id: Opaque; the id of a member of the organization.
        organization_id: Opaque; the id of the organization.

    Source: https://docs.contactship.ai/api-reference/endpoint/get-contact-call-history
    """

    direction: CallDirection | None = None
    status: PastCallStatus | None = None
    duration: Seconds | None = None
    from_number: str | None = json_field("from")
    call_record: str | None = None
    start_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    price: float | None = None
    price_unit: str | None = None
    call_analysis: CallAnalysis | None = None
    type: CallType | None = None
    created_at: AwareDatetime | None = None
    chat_history: tuple[TranscriptEntry, ...] | None = None
    id: str | None = None
    call_time: AwareDatetime | None = None
    recording_url: str | None = None
    transcript: Any = None
    notes: str | None = None
    contact_id: str | None = None
    user_id: str | None = None
    organization_id: str | None = None


@frozen
class CallHistory(Model):
    """The calls with a contact.

    Args:
        call_attempts: How often the contact was called.
        last_call: The latest of the calls, where the server sends it.
        calls: In the order in which the server sends them.
    """

    call_attempts: Count | None = None
    last_call: PastCall | None = None
    calls: tuple[PastCall, ...] | None = None


@frozen
class ContactCallHistory(Model):
    """A contact, and the calls with it. Each of the documented forms is read into this one.

    Args:
        contact: None where a server of an older revision sends nothing but calls.
        call_history: The calls.

    Source: https://docs.contactship.ai/api-reference/endpoint/get-contact-call-history
    """

    contact: Contact | None = None
    call_history: CallHistory | None = None
