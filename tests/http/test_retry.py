"""The attempt loop, with a clock, a sleep and random numbers of the test's own."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from contactship_async import (
    AmbiguousOutcomeError,
    ConnectionFailedError,
    ContactshipError,
    NotFoundError,
    RateLimitError,
    RequestTimeoutError,
    RetryPolicy,
    ServerError,
    StatusError,
    Timeouts,
)
from contactship_async._http.gate import Gate
from contactship_async._http.messages import Delivery, Request, Response
from contactship_async._http.rate_limits import Limits, OwnBudget
from contactship_async._http.requests import build_request, complete_request
from contactship_async._http.responses import read_error
from contactship_async._http.retry import AttemptLoop
from contactship_async._http.secret import Secret

GET = Request(method="GET", path="/v1/phone-numbers", api_key=Secret("sk-test"), idempotent=True)
POST = replace(GET, method="POST", idempotent=False)


def unsent(request: Request) -> Request:
    """Return *request* with a delivery of its own: tests share the requests above."""
    return replace(request, delivery=Delivery())


OK = Response(status=200)


@define
class World:
    """Time that passes only by sleeping, and a server whose responses are a list."""

    responses: list[Response | Exception]
    now: float = 1000.0
    slept: list[float] = field(factory=list)
    sent: list[Request] = field(factory=list)
    rng: float = 1.0
    limits: Limits = field(factory=Limits)

    async def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.slept.append(seconds)
        self.now += seconds

    async def transport(self, request: Request) -> Response:
        """Give the next response."""
        self.sent.append(request)
        response = self.responses.pop(0)
        if isinstance(response, Exception):
            raise response
        return response

    async def send(
        self,
        request: Request = GET,
        policy: RetryPolicy = RetryPolicy(),
        timeouts: Timeouts = Timeouts(),
        *,
        own_budget: OwnBudget | None = None,
    ) -> Response:
        """Send one call."""
        loop = self.loop(policy, timeouts)
        return await loop.send(unsent(request), self.transport, loop.start_deadline(), own_budget=own_budget)

    def loop(self, policy: RetryPolicy = RetryPolicy(), timeouts: Timeouts = Timeouts()) -> AttemptLoop:
        """Make a loop in this world, whose gates draw zeros only."""
        gates = [Gate(clock=lambda: self.now, sleep=self.sleep, rng=lambda: 0.0) for _ in range(4)]
        limits = self.limits = Limits(*gates[:3], events=gates[3])
        return AttemptLoop(
            policy,
            timeouts,
            limits,
            read_error,
            clock=lambda: self.now,
            sleep=self.sleep,
            rng=lambda: self.rng,
        )


def loop_of(policy: RetryPolicy, timeouts: Timeouts) -> AttemptLoop:
    """Make a loop in the real world."""
    return AttemptLoop(policy, timeouts, Limits(), read_error)


def status(code: int, **headers: str) -> Response:
    """Make a response."""
    return Response(status=code, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize("code", [200, 201, 204, 299])
async def test_success(code: int) -> None:
    """A 2xx comes back as it is, after one attempt."""
    world = World([status(code), OK])

    response = await world.send()
    assert status(code) == response
    assert response.is_success
    assert 1 == len(world.sent)


@pytest.mark.parametrize("code", [408, 425, 500, 502, 503, 504, 506, 507, 520, 521, 522, 523, 524, 529, 599])
async def test_retried_statuses(code: int) -> None:
    """A GET is sent again after these, with waits that double."""
    world = World([status(code), status(code), status(code), OK])

    assert OK == await world.send()
    assert [0.5, 1.0, 2.0] == world.slept


@pytest.mark.parametrize("code", [301, 304, 400, 401, 403, 404, 409, 418, 501, 505, 600, 999])
async def test_final_statuses(code: int) -> None:
    """A GET is not sent again after any other status."""
    world = World([status(code), OK])
    with pytest.raises(StatusError) as caught:
        await world.send()

    assert code == caught.value.status
    assert [] == world.slept


@pytest.mark.parametrize("code", [408, 425, 500, 502, 503, 504, 522])
async def test_any_response_to_a_post_is_final(code: int) -> None:
    """A POST that got a response is not sent again, unless it was refused by a rate limiter."""
    world = World([status(code, retry_after="1"), OK])
    with pytest.raises(StatusError):
        await world.send(POST)

    assert 1 == len(world.sent)


@pytest.mark.parametrize("failure", [ConnectionResetError(), TimeoutError(), OSError(), ConnectionFailedError("x")])
async def test_retried_failures(failure: Exception) -> None:
    """A GET is sent again after a failed exchange, of our own errors and those of the system alike."""
    world = World([failure, OK])

    assert OK == await world.send()


async def test_failure_of_a_post() -> None:
    """A POST whose exchange failed on the way may have been processed, and is not sent again."""
    world = World([ConnectionResetError(), OK])
    with pytest.raises(AmbiguousOutcomeError) as caught:
        await world.send(POST)

    assert "POST /v1/phone-numbers may have been processed: ConnectionResetError" == str(caught.value)
    assert 1 == len(world.sent)


async def test_post_that_never_left() -> None:
    """A POST that provably never left is sent again."""
    world = World([ConnectionFailedError("refused"), RequestTimeoutError("no connection", limit="connect"), OK])

    assert OK == await world.send(POST)
    assert 3 == len(world.sent)


async def test_idempotent_post() -> None:
    """A call that is declared idempotent is retried like a GET."""
    world = World([ConnectionResetError(), status(503), OK])

    assert OK == await world.send(replace(POST, idempotent=True))


async def test_each_attempt_has_its_own_delivery() -> None:
    """What is known of one attempt's bytes is not taken for knowledge of the next one's."""
    world = World([status(500), OK])
    await world.send()

    assert world.sent[0].delivery is not world.sent[1].delivery


async def test_attempts_are_limited() -> None:
    """The last error is raised after the last attempt, and says how many there were."""
    world = World([status(500)] * 9)
    with pytest.raises(StatusError) as caught:
        await world.send(policy=RetryPolicy(max_attempts=3))

    assert 3 == len(world.sent)
    assert ["3 attempts were made."] == caught.value.__notes__


async def test_retry_after_wins() -> None:
    """The server's wait takes the place of ours, longer or shorter."""
    world = World([status(503, retry_after="0"), status(429, retry_after="7"), OK])
    await world.send()

    assert [0, 7] == world.slept


