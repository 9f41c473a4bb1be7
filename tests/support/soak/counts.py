"""What a leak shows in: counts of the process and of its event loop, and the verdict on a row of them."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
import tracemalloc
from array import array
from collections import Counter
from collections.abc import Mapping
from functools import _lru_cache_wrapper
from pathlib import Path
from statistics import median
from typing import Final

from attrs import define, field, frozen

SECONDS_TO_SETTLE: Final = 10.0
"""For what is closing; far more than it takes, for a busy machine."""

MAX_GROWTH: Final[Mapping[str, int]] = {"traced KiB": 128, "resident KiB": 16 * 1024, "objects": 1000}
"""Between the medians of the first and of the last third of the rounds, however many there are: caches that fill up and
the memory that an allocator keeps stay below, and 1 KiB for each request is above after six rounds."""

_PROCESS: Final = Path("/proc/self")
_KIB: Final = 1024


@frozen
class Open:
    """What is open at one time."""

    tasks: int
    descriptors: int
    connections: int
    threads: int
    children: int

    @classmethod
    def now(cls) -> Open:
        """Count what is open in this process and in the running loop; connections count at both ends."""
        kinds: Counter[str] = Counter()
        for entry in (_PROCESS / "fd").iterdir():
            try:
                # pathlib would intern each link: all are different, and Python's table grows by a MiB after a while.
                kinds[os.readlink(entry).split(":")[0]] += 1  # noqa: PTH115 - see above
            except FileNotFoundError:  # the listing's own descriptor, closed by now
                continue
        return cls(
            tasks=len(asyncio.all_tasks()),
            descriptors=kinds.total(),
            connections=kinds["socket"],
            threads=threading.active_count(),
            children=len((_PROCESS / "task" / str(os.getpid()) / "children").read_text().split()),
        )


async def settle(expected: Open | None) -> Open:
    """Let what is closing close, and return what is open then: as *expected*, or when time is over."""
    ends_at = time.monotonic() + SECONDS_TO_SETTLE
    previous = None
    while True:
        gc.collect()
        now = Open.now()
        is_quiet = now == previous if expected is None else now == expected
        if is_quiet or time.monotonic() > ends_at:
            return now
        previous = now
        await asyncio.sleep(0.05)  # real time: processes end in it


def _resident_kib() -> int:
    pages = int((_PROCESS / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // _KIB


def _empty_bounded_caches() -> None:
    """Empty what would fill up for some hundred rounds, with the ports of new servers, and then stop growing."""
    for cache in [each for each in gc.get_objects() if type(each) is _lru_cache_wrapper]:
        if cache.cache_parameters()["maxsize"] is not None:
            cache.cache_clear()


@define
class Samples:
    """The memory in use after each round; arrays, as the samples themselves must not look like a leak."""

    taken: dict[str, array[int]] = field(factory=lambda: {name: array("q") for name in MAX_GROWTH})

    def take(self) -> dict[str, int]:
        """Take one of each, after a collection, and return them."""
        _empty_bounded_caches()
        gc.collect()
        traced, _ = tracemalloc.get_traced_memory()
        latest = {"traced KiB": traced // _KIB, "resident KiB": _resident_kib(), "objects": len(gc.get_objects())}
        for name, value in latest.items():
            self.taken[name].append(value)
        return latest

    def growth(self) -> dict[str, float]:
        """Return the median of the last third of the samples less that of the first third, for each count."""
        third = {name: max(len(values) // 3, 1) for name, values in self.taken.items()}
        return {
            name: median(values[-third[name] :]) - median(values[: third[name]]) for name, values in self.taken.items()
        }

    def what_grew(self) -> list[str]:
        """Name what grew by more than it may."""
        return [
            f"{name} grew by {growth:.0f}, and may by {MAX_GROWTH[name]}"
            for name, growth in self.growth().items()
            if growth > MAX_GROWTH[name]
        ]
