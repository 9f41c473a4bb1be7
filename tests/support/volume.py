"""How much is run of what proves by volume: a sample, the same in each run; with `--volume MINUTES`, all of it.

A table marks the cases that are left out of the sample with `volume`. A test that draws its cases, or goes through a
great many, takes the fixture `volume`. In a full run, what is drawn has a fresh seed and a share of the minutes, which
stand at the end; `--hypothesis-seed` with the seed of an earlier run draws the same again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from itertools import chain, count
from random import Random, SystemRandom
from typing import Final

import pytest
from attrs import define
from hypothesis import HealthCheck, settings

SHARES: Final[Mapping[str, float]] = {
    "exact walks": 5,
    "concurrent walks": 3,
    "merges": 1,
    "eight processes": 2,
    "fuzzing, codec": 1,
    "fuzzing, headers": 1,
    "fuzzing, responses": 1,
    "fuzzing, client": 3,
    "fuzzing, webhooks": 1,
    "PostgreSQL, 1 in flight": 1,
    "PostgreSQL, 4 in flight": 1,
    "soak": 3,
    "syncs, DuckDB": 6,
    "syncs, PostgreSQL": 6,
}
"""The minutes of a full run are shared out in this ratio."""

settings.register_profile(
    "sample",
    deadline=None,  # the first example pays for imports and caches
    max_examples=25,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # those of all tests only watch
)
settings.register_profile("full", settings.get_profile("sample"), max_examples=1_000, derandomize=False)


@define
class Volume:
    """How much a test is to run.

    Args:
        minutes: Those of a full run, for all that is drawn; None for a sample.
        seed: That of a full run.
        drawn: Takes what was drawn, and how much of it.
    """

    minutes: float | None
    seed: int
    drawn: list[tuple[str, object]]

    @property
    def is_full(self) -> bool:
        """Whether all is to be run, and not a sample."""
        return self.minutes is not None

    def seconds(self, name: str) -> float:
        """Return the share that *name* has of a full run; 0 in a sample."""
        return 60 * (self.minutes or 0) * SHARES[name] / sum(SHARES.values())

    def seeds(self, name: str, sample: int) -> Iterator[int]:
        """Yield the first *sample* numbers, or in a full run random ones, until the share of *name* is used up."""
        random = Random(f"{self.seed} {name}")
        began = time.monotonic()
        place = len(self.drawn)
        for tried in count(1):
            seed = random.getrandbits(32) if self.is_full else tried - 1
            self.drawn[place:] = [(name, f"{tried} seeds, the last one {seed}")]
            yield seed
            seconds = time.monotonic() - began
            if seconds >= self.seconds(name) if self.is_full else tried == sample:
                self.drawn[place:] = [(name, f"{tried} seeds in {seconds:.0f} s")]
                break


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the option."""
    parser.addoption(
        "--volume",
        type=float,
        metavar="MINUTES",
        help="run all that proves by volume; what is drawn at random shares so many minutes of one core",
    )


@pytest.hookimpl(tryfirst=True)  # before the plugins that read what is set here
def pytest_configure(config: pytest.Config) -> None:
    """Choose how much is run; processes that run tests for this one do the same."""
    minutes: float | None = config.option.volume
    if minutes is None:
        settings.load_profile("sample")
        return
    settings.load_profile("full")
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = str(SystemRandom().getrandbits(32))
    if config.option.timeout is None:
        config.option.timeout = float(config.getini("timeout")) + 60 * minutes


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not in the sample."""
    if config.option.volume is None:
        left_out = [item for item in items if item.get_closest_marker("volume")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("volume")]


@pytest.fixture
def volume(request: pytest.FixtureRequest) -> Volume:
    """Return how much a test is to run."""
    option = request.config.option
    return Volume(option.volume, int(option.hypothesis_seed or 0), request.node.user_properties)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Report what was drawn in a full run and in tests that failed, and how to draw the same again."""
    minutes = config.option.volume
    if minutes is not None:
        terminalreporter.section(f"--volume={minutes:g} --hypothesis-seed={config.option.hypothesis_seed}")
    for report in chain.from_iterable(terminalreporter.stats.values()):
        if isinstance(report, pytest.TestReport) and report.when == "call" and (minutes is not None or report.failed):
            for name, drawn in report.user_properties:
                terminalreporter.write_line(f"{name}: {drawn}")
