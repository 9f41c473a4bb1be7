"""The phone numbers of an organization: `/v1/phone-numbers`.

Source: https://docs.contactship.ai/api-reference/endpoint/get-phone-numbers
"""

from __future__ import annotations

from typing import Final, Literal

from attrs import frozen

from contactship_async._arguments import choice_or_none
from contactship_async._http.caller import Caller
from contactship_async._pagination.declaration import ListingDeclaration
from contactship_async._pagination.listing import Listing, Order
from contactship_async.models.phone_numbers import PhoneNumber, PhoneNumberType
from contactship_async.resources._common_arguments import citing_page

Type = PhoneNumberType | Literal["inbound", "outbound"]

LISTING: Final = ListingDeclaration("/v1/phone-numbers", PhoneNumber)


@frozen(repr=False)
class PhoneNumbers:
    """The phone numbers of the organization: `client.phone_numbers`."""

    _caller: Caller

    def list(
        self,
        *,
        type: Type | None = None,  # noqa: A002 - the API's own word
        order: Order | None = None,
    ) -> Listing[PhoneNumber]:
        """Return the listing of phone numbers; nothing is sent before it is iterated over.

        Args:
            type: Only `inbound` or only `outbound` numbers.
            order: By creation date, `asc` or `desc`; the newest first if not given.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is not allowed.

        Source: https://docs.contactship.ai/api-reference/endpoint/get-phone-numbers
        """
        with citing_page("get-phone-numbers"):
            filters = {"type": choice_or_none("type", type, PhoneNumberType)}
            return Listing(LISTING, self._caller, filters, order=order)
