"""The one attempt loop: how often a request is sent, when, and how long it may take.

A GET is tried again after connection failures, cut answers, attempt timeouts, and `RETRIED_STATUSES`. Any other call
is tried again only when it provably never left this process: a duplicate POST dials a person twice. Which of the two
it was, the transport says by the class of its error (see `_messages.Transport`); for a limit that is reached here, by
`Delivery`.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable
from typing import Final

from attrs import evolve, frozen

from contactship_async._messages import Delivery, Request, Response, Transport
from contactship_async.errors import (
    ConnectionFailedError,
    ContactshipError,
    Limit,
    RequestTimeoutError,
    StatusError,
    TransportError,
    describe_call,
    exchange_error,
)
from contactship_async.models import RetryPolicy, Timeouts

RETRIED_STATUSES: Final = frozenset({408, 429, 500, 502, 503, 504})

_HIGHEST_EXPONENT: Final = 60
"""Half a second doubled this often is longer than any wait: the exponent stops here, before a float overflows."""


@frozen
class AttemptLoop:
    """Send requests with retries and deadlines.

    Args:
        policy: How often, and how long to wait in between.
        timeouts: How long one attempt and one call may take.
        clock: Seconds of a clock that never goes back.
        sleep: Waits for seconds.
        dice: Draws evenly from [0, 1).
    """

    policy: RetryPolicy
    timeouts: Timeouts
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    dice: Callable[[], float] = random.random

    def start_deadline(self) -> float:
        """Return the moment on the clock by which a call that starts now must have ended."""
        return self.clock() + (math.inf if self.timeouts.total is None else self.timeouts.total)

    async def send(
        self,
        request: Request,
        transport: Transport,
        read_error: Callable[[Request, Response], StatusError | None],
        deadline: float,
    ) -> Response:
        """Send *request* until an answer without error comes, or its error is final.

        Raises:
            TransportError: No complete answer came.
            StatusError: The last answer, as *read_error* understood it.
        """
        attempt = 0
        while True:
            attempt += 1
            outcome = await self._attempt(request, transport, deadline)
            error: ContactshipError | None
            if isinstance(outcome, Response):
                error = read_error(request, outcome)
                if error is None:
                    return outcome
            else:
                error = outcome
            delay = self._delay_before_next(attempt, request, error)
            if delay is None or self.clock() + delay >= deadline:
                if attempt > 1:
                    error.add_note(f"{attempt} attempts were made.")
                raise error
            await self.sleep(delay)
            request = evolve(request, delivery=Delivery())

    async def _attempt(self, request: Request, transport: Transport, deadline: float) -> Response | TransportError:
        """Send *request* once. Errors are returned, so that they are raised without a context that knows the key."""
        time_left = deadline - self.clock()
        attempt_limit = math.inf if self.timeouts.attempt is None else self.timeouts.attempt
        limit: Limit = "attempt" if attempt_limit < time_left else "total"
        if time_left <= 0:
            return self._timed_out(request, limit, repeatable=True)
        try:
            async with asyncio.timeout(min(attempt_limit, time_left)) as timer:
                return await transport(request)
        except TransportError as error:
            return error
        except OSError as error:
            if not timer.expired():
                call = describe_call(request.method, request.path)
                return exchange_error(call, type(error).__name__, repeatable=request.is_repeatable)
        return request.delivery.refusal or self._timed_out(request, limit, repeatable=request.is_repeatable)

    def _timed_out(self, request: Request, limit: Limit, *, repeatable: bool) -> TransportError:
        reason = f"no complete answer within {getattr(self.timeouts, limit)} s, the {limit} limit"
        return exchange_error(describe_call(request.method, request.path), reason, repeatable=repeatable, limit=limit)

    def _delay_before_next(self, attempt: int, request: Request, error: ContactshipError) -> float | None:
        """Return the seconds to wait after *attempt*, the first being 1; None when *error* is final."""
        if attempt >= self.policy.max_attempts or not _is_retried(request, error):
            return None
        if isinstance(error, StatusError) and error.retry_after is not None:
            return error.retry_after if error.retry_after <= self.policy.max_retry_after else None
        longest = self.policy.initial_delay * 2.0 ** min(attempt - 1, _HIGHEST_EXPONENT)
        return self.dice() * min(self.policy.max_delay, longest)


def _is_retried(request: Request, error: ContactshipError) -> bool:
    if isinstance(error, StatusError):
        return request.idempotent and error.status in RETRIED_STATUSES
    return isinstance(error, ConnectionFailedError | RequestTimeoutError)
