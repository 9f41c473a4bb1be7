"""Rate limits of the server, seen from clients that send more than it allows; time jumps."""

from __future__ import annotations

import asyncio
import json
import math
from collections import Counter
from collections.abc import Callable

import pytest
from attrs import define, evolve, field
from jumping_loop import in_loop_time, now, run

from contactship_async import (
    ContactshipClient,
    ContactshipPool,
    RateLimit,
    RateLimitError,
    Request,
    RequestTimeoutError,
    Response,
    RetryPolicy,
    Timeouts,
)
from contactship_async._http.messages import Transport
from contactship_async._http.rate_limits import Limits
from contactship_async.sandbox import Sandbox

ROUND_TRIP = 0.05
WINDOW = 60.0


@define
class FixedWindows:
    """A server that allows so many requests in each minute of its clock, and responds after a round trip."""

    allowed: int = 120
    headers: bool = True
    retry_after: bool = True
    served: Counter[tuple[int, int]] = field(factory=Counter)
    spent: Counter[int] = field(factory=Counter)
    refused: Counter[int] = field(factory=Counter)

    async def transport(self, _: Request) -> Response:
        """Count a request when it arrives, half a round trip after it was sent."""
        await asyncio.sleep(ROUND_TRIP / 2)
        window, into = divmod(now(), WINDOW)
        self.spent[int(window)] += 1
        is_allowed = self.spent[int(window)] <= self.allowed
        if not is_allowed:
            self.refused[int(window)] += 1
        reset = str(math.ceil(WINDOW - into))
        headers = {}
        if self.headers:
            headers = {
                "x-ratelimit-remaining": str(max(self.allowed - self.spent[int(window)], 0)),
                "x-ratelimit-reset": reset,
            }
        if not is_allowed and self.retry_after:
            headers["retry-after"] = reset
        await asyncio.sleep(ROUND_TRIP / 2)
        return Response(status=200 if is_allowed else 429, headers=headers, body=b'{"data":[],"count":0}')

    @property
    def use(self) -> list[float]:
        """What part of the budget was used, for each window but the first and the last."""
        windows = range(min(self.spent) + 1, max(self.spent))
        return [min(self.spent[window], self.allowed) / self.allowed for window in windows]


def client_of(transport: Transport, **settings: object) -> ContactshipClient:
    """Make a client without HTTP."""
    return in_loop_time(ContactshipClient("key", transport=transport, **settings))  # type: ignore[arg-type] # by name


@pytest.mark.parametrize("headers", [True, False])
@pytest.mark.parametrize("clients", [1, 20])
def test_hammering(clients: int, headers: bool) -> None:
    """Twenty callers use up the budget of each minute; each is refused at most once a minute, and no call fails."""
    server = FixedWindows(headers=headers)

    async def hammer(client: ContactshipClient) -> None:
        while now() < 1000 + 10 * WINDOW:
            await client.count_phone_numbers()

    async def main() -> None:
        made = [client_of(server.transport) for _ in range(clients)]
        async with asyncio.TaskGroup() as group:
            for caller in range(20):
                group.create_task(hammer(made[caller % clients]))

    run(main())

    assert len(server.use) >= 8
    assert min(server.use) >= 0.95
    assert max(server.refused.values()) <= 20


@pytest.mark.parametrize("clients", [1, 20])
def test_hammering_a_sandbox(clients: int) -> None:
    """Twenty callers use up each window of a sandbox, too, and no call fails."""

    async def main() -> tuple[int, int]:
        sandbox = Sandbox(3, rate_limit=120, latency=ROUND_TRIP, clock=now)
        made = [in_loop_time(sandbox.client()) for _ in range(clients)]
        done = 0

        async def hammer(client: ContactshipClient) -> None:
            nonlocal done
            while now() < 1000 + 3.5 * WINDOW:
                await client.count_phone_numbers()
                done += 1

        async with asyncio.TaskGroup() as group:
            for caller in range(20):
                group.create_task(hammer(made[caller % clients]))
        return done, len(sandbox.requests) - done

    done, refused = run(main())

    assert done >= 0.95 * 120 * 4
    assert refused <= 20 * 5


def test_burst() -> None:
    """Of a thousand calls at once, none fails or is refused more than twice."""
    server = FixedWindows(headers=False)
    attempts: Counter[object] = Counter()

    async def transport(request: Request) -> Response:
        attempts[asyncio.current_task()] += 1  # Each call is a task.
        return await server.transport(request)

    async def main() -> None:
        client = client_of(transport, timeouts=Timeouts(total=None))
        await asyncio.gather(*(client.count_phone_numbers() for _ in range(1000)))

    run(main())

    refused = list(server.refused.values())
    assert 880 == refused[0]
    assert max(refused[1:]) <= 40
    assert max(attempts.values()) <= 3
    assert min(server.use) == 1


