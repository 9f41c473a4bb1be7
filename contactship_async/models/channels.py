"""Channels, over which an organization exchanges messages.

Source: https://docs.contactship.ai/api-reference/endpoint/get-channels
"""

from __future__ import annotations

from attrs import frozen

from contactship_async.models.common import AwareDatetime, Model, NonEmptyText, OpenEnum

__all__ = ["AnswerMethod", "Channel", "ChannelStatus", "ChannelType"]


class ChannelType(OpenEnum):
    """What a channel is connected to; the server may add values, see `OpenEnum`."""

    WABA = "WABA"
    INSTAGRAM = "INSTAGRAM"


class ChannelStatus(OpenEnum):
    """Whether a channel is in use; the server may add values, see `OpenEnum`."""

    ACTIVE = "active"
    INACTIVE = "inactive"


class AnswerMethod(OpenEnum):
    """Who answers on a channel; the server may add values, see `OpenEnum`."""

    MANUAL = "manual"
    AUTO = "auto"


@frozen
class Channel(Model):
    """A channel of an organization.

    Args:
        id: Opaque; the `channel_id` of messages.
        name: As people see it.
        type: Such as `WABA`, for WhatsApp.
        status: `active` or `inactive`.
        answer_method: `manual` or `auto`.
        organization_id: Opaque; the organization that owns the channel.
        created_at: When the channel was connected; with a time zone.
    """

    id: NonEmptyText
    name: str | None = None
    type: ChannelType | None = None
    status: ChannelStatus | None = None
    answer_method: AnswerMethod | None = None
    organization_id: str | None = None
    created_at: AwareDatetime | None = None
