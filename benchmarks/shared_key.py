"""Do several processes that share one key all come to their end, each with its share of what the server allows?

Command: python -m benchmarks shared_key

Setting: 8 processes walk the same 2,000 numbers in pages of 100, with one page in flight and the settings as they are;
the server, in this process, allows all of them together 5 requests in each second of its clock, and answers after 50
ms. Its 429 says in `Retry-After` how long to wait: rightly (the whole second that is left), not at all, 0, or 3 s, too
long. 3 rounds, in which the four take turns. The budget and the shares count from the first request on, until the
first process has all its pages. `tests/support/shared_key.py` simulates the same a thousand times.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from attrs import define, field, frozen

from benchmarks._measure import REQUESTS, TIMES, WALKS, Answer, Finding, Unit, rotated, spread
from benchmarks._server import Answers
from benchmarks._targets import judged
from contactship_async import ContactshipClient

PROCESSES: Final = 8
ALLOWED: Final = 5
LATENCY: Final = 0.05
PAGE_SIZE: Final = 100
PAGES: Final = 20
TOO_LONG: Final = 3


TOLD: Final[Mapping[str, bytes]] = {
    "right": b"Retry-After: 1\r\n",
    "missing": b"",
    "0": b"Retry-After: 0\r\n",
    "too large": b"Retry-After: %d\r\n" % TOO_LONG,
}

_KEY = re.compile(rb"^x-api-key: (\S+)", re.MULTILINE | re.IGNORECASE)


@frozen
class Outcome:
    """How one round went: the fields of `shared_key.Outcome` of the tests."""

    complete: float
    budget_used: float
    fair_share: float
    requests_per_success: float
    disobeyed: float


def answer(quick: bool) -> Answer:  # noqa: FBT001 - see `Question`
    """Let the processes walk, and compare what they got with what the server allows."""
    pages, rounds = (4, 1) if quick else (PAGES, 3)
    outcomes: dict[str, list[Outcome]] = {told: [] for told in TOLD}
    for names in rotated(rounds, list(TOLD)):
        for told in names:
            outcomes[told].append(asyncio.run(_Server(told, pages).run()))
    return Answer([finding for told in TOLD for finding in _find(told, outcomes[told])])


def _find(told: str, outcomes: Sequence[Outcome]) -> list[Finding]:
    def finding(name: str, of: Callable[[Outcome], float], against: str, unit: Unit) -> Finding:
        measured = spread([of(outcome) for outcome in outcomes])
        question = f"{PROCESSES} processes, `Retry-After` {told}: {name}"
        return judged(question, unit(measured.median), against, measured, unit)

    findings = [
        finding("complete", lambda each: each.complete, f"all {PROCESSES}", WALKS),
        finding("budget used", lambda each: each.budget_used, "what the server allows", TIMES),
        finding("pages of the slowest", lambda each: each.fair_share, "those of the fastest", TIMES),
        finding("requests", lambda each: each.requests_per_success, "1 a page", TIMES),
    ]
    if told == "too large":
        findings.append(finding("requests before their time", lambda each: each.disobeyed, "none", REQUESTS))
    return findings


@define
class _Server:
    """Counts the requests of all processes, each of which has a key that tells which one it is.

    Args:
        told: What the 429 says.
        pages: How many pages the listing has.
    """

    told: str
    pages: int
    requests: int = 0
    disobeyed: int = 0
    let_through: list[float] = field(factory=list)
    got: Counter[str] = field(factory=Counter)
    first_end: tuple[float, Counter[str]] | None = None
    _spent: Counter[int] = field(factory=Counter)
    _not_before: dict[str, float] = field(factory=dict)

    async def run(self) -> Outcome:
        """Serve the processes until all have ended."""
        answers = Answers(self.pages * PAGE_SIZE, 0)
        server = await asyncio.start_server(lambda reader, writer: self._serve(answers, reader, writer), "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        processes = [
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "benchmarks.shared_key", url, f"sk-{place}"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            for place in range(PROCESSES)
        ]
        await asyncio.gather(*(_read_line(process) for process in processes))
        ends = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
        server.close()
        rows = [int(output or 0) for output, _ in ends]
        if self.first_end is None:
            message = "no process has got all its pages"
            raise RuntimeError(message)
        ended, got = self.first_end
        seconds = range(int(self.let_through[0]) + 1, int(ended))
        return Outcome(
            complete=rows.count(self.pages * PAGE_SIZE),
            budget_used=sum(self._spent[second] for second in seconds) / (ALLOWED * max(len(seconds), 1)),
            fair_share=min(got[f"sk-{place}"] for place in range(PROCESSES)) / self.pages,
            requests_per_success=self.requests / len(self.let_through),
            disobeyed=self.disobeyed,
        )

    async def _serve(self, answers: Answers, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                key = _KEY.search(head)
                response = self._answer(answers, head, "" if key is None else key[1].decode())
                await asyncio.sleep(LATENCY)
                writer.write(response)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _answer(self, answers: Answers, head: bytes, key: str) -> bytes:
        now = asyncio.get_running_loop().time()
        self.requests += 1
        self.disobeyed += now < self._not_before.get(key, 0.0)
        if self._spent[int(now)] >= ALLOWED:
            if self.told == "too large":
                self._not_before[key] = now + TOO_LONG
            return b"HTTP/1.1 429 Too Many Requests\r\n%sContent-Length: 0\r\n\r\n" % TOLD[self.told]
        self._spent[int(now)] += 1
        self.let_through.append(now)
        self.got[key] += 1
        if self.got[key] == self.pages and self.first_end is None:
            self.first_end = now, Counter(self.got)
        return answers.find(head.split(b" ", 2)[1].decode(), "")[0]


async def _read_line(process: asyncio.subprocess.Process) -> None:
    if process.stdout is None:
        raise TypeError
    await process.stdout.readline()


async def _walk(url: str, api_key: str) -> int:
    """Walk when all others are ready, and return how many rows came."""
    async with ContactshipClient(api_key, base_url=url) as client:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        return len([number async for number in client.iter_phone_numbers(page_size=PAGE_SIZE)])


if __name__ == "__main__":
    sys.stdout.write(str(asyncio.run(_walk(*sys.argv[1:]))))
