"""The command line: arguments, output and exit codes. What it does is the client's and the sandbox's work."""

from __future__ import annotations

import asyncio
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, CycloptsError, Parameter, UnusedCliTokensError
from cyclopts.types import NonNegativeFloat

from contactship_async import ConfigurationError, ContactshipClient, ContactshipError, __version__
from contactship_async._cli.commands import find_methods
from contactship_async._cli.failures import describe
from contactship_async._cli.options import NonNegativeInt, Port, PositiveInt
from contactship_async._cli.organizations import read_organizations
from contactship_async._cli.output import STDOUT, note, write

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
for _name, _text, _ in find_methods(ContactshipClient):
    # Derived at their first use: that takes milliseconds for each.
    app.command(f"contactship_async._cli.resources:{_name}", name=_name.replace("_", "-"), help=_text)


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
    read that with `source` in another terminal. Each request is logged to standard error. What is served is described
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
        return _report_error(
            f"unexpected argument {(error.unused_tokens or [''])[0]!r}; options begin with --, see --help", 2
        )
    except CycloptsError as error:
        return _report_error(str(error), 2)
    except ConfigurationError as error:
        variable = "CONTACTSHIP_BASE_URL" if "base_url" in str(error) else "CONTACTSHIP_API_KEY"
        return _report_error(f"{variable} is unusable: {error}", 2)
    except ContactshipError as error:
        return _report_error(describe(error), 1)
    return code or 0


def _report_error(text: str, code: int) -> int:
    note(text)
    return code
