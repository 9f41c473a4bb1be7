"""The command `sandbox`: serves one organization, or those of a file, and logs their requests."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import shlex
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from queue import Full, Queue
from threading import Thread
from types import TracebackType
from typing import Any, Final, NoReturn, Self

from attrs import frozen

from contactship_async import ConfigurationError, ContactshipClient
from contactship_async._cli.commands import HELPS
from contactship_async._cli.event_loop import run
from contactship_async._cli.options import make_command, options_of, wrong_usage
from contactship_async._cli.streams import note, write
from contactship_async._cli.target import variables_of
from contactship_async._cli.text import printable
from contactship_async.sandbox import Sandbox, SandboxPool

_MAX_QUEUED_LINES: Final = 1_000  # lines of the log
_MAX_END_SECONDS: Final = 0.5  # of waiting at the end until the rest of the log is read


@frozen
class Serving:
    """What is to be served, the keys by the environment variables that are to hold them, and who else may come."""

    server: Sandbox | SandboxPool
    api_keys: Mapping[str, str]
    to_whom: str

    async def run(self) -> NoReturn:
        """Serve until Ctrl-C, or SIGTERM."""
        forever: asyncio.Future[NoReturn] = asyncio.get_running_loop().create_future()
        # The log outlives the server, whose end breaks off requests.
        with RequestLog():
            async with self.server:
                exports = {"CONTACTSHIP_BASE_URL": self.server.url, **self.api_keys}
                if _needs_permission(self.server.url):
                    exports["CONTACTSHIP_ALLOW_INSECURE_HTTP"] = "1"
                write("".join(f"export {name}={shlex.quote(value)}\n" for name, value in exports.items()).encode())
                several = isinstance(self.server, SandboxPool)
                sandbox = self.server[next(iter(self.server))] if isinstance(self.server, SandboxPool) else self.server
                each = f" of each of {len(self.api_keys)} organizations" if several else ""
                note(f"serving {len(sandbox.phone_numbers)} phone numbers{each}{self.to_whom}; Ctrl-C ends it")
                await forever


def prepare(*, organizations: Path | None = None, **settings: Any) -> Serving:
    """Make the sandbox of one organization, or of many.

    Args:
        organizations: A TOML file as for `phone-numbers list`: an organization is served for each name, with a
            made-up key that is printed for the variable named there. All other options hold for each; the second has
            the next seed, and so on.
        settings: Those of `Sandbox`.

    Raises:
        TypeError: A setting has the wrong type.
        ValueError: A setting is out of range, or two organizations share a variable.
    """
    to_whom = "" if _is_loopback(settings.get("host", "localhost")) else " to anybody who reaches this machine"
    if organizations is None:
        sandbox = Sandbox(**settings)
        return Serving(sandbox, {"CONTACTSHIP_API_KEY": sandbox.api_key}, to_whom)
    variables = variables_of(organizations, with_keys=False)
    owners: dict[str, str] = {}
    for name, variable in variables.items():
        if (owner := owners.setdefault(variable, name)) != name:
            message = f"organizations {owner!r} and {name!r} must differ in the variables of their keys"
            raise ValueError(message)
    address = {name: settings.pop(name) for name in ("host", "port") if name in settings}
    seed = settings.pop("seed", 0)
    sandboxes = SandboxPool(
        {name: Sandbox(seed=seed + index, **settings) for index, name in enumerate(variables)}, **address
    )
    return Serving(sandboxes, {variables[name]: key for name, key in sandboxes.api_keys.items()}, to_whom)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _needs_permission(url: str) -> bool:
    """Tell whether clients refuse *url* by themselves, as it is not on this machine."""
    try:
        ContactshipClient("any-key", base_url=url, allow_insecure_http=False)
    except ConfigurationError:
        return True
    return False


def _options() -> Iterator[inspect.Parameter]:
    """Make an option of each setting of `Sandbox`, but for the key, which is made up, and the clock."""
    for option in options_of(Sandbox):
        if option.name not in {"api_key", "clock"}:
            yield option.replace(kind=option.KEYWORD_ONLY)
    for function, name in ((prepare, "organizations"), (serve_or_describe, "openapi")):
        yield next(option for option in options_of(function) if option.name == name)


def serve_or_describe(*, openapi: bool = False, **given: Any) -> int:
    """Serve until Ctrl-C, or describe what would be served.

    Args:
        openapi: Serve nothing, but print the OpenAPI document of what would be served with the other options.
        given: Those of `prepare`.

    Raises:
        CycloptsError: One has the wrong type, or is out of range.
    """
    with wrong_usage():
        serving = prepare(**given)
    if openapi:
        write(f"{json.dumps(serving.server.openapi(), indent=2)}\n".encode())
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    return run(serving.run())


serve: Final = make_command(serve_or_describe, "sandbox", _options(), HELPS["sandbox"])
"""The command."""


class RequestLog(logging.Handler):
    """Writes a line for each request to standard error, within `with`, and one for all else that is logged.

    A thread writes, so that the server goes on if the log is not read: beyond 1,000 lines, others are dropped and
    counted.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lines: Queue[str | None] = Queue(_MAX_QUEUED_LINES)
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
            self._thread.join(_MAX_END_SECONDS)

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the record as a line, without the traceback of an error, which is of no use to a user."""
        line = printable(record.getMessage())
        if record.exc_info and record.exc_info[0] is not None:
            line += f" ({record.exc_info[0].__name__})"
        if self._dropped:
            line = f"{self._dropped} lines are missing: they were not read in time\n{line}"
        try:
            self._lines.put_nowait(f"{line}\n")
        except Full:
            self._dropped += 1
        else:
            self._dropped = 0

    def _write(self) -> None:
        with suppress(OSError):  # The reader has left: whatever comes is dropped.
            while (line := self._lines.get()) is not None:
                write(line.encode(errors="backslashreplace"), sys.stderr)
