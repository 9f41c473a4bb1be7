"""A run: who is called, in which order and at what pace, and what is written down."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

import jumping_loop
import pytest
from attrs import define, field
from turns import pass_turns

from contactship_async import (
    AmbiguousOutcomeError,
    AuthenticationError,
    BadRequestError,
    ClientClosedError,
    ConnectionFailedError,
    ContactshipClient,
    ContactshipError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    StatusError,
)
from contactship_async.calling import (
    Caller,
    Hours,
    Journal,
    JournalError,
    Line,
    Pace,
    Result,
    Run,
    Watch,
    _runner,
    read_contacts,
)
from contactship_async.models.calls import Call, CallContact, CallDirection, LiveCall, PlacedCall

T = TypeVar("T")

CALLER = Caller("agent-1", from_number="+12025550100")
BEGAN = datetime(2026, 11, 28, 8, tzinfo=UTC)
SENT = BEGAN + timedelta(seconds=5)


class SameThread(Executor):
    """Does at once what it is given: time that jumps does not wait for threads."""

    def submit(self, function: Callable[..., T], /, *arguments: Any, **options: Any) -> Future[T]:
        """Call *function*."""
        done: Future[T] = Future()
        try:
            done.set_result(function(*arguments, **options))
        except BaseException as error:  # noqa: BLE001 - as an executor does
            done.set_exception(error)
        return done


@pytest.fixture(autouse=True)
def _no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_runner, "ThreadPoolExecutor", lambda _: SameThread())


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Return an empty journal."""
    with Journal(tmp_path / "calls.db") as opened:
        yield opened


def take(journal: Journal, people: int, *, caller: Caller = CALLER, column: str = "to_number") -> None:
    """Let a journal take so many people."""
    more = ",full_name" if column == "to_number" else ""
    lines = [f"+120255501{place:02},Person {place}" if more else f"contact-{place}" for place in range(people)]
    header, rows = read_contacts(io.BytesIO("\n".join([f"{column}{more}", *lines, ""]).encode()))
    journal.take(caller, header, rows, lambda _: None)


def now() -> datetime:
    """Return the time of the running loop, as a time of day."""
    return BEGAN + timedelta(seconds=jumping_loop.now() - 1000)


@define
class Calls:
    """Stands in for `client.calls`.

    Args:
        outcomes: What starts come to, in order; after the last one they are placed.
        talk_seconds: How long a call takes.
        start_seconds: How long a start takes.
        ask_seconds: How long it takes to find recent calls.
        recent: What `find_recent` returns, by numbers.
        ends: What waiting for the end of a call raises, by ids.
        not_found: How often a call is not found at first.
    """

    outcomes: list[Exception] = field(factory=list)
    talk_seconds: float = 60
    start_seconds: float = 1
    ask_seconds: float = 0
    recent: Mapping[str, list[Call] | Exception] = field(factory=dict)
    ends: Mapping[str, Exception] = field(factory=dict)
    not_found: int = 0
    started: list[tuple[datetime, Mapping[str, Any]]] = field(factory=list)
    asked: list[Mapping[str, Any]] = field(factory=list)
    waited_for: list[str] = field(factory=list)
    live: int = 0
    most_live: int = 0
    starting: int = 0
    most_starting: int = 0

    async def make_phone_call(self, **arguments: Any) -> PlacedCall:
        """Start a call."""
        self.started.append((now(), arguments))
        number = len(self.started)
        self.starting += 1
        self.most_starting = max(self.most_starting, self.starting)
        try:
            await asyncio.sleep(self.start_seconds)
        finally:
            self.starting -= 1
        if number <= len(self.outcomes):
            raise self.outcomes[number - 1]
        self.live += 1
        self.most_live = max(self.most_live, self.live)
        return PlacedCall(f"call-{number}")

    make_contact_call = make_phone_call

    async def wait(self, call_id: str) -> LiveCall:
        """Wait for the end of a call."""
        self.waited_for.append(call_id)
        if self.waited_for.count(call_id) <= self.not_found:
            raise status_error(404)
        await asyncio.sleep(self.talk_seconds)
        if call_id in self.ends:
            raise self.ends[call_id]
        self.live -= 1
        return LiveCall(call_id, finished=True)

    async def find_recent(self, **arguments: Any) -> tuple[Call, ...]:
        """Find calls."""
        self.asked.append(arguments)
        await asyncio.sleep(self.ask_seconds)
        found = self.recent.get(arguments["to_number"], [])
        if isinstance(found, Exception):
            raise found
        return tuple(found)


