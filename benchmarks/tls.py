"""How long does a walk by TLS take from a cold start, handshakes included?

Command: python -m benchmarks tls

Setting: 10,000 numbers in pages of 100, 16 in flight; the server waits 50 ms before each answer. Client and session are
opened within the time that is measured, and so are 16 connections, with a private authority (`SSL_CERT_FILE`). Time on
the wall, 15 rounds. The bare loop has 16 requests in flight as well; it has 100 pages to fetch, contactship_async 101:
its neighbouring pages overlap.
"""

from __future__ import annotations

from typing import Any

from benchmarks._certificates import certified
from benchmarks._measure import SECONDS, Answer, Finding, Line, Target, Walker, compare_walks, ratio, spread, walls

ROWS = 10_000
IN_FLIGHT = 16
OURS, FLOOR = "contactship_async", "aiohttp + msgspec"
COLD: dict[str, Any] = {"cold": True}
WALKERS = {
    OURS: Walker("contactship", COLD | {"concurrency": IN_FLIGHT}),
    FLOOR: Walker("bare_concurrent", COLD | {"concurrency": IN_FLIGHT}),
}
SETTING = f"10,000 numbers by TLS from a cold start, 50 ms per response, {IN_FLIGHT} in flight"


def answer(quick: bool) -> Answer:  # noqa: FBT001 - see `Question`
    """Compare cold walks."""
    with certified() as certificate:
        samples = compare_walks(
            WALKERS, rows=ROWS, latency=0.05, rounds=3 if quick else 15, certificate=certificate.server
        )
    measured = {name: walls(of_walker) for name, of_walker in samples.items()}
    finding = Finding(
        SETTING,
        SECONDS(spread(measured[OURS]).median),
        f"{FLOOR}: {SECONDS(spread(measured[FLOOR]).median)}",
        ratio(measured[OURS], measured[FLOOR]),
        target=Target(1.10),
    )
    return Answer([finding], [Line(SETTING, name, spread(seconds), SECONDS) for name, seconds in measured.items()])
