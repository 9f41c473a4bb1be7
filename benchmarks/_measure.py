"""Rounds of interleaved measurements, and what they come to: medians with their spread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from attrs import field, frozen

from benchmarks._server import served
from benchmarks._worker import Sample, started


@frozen
class Spread:
    """The median of several measurements, the least and the greatest of them."""

    median: float
    least: float
    greatest: float


def spread(values: Sequence[float]) -> Spread:
    """Sum up *values*."""
    return Spread(median(values), min(values), max(values))


def ratio(ours: Sequence[float], others: Sequence[float]) -> Spread:
    """Divide round by round, so that what slowed down a whole round cancels out."""
    return spread([one / other for one, other in zip(ours, others, strict=True)])


def quieter_half(ours: Sequence[float], others: Sequence[float]) -> tuple[list[float], list[float]]:
    """Keep the rounds, half of them, in which both took least: what disturbs a processor only adds to its time."""
    rounds = sorted(zip(ours, others, strict=True), key=sum)
    kept = rounds[: (len(rounds) + 1) // 2]
    return [one for one, _ in kept], [other for _, other in kept]


@frozen
class Unit:
    """How a measurement is printed: multiplied, rounded, and with a name behind it."""

    name: str
    factor: float = 1
    digits: int = 2

    def __call__(self, value: float | Spread) -> str:
        """Print *value*; a spread as `median (least to greatest)`."""
        if isinstance(value, Spread):
            least, greatest = (f"{bound * self.factor:.{self.digits}f}" for bound in (value.least, value.greatest))
            return f"{self(value.median)} ({least} to {greatest})"
        return f"{value * self.factor:.{self.digits}f} {self.name}"


SECONDS = Unit("s")
MILLISECONDS = Unit("ms", 1000, 1)
MICROSECONDS = Unit("µs", 1_000_000, 1)
MEBIBYTES = Unit("MiB", 1 / 2**20, 1)
KIBIBYTES = Unit("KiB", 1 / 2**10)
REQUESTS = Unit("requests", digits=0)
ROWS = Unit("rows", digits=0)
WALKS = Unit("walks", digits=0)
CALLS = Unit("calls", digits=0)
TIMES = Unit("×")  # noqa: RUF001 - the sign of multiplication


@frozen
class Target:
    """A bound: a measurement has to be at most, or at least, *limit*."""

    limit: float
    at_least: bool = False
    strictly: bool = False

    def is_met_by(self, value: float) -> bool:
        """Compare *value* with the limit."""
        if value == self.limit:
            return not self.strictly
        return (value > self.limit) == self.at_least

    def text(self, unit: Unit) -> str:
        """Print the bound."""
        number = f"{self.limit * unit.factor:.4g} {unit.name}"
        return f"{'≥' if self.at_least else '<' if self.strictly else '≤'} {number}"


@frozen
class Finding:
    """A row of the table.

    Args:
        question: What was measured, and in which setting.
        ours: What it came to for contactship_async.
        against: What it is compared with, and what that came to.
        measured: The ratio or difference.
        unit: Of *measured*.
        target: What *measured* has to reach; None where the figure is there to be known.
    """

    question: str
    ours: str
    against: str
    measured: Spread
    unit: Unit = TIMES
    target: Target | None = None

    @property
    def is_met(self) -> bool:
        """Whether the median reaches the target."""
        return self.target is None or self.target.is_met_by(self.measured.median)


@frozen
class Line:
    """A raw figure, for the printout and the picture."""

    group: str
    label: str
    value: Spread
    unit: Unit


@frozen
class Answer:
    """What a question's file comes back with."""

    findings: list[Finding] = field(factory=list)
    lines: list[Line] = field(factory=list)


def rotated(rounds: int, names: Sequence[str]) -> list[list[str]]:
    """Order *names* for each round, each round beginning with another one."""
    return [[*names[turn % len(names) :], *names[: turn % len(names)]] for turn in range(rounds)]


@frozen
class Walker:
    """One entry of a comparison of walks.

    Args:
        contender: A module of `contenders/`.
        options: What its walk is called with.
    """

    contender: str
    options: Mapping[str, Any] = field(factory=dict)


def compare_walks(  # noqa: PLR0913 - the setting of a comparison, by keyword
    walkers: Mapping[str, Walker],
    *,
    rows: int,
    latency: float,
    rounds: int,
    processes: int = 1,
    certificate: Path | None = None,
) -> dict[str, list[Sample]]:
    """Let all of *walkers* walk in each round, in rotating order, and return what each round cost each of them.

    Each has its own process, and all have the same server. A round before the first one, which does not count, warms up
    all of them alike.

    Args:
        walkers: By the names under which they come back.
        rows: How many rows the listing has.
        latency: How many seconds the server waits before each response.
        rounds: How many rounds count, of each process.
        processes: How many processes each has, one after the other: where its memory lies, and how its texts hash,
            makes one a few percent slower than the next.
        certificate: Of the server, for TLS.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in walkers}
    with served(rows=rows, latency=latency, certificate=certificate) as url:
        for _ in range(processes):
            with ExitStack() as stack:
                workers = {name: stack.enter_context(started(each.contender, url)) for name, each in walkers.items()}
                for turn, names in enumerate(rotated(rounds + 1, list(walkers))):
                    for name in names:
                        sample = workers[name].walk(walkers[name].options, rows)
                        if turn > 0:
                            samples[name].append(sample)
    return samples


def walls(samples: Sequence[Sample]) -> list[float]:
    """Pick the time on the wall."""
    return [sample.wall for sample in samples]


def cpus(samples: Sequence[Sample]) -> list[float]:
    """Pick the time of the processor."""
    return [sample.cpu for sample in samples]


Question = Callable[[bool], Answer]
"""What each question's file has as `answer`: measures, in a few seconds when its argument, *quick*, is true."""