def test_budget_avoids_refusals() -> None:
    """With the documented budget set, the server refuses nothing."""
    server = FixedWindows()

    async def main() -> None:
        client = client_of(server.transport, rate_limit=RateLimit(120, WINDOW), timeouts=Timeouts(total=None))
        await asyncio.gather(*(client.count_phone_numbers() for _ in range(500)))

    run(main())

    assert {} == server.refused


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "7"}, 7),
        ({"x-ratelimit-remaining": " 0 ", "x-ratelimit-reset": " 7 "}, 7),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "300"}, 300),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "301"}, 0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795338000"}, 0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9" * 5000}, 0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "-1"}, 0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}, 0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "٣"}, 0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": ""}, 0),
        ({"x-ratelimit-remaining": "0"}, 0),
        ({"x-ratelimit-remaining": "1", "x-ratelimit-reset": "7"}, 0),
        ({"x-ratelimit-remaining": "", "x-ratelimit-reset": "7"}, 0),
        ({"x-ratelimit-remaining-heavy": "0", "x-ratelimit-reset-heavy": "7"}, 0),
        ({"x-ratelimit-remaining-ip": "0", "x-ratelimit-reset-ip": "7"}, 7),
    ],
)
@pytest.mark.parametrize("status", [200, 404])
def test_used_up_budget(headers: dict[str, str], pause: float, status: int) -> None:
    """A response that says that the budget is used up holds back what follows for as long as it says, if plausible."""

    async def transport(request: Request) -> Response:
        return Response(status=status, headers=headers, body=b"{}")

    async def main() -> float:
        client = client_of(transport, timeouts=Timeouts(total=None))
        for limit in (client._caller.attempts.limits.organization, client._caller.attempts.limits.address):
            limit.rng = lambda: 0.0
        for _ in range(2):
            await asyncio.gather(client.request("GET", "/v1/credits"), return_exceptions=True)
        return now() - 1000

    assert pause == run(main())


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        ({"retry-after": "7"}, (7, 0)),
        (
            {"retry-after": "7", "x-ratelimit-remaining-ip": "0", "x-ratelimit-reset-ip": "9"},
            (9, 9.1),
        ),
    ],
)
def test_organizations_of_a_pool(headers: dict[str, str], waits: tuple[float, float]) -> None:
    """A 429 holds back its organization alone; only the budget of the address is that of all."""

    async def transport(request: Request) -> Response:
        if request.api_key.reveal() == "first" and now() < 1001:
            return Response(status=429, headers=headers)
        return Response(status=200, body=b"{}")

    async def main() -> tuple[float, float]:
        async with ContactshipPool({"a": "first", "b": "second"}, transport=transport) as pool:
            for client in (pool["a"], pool["b"]):
                in_loop_time(client)
                for limit in (client._caller.attempts.limits.organization, client._caller.attempts.limits.address):
                    limit.rng = lambda: 0.0

            async def seconds(client: ContactshipClient) -> float:
                await client.request("GET", "/v1/credits")
                return now() - 1000

            first = asyncio.create_task(seconds(pool["a"]))
            for _ in range(5):
                await asyncio.sleep(0)
            second = await seconds(pool["b"])
            return await first, second

    assert pytest.approx(waits) == run(main())


def test_call_that_is_not_repeated_pauses_the_others() -> None:
    """A POST that is refused with 429, but by no rate limiter, is not sent again, but what follows waits."""
    responses = [Response(status=429), Response(status=200, body=b"{}")]

    async def transport(request: Request) -> Response:
        return responses.pop(0)

    async def main() -> float:
        client = client_of(transport)
        client._caller.attempts.limits.organization.rng = lambda: 0.0
        with pytest.raises(RateLimitError):
            await client.request("POST", "/v1/calls", json={})
        await client.request("GET", "/v1/credits")
        return now() - 1000

    assert 0.5 == run(main())


def test_waiting_is_not_an_attempt() -> None:
    """A call that waits for the limits for long has all its attempts."""
    responses = [Response(status=status) for status in (200, 503, 503, 200)]

    async def transport(request: Request) -> Response:
        return responses.pop(0)

    async def main() -> None:
        client = client_of(
            transport,
            rate_limit=RateLimit(1, 1000),
            retry=RetryPolicy(max_attempts=3, initial_delay=0),
            timeouts=Timeouts(attempt=1, total=None),
        )
        for _ in range(2):
            await client.request("GET", "/v1/credits")

    run(main())

    assert [] == responses


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (lambda limits: limits.organization.pause(200), "rate limits hold it back for another 200.0 s"),
        (lambda limits: limits.address.pause(200), "rate limits hold it back for another 200.0 s"),
    ],
)
def test_wait_longer_than_total(prepare: Callable[[Limits], None], reason: str) -> None:
    """A wait that would outlast the total limit fails at once, with how long it would be."""

    async def transport(request: Request) -> Response:
        raise AssertionError

    async def main() -> float:
        client = client_of(transport)
        prepare(client._caller.attempts.limits)
        with pytest.raises(
            RequestTimeoutError, match=f"{reason}, and so it can't end within 120 s, the total"
        ) as caught:
            await client.request("POST", "/v1/calls", json={})
        assert "total" == caught.value.limit
        return now() - 1000

    assert 0 == run(main())