async def test_retry_after_too_long() -> None:
    """A wait longer than allowed is not begun; the error says how long it would be."""
    world = World([status(429, retry_after="121"), OK])
    with pytest.raises(StatusError) as caught:
        await world.send(timeouts=Timeouts(total=None))

    assert 121 == caught.value.retry_after
    assert [] == world.slept


async def test_retry_after_beyond_the_deadline() -> None:
    """A wait that would outlast the total limit is not begun."""
    world = World([status(429, retry_after="11"), OK])
    with pytest.raises(StatusError):
        await world.send(timeouts=Timeouts(total=10))

    assert [] == world.slept


async def test_deadline_over_all_attempts() -> None:
    """Waits count towards the total limit: what is left after them must suffice for the next."""
    world = World([status(500)] * 9)
    with pytest.raises(StatusError):
        await world.send(policy=RetryPolicy(max_attempts=9, initial_delay=4), timeouts=Timeouts(total=10))

    assert [4] == world.slept


async def test_deadline_that_has_passed() -> None:
    """Nothing is sent after the deadline."""
    world = World([OK])
    loop = world.loop(timeouts=Timeouts(total=5))
    with pytest.raises(RequestTimeoutError) as caught:
        await loop.send(unsent(POST), world.transport, world.now - 1)

    assert "total" == caught.value.limit
    assert [] == world.sent


