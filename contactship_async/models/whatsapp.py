"""WhatsApp: templates, what they are filled in with, and what was sent.

Source: https://docs.contactship.ai/api-reference/endpoint/waba-send-message
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from attrs import frozen

from contactship_async.models.common import Model, NonEmptyText, OpenEnum
from contactship_async.models.messages import MessageStatus

__all__ = [
    "ComponentType",
    "FilledComponent",
    "FilledPart",
    "MediaType",
    "ParameterType",
    "SentMessage",
    "Template",
    "TemplateCategory",
    "TemplateComponent",
    "TemplateParameter",
    "TemplateStatus",
]


class MediaType(StrEnum):
    """The kinds of files that can be sent."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    DOCUMENT = "document"


class FilledPart(StrEnum):
    """The parts of a template that can be filled in; in one that is listed, buttons are `BUTTONS`."""

    BODY = "BODY"
    HEADER = "HEADER"
    BUTTON = "BUTTON"


class ParameterType(OpenEnum):
    """What a part of a template is filled in with; the server may know more, see `OpenEnum`."""

    TEXT = "text"
    IMAGE = "image"
    DOCUMENT = "document"


class ComponentType(OpenEnum):
    """The parts of a template as it is listed; the server may add values, see `OpenEnum`."""

    HEADER = "HEADER"
    BODY = "BODY"
    FOOTER = "FOOTER"
    BUTTONS = "BUTTONS"


class TemplateStatus(OpenEnum):
    """Whether Meta lets a template be sent: only `APPROVED` does. The server may add values, see `OpenEnum`."""

    APPROVED = "APPROVED"
    PENDING = "PENDING"
    REJECTED = "REJECTED"
    IN_APPEAL = "IN_APPEAL"
    PENDING_DELETION = "PENDING_DELETION"
    DISABLED = "DISABLED"
    PAUSED = "PAUSED"


class TemplateCategory(OpenEnum):
    """What a template is for, by which Meta bills it; the server may add values, see `OpenEnum`."""

    MARKETING = "MARKETING"
    UTILITY = "UTILITY"
    AUTHENTICATION = "AUTHENTICATION"


@frozen
class TemplateParameter:
    """What one variable of a template is filled in with.

    Args:
        text: What is to stand there, for the type `text`.
        parameter_name: The name of the variable, in a template whose variables have names; in others they are filled
            in by their order.
        type: What it is, such as `text`; others than those of `ParameterType` are sent as they are.

    Source: https://docs.contactship.ai/api-reference/endpoint/waba-send-template
    """

    text: str | None = None
    parameter_name: str | None = None
    type: ParameterType | str = ParameterType.TEXT


@frozen
class FilledComponent:
    """A part of a template with what its variables are filled in with.

    Args:
        type: `BODY`, `HEADER` or `BUTTON`.
        parameters: In the order of the variables.

    Source: https://docs.contactship.ai/api-reference/endpoint/waba-send-template
    """

    type: FilledPart | str
    parameters: Sequence[TemplateParameter] = ()


@frozen
class SentMessage(Model):
    """A message that WhatsApp has taken.

    Either `message_id` or `provider_id` is there: without any, nobody knows whether it was sent.

    Args:
        message_id: Opaque; the `id` of the message in its thread. May be missing if it was not saved.
        provider_id: Opaque; what WhatsApp calls it.
        thread_id: Opaque; the id of the thread that it is in.
        status: `sent` or `pending`; of messages and locations.
        media_url: Where the file is, for whoever knows the address; of files.
    """

    message_id: NonEmptyText | None = None
    provider_id: NonEmptyText | None = None
    thread_id: str | None = None
    status: MessageStatus | None = None
    media_url: str | None = None


@frozen
class TemplateComponent(Model):
    """A part of a template, as Meta describes it; what else a part has is not kept.

    Args:
        type: `HEADER`, `BODY`, `FOOTER` or `BUTTONS`.
        format: The format of a header, such as `TEXT` or `IMAGE`.
        text: With the variables in double braces.
        buttons: The buttons of `BUTTONS`, each in a form of Meta's.

    Source: https://developers.facebook.com/docs/whatsapp/business-management-api/message-templates/components
    """

    type: ComponentType | None = None
    format: str | None = None
    text: str | None = None
    buttons: tuple[dict[str, Any], ...] | None = None


@frozen
class Template(Model):
    """A text that Meta has to approve before it is sent to somebody who has not written for a day.

    Args:
        id: Opaque.
        name: The `template_name` of a send.
        language: The `language_code` of a send, such as `es`.
        status: Such as `APPROVED`; only those can be sent.
        category: `MARKETING`, `UTILITY` or `AUTHENTICATION`.
        components: Its parts.
    """

    id: NonEmptyText
    name: str | None = None
    language: str | None = None
    status: TemplateStatus | None = None
    category: TemplateCategory | None = None
    components: tuple[TemplateComponent, ...] | None = None
