"""How long does a walk take when the server is what one waits for?

Command: python -m benchmarks walk

Setting: 10,000 phone numbers in pages of 100; the server waits 50 ms, then in a second run 5 ms, before each response;
1, 4, 16 and 32 pages in flight, and 16 and 32 by `prefetch`, page by page. Time on the wall, connections included,
clients opened before. All rivals have one page in flight: none of them can do more. The bare loop has 1 and 16. 15
rounds.

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
    Walker,
    compare_walks,
    ratio,
    spread,
    walls,
)
from benchmarks._targets import FASTEST_RIVAL, FLOOR, judged
from benchmarks.contenders import PAGE_SIZE

ROWS = 10_000
IN_FLIGHT = (1, 4, 16, 32)
RIVALS = {"telnyx": "telnyx_pager", "twilio": "twilio_pager", "apify-client": "apify_pager"}
FLOOR_16 = f"{FLOOR}, 16 in flight"
LOOPS = {
    FLOOR: Walker("bare"),
    FLOOR_16: Walker("bare_concurrent", {"concurrency": 16}),
    "aiohttp + json + cattrs": Walker("cattrs_loop"),
    "httpx + pydantic": Walker("httpx_pydantic"),
}

AHEAD = (16, 32)
TIMES_FASTER = {0.05: (1, 16, 32), 0.005: (16,)}
TIMES_IDEAL = {0.05: (1, 4, 16, 32), 0.005: (16,)}
"""Which of our walks are compared, by the seconds of latency: how many pages they have in flight."""


def trips(in_flight: int) -> int:
    """Count the waits of a walk that loses no time between them."""
    if in_flight == 1:
        return ROWS // PAGE_SIZE
    return 1 + ceil(ceil((ROWS - PAGE_SIZE) / (PAGE_SIZE - 1)) / in_flight)


def ours(in_flight: int, *, ahead: bool = False) -> str:
    """Name a walk of ours."""
    return f"contactship_async, {in_flight} in flight{', prefetch' * ahead}"


def setting_of(latency: float) -> str:
    """Name a run by its seconds per response."""
    return f"{latency * 1000:.0f} ms per response"


def answer(quick: bool) -> Answer:  # noqa: FBT001 - see `Question`
    """Measure with both latencies."""
    result = Answer()
    for latency, rounds in ((0.05, 2 if quick else 15), (0.005, 3 if quick else 15)):
        measured = _measure(latency, rounds)
        setting = setting_of(latency)
        for label, seconds in measured.items():
            result.lines.append(Line(setting, label, spread(seconds), SECONDS))
        result.findings.extend(_times_faster(setting, measured, in_flight) for in_flight in TIMES_FASTER[latency])
        result.findings.extend(_times_ideal(setting, measured, in_flight) for in_flight in TIMES_IDEAL[latency])
        result.findings.extend(_times_ideal(setting, measured, in_flight, ahead=True) for in_flight in AHEAD)
        result.findings.extend(_times_floor(setting, measured, ahead=ahead) for ahead in (False, True))
    return result


def _measure(latency: float, rounds: int) -> dict[str, list[float]]:
    walkers = {name: Walker(contender) for name, contender in RIVALS.items()} | LOOPS
    for in_flight in IN_FLIGHT:
        walkers[ours(in_flight)] = Walker("contactship", {"concurrency": in_flight} if in_flight > 1 else {})
    for in_flight in AHEAD:
        walkers[ours(in_flight, ahead=True)] = Walker("contactship_ahead", {"concurrency": in_flight})
    samples = compare_walks(walkers, rows=ROWS, latency=latency, rounds=rounds)
    return {name: walls(of_walker) for name, of_walker in samples.items()}


def _times_ideal(setting: str, measured: dict[str, list[float]], in_flight: int, *, ahead: bool = False) -> Finding:
    mine = measured[ours(in_flight, ahead=ahead)]
    ideal = [seconds * trips(in_flight) / trips(1) for seconds in measured[FLOOR]]
    return judged(
        f"{setting}, {in_flight} in flight{', prefetch' * ahead}",
        SECONDS(spread(mine).median),
        f"the ideal, {trips(in_flight)} trips: {SECONDS(spread(ideal).median)}",
        ratio(mine, ideal),
    )


def _times_floor(setting: str, measured: dict[str, list[float]], *, ahead: bool) -> Finding:
    mine, floor = measured[ours(16, ahead=ahead)], measured[FLOOR_16]
    return judged(
        f"{setting}, 16 in flight{', prefetch' * ahead}",
        SECONDS(spread(mine).median),
        f"{FLOOR_16}: {SECONDS(spread(floor).median)}",
        ratio(mine, floor),
    )


def _times_faster(setting: str, measured: dict[str, list[float]], in_flight: int) -> Finding:
    mine = measured[ours(in_flight)]
    best = min(RIVALS, key=lambda name: spread(measured[name]).median)
    return judged(
        f"{setting}, {in_flight} in flight: times faster",
        SECONDS(spread(mine).median),
        f"{FASTEST_RIVAL}{best}: {SECONDS(spread(measured[best]).median)}",
        ratio(measured[best], mine),
    )
