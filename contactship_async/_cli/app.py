"""The command line: arguments, output and exit codes. What it does is the client's and the sandbox's work."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

from cyclopts import App, CycloptsError, Parameter, Token, UnusedCliTokensError
from cyclopts.types import NonNegativeFloat
from cyclopts.validators import Number

from contactship_async import (
    ConfigurationError,
    ContactshipClient,
    ContactshipError,
    ContactshipPool,
    Page,
    PhoneNumber,
    PoolError,
    __version__,
)
from contactship_async._cli.failures import describe, describe_each
from contactship_async._cli.organizations import open_pool, read_organizations
from contactship_async._cli.output import STDOUT, Format, Output, note, write
from contactship_async._cli.progress import ProgressDisplay

_SMALLEST_EXACT_PAGE: Final = 3  # see `iter_phone_numbers`
_MOST_CONCURRENT: Final = 16  # organizations, as in `ContactshipPool`


def _read_integer(_: object, tokens: Sequence[Token]) -> int:
    """Read what is written as an integer; cyclopts would round 1.5 and take 0x10 for 16."""
    text = tokens[0].value
    if not (text.isascii() and text.removeprefix("-").isdigit()):
        message = f'"{text}" is not a whole number'
        raise ValueError(message)
    return int(text)


NonNegativeInt = Annotated[int, Parameter(converter=_read_integer, validator=Number(gte=0))]
PositiveInt = Annotated[int, Parameter(converter=_read_integer, validator=Number(gte=1))]
Port = Annotated[int, Parameter(converter=_read_integer, validator=Number(gte=0, lte=65535))]


_Pages: TypeAlias = AsyncGenerator[Page[PhoneNumber], None]
_NamedPages: TypeAlias = AsyncGenerator[tuple[str, Page[PhoneNumber]], None]


app = App(
    name="contactship",
    version=__version__,
    console=STDOUT,
    default_parameter=Parameter(negative=()),
    result_action="return_value",
    exit_on_error=False,
    print_error=False,
    suppress_keyboard_interrupt=False,
    help="""List what your organizations have at Contactship (AI phone calls), or serve a sandbox to try things out.

    Data goes to standard output, everything else to standard error. Exit codes: 0 all is well, 1 the API or the network
    failed, 2 wrong usage or no key, 130 ended by Ctrl-C.""",
)
app.register_install_completion_command(help="Install the completion of commands and options for your shell.")
phone_numbers = App(name="phone-numbers", help="Phone numbers of your organizations.")
app.command(phone_numbers)


@phone_numbers.command(name="list")
def list_phone_numbers(  # noqa: PLR0913 - one argument for each option
    *,
    type: Literal["inbound", "outbound"] | None = None,  # noqa: A002 - the API's own word
    order: Literal["asc", "desc"] = "desc",
    limit: NonNegativeInt | None = None,
    offset: NonNegativeInt = 0,
    page_size: PositiveInt = 100,
    concurrency: PositiveInt = 1,
    exact: Annotated[bool, Parameter(show_default=False)] = False,
    format: Format = "table",  # noqa: A002 - the name of the option
    organizations: Path | None = None,
    max_concurrent: Annotated[PositiveInt | None, Parameter(show_default=str(_MOST_CONCURRENT))] = None,
    sandbox: Annotated[bool, Parameter(show_default=False)] = False,
) -> int:
    """List the phone numbers of your organization, or of many.

    The environment variable CONTACTSHIP_API_KEY holds the key, and CONTACTSHIP_BASE_URL may hold another server. There
    is no option for the key: it would stay in the history of your shell, and other users could see it among the
    running processes.

    With --organizations, all other options hold for each organization. A failure does not keep the numbers of the
    others from coming: it is told at the end, and the exit code is 1.

    Args:
        type: Only numbers of this type.
        order: By creation date.
        limit: How many numbers at the most; all of them if not given.
        offset: How many numbers to skip.
        page_size: How many numbers to ask the server for at once.
        concurrency: How many pages to fetch side by side.
        exact: Accept only what proves to be complete, while numbers come and go; needs a page size of 3 or more.
        format: json is one array, jsonl one object per line, csv has a header. jsonl and csv are printed page by page.
        organizations: A TOML file with a line for each organization: acme = "ACME_CONTACTSHIP_KEY" is its name, and the
            environment variable that holds its key. The name becomes the first column. jsonl and csv come as
            the answers do; table and json are in the order of the file.
        max_concurrent: How many organizations to list side by side.
        sandbox: List the made-up numbers of a sandbox; needs no account, key or network.
    """
    if exact and page_size < _SMALLEST_EXACT_PAGE:
        message = f"--exact needs a --page-size of {_SMALLEST_EXACT_PAGE} or more"
        raise CycloptsError(message)
    if organizations is None and max_concurrent is not None:
        message = "--max-concurrent is for --organizations; --concurrency is for the pages of one"
        raise CycloptsError(message)
    if organizations is not None and sandbox:
        message = "--sandbox is an organization of its own, and does not go with --organizations"
        raise CycloptsError(message)
    variables = {} if organizations is None else read_organizations(organizations)
    output = Output(format, organizations=variables)
    shows_progress = sys.stderr.isatty() and not (output.streams and sys.stdout.isatty())
    progress = ProgressDisplay(shown=shows_progress, organizations=len(variables))

    def walk(client: ContactshipClient) -> _Pages:
        pages = client.iter_phone_number_pages(
            type=type,
            order=order,
            page_size=page_size,
            offset=offset,
            max_items=limit,
            concurrency=concurrency,
            exact=exact,
        )
        return progress.watch(client.organization or "phone numbers", pages, offset=offset, limit=limit)

    if variables:
        pages = _walk_each(open_pool(variables, max_concurrent or _MOST_CONCURRENT), walk)
    else:
        pages = _walk_alone(_open_client(sandbox=sandbox), walk)
    try:
        # Around no more than this: without an event loop, Ctrl-C ends at once whatever is done.
        asyncio.run(_print(pages, output, progress))
    except PoolError as error:
        output.end(failures=len(error.exceptions))
        for text in describe_each(error, variables):
            note(text)
        return 1
    except ContactshipError:
        output.end(failures=1)
        raise
    output.end(failures=0)
    return 0


@app.command(name="sandbox")
async def serve_sandbox(  # noqa: PLR0913 - one argument for each option
    *,
    phone_numbers: NonNegativeInt = 250,
    tags: NonNegativeInt = 12,
    credits: float = 42.5,  # noqa: A002 - the API's own word
    seed: NonNegativeInt = 0,
    envelope: Literal["count", "pagination"] = "count",
    max_limit: PositiveInt = 1000,
    latency: NonNegativeFloat = 0.0,
    rate_limit: PositiveInt | None = None,
    heavy_rate_limit: PositiveInt | None = None,
    count_follows_filter: Annotated[bool, Parameter(negative="--no-count-follows-filter")] = True,
    organizations: Path | None = None,
    host: str = "127.0.0.1",
    port: Port = 0,
) -> None:
    """Serve a pretend Contactship on this machine, until Ctrl-C.

    It prints lines that point a shell to the sandbox, and so every client started there: redirect them to a file, and
    read that with `source` in another terminal. Each request is told on standard error. What is served is described
    at /openapi.json.

    Args:
        phone_numbers: How many phone numbers there are.
        tags: How many tags there are.
        credits: The balance.
        seed: The same seed makes up the same organization.
        envelope: The shape of the pages.
        max_limit: A larger limit in a request is silently lowered to this.
        latency: Seconds before each answer.
        rate_limit: Requests per minute; no limit if not given.
        heavy_rate_limit: Requests of heavy listings per minute; no limit of their own if not given.
        count_follows_filter: Whether the count is that of the type asked for, or that of all numbers.
        organizations: A TOML file as for `phone-numbers list`: an organization is served for each name, with a
            made-up key that is printed for the variable named there. All other options hold for each; the second has
            the next seed, and so on.
        host: The address to listen on.
        port: The port to listen on; 0 takes any free one.
    """
    from contactship_async._cli.sandbox import RequestLog, open_sandbox  # noqa: PLC0415 - takes time to import

    variables = {} if organizations is None else read_organizations(organizations, with_keys=False)
    try:
        sandbox = open_sandbox(
            variables,
            phone_numbers=phone_numbers,
            tags=tags,
            credits=credits,
            seed=seed,
            envelope=envelope,
            max_limit=max_limit,
            latency=latency,
            rate_limit=rate_limit,
            heavy_rate_limit=heavy_rate_limit,
            count_follows_filter=count_follows_filter,
            host=host,
            port=port,
        )
    except ValueError as error:
        raise CycloptsError(str(error)) from None
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # The log outlives the server, whose end breaks off requests.
    with RequestLog():
        async with sandbox.server:
            exports = {"CONTACTSHIP_BASE_URL": sandbox.server.url, **sandbox.api_keys}
            write("".join(f"export {name}={shlex.quote(value)}\n" for name, value in exports.items()).encode())
            each = f" of each of {len(variables)} organizations" if variables else ""
            note(f"serving {phone_numbers} phone numbers{each}; Ctrl-C ends it")
            await asyncio.Event().wait()


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code.

    Args:
        arguments: Those after the name of the program.
    """
    try:
        code: int | None = app(arguments)
    except UnusedCliTokensError as error:
        return _complain(
            f"unexpected argument {(error.unused_tokens or [''])[0]!r}; options begin with --, see --help", 2
        )
    except CycloptsError as error:
        return _complain(str(error), 2)
    except ConfigurationError as error:
        variable = "CONTACTSHIP_BASE_URL" if "base_url" in str(error) else "CONTACTSHIP_API_KEY"
        return _complain(f"{variable} is unusable: {error}", 2)
    except ContactshipError as error:
        return _complain(describe(error), 1)
    return code or 0


def _open_client(*, sandbox: bool) -> ContactshipClient:
    if sandbox:
        from contactship_async.sandbox import Sandbox  # noqa: PLC0415 - its server takes time to import

        return Sandbox().client()
    if not os.environ.get("CONTACTSHIP_API_KEY"):
        message = "no API key: set the environment variable CONTACTSHIP_API_KEY, or try it out with --sandbox"
        raise CycloptsError(message)
    return ContactshipClient()


async def _walk_alone(client: ContactshipClient, walk: Callable[[ContactshipClient], _Pages]) -> _NamedPages:
    async with client, aclosing(walk(client)) as pages:
        async for page in pages:
            yield "", page


async def _walk_each(pool: ContactshipPool, walk: Callable[[ContactshipClient], _Pages]) -> _NamedPages:
    async with pool, aclosing(pool.iter(walk)) as pages:
        async for organization, page in pages:
            yield organization, page


async def _print(pages: _NamedPages, output: Output, progress: ProgressDisplay) -> None:
    with progress:
        async with aclosing(pages):
            async for organization, page in pages:
                await output.add(page, organization)


def _complain(text: str, code: int) -> int:
    note(text)
    return code
