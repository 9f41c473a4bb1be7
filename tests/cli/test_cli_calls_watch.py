"""`contactship calls watch` and `calls stop`: where a call is, how it went, and its end."""

from __future__ import annotations

import asyncio
import json
import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import jumping_loop
import pytest
from attrs import define, field
from raw_server import Peer, RawServer, response, stall
from terminals_and_pipes import AT_ONCE, STYLING, run_in_terminal

from contactship_async import ContactshipClient, Request, Response, Timeouts
from contactship_async._cli.app import app
from contactship_async._cli.calls.display import Changes, LiveLine
from contactship_async._cli.calls.following import Following, patience_of
from contactship_async._cli.target import Target
from contactship_async._cli.text import measure
from contactship_async.models.calls import Call

CALL_ID = "7d0c2f5e-3b1a-4a77-9c0e-0f6b1f1d2a11"
WATCH = ("calls", "watch", CALL_ID, "--poll-interval", "0.001")
STOP = ("calls", "stop", CALL_ID)

TRANSCRIPT = [
    {"role": "agent", "content": "Hello, this is Iris from Example Dental. Am I speaking with Noor Haddad?"},
    {"role": "user", "content": "Yes, that is me.\nWhat is it about? \x1b[31m"},
    {
        "role": "assistant",
        "content": "Your visit on Friday at half past ten: all about it is at https://example.com/x.",
    },
    {"role": "user", "content": "了解しました、ありがとうございます。"},
    {"role": "tool", "content": "confirm_visit"},
    {"role": None, "content": None},
]
ANALYSIS = {
    "call_summary": "Noor confirmed the visit on Friday, and will read what to bring on the web page before it.",
    "user_sentiment": "Positive",
    "call_successful": True,
    "in_voicemail": False,
    "custom_analysis_data": {"confirmed": True, "wants": ["a", "b"], "bring\x1b": "a card"},
    "evaluation_results": [
        {"name": "greeted", "result": "success", "score": 0.5, "rationale": "Said hello.", "quote": "Hello"},
        {"key": "polite"},
    ],
}
CALL = {
    "id": CALL_ID,
    "call_record": "https://media.example.net/recordings/7d0c2f5e-3b1a-4a77-9c0e-0f6b1f1d2a11.mp3",
    "call_status": "completed",
    "call_result": "answered",
    "disconnection_reason": "user_hangup",
    "duration": 98,
    "contact": {"id": "contact-1", "full_name": "Noor Haddad", "phone_number": "+14155550137"},
}
COMPLETE = {**CALL, "chat_history": TRANSCRIPT, "call_analysis": ANALYSIS}

QUEUED = {"call_status": "in_queue", "finished": False}
RINGING = {"call_status": "pending", "finished": False}
TALKING = {"call_status": "in_progress", "finished": False, "started_at": "2026-05-04T09:12:03Z"}
ENDED = {
    "call_status": "ended",
    "finished": True,
    "disconnection_reason": "user_hangup",
    "started_at": "2026-05-04T09:12:03Z",
    "ended_at": "2026-05-04T09:13:41Z",
}
UNANSWERED = {"call_status": "no_answer", "finished": True, "started_at": None}

SHOWN = """\
contact     Noor Haddad, +14155550137
result      answered
length      1:38
ended by    user_hangup
recording   https://media.example.net/recordings/7d0c2f5e-3b1a-4a77-9c0e-0f6b1f1d2a11.mp3

Agent         Hello, this is Iris from Example Dental. Am I speaking with Noor Haddad?
Noor Haddad   Yes, that is me. What is it about? \\x1b[31m
Agent         Your visit on Friday at half past ten: all about it is at https://example.com/x.
Noor Haddad   了解しました、ありがとうございます。
tool          confirm_visit

summary      Noor confirmed the visit on Friday, and will read what to bring on the web page before it.
sentiment    Positive
successful   yes
voicemail    no
confirmed    true
wants        ["a","b"]
bring\\x1b    a card
greeted      success; score 0.5; Said hello.; “Hello”
"""


def live(status: dict[str, Any]) -> bytes:
    """Return the response to a look at where the call is."""
    return response({"statusCode": 200, "data": {"call_id": CALL_ID, **status}})


