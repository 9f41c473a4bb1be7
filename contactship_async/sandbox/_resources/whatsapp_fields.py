"""What is sent over WhatsApp, and what comes back: the declarations of its endpoints.

Source: https://docs.contactship.ai/api-reference/endpoint/waba-send-message
"""

from __future__ import annotations

from typing import Final

from contactship_async.sandbox._api.fields import Field, Schema, as_object, example_of, optional
from contactship_async.sandbox._resources.threads import CHANNEL_ID, CONTACT_ID

_TEXT: Final = {"type": "string", "minLength": 1}
_MAYBE_TEXT: Final = {"type": ["string", "null"], "minLength": 1}

_THREAD_ID: Final = Field("thread_id", _TEXT, "Of the thread; says both others.", example="thr-1")
_TO: Final = optional(CHANNEL_ID, CONTACT_ID, _THREAD_ID)
_SAVE_MESSAGE: Final = Field(
    "save_message", {"type": "boolean", "default": True}, "Whether it appears in its thread.", example=True
)
_CONTENT: Final = Field("content", _TEXT, "What is written.", example="See you at ten.")
_PARAMETER: Final = (
    Field("type", _TEXT, "What it is.", example="text"),
    *optional(
        Field("text", _TEXT, "What is to stand there.", example="Noor"),
        Field("parameter_name", _TEXT, "The name of the variable, if it has one.", example="first_name"),
    ),
)
_COMPONENT: Final = (
    Field("type", {"type": "string", "enum": ["BODY", "HEADER", "BUTTON"]}, "Which part.", example="BODY"),
    Field(
        "parameters",
        {"type": "array", "items": as_object(*_PARAMETER)},
        "In the order of its variables.",
        example=[{"type": "text", "text": "Noor"}],
        required=False,
    ),
)
_TEMPLATE: Final = (
    Field("template_name", _TEXT, "The `name` of an approved template.", example="reminder"),
    *optional(
        Field("language_code", {**_TEXT, "default": "es"}, "Its `language`.", example="es"),
        Field(
            "components",
            {"type": "array", "items": as_object(*_COMPONENT)},
            "Its parts, filled in.",
            example=[example_of(*_COMPONENT)],
        ),
        _SAVE_MESSAGE,
    ),
)
_MEDIA: Final = (
    Field(
        "media_type", {"type": "string", "enum": ["image", "video", "audio", "document"]}, "Its kind.", example="image"
    ),
    Field("media_data", _TEXT, "A public URL, or base64.", example="https://example.com/map.png"),
    *optional(_CONTENT, Field("file_name", _TEXT, "Made up if it is not given.", example="map.png"), _SAVE_MESSAGE),
)
_LOCATION: Final = (
    Field("latitude", {"type": "number", "minimum": -90, "maximum": 90}, "In degrees.", example=40.4168),
    Field("longitude", {"type": "number", "minimum": -180, "maximum": 180}, "In degrees.", example=-3.7038),
    *optional(
        Field("name", _TEXT, "Of the place.", example="Puerta del Sol"),
        Field("address", _TEXT, "Of the place.", example="Madrid"),
        _SAVE_MESSAGE,
    ),
)

MESSAGE: Final = (*_TO, _CONTENT)
TEMPLATE: Final = (*_TO, *_TEMPLATE)
MEDIA: Final = (*_TO, *_MEDIA)
LOCATION: Final = (*_TO, *_LOCATION)

# What comes back.
_SENT: Final = (
    Field("message_id", _MAYBE_TEXT, "Of the message; null if it is not saved.", example="msg-1"),
    Field("provider_id", _TEXT, "What WhatsApp calls it.", example="wamid.1"),
    Field("thread_id", _TEXT, "Of the thread that it is in.", example="thr-1"),
)
_STATUS: Final = Field("status", {"type": "string", "enum": ["sent", "pending"]}, "How far it is.", example="sent")
_MEDIA_URL: Final = Field("media_url", _TEXT, "Where the file is.", example="https://example.com/map.png")
SENT_TEMPLATE: Final = Schema("SentTemplate", _SENT)
SENT_MEDIA: Final = Schema("SentMedia", (*_SENT, _MEDIA_URL))
SENT_MESSAGE: Final = Schema("SentMessage", (*_SENT, _STATUS))
