"""Starts `contactship` as a child of a process that has imported its libraries once, in a sixth of the time.

`forked_contactship_client.py` asks for a child and stands for it. A child has the streams, the environment, the
directory and the signals of a process of its own, and imports the command line itself. The commands of
`forked_commands` don't even do that, and see no terminal.
"""

from __future__ import annotations

import atexit
import gc
import marshal
import multiprocessing
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import wait
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from contactship_async.__main__ import main

_FORK: Final = multiprocessing.get_context("fork")
_CLIENT: Final = Path(__file__).with_name("forked_contactship_client.py")


@pytest.fixture(scope="session")
def forked_contactship() -> Iterator[Path]:
    """Run the process, and return a program `contactship` that becomes a child of it."""
    with TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        place, program = Path(folder, "socket"), Path(folder, "contactship")
        listener.bind(str(place))
        listener.listen()
        client = shlex.join([sys.executable, "-IS", str(_CLIENT), str(place)])
        program.write_text(f'#!/bin/sh\nexec {client} "$@"\n', encoding="utf-8")
        program.chmod(0o700)
        command = [sys.executable, "-X", "utf8", __file__, str(listener.fileno())]
        with subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[listener.fileno()]):  # noqa: S603 - ours
            listener.close()
            yield program


def _serve(listener: socket.socket) -> None:
    """Take commands until standard input ends, which is with the tests, however they end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    command_line = ("contactship_async._cli.app", "contactship_async._cli.calls.make")
    for name in (*command_line, "contactship_async.sandbox", "contactship_async.sync", "duckdb"):
        import_module(name)
    # A child imports the rest itself: a console asks for its terminal and its environment when it is made.
    for name in [name for name in sys.modules if name.startswith("contactship_async._cli")]:
        del sys.modules[name]
    gc.freeze()
    while listener in select.select([sys.stdin, listener], [], [])[0]:
        connection, _ = listener.accept()
        with connection:
            _FORK.Process(target=_stand_by, args=(connection,)).start()


def _stand_by(connection: socket.socket) -> None:
    """Run one command and tell its exit code, or end it when nobody listens any more."""
    _, streams, _, _ = socket.recv_fds(connection, 1, 3)
    with connection.makefile("rb") as stream:
        settings = marshal.load(stream)  # noqa: S302 - ours
    command = _FORK.Process(target=_run, args=(connection, streams, *settings))
    command.start()
    for each in streams:
        os.close(each)
    if command.sentinel not in wait([command.sentinel, connection]):
        command.kill()
    command.join()
    with suppress(OSError):
        connection.send(b"%d\n" % (command.exitcode or 0))


def _run(  # noqa: PLR0913, PLR0917 - all that a process is started with
    connection: socket.socket,
    streams: list[int],
    arguments: list[str],
    environment: dict[str, str],
    directory: str,
    ignores_ctrl_c: bool,
) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
    sys.argv = ["contactship", *arguments]
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(directory)
    signal.signal(signal.SIGINT, signal.SIG_IGN if ignores_ctrl_c else signal.default_int_handler)
    # From Python 3.13 on, multiprocessing forgets what its parent was to do at its end: to save what was covered.
    measured = "coverage" in sys.modules and sys.modules["coverage"].Coverage.current()
    if measured:
        atexit.register(measured.save)
    connection.send(b"%d\n" % os.getpid())
    try:
        main()
    finally:
        atexit._run_exitfuncs()  # as Python does; multiprocessing ends without, and without taking the memory apart


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
