"""Messages over WhatsApp, and the templates for them: `/v1/waba`.

Source: https://docs.contactship.ai/api-reference/endpoint/waba-send-message
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from attrs import frozen

from contactship_async._arguments import check_text, without_none
from contactship_async._http.caller import Caller
from contactship_async._http.servers import Server
from contactship_async._pagination.cursor import CursorListing
from contactship_async._pagination.declaration import ListingDeclaration
from contactship_async.models.whatsapp import FilledComponent, MediaType, SentMessage, Template
from contactship_async.resources._common_arguments import citing_page
from contactship_async.resources._message_arguments import build_message

LISTING_OF_TEMPLATES: Final = ListingDeclaration("/v1/waba/templates", Template, sort_key=None, has_count=False)
_MESSAGE_PATH: Final = "/v1/waba/send"
_TEMPLATE_PATH: Final = "/v1/waba/send-template"
_MEDIA_PATH: Final = "/v1/waba/send-media"
_LOCATION_PATH: Final = "/api/integrations/waba/send-location"

_NOT_SENT: Final = frozenset({502})
"""Meta is not available: documented as safe to repeat for messages and files.

The pages of templates and locations that could be read do not name it, so that it leaves unknown what became of one.
"""


@frozen(repr=False)
class WhatsApp:
    """Messages over WhatsApp, and the templates for them: `client.whatsapp`."""

    _caller: Caller

    async def send_message(
        self,
        *,
        channel_id: str | None = None,
        contact_id: str | None = None,
        content: str,
        thread_id: str | None = None,
    ) -> SentMessage:
        """Send a text to a contact. It is never sent twice.

        WhatsApp delivers free text only within 24 hours of the contact's last message: before, and later, there is
        `send_template`.

        Args:
            channel_id: The id of the channel that it is sent over.
            contact_id: The id of the contact that it is sent to, who has a phone number.
            content: The text.
            thread_id: The id of the thread to send it in. The documentation says both that *channel_id* and
                *contact_id* are required and that they are inferred from this: without them, it has to be given.

        Returns:
            The message that was sent, with a `message_id`, a `provider_id`, or both.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is empty, or neither *thread_id* nor both others are given.
            StatusError: It was not sent: a 4xx such as `NotFoundError` or `BadRequestError`, whose `message` repeats
                what Meta says; a `RateLimitError` is Meta's limit, and is not waited for. A `ServerError` of status
                502, which is documented as safe to repeat, comes after the retries: it was not sent either.
            AmbiguousOutcomeError: Nobody knows whether it was sent. It must not be repeated before that is known.
            ContactshipError: It was not sent: it never reached the server.

        Source: https://docs.contactship.ai/api-reference/endpoint/waba-send-message
        """
        optional = without_none(channel_id=channel_id, contact_id=contact_id, thread_id=thread_id)
        body = build_message("waba-send-message", content=content, **optional)
        return await self._send(_MESSAGE_PATH, body, harmless_statuses=_NOT_SENT)

    async def send_template(  # noqa: PLR0913 - all that a template can be given, by keyword
        self,
        *,
        channel_id: str | None = None,
        contact_id: str | None = None,
        template_name: str,
        language_code: str | None = None,
        components: Sequence[FilledComponent] | None = None,
        save_message: bool | None = None,
        thread_id: str | None = None,
    ) -> SentMessage:
        """Send a template to a contact, which Meta bills. It is never sent twice.

            from contactship_async.models.whatsapp import FilledComponent, TemplateParameter

            body = FilledComponent("BODY", [TemplateParameter("Noor"), TemplateParameter("10:30")])
            await client.whatsapp.send_template(
                channel_id="chn-1", contact_id="ct-1", template_name="reminder", components=[body]
            )

        Args:
            channel_id: As for `send_message`, and so are *contact_id* and *thread_id*.
            contact_id: The id of the contact that it is sent to.
            template_name: The `name` of a template that is `APPROVED`.
            language_code: Its `language`; `es` if not given.
            components: Its parts that have variables, filled in.
            save_message: Whether it appears in its thread; it does if not given.
            thread_id: The id of the thread to send it in.

        Returns:
            The message that was sent.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is not allowed.
            AmbiguousOutcomeError: Nobody knows whether it was sent. It must not be repeated before that is known. The
                page of this endpoint, as far as it could be read, does not say that a 502 is safe to repeat.
            ContactshipError: It was not sent. All errors are those of `send_message`.

        Source: https://docs.contactship.ai/api-reference/endpoint/waba-send-template
        """
        optional = without_none(
            channel_id=channel_id,
            contact_id=contact_id,
            language_code=language_code,
            components=components,
            save_message=save_message,
            thread_id=thread_id,
        )
        body = build_message("waba-send-template", template_name=template_name, **optional)
        return await self._send(_TEMPLATE_PATH, body)

    async def send_media(  # noqa: PLR0913 - all that a file can be given, by keyword
        self,
        *,
        channel_id: str | None = None,
        contact_id: str | None = None,
        media_type: MediaType | Literal["image", "video", "audio", "document"],
        media_data: str | bytes,
        content: str | None = None,
        file_name: str | None = None,
        save_message: bool | None = None,
        thread_id: str | None = None,
    ) -> SentMessage:
        """Send a file to a contact. It is never sent twice.

        Args:
            channel_id: As for `send_message`, and so are *contact_id* and *thread_id*.
            contact_id: The id of the contact that it is sent to.
            media_type: `image`, `video`, `audio` or `document`.
            media_data: The file: its public URL, or itself, as bytes or base64. A file itself is uploaded first, and
                has a public URL from then on.
            content: What is written under it.
            file_name: As it is shown; made up if not given.
            save_message: Whether it appears in its thread; it does if not given.
            thread_id: The id of the thread to send it in.

        Returns:
            The message that was sent, with its `media_url`.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is not allowed.
            AmbiguousOutcomeError: Nobody knows whether it was sent. It must not be repeated before that is known.
            ContactshipError: It was not sent. All errors are those of `send_message`.

        Source: https://docs.contactship.ai/api-reference/endpoint/waba-send-media
        """
        optional = without_none(
            channel_id=channel_id,
            contact_id=contact_id,
            content=content,
            file_name=file_name,
            save_message=save_message,
            thread_id=thread_id,
        )
        body = build_message("waba-send-media", media_type=media_type, media_data=media_data, **optional)
        return await self._send(_MEDIA_PATH, body, harmless_statuses=_NOT_SENT)

    async def send_location(  # noqa: PLR0913 - all that a location can be given, by keyword
        self,
        *,
        channel_id: str | None = None,
        contact_id: str | None = None,
        latitude: float,
        longitude: float,
        name: str | None = None,
        address: str | None = None,
        save_message: bool | None = None,
        thread_id: str | None = None,
    ) -> SentMessage:
        """Send a location to a contact. It is never sent twice.

        This endpoint is on another server, `integrations_url` of the client, which gets the key, too.

        Args:
            channel_id: As for `send_message`, and so are *contact_id* and *thread_id*.
            contact_id: The id of the contact that it is sent to.
            latitude: In degrees, -90 to 90.
            longitude: In degrees, -180 to 180.
            name: The name of the place.
            address: The address of the place.
            save_message: Whether it appears in its thread; it does if not given.
            thread_id: The id of the thread to send it in.

        Returns:
            The message that was sent.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is not allowed.
            PermissionDeniedError: The channel belongs to another organization, and it was not sent.
            AmbiguousOutcomeError: Nobody knows whether it was sent. It must not be repeated before that is known. The
                page of this endpoint, as far as it could be read, does not say that a 502 is safe to repeat.
            ContactshipError: It was not sent. All errors are those of `send_message`.

        Source: https://docs.contactship.ai/api-reference/endpoint/waba-send-location
        """
        optional = without_none(
            channel_id=channel_id,
            contact_id=contact_id,
            name=name,
            address=address,
            save_message=save_message,
            thread_id=thread_id,
        )
        body = build_message("waba-send-location", latitude=latitude, longitude=longitude, **optional)
        return await self._send(_LOCATION_PATH, body, server=self._caller.connection.integrations)

    def list_templates(self, channel_id: str) -> CursorListing[Template]:
        """Return the listing of the templates of a channel; nothing is sent before it is iterated over.

        All of them come, whatever their `status`: only those that are `APPROVED` can be sent.

        Args:
            channel_id: The channel's id.

        Raises:
            TypeError: *channel_id* is not a string.
            ValueError: *channel_id* is empty.

        Source: https://docs.contactship.ai/api-reference/endpoint/waba-get-templates
        """
        with citing_page("waba-get-templates"):
            filters = {"channel_id": check_text("channel_id", channel_id)}
        return CursorListing(LISTING_OF_TEMPLATES, self._caller, filters)

    async def _send(
        self,
        path: str,
        body: dict[str, object],
        *,
        harmless_statuses: frozenset[int] = frozenset(),
        server: Server | None = None,
    ) -> SentMessage:
        return await self._caller.start(
            "POST",
            path,
            SentMessage,
            json=body,
            identified_by=("message_id", "provider_id"),
            relayed=True,
            harmless_statuses=harmless_statuses,
            server=server,
        )
