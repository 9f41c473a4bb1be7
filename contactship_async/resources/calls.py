"""The calls of an organization: `/v1/calls`.

Source: https://docs.contactship.ai/api-reference/endpoint/list-calls
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from datetime import date, datetime, timedelta
from typing import Any, Final

from attrs import frozen

from contactship_async._arguments import check_moment, check_phone_number
from contactship_async._http.caller import Caller
from contactship_async._http.requests import build_path
from contactship_async._pagination.declaration import ListingDeclaration
from contactship_async._pagination.listing import Listing, Order
from contactship_async.models.calls import Call, CallDirection, LiveCall, PlacedCall
from contactship_async.resources._call_arguments import build_start

LISTING: Final = ListingDeclaration("/v1/calls", Call, page_size=1000, largest_page=1000, heavy=True)
_STATUS: Final = "/v1/calls/{call_id}/status"
_PHONE_CALL: Final = "/v1/calls/single-phone-call"
_CONTACT_CALL: Final = "/v1/calls/single-contact-call"

_DAY: Final = timedelta(days=1)

_SERVERS_DIFFER: Final = timedelta(seconds=2)
"""By how much a call may seem to be older than it is: its `created_at` may be cut to whole seconds, and the server that
tells the time need not be the one that wrote it."""


@frozen(repr=False)
class Calls:
    """The calls of the organization: `client.calls`."""

    _caller: Caller

    async def get_status(self, call_id: str) -> LiveCall:
        """Ask where a call is now.

        Args:
            call_id: Of the call.

        Raises:
            TypeError: *call_id* is not a string.
            ValueError: *call_id* can't be part of a path.
            NotFoundError: There is no such call.
            ContactshipError: The call failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/get-call-status
        """
        return await self._caller.call("GET", build_path(_STATUS, call_id=call_id), LiveCall)

    def list(self, *, order: Order | None = None, date_from: date | str | None = None) -> Listing[Call]:
        """Stand in for what another branch has."""
        return Listing(LISTING, self._caller, {"date_from": date_from and str(date_from)}, order=order)

    async def make_phone_call(  # noqa: PLR0913 - all that a call can be given, by keyword
        self,
        *,
        from_number: str,
        to_number: str,
        full_name: str,
        agent_id: str,
        email: str | None = None,
        country: str | None = None,
        delay: timedelta | float | None = None,
        schedule: datetime | None = None,
        additional_data: Mapping[str, str] | None = None,
        webhook_url: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> PlacedCall:
        """Call a phone number: this rings a person's phone, and costs credits. It is never sent twice.

        Args:
            from_number: A number of the organization, of the form `+12025550142` (E.164).
            to_number: Whom to call, of the same form.
            full_name: Of the person.
            agent_id: Of the agent that speaks.
            email: Of the person.
            country: Of the person, in whatever form the organization uses.
            delay: How long to wait before calling: a `timedelta`, or minutes, >= 0. Fractions of a minute are sent as
                such; what the API makes of them is not documented.
            schedule: When to call: with a time zone, in whole seconds, not in the past, and not together with *delay*.
                It is sent in UTC. The API has no way to cancel a scheduled call.
            additional_data: What the agent is to know, by names of your own.
            webhook_url: Where to post how the call went: an `https://` URL, or an `http://` URL of this machine.
            metadata: Anything that JSON has a form for. The webhook does not repeat it: keep what you need by the
                call's id.

        Returns:
            The call that was placed. Only its `call_id` is sure to be there.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is not allowed.
            StatusError: It was refused, and nobody is called: a 4xx such as `BadRequestError`.
            AmbiguousOutcomeError: Nobody knows whether it was placed: `find_recent` may tell. It must not be repeated
                before that is known.
            ContactshipError: It was not placed: it never reached the server.

        Source: https://docs.contactship.ai/api-reference/endpoint/make-ai-phone-call
        """
        return await self._start(
            _PHONE_CALL,
            {"from_number": from_number, "to_number": to_number, "full_name": full_name, "agent_id": agent_id},
            email=email,
            country=country,
            delay=delay,
            schedule=schedule,
            additional_data=additional_data,
            webhook_url=webhook_url,
            metadata=metadata,
        )

    async def make_contact_call(  # noqa: PLR0913 - all that a call can be given, by keyword
        self,
        *,
        contact_id: str,
        agent_id: str,
        from_number_id: str,
        schedule: datetime | None = None,
        additional_data: Mapping[str, str] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> PlacedCall:
        """Call a contact: this rings a person's phone, and costs credits. It is never sent twice.

        Args:
            contact_id: Whom to call.
            agent_id: Of the agent that speaks.
            from_number_id: The `id` of a phone number of the organization, not the number itself.
            schedule: As for `make_phone_call`, and so are *additional_data* and *metadata*.
            additional_data: What the agent is to know, by names of your own.
            metadata: Anything that JSON has a form for.

        Returns:
            The call that was placed. Only its `call_id` is sure to be there.

        Raises:
            NotFoundError: There is no such contact or phone number, and nobody is called.
            AmbiguousOutcomeError: Nobody knows whether it was placed. It must not be repeated before that is known.
            ContactshipError: It was not placed. All errors are those of `make_phone_call`.

        Source: https://docs.contactship.ai/api-reference/endpoint/make-contact-call
        """
        return await self._start(
            _CONTACT_CALL,
            {"contact_id": contact_id, "agent_id": agent_id, "from_number_id": from_number_id},
            schedule=schedule,
            additional_data=additional_data,
            metadata=metadata,
        )

    async def find_recent(self, *, to_number: str, since: datetime) -> tuple[Call, ...]:
        """Find the calls to a number that may be what became of a start whose outcome is unknown.

            except AmbiguousOutcomeError as error:
                calls = await client.calls.find_recent(to_number="+14155550137", since=error.sent_at)

        One match for one such start says that it was placed. None says nothing, since a call may appear in the listing
        only later; nor do more matches than starts, since nothing in a call tells which start it came from. A start
        stays unknown then, and a person has to decide. Before you ask, wait for some seconds; and leave out other
        programs that call the same number.

        The clock of this machine may differ from the server's: *since* is corrected by what the responses tell of it
        (`Date`). Each 1,000 calls since then take one request of the heavy budget.

        Args:
            to_number: Whom the start was to call, of the form `+12025550142`.
            since: When it was sent, by the clock of this machine: `error.sent_at`.

        Returns:
            The outbound calls to that number that were created then or later, or up to 2 s earlier; the newest first.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: *to_number* has another form, or *since* has no time zone.
            ContactshipError: A request failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/list-calls
        """
        check_phone_number("to_number", to_number)
        sent_at, server_clock = check_moment("since", since), self._caller.attempts.server_clock
        # The zone of the days is not documented: a day more covers all. Which side of a call the filter `phoneNumber`
        # matches is not documented either, and it might hide the call.
        newest_first = self.list(order="desc", date_from=(server_clock.read(sent_at) - _DAY).date())
        found: list[Call] = []
        async with aclosing(newest_first.pages()) as pages:
            async for page in pages:
                earliest = server_clock.read(sent_at) - _SERVERS_DIFFER
                dated = [(call, call.created_at) for call in page.data if call.created_at is not None]
                found += [call for call, at in dated if at >= earliest and _is_to(call, to_number)]
                if any(at < earliest for _, at in dated):
                    break  # All that is left is older.
        return tuple(found)

    async def _start(self, path: str, required: Mapping[str, object], **optional: object) -> PlacedCall:
        body = build_start(required, optional, now=self._caller.attempts.now())
        return await self._caller.start("POST", path, PlacedCall, json=body)


def _is_to(call: Call, number: str) -> bool:
    is_outbound = call.direction is not None and call.direction != CallDirection.INBOUND
    return is_outbound and call.contact is not None and call.contact.phone_number == number
