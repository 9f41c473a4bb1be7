"""Waiting for a call by polling: when it asks, what it waits out, and what it leaves to other calls; time jumps."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Coroutine
from itertools import pairwise
from typing import Any

import pytest
from attrs import define, field
from certificates import server_context
from jumping_loop import in_loop_time, now, run
from raw_server import RawServer, response

from contactship_async import (
    AuthenticationError,
    ClientClosedError,
    ConnectionFailedError,
    ContactshipClient,
    ContactshipError,
    MalformedResponseError,
    RateLimit,
    Request,
    RequestTimeoutError,
    Response,
    RetryPolicy,
    StatusError,
    Timeouts,
)
from contactship_async.models.calls import LiveCall

ROUND_TRIP = 0.05

Act = Response | Exception | float | None
"""What becomes of a request: a response, an error, a delay in seconds, or none: the status of the call."""


@define
class Line:
    """A server with calls that end at some time on the clock.

    Args:
        ends_at: When they end.
        script: What becomes of the next requests; after those, each has its status.
        headers: Of each status.
        sent: When requests came, and for what.
    """

    ends_at: float = 1020.0
    script: list[Act] = field(factory=list)
    headers: dict[str, str] = field(factory=dict)
    sent: list[tuple[float, Request]] = field(factory=list)

    async def transport(self, request: Request) -> Response:
        """Return a status after a round trip."""
        self.sent.append((now(), request))
        act = self.script.pop(0) if self.script else None
        await asyncio.sleep(act if isinstance(act, float) else ROUND_TRIP)
        if isinstance(act, Exception):
            raise act
        return act if isinstance(act, Response) else self.status()

    def status(self) -> Response:
        """Return whether the calls have ended."""
        status = {"call_id": "c-1", "call_status": "in_progress", "finished": now() >= self.ends_at}
        return Response(status=200, headers=self.headers, body=json.dumps({"statusCode": 200, "data": status}).encode())

    def client(self, api_key: Any = "key", **settings: Any) -> ContactshipClient:
        """Make a client that talks to this server, in the time of the loop."""
        return in_loop_time(ContactshipClient(api_key, transport=self.transport, **settings))

    @property
    def asked_at(self) -> list[float]:
        """When requests came, from the beginning of the test on."""
        return [round(at - 1000, 3) for at, _ in self.sent]


def wait_for(line: Line, *, poll_interval: float = 4.0, **settings: Any) -> LiveCall:
    """Let a new client wait for a call."""

    async def main() -> LiveCall:
        async with line.client(**settings) as client:
            return await client.calls.wait("c-1", poll_interval=poll_interval)

    return run(main())


def busiest_minute(times: list[float]) -> int:
    """Return the most requests that any minute saw, wherever it begins."""
    return max(len([at for at in times if began <= at < began + 60]) for began in times)


def test_waits_until_the_call_has_ended() -> None:
    """The status is asked for at once, and then after each interval, until it says that the call has ended."""
    line = Line()

    ended = wait_for(line, poll_interval=9.95)

    assert ended.finished
    assert [0, 10, 20] == line.asked_at
    assert {("GET", "/v1/calls/c-1/status")} == {(request.method, request.path) for _, request in line.sent}


def test_a_status_that_does_not_say_it_is_not_the_end() -> None:
    """A call of which nothing says that it has ended is waited for."""
    line = Line(script=[Response(status=200, body=b'{"call_id": "c-1"}')] * 2, ends_at=0)

    assert wait_for(line).finished
    assert 3 == len(line.sent)


PASSING: dict[str, Act] = {
    "no connection": ConnectionFailedError("none"),
    "reset": ConnectionResetError(),
    "late": RequestTimeoutError("late", limit="connect"),
    "silent": 31.0,
    **{str(status): Response(status=status) for status in (408, 425, 429, 500, 502, 503, 504, 599)},
    "budget": Response(status=429, headers={"retry-after": "7"}),
}


@pytest.mark.parametrize(
    "retry", [RetryPolicy(), RetryPolicy(max_attempts=1, retry_statuses=frozenset())], ids=["usual", "none"]
)
@pytest.mark.parametrize("act", PASSING.values(), ids=PASSING)
def test_waits_out_what_may_pass(act: Act, retry: RetryPolicy) -> None:
    """Whatever may pass is waited out, also when it lasts, and asked about no more often than all else."""
    line = Line(script=[act] * 20, ends_at=0)

    assert wait_for(line, retry=retry).finished
    assert 21 == len(line.sent)
    gaps = [later - first for first, later in pairwise(line.asked_at)]
    assert min(gaps) >= (7 if act is PASSING["budget"] else 4)


LASTING: dict[str, tuple[Act, type[ContactshipError]]] = {
    **{str(status): (Response(status=status), StatusError) for status in (302, 400, 401, 403, 404, 409, 501, 505)},
    "no JSON": (Response(status=200, body=b"<html>"), MalformedResponseError),
    "wrong": (Response(status=200, body=b'{"call_id": 5}'), MalformedResponseError),
}


@pytest.mark.parametrize(("act", "error"), LASTING.values(), ids=LASTING)
def test_raises_what_does_not_pass(act: Act, error: type[ContactshipError]) -> None:
    """Whatever will be the same at the next question is raised at once."""
    line = Line(script=[None, act])

    with pytest.raises(error):
        wait_for(line)

    assert 2 == len(line.sent)


async def test_raises_what_is_hopeless() -> None:
    """A certificate that is not accepted won't be at the next question either."""
    async with RawServer(response(), ssl_context=server_context()) as server, server.client() as client:
        with pytest.raises(ConnectionFailedError, match="certificate") as caught:
            await client.calls.wait("c-1")

    assert caught.value.is_hopeless
    assert [] == server.requests


