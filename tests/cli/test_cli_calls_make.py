"""`contactship calls make`: it says what it is going to do, asks, and places one call, once."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cyclopts import CycloptsError
from raw_server import Peer, RawServer, close, reset, response, stall
from terminals_and_pipes import AT_ONCE, answer, needs_full_device

from contactship_async._cli.app import app
from contactship_async._cli.confirmation import confirm
from contactship_async.sandbox import Sandbox

MAKE = ("calls", "make")
NUMBER = {
    "--from-number": "+12025550142",
    "--to-number": "+14155550137",
    "--full-name": "Noor Haddad",
    "--agent-id": "agent-1",
}
CONTACT = {"--contact-id": "contact-1", "--from-number-id": "number-1", "--agent-id": "agent-1"}
TO_NUMBER = (*MAKE, *(word for pair in NUMBER.items() for word in pair))
TO_CONTACT = (*MAKE, *(word for pair in CONTACT.items() for word in pair))

CALL_ID = "7d0c2f5e-3b1a-4a77-9c0e-0f6b1f1d2a11"
PLACED = {
    "call_id": CALL_ID,
    "agent_id": "agent-1",
    "contact_id": None,
    "created_at": "2026-05-04T09:12:00Z",
}
CREATED = response({"statusCode": 201, "data": PLACED}, status=201)
NOT_CONNECTED = "http://127.0.0.1:9"


def without(name: str) -> tuple[str, ...]:
    """Return the command for a number, but for one of its options."""
    return (*MAKE, *(word for option, value in NUMBER.items() if option != name for word in (option, value)))


async def test_places_a_call_to_a_number(call: Any) -> None:
    """All arguments of the method can be given; what is printed is the placed call."""
    options = ("--email", "noor@example.com", "--country", "US", "--delay", "5", "--webhook-url", "https://example.com")
    data = ("--additional-data", "order=A-1881", "--additional-data", "note=a=b", "--metadata", '{"batch": 7}')
    async with RawServer(CREATED) as server:
        ended = await call(*TO_NUMBER, *options, *data, "--yes", url=server.url)
        request = server.requests[0]

    assert (0, PLACED, "") == (ended.code, json.loads(ended.output), ended.stderr)
    assert ("POST", "/v1/calls/single-phone-call") == (request.method, request.target)
    assert {
        "from_number": "+12025550142",
        "to_number": "+14155550137",
        "full_name": "Noor Haddad",
        "agent_id": "agent-1",
        "email": "noor@example.com",
        "country": "US",
        "delay": 5,
        "additional_data": [{"key": "order", "value": "A-1881"}, {"key": "note", "value": "a=b"}],
        "webhook_url": "https://example.com",
        "metadata": {"batch": 7},
    } == json.loads(request.body)


async def test_places_a_call_to_a_contact(call: Any) -> None:
    """A contact is called from a number by its id."""
    async with RawServer(CREATED) as server:
        ended = await call(*TO_CONTACT, "--yes", "--format", "table", url=server.url)
        request = server.requests[0]

    assert (0, "") == (ended.code, ended.stderr)
    assert ["call_id", CALL_ID] in [line.split() for line in ended.output.splitlines()]
    assert ("POST", "/v1/calls/single-contact-call") == (request.method, request.target)
    assert {"contact_id": "contact-1", "from_number_id": "number-1", "agent_id": "agent-1"} == json.loads(request.body)


async def test_needs_a_yes_where_it_cannot_ask(call: Any) -> None:
    """Without a terminal and without --yes, it is wrong usage, and nothing is sent."""
    async with RawServer(CREATED) as server:
        ended = [await call(*command, url=server.url) for command in (TO_NUMBER, TO_CONTACT)]
        assert [] == server.requests

    text = "contactship: this dials people and spends credits: add --yes to do it without being asked\n"
    assert [(2, "", text)] * 2 == [(each.code, each.output, each.stderr) for each in ended]


@pytest.mark.parametrize("stream", ["sys.stdin", "sys.stderr"])
def test_needs_a_yes_where_a_stream_is_closed(stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed stream, as of a daemon, is none to ask at: that is wrong usage, too."""
    for name in ("sys.stdin", "sys.stderr"):
        monkeypatch.setattr(f"{name}.isatty", lambda: True)
    monkeypatch.setattr(stream, None)
    with pytest.raises(CycloptsError, match="add --yes"):
        confirm("place this call?", yes=False)