async def silence(request: Request) -> Response:
    """Never respond."""
    await asyncio.Event().wait()
    raise AssertionError


async def held_back(request: Request) -> Response:
    """Never get so far as to send."""
    request.delivery.provably_unsent = True
    return await silence(request)


@pytest.mark.parametrize(
    ("request_sent", "transport", "timeouts", "error", "limit"),
    [
        (GET, silence, Timeouts(attempt=0.01), RequestTimeoutError, "attempt"),
        (GET, silence, Timeouts(attempt=None, total=0.01), RequestTimeoutError, "total"),
        (GET, silence, Timeouts(total=0.01), RequestTimeoutError, "total"),
        (POST, silence, Timeouts(attempt=0.01), AmbiguousOutcomeError, None),
        (POST, silence, Timeouts(total=0.01), AmbiguousOutcomeError, None),
        (POST, held_back, Timeouts(attempt=0.01), RequestTimeoutError, "attempt"),
    ],
)
async def test_limits(
    request_sent: Request,
    transport: Callable[[Request], object],
    timeouts: Timeouts,
    error: type[ContactshipError],
    limit: str | None,
) -> None:
    """Each limit ends a silent exchange by its name; a call that may have left is ambiguous."""
    loop = loop_of(RetryPolicy(max_attempts=1), timeouts)
    with pytest.raises(error) as caught:
        await loop.send(unsent(request_sent), transport, loop.start_deadline())  # type: ignore[arg-type] # a Transport

    assert limit == getattr(caught.value, "limit", None)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("request_sent", [GET, POST])
async def test_refusal_whose_body_never_ends(request_sent: Request) -> None:
    """A refusal counts from its status on: neither is its wait undercut, nor the outcome ambiguous."""

    async def refuse(request: Request) -> Response:
        request.delivery.refusal = status(429, retry_after="100")
        return await silence(request)

    loop = loop_of(RetryPolicy(max_retry_after=99), Timeouts(attempt=0.01))
    with pytest.raises(RateLimitError) as caught:
        await loop.send(unsent(request_sent), refuse, loop.start_deadline())

    assert 100 == caught.value.retry_after


async def test_no_limits() -> None:
    """Without limits, a response is waited for."""
    assert OK == await World([OK]).send(timeouts=Timeouts(connect=None, attempt=None, total=None))


async def test_foreign_errors_pass() -> None:
    """An error that is no failure of the exchange passes untouched."""
    failure = KeyError("a bug of the transport")
    with pytest.raises(KeyError) as caught:
        await World([failure]).send()

    assert failure is caught.value


@given(
    attempt=st.integers(1, 10_000),
    initial=st.floats(0, 1e6),
    longest=st.floats(0, 1e6),
    rng=st.floats(0, 1, exclude_max=True),
)
def test_delays_stay_within_bounds(attempt: int, initial: float, longest: float, rng: float) -> None:
    """A drawn wait is never negative, never above the longest, and never above the doubled first one."""
    policy = RetryPolicy(max_attempts=10_001, initial_delay=initial, max_delay=longest)
    loop = World([], rng=rng).loop(policy)
    delay = loop._delay_after(attempt, ConnectionFailedError("x"))

    assert 0 <= delay <= longest
    assert delay <= initial * math.pow(2.0, min(attempt - 1, 60))


SPENT = {"x_ratelimit_remaining": "0"}
SPENT_HEAVY = {"x_ratelimit_remaining_heavy": "0"}
SPENT_ADDRESS = {"x_ratelimit_remaining_ip": "0"}


