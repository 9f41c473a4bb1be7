"""Which sockets a process has open, to see that a test leaves none."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

_OPEN_FILES: Final = Path("/proc/self/fd")


def open_sockets() -> set[str]:
    """Name the open sockets of this process, but those by which a loop wakes itself; none where no system lists them.

    asyncio has a pair of these for each loop, uvloop another one for each `run_until_complete`.
    """
    if not _OPEN_FILES.exists():
        return set()
    sockets = set()
    for entry in os.scandir(_OPEN_FILES):
        with suppress(OSError):  # the listing's own descriptor, closed by now; or no socket
            name = os.readlink(entry)  # noqa: PTH115 - pathlib takes twice the time, twice for each test
            if name.startswith("socket:") and not _is_unnamed_pair(int(entry.name)):
                sockets.add(name)
    return sockets


def _is_unnamed_pair(descriptor: int) -> bool:
    with socket.socket(fileno=os.dup(descriptor)) as same:
        return same.family == socket.AF_UNIX and not same.getsockname() and not same.getpeername()
