"""Eight processes that share one key, and a server that allows five requests a second: a simulation in jumping time.

Each process is a client of its own that walks a listing with the package's own code; only the server, its network and
the time are made up. `python -m shared_key 1000` runs each case with 1,000 seeds and prints how they went.
"""

from __future__ import annotations

import asyncio
import math
import sys
from collections import deque
from collections.abc import Sequence
from random import Random
from statistics import median
from typing import Final, Literal, TypeAlias

from attrs import define, evolve, field, frozen
from jumping_loop import now, run

from contactship_async import ContactshipClient, Request, Response

PROCESSES: Final = 8
ALLOWED: Final = 5
"""In each second."""

_PAGES: Final = 20
_ROUND_TRIP: Final = 0.05
_TOO_LARGE: Final = 5.0
_ROW: Final = (
    '{"id": "%d", "phone_number": "+12025550142", "type": "inbound", "organization_id": "o", '
    '"created_at": "2026-01-15T10:00:00Z"}'
)

Window: TypeAlias = Literal["fixed", "sliding"]
Told: TypeAlias = Literal["whole seconds", "fraction", "nothing", "too little", "zero", "too much"]
"""What `Retry-After` says of how long it is until the next request is allowed."""


@frozen
class Case:
    """What the server does.

    Args:
        window: Whether a second begins at fixed times, or anywhere.
        told: What its 429 says.
        concurrency: How many pages each process has in flight.
    """

    window: Window
    told: Told
    concurrency: int = 1

    def __str__(self) -> str:
        return f"{self.window} window, {self.told} told, {self.concurrency} in flight"


CASES: Final = [
    *(Case(window, told) for window in ("fixed", "sliding") for told in Told.__args__),  # type: ignore[attr-defined]
    *(Case(window, told, 8) for window in ("fixed", "sliding") for told in ("whole seconds", "nothing")),
]


@define
class Server:
    """Counts the requests of all processes together."""

    case: Case
    random: Random
    requests: int = 0
    disobeyed: int = 0
    let_through: list[float] = field(factory=list)
    _begun: float = 0.0
    _recent: deque[float] = field(factory=deque)
    _not_before: dict[str, float] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self._begun = -self.random.random()

    def decide(self, api_key: str) -> Response | None:
        """Return the refusal of a request that arrives now; None if it is let through."""
        self.requests += 1
        self.disobeyed += now() < self._not_before.get(api_key, 0.0)
        wait = self._seconds_until_allowed()
        if wait == 0:
            self._recent.append(now())
            self.let_through.append(now())
            return None
        told = {
            "whole seconds": f"{math.ceil(wait)}",
            "fraction": f"{wait:.3f}",
            "too little": f"{wait / 5:.3f}",
            "zero": "0",
            "too much": f"{_TOO_LARGE:.0f}",
        }.get(self.case.told)
        if self.case.told == "too much":
            self._not_before[api_key] = now() + _TOO_LARGE
        return Response(status=429, headers={} if told is None else {"retry-after": told})

    def _seconds_until_allowed(self) -> float:
        into = (now() - self._begun) % 1
        begins = now() - (into if self.case.window == "fixed" else 1)
        while self._recent and self._recent[0] <= begins:
            self._recent.popleft()
        if len(self._recent) < ALLOWED:
            return 0
        return 1 - into if self.case.window == "fixed" else self._recent[0] + 1 - now()


@frozen
class Outcome:
    """How it went.

    Args:
        complete: How many of the walks came to their end.
        budget_used: Which part of what the server allows, until the first one did.
        fair_share: How many pages the slowest had then, as a part of those of the fastest.
        requests_per_success: How many requests each page took.
        disobeyed: How many requests came earlier than the server had asked for.
    """

    complete: int
    budget_used: float
    fair_share: float
    requests_per_success: float
    disobeyed: int


def simulate(case: Case, seed: int) -> Outcome:
    """Let the processes walk."""
    return run(_simulate(case, Random(f"{case} {seed}")))


async def _simulate(case: Case, random: Random) -> Outcome:
    server = Server(case, random)
    pages = [0] * PROCESSES
    first: list[tuple[float, int, list[int]]] = []

    async def walk(place: int) -> None:
        await asyncio.sleep(random.random() / 2)

        async def transport(request: Request) -> Response:
            await asyncio.sleep(_ROUND_TRIP * random.uniform(0.4, 0.6))
            response = server.decide(str(place))
            await asyncio.sleep(_ROUND_TRIP * random.uniform(0.4, 0.6))
            offset = dict(request.query)["offset"]
            body = f'{{"data": [{_ROW % int(offset)}], "count": {_PAGES}}}'
            return response or Response(status=200, body=body.encode())

        client = _in_jumping_time(ContactshipClient("key", transport=transport), random)
        if case.concurrency == 1:
            async for _ in client.iter_phone_number_pages(page_size=1):
                pages[place] += 1
        else:
            await asyncio.gather(*(_call(client, place, pages, lane) for lane in range(case.concurrency)))
        if not first:
            first.append((now(), len(server.let_through), [*pages]))

    walks = await asyncio.gather(*(walk(place) for place in range(PROCESSES)), return_exceptions=True)
    ended, let_through, then = first[0]
    return Outcome(
        complete=sum(outcome is None for outcome in walks),
        # A second's worth more may be let through: at once in the beginning, or at the edges of fixed windows.
        budget_used=let_through / (ALLOWED * (ended - server.let_through[0] + 1)),
        fair_share=min(then) / max(then),
        requests_per_success=server.requests / len(server.let_through),
        disobeyed=server.disobeyed,
    )


async def _call(client: ContactshipClient, place: int, pages: list[int], lane: int) -> None:
    for _ in range(lane, _PAGES, 8):
        await client.request("GET", "/v1/phone-numbers", params={"offset": 0})
        pages[place] += 1


def _in_jumping_time(client: ContactshipClient, random: Random) -> ContactshipClient:
    attempts = client._caller.attempts
    for gate in (attempts.limits.organization, attempts.limits.address, attempts.limits.heavy):
        gate.clock, gate.rng = now, random.random
    client._caller.attempts = evolve(attempts, clock=now, rng=random.random)
    return client


def describe(outcomes: Sequence[Outcome]) -> str:
    """Sum up *outcomes*: the median of each figure, and its worst value."""
    used = [outcome.budget_used for outcome in outcomes]
    shares = [outcome.fair_share for outcome in outcomes]
    requests = [outcome.requests_per_success for outcome in outcomes]
    return (
        f"all complete in {sum(outcome.complete == PROCESSES for outcome in outcomes)} of {len(outcomes)}, "
        f"budget used {median(used):.2f} (least {min(used):.2f}), "
        f"fair share {median(shares):.2f} (least {min(shares):.2f}), "
        f"requests a success {median(requests):.2f} (most {max(requests):.2f}), "
        f"disobeyed {sum(outcome.disobeyed for outcome in outcomes)}"
    )


def main(seeds: int) -> None:
    """Simulate each case with *seeds* seeds, and print how they went."""
    for case in CASES:
        sys.stdout.write(f"{case}: {describe([simulate(case, seed) for seed in range(seeds)])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
