"""Rate limits: budgets, pauses, the order of waiting requests, and what cancelling one of them leaves behind."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Sequence
from itertools import pairwise

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st
from jumping_loop import JumpingLoop, run

from contactship_async._http.gate import Gate
from contactship_async._http.rate_limits import Limits, OwnBudget
from contactship_async.settings import RateLimit


def now() -> float:
    """Return the time of the running loop."""
    return asyncio.get_running_loop().time()


def gate(rate_limit: RateLimit | None = None, max_in_flight: float = math.inf, rng: float = 0.0) -> Gate:
    """Make a gate that uses the clock of the running loop, and draws *rng*."""
    return Gate(rate_limit, max_in_flight, clock=now, rng=lambda: rng)


@define
class Callers:
    """Calls that pass the gates of one organization, take some time each, and note when they passed."""

    limits: Limits
    seconds: float = 0.0
    passed: list[tuple[str, float]] = field(factory=list)
    refused: list[tuple[str, str]] = field(factory=list)

    async def call(self, name: str = "", *, attempts: int = 0, deadline: float = math.inf, heavy: bool = False) -> None:
        """Pass, and leave after a while."""
        own_budget: OwnBudget | None = "heavy" if heavy else None
        reason = await self.limits.enter(deadline, attempts, own_budget=own_budget)
        if reason is not None:
            self.refused.append((name, reason))
            return
        self.passed.append((name, now()))
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.limits.leave(own_budget=own_budget)

    @property
    def names(self) -> list[str]:
        """The names of the calls that passed, in order."""
        return [name for name, _ in self.passed]

    @property
    def times(self) -> list[float]:
        """When they passed, in seconds from the beginning."""
        return [time - 1000 for _, time in self.passed]


async def at_once(*calls: Awaitable[None]) -> None:
    """Begin *calls* in their order, and wait for all."""
    async with asyncio.TaskGroup() as group:
        for call in calls:
            group.create_task(_await(call))
            await asyncio.sleep(0)


async def _await(call: Awaitable[None]) -> None:
    await call


def test_budget() -> None:
    """As many requests pass at once as the budget has; the next one passes when the first has left the window."""

    async def main() -> list[float]:
        callers = Callers(Limits(gate(RateLimit(3, 60))))
        await callers.call()
        await asyncio.sleep(50)
        await at_once(*(callers.call() for _ in range(7)))
        return callers.times

    assert [0, 50, 50, 60, 110, 110, 120, 170] == run(main())


@given(
    budget=st.integers(1, 5),
    window=st.floats(0.001, 100),
    pauses=st.lists(st.floats(0, 100), min_size=1, max_size=30),
)
def test_no_window_sees_more_than_the_budget(budget: int, window: float, pauses: Sequence[float]) -> None:
    """Whenever calls come, a window that begins with any of them holds no more than the budget; none waits in vain."""

    async def main() -> list[float]:
        callers = Callers(Limits(gate(RateLimit(budget, window))))
        async with asyncio.TaskGroup() as group:
            for pause in pauses:
                await asyncio.sleep(pause)
                group.create_task(callers.call())
        return callers.times

    times = run(main())

    assert len(pauses) == len(times)
    assert all(later >= earlier + window * (1 - 1e-9) for earlier, later in zip(times, times[budget:], strict=False))


def test_two_budgets() -> None:
    """A request is counted where it passes: waiting for one budget uses up nothing of the other."""

    async def main() -> tuple[list[float], list[float]]:
        address = gate(RateLimit(2, 10))
        first = Callers(Limits(gate(RateLimit(2, 60)), address))
        second = Callers(Limits(gate(RateLimit(2, 60)), address))
        await at_once(*(callers.call() for callers in (first, second) for _ in range(2)))
        await at_once(*(second.call() for _ in range(2)))
        return first.times, second.times

    assert ([0, 0], [10, 10, 70, 70]) == run(main())


def test_pause() -> None:
    """No request passes before the pause is over; those that waited are released a little apart, but for the last."""

    async def main() -> list[float]:
        organization = gate(rng=0.5)
        callers = Callers(Limits(organization))
        organization.pause(60)
        await at_once(*(callers.call() for _ in range(3)))
        await at_once(*(callers.call() for _ in range(3)))
        return callers.times

    assert pytest.approx([60.005, 60.01, 60.015, 60.015, 60.015, 60.015]) == run(main())


def test_longer_pause_wins() -> None:
    """A pause is never cut short, and may grow while requests wait for its end."""

    async def main() -> list[float]:
        organization = gate()
        callers = Callers(Limits(organization))
        organization.pause(10)
        organization.pause(1)
        async with asyncio.TaskGroup() as group:
            group.create_task(callers.call())
            await asyncio.sleep(5)
            organization.pause(10)
        return callers.times

    assert [15] == run(main())


def test_pause_while_waiting_for_the_address() -> None:
    """An organization that is paused while it waits for the address does not pass, nor holds it up for others."""

    async def main() -> tuple[list[float], list[float]]:
        address = gate()
        first, second = Callers(Limits(gate(), address)), Callers(Limits(gate(), address))
        address.pause(10)
        async with asyncio.TaskGroup() as group:
            group.create_task(first.call())
            await asyncio.sleep(1)
            first.limits.organization.pause(30)
            group.create_task(second.call())
        return first.times, second.times

    assert ([31], [10]) == run(main())


def test_only_one_organization_is_paused() -> None:
    """A pause of one organization holds up no other; one of the address all."""

    async def main() -> tuple[list[float], list[float]]:
        address = gate()
        first, second = Callers(Limits(gate(), address)), Callers(Limits(gate(), address))
        first.limits.organization.pause(10)
        await at_once(first.call(), second.call())
        address.pause(10)
        await at_once(first.call(), second.call())
        return first.times, second.times

    assert ([10, 20], [0, 20]) == run(main())


def test_order() -> None:
    """Waiting requests are served first in, first out; those with more attempts go ahead of the others."""

    async def main() -> list[str]:
        organization = gate()
        callers = Callers(Limits(organization))
        organization.pause(1)
        await at_once(
            *(callers.call(name, attempts=int(name[0])) for name in ["0a", "0b", "1a", "3a", "2a", "9a", "0c", "1b"])
        )
        return callers.names

    assert ["0a", "3a", "9a", "2a", "1a", "1b", "0b", "0c"] == run(main())


def test_no_request_overtakes() -> None:
    """A request that comes when the gate opens is queued behind those that wait."""

    async def main() -> list[str]:
        organization = gate()
        callers = Callers(Limits(organization))
        organization.pause(10)
        async with asyncio.TaskGroup() as group:
            for name in "abc":
                group.create_task(callers.call(name))
            await asyncio.sleep(10)
            await callers.call("late")
        return callers.names

    assert ["a", "b", "c", "late"] == run(main())


def test_organizations_take_turns() -> None:
    """At the gate of the address, an organization with many requests has one place."""

    async def main() -> list[str]:
        address = gate(RateLimit(1, 1))
        passed: list[tuple[str, float]] = []
        busy, idle = (Callers(Limits(gate(), address), passed=passed) for _ in range(2))
        await busy.call("first")
        await at_once(*(busy.call("busy") for _ in range(4)), *(idle.call("idle") for _ in range(2)))
        return [name for name, _ in passed]

    assert ["first", "busy", "idle", "busy", "idle", "busy", "busy"] == run(main())


@pytest.mark.parametrize("most", [(2, math.inf), (math.inf, 2)])
def test_connections(most: tuple[float, float]) -> None:
    """No more requests are in flight than there are connections."""

    async def main() -> list[float]:
        callers = Callers(Limits(*(gate(max_in_flight=each) for each in most)), seconds=5)
        await at_once(*(callers.call() for _ in range(5)))
        return callers.times

    assert [0, 0, 5, 5, 10] == run(main())


def test_pause_and_connections() -> None:
    """A free connection is no use during a pause, nor the end of a pause without one."""

    async def main() -> list[float]:
        address = gate(max_in_flight=1)
        callers = Callers(Limits(gate(), address), seconds=5)
        async with asyncio.TaskGroup() as group:
            group.create_task(callers.call())
            await asyncio.sleep(1)
            address.pause(10)
            for _ in range(2):
                group.create_task(callers.call())
        return callers.times

    assert [0, 11, 16] == run(main())


@pytest.mark.parametrize("waits", [1, 7, 13])
@pytest.mark.parametrize("victims", [{1}, {0}, {0, 1, 2}, {3}])
def test_cancelled_waiters(waits: float, victims: set[int]) -> None:
    """A request cancelled while it waits leaves no trace: all others pass when they would have, or earlier."""

    async def main() -> tuple[list[str], list[float]]:
        callers = Callers(Limits(gate(RateLimit(1, 5)), gate(max_in_flight=1)))
        await callers.call("first")
        tasks = [asyncio.create_task(callers.call(str(index), attempts=int(index == 2))) for index in range(4)]
        await asyncio.sleep(waits)
        for index in victims:
            tasks[index].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await callers.call("last")
        return callers.names, callers.times

    names, times = run(main())
    order = ["first", "0", "2", "1", "3", "last"]
    passed_before = {name for name in order if 5 * order.index(name) <= waits}
    gone = {str(index) for index in victims} - passed_before

    assert [name for name in order if name not in gone] == names
    assert [5 * place for place in range(len(names))] == pytest.approx(times)


@pytest.mark.parametrize(
    ("rate_limit", "pause", "ahead", "deadline", "reason"),
    [
        (None, 100, 0, 99, "rate limits hold it back for another 100.0 s"),
        (None, 100, 5, 99, "rate limits hold it back for another 100.0 s"),
        (RateLimit(1, 60), 0, 0, 59, "its own client's queue holds it back for another 60.0 s"),
        (RateLimit(1, 60), 0, 2, 179, "its own client's queue holds it back for another 180.0 s"),
        (RateLimit(2, 60), 0, 3, 119, "its own client's queue holds it back for another 120.0 s"),
        (RateLimit(1, 60), 61, 0, 59, "rate limits hold it back for another 61.0 s"),
    ],
)
def test_wait_that_is_known_to_be_too_long(
    rate_limit: RateLimit | None, pause: float, ahead: int, deadline: float, reason: str
) -> None:
    """A request that can't pass before the deadline fails at once: how long it would have to wait, and for whom."""

    async def main() -> tuple[float, list[tuple[str, str]]]:
        organization = gate(rate_limit)
        callers = Callers(Limits(organization))
        for _ in range(rate_limit.requests if rate_limit else 0):
            await callers.call()
        organization.pause(pause)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(callers.call()) for _ in range(ahead)]
            await asyncio.sleep(0)
            await callers.call("late", deadline=now() + deadline)
            refused_at = now()
            for task in tasks:
                task.cancel()
        return refused_at - 1000, callers.refused

    refused_at, refused = run(main())

    assert 0 == refused_at
    assert [("late", f"{reason}, and so it can't end")] == refused


