"""Which processor a process runs on."""

from __future__ import annotations

import os


def stay_on(place: int) -> None:
    """Keep this process on one of its processors, where the system lets it: moving between them costs time of its own.

    Args:
        place: Of the processor among those it may run on, counted round and round.
    """
    if hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {allowed[place % len(allowed)]})
