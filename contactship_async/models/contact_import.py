"""What goes into an import of contacts, and what comes of each.

Source: https://docs.contactship.ai/api-reference/endpoint/create-contact
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from attrs import field, frozen

from contactship_async.models.contacts import ContactField

__all__ = ["ContactInput", "ImportOutcome", "ImportedContact"]

ImportOutcome: TypeAlias = Literal["created", "updated", "unchanged", "failed"]


@frozen(kw_only=True)
class ContactInput:
    """A contact as it is to be. What is None is not sent, so that it stays as it is where the contact is there already.

    Args:
        phone_number: Of the form `+12025550142`; it tells a contact from others.
        full_name: The person's name.
        country: Such as `US`. The newest page requires it of a new contact, older ones do not.
        email: The e-mail address.
        additional_data: Fields of the organization's own. A contact that is there already keeps its other ones.
    """

    phone_number: str = field(repr=False)
    full_name: str = field(repr=False)
    country: str | None = None
    email: str | None = field(default=None, repr=False)
    additional_data: Sequence[ContactField] | None = field(default=None, repr=False)


@frozen(kw_only=True)
class ImportedContact:
    """What became of one contact of an import.

    Args:
        place: Its place among those that were given, from 0.
        outcome: `created`: there was none with its number. `updated`: there was one that differed. `unchanged`: it was
            there as it is to be, and nothing was sent. `failed`: *error* says why.
        contact_id: The id of the contact; None if it failed.
        error: Why it failed; None if it did not. Unless its `may_have_been_processed` is true, nothing was changed.
    """

    place: int
    outcome: ImportOutcome
    contact_id: str | None = None
    error: Exception | None = None
