"""All the sandbox knows about messages: those that were sent, those that tests add, and their endpoint.

Source: https://docs.contactship.ai/api-reference/endpoint/get-message
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from attrs import evolve

from contactship_async.sandbox._api.fields import Field, Schema
from contactship_async.sandbox._api.routes import Call, Route
from contactship_async.sandbox._resources.collection import CREATED_AT, ID, Collection
from contactship_async.sandbox._resources.organization import Organization
from contactship_async.sandbox._resources.threads import Threads

_TEXT: Final = {"type": "string"}
_THREAD_ID: Final = Field("thread_id", {**_TEXT, "minLength": 1}, "Of the thread.", example="thr-1")
_ROLE: Final = Field("role", {**_TEXT, "enum": ["human", "assistant"]}, "Who wrote it.", example="human")
_TYPE: Final = Field(
    "type",
    {**_TEXT, "enum": ["text", "image", "video", "audio", "document", "template", "location"]},
    "What it consists of.",
    example="text",
)
_CONTENT: Final = Field("content", {"type": ["string", "null"]}, "What was written.", example="See you at ten.")
_MEDIA: Final = Field("media", {"type": ["object", "null"]}, "The file, if it is one.", example=None)
_FROM: Final = Field("from", _TEXT, "Who sent it.", example="+14155550137")
_SOURCE: Final = Field(
    "source", {**_TEXT, "enum": ["webapp", "ai_agent", "whatsapp"]}, "Where it was written.", example="webapp"
)
_STATUS: Final = Field(
    "status", {**_TEXT, "enum": ["pending", "sent", "delivered", "read", "failed"]}, "How far it is.", example="sent"
)
_SENDER_ID: Final = Field("sender_id", {"type": ["string", "null"]}, "The user who wrote it, if one did.", example=None)
_MESSAGE: Final = Schema(
    "Message",
    (ID, _THREAD_ID, _ROLE, _TYPE, _CONTENT, _MEDIA, _FROM, _SOURCE, _STATUS, _SENDER_ID, CREATED_AT),
)


class Messages(Collection):
    """The messages of the organization, the newest first; those sent over WhatsApp are among them.

    Args:
        organization: Whose they are.
        threads: What they are in.
    """

    def __init__(self, organization: Organization, *, threads: Threads) -> None:
        super().__init__(
            organization,
            name="messages",
            noun="message",
            prefix="msg-",
            default_limit=100,
            shows_organization=False,
        )
        self._threads = threads
        self.routes = (Route("GET", "/v1/messages/{messageId}", self._get, "get-message", _MESSAGE),)

    def add(  # noqa: PLR0913 - what a row shows, all by keyword
        self,
        *,
        thread_id: str | None = None,
        role: str | None = None,
        type: str | None = None,  # noqa: A002 - the API's word
        content: str | None = None,
        media: dict[str, Any] | None = None,
        from_number: str | None = None,
        source: str | None = None,
        status: str | None = None,
        sender_id: str | None = None,
        created_at: datetime | str | None = None,
        id: str | None = None,  # noqa: A002 - the API's word
    ) -> dict[str, Any]:
        """Add one message, such as one that a contact wrote, and return a copy of it.

        What is None is made up, but the file and the user.

        Args:
            thread_id: Any string but the empty one; None is the newest thread, of which one is added if need be.
            role: `human` or `assistant`; None is `human`.
            type: Such as `image`; None is `text`.
            content: Any string.
            media: Any object; None is no file.
            from_number: Any string, shown as `from`.
            source: `webapp`, `ai_agent` or `whatsapp`; None is `whatsapp`.
            status: Such as `read`; None is `delivered`.
            sender_id: Any string; None is no user.
            created_at: As for `PhoneNumbers.add`.
            id: Any string that is no id yet, but the empty one.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is not allowed.
        """
        for field, value in (
            *((_THREAD_ID, thread_id), (_ROLE, role), (_TYPE, type), (_CONTENT, content), (_MEDIA, media)),
            *((evolve(_FROM, name="from_number"), from_number), (_SOURCE, source), (_STATUS, status)),
            (_SENDER_ID, sender_id),
        ):
            field.check(value)
        with self._organization.lock:
            if thread_id is None:
                thread_id = (self._threads[0] if self._threads else self._threads.add())["id"]
            fields = {
                "thread_id": thread_id,
                "role": role or "human",
                "type": type or "text",
                "content": f"Message {self._made + 1}" if content is None else content,
                "media": media,
                "from": self._organization.make_phone_number(self._made) if from_number is None else from_number,
                "source": source or "whatsapp",
                "status": status or "delivered",
                "sender_id": sender_id,
            }
            return self.insert(fields, created_at=created_at, id_=id)

    def insert(
        self, fields: Mapping[str, Any], *, created_at: datetime | str | None = None, id_: str | None = None
    ) -> dict[str, Any]:
        """Add a message with these fields, which are allowed, and return a copy of it."""
        return self._add(id_, created_at, fields)

    def _get(self, call: Call) -> Mapping[str, object]:
        return self._find(call.path["messageId"]).to_dict()
