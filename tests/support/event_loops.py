"""The event loops that the suite runs on: asyncio's for all tests, and uvloop for those of HTTP, the client and pools.

Where the loop matters most, a module says `pytestmark = pytest.mark.every_event_loop`. All others of these folders run
on uvloop with `--volume` alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, TypeAlias, TypeVar

import pytest

T = TypeVar("T")

LoopFactory: TypeAlias = Callable[[], asyncio.AbstractEventLoop]

LOOPS: Final[dict[str, LoopFactory]] = {"asyncio": asyncio.new_event_loop}
if find_spec("uvloop") is not None:  # It has no releases for some systems.
    LOOPS["uvloop"] = import_module("uvloop").new_event_loop

_WITH_SOCKETS: Final = ("client", "http", "pool")


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", "every_event_loop: run on all event loops, in the quick suite too")


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, LoopFactory]:
    """Choose the loops of a test."""
    is_full = config.getoption("volume", None) is not None and item.path.parent.name in _WITH_SOCKETS
    return LOOPS if is_full or item.get_closest_marker("every_event_loop") else {"asyncio": LOOPS["asyncio"]}


def run_on(loop: str, main: Coroutine[Any, Any, T]) -> T:
    """Run *main* on a new loop of the kind that *loop* names."""
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        return runner.run(main)
