"""With pytest-asyncio, and `asyncio_mode = strict`."""

from __future__ import annotations

import pytest

from contactship_async import ContactshipClient
from contactship_async.sandbox import Sandbox, Status


@pytest.mark.asyncio
async def test_loop_of_a_test(contactship_sandbox: Sandbox, contactship_client: ContactshipClient) -> None:
    """The loop ends with the test."""
    contactship_sandbox.script(Status(503), times=2)

    assert 250 == await contactship_client.count_phone_numbers()
    assert [503, 503, 200] == [request.status for request in contactship_sandbox.requests]


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("turn", range(2))
@pytest.mark.contactship_sandbox(phone_numbers=3)
async def test_loop_of_all_tests(turn: int, contactship_client: ContactshipClient) -> None:
    """The loop goes on, and nothing of the last test is left in it."""
    assert 3 == await contactship_client.count_phone_numbers()
