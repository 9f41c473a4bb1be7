"""How much longer does the import take than that of the dependencies?

Command: python -m benchmarks import_time

Setting: each import in a new process, files in the cache and compiled; the time from the first statement to the end of
the import, without the interpreter's own start. The rivals' is that of the module a user imports, which may put off
the rest until the first call. 21 rounds.
"""

from __future__ import annotations

import subprocess
import sys

from benchmarks._measure import (
    MILLISECONDS,
    Answer,
    Finding,
    Line,
    Target,
    difference,
    rotated,
    spread,
)

OURS = "contactship_async"
FLOOR = "aiohttp, attrs, cattrs and msgspec"
IMPORTS = {
    OURS: "import contactship_async",
    FLOOR: "import aiohttp, attrs, cattrs, msgspec",
    "telnyx": "import telnyx",
    "twilio": "import twilio.rest",
    "apify-client": "import apify_client",
}
TARGET = Target(0.040)
SCRIPT = """
from time import perf_counter
start = perf_counter()
{}
print(perf_counter() - start)
"""


def answer(quick: bool) -> Answer:  # noqa: FBT001 - see `Question`
    """Compare with the dependencies; the rivals are there to be known."""
    rounds = 3 if quick else 21
    seconds: dict[str, list[float]] = {name: [] for name in IMPORTS}
    for turn, names in enumerate(rotated(rounds + 1, list(IMPORTS))):
        for name in names:
            duration = _import_seconds(IMPORTS[name])
            if turn > 0:
                seconds[name].append(duration)
    medians = {name: MILLISECONDS(spread(values).median) for name, values in seconds.items()}
    finding = Finding(
        "import, time added",
        medians[OURS],
        f"{FLOOR}: {medians[FLOOR]}",
        difference(seconds[OURS], seconds[FLOOR]),
        MILLISECONDS,
        TARGET,
    )
    return Answer([finding], [Line("import", name, spread(values), MILLISECONDS) for name, values in seconds.items()])


def _import_seconds(statement: str) -> float:
    command = [sys.executable, "-c", SCRIPT.format(statement)]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
