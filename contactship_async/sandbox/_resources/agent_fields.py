"""What an agent is made of, and a voice: the fields of bodies and of rows.

Source: https://docs.contactship.ai/api-reference/endpoint/create-agent
"""

from __future__ import annotations

from typing import Any, Final

from attrs import evolve

from contactship_async.sandbox._api.fields import Field, Schema, as_object, optional
from contactship_async.sandbox._resources.collection import CREATED_AT, ID

_TEXT: Final = {"type": "string", "minLength": 1}
_TEXT_OR_NULL: Final = {"type": ["string", "null"], "minLength": 1}
_SOUNDS: Final = (
    *("coffee-shop", "convention-hall", "summer-outdoor", "mountain-outdoor", "static-noise", "call-center"),
    *("office", "cafe"),
)


def _number(name: str, lowest: float, highest: float, description: str) -> Field:
    return Field(name, {"type": "number", "minimum": lowest, "maximum": highest}, description, example=highest)


_ANALYSIS: Final = (
    Field("type", {"type": "string", "enum": ["string", "enum", "boolean", "number"]}, "Of the value.", "boolean"),
    Field("name", {"type": "string", "pattern": "^[a-z][a-z0-9_]*$"}, "Of the value.", "confirmed"),
    Field(
        "description", {"type": "string", "maxLength": 300}, "What is looked for.", "Visit confirmed", required=False
    ),
    Field("required", {"type": "boolean"}, "Whether it must be found.", example=True, required=False),
    Field(
        "choices",
        {"type": "array", "items": _TEXT, "minItems": 2},
        "Of an enum: what it may be.",
        example=["yes", "no"],
        required=False,
    ),
)

REQUIRED: Final = (
    Field("name", _TEXT, "As the organization calls it.", example="Reminders"),
    Field("voice_id", _TEXT, "Of a voice.", example="voice-alba"),
    Field("timezone", _TEXT, "An IANA name.", example="Europe/Madrid"),
)
"""What a new agent needs."""

NULLABLE: Final = optional(
    Field("conversation_purpose", _TEXT_OR_NULL, "What its calls are for.", example="Confirm visits"),
    Field("prompt", {"type": ["string", "null"], "maxLength": 28_000}, "What it is told to do.", example="Be brief."),
    Field("webhook_url", _TEXT_OR_NULL, "Where its calls are posted.", example="https://app.example/calls"),
    Field(
        "ambient_sound",
        {"type": ["string", "null"], "enum": [*_SOUNDS, None]},
        "What is heard behind its voice.",
        example="office",
    ),
    Field(
        "post_call_analysis_data",
        {"type": ["array", "null"], "items": as_object(*_ANALYSIS)},
        "What is to be found out after a call.",
        example=[{"type": "boolean", "name": "confirmed", "description": "Visit confirmed"}],
    ),
    Field(
        "tools",
        {"type": ["array", "null"], "items": {"type": "object"}},
        "What it can use.",
        example=[{"type": "end_call", "name": "bye"}],
    ),
)
"""What null removes, and what rows show as null where there is nothing."""

OTHERS: Final = optional(
    Field("person_name", _TEXT, "As it calls itself.", example="Iris"),
    Field("language", _TEXT, "That it speaks.", example="es-419"),
    _number("voice_speed", 0.5, 2, "Of its voice."),
    _number("voice_temperature", 0, 2, "How much its voice varies."),
    _number("volume", 0, 2, "Of its voice."),
    _number("ambient_sound_volume", 0, 2, "Of what is heard behind it."),
    _number("responsiveness", 0, 1, "How fast it answers."),
    _number("interruption_sensitivity", 0.1, 1, "0.1 is never interrupted."),
    Field("begin_message", {"type": "string", "maxLength": 240}, "What it says first.", example="Good morning."),
    _number("begin_message_delay_ms", 0, 5000, "Milliseconds before that."),
    _number("max_call_duration_ms", 1, 3_600_000, "Milliseconds until it hangs up."),
    Field(
        "boosted_keywords", {"type": "array", "items": _TEXT}, "Words to understand better.", example=["Contactship"]
    ),
)

START_SPEAKER: Final = Field(
    "start_speaker", {"type": "string", "enum": ["agent", "user"]}, "Who speaks first.", example="agent", required=False
)
"""Only of an agent that is there already."""

UPDATED_AT: Final = evolve(CREATED_AT, name="updated_at", description="When it was changed.")

_DEFAULTS: Final[dict[str, Any]] = {"language": "en-US", "voice_speed": 1, "voice_temperature": 1, "volume": 1}
DEFAULTS: Final = {
    **dict.fromkeys((field.name for field in NULLABLE), None),
    **_DEFAULTS,
    "interruption_sensitivity": 1,
}
"""What an agent shows where nothing was said."""

BODY: Final = (*REQUIRED, *OTHERS, *NULLABLE)
AGENT: Final = Schema("Agent", (ID, *BODY, START_SPEAKER, CREATED_AT, UPDATED_AT))

VOICE: Final = Schema(
    "Voice",
    (
        Field("id", _TEXT, "Opaque; the `voice_id` of agents.", example="voice-alba"),
        Field("name", _TEXT, "As people see it.", example="Alba"),
        Field("language", _TEXT, "That it speaks.", example="es-ES"),
        Field("accent", _TEXT, "In words.", example="Castilian"),
        Field("gender", _TEXT, "In words.", example="female"),
        Field("age", _TEXT, "In words.", example="young"),
        Field("description", _TEXT, "What it sounds like.", example="Warm and calm"),
        *optional(
            Field("preview_url", _TEXT, "Where it can be heard.", example="https://voices.example/voice-alba.mp3"),
            Field("avatar_url", _TEXT, "Where its picture is.", example="https://voices.example/voice-alba.png"),
        ),
    ),
)
