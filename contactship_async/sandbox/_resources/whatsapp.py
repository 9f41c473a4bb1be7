"""All the sandbox knows about WhatsApp: four endpoints that send, and what would have been sent.

Source: https://docs.contactship.ai/api-reference/endpoint/waba-send-message
"""

from __future__ import annotations

import json
from base64 import b64decode
from binascii import Error as NotBase64Error
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from attrs import field, frozen

from contactship_async.sandbox._api.fields import Field, Schema
from contactship_async.sandbox._api.replies import Refusal
from contactship_async.sandbox._api.routes import Call, Route
from contactship_async.sandbox._resources.channels import Channels, takes_messages
from contactship_async.sandbox._resources.collection import show_time
from contactship_async.sandbox._resources.contacts import Contacts
from contactship_async.sandbox._resources.messages import Messages
from contactship_async.sandbox._resources.organization import Organization, make_uuid
from contactship_async.sandbox._resources.templates import Templates
from contactship_async.sandbox._resources.threads import Threads
from contactship_async.sandbox._resources.whatsapp_fields import (
    LOCATION,
    MEDIA,
    MESSAGE,
    SENT_MEDIA,
    SENT_MESSAGE,
    SENT_TEMPLATE,
    TEMPLATE,
)

_UPLOADED: Final = "https://media.example"
"""Where files are said to be: nobody can register what ends in .example (RFC 2606)."""

_PATHS: Final = {"send-message": "/v1/waba/send", "send-location": "/api/integrations/waba/send-location"}
"""Those that are not named like their pages; the second is on another host in the world, and here on the same."""


@frozen(kw_only=True)
class OutgoingMessage:
    """One message that would have been sent over WhatsApp.

    Args:
        type: `text`, `template`, `location`, or the type of a file, such as `image`.
        message_id: The id that it has in `messages`; None if it was not to be saved.
        provider_id: What WhatsApp would have called it.
        thread_id: Of the thread that it is in.
        channel_id: Of the channel that it would have gone over.
        contact_id: Whom it would have reached.
        content: What the person would have read: the text, the template as it is filled in, what is written under a
            file, or the place.
        body: All that was sent, also what the sandbox does not know. Not shown by `repr`.
    """

    type: str
    message_id: str | None
    provider_id: str
    thread_id: str
    channel_id: str
    contact_id: str
    content: str | None
    body: Mapping[str, Any] = field(repr=False)


@frozen
class _Draft:
    """What a request sends.

    Args:
        type: Of its message.
        content: What can be read.
        media: The file, if it is one.
        shown: What the response tells besides the ids.
    """

    type: str
    content: str | None
    media: Mapping[str, Any] | None = None
    shown: Mapping[str, Any] = field(factory=dict)


_Write: TypeAlias = Callable[[Mapping[str, Any]], _Draft]


