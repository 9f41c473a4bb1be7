"""The fixtures as our own suite sees them, which is in pytest-asyncio's auto mode."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Thread

import pytest
from guides import FAULTS

from contactship_async import ContactshipClient, ContactshipError, RetryPolicy
from contactship_async.pytest_plugin import _close
from contactship_async.sandbox import Cut, Sandbox, Slow, Status

STATUSES = [[503, 503, 200], [503, 503, 503], [429, 200, 200], [None, None, 200, 200], [200, 200, 200]]
"""What the sandbox responds after each of the lines in the guide to the sandbox."""

pytestmark = pytest.mark.contactship_sandbox(envelope="pagination", phone_numbers=7)


@pytest.fixture
def loop_of_another_thread() -> Iterator[asyncio.AbstractEventLoop]:
    """Run a loop that goes on."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def test_client(contactship_client: ContactshipClient) -> None:
    """Marks on the module count."""
    assert 7 == await contactship_client.count_phone_numbers()


@pytest.mark.contactship_sandbox(phone_numbers=3)
async def test_nearer_marks_win(contactship_sandbox: Sandbox, contactship_client: ContactshipClient) -> None:
    """They win setting by setting."""
    page = await contactship_client.request("GET", "/v1/phone-numbers")

    assert 3 == len(contactship_sandbox.phone_numbers)
    assert {"statusCode", "data", "pagination"} == {*page}


async def test_client_waits_for_nothing(contactship_sandbox: Sandbox, contactship_client: ContactshipClient) -> None:
    """Its retries follow at once."""
    contactship_sandbox.script(Status(503), times=3)

    assert 0 == contactship_client._caller.attempts.policy.initial_delay
    assert 7 == await contactship_client.count_phone_numbers()
    assert [503, 503, 503, 200] == [request.status for request in contactship_sandbox.requests]


async def test_environment(contactship_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client without arguments talks to the sandbox; the test may set other values."""
    async with ContactshipClient() as client:
        assert 7 == await client.count_phone_numbers()
    monkeypatch.setenv("CONTACTSHIP_API_KEY", "another")

    assert contactship_sandbox.url == os.environ["CONTACTSHIP_BASE_URL"]


def test_client_in_a_loop_that_goes_on(loop_of_another_thread: asyncio.AbstractEventLoop) -> None:
    """A loop that runs in another thread closes the client."""
    with Sandbox() as sandbox:
        client = sandbox.client()
        asyncio.run_coroutine_threadsafe(client.count_phone_numbers(), loop_of_another_thread).result(10)
        assert loop_of_another_thread is client._connection.loop
        _close(client)

        assert client._connection.loop is None


async def test_client_in_the_loop_around_the_fixtures(contactship_sandbox: Sandbox) -> None:
    """A loop that runs the fixtures themselves can't be waited for: it closes the client when it ends."""
    async with contactship_sandbox.client() as client:
        await client.count_phone_numbers()
        _close(client)

        assert asyncio.get_running_loop() is client._connection.loop


def test_sandbox_is_shared(contactship_sandbox: Sandbox, contactship_client: ContactshipClient) -> None:
    """What the test changes and what the client sees is one."""
    contactship_sandbox.add_phone_number(id="pn-new")
    with ThreadPoolExecutor(1) as thread:
        page = thread.submit(asyncio.run, contactship_client.list_phone_numbers(limit=1)).result(10)

    assert ["pn-new"] == [number.id for number in page]
    assert [{"limit": "1", "offset": "0"}] == [request.params for request in contactship_sandbox.requests]


@pytest.mark.parametrize(
    ("line", "statuses"),
    [*zip(FAULTS, STATUSES, strict=True)],
)
async def test_lines_of_the_readme(line: str, statuses: list[int | None], contactship_sandbox: Sandbox) -> None:
    """Three clients that do not retry meet what the guide says."""
    names = {"contactship_sandbox": contactship_sandbox, "Cut": Cut, "Slow": lambda _: Slow(0), "Status": Status}
    eval(line, names)  # noqa: S307 - our own guide
    for _ in range(3):
        async with contactship_sandbox.client(retry=RetryPolicy(max_attempts=1)) as client:
            with suppress(ContactshipError):
                await client.count_phone_numbers()

    assert statuses == [request.status for request in contactship_sandbox.requests]
