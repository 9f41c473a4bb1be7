"""What does a walk cost the client's processor?

Command: python -m benchmarks client_cpu

Setting: 10,000 phone numbers, and as many calls, in pages of 100, one page in flight, from a server on loopback that
responds at once. CPU time of the client's process, user and system. The floors take turns with contactship_async in 27
rounds of five processes each, so that what is compared was measured within a fraction of a second; all others in 15.
Single rounds scatter, as the processor has fast and slow phases, and processes differ by a few percent: the quieter
half counts.

Calls have 19 fields, an object within an object, and one field that JSON calls by another name. msgspec can't rename a
field of such a class, and so the floor gets them by the names of Python.

The floor takes the rows of a page in a plain loop, as a user of `iter_phone_number_pages` does. `iter_phone_numbers`
hands out each by an `async for`, which takes Python some 900 instructions a row, a twelfth of all the floor takes.

Instructions do not scatter. For a page of 100 rows, without the kernel's (valgrind, Python 3.11): the floor 1,047k;
with guards 1,280k, or 1.22 times as many; contactship_async 1,305k (1.25), page by page 1,216k (1.16). Of the 258k on
top, 89k are the `async for`; 90k are the ids (to read them 20k, to hash, look up and remember them 70k); 19k are the
decisions of the walk and its batches, 6k the limits, and 54k all else: request, response, headers, attempts, log. The
deadline takes 23k, no more than the one of aiohttp that the floor has (26k).
"""

from __future__ import annotations

from benchmarks._measure import (
    MILLISECONDS,
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
from benchmarks._targets import FLOOR, judged
from benchmarks._worker import Sample

ROWS = 10_000
OURS = "contactship_async"
OURS_BY_PAGE = "contactship_async, page by page"
FLOOR_OF_STRUCTS = "aiohttp + msgspec, into structs"
FLOOR_OF_GUARDS = "aiohttp + msgspec, row by row, each once, with a time limit"

MINE = {OURS: Walker("contactship")}
MINE_BY_PAGE = {OURS_BY_PAGE: Walker("contactship", {"by_page": True})}
FLOORS = {
    FLOOR: Walker("bare"),
    FLOOR_OF_STRUCTS: Walker("bare", {"structs": True}),
    FLOOR_OF_GUARDS: Walker("bare", {"guarded": True}),
}
OURS_OF_CALLS = {
    "row by row": Walker("contactship_calls"),
    "page by page": Walker("contactship_calls", {"by_page": True}),
}
FLOOR_OF_CALLS = {FLOOR: Walker("bare_calls")}
OTHERS = {
    "aiohttp + json + cattrs": Walker("cattrs_loop"),
    "httpx + pydantic": Walker("httpx_pydantic"),
    "telnyx": Walker("telnyx_pager"),
    "twilio": Walker("twilio_pager"),
    "apify-client (dictionaries)": Walker("apify_pager"),
}


def answer(quick: bool) -> Answer:  # noqa: FBT001 - see `Question`
    """Compare with the floors (how much more is ours?) and with the others (how much less?)."""
    beside_floors = compare_walks(
        MINE | MINE_BY_PAGE | FLOORS, rows=ROWS, latency=0, rounds=5 if quick else 27, processes=1 if quick else 5
    )
    of_calls = compare_walks(
        OURS_OF_CALLS | FLOOR_OF_CALLS, rows=ROWS, latency=0, rounds=5 if quick else 27, processes=1 if quick else 5
    )
    beside_others = compare_walks(MINE | OTHERS, rows=ROWS, latency=0, rounds=3 if quick else 15)
    findings = [_finding("page by page", FLOOR, beside_floors[OURS_BY_PAGE], beside_floors[FLOOR])]
    findings += [_finding("row by row", name, beside_floors[OURS], beside_floors[name]) for name in FLOORS]
    findings += [
        _finding(f"calls, {question}", FLOOR, of_calls[question], of_calls[FLOOR]) for question in OURS_OF_CALLS
    ]
    findings += [_finding("row by row: times less", name, beside_others[OURS], beside_others[name]) for name in OTHERS]
    samples = beside_others | beside_floors
    lines = [Line("client CPU", name, spread(cpus(samples[name])), MILLISECONDS) for name in samples]
    lines += [
        Line("time on the wall, same walks", name, spread(walls(samples[name])), MILLISECONDS) for name in samples
    ]
    lines += [Line("client CPU, calls", name, spread(cpus(of_calls[name])), MILLISECONDS) for name in of_calls]
    return Answer(findings, lines)


def _finding(question: str, name: str, ours: list[Sample], others: list[Sample]) -> Finding:
    mine, theirs = quieter_half(cpus(ours), cpus(others))
    times = ratio(mine, theirs) if name in FLOORS else ratio(theirs, mine)
    against = f"{name}: {MILLISECONDS(spread(theirs).median)}"
    return judged(question, MILLISECONDS(spread(mine).median), against, times)
