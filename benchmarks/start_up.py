"""How long does the command line take to start?

Command: python -m benchmarks start_up

Setting: each command is a process of its own, with its output to nowhere, files in the cache and compiled. `--version`
is measured against a Python that does nothing; a listing of one row, made up by the sandbox, against a Python that
imports the client, the sandbox and the two libraries of the command line, and against one that imports only libraries,
all of which any such command needs. 21 rounds.
"""

from __future__ import annotations

import os
import subprocess
import sys
from time import perf_counter

from benchmarks._measure import MILLISECONDS, Answer, Line, rotated, spread
from benchmarks._targets import judged

NOTHING = "python -c pass"
VERSION = "contactship --version"
HELP = "contactship --help"
PARTS = "importing client, sandbox, cyclopts and rich"
LIBRARIES = "only libraries: aiohttp, its server, attrs, cattrs, msgspec, cyclopts and rich"
LISTING = "contactship phone-numbers list --sandbox --limit 1"
_MODULE = ("-m", "contactship_async")
COMMANDS = {
    NOTHING: ("-c", "pass"),
    VERSION: (*_MODULE, *VERSION.split()[1:]),
    HELP: (*_MODULE, *HELP.split()[1:]),
    PARTS: (
        "-c",
        "import cyclopts, rich.table, contactship_async.sandbox; from contactship_async import ContactshipClient",
    ),
    LIBRARIES: ("-c", "import aiohttp, aiohttp.web, attrs, cattrs, msgspec, cyclopts, rich.table"),
    LISTING: (*_MODULE, *LISTING.split()[1:]),
}


def answer(quick: bool) -> Answer:  # noqa: FBT001 - see `Question`
    """Compare commands with what they can't do without; the help, and libraries alone, are there to be known."""
    rounds = 3 if quick else 21
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for turn, names in enumerate(rotated(rounds + 1, list(COMMANDS))):
        for name in names:
            duration = _run_seconds(COMMANDS[name])
            if turn > 0:
                seconds[name].append(duration)
    findings = [
        judged(
            command,
            MILLISECONDS(spread(seconds[command]).median),
            f"{floor}: {MILLISECONDS(spread(seconds[floor]).median)}",
            spread([ours / theirs for ours, theirs in zip(seconds[command], seconds[floor], strict=True)]),
        )
        for command, floor in ((VERSION, NOTHING), (HELP, NOTHING), (LISTING, PARTS), (LISTING, LIBRARIES))
    ]
    return Answer(findings, [Line("start", name, spread(values), MILLISECONDS) for name, values in seconds.items()])


def _run_seconds(arguments: tuple[str, ...]) -> float:
    settings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=settings)
    return perf_counter() - start