@define
class Told:
    """What a run told."""

    results: list[tuple[int, Result]] = field(factory=list)
    texts: list[str] = field(factory=list)

    @property
    def watch(self) -> Watch:
        """Return what a run tells."""
        return Watch(lambda line, result: self.results.append((line.line, result)), self.texts.append)

    @property
    def outcomes(self) -> list[str]:
        """Return the outcomes, in order."""
        return [result.outcome for _, result in self.results]


def call(
    journal: Journal, calls: Calls, *, after: Callable[[Run], Any] | None = None, **settings: Any
) -> tuple[Run, Told]:
    """Run all that is due, and return the run and what it told.

    Args:
        journal: Of the run.
        calls: In place of those of a client.
        after: Is awaited beside the run.
        settings: Of the run.
    """
    told = Told()

    class Client:
        """Stands in for a client."""

        def __init__(self) -> None:
            self.calls = calls

    async def main() -> Run:
        run = Run(
            cast("ContactshipClient", Client()),
            journal,
            settings.pop("caller", CALLER),
            watch=told.watch,
            now=now,
            **settings,
        )
        beside = None if after is None else asyncio.create_task(after(run))
        try:
            await run.run()
        finally:
            if beside is not None:
                await beside
        return run

    return jumping_loop.run(main()), told


def status_error(status: int, message: str = "") -> StatusError:
    """Return the error of a refusal."""
    classes: dict[int, type[StatusError]] = {400: BadRequestError, 401: AuthenticationError, 403: PermissionDeniedError}
    classes |= {404: NotFoundError, 429: RateLimitError}
    kind = classes.get(status, StatusError)
    return kind(status=status, method="POST", path="/v1/calls/single-phone-call", message=message)


def unknown(status: int | None = None, message: str = "") -> AmbiguousOutcomeError:
    """Return the error of a start whose outcome is unknown, with a status and a message of the server's or without."""
    error = AmbiguousOutcomeError("it is unknown", sent_at=SENT, status=status)
    error.__cause__ = None if status is None else status_error(status, message)
    return error


def recent(call_id: str, **changes: Any) -> Call:
    """Return a call that a listing has."""
    facts = {"direction": CallDirection.OUTBOUND, "from_number": CALLER.from_number, "agent_id": CALLER.agent_id}
    return Call(call_id, contact=CallContact("c", phone_number="+12025550100"), **{**facts, **changes})


def test_calls_each_once_in_order(journal: Journal) -> None:
    """With what the file says, who calls, and nothing else; a second run has nothing to do."""
    take(journal, 12)
    calls = Calls()
    _, told = call(journal, calls)

    assert [f"+120255501{place:02}" for place in range(12)] == [given["to_number"] for _, given in calls.started]
    assert {
        "to_number": "+12025550100",
        "full_name": "Person 0",
        "agent_id": "agent-1",
        "from_number": "+12025550100",
    } == calls.started[0][1]
    assert {"placed": 12} == journal.count()
    assert [(place + 2, f"call-{place + 1}") for place in range(12)] == sorted(
        (line, result.call_id) for line, result in told.results
    )
    _, told = call(journal, calls)
    assert (12, []) == (len(calls.started), told.results)


