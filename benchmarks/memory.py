"""How much does memory grow while a walk goes through a large listing?

Command: python -m benchmarks memory

Setting: 500,000 phone numbers in pages of 100, one and 16 pages in flight, each walk in a process of its own that keeps
no row. What grows is the peak of resident memory, from the moment the first page is there to the end. 15 rounds. Linux
only: the peak is read from `/proc`.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import Any

from benchmarks import _rows
from benchmarks._measure import MEBIBYTES, Answer, Line, rotated, spread
from benchmarks._memory import peak_bytes
from benchmarks._server import served
from benchmarks._targets import judged
from benchmarks.contenders import PAGE_SIZE
from contactship_async import ContactshipClient

ROWS = 500_000
WALKS: dict[str, dict[str, Any]] = {
    "one page in flight": {},
    "16 in flight": {"concurrency": 16},
    "one page in flight, exact": {"exact": True},
}


def answer(quick: bool) -> Answer:  # noqa: FBT001 - see `Question`
    """Measure each way of walking; a tenth of the rows when quick."""
    rows, rounds = (ROWS // 10, 1) if quick else (ROWS, 15)
    growths: dict[str, list[float]] = {name: [] for name in WALKS}
    peaks: dict[str, list[float]] = {name: [] for name in WALKS}
    with served(rows=rows, latency=0) as url:
        for names in rotated(rounds, list(WALKS)):
            for name in names:
                first, last = _run(url, rows, WALKS[name])
                growths[name].append(last - first)
                peaks[name].append(last)
    findings = [
        judged(
            name,
            MEBIBYTES(spread(peaks[name]).median),
            f"at the first page: {MEBIBYTES(spread(_first(peaks[name], growths[name])).median)}",
            spread(growths[name]),
            MEBIBYTES,
        )
        for name in WALKS
    ]
    lines = [Line("growth of the peak", name, spread(growths[name]), MEBIBYTES) for name in WALKS]
    return Answer(findings, lines)


def _first(peaks: list[float], growths: list[float]) -> list[float]:
    return [peak - growth for peak, growth in zip(peaks, growths, strict=True)]


def _run(url: str, rows: int, options: dict[str, Any]) -> tuple[float, float]:
    command = [sys.executable, "-m", "benchmarks.memory", url, str(rows), json.dumps(options)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    first, last = json.loads(output)
    return first, last


async def _walk(url: str, rows: int, options: dict[str, Any]) -> tuple[int, int]:
    """Walk, make sure that each row is the one expected there, and return the peaks at the first page and the end."""
    index = first_peak = 0
    async with ContactshipClient("sk-made-up", base_url=url) as client:
        async for number in client.iter_phone_numbers(page_size=PAGE_SIZE, **options):
            if number.id != _rows.row_id(index):
                message = f"row {index} is another one"
                raise RuntimeError(message)
            index += 1
            if index == PAGE_SIZE:
                first_peak = peak_bytes()
    if index != rows:
        message = f"{index} rows came instead of {rows}"
        raise RuntimeError(message)
    return first_peak, peak_bytes()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_walk(sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])))))
