"""What is sent of events, and what comes back: the declarations of their endpoints, and what is wrong with one event.

Source: https://docs.contactship.ai/api-reference/endpoint/send-events
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from attrs import evolve

from contactship_async.sandbox._api.fields import ANSWERED_SINGLY, Field, Schema, as_object, example_of, optional

_LONGEST_PARAMS: Final = 32_000
_FIRST_MOMENT: Final = datetime(2000, 1, 1, tzinfo=UTC)
_FURTHEST_AHEAD: Final = timedelta(hours=24)
_BETWEEN_WORDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[\s.-]+")
_STORED_NAME: Final = re.compile(r"(?!cs_)[a-z][a-z0-9_]{0,39}")

_TEXT: Final = {"type": "string"}
_SOME_TEXT: Final = {"type": "string", "minLength": 1}
_EXTERNAL_ID: Final = {"type": "string", "minLength": 1, "maxLength": 200}
_WITHOUT_SPACES: Final = {"type": "string", "pattern": r"^\s*\S{1,200}\s*$"}
_COUNT: Final = {"type": "integer", "minimum": 0}

IDENTIFYING: Final = ("contact_id", "external_id", "phone", "email")

# What is sent.
_IDENTITY: Final = optional(
    Field("contact_id", _SOME_TEXT, "Finds a contact; creates none.", example="5b8e1d6a-9f44-4c7e-b1a2-83c6d1f0aa07"),
    Field("external_id", _EXTERNAL_ID, "Of the contact in another system.", example="customer-4821"),
    Field(
        "phone",
        {"type": "string", "pattern": r"^(\D*\d){7}[\s\S]*$"},
        "At least 7 digits; the last 10 count.",
        example="+14155550137",
    ),
    Field("email", _SOME_TEXT, "In upper or lower case.", example="noor@example.com"),
    Field("name", _TEXT, "Of a contact that is created.", example="Noor Haddad"),
    Field("country", _TEXT, "Of a contact that is created.", example="US"),
)
SESSION_ID: Final = Field("session_id", _WITHOUT_SPACES, "A visit: 1 to 200 characters, no spaces.", example="visit-7")
CONTACT: Final = Field(
    "contact",
    as_object(*_IDENTITY),
    "Who it was: one of `contact_id`, `external_id`, `phone` and `email`.",
    example=example_of(*_IDENTITY),
)
IDENTIFIED_CONTACT: Final = evolve(
    CONTACT, schema={**CONTACT.schema, "anyOf": [{"required": [name]} for name in IDENTIFYING]}
)
CREATE_CONTACT: Final = Field(
    "create_contact", {"type": "boolean"}, "Whether one that nothing matches is created.", example=True, required=False
)
_GROUP: Final = (
    Field("id", _EXTERNAL_ID, "Of the company in another system.", example="company-12"),
    *optional(
        Field("name", _TEXT, "Of the company.", example="Haddad Ltd."),
        Field("properties", {"type": "object"}, "Anything.", example={"size": 12}),
    ),
)
_LINK: Final = (
    Field("url", {"type": "string", "pattern": "^https?://", "maxLength": 2000}, "Of HTTP.", "https://example.com/1"),
    Field("label", {"type": "string", "maxLength": 200}, "What is shown for it.", example="Invoice 1", required=False),
)
_EVENT: Final = (
    Field("event_name", _SOME_TEXT, "Stored in snake_case, of at most 40 characters.", example="purchase"),
    *optional(
        Field("event_id", _WITHOUT_SPACES, "No other event has it.", example="purchase-10025"),
        Field("occurred_at", {"type": "string", "format": "date-time"}, "When.", example="2026-05-04T09:12:03Z"),
        CONTACT,
        CREATE_CONTACT,
        SESSION_ID,
        Field("params", {"type": "object"}, "Anything, up to 32,000 characters.", example={"order": "10025"}),
        Field(
            "value",
            {"type": ["number", "string"], "pattern": r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"},
            "What it is worth.",
            example=41.9,
        ),
        Field("currency", {"type": "string", "pattern": "^[A-Za-z]{3}$"}, "Of ISO 4217.", example="USD"),
        Field("group", as_object(*_GROUP), "The company of the contact.", example=example_of(*_GROUP)),
        Field(
            "links",
            {"type": "array", "items": as_object(*_LINK), "maxItems": 10},
            "Where to look it up.",
            example=[example_of(*_LINK)],
        ),
    ),
)
EVENTS: Final = Field(
    "events",
    {
        "type": "array",
        "items": {**as_object(*_EVENT), ANSWERED_SINGLY: True},
        "minItems": 1,
        "maxItems": 100,
    },
    "Each has a result of its own: one that is malformed is `invalid`, and the others are stored.",
    example=[example_of(*_EVENT)],
)

# What comes back.
COUNTED: Final = ("created", "unresolved", "pending", "duplicate", "rejected", "invalid")
_SUMMARY: Final = tuple(
    Field(name, _COUNT, "How many.", example=int(name in {"received", "created"}))
    for name in ("received", *COUNTED, "contacts_created")
)
_MATCH: Final = (
    Field("id", _SOME_TEXT, "Of the contact.", example="5b8e1d6a-9f44-4c7e-b1a2-83c6d1f0aa07"),
    Field(
        "matched_by",
        {"type": ["string", "null"], "enum": [*IDENTIFYING, "session", None]},
        "What it was found by; null if it was created.",
        example="email",
    ),
    Field("created", {"type": "boolean"}, "Whether it was.", example=False),
)
_REASON: Final = Field("reason", _SOME_TEXT, "Why.", example="not_found", required=False)
_CONFLICT: Final = Field(
    "conflict", {"type": "object"}, "What is ambiguous.", example={"email_shared": 2}, required=False
)
_RESULT: Final = (
    Field("index", _COUNT, "Its place in the request.", example=0),
    Field("event_id", {"type": ["string", "null"]}, "As it was sent.", example="purchase-10025"),
    *optional(
        Field("event_name", _SOME_TEXT, "As it is stored.", example="purchase"),
        Field("original_event_name", _TEXT, "As it was sent, if it is stored otherwise.", example="Purchase"),
    ),
    Field("status", {"type": "string", "enum": [*COUNTED]}, "What became of it.", example="created"),
    _REASON,
    *optional(
        Field("errors", {"type": "array", "items": _TEXT}, "What is wrong.", example=["event_name is required"]),
        Field("contact", as_object(*_MATCH), "Whose it is.", example=example_of(*_MATCH)),
    ),
    _CONFLICT,
)
SENT: Final = Schema(
    "SentEvents",
    (
        Field("summary", as_object(*_SUMMARY), "How many of each.", example=example_of(*_SUMMARY)),
        Field(
            "results",
            {"type": "array", "items": as_object(*_RESULT)},
            "One for each event.",
            example=[example_of(*_RESULT[:2], _RESULT[4])],
        ),
    ),
)
IDENTIFIED: Final = Schema(
    "IdentifiedSession",
    (
        Field(
            "status",
            {"type": "string", "enum": ["linked", "already_linked", "not_found"]},
            "Whether the session belongs to the contact.",
            example="linked",
        ),
        SESSION_ID,
        Field(
            "contact",
            {**as_object(*_MATCH), "type": ["object", "null"]},
            "Whose the session is; null if nobody was found.",
            example=example_of(*_MATCH),
        ),
        Field("pending_events", _COUNT, "How many waited for it.", example=3),
        evolve(_REASON, description="Why nobody was found."),
        _CONFLICT,
    ),
)


def has_identity(contact: Mapping[str, Any]) -> bool:
    """Return whether something in *contact* can find one."""
    return any(contact.get(name) for name in IDENTIFYING)


def store_name(sent: str) -> str:
    """Return the name that an event is stored under: in snake_case, without accents."""
    letters = "".join(one for one in unicodedata.normalize("NFKD", sent) if not unicodedata.combining(one))
    return _BETWEEN_WORDS.sub("_", letters.strip()).lower()


def find_faults(event: Mapping[str, Any], now: datetime) -> Sequence[str]:
    """Return what is wrong with an event; nothing if it is well-formed."""
    faults = [
        f"{field.name} is required" if field.name not in event else f"{field.name} must be {field.allowed}"
        for field in _EVENT
        if (field.required or field.name in event) and not field.accepts(event.get(field.name))
    ]
    if faults:
        return faults
    if not _STORED_NAME.fullmatch(store_name(event["event_name"])):
        faults.append("event_name must be of at most 40 characters, begin with a letter, and not with cs_")
    if "occurred_at" in event and not _FIRST_MOMENT <= read_moment(event["occurred_at"]) <= now + _FURTHEST_AHEAD:
        faults.append("occurred_at must be an ISO 8601 time from the year 2000 to 24 hours from now")
    if len(json.dumps(event.get("params"), ensure_ascii=False, separators=(",", ":"))) > _LONGEST_PARAMS:
        faults.append("params must be of at most 32,000 characters")
    return faults


def read_moment(text: str) -> datetime:
    """Return a time of ISO 8601, without a zone in UTC; the very first of all for what is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
