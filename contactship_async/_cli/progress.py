"""The progress of listings, at a terminal."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from contactship_async import Page
from contactship_async._cli.output import printable


class ProgressDisplay:
    """A bar for a listing; of many organizations one bar that counts them, and one for each in progress.

    Args:
        organizations: How many there are; 0 for one without a name.
    """

    def __init__(self, *, organizations: int) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._all = self._progress.add_task("organizations", total=organizations) if organizations else None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    async def watch(
        self, title: str, pages: AsyncGenerator[Page[Any], None], *, offset: int, limit: int | None
    ) -> AsyncGenerator[Page[Any], None]:
        """Yield *pages*, and show how far they are.

        Args:
            title: What they are of.
            pages: Those of one listing.
            offset: How many rows are skipped.
            limit: How many rows come at the most; None for all.
        """
        task = self._progress.add_task(printable(title), total=limit)
        try:
            async with aclosing(pages):
                async for page in pages:
                    totals = [limit, None if page.count is None else page.count - offset]
                    total = min((total for total in totals if total is not None), default=None)
                    self._progress.update(task, advance=len(page), total=total)
                    yield page
        finally:
            if self._all is not None:
                self._progress.remove_task(task)
                self._progress.advance(self._all)