@pytest.mark.parametrize(("typed", "sent", "code"), [("Yes\n", 1, 0), ("\n", 0, 1), ("\x04", 0, 1)])
async def test_shows_what_it_will_do_and_asks_at_a_terminal(start: Any, typed: str, sent: int, code: int) -> None:
    """Who, from where, by which agent, when, and that it costs: only a yes places the call."""
    schedule = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0).isoformat()
    async with RawServer(CREATED) as server:
        given = (
            "--schedule",
            schedule,
            "--additional-data",
            "order=A-1881",
            "--webhook-url",
            "https://hooks.example/1",
        )
        ended, shown = await answer(start, typed, *TO_NUMBER, *given, url=server.url)
        assert sent == len(server.requests)

    assert code == ended
    assert [
        "contactship: to      Noor Haddad, +14155550137",
        "contactship: from    +12025550142",
        "contactship: agent   agent-1",
        f"contactship: when    {schedule.replace('T', ' ')}",
        "contactship: data    order=A-1881",
        "contactship: webhook https://hooks.example/1",
    ] == [line for line in shown.splitlines() if line.startswith("contactship: ")][:6]
    assert "contactship: place this call, which rings a person's phone and spends credits? [y/N] " in shown
    assert ("contactship: not placed" in shown, CALL_ID in shown) == (not sent, bool(sent))


def test_ctrl_c_at_the_question_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so: whoever is frightened by the question need not look whether somebody was called."""

    def interrupt() -> str:
        raise KeyboardInterrupt

    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(terminal, "readline", interrupt)
    monkeypatch.setattr("sys.stdin", terminal)
    monkeypatch.setattr("sys.stderr", terminal)
    with pytest.raises(KeyboardInterrupt):
        confirm("place this call?", yes=False)

    assert "contactship: place this call? [y/N] \ncontactship: interrupted; nothing was sent\n" == terminal.getvalue()


async def test_shows_a_contact_and_a_delay(start: Any) -> None:
    """At a narrow terminal the question is broken between words, and no argument controls the terminal."""
    async with RawServer(CREATED) as server:
        _, contact = await answer(start, "\n", *TO_CONTACT, columns=60, url=server.url)
        _, delayed = await answer(
            start, "\n", *without("--full-name"), "--full-name", "A\x1b[31m\nB", "--delay", "1.5", url=server.url
        )

    assert "contactship: to      contact contact-1\n" in contact
    assert "contactship: from    number number-1\n" in contact
    assert "contactship: when    at once\n" in contact
    assert "which rings a person's phone\nand spends credits? [y/N] " in contact
    assert "contactship: to      A\\x1b[31m\\nB, +14155550137\n" in delayed
    assert "contactship: when    in 1.5 minutes\n" in delayed


@pytest.mark.parametrize(
    ("arguments", "stderr"),
    [
        (MAKE, "whom to call must be given: --to-number, --contact-id or --from-file\n"),
        ((*MAKE, "--agent-id", "a"), "a call to a number needs --from-number, --to-number, --full-name\n"),
        (without("--agent-id"), "a call to a number needs --agent-id\n"),
        ((*MAKE, "--contact-id", "c"), "a call to a contact needs --agent-id, --from-number-id\n"),
        ((*TO_CONTACT, "--to-number", "+14155550137"), "a call to a contact takes no --to-number\n"),
        ((*TO_CONTACT, "--delay", "5"), "a call to a contact takes no --delay\n"),
        ((*without("--to-number"), "--to-number", "4155550137"), "--to-number must be "),
        ((*without("--to-number"), "--to-number", "+1 415 555 0137"), "--to-number must be "),
        ((*TO_NUMBER, "--schedule", "2099-07-02T16:45:00"), "--schedule must be "),
        ((*TO_NUMBER, "--schedule", "2020-07-02T16:45:00+02:00"), "--schedule must be "),
        ((*TO_NUMBER, "--schedule", "soon"), "--schedule"),
        ((*TO_NUMBER, "--delay", "-1"), "--delay"),
        (
            (*TO_NUMBER, "--delay", "1", "--schedule", "2126-07-02T16:45:00+02:00"),
            "--delay must not be given together with --schedule: each says when to call; see https://",
        ),
        ((*TO_NUMBER, "--delay", "nan"), "--delay"),
        ((*TO_NUMBER, "--additional-data", "order"), "--additional-data must be name=value, such as order=A-1881"),
        ((*TO_NUMBER, "--additional-data", "a=1", "--additional-data", "a=2"), "--additional-data has 'a' twice\n"),
        ((*TO_NUMBER, "--metadata", "{"), "it is not JSON"),
        ((*TO_NUMBER, "--organizations", "some.toml"), "--organizations"),
    ],
)
async def test_wrong_arguments_are_wrong_usage(call: Any, arguments: tuple[str, ...], stderr: str) -> None:
    """They end with exit code 2 and one line, before a yes is asked for or anything sent."""
    async with RawServer(CREATED) as server:
        told = [await call(*arguments, *yes, url=server.url) for yes in ((), ("--yes",))]
        assert [] == server.requests

    assert [(2, "", 1)] * 2 == [(ended.code, ended.output, ended.stderr.count("\n")) for ended in told]
    assert [] == [ended.stderr for ended in told if stderr not in ended.stderr]


async def test_a_sandbox_needs_no_yes(call: Any) -> None:
    """Nobody's phone rings, and nothing is spent."""
    own = Sandbox().phone_numbers[0]["phone_number"]
    ended = await call(*without("--from-number"), "--from-number", own, "--sandbox")

    assert (0, "agent-1", "") == (ended.code, json.loads(ended.output)["agent_id"], ended.stderr)


