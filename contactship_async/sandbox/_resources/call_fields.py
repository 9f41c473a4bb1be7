"""What calls show, and what is sent to place one: the declarations of their endpoints.

Source: https://docs.contactship.ai/api-reference/endpoint/list-calls
"""

from __future__ import annotations

from typing import Final

from attrs import evolve

from contactship_async.sandbox._api.fields import Field, Schema, as_object, example_of, optional

_E164: Final = {"type": "string", "pattern": r"^\+[1-9][0-9]{6,14}$"}
_TEXT: Final = {"type": "string"}
_SOME_TEXT: Final = {"type": "string", "minLength": 1}
_MAYBE_TEXT: Final = {"type": ["string", "null"]}
_MAYBE_TIME: Final = {"type": ["string", "null"], "format": "date-time"}

CALL_ID: Final = Field(
    "id", {"type": "string", "format": "uuid"}, "Its UUID.", example="7d0c2f5e-3b1a-4a77-9c0e-0f6b1f1d2a11"
)
_CALL_ID: Final = evolve(CALL_ID, name="call_id")
_CREATED_AT: Final = Field(
    "created_at", {"type": "string", "format": "date-time"}, "When it was asked for.", example="2026-05-04T09:12:00Z"
)

# What a row shows.
STATUS: Final = Field(
    "call_status",
    {
        "type": "string",
        "enum": [
            *("in-progress", "completed", "no-answer", "failed", "in-queue", "incomplete", "busy"),
            *("answering-machine", "scheduled", "voice_mail"),
        ],
    },
    "What became of it so far.",
    example="completed",
)
DIRECTION: Final = Field(
    "direction", {"type": "string", "enum": ["inbound", "outbound"]}, "Who called.", example="outbound"
)
AGENT_ID: Final = Field("agent_id", _SOME_TEXT, "Of the agent.", example="0e9b7c64-51f2-4d0b-8a53-6a2f7a7e4c90")
CAMPAIGN_ID: Final = Field(
    "campaign_id", {**_MAYBE_TEXT, "minLength": 1}, "Of its campaign, if it is part of one.", example=None
)
FULL_NAME: Final = Field("full_name", _SOME_TEXT, "Of the person.", example="Noor Haddad")
PHONE_NUMBER: Final = Field("phone_number", _E164, "Of the person.", example="+14155550137")
FROM_NUMBER: Final = Field("from_number", _E164, "A number of the organization.", example="+12025550142")
_OUTCOMES: Final = ("answered", "voicemail", "no_answer", "busy", "failed")
_CONTACT: Final = (
    Field("id", _SOME_TEXT, "Opaque.", example="5b8e1d6a-9f44-4c7e-b1a2-83c6d1f0aa07"),
    Field("full_name", _TEXT, "Of the person.", example="Noor Haddad"),
    Field("phone_number", _TEXT, "Of the person.", example="+14155550137"),
    Field("email", _MAYBE_TEXT, "Of the person.", example="noor@example.com"),
    Field("country", _MAYBE_TEXT, "As it was sent.", example="US"),
)
_ENTRY: Final = (
    Field("role", _TEXT, "Who speaks.", example="agent"),
    Field("content", _TEXT, "What was said.", example="Good morning."),
    Field(
        "words",
        {"type": "array", "items": {}},
        "When each word was said, if that is asked for.",
        example=[],
        required=False,
    ),
)
ANALYSIS: Final = Field(
    "call_analysis", {"type": ["object", "null"]}, "How it went.", example={"call_summary": "A talk."}
)
HISTORY: Final = Field(
    "chat_history",
    {"type": "array", "items": as_object(*_ENTRY)},
    "What was said, if that is asked for.",
    example=[{"role": "agent", "content": "Good morning."}],
    required=False,
)
_COMMON: Final = (
    CALL_ID,
    DIRECTION,
    Field("from", _TEXT, "The number that called.", example="+12025550142"),
    Field("call_record", _MAYBE_TEXT, "The address of the recording.", example="https://recordings.example/1.wav"),
    STATUS,
    Field("call_result", {"type": ["string", "null"], "enum": [*_OUTCOMES, None]}, "Who answered.", example="answered"),
    Field("disconnection_reason", _MAYBE_TEXT, "Why it ended.", example="user_hangup"),
    Field("start_at", _MAYBE_TIME, "When it was answered.", example="2026-05-04T09:12:03Z"),
    Field("finished_at", _MAYBE_TIME, "When it ended.", example="2026-05-04T09:13:41Z"),
    Field("duration", {"type": ["number", "null"], "minimum": 0}, "In seconds.", example=98),
    ANALYSIS,
    Field("type", _TEXT, "What started it.", example="api_call"),
    _CREATED_AT,
    AGENT_ID,
    Field("contact", as_object(*_CONTACT), "The person.", example=example_of(*_CONTACT)),
    HISTORY,
    Field(
        "chat_history_with_tools", {"type": "array", "items": {}}, "The same with tools.", example=[], required=False
    ),
    Field("transcript_format", {"const": "json"}, "Of both.", example="json", required=False),
)
ROW: Final = Schema("CallRow", (*_COMMON, CAMPAIGN_ID))
CALL: Final = Schema("Call", _COMMON)

