"""A run: calls those who are due, each once, and writes down what comes of it."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from attrs import field, frozen

from contactship_async import AmbiguousOutcomeError, ContactshipClient, NotFoundError, RateLimitError, StatusError
from contactship_async.calling._entries import Caller, Line, Result
from contactship_async.calling._hours import Hours
from contactship_async.calling._journal import Journal
from contactship_async.errors import ContactshipError
from contactship_async.models.calls import Call, CallDirection, PlacedCall

T = TypeVar("T")

_EVER: Final = datetime.min.replace(tzinfo=UTC)

_MAX_STARTS: Final = 4
"""How many starts are under way concurrently: a crash leaves no more than that many unknown."""

_MAX_TROUBLES: Final = 5
"""After how many starts in a row that came to nothing, for a reason that concerns all, a run stops."""

_MAX_LIVE: Final = timedelta(hours=2)
"""After which a call is no longer taken for live; the longest that a plan allows ends after one hour."""

_SILENCE_SECONDS: Final = 5.0
"""After how long it is told that a run waits for a call to end."""

_MAX_NOT_FOUND: Final = 12
_NOT_FOUND_SECONDS: Final = 5.0
"""For how long, a minute, a call that was placed may not be found."""

_LOOK_AGAIN_SECONDS: Final = 60.0
"""How long a run sleeps at the most while people may not be called: clocks are set, and machines sleep."""

_OF_THE_CALLER: Final = re.compile(r"\bagent|\bfrom[_ ]number|\bcredit|\bplan\b", re.IGNORECASE)
"""What a server's message names if a refusal concerns all calls. None of them is documented."""

_CONCERN_ALL: Final = frozenset({401, 402, 403, 429})
_MAY_CONCERN_ALL: Final = frozenset({400, 404, 422})


@frozen(kw_only=True)
class Pace:
    """How fast, and when, people are called.

    Args:
        max_live: How many of the calls may be live at once; >= 1.
        hours: Of the day in which they are; None for all day.
    """

    max_live: int = 5
    hours: Hours | None = None

    def __attrs_post_init__(self) -> None:
        if isinstance(self.max_live, bool) or not isinstance(self.max_live, int):
            message = f"max_live must be an integer >= 1, not {type(self.max_live).__name__}"
            raise TypeError(message)
        if self.max_live < 1:
            message = f"max_live must be an integer >= 1, not {self.max_live}"
            raise ValueError(message)


@frozen
class Watch:
    """What is told while a run goes on.

    Args:
        on_result: Takes a contact and what its start came to, once that is written down.
        tell: Takes a sentence about the run: that it waits for the hours, or for a call to end, or asks for what is
            unknown.
    """

    on_result: Callable[[Line, Result], object] = field(default=lambda _line, _result: None)
    tell: Callable[[str], object] = field(default=lambda _text: None)


