"""The command; see the package for how to use it."""

from __future__ import annotations

import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle
from pathlib import Path
from random import Random, SystemRandom
from typing import Final

from fuzzing import corpus
from fuzzing.targets import TARGETS, Finding, Target, fuzz

INPUTS_PER_ROUND: Final = 300


def fuzz_for(
    seconds: float,
    targets: Sequence[Target],
    *,
    keep: Callable[[str, object], Path] = corpus.keep,
    inputs_per_round: int = INPUTS_PER_ROUND,
    random: Random = SystemRandom(),  # noqa: B008 - it has no state
) -> int:
    """Fuzz *targets* in turns, print what happens, and return 1 if a law was broken, 0 if not.

    Args:
        seconds: When these are over, the last round is still finished; each target has one at least.
        targets: One after the other, again and again.
        keep: Puts what was found into the corpus.
        inputs_per_round: How many inputs to make of a target before it is the next one's turn.
        random: Draws the seed of each round.
    """
    say = partial(print, flush=True)
    ends_at = time.monotonic() + seconds
    tried: Counter[str] = Counter()
    for turn, target in enumerate(cycle(targets)):
        is_first = turn < len(targets)
        if not is_first and time.monotonic() >= ends_at:
            break
        began = time.monotonic()
        seed = random.getrandbits(64)
        outcome = fuzz(target, inputs_per_round, seed_=seed, with_corpus=is_first)
        if isinstance(outcome, Finding):
            traceback.print_exception(outcome.error)
            say(f"\n{target.name}: {outcome.error}\nfor {outcome.value!r:.2000}")
            say(f"Fix it, and commit {keep(target.name, outcome.value)} with the fix.")
            return 1
        tried[target.name] += outcome
        rate = outcome / (time.monotonic() - began)
        say(f"{target.name:8} {tried[target.name]:9} inputs, {rate:6.0f} a second, {ends_at - began:5.0f} s left")
    say(f"{sum(tried.values())} inputs, and no law is broken")
    return 0


if __name__ == "__main__":
    names = sys.argv[2:] or [*TARGETS]
    sys.exit(fuzz_for(60 * float(sys.argv[1]), [TARGETS[name] for name in names]))
