"""The one attempt loop: how often a request is sent, when, and how long it may take.

A GET is retried after connection failures, truncated responses, attempt timeouts, and the statuses of `RetryPolicy`.
Any other call is retried only when it provably never left this process: a duplicate POST dials a person twice. Which of
the two it was, the transport says by the class of its error (see `messages.Transport`), or by `Delivery` if a time
limit of this module is reached. Two responses say that a call had no effect, and may be sent again whatever it does: a
429 of a rate limiter, which it waits for, and a status that the documentation calls safe to repeat after.

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
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from attrs import define, field, frozen
from msgspec.structs import replace

from contactship_async._http.failures import exchange_error, may_have_arrived_despite
from contactship_async._http.gate import TellWait
from contactship_async._http.messages import Delivery, Request, Response, Transport, is_success
from contactship_async._http.rate_limit_headers import is_rate_limiter, read_pauses, read_retry_after
from contactship_async._http.rate_limits import Limits, OwnBudget
from contactship_async._http.server_clock import ServerClock
from contactship_async._http.time_limit import TimeLimit
from contactship_async._http.wait_notices import WaitNotices
from contactship_async._masking import mask_path
from contactship_async.errors import (
    AmbiguousOutcomeError,
    ConnectionFailedError,
    ContactshipError,
    Limit,
    RequestTimeoutError,
    StatusError,
    TransportError,
)
from contactship_async.settings import RetryPolicy, Timeouts

_TOO_MANY_REQUESTS: Final = HTTPStatus.TOO_MANY_REQUESTS.value
_SERVER_ERROR: Final = HTTPStatus.INTERNAL_SERVER_ERROR.value

_PATIENCE_SECONDS: Final = 600
"""Without a total limit, a call gives up after refusals for so long, during which nothing has succeeded."""

_MAX_EXPONENT: Final = 60
"""Half a second doubled this often is longer than any wait: the exponent stops here, before a float overflows."""

_LOGGER: Final = logging.getLogger("contactship_async")


def _read_wall_clock() -> datetime:
    return datetime.now(UTC)


@frozen
class AttemptLoop:
    """Send requests with retries and deadlines.

    Args:
        policy: How often, and how long to wait in between.
        timeouts: How long one attempt and one call may take.
        limits: Hold requests back before they are sent.
        read_error: Turns every response but a 2xx into its error.
        organization: Named in the log.
        tell_wait: Is told of each wait when it begins.
        clock: Seconds of a monotonic clock; the limits use the same.
        sleep: Waits for seconds.
        rng: Returns uniform random numbers in [0, 1), for the jitter.
        now: Returns the time by the clock on the wall, in UTC: for what is compared with times of the server's.
        server_clock: What the responses of heavy listings tell of the server's clock.
    """

    policy: RetryPolicy
    timeouts: Timeouts
    limits: Limits
    read_error: Callable[[Request, Response], StatusError]
    organization: str | None = None
    tell_wait: TellWait = field(factory=WaitNotices)
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    rng: Callable[[], float] = random.random
    now: Callable[[], datetime] = _read_wall_clock
    server_clock: ServerClock = field(factory=ServerClock)

    def start_deadline(self) -> float:
        """Return the time on the clock by which a call that starts now must have ended."""
        return self.clock() + (math.inf if self.timeouts.total is None else self.timeouts.total)

    async def send(
        self,
        request: Request,
        transport: Transport,
        deadline: float | None,
        *,
        own_budget: OwnBudget | None = None,
        may_have_arrived: bool = False,
    ) -> Response:
        """Send *request* until it succeeds, or its error is final.

        Args:
            request: Complete with its key.
            transport: Exchanges it for a response.
            deadline: A time on the clock; None begins the total limit when the request has its turn at the gates.
            own_budget: The one that it counts in besides, if it does.
            may_have_arrived: Whether an earlier attempt of the call may have reached the server.

        Raises:
            TransportError: No complete response came, or the limits held the call back for too long.
            StatusError: The last response was an error.
        """
        failures: _Failures | None = None
        attempt = 0
        ended = self.clock()
        while True:
            if not self.limits.enter_at_once(own_budget=own_budget):
                await self._wait_for_turn(request, deadline, failures, own_budget=own_budget)
            attempt += 1
            began = self.clock()
            if deadline is None:
                deadline = self.start_deadline()
            outcome = None
            try:
                outcome = await self._attempt(request, transport, time_left=deadline - began)
            finally:
                self.limits.leave(own_budget=own_budget, let_through=_is_let_through(outcome))
                wait, ended = began - ended, self.clock()
                self._log(request, attempt, outcome, elapsed=ended - began, wait=wait)
            if isinstance(outcome, Response):
                request.delivery.status = outcome.status
                if own_budget == "heavy":  # Only of calls, times are compared; for all, it would be 1 % of a walk.
                    self.server_clock.note(outcome.headers, self.now)
                self.limits.told_budget.note(outcome.headers)
                pauses = read_pauses(outcome.headers)
                if pauses is not None:
                    self.limits.pause(pauses)
                if is_success(outcome.status):
                    return outcome
            if failures is None:
                failures = _Failures(deadline, own_budget=own_budget, may_have_arrived=may_have_arrived)
            done = await self._recover(request, outcome, failures, began)
            if done is not None:
                return done
            request = replace(request, delivery=Delivery())

    async def _wait_for_turn(
        self, request: Request, deadline: float | None, failures: _Failures | None, *, own_budget: OwnBudget | None
    ) -> None:
        """Wait until *request* may be sent; raise the last error, if there is one, when it can't be by *deadline*."""
        ends_at = math.inf if deadline is None else deadline
        attempts = 0 if failures is None else failures.attempts
        held_back = await self.limits.enter(ends_at, attempts, own_budget=own_budget, tell=self.tell_wait)
        if held_back is None:
            return
        reason = f"{held_back} within {self.timeouts.total} s, the total limit"
        if failures is not None and failures.error is not None:
            raise _with_notes(failures.error, attempts, reason)
        request.delivery.provably_unsent = True
        raise exchange_error(request, reason, limit="total")

    async def _recover(
        self, request: Request, outcome: Response | TransportError, failures: _Failures, sent_at: float
    ) -> Response | None:
        """Raise the error of an attempt if it is final, otherwise wait until the next one may be made.

        Returns:
            The response that the call ends with, if there is nothing left to do.
        """
        failures.attempts += 1
        if failures.may_have_arrived and _is_gone(request, outcome):
            return Response(status=HTTPStatus.NO_CONTENT.value)
        error = self.read_error(request, outcome) if isinstance(outcome, Response) else outcome
        failures.note(request, error)
        if isinstance(outcome, Response) and outcome.status == _TOO_MANY_REQUESTS:
            if self._is_final_refusal(request, outcome, failures, sent_at):
                raise _with_notes(error, failures.attempts)
            return None  # It is the gate that waits, and so do all other calls.
        failures.counted += 1
        delay = self._delay_after(failures.counted, error)
        if self._is_final(failures.counted, request, error) or self.clock() + delay >= failures.deadline:
            raise _with_notes(error, failures.attempts)
        self.tell_wait("retry", delay)
        await self.sleep(delay)
        return None

    async def _attempt(self, request: Request, transport: Transport, *, time_left: float) -> Response | TransportError:
        """Send *request* once. Errors are returned, so that they are raised without a context that knows the key."""
        attempt_limit = math.inf if self.timeouts.attempt is None else self.timeouts.attempt
        limit: Limit
        limit, seconds = ("attempt", attempt_limit) if attempt_limit < time_left else ("total", time_left)
        if time_left <= 0:
            request.delivery.provably_unsent = True
            return self._timed_out(request, limit)
        if not request.idempotent:
            request.delivery.sent_at = self.now()
        try:
            with TimeLimit(seconds) as timer:
                return await transport(request)
        except AmbiguousOutcomeError as error:
            error.sent_at = request.delivery.sent_at or error.sent_at
            return error
        except TransportError as error:
            return error
        except OSError as error:
            if not timer.expired:
                return exchange_error(request, type(error).__name__)
        return request.delivery.refusal or self._timed_out(request, limit)

    def _timed_out(self, request: Request, limit: Limit) -> TransportError:
        reason = f"no complete response within {getattr(self.timeouts, limit)} s, the {limit} limit"
        return exchange_error(request, reason, limit=limit)

    def _delay_after(self, attempt: int, error: ContactshipError) -> float:
        """Return how many seconds to wait after *attempt*, the first being 1."""
        if isinstance(error, StatusError) and error.retry_after is not None:
            return error.retry_after
        longest = self.policy.initial_delay * 2.0 ** min(attempt - 1, _MAX_EXPONENT)
        return self.rng() * min(self.policy.max_delay, longest)

    def _is_final(self, attempts: int, request: Request, error: ContactshipError) -> bool:
        if attempts >= self.policy.max_attempts or request.delivery.is_hopeless:
            return True
        if isinstance(error, StatusError):
            too_long = error.retry_after is not None and error.retry_after > self.policy.max_retry_after
            is_safe = request.idempotent or error.status in request.harmless_statuses
            return too_long or not (is_safe and self.policy.retries(error.status))
        return not isinstance(error, ConnectionFailedError | RequestTimeoutError)

    def _is_final_refusal(self, request: Request, refusal: Response, failures: _Failures, sent_at: float) -> bool:
        """Close the gates that a 429 closes, and return whether the call does not wait for them.

        That of whom a call is relayed to closes none: it says nothing of calls that go no further than the server.
        """
        if request.relayed:
            return True
        asked = read_retry_after(refusal.headers, refused=True)
        refused_since = self.limits.refuse(
            read_pauses(refusal.headers),
            None if asked is None else min(asked, self.policy.max_retry_after),
            sent_at=sent_at,
            own_budget=failures.own_budget,
        )
        failures.refused_since = max(refused_since, failures.refused_since or self.clock())
        return (
            self.policy.max_attempts == 1
            or not self.policy.retries(refusal.status)
            or (asked is not None and asked > self.policy.max_retry_after)
            or not (request.idempotent or is_rate_limiter(refusal.headers))
            or (self.timeouts.total is None and self.clock() - failures.refused_since >= _PATIENCE_SECONDS)
        )

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
            "request_id": request.redacted_id(outcome) if isinstance(outcome, Response) else None,
        }
        text = "{method} {path}: {outcome} after {elapsed:.3f} s (attempt {attempt}, waited {wait:.3f} s before it)"
        _LOGGER.log(level, text.format(outcome=facts["status"] or facts["error"], **facts), extra=facts)


