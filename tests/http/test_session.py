"""What a session does without a client, where no socket is needed to see it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator

import pytest

from contactship_async import ContactshipClient, Request, Response
from contactship_async._http.session import _drop_forgotten


class Watched:
    """A transport that counts how often it is dropped."""

    def __init__(self) -> None:
        self.drops = 0

    async def __call__(self, _: Request) -> Response:
        """Respond."""
        return Response(status=200, body=b"1")

    async def close(self) -> None:
        """Close nothing."""

    def drop(self) -> None:
        """Count."""
        self.drops += 1


async def sentinel() -> AsyncGenerator[None, None]:
    """Stand for the generator that ends with the loop."""
    yield


@pytest.mark.parametrize("is_forked", [False, True])
def test_forgotten_before_a_fork(is_forked: bool) -> None:
    """What the process before the fork forgot is its own: to close it here would close its selector's, too."""
    transport, loop = Watched(), asyncio.new_event_loop()
    loop.close()
    _drop_forgotten(transport, sentinel(), loop, 0 if is_forked else os.getpid())

    assert (0 if is_forked else 1) == transport.drops


async def test_call_outside_of_a_task() -> None:
    """A call that no task makes is refused before anything is sent."""
    client = ContactshipClient("key", transport=Watched())
    told = asyncio.get_running_loop().create_future()

    def call() -> None:
        try:
            client.request("GET", "/v1/credits").send(None)
        except RuntimeError as error:
            told.set_result(str(error))

    asyncio.get_running_loop().call_soon(call)

    assert "calls can only be made within a task" == await told