@pytest.mark.parametrize(("ahead", "seconds"), [(0, 10), (1, 60), (2, 70), (3, 120), (4, 130), (5, 180)])
def test_known_wait_behind_a_pause(ahead: int, seconds: float) -> None:
    """What is known at once is the pause, what is left of the budget behind it, and the windows after that."""

    async def main() -> float:
        organization = gate(RateLimit(2, 60))
        await Callers(Limits(organization)).call()
        organization.pause(10)
        return organization.opens_at(ahead) - now()

    assert seconds == run(main())


def test_staggered_release_ends() -> None:
    """While new requests keep coming, they are released apart for a tenth of the pause, and then as they come."""

    async def main() -> list[float]:
        organization = gate(rng=1.0)
        callers = Callers(Limits(organization))
        organization.pause(60)
        async with asyncio.TaskGroup() as group:
            for _ in range(2000):
                group.create_task(callers.call())
        return callers.times

    times = run(main())
    apart = [later - earlier for earlier, later in pairwise(times)]

    assert 0.01 == pytest.approx(apart[0])
    assert 598 <= sum(each > 0 for each in apart) <= 602
    assert 66 <= times[-1] < 66.1


@pytest.mark.parametrize("which", ["organization", "address"])
def test_wait_that_grows_too_long(which: str) -> None:
    """A pause that is prolonged beyond the deadline of a waiting request ends its wait."""

    async def main() -> tuple[float, list[tuple[str, str]]]:
        limits = Limits(gate(), gate())
        callers = Callers(limits)
        paused: Gate = getattr(limits, which)
        paused.pause(10)
        async with asyncio.TaskGroup() as group:
            group.create_task(callers.call("x", deadline=now() + 30))
            await asyncio.sleep(5)
            paused.pause(100)
        return now() - 1000, callers.refused

    assert (10, [("x", "rate limits hold it back for another 95.0 s, and so it can't end")]) == run(main())


