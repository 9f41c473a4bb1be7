"""A short soak, and that a soak finds what leaks."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
import threading
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from soak.__main__ import Job, Soak, main, run
from soak.counts import MAX_GROWTH, Samples
from soak.jobs import _check_failed, time_out, use_client, use_new_sandbox, use_pool
from volume import Volume

TESTS = Path(__file__).parents[1] / "support"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads the counts from Linux's /proc")


def test_counts_of_this_process_are_flat() -> None:
    """What goes round within this process, a few times, leaves nothing."""
    assert [] == run(Soak(0, seed=2, jobs=[use_client, use_new_sandbox, time_out], report=lambda _: None))


@pytest.mark.volume
def test_all_counts_are_flat(volume: Volume) -> None:
    """The command goes round for its share of the minutes, with processes of its own, and says that nothing grew."""
    ended = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-m", "soak", str(volume.seconds("soak") / 60), str(volume.seed)],
        env=os.environ | {"PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (0, "") == (ended.returncode, ended.stderr), ended.stdout
    assert 3 <= len(re.findall(r"^round", ended.stdout, re.MULTILINE))
    assert "all counts are flat" in ended.stdout


@pytest.fixture
def hoard() -> Iterator[list[object]]:
    """Keep what leaks until the test has ended."""
    kept: list[object] = []
    yield kept
    for each in kept:
        if isinstance(each, socket.socket):
            each.close()
        elif isinstance(each, int):
            os.close(each)
        elif isinstance(each, threading.Event):
            each.set()


def _task(hoard: list[object]) -> None:
    hoard.append(asyncio.ensure_future(asyncio.Event().wait()))


def _descriptor(hoard: list[object]) -> None:
    hoard.append(os.open(os.devnull, os.O_RDONLY))


def _connection(hoard: list[object]) -> None:
    hoard.append(socket.socket())


def _thread(hoard: list[object]) -> None:
    end = threading.Event()
    hoard.append(end)
    threading.Thread(target=end.wait).start()


def _kibibytes(hoard: list[object]) -> None:
    hoard.append(bytes(8 * 1024))  # A busy machine has few requests in each round.


def _future_with_an_error(hoard: list[object]) -> None:
    asyncio.get_running_loop().create_future().set_exception(RuntimeError("planted"))


@pytest.mark.parametrize(
    ("leak", "job", "verdict"),
    [
        (_task, use_client, r"tasks=(?!1,)\d+.* after round .* but at first Open\(tasks="),
        pytest.param(
            *(_descriptor, use_client, r"descriptors=.* after round .* but at first"), marks=pytest.mark.volume
        ),
        (_connection, use_client, r"connections=.* after round .* but at first"),
        pytest.param(
            *(_thread, use_client, r"threads=(?!1,)\d+.* after round .* but at first"), marks=pytest.mark.volume
        ),
        (_kibibytes, use_pool, r"^traced KiB grew by \d+, and may by 128$"),
        (_future_with_an_error, use_client, "^Future exception was never retrieved"),
    ],
)
def test_finds_what_leaks(
    monkeypatch: pytest.MonkeyPatch,
    hoard: list[object],
    leak: Callable[[list[object]], None],
    job: Job,
    verdict: str,
) -> None:
    """What each request leaves behind is named."""
    monkeypatch.setattr("soak.counts.SECONDS_TO_SETTLE", 0.3)

    soak = Soak(0, seed=4, jobs=[job], on_request=lambda: leak(hoard), report=lambda _: None)
    wrong = run(soak)

    assert re.search(verdict, wrong[0]), wrong


def test_growth_is_that_of_medians() -> None:
    """One high sample does not matter, steady growth does."""
    flat, peak, steady = array("q", [500] * 9), array("q", [500] * 7 + [9000, 500]), array("q", range(0, 9000, 1000))
    growing = Samples()
    growing.taken = {"traced KiB": flat, "resident KiB": peak, "objects": steady}

    assert {"traced KiB": 0, "resident KiB": 0, "objects": 6000} == growing.growth()
    assert [f"objects grew by 6000, and may by {MAX_GROWTH['objects']}"] == growing.what_grew()


def test_a_failure_ends_it(capsys: pytest.CaptureFixture[str]) -> None:
    """A healthy organization that fails is reported with the seed, and makes the exit code 1."""

    async def fail(*_: object) -> None:
        _check_failed({"steady", "broken-1"})

    assert 1 == main(Soak(0, seed=7, jobs=[fail] * 5))
    assert "AssertionError: {'steady'} failed (5 times)\n0 requests, FAILED, with seed 7\n" == capsys.readouterr().out
