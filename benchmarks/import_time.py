"""How much longer does the import take than that of the dependencies?

Command: python -m benchmarks import_time

Setting: each import in a new process, files in the cache and compiled. The client is imported after the
dependencies, so that what it adds is measured by itself. The rivals' time is that of the module a user imports, which
may put off the rest until the first call. 21 rounds.
"""

from __future__ import annotations

import os
import subprocess
import sys

from benchmarks._measure import MILLISECONDS, Answer, Line, rotated, spread
from benchmarks._targets import judged

ADDED = "contactship_async, on top of them"
FLOOR = "aiohttp, attrs, cattrs and msgspec"
IMPORTS = {
    FLOOR: "import aiohttp, attrs, cattrs, msgspec",
    "telnyx": "import telnyx",
    "twilio": "import twilio.rest",
    "apify-client": "import apify_client",
}
SCRIPT = """
from time import perf_counter
start = perf_counter()
{}
middle = perf_counter()
{}
print(middle - start, perf_counter() - middle)
"""


def answer(quick: bool) -> Answer:  # noqa: FBT001 - see `Question`
    """Compare with the dependencies; the rivals are there to be known."""
    rounds = 3 if quick else 21
    seconds: dict[str, list[float]] = {ADDED: [], **{name: [] for name in IMPORTS}}
    for turn, names in enumerate(rotated(rounds + 1, list(IMPORTS))):
        for name in names:
            duration, added = _import_seconds(
                IMPORTS[name], "from contactship_async import ContactshipClient" if name == FLOOR else ""
            )
            if turn > 0:
                seconds[name].append(duration)
                if name == FLOOR:
                    seconds[ADDED].append(added)
    finding = judged(
        "time added",
        MILLISECONDS(spread(seconds[ADDED]).median),
        f"{FLOOR}: {MILLISECONDS(spread(seconds[FLOOR]).median)}",
        spread(seconds[ADDED]),
        MILLISECONDS,
    )
    return Answer([finding], [Line("import", name, spread(values), MILLISECONDS) for name, values in seconds.items()])


def _import_seconds(statement: str, then: str) -> tuple[float, float]:
    command = [sys.executable, "-c", SCRIPT.format(statement, then)]
    settings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=settings).stdout
    first, second = map(float, output.split())
    return first, second