class Run:
    """Calls those who are due in a journal, each once.

    First it asks what became of starts whose outcome is unknown (`calls.find_recent`): a single call that may be the
    one, of a contact with a single start in question, settles it as placed. All others stay unknown, and are never
    started again here. Contacts without a number, those of the organization, can't be found that way.

    A start is written down as unknown before anything is sent. It is placed when Contactship has said so, and its place
    among `max_live` is free again when the call has ended. After five starts in a row that came to nothing, for a
    reason that concerns all calls, the run stops.

    Args:
        client: Of the organization.
        journal: With the contacts that are due; not to be used by others meanwhile.
        caller: That of the journal.
        pace: How fast, and when.
        watch: What is told meanwhile.
        now: Returns the time, with a time zone.

    Attributes:
        stopped_by: Why the run stopped before all were started; empty if it did not, or was told to.
    """

    def __init__(  # noqa: PLR0913 - what is called, and how
        self,
        client: ContactshipClient,
        journal: Journal,
        caller: Caller,
        *,
        pace: Pace = Pace(),
        watch: Watch = Watch(),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.stopped_by = ""
        self._client = client
        self._journal = journal
        self._caller = caller
        self._pace = pace
        self._watch = watch
        self._now = now
        self._live = asyncio.Semaphore(pace.max_live)
        self._starting = asyncio.Semaphore(_MAX_STARTS)
        self._is_stopped = False
        self._troubles = 0
        self._lost = 0  # places of calls whose end can't be learned
        self._work: asyncio.Task[None] | None = None
        self._starts: set[asyncio.Task[None]] = set()
        self._watches: set[asyncio.Task[None]] = set()
        self._errors: list[Exception] = []

    def stop(self) -> None:
        """Begin no further start; those that are under way come to their ends."""
        self._is_stopped = True
        if self._work is not None:
            self._work.cancel()

    async def run(self) -> None:
        """Call those who are due.

        Raises:
            JournalError: The journal can't be written. What was under way then is unknown.
        """
        with ThreadPoolExecutor(1) as self._thread:  # SQLite waits for the disk.
            try:
                await self._unless_stopped(self._settle)
                begun_at = self._now()
                await self._unless_stopped(self._dispatch)
                if self._starts:
                    await asyncio.wait(self._starts)
                await self._unless_stopped(self._settle, begun_at)
            finally:
                for task in (*self._starts, *self._watches):
                    task.cancel()
                await asyncio.gather(*self._starts, *self._watches, return_exceptions=True)
        if self._errors:
            raise self._errors[0]

    async def _unless_stopped(self, work: Callable[..., Coroutine[Any, Any, None]], *arguments: object) -> None:
        if self._is_stopped:
            return
        self._work = asyncio.create_task(work(*arguments))
        try:
            await self._work
        except asyncio.CancelledError:
            if not self._is_stopped:
                raise
        finally:
            self._work = None

    async def _dispatch(self) -> None:
        for line, call_id in await self._in_thread(self._journal.live, self._now() - _MAX_LIVE):
            self._keep(self._watches, self._follow_earlier(line, call_id))
        after = 0
        while lines := await self._in_thread(self._journal.due, after):
            for contact in lines:
                await self._starting.acquire()
                await self._wait_for_place()
                await self._wait_for_hours()
                self._keep(self._starts, self._start(contact))
            after = lines[-1].line

    async def _wait_for_place(self) -> None:
        timer = asyncio.get_running_loop().call_later(_SILENCE_SECONDS, self._tell_how_many_are_live)
        try:
            await self._live.acquire()
        finally:
            timer.cancel()

    def _tell_how_many_are_live(self) -> None:
        # None are where a slow start has the last place.
        if live := len(self._watches) + self._lost:
            self._watch.tell(f"{live} {'calls are' if live > 1 else 'call is'} live: waiting for one to end")

    async def _wait_for_hours(self) -> None:
        is_told = False
        hours = self._pace.hours
        while hours is not None and (seconds := hours.seconds_until_open(now := self._now())):
            if not is_told:
                until = (now + timedelta(seconds=seconds)).astimezone(hours.zone)
                self._watch.tell(f"waiting for the hours {hours}, until {until:%Y-%m-%d %H:%M}")
                is_told = True
            await asyncio.sleep(min(seconds, _LOOK_AGAIN_SECONDS))

    async def _start(self, line: Line) -> None:
        await self._in_thread(self._journal.begin, line.line, self._now())
        result, trouble = await self._make(line)
        await self._in_thread(self._journal.record, line.line, result)
        self._watch.on_result(line, result)
        self._count(trouble)
        if result.call_id is None:
            self._live.release()
        else:
            self._keep(self._watches, self._follow(line.line, result.call_id))
        self._starting.release()

    async def _make(self, line: Line) -> tuple[Result, str]:
        """Start a call, and return what that came to, and why it came to nothing if that concerns all calls."""
        try:
            placed = await self._send(line)
        except ContactshipError as error:
            if isinstance(error, AmbiguousOutcomeError) or error.may_have_been_processed:
                return _read_unknown(error), str(error)
            if isinstance(error, StatusError):
                is_due = _concerns_all(error, line)
                result = Result(outcome="refused", status=error.status, message=error.message, is_due=is_due)
                return result, str(error) if is_due else ""
            return Result(outcome="not sent", message=str(error), is_due=True), str(error)
        return Result(outcome="placed", call_id=placed.call_id), ""

    async def _send(self, line: Line) -> PlacedCall:
        calls, caller = self._client.calls, self._caller
        given: dict[str, Any] = {**line.arguments, "agent_id": caller.agent_id}
        if caller.from_number is not None:
            return await calls.make_phone_call(**given, from_number=caller.from_number)
        return await calls.make_contact_call(**given, from_number_id=caller.from_number_id or "")

    def _count(self, trouble: str) -> None:
        self._troubles = self._troubles + 1 if trouble else 0
        if self._troubles == _MAX_TROUBLES:
            self._give_up(f"{_MAX_TROUBLES} starts in a row came to nothing: {trouble}")

    def _give_up(self, reason: str) -> None:
        self.stopped_by = self.stopped_by or reason
        self.stop()

    async def _follow_earlier(self, line: int, call_id: str) -> None:
        await self._live.acquire()
        await self._follow(line, call_id)

    async def _follow(self, line: int, call_id: str) -> None:
        """Wait for the end of a call, and free its place then."""
        try:
            async with asyncio.timeout(_MAX_LIVE.total_seconds()):
                await self._wait_for_end(call_id)
        except (ContactshipError, ValueError) as error:  # ValueError: no path can have such an id.
            # It may be live: its place stays taken.
            self._lost += 1
            self._watch.tell(f"line {line}: when its call ends can't be learned: {error}")
            if self._lost == self._pace.max_live:
                self._give_up("it can't be learned when calls end, and as many as --max-live says may be live")
            return
        except TimeoutError:
            pass
        await self._in_thread(self._journal.end, line)
        self._live.release()

    async def _wait_for_end(self, call_id: str) -> None:
        """Wait for the end of a call. One that was just placed may not be found at first."""
        for _ in range(_MAX_NOT_FOUND):
            try:
                await self._client.calls.wait(call_id)
            except NotFoundError:
                await asyncio.sleep(_NOT_FOUND_SECONDS)
            else:
                return
        await self._client.calls.wait(call_id)

    async def _settle(self, since: datetime = _EVER) -> None:
        """Ask what became of the unknown starts since then."""
        by_number: defaultdict[str, list[Line]] = defaultdict(list)
        for find in (self._journal.unknown, self._journal.placed_by_word):
            for line in await self._in_thread(find):
                if line.to_number is not None:
                    by_number[line.to_number].append(line)
        # Of two starts to the same number, nothing tells which one a call came of.
        single = [(number, lines[0]) for number, lines in by_number.items() if len(lines) == 1]
        asked = [each for each in single if each[1].outcome == "unknown" and each[1].unknown_since >= since]
        if asked:
            self._watch.tell(f"asking what became of starts with an unknown outcome: {len(asked)}")
        for number, line in asked:
            try:
                calls = await self._client.calls.find_recent(to_number=number, since=line.unknown_since)
            except ContactshipError as error:
                self._watch.tell(f"what is unknown stays so: {error}")
                return
            ours = [call.id for call in calls if self._may_be_ours(call)]
            call_id = await self._in_thread(self._journal.find, line.line, ours)
            if call_id is not None:
                self._watch.on_result(line, Result(outcome="placed", call_id=call_id))

    def _may_be_ours(self, call: Call) -> bool:
        return (
            call.agent_id == self._caller.agent_id
            and call.direction != CallDirection.INBOUND
            and call.from_number in {self._caller.from_number, None}
        )

    def _keep(self, tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._stop_if_it_fails(work))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _stop_if_it_fails(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - it is raised when starts under way have come to their ends
            self._errors.append(error)
            self.stop()

    async def _in_thread(self, function: Callable[..., T], *arguments: object) -> T:
        # What is begun there ends there, also when the run is cancelled: what is known is written down.
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments))


def _read_unknown(error: ContactshipError) -> Result:
    cause = error if isinstance(error, StatusError) else error.__cause__
    return Result(
        outcome="unknown",
        status=getattr(error, "status", None),
        message=(cause.message if isinstance(cause, StatusError) else "") or str(error),
        sent_at=error.sent_at if isinstance(error, AmbiguousOutcomeError) else None,
    )


def _concerns_all(error: StatusError, line: Line) -> bool:
    """Tell whether a refusal has to do with the key, the agent, the number or the credits, and not with the contact."""
    if isinstance(error, RateLimitError) or error.status in _CONCERN_ALL:
        return True
    if error.status == 404 and line.to_number is not None:  # noqa: PLR2004 - Not Found: there is no resource of the contact's
        return True
    return error.status in _MAY_CONCERN_ALL and _OF_THE_CALLER.search(error.message) is not None
