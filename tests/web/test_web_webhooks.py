"""The guide's receivers of webhooks: what the sandbox posts reaches them over real sockets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from io import BytesIO
from types import ModuleType
from typing import Any

import aiohttp
import pytest
from attrs import define, field
from web_apps import SERVERS, serve_webhooks, wait_until
from webhook_bodies import AGENT, DOCUMENTED, FOLLOW_UP_CLOSED, INBOUND_CONTEXT, dump, finished_call
from yarl import URL

from contactship_async.sandbox import Sandbox
from contactship_async.sandbox._resources.finished_call import describe
from contactship_async.sandbox._serving.deliveries import Deliveries
from contactship_async.webhooks import MAX_BODY_BYTES, FinishedCall, read_finished_call, read_follow_up_closed

SECRET = "a-secret-that-nobody-guesses"
CALL = {
    "id": "c-1",
    "from": "+12025550142",
    "to_number": "+14155550137",
    "duration": 98,
    "start_at": "2026-01-15T10:00:00Z",
    "contact": {"id": "p-1", "full_name": "Ada Example", "phone_number": "+14155550137"},
    "chat_history": [{"role": "agent", "content": "Hello."}],
}


@define
class App:
    """A receiver that is running.

    Args:
        url: Where it is, with its secret.
        recipe: Its module.
        done: What it has worked on.
        may_work: Whether its work may go on.
        fails: Whether its work fails.
    """

    url: str
    recipe: ModuleType
    done: list[Any] = field(factory=list)
    may_work: asyncio.Event = field(factory=asyncio.Event)
    fails: bool = False

    async def work(self, delivery: Any) -> None:
        """Stand in for the work of an app."""
        await self.may_work.wait()
        if self.fails:
            message = "the database is down"
            raise RuntimeError(message)
        self.done.append(delivery)


class SmallQueue(asyncio.Queue[Any]):
    """A queue that has room for one."""

    def __init__(self, maxsize: int) -> None:
        super().__init__(min(maxsize, 1))


@pytest.fixture(params=SERVERS)
async def app(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    """Serve the receiver; its work may go on at once, unless a test says otherwise."""
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    async with serve_webhooks(monkeypatch, request.param) as (url, recipe):
        app = App(f"{url}/{SECRET}", recipe)
        app.may_work.set()
        monkeypatch.setattr(recipe, "work", app.work)
        yield app


@pytest.fixture
async def contactship() -> AsyncIterator[aiohttp.ClientSession]:
    """Post as Contactship does."""
    async with aiohttp.ClientSession() as session:
        yield session


async def test_delivery_of_the_sandbox(app: App) -> None:
    """What the sandbox posts gets a 2xx, and is worked on once, however often it comes."""
    deliveries = Deliveries()
    payload = describe(CALL, AGENT, "org-1")
    for _ in range(3):
        deliveries.post(f"{app.url}/finished-calls", payload)
    await asyncio.to_thread(deliveries.wait)
    await wait_until(lambda: app.done)

    assert [[204]] * 3 == [delivery.statuses for delivery in deliveries.deliveries]
    assert [read_finished_call(dump(payload))] == app.done
    assert {"c-1"} == app.recipe.seen


@pytest.mark.parametrize("in_thread", [False, True])
async def test_call_of_the_sandbox(app: App, *, in_thread: bool) -> None:
    """A call that was placed with a `webhook_url` reaches the app when it is finished, wherever the sandbox runs."""
    async with AsyncExitStack() as running:
        sandbox = Sandbox(phone_numbers=3)
        _ = running.enter_context(sandbox) if in_thread else await running.enter_async_context(sandbox)
        client = await running.enter_async_context(sandbox.client())
        placed = await client.calls.make_phone_call(
            from_number=sandbox.phone_numbers[1]["phone_number"],
            to_number="+14155550137",
            full_name="Ada Example",
            agent_id="a-1",
            additional_data={"table": "7"},
            webhook_url=f"{app.url}/finished-calls",
        )
        assert [] == sandbox.webhooks.deliveries
        sandbox.clock.advance(3600)
        await asyncio.to_thread(sandbox.webhooks.wait)
        await wait_until(lambda: app.done)
        row = await client.request("GET", f"/v1/calls/{placed.call_id}")

    [finished] = app.done
    assert placed.call_id == finished.delivery_key
    assert (row["duration"], row["call_result"]) == (finished.call.duration, finished.call.call_result)
    assert [entry["content"] for entry in row["chat_history"]] == [
        entry.content for entry in finished.call.transcript_object
    ]
    assert ("+14155550137", {"table": "7"}) == (finished.call.to_number, finished.call.call_additional_data)


async def test_response_comes_before_the_work(app: App, contactship: aiohttp.ClientSession) -> None:
    """The work takes its time after the response, and another delivery does not wait for it."""
    app.may_work.clear()
    for call_id in ("c-1", "c-2"):
        async with contactship.post(f"{app.url}/finished-calls", json=finished_call(call_id=call_id)) as response:
            assert (204, b"") == (response.status, await response.read())
    assert [] == app.done
    app.may_work.set()
    await wait_until(lambda: len(app.done) == 2)

    assert ["c-1", "c-2"] == sorted(finished.delivery_key for finished in app.done)


async def test_sender_that_does_not_wait(app: App) -> None:
    """A webhook that has arrived is worked on, also if whoever sent it hangs up before the response."""
    body = dump(finished_call())
    url = URL(app.url)
    head = f"POST {url.path}/finished-calls HTTP/1.1\r\nHost: {url.host}\r\nContent-Length: {len(body)}\r\n\r\n"
    _, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(head.encode() + body)
    await writer.drain()
    writer.transport.abort()
    await wait_until(lambda: app.done)

    assert [read_finished_call(body)] == app.done


async def test_repeat_of_what_failed(
    app: App, contactship: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """Work that failed is logged, and done again when the webhook comes again."""
    app.fails = True
    body = finished_call()
    async with contactship.post(f"{app.url}/finished-calls", json=body) as response:
        assert 204 == response.status
    await wait_until(lambda: "not done" in caplog.text)
    await wait_until(lambda: not app.recipe.seen)
    app.fails = False
    async with contactship.post(f"{app.url}/finished-calls", json=body) as response:
        assert 204 == response.status
    await wait_until(lambda: app.done)

    assert [read_finished_call(dump(body))] == app.done
    assert "+1415555" not in caplog.text


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_follow_up(app: App, contactship: aiohttp.ClientSession, method: str) -> None:
    """A closed follow-up is taken as it is configured to come, and dropped when it comes again."""
    for _ in range(2):
        async with contactship.request(method, f"{app.url}/follow-ups", json=FOLLOW_UP_CLOSED) as response:
            assert 204 == response.status
    await wait_until(lambda: app.done)

    assert [read_follow_up_closed(dump(FOLLOW_UP_CLOSED))] == app.done


async def test_inbound_context(app: App, contactship: aiohttp.ClientSession) -> None:
    """A call that comes in is answered with what the agent should know, each time."""
    for body, is_known in (
        (INBOUND_CONTEXT, True),
        (INBOUND_CONTEXT, True),
        (INBOUND_CONTEXT | {"contact": None}, False),
    ):
        async with contactship.post(f"{app.url}/inbound-context", json=body) as response:
            assert (200, "application/json") == (response.status, response.content_type)
            assert {"customer": is_known} == await response.json()


@pytest.mark.parametrize("secret", ["wrong", SECRET[:-1], SECRET + "x", "%ff", "%E2%82%AC", "%00"])
async def test_wrong_secret(app: App, contactship: aiohttp.ClientSession, secret: str) -> None:
    """Whoever does not know the address finds nothing."""
    url = app.url.replace(SECRET, secret)
    for path in ("finished-calls", "follow-ups", "inbound-context"):
        async with contactship.post(f"{url}/{path}", json=DOCUMENTED["web"]) as response:
            assert 404 == response.status

    assert ([], set()) == (app.done, app.recipe.seen)


async def test_malformed(app: App, contactship: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture) -> None:
    """What is malformed is refused; the log says where, without values."""
    bodies = [b"", b"{", dump(finished_call(call_id=["+12025550142"]))]
    for body in bodies:
        async with contactship.post(f"{app.url}/finished-calls", data=body) as response:
            assert 400 == response.status
            assert b"12025550142" not in await response.read()

    assert [] == app.done
    assert "data.call.call_id: expected a non-empty string, got an array" in caplog.text
    assert "12025550142" not in caplog.text


async def test_large_bodies(app: App, contactship: aiohttp.ClientSession) -> None:
    """A body of the largest size is read, and a larger one refused."""
    statuses = []
    for size in (MAX_BODY_BYTES, MAX_BODY_BYTES + 1):
        body = dump(finished_call()).ljust(size)
        async with contactship.post(f"{app.url}/finished-calls", data=BytesIO(body)) as response:
            statuses.append(response.status)

    assert [204, 413] == statuses


@pytest.mark.parametrize("framework", SERVERS)
async def test_what_was_accepted_is_finished(framework: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is stopped first does what it has accepted."""
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    async with serve_webhooks(monkeypatch, framework) as (url, recipe), aiohttp.ClientSession() as session:
        app = App(f"{url}/{SECRET}", recipe)
        monkeypatch.setattr(recipe, "work", app.work)
        async with session.post(f"{app.url}/finished-calls", json=finished_call()) as response:
            assert 204 == response.status
        asyncio.get_running_loop().call_later(0.05, app.may_work.set)  # real time: then the server is being stopped
        assert [] == app.done

    assert [True] == [isinstance(delivery, FinishedCall) for delivery in app.done]


async def test_full_queue(
    monkeypatch: pytest.MonkeyPatch, contactship: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """The receiver with aiohttp refuses what its queue has no room for, and takes it when it comes again."""
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    monkeypatch.setattr(asyncio, "Queue", SmallQueue)
    statuses = []
    async with serve_webhooks(monkeypatch, "aiohttp") as (url, recipe):
        app = App(f"{url}/{SECRET}", recipe)
        monkeypatch.setattr(recipe, "work", app.work)
        for call_id in ("c-1", "c-2", "c-3"):
            async with contactship.post(f"{app.url}/finished-calls", json=finished_call(call_id=call_id)) as response:
                statuses.append(response.status)
        assert {"c-1", "c-2"} == recipe.seen
        app.may_work.set()
        await wait_until(lambda: len(app.done) == 2)
        async with contactship.post(f"{app.url}/finished-calls", json=finished_call(call_id="c-3")) as response:
            statuses.append(response.status)

    assert [204, 204, 503, 204] == statuses
    assert ["c-1", "c-2", "c-3"] == [finished.delivery_key for finished in app.done]
    assert logging.ERROR not in {record.levelno for record in caplog.records}
