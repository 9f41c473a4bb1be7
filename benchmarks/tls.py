"""How long does a walk by TLS take from a cold start, handshakes included?

Command: python -m benchmarks tls

Setting: 10,000 numbers in pages of 100, 16 in flight; the server waits 50 ms before each answer. Client and session are
opened within the time that is measured, and so are 16 connections, with a private authority (`SSL_CERT_FILE`). Time on
the wall, 15 rounds. The bare loop has 16 requests in flight as well; it has 100 pages to fetch, contactship_async 101:
its neighbouring pages overlap. A plain walk asks for 16 pages at once, and for the next 16 when it has them; with
`prefetch`, each page that comes makes room for one.
"""

from __future__ import annotations

from benchmarks._certificates import certified
from benchmarks._measure import SECONDS, Answer, Line, Walker, compare_walks, ratio, spread, walls
from benchmarks._targets import FLOOR, judged

ROWS = 10_000
IN_FLIGHT = 16
BARE = f"{FLOOR}, {IN_FLIGHT} in flight"
COLD = {"cold": True, "concurrency": IN_FLIGHT}
SETTING = f"cold by TLS, {IN_FLIGHT} in flight"
OURS = {
    SETTING: Walker("contactship", COLD),
    f"{SETTING}, prefetch": Walker("contactship_ahead", COLD),
}


def answer(quick: bool) -> Answer:  # noqa: FBT001 - see `Question`
    """Compare cold walks."""
    walkers = OURS | {BARE: Walker("bare_concurrent", COLD)}
    with certified() as certificate:
        rounds = 3 if quick else 15
        samples = compare_walks(walkers, rows=ROWS, latency=0.05, rounds=rounds, certificate=certificate.server)
    measured = {name: walls(of_walker) for name, of_walker in samples.items()}
    bare = f"{BARE}: {SECONDS(spread(measured[BARE]).median)}"
    findings = [
        judged(name, SECONDS(spread(measured[name]).median), bare, ratio(measured[name], measured[BARE]))
        for name in OURS
    ]
    return Answer(findings, [Line(SETTING, name, spread(seconds), SECONDS) for name, seconds in measured.items()])
