"""The four ends of starting a call, and what is told of each."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from attrs import evolve
from called_resources import Recorder
from jumping_loop import in_loop_time, run
from starts import BEGAN, LEFT, PERSON, PLACED, Act, CountingServer, breaks, dial, responds, wall_clock
from turns import pass_turns

from contactship_async import (
    AmbiguousOutcomeError,
    BadRequestError,
    ClientClosedError,
    ConflictError,
    ConnectionFailedError,
    ContactshipClient,
    ContactshipError,
    MalformedResponseError,
    NotFoundError,
    RateLimit,
    RateLimitError,
    Request,
    RequestTimeoutError,
    Response,
    RetryPolicy,
    ServerError,
    StatusError,
    Timeouts,
    UnexpectedRedirectError,
)
from contactship_async.models.calls import PlacedCall

STALLED = Act("stalled", leaves=True, takes=True, ending=None)
FIRST_SENT_AT = BEGAN + timedelta(seconds=1000)  # when a jumping loop begins
UNSENT = Act("unsent", leaves=False, takes=False, ending=None)


def client_of(server: CountingServer, api_key: Any = "key", **settings: Any) -> ContactshipClient:
    """Make a client in the time of the running loop."""
    settings = {"retry": RetryPolicy(initial_delay=0), "timeouts": Timeouts(attempt=5, total=60), **settings}
    client = ContactshipClient(api_key, transport=server.transport, **settings)
    in_loop_time(client)
    client._caller.attempts = evolve(client._caller.attempts, now=wall_clock)
    return client


def outcome_of(*acts: Act, **settings: Any) -> tuple[Any, CountingServer]:
    """Start a call at a server that plays *acts*, and return what comes of it."""
    server = CountingServer([*acts])

    async def start() -> Any:
        async with client_of(server, **settings) as client:
            try:
                return await dial(client)
            except ContactshipError as error:
                return error

    return run(start()), server


def act(status: int, body: bytes | None = b"{}", **headers: str) -> Act:
    """Let the server respond, without a word of what it did."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Act(f"{status}", leaves=True, takes=False, ending=responds(status, body, named))


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("body", [b'{"call_id": "c-1"}', b'{"statusCode": 201, "data": {"call_id": "c-1"}}'])
def test_placed(status: int, body: bytes) -> None:
    """A 2xx with an id, in any envelope, says that the call was placed."""
    placed, server = outcome_of(act(status, body))

    assert PlacedCall("c-1") == placed
    assert 1 == len(server.played)


@pytest.mark.parametrize(
    "envelope", [b"%s", b'{"statusCode": 201, "data": %s}', b'\xef\xbb\xbf{"data": %s, "success": 1}']
)
@pytest.mark.parametrize(
    "rest",
    [
        b'"created_at": "soon"',
        b'"created_at": 0',
        b'"agent_id": 7, "contact_id": []',
        b'"created_at": "9999-99-99T00:00:00Z", "tomorrow": "\\ud800"',
    ],
)
def test_placed_though_the_rest_is_malformed(rest: bytes, envelope: bytes) -> None:
    """A call with an id was placed, whatever is wrong with the rest: without its id, nobody could follow it."""
    placed, _ = outcome_of(act(201, envelope % (b'{"call_id": "c-1", %s}' % rest)))

    assert PlacedCall("c-1") == placed


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, BadRequestError), (402, StatusError), (404, NotFoundError), (409, ConflictError), (425, StatusError)],
)
def test_refused(status: int, kind: type[StatusError]) -> None:
    """A 4xx but 408 refuses the call, and is not asked for again."""
    error, server = outcome_of(act(status, retry_after="1"))

    assert (kind, status, False) == (type(error), error.status, error.may_have_been_processed)
    assert 1 == len(server.played)


@pytest.mark.parametrize(
    "headers", [{"retry_after": "1"}, {"x_ratelimit_remaining": "0"}, {"x_ratelimit_limit": "120"}]
)
def test_rate_limit_is_a_wait(headers: dict[str, str]) -> None:
    """A 429 that names its budget refused the call, and it is sent again."""
    refused = act(429, b"{}", **headers)
    placed, server = outcome_of(refused, refused, PLACED)

    assert PlacedCall("call-3") == placed
    assert ["call-3"] == server.taken


