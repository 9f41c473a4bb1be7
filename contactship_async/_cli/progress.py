"""The progress of listings, at a terminal."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from types import TracebackType
from typing import Any, Final, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from contactship_async import Page
from contactship_async._cli.text import printable, write_length

_BAR_WIDTHS: Final = (8, 40)  # columns of a terminal
_ROOM_BESIDE_BAR: Final = 50  # what the title, the counts and the time take


class _TimeColumn(ProgressColumn):
    """The time since the bar began and what has come of it, or what is waited for, and how much longer."""

    def render(self, task: Task) -> Text:
        reason, end = task.fields.get("wait", ("", 0.0))
        left = math.ceil(end - time.monotonic())
        if left > 0:
            return Text(f"waiting {left} s: {reason}", style="yellow")
        outcome = task.fields.get("outcome") or "elapsed"
        return Text(f"{write_length(task.elapsed or 0)} {outcome}")


class ProgressDisplay:
    """A bar for a listing; of many organizations one bar that counts them, and one for each in progress.

    Args:
        organizations: How many there are; 0 for one without a name.
    """

    def __init__(self, *, organizations: int) -> None:
        console = Console(stderr=True)
        least, most = _BAR_WIDTHS
        self._progress = Progress(
            TextColumn(
                "{task.description}",
                markup=False,
                table_column=Column(no_wrap=True, overflow="ellipsis", max_width=max(13, console.width // 3)),
            ),
            BarColumn(bar_width=max(least, min(console.width - _ROOM_BESIDE_BAR, most))),
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            _TimeColumn(table_column=Column(no_wrap=True)),
            console=console,
            transient=True,
        )
        self._all = self._progress.add_task("organizations", total=organizations) if organizations else None
        self._tasks: dict[str | None, TaskID] = {}
        self._titles: dict[str | None, str] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def wait(self, organization: str | None, reason: str, seconds: float) -> None:
        """Count down beside the bar of an organization, in place of the time so far."""
        end = time.monotonic() + seconds
        task = self._tasks.get(organization)
        if task is not None:
            self._progress.update(task, wait=(reason, end))

    def show(self, organization: str | None, title: str, *, rows: int, total: int | None, outcome: str = "") -> None:
        """Show how far an organization is; another title is another bar.

        Args:
            organization: Its name; None for one without a name.
            title: What stands before the bar.
            rows: How many have come.
            total: How many there are; None where that is not known.
            outcome: What has come of it so far, beside the time.
        """
        task = self._tasks.get(organization)
        if task is None or self._titles[organization] != title:
            if task is not None:
                self._progress.remove_task(task)
            task = self._tasks[organization] = self._progress.add_task(printable(title), total=None)
            self._titles[organization] = title
        self._progress.update(task, completed=rows, total=total, outcome=outcome)

    def end(self, organization: str | None, outcome: str = "") -> None:
        """Count an organization as complete; the bar of one without a name stays to the end.

        Args:
            organization: Its name.
            outcome: What has come of all so far.
        """
        if self._all is not None:
            task = self._tasks.pop(organization, None)
            if task is not None:
                self._progress.remove_task(task)
            self._progress.update(self._all, advance=1, outcome=outcome)

    async def watch(
        self,
        organization: str | None,
        pages: AsyncGenerator[Page[Any], None],
        *,
        noun: str,
        offset: int,
        limit: int | None,
    ) -> AsyncGenerator[Page[Any], None]:
        """Yield *pages*, and show how far they are.

        Args:
            organization: Whose they are; None for one without a name.
            pages: Those of one listing.
            noun: What its rows are, in the plural.
            offset: How many rows are skipped.
            limit: How many rows come at the most; None for all.
        """
        title = organization or noun
        rows = 0
        self.show(organization, title, rows=rows, total=limit)
        try:
            async with aclosing(pages):
                async for page in pages:
                    totals = [limit, None if page.count is None else page.count - offset]
                    total = min((total for total in totals if total is not None), default=None)
                    rows += len(page)
                    self.show(organization, title, rows=rows, total=total)
                    yield page
        finally:
            self.end(organization)
