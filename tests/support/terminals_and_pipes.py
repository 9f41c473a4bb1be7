"""The other ends of what a process writes to: terminals, and pipes that are not read."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import struct
import termios
from asyncio.subprocess import DEVNULL
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

STYLING = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")

AT_ONCE = 5.0  # seconds, for a busy machine; far less than what the command would wait for

needs_full_device = pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="this system has no device that is always full"
)


@contextmanager
def closed_pipe() -> Iterator[int]:
    """Offer the end of a pipe that is no longer read."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        yield writing
    finally:
        os.close(writing)


@contextmanager
def full_pipe() -> Iterator[tuple[int, Callable[[], int], Callable[[], bytes]]]:
    """Offer the end of a pipe that is not read yet, and functions that count the bytes in it, and that read them."""
    reading, writing = os.pipe()
    try:
        yield (
            writing,
            lambda: struct.unpack("i", fcntl.ioctl(reading, termios.FIONREAD, b"\0\0\0\0"))[0],
            lambda: os.read(reading, 2**20),
        )
    finally:
        os.close(reading)
        os.close(writing)


async def run_in_terminal(
    start: Any, *arguments: str, columns: int = 100, shows_output: bool = True, code: int = 0, **settings: Any
) -> str:
    """Run the command with its standard error at a terminal, its output there or nowhere; return what it shows."""
    output = {} if shows_output else {"stdout": DEVNULL}
    ended, shown = await _run(start, "", *arguments, columns=columns, **output, **settings)
    assert code == ended
    return shown


async def answer(start: Any, typed: str, *arguments: str, columns: int = 100, **settings: Any) -> tuple[int, str]:
    """Run the command at a terminal, where *typed* was typed; return its exit code, and what is shown, unstyled."""
    ended, shown = await _run(start, typed, *arguments, columns=columns, **settings)
    return ended, STYLING.sub("", shown)


async def _run(start: Any, typed: str, *arguments: str, columns: int, **settings: Any) -> tuple[int, str]:
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    os.write(ours, typed.encode())
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), theirs)
    process = await start("-m", "contactship_async", *arguments, **{**streams, **settings})
    os.close(theirs)
    shown = await asyncio.to_thread(read_terminal, ours)
    return await process.wait(), shown


def read_terminal(terminal: int) -> str:
    """Read what is shown until the last process has left, and close it."""
    shown = b""
    try:
        while piece := os.read(terminal, 65536):
            shown += piece
    except OSError:
        pass  # Linux reports the end of a terminal as an error.
    os.close(terminal)
    return shown.decode().replace("\r\n", "\n")


def unfold(lines: list[str]) -> list[list[str]]:
    """Put the rows of a folded table together again; only its times go on below the first line of a row."""
    begins = [cell.start() for cell in re.finditer(r"\S+", lines[0])]
    rows: list[list[str]] = []
    for line in lines:
        cells = [line[begin:end].strip() for begin, end in zip(begins, [*begins[1:], None], strict=True)]
        if cells[0]:
            rows.append(cells)
        else:
            rows[-1] = [above + below for above, below in zip(rows[-1], cells, strict=True)]
    return rows