def test_calls_contacts_of_the_organization(journal: Journal) -> None:
    """By their ids, from the id of a number."""
    caller = Caller("agent-1", from_number_id="number-1")
    take(journal, 1, caller=caller, column="contact_id")
    calls = Calls()
    call(journal, calls, caller=caller)

    assert {"contact_id": "contact-0", "agent_id": "agent-1", "from_number_id": "number-1"} == calls.started[0][1]


@pytest.mark.parametrize("max_live", [1, 3, 5, 20])
def test_no_more_are_live_than_is_said(journal: Journal, max_live: int) -> None:
    """A call's place is free when it has ended; that many are reached, but no more than four starts are under way."""
    take(journal, 30)
    calls = Calls()
    call(journal, calls, pace=Pace(max_live=max_live))

    assert (max_live, min(max_live, 4)) == (calls.most_live, calls.most_starting)
    assert 30 == len(calls.started)


def test_calls_of_an_earlier_run_are_live(journal: Journal) -> None:
    """They take their places until they have ended, if they began in the last two hours."""
    take(journal, 4)
    for line, hours in ((2, 3), (3, 1)):
        journal.begin(line, BEGAN - timedelta(hours=hours))
        journal.record(line, Result(outcome="placed", call_id=f"earlier-{line}"))
    calls = Calls(live=1)
    call(journal, calls, pace=Pace(max_live=1))

    assert "earlier-3" == calls.waited_for[0]
    assert "earlier-2" not in calls.waited_for
    assert [BEGAN + timedelta(seconds=60), BEGAN + timedelta(seconds=121)] == [at for at, _ in calls.started]
    assert 1 == calls.most_live


def test_calls_that_never_end_give_their_places_back(journal: Journal) -> None:
    """After two hours: no plan allows calls that long."""
    take(journal, 2)
    calls = Calls(talk_seconds=10**6)
    call(journal, calls, pace=Pace(max_live=1))

    assert [BEGAN, BEGAN + timedelta(hours=2, seconds=1)] == [at for at, _ in calls.started]


def test_a_place_stays_taken_if_nobody_knows_that_the_call_has_ended(journal: Journal) -> None:
    """If that holds for all places, the run stops, and says why."""
    take(journal, 5)
    calls = Calls(ends={f"call-{number}": status_error(403) for number in (1, 2, 3)})
    run, told = call(journal, calls, pace=Pace(max_live=2))

    assert 2 == len(calls.started)
    assert "it can't be learned when calls end, and as many as --max-live says may be live" == run.stopped_by
    assert (
        "line 2: when its call ends can't be learned: POST /v1/calls/single-phone-call failed: 403 Forbidden"
        == told.texts[1]
    )


def test_a_call_that_is_not_found_at_first(journal: Journal) -> None:
    """What was just placed may be unknown to the server for a minute, which costs no place."""
    take(journal, 5)
    run, _ = call(journal, Calls(not_found=12), pace=Pace(max_live=2))

    assert ("", 5) == (run.stopped_by, journal.count()["placed"])


def test_a_call_that_is_never_found(journal: Journal) -> None:
    """After a minute, nobody knows when it ends."""
    take(journal, 3)
    run, told = call(journal, Calls(not_found=13), pace=Pace(max_live=1))

    assert "it can't be learned" in run.stopped_by
    assert any("404 Not Found" in text for text in told.texts)


def test_an_id_that_no_path_can_have(journal: Journal) -> None:
    """It keeps the place of its call, and does not end the run."""
    take(journal, 3)
    run, told = call(journal, Calls(ends={"call-1": ValueError("call_id must be another")}), pace=Pace(max_live=2))

    assert ("", 3) == (run.stopped_by, journal.count()["placed"])
    assert any("call_id must be another" in text for text in told.texts)


def test_tells_that_it_waits_for_a_call_to_end(journal: Journal) -> None:
    """After some seconds of silence, and once for each wait; also when the calls are those of an earlier run."""
    take(journal, 4)
    for line in (2, 3):
        journal.begin(line, BEGAN - timedelta(minutes=1))
        journal.record(line, Result(outcome="placed", call_id=f"earlier-{line}"))
    _, told = call(journal, Calls(live=2), pace=Pace(max_live=1))

    assert [f"{number} waiting for one to end" for number in ("2 calls are live:", "1 call is live:")] == told.texts


