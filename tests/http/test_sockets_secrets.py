"""The key stays where it belongs: in one header of one request, and in nothing that anyone may print or record."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import pickle
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from key_leaks import KEY, KEY_PARTS, all_of, failure_of, leaks, shown_by
from raw_server import Act, RawServer, close, deaf_server, head, refused_url, reset, response, stall, until_read

from contactship_async import (
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ContactshipClient,
    ContactshipError,
    RetryPolicy,
    StatusError,
    Timeouts,
    UnexpectedRedirectError,
)

BRIEF = Timeouts(attempt=0.1, total=0.2)
ONCE = RetryPolicy(max_attempts=1)


def look_up_in_vain() -> None:
    """Raise the error that the caller is handling while he calls."""
    raise LookupError


FAILURES: dict[str, Act] = {
    **{str(status): response(status=status) for status in (302, 400, 401, 403, 404, 409, 429, 500, 999)},
    "stall": stall,
    "close": close,
    "reset": reset,
    "cut body": [head(200, {"Content-Length": "99"}), b"{", close],
    "reset body": [head(200, {"Content-Length": "99"}), b"{", until_read, reset],
    "bad chunk": [head(200, {"Transfer-Encoding": "chunked"}), b"zz\r\n"],
    "no HTTP": b"SSH-2.0\r\n\r\n",
    "too large": response(b"a" * 2000),
    "not JSON": response(b"{"),
    "no gzip": response(b"{" * 99, headers={"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("act", FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
async def test_no_failure_reveals_the_key(method: str, act: Act) -> None:
    """No error that a server can cause reveals the key: not its text, arguments, frames, context or pickle."""
    async with RawServer(act) as server:
        client = server.client(KEY, timeouts=BRIEF, max_response_bytes=1000)
        error = await failure_of(client.request(method, "/v1/calls", json={"a": 1}))
        await client.close()

    assert isinstance(error, ContactshipError)
    assert [] == leaks(shown_by(error))


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_no_connection_failure_reveals_the_key(method: str) -> None:
    """Nor does one that comes before any server is reached."""
    async with deaf_server() as deaf:
        for url in (refused_url(), deaf, refused_url().replace("http", "https")):
            client = ContactshipClient(KEY, base_url=url, timeouts=Timeouts(connect=0.1), retry=ONCE)
            error = await failure_of(client.request(method, "/v1/calls"))
            await client.close()

            assert isinstance(error, ContactshipError)
            assert [] == leaks(shown_by(error))


@pytest.mark.parametrize("act", [response(status=500), stall, close, reset, response(b"{")], ids=lambda _: "")
async def test_failure_within_another_reveals_no_key(act: Act) -> None:
    """An error raised while the caller handles one of his own has that one as its context, and nothing of aiohttp."""

    async def call_while_handling() -> None:
        try:
            look_up_in_vain()
        except LookupError:
            await client.request("GET", "/v1/credits")

    async with RawServer(act) as server:
        client = server.client(KEY, timeouts=BRIEF)
        error = await failure_of(call_while_handling())
        await client.close()

    assert isinstance(error.__context__, LookupError)
    assert [] == leaks(shown_by(error))
    assert {ContactshipError, LookupError} == {
        kind for each in all_of(error) for kind in (ContactshipError, LookupError) if isinstance(each, kind)
    }
    assert 2 == len(list(all_of(error)))


HALF: Act = [head(200, {"Content-Length": "99"}), b"{", stall]
PHASES: dict[str, list[Act]] = {
    "connecting": [],
    "waiting for headers": [stall],
    "reading the body": [HALF],
    "reading the body of a refusal": [[head(500, {"Content-Length": "99"}), b"{", stall]],
    "sent again by aiohttp": [close, HALF],
}


@asynccontextmanager
async def waiting_call(phase: str) -> AsyncIterator[tuple[ContactshipClient, Callable[[], Awaitable[None]]]]:
    """Offer a client whose calls hang in *phase*, and what to await until a call has come that far."""
    script = PHASES[phase]

    async def reach() -> None:
        await server.is_asked(len(script))
        await server.is_read()

    async with RawServer(*script) as server, deaf_server() as deaf_url:
        client = server.client(KEY, base_url=server.url if script else deaf_url)
        yield client, reach
        await client.close()


@pytest.mark.parametrize("phase", PHASES)
async def test_cancellation_reveals_no_key(phase: str) -> None:
    """A cancelled call raises CancelledError with its message, and no frame of aiohttp or context comes with it."""
    async with waiting_call(phase) as (client, reach):
        task = asyncio.create_task(failure_of(client.request("GET", "/v1/credits")))
        await reach()
        task.cancel("because")
        error = await task

    assert asyncio.CancelledError is type(error)
    assert ("because",) == error.args
    assert [] == leaks(shown_by(error))


@pytest.mark.parametrize("phase", PHASES)
async def test_timeout_of_caller_reveals_no_key(phase: str) -> None:
    """The caller's own `asyncio.timeout()` raises TimeoutError, and what is behind it reveals no key."""

    async def call_with_timeout() -> None:
        try:
            look_up_in_vain()
        except LookupError:
            async with asyncio.timeout(None) as limit, asyncio.TaskGroup() as tasks:
                tasks.create_task(run_out_when_reached(limit))
                await client.request("GET", "/v1/credits")

    async def run_out_when_reached(limit: asyncio.Timeout) -> None:
        await reach()
        limit.reschedule(0)

    async with waiting_call(phase) as (client, reach):
        error = await failure_of(call_with_timeout())

    assert TimeoutError is type(error)
    assert [] == leaks(shown_by(error))


