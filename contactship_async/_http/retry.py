"""The one attempt loop: how often a request is sent, when, and how long it may take.

A GET is retried after connection failures, truncated responses, attempt timeouts, and `RETRIED_STATUSES`. Any other
call is retried only when it provably never left this process: a duplicate POST dials a person twice. Which of the two
it was, the transport says by the class of its error (see `messages.Transport`), or by `Delivery` if a time limit of
this module is reached.

Each attempt waits for the rate limits first, and is logged when it has ended: at level DEBUG after a 2xx, otherwise
INFO. The records carry method, path, status, error, attempt, elapsed and wait (seconds), and the organization, as
attributes; none carries the key, a query, a number of a path, or anything of the response but its status.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from attrs import frozen
from msgspec.structs import replace

from contactship_async._http.failures import exchange_error
from contactship_async._http.messages import Delivery, Request, Response, Transport, is_success
from contactship_async._http.rate_limits import Limits, Pauses
from contactship_async._http.time_limit import TimeLimit
from contactship_async._masking import describe_call, mask_path
from contactship_async.errors import (
    ConnectionFailedError,
    ContactshipError,
    Limit,
    RateLimitError,
    RequestTimeoutError,
    StatusError,
    TransportError,
)
from contactship_async.settings import RetryPolicy, Timeouts

RETRIED_STATUSES: Final = frozenset({408, 429, 500, 502, 503, 504})

_HIGHEST_EXPONENT: Final = 60
"""Half a second doubled this often is longer than any wait: the exponent stops here, before a float overflows."""

_LOGGER: Final = logging.getLogger("contactship_async")


@frozen
class AttemptLoop:
    """Send requests with retries and deadlines.

    Args:
        policy: How often, and how long to wait in between.
        timeouts: How long one attempt and one call may take.
        limits: Hold requests back before they are sent.
        read_error: Turns every response but a 2xx into its error.
        read_pauses: Reads from the headers of a response for how long no request should follow it.
        organization: Named in the log.
        clock: Seconds of a monotonic clock; the limits use the same.
        sleep: Waits for seconds.
        rng: Returns uniform random numbers in [0, 1), for the jitter.
    """

    policy: RetryPolicy
    timeouts: Timeouts
    limits: Limits
    read_error: Callable[[Request, Response], StatusError]
    read_pauses: Callable[[Mapping[str, str]], Pauses | None]
    organization: str | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    rng: Callable[[], float] = random.random

    def start_deadline(self) -> float:
        """Return the time on the clock by which a call that starts now must have ended."""
        return self.clock() + (math.inf if self.timeouts.total is None else self.timeouts.total)

    async def send(self, request: Request, transport: Transport, deadline: float, *, heavy: bool = False) -> Response:
        """Send *request* until it succeeds, or its error is final.

        Args:
            request: Complete with its key.
            transport: Exchanges it for a response.
            deadline: A time on the clock.
            heavy: Whether it is one of a heavy listing, which have a budget of their own.

        Raises:
            TransportError: No complete response came, or the limits held the call back for too long.
            StatusError: The last response was an error.
        """
        error: ContactshipError | None = None
        pauses: Pauses | None = None
        attempt = 0
        ended = self.clock()
        while True:
            held_back = None
            if not self.limits.enter_at_once(heavy=heavy):
                held_back = await self.limits.enter(deadline, attempt, heavy=heavy)
            if held_back is not None:
                reason = f"{held_back} within {self.timeouts.total} s, the total limit"
                call = describe_call(request.method, request.path)
                late = exchange_error(call, reason, repeatable=True, limit="total")
                raise late if error is None else _with_notes(error, attempt, reason)
            attempt += 1
            began = self.clock()
            outcome = None
            try:
                outcome = await self._attempt(request, transport, time_left=deadline - began)
            finally:
                self.limits.leave(heavy=heavy)
                wait, ended = began - ended, self.clock()
                self._log(request, attempt, outcome, elapsed=ended - began, wait=wait)
            if isinstance(outcome, Response):
                pauses = self.read_pauses(outcome.headers)
                if pauses is not None:
                    self.limits.pause(pauses)
                if is_success(outcome.status):
                    return outcome
                error = self.read_error(request, outcome)
            else:
                error = outcome
            delay = self._delay_after(attempt, error)
            if isinstance(error, RateLimitError):
                seconds = delay if error.retry_after is None else min(delay, self.policy.max_retry_after)
                self.limits.pause(_refused_for(seconds, pauses, heavy=heavy))
            if self._is_final(attempt, request, error) or self.clock() + delay >= deadline:
                raise _with_notes(error, attempt)
            if not isinstance(error, RateLimitError):  # Its wait is that of all calls.
                await self.sleep(delay)
            request = replace(request, delivery=Delivery())

    async def _attempt(self, request: Request, transport: Transport, *, time_left: float) -> Response | TransportError:
        """Send *request* once. Errors are returned, so that they are raised without a context that knows the key."""
        attempt_limit = math.inf if self.timeouts.attempt is None else self.timeouts.attempt
        limit: Limit
        limit, seconds = ("attempt", attempt_limit) if attempt_limit < time_left else ("total", time_left)
        if time_left <= 0:
            return self._timed_out(request, limit, repeatable=True)
        try:
            with TimeLimit(seconds) as timer:
                return await transport(request)
        except TransportError as error:
            return error
        except OSError as error:
            if not timer.expired:
                call = describe_call(request.method, request.path)
                return exchange_error(call, type(error).__name__, repeatable=request.is_repeatable)
        return request.delivery.refusal or self._timed_out(request, limit, repeatable=request.is_repeatable)

    def _timed_out(self, request: Request, limit: Limit, *, repeatable: bool) -> TransportError:
        reason = f"no complete response within {getattr(self.timeouts, limit)} s, the {limit} limit"
        return exchange_error(describe_call(request.method, request.path), reason, repeatable=repeatable, limit=limit)

    def _delay_after(self, attempt: int, error: ContactshipError) -> float:
        """Return how many seconds to wait after *attempt*, the first being 1."""
        if isinstance(error, StatusError) and error.retry_after is not None:
            return error.retry_after
        longest = self.policy.initial_delay * 2.0 ** min(attempt - 1, _HIGHEST_EXPONENT)
        return self.rng() * min(self.policy.max_delay, longest)

    def _is_final(self, attempt: int, request: Request, error: ContactshipError) -> bool:
        if attempt >= self.policy.max_attempts:
            return True
        if isinstance(error, StatusError):
            too_long = error.retry_after is not None and error.retry_after > self.policy.max_retry_after
            return too_long or not (request.idempotent and error.status in RETRIED_STATUSES)
        return not isinstance(error, ConnectionFailedError | RequestTimeoutError)

    def _log(
        self, request: Request, attempt: int, outcome: Response | TransportError | None, *, elapsed: float, wait: float
    ) -> None:
        went_well = isinstance(outcome, Response) and is_success(outcome.status)
        level = logging.DEBUG if went_well else logging.INFO
        if not _LOGGER.isEnabledFor(level):
            return
        failure = outcome or sys.exception()
        facts = {
            "method": request.method,
            "path": mask_path(request.path),
            "status": outcome.status if isinstance(outcome, Response) else None,
            "error": None if isinstance(outcome, Response) else type(failure).__name__,
            "attempt": attempt,
            "elapsed": elapsed,
            "wait": wait,
            "organization": self.organization,
        }
        text = "{method} {path}: {outcome} after {elapsed:.3f} s (attempt {attempt}, waited {wait:.3f} s before it)"
        _LOGGER.log(level, text.format(outcome=facts["status"] or facts["error"], **facts), extra=facts)


def _refused_for(seconds: float, used_up: Pauses | None, *, heavy: bool) -> Pauses:
    """Return which budgets a 429 pauses for *seconds*: those it calls used up, or else the nearest one."""
    named = used_up or Pauses()
    organization = None if named.organization is None else seconds
    address = None if named.address is None else seconds
    if heavy and (named.heavy is not None or organization is address is None):
        return Pauses(organization, address, heavy=seconds)
    return Pauses(seconds if address is None else organization, address)


def _with_notes(error: ContactshipError, attempts: int, reason: str | None = None) -> ContactshipError:
    if attempts > 1:
        error.add_note(f"{attempts} attempts were made.")
    if reason is not None:
        error.add_note(f"Not retried: {reason}.")
    return error
