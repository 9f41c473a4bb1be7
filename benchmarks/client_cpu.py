"""What does a walk cost the client's processor?

Command: python -m benchmarks client_cpu

Setting: 10,000 numbers in pages of 100, one page in flight, from a server on loopback that answers at once. CPU time
of the client's process, user and system. 15 rounds.
"""

from __future__ import annotations

from benchmarks._measure import (
    MILLISECONDS,
    Answer,
    Finding,
    Line,
    Target,
    Walker,
    compare_walks,
    cpus,
    ratio,
    spread,
    walls,
)

ROWS = 10_000
SETTING = "client CPU per 10,000 numbers"
OURS = "contactship_async"
FLOOR = "aiohttp + msgspec"
FLOOR_OF_STRUCTS = "aiohttp + msgspec, into structs"
FLOOR_OF_GUARDS = "aiohttp + msgspec, row by row, each once, with a time limit"

WALKERS = {
    OURS: Walker("contactship"),
    FLOOR: Walker("bare"),
    FLOOR_OF_STRUCTS: Walker("bare", {"structs": True}),
    FLOOR_OF_GUARDS: Walker("bare", {"guarded": True}),
    "aiohttp + json + cattrs": Walker("cattrs_loop"),
    "httpx + pydantic": Walker("httpx_pydantic"),
    "telnyx": Walker("telnyx_pager"),
    "twilio": Walker("twilio_pager"),
    "apify-client (dictionaries)": Walker("apify_pager"),
}
TARGETS = {FLOOR: Target(1.25)}
TARGETS_OF_OTHERS = {"telnyx": Target(20, at_least=True)}


def answer(quick: bool) -> Answer:  # noqa: FBT001 - see `Question`
    """Compare with the floors (how much more is ours?) and with the others (how much less?)."""
    samples = compare_walks(WALKERS, rows=ROWS, latency=0, rounds=5 if quick else 15)
    seconds = {name: cpus(of_walker) for name, of_walker in samples.items()}
    mine = MILLISECONDS(spread(seconds[OURS]).median)
    findings = []
    for name, other in seconds.items():
        against = f"{name}: {MILLISECONDS(spread(other).median)}"
        if name in (FLOOR, FLOOR_OF_STRUCTS, FLOOR_OF_GUARDS):
            findings.append(Finding(SETTING, mine, against, ratio(seconds[OURS], other), target=TARGETS.get(name)))
        elif name != OURS:
            target = TARGETS_OF_OTHERS.get(name)
            findings.append(
                Finding(f"{SETTING}: times less", mine, against, ratio(other, seconds[OURS]), target=target)
            )
    lines = [Line(SETTING, name, spread(values), MILLISECONDS) for name, values in seconds.items()]
    lines += [
        Line("time on the wall, same walks", name, spread(walls(of_walker)), MILLISECONDS)
        for name, of_walker in samples.items()
    ]
    return Answer(findings, lines)
