"""The time in which calls proceed: what happens when, whoever looks, and the webhooks that are posted then."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from contactship_async._http.messages import Request
from contactship_async._http.secret import Secret
from contactship_async.sandbox import Sandbox, SandboxPool
from contactship_async.sandbox._calls.agenda import Agenda
from contactship_async.sandbox._serving.server import _Alarm

PATH = "/v1/calls"
ENDED = 60.0
UNTIL_POSTED = 10.0
"""Seconds until a webhook must have arrived, on a busy machine."""


class HandSet:
    """A clock that is set by hand."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        """Read it."""
        return self.seconds


def body_of(sandbox: Sandbox, **fields: object) -> bytes:
    """Return what asks for a call."""
    number = sandbox.phone_numbers[0]["phone_number"]
    needed = {"from_number": number, "to_number": "+14155550137", "full_name": "Noor Haddad", "agent_id": "agent-1"}
    return json.dumps({**needed, **fields}).encode()


def request_of(method: str, path: str, body: bytes | None = None, **params: str) -> Request:
    """Make a request with the key of a sandbox."""
    query, key = tuple(params.items()), Secret("sandbox-key")
    return Request(method=method, path=path, query=query, body=body, api_key=key, idempotent=True)


async def ask(sandbox: Sandbox, method: str, path: str, body: bytes | None = None, **params: str) -> Any:
    """Ask in memory, and return the JSON."""
    response = await sandbox.transport(request_of(method, path, body, **params))
    assert response.status < 300, response.body
    return json.loads(response.body)


async def place(sandbox: Sandbox, **fields: object) -> str:
    """Place a call in memory, and return its id."""
    return str((await ask(sandbox, "POST", f"{PATH}/single-phone-call", body_of(sandbox, **fields)))["call_id"])


# The agenda


def test_steps_come_in_order() -> None:
    """What is due first happens first, at the same time what was told first; each may go on later."""
    clock, happened = HandSet(5), list[str]()
    agenda = Agenda(clock, RLock())
    began = agenda.now

    def follow(name: str, *seconds: float) -> Generator[datetime, None, None]:
        for each in seconds:
            yield began + timedelta(seconds=each)
            happened.append(f"{name} {each:g}")

    agenda.follow(follow("a", 3, 4))
    agenda.follow(follow("b", 1, 3))
    closed = follow("c", 2)
    agenda.follow(closed)
    closed.close()

    assert 1 == agenda.catch_up()
    assert [] == happened
    clock.seconds += 3
    assert 1 == agenda.catch_up()
    assert ["b 1", "a 3", "b 3"] == happened
    agenda.advance(1)
    assert (None, "a 4") == (agenda.catch_up(), happened[-1])


def test_time_is_that_of_this_machine_at_first() -> None:
    """It begins when it is first asked for, goes on by the clock, and as far ahead as it was advanced."""
    clock = HandSet(1_000_000)
    sandbox = Sandbox(clock=clock)
    before = datetime.now(UTC)
    began = sandbox.clock.now
    clock.seconds += 10
    sandbox.clock.advance(0.5)

    assert before <= began <= datetime.now(UTC)
    assert timedelta(seconds=10.5) == sandbox.clock.now - began
    assert repr(sandbox.clock) == f"<Clock: {sandbox.clock.now}>"


@pytest.mark.parametrize(
    ("seconds", "error"),
    [
        *((value, ValueError) for value in (-1, math.inf, math.nan, 1e12, 1e300)),
        *((value, TypeError) for value in ("1", True)),
    ],
)
def test_time_goes_ahead_only(seconds: Any, error: type[Exception]) -> None:
    """It can't be set back, nor beyond the last year; then it stays."""
    sandbox = Sandbox(clock=HandSet())
    began = sandbox.clock.now
    with pytest.raises(error, match=r"^seconds must"):
        sandbox.clock.advance(seconds)

    assert began == sandbox.clock.now


async def test_rate_limits_do_not_follow() -> None:
    """Advancing the time of calls begins no new window."""
    sandbox = Sandbox(rate_limit=1, clock=HandSet())
    statuses = []
    for _ in range(2):
        statuses.append((await sandbox.transport(request_of("GET", "/v1/credits"))).status)
        sandbox.clock.advance(61)

    assert [200, 429] == statuses


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("tick"), st.floats(0, 20)),
            st.tuples(st.just("advance"), st.floats(0, 20)),
            st.tuples(st.just("place"), st.sampled_from(["answered", "voicemail", "no_answer", "busy", "failed"])),
            st.tuples(st.just("later"), st.floats(0, 1)),
            st.tuples(st.just("stop"), st.integers(0, 9)),
            st.tuples(st.just("remove"), st.integers(0, 9)),
        ),
        max_size=12,
    )
)
def test_all_that_is_shown_agrees(steps: list[tuple[str, Any]]) -> None:
    """At any moment, however it is come to, status, single call and listing of a call tell the same."""
    clock = HandSet()
    sandbox = Sandbox(2, calls=1, credits=0, clock=clock)

    async def run() -> None:
        for step, value in steps:
            if step == "tick":
                clock.seconds += value
            else:
                await take(sandbox, step, value)
            await compare(sandbox)

    asyncio.run(run())


