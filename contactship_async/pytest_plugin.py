"""Fixtures for the tests of apps that use Contactship, which pytest finds by itself.

pytest imports this module at each start, also where it is not used: what takes time is imported by the fixtures.
They are synchronous, and so the same with every plugin for async tests, and without one.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from contactship_async import ContactshipClient
    from contactship_async.sandbox import Sandbox


_SECONDS_TO_CLOSE = 5.0


def pytest_configure(config: pytest.Config) -> None:
    """Describe the marker."""
    config.addinivalue_line(
        "markers",
        "contactship_sandbox(**settings): the settings of the fixture contactship_sandbox, which are those of "
        "contactship_async.sandbox.Sandbox, such as phone_numbers=3; nearer marks win.",
    )


@pytest.fixture
def contactship_sandbox(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A pretend Contactship for one test, over HTTP; clients find it in the environment.

    `CONTACTSHIP_BASE_URL` and `CONTACTSHIP_API_KEY` are set to its own, so that a plain `ContactshipClient()` talks to
    it, in whatever event loop or thread: it has one of its own. Settings are those of `Sandbox`, in a mark:

        from contactship_async.sandbox import Sandbox, Status

        @pytest.mark.contactship_sandbox(phone_numbers=3)
        def test_retries(contactship_sandbox: Sandbox) -> None:
            contactship_sandbox.script(Status(503, retry_after=0), times=2)
            ...
            statuses = [request.status for request in contactship_sandbox.requests]
            assert [503, 503, 200] == statuses

    Nobody is called: `contactship_sandbox.calls.placed` is what would have been dialled, and
    `contactship_sandbox.clock.advance(60)` lets those calls come to their end.
    """
    with _make_sandbox(request.node) as sandbox:
        monkeypatch.setenv("CONTACTSHIP_BASE_URL", sandbox.url)
        monkeypatch.setenv("CONTACTSHIP_API_KEY", sandbox.api_key)
        yield sandbox


@pytest.fixture
def contactship_client(contactship_sandbox: Sandbox) -> Iterator[ContactshipClient]:
    """A `ContactshipClient` of `contactship_sandbox`, closed after the test; it retries without a pause of its own."""
    from contactship_async import RetryPolicy  # noqa: PLC0415 - see the head of the module

    client = contactship_sandbox.client(retry=RetryPolicy(initial_delay=0))
    yield client
    _close(client)


def _make_sandbox(node: pytest.Item) -> Sandbox:
    from contactship_async.sandbox import Sandbox  # noqa: PLC0415 - see the head of the module

    marks = list(node.iter_markers("contactship_sandbox"))
    if any(mark.args for mark in marks):
        pytest.fail("@pytest.mark.contactship_sandbox takes keywords only, such as phone_numbers=3", pytrace=False)
    settings = ChainMap(*(dict(mark.kwargs) for mark in marks))  # the nearest first
    try:
        return Sandbox(**settings)
    except (TypeError, ValueError) as error:
        failure = str(error)
    pytest.fail(f"@pytest.mark.contactship_sandbox: {failure}", pytrace=False)


def _close(client: ContactshipClient) -> None:
    """Close *client* in its loop if that goes on after the test; a loop that ends has closed it."""
    import asyncio  # noqa: PLC0415 - see the head of the module

    loop = client._connection.loop  # noqa: SLF001 - what is public needs an `await`
    if loop is None or loop is asyncio._get_running_loop():  # noqa: SLF001 - in `__all__`, and never raises
        return  # a loop that runs around the fixtures closes it when it ends
    if loop.is_running():
        asyncio.run_coroutine_threadsafe(client.close(), loop).result(_SECONDS_TO_CLOSE)
    else:
        loop.run_until_complete(client.close())
