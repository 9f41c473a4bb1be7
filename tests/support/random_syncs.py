"""Random stories of organizations that change and of syncs of them, judged by a model of what is left in the database.

From the root of the project, `PYTHONPATH=tests/support python -m random_syncs 5000 --database duckdb` (or `postgres`)
runs that many syncs, and fails if one of them left anything else than the model says. `--seed` tells one story again,
step by step.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from copy import deepcopy
from datetime import timedelta, timezone
from itertools import count
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final

from attrs import define, evolve, field
from killed_syncs import Killer, killer
from postgresql_server import find_programs, find_user, run_postgresql
from sync_judge import Judge
from sync_rows import CALLS, COMMENTS, KINDS, PHONE_NUMBERS, TAGS, Kind
from sync_runs import SINGLE, Ask, Run
from sync_tables import Database, DuckDB, PostgreSQL
from sync_world import Fault, Organization, World, days, failures_of

from contactship_async.sync import ParquetTarget, SyncResult, apply_parquet

Databases = Callable[[str], AbstractContextManager[Database]]
"""Makes an empty database for a story, and removes it after it."""

_OWNERS: Final = ("c-1", "c'2")
_NAMES: Final = ("acme", "o'hare", 'quo"te; --', "Ünï 😀", "null")


_HOUR: Final = 3_600_000_000

_RULES: Final = ("max_retired", "accept_new_organization", "keep_history", "dry_run")
"""The options that say what may be applied."""


def now() -> int:
    """Return the time, in microseconds since 1970."""
    return time.time_ns() // 1000


@define
class Story:
    """One target, some organizations, and what happens to them.

    Args:
        seed: Of all that is drawn.
        database: The target.
        killer: Runs syncs in processes that are killed; None where none are.
        steps: What has happened, for people.
        ways: How many syncs there were of each kind.
        notes: What else is worth counting.
    """

    seed: object
    database: Database
    killer: Killer | None = None
    steps: list[str] = field(factory=list)
    ways: Counter[str] = field(factory=Counter)
    notes: Counter[str] = field(factory=Counter)
    _is_set_back: bool = False
    _random: Random = field(init=False)
    _world: World = field(init=False)
    _judge: Judge = field(init=False)
    _keys: dict[str, str] = field(init=False)
    _paths: list[tuple[Kind, str]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        random = self._random = Random(f"{self.seed}")
        kinds = random.sample(KINDS, random.choice([1, 1, 1, 2]))
        if random.random() < 0.4 and CALLS not in kinds:  # windows are the hardest
            kinds.append(CALLS)
        self._paths = [
            (kind, kind.path.format(owner)) for kind in kinds for owner in (_OWNERS if kind is COMMENTS else ("",))
        ]
        names = random.choice(
            [[SINGLE], [SINGLE], random.sample(_NAMES, 2), random.sample(_NAMES, random.choice([2, 3]))]
        )
        self._keys = {name: f"key-{place}" for place, name in enumerate(names)}
        zone = timezone(timedelta(hours=random.choice([0, 0, -12, 14, 5.5])))
        self._world = World(Random(random.random()), zone=zone)
        self._judge = Judge(self._world)
        for key in self._keys.values():
            self._world.organizations[key] = Organization(f"of-{key}")

    async def play(self) -> None:
        """Let it happen.

        Raises:
            AssertionError: Something else was left than the model says.
        """
        random = self._random
        spans = [days(random.choice([0, 0, 0, 0, 1, 2, 5, 20])) for _ in range(random.randrange(3, 11))]
        if random.random() < 0.4:  # no days pass: to tell a database that they do takes time
            spans = [0] * len(spans)
            self._is_set_back = random.random() < 0.5  # as often as not
        try:
            for place in range(len(spans)):
                self._judge.later = sum(spans[place + 1 :])  # The last step is now.
                self._change(is_first=place == 0)
                await self._sync()
        except Exception as error:
            error.add_note("\n".join([f"the story of seed {self.seed}:", *self.steps]))
            raise

    def _created(self) -> int:
        age = days(self._random.choice([1, 1, 3, 3, 40]))
        return now() - self._judge.later - self._random.randrange(age)

    def _change(self, *, is_first: bool) -> None:
        random = self._random
        for key, organization in self._world.organizations.items():
            if is_first and random.random() < 0.6:  # the others can't be told by their identity
                kind = random.choice([PHONE_NUMBERS, TAGS])
                organization.add(kind, kind.path, random, self._created())
            for kind, path in self._paths:
                number = random.choice([0, 3, 7, 12, 45] if is_first else [0, 1, 1, 2, 3])
                done = [self._change_one(organization, kind, path, is_first=is_first) for _ in range(number)]
                counted = ", ".join(f"{times} times {way}" for way, times in Counter(done).items())
                self.steps.append(f"{key} {path}: {counted or 'nothing'}; {len(organization.rows[path])} rows")

    def _change_one(self, organization: Organization, kind: Kind, path: str, *, is_first: bool) -> str:
        random = self._random
        rows = organization.rows[path]
        ways = ["add"] * (9 if is_first else 3)
        ways += ["change", "change", "change", "remove", "remove", "change back"] * bool(rows)
        ways += ["bring back", "bring back"] * bool(organization.gone[path])
        ways += ["empty"] * bool(rows and not is_first and random.random() < 0.1)  # not too often
        way = random.choice(ways)
        if way == "add":
            created = self._created()
            if rows and random.random() < 0.1:  # not too often
                created = random.choice([*rows.values()]).created
            others = [row.created for row in (*rows.values(), *organization.gone[path])]
            while others.count(created) > 1:  # A page must hold all of one time, and two more.
                created += 1
            organization.add(kind, path, random, created)
        elif way == "change":
            organization.change(kind, path, random, now() - self._judge.later)
        elif way == "change back":
            organization.change_back(path, random)
        elif way == "remove":
            organization.remove(path, random)
        elif way == "bring back":
            organization.bring_back(path, random)
        else:
            organization.empty(path)
        return way

    def _draw_ask(self, kind: Kind, path: str) -> Ask:
        random = self._random
        owner = next((owner for owner in _OWNERS if kind is COMMENTS and kind.path.format(owner) == path), "")
        filters: Mapping[str, str] = {}
        if kind.filters and random.random() < 0.2:  # in some runs
            name = random.choice([*kind.filters])
            filters = {name: kind.filters[name][0]}
        with_contents = bool(kind.contents) and random.random() < 0.3  # in some runs
        is_named = kind.is_named and not filters and not with_contents and random.random() < 0.5
        return Ask(kind.table, filters, owner, with_contents, by_name=is_named)

    def _draw_run(self) -> Run:
        random = self._random
        keys = dict(self._keys)
        is_swapped = len(keys) > 1 and random.random() < 0.12  # in some runs
        if is_swapped:
            keys = dict(zip(keys, [*keys.values()][1:] + [*keys.values()][:1], strict=True))
        later = timedelta(microseconds=self._judge.later)
        keep = timedelta(days=random.choice([0.5, 5.5])) + later
        options: dict[str, Any] = {
            "full": random.random() < 0.1,  # in some runs, as all here
            "full_every": timedelta(days=random.choice([7.5, 7.5, 2.5, 0.5])) + later,
            "max_retired": random.choice([0.5, 0.5, 1, 1, 1, 0]),
            "accept_new_organization": random.random() < (0.4 if is_swapped else 0.08),
            "keep_history": keep if random.random() < 0.15 else None,
            "dry_run": random.random() < 0.1,
            "page_size": random.choice([4, 5, 7, 12, None]),
            "concurrency": random.randrange(1, 5),
        }
        paths = random.sample(self._paths, random.randrange(1, len(self._paths) + 1))
        return Run(keys, [self._draw_ask(*one) for one in paths], options, random.randrange(1, 4))

    async def _sync(self) -> None:
        random, judge = self._random, self._judge
        run = self._draw_run()
        faults = {
            (key, ask.path): Fault(random.choice([1, 1, 2, 3, 5]), random.choice(failures_of(ask.kind)))
            for key in run.keys.values()
            for ask in run.asks
            if random.random() < 0.15  # most are well
        }
        self._world.begin(faults)
        chances = {
            "alone": 20,
            "overtaken": 2,
            "together": 0 if judge.later else 2,  # The second would see when the first was before that is moved back.
            "by files": 0 if self._is_set_back else 2,  # What is older, a file or a sync, is told by the clock.
            "forget": 1,
            "killed": 0 if self.killer is None else self.killer.chance,
        }
        (way,) = random.choices([*chances], [*chances.values()])
        self.ways[way] += 1
        failing = "".join(f"; page {fault.page} of {' '.join(of)}: {fault.failure}" for of, fault in faults.items())
        self.steps.append(f"{judge.later / days(1):.0f} days before the end, {way}: {run}{failing}")
        began = now()
        if way == "alone":
            judge.fold(run, await run.start(self._world, self.database.target))
        elif way == "overtaken":
            await self._overtake(run)
        elif way == "together":
            both = await asyncio.gather(*(run.start(self._world, self.database.target) for _ in range(2)))
            judge.fold_race(run, both)
        elif way == "by files":
            await self._sync_by_files(run)
        elif way == "forget":
            await self._forget()
        elif self.killer is not None:
            is_killed = self.killer.run(self._world, run, self.database, random)
            noted = judge.fold_left(run, self.database.read())
            if is_killed:
                parts = "all" if noted == len(run.asks) * len(run.keys) else "some" if noted else "nothing"
                self.notes[f"killed when {parts} was written"] += 1
        if judge.later:
            self.database.move_back(began, judge.later)
        elif self._is_set_back and random.random() < 0.2:  # in some runs
            self.database.move_back(0, -_HOUR)
            judge.set_clock_back(_HOUR)
            self.steps.append("the clock is set back by an hour")
        judge.compare(self.database.read())

    async def _overtake(self, run: Run) -> None:
        """Let a whole sync happen while one of its listings is being walked."""
        name, ask = self._random.choice([*run.keys]), run.asks[0]
        slow = evolve(run, keys={name: run.keys[name]}, asks=[ask])
        page = self._random.choice([1, 2, 3])
        pages = count(1)
        others: list[SyncResult] = []

        async def overtake(key: str, path: str) -> None:
            if (key, path) == (run.keys[name], ask.path) and next(pages) == page:
                self._world.on_page = None
                others.extend(await run.start(self._world, self.database.target))
                self._judge.fold(run, others, is_seen=False)

        self._world.on_page = overtake
        results = await slow.start(self._world, self.database.target)
        self._world.on_page = None
        self._judge.fold_overtaken(slow, results, others)

    async def _sync_by_files(self, run: Run) -> None:
        """Write the walks to files, once or twice, and apply these."""
        writing = evolve(run, options={**run.options, "dry_run": False})
        random = Random(f"{self.seed} {len(self.steps)}")
        batches: list[tuple[World, list[SyncResult]]] = []
        with TemporaryDirectory(prefix="walks-") as folder:
            for _ in range(random.choice([1, 2])):
                results = await writing.start(self._world, ParquetTarget(folder))
                batches.append((deepcopy(self._world), results))
                self._world.queries = {}
                for organization in self._world.organizations.values():
                    for kind, path in self._paths:
                        organization.add(kind, path, random, self._created())
            rules = {name: run.options[name] for name in _RULES}
            applied = [result async for result in apply_parquet(folder, self.database.target, **rules)]
            self._judge.fold_files(run, batches, applied)

    async def _forget(self) -> None:
        """Forget a value that some row holds, or that none does."""
        ids = [key[-1] for history in self._judge.model.histories.values() for key in history]
        texts = [one for one in ids if isinstance(one, str)]
        value = self._random.choice(["+12025550142", "c-1", "nothing", *self._random.sample(texts, min(2, len(texts)))])
        deleted = await self.database.target.forget(value)
        forgotten = self._judge.model.forget(value)
        assert forgotten == sum(deleted.values()), f"{value}: {deleted} versions were deleted, not {forgotten}"


@contextmanager
def duckdb_files() -> Iterator[Databases]:
    """Offer databases that are files."""
    with TemporaryDirectory(prefix="syncs-") as directory:

        @contextmanager
        def make(name: str) -> Iterator[Database]:
            with (
                TemporaryDirectory(prefix=f"{name}-", dir=directory) as folder,
                DuckDB(Path(folder, "kept.duckdb")) as one,
            ):
                yield one

        yield make


@contextmanager
def postgresql_schemas(conninfo: str) -> Iterator[Databases]:
    """Offer databases that are schemas of a server."""

    @contextmanager
    def make(name: str) -> Iterator[Database]:
        with PostgreSQL(conninfo, f"story_{name}") as one:
            yield one

    yield make


@define
class Played:
    """What stories were played, by the kinds of their syncs."""

    ways: Counter[str] = field(factory=Counter)
    notes: Counter[str] = field(factory=Counter)

    @property
    def syncs(self) -> int:
        """How many syncs there were."""
        return self.ways.total()

    async def play(self, seed: object, databases: Databases, killer: Killer | None = None) -> None:
        """Play a story.

        Raises:
            AssertionError: Something else was left than the model says.
        """
        with databases(f"{seed}".replace(" ", "_")) as database:
            story = Story(seed, database, killer)
            await story.play()
        self.ways += story.ways
        self.notes += story.notes


async def main(syncs: int, database: str, seed: int | None, *, kills: bool) -> None:
    """Play stories, and print how many syncs there were and how long they took."""
    random, played = Random(), Played()
    with ExitStack() as stack:
        if database == "duckdb":
            databases = stack.enter_context(duckdb_files())
        else:
            programs, user = find_programs(), find_user()
            assert programs is not None, "PostgreSQL is not installed"
            assert user is not None, "there is no user to run PostgreSQL as"
            databases = stack.enter_context(postgresql_schemas(stack.enter_context(run_postgresql(programs, user))))
        kill = stack.enter_context(killer()) if kills else None
        began = time.monotonic()
        while played.syncs < syncs:
            await played.play(random.getrandbits(32) if seed is None else seed, databases, kill)
            sys.stderr.write(f"\r{played.syncs} syncs")
        seconds = time.monotonic() - began
    sys.stderr.write("\n")
    for what, times in [*played.ways.most_common(), *played.notes.most_common()]:
        sys.stdout.write(f"{times:8} {what}\n")
    sys.stdout.write(
        f"{played.syncs} syncs in {seconds:.0f} s, {60 * played.syncs / seconds:.0f} a minute: all right\n"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("syncs", type=int)
    parser.add_argument("--database", choices=["duckdb", "postgres"], default="duckdb")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--no-kills", dest="kills", action="store_false")
    asyncio.run(main(**vars(parser.parse_args())))
