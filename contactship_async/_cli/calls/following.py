"""Following a call: where it is, until it has ended, and then what was said and how it went."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias, TypeVar

from attrs import define, field

from contactship_async import (
    ContactshipClient,
    MalformedResponseError,
    RateLimitError,
    ServerError,
    Timeouts,
    TransportError,
)
from contactship_async._cli.calls.conversation import encode_conversation
from contactship_async._cli.calls.display import CallDisplay
from contactship_async._cli.failures import describe
from contactship_async._cli.listing import run_alone
from contactship_async._cli.output import encode_object
from contactship_async._cli.streams import note, write_lines
from contactship_async._cli.target import Target
from contactship_async._cli.text import printable, write_length
from contactship_async.models.calls import Call, CallAnalysis, LiveCall, LiveCallStatus

T = TypeVar("T")

ConversationFormat: TypeAlias = Literal["text", "json"]

POLL_SECONDS: Final = 4.0  # as the API's documentation recommends

_MAX_FAILURES: Final = 5
"""In a row, each with all its retries: then there is no use in asking again."""

_MAX_TALK_SECONDS: Final = 4 * 3600
"""No call lasts longer; if one seems to, the server's clock is not this machine's."""

_LABELS: Final[Mapping[str, str]] = {
    LiveCallStatus.IN_QUEUE: "in the queue",
    LiveCallStatus.PENDING: "ringing",
    LiveCallStatus.VOICEMAIL: "ended at a voicemail",
    LiveCallStatus.NO_ANSWER: "ended without an answer",
}
"""In place of the API's words, where those are not plain."""

_NOTHING_SAID: Final = frozenset({LiveCallStatus.NO_ANSWER, LiveCallStatus.FAILED, LiveCallStatus.CANCELED})
_NOT_THERE: Final = (None, (), "", CallAnalysis())
_MAY_PASS: Final = (TransportError, RateLimitError, ServerError, MalformedResponseError)


@define
class Following:
    """Follows a call to its end, and to what comes after it.

    Args:
        display: Shows where the call is.
        patience: How many seconds after the end to wait for the transcript and the analysis.
        poll_interval: How many seconds to wait before the next look.
    """

    display: CallDisplay
    patience: float
    poll_interval: float = POLL_SECONDS
    _call_id: str = field(default="", init=False)
    _has_ended: bool = field(default=False, init=False)
    _answered_at: float | None = field(default=None, init=False)

    def run(self, ask: Callable[[ContactshipClient], Awaitable[Call]], target: Target) -> Call:
        """Do what *ask* does with a client of *target*, while it is shown.

        Raises:
            KeyboardInterrupt: At Ctrl-C, after what it has left was told.
        """

        async def show(client: ContactshipClient) -> Call:
            with self.display:
                return await ask(client)

        try:
            return run_alone(show, target, display=self.display)
        except KeyboardInterrupt:
            if self._call_id:
                note(self._describe_interrupt())
            raise

    async def follow(self, client: ContactshipClient, call_id: str) -> Call:
        """Return the call as it is after its end, with its transcript and its analysis if they have come."""
        self._call_id = call_id
        live = await self._ask(lambda: client.calls.get_status(call_id), self._show)
        self._has_ended = True
        self.display.end(_tell_end(live))
        was_answered = live.call_status not in _NOTHING_SAID and live.started_at is not None
        call = await self._ask(
            lambda: client.calls.get(call_id, include_transcript=True),
            lambda call: not was_answered or self._is_complete(call),
            seconds=self.patience,
        )
        missing = _missing_of(call) if was_answered else ""
        if missing:
            note(f"no {missing} within {self.patience:g} s of its end; later, contactship calls get {call_id} has them")
        return call

    def _is_complete(self, call: Call) -> bool:
        missing = _missing_of(call)
        if missing:
            self.display.show(f"waiting for its {missing}")
        return not missing

    def _describe_interrupt(self) -> str:
        if self._has_ended:
            return f"interrupted; the call has ended: contactship calls get {self._call_id}"
        return (
            f"interrupted; the call goes on: contactship calls watch {self._call_id} follows it, "
            f"contactship calls stop {self._call_id} ends it"
        )

    async def _ask(
        self, ask: Callable[[], Awaitable[T]], is_last: Callable[[T], bool], *, seconds: float = math.inf
    ) -> T:
        """Ask again and again, until *is_last* or for *seconds*, and return the last response."""
        clock = asyncio.get_running_loop().time
        ends_at = clock() + seconds
        failures = 0
        while True:
            try:
                found = await ask()
            except _MAY_PASS as error:
                failures += 1
                if failures == _MAX_FAILURES:
                    raise
                note(f"{describe(error)}; asking again")
            else:
                failures = 0
                if is_last(found) or clock() + self.poll_interval > ends_at:
                    return found
            await asyncio.sleep(self.poll_interval)

    def _show(self, live: LiveCall) -> bool:
        """Show where the call is, and return whether it has ended."""
        if live.finished:
            return True
        if live.started_at is not None and self._answered_at is None:
            ago = (datetime.now(UTC) - live.started_at).total_seconds()
            self._answered_at = time.monotonic() - (ago if 0 <= ago <= _MAX_TALK_SECONDS else 0)
        self.display.show(_tell_status(live), self._answered_at)
        return False


def patience_of(target: Target) -> float:
    """Return how many seconds after a call's end to wait for what comes later."""
    return target.timeout or Timeouts().total or _MAX_TALK_SECONDS


def print_conversation(call: Call, format_: ConversationFormat) -> None:
    """Print what became of a call."""
    write_lines(encode_conversation(call) if format_ == "text" else encode_object(call, "json"))


def _tell_status(live: LiveCall) -> str:
    status: str = live.call_status or "unknown"
    return printable(_LABELS.get(status, status.replace("_", " ")))


def _tell_end(live: LiveCall) -> str:
    text = _tell_status(live)
    if live.started_at is not None and live.ended_at is not None:
        text += f" after {write_length((live.ended_at - live.started_at).total_seconds())}"
    return text + (f" ({printable(live.disconnection_reason)})" if live.disconnection_reason else "")


def _missing_of(call: Call) -> str:
    """Name what comes later and is not there yet."""
    parts = {"transcript": call.chat_history, "analysis": call.call_analysis}
    return " and ".join(name for name, part in parts.items() if part in _NOT_THERE)
