"""How long a budget is left alone after a 429, and how requests follow after that: the waiting rule of a gate.

- Where the server says how long (`Retry-After`), that long, but never less than 0.5 to 1 s, at random.
- Where it does not, 0.5 to 1 s at random. (With up to 1.5 s, eight processes leave 14 % of the budget of a sliding
  window unused; with up to 1 s, 10 %.) Only when nothing has succeeded for 5 s do the waits double, up to 15 s:
  doubling from the start starves the unlucky ones of several processes that share one key.
- A success starts anew.
- After a refusal, requests leave 0.1 s apart, and each success takes a fifth off that. Without it, the first process
  to come uses up a short window in one burst, again and again, and of a burst nearly all is refused. (Where more than
  ten have succeeded since the refusal before, the budget is large, and they leave as they come.)

The numbers come from `tests/support/shared_key.py`, which simulates eight processes that share one key.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from attrs import define

_MIN_WAIT_SECONDS: Final = 0.5
_WAIT_SPREAD_SECONDS: Final = 0.5

_SECONDS_BEFORE_DOUBLING: Final = 5.0
_MAX_UNKNOWN_WAIT_SECONDS: Final = 15.0
_MAX_DOUBLINGS: Final = 5
"""After these, the shortest wait is longer than the longest one allowed."""

_SPACING_SECONDS: Final = 0.1
_SPACING_AFTER_SUCCESS: Final = 0.8
_SPACED_SUCCESSES: Final = 10
"""After these, requests leave as they come."""

_LONG_AGO: Final = -math.inf


@define(eq=False)
class Backoff:
    """What is known of the refusals of one budget.

    Attributes:
        refused_since: When the first 429 came after the last success; None if none has.
        spacing: How many seconds apart requests leave.
    """

    refused_since: float | None = None
    spacing: float = 0.0
    _refused_at: float = _LONG_AGO
    _doublings: int = 0
    _successes: int = 0

    def refuse(self, asked: float | None, *, sent_at: float, now: float, rng: Callable[[], float]) -> float:
        """Note a 429, and return for how many seconds nothing may be sent.

        Args:
            asked: For how many seconds the server asks to wait; None if it does not say.
            sent_at: When the refused request was sent: of those in flight together, only the first one is news.
            now: The time on the same clock.
            rng: Returns uniform random numbers in [0, 1).
        """
        if self.refused_since is None:
            self.refused_since = now
        is_news = sent_at >= self._refused_at
        if is_news:
            self._refused_at = now
            self.spacing = 0.0 if self._successes > _SPACED_SUCCESSES else _SPACING_SECONDS
            self._successes = 0
        drawn = _MIN_WAIT_SECONDS + _WAIT_SPREAD_SECONDS * rng()
        if asked is not None:
            return max(asked, drawn)
        if is_news and now - self.refused_since >= _SECONDS_BEFORE_DOUBLING:
            self._doublings = min(self._doublings + 1, _MAX_DOUBLINGS)
        return min(drawn * 2.0**self._doublings, _MAX_UNKNOWN_WAIT_SECONDS)

    def succeed(self) -> bool:
        """Note that a request was let through, and return whether the next one is to be noted as well."""
        self.refused_since = None
        self._doublings = 0
        self._successes += 1
        if self._successes > _SPACED_SUCCESSES:
            self.spacing = 0.0
            return False
        self.spacing *= _SPACING_AFTER_SUCCESS
        return True
