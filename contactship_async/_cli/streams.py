"""The two streams of the process: data on standard output, notes on standard error."""

from __future__ import annotations

import asyncio
import os
import select
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Final, TextIO

from contactship_async._cli.text import printable, wrap

_FULL_PIPE_PAUSE: Final = 0.01  # seconds
_STOP_SECONDS: Final = 0.2  # of waiting, at Ctrl-C, for what is being written
_WHOLE_BYTES: Final = getattr(select, "PIPE_BUF", 512)
"""As many bytes as a pipe takes at once or not at all (POSIX, write). Windows does not say."""


def note(text: str, *, end: str = "\n") -> None:
    """Write a line to standard error; at a terminal it is broken between words."""
    line = f"contactship: {printable(text)}"
    columns = _count_columns(sys.stderr)
    sys.stderr.write("\n".join(wrap(line, columns) if columns else [line]) + end)


def write(data: bytes, stream: TextIO | None = None) -> None:
    """Write to standard output, or another stream, until all is out."""
    # Bytes, so that neither the locale nor the platform changes the data. Past the buffer: what is written is out, and
    # no thread holds the buffer's lock, which Python wants at its exit.
    buffer = (stream or sys.stdout).buffer
    raw = getattr(buffer, "raw", buffer)
    rest = memoryview(data)
    while rest:
        written = raw.write(rest)
        if written is None:  # from a pipe that is full and does not block
            time.sleep(_FULL_PIPE_PAUSE)
        rest = rest[written or 0 :]


def write_lines(lines: Iterable[bytes]) -> None:
    """Write lines to standard output; if that is interrupted, those that are out are whole."""
    for group, _ in _group(lines):
        write(group)


class LineWriter:
    """Writes lines to standard output in a thread, while the event loop runs on.

    A reader may be slow, as a pager is. If the event loop waited for it, the time limits of other organizations'
    requests would run out, and Ctrl-C would not be noticed.
    """

    def __init__(self) -> None:
        self._is_stopped = False
        self._is_writing = Lock()

    async def write(self, lines: Iterable[bytes], count: Callable[[int], None]) -> None:
        """Write *lines*; those that are out are whole, also if the process ends meanwhile.

        Args:
            lines: Each with its end.
            count: Is told how many more are out.
        """
        written: Future[None] = Future()
        # The end of the process does not wait for a daemon.
        Thread(target=self._write, args=(lines, count, written), daemon=True).start()
        await asyncio.wrap_future(written)

    def stop(self) -> None:
        """Begin no further line, so that what was counted is what is out, unless the reader has stopped."""
        self._is_stopped = True
        if self._is_writing.acquire(timeout=_STOP_SECONDS):
            self._is_writing.release()

    def _write(self, lines: Iterable[bytes], count: Callable[[int], None], written: Future[None]) -> None:
        written.set_running_or_notify_cancel()
        try:
            for group, size in _group(lines):
                with self._is_writing:
                    if self._is_stopped:
                        break
                    write(group)
                    count(size)
        except OSError as error:
            written.set_exception(error)
        else:
            written.set_result(None)


def _group(lines: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
    """Put lines together that a pipe takes at once."""
    group: list[bytes] = []
    size = 0
    for line in lines:
        if group and size + len(line) > _WHOLE_BYTES:
            yield b"".join(group), len(group)
            group, size = [], 0
        group.append(line)
        size += len(line)
    if group:
        yield b"".join(group), len(group)


def _count_columns(stream: TextIO) -> int:
    """Return how wide a terminal is; 0 if *stream* is none."""
    try:
        return os.get_terminal_size(stream.fileno()).columns if stream.isatty() else 0
    except (OSError, ValueError):  # no descriptor
        return 0
