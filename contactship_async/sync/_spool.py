"""A private file for the rows of a walk, so that memory stays flat: it has no name, and goes with the process."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import IO, Final, Self

from attrs import frozen

from contactship_async.sync._errors import SyncError

_CHUNK_BYTES: Final = 1 << 20


@frozen
class Part:
    """A file with some of the lines.

    Args:
        path: For this process.
        rows: How many lines it has.
        size: In bytes.
    """

    path: str
    rows: int
    size: int


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

    def chunks(self) -> Iterator[bytes]:
        """Read the file in pieces, from the beginning."""
        self._rewind()
        while chunk := self._file.read(_CHUNK_BYTES):
            yield chunk

    def parts(self, size: int) -> Iterator[Part]:
        """Yield the lines in files of about *size* bytes each, of which the next replaces the last.

        Raises:
            SyncError: The disk is full, for example.
        """
        self._rewind()
        with _faults(), tempfile.TemporaryFile() as part:
            while lines := self._file.readlines(size):
                part.seek(0)
                part.truncate()
                part.writelines(lines)
                part.flush()
                part.seek(0)  # On Linux, what opens the path begins at the beginning anyway; elsewhere it does not.
                yield Part(_path_of(part), len(lines), sum(map(len, lines)))

    def _rewind(self) -> None:
        with _faults():
            self._file.flush()
            self._file.seek(0)


def _path_of(file: IO[bytes]) -> str:
    name: str | int = file.name
    return f"/dev/fd/{file.fileno()}" if isinstance(name, int) else name


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"the rows can't be kept in a temporary file: {error.strerror}"
        raise SyncError(message) from error
