"""The command line: arguments, output and exit codes. What it does is the client's and the sandbox's work."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import shlex
import signal
import sys
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from typing import Annotated, Final, Literal, NoReturn

import msgspec
from cyclopts import App, CycloptsError, Parameter
from cyclopts.types import NonNegativeFloat, NonNegativeInt, Port, PositiveInt
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from contactship_async import (
    ConfigurationError,
    ContactshipClient,
    ContactshipError,
    PhoneNumber,
    StatusError,
    __version__,
)

Format = Literal["table", "json", "jsonl", "csv"]

_FIELDS: Final = ("id", "phone_number", "type", "organization_id", "created_at")
_ID_FIELDS: Final = ("id", "organization_id")
_NARROWEST_ID: Final = 10  # columns of a terminal; an id is not folded to less
_LONGEST_MESSAGE: Final = 300  # characters of a server's message that are shown


class _Console(Console):
    """Standard output for help and tables."""

    def on_broken_pipe(self) -> NoReturn:
        raise BrokenPipeError  # rich would exit with code 1


_stdout = _Console()

app = App(
    name="contactship",
    version=__version__,
    console=_stdout,
    default_parameter=Parameter(negative=()),
    result_action="return_value",
    exit_on_error=False,
    print_error=False,
    suppress_keyboard_interrupt=False,
    help="""List what your organization has at Contactship (AI phone calls), or serve a sandbox to try things out.

    Data goes to standard output, everything else to standard error. Exit codes: 0 all is well, 1 the API or the network
    failed, 2 wrong usage, 130 ended by Ctrl-C.""",
)
app.register_install_completion_command(help="Install the completion of commands and options for your shell.")
phone_numbers = App(name="phone-numbers", help="Phone numbers of your organization.")
app.command(phone_numbers)


@phone_numbers.command(name="list")
async def list_phone_numbers(  # noqa: PLR0913 - one argument for each option
    *,
    type: Literal["inbound", "outbound"] | None = None,  # noqa: A002 - the API's own word
    order: Literal["asc", "desc"] = "desc",
    limit: NonNegativeInt | None = None,
    offset: NonNegativeInt = 0,
    page_size: PositiveInt = 100,
    format: Format = "table",  # noqa: A002 - the name of the option
    sandbox: Annotated[bool, Parameter(show_default=False)] = False,
) -> None:
    """List the phone numbers of your organization.

    The environment variable CONTACTSHIP_API_KEY holds the key, and CONTACTSHIP_BASE_URL may hold another server. There
    is no option for the key: it would stay in the history of your shell, and other users could see it among the
    running processes.

    Args:
        type: Only numbers of this type.
        order: By creation date.
        limit: How many numbers at the most; all of them if not given.
        offset: How many numbers to skip.
        page_size: How many numbers to ask the server for at once.
        format: json is one array, jsonl one object per line, csv has a header. jsonl and csv are printed page by page.
        sandbox: List the made-up numbers of a sandbox; needs no account, key or network.
    """
    output = _Output(format)
    async with _open_client(sandbox=sandbox) as client:
        pages = client.iter_phone_number_pages(
            type=type, order=order, page_size=page_size, offset=offset, max_items=limit
        )
        shows_progress = sys.stderr.isatty() and not (output.streams and sys.stdout.isatty())
        try:
            async with aclosing(pages):
                with _progress_bar(shown=shows_progress) as bar:
                    task = bar.add_task("phone numbers", total=limit)
                    async for page in pages:
                        output.add(page)
                        totals = [limit, None if page.count is None else page.count - offset]
                        total = min((total for total in totals if total is not None), default=None)
                        bar.update(task, advance=len(page), total=total)
        except ContactshipError:
            output.end(complete=False)
            raise
    output.end(complete=True)


@app.command(name="sandbox")
async def serve_sandbox(  # noqa: PLR0913 - one argument for each option
    *,
    phone_numbers: NonNegativeInt = 250,
    seed: NonNegativeInt = 0,
    envelope: Literal["count", "pagination"] = "count",
    max_limit: PositiveInt = 1000,
    latency: NonNegativeFloat = 0.0,
    rate_limit: PositiveInt | None = None,
    count_follows_filter: Annotated[bool, Parameter(negative="--no-count-follows-filter")] = True,
    host: str = "127.0.0.1",
    port: Port = 0,
) -> None:
    """Serve a pretend Contactship on this machine, until Ctrl-C.

    It prints two lines that point a shell to the sandbox, and so every client started there: redirect them to a file,
    and read that with `source` in another terminal.

    Args:
        phone_numbers: How many phone numbers there are.
        seed: The same seed makes up the same phone numbers.
        envelope: The shape of the pages.
        max_limit: A larger limit in a request is silently lowered to this.
        latency: Seconds before each answer.
        rate_limit: Requests per minute; no limit if not given.
        count_follows_filter: Whether the count is that of the type asked for, or that of all numbers.
        host: The address to listen on.
        port: The port to listen on; 0 takes any free one.
    """
    from contactship_async.sandbox import Sandbox  # noqa: PLC0415 - its server takes time to import

    try:
        sandbox = Sandbox(
            phone_numbers,
            seed=seed,
            envelope=envelope,
            max_limit=max_limit,
            latency=latency,
            rate_limit=rate_limit,
            count_follows_filter=count_follows_filter,
            host=host,
            port=port,
        )
    except ValueError as error:
        raise CycloptsError(str(error)) from None
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    async with sandbox:
        variables = {"CONTACTSHIP_BASE_URL": sandbox.url, "CONTACTSHIP_API_KEY": sandbox.api_key}
        _write("".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()).encode())
        _note(f"serving {phone_numbers} phone numbers; Ctrl-C ends it")
        await asyncio.Event().wait()


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code.

    Args:
        arguments: Those after the name of the program.
    """
    try:
        app(arguments)
    except CycloptsError as error:
        return _complain(str(error), 2)
    except ConfigurationError as error:
        return _complain(f"CONTACTSHIP_API_KEY or CONTACTSHIP_BASE_URL is unusable: {error}", 2)
    except ContactshipError as error:
        return _complain(_describe(error), 1)
    return 0


