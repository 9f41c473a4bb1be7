"""Eight processes that share one key all finish, with a fair share each, and without a flood of requests.

A sample of what `python -m shared_key` simulates with a thousand seeds.
"""

from __future__ import annotations

from statistics import median

import pytest
from shared_key import CASES, PROCESSES, Case, describe, simulate

SEEDS = range(3)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_eight_processes(case: Case) -> None:
    """Whatever `Retry-After` says: all walks are complete, at most four requests a success, none before its time."""
    outcomes = [simulate(case, seed) for seed in SEEDS]

    assert [PROCESSES] * len(SEEDS) == [outcome.complete for outcome in outcomes]
    assert max(outcome.requests_per_success for outcome in outcomes) <= 4
    assert 0 == sum(outcome.disobeyed for outcome in outcomes)


@pytest.mark.parametrize("told", ["whole seconds", "nothing"])
def test_budget_is_used(told: str) -> None:
    """Where `Retry-After` is right or missing, nine tenths of the budget are used until the first walk ends."""
    case = next(each for each in CASES if each.told == told and each.window == "fixed")

    assert median(simulate(case, seed).budget_used for seed in SEEDS) >= 0.9


def test_share_is_fair() -> None:
    """Where `Retry-After` is right, the slowest has then half of the fastest's pages at least."""
    assert median(simulate(Case("fixed", "whole seconds"), seed).fair_share for seed in SEEDS) >= 0.5


def test_description() -> None:
    """What is printed of a thousand seeds has the medians and the worst of them."""
    text = describe([simulate(Case("fixed", "zero"), seed) for seed in SEEDS])

    assert text.startswith("all complete in 3 of 3, budget used 0.9")
    assert text.endswith("disobeyed 0")