def test_a_call_whose_end_nobody_knows_is_told_as_live(journal: Journal) -> None:
    """Its place stays taken."""
    take(journal, 4)
    _, told = call(journal, Calls(ends={"call-1": status_error(403)}), pace=Pace(max_live=2))

    live = "2 calls are live: waiting for one to end"
    assert [live, live] == [text for text in told.texts if not text.startswith("line ")]


def test_tells_nothing_of_short_waits(journal: Journal) -> None:
    """Nor that calls are live where a start alone is slow."""
    take(journal, 3)
    _, told = call(journal, Calls(talk_seconds=4, start_seconds=0.5), pace=Pace(max_live=1))
    assert [] == told.texts

    take(journal, 5)
    _, told = call(journal, Calls(talk_seconds=0, start_seconds=20), pace=Pace(max_live=1))
    assert [] == told.texts


def test_waits_for_the_hours(journal: Journal) -> None:
    """Nobody is called outside of them; that is told once, and how long it takes is looked at again and again."""
    take(journal, 3)
    calls = Calls(talk_seconds=3600)
    hours = Hours.read("09:30-10:45", "Europe/Madrid")  # where it is 9:00 now
    _, told = call(journal, calls, pace=Pace(max_live=1, hours=hours))

    half_past = datetime(2026, 11, 28, 8, 30, tzinfo=UTC)
    assert [half_past, half_past + timedelta(seconds=3601), half_past + timedelta(days=1)] == [
        at for at, _ in calls.started
    ]
    until = [f"waiting for the hours 09:30-10:45 (Europe/Madrid), until 2026-11-{day} 09:30" for day in (28, 29)]
    live = "1 call is live: waiting for one to end"
    assert [until[0], live, live, until[1]] == told.texts


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            status_error(400, "full_name is too long"),
            Result(outcome="refused", status=400, message="full_name is too long"),
        ),
        (status_error(409), Result(outcome="refused", status=409)),
        (
            status_error(400, "unknown agent"),
            Result(outcome="refused", status=400, message="unknown agent", is_due=True),
        ),
        (status_error(422, "from_number"), Result(outcome="refused", status=422, message="from_number", is_due=True)),
        (status_error(401), Result(outcome="refused", status=401, is_due=True)),
        (status_error(402), Result(outcome="refused", status=402, is_due=True)),
        (status_error(403), Result(outcome="refused", status=403, is_due=True)),
        (status_error(404), Result(outcome="refused", status=404, is_due=True)),
        (status_error(429), Result(outcome="refused", status=429, is_due=True)),
        (ConnectionFailedError("no"), Result(outcome="not sent", message="no", is_due=True)),
        (ClientClosedError("no"), Result(outcome="not sent", message="no", is_due=True)),
        (unknown(), Result(outcome="unknown", message="it is unknown", sent_at=SENT)),
        (unknown(503), Result(outcome="unknown", status=503, message="it is unknown", sent_at=SENT)),
        (unknown(500, "ours"), Result(outcome="unknown", status=500, message="ours", sent_at=SENT)),
    ],
    ids=lambda value: type(value).__name__ + str(getattr(value, "status", "")),
)
def test_outcomes(journal: Journal, error: ContactshipError, expected: Result) -> None:
    """A refusal that is the contact's own is final; one that concerns all, and what was not sent, is due again."""
    take(journal, 1)
    _, told = call(journal, Calls(outcomes=[error]))

    assert [(2, expected)] == told.results
    [line] = journal.lines()
    assert (expected.outcome, expected.status, expected.is_due) == (line.outcome, line.status, line.is_due)
    assert (expected.message or None, expected.sent_at) == (line.message, line.sent_at)


