"""A start is taken once at the most, and what is said of it is true, over random schedules of faults."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from jumping_loop import run
from starts import CALL, SENDS, Schedule, Start
from volume import Volume

STARTS = {"calls, 1": CALL, "calls, 2": CALL, **SENDS}
SCHEDULES = 2_500
SAMPLE = 100


async def run_schedules(seeds: list[str], start: Start) -> Counter[str]:
    """Run and judge each schedule, and count what came of them."""
    outcomes: Counter[str] = Counter()
    for seed in seeds:
        schedule = Schedule(Random(seed), start)
        outcome = await schedule.run()
        try:
            schedule.judge(outcome)
        except AssertionError as error:
            error.add_note(f"seed {seed!r}: {outcome!r} after {[act.name for act in schedule.server.played]}")
            raise
        outcomes[type(outcome).__name__] += 1
    return outcomes


@pytest.mark.parametrize("part", STARTS)
def test_random_faults(part: str, volume: Volume) -> None:
    """Whatever happens to a start, none is taken twice, and what is reported is what happened, or unknown."""
    start = STARTS[part]
    number = SCHEDULES if volume.is_full else SAMPLE
    outcomes = run(run_schedules([f"{volume.seed} {part} {each}" for each in range(number)], start))

    volume.drawn.append((f"starts: {part}", f"{number} schedules: {dict(outcomes.most_common())}"))
    assert start.harmless or "ServerError" not in outcomes
    usual = ("AmbiguousOutcomeError", "ConnectionFailedError", "RateLimitError", "CancelledError")
    for name in ("PlacedCall" if start is CALL else "SentMessage", *usual, *["ServerError"] * len(start.harmless)):
        assert outcomes[name] >= number // 100
