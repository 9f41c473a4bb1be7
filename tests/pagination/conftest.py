from __future__ import annotations

import asyncio

import pytest


@pytest.fixture(params=["lazy", "eager"] if hasattr(asyncio, "eager_task_factory") else ["lazy"])
async def task_factory(request: pytest.FixtureRequest) -> None:
    """Let tasks begin at the next turn of the loop, as usual, or at once, as Python 3.12 can have it."""
    factory = getattr(asyncio, "eager_task_factory", None)
    asyncio.get_running_loop().set_task_factory(factory if request.param == "eager" else None)