@pytest.mark.parametrize(
    ("headers", "own_budget", "closed"),
    [
        ({}, None, {"organization"}),
        ({}, "heavy", {"heavy"}),
        ({}, "events", {"events"}),
        (SPENT, None, {"organization"}),
        (SPENT, "heavy", {"organization"}),
        (SPENT, "events", {"organization"}),
        (SPENT_HEAVY, "heavy", {"heavy"}),
        (SPENT_HEAVY, None, {"organization"}),  # It names another budget; so the refusal was of the usual one.
        (SPENT_HEAVY, "events", {"events"}),
        (SPENT_ADDRESS, None, {"address"}),
        (SPENT_ADDRESS, "heavy", {"address"}),
        (SPENT | SPENT_ADDRESS, None, {"organization", "address"}),
        (SPENT | SPENT_HEAVY, "heavy", {"organization", "heavy"}),
    ],
)
async def test_budgets_that_a_refusal_pauses(
    headers: dict[str, str], own_budget: OwnBudget | None, closed: set[str]
) -> None:
    """A 429 closes the gates of the budgets it names, or that of the nearest one, for as long as it says."""
    world = World([status(429, retry_after="7", **headers)])
    with pytest.raises(RateLimitError):
        await world.send(policy=RetryPolicy(max_attempts=1), own_budget=own_budget)

    opens_at = {name: getattr(world.limits, name).opens_at() for name in ("organization", "address", "heavy", "events")}
    assert dict.fromkeys(closed, 1007) == {name: time for name, time in opens_at.items() if time > 1000}


async def test_a_used_up_heavy_budget_closes_its_gate_alone() -> None:
    """Also when the response to another call says so."""
    world = World([status(200, x_ratelimit_reset_heavy="42", **SPENT_HEAVY)])
    await world.send()

    assert 1042 == world.limits.heavy.opens_at()
    assert world.limits.organization.is_open()
    assert world.limits.address.is_open()


def passed(world: World) -> float:
    """Return how many seconds have passed."""
    return round(world.now - 1000, 9)


async def test_rate_limit_uses_up_no_attempt() -> None:
    """A GET that is refused by a rate limiter a hundred times is sent until it succeeds, or the total limit ends it."""
    world = World([*[status(429, retry_after="1")] * 100, OK])

    assert OK == await world.send(policy=RetryPolicy(max_attempts=2))
    assert 100 == passed(world)


async def test_failures_and_rate_limits_are_counted_apart() -> None:
    """Refusals in between take nothing from the attempts that other failures have."""
    refused, failed = status(429, retry_after="1"), status(503)
    world = World([refused, failed, refused, failed, refused, failed, OK])

    with pytest.raises(ServerError) as caught:
        await world.send(policy=RetryPolicy(max_attempts=3))
    assert ["6 attempts were made."] == caught.value.__notes__


async def test_one_attempt_is_one_sending() -> None:
    """With `max_attempts=1`, a rate limit is raised at once, but what follows waits."""
    world = World([status(429, retry_after="7"), OK])
    with pytest.raises(RateLimitError):
        await world.send(policy=RetryPolicy(max_attempts=1))

    assert 1 == len(world.sent)
    assert 1007 == world.limits.organization.opens_at()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7),
        ({"retry_after": "2.5"}, 2.5),
        ({"retry_after": "0"}, 0.5),
        ({"retry_after": "0.2"}, 0.5),
        ({"x_ratelimit_reset": "7"}, 7),
        ({"x_ratelimit_reset": "7", "retry_after": "3"}, 3),
        ({"retry_after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30),
        ({}, 0.5),
    ],
)
async def test_wait_for_a_rate_limit(headers: dict[str, str], seconds: float) -> None:
    """It is as long as the server says, in whatever form; never less than half a second, nor without a word."""
    world = World([status(429, **headers), OK])
    await world.send()

    assert seconds == passed(world)


async def test_rate_limit_without_a_word_outlasts_a_window() -> None:
    """A window of a minute that is used up, with nothing but the status to tell, is waited for."""
    world = World([])

    async def transport(_: Request) -> Response:
        return OK if passed(world) >= 60 else status(429)

    loop = world.loop()

    assert OK == await loop.send(unsent(GET), transport, loop.start_deadline())
    assert 60 <= passed(world) <= 75


