"""Polling: one call over and over, until its response shows that what is waited for has happened.

A poll is one attempt, and its retry is the next poll: a server that fails is asked no more often than one that does
not. All polls of a client pass a gate of their own before those of all calls (`Limits.polls`): never more in a window
than a share of the organization's budget, so that any number of waits leaves most of it to other calls, and few at
once. Few are in flight, too, so that those held back by a closed gate don't queue up before other calls.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, TypeVar

from attrs import evolve

from contactship_async._http.caller import Caller
from contactship_async._http.gate import Entrant
from contactship_async._http.messages import Request
from contactship_async._http.rate_limits import Limits
from contactship_async._http.responses import read_object
from contactship_async._http.secret import Secret
from contactship_async._http.session import Call, WalkSession
from contactship_async.errors import (
    AuthenticationError,
    ConnectionFailedError,
    ContactshipError,
    RequestTimeoutError,
    StatusError,
)
from contactship_async.settings import RateLimit, RetryPolicy

T = TypeVar("T")

_BUDGET_IF_NOT_TOLD: Final = RateLimit(120, per_seconds=60)
"""What the documentation names: https://docs.contactship.ai/api-reference/rate-limits"""

_SHARE: Final = 1 / 4
"""How much of the organization's budget all polls of a client take together."""

_MAX_POLLS_AT_ONCE: Final = 5

_USUAL_RETRIES: Final = RetryPolicy()


async def poll(
    caller: Caller, request: Request, returns: type[T], is_done: Callable[[T], bool], *, interval: float
) -> T:
    """Send *request* until what comes back is done, and return that.

    Failures that may pass are waited out, whatever the client's `RetryPolicy`, and for as long as they take.

    Args:
        caller: The caller of the client.
        request: As `build_request` made it.
        returns: The class of the object that comes back.
        is_done: Tells whether that shows what is waited for.
        interval: How many seconds to wait between two polls at least.

    Raises:
        ClientClosedError: The client was closed after the first poll had begun.
        MalformedResponseError: What came back is none of *returns*.
        ContactshipError: A poll failed in a way that does not pass.
    """
    policy = evolve(caller.attempts.policy, max_attempts=1)
    once = evolve(caller, attempts=evolve(caller.attempts, policy=policy))
    walk = WalkSession()
    seconds = 0.0
    may_have_new_key = not isinstance(caller.api_key, Secret)
    while True:
        await _wait_for_turn(caller, walk, seconds)
        try:
            response = await once.exchange(request, of_walk=walk)
        except AuthenticationError:
            if not may_have_new_key:
                raise
            may_have_new_key = False  # It was forgotten, and the next poll fetches it anew.
        except ContactshipError as error:
            if not _may_pass(error):
                raise
        else:
            may_have_new_key = not isinstance(caller.api_key, Secret)
            polled = read_object(response, returns)
            if is_done(polled):
                return polled
        finally:
            caller.attempts.limits.polls.leave()
        seconds = interval


async def _wait_for_turn(caller: Caller, walk: WalkSession, seconds: float) -> None:
    """Wait for *seconds*, and then until a poll may be sent; it is counted as sent."""
    limits = caller.attempts.limits
    with Call(caller.connection.get_session(walk)) as call:
        if seconds:
            await caller.attempts.sleep(seconds)
        async with limits.polls.turn(0):
            limits.polls.rate_limit = _choose_pace(limits)
            await limits.polls.wait(Entrant(math.inf, 0, lambda *_: None, came_first=False))
            limits.polls.enter()
        return
    raise call.error()


def _choose_pace(limits: Limits) -> RateLimit:
    """Return how often to poll: by what the server last told of the budget, and by the client's own limit."""
    told = limits.told_budget.read()
    budget = _BUDGET_IF_NOT_TOLD
    if told is not None and told.limit_requests is not None:
        budget = RateLimit(max(told.limit_requests, 1), budget.per_seconds)
    own = limits.organization.rate_limit or budget
    return min(map(_take_share, (budget, own)), key=lambda pace: pace.requests / pace.per_seconds)


def _take_share(budget: RateLimit) -> RateLimit:
    """Return the share of *budget* for polls, in parts of its window: used up at once, it would leave a silence."""
    polls = budget.requests * _SHARE
    if polls < 1:
        return RateLimit(1, budget.per_seconds / polls)
    parts = math.ceil(polls / _MAX_POLLS_AT_ONCE)
    return RateLimit(math.floor(polls / parts), budget.per_seconds / parts)


def _may_pass(error: ContactshipError) -> bool:
    if isinstance(error, StatusError):
        return _USUAL_RETRIES.retries(error.status)
    if isinstance(error, ConnectionFailedError):
        return not error.is_hopeless
    return isinstance(error, RequestTimeoutError)