async def test_a_key_is_needed_before_it_asks(call: Any) -> None:
    """Without a key, nothing is asked."""
    ended = await call(*TO_NUMBER, variables={"CONTACTSHIP_API_KEY": ""})

    assert (2, "") == (ended.code, ended.output)
    assert ended.stderr.startswith("contactship: no API key: set the environment variable CONTACTSHIP_API_KEY")


async def test_says_that_a_refused_call_was_not_placed(call: Any) -> None:
    """What the server says is told, and that there is no call."""
    async with RawServer(response({"message": "no such agent"}, status=400)) as server:
        ended = await call(*TO_NUMBER, "--yes", url=server.url)

    assert (1, "") == (ended.code, ended.output)
    assert (
        "contactship: POST /v1/calls/single-phone-call failed: 400 Bad Request: no such agent; no call was placed\n"
    ) == ended.stderr


async def test_says_that_a_call_that_was_not_sent_was_not_placed(call: Any) -> None:
    """Without a connection there can't be a call."""
    ended = await call(*TO_NUMBER, "--yes", "--timeout", "0.01", url=NOT_CONNECTED)

    assert (1, "") == (ended.code, ended.output)
    assert ended.stderr.endswith("; no call was placed\n")


@pytest.mark.parametrize(
    "act",
    [
        response({"message": "upstream is down"}, status=502),
        response(b"", status=408),
        response({"statusCode": 201, "data": {"agent_id": "agent-1"}}, status=201),
        response(b"not JSON", status=201),
        close,
        reset,
        [CREATED[:-10], close],
        response(b"", status=307, headers={"Location": "https://example.com/"}),
    ],
    ids=["502", "408", "no id", "no JSON", "closed", "reset", "cut", "redirect"],
)
async def test_says_that_an_unknown_outcome_may_be_a_call(call: Any, act: Any) -> None:
    """It says how to look, asks nobody to do it again, and has sent it once."""
    async with RawServer(act) as server:
        ended = await call(*TO_NUMBER, "--yes", url=server.url)
        assert 1 == len(server.requests)

    *_, told, how = ended.stderr.splitlines()
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    assert (1, "") == (ended.code, ended.output)
    assert told.startswith("contactship: the call may have been placed, at ")
    assert f"contactship: look with: contactship calls list --phone-number +14155550137 --date-from {yesterday}" == how
    assert "no call was placed" not in ended.stderr


async def test_an_unknown_outcome_has_the_server_s_words(call: Any) -> None:
    """Whom a contact's call rings is not known here: it is looked for by its agent."""
    async with RawServer(response({"message": "upstream is down"}, status=502)) as server:
        ended = await call(*TO_CONTACT, "--yes", url=server.url)

    assert "upstream is down" in ended.stderr.splitlines()[0]
    assert "contactship calls list --agent-id agent-1 --date-from " in ended.stderr.splitlines()[-1]


