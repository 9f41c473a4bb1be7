"""What does `exact=True` cost?

Command: python -m benchmarks exact

Setting: 10,000 phone numbers in pages of 100. Client CPU on loopback, one and 16 pages in flight (15 rounds, of which
the quieter half counts); requests sent; time on the wall with 50 ms per response and 16 in flight (15 rounds). Nothing
changes while the walks run: where things do, an exact walk fetches again what it can't prove.
"""

from __future__ import annotations

from benchmarks._measure import (
    MILLISECONDS,
    REQUESTS,
    SECONDS,
    Answer,
    Finding,
    Line,
    Walker,
    compare_walks,
    cpus,
    quieter_half,
    ratio,
    spread,
    walls,
)
from benchmarks._server import requests_answered, served
from benchmarks._worker import started

ROWS = 10_000
DEFAULT, EXACT = "default", "exact"
DEFAULT_16, EXACT_16 = "default, 16 in flight", "exact, 16 in flight"
PAIRS = ((EXACT, DEFAULT), (EXACT_16, DEFAULT_16))
WALKERS = {
    DEFAULT: Walker("contactship"),
    EXACT: Walker("contactship", {"exact": True}),
    DEFAULT_16: Walker("contactship", {"concurrency": 16}),
    EXACT_16: Walker("contactship", {"concurrency": 16, "exact": True}),
}


def answer(quick: bool) -> Answer:  # noqa: FBT001 - see `Question`
    """Compare exact walks with default ones of the same concurrency."""
    on_loopback = compare_walks(WALKERS, rows=ROWS, latency=0, rounds=5 if quick else 15)
    processor = {name: cpus(samples) for name, samples in on_loopback.items()}
    concurrent = {name: WALKERS[name] for name in (DEFAULT_16, EXACT_16)}
    far_away = compare_walks(concurrent, rows=ROWS, latency=0.05, rounds=2 if quick else 15)
    wall = {name: walls(samples) for name, samples in far_away.items()}
    requests = _count_requests()
    findings = []
    for name, default in PAIRS:
        mine, theirs = quieter_half(processor[name], processor[default])
        findings.append(
            Finding(
                "client CPU" + name.removeprefix(EXACT),
                MILLISECONDS(spread(mine).median),
                f"default: {MILLISECONDS(spread(theirs).median)}",
                ratio(mine, theirs),
            )
        )
    findings += [
        Finding(
            "requests" + name.removeprefix(EXACT),
            REQUESTS(requests[name]),
            f"default: {REQUESTS(requests[default])}",
            spread([requests[name] / requests[default]]),
        )
        for name, default in PAIRS
    ]
    findings.append(
        Finding(
            "time on the wall, 50 ms per response, 16 in flight",
            SECONDS(spread(wall[EXACT_16]).median),
            f"default: {SECONDS(spread(wall[DEFAULT_16]).median)}",
            ratio(wall[EXACT_16], wall[DEFAULT_16]),
        )
    )
    lines = [Line("client CPU", name, spread(values), MILLISECONDS) for name, values in processor.items()]
    lines += [Line("50 ms per response", name, spread(values), SECONDS) for name, values in wall.items()]
    lines += [Line("requests", name, spread([count]), REQUESTS) for name, count in requests.items()]
    return Answer(findings, lines)


def _count_requests() -> dict[str, int]:
    counts = {}
    with served(rows=ROWS, latency=0) as url, started("contactship", url) as worker:
        for name, walker in WALKERS.items():
            before = requests_answered(url)
            worker.walk(walker.options, ROWS)
            counts[name] = requests_answered(url) - before
    return counts
