"""Without a plugin for async tests: loops that the tests run themselves."""

from __future__ import annotations

import asyncio
import os
import unittest

import pytest

from contactship_async import ContactshipClient
from contactship_async.sandbox import Cut, Sandbox


def test_two_loops(contactship_sandbox: Sandbox, contactship_client: ContactshipClient) -> None:
    """Loops may come one after the other, and what is asked of the sandbox may change between them."""
    count = asyncio.run(contactship_client.count_phone_numbers())
    contactship_sandbox.add_phone_number(type="inbound")
    contactship_sandbox.script(Cut(), times=2)

    assert count + 1 == asyncio.run(contactship_client.count_phone_numbers())
    assert [200, None, None, 200] == [request.status for request in contactship_sandbox.requests]


def test_unused(contactship_client: ContactshipClient) -> None:
    """Nothing has to be called."""


def test_environment() -> None:
    """The settings of other tests are gone."""
    assert not [name for name in os.environ if name.startswith("CONTACTSHIP_")]


@pytest.mark.usefixtures("contactship_sandbox")
class TestOfUnittest(unittest.IsolatedAsyncioTestCase):
    """A test of the standard library's finds the sandbox in the environment."""

    async def test_environment(self) -> None:
        """As an app does."""
        async with ContactshipClient() as client:
            assert 250 == await client.count_phone_numbers()