def test_what_may_have_been_processed_is_unknown(journal: Journal) -> None:
    """Whatever the error is called."""
    error = ServerError(status=500, method="POST", path="/v1/x")
    error.may_have_been_processed = True
    take(journal, 1)
    _, told = call(journal, Calls(outcomes=[error]))

    assert [(2, Result(outcome="unknown", status=500, message=str(error)))] == told.results


def test_a_contact_that_is_missing_is_its_own_fault(journal: Journal) -> None:
    """A 404 may be about the contact, unless its message names the agent or the number."""
    caller = Caller("agent-1", from_number_id="number-1")
    take(journal, 2, caller=caller, column="contact_id")
    _, told = call(
        journal,
        Calls(outcomes=[status_error(404, "no contact"), status_error(404, "no such from_number")]),
        caller=caller,
    )

    assert [False, True] == [result.is_due for _, result in told.results]


TROUBLES = [
    status_error(401),
    status_error(402),
    status_error(404),
    ConnectionFailedError("no"),
    unknown(),
    status_error(403),
]


def test_five_troubles_in_a_row_stop_it(journal: Journal) -> None:
    """Whatever they are: refusals that concern all, what could not be sent, what is unknown. Others are left due."""
    take(journal, 20)
    calls = Calls(outcomes=[*TROUBLES, *TROUBLES])
    run, told = call(journal, calls, pace=Pace(max_live=1))

    assert 5 == len(calls.started)
    assert "5 starts in a row came to nothing: it is unknown" == run.stopped_by
    assert {"refused": 3, "not sent": 1, "unknown": 1, "due": 15} == journal.count()
    assert 19 == journal.count_due()
    assert [] == calls.asked  # of what became unknown just now
    call(journal, calls := Calls())
    assert 19 == len(calls.started)
    assert told.outcomes == ["refused", "refused", "refused", "not sent", "unknown"]


def test_other_outcomes_end_the_row(journal: Journal) -> None:
    """A call that is placed, and a refusal that is the contact's own, show that the others may go on."""
    take(journal, 12)
    own = status_error(400, "full_name is too long")
    calls = Calls(outcomes=[*TROUBLES[:4], own, *TROUBLES[:4]])
    run, _ = call(journal, calls, pace=Pace(max_live=1))

    assert "" == run.stopped_by
    assert {"placed": 3, "refused": 7, "not sent": 2} == journal.count()


def test_asks_what_became_of_what_is_unknown(journal: Journal) -> None:
    """Before anybody is called: a single call that may be the one settles it, and takes its place among the live."""
    take(journal, 6)
    journal.begin(2, BEGAN - timedelta(minutes=9))
    for line in (3, 4, 5, 6):
        journal.begin(line, BEGAN - timedelta(minutes=8))
        journal.record(line, Result(outcome="unknown", sent_at=BEGAN - timedelta(minutes=7)))
    calls = Calls(
        live=1,
        recent={
            "+12025550100": [recent("found")],
            "+12025550101": [recent("one"), recent("two")],
            "+12025550102": [recent("other", agent_id="agent-2"), recent("in", direction=CallDirection.INBOUND)],
            "+12025550103": [recent("elsewhere", from_number="+12025550199"), recent("found")],
        },
    )
    _, told = call(journal, calls)

    assert [BEGAN - timedelta(minutes=9), *[BEGAN - timedelta(minutes=7)] * 4] == [
        asked["since"] for asked in calls.asked
    ]
    assert [(2, "found"), (7, "call-1")] == [(line, result.call_id) for line, result in told.results]
    assert [3, 4, 5, 6] == [line.line for line in journal.unknown()]
    assert ["+12025550105"] == [given["to_number"] for _, given in calls.started]
    assert "found" in calls.waited_for
    assert ["asking what became of starts with an unknown outcome: 5"] == told.texts


