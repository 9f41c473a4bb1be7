"""What is told while a command runs: attempts and waits."""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import Any

import pytest
from attrs import define, field
from terminals_and_pipes import run_in_terminal

from contactship_async import Wait
from contactship_async._cli import event_loop
from contactship_async._cli.notices import Notices
from contactship_async._cli.progress import ProgressDisplay
from contactship_async.sandbox import Sandbox, Status

LIST = ("phone-numbers", "list")


@define
class Shown:
    """A display that remembers what it was told."""

    waits: list[tuple[str | None, str, float]] = field(factory=list)

    def wait(self, organization: str | None, reason: str, seconds: float) -> None:
        """Remember a wait."""
        self.waits.append((organization, reason, seconds))


def test_tells_of_waits_that_are_noticed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """At a terminal each is a line with its reason and its end; concurrent requests wait together, and are one line."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("time.localtime", lambda _: (2026, 1, 15, 10, 0, 42, 3, 15, 0))
    notices = Notices(is_verbose=False)

    for wait in (
        Wait("rate_limit", 41.2, None),
        Wait("rate_limit", 41.1, None),
        Wait("rate_limit", 41.2, "acme"),
        Wait("retry", 60, None),
        Wait("retry", 0.9, None),
        Wait("connection", None, None),
    ):
        notices.on_wait(wait)

    assert (
        "contactship: waiting 42 s: rate limit (until 10:00:42)\n"
        "contactship: acme: waiting 42 s: rate limit (until 10:00:42)\n"
        "contactship: waiting 60 s: retry (until 10:00:42)\n"
    ) == capsys.readouterr().err


def test_is_silent_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal and without -v, no wait is told; with it, each is."""
    waits = [Wait("rate_limit", 0.5, None), Wait("connection", None, "acme")]

    for is_verbose in (False, True):
        for wait in waits:
            Notices(is_verbose=is_verbose).on_wait(wait)

    assert (
        "contactship: waiting 0.5 s: rate limit\ncontactship: acme: waiting: no free connection\n"
    ) == capsys.readouterr().err


def test_a_display_counts_down_in_place_of_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """What has no known end is not shown there."""
    display = Shown()
    notices = Notices(is_verbose=False, display=display)

    notices.on_wait(Wait("rate_limit", 42.0, "acme"))
    notices.on_wait(Wait("connection", None, None))

    assert [("acme", "rate limit", 42.0)] == display.waits
    assert "" == capsys.readouterr().err


async def test_verbose_tells_each_attempt_and_wait(call: Any) -> None:
    """Each line has method, path, status and time, and neither the query nor the key; the log is as before after it."""
    server = Sandbox(3)
    server.script(Status(503))
    level = logging.getLogger("contactship_async").level

    async with server:
        ended = await call(*LIST, "-v", "--format", "jsonl", url=server.url)
        silent = await call(*LIST, "--format", "jsonl", url=server.url)

    first, *waits, second = ended.stderr.splitlines()
    assert (0, 3) == (ended.code, len(ended.output.splitlines()))
    assert first.startswith("contactship: GET /v1/phone-numbers 503 after 0.")
    assert second.startswith("contactship: GET /v1/phone-numbers 200 after 0.")
    assert second.endswith(" s (attempt 2)")
    assert [] == [line for line in waits if not line.startswith("contactship: waiting 0.")]
    assert "limit=" not in ended.stderr
    assert "sandbox-key" not in ended.stderr
    assert "" == silent.stderr
    assert level == logging.getLogger("contactship_async").level


async def test_bar_counts_a_wait_down(start: Any) -> None:
    """At 60 columns the whole bar has room, and the time so far is named as such; without a bar, a line tells."""
    servers = [Sandbox(3), Sandbox(3)]
    for server in servers:
        server.script(Status(429, retry_after=1.5))
    async with servers[0], servers[1]:
        command = (*LIST, "--format", "csv")
        bar, lines = await asyncio.gather(
            run_in_terminal(start, *command, columns=60, shows_output=False, url=servers[0].url),
            run_in_terminal(start, *command, columns=60, url=servers[1].url),
        )

    assert "waiting 2 s: rate limit" in bar
    assert "0:00 elapsed" in bar
    assert "until" not in bar
    assert "contactship: waiting 2 s: rate limit (until " in lines


async def test_a_wait_of_what_is_not_shown_is_none(capfd: pytest.CaptureFixture[str]) -> None:
    """An organization whose bar has gone may still be told of a wait."""
    with ProgressDisplay(organizations=2) as display:
        display.wait("acme", "rate limit", 10)

    assert "waiting" not in capfd.readouterr().err


async def test_ctrl_c_is_the_main_thread_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere the handler stays as it is; without an event loop, the command ends at once."""
    monkeypatch.setattr("signal.getsignal", lambda _: signal.default_int_handler)

    async def answer() -> int:
        return 42

    assert 42 == await asyncio.to_thread(lambda: event_loop.run(answer()))
    with pytest.raises(KeyboardInterrupt):
        await asyncio.to_thread(event_loop._interrupt)