def test_turn_that_does_not_come() -> None:
    """A request that waits for a connection fails at its deadline, and blocks no other one."""

    async def main() -> tuple[float, list[tuple[str, str]], list[str]]:
        callers = Callers(Limits(gate(), gate(max_in_flight=1)), seconds=20)
        async with asyncio.TaskGroup() as group:
            group.create_task(callers.call("first"))
            await asyncio.sleep(0)
            await callers.call("second", deadline=now() + 10)
            refused_at = now()
            group.create_task(callers.call("third"))
        return refused_at - 1000, callers.refused, callers.names

    refused = [("second", "its turn in its own client's queue did not come")]
    assert (10, refused, ["first", "third"]) == run(main())


def test_gates_serve_several_loops() -> None:
    """What waited in one loop does not tie the gates to it, and what was sent there still counts."""
    limits = Limits(gate(RateLimit(1, 5)))

    async def main() -> list[float]:
        callers = Callers(limits)
        await at_once(*(callers.call() for _ in range(3)))
        return callers.times

    assert [0, 5, 10] == run(main())
    assert [15, 20, 25] == run(main())


def heavy_limits(
    organization: RateLimit | None = None, heavy: RateLimit | None = None, max_in_flight: float = math.inf
) -> Limits:
    """Make the limits of a client with a budget for heavy listings."""
    return Limits(gate(organization), gate(max_in_flight=max_in_flight), gate(heavy))