async def take(sandbox: Sandbox, step: str, value: Any) -> None:
    """Let something happen to a sandbox."""
    if step == "advance":
        sandbox.clock.advance(value)
    elif step == "place":
        sandbox.calls.answer_next(value)
        await place(sandbox)
    elif step == "later":
        await place(sandbox, delay=value)
    elif sandbox.calls:
        row = sandbox.calls[value % len(sandbox.calls)]
        if step == "remove":
            sandbox.calls.remove(row["id"])
        elif row["call_status"] not in {"scheduled", "in-queue"}:
            await ask(sandbox, "POST", f"{PATH}/single-phone-call/{row['id']}/stop")


LIVE = {
    "scheduled": {"scheduled"},
    "in_queue": {"in-queue"},
    "pending": {"in-progress"},
    "in_progress": {"in-progress"},
    "ended": {"completed", "incomplete"},
    "voicemail": {"voice_mail"},
    "no_answer": {"no-answer", "busy"},
    "failed": {"failed"},
}
"""What calls are listed as, by their live status."""


async def compare(sandbox: Sandbox) -> None:
    """Compare what there is of each call."""
    rows = sandbox.calls.rows
    page = (await ask(sandbox, "GET", PATH, include_transcript="true", limit="99"))["data"]
    assert [row["id"] for row in rows] == [row["id"] for row in page]
    for row, listed in zip(rows, page, strict=True):
        status = await ask(sandbox, "GET", f"{PATH}/{row['id']}/status")
        shown = await ask(sandbox, "GET", f"{PATH}/{row['id']}")
        assert row.items() <= listed.items()
        assert {**shown, "campaign_id": None} == {**listed, "campaign_id": None}
        assert row["call_status"] in LIVE[status["call_status"]]
        assert (row["start_at"], row["finished_at"]) == (status["started_at"], status["ended_at"])
        assert status["finished"] == (row["finished_at"] is not None) == (row["call_result"] is not None)
        assert status["disconnection_reason"] == row["disconnection_reason"]
        assert (status["call_status"] in {"in_progress", "ended", "voicemail"}) or row["start_at"] is None
        times = [row[name] for name in ("created_at", "start_at", "finished_at") if row[name]]
        assert sorted(times, key=datetime.fromisoformat) == times
        assert ("chat_history" in listed) == (row["call_analysis"] is not None)
        if row["start_at"] and row["finished_at"]:
            talk = datetime.fromisoformat(row["finished_at"]) - datetime.fromisoformat(row["start_at"])
            assert talk.total_seconds() == pytest.approx(row["duration"])
    for status in {row["call_status"] for row in rows}:
        page = (await ask(sandbox, "GET", PATH, call_status=status, limit="99"))["data"]
        assert [row["id"] for row in rows if row["call_status"] == status] == [row["id"] for row in page]


# Webhooks


@asynccontextmanager
async def receiver() -> AsyncIterator[tuple[str, asyncio.Queue[Any]]]:
    """Take webhooks: yield the URL, and what arrives."""
    arrived: asyncio.Queue[Any] = asyncio.Queue()

    async def take(request: web.BaseRequest) -> web.Response:
        arrived.put_nowait(await request.json())
        return web.Response()

    runner = web.ServerRunner(web.Server(take))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook", arrived
    finally:
        await runner.cleanup()


async def next_of(arrived: asyncio.Queue[Any]) -> Any:
    """Return the next webhook."""
    async with asyncio.timeout(UNTIL_POSTED):
        return await arrived.get()


async def test_finished_calls_are_posted() -> None:
    """In memory, a finished call is posted once its analysis is there, when the time is advanced; others are not."""
    async with receiver() as (url, arrived):
        sandbox = Sandbox(calls=0, clock=HandSet())
        sandbox.calls.answer_next("answered", "no_answer", "answered")
        items = [{"key": "order", "value": "A-1"}]
        answered = await place(sandbox, webhook_url=url, additional_data=items)
        missed = await place(sandbox, webhook_url=url)
        await place(sandbox)
        sandbox.clock.advance(2)
        assert [] == sandbox.webhooks.deliveries
        sandbox.clock.advance(ENDED)
        posted = [(await next_of(arrived))["data"]["call"] for _ in range(2)]
        await asyncio.to_thread(sandbox.webhooks.wait)

    by_id = {call["call_id"]: call for call in posted}
    assert {answered, missed} == {*by_id}
    assert ("answered", "+14155550137", {"order": "A-1"}) == tuple(
        by_id[answered][name] for name in ("call_result", "to_number", "call_additional_data")
    )
    shown = await ask(sandbox, "GET", f"{PATH}/{answered}")
    assert shown["call_analysis"] == by_id[answered]["call_analysis"]
    assert shown["call_record"] == by_id[answered]["recording_url"]
    assert [entry["content"] for entry in shown["chat_history"]] == [
        entry["content"] for entry in by_id[answered]["transcript_object"]
    ]
    assert [] == by_id[missed]["transcript_object"]
    assert [True, True] == [delivery.is_delivered for delivery in sandbox.webhooks.deliveries]