def test_429_of_nobody_knows_whom() -> None:
    """A 429 without a word of a budget refused the call, and is raised."""
    error, server = outcome_of(act(429), PLACED)

    assert (RateLimitError, False) == (type(error), error.may_have_been_processed)
    assert 1 == len(server.played)


@pytest.mark.parametrize(
    "failure",
    [ConnectionFailedError("refused"), RequestTimeoutError("no connection", limit="connect"), ConnectionRefusedError()],
)
def test_never_sent(failure: Exception) -> None:
    """A call that provably never left is sent again, and at last raises that it failed."""
    unsent = Act("unsent", leaves=False, takes=False, ending=breaks(lambda: failure))
    error, server = outcome_of(unsent)

    assert isinstance(error, ConnectionFailedError | RequestTimeoutError)
    assert not error.may_have_been_processed
    assert 4 == len(server.played)
    placed, _ = outcome_of(unsent, unsent, PLACED)
    assert PlacedCall("call-3") == placed


def test_no_connection_in_time() -> None:
    """An attempt that waits for a connection until its limit has not left, and another one follows."""
    error, server = outcome_of(UNSENT)

    assert (RequestTimeoutError, "attempt", False) == (type(error), error.limit, error.may_have_been_processed)
    assert 4 == len(server.played)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (101, StatusError),
        (302, UnexpectedRedirectError),
        (307, UnexpectedRedirectError),
        (408, StatusError),
        (500, ServerError),
        (502, ServerError),
        (503, ServerError),
        (504, ServerError),
        (600, StatusError),
    ],
)
def test_response_that_says_nothing(status: int, kind: type[StatusError]) -> None:
    """After any other status, nobody knows whether the call was placed; what the server said is the cause."""
    error, server = outcome_of(act(status, b'{"message": "Noor Haddad"}', retry_after="0"))

    assert (AmbiguousOutcomeError, status, BEGAN.year) == (type(error), error.status, error.sent_at.year)
    assert f"POST /v1/calls/single-phone-call may have been processed: the response has status {status}" == str(error)
    assert (kind, status, "Noor Haddad") == (type(error.__cause__), error.__cause__.status, error.__cause__.message)
    assert error.__cause__.may_have_been_processed
    assert server.sent_at == error.sent_at
    assert 1 == len(server.played)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"data": ',
        b"{}",
        b'{"call_id": 7}',
        b'{"call_id": ""}',
        b'{"call_id": "\\ud800"}',
        b"[]",
        b"\xff",
    ],
)
def test_success_without_a_readable_id(body: bytes) -> None:
    """A 2xx without an id says that something was done, and not what."""
    error, server = outcome_of(act(201, body))

    assert (AmbiguousOutcomeError, 201) == (type(error), error.status)
    assert isinstance(error.__cause__, MalformedResponseError)
    assert str(error).endswith(f"may have been processed: {error.__cause__}")
    assert server.sent_at == error.sent_at


@pytest.mark.parametrize("failure", [ConnectionResetError, BrokenPipeError, partial(AmbiguousOutcomeError, "cut")])
def test_no_complete_response(failure: Callable[[], Exception]) -> None:
    """After a connection that broke, nobody knows; the error says when the call was sent."""
    cut = Act("cut", leaves=True, takes=True, ending=breaks(failure), before=1, after=2)
    error, server = outcome_of(cut)

    assert (AmbiguousOutcomeError, None, None) == (type(error), error.status, error.__cause__)
    assert server.sent_at == error.sent_at
    assert error.sent_at.tzinfo is UTC
    assert 1 == len(server.played)


def test_late() -> None:
    """A call whose response is late may have been placed, and is not sent again."""
    error, server = outcome_of(STALLED)

    assert (AmbiguousOutcomeError, None) == (type(error), error.status)
    assert "within 5 s, the attempt limit" in str(error)
    assert ["call-1"] == server.taken


@pytest.mark.parametrize(("status", "kind"), [(400, BadRequestError), (503, AmbiguousOutcomeError)])
def test_status_counts_without_the_rest(status: int, kind: type[ContactshipError]) -> None:
    """A status that is known when the response stalls says what it would have said with the rest."""
    error, _ = outcome_of(Act("stalled head", leaves=True, takes=False, ending=None, status=status))

    assert (kind, status) == (type(error), error.status)


