from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from threading import Thread

import pytest

from contactship_async import ConnectionFailedError, RetryPolicy
from contactship_async.sandbox import RecordedRequest, Sandbox, Slow


def count(sandbox: Sandbox) -> int | None:
    """Ask for the count in an event loop of its own."""

    async def ask() -> int | None:
        async with sandbox.client(retry=RetryPolicy(max_attempts=1)) as client:
            return await client.count_phone_numbers()

    return asyncio.run(ask())


def servers() -> list[Thread]:
    """Return the threads of sandboxes that are running."""
    return [thread for thread in threading.enumerate() if thread.name == "contactship-sandbox"]


def test_any_loop() -> None:
    """Event loops reach it one after the other, and several at once from threads."""
    with Sandbox(phone_numbers=3) as sandbox:
        assert [3, 3] == [count(sandbox), count(sandbox)]
        with ThreadPoolExecutor(4) as threads:
            assert [3] * 20 == list(threads.map(count, [sandbox] * 20))


async def test_within_a_running_loop() -> None:
    """Starting and ending it takes no part in the loop that runs."""
    with Sandbox(phone_numbers=3) as sandbox:
        async with sandbox.client() as client:
            assert 3 == await client.count_phone_numbers()


def test_twice() -> None:
    """It runs once at a time, in one way; afterwards it has no URL, and may run again."""
    sandbox = Sandbox()
    for _ in range(2):
        with sandbox:
            with pytest.raises(RuntimeError, match="already running at http://127"):
                sandbox.__enter__()
            with pytest.raises(RuntimeError, match="already running at http://127"):
                asyncio.run(sandbox.__aenter__())
            assert f"<Sandbox {sandbox.url}>" == repr(sandbox)
        assert [] == servers()
        with pytest.raises(RuntimeError, match="no URL"):
            _ = sandbox.url
        assert "<Sandbox in memory>" == repr(sandbox)


def test_port_is_taken() -> None:
    """What keeps the server from starting is raised, and no thread is left."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        sandbox = Sandbox(port=taken.getsockname()[1])
        with pytest.raises(OSError, match="address already in use"):
            sandbox.__enter__()

    assert [] == servers()
    with sandbox:
        assert 250 == count(sandbox)


def test_end_amid_a_request() -> None:
    """What is under way is cut, and not waited for."""
    arrived = threading.Event()
    with ThreadPoolExecutor(1) as thread:
        with Sandbox() as sandbox:
            sandbox.script(Slow(3600), times=None)
            sandbox.on_request = lambda _: arrived.set()
            counting = thread.submit(count, sandbox)
            assert arrived.wait(10)
        assert [] == servers()
        with pytest.raises(ConnectionFailedError):
            counting.result()


def test_on_request_changes_the_listing() -> None:
    """The function is called in the server's thread, where all methods are allowed too."""
    threads = set()

    def add(_: RecordedRequest) -> None:
        threads.add(threading.current_thread().name)
        sandbox.add_phone_number()

    with Sandbox(phone_numbers=3) as sandbox:
        sandbox.on_request = add

        assert 4 == count(sandbox)
        assert {"contactship-sandbox"} == threads


@pytest.mark.parametrize(
    "touch",
    [
        lambda sandbox: sandbox.add_phone_number(),
        lambda sandbox: sandbox.remove_phone_number("only"),
        lambda sandbox: sandbox.phone_numbers.rows,
        lambda sandbox: sandbox.tags.add(),
        count,
    ],
    ids=["add", "remove", "list", "add tag", "respond"],
)
def test_one_at_a_time(touch: Callable[[Sandbox], object]) -> None:
    """While one thread is at the phone numbers, no other one reads or changes them, or any other rows."""
    with Sandbox(phone_numbers=0) as sandbox:
        sandbox.add_phone_number(id="only")
        thread = Thread(target=touch, args=[sandbox])
        with sandbox._handler.lock:
            thread.start()
            thread.join(0.05)  # real time: nothing shows that a thread waits for a lock
            assert thread.is_alive()
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_forgotten(host: str) -> None:
    """A server that is not stopped keeps no program from ending, and causes no warning."""
    code = f"from contactship_async.sandbox import Sandbox; sandbox = Sandbox(host={host!r}).__enter__(); print('on')"
    command = [sys.executable, "-X", "dev", "-c", code]
    ended = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)  # noqa: S603 - Python

    assert ("on\n", "") == (ended.stdout, ended.stderr)


def test_end_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails while the server ends is no error of the program."""

    @asynccontextmanager
    async def serve(*_: object) -> AsyncIterator[str]:
        yield "http://127.0.0.1:1"
        raise RuntimeError

    monkeypatch.setattr("contactship_async.sandbox._serving.thread.serve", serve)
    with Sandbox() as sandbox:
        assert "http://127.0.0.1:1" == sandbox.url
