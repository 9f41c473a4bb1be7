"""Keys that rotate: a 401 fetches the key anew, and the call goes on with it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest
from attrs import define, field
from jumping_loop import in_loop_time, run

from contactship_async import (
    AuthenticationError,
    ConnectionFailedError,
    ContactshipClient,
    NotFoundError,
    Request,
    RequestTimeoutError,
    Response,
    RetryPolicy,
    Timeouts,
)
from contactship_async._http.messages import Transport

ROW = {"phone_number": "+1", "type": "inbound", "organization_id": "o", "created_at": "2026-01-15T10:00:00Z"}


@define
class Vault:
    """Hands out one key after the other, the last one for ever."""

    keys: list[str]
    seconds: float = 0.0
    fetched: int = 0

    async def __call__(self) -> str:
        """Take some time."""
        self.fetched += 1
        await asyncio.sleep(self.seconds)
        return self.keys.pop(0) if len(self.keys) > 1 else self.keys[0]


@define
class Server:
    """Accepts one key, and another one after some requests."""

    accepted: str = "k2"
    accepts_first: int = 0
    sent: list[tuple[str, str]] = field(factory=list)

    async def __call__(self, request: Request) -> Response:
        """Answer after a while with a page of one row."""
        await asyncio.sleep(0.05)
        key = request.api_key.reveal()
        self.sent.append((request.method, key))
        if key != self.accepted and len(self.sent) > self.accepts_first:
            return Response(status=401)
        offset = int(dict(request.query).get("offset", "0"))
        return Response(status=200, body=json.dumps({"data": [{"id": str(offset), **ROW}], "count": 5}).encode())


def client_of(vault: Callable[[], Awaitable[str]], transport: Transport, **settings: object) -> ContactshipClient:
    """Make a client whose key is fetched."""
    return in_loop_time(ContactshipClient(vault, transport=transport, **settings))  # type: ignore[arg-type] # by name


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_any_call_goes_on(method: str) -> None:
    """Whatever the method, a refused key is fetched anew and the call sent again once with the other one."""
    vault, server = Vault(["k1", "k2"]), Server()

    async def main() -> None:
        await client_of(vault, server).request(method, "/v1/x")

    run(main())

    assert [(method, "k1"), (method, "k2")] == server.sent
    assert 2 == vault.fetched


def test_walk_goes_on() -> None:
    """A key that is rotated in the midst of a walk is fetched anew, and no row is lost."""
    vault, server = Vault(["k1", "k2"]), Server(accepts_first=2)

    async def main() -> list[str]:
        return [row.id async for row in client_of(vault, server).iter_phone_numbers(page_size=1)]

    assert ["0", "1", "2", "3", "4"] == run(main())
    assert 2 == vault.fetched
    assert ["k1", "k1", "k1", "k2", "k2", "k2"] == [key for _, key in server.sent]


def test_concurrent_calls_fetch_once() -> None:
    """Of many calls that are refused together, one fetches the key for all."""
    vault, server = Vault(["k1", "k2"], seconds=1), Server()

    async def main() -> None:
        client = client_of(vault, server)
        await asyncio.gather(*(client.request("POST", "/v1/x") for _ in range(20)))

    run(main())

    assert 2 == vault.fetched
    assert 40 == len(server.sent)


def test_same_key_is_not_sent_again() -> None:
    """A function that returns the same key leaves the 401 as it is, for all calls at once with one fetch."""
    vault, server = Vault(["wrong"], seconds=1), Server()

    async def main() -> list[object]:
        client = client_of(vault, server)
        calls = (client.request("GET", "/v1/x") for _ in range(5))
        return [type(error) for error in await asyncio.gather(*calls, return_exceptions=True)]

    assert [AuthenticationError] * 5 == run(main())
    assert 2 == vault.fetched
    assert 5 == len(server.sent)


def test_never_a_loop() -> None:
    """Where each key is another one and none is right, a call is sent twice."""
    vault, server = Vault(["k0", "k1", "k3", "k4"]), Server()

    async def main() -> None:
        with pytest.raises(AuthenticationError):
            await client_of(vault, server).request("GET", "/v1/x")

    run(main())

    assert ["k0", "k1"] == [key for _, key in server.sent]


def test_one_attempt_is_one_sending() -> None:
    """With `max_attempts=1`, the call is not sent again, but the next one fetches the key anew."""
    vault, server = Vault(["k1", "k2"]), Server()

    async def main() -> None:
        client = client_of(vault, server, retry=RetryPolicy(max_attempts=1))
        with pytest.raises(AuthenticationError):
            await client.request("GET", "/v1/x")
        await client.request("GET", "/v1/x")

    run(main())

    assert ["k1", "k2"] == [key for _, key in server.sent]


def test_given_key_is_sent_once() -> None:
    """A key given as a string has nothing to take its place."""
    server = Server()

    async def main() -> None:
        with pytest.raises(AuthenticationError):
            await in_loop_time(ContactshipClient("k1", transport=server)).request("GET", "/v1/x")

    run(main())

    assert 1 == len(server.sent)


def test_total_limit_spans_the_fetch() -> None:
    """What the first sending took is missing when the key is fetched anew."""
    server = Server()

    async def main() -> None:
        with pytest.raises(RequestTimeoutError, match="not fetched within the total limit of the call") as caught:
            await client_of(Vault(["k1", "k2"], seconds=3), server, timeouts=Timeouts(total=5)).request("GET", "/v1/x")
        assert isinstance(caught.value.__context__, AuthenticationError)

    # A fetch has the whole limit for itself when it comes first; this one begins 3.05 s after the call.
    run(main())

    assert 1 == len(server.sent)


def test_what_may_have_arrived_is_remembered() -> None:
    """A DELETE that may have arrived, and was then refused for its key, counts a 404 as done."""
    answers: list[Response | Exception] = [ConnectionFailedError("cut"), Response(status=401), Response(status=404)]

    async def transport(_: Request) -> Response:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def main() -> None:
        await client_of(Vault(["k1", "k2"]), transport).tags.delete("t")
        answers.extend([Response(status=404)])
        with pytest.raises(NotFoundError):
            await client_of(Vault(["k1", "k2"]), transport).tags.delete("t")

    run(main())

    assert [] == answers
