"""What all tests share: nothing may be left behind, and aioresponses is mended for today's aiohttp."""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
import signal
from collections.abc import AsyncIterator, Generator, Iterator
from functools import partial
from unittest.mock import Mock

import aioresponses.core
import pytest
from aiohttp import ClientResponse, StreamReader
from open_sockets import open_sockets

pytest_plugins = ["event_loops", "forked_contactship", "postgresql_server", "volume"]
pytest.register_assert_rewrite("hostile")  # so that its asserts show what was compared

_SECONDS_TO_WIND_DOWN = 2.0


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> Generator[None, int, int]:
    """Start one worker more than there are processors: for a fifth of their time, tests wait for limits of sockets.

    Not in a full run, where what is drawn has its share of the minutes of a processor.
    """
    return (yield) + (config.option.volume is None)


@pytest.fixture(autouse=True, scope="session")
def _ctrl_c_is_not_ignored() -> Iterator[None]:
    """Let processes react to Ctrl-C also where a shell runs the suite in the background, with Ctrl-C ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while tests are collected, of which none is: it takes a fifth of the time, in each worker."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.fixture(autouse=True)
def _asyncio_reports_nothing(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test after which asyncio logs an error: an exception never retrieved, a session never closed."""
    records: list[logging.LogRecord] = []
    handler = _Keep(records)
    logging.getLogger("asyncio").addHandler(handler)
    gc.collect()
    gc.freeze()  # so that the collection at the end goes through no more than the test made
    if inspect.iscoroutinefunction(inspect.unwrap(request.function)):
        request.getfixturevalue("_loop_is_left_clean")
    yield
    gc.collect()
    logging.getLogger("asyncio").removeHandler(handler)
    assert [record.getMessage() for record in records] == []


class _Keep(logging.Handler):
    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__(logging.ERROR)
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(record)


@pytest.fixture
async def _loop_is_left_clean() -> AsyncIterator[None]:
    """Fail a test that leaves a task or a socket behind; what is closing gets some time to finish."""
    before = asyncio.all_tasks() | {asyncio.current_task()}
    sockets_before = open_sockets()
    yield
    deadline = asyncio.get_running_loop().time() + _SECONDS_TO_WIND_DOWN
    while True:
        tasks = asyncio.all_tasks() - before - {asyncio.current_task()}
        sockets = open_sockets() - sockets_before
        if not (tasks or sockets) or asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(0.005)  # real time: what is closing tells nobody
        gc.collect()
    assert (set(), set()) == (tasks, sockets)


@pytest.fixture(autouse=True, scope="session")
def _aioresponses_for_current_aiohttp() -> Iterator[None]:
    """Mend aioresponses 0.7.9 for aiohttp >= 3.14: pnuckowski/aioresponses#289, and its halt at 128 KiB."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(aioresponses.core, "ClientResponse", partial(ClientResponse, stream_writer=Mock()))
        monkeypatch.setattr(aioresponses.core, "stream_reader_factory", _roomy_stream_reader)
        yield


def _roomy_stream_reader(loop: asyncio.AbstractEventLoop) -> StreamReader:
    # The real one pauses reading at twice its limit, for which the mock's connection has no transport.
    return StreamReader(Mock(_reading_paused=False), limit=2**30, loop=loop)


@pytest.fixture(autouse=True, scope="session")
def _no_settings_from_outside() -> Iterator[None]:
    """Keep the developer's own key and server out of the tests."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name in ("CONTACTSHIP_API_KEY", "CONTACTSHIP_BASE_URL", "CONTACTSHIP_ALLOW_INSECURE_HTTP"):
            monkeypatch.delenv(name, raising=False)
        yield
