"""A private file for the rows of a walk, so that memory stays flat: it has no name, and goes with the process."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import IO, Final, Self

from contactship_async.sync._errors import SyncError

_CHUNK_BYTES: Final = 1 << 20


class Spool:
    """Lines of JSON in a temporary file that nobody else can open. A context manager, which removes it.

    Where the system can, the file has no name from the start, so that not even a killed process leaves it.
    """

    def __init__(self) -> None:
        with _faults():
            self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed on exit
        self.rows = 0
        self.longest_line = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with suppress(OSError):  # What could not be written is of no use any more.
            self._file.close()

    def add(self, lines: Iterable[bytes]) -> None:
        """Append lines, without their ends.

        Raises:
            SyncError: The disk is full, for example.
        """
        lines = [*lines]
        with _faults():
            self._file.write(b"".join(b"%b\n" % line for line in lines))
        self.rows += len(lines)
        self.longest_line = max(self.longest_line, *map(len, lines), 0)

    def rewind(self) -> None:
        """Write out what is buffered, and go to the beginning."""
        with _faults():
            self._file.flush()
            self._file.seek(0)

    @property
    def path(self) -> str:
        """A path to the file for this process, while it is open."""
        name: str | int = self._file.name
        return f"/dev/fd/{self._file.fileno()}" if isinstance(name, int) else name

    def chunks(self) -> Iterator[bytes]:
        """Read the file in pieces, from the beginning."""
        self.rewind()
        while chunk := self._file.read(_CHUNK_BYTES):
            yield chunk


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"the rows can't be kept in a temporary file: {error.strerror}"
        raise SyncError(message) from error