@pytest.mark.parametrize("phase", PHASES)
async def test_cancellation_within_a_task_group_reveals_no_key(phase: str) -> None:
    """A failing sibling cancels a call, and the resulting group reveals no key."""

    async def fail_beside_call() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(client.request("GET", "/v1/credits"))
            await reach()
            raise LookupError

    async with waiting_call(phase) as (client, reach):
        error = await failure_of(fail_beside_call())

    assert isinstance(error, ExceptionGroup)
    assert [] == leaks(shown_by(error))


class HookError(Exception):
    """What a user's trace hook raises."""


HOOKS = [
    "on_request_start",
    "on_connection_create_start",
    "on_connection_create_end",
    "on_request_headers_sent",
    "on_request_chunk_sent",
    "on_request_end",
]


@pytest.mark.parametrize("kind", [HookError, ExceptionGroup, TimeoutError, OSError, aiohttp.ClientError])
async def test_failing_hook_reveals_no_key(kind: type[Exception]) -> None:
    """An error of a user's trace hook comes without the frames of aiohttp, in which it was raised."""

    async def fail(_: object, __: object, ___: object) -> None:
        try:
            look_up_in_vain()
        except LookupError:
            raise ExceptionGroup("", [HookError()]) if kind is ExceptionGroup else kind from HookError()

    for hook in HOOKS:
        config = aiohttp.TraceConfig()
        getattr(config, hook).append(fail)
        async with RawServer(response({})) as server:
            client = server.client(KEY, trace_configs=[config], retry=ONCE)
            error = await failure_of(client.request("POST", "/v1/calls", json={"a": 1}))
            await client.close()

        assert isinstance(error, kind | ContactshipError), hook
        assert [] == leaks(shown_by(error)), hook


async def test_failing_exception_hook_reveals_no_key() -> None:
    """Nor does an error that a hook raises while aiohttp reports one of its own."""

    async def fail(_: object, __: object, params: aiohttp.TraceRequestExceptionParams) -> None:
        raise HookError from params.exception

    config = aiohttp.TraceConfig()
    config.on_request_exception.append(fail)
    for act in (close, reset, b"SSH-2.0\r\n\r\n"):
        async with RawServer(act) as server:
            client = server.client(KEY, trace_configs=[config], retry=ONCE)
            error = await failure_of(client.request("POST", "/v1/calls"))
            await client.close()

        assert isinstance(error, HookError | ContactshipError)
        assert [] == leaks(shown_by(error))


def as_is() -> str:
    """Echo the key as it is."""
    return KEY


def in_json() -> str:
    """Escape what JSON must have escaped."""
    return json.dumps(KEY)[1:-1]


def in_json_of_php() -> str:
    """Escape slashes too."""
    return json.dumps(KEY)[1:-1].replace("/", r"\/")


def in_json_of_dotnet() -> str:
    """Escape quotes by their number."""
    return KEY.replace("\\", "\\\\").replace('"', r"\u0022")


def in_json_as_escapes() -> str:
    """Escape every character by its number."""
    return "".join(f"\\u{ord(character):04X}" for character in KEY)


