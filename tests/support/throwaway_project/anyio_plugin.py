"""With anyio's plugin: a loop for each test, and one that goes on since a fixture of the module lives in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from contactship_async import ContactshipClient
from contactship_async.sandbox import Sandbox, Slow

pytestmark = [pytest.mark.anyio, pytest.mark.contactship_sandbox(phone_numbers=3)]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Choose asyncio, where trio is installed too."""
    return "asyncio"


@pytest.fixture(scope="module")
async def loop_of_the_module() -> AsyncIterator[asyncio.AbstractEventLoop]:
    """Keep the loop."""
    yield asyncio.get_running_loop()  # noqa: PT022 - what keeps it is that this has not ended


async def test_loop_of_a_test(contactship_sandbox: Sandbox, contactship_client: ContactshipClient) -> None:
    """The loop ends with the test."""
    contactship_sandbox.script(Slow(0.01))

    assert 3 == await contactship_client.count_phone_numbers()


@pytest.mark.parametrize("turn", range(2))
async def test_loop_of_the_module(
    turn: int, loop_of_the_module: asyncio.AbstractEventLoop, contactship_client: ContactshipClient
) -> None:
    """The loop goes on, and nothing of the last test is left in it."""
    assert loop_of_the_module is asyncio.get_running_loop()
    assert 3 == await contactship_client.count_phone_numbers()