# The live status, which has words of its own.
_LIVE: Final = (
    _CALL_ID,
    Field(
        "call_status",
        {
            "type": "string",
            "enum": [
                *("in_queue", "scheduled", "pending", "in_progress", "ended", "voicemail", "no_answer", "failed"),
                "canceled",
            ],
        },
        "Where it is now.",
        example="in_progress",
    ),
)
LIVE_CALL: Final = Schema(
    "LiveCall",
    (
        *_LIVE,
        AGENT_ID,
        Field("finished", {"type": "boolean"}, "Whether it has ended.", example=False),
        Field("disconnection_reason", _MAYBE_TEXT, "Why it ended.", example=None),
        Field("started_at", _MAYBE_TIME, "When it was answered.", example="2026-05-04T09:12:03Z"),
        Field("ended_at", _MAYBE_TIME, "When it ended.", example=None),
    ),
)
STOPPED_CALL: Final = Schema(
    "StoppedCall", (*_LIVE, Field("stopped", {"type": "boolean"}, "False if it had ended.", example=True))
)
PLACED_CALL: Final = Schema(
    "PlacedCall",
    (
        _CALL_ID,
        AGENT_ID,
        Field("contact_id", _SOME_TEXT, "Of the person.", example="5b8e1d6a-9f44-4c7e-b1a2-83c6d1f0aa07"),
        _CREATED_AT,
    ),
)

# What is sent.
_DATE: Final = {"type": "string", "format": "date"}
FILTERS: Final = optional(
    STATUS,
    Field("call_result", {"type": "string", "enum": [*_OUTCOMES]}, "Who answered.", example="answered"),
    AGENT_ID,
    Field("campaign_id", _SOME_TEXT, "Of the campaign.", example="3a9d5c1e-7b20-4f6d-9e18-c4b7a2d05f63"),
    Field("phoneNumber", _E164, "Of the person.", example="+14155550137"),
)
DATES: Final = optional(
    Field("date_from", _DATE, "The first day of creation, in UTC.", example="2026-05-04"),
    Field("date_to", _DATE, "The last day of creation, the whole of it.", example="2026-05-31"),
)


FLAGS: Final = {
    "include_transcript": "Whether to show what was said.",
    "include_words": "Whether that shows the time of each word.",
    "include_tools": "Whether to show what was said with the tools that the agent used.",
}


def flags(*shown: str) -> tuple[Field, ...]:
    """Return the parameters of what is shown besides, with those that are on by default."""
    return optional(
        *(
            Field(name, {"type": "boolean", "default": name in shown}, description, example=True)
            for name, description in FLAGS.items()
        ),
        Field("transcript_format", {"type": "string", "enum": ["json"]}, "No other is made up here.", example="json"),
    )


_SCHEDULE: Final = (
    Field(
        "scheduled_call_time",
        {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$"},
        "By the clocks of the time zone.",
        example="2026-07-02 16:45:00",
    ),
    Field("timezone", _SOME_TEXT, "The name of an IANA time zone.", example="America/Bogota"),
)
_ITEM: Final = (
    Field("key", _TEXT, "As the agent knows it.", example="order_no"),
    Field("value", _TEXT, "Any text.", example="A-1881"),
)
_SHARED: Final = (
    Field("schedule", as_object(*_SCHEDULE), "When to call.", example=example_of(*_SCHEDULE)),
    Field(
        "additional_data",
        {"type": "array", "items": as_object(*_ITEM)},
        "What the agent is told.",
        example=[example_of(*_ITEM)],
    ),
    Field("metadata", {"type": "object"}, "What the caller wants to note.", example={"run": "7"}),
)
PHONE_CALL: Final = (
    FROM_NUMBER,
    Field("to_number", _E164, "The number to call.", example="+14155550137"),
    FULL_NAME,
    AGENT_ID,
    *optional(
        Field("email", _TEXT, "Of the person.", example="noor@example.com"),
        Field("country", _TEXT, "Of the person.", example="US"),
        Field("delay", {"type": "number", "minimum": 0, "maximum": 525_600}, "Minutes from now.", example=0),
        *_SHARED,
        Field(
            "webhook_url",
            {"type": "string", "pattern": "^https?://[!-~]+$"},
            "Where the finished call is posted.",
            example="http://127.0.0.1:8000/calls",
        ),
    ),
)
CONTACT_CALL: Final = (
    Field("contact_id", _SOME_TEXT, "Of the person.", example="5b8e1d6a-9f44-4c7e-b1a2-83c6d1f0aa07"),
    AGENT_ID,
    Field("from_number_id", _SOME_TEXT, "Of a number of the organization.", example="pn-1"),
    *optional(*_SHARED),
)