@pytest.mark.parametrize("total", [120, 30])
async def test_total_limit_ends_the_waits(total: float) -> None:
    """A call that is refused for as long as its total limit raises the refusal, and says why it was not retried."""
    world = World([status(429, retry_after="7")] * 99)
    with pytest.raises(RateLimitError) as caught:
        await world.send(timeouts=Timeouts(total=total))

    assert total - 7 < passed(world) <= total
    assert caught.value.__notes__[1].startswith("Not retried: rate limits hold it back for another 7.")


async def test_without_a_total_limit_a_call_gives_up_after_ten_minutes() -> None:
    """Ten minutes of refusals without any success of the organization are the end."""
    world = World([])

    async def transport(_: Request) -> Response:
        return status(429)

    loop = world.loop(timeouts=Timeouts(total=None))
    with pytest.raises(RateLimitError):
        await loop.send(unsent(GET), transport, loop.start_deadline())

    assert 600 <= passed(world) <= 615


async def test_success_of_another_call_renews_the_patience() -> None:
    """Without a total limit, a call waits on while others of its organization succeed."""
    world = World([])
    loop = world.loop(timeouts=Timeouts(total=None))

    async def transport(_: Request) -> Response:
        if passed(world) >= 1500:
            return OK
        if passed(world) < 500:
            loop.limits.organization.succeed()
        return status(429)

    with pytest.raises(RateLimitError):
        await loop.send(unsent(GET), transport, loop.start_deadline())

    assert 1100 <= passed(world) <= 1115


async def test_patience_begins_with_the_call() -> None:
    """A call that comes when there have been refusals for long has ten minutes of its own."""
    world = World([])
    loop = world.loop(timeouts=Timeouts(total=None))
    loop.limits.refuse(None, None, sent_at=world.now)
    world.now += 10_000

    async def transport(_: Request) -> Response:
        return OK if passed(world) > 10_500 else status(429)

    assert OK == await loop.send(unsent(GET), transport, loop.start_deadline())


@pytest.mark.parametrize("headers", [{"retry_after": "7"}, {"x_ratelimit_remaining": "0"}, {"X_RateLimit_Limit": "5"}])
async def test_refused_post_is_sent_again(headers: dict[str, str]) -> None:
    """What a rate limiter refused had no effect, so a call that must not be repeated waits and is sent again, too."""
    world = World([status(429, **headers), OK])

    assert OK == await world.send(POST)
    assert passed(world) >= 0.5


async def test_bare_429_to_a_post_is_final() -> None:
    """A 429 without any header of a rate limiter does not say that the call had no effect."""
    world = World([status(429), OK])
    with pytest.raises(RateLimitError):
        await world.send(POST)

    assert 1 == len(world.sent)


async def test_429_to_a_relayed_post_is_final() -> None:
    """A call that the server passes on to another is not sent again after that one's 429."""
    world = World([status(429, retry_after="1"), OK])
    with pytest.raises(RateLimitError):
        await world.send(
            complete_request(build_request(method="POST", path="/v1/waba/send", relayed=True), Secret("k"))
        )

    assert 1 == len(world.sent)


async def test_refused_post_that_fails_is_ambiguous() -> None:
    """After a wait, a call that must not be repeated is as much in danger as before."""
    world = World([status(429, retry_after="1"), ConnectionResetError(), OK])
    with pytest.raises(AmbiguousOutcomeError) as caught:
        await world.send(POST)

    assert caught.value.may_have_been_processed
    assert 2 == len(world.sent)


@pytest.mark.parametrize(("statuses", "code", "retried"), [
    (frozenset({418}), 418, True),
    (frozenset({418}), 503, False),
    (frozenset({501}), 501, True),
    (frozenset({418}), 429, False),
    (frozenset(), 500, False),
])  # fmt: skip
async def test_statuses_of_the_policy(statuses: frozenset[int], code: int, retried: bool) -> None:
    """`retry_statuses` takes the place of the usual ones; without 429 among them, a rate limit is raised at once."""
    world = World([status(code, retry_after="1"), OK])
    policy = RetryPolicy(retry_statuses=statuses)
    if retried:
        assert OK == await world.send(policy=policy)
    else:
        with pytest.raises(StatusError):
            await world.send(policy=policy)

    assert (2 if retried else 1) == len(world.sent)


