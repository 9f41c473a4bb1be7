"""Eight processes that share one key all finish, with a fair share each, and without a flood of requests.

`python -m shared_key 1000` prints how each case goes with a thousand seeds.
"""

from __future__ import annotations

from statistics import median

from shared_key import CASES, PROCESSES, Case, Outcome, describe, simulate
from volume import Volume


def test_eight_processes(volume: Volume) -> None:
    """Whatever `Retry-After` says: all walks are complete, at most four requests a success, none before its time.

    Where it is right or missing, nine tenths of the budget are used until the first walk ends; where it is right, the
    slowest then has half of the fastest's pages. (Sliding windows want fractions; whole seconds are too long for them.)
    """
    outcomes: dict[Case, list[Outcome]] = {case: [] for case in CASES}
    for seed in volume.seeds("eight processes", sample=1):
        for case in CASES:
            outcome = simulate(case, seed)
            assert PROCESSES == outcome.complete, f"{case}, seed {seed}"
            assert outcome.requests_per_success <= 4, f"{case}, seed {seed}"
            assert 0 == outcome.disobeyed, f"{case}, seed {seed}"
            outcomes[case].append(outcome)

    used = {case: median(outcome.budget_used for outcome in of_case) for case, of_case in outcomes.items()}
    shares = {case: median(outcome.fair_share for outcome in of_case) for case, of_case in outcomes.items()}
    assert used[Case("fixed", "whole seconds")] >= 0.9
    assert used[Case("fixed", "fraction")] >= 0.9
    assert used[Case("fixed", "nothing")] >= 0.9
    assert used[Case("sliding", "fraction")] >= 0.9
    assert shares[Case("fixed", "whole seconds")] >= 0.5


def test_description() -> None:
    """What is printed of a thousand seeds has the medians and the worst of them."""
    text = describe([simulate(Case("fixed", "zero"), seed) for seed in range(3)])

    assert text.startswith("all complete in 3 of 3, budget used 0.9")
    assert text.endswith("disobeyed 0")