def test_success_that_stalls() -> None:
    """A 2xx that stops before its id is unknown, and its status is told."""
    error, _ = outcome_of(Act("stalled head", leaves=True, takes=True, ending=None, status=201))

    assert (AmbiguousOutcomeError, 201, None) == (type(error), error.status, error.__cause__)


def test_sent_at_is_that_of_the_last_attempt() -> None:
    """Where attempts were refused or never left before, the time is that of the one that may have been taken."""
    late = Act("refused", leaves=True, takes=False, ending=responds(429, b"{}", {"retry-after": "7"}), after=2)
    error, server = outcome_of(late, UNSENT, act(500))

    assert server.sent_at == error.sent_at
    assert timedelta(seconds=2 + 7 + 5) <= error.sent_at - FIRST_SENT_AT


def test_queue_that_is_too_long() -> None:
    """A start that its own client's queue holds back for too long was provably not sent."""
    server = CountingServer([PLACED])

    async def start() -> Any:
        async with client_of(server, rate_limit=RateLimit(1, 1000)) as client:
            await dial(client)
            with pytest.raises(RequestTimeoutError, match="its own client's queue holds it back") as caught:
                await dial(client)
            return caught.value

    assert not run(start()).may_have_been_processed
    assert ["call-1"] == server.taken


def test_key_that_is_refused() -> None:
    """With a key from a function, a 401 fetches it anew, and the call is sent again: it was refused before."""
    keys = iter(["old", "new"])

    async def fetch() -> str:
        return next(keys)

    placed, server = outcome_of(act(401), PLACED, api_key=fetch)

    assert PlacedCall("call-2") == placed
    assert ["call-2"] == server.taken


def test_key_function_that_fails() -> None:
    """What the function for the key raises, after a refusal as well, says that nothing was placed."""
    keys = iter(["old"])

    async def fetch() -> str:
        return next(keys)

    async def start() -> None:
        async with client_of(server, fetch) as client:
            await dial(client)

    server = CountingServer([act(401)])
    with pytest.raises(RuntimeError, match="StopIteration") as caught:
        run(start())
    assert [] == getattr(caught.value, "__notes__", [])
    assert [] == server.taken


def test_trace_hook_that_fails() -> None:
    """What a user's trace hook raises leaves as itself, with a note if the call had been sent."""
    for leaves in (False, True):
        broken = Act("broken hook", leaves=leaves, takes=leaves, ending=breaks(lambda: LookupError("hook")))
        with pytest.raises(LookupError, match="hook") as caught:
            outcome_of(broken)
        assert leaves is any(LEFT in note for note in getattr(caught.value, "__notes__", ()))


def disturbed(acts: list[Act], seconds: float, *, close: bool, **settings: Any) -> tuple[Any, CountingServer]:
    """Cancel a start after *seconds*, or close its client, and return what comes of it."""
    server = CountingServer(acts)

    async def start() -> Any:
        client = client_of(server, **settings)
        call = asyncio.create_task(dial(client))
        await asyncio.sleep(seconds)
        if close:
            await client.close()
        else:
            call.cancel()
        await asyncio.wait([call])
        await client.close()
        try:
            return call.result()
        except (ContactshipError, asyncio.CancelledError) as error:
            return error

    return run(start()), server


async def slow_key() -> str:
    """Take some time to fetch a key."""
    await asyncio.sleep(2)
    return "key"


WAITS: dict[str, tuple[list[Act], float, dict[str, Any], bool]] = {
    "for the key": ([PLACED], 1, {"api_key": slow_key}, False),
    "for a connection": ([Act("slow", leaves=True, takes=True, ending=None, before=2)], 1, {}, False),
    "for the response": ([Act("slow", leaves=True, takes=True, ending=None, before=2)], 3, {}, True),
    "for the rest of it": ([Act("slow", leaves=True, takes=True, ending=None, status=201)], 1, {}, True),
    "for a rate limit": ([act(429, retry_after="9"), PLACED], 1, {}, False),
    "before it is sent again": (
        [Act("unsent", leaves=False, takes=False, ending=breaks(ConnectionRefusedError)), PLACED],
        0.5,
        {"retry": RetryPolicy(initial_delay=20)},
        False,
    ),
}  # fmt: skip
"""What a start waits for, when it is disturbed, with which settings, and whether it had left by then."""


