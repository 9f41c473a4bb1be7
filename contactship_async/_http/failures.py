"""The error of an exchange without a complete response: it depends on whether the call may have been processed."""

from __future__ import annotations

from contactship_async.errors import (
    AmbiguousOutcomeError,
    ConnectionFailedError,
    Limit,
    RequestTimeoutError,
    TransportError,
)


def exchange_error(call: str, reason: str, *, repeatable: bool, limit: Limit | None = None) -> TransportError:
    """Choose the error of an exchange that failed; *repeatable* if the call may be sent again without harm."""
    if not repeatable:
        return AmbiguousOutcomeError(f"{call} may have been processed: {reason}")
    if limit is not None:
        return RequestTimeoutError(f"{call} failed: {reason}", limit=limit)
    return ConnectionFailedError(f"{call} failed: {reason}")