def there(call: dict[str, Any]) -> bytes:
    """Return the response with a call."""
    return response({"statusCode": 200, "data": call})


MALFORMED = response({"statusCode": 200, "data": {}})


async def test_tells_each_change_and_prints_what_was_said(call: Any) -> None:
    """In a pipe a change is a line on standard error, and no line of the transcript is broken."""
    looks = [QUEUED, QUEUED, RINGING, TALKING, TALKING, ENDED]
    async with RawServer(*map(live, looks), there(COMPLETE)) as server:
        ended = await call(*WATCH, url=server.url)
        targets = [request.target for request in server.requests]

    assert (0, SHOWN) == (ended.code, ended.output)
    assert [
        "contactship: in the queue",
        "contactship: ringing",
        "contactship: in progress, 0:00 since it was answered",
        "contactship: ended after 1:38 (user_hangup)",
    ] == ended.stderr.splitlines()
    assert [f"/v1/calls/{CALL_ID}/status"] * len(looks) == targets[:-1]
    assert targets[-1].startswith(f"/v1/calls/{CALL_ID}?include_transcript=true")


@pytest.mark.parametrize("columns", [60, 120])
async def test_shows_one_line_that_changes_at_a_terminal(start: Any, columns: int) -> None:
    """The line goes away; what was said is broken between words, and nothing controls the terminal."""
    async with RawServer(live(RINGING), live(TALKING), live(ENDED), there(COMPLETE)) as server:
        shown = await run_in_terminal(start, *WATCH, columns=columns, url=server.url)

    text = STYLING.sub("", shown)
    _, _, printed = text.partition("contactship: ended after 1:38 (user_hangup)\n")
    printed = printed[printed.index("contact ") :]
    assert " ringing" in text
    assert " in progress, 0:00 since it was answered" in text
    assert "\x1b[?25h" in shown  # the cursor is back
    assert SHOWN.split() == printed.split()
    assert "\x1b[31m" not in shown
    assert [] == [line for line in printed.splitlines() if measure(line) > columns and not line.startswith("https://")]
    assert (columns == 120) == (SHOWN == printed)


async def test_prints_the_call_as_json(call: Any) -> None:
    """For programs, it is the call as `calls get` prints it."""
    async with RawServer(live(ENDED), there(COMPLETE)) as server:
        watched = await call(*WATCH, "--format", "json", url=server.url)

    assert (CALL_ID, "+14155550137") == (
        json.loads(watched.output)["id"],
        json.loads(watched.output)["contact"]["phone_number"],
    )
    assert len(TRANSCRIPT) == len(json.loads(watched.output)["chat_history"])


async def test_waits_for_what_comes_after_the_end(call: Any) -> None:
    """Transcript and analysis are asked for until both have come; empty ones have not."""
    silent = {**CALL, "chat_history": [], "call_analysis": {}}
    half = {**CALL, "chat_history": TRANSCRIPT}
    async with RawServer(live(ENDED), there(silent), there(half), there(COMPLETE)) as server:
        ended = await call(*WATCH, url=server.url)

    assert (0, SHOWN) == (ended.code, ended.output)
    assert [
        "contactship: waiting for its transcript and analysis",
        "contactship: waiting for its analysis",
    ] == ended.stderr.splitlines()[1:]


async def test_waits_for_nothing_that_was_not_said(call: Any) -> None:
    """A call that nobody answered has no transcript, and it ended, whatever came of it."""
    bare = {"id": CALL_ID, "call_status": "no-answer", "contact": {"id": "contact-1"}}
    async with RawServer(live(UNANSWERED), there(bare)) as server:
        ended = await call(*WATCH, url=server.url)
        assert 2 == len(server.requests)

    assert (0, "contact   contact-1\nresult    no-answer\n") == (ended.code, ended.output)
    assert "contactship: ended without an answer\n" == ended.stderr


async def test_older_names_and_forms_are_read_as_well(call: Any) -> None:
    """A compact transcript is one text, and the older names of the analysis mean the same."""
    older = {
        "id": CALL_ID,
        "chat_history": "agent: Hello\nuser: Hi",
        "call_analysis": {"summary": "A talk.", "sentiment": "neutral", "evaluation_results": [{"result": "unknown"}]},
    }
    async with RawServer(live(ENDED), there(older)) as server:
        ended = await call(*WATCH, url=server.url)

    assert (
        "transcript   agent: Hello user: Hi\n\nsummary      A talk.\nsentiment    neutral\nevaluation   unknown\n"
    ) == ended.output