@pytest.mark.parametrize("wait", WAITS)
def test_cancelled(wait: str) -> None:
    """A cancellation leaves as itself, and has a note if the call had been sent."""
    acts, seconds, settings, has_left = WAITS[wait]
    outcome, server = disturbed(acts, seconds, close=False, **settings)

    assert asyncio.CancelledError is type(outcome)
    notes = [note for note in getattr(outcome, "__notes__", ()) if LEFT in note]
    expected = "POST /v1/calls/single-phone-call may have been processed: it had been sent before this was raised."
    assert [expected] * has_left == notes
    assert has_left is bool(server.left and server.left[-1].takes)


@pytest.mark.parametrize("wait", WAITS)
def test_closed(wait: str) -> None:
    """A client that is closed ends a start at once: as unknown if it had been sent, and otherwise as closed."""
    acts, seconds, settings, has_left = WAITS[wait]
    outcome, server = disturbed(acts, seconds, close=True, **settings)

    assert (AmbiguousOutcomeError if has_left else ClientClosedError) is type(outcome)
    assert has_left is outcome.may_have_been_processed
    if isinstance(outcome, AmbiguousOutcomeError):
        assert ClientClosedError is type(outcome.__cause__)
        assert (server.sent_at, server.played[-1].status) == (outcome.sent_at, outcome.status)


def test_time_limit_of_the_caller() -> None:
    """With `asyncio.timeout` around a start, the note is on the cancellation behind the `TimeoutError`."""

    async def start() -> None:
        async with client_of(CountingServer([STALLED])) as client, asyncio.timeout(1):
            await dial(client)

    with pytest.raises(TimeoutError) as caught:
        run(start())
    assert any(LEFT in note for note in caught.value.__cause__.__notes__)  # type: ignore[union-attr] # it has some


async def test_other_calls_keep_their_errors() -> None:
    """What `request` and `send` raise after a 5xx is a `StatusError`, also to the path that starts calls."""
    async with Recorder([Response(status=503)]).client() as client:
        for call in (client.request, client.send):
            with pytest.raises(ServerError) as caught:
                await call("POST", "/v1/calls/single-phone-call", json=PERSON)
            assert caught.value.may_have_been_processed


@pytest.mark.parametrize("duplicate", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy])
def test_error_is_a_value(duplicate: Callable[[Any], Any]) -> None:
    """The error pickles and copies with its facts and its cause."""
    error, _ = outcome_of(act(502))
    twin = duplicate(error)

    assert (str(error), error.sent_at, 502) == (str(twin), twin.sent_at, twin.status)
    assert (ServerError, 502) == (type(twin.__cause__), twin.__cause__.status)
    assert f"AmbiguousOutcomeError('{error}')" == repr(twin)


def test_error_of_a_transport_of_ones_own() -> None:
    """An ambiguous error that comes without a time has the present one, in UTC."""
    before = datetime.now(UTC)
    error = AmbiguousOutcomeError("cut")

    assert before <= error.sent_at <= datetime.now(UTC)
    assert (None, None) == (error.status, error.__cause__)


async def test_cancelled_with_the_cut_of_the_client() -> None:
    """A start that is cancelled and whose client is closed at the same time ends as cancelled."""
    left = asyncio.Event()

    async def transport(request: Request) -> Response:
        left.set()
        await asyncio.Event().wait()
        return Response(status=200)

    client = ContactshipClient("key", transport=transport)
    call = asyncio.create_task(dial(client))
    await left.wait()
    call.cancel()
    await client.close()
    await pass_turns()

    assert call.cancelled()


@pytest.mark.parametrize(
    "error",
    [MalformedResponseError(("not JSON",)), ServerError(status=503, method="POST", path="/token", message="")],
)
def test_key_function_that_fails_as_a_call_does(error: ContactshipError) -> None:
    """What the function for the key raises before anything is sent leaves as itself, and nothing was placed."""

    async def fetch() -> str:
        error.may_have_been_processed = True
        raise error

    failure, server = outcome_of(PLACED, api_key=fetch)

    assert error is failure
    assert not failure.may_have_been_processed
    assert [] == server.played