ECHOES = [as_is, in_json, in_json_of_php, in_json_of_dotnet, in_json_as_escapes]


def decoded(body: bytes) -> str:
    """Undo all escapes of JSON in *body*, as a reader would."""
    text = body.decode(errors="replace").replace(r"\/", "/").replace(r"\"", '"').replace("\\\\", "\\")
    for code in range(0x21, 0x7F):
        for escape in (f"\\u{code:04x}", f"\\u{code:04X}"):
            text = text.replace(escape, chr(code))
    return text


async def refusal(act: Callable[[], bytes]) -> StatusError:
    """Return the error of a call to which *act* is the response; the echo is in no frame of the error."""
    async with RawServer(act()) as server:
        client = server.client(KEY, retry=ONCE)
        error = await failure_of(client.request("POST", "/v1/calls"))
        await client.close()
    assert isinstance(error, StatusError)
    return error


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("status", [302, 401, 500])
async def test_echoed_key_is_masked(status: int, echo: Callable[[], str]) -> None:
    """A server that quotes the key in its refusal does not get it into the error, however it escapes it."""
    error = await refusal(
        lambda: response(
            f'{{"message": "bad {echo()}!", "headers": {{"x-api-key": "{echo()}"}}}}'.encode(),
            status=status,
            headers={"x-request-id": f"req {KEY}", "Location": f"/{KEY}"},
        )
    )

    assert "req ***" == error.request_id
    assert echo is as_is or "bad ***!" == error.message
    assert [] == leaks(shown_by(error))
    assert [] == leaks(decoded(error.body))
    assert error.body.startswith(b'{"message": "bad ***!')


@pytest.mark.parametrize("echo", ECHOES)
async def test_key_echoed_in_list_of_messages_is_masked(echo: Callable[[], str]) -> None:
    """The same goes for a list of messages, and for a compressed body."""
    error = await refusal(
        lambda: response(
            gzip.compress(f'{{"message": ["bad", "{json.dumps(KEY)[1:-1]}"], "x": "{echo()}"}}'.encode()),
            status=400,
            headers={"Content-Encoding": "gzip"},
        )
    )

    assert echo is as_is or "bad; ***" == error.message
    assert [] == leaks(shown_by(error))
    assert [] == leaks(decoded(error.body))


@pytest.mark.parametrize("echo", ECHOES)
async def test_echoed_key_is_masked_where_the_response_ends(echo: Callable[[], str]) -> None:
    """Wherever a response is cut off, what it holds of the key is masked, but for a beginning of 7 characters."""
    script: list[Act] = [
        [head(400, {"Content-Length": "999"}), b"bad: " + echo()[:length].encode(), close]
        for length in range(1, len(echo()))
    ]
    async with RawServer(*script) as server, server.client(KEY) as client:
        for _ in script:
            with pytest.raises(BadRequestError) as caught:
                await client.request("POST", "/v1/calls")

            assert KEY[:8] not in decoded(caught.value.body)
            assert [] == leaks(decoded(caught.value.body))


@pytest.mark.parametrize("before", [65_536 - 40, 65_536 - 20, 65_536 - 8, 65_536 - 7, 65_536 - 1])
async def test_echoed_key_is_masked_where_the_error_ends(before: int) -> None:
    """A key across the end of the 64 KiB that an error keeps is masked as well."""
    error = await refusal(lambda: response(b"a" * before + KEY.encode() + b"a" * 99, status=400))

    assert [] == leaks(shown_by(error))
    assert 65_536 >= len(error.body)


async def test_redirect_target_sees_no_key() -> None:
    """The key is sent to no redirect's target, and the error does not reveal the target, which may hold it."""
    async with RawServer() as sink:
        error = await refusal(lambda: response(b"", status=307, headers={"Location": f"{sink.url}/{KEY}?key={KEY}"}))

    assert isinstance(error, UnexpectedRedirectError)
    assert sink.url not in shown_by(error)
    assert [] == leaks(shown_by(error))
    assert 0 == sink.connections


