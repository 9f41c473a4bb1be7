"""Calls that are placed: what would have been dialled, how each proceeds, and what it leaves."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID

import pytest

from contactship_async.sandbox import Cut, DialledCall, Fault, Html, Redirect, Sandbox, Slow, Status
from contactship_async.sandbox._calls.conversations import SECONDS_PER_WORD, find_conversation

Ask = Callable[..., Awaitable[Any]]

PATH = "/v1/calls"
PHONE_CALL = f"{PATH}/single-phone-call"
CONTACT_CALL = f"{PATH}/single-contact-call"
ENDED = 60.0
"""Seconds after which any call of usual speed has ended, and has been analysed."""

WRONG_SCHEDULE = (
    'schedule must be an object such as {"scheduled_call_time": "2026-07-02 16:45:00", "timezone": "America/Bogota"}'
)

ALL = dict.fromkeys(("include_transcript", "include_words", "include_tools"), "true")


def frozen_clock() -> float:
    """Let time stand still, but where a test advances it."""
    return 0.0


def make_sandbox(**settings: Any) -> Sandbox:
    """Make a sandbox without past calls, in which time passes only where a test advances it."""
    return Sandbox(**{"calls": 0, "clock": frozen_clock, **settings})


def body_of(sandbox: Sandbox, **fields: object) -> dict[str, object]:
    """Return what asks for a call from the newest number of the organization."""
    number = sandbox.phone_numbers[0]["phone_number"]
    needed = {"from_number": number, "to_number": "+14155550137", "full_name": "Noor Haddad", "agent_id": "agent-1"}
    return {**needed, **fields}


async def place(ask: Ask, sandbox: Sandbox, **fields: object) -> str:
    """Place a call, and return its id."""
    response = await ask(sandbox, "POST", PHONE_CALL, body_of(sandbox, **fields))
    assert 201 == response.status, response.body
    return str(json.loads(response.body)["call_id"])


async def status_of(ask: Ask, sandbox: Sandbox, id_: str) -> Any:
    """Ask for the live status of a call."""
    response = await ask(sandbox, "GET", f"{PATH}/{id_}/status")
    assert 200 == response.status
    return json.loads(response.body)


async def stop(ask: Ask, sandbox: Sandbox, id_: str) -> tuple[int, Any]:
    """Ask for a call to be stopped."""
    response = await ask(sandbox, "POST", f"{PHONE_CALL}/{id_}/stop")
    return response.status, json.loads(response.body)


@pytest.mark.parametrize("envelope", ["count", "pagination"])
async def test_what_would_have_been_dialled(ask: Ask, envelope: Any) -> None:
    """A phone call is answered with its ids, and noted with all that was sent; nothing is dialled."""
    sandbox = make_sandbox(envelope=envelope)
    body = body_of(
        sandbox,
        email="noor@example.com",
        country="US",
        additional_data=[{"key": "order", "value": "A-1"}, {"key": "day", "value": "Friday"}],
        schedule={"scheduled_call_time": "2126-07-02 16:45:00", "timezone": "America/Bogota"},
        webhook_url="http://127.0.0.1:9/calls",
        metadata={"run": [7]},
        unknown=1,
    )
    response = await ask(sandbox, "POST", PHONE_CALL, body)
    shown = json.loads(response.body)
    if envelope == "pagination":
        assert 201 == shown["statusCode"]
        shown = shown["data"]
    [row] = sandbox.calls

    assert 201 == response.status
    assert {
        "call_id": row["id"],
        "agent_id": "agent-1",
        "contact_id": row["contact"]["id"],
        "created_at": row["created_at"],
    } == shown
    assert [
        DialledCall(
            call_id=row["id"],
            from_number=str(body["from_number"]),
            to_number="+14155550137",
            contact_id=None,
            full_name="Noor Haddad",
            agent_id="agent-1",
            additional_data={"order": "A-1", "day": "Friday"},
            schedule=datetime(2126, 7, 2, 21, 45, tzinfo=UTC),
            webhook_url="http://127.0.0.1:9/calls",
            metadata={"run": [7]},
            body=body,
        )
    ] == sandbox.calls.placed
    assert "unknown" not in repr(sandbox.calls.placed)
    assert {"email": "noor@example.com", "country": "US"}.items() <= row["contact"].items()
    assert ("outbound", "api_call", body["from_number"]) == (row["direction"], row["type"], row["from"])
    sandbox.calls.placed.clear()
    assert [] == sandbox.calls.placed


async def test_contact_calls(ask: Ask) -> None:
    """A contact is called by its id, and so is the number chosen; one that is gone, or never was, is a 404."""
    sandbox = make_sandbox(calls=2)
    number = sandbox.phone_numbers[3]
    person, gone = (call["contact"] for call in sandbox.calls)
    sandbox.contacts.remove(gone["id"])
    statuses = []
    for contact_id in (person["id"], gone["id"], "another"):
        body = {"contact_id": contact_id, "agent_id": "agent-1", "from_number_id": number["id"], "delay": 5}
        response = await ask(sandbox, "POST", CONTACT_CALL, body)
        shown = json.loads(response.body)
        statuses.append((response.status, shown.get("contact_id") or shown["message"]))

    [known] = sandbox.calls.placed
    assert [(201, person["id"]), *[(404, "There is no such contact")] * 2] == statuses
    assert (person["phone_number"], person["full_name"]) == (known.to_number, known.full_name)
    assert (person["id"], number["phone_number"]) == (known.contact_id, known.from_number)
    assert person == sandbox.calls[0]["contact"]
    assert "in-queue" == sandbox.calls[0]["call_status"], "the delay is not known here"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"from_number": "+12025550199"}, "from_number must be a phone number of the organization"),
        ({"from_number": "12025550199"}, "from_number must be a string such as +12025550142"),
        ({"to_number": "+1 415 555 0137"}, "to_number must be a string such as +14155550137"),
        ({"to_number": "+١٤١٥٥٥٥٠١٣٧"}, "to_number must be a string such as +14155550137"),
        ({"full_name": ""}, "full_name must be a non-empty string"),
        ({"agent_id": None}, "agent_id must be a non-empty string"),
        ({"delay": -1}, "delay must be a number from 0 to 525600"),
        ({"delay": "5"}, "delay must be a number from 0 to 525600"),
        ({"delay": True}, "delay must be a number from 0 to 525600"),
        ({"webhook_url": "ftp://127.0.0.1"}, "webhook_url must be a string such as http://127.0.0.1:8000/calls"),
        ({"metadata": []}, 'metadata must be an object such as {"run": "7"}'),
        (
            {"additional_data": {"key": "value"}},
            'additional_data must be an array such as [{"key": "order_no", "value": "A-1881"}]',
        ),
        (
            {"additional_data": [{"key": "a", "value": 1}]},
            'additional_data must be an array such as [{"key": "order_no", "value": "A-1881"}]',
        ),
        (
            {"schedule": {"scheduled_call_time": "2026-07-02T16:45:00", "timezone": "UTC"}},
            WRONG_SCHEDULE,
        ),
        (
            {"schedule": {"scheduled_call_time": "2026-07-02 16:45:00"}},
            WRONG_SCHEDULE,
        ),
        (
            {"schedule": {"scheduled_call_time": "2026-02-30 16:45:00", "timezone": "UTC"}},
            "schedule.scheduled_call_time must be a time such as 2026-07-02 16:45:00",
        ),
        (
            {"schedule": {"scheduled_call_time": "9999-12-31 23:59:59", "timezone": "America/Bogota"}},
            "schedule.scheduled_call_time must be a time such as 2026-07-02 16:45:00",
        ),
        *(
            (
                {"schedule": {"scheduled_call_time": "2026-07-02 16:45:00", "timezone": zone}},
                "schedule.timezone must be the name of an IANA time zone such as America/Bogota",
            )
            for zone in ("Nowhere/Town", "America", "../etc/passwd", "\ud800", "a\0b")
        ),
    ],
)
async def test_wrong_bodies(ask: Ask, fields: dict[str, object], message: str) -> None:
    """What is not allowed is a 400 that says what is; nothing is placed, and no later call goes another way."""
    sandbox = make_sandbox()
    response = await ask(sandbox, "POST", PHONE_CALL, body_of(sandbox, **fields))

    assert (400, {"statusCode": 400, "message": message}) == (response.status, json.loads(response.body))
    assert ([], 0) == (sandbox.calls.placed, len(sandbox.calls))
    assert await place(ask, sandbox) == await place(ask, make_sandbox())


async def test_calls_from_an_unknown_number_of_a_contact(ask: Ask) -> None:
    """Its id is looked for, and a 404 if there is none."""
    sandbox = make_sandbox()
    body = {"contact_id": "c", "agent_id": "a", "from_number_id": "pn-nothing"}
    response = await ask(sandbox, "POST", CONTACT_CALL, body)

    assert (404, "There is no such phone number") == (response.status, json.loads(response.body)["message"])
    assert [] == sandbox.calls.placed


async def test_a_call_from_beginning_to_end(ask: Ask) -> None:
    """It waits, rings, is answered, ends, and is analysed; each step shows its own facts and no later ones."""
    sandbox = make_sandbox()
    sandbox.calls.answer_next("answered")
    began = sandbox.clock.now
    id_ = await place(ask, sandbox)
    seen: dict[str, Any] = {}
    for _ in range(600):
        status = await status_of(ask, sandbox, id_)
        seen.setdefault(status["call_status"], status)
        sandbox.clock.advance(0.1)
        if status["finished"]:
            break
    ended_at = datetime.fromisoformat(seen["ended"]["ended_at"])
    [ended] = sandbox.calls
    sandbox.clock.advance(2)
    [analysed] = sandbox.calls

    assert ["in_queue", "pending", "in_progress", "ended"] == [*seen]
    assert all(seen[status]["started_at"] is None for status in ("in_queue", "pending"))
    answered_at = datetime.fromisoformat(seen["in_progress"]["started_at"])
    assert timedelta(seconds=4) <= answered_at - began <= timedelta(seconds=8)
    assert timedelta(seconds=10) <= ended_at - answered_at <= timedelta(seconds=30)
    assert ("completed", "answered", "user_hangup") == (
        ended["call_status"],
        ended["call_result"],
        ended["disconnection_reason"],
    )
    assert (ended_at - answered_at).total_seconds() == ended["duration"]
    assert (None, None) == (ended["call_analysis"], ended["call_record"])
    assert id_ in analysed["call_record"]
    assert analysed["call_analysis"]["call_summary"]
    assert {name: value for name, value in ended.items() if value} == {
        name: analysed[name] for name, value in ended.items() if value
    }


@pytest.mark.parametrize(
    ("outcome", "words", "price"),
    [
        ("answered", ("ended", "completed", "user_hangup"), 0.25),
        ("voicemail", ("voicemail", "voice_mail", "agent_hangup"), 0.25),
        ("no_answer", ("no_answer", "no-answer", "no_answer"), 0),
        ("busy", ("no_answer", "busy", "no_answer"), 0),
        ("failed", ("failed", "failed", "failed"), 0),
    ],
)
async def test_outcomes(ask: Ask, outcome: Any, words: tuple[str, str, str], price: float) -> None:
    """Each outcome has its words, its transcript if somebody picked up, and its price when it has ended."""
    sandbox = make_sandbox(credits=0)
    sandbox.calls.answer_next(outcome)
    id_ = await place(ask, sandbox)
    assert 0 == sandbox.credits.balance
    sandbox.clock.advance(ENDED)

    status = await status_of(ask, sandbox, id_)
    shown = json.loads((await ask(sandbox, "GET", f"{PATH}/{id_}", **ALL)).body)

    assert words == (status["call_status"], shown["call_status"], status["disconnection_reason"])
    assert (True, outcome) == (status["finished"], shown["call_result"])
    is_picked_up = outcome in {"answered", "voicemail"}
    assert (is_picked_up, is_picked_up) == (bool(shown["chat_history"]), shown["call_record"] is not None)
    assert (outcome == "voicemail") == shown["call_analysis"]["in_voicemail"]
    assert -price == sandbox.credits.balance == json.loads((await ask(sandbox, "GET", "/v1/credits")).body)["credits"]


async def test_scripted_outcomes(ask: Ask) -> None:
    """They are of the next calls, one each, replace what is left, and shift nothing of those that follow."""
    scripted, drawn = make_sandbox(), make_sandbox()
    scripted.calls.answer_next("failed", "failed", "failed")
    scripted.calls.answer_next("busy", "voicemail")
    for sandbox in (scripted, drawn):
        for _ in range(6):
            await place(ask, sandbox)
        sandbox.clock.advance(ENDED)
    results = [row["call_result"] for row in scripted.calls[::-1]]

    assert ["busy", "voicemail"] == results[:2]
    assert results[2:] == [row["call_result"] for row in drawn.calls[::-1]][2:]
    assert [row["id"] for row in drawn.calls] == [row["id"] for row in scripted.calls]


@pytest.mark.parametrize(
    ("outcomes", "error", "message"),
    [
        ((), ValueError, "outcomes must not be empty"),
        (("answered", "hung_up"), ValueError, "outcomes must be 'answered' or 'voicemail' or 'no_answer' or 'busy'"),
        ((1,), TypeError, "outcomes must be 'answered' or 'voicemail' or 'no_answer' or 'busy' or 'failed', not int"),
    ],
)
def test_scripted_outcomes_are_checked(outcomes: Any, error: type[Exception], message: str) -> None:
    """What is no outcome is refused, and what there is."""
    with pytest.raises(error) as caught:
        Sandbox().calls.answer_next(*outcomes)

    assert str(caught.value).startswith(message)


async def test_the_seed_decides(ask: Ask) -> None:
    """The same seed lets calls go the same way, another one another; the first of the default seed is answered."""

    async def run(seed: int, **settings: Any) -> list[Any]:
        sandbox = make_sandbox(seed=seed, **settings)
        began = sandbox.clock.now
        for _ in range(30):
            await place(ask, sandbox)
            sandbox.clock.advance(1)
        sandbox.clock.advance(ENDED)
        rows: list[Any] = json.loads((await ask(sandbox, "GET", PATH, limit=30, **ALL)).body)["data"]
        for row in rows:
            for name in ("created_at", "start_at", "finished_at"):
                row[name] = row[name] and round((datetime.fromisoformat(row[name]) - began).total_seconds(), 5)
            del row["call_record"]
        return rows[::-1]

    first, same, other = await run(0), await run(0, tags=0, calls=9), await run(1)

    assert first == same
    assert not {row["id"] for row in first} & {row["id"] for row in other}
    assert all(UUID(row["id"]) for row in first)
    assert "answered" == first[0]["call_result"] == other[0]["call_result"]
    assert {"answered", "voicemail", "no_answer"} <= {row["call_result"] for row in first}


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({"delay": 1.5}, 90),
        ({"schedule": 90}, 90),
        ({"schedule": 90, "delay": 600}, 90),
        ({"schedule": -90}, 0),
        ({"delay": 0}, 0),
    ],
)
async def test_calls_for_later(ask: Ask, fields: dict[str, Any], seconds: float) -> None:
    """A call with a schedule or a delay is scheduled until then, by the schedule if it has both; a past one begins."""
    sandbox = make_sandbox()
    if (ahead := fields.get("schedule")) is not None:
        time = (sandbox.clock.now + timedelta(seconds=ahead)).strftime("%Y-%m-%d %H:%M:%S")
        fields = {**fields, "schedule": {"scheduled_call_time": time, "timezone": "UTC"}}
    id_ = await place(ask, sandbox, **fields)
    statuses = [(await status_of(ask, sandbox, id_))["call_status"]]
    [row] = sandbox.calls
    if seconds:
        sandbox.clock.advance(seconds - 1.5)
        statuses.append((await status_of(ask, sandbox, id_))["call_status"])
        assert 409 == (await stop(ask, sandbox, id_))[0]
        sandbox.clock.advance(1.5)
        statuses.append((await status_of(ask, sandbox, id_))["call_status"])

    assert (["scheduled", "scheduled", "in_queue"] if seconds else ["in_queue"]) == statuses
    assert ("scheduled" if seconds else "in-queue") == row["call_status"]


async def test_stopping(ask: Ask) -> None:
    """A call that is not on the phone yet can't be stopped; one that rings or talks ends; one that has ended stays."""
    sandbox = make_sandbox(credits=1)
    sandbox.calls.answer_next("answered", "answered", "voicemail")
    ringing, talking, machine = [await place(ask, sandbox) for _ in range(3)]
    conflict = 409, {"statusCode": 409, "message": "The call is not on the phone yet"}
    assert conflict == await stop(ask, sandbox, ringing)
    sandbox.clock.advance(2)
    assert (200, {"call_id": ringing, "stopped": True, "call_status": "pending"}) == await stop(ask, sandbox, ringing)
    again = 200, {"call_id": ringing, "stopped": False, "call_status": "ended"}
    assert again == await stop(ask, sandbox, ringing)
    sandbox.clock.advance(8)
    for id_ in (talking, machine):
        assert (200, {"call_id": id_, "stopped": True, "call_status": "in_progress"}) == await stop(ask, sandbox, id_)
    sandbox.clock.advance(ENDED)

    rows = {row["id"]: row for row in json.loads((await ask(sandbox, "GET", PATH, **ALL)).body)["data"]}
    for id_, listed in ((ringing, "incomplete"), (talking, "completed"), (machine, "completed")):
        status = await status_of(ask, sandbox, id_)
        assert ("ended", "user_hangup") == (status["call_status"], status["disconnection_reason"])
        assert (listed, "user_hangup") == (rows[id_]["call_status"], rows[id_]["disconnection_reason"])
        assert ("The call was stopped before its end.", False) == (
            rows[id_]["call_analysis"]["call_summary"],
            rows[id_]["call_analysis"]["call_successful"],
        )
    assert ([], 0, None) == tuple(rows[ringing][name] for name in ("chat_history", "duration", "call_record"))
    assert 0 < rows[talking]["duration"] < 10
    words = [word for entry in rows[talking]["chat_history"] for word in entry["words"]]
    assert words[-1]["start"] < rows[talking]["duration"] <= words[-1]["end"]
    assert not any(entry["role"] == "tool_call_result" for entry in rows[talking]["chat_history_with_tools"][:1])
    assert "voicemail" == rows[machine]["call_result"]
    assert 0.5 == sandbox.credits.balance, "two were picked up"


