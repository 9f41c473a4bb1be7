"""The servers of a soak, and what goes wrong with them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from random import Random
from typing import Final
from unittest.mock import patch

from attrs import frozen

from contactship_async.sandbox import (
    Body,
    Cut,
    Drip,
    EmptyPage,
    Fault,
    Html,
    Redirect,
    RepeatPage,
    Sandbox,
    SandboxPool,
    Slow,
    Status,
)
from contactship_async.sandbox._api import rate_limit

ATTEMPTS: Final = 4
"""Of a call; so no call fails by one fault less."""

PASSING: Final[tuple[Fault, ...]] = (
    Status(408),
    Status(429),
    Status(429, retry_after=0),
    Status(500),
    Status(503, retry_after=0),
    Html(502),
    Slow(0.02),
    Drip(0.00001),
    Cut(),
    Cut(after_bytes=0),
    Cut(after_bytes=100),
)
"""What a call gets over: it waits, or is sent again."""

PERMANENT: Final[tuple[Fault, ...]] = (
    Body(b'{"data": [{}], "count": 1}'),
    Body(b"\x1f\x8b", headers={"content-encoding": "gzip"}),
    Cut(after_bytes=10),
    EmptyPage(),
    Html(),
    Redirect("https://elsewhere.invalid/"),
    RepeatPage(),
    Status(401),
    Status(403),
    Status(500),
)
"""What no walk gets over, or not always."""


@frozen
class Servers:
    """All servers of a soak.

    Args:
        url: Of the organizations.
        organizations: By the name of each, which is also its key; names that begin with `broken` have permanent faults.
        own: A sandbox on a port of its own, for clients.
        stalled: One that never responds.
        command: One for the command line.
    """

    url: str
    organizations: Mapping[str, Sandbox]
    own: Sandbox
    stalled: Sandbox
    command: Sandbox

    @property
    def all(self) -> list[Sandbox]:
        """All sandboxes."""
        return [*self.organizations.values(), self.own, self.stalled, self.command]

    def forget_requests(self) -> int:
        """Empty the lists of requests, and return how many there were."""
        requests = sum(len(sandbox.requests) for sandbox in self.all)
        for sandbox in self.all:
            sandbox.requests.clear()
        return requests

    def prepare(self, random: Random) -> None:
        """Script the faults of the next round."""
        for name, sandbox in self.organizations.items():
            if name.startswith("broken"):
                sandbox.script(random.choice(PERMANENT), times=None)
            else:
                sandbox.script(*_passing_faults(random))
        self.own.script(*_passing_faults(random))
        self.stalled.script(Slow(float("inf")), times=None)


def _passing_faults(random: Random) -> list[Fault | None]:
    """Draw faults that no call can fail by, whichever calls meet them."""
    faults: list[Fault | None] = [*random.sample(PASSING, k=random.randrange(ATTEMPTS)), *[None] * 8]
    # aiohttp sends a GET once more when the connection is reset before any response, but that meets a fault, too.
    random.shuffle(faults)
    return faults


@asynccontextmanager
async def open_servers(on_request: Callable[[], object] | None = None) -> AsyncIterator[Servers]:
    """Start all servers; *on_request* is called for each request."""
    organizations = {
        "steady": Sandbox(120, api_key="steady", seed=1),
        "capped": Sandbox(90, api_key="capped", seed=2, envelope="pagination", max_limit=20),
        "single": Sandbox(1, api_key="single", seed=3),
        "empty": Sandbox(0, api_key="empty", seed=4, envelope="pagination"),
        "limited": Sandbox(40, api_key="limited", seed=5, rate_limit=150),
        "broken-1": Sandbox(50, api_key="broken-1", seed=6),
        "broken-2": Sandbox(50, api_key="broken-2", seed=7, envelope="pagination"),
    }
    own, stalled, command = Sandbox(70, api_key="own"), Sandbox(5, api_key="stalled"), Sandbox(400, api_key="command")
    with patch.object(rate_limit, "WINDOW_SECONDS", 1):
        async with SandboxPool(organizations) as together, own, stalled, command:
            servers = Servers(together.url, organizations, own, stalled, command)
            if on_request is not None:
                for sandbox in servers.all:
                    sandbox.on_request = lambda _: on_request()
            yield servers
