"""The gates that a request passes before it is sent.

Each attempt passes two gates, its organization's and its address's: the API counts both. The clients of a pool share
the second. Requests of heavy listings pass a third one first, which delays no others: the API counts these separately
as well (https://docs.contactship.ai/api-reference/rate-limits), and so do those of events
(https://docs.contactship.ai/api-reference/endpoint/send-events). At the gate of the address, each organization has one
place in the queue. Polls wait at one before all these, so that they leave most of the budget to other calls.

A waiting request holds nothing: cancelling it leaves the gates as they are.
"""

from __future__ import annotations

import asyncio
import math
from enum import Enum
from typing import Final, Literal, TypeAlias

from attrs import field, frozen

from contactship_async._http.budget import ToldBudget
from contactship_async._http.gate import Entrant, Gate, Hold, TellWait
from contactship_async._http.rate_limit_headers import Pauses

OwnBudget: TypeAlias = Literal["heavy", "events"]
"""The budgets that some requests count in besides: those of heavy listings, and those of events and identification."""

_MAX_POLLS_IN_FLIGHT: Final = 4
"""As many as are sent within 8 seconds, if the budget is the documented one."""


class _Turn(Enum):
    """What became of the turn at a gate."""

    TAKEN = "all gates were open at once"
    LOST = "a gate before has closed meanwhile"


@frozen
class Limits:
    """The gates of a client. Each request passes two of them, and three if it has a budget of its own.

    Args:
        organization: The budget of the organization, and the pauses it was asked for.
        address: The budget of this machine's address and the connections, which all clients of a pool share.
        heavy: The budget that the organization's heavy listings have besides, and its pauses.
        events: The same of events and identification; no limit is built in, as none is documented.
        told_budget: What the server last said of the organization's budgets.
        polls: Spaces the polls of all that wait for something; see `polling`.
    """

    organization: Gate = field(factory=Gate)
    address: Gate = field(factory=Gate)
    heavy: Gate = field(factory=Gate)
    events: Gate = field(factory=Gate, kw_only=True)
    told_budget: ToldBudget = field(factory=ToldBudget, kw_only=True)
    polls: Gate = field(factory=lambda: Gate(max_in_flight=_MAX_POLLS_IN_FLIGHT), kw_only=True)
    _gates: dict[OwnBudget | None, tuple[Gate, ...]] = field(init=False)

    @_gates.default
    def _gates_of_requests(self) -> dict[OwnBudget | None, tuple[Gate, ...]]:
        usual = self.organization, self.address
        return {None: usual, "heavy": (self.heavy, *usual), "events": (self.events, *usual)}

    def enter_at_once(self, *, own_budget: OwnBudget | None) -> bool:
        """Count a request, if it may be sent without waiting; most may, and save the coroutine of `enter`.

        Args:
            own_budget: The one that the request counts in besides, if it does.
        """
        gates = self._gates[own_budget]
        for gate in gates:
            if not gate.is_open():
                return False
        for gate in gates:
            gate.enter()
        return True

    async def enter(
        self, deadline: float, attempts: int, *, own_budget: OwnBudget | None = None, tell: TellWait = lambda *_: None
    ) -> str | None:
        """Wait until a request may be sent and count it, or return the reason why it can't be by *deadline*.

        Args:
            deadline: A time on the clock of the gates.
            attempts: How often the request was sent before.
            own_budget: The one that the request counts in besides, if it does.
            tell: Is told of each wait when it begins.
        """
        if self.enter_at_once(own_budget=own_budget):
            return None
        gates = self._gates[own_budget]
        hold = max((gate.hold(attempts) for gate in gates), key=lambda each: each.seconds)
        time_left = deadline - self.organization.clock()
        if hold.seconds <= time_left:
            try:
                async with asyncio.timeout(None if time_left == math.inf else time_left):
                    entrant = Entrant(deadline, attempts, tell, came_first=not gates[0].has_queue)
                    outcome = await self._take_turns(gates, 0, entrant)
            except TimeoutError:
                return "its turn in its own client's queue did not come"
            if isinstance(outcome, _Turn):
                return None
            hold = outcome
        who = "rate limits hold" if hold.by_server else "its own client's queue holds"
        return f"{who} it back for another {hold.seconds:.1f} s, and so it can't end"

    def leave(self, *, own_budget: OwnBudget | None = None, let_through: bool = False) -> None:
        """Count a request that has its response, or gets none.

        Args:
            own_budget: The one that the request counts in besides, if it does.
            let_through: Whether its response shows that no rate limiter refused it.
        """
        for gate in self._gates[own_budget]:
            gate.leave()
            if let_through and gate.is_backing_off:
                gate.succeed()

    def pause(self, pauses: Pauses) -> None:
        """Close the gates of the budgets that are used up."""
        for gate, seconds in (
            (self.organization, pauses.organization),
            (self.address, pauses.address),
            (self.heavy, pauses.heavy),
        ):
            if seconds:
                gate.pause(seconds)

    def refuse(
        self, named: Pauses | None, asked: float | None, *, sent_at: float, own_budget: OwnBudget | None = None
    ) -> float:
        """Close the gates of the budgets that a 429 calls used up, or else the nearest one.

        Args:
            named: The budgets that it calls used up.
            asked: For how many seconds the server asks to wait; None if it does not say.
            sent_at: When the refused request was sent.
            own_budget: The one that the request counts in besides, if it does.

        Returns:
            Since when there has been no success at any of them.
        """
        gates = [
            gate
            for gate, is_named in (
                (self.organization, named is not None and named.organization is not None),
                (self.address, named is not None and named.address is not None),
                (self.heavy, own_budget == "heavy" and named is not None and named.heavy is not None),
            )
            if is_named
        ]
        return max(gate.refuse(asked, sent_at=sent_at) for gate in gates or self._gates[own_budget][:1])

    async def _take_turns(self, gates: tuple[Gate, ...], place: int, entrant: Entrant) -> Hold | _Turn:
        """Wait at the gate at *place* and at those behind it, and count the request when all are open at once.

        A request that waits at a gate holds the turns at those before it, and none at those behind: others pass there.

        Returns:
            What keeps one of the gates closed if that is beyond its deadline, or what became of the turn.
        """
        is_last = place == len(gates) - 1
        async with gates[place].turn(0 if is_last else entrant.attempts):
            while True:
                hold = await gates[place].wait(entrant)
                if hold is not None:
                    return hold
                if not all(earlier.is_open(in_turn=True) for earlier in gates[:place]):
                    return _Turn.LOST
                if is_last:
                    for gate in gates:
                        gate.enter()
                    return _Turn.TAKEN
                outcome = await self._take_turns(gates, place + 1, entrant)
                if outcome is not _Turn.LOST:
                    return outcome