async def test_logs_reveal_no_key(caplog: pytest.LogCaptureFixture) -> None:
    """No logger reveals the key, at DEBUG, with asyncio in debug mode and every callback reported as slow."""
    caplog.set_level(logging.DEBUG)
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0
    for act in (response({}), *FAILURES.values()):
        async with RawServer(act) as server:
            client = server.client(KEY, timeouts=BRIEF)
            await asyncio.gather(client.request("GET", "/v1/credits"), return_exceptions=True)
            await asyncio.gather(client.request("POST", "/v1/calls", json={"a": 1}), return_exceptions=True)
            await client.close()
    for phase in PHASES:
        async with waiting_call(phase) as (client, reach):
            task = asyncio.create_task(client.request("GET", "/v1/credits"))
            await reach()
            task.cancel()
            await asyncio.wait([task])
    loop.set_debug(False)

    assert caplog.records
    for record in caplog.records:
        assert [] == leaks(f"{record.getMessage()}\n{vars(record)!r}")


@pytest.mark.parametrize("fetched", [False, True], ids=["given", "fetched"])
async def test_client_reveals_no_key(*, fetched: bool) -> None:
    """Neither the client nor what it is made of prints the key, before, during and after use."""

    async def fetch() -> str:
        return KEY

    async with RawServer(response({})) as server:
        client = server.client(fetch if fetched else KEY)
        shown = [repr(client), repr(vars(client))]
        await client.request("GET", "/v1/credits")
        shown += [
            repr(client),
            repr(vars(client)),
            *(repr(getattr(part, "__dict__", part)) for part in vars(client).values()),
        ]
        with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
            pickle.dumps(client)
        await client.close()
        shown += [repr(client), repr(vars(client))]

    assert [] == leaks("\n".join(shown))


MALFORMED_KEYS: dict[str, Callable[[], object]] = {
    "control character": lambda: KEY + "\nX-Injected: 1",
    "blank inside": lambda: KEY + " " + KEY,
    "not ASCII": lambda: KEY + "\xe9",
    "lone surrogate": lambda: KEY + "\ud800",
    "too long": lambda: KEY * 100,
    "bytes": KEY.encode,
    "list": lambda: [KEY],
}


@pytest.mark.parametrize("key", MALFORMED_KEYS.values(), ids=MALFORMED_KEYS)
async def test_malformed_key_is_not_revealed(key: Callable[[], object]) -> None:
    """A key that can't be sent is refused without being quoted, given or fetched, and nothing is sent."""

    async def fetch() -> object:
        return key()

    async def give() -> None:
        ContactshipClient(key())  # type: ignore[arg-type] # on purpose

    async with RawServer(response({})) as server, server.client(fetch) as client:
        for call in (client.request("GET", "/v1/credits"), give()):
            error = await failure_of(call)

            assert isinstance(error, ConfigurationError)
            assert [] == leaks(shown_by(error))
    assert 0 == server.connections


async def test_refused_fetched_key_is_not_revealed() -> None:
    """A 401 for a fetched key reveals nothing of it either."""

    async def fetch() -> str:
        return KEY

    async with RawServer(response({"message": "no"}, status=401)) as server:
        client = server.client(fetch)
        error = await failure_of(client.request("GET", "/v1/credits"))
        await client.close()

    assert isinstance(error, AuthenticationError)
    assert [] == leaks(shown_by(error))


async def test_walk_reveals_no_key() -> None:
    """An error that ends a walk reveals no key, with the frames of both generators in its traceback."""

    async def walk() -> None:
        async for _ in client.iter_phone_numbers():
            pass

    for act in (close, response(status=400), response({"data": [{}], "count": 1}), response({"data": [], "count": 1})):
        async with RawServer(act) as server:
            client = server.client(KEY, retry=ONCE)
            error = await failure_of(walk())
            await client.close()

        assert isinstance(error, ContactshipError)
        assert error.position is not None
        assert [] == leaks(shown_by(error))


async def test_key_is_sent_as_it_is() -> None:
    """The server does get the whole key, or all of the above would prove nothing."""
    async with RawServer(response({})) as server, server.client(KEY) as client:
        await client.request("GET", "/v1/credits")

    assert KEY == server.requests[0].headers["x-api-key"]


def test_the_check_finds_a_leak() -> None:
    """The check used here finds a key in a local of a frame behind a context."""

    def fail() -> None:
        headers = {"x-api-key": KEY}
        raise LookupError(len(headers))

    try:
        try:
            fail()
        except LookupError:
            raise BadRequestError(status=400, method="GET", path="/") from None
    except BadRequestError as caught:
        error = caught

    assert [*KEY_PARTS] == leaks(shown_by(error))
