"""The merge of many iterators (fan-in), whatever sources and consumers do."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator
from functools import partial
from random import Random

from attrs import define
from jumping_loop import run
from volume import Volume

from contactship_async._pool.merge import Merge


@define
class Source:
    """Some items, pauses between them, and a failure in the end."""

    name: str
    random: Random
    items: int
    fails: bool
    is_open: bool = False

    async def begin(self) -> AsyncGenerator[int, None]:
        """Yield the items."""
        self.is_open = True
        try:
            for item in range(self.items):
                await pause(self.random)
                yield item
            await pause(self.random)
            if self.fails:
                raise LookupError(self.name)
        finally:
            self.is_open = False


async def pause(random: Random) -> None:
    """Go on at once, after a turn of the loop, or later."""
    draw = random.random()
    if draw < 0.2:
        await asyncio.sleep(random.random())
    elif draw < 0.4:
        await asyncio.sleep(0)


def test_whatever_they_do(volume: Volume) -> None:
    """All items come in the order of their source; no more than allowed are open or queued; none is left open."""
    for seed in volume.seeds("merges", sample=200):
        check_merge(Random(seed))


def check_merge(random: Random) -> None:
    """Merge random sources, and check what comes."""
    max_active = random.randint(1, 5)
    sources = [Source(str(index), random, random.choice([0, 1, 3, 12]), random.random() < 0.2) for index in range(9)]
    leaves_after = random.choice([None, None, 0, 3, 20])

    async def main() -> dict[str, list[int]]:
        came = defaultdict(list)
        leaves_after_all = False
        merge = Merge([(source.name, partial(source.begin)) for source in sources], max_active)
        async with merge:
            async for name, item in merge:
                came[name].append(item)
                assert sum(source.is_open for source in sources) <= max_active
                assert len(merge._queue) <= max_active
                if leaves_after is not None and sum(map(len, came.values())) > leaves_after:
                    break
                await pause(random)
            else:
                leaves_after_all = True
        assert not any(source.is_open for source in sources)
        if not leaves_after_all:
            return came
        assert {source.name for source in sources if source.fails} == {name for name, _ in merge.failures}
        assert {source.name: source.items for source in sources if source.items} == {
            name: len(items) for name, items in came.items()
        }
        return came

    came = run(main())

    assert all(items == [*range(len(items))] for items in came.values())


def test_no_source_waits_for_ever() -> None:
    """Sources that suspend take turns: none waits until another has ended."""

    async def count(seconds: float) -> AsyncGenerator[float, None]:
        for _ in range(10):
            await asyncio.sleep(seconds)
            for _ in range(5):
                yield asyncio.get_running_loop().time() - 1000

    async def main() -> list[tuple[str, float]]:
        async with Merge([("slow", partial(count, 2)), ("quick", partial(count, 1))], 2) as merge:
            return [(name, time) async for name, time in merge]

    came = run(main())

    assert sorted(came, key=lambda item: item[1]) == came
    assert {"slow": 20, "quick": 10} == dict(came)


async def at_hand(items: int, *, after: float = 0.0) -> AsyncGenerator[int, None]:
    """Yield items without a pause between them."""
    await asyncio.sleep(after)
    for item in range(items):
        yield item


def test_items_at_hand_pass_in_one_go() -> None:
    """What a source has at hand is not mixed with what others have: its next page is asked for as soon as possible."""

    async def main() -> list[str]:
        sources = [(name, partial(at_hand, 8)) for name in "abc"]
        async with Merge(sources, 3) as merge:
            return [name async for name, _ in merge]

    assert ["a"] * 8 + ["b"] * 8 + ["c"] * 8 == run(main())


def test_late_source_goes_last() -> None:
    """A source whose items come while others wait passes after them, also if it comes just when one is woken."""

    async def main() -> list[str]:
        names = []
        sources = [("a", partial(at_hand, 2)), ("b", partial(at_hand, 8)), ("late", partial(at_hand, 8, after=1))]
        async with Merge(sources, 3) as merge:
            async for name, _ in merge:
                names.append(name)
                if len(names) == 2:
                    await asyncio.sleep(1)
        return names

    assert ["a"] * 2 + ["b"] * 8 + ["late"] * 8 == run(main())
