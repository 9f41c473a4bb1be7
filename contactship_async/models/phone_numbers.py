"""Phone numbers.

Source: https://docs.contactship.ai/api-reference/endpoint/get-phone-numbers
"""

from __future__ import annotations

from attrs import frozen

from contactship_async.models.common import AwareDatetime, Model, NonEmptyText, OpenEnum

__all__ = ["PhoneNumber", "PhoneNumberType"]


class PhoneNumberType(OpenEnum):
    """The direction of the calls a number serves; the server may add values, see `OpenEnum`."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


@frozen
class PhoneNumber(Model):
    """A phone number registered to an organization.

    Args:
        id: Opaque; the `from_number_id` of calls.
        phone_number: In E.164 form, such as `+12025550142`.
        type: `inbound` or `outbound`.
        organization_id: Opaque; the organization that owns the number.
        created_at: When the number was added; with a time zone.
    """

    id: NonEmptyText
    phone_number: NonEmptyText
    type: PhoneNumberType
    organization_id: NonEmptyText
    created_at: AwareDatetime
