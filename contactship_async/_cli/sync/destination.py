"""The database that a sync writes to, as the options name it."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Annotated, Final, TypeAlias

from attrs import evolve, frozen
from cyclopts import CycloptsError, Parameter

from contactship_async._cli.streams import note
from contactship_async._cli.sync.values import DurationOption
from contactship_async.sync import DatabaseBusyError, DuckDBTarget, ParquetTarget, PostgresTarget

Database: TypeAlias = DuckDBTarget | PostgresTarget

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)

_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:[/\\]")
"""As a path, it has lost a slash. A single letter would be a drive of Windows."""

_WAIT: Final = "60s"
"""As in `DuckDBTarget`."""


@frozen(kw_only=True)
class Destination:
    """The database, as the options name it.

    Args:
        to: A DuckDB file, which is made if it is not there.
        to_env: The name of the environment variable that holds the URL of a PostgreSQL database, such as DATABASE_URL.
        to_parquet: A folder of Parquet files, which --from-parquet applies to a database later.
        wait: How long to wait for a DuckDB file that another program has open.
    """

    to: Path | None = None
    to_env: str | None = None
    to_parquet: Path | None = None
    wait: Annotated[DurationOption, Parameter(show_default=_WAIT)] = None

    def __attrs_post_init__(self) -> None:
        given = {"--to": self.to, "--to-env": self.to_env, "--to-parquet": self.to_parquet}
        names = [name for name, value in given.items() if value is not None]
        if not names:
            message = "where to must be given: --to FILE.duckdb, --to-env DATABASE_URL or --to-parquet FOLDER"
            raise CycloptsError(message)
        if len(names) > 1:
            message = f"{' and '.join(names)} do not go together: one sync has one destination"
            raise CycloptsError(message)
        for value in given.values():
            refuse_url(value or "")
        if self.wait is not None and self.to is None:
            message = "--wait is for a DuckDB file, and goes with --to"
            raise CycloptsError(message)

    @property
    def is_shared(self) -> bool:
        """Whether several machines may write to it."""
        return self.to is None

    def open(self) -> Database | ParquetTarget:
        """Return the target; nothing is opened before it is used.

        Raises:
            CycloptsError: The variable holds no URL, or it is none of PostgreSQL.
        """
        return self.open_database() if self.to_parquet is None else ParquetTarget(self.to_parquet)

    def open_database(self, *, must_exist: bool = False) -> Database:
        """Return the target, if it is a database.

        Args:
            must_exist: Whether a file has to be there: none is made to look into.

        Raises:
            CycloptsError: It is none, there is no file, or the variable holds no URL of PostgreSQL.
        """
        if self.to_env is not None:
            return _read_url(self.to_env)
        if self.to is None:
            message = "this needs a database: --to FILE.duckdb or --to-env DATABASE_URL"
            raise CycloptsError(message)
        if must_exist and not self.to.exists():
            message = f"{self.to} does not exist"
            raise CycloptsError(message)
        database = DuckDBTarget(self.to)
        return database if self.wait is None else evolve(database, wait=self.wait.total_seconds())


async def tell_of_wait(database: Database | ParquetTarget, *, is_verbose: bool = False) -> None:
    """Tell which program has a file open that is going to be waited for: it would look as if this one hung.

    Args:
        database: Waits by itself when it is opened.
        is_verbose: Whether it is told also where standard error is no terminal.
    """
    if isinstance(database, DuckDBTarget) and _may_wait(database) and (is_verbose or sys.stderr.isatty()):
        try:
            async with evolve(database, wait=0.0).open():
                pass
        except DatabaseBusyError as error:
            note(f"{error}: waiting for it, {database.wait:g} s at the most")


def _may_wait(database: DuckDBTarget) -> bool:
    return database.wait > 0 and Path(database.path).exists()


def refuse_url(value: Path | str) -> None:
    """Raise an error of wrong usage for a URL, without quoting it: it may hold a password."""
    if _URL.search(str(value)):
        message = (
            "a URL on a command line would show its password in the shell's history and to other users: put it into "
            "an environment variable, and name that with --to-env"
        )
        raise CycloptsError(message)


def _read_url(variable: str) -> PostgresTarget:
    if not _VARIABLE.fullmatch(variable):
        message = "--to-env takes the name of an environment variable, such as DATABASE_URL"  # may be a password
        raise CycloptsError(message)
    try:
        return PostgresTarget(os.environ[variable])
    except KeyError:
        fault = "is not set"
    except ValueError:
        fault = "holds no URL that begins with postgresql://" if os.environ[variable] else "is empty"
    message = f"the environment variable {variable} {fault}"
    raise CycloptsError(message)