def test_hostile_wait_ends() -> None:
    """A server that asks for years delays no call for longer than `max_retry_after`."""
    responses = [Response(status=429, headers={"retry-after": "999999999"}), Response(status=200, body=b"{}")]

    async def transport(request: Request) -> Response:
        return responses.pop(0)

    async def main() -> float:
        client = client_of(transport, timeouts=Timeouts(total=None))
        client._caller.attempts.limits.organization.rng = lambda: 0.0
        with pytest.raises(RateLimitError):
            await client.request("GET", "/v1/credits")
        await client.request("GET", "/v1/credits")
        return now() - 1000

    assert 120 == run(main())


def test_own_delay_after_a_refusal() -> None:
    """Without `Retry-After`, the wait is 0.5 to 1 s: the other waits of `RetryPolicy` are for other failures."""
    responses = [Response(status=429), Response(status=200, body=b"{}")]

    async def transport(request: Request) -> Response:
        return responses.pop(0)

    async def main() -> float:
        client = client_of(transport, retry=RetryPolicy(initial_delay=10, max_retry_after=0))
        client._caller.attempts = evolve(client._caller.attempts, rng=lambda: 1.0)
        client._caller.attempts.limits.organization.rng = lambda: 0.0
        await client.request("GET", "/v1/credits")
        return now() - 1000

    assert 0.5 == run(main())


def test_held_back_after_a_refusal() -> None:
    """A call that was refused and then held back for too long raises the refusal, with both in its notes."""

    async def transport(_: Request) -> Response:
        headers = {"retry-after": "7", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "200"}
        return Response(status=503) if now() < 1001 else Response(status=429, headers=headers)

    async def main() -> list[str]:
        client = client_of(transport, retry=RetryPolicy(initial_delay=2))
        client._caller.attempts = evolve(client._caller.attempts, rng=lambda: 1.0)
        with pytest.raises(RateLimitError) as caught:
            await client.request("GET", "/v1/credits")
        return caught.value.__notes__

    reason = "rate limits hold it back for another 200.0 s, and so it can't end within 120 s, the total limit"
    assert ["2 attempts were made.", f"Not retried: {reason}."] == run(main())


ROW = {"phone_number": "+1", "type": "inbound", "organization_id": "o", "created_at": "2026-01-15T10:00:00Z"}


def page_of(request: Request, *, rows: int) -> Response:
    """Answer with one of *rows* rows."""
    offset = int(dict(request.query)["offset"])
    return Response(status=200, body=json.dumps({"data": [{"id": str(offset), **ROW}], "count": rows}).encode())


@pytest.mark.parametrize("window", [8.0, 60.0])
def test_walk_outlasts_a_window_of_which_nothing_is_told(window: float) -> None:
    """A walk waits for windows that a bare 429 is all to tell of, with the settings as they are."""
    spent: Counter[int] = Counter()

    async def transport(request: Request) -> Response:
        await asyncio.sleep(ROUND_TRIP)
        spent[int(now() // window)] += 1
        return page_of(request, rows=30) if spent[int(now() // window)] <= 5 else Response(status=429)

    async def main() -> list[str]:
        return [row.id async for row in client_of(transport).iter_phone_numbers(page_size=1)]

    assert [str(place) for place in range(30)] == run(main())
    assert sum(spent.values()) <= 30 + 6 * window * 2


def test_budget_of_a_walk_is_no_failure() -> None:
    """The pages of a walk wait for the client's own budget for longer than the total limit: their queue moves."""

    async def transport(request: Request) -> Response:
        return page_of(request, rows=10)

    async def main() -> float:
        client = client_of(transport, rate_limit=RateLimit(1, 60), timeouts=Timeouts(total=10))
        assert 10 == len([number async for number in client.iter_phone_numbers(page_size=1)])
        return now() - 1000

    assert 540 == run(main())


def test_single_call_that_can_not_have_its_turn_says_so_at_once() -> None:
    """A single call has no time for the queue of its own client, and says that it was this."""

    async def transport(request: Request) -> Response:
        return page_of(request, rows=1)

    async def main() -> float:
        client = client_of(transport, rate_limit=RateLimit(1, 60), timeouts=Timeouts(total=10))
        await client.count_phone_numbers()
        reason = r"its own client's queue holds it back for another 60\.0 s, and so it can't end within 10 s"
        for call in (client.count_phone_numbers(), client.list_phone_numbers(limit=1)):
            with pytest.raises(RequestTimeoutError, match=reason):
                await call
        return now() - 1000

    assert 0 == run(main())


def test_page_that_is_refused_for_too_long_ends_the_walk() -> None:
    """From its turn on, the total limit holds for a page of a walk, and the error tells the position."""

    async def transport(request: Request) -> Response:
        if int(dict(request.query)["offset"]) >= 2:
            return Response(status=429, headers={"retry-after": "7"})
        return page_of(request, rows=10)

    async def main() -> tuple[int, float]:
        client = client_of(transport, timeouts=Timeouts(total=20))
        with pytest.raises(RateLimitError) as caught:
            async for _ in client.iter_phone_numbers(page_size=1):
                pass
        assert caught.value.position is not None
        return caught.value.position.offset, round(now() - 1000, 1)

    assert (2, 14) == run(main())
