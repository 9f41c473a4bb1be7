"""Messages: what was written, or sent as a file, in threads.

Source: https://docs.contactship.ai/api-reference/endpoint/get-message
"""

from __future__ import annotations

from typing import Any

from attrs import frozen

from contactship_async.models.common import AwareDatetime, Model, NonEmptyText, OpenEnum, json_field

__all__ = ["Message", "MessageRole", "MessageSource", "MessageStatus", "MessageType"]


class MessageRole(OpenEnum):
    """Who wrote a message; the server may add values, see `OpenEnum`."""

    HUMAN = "human"
    ASSISTANT = "assistant"


class MessageType(OpenEnum):
    """What a message consists of; the server may add values, see `OpenEnum`."""

    TEXT = "text"
    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    DOCUMENT = "document"
    TEMPLATE = "template"
    LOCATION = "location"


class MessageSource(OpenEnum):
    """Where a message was written; the server may add values, see `OpenEnum`."""

    WEBAPP = "webapp"
    AI_AGENT = "ai_agent"
    WHATSAPP = "whatsapp"


class MessageStatus(OpenEnum):
    """How far a message has come; the server may add values, see `OpenEnum`."""

    PENDING = "pending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


@frozen
class Message(Model):
    """A message in a thread.

    Args:
        id: Opaque; the `message_id` of a send.
        thread_id: Opaque; the id of the thread.
        role: `human`, of users as of people who answer, or `assistant`. Which one a message of the contact has is not
            documented; its `source` is `whatsapp`.
        type: Such as `text`.
        content: What was written; of a file, what was written under it.
        media: The file, in a form that is not documented; None for none.
        from_number: Who sent it: `from` in the API.
        source: Where it was written: `webapp`, `ai_agent` or `whatsapp`.
        status: How far it has come, such as `delivered`.
        sender_id: Opaque; the id of the user who wrote it, and None for other senders.
        created_at: When it was sent; with a time zone.
    """

    id: NonEmptyText
    thread_id: str | None = None
    role: MessageRole | None = None
    type: MessageType | None = None
    content: str | None = None
    media: dict[str, Any] | None = None
    from_number: str | None = json_field("from")
    source: MessageSource | None = None
    status: MessageStatus | None = None
    sender_id: str | None = None
    created_at: AwareDatetime | None = None
