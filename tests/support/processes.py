"""Processes that a test starts."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def started(*command: str, **settings: Any) -> AsyncIterator[Process]:
    """Start a process, which ends with the block at the latest, however that is left."""
    process = await asyncio.create_subprocess_exec(*command, **settings)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
