"""The file that names organizations, and the environment variables that hold their keys.

No error message quotes the file, apart from names: it may hold a key by mistake.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any, Final

from contactship_async.errors import ConfigurationError

_PLACE: Final = re.compile(r"\(at (line \d+|end)[^()]*\)\Z")
"""Where tomllib says in its message that the error is. What comes before may quote the file."""

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_SURELY_NO_KEY: Final = re.compile(r"[A-Z]+(_[A-Z0-9]+)+")


def read_organizations(path: Path | str, *, with_keys: bool = True) -> dict[str, str]:
    """Read which environment variable holds the key of each organization.

        variables = read_organizations("organizations.toml")
        pool = ContactshipPool({name: os.environ[variable] for name, variable in variables.items()})

    Args:
        path: A TOML file with a line for each organization, such as `acme = "ACME_CONTACTSHIP_KEY"`.
        with_keys: Whether the variables must be set.

    Returns:
        The names of the variables by the names of the organizations, in the order of the file.

    Raises:
        ConfigurationError: The file can't be read or holds something else, or a variable is not set.
    """
    file = Path(path)
    organizations = _parse(file)
    if not organizations:
        message = f'{file} names no organization: a line such as acme = "ACME_CONTACTSHIP_KEY" does'
        raise ConfigurationError(message)
    for name, variable in organizations.items():
        fault = _find_fault(variable, with_keys=with_keys) if name.strip() else "its name is empty"
        if fault is not None:
            message = f"organization {name!r} of {file}: {fault}"
            raise ConfigurationError(message)
    return organizations


def _parse(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_bytes().decode("utf-8-sig"))  # Windows editors add a byte order mark.
    except OSError as error:
        message = f"{file} can't be read: {error.strerror}"
    except UnicodeDecodeError:
        message = f"{file} is not valid TOML: it is not in UTF-8"
    except RecursionError:
        message = f"{file} is not TOML of names and variables: it is nested too deeply"
    except tomllib.TOMLDecodeError as error:
        place = _PLACE.search(str(error))
        where = f", at its {place[1]}" if place else ""
        message = (
            f"{file} is not valid TOML{where}:"
            ' each line must be like acme = "ACME_CONTACTSHIP_KEY", each name there once'
        )
    raise ConfigurationError(message)


def _find_fault(variable: object, *, with_keys: bool) -> str | None:
    if isinstance(variable, dict):
        return "it is a table, and must be the name of an environment variable; names with dots go into quotes"
    if not isinstance(variable, str) or not _VARIABLE.fullmatch(variable):
        return "what follows must be the name of an environment variable, in quotes; the key itself belongs in that"
    if os.environ.get(variable) or not with_keys:
        return None
    name = variable if _SURELY_NO_KEY.fullmatch(variable) else "named there"
    return f"the environment variable {name} is {'empty' if variable in os.environ else 'not set'}"
