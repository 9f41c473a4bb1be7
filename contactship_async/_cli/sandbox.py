"""The sandbox of the command line: one organization, or those of a file, and the log of their requests."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from contextlib import suppress
from queue import Full, Queue
from threading import Thread
from types import TracebackType
from typing import Any, Final, Self

from attrs import frozen

from contactship_async._cli.output import printable, write
from contactship_async.sandbox import Sandbox, SandboxPool

_MOST_WAITING: Final = 1_000  # lines of the log
_LONGEST_END: Final = 0.5  # seconds that the end waits for somebody to read the rest of the log


@frozen
class OpenSandbox:
    """What is to be served, and the keys by the environment variables that are to hold them."""

    server: Sandbox | SandboxPool
    api_keys: Mapping[str, str]


def open_sandbox(
    variables: Mapping[str, str], *, phone_numbers: int, seed: int, host: str, port: int, **settings: Any
) -> OpenSandbox:
    """Make the sandbox of one organization, or of many.

    Args:
        variables: Of the keys, by the names of the organizations; empty for one without a name.
        phone_numbers: Of each organization.
        seed: Of the first; each other one has the next.
        host: See `Sandbox`.
        port: See `Sandbox`.
        settings: Others of `Sandbox`, which hold for each.

    Raises:
        ValueError: A setting is out of range, or two organizations share a variable.
    """
    if not variables:
        sandbox = Sandbox(phone_numbers, seed=seed, host=host, port=port, **settings)
        return OpenSandbox(sandbox, {"CONTACTSHIP_API_KEY": sandbox.api_key})
    owners: dict[str, str] = {}
    for name, variable in variables.items():
        if (owner := owners.setdefault(variable, name)) != name:
            message = f"organizations {owner!r} and {name!r} must differ in the variables of their keys"
            raise ValueError(message)
    sandboxes = SandboxPool(
        {name: Sandbox(phone_numbers, seed=seed + index, **settings) for index, name in enumerate(variables)},
        host=host,
        port=port,
    )
    return OpenSandbox(sandboxes, {variables[name]: key for name, key in sandboxes.api_keys.items()})


class RequestLog(logging.Handler):
    """Writes a line for each request to standard error, within `with`, and one for all else that is logged.

    A thread writes, so that the server goes on where nobody reads: beyond 1,000 lines, others are dropped and counted.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lines: Queue[str | None] = Queue(_MOST_WAITING)
        self._dropped = 0
        self._thread = Thread(target=self._write, daemon=True)  # The end of the process waits for no daemon.

    def __enter__(self) -> Self:
        logging.getLogger("contactship_async.sandbox").setLevel(logging.DEBUG)
        logging.getLogger().addHandler(self)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        logging.getLogger().removeHandler(self)
        with suppress(Full):
            self._lines.put_nowait(None)
            self._thread.join(_LONGEST_END)

    def emit(self, record: logging.LogRecord) -> None:
        """Put the record into the line; the traceback of an error is nothing for a user."""
        line = printable(record.getMessage())
        if record.exc_info and record.exc_info[0] is not None:
            line += f" ({record.exc_info[0].__name__})"
        if self._dropped:
            line = f"{self._dropped} lines are missing: nobody read them in time\n{line}"
        try:
            self._lines.put_nowait(f"{line}\n")
        except Full:
            self._dropped += 1
        else:
            self._dropped = 0

    def _write(self) -> None:
        with suppress(OSError):  # Who reads has left: whatever comes is dropped.
            while (line := self._lines.get()) is not None:
                write(line.encode(errors="backslashreplace"), sys.stderr)