@define
class _Failures:
    """What became of the attempts of one call so far.

    Args:
        deadline: A time on the clock.
        own_budget: The one that the request counts in besides, if it does.
        may_have_arrived: Whether one of them may have reached the server.

    Attributes:
        attempts: How many were made.
        counted: How many of them count: a rate limit is a wait, and uses up none.
        refused_since: When the first one was refused after the last success of anything, if one was.
        error: Of the last one.
    """

    deadline: float
    own_budget: OwnBudget | None
    may_have_arrived: bool
    attempts: int = 0
    counted: int = 0
    refused_since: float | None = None
    error: ContactshipError | None = None

    def note(self, request: Request, error: ContactshipError) -> None:
        """Note how an attempt ended, and let its error say whether any so far may have been processed."""
        self.may_have_arrived |= may_have_arrived_despite(request, error)
        error.may_have_been_processed = self.may_have_arrived
        self.error = error


def _is_let_through(outcome: Response | TransportError | None) -> bool:
    # A 5xx says nothing: it may come from before the rate limiter.
    return isinstance(outcome, Response) and outcome.status < _SERVER_ERROR and outcome.status != _TOO_MANY_REQUESTS


def _is_gone(request: Request, outcome: Response | TransportError) -> bool:
    return request.method == "DELETE" and isinstance(outcome, Response) and outcome.status == HTTPStatus.NOT_FOUND


def _with_notes(error: ContactshipError, attempts: int, reason: str | None = None) -> ContactshipError:
    if attempts > 1:
        error.add_note(f"{attempts} attempts were made.")
    if reason is not None:
        error.add_note(f"Not retried: {reason}.")
    return error