DELETE = replace(GET, method="DELETE", path="/v1/tags/1")


@pytest.mark.parametrize("first", [status(500), status(408), status(302), ConnectionResetError(), TimeoutError()])
async def test_delete_that_may_have_arrived(first: Response | Exception) -> None:
    """After an attempt that may have deleted it, a 404 says that it is gone."""
    world = World([first, status(404)])
    response = await world.send(DELETE, policy=RetryPolicy(retry_statuses=frozenset({302, 408, 500})))

    assert 204 == response.status
    assert b"" == response.body


@pytest.mark.parametrize("first", [None, status(429, retry_after="1"), status(425)])
async def test_delete_that_has_not_arrived(first: Response | None) -> None:
    """Without such an attempt, a 404 is an error."""
    world = World([*([first] if first else []), status(404)])
    with pytest.raises(NotFoundError) as caught:
        await world.send(DELETE)

    assert not caught.value.may_have_been_processed


async def test_other_calls_that_are_not_found() -> None:
    """A 404 to anything but a DELETE is an error, whatever came before."""
    world = World([status(500), status(404)])
    with pytest.raises(NotFoundError) as caught:
        await world.send()

    assert caught.value.may_have_been_processed


@pytest.mark.parametrize(
    ("request_sent", "outcome", "may_have"),
    [
        (POST, status(400), False),
        (POST, status(404), False),
        (POST, status(408), True),
        (POST, status(429), False),
        (POST, status(302), True),
        (POST, status(500), True),
        (POST, ConnectionResetError(), True),
        (POST, ConnectionFailedError("refused"), False),
        (POST, RequestTimeoutError("no connection", limit="connect"), False),
        (GET, ConnectionFailedError("cut"), True),
    ],
)
async def test_what_may_have_been_processed(
    request_sent: Request, outcome: Response | Exception, may_have: bool
) -> None:
    """Every error says whether an attempt of the call may have taken effect."""
    world = World([outcome])
    with pytest.raises(ContactshipError) as caught:
        await world.send(request_sent, policy=RetryPolicy(max_attempts=1))

    assert may_have is caught.value.may_have_been_processed


async def test_earlier_attempts_count() -> None:
    """An error of the last attempt says what all of them may have done."""
    world = World([ConnectionResetError(), status(400)])
    with pytest.raises(StatusError) as caught:
        await world.send(replace(POST, idempotent=True))

    assert caught.value.may_have_been_processed


async def test_call_that_never_had_its_turn() -> None:
    """A call that its own client's queue held back was not processed."""
    world = World([])
    loop = world.loop(timeouts=Timeouts(total=5))
    world.limits.organization.pause(10)
    with pytest.raises(RequestTimeoutError, match=r"rate limits hold it back for another 10\.0 s") as caught:
        await loop.send(unsent(POST), world.transport, loop.start_deadline())

    assert not caught.value.may_have_been_processed


async def test_total_limit_that_begins_with_the_turn() -> None:
    """Without a deadline, a request waits for its turn as long as that takes, and has the whole limit from then on."""
    world = World([status(429, retry_after="4"), OK, status(429, retry_after="6")])
    loop = world.loop(timeouts=Timeouts(total=5))
    for _ in range(2):
        world.limits.organization.pause(100)
        if len(world.responses) > 1:
            assert OK == await loop.send(unsent(GET), world.transport, None)
        else:
            with pytest.raises(RateLimitError):
                await loop.send(unsent(GET), world.transport, None)

    assert pytest.approx(204, abs=0.3) == passed(world)
