"""How much memory this process has had at most."""

from __future__ import annotations

import re
from pathlib import Path


def peak_bytes() -> int:
    """Tell the peak of resident memory since this process began. Linux only.

    Raises:
        RuntimeError: This system does not tell it.
    """
    # Not `ru_maxrss`: a process inherits that one from the process that started it.
    match = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    if match is None:
        message = "this system does not tell a process its peak of memory"
        raise RuntimeError(message)
    return int(match[1]) * 1024
