"""Who is told of a wait when it begins: the log, at level INFO, and the user's `on_wait`.

The records carry `reason`, `seconds` and `organization` as attributes, as `Wait` has them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from attrs import frozen

from contactship_async.settings import Wait, WaitReason

_MIN_SECONDS: Final = 0.25
"""Shorter waits are not told: requests that leave a little apart, one after the other, would fill the log."""

_WORDS: Final = {
    "rate_limit": "rate limit of the server",
    "retry": "retry of a failed call",
    "budget": "rate limit of the client's own",
    "connection": "all connections are in use",
}

_LOGGER: Final = logging.getLogger("contactship_async")


@frozen
class WaitNotices:
    """Tell of the waits of one organization.

    Args:
        organization: Its name in a pool, otherwise None.
        on_wait: The user's function; what it raises is logged and dropped.
    """

    organization: str | None = None
    on_wait: Callable[[Wait], object] | None = None

    def __call__(self, reason: WaitReason, seconds: float | None) -> None:
        """Tell that a wait begins, which takes *seconds*; None where nobody knows."""
        if seconds is not None and seconds < _MIN_SECONDS:
            return
        if _LOGGER.isEnabledFor(logging.INFO):
            facts = {"reason": reason, "seconds": seconds, "organization": self.organization}
            length = "" if seconds is None else f" {seconds:.1f} s"
            _LOGGER.info("waiting%s: %s", length, _WORDS[reason], extra=facts)
        if self.on_wait is None:
            return
        try:
            self.on_wait(Wait(reason, seconds, self.organization))
        except Exception:
            _LOGGER.exception("on_wait failed, and was ignored")
