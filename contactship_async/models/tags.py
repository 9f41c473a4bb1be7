"""Tags, which an organization puts on its contacts.

Source: https://docs.contactship.ai/api-reference/endpoint/list-tags
"""

from __future__ import annotations

from attrs import frozen

from contactship_async.models.common import AwareDatetime, Model, NonEmptyText

__all__ = ["Tag"]


@frozen
class Tag(Model):
    """A tag of an organization.

    Args:
        id: Opaque.
        name: Unique within the organization.
        color: In hexadecimal form, such as `#1A73E8`.
        label: A short description.
        organization_id: Opaque; the organization that owns the tag.
        created_at: When the tag was created; with a time zone. Missing in the response to an update.
        updated_at: When the tag was changed; with a time zone. Only in the response to an update.
    """

    id: NonEmptyText
    name: str | None = None
    color: str | None = None
    label: str | None = None
    organization_id: str | None = None
    created_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None