async def test_stopping_an_added_call(ask: Ask) -> None:
    """A call that a test added as one that is going on ends, too, and costs nothing."""
    sandbox = make_sandbox(credits=1)
    past = sandbox.calls.add(call_status="in-progress")
    future = sandbox.calls.add(call_status="in-progress", created_at="2999-01-01T00:00:00Z")
    stopped = [await stop(ask, sandbox, row["id"]) for row in (past, future)]
    sandbox.clock.advance(2)

    assert [True, True] == [body["stopped"] for _, body in stopped]
    assert {"completed"} == {row["call_status"] for row in sandbox.calls}
    assert (0, 1) == (sandbox.calls[0]["duration"], sandbox.credits.balance)
    assert all(row["call_analysis"] for row in sandbox.calls)


async def test_removed_calls_do_not_go_on(ask: Ask) -> None:
    """A call that a test removes ends nowhere, and is not paid."""
    sandbox = make_sandbox(credits=1)
    sandbox.calls.answer_next("answered")
    id_ = await place(ask, sandbox)
    sandbox.clock.advance(9)
    sandbox.calls.remove(id_)
    sandbox.clock.advance(ENDED)

    assert (0, 1) == (len(sandbox.calls), sandbox.credits.balance)
    assert [id_] == [call.call_id for call in sandbox.calls.placed]
    assert 404 == (await ask(sandbox, "GET", f"{PATH}/{id_}/status")).status


