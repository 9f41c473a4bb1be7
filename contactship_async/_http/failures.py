"""The error of an exchange without a complete response: it depends on whether the call may have been processed."""

from __future__ import annotations

from contactship_async._http.messages import Request
from contactship_async._masking import describe_call
from contactship_async.errors import (
    AmbiguousOutcomeError,
    ClientClosedError,
    ConnectionFailedError,
    ContactshipError,
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


def closed_error(request: Request, closed: ClientClosedError) -> ContactshipError:
    """Choose the error of a *request* that was under way when the client was *closed*."""
    if request.is_repeatable:
        return closed
    error = exchange_error(describe_call(request.method, request.path), str(closed), repeatable=False)
    error.__cause__ = closed
    return error
