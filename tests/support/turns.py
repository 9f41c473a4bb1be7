"""Waiting without the clock, in turns of the event loop."""

from __future__ import annotations

import asyncio
from typing import Final

MANY_TURNS: Final = 50
"""Far more than a client and a server in one loop take for a response and for all that comes of it."""


async def pass_turns(turns: int = MANY_TURNS) -> None:
    """Let the loop turn that often, and so do what it can do without waiting."""
    for _ in range(turns):
        await asyncio.sleep(0)
