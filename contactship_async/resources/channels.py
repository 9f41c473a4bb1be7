"""The channels of an organization: `/v1/channels`.

Source: https://docs.contactship.ai/api-reference/endpoint/get-channels
"""

from __future__ import annotations

from typing import Final, Literal

from attrs import frozen

from contactship_async._arguments import choice_or_none, text_or_none
from contactship_async._http.caller import Caller
from contactship_async._pagination.declaration import ListingDeclaration
from contactship_async._pagination.listing import Listing, Order
from contactship_async.models.channels import AnswerMethod, Channel
from contactship_async.resources._common_arguments import citing_page

LISTING: Final = ListingDeclaration("/v1/channels", Channel)


@frozen(repr=False)
class Channels:
    """The channels over which the organization exchanges messages: `client.channels`."""

    _caller: Caller

    def list(
        self,
        *,
        status: str | None = None,
        type: str | None = None,  # noqa: A002 - the API's own word
        name: str | None = None,
        answer_method: AnswerMethod | Literal["manual", "auto"] | None = None,
        order: Order | None = None,
    ) -> Listing[Channel]:
        """Return the listing of channels; nothing is sent before it is iterated over.

        Args:
            status: Only channels in this state, such as `active`.
            type: Only channels of this type, such as `WABA`.
            name: Only channels whose name contains this.
            answer_method: Only channels that are answered like this, `manual` or `auto`.
            order: By creation date, `asc` or `desc`; the newest first if not given.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is not allowed.

        Source: https://docs.contactship.ai/api-reference/endpoint/get-channels
        """
        with citing_page("get-channels"):
            filters = {
                "status": text_or_none("status", status),
                "type": text_or_none("type", type),
                "name": text_or_none("name", name),
                "answer_method": choice_or_none("answer_method", answer_method, AnswerMethod),
            }
            return Listing(LISTING, self._caller, filters, order=order)