class WhatsApp:
    """What was sent over WhatsApp.

    Args:
        organization: Whose it is.
        channels: What it goes over: those of the type `WABA` that are active.
        contacts: Whom it goes to.
        threads: Where it appears; there is a new one for a contact and a channel that have none.
        messages: Those in them.
        templates: Those that can be sent.
    """

    def __init__(  # noqa: PLR0913 - what messages have to do with, by keyword
        self,
        organization: Organization,
        *,
        channels: Channels,
        contacts: Contacts,
        threads: Threads,
        messages: Messages,
        templates: Templates,
    ) -> None:
        self._organization = organization
        self._channels = channels
        self._contacts = contacts
        self._threads = threads
        self._messages = messages
        self._templates = templates
        self._random = organization.random("whatsapp")
        self._sent: list[OutgoingMessage] = []
        self.routes = (
            self._route("send-message", MESSAGE, SENT_MESSAGE, write=_write_text, errors=(404, 502)),
            self._route("send-template", TEMPLATE, SENT_TEMPLATE, write=self._write_template, errors=(404,)),
            self._route("send-media", MEDIA, SENT_MEDIA, write=self._write_media, errors=(404, 502)),
            self._route("send-location", LOCATION, SENT_MESSAGE, write=_write_location, errors=(403, 404)),
        )

    @property
    def sent(self) -> list[OutgoingMessage]:
        """What would have been sent so far, in order. This is the list itself: clear it as you like."""
        return self._sent

    def _route(
        self,
        name: str,
        body: tuple[Field, ...],
        returns: Schema,
        *,
        write: _Write,
        errors: tuple[int, ...],
    ) -> Route:
        """Declare an endpoint with the errors of its page, which say what an unknown channel is there."""
        unknown_channel = 403 if 403 in errors else 404 if name == "send-message" else 400  # noqa: PLR2004 - of HTTP

        def respond(call: Call) -> Mapping[str, object]:
            thread_id, channel, contact_id = self._address(call.body, unknown_channel)
            return self._send(call, write(call.body), thread_id, channel, contact_id)

        path, slug = _PATHS.get(name, f"/v1/waba/{name}"), f"waba-{name}"
        return Route("POST", path, respond, slug, returns, body=body, errors=errors, shape="whatsapp")

    def _address(self, body: Mapping[str, Any], unknown_channel: int) -> tuple[str | None, Mapping[str, Any], str]:
        """Return the thread, if one is named, the channel and the contact of what is to be sent, or refuse it."""
        thread_id = body.get("thread_id")
        thread = {} if thread_id is None else self._threads.find(thread_id)
        to = {**thread, **body}
        for name in ("channel_id", "contact_id"):
            if name not in to:
                raise Refusal(400, f"{name} is required")
            if thread and to[name] != thread[name]:
                raise Refusal(400, f"{name} must be that of the thread")
        channel = self._channels.of_id(to["channel_id"])
        if channel is None:
            raise Refusal(unknown_channel, "There is no such channel")
        if not takes_messages(channel):
            raise Refusal(400, "channel_id must be an active channel of WhatsApp")
        if self._contacts.find(to["contact_id"])["phone_number"] is None:
            raise Refusal(400, "contact_id must be of a contact that has a phone number")
        return thread_id, channel, to["contact_id"]

    def _send(
        self, call: Call, draft: _Draft, thread_id: str | None, channel: Mapping[str, Any], contact_id: str
    ) -> Mapping[str, object]:
        now = show_time(self._organization.agenda.now)
        thread = self._threads.open(channel, contact_id, thread_id)
        row = {
            "thread_id": thread["id"],
            "role": "human",
            "type": draft.type,
            "content": draft.content,
            "media": draft.media,
            "from": channel["name"],
            "source": "webapp",
            "status": "sent",
            "sender_id": None,
        }
        is_saved = call.body.get("save_message", True)
        ids = {
            "message_id": self._messages.insert(row, created_at=now)["id"] if is_saved else None,
            "provider_id": f"wamid.{make_uuid(self._random)}",
            "thread_id": thread["id"],
        }
        self._sent.append(
            OutgoingMessage(
                type=draft.type,
                channel_id=channel["id"],
                contact_id=contact_id,
                content=draft.content,
                body=json.loads(call.sent),
                **ids,
            )
        )
        return {**ids, **draft.shown}

    def _write_template(self, body: Mapping[str, Any]) -> _Draft:
        template = self._templates.find(body["template_name"], body.get("language_code", "es"))
        texts = [part["text"] for part in template["components"] if "text" in part]
        return _Draft("template", _fill_in("\n".join(texts), body.get("components", ())))

    def _write_media(self, body: Mapping[str, Any]) -> _Draft:
        data, name = body["media_data"], body.get("file_name")
        if data.startswith(("http://", "https://")):
            url = data
        else:
            try:
                b64decode(data, validate=True)
            except (NotBase64Error, ValueError):
                raise Refusal(400, "media_data must be a URL or base64") from None
            url = f"{_UPLOADED}/{make_uuid(self._random)}"
        media = {"url": url, "file_name": name or url.rpartition("/")[2]}
        return _Draft(body["media_type"], body.get("content"), media, {"media_url": url})


def _write_text(body: Mapping[str, Any]) -> _Draft:
    return _Draft("text", body["content"], shown={"status": "sent"})


def _write_location(body: Mapping[str, Any]) -> _Draft:
    place = [body.get("name"), body.get("address"), f"{body['latitude']}, {body['longitude']}"]
    return _Draft("location", "\n".join(filter(None, place)), shown={"status": "sent"})


def _fill_in(text: str, components: Iterable[Mapping[str, Any]]) -> str:
    """Return a template with its variables filled in, those of one part after those of another."""
    parameters = [parameter for component in components for parameter in component.get("parameters", ())]
    for place, parameter in enumerate(parameters, 1):
        variable = parameter.get("parameter_name", place)
        text = text.replace(f"{{{{{variable}}}}}", parameter.get("text", ""))
    return text
