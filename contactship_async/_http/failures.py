"""The error of an exchange without a complete response: it depends on whether the call may have been processed."""

from __future__ import annotations

from http import HTTPStatus

from contactship_async._http.messages import Request
from contactship_async._masking import describe_call
from contactship_async.errors import (
    AmbiguousOutcomeError,
    ClientClosedError,
    ConnectionFailedError,
    ContactshipError,
    Limit,
    RequestTimeoutError,
    StatusError,
    TransportError,
)


def _is_refusal(status: int) -> bool:
    """Tell whether a response of *status* says that the call had no effect: a 4xx, but not that it came too slowly."""
    return status // 100 == 4 and status != HTTPStatus.REQUEST_TIMEOUT  # noqa: PLR2004 - RFC 9110, 15.5


def may_have_arrived(request: Request) -> bool:
    """Tell whether an attempt that has not ended may have been processed, by how far it has come."""
    status = request.delivery.status
    return not request.delivery.provably_unsent and (status is None or not _is_refusal(status))


def may_have_arrived_despite(request: Request, error: ContactshipError) -> bool:
    """Tell whether an attempt that ended in *error* may have been processed."""
    if isinstance(error, StatusError):
        return not _is_refusal(error.status) and error.status not in request.harmless_statuses
    # Of a call that must not be repeated, any other error says that it provably never left (`messages.Transport`).
    is_ambiguous = isinstance(error, AmbiguousOutcomeError)
    return is_ambiguous or (request.idempotent and not request.delivery.provably_unsent)


def exchange_error(request: Request, reason: str, *, limit: Limit | None = None) -> TransportError:
    """Choose the error of an attempt that failed, by how far *request* had come."""
    if not request.is_repeatable:
        return unknown_outcome(request, reason)
    text = f"{describe_call(request.method, request.path)} failed: {reason}"
    return ConnectionFailedError(text) if limit is None else RequestTimeoutError(text, limit=limit)


def unknown_outcome(request: Request, reason: str) -> AmbiguousOutcomeError:
    """Return the error of a call whose attempt *request* was sent, and may have been processed."""
    text = f"{describe_call(request.method, request.path)} may have been processed: {reason}"
    return AmbiguousOutcomeError(text, sent_at=request.delivery.sent_at, status=request.delivery.status)


def closed_error(request: Request, closed: ClientClosedError) -> ContactshipError:
    """Choose the error of a *request* that was under way when the client was *closed*."""
    if request.is_repeatable:
        return closed
    error = unknown_outcome(request, str(closed))
    error.__cause__ = closed
    return error
