"""An import under way: its progress, what became of each line, Ctrl-C and SIGTERM."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import aclosing, nullcontext, suppress
from typing import Any, Final

from attrs import define, field

from contactship_async import ContactshipClient, ContactshipError, RateLimitError, ServerError, TransportError
from contactship_async._cli import event_loop
from contactship_async._cli.contacts.lines import Line
from contactship_async._cli.failures import KEY_VARIABLE, describe_failure
from contactship_async._cli.listing import open_progress
from contactship_async._cli.notices import Notices
from contactship_async._cli.output import Format, Output
from contactship_async._cli.streams import note
from contactship_async._cli.target import Target
from contactship_async.models.contact_import import ContactInput, ImportedContact

_FIELDS: Final = ("line", "outcome", "phone_number", "contact_id", "status", "message")

_OUTCOMES: Final = ("created", "updated", "unchanged", "failed")

_TROUBLES: Final = (RateLimitError, ServerError, TransportError)
"""Errors that the next contact may well meet, too."""

_MAX_TROUBLES: Final = 5
"""After how many of these in a row an import stops."""

_AGAIN: Final = "run the same command again: it ends in the same contacts"


@define
class Running:
    """Imports the contacts of a file, while it is shown.

    Args:
        lines: Those of the file.
        format_: Of the report.
        target: The organization.
        concurrency: How many are imported concurrently.
    """

    lines: Sequence[Line]
    format_: Format
    target: Target
    concurrency: int
    _output: Output = field(init=False)
    _counts: Counter[str] = field(factory=Counter, init=False)
    _troubles: int = field(default=0, init=False)
    _is_stopped: bool = field(default=False, init=False)
    _ended_by: int | None = field(default=None, init=False)

    @_output.default
    def _make_output(self) -> Output:
        return Output(self.format_, fields=_FIELDS, noun="contacts")

    def run(self) -> int:
        """Import them, and return the exit code.

        Raises:
            KeyboardInterrupt: At Ctrl-C, after it was told how far it came.
            ContactshipError: What ended the import.
            OSError: The report can't be written.
        """
        display = open_progress(self._output, 0)
        notices = Notices(is_verbose=self.target.verbose, display=display)
        try:
            with notices:
                event_loop.run(self._import_each(self.target.open_client(notices.on_wait), display))
        except KeyboardInterrupt:
            self._ended_by = signal.SIGINT
            self._output.stop()
        except (ContactshipError, OSError):
            self._end()
            raise
        self._end()
        if self._ended_by is not None:
            return event_loop.exit_code_after(self._ended_by)
        return int(self._counts["failed"] > 0 or self._is_stopped)

    async def _import_each(self, client: ContactshipClient, display: Any) -> None:
        async with client:
            results = client.contacts.import_from(self._contacts(), concurrency=self.concurrency)
            with event_loop.first_interrupt(self._interrupt), display or nullcontext():
                self._show(display)
                async with aclosing(results):
                    async for result in results:
                        await self._take(result)
                        self._show(display)

    def _show(self, display: Any) -> None:
        if display is not None:
            rows, total = self._counts.total(), len(self.lines)
            display.show(None, "contacts", rows=rows, total=total, outcome=self._describe())

    def _contacts(self) -> Iterator[ContactInput]:
        for line in self.lines:
            if self._is_stopped:
                break
            yield line.contact

    def _interrupt(self, number: int) -> None:
        self._is_stopped, self._ended_by = True, number
        again = event_loop.name_signal(number)
        note(f"interrupted: contacts under way come to their ends; {again} again does not wait for them")

    async def _take(self, result: ImportedContact) -> None:
        self._counts[result.outcome] += 1
        line = self.lines[result.place]
        error = result.error
        message = None if error is None else describe_failure(error, KEY_VARIABLE)
        row = {
            "line": line.line,
            "outcome": result.outcome,
            "phone_number": line.contact.phone_number,
            "contact_id": result.contact_id,
            "status": getattr(error, "status", None),
            "message": message,
        }
        with suppress(BrokenPipeError):  # Nobody reads on, which is no reason to end an import.
            await self._output.add([row])
        self._troubles = self._troubles + 1 if isinstance(error, _TROUBLES) else 0
        if self._troubles == _MAX_TROUBLES and not self._is_stopped:
            self._is_stopped = True
            note(f"stopped: {_MAX_TROUBLES} contacts in a row failed: {message}")

    def _end(self) -> None:
        """Print what is left of the report, and tell how far it came."""
        done, total = self._counts.total(), len(self.lines)
        try:
            with suppress(BrokenPipeError):
                self._output.end(failures=int(done == 0))
        finally:
            note(f"{done} of {total} contact{'s' if total > 1 else ''}: {self._describe() or 'nothing was imported'}")
            if done < total:
                note(_AGAIN)

    def _describe(self) -> str:
        return ", ".join(f"{self._counts[outcome]} {outcome}" for outcome in _OUTCOMES if self._counts[outcome])
