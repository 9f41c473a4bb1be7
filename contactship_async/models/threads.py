"""Threads: the conversations with contacts over channels.

Source: https://docs.contactship.ai/api-reference/endpoint/get-thread
"""

from __future__ import annotations

from attrs import frozen

from contactship_async.models.channels import ChannelType
from contactship_async.models.common import AwareDatetime, Model, NonEmptyText, OpenEnum

__all__ = ["AssigneeType", "Thread", "ThreadStatus"]


class ThreadStatus(OpenEnum):
    """Whether a thread goes on; the server may add values, see `OpenEnum`."""

    OPEN = "open"
    CLOSED = "closed"


class AssigneeType(OpenEnum):
    """Who answers in a thread; the server may add values, see `OpenEnum`."""

    USER = "user"
    AGENT = "agent"


@frozen
class Thread(Model):
    """A conversation with a contact over a channel.

    Args:
        id: Opaque; the `thread_id` of messages.
        channel_id: Opaque; the id of the channel.
        channel_type: Such as `WABA`, for WhatsApp.
        contact_id: Opaque; the id of the contact.
        organization_id: Opaque; the organization that owns the thread.
        status: `open` or `closed`.
        assignee: Opaque; the id of who answers, and None for nobody.
        assignee_type: `user` or `agent`; None for nobody.
        created_at: When it began; with a time zone. Missing in the response to an update.
        updated_at: When it was changed; with a time zone.
    """

    id: NonEmptyText
    channel_id: str | None = None
    channel_type: ChannelType | None = None
    contact_id: str | None = None
    organization_id: str | None = None
    status: ThreadStatus | None = None
    assignee: str | None = None
    assignee_type: AssigneeType | None = None
    created_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None