def test_asks_again_of_what_became_unknown(journal: Journal) -> None:
    """At the end of the run, since the call may be listed by then; what was unknown before is not asked again."""
    take(journal, 3)
    journal.begin(2, BEGAN - timedelta(minutes=8))
    calls = Calls(outcomes=[unknown()], recent={"+12025550101": [recent("found")]})
    _, told = call(journal, calls)

    assert ["+12025550100", "+12025550101"] == [asked["to_number"] for asked in calls.asked]
    assert ["unknown", "placed", "placed"] == told.outcomes
    assert [2] == [line.line for line in journal.unknown()]


def test_two_starts_to_one_number_stay_unknown(journal: Journal) -> None:
    """Nothing tells which of them a call came of; contacts without a number can't be asked for at all."""
    header, rows = read_contacts(
        io.BytesIO(b"key,to_number,full_name\n1,+12025550100,Max\n2,+12025550100,Max\n3,+12025550100,Max\n")
    )
    journal.take(CALLER, header, rows, lambda _: None)
    journal.begin(2, BEGAN)
    journal.begin(3, BEGAN)
    calls = Calls(recent={"+12025550100": [recent("found")]})
    call(journal, calls)

    assert [] == calls.asked
    assert {"unknown": 2, "placed": 1} == journal.count()


def test_a_call_may_be_one_that_a_person_has_found(journal: Journal) -> None:
    """What a person settles as placed has no id: a call to the same number may be that one, and settles nothing."""
    header, rows = read_contacts(
        io.BytesIO(b"key,to_number,full_name\n1,+12025550100,Max\n2,+12025550100,Max\n3,+12025550101,Max\n")
    )
    journal.take(CALLER, header, rows, lambda _: None)
    for line in (2, 3, 4):
        journal.begin(line, BEGAN)
    journal.settle(2, is_placed=True)
    journal.settle(4, is_placed=True)
    calls = Calls(recent={"+12025550100": [recent("found")]})
    call(journal, calls)

    assert [] == calls.asked
    assert [3] == [line.line for line in journal.unknown()]


@pytest.mark.parametrize(("max_live", "error"), [(0, ValueError), (True, TypeError), ("5", TypeError)])
def test_wrong_paces(max_live: Any, error: type[Exception]) -> None:
    """A number of calls is an integer, and at least one."""
    with pytest.raises(error, match=r"^max_live must be an integer >= 1, not (0|bool|str)$"):
        Pace(max_live=max_live)


def test_contacts_without_a_number_stay_unknown(journal: Journal) -> None:
    """The listing is asked by numbers; a person has to look."""
    caller = Caller("agent-1", from_number_id="number-1")
    take(journal, 1, caller=caller, column="contact_id")
    calls = Calls(outcomes=[unknown()])
    call(journal, calls, caller=caller)

    assert ([], 1) == (calls.asked, len(journal.unknown()))


def test_what_can_not_be_asked_stays_unknown(journal: Journal) -> None:
    """A listing that fails is told, and the others are called."""
    take(journal, 3)
    journal.begin(2, BEGAN - timedelta(minutes=1))
    journal.begin(3, BEGAN - timedelta(minutes=1))
    calls = Calls(recent={"+12025550100": ConnectionFailedError("no connection")})
    _, told = call(journal, calls)

    assert 1 == len(calls.asked)
    assert "what is unknown stays so: no connection" == told.texts[-1]
    assert {"unknown": 2, "placed": 1} == journal.count()


@pytest.mark.parametrize("seconds", [0, 0.5, 1.5, 30, 70])
def test_stops_when_it_is_told_to(journal: Journal, seconds: float) -> None:
    """Starts under way come to their ends, and nothing is left unknown; another run goes on."""
    take(journal, 12)

    async def stop(run: Run) -> None:
        await asyncio.sleep(seconds)
        run.stop()

    calls = Calls(outcomes=[])
    run, _ = call(journal, calls, after=stop)
    started = len(calls.started)

    assert started < 12
    assert ("", {}) == (run.stopped_by, {k: v for k, v in journal.count().items() if k not in {"placed", "due"}})
    assert started == journal.count().get("placed", 0)
    call(journal, calls)
    assert 12 == len(calls.started)