def test_heavy_budget_is_that_of_heavy_listings_alone() -> None:
    """When it is used up, the next heavy request waits for its window, and all others pass."""

    async def main() -> None:
        callers = Callers(heavy_limits(heavy=RateLimit(2, 60)))
        await at_once(
            *(callers.call(f"heavy {place}", heavy=True) for place in range(3)),
            *(callers.call(f"usual {place}") for place in range(3)),
        )

        assert [0, 0, 0, 0, 0, 60] == callers.times
        assert ["heavy 0", "heavy 1", "usual 0", "usual 1", "usual 2", "heavy 2"] == callers.names

    run(main())


def test_heavy_requests_count_twice() -> None:
    """They use up the organization's budget as well, and wait for it."""

    async def main() -> None:
        callers = Callers(heavy_limits(RateLimit(3, 60), RateLimit(9, 60)))
        await at_once(
            callers.call("heavy", heavy=True), callers.call("usual"), callers.call("usual"),
            callers.call("late", heavy=True), callers.call("later"),
        )  # fmt: skip

        assert [0, 0, 0, 60, 60] == callers.times
        assert ["late", "later"] == callers.names[3:]

    run(main())


def test_a_gate_that_closes_meanwhile_is_waited_for_again() -> None:
    """Who has passed the heavy gate, and waits at another, goes back when it closes, and lets the others pass."""

    async def main() -> None:
        limits = heavy_limits(max_in_flight=1)
        callers = Callers(limits, seconds=10)
        calls = [asyncio.create_task(callers.call("usual")), asyncio.create_task(callers.call("heavy", heavy=True))]
        await asyncio.sleep(5)
        limits.heavy.pause(60)
        calls.append(asyncio.create_task(callers.call("another")))
        await asyncio.gather(*calls)

        assert [("usual", 1000), ("another", 1010), ("heavy", 1065)] == callers.passed

    run(main())


def test_heavy_requests_that_come_too_late_say_why() -> None:
    """The wait for the heavy budget is known before, and one that is cancelled leaves its place to the next."""

    async def main() -> None:
        callers = Callers(heavy_limits(heavy=RateLimit(1, 60)))
        await callers.call("first", heavy=True)
        await callers.call("hasty", heavy=True, deadline=now() + 59)
        waiting = asyncio.create_task(callers.call("cancelled", heavy=True))
        await asyncio.sleep(1)
        next_one = asyncio.create_task(callers.call("next", heavy=True))
        waiting.cancel()
        await next_one

        assert [
            ("hasty", "its own client's queue holds it back for another 60.0 s, and so it can't end")
        ] == callers.refused
        assert [("first", 1000), ("next", 1060)] == callers.passed

    run(main())


@given(
    st.lists(st.tuples(st.floats(0, 100), st.booleans()), max_size=40),
    st.integers(1, 9),
    st.integers(1, 9),
)
def test_no_window_sees_more_than_either_budget(calls: list[tuple[float, bool]], usual: int, heavy: int) -> None:
    """Whatever comes when: all pass, no window of either budget sees more than it has, and no gate is left changed."""

    async def main() -> None:
        limits = heavy_limits(RateLimit(usual, 10), RateLimit(heavy, 10))
        callers = Callers(limits, seconds=0.5)

        async def call(after: float, is_heavy: bool) -> None:
            await asyncio.sleep(after)
            await callers.call("heavy" if is_heavy else "usual", heavy=is_heavy)

        await asyncio.gather(*(call(*each) for each in calls))

        assert len(calls) == len(callers.passed)
        for budget, times in (
            (usual, sorted(time for _, time in callers.passed)),
            (heavy, sorted(time for name, time in callers.passed if name == "heavy")),
        ):
            assert all(earlier + 10 <= later for earlier, later in zip(times, times[budget:], strict=False))
        assert {0} == {each._get_requests().in_flight for each in (limits.organization, limits.address, limits.heavy)}
        assert {0} == {each._get_requests().waiting for each in (limits.organization, limits.address, limits.heavy)}

    run(main())


def test_requests_that_another_loop_has_left() -> None:
    """Requests in flight and waiting in a loop that stands still take up no places in the next one, then or later."""
    places = gate(max_in_flight=1)
    callers = Callers(Limits(address=places), seconds=1)
    left, right = JumpingLoop(), JumpingLoop()
    calls = [left.create_task(callers.call(name)) for name in ("in flight", "waiting")]
    left.run_until_complete(asyncio.sleep(0.01))
    assert ["in flight"] == [name for name, _ in callers.passed]

    right.run_until_complete(asyncio.wait_for(callers.call("next"), 5))
    for call in calls:
        call.cancel()
    left.run_until_complete(asyncio.gather(*calls, return_exceptions=True))

    assert ["in flight", "next"] == [name for name, _ in callers.passed]
    left.close()
    right.close()
