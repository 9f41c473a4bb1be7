"""A sync under way: its progress, its results as they come, Ctrl-C and SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, nullcontext
from typing import Any, Final, TypeAlias

from attrs import Factory, define, field

from contactship_async import ContactshipError
from contactship_async._cli import event_loop
from contactship_async._cli.listing import open_progress
from contactship_async._cli.notices import Notices
from contactship_async._cli.streams import note
from contactship_async._cli.sync.report import COUNTS, Report, describe_counts
from contactship_async.sync import SyncProgress, SyncResult

Results: TypeAlias = AsyncGenerator[SyncResult, None]

_INTERRUPTED: Final = 130  # the exit code after Ctrl-C


@define
class Running:
    """Runs a sync to its end, while it is shown.

    Args:
        report: Prints the results.
        listings: The names of those of each organization; empty if they are not known.
        organizations: How many there are; 0 for one without a name.
        is_verbose: Whether each request and each wait is told.
    """

    report: Report
    listings: Sequence[str] = ()
    organizations: int = 0
    is_verbose: bool = False
    _display: Any = field(
        init=False, default=Factory(lambda self: open_progress(self.report.output, self.organizations), takes_self=True)
    )
    notices: Notices = field(init=False)
    _counts: dict[str | None, Counter[str]] = field(factory=dict, init=False)
    _ended: Counter[str] = field(factory=Counter, init=False)
    _ended_by: int | None = field(default=None, init=False)

    @notices.default
    def _make_notices(self) -> Notices:
        return Notices(is_verbose=self.is_verbose, display=None if self._display is None else self)

    def run(self, results: Results) -> int:
        """Print *results* as they come, and return the exit code.

        Raises:
            KeyboardInterrupt: At Ctrl-C, after it was told how many were synced.
        """
        try:
            with self.notices:
                event_loop.run(self._take_each(results))
        except ContactshipError:
            # The database can't be used at all: that is what is told, after the results there were.
            self.report.end(is_cut_short=True)
            raise
        except KeyboardInterrupt:
            self._ended_by = signal.SIGINT
        except asyncio.CancelledError:
            if self._ended_by is None:
                raise
        if self._ended_by is None:
            return self.report.end()
        self.report.stop()
        note(self._describe_interrupt())
        return event_loop.exit_code_after(self._ended_by)

    def on_progress(self, progress: SyncProgress) -> None:
        """Show how far the walk of a listing is."""
        if self._display is not None:
            self._show(progress.organization, progress.listing, progress.rows, progress.count)

    def wait(self, organization: str | None, reason: str, seconds: float) -> None:
        """Show that a wait begins, also of an organization of which nothing has come yet."""
        name = organization if self.organizations else None
        if name not in self._counts:
            self._show(organization or "", self.listings[0] if name is None else "", 0, None)
        self._display.wait(name, reason, seconds)

    async def _take_each(self, results: Results) -> None:
        task: asyncio.Task[None] = asyncio.current_task()  # type: ignore[assignment] # this one

        def interrupt(number: int) -> None:
            self._ended_by = number
            if self._display is not None:
                self._display.__exit__(None, None, None)
            if number == signal.SIGINT:
                # What is being applied runs in a thread, which nothing else would end before its time.
                signal.signal(signal.SIGINT, lambda *_: os._exit(_INTERRUPTED))
            task.cancel()

        with event_loop.first_interrupt(interrupt), self._display or nullcontext():
            async with aclosing(results):
                async for result in results:
                    await self.report.add(result)
                    self._show_end(result)

    def _show(self, organization: str, listing: str, rows: int, total: int | None) -> None:
        name = organization if self.organizations else None
        title = ": ".join(filter(None, [name, listing]))
        counts = self._counts.setdefault(name, Counter())
        self._display.show(name, title, rows=rows, total=total, outcome=describe_counts(counts))

    def _show_end(self, result: SyncResult) -> None:
        name = result.organization if self.organizations else None
        self._counts.setdefault(name, Counter()).update({count: getattr(result, count) for count in COUNTS})
        self._ended[result.organization] += 1
        if self._display is not None and self.organizations and self._ended[result.organization] == len(self.listings):
            failed = len(self.report.failed)
            outcome = [f"{failed} failed" if failed else "", describe_counts(self.report.counts)]
            self._display.end(result.organization, ", ".join(filter(None, outcome)))

    def _describe_interrupt(self) -> str:
        synced, failed = self.report.synced, len(self.report.failed)
        total = f" of {len(self.listings) * (self.organizations or 1)}" if self.listings else ""
        failures = f", {failed} failed" if failed else ""
        return f"interrupted, with {synced}{total} listings synced{failures}; the others are as they were"
