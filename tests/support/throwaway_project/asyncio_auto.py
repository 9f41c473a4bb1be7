"""With pytest-asyncio, and `asyncio_mode = auto`: an app in the event loop of the test, and an async fixture."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from contactship_async import ContactshipClient
from contactship_async.sandbox import Sandbox


@pytest.fixture
async def app_client(contactship_sandbox: Sandbox) -> AsyncIterator[ContactshipClient]:
    """Stand for an app that reads its settings from the environment."""
    async with ContactshipClient() as client:
        yield client


@pytest.mark.contactship_sandbox(phone_numbers=3)
async def test_both_clients(app_client: ContactshipClient, contactship_client: ContactshipClient) -> None:
    """They see the same numbers."""
    ids = [number.id async for number in app_client.iter_phone_numbers()]

    assert 3 == len(ids)
    assert ids == [number.id async for number in contactship_client.iter_phone_numbers()]
