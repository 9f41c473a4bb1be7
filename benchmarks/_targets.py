"""What is to be reached: one target for each row of the tables that has one."""

from __future__ import annotations

from typing import Final

from benchmarks._measure import TIMES, Finding, Spread, Target, Unit

FASTEST_RIVAL: Final = "the fastest rival, "
FLOOR: Final = "aiohttp + msgspec"
MSGSPEC: Final = "msgspec into equal classes"
PYDANTIC: Final = "pydantic, model_validate_json"
DUCKDB: Final = "DuckDB"
POSTGRESQL: Final = "PostgreSQL"

TOLD: Final = ("right", "missing", "0", "too large")
"""What the `Retry-After` of a server with a budget is."""

TARGETS: Final[dict[tuple[str, str], Target]] = {
    ("50 ms per response, 16 in flight", "the ideal"): Target(1.10),
    ("50 ms per response, 32 in flight", "the ideal"): Target(1.15),
    ("50 ms per response, 16 in flight: times faster", FASTEST_RIVAL): Target(11, at_least=True),
    ("50 ms per response, 32 in flight: times faster", FASTEST_RIVAL): Target(15, at_least=True),
    ("5 ms per response, 16 in flight", f"{FLOOR}, 16 in flight: "): Target(1.25),
    ("cold by TLS, 16 in flight, prefetch", f"{FLOOR}, 16 in flight: "): Target(1.10),
    ("50 ms per response, 16 in flight, prefetch", "the ideal"): Target(1.10),
    ("50 ms per response, 32 in flight, prefetch", "the ideal"): Target(1.15),
    ("5 ms per response, 16 in flight, prefetch", f"{FLOOR}, 16 in flight: "): Target(1.25),
    ("50 ms a page, 1 in flight, prefetch", "the longer of network and consumer"): Target(1.1),
    ("5 ms a page, 16 in flight, prefetch", "the longer of network and consumer"): Target(1.3),
    ("page by page", f"{FLOOR}: "): Target(1.25),
    ("row by row", f"{FLOOR}: "): Target(1.30),
    ("calls, page by page", f"{FLOOR}: "): Target(1.25),
    ("calls, row by row", f"{FLOOR}: "): Target(1.30),
    ("row by row: times less", "telnyx: "): Target(20, at_least=True),
    ("phone numbers, {data, count}", MSGSPEC): Target(1.15),
    ("phone numbers, {data, count}: times faster", PYDANTIC): Target(2, at_least=True),
    ("phone numbers, {data, pagination}", MSGSPEC): Target(1.15),
    ("phone numbers, {data, pagination}: times faster", PYDANTIC): Target(2, at_least=True),
    ("calls, a field renamed", MSGSPEC): Target(2),
    ("calls, a field renamed: times faster", PYDANTIC): Target(2, at_least=True),
    ("one page in flight", "at the first page"): Target(16 * 2**20, strictly=True),
    ("16 in flight", "at the first page"): Target(16 * 2**20, strictly=True),
    ("one page in flight, exact", "at the first page"): Target(16 * 2**20, strictly=True),
    ("time added", "aiohttp, attrs, cattrs and msgspec"): Target(0.040),
    ("contactship --version", "python -c pass"): Target(3),
    ("contactship phone-numbers list --sandbox --limit 1", "importing "): Target(1.3),
    ("all healthy", "the ideal"): Target(1.2),
    ("four unhealthy: last row of the other 196", "all healthy"): Target(1.1, strictly=True),
    ("rows of healthy organizations lost, in all rounds", ""): Target(0),
    ("memory for each of 10,000 organizations, before its turn", ""): Target(4 * 1024, strictly=True),
    (f"into {DUCKDB}", "the walk alone"): Target(2),
    (f"into {POSTGRESQL}", "the walk alone"): Target(2.5),
    (f"into {DUCKDB}, unchanged", "the first run"): Target(1),
    (f"into {POSTGRESQL}, unchanged", "the first run"): Target(1),
    (f"calls into {DUCKDB}", "the walk alone"): Target(128 * 2**20, strictly=True),
    (f"calls into {POSTGRESQL}", "the walk alone"): Target(128 * 2**20, strictly=True),
    ("4 addresses: times faster", "1 address"): Target(3.6, at_least=True),
    ("in doubt, plain, own connector", ""): Target(0),
    ("in doubt, plain, connector function", ""): Target(0),
    ("in doubt, TLS, own connector", ""): Target(0),
    ("in doubt, TLS, connector function", ""): Target(0),
    ("rows lost or repeated, or no end", ""): Target(0),
    **{(f"8 processes, `Retry-After` {told}: complete", ""): Target(8, at_least=True) for told in TOLD},
    **{(f"8 processes, `Retry-After` {told}: requests", ""): Target(4) for told in TOLD},
    ("8 processes, `Retry-After` right: budget used", ""): Target(0.9, at_least=True),
    ("8 processes, `Retry-After` missing: budget used", ""): Target(0.9, at_least=True),
    ("8 processes, `Retry-After` right: pages of the slowest", ""): Target(0.5, at_least=True),
    ("8 processes, `Retry-After` too large: requests before their time", ""): Target(0),
}
"""By what was measured, and how that begins which it is compared with."""


def judged(question: str, ours: str, against: str, measured: Spread, unit: Unit = TIMES) -> Finding:
    """Make a row of a table, with its target."""
    return Finding(question, ours, against, measured, unit, target_of(question, against))


def target_of(question: str, against: str) -> Target | None:
    """Find the target of a row by its first and third cell; None where the figure is there to be known."""
    for (measured, beginning), target in TARGETS.items():
        if question == measured and against.startswith(beginning):
            return target
    return None
