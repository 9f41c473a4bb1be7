"""What contacts show, and what is sent about them: the declarations of their endpoints.

Source: https://docs.contactship.ai/api-reference/endpoint/get-contacts
"""

from __future__ import annotations

from typing import Final

from attrs import evolve

from contactship_async.sandbox._api.fields import Field, Schema, as_object, example_of, optional
from contactship_async.sandbox._resources.call_fields import FULL_NAME, HISTORY, PHONE_NUMBER
from contactship_async.sandbox._resources.collection import CREATED_AT, ID, ORGANIZATION_ID
from contactship_async.sandbox._resources.tags import TAG

_TEXT: Final = {"type": "string"}
_SOME_TEXT: Final = {"type": "string", "minLength": 1}
_MAYBE_TEXT: Final = {"type": ["string", "null"]}
_NUMBER: Final = {"type": "number", "minimum": 0, "maximum": 1_000_000}
_MAYBE_TIME: Final = {"type": ["string", "null"], "format": "date-time"}

# What a contact shows.
EMAIL: Final = Field("email", _MAYBE_TEXT, "None if null.", example="noor@example.com", required=False)
COUNTRY: Final = Field("country", _MAYBE_TEXT, "As it was sent.", example="US", required=False)
DESCRIPTION: Final = Field("description", _MAYBE_TEXT, "No request can set it.", example=None)
_ADDITIONAL: Final = (
    Field("type", _SOME_TEXT, "What the value is.", example="text"),
    Field("field", _SOME_TEXT, "Its name.", example="segment"),
    Field("value", _TEXT, "Any text.", example="retail"),
)
ADDITIONAL_DATA: Final = Field(
    "additional_data",
    {"type": "array", "items": as_object(*_ADDITIONAL)},
    "What is noted besides; it replaces what was there.",
    example=[example_of(*_ADDITIONAL)],
    required=False,
)
CONTACT_TAG: Final = Schema("ContactTag", TAG.fields[:4])
_TAGS: Final = Field(
    "tags",
    {"type": "array", "items": as_object(*CONTACT_TAG.fields)},
    "Those that it has.",
    example=[example_of(*CONTACT_TAG.fields)],
)
CONTACT: Final = Schema(
    "Contact",
    (ID, PHONE_NUMBER, FULL_NAME, COUNTRY, EMAIL, DESCRIPTION, ADDITIONAL_DATA, _TAGS, ORGANIZATION_ID, CREATED_AT),
)

# What is sent.
BODY: Final = (PHONE_NUMBER, FULL_NAME, COUNTRY, EMAIL, ADDITIONAL_DATA)
FILTERS: Final = optional(
    Field("full_name", _TEXT, "A part of the name, in upper or lower case.", example="noor"),
    Field("email", _TEXT, "A part of the e-mail address, in upper or lower case.", example="example.com"),
    Field("phone_number", _TEXT, "A part of the number.", example="415555"),
)
IDENTIFIER_TYPE: Final = Field(
    "identifierType",
    {"type": "string", "enum": ["id", "phone_number", "email"], "default": "id"},
    "What the identifier is.",
    example="email",
    required=False,
)

# Comments.
SOURCES: Final = ("USER", "SYSTEM", "AI", "AUTOMATIZATION")
_CONTENT: Final = Field("content", _SOME_TEXT, "The text.", example="Wants to be called in May.")
COMMENT: Final = Schema(
    "Comment",
    (
        ID,
        _CONTENT,
        Field("created_by", {"type": ["object", "string"]}, "A member, or the source.", example="AI"),
        CREATED_AT,
    ),
)
COMMENT_BODY: Final = (
    Field("contact_id", _SOME_TEXT, "Of the contact.", example="5b8e1d6a-9f44-4c7e-b1a2-83c6d1f0aa07"),
    _CONTENT,
    Field("created_by_type", {"type": "string", "enum": [*SOURCES]}, "Whose comment it is.", example="AI"),
    Field(
        "created_by",
        _SOME_TEXT,
        "The e-mail address of a member: with USER only.",
        example="ana@ours.example",
        required=False,
    ),
)

# The calls with a contact.
_PAST_CALL: Final = (
    Field("direction", _TEXT, "Who called.", example="outbound"),
    Field("status", _TEXT, "What became of it.", example="answered"),
    Field("duration", _MAYBE_TEXT, "In seconds.", example="98"),
    Field("from", _TEXT, "The number that called.", example="+12025550142"),
    Field("call_record", _MAYBE_TEXT, "The address of the recording.", example=None),
    Field("start_at", _MAYBE_TIME, "When it was answered.", example="2026-05-04T09:12:03Z"),
    Field("finished_at", _MAYBE_TIME, "When it ended.", example="2026-05-04T09:13:41Z"),
    Field("price", _NUMBER, "In credits.", example=0.5),
    Field("price_unit", _TEXT, "The currency.", example="USD"),
    Field("call_analysis", {"type": ["object", "null"]}, "How it went.", example={"call_summary": "A talk."}),
    Field("type", _TEXT, "What started it.", example="api_call"),
    evolve(CREATED_AT, description="When it was asked for."),
    HISTORY,
)
_CALL_HISTORY: Final = (
    Field("call_attempts", {"type": "integer", "minimum": 0}, "How many calls there are.", example=1),
    Field("last_call", as_object(*_PAST_CALL), "The latest.", example=example_of(*_PAST_CALL), required=False),
    Field(
        "calls",
        {"type": "array", "items": as_object(*_PAST_CALL)},
        "The newest first.",
        example=[example_of(*_PAST_CALL)],
    ),
)
CONTACT_CALLS: Final = Schema(
    "ContactCalls",
    (
        Field("contact", as_object(*CONTACT.fields), "The contact.", example=example_of(*CONTACT.fields)),
        Field("call_history", as_object(*_CALL_HISTORY), "The calls.", example=example_of(*_CALL_HISTORY)),
    ),
)
