"""How long does a walk take when the server is what one waits for?

Command: python -m benchmarks walk

Setting: 10,000 numbers in pages of 100; the server waits 50 ms, then in a second run 5 ms, before each answer; 1, 4,
16 and 32 pages in flight. Time on the wall, connections included, clients opened before. All rivals have one page in
flight: none of them can do more. Five rounds.

The ideal is the number of trips times what one request takes, which is a hundredth of the bare loop's walk in the same
round. The first page alone tells the count, and neighbouring pages overlap by one row: 100 more pages, in windows of as
many as are in flight.
"""

from __future__ import annotations

from math import ceil

from benchmarks._measure import (
    SECONDS,
    Answer,
    Finding,
    Line,
    Target,
    Walker,
    compare_walks,
    ratio,
    spread,
    walls,
)
from benchmarks.contenders import PAGE_SIZE

ROWS = 10_000
IN_FLIGHT = (1, 4, 16, 32)
RIVALS = {"telnyx": "telnyx_pager", "twilio": "twilio_pager", "apify-client": "apify_pager"}
FLOOR = "aiohttp + msgspec"
LOOPS = {
    FLOOR: "bare",
    "aiohttp + json + cattrs": "cattrs_loop",
    "httpx + pydantic": "httpx_pydantic",
}

TIMES_IDEAL: dict[float, dict[int, Target | None]] = {
    0.05: {1: None, 4: None, 16: Target(1.15), 32: None},
    0.005: {16: None},
}
TIMES_FASTER: dict[float, dict[int, Target | None]] = {
    0.05: {16: Target(11, at_least=True), 32: Target(15, at_least=True)},
    0.005: {16: None},
}
"""What of a run is in the table: its seconds of latency, the pages in flight, and the target, if there is one."""


def trips(in_flight: int) -> int:
    """Count the waits of a walk that loses no time between them."""
    if in_flight == 1:
        return ROWS // PAGE_SIZE
    return 1 + ceil(ceil((ROWS - PAGE_SIZE) / (PAGE_SIZE - 1)) / in_flight)


def ours(in_flight: int) -> str:
    """Name a walk of ours."""
    return f"contactship_async, {in_flight} in flight"


def setting_of(latency: float) -> str:
    """Name a run by its seconds per response."""
    return f"10,000 numbers, {latency * 1000:.0f} ms per response"


def answer(quick: bool) -> Answer:  # noqa: FBT001 - see `Question`
    """Measure with both latencies."""
    result = Answer()
    for latency, rounds in ((0.05, 2 if quick else 5), (0.005, 3 if quick else 5)):
        measured = _measure(latency, rounds)
        setting = setting_of(latency)
        for label, seconds in measured.items():
            result.lines.append(Line(setting, label, spread(seconds), SECONDS))
        result.findings.extend(_times_ideal(setting, measured, *row) for row in TIMES_IDEAL[latency].items())
        result.findings.extend(_times_faster(setting, measured, *row) for row in TIMES_FASTER[latency].items())
    return result


def _measure(latency: float, rounds: int) -> dict[str, list[float]]:
    walkers = {name: Walker(contender) for name, contender in {**RIVALS, **LOOPS}.items()}
    for in_flight in IN_FLIGHT:
        walkers[ours(in_flight)] = Walker("contactship", {"concurrency": in_flight} if in_flight > 1 else {})
    samples = compare_walks(walkers, rows=ROWS, latency=latency, rounds=rounds)
    return {name: walls(of_walker) for name, of_walker in samples.items()}


def _times_ideal(setting: str, measured: dict[str, list[float]], in_flight: int, target: Target | None) -> Finding:
    mine = measured[ours(in_flight)]
    ideal = [seconds * trips(in_flight) / trips(1) for seconds in measured[FLOOR]]
    return Finding(
        f"{setting}, {in_flight} in flight",
        SECONDS(spread(mine).median),
        f"the ideal, {trips(in_flight)} trips: {SECONDS(spread(ideal).median)}",
        ratio(mine, ideal),
        target=target,
    )


def _times_faster(setting: str, measured: dict[str, list[float]], in_flight: int, target: Target | None) -> Finding:
    mine = measured[ours(in_flight)]
    best = min(RIVALS, key=lambda name: spread(measured[name]).median)
    return Finding(
        f"{setting}, {in_flight} in flight: times faster",
        SECONDS(spread(mine).median),
        f"{best}, the fastest rival: {SECONDS(spread(measured[best]).median)}",
        ratio(measured[best], mine),
        target=target,
    )
