"""The journal of calls: what was to be done with each contact, written down before it is done, and what came of it.

A start is unknown from the moment it is written down until its outcome is: whatever ends the process in between,
nobody is called twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from contactship_async.calling._contacts import Contact, Header
from contactship_async.calling._database import Database, JournalError
from contactship_async.calling._entries import Caller, Line, Outcome, Result
from contactship_async.contact_files import ContactFileError, Remark

_VERSION: Final = 1

_SCHEMA: Final = """
CREATE TABLE journal (
    schema_version INTEGER NOT NULL,
    agent_id TEXT,
    from_number TEXT,
    from_number_id TEXT,
    identity_column TEXT,
    takings INTEGER NOT NULL DEFAULT 0
);
INSERT INTO journal (schema_version) VALUES (1);
CREATE TABLE lines (
    line INTEGER PRIMARY KEY,
    identity TEXT NOT NULL UNIQUE,
    arguments TEXT NOT NULL,
    taking INTEGER NOT NULL,
    line_of_file INTEGER NOT NULL,
    differs INTEGER NOT NULL DEFAULT 0,
    outcome TEXT NOT NULL DEFAULT 'due' CHECK (outcome IN ('due', 'placed', 'refused', 'not sent', 'unknown')),
    is_due INTEGER NOT NULL DEFAULT 1 CHECK (NOT is_due OR outcome IN ('due', 'refused', 'not sent')),
    is_live INTEGER NOT NULL DEFAULT 0 CHECK (NOT is_live OR outcome = 'placed'),
    started_at TEXT,
    sent_at TEXT,
    call_id TEXT,
    status INTEGER,
    message TEXT,
    told_by TEXT CHECK (told_by IN ('response', 'listing', 'person'))
);
CREATE INDEX lines_by_call_id ON lines (call_id) WHERE call_id IS NOT NULL;
"""
"""`taking` numbers the reading of a file in which a contact was last: only those of the latest are called.
`identity_column` and the numbers of the caller hold for all lines as soon as anybody may have been dialled."""

_COLUMNS: Final = "line, outcome, is_due, identity, arguments, call_id, status, message, started_at, sent_at, told_by"

_IS_DUE: Final = "is_due AND NOT differs AND taking = (SELECT takings FROM journal)"
_IS_SETTLED: Final = "outcome = 'due' AND told_by = 'person'"
_OF_CALL: Final = "SELECT 1 FROM lines WHERE call_id = ?"

_MAX_MESSAGE_CHARACTERS: Final = 300  # of a server's message


class Journal:
    """A journal in a file (SQLite), held by this process alone until it is closed or the process ends.

    What is written is on the disk when a method returns (`journal_mode=WAL`, `synchronous=FULL`). Its methods block:
    call them from one thread at a time.

    Args:
        path: Of the file, which is made if it is missing, readable by its owner only: it holds personal data. None
            for one that goes with this object.
        must_exist: Whether a missing file is an error.

    Raises:
        JournalError: It is held by another run, is no journal, is damaged, or can't be read and written.

    Source: https://www.sqlite.org/wal.html, https://www.sqlite.org/pragma.html#pragma_locking_mode
    """

    def __init__(self, path: Path | None, *, must_exist: bool = False) -> None:
        self._database = Database(path, must_exist=must_exist)
        try:
            with self._database.transaction():
                self._prepare()
            self._database.guard_log()
        except BaseException:
            self._database.close()
            raise

    @classmethod
    def rehearse(cls, path: Path) -> Journal:
        """Return a copy of a journal, or an empty one, that is not kept: what would be written to it is tried out.

        Raises:
            JournalError: As for a journal.
        """
        copy = cls(None)
        try:
            if path.exists():
                with cls(path) as original:
                    copy._database.copy_from(original._database)
        except BaseException:
            copy.close()
            raise
        return copy

    def close(self) -> None:
        """Let others have the journal."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def take(
        self, caller: Caller, header: Header, rows: Iterable[Contact | Remark], tell: Callable[[Remark], object]
    ) -> int:
        """Take the contacts of a file, all of them or none; only they are due from now on.

        A contact that is in the journal with other columns is told and left out: it is not due.

        Args:
            caller: Who calls.
            header: Of the file.
            rows: Of the file.
            tell: Is called with each remark.

        Returns:
            How many were left out.

        Raises:
            JournalError: The journal has calls of another agent or number, or of contacts told apart by another column,
                that were placed or may have been. Where there are none, what others have tried is forgotten.
            ContactFileError: Contacts of the file can't be called, as was told; or it has none.
        """
        with self._database.transaction():
            self._check_caller(caller, header)
            self._database.execute("UPDATE journal SET takings = takings + 1")
            [(taking,)] = self._database.execute("SELECT takings FROM journal")
            contacts = problems = left_out = 0
            for row in rows:
                remark = row if isinstance(row, Remark) else self._take(row, taking, header)
                contacts += isinstance(row, Contact)
                if remark is not None:
                    problems += remark.is_problem
                    left_out += isinstance(row, Contact)
                    tell(remark)
            if problems:
                message = f"{problems} {'lines' if problems > 1 else 'line'} can't be used as told above"
                raise ContactFileError(message)
            if not contacts:
                message = "the file has no contacts"
                raise ContactFileError(message)
        return left_out

    def due(self, after: int = 0, limit: int = 100) -> list[Line]:
        """Return contacts that are due, in the order of their numbers.

        Args:
            after: The number that theirs are above.
            limit: How many at the most.
        """
        return self._lines(
            f"WHERE {_IS_DUE} AND line > ? ORDER BY line LIMIT ?",
            *(after, limit),
        )

    def begin(self, line: int, at: datetime) -> None:
        """Write down that a start is about to be sent. From now on its outcome is unknown.

        Args:
            line: The number of the contact.
            at: The time; with a time zone.

        Raises:
            JournalError: The contact is not due, or this can't be written.
        """
        self._change(
            "outcome = 'unknown', is_due = 0, is_live = 0, started_at = ?, sent_at = NULL, call_id = NULL,"
            " status = NULL, message = NULL, told_by = NULL WHERE line = ? AND is_due",
            _write(at),
            line,
        )

    def record(self, line: int, result: Result) -> None:
        """Write down what a start came to.

        Args:
            line: The number of the contact.
            result: Of the start that was begun.
        """
        self._change(
            "outcome = ?, is_due = ?, is_live = ?, sent_at = ?, call_id = ?, status = ?, message = ?,"
            " told_by = 'response' WHERE line = ? AND outcome = 'unknown'",
            result.outcome,
            result.is_due,
            result.outcome == "placed",
            None if result.sent_at is None else _write(result.sent_at),
            result.call_id,
            result.status,
            result.message[:_MAX_MESSAGE_CHARACTERS] or None,
            line,
        )

    def find(self, line: int, call_ids: Iterable[str]) -> str | None:
        """Settle an unknown start as placed if a single one of *call_ids* is of no other line, and return that one."""
        with self._database.transaction():
            found = [call_id for call_id in call_ids if not self._database.execute(_OF_CALL, call_id)]
            if len(found) != 1:
                return None
            self._change(
                "outcome = 'placed', is_live = 1, call_id = ?, told_by = 'listing'"
                " WHERE line = ? AND outcome = 'unknown'",
                *(found[0], line),
            )
        return found[0]

    def settle(self, line: int, *, is_placed: bool) -> Line:
        """Write down what a person found out about a start, and return the contact as it was.

        One that is not placed is due again, with the columns that the file has then.

        Args:
            line: The number of the contact.
            is_placed: Whether the call was placed.

        Raises:
            JournalError: There is no such contact; its call was placed; or, if that is what the person found, nothing
                was sent that could have placed it.
        """
        found = self._lines("WHERE line = ?", line)
        if not found:
            message = f"the journal has no line {line}"
            raise JournalError(message)
        [before] = found
        if before.outcome == "placed" or (is_placed and before.outcome != "unknown"):
            message = f"line {line} is not unknown: it is {before.outcome}"
            raise JournalError(message)
        if is_placed:
            self._change("outcome = 'placed', told_by = 'person' WHERE line = ?", line)
        else:
            self._change("outcome = 'due', is_due = 1, told_by = 'person' WHERE line = ?", line)
        return before

    def unknown(self) -> list[Line]:
        """Return the contacts whose start has an unknown outcome."""
        return self._lines("WHERE outcome = 'unknown' ORDER BY line")

    def placed_by_word(self) -> list[Line]:
        """Return the contacts whose calls a person settled as placed: any call in a listing may be theirs."""
        return self._lines("WHERE outcome = 'placed' AND call_id IS NULL ORDER BY line")

    def live(self, since: datetime) -> list[tuple[int, str]]:
        """Return the contacts whose calls are not known to have ended, of those started since a time.

        Returns:
            Their numbers, and the ids of their calls.
        """
        return self._database.execute(
            "SELECT line, call_id FROM lines WHERE is_live AND started_at >= ? ORDER BY line", _write(since)
        )

    def end(self, line: int) -> None:
        """Write down that the call of a contact has ended."""
        self._change("is_live = 0 WHERE line = ?", line)

    def lines(self) -> Iterator[Line]:
        """Yield all contacts, in the order of their numbers."""
        after = 0
        while batch := self._lines("WHERE line > ? ORDER BY line LIMIT 1000", after):
            yield from batch
            after = batch[-1].line

    def count(self) -> dict[Outcome, int]:
        """Count the outcomes of the contacts that the latest file has; those that it has with other columns too."""
        return dict(
            self._database.execute(
                "SELECT outcome, count(*) FROM lines WHERE taking = (SELECT takings FROM journal) GROUP BY outcome"
            )
        )

    def count_due(self) -> int:
        """Count the contacts that are due."""
        [(number,)] = self._database.execute(
            f"SELECT count(*) FROM lines WHERE {_IS_DUE}"  # noqa: S608 - it is from here
        )
        return int(number)

    def _prepare(self) -> None:
        execute, refuse = self._database.execute, self._database.refuse
        tables = {name for (name,) in execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            for statement in _SCHEMA.split(";"):
                execute(statement)
        elif not tables >= {"journal", "lines"}:
            refuse("is a database of something else")
        if execute("PRAGMA integrity_check(1)") != [("ok",)]:
            refuse("is damaged")
        [(version,)] = execute("SELECT schema_version FROM journal")
        if version != _VERSION:
            refuse(f"is of version {version}, and this release knows {_VERSION}")

    def _check_caller(self, caller: Caller, header: Header) -> None:
        if (header.contact == "to_number") == (caller.from_number is None):
            message = "a file of to_number is called from a from_number, one of contact_id from a from_number_id"
            raise ContactFileError(message)
        wanted = (caller.agent_id, caller.from_number, caller.from_number_id, header.identity)
        [bound] = self._database.execute("SELECT agent_id, from_number, from_number_id, identity_column FROM journal")
        # What another caller has tried may be forgotten as long as nobody can have been dialled.
        keeps = "started_at IS NOT NULL" if bound == wanted else "outcome IN ('placed', 'unknown')"
        if not self._database.execute(f"SELECT 1 FROM lines WHERE {keeps} LIMIT 1"):  # noqa: S608 - both are from here
            self._database.execute("DELETE FROM lines")
            self._database.execute(
                "UPDATE journal SET agent_id = ?, from_number = ?, from_number_id = ?, identity_column = ?", *wanted
            )
            return
        needs, column = "needs another journal", bound[3]
        if bound[0] != caller.agent_id:
            self._database.refuse(f"has calls of the agent {bound[0]}; another agent {needs}")
        if bound[1:3] != wanted[1:3]:
            self._database.refuse(f"has calls from another number; this one {needs}")
        if column != header.identity:
            again = f"by {header.identity}, all of them would be called again: that {needs}"
            self._database.refuse(f"tells contacts apart by {column}; {again}")

    def _take(self, contact: Contact, taking: int, header: Header) -> Remark | None:
        arguments = msgspec.json.encode(contact.arguments, order="deterministic").decode()
        found = self._database.execute(
            f"SELECT line, taking, line_of_file, CASE WHEN {_IS_SETTLED} THEN ? ELSE arguments END"  # noqa: S608 - it is from here
            " FROM lines WHERE identity = ?",
            *(arguments, contact.identity),
        )
        if not found:
            self._database.execute(
                "INSERT INTO lines (line, identity, arguments, taking, line_of_file) VALUES ("
                " CASE WHEN EXISTS (SELECT 1 FROM lines WHERE line = ?) THEN (SELECT max(line) + 1 FROM lines)"
                " ELSE ? END, ?, ?, ?, ?)",
                *(contact.line, contact.line, contact.identity, arguments, taking, contact.line),
            )
            return None
        [(line, latest, line_of_file, before)] = found
        if latest == taking:
            return Remark(contact.line, f"has the {header.identity} of line {line_of_file}")
        self._database.execute(
            "UPDATE lines SET taking = ?, line_of_file = ?, differs = ?, arguments = ? WHERE line = ?",
            *(taking, contact.line, before != arguments, before, line),
        )
        if before != arguments:
            text = f"has other columns than the journal's line {line}, and is left out"
            return Remark(contact.line, text, is_problem=False)
        return None

    def _lines(self, condition: str, *values: object) -> list[Line]:
        rows = self._database.execute(f"SELECT {_COLUMNS} FROM lines {condition}", *values)  # noqa: S608 - both are from here
        try:
            return [_read_line(row) for row in rows]
        except (ValueError, msgspec.DecodeError):  # What SQLite checks is its own structure only.
            self._database.refuse("is damaged")

    def _change(self, change: str, *values: object) -> None:
        """Change the one line that a statement is about."""
        if self._database.change(f"UPDATE lines SET {change}", *values) != 1:  # noqa: S608 - it is from here
            self._database.refuse("is not as it was: nothing was changed")


def _read_line(row: tuple[Any, ...]) -> Line:
    values = dict(zip(_COLUMNS.split(", "), row, strict=True))
    values["is_due"] = bool(values["is_due"])
    values["arguments"] = msgspec.json.decode(values["arguments"], type=dict[str, Any])
    for name in ("started_at", "sent_at"):
        if values[name] is not None:
            values[name] = datetime.fromisoformat(values[name])
    return Line(**values)


def _write(moment: datetime) -> str:
    """Write a time so that times are ordered as their texts are."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