async def test_removed_calls_leave_nothing(ask: Ask) -> None:
    """A call that is added under the id of a removed one is spoken as usual, and what was said is made up."""
    sandbox = make_sandbox(call_speed=100)
    id_ = await place(ask, sandbox)
    sandbox.calls.remove(id_)
    sandbox.calls.add(id=id_, chat_history=[])
    sandbox.calls.remove(id_)
    row = sandbox.calls.add(id=id_, call_status="completed")
    history = json.loads((await ask(sandbox, "GET", f"{PATH}/{id_}", **ALL)).body)["chat_history"]

    assert row["duration"] == pytest.approx(history[-1]["words"][-1]["end"])


async def test_balance_is_that_of_the_present(ask: Ask) -> None:
    """A call that ended meanwhile is paid before the balance is read, or set."""
    seconds = [0.0]
    sandbox = make_sandbox(credits=1, clock=lambda: seconds[0])
    sandbox.calls.answer_next("answered", "answered")
    for set_to, expected in ((None, 0.75), (9, 9)):
        await place(ask, sandbox)
        seconds[0] += ENDED
        if set_to is not None:
            sandbox.credits.balance = set_to
        assert expected == sandbox.credits.balance


def test_tools_are_used_after_what_is_said() -> None:
    """A call that is broken off amid the words before a tool does not use it, and none of the words after."""
    conversation = find_conversation("00000000", "answered")
    before = sum(len(turn.content.split()) for turn in conversation.turns[:3]) * SECONDS_PER_WORD
    cut, whole = (conversation.write("Noor", before + more, speed=1, with_tools=True) for more in (-0.5, -0.1))

    assert ["agent", "user", "agent"] == [entry["role"] for entry in cut]
    assert ["tool_call_invocation", "tool_call_result"] == [entry["role"] for entry in whole[3:]]
    assert whole[2]["content"].startswith(cut[2]["content"])