async def test_goes_on_after_a_failure_that_may_pass(call: Any) -> None:
    """It is told, and the call is asked again; only failures in a row add up."""
    on_hold = live({"call_status": "on\x1b_hold"})
    several = [MALFORMED] * 3
    async with RawServer(*several, on_hold, *several, live(ENDED), MALFORMED, there(COMPLETE)) as server:
        ended = await call(*WATCH, url=server.url)

    failure, _, _, status, *_ = ended.stderr.splitlines()
    assert (0, SHOWN) == (ended.code, ended.output)
    assert failure.startswith("contactship: the response is malformed: ")
    assert failure.endswith("; asking again")
    assert r"contactship: on\x1b hold" == status
    assert 7 == ended.stderr.count("; asking again\n")


@pytest.mark.parametrize(("act", "asked"), [(MALFORMED, 5), (response({}, status=404), 1)])
async def test_gives_up_where_asking_again_is_of_no_use(call: Any, act: bytes, asked: int) -> None:
    """An unknown call is one; so are five failures in a row."""
    async with RawServer(act) as server:
        ended = await call(*WATCH, url=server.url)
        assert asked == len(server.requests)

    assert (1, "", asked) == (ended.code, ended.output, ended.stderr.count("\n"))


@pytest.mark.parametrize(
    ("acts", "told"),
    [
        (
            [live(RINGING)],
            (
                f"interrupted; the call goes on: contactship calls watch {CALL_ID} follows it, "
                f"contactship calls stop {CALL_ID} ends it"
            ),
        ),
        ([live(ENDED)], f"interrupted; the call has ended: contactship calls get {CALL_ID}"),
    ],
    ids=["goes on", "has ended"],
)
async def test_ctrl_c_ends_only_the_watching(start: Any, acts: list[Any], told: str) -> None:
    """Nothing is stopped, and a line says what there is to do."""
    last_is_asked = asyncio.Event()

    async def stall_and_tell(peer: Peer) -> None:
        last_is_asked.set()
        await stall(peer)

    async with RawServer(*acts, stall_and_tell) as server:
        process = await start("-m", "contactship_async", *WATCH, url=server.url)
        await process.stderr.readline()
        await last_is_asked.wait()
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(AT_ONCE):
            output, stderr = await process.communicate()
        assert {"GET"} == {request.method for request in server.requests}

    assert (130, b"", f"contactship: {told}\n") == (process.returncode, output, stderr.decode())


@define
class Shown(Changes):
    """A display that remembers what was shown, and for how long the call had been answered then."""

    shown: list[tuple[str, float | None]] = field(factory=list)
    ended: list[str] = field(factory=list)

    def show(self, text: str, answered_at: float | None = None) -> None:
        """Remember it."""
        self.shown.append((text, answered_at))

    def end(self, text: str) -> None:
        """Remember it."""
        self.ended.append(text)


def follow(display: Shown, *responses: bytes) -> tuple[Call, float]:
    """Follow a call in time that jumps, the last response for all looks after; return it, and how long that took."""
    bodies = [each.partition(b"\r\n\r\n")[2] for each in responses]

    async def transport(_: Request) -> Response:
        return Response(status=200, body=bodies.pop(0) if len(bodies) > 1 else bodies[0])

    async def follow_to_the_end() -> tuple[Call, float]:
        began = jumping_loop.now()
        async with ContactshipClient("a-key", transport=transport) as client:
            return await Following(display, patience=120).follow(client, CALL_ID), jumping_loop.now() - began

    return jumping_loop.run(follow_to_the_end())


