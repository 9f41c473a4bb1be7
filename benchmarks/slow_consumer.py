"""How long does a walk take when its consumer is busy, and the next pages are fetched meanwhile?

Command: python -m benchmarks slow_consumer

Setting: 10,000 phone numbers in pages of 100; the server waits 50 ms before each response. The consumer sleeps 50 ms
after each page with 1 page in flight, then 5 ms with 16 in flight, so that network and consumer take about as long as
each other. Time on the wall. 15 rounds.

The ideal is the longer of the two: the same walk by a consumer who is not busy, or the consumer without a network, who
sleeps as often as there are pages: 100 with 1 in flight, 102 where neighbours overlap. Both are measured in each round,
since a sleep of 5 ms is a longer one.
"""

from __future__ import annotations

from benchmarks._measure import SECONDS, Answer, Finding, Line, Walker, compare_walks, ratio, spread, walls
from benchmarks._targets import judged

ROWS = 10_000
LATENCY = 0.05
SETTINGS = ((1, 0.05, 100), (16, 0.005, 102))
"""How many pages are in flight, how many seconds the consumer is busy with each, and how many there are."""


def answer(quick: bool) -> Answer:  # noqa: FBT001 - see `Question`
    """Measure with both consumers, by pages that are fetched ahead and by those that are not."""
    findings: list[Finding] = []
    lines: list[Line] = []
    for in_flight, busy, pages in SETTINGS:
        walkers = {
            "prefetch": Walker("contactship_ahead", {"concurrency": in_flight, "busy": busy}),
            "pages": Walker("contactship_ahead", {"concurrency": in_flight, "busy": busy, "ahead": False}),
            "network alone": Walker("contactship_ahead", {"concurrency": in_flight}),
            "consumer alone": Walker("consumer", {"pages": pages, "busy": busy}),
        }
        samples = compare_walks(walkers, rows=ROWS, latency=LATENCY, rounds=2 if quick else 15)
        measured = {name: walls(of_walker) for name, of_walker in samples.items()}
        setting = f"{busy * 1000:.0f} ms a page, {in_flight} in flight"
        lines += [Line(setting, name, spread(seconds), SECONDS) for name, seconds in measured.items()]
        ideal = [max(alone) for alone in zip(measured["network alone"], measured["consumer alone"], strict=True)]
        findings += [_finding(setting, name, measured[name], ideal) for name in ("prefetch", "pages")]
    return Answer(findings, lines)


def _finding(setting: str, name: str, mine: list[float], ideal: list[float]) -> Finding:
    return judged(
        f"{setting}, {name}",
        SECONDS(spread(mine).median),
        f"the longer of network and consumer: {SECONDS(spread(ideal).median)}",
        ratio(mine, ideal),
    )
