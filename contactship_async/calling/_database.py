"""The file of a journal (SQLite): held by one process alone, and on the disk when a transaction has ended."""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NoReturn

from contactship_async.errors import ContactshipError

_FAULTS: Final[Mapping[int, str]] = {
    sqlite3.SQLITE_NOTADB: "is no journal, or is damaged",
    sqlite3.SQLITE_CORRUPT: "is damaged",
    sqlite3.SQLITE_FULL: "can't be written: the disk is full",
    sqlite3.SQLITE_READONLY: "can't be written: it is read-only",
    sqlite3.SQLITE_CANTOPEN: "can't be opened, or nothing can be written beside it",
    sqlite3.SQLITE_IOERR: "can't be read or written",
}

_CLOSED: Final = 0
_IN_USE: Final = 1


class JournalError(ContactshipError):
    """The journal can't be used: it is held by another run, damaged, full, or of calls by another agent."""


class Database:
    """A database in a file, which is made if it is missing, and which its owner alone can read.

    It is held from the first transaction on until it is closed, or the process ends however it may.

    Args:
        path: Of the file; None for one that nobody else sees, and that goes with this object.
        must_exist: Whether a missing file is an error.

    Raises:
        JournalError: The file is held by another process, is no database, or can't be read and written. So do all
            methods.

    Source: https://www.sqlite.org/wal.html, https://www.sqlite.org/pragma.html#pragma_locking_mode
    """

    def __init__(self, path: Path | None, *, must_exist: bool = False) -> None:
        self._path = path
        self._holder: Path | None = None
        self._log = None if path is None else _beside(path, "-wal")
        self._found_log = self._log is not None and self._log.exists()
        self._is_guarded = False
        if path is not None:
            _create(path, must_exist=must_exist)
        # Without a name, SQLite makes a file of its own and removes it.
        with self._faults():
            self._connection = sqlite3.connect(
                "" if path is None else path.resolve(), timeout=0, isolation_level=None, check_same_thread=False
            )
        try:
            if path is not None:
                self.execute("PRAGMA locking_mode = EXCLUSIVE")
                if self.execute("PRAGMA journal_mode = WAL") != [("wal",)]:
                    self.refuse("is on a file system that can't keep one")
            self.execute("PRAGMA synchronous = FULL")
            with self.transaction("EXCLUSIVE"):
                pass
        except BaseException:
            self._connection.close()
            raise
        if path is not None:
            self._tell_who_holds_it(path)

    def guard_log(self) -> None:
        """Let nobody take the file for complete without its write-ahead log, should this process be killed.

        What is written stands in the log until the end, and the file may be copied or moved without it: whom was called
        would be lost, and nobody would notice. So the file itself says that it is in use.
        """
        if self._log is None:
            return
        if self.execute("PRAGMA user_version") != [(_CLOSED,)] and not self._found_log:
            self.refuse(
                f"was not closed, and lacks {self._log.name}, in which stands who was called last: put it beside"
            )
        self.execute(f"PRAGMA user_version = {_IN_USE}")
        self.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._is_guarded = True

    def close(self) -> None:
        """Let others have the file."""
        if self._holder is not None:
            with suppress(OSError):
                self._holder.unlink(missing_ok=True)
        if self._is_guarded:
            with suppress(JournalError):
                self.execute(f"PRAGMA user_version = {_CLOSED}")
                self._is_guarded = False
        self._connection.close()
        if self._is_guarded and self._log is not None:
            with suppress(OSError):  # The file could not say that it is closed, and all of it is there now.
                self._log.touch()

    def copy_from(self, other: Database) -> None:
        """Become a copy of another database."""
        with self._faults():
            other._connection.backup(self._connection)

    def execute(self, statement: str, *values: object) -> list[Any]:
        """Execute a statement, and return its rows."""
        with self._faults():
            return self._connection.execute(statement, values).fetchall()

    def change(self, statement: str, *values: object) -> int:
        """Execute a statement, and return how many rows it changed."""
        with self._faults():
            return self._connection.execute(statement, values).rowcount

    @contextmanager
    def transaction(self, kind: str = "IMMEDIATE") -> Iterator[None]:
        """Let all that is executed within `with` come into effect together, or, at an exception, none of it."""
        self.execute(f"BEGIN {kind}")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.rollback()
            raise

    def refuse(self, text: str) -> NoReturn:
        """Raise an error that says this of the journal."""
        raise JournalError(self._name(text))

    def _tell_who_holds_it(self, path: Path) -> None:
        self._holder = _beside(path, "-holder")
        with suppress(OSError):  # Only for the words of another run.
            self._holder.unlink(missing_ok=True)  # It may be a link to something else.
            descriptor = os.open(self._holder, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - it is a descriptor
                now = datetime.now(UTC)
                file.write(f"process {os.getpid()} on {socket.gethostname()} since {now:%Y-%m-%d %H:%M:%S} UTC")

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Turn errors of SQLite into words."""
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # which has the kind of an extended code
            if code == sqlite3.SQLITE_BUSY and self._path is not None:
                raise JournalError(self._name(f"is held by {_read_holder(self._path)}")) from None
            raise JournalError(self._name(_FAULTS.get(code, "can't be used"))) from error
        except UnicodeDecodeError:  # of Python, for what SQLite says about a schema that is no text
            raise JournalError(self._name("is damaged")) from None

    def _name(self, text: str) -> str:
        return f"the journal {'' if self._path is None else f'{self._path} '}{text}"


def _create(path: Path, *, must_exist: bool) -> None:
    # Before SQLite has it open: closing a file ends all locks that the process has on it (POSIX).
    try:
        os.close(os.open(path, os.O_RDWR | (0 if must_exist else os.O_CREAT), 0o600))
    except OSError as error:
        message = f"the journal {path} can't be opened: {error.strerror}"
        raise JournalError(message) from None


def _beside(path: Path, ending: str) -> Path:
    path = path.resolve()
    return path.with_name(f"{path.name}{ending}")


def _read_holder(path: Path) -> str:
    try:
        return _beside(path, "-holder").read_text("utf-8") or "another process"
    except (OSError, UnicodeDecodeError):
        return "another process"
