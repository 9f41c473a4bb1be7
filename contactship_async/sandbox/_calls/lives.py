"""How a call goes: which end it takes and how long its parts last, and where it is by what its row shows.

Source: https://docs.contactship.ai/api-reference/endpoint/get-call-status
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from random import Random
from typing import Any, Final, Literal, get_args

from attrs import frozen

Outcome = Literal["answered", "voicemail", "no_answer", "busy", "failed"]
"""Who picks up, in the words of `call_result`."""

OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
NOBODY: Final[Outcome] = "no_answer"
_WEIGHTS: Final = (70, 10, 10, 5, 5)

_ANALYSIS_SECONDS: Final = 2

CREDITS_PER_MINUTE: Final = 0.25  # a sum of these is exact in binary
_MINUTE: Final = timedelta(minutes=1)

STATUS_OF_OUTCOME: Final[Mapping[Outcome, str]] = {
    "answered": "completed",
    "voicemail": "voice_mail",
    "no_answer": "no-answer",
    "busy": "busy",
    "failed": "failed",
}

OUTCOME_OF_STATUS: Final[Mapping[str, Outcome]] = {
    **{status: outcome for outcome, status in STATUS_OF_OUTCOME.items()},
    "answering-machine": "voicemail",
    "incomplete": "no_answer",
}
"""What the `call_result` is of a call that has ended; there is none of the others."""

REASON_OF_OUTCOME: Final[Mapping[Outcome, str]] = {
    "answered": "user_hangup",
    "voicemail": "agent_hangup",
    "no_answer": "no_answer",
    "busy": "no_answer",  # No documented reason is nearer.
    "failed": "failed",
}

_LIVE: Final[Mapping[str, str]] = {
    "scheduled": "scheduled",
    "in-queue": "in_queue",
    "in-progress": "in_progress",
    "completed": "ended",
    "incomplete": "ended",
    "voice_mail": "voicemail",
    "answering-machine": "voicemail",
    "no-answer": "no_answer",
    "busy": "no_answer",  # The live words have none for it.
    "failed": "failed",
}
"""The words of the live status for those that calls are listed with."""

WAITING: Final = ("scheduled", "in_queue")
"""The live status of a call that is not on the phone yet."""

ON_THE_PHONE: Final = ("pending", "in_progress")
"""The live status of a call that rings, and of one that was picked up."""


@frozen
class Life:
    """How a call is going to go.

    Args:
        outcome: Who picks up.
        queued: From its beginning until the phone rings.
        ringing: From then until somebody picks up, or it is given up.
        analysing: From its end until recording, analysis and transcript are there.
        speed: How many times as fast as usual it proceeds, which the others follow.
    """

    outcome: Outcome
    queued: timedelta
    ringing: timedelta
    analysing: timedelta
    speed: float


def draw_life(random: Random, speed: float, outcome: Outcome | None = None) -> Life:
    """Draw how a call goes; the *outcome*, where it is given, shifts nothing that is drawn later."""
    [drawn] = random.choices(OUTCOMES, _WEIGHTS)
    queued, ringing = 1 + random.random(), 3 + 3 * random.random()
    return Life(
        outcome or drawn,
        queued=timedelta(seconds=queued / speed),
        ringing=timedelta(seconds=ringing / speed),
        analysing=timedelta(seconds=_ANALYSIS_SECONDS / speed),
        speed=speed,
    )


def is_picked_up(outcome: Outcome) -> bool:
    """Return whether somebody, or a machine, picks up."""
    return outcome in {"answered", "voicemail"}


def price_of(talk: timedelta) -> float:
    """Return the credits that a call costs: so many for each minute that began since it was picked up."""
    return CREDITS_PER_MINUTE * -(-talk // _MINUTE)


def live_status_of(row: Mapping[str, Any]) -> str:
    """Return where a call is, in the words of the live status."""
    if row["call_status"] == "in-progress" and row["start_at"] is None:
        return "pending"
    return _LIVE[row["call_status"]]