def test_stops_while_it_asks(journal: Journal) -> None:
    """Also before anybody is called, and while it waits for the hours."""
    take(journal, 2)
    journal.begin(2, BEGAN)
    calls = Calls(ask_seconds=60, recent={"+12025550100": [recent("found")]})

    async def stop(run: Run) -> None:
        await asyncio.sleep(30)
        run.stop()

    call(journal, calls, after=stop)

    assert ([], {"unknown": 1, "due": 1}) == (calls.started, journal.count())


def test_a_cancelled_run_leaves_what_was_sent_unknown(journal: Journal) -> None:
    """Nobody knows what became of it; what is not begun is due."""
    take(journal, 12)
    calls = Calls()

    async def main() -> None:
        client = cast("ContactshipClient", type("Client", (), {"calls": calls}))
        async with asyncio.timeout(1.5):
            await Run(client, journal, CALLER, now=now).run()

    with pytest.raises(TimeoutError):
        jumping_loop.run(main())

    assert {"placed": 4, "unknown": 1, "due": 7} == journal.count()


async def test_a_cancelled_run_writes_down_what_it_knows(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """An outcome that has come is written, also if it waits behind another one for the disk."""
    is_ending, is_writing = threading.Event(), asyncio.Event()
    loop, record = asyncio.get_running_loop(), journal.record

    class Thread(ThreadPoolExecutor):
        """Tells when the run has cancelled all that it waited for."""

        def shutdown(self, *arguments: Any, **options: Any) -> None:
            """Wait for what was begun."""
            is_ending.set()
            super().shutdown(*arguments, **options)

    def record_late(line: int, result: Result) -> None:
        loop.call_soon_threadsafe(is_writing.set)
        is_ending.wait()
        record(line, result)

    monkeypatch.setattr(_runner, "ThreadPoolExecutor", Thread)
    monkeypatch.setattr(journal, "record", record_late)
    take(journal, 2)
    client = cast("ContactshipClient", type("Client", (), {"calls": Calls(start_seconds=0)}))
    run = asyncio.create_task(Run(client, journal, CALLER).run())
    await is_writing.wait()
    await pass_turns()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run

    assert {"placed": 2} == journal.count()


@pytest.mark.parametrize("method", ["begin", "record", "end", "due"])
def test_a_journal_that_fails_ends_the_run(journal: Journal, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """Nobody is called whose start is not written down; starts under way come to their ends."""
    take(journal, 12)
    calls = Calls()

    def fail(*_: object) -> None:
        message = "the disk is full"
        raise JournalError(message)

    monkeypatch.setattr(journal, method, fail)
    with pytest.raises(JournalError, match="the disk is full"):
        call(journal, calls)

    assert {"begin": 0, "record": 4, "end": 5, "due": 0}[method] == len(calls.started)
    assert 0 == calls.starting


def test_any_other_error_ends_the_run_too(journal: Journal) -> None:
    """Its start stays unknown, since nobody knows what it means."""
    take(journal, 12)
    with pytest.raises(ZeroDivisionError):
        call(journal, Calls(outcomes=[ZeroDivisionError()]), pace=Pace(max_live=1))

    assert {"unknown": 1, "due": 11} == journal.count()


def test_needs_nobody_to_watch(journal: Journal) -> None:
    """A run tells nothing where nobody wants to know."""
    take(journal, 2)
    journal.begin(2, datetime.now(UTC))

    async def main() -> None:
        calls = Calls(recent={"+12025550100": [recent("found")]})
        await Run(cast("ContactshipClient", type("Client", (), {"calls": calls})), journal, CALLER).run()

    jumping_loop.run(main())
    assert {"placed": 2} == journal.count()
    lines: list[Line] = [*journal.lines()]
    assert ["found", "call-1"] == [line.call_id for line in lines]