async def test_a_served_sandbox_posts_by_itself() -> None:
    """Nobody needs to ask: a timer of the server posts what is finished, also what was placed before it started."""
    async with receiver() as (url, arrived):
        sandbox = Sandbox(calls=0, call_speed=1000)
        early = await place(sandbox, webhook_url=url)
        async with sandbox:
            first = (await next_of(arrived))["data"]["call"]["call_id"]
            async with sandbox.client() as client:
                body = json.loads(body_of(sandbox, webhook_url=url))
                late = (await client.request("POST", f"{PATH}/single-phone-call", json=body))["call_id"]
            second = (await next_of(arrived))["data"]["call"]["call_id"]

    assert [early, late] == [first, second]


async def test_a_pool_in_a_thread_posts_by_itself() -> None:
    """So does a server in a thread of its own, for each of its organizations."""
    async with receiver() as (url, arrived):
        sandboxes = SandboxPool(
            {name: Sandbox(calls=0, call_speed=1000, seed=seed) for seed, name in enumerate(("acme", "globex", "idle"))}
        )
        with sandboxes:
            placed = set()
            for name in ("acme", "globex"):
                async with sandboxes[name].client(base_url=sandboxes.url, allow_insecure_http=True) as client:
                    body = json.loads(body_of(sandboxes[name], webhook_url=url))
                    placed.add((await client.request("POST", f"{PATH}/single-phone-call", json=body))["call_id"])
            posted = {(await next_of(arrived))["data"]["call"]["call_id"] for _ in range(2)}

    assert placed == posted


async def test_nothing_goes_on_after_the_server() -> None:
    """Its end breaks off webhooks that are under way, and no timer is left."""
    arrived, alarms = asyncio.Event(), list[asyncio.TimerHandle]()
    loop = asyncio.get_running_loop()
    call_later = loop.call_later

    async def stall(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        writers.append(writer)

    def note(seconds: float, call: Callable[..., object], *arguments: Any) -> asyncio.TimerHandle:
        timer = call_later(seconds, call, *arguments)
        if isinstance(getattr(call, "__self__", None), _Alarm):
            alarms.append(timer)
        return timer

    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(stall, "127.0.0.1", 0)
    sandbox = Sandbox(calls=0, clock=HandSet())
    await place(sandbox, webhook_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    await place(sandbox, delay=60)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "call_later", note)
        async with sandbox, asyncio.timeout(UNTIL_POSTED):
            sandbox.clock.advance(ENDED)
            await arrived.wait()
    for writer in writers:
        writer.close()
    server.close()
    await server.wait_closed()

    sandbox.webhooks.wait(0)
    assert [[]] == [delivery.statuses for delivery in sandbox.webhooks.deliveries]
    assert alarms
    assert [] == [timer for timer in alarms if not timer.cancelled() and timer.when() > loop.time()]


async def test_no_webhook_leaves_this_machine() -> None:
    """A webhook to elsewhere is noted and not sent, unless that is allowed."""
    sandbox = Sandbox(calls=0, clock=HandSet())
    await place(sandbox, webhook_url="http://192.0.2.1/hook")
    sandbox.clock.advance(ENDED)
    await asyncio.to_thread(sandbox.webhooks.wait)

    [delivery] = sandbox.webhooks.deliveries
    assert ([], "it leads to another machine than this one") == (delivery.statuses, delivery.refused)
    assert Sandbox(webhooks_to_any_host=True).webhooks._allow_any_host
    with pytest.raises(TypeError, match=r"^webhooks_to_any_host must be True or False, not int"):
        Sandbox(webhooks_to_any_host=1)  # type: ignore[arg-type] # the mistake


@pytest.mark.parametrize(("due", "waited"), [(0.001, 0.02), (0.3, 0.3), (3600.0, 0.5)])
def test_alarm_looks_again_in_time(due: float, waited: float) -> None:
    """It looks when something is due, but neither all the time nor too late for time that was moved ahead."""
    timers: list[tuple[float, Callable[[], None]]] = []
    waits: list[float | None] = [due, None]

    def call_later(seconds: float, call: Callable[[], None]) -> FakeTimer:
        timers.append((seconds, call))
        return FakeTimer()

    async def run() -> None:
        alarm = _Alarm(lambda: waits.pop(0))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(asyncio.get_running_loop(), "call_later", call_later)
            alarm.set()
            timers[0][1]()

    asyncio.run(run())
    assert ([waited], []) == ([seconds for seconds, _ in timers], waits)


class FakeTimer:
    """Stands for a timer."""

    def cancel(self) -> None:
        """Do nothing."""