@pytest.mark.parametrize("minutes", [1, 2])
async def test_each_minute_that_began_is_paid(ask: Ask, minutes: int) -> None:
    """At a tenth of the speed a call takes ten times as long, and costs as much as its minutes."""
    sandbox = make_sandbox(call_speed=0.1, credits=0)
    sandbox.calls.answer_next("answered")
    id_ = await place(ask, sandbox)
    sandbox.clock.advance(80)
    started_at = datetime.fromisoformat((await status_of(ask, sandbox, id_))["started_at"])
    sandbox.clock.advance((started_at - sandbox.clock.now).total_seconds() + 60 * minutes)
    await stop(ask, sandbox, id_)

    assert -0.25 * minutes == sandbox.credits.balance
    assert 60 * minutes == sandbox.calls[0]["duration"]


async def test_speed(ask: Ask) -> None:
    """A call is over a thousand times as soon, with all that is said in it."""
    usual, fast = make_sandbox(), make_sandbox(call_speed=1000)
    for sandbox, seconds in ((usual, ENDED), (fast, ENDED / 1000)):
        sandbox.calls.answer_next("answered")
        await place(ask, sandbox)
        sandbox.clock.advance(seconds)
    shown = [json.loads((await ask(sandbox, "GET", PATH, **ALL)).body)["data"][0] for sandbox in (usual, fast)]

    contents = [[entry["content"] for entry in each["chat_history"]] for each in shown]
    assert contents[0] == contents[1] != []
    assert shown[0]["duration"] == pytest.approx(1000 * shown[1]["duration"])
    assert shown[1]["duration"] == pytest.approx(shown[1]["chat_history"][-1]["words"][-1]["end"], abs=2e-6)


