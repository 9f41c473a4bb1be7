"""What is told of waits when they begin: to `on_wait`, and to the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve
from jumping_loop import in_loop_time, now, run

from contactship_async import (
    ContactshipClient,
    ContactshipPool,
    RateLimit,
    Request,
    Response,
    RetryPolicy,
    Timeouts,
    Wait,
)

OK = Response(status=200, body=b"{}")
Told = list[tuple[float, Wait]]


def told_by(*answers: Response, calls: int = 1, at_once: bool = False, **settings: Any) -> Told:
    """Make *calls* calls, and return which waits were told, and when."""
    told: Told = []
    remaining = [*answers]

    async def transport(_: Request) -> Response:
        await asyncio.sleep(0.01)
        return remaining.pop(0) if remaining else OK

    async def main() -> None:
        client = ContactshipClient(
            "key", transport=transport, on_wait=lambda wait: told.append((now() - 1000, wait)), **settings
        )
        client = in_loop_time(client)
        client._caller.attempts = evolve(client._caller.attempts, rng=lambda: 1.0)
        for gate in (client._caller.attempts.limits.organization, client._caller.attempts.limits.address):
            gate.rng = lambda: 0.0
        if at_once:
            await asyncio.gather(*(client.request("GET", "/v1/credits") for _ in range(calls)))
        else:
            for _ in range(calls):
                await client.request("GET", "/v1/credits")

    run(main())
    return told


def rounded(told: Told) -> list[tuple[float, str, float | None]]:
    """Return what was told, to the hundredth of a second."""
    return [
        (round(moment, 2), wait.reason, None if wait.seconds is None else round(wait.seconds, 2))
        for moment, wait in told
    ]


def test_rate_limit() -> None:
    """A wait for a rate limit is told when it begins, with its length."""
    assert [(0.01, "rate_limit", 7)] == rounded(told_by(Response(status=429, headers={"retry-after": "7"})))


def test_used_up_budget() -> None:
    """So is one for a budget that a success called used up."""
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "42"}

    assert [(0.01, "rate_limit", 42)] == rounded(told_by(Response(status=200, body=b"{}", headers=headers), calls=2))


def test_retry() -> None:
    """A wait before a retry is told, whether it is drawn or asked for."""
    answers = Response(status=503), Response(status=503, headers={"retry-after": "4"})

    assert [(0.01, "retry", 0.5), (0.52, "retry", 4)] == rounded(told_by(*answers))


def test_budget_of_the_client() -> None:
    """A wait for the client's own budget is told as such."""
    assert [(0.01, "budget", 59.99)] == rounded(told_by(calls=2, rate_limit=RateLimit(1, 60)))


def test_connection() -> None:
    """Where all connections are in use, the queue is told once, when it begins, without a length."""
    told: Told = []

    async def transport(_: Request) -> Response:
        await asyncio.sleep(1)
        return OK

    async def main() -> None:
        client = ContactshipClient("key", transport=transport, on_wait=lambda wait: told.append((now() - 1000, wait)))
        in_loop_time(client)._caller.attempts.limits.address.max_in_flight = 2
        await asyncio.gather(*(client.request("GET", "/v1/credits") for _ in range(10)))

    run(main())

    assert [(0, "connection", None)] == rounded(told)


def test_all_calls_wait_together() -> None:
    """One wait of many calls is told once."""
    answer = Response(status=429, headers={"retry-after": "7"})

    assert [(0.01, "rate_limit", 7)] == rounded(told_by(*[answer] * 20, calls=20, at_once=True))


def test_short_waits_are_not_told() -> None:
    """Waits of less than a quarter of a second would fill the log."""
    assert [] == rounded(told_by(calls=5, rate_limit=RateLimit(1, 0.2)))


def test_organization() -> None:
    """Those of a pool name the organization."""
    told: list[Wait] = []
    answers = [Response(status=503, headers={"retry-after": "1"}), OK]

    async def transport(_: Request) -> Response:
        return answers.pop(0)

    async def main() -> None:
        async with ContactshipPool({"acme": "key"}, transport=transport, on_wait=told.append) as pool:
            await in_loop_time(pool["acme"]).request("GET", "/v1/credits")

    run(main())

    assert [Wait("retry", 1.0, "acme")] == told


def test_log(caplog: pytest.LogCaptureFixture) -> None:
    """The log has a record at level INFO when a wait begins, with its facts as attributes."""
    caplog.set_level(logging.INFO, logger="contactship_async")
    told_by(Response(status=429, headers={"retry-after": "7"}))

    records = [record for record in caplog.records if hasattr(record, "reason")]
    assert ["waiting 7.0 s: rate limit of the server"] == [record.getMessage() for record in records]
    assert [(logging.INFO, "rate_limit", None)] == [
        (record.levelno, record.__dict__["reason"], record.__dict__["organization"]) for record in records
    ]
    assert [pytest.approx(7)] == [record.__dict__["seconds"] for record in records]


def test_log_of_a_wait_without_a_length(caplog: pytest.LogCaptureFixture) -> None:
    """A wait of which nobody knows how long it takes says so by saying nothing."""
    caplog.set_level(logging.INFO, logger="contactship_async")
    test_connection()

    assert ["waiting: all connections are in use"] == [
        record.getMessage() for record in caplog.records if hasattr(record, "reason")
    ]


def test_what_it_raises_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    """A function that fails is logged, and the call goes on."""
    answers = [Response(status=503, headers={"retry-after": "1"}), OK]

    async def transport(_: Request) -> Response:
        return answers.pop(0)

    def fail(_: Wait) -> None:
        message = "of the user's own"
        raise KeyError(message)

    async def main() -> object:
        return await in_loop_time(ContactshipClient("key", transport=transport, on_wait=fail)).request(
            "GET", "/v1/credits"
        )

    assert {} == run(main())
    assert ["on_wait failed, and was ignored"] == [
        record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING
    ]


async def asynchronous(wait: Wait) -> None:
    """Be no plain function."""


@pytest.mark.parametrize("on_wait", [asynchronous, 5, "print"])
def test_plain_functions_only(on_wait: Callable[[Wait], object]) -> None:
    """What nobody would await, or call, is refused at once."""
    with pytest.raises(TypeError, match="on_wait must be a plain function"):
        ContactshipClient("key", on_wait=on_wait)


def test_defaults_wait_for_whom() -> None:
    """With all that is told, the waits are what they would be without."""
    settings: dict[str, Any] = {"retry": RetryPolicy(max_attempts=2), "timeouts": Timeouts(total=None)}

    assert [(0.01, "rate_limit", 0.5), (0.52, "retry", 0.5)] == rounded(
        told_by(Response(status=429), Response(status=500), **settings)
    )
