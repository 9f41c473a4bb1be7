"""The calls of an organization: `/v1/calls`.

Source: https://docs.contactship.ai/api-reference/endpoint/list-calls
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from datetime import date, datetime, timedelta
from os import PathLike
from typing import Any, BinaryIO, Final, Literal

from attrs import evolve, frozen

from contactship_async._arguments import (
    check_integer,
    check_moment,
    check_phone_number,
    check_seconds,
    choice_or_none,
    phone_number_or_none,
    text_or_none,
    without_none,
)
from contactship_async._http.caller import Caller
from contactship_async._http.downloads import download
from contactship_async._http.polling import poll
from contactship_async._http.requests import build_path, build_request
from contactship_async._pagination.declaration import ListingDeclaration, ListingWindow
from contactship_async._pagination.listing import Listing, Order
from contactship_async.models.calls import (
    Call,
    CallDirection,
    CallResult,
    CallStatus,
    LiveCall,
    PlacedCall,
    StoppedCall,
)
from contactship_async.resources._call_arguments import build_start
from contactship_async.resources._call_filters import date_or_none, read_contents
from contactship_async.resources._common_arguments import citing_page

Status = (
    CallStatus
    | Literal[
        "in-progress",
        "completed",
        "no-answer",
        "failed",
        "in-queue",
        "incomplete",
        "busy",
        "answering-machine",
        "scheduled",
        "voice_mail",
    ]
)
Result = CallResult | Literal["answered", "voicemail", "no_answer", "busy", "failed"]

LISTING: Final = ListingDeclaration(
    "/v1/calls",
    Call,
    page_size=1000,
    largest_page=1000,
    heavy=True,
    content_parameters={
        "include_transcript": ("chat_history", "transcript_format"),
        "include_words": (),
        "include_tools": ("chat_history_with_tools", "transcript_format"),
    },
    window=ListingWindow(
        "date_from",
        end_field="finished_at",
        status_field="call_status",
        final_statuses=frozenset(CallStatus) - {CallStatus.IN_PROGRESS, CallStatus.IN_QUEUE, CallStatus.SCHEDULED},
    ),
)
_LISTING_OF_TRANSCRIPTS: Final = evolve(LISTING, page_size=25)
"""Each row may have the transcript of an hour: a thousand of them would be more than a response may have."""

_PATH: Final = "/v1/calls/{call_id}"
_STATUS_PATH: Final = "/v1/calls/{call_id}/status"
_STOP_PATH: Final = "/v1/calls/single-phone-call/{call_id}/stop"
_PHONE_CALL_PATH: Final = "/v1/calls/single-phone-call"
_CONTACT_CALL_PATH: Final = "/v1/calls/single-contact-call"

_MAX_RECORDING_BYTES: Final = 512 * 1024 * 1024
"""An hour in WAV, of two channels with 16,000 samples of 16 bits a second, is 440 MiB."""

_DAY: Final = timedelta(days=1)

_SERVERS_DIFFER: Final = timedelta(seconds=2)
"""By how much a call may seem to be older than it is: its `created_at` may be cut to whole seconds, and the server that
tells the time need not be the one that wrote it."""


@frozen(repr=False)
class Calls:
    """The calls of the organization: `client.calls`."""

    _caller: Caller

    def list(  # noqa: PLR0913 - all that the endpoint takes, by keyword
        self,
        *,
        order: Order | None = None,
        date_from: date | str | None = None,
        date_to: date | str | None = None,
        call_status: Status | None = None,
        call_result: Result | None = None,
        agent_id: str | None = None,
        campaign_id: str | None = None,
        phone_number: str | None = None,
        include_transcript: bool | None = None,
        include_words: bool | None = None,
        include_tools: bool | None = None,
    ) -> Listing[Call]:
        """Return the listing of calls; nothing is sent before it is iterated over.

        Walks ask for 1,000 rows at once, and for 25 with transcripts. The API has a smaller budget for this endpoint:
        `heavy_rate_limit` of the client.

        Args:
            order: By creation date, `asc` or `desc`; the newest first if not given.
            date_from: Only calls created on this day or later: a date, or `YYYY-MM-DD`. In which time zone a day
                begins is not documented, and so a time of day is refused.
            date_to: Only calls created on this day or earlier, in the same form. Whether the whole day counts is not
                documented.
            call_status: Only calls that this became of, such as `completed`.
            call_result: Only calls that were answered like this, such as `voicemail`.
            agent_id: Only calls of this agent.
            campaign_id: Only calls of this campaign.
            phone_number: Only calls with this number, such as `+12025550142`; of which side is not documented.
            include_transcript: Whether rows have `chat_history`; they have none if not given.
            include_words: Whether the transcript says when each word was said; there must be one.
            include_tools: Whether rows have `chat_history_with_tools`; they have none if not given.

        Raises:
            TypeError: An argument has the wrong type; a `datetime` is no date here.
            ValueError: An argument is not allowed.

        Source: https://docs.contactship.ai/api-reference/endpoint/list-calls
        """
        declaration = _LISTING_OF_TRANSCRIPTS if include_transcript or include_tools else LISTING
        with citing_page("list-calls"):
            contents = read_contents(
                include_transcript, include_words, include_tools, has_transcript=bool(include_transcript)
            )
            filters = {
                "date_from": date_or_none("date_from", date_from),
                "date_to": date_or_none("date_to", date_to),
                "call_status": choice_or_none("call_status", call_status, CallStatus),
                "call_result": choice_or_none("call_result", call_result, CallResult),
                "agent_id": text_or_none("agent_id", agent_id),
                "campaign_id": text_or_none("campaign_id", campaign_id),
                "phoneNumber": phone_number_or_none("phone_number", phone_number),
                **contents,
            }
            return Listing(declaration, self._caller, filters, order=order)

    async def get(
        self,
        call_id: str,
        *,
        include_transcript: bool | None = None,
        include_words: bool | None = None,
        include_tools: bool | None = None,
    ) -> Call:
        """Fetch a call, with its transcript unless that is declined.

        Args:
            call_id: The call's id.
            include_transcript: Whether it has `chat_history`; only `false` leaves that out.
            include_words: Whether that says when each word was said.
            include_tools: Whether it has `chat_history_with_tools`; it has none if not given.

        Returns:
            The call, without `campaign_id`, which only rows of the listing have. Recording, analysis and transcript are
            there some time after it has ended.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: *call_id* can't be part of a path, or *include_words* is asked for without a transcript.
            NotFoundError: There is no such call.
            ContactshipError: The call failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/get-call
        """
        has_transcript = include_transcript is not False
        with citing_page("get-call"):
            contents = read_contents(include_transcript, include_words, include_tools, has_transcript=has_transcript)
        return await self._caller.call("GET", build_path(_PATH, call_id=call_id), Call, params=contents)

    async def get_status(self, call_id: str) -> LiveCall:
        """Fetch the status of a call: where it is now.

        Args:
            call_id: The call's id.

        Raises:
            TypeError: *call_id* is not a string.
            ValueError: *call_id* can't be part of a path.
            NotFoundError: There is no such call.
            ContactshipError: The call failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/get-call-status
        """
        return await self._caller.call("GET", build_path(_STATUS_PATH, call_id=call_id), LiveCall)

    async def stop(self, call_id: str) -> StoppedCall:
        """Hang up a call that rings or is under way. Stopping one that has ended changes nothing.

        The API can't stop a call that is queued or scheduled, and has no way to cancel a scheduled one.

        Args:
            call_id: The call's id.

        Returns:
            Whether it was stopped: `stopped` is False if it had ended before.

        Raises:
            TypeError: *call_id* is not a string.
            ValueError: *call_id* can't be part of a path.
            ConflictError: It is queued, and can be stopped once it rings; or it is scheduled, and can't be.
            NotFoundError: There is no such call.
            ContactshipError: The call failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/stop-call
        """
        return await self._caller.call("POST", build_path(_STOP_PATH, call_id=call_id), StoppedCall, idempotent=True)

    async def wait(self, call_id: str, *, poll_interval: float = 4.0) -> LiveCall:
        """Wait until a call has ended, by asking for its status now and then. Never stops it.

        Put `asyncio.timeout()` around it for a time limit: a call may be scheduled for next week. What may pass is
        waited out, whatever the `RetryPolicy`: connections that fail, time limits, and the statuses 408, 425, 429 and
        5xx (but 501 and 505).

        All waits of a client together ask at most a quarter as often as the organization may send requests, as the
        server last said, or 30 times a minute if it says nothing; at most five times in a row. So of 60 waits at once,
        each asks every two minutes: for many calls, a webhook is faster.

        Args:
            call_id: The call's id.
            poll_interval: How many seconds to wait between two questions at least, above 0.

        Returns:
            Its status once `finished`. Recording, analysis and transcript may come later.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: *call_id* can't be part of a path, or *poll_interval* is not above 0.
            NotFoundError: There is no such call.
            ClientClosedError: The client was closed before the call had ended.
            ContactshipError: A question failed in a way that does not pass.

        Source: https://docs.contactship.ai/api-reference/endpoint/get-call-status
        """
        request = build_request(method="GET", path=build_path(_STATUS_PATH, call_id=call_id))
        check_seconds("poll_interval", poll_interval, may_be_zero=False)
        return await poll(self._caller, request, LiveCall, _has_ended, interval=poll_interval)

    async def download_recording(
        self, call: Call | str, file: str | PathLike[str] | BinaryIO, *, max_bytes: int = _MAX_RECORDING_BYTES
    ) -> int:
        """Download the recording of a call into a file.

        The recording may be on any host: neither the key nor any header of the client goes there, and redirects are
        not followed. The file is complete or not there: a path is written under another name first, readable for its
        owner only, and takes the place of what was there before.

        Failures that may pass are retried. `Timeouts.total` is for the whole download, and `Timeouts.attempt` for a
        silence of the server.

        Args:
            call: The call, or the address of its recording, its `call_record`.
            file: A path, or a file that is open for writing in binary mode.
            max_bytes: The largest recording accepted, >= 1.

        Returns:
            How many bytes it has.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: The call has no recording yet, which comes some time after it has ended; its address is not an
                `https://` URL (`http://` is accepted only of the host of an `http://` base URL, or of this machine
                with such a base URL); or *max_bytes* is out of range.
            OSError: The file can't be written.
            MalformedResponseError: The recording is larger than *max_bytes*.
            StatusError: Its server refuses: an address may be good for a limited time. The path of the error is
                `call_record`, since whoever knows an address may have the recording.
            ContactshipError: The download failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/get-call
        """
        check_integer("max_bytes", max_bytes, lowest=1)
        if not isinstance(call, Call | str):
            message = f"call must be a Call, or the address of its recording, not {type(call).__name__}"
            raise TypeError(message)
        url = call if isinstance(call, str) else call.call_record
        if not url:
            message = "call must have a call_record: it has none yet, since a recording comes some time after the end"
            raise ValueError(message)
        return await download(self._caller, url, file, field="call_record", max_bytes=max_bytes)

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
            full_name: The name of the person.
            agent_id: The id of the agent that speaks.
            email: The e-mail address of the person.
            country: The country of the person, in whatever form the organization uses.
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
            "make-ai-phone-call",
            _PHONE_CALL_PATH,
            from_number=from_number,
            to_number=to_number,
            full_name=full_name,
            agent_id=agent_id,
            **without_none(
                email=email,
                country=country,
                delay=delay,
                schedule=schedule,
                additional_data=additional_data,
                webhook_url=webhook_url,
                metadata=metadata,
            ),
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
            agent_id: The id of the agent that speaks.
            from_number_id: The `id` of a phone number of the organization, not the number itself.
            schedule: When to call: with a time zone, in whole seconds, not in the past. It is sent in UTC. The API has
                no way to cancel a scheduled call.
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
            "make-contact-call",
            _CONTACT_CALL_PATH,
            contact_id=contact_id,
            agent_id=agent_id,
            from_number_id=from_number_id,
            **without_none(schedule=schedule, additional_data=additional_data, metadata=metadata),
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
            The outbound calls to that number, created then or later, or a few seconds earlier; the newest first.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: *to_number* has another form, or *since* has no time zone.
            ContactshipError: A request failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/list-calls
        """
        check_phone_number("to_number", to_number)
        sent_at = check_moment("since", since)
        asked_from = self._day_before(sent_at)
        found = await self._find(to_number, sent_at, asked_from)
        if self._day_before(sent_at) < asked_from:  # The server has told by now that it has another clock.
            found = await self._find(to_number, sent_at, self._day_before(sent_at))
        return tuple(found)

    def _day_before(self, sent_at: datetime) -> date:
        """Return the day to ask from: the zone of the server's days is not documented, and one day more covers all."""
        return (self._caller.attempts.server_clock.read(sent_at) - _DAY).date()

    async def _find(self, to_number: str, sent_at: datetime, date_from: date) -> Sequence[Call]:
        # Which side of a call the filter `phoneNumber` matches is not documented: it might hide the one sought.
        found: list[Call] = []
        async with aclosing(self.list(order="desc", date_from=date_from).pages()) as pages:
            async for page in pages:
                earliest = self._caller.attempts.server_clock.read(sent_at) - _SERVERS_DIFFER
                dated = [(call, call.created_at) for call in page.data if call.created_at is not None]
                found += [call for call, at in dated if at >= earliest and _is_to(call, to_number)]
                if any(at < earliest for _, at in dated):
                    break  # All that is left is older.
        return found

    async def _start(self, slug: str, path: str, **fields: object) -> PlacedCall:
        body = build_start(slug, self._caller.attempts.now(), **fields)
        return await self._caller.start("POST", path, PlacedCall, json=body)


def _has_ended(call: LiveCall) -> bool:
    return bool(call.finished)


def _is_to(call: Call, number: str) -> bool:
    is_outbound = call.direction is not None and call.direction != CallDirection.INBOUND
    return is_outbound and call.contact is not None and call.contact.phone_number == number