@pytest.mark.parametrize(("speed", "error"), [(0, ValueError), (1001, ValueError), ("1", TypeError), (True, TypeError)])
def test_speed_is_checked(speed: Any, error: type[Exception]) -> None:
    """It is a number in a range in which times can be told apart."""
    with pytest.raises(error, match=r"^call_speed must be a"):
        Sandbox(call_speed=speed)


@pytest.mark.parametrize(
    ("fault", "placed"),
    [
        (Status(500), 0),
        (Status(429, retry_after=1), 0),
        (Html(), 0),
        (Redirect("/"), 0),
        (Cut(), 1),
        (Cut(after_bytes=5), 1),
        (Slow(0), 1),
    ],
    ids=str,
)
async def test_faults(ask: Ask, fault: Fault, placed: int) -> None:
    """A fault that refuses a start keeps it from being placed; one that only alters the response does not."""
    sandbox = make_sandbox()
    body = body_of(sandbox)
    sandbox.script(fault)
    try:
        await ask(sandbox, "POST", PHONE_CALL, body)
    except Exception as error:  # noqa: BLE001 - whatever the client makes of a cut
        assert isinstance(fault, Cut), error  # noqa: PT017 - only some faults raise

    assert placed == len(sandbox.calls.placed) == len(sandbox.calls)
    assert body == sandbox.requests[-1].json()
    assert placed + 1 == len({await place(ask, sandbox), *(call.call_id for call in sandbox.calls.placed)})


async def test_responses_have_the_time_of_the_sandbox(ask: Ask) -> None:
    """Their `Date` is that of its clock, by which its rows are dated."""
    sandbox = make_sandbox()
    sandbox.clock.advance(5000)
    response = await ask(sandbox, "GET", "/v1/credits")

    assert sandbox.clock.now.replace(microsecond=0) == parsedate_to_datetime(response.headers["date"])


async def test_heavy_budget(ask: Ask) -> None:
    """The listing of calls has a budget of its own; a single call, its status and a start do not count in it."""
    sandbox = make_sandbox(rate_limit=9, heavy_rate_limit=1)
    id_ = await place(ask, sandbox)
    responses = [await ask(sandbox, "GET", path) for path in (PATH, PATH, f"{PATH}/{id_}", f"{PATH}/{id_}/status")]

    assert [200, 429, 200, 200] == [response.status for response in responses]
    assert ["0", "0", None, None] == [response.headers.get("x-ratelimit-remaining-heavy") for response in responses]
