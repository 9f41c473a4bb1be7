"""A plugin for pytest: each test leaves no thread behind and no TCP socket open, whatever its outcome is."""

from __future__ import annotations

import gc
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

_OPEN_FILES = Path("/proc/self/fd")


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Compare what there is after the test, when all other fixtures of it are gone, with what there was before."""
    before = _threads_and_sockets()
    yield
    gc.collect()
    assert before == _threads_and_sockets()


def _threads_and_sockets() -> tuple[set[threading.Thread], set[str]]:
    return {*threading.enumerate()}, {*_tcp_sockets()}


def _tcp_sockets() -> Iterator[str]:
    """Name them; none where the system does not list them. Others are left out: event loops keep a pair each."""
    for entry in _OPEN_FILES.iterdir() if _OPEN_FILES.exists() else ():
        try:
            link = str(entry.readlink())
            if link.startswith("socket:"):
                with socket.socket(fileno=os.dup(int(entry.name))) as opened:
                    if opened.family in (socket.AF_INET, socket.AF_INET6):
                        yield link
        except OSError:  # the listing's own descriptor, closed by now
            continue