@pytest.mark.parametrize(
    ("answered", "since"),
    [(timedelta(minutes=2), 120), (timedelta(minutes=-2), 0), (timedelta(days=2), 0)],
    ids=["before the watching", "ahead of this clock", "behind this clock"],
)
def test_elapsed_time_counts_from_the_answer(
    monkeypatch: pytest.MonkeyPatch, answered: timedelta, since: float
) -> None:
    """Where the server's clock can't be this machine's, it counts from where the answer was first seen."""
    talking = live({**TALKING, "started_at": (datetime.now(UTC) - answered).isoformat()})
    monkeypatch.setattr("time.monotonic", lambda: 1000.0)
    display = Shown()

    _, seconds = follow(display, talking, talking, live(ENDED), there(COMPLETE))

    assert pytest.approx(8.0) == seconds  # two waits of the usual 4 s
    assert ["in progress"] * 2 == [text for text, _ in display.shown]
    assert [pytest.approx(1000.0 - since, abs=1)] * 2 == [answered_at for _, answered_at in display.shown]
    assert ["ended after 1:38 (user_hangup)"] == display.ended


def test_says_what_has_not_come(capsys: pytest.CaptureFixture[str]) -> None:
    """After two minutes, what there is must do, and where the rest will be is told."""
    call, seconds = follow(Shown(), live(ENDED), there(CALL))

    assert CALL_ID == call.id
    assert pytest.approx(120.0, abs=4) == seconds
    assert (
        f"contactship: no transcript and analysis within 120 s of its end; later, contactship calls get {CALL_ID} has "
        "them\n"
    ) == capsys.readouterr().err


def test_the_line_counts_a_wait_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind where the call is stands what is waited for, until that is over."""
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    line = LiveLine()
    empty = line._render().plain

    line.show("in progress", 940.0)
    line.wait(None, "rate limit", 41.5)
    waiting = line._render().plain
    now = 1042.0

    assert "" == empty
    assert " in progress, 1:00 since it was answered; waiting 42 s: rate limit" == waiting[1:]
    assert " in progress, 1:42 since it was answered" == line._render().plain[1:]


def test_changes_leave_waits_to_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    """Where there is no terminal, only -v tells of waits."""
    with Changes() as changes:
        changes.wait(None, "rate limit", 42)

    assert "" == capsys.readouterr().err


def test_patience_is_the_time_limit() -> None:
    """What comes after the end may take as long as a request."""
    assert [7.0, Timeouts().total] == [patience_of(Target(timeout=7.0)), patience_of(Target())]


@pytest.mark.parametrize(("stopped", "stderr"), [(True, ""), (False, "contactship: the call had ended by itself\n")])
async def test_stops_a_call(call: Any, stopped: bool, stderr: str) -> None:
    """It does not ask, since it hurries; a call that had ended before is no failure."""
    came = {"call_id": CALL_ID, "stopped": stopped, "call_status": "in_progress"}
    async with RawServer(response({"statusCode": 200, "data": came})) as server:
        ended = await call(*STOP, url=server.url)
        request = server.requests[0]

    assert (0, came, stderr) == (ended.code, json.loads(ended.output), ended.stderr)
    assert ("POST", f"/v1/calls/single-phone-call/{CALL_ID}/stop") == (request.method, request.target)


async def test_a_queued_call_cannot_be_stopped(call: Any) -> None:
    """The API has no way to cancel it, and says 409."""
    async with RawServer(response({"message": "queued"}, status=409)) as server:
        ended = await call(*STOP, url=server.url)
        assert 1 == len(server.requests)

    assert (1, "") == (ended.code, ended.output)
    assert (
        "contactship: the call is still queued or scheduled: it can't be stopped, and there is no way to cancel it in "
        "the API\n"
    ) == ended.stderr


@pytest.mark.parametrize("command", ["watch", "stop"])
async def test_help_explains_each_option(call: Any, command: str) -> None:
    """Each option has a text, and the id of the call is needed."""
    options = app["calls"][command].assemble_argument_collection()

    ended = await call("calls", command, "--help")
    nobody = await call("calls", command)

    assert (0, "") == (ended.code, ended.stderr)
    assert [] == [option.name for option in options if not option.parameter.help]
    assert "There is no option for the key" in " ".join(ended.output.split())
    assert (2, "") == (nobody.code, nobody.output)
    assert "--call-id" in nobody.stderr


async def test_resource_lists_all_its_commands(call: Any) -> None:
    """Those that are derived, and those that are not, each with what it does."""
    ended = await call("calls", "--help")

    described = {line.split()[1]: line.split()[2:-1] for line in ended.output.splitlines() if line.startswith("│ ")}
    names = {"count", "get", "journal", "list", "make", "stop", "watch"}
    assert [] == [name for name in names if not described.get(name)]