class _Output:
    """Prints phone numbers to standard output: page by page where the format allows it, otherwise at the end."""

    def __init__(self, format_: Format) -> None:
        self.streams = format_ in {"jsonl", "csv"}
        self._format = format_
        self._rows: list[PhoneNumber] = []
        self._has_begun = False

    def add(self, rows: Iterable[PhoneNumber]) -> None:
        self._rows.extend(rows)
        if self.streams:
            self._print()

    def end(self, *, complete: bool) -> None:
        """Print what is left; of a *complete* listing also that it is empty."""
        if self._rows or complete:
            self._print()

    def _print(self) -> None:
        _write(self._encode([{name: getattr(row, name) for name in _FIELDS} for row in self._rows]))
        self._rows.clear()
        self._has_begun = True

    def _encode(self, records: list[dict[str, object]]) -> bytes:
        if self._format == "table":
            return _encode_table(msgspec.to_builtins(records))
        if self._format == "json":
            return msgspec.json.encode(records) + b"\n"
        if self._format == "jsonl":
            return msgspec.json.Encoder().encode_lines(records)
        lines = io.StringIO()
        writer = csv.DictWriter(lines, _FIELDS, lineterminator="\n")
        if not self._has_begun:
            writer.writeheader()
        writer.writerows(msgspec.to_builtins(records))
        return lines.getvalue().encode()


def _encode_table(records: list[dict[str, str]]) -> bytes:
    if not records:
        _note("no phone numbers")
        return b""
    records = [{name: _printable(text) for name, text in record.items()} for record in records]
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in _FIELDS:
        table.add_column(name, no_wrap=name not in _ID_FIELDS, overflow="fold")
    for record in records:
        table.add_row(*map(Text, record.values()))  # as Text, in which rich sees no markup
    # A terminal shows long lines on several of its own, which is right for one too narrow to fold the ids.
    width = _Console(width=sys.maxsize).measure(table).maximum
    if sys.stdout.isatty():
        id_width = sum(max(cell_len(record[name]) for record in records) for name in _ID_FIELDS)
        if _stdout.width - (width - id_width) >= len(_ID_FIELDS) * _NARROWEST_ID:
            width = _stdout.width
    console = _Console(width=width)
    with console.capture() as capture:
        console.print(table)
    return capture.get().encode(sys.stdout.encoding, "backslashreplace")


def _open_client(*, sandbox: bool) -> ContactshipClient:
    if sandbox:
        from contactship_async.sandbox import Sandbox  # noqa: PLC0415 - its server takes time to import

        return Sandbox().client()
    if not os.environ.get("CONTACTSHIP_API_KEY"):
        message = "no API key: set the environment variable CONTACTSHIP_API_KEY, or try it out with --sandbox"
        raise CycloptsError(message)
    return ContactshipClient()


def _progress_bar(*, shown: bool) -> Progress:
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=not shown)


def _describe(error: ContactshipError) -> str:
    text = str(error)
    if isinstance(error, StatusError):
        message = " ".join(error.message.split())
        text += f": {message[:_LONGEST_MESSAGE]}" if message else ""
        text += f" (request id {error.request_id})" if error.request_id else ""
    if error.position is not None and error.position.yielded:
        text += f"; to go on after the {error.position.yielded} numbers printed, add --offset {error.position.offset}"
    return text


def _printable(text: str) -> str:
    """Escape what could steer a terminal or break the line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _write(data: bytes) -> None:
    # Bytes, so that neither the locale nor the platform changes the data, and at once, so that no row is cut in two.
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _note(text: str) -> None:
    sys.stderr.write(f"contactship: {_printable(text)}\n")


def _complain(text: str, code: int) -> int:
    _note(text)
    return code
