"""What a command tells on standard error while it runs: waits, and with `-v` each attempt.

At a terminal, waits that a person notices are always shown, since they look as if the program hung.
"""

from __future__ import annotations

import logging
import math
import sys
import time
from types import TracebackType
from typing import Final, Protocol, Self

from contactship_async import Wait
from contactship_async._cli.streams import note

_NOTICED_SECONDS: Final = 1.0
_SAME_SECONDS: Final = 0.5  # by which the ends of waits of concurrent requests differ

_WORDS: Final = {
    "rate_limit": "rate limit",
    "retry": "retry",
    "budget": "own rate limit",
    "connection": "no free connection",
}


class Display(Protocol):
    """Shows waits until they end."""

    def wait(self, organization: str | None, reason: str, seconds: float) -> None: ...


class Notices(logging.Handler):
    """Tells within `with` what the client does.

    Args:
        is_verbose: Whether to tell of each attempt and each wait, also where standard error is no terminal.
        display: Counts down, in place of a line for each wait, if there is one.
    """

    def __init__(self, *, is_verbose: bool, display: Display | None = None) -> None:
        super().__init__()
        self._is_verbose = is_verbose
        self._display = display
        self._ends: dict[tuple[str | None, str], float] = {}
        self._logger = logging.getLogger("contactship_async")
        self._level = self._logger.level

    def __enter__(self) -> Self:
        if self._is_verbose:
            self._level = self._logger.level
            self._logger.setLevel(logging.DEBUG)
            self._logger.addHandler(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._is_verbose:
            self._logger.removeHandler(self)
            self._logger.setLevel(self._level)

    def on_wait(self, wait: Wait) -> None:
        """Tell that a wait begins."""
        reason, seconds = _WORDS[wait.reason], wait.seconds
        if self._is_verbose or (self._is_noticed(wait) and self._display is None):
            length = "" if seconds is None else f" {_round_up(seconds)} s"
            note(f"{_of(wait.organization)}waiting{length}: {reason}{_tell_end(seconds)}")
        if self._display is not None and seconds is not None:
            self._display.wait(wait.organization, reason, seconds)

    def emit(self, record: logging.LogRecord) -> None:
        """Tell of an attempt; `on_wait` tells of the waits."""
        facts = vars(record)
        if "attempt" in facts:
            again = f" (attempt {facts['attempt']})" if facts["attempt"] > 1 else ""
            outcome = facts["status"] or facts["error"]
            call = f"{facts['method']} {facts['path']} {outcome} after {facts['elapsed']:.2f} s"
            note(f"{_of(facts['organization'])}{call}{again}")

    def _is_noticed(self, wait: Wait) -> bool:
        if wait.seconds is None or wait.seconds < _NOTICED_SECONDS or not sys.stderr.isatty():
            return False
        # Concurrent requests are refused together, and wait for the same end.
        end = time.monotonic() + wait.seconds
        if end - self._ends.get((wait.organization, wait.reason), 0) < _SAME_SECONDS:
            return False
        self._ends[wait.organization, wait.reason] = end
        return True


def _round_up(seconds: float) -> str:
    return str(math.ceil(seconds)) if seconds >= _NOTICED_SECONDS else f"{seconds:.1f}"


def _tell_end(seconds: float | None) -> str:
    if seconds is None or seconds < _NOTICED_SECONDS:
        return ""
    return time.strftime(" (until %H:%M:%S)", time.localtime(time.time() + seconds))


def _of(organization: str | None) -> str:
    return f"{organization}: " if organization else ""
