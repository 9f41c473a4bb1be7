"""Where a call is, on standard error: one line that changes at a terminal, a line for each change elsewhere."""

from __future__ import annotations

import math
import sys
import time
from types import TracebackType
from typing import Final, Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from contactship_async._cli.streams import note
from contactship_async._cli.text import write_length

_FRAMES: Final = r"-\|/"
"""What turns before the line, so that one sees that it goes on."""

_FRAMES_PER_SECOND: Final = 4


class CallDisplay(Protocol):
    """Shows, within `with`, where a call is."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    def show(self, text: str, answered_at: float | None = None) -> None:
        """Show a printable *text*, and the time since *answered_at* of the monotonic clock."""

    def end(self, text: str) -> None:
        """Show a printable *text* that stays."""

    def wait(self, organization: str | None, reason: str, seconds: float) -> None:
        """Show that a wait begins."""


class Changes:
    """Writes a line for each change. Of waits, -v tells."""

    def __init__(self) -> None:
        self._shown = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass

    def show(self, text: str, answered_at: float | None = None) -> None:
        """Write *text*, unless it was the last one."""
        if text != self._shown:
            self._shown = text
            note(text + _tell_since(answered_at))

    def end(self, text: str) -> None:
        """Write *text*."""
        note(text)

    def wait(self, organization: str | None, reason: str, seconds: float) -> None:
        """Do nothing."""


class LiveLine:
    """Shows one line, which changes, and goes away at the end."""

    def __init__(self) -> None:
        self._text = ""
        self._answered_at: float | None = None
        self._wait = ("", 0.0)
        self._live = Live(
            get_renderable=self._render,
            console=Console(stderr=True),
            refresh_per_second=_FRAMES_PER_SECOND,
            transient=True,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, text: str, answered_at: float | None = None) -> None:
        """Show *text*, and the time since then, which goes on."""
        self._text, self._answered_at = text, answered_at
        self._live.refresh()

    def end(self, text: str) -> None:
        """Write *text* above the line, which is empty until something else is shown."""
        self.show("")
        note(text)

    def wait(self, organization: str | None, reason: str, seconds: float) -> None:  # noqa: ARG002 - there is only one
        """Count down behind the text."""
        self._wait = (reason, time.monotonic() + seconds)

    def _render(self) -> Text:
        if not self._text:
            return Text()
        now = time.monotonic()
        reason, end = self._wait
        left = math.ceil(end - now)
        wait = f"; waiting {left} s: {reason}" if left > 0 else ""
        frame = _FRAMES[int(now * _FRAMES_PER_SECOND) % len(_FRAMES)]
        text = f"{frame} {self._text}{_tell_since(self._answered_at)}{wait}"
        return Text(text, no_wrap=True, overflow="ellipsis")


def open_display() -> CallDisplay:
    """Return the display that suits standard error."""
    return LiveLine() if sys.stderr.isatty() else Changes()


def _tell_since(answered_at: float | None) -> str:
    if answered_at is None:
        return ""
    return f", {write_length(time.monotonic() - answered_at)} since it was answered"
