"""The calls of an organization: `/v1/calls`.

Source: https://docs.contactship.ai/api-reference/endpoint/list-calls
"""

from __future__ import annotations

import re
from datetime import date, datetime
from os import PathLike
from typing import BinaryIO, Final, Literal

from attrs import evolve, frozen

from contactship_async._arguments import (
    check_integer,
    check_seconds,
    choice_or_none,
    flag_or_none,
    phone_number_or_none,
    text_or_none,
)
from contactship_async._http.caller import Caller
from contactship_async._http.downloads import download
from contactship_async._http.polling import poll
from contactship_async._http.requests import build_path, build_request
from contactship_async._pagination.declaration import ListingDeclaration
from contactship_async._pagination.listing import Listing, Order
from contactship_async.models.calls import Call, CallResult, CallStatus, LiveCall, StoppedCall

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
    content_parameters=frozenset({"include_transcript", "include_words", "include_tools"}),
)
_LISTING_OF_TRANSCRIPTS: Final = evolve(LISTING, page_size=25)
"""Each row may have the transcript of an hour: a thousand of them would be more than a response may have."""

_CALL: Final = "/v1/calls/{call_id}"
_STATUS: Final = "/v1/calls/{call_id}/status"
_STOP: Final = "/v1/calls/single-phone-call/{call_id}/stop"

_MAX_RECORDING_BYTES: Final = 512 * 1024 * 1024
"""An hour in WAV, of two channels with 16,000 samples of 16 bits a second, is 440 MiB."""

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


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
            include_words: Whether it says when each word was said; needs *include_transcript*.
            include_tools: Whether rows have `chat_history_with_tools`; they have none if not given.

        Raises:
            TypeError: An argument has the wrong type; a `datetime` is no date here.
            ValueError: An argument is not allowed.

        Source: https://docs.contactship.ai/api-reference/endpoint/list-calls
        """
        filters = {
            "date_from": _date_or_none("date_from", date_from),
            "date_to": _date_or_none("date_to", date_to),
            "call_status": choice_or_none("call_status", call_status, CallStatus),
            "call_result": choice_or_none("call_result", call_result, CallResult),
            "agent_id": text_or_none("agent_id", agent_id),
            "campaign_id": text_or_none("campaign_id", campaign_id),
            "phoneNumber": phone_number_or_none("phone_number", phone_number),
            **_read_contents(include_transcript, include_words, include_tools, has_transcript=bool(include_transcript)),
        }
        declaration = _LISTING_OF_TRANSCRIPTS if include_transcript or include_tools else LISTING
        return Listing(declaration, self._caller, filters, order=order)

    async def get(
        self,
        call_id: str,
        *,
        include_transcript: bool | None = None,
        include_words: bool | None = None,
        include_tools: bool | None = None,
    ) -> Call:
        """Ask for a call, with its transcript unless that is declined.

        Args:
            call_id: Of the call.
            include_transcript: Whether it has `chat_history`; it has if not given.
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
        contents = _read_contents(
            include_transcript, include_words, include_tools, has_transcript=include_transcript is not False
        )
        return await self._caller.call("GET", build_path(_CALL, call_id=call_id), Call, params=contents)

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

    async def stop(self, call_id: str) -> StoppedCall:
        """Hang up a call that rings or is under way. Stopping one that has ended changes nothing.

        The API can't stop a call that is queued or scheduled, and has no way to cancel a scheduled one.

        Args:
            call_id: Of the call.

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
        return await self._caller.call("POST", build_path(_STOP, call_id=call_id), StoppedCall, idempotent=True)

    async def wait(self, call_id: str, *, poll_interval: float = 4.0) -> LiveCall:
        """Wait until a call has ended, by asking for its status now and then. Never stops it.

        Put `asyncio.timeout()` around it for a time limit: a call may be scheduled for next week. What may pass is
        waited out, whatever the `RetryPolicy`: connections that fail, time limits, and the statuses 408, 425, 429 and
        5xx (but 501 and 505).

        All waits of a client together ask at most a quarter as often as the organization may send requests, as the
        server last said; 30 times a minute if it says nothing. So with 60 waits at once, each asks every two minutes;
        for many calls, a webhook is faster.

        Args:
            call_id: Of the call.
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
        request = build_request(method="GET", path=build_path(_STATUS, call_id=call_id))
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


def _has_ended(call: LiveCall) -> bool:
    return bool(call.finished)


def _read_contents(transcript: object, words: object, tools: object, *, has_transcript: bool) -> dict[str, bool | None]:
    """Check which contents are asked for; *has_transcript* if a transcript comes."""
    contents = {
        "include_transcript": flag_or_none("include_transcript", transcript),
        "include_words": flag_or_none("include_words", words),
        "include_tools": flag_or_none("include_tools", tools),
    }
    if words and not has_transcript:
        message = "include_words must come with include_transcript=True: words are part of the transcript"
        raise ValueError(message)
    return contents


def _date_or_none(name: str, value: object) -> str | None:
    """Return a date as it is sent. A `datetime` is refused, though it is a date to Python."""
    if value is None:
        return None
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    allowed = "a date, or a string such as '2026-05-04'"
    if not isinstance(value, str):
        message = f"{name} must be {allowed}, not {type(value).__name__}"
        raise TypeError(message)
    try:
        is_date = _DATE.fullmatch(value) is not None and bool(date.fromisoformat(value))
    except ValueError:
        is_date = False
    if not is_date:
        message = f"{name} must be {allowed}, not {value!r}"
        raise ValueError(message)
    return value