async def test_failed_connections_are_not_hopeless() -> None:
    """A connection that is refused may be accepted at the next question."""
    async with RawServer(response()) as server:
        client = server.client(retry=RetryPolicy(max_attempts=1))
    async with client:
        with pytest.raises(ConnectionFailedError) as caught:
            await client.calls.get_status("c-1")

    assert not caught.value.is_hopeless


def test_time_limit() -> None:
    """A timeout around it ends it in time, between two questions and during one, and nothing is asked after that."""
    for script in ([], [500.0]):
        line = Line(script=[*script], ends_at=9999)

        async def main(line: Line = line) -> float:
            async with line.client(timeouts=Timeouts(attempt=None, total=None)) as client:
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(30):
                        await client.calls.wait("c-1")
                ended = now()
                await asyncio.sleep(600)
                return ended

        assert 1030 == run(main())
        assert line.asked_at[-1] <= 30


async def pause(_: ContactshipClient) -> None:
    """Let the first question be answered, and the second one be waited for."""
    await asyncio.sleep(1)


async def ask(_: ContactshipClient) -> None:
    """Let the second question be under way."""
    await asyncio.sleep(4 + ROUND_TRIP * 1.5)


async def queue(client: ContactshipClient) -> None:
    """Let the second question wait for its turn, behind those of others."""
    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(client.calls.wait("c-2"))
        await asyncio.sleep(9)
        raise asyncio.CancelledError


@pytest.mark.parametrize("reach", [pause, ask, queue])
def test_closing_the_client(reach: Callable[[ContactshipClient], Coroutine[Any, Any, None]]) -> None:
    """Closing the client ends a wait at once, wherever it is, and nothing is asked after that."""
    line = Line(ends_at=9999)

    async def main() -> tuple[float, int]:
        client = line.client()
        waiting = asyncio.create_task(client.calls.wait("c-1"))
        helper = asyncio.create_task(reach(client))
        await asyncio.wait([helper])
        closed = now()
        sent = len(line.sent)
        await client.close()
        with pytest.raises(ClientClosedError, match="the client was closed"):
            await waiting
        assert now() == closed
        await asyncio.sleep(600)
        return closed, len(line.sent) - sent

    closed, sent_after = run(main())

    assert closed > 1000
    assert 0 == sent_after


async def wait_in_turn(client: ContactshipClient, times: int) -> None:
    """Wait for a call that has ended, again and again."""
    for _ in range(times):
        await client.calls.wait("c-1")


def test_a_wait_that_begins_after_closing() -> None:
    """A closed client is opened anew by a new wait, in another event loop too, at the pace of those before."""
    line = Line(ends_at=0)
    client = line.client()

    async def main(times: int) -> None:
        async with client:
            await wait_in_turn(client, times)

    run(main(3))
    run(main(3))  # The clock of this loop begins anew.

    assert [0, 0.05, 0.1, 0, 0.05, 10] == line.asked_at


