"""How long does a walk take when the server is what one waits for?

Command: python -m benchmarks walk

Setting: 10,000 numbers in pages of 100; the server waits 50 ms, then in a second run 5 ms, before each answer; 1, 4,
16 and 32 pages in flight. Time on the wall, connections included, clients opened before. All rivals have one page in
flight: none of them can do more. Five rounds (nine with 5 ms).

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

TARGETS: dict[float, dict[str, dict[int, Target]]] = {
    0.05: {"ideal": {16: Target(1.15)}, "rival": {16: Target(11, at_least=True), 32: Target(15, at_least=True)}},
    0.005: {"ideal": {}, "rival": {}},
}
"""By the seconds of latency and what is compared with; then by the pages in flight."""


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
    for latency, rounds in ((0.05, 2 if quick else 5), (0.005, 3 if quick else 9)):
        measured = _measure(latency, rounds)
        setting = setting_of(latency)
        for label, seconds in measured.items():
            result.lines.append(Line(setting, label, spread(seconds), SECONDS))
        for in_flight in IN_FLIGHT:
            question = f"{setting}, {in_flight} in flight"
            result.findings.append(_times_ideal(question, measured, in_flight, TARGETS[latency]["ideal"]))
            if in_flight > 1:
                result.findings.append(_times_faster(question, measured, in_flight, TARGETS[latency]["rival"]))
    return result


def _measure(latency: float, rounds: int) -> dict[str, list[float]]:
    walkers = {name: Walker(contender) for name, contender in {**RIVALS, **LOOPS}.items()}
    for in_flight in IN_FLIGHT:
        walkers[ours(in_flight)] = Walker("contactship", {"concurrency": in_flight} if in_flight > 1 else {})
    samples = compare_walks(walkers, rows=ROWS, latency=latency, rounds=rounds)
    return {name: walls(of_walker) for name, of_walker in samples.items()}


def _times_ideal(
    question: str, measured: dict[str, list[float]], in_flight: int, targets: dict[int, Target]
) -> Finding:
    mine = measured[ours(in_flight)]
    ideal = [seconds * trips(in_flight) / trips(1) for seconds in measured[FLOOR]]
    against = f"the ideal, {trips(in_flight)} trips: {SECONDS(spread(ideal).median)}"
    return Finding(question, SECONDS(spread(mine).median), against, ratio(mine, ideal), target=targets.get(in_flight))


def _times_faster(
    question: str, measured: dict[str, list[float]], in_flight: int, targets: dict[int, Target]
) -> Finding:
    mine = measured[ours(in_flight)]
    best = min(RIVALS, key=lambda name: spread(measured[name]).median)
    against = f"{best}, the fastest rival: {SECONDS(spread(measured[best]).median)}"
    return Finding(
        f"{question}: times faster",
        SECONDS(spread(mine).median),
        against,
        ratio(measured[best], mine),
        target=targets.get(in_flight),
    )
