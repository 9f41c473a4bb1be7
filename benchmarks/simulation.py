"""Does a walk ever lose a row, repeat one, or go on for ever, while the listing changes?

Command: python -m benchmarks simulation

Setting: 100,000 exact walks, and as many concurrent ones by ids, through listings of up to 60 rows that change at
random before, between and during requests: rows added and removed, equal dates in any order, counts from other moments,
capped pages, filters, responses in any order. The model is that of the tests (`tests/support/changing_listing.py`).
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from benchmarks._measure import WALKS, Answer, spread
from benchmarks._targets import judged

MODEL = Path(__file__).parents[1] / "tests" / "support"


def answer(quick: bool) -> Answer:  # noqa: FBT001 - see `Question`
    """Count the walks that went wrong."""
    walks = 1_000 if quick else 100_000
    command = [sys.executable, "-m", "changing_listing", str(walks)]
    output = subprocess.run(command, check=False, cwd=MODEL, stdout=subprocess.PIPE, text=True).stdout
    wrong, number = map(int, re.findall(r"\d+", output.splitlines()[-1]))
    complete = sum(int(times) for times in re.findall(r"(\d+) complete", output))
    return Answer(
        [
            judged(
                "rows lost or repeated, or no end",
                f"{complete:,} complete, {number - wrong - complete:,} raised",
                f"all {number:,} walks",
                spread([wrong]),
                WALKS,
            )
        ]
    )