@pytest.mark.parametrize(
    ("headers", "settings", "a_minute"),
    [
        ({}, {}, 30),
        ({"x-ratelimit-limit": "40", "x-ratelimit-remaining": "9"}, {}, 10),
        ({"x-ratelimit-limit": "600", "x-ratelimit-remaining": "9"}, {}, 150),
        ({"x-ratelimit-limit": "0", "x-ratelimit-remaining": "9"}, {}, 0.25),
        ({"x-ratelimit-limit": "many", "x-ratelimit-remaining": "9"}, {}, 30),
        ({"x-ratelimit-remaining": "9"}, {}, 30),
        ({"x-ratelimit-limit": "600", "x-ratelimit-remaining": "9"}, {"rate_limit": RateLimit(10, 30)}, 4),
        ({"x-ratelimit-limit": "8", "x-ratelimit-remaining": "9"}, {"rate_limit": RateLimit(10, 30)}, 2),
    ],
)
@pytest.mark.parametrize("waits", [1, 200])
def test_pace(waits: int, headers: dict[str, str], settings: dict[str, Any], a_minute: float) -> None:
    """However many wait, they ask a quarter as often as the organization may in any minute, and each in its turn."""
    line = Line(ends_at=9999, headers=headers)

    async def main() -> None:
        async with line.client(**settings) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(600), asyncio.TaskGroup() as group:
                    for number in range(waits):
                        group.create_task(client.calls.wait(f"c-{number}", poll_interval=1))

    run(main())

    told = line.asked_at[5:]  # Before that, some may be on their way before a response tells the budget.
    assert waits == 1 or busiest_minute(told) <= max(a_minute, 1)
    assert busiest_minute(line.asked_at) <= max(a_minute, 30)
    if waits == 200:
        assert len(line.sent) >= 0.9 * a_minute * 600 / 60
        assert {1} == {*Counter(request.path for _, request in line.sent[:200]).values()}


def test_the_pace_holds_while_the_server_fails() -> None:
    """A server that fails is asked no more often than a healthy one."""
    line = Line(script=[Response(status=503)] * 10_000)

    async def main() -> None:
        async with line.client() as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(600), asyncio.TaskGroup() as group:
                    for _ in range(50):
                        group.create_task(client.calls.wait("c-1"))

    run(main())

    assert 30 == busiest_minute(line.asked_at)


def test_other_calls_are_not_starved() -> None:
    """With 200 waits, other calls pass at once, also after a minute in which the server refused all."""
    line = Line(ends_at=9999)

    async def main() -> list[float]:
        seconds = []
        async with line.client(rate_limit=RateLimit(120, per_seconds=60)) as client, asyncio.timeout(9999):
            waits = [asyncio.create_task(client.calls.wait(f"c-{number}")) for number in range(200)]
            for _ in range(10):
                await asyncio.sleep(31)
                began = now()
                await client.calls.get_status("c-0")
                seconds.append(now() - began)
            line.script = [Response(status=429, headers={"retry-after": "100"})]
            await asyncio.sleep(90)
            began = now()
            await client.calls.get_status("c-0")
            seconds.append(now() - began - 20)
            for wait in waits:
                wait.cancel()
            await asyncio.wait(waits)
        return seconds

    *usual, after_refusal = run(main())

    assert max(usual) < 2 * ROUND_TRIP
    assert after_refusal < 5
    silence, reopened = max((later - first, later) for first, later in pairwise(line.asked_at))
    assert silence >= 100
    assert len([at for at in line.asked_at if reopened <= at < reopened + 1]) < 15  # Most have not queued up meanwhile.


def test_clients_that_share_connections_share_the_pace() -> None:
    """A client with other options asks at the pace of the one that it was made of."""
    line = Line(ends_at=0)

    async def main() -> None:
        async with line.client() as client:
            await wait_in_turn(client, 3)
            await wait_in_turn(client.with_options(retry=RetryPolicy(max_attempts=1)), 3)

    run(main())

    assert [0, 0.05, 0.1, 0.15, 0.2, 10] == line.asked_at


def test_a_few_waits_are_not_held_up() -> None:
    """A few questions in a row are asked when they are due."""
    line = Line(ends_at=1000.9)

    wait_for(line, poll_interval=0.25)

    assert [0, 0.3, 0.6, 0.9] == line.asked_at


def test_a_key_that_rotates() -> None:
    """A 401 has the key fetched anew, each time; a second one for the new key is raised."""
    keys = iter(["k1", "k2", "k3", "k4"])
    refused = Response(status=401)

    async def fetch() -> str:
        return next(keys)

    line = Line(script=[None, refused, None, refused, None, refused, refused], ends_at=9999)

    async def main() -> None:
        async with line.client(fetch) as client:
            with pytest.raises(AuthenticationError):
                await client.calls.wait("c-1")

    run(main())

    assert ["k1", "k1", "k2", "k2", "k3", "k3", "k4"] == [request.api_key.reveal() for _, request in line.sent]