async def test_follows_the_call_that_it_has_placed(call: Any) -> None:
    """With --watch, the id is told as soon as it is known, and what is printed is how the call went."""
    ended = response({"call_id": CALL_ID, "call_status": "no_answer", "finished": True})
    went = response({"id": CALL_ID, "call_result": "no_answer"})
    async with RawServer(CREATED, ended, went, CREATED, ended, went) as server:
        text, record = [
            await call(*TO_NUMBER, "--yes", "--watch", *form, url=server.url) for form in ((), ("--format", "json"))
        ]
        asked = [request.method for request in server.requests]

    assert ["POST", "GET", "GET"] * 2 == asked
    assert (0, "result   no_answer\n") == (text.code, text.output)
    assert [
        "contactship: placing the call",
        f"contactship: placed: call {CALL_ID}",
        "contactship: ended without an answer",
    ] == text.stderr.splitlines()
    assert (0, CALL_ID) == (record.code, json.loads(record.output)["id"])


async def test_a_call_that_cannot_be_followed_was_placed_nevertheless(call: Any) -> None:
    """What fails then is the watching, which is told as such."""
    async with RawServer(CREATED, response({}, status=404)) as server:
        ended = await call(*TO_NUMBER, "--yes", "--watch", url=server.url)

    _, placed, failure = ended.stderr.splitlines()
    assert (1, "") == (ended.code, ended.output)
    assert f"contactship: placed: call {CALL_ID}" == placed
    assert failure.startswith("contactship: GET /v1/calls/")
    assert failure.endswith("/status failed: 404 Not Found")


async def interrupt(start: Any, *arguments: str, acts: Sequence[bytes] = ()) -> list[str]:
    """Interrupt the command when the server says nothing after *acts*, and return what it tells."""
    is_asked = asyncio.Event()

    async def stall_and_tell(peer: Peer) -> None:
        is_asked.set()
        await stall(peer)

    async with RawServer(*acts, stall_and_tell) as server:
        process = await start("-m", "contactship_async", *TO_NUMBER, "--yes", *arguments, url=server.url)
        await is_asked.wait()
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(AT_ONCE):
            output, stderr = await process.communicate()

    assert (130, b"") == (process.returncode, output)
    return [line for line in stderr.decode().splitlines() if line != "contactship: placing the call"]


async def test_ctrl_c_while_it_is_followed_leaves_the_call_alone(start: Any) -> None:
    """Its id was told before."""
    assert [
        f"contactship: placed: call {CALL_ID}",
        (
            f"contactship: interrupted; the call goes on: contactship calls watch {CALL_ID} follows it, "
            f"contactship calls stop {CALL_ID} ends it"
        ),
    ] == await interrupt(start, "--watch", acts=[CREATED])


@pytest.mark.parametrize("options", [(), ("--watch",)])
async def test_ctrl_c_after_it_was_sent_says_so(start: Any, options: tuple[str, ...]) -> None:
    """The response is not waited for any more, and so nobody knows."""
    first, second, third = await interrupt(start, *options)

    assert "contactship: interrupted after the call was asked for, before the response" == first
    assert second.startswith("contactship: the call may have been placed, at ")
    assert third.startswith("contactship: look with: contactship calls list --phone-number +14155550137 ")


async def test_ctrl_c_before_it_was_sent_says_so(start: Any) -> None:
    """While it waits for a rate limit, there is no call."""
    async with RawServer(response(b"", status=429, headers={"Retry-After": "60"})) as server:
        process = await start("-m", "contactship_async", *TO_NUMBER, "--yes", "-v", url=server.url)
        while b"waiting" not in await process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(AT_ONCE):
            _, stderr = await process.communicate()
        assert 1 == len(server.requests)

    assert (130, b"contactship: interrupted; no call was placed\n") == (process.returncode, stderr)


@needs_full_device
async def test_tells_the_id_when_it_cannot_be_printed(contactship: Any) -> None:
    """Who sees an error and no id would place the call again."""
    full = os.open("/dev/full", os.O_WRONLY)
    async with RawServer(CREATED) as server:
        ended = await contactship(*TO_NUMBER, "--yes", stdout=full, url=server.url)
    os.close(full)

    assert (1, f"contactship: placed: call {CALL_ID}\ncontactship: No space left on device\n") == (
        ended.code,
        ended.stderr,
    )


async def test_help_explains_each_option(call: Any) -> None:
    """Each has a text, and all the methods' arguments are there; none is required by itself."""
    options = app["calls"]["make"].assemble_argument_collection()

    ended = await call(*MAKE, "--help")

    assert (0, "") == (ended.code, ended.stderr)
    assert [] == [option.name for option in options if not option.parameter.help]
    assert {*NUMBER, *CONTACT} <= {option.name for option in options}
    assert "There is no option for the key" in " ".join(ended.output.split())
