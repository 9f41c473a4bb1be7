"""The command line: arguments, output and exit codes. The client and the sandbox do the work."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from cyclopts import App, CycloptsError, Parameter, UnusedCliTokensError

from contactship_async import __version__
from contactship_async._cli.commands import HELPS, RESOURCES
from contactship_async._cli.failures import describe, describe_setting
from contactship_async._cli.output import STDOUT
from contactship_async._cli.streams import note
from contactship_async.errors import ConfigurationError, ContactshipError

_URL: Final = re.compile(r"(\bhttps://docs\.contactship\.ai/[\w/-]+(?!\S))|[^\s\"'=]*://[^\s\"']+")
"""What no error quotes, as it may hold a password; the first group is a page of the documentation, which is quoted."""

app = App(
    name="contactship",
    version=__version__,
    console=STDOUT,
    default_parameter=Parameter(negative=()),
    result_action="return_value",
    exit_on_error=False,
    print_error=False,
    suppress_keyboard_interrupt=False,
    help="""List what your organizations have at Contactship (AI phone calls), keep a copy of it, or call people.

    Data goes to standard output, everything else to standard error. Exit codes: 0 success, 1 the API, the network or a
    database failed, 2 wrong usage or no key, 130 ended by Ctrl-C, and
    143 by SIGTERM where a run comes to an orderly end.""",
)
app.register_install_completion_command(help="Install the completion of commands and options for your shell.")
for _name, _text in RESOURCES.items():
    # Derived at their first use: the client takes time to import.
    app.command(f"contactship_async._cli.resources:{_name}", name=_name.replace("_", "-"), help=_text)
for _name, _place in {
    "api": "contactship_async._cli.api:api",
    "sandbox": "contactship_async._cli.sandbox:serve",
    "sync": "contactship_async._cli.sync.command:sync",
}.items():
    app.command(_place, name=_name, help=HELPS[_name])


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
        return _report_error(_URL.sub(lambda url: url[1] or "...", str(error)), 2)
    except ConfigurationError as error:
        return _report_error(describe_setting(error), 2)
    except ContactshipError as error:
        return _report_error(describe(error), 1)
    return code or 0


def _report_error(text: str, code: int) -> int:
    note(text)
    return code
