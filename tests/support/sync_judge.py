"""Holds what syncs told, and what they left, against the model."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any, Final

from attrs import define, field
from sync_model import Key, Place, Rules, SyncModel, Version, Walk
from sync_rows import CALLS, EPOCH, KINDS, LARGEST_WHOLE, MICROSECOND, PHONE_NUMBERS, TAGS, Kind
from sync_runs import Ask, Run
from sync_tables import Tables, tables_of_listings
from sync_world import FAILURES, World, at

from contactship_async.sync import SyncResult

_COUNTS: Final = ("rows", "new", "changed", "retired", "unchanged", "error")
_OF_RUNS: Final = ("organization", "listing", "mode", "started_at", "finished_at", *_COUNTS, "failed_at")
_TIMES: Final = ("started_at", "finished_at")
_HASHES: Final = ("content_hash", "contents_hash")


@define
class Judge:
    """Lets the model do what a sync should have done, and compares.

    All its methods raise an `AssertionError` where something else happened.

    Args:
        world: What is synced.
        model: What should be in the database.
        noted: What should be in the table of runs.
        later: By how many microseconds the present is later than the time that the story tells of.
    """

    world: World
    model: SyncModel = field(factory=SyncModel)
    noted: list[dict[str, Any]] = field(factory=list)
    later: int = 0

    def fold(self, run: Run, results: Iterable[SyncResult], *, is_seen: bool = True) -> None:
        """Judge the results of a sync; where *is_seen*, also what it asked for."""
        left = {name: [*run.asks] for name in run.keys}
        for result in results:
            ask = _take(left[result.organization], result)
            asked = self.world.asked(run.keys[result.organization], ask.path) if is_seen else None
            self._judge(run, result, ask, asked)
        assert not any(left.values()), f"there are no results of {left}"

    def fold_overtaken(self, run: Run, results: Sequence[SyncResult], others: Sequence[SyncResult]) -> None:
        """Judge the result of a sync of one listing, in the middle of whose walk there were *others*."""
        (result,) = results
        applied = {(one.organization, one.listing) for one in others if one.error is None}
        if run.options["dry_run"] or (result.organization, result.listing) not in applied:
            self.fold(run, results, is_seen=False)
        else:
            is_overtaken = result.error == "ConcurrentSyncError"
            assert is_overtaken or self._is_of_fault(run, result, run.asks[0]), f"overtaken, and yet {result}"
            self._note(run, result)

    def fold_race(self, run: Run, both: Sequence[Sequence[SyncResult]]) -> None:
        """Judge the results of two syncs of the same at once."""
        applied = {(one.organization, one.listing) for results in both for one in results if one.error is None}
        judged: list[tuple[SyncResult, Ask]] = []
        for results in both:
            left = {name: [*run.asks] for name in run.keys}
            judged += [(result, _take(left[result.organization], result)) for result in results]
            assert not any(left.values()), f"there are no results of {left}"
        for result, ask in sorted(judged, key=lambda one: one[0].finished_at):
            if result.error == "ConcurrentSyncError":
                assert (result.organization, result.listing) in applied, f"no other was applied, and yet {result}"
                assert not run.options["dry_run"], "a dry run applied something"
                self._note(run, result)
            else:
                self._judge(run, result, ask)

    def fold_files(
        self, run: Run, batches: Iterable[tuple[World, Iterable[SyncResult]]], applied: Iterable[SyncResult]
    ) -> None:
        """Judge what became of walks that were written to files, the oldest first, and of the files."""
        applied = iter(applied)
        now = self.world
        for self.world, written in batches:  # as it was then
            files = self._find_files(run, written)
            for _ in range(sum(map(len, files.values()))):
                result = next(applied, None)
                assert result is not None, f"there are no results of {files}"
                self._judge(run, result, _take(files[result.organization], result), is_of_file=True)
        self.world = now
        assert next(applied, None) is None, "there are more results than files"

    def _find_files(self, run: Run, written: Iterable[SyncResult]) -> dict[str, list[Ask]]:
        """Return the listings of which there are files, as nothing failed."""
        left = {name: [*run.asks] for name in run.keys}
        files: dict[str, list[Ask]] = {name: [] for name in run.keys}
        for result in written:
            ask = _take(left[result.organization], result)
            asked = self.world.asked(run.keys[result.organization], ask.path)
            assert result.error is None or self._is_of_fault(run, result, ask, asked), f"not written: {result}"
            if result.error is None:
                files[result.organization].append(ask)
        assert not any(left.values()), f"there are no files of {left}"
        return files

    def fold_left(self, run: Run, tables: Tables) -> int:
        """Judge what a sync left that may have been killed: each part is there wholly, or not at all.

        Returns:
            How many parts are there, those that failed included.
        """
        before = [_line_of(row) for row in self.noted]
        noted = [row for row in tables.get("syncs", []) if _line_of(row) not in before]
        left = {name: [*run.asks] for name in run.keys}
        # They finish at moments of their own, where the clock was set back; they begin one after the other.
        for row in sorted(noted, key=lambda row: row["started_at"]):
            times = {name: EPOCH + row[name] * MICROSECOND for name in _TIMES}
            result = SyncResult(**{**row, **times})
            self._judge(run, result, _take(left[result.organization], result))
        return len(noted)

    def set_clock_back(self, microseconds: int) -> None:
        """Let all that has happened be so much later."""
        self.model.move_on(microseconds)
        for row in self.noted:
            for name in _TIMES:
                row[name] += microseconds

    def compare(self, tables: Tables) -> None:
        """Compare all there is in the database with the model."""
        expected: dict[str, list[dict[str, Any]]] = {}
        for (organization, table), history in self.model.histories.items():
            rows = expected.setdefault(table, [])
            kind = _kind_of(table)
            for key, versions in history.items():
                rows += [_row_of(organization, kind, key, version) for version in versions]
        for table, rows in tables_of_listings(tables).items():
            _compare_columns(_kind_of(table), rows)
            kept = [_without_hashes(row) for row in rows]
            _compare_rows(table, expected.pop(table, []), kept)
            current = [row for row in kept if row["valid_to"] is None]
            _compare_rows(f"current_{table}", current, [*map(_without_hashes, tables[f"current_{table}"])])
        assert not any(expected.values()), f"there are no tables {[*expected]}"
        _compare_rows("syncs", self.noted, tables.get("syncs", []))

    def _judge(
        self,
        run: Run,
        result: SyncResult,
        ask: Ask,
        asked: Sequence[dict[str, str]] | None = None,
        *,
        is_of_file: bool = False,
    ) -> None:
        """Judge one result, and let the model do what it says.

        Args:
            run: The sync.
            result: Of a listing of an organization.
            ask: The listing.
            asked: The queries that were sent for it; None where that is not known.
            is_of_file: Whether the walk was over before anything was known of the database.
        """
        place = (result.organization, ask.table)
        identity = self._identity(run.keys[result.organization])
        rules = self._rules(run)
        if self.model.is_another(place, identity) and not rules.accepts:
            assert result.error == "OrganizationChangedError", f"not refused: {result}"
            assert not asked, "the rows of another organization were walked"
            assert is_of_file or result.rows == 0, f"rows that nobody walked: {result}"
            self._note(run, result)
            return
        started, finished = (at(getattr(result, name)) - self.later for name in _TIMES)
        day = None if is_of_file else self._window(run, ask, place, identity, started)
        walk = self._walk(run, ask, result.organization, identity, day)
        expected_query = {**ask.filters, **({} if walk.day is None else {"date_from": walk.day.isoformat()})}
        assert all(query == expected_query for query in asked or ()), (
            f"{place}: asked for {asked}, not {expected_query}"
        )
        if not is_of_file and self._is_of_fault(run, result, ask, asked):
            counts = [result.new, result.changed, result.retired, result.unchanged]
            assert counts == [0, 0, 0, 0], f"{place}: it failed, and counts {counts}"
            if asked is None:  # It may have begun before another was applied, and so have walked all.
                walk = self._walk(run, ask, result.organization, identity, None)
            assert result.rows <= len(walk.rows), f"{place}: {result.rows} rows came"
            self._note(run, result)
            return
        verdict = self.model.judge(place, walk, rules)
        told = {name: getattr(result, name) for name in ("mode", *_COUNTS, "failed_at")}
        expected = {"mode": walk.mode, **{name: getattr(verdict, name) for name in _COUNTS}, "failed_at": None}
        assert told == expected, f"{place}: {told}, not {expected}"
        if verdict.error is None and not run.options["dry_run"]:
            latest = self.model.latest(place, ask.scope)
            assert finished > latest, f"{place}: applied at {finished}, and before that at {latest}"
            self.model.apply(place, walk, started=started, moment=finished, rules=rules)
        self._note(run, result)

    def _window(self, run: Run, ask: Ask, place: Place, identity: str | None, started: int) -> date | None:
        """Return the first day of the window that is to be walked; None where all rows are."""
        if ask.kind is not CALLS or ask.filters or self.model.is_accepted(place, identity, self._rules(run)):
            return None
        full_every = run.options["full_every"] // MICROSECOND - self.later
        return self.model.window(place, started, full_every, full=run.options["full"])

    def _walk(self, run: Run, ask: Ask, organization: str, identity: str | None, day: date | None) -> Walk:
        """Return what a complete walk brings."""
        kind, key = ask.kind, run.keys[organization]
        query = {**ask.filters, **({} if day is None else {"date_from": day.isoformat()})}
        rows = [(kind.kept(row), row) for row in self.world.rows(key, kind, ask.path, query)]
        is_all = kind.retires and not ask.filters and (kind.sort_key is not None or len(rows) < LARGEST_WHOLE)
        return Walk(
            mode="window" if day is not None else "full" if is_all else "filtered",
            rows={
                (*ask.scope, kept["id"]): (kept, kind.kept_contents(row) if ask.with_contents else None)
                for kept, row in rows
            },
            created={(*ask.scope, kept["id"]): row.created for kept, row in rows},
            scope=ask.scope,
            identity=identity,
            day=day,
        )

    def _rules(self, run: Run) -> Rules:
        keep: timedelta | None = run.options["keep_history"]
        return Rules(
            run.options["max_retired"],
            accepts=run.options["accept_new_organization"],
            keep=None if keep is None else keep // MICROSECOND - self.later,
        )

    def _identity(self, key: str) -> str | None:
        """Return the id that the first phone number names, else the first tag."""
        for kind in (PHONE_NUMBERS, TAGS):
            for row in self.world.rows(key, kind, kind.path, {})[:1]:
                if row.values["organization_id"]:
                    return str(row.values["organization_id"])
        return None

    def _is_of_fault(self, run: Run, result: SyncResult, ask: Ask, asked: Sequence[object] | None = None) -> bool:
        """Return whether a page failed that was asked for, and the result is what comes of that."""
        fault = self.world.faults.get((run.keys[result.organization], ask.path))
        if fault is None or (asked is not None and len(asked) < fault.page):
            return False
        return result.error in FAILURES[fault.failure]

    def _note(self, run: Run, result: SyncResult) -> None:
        assert result.started_at <= result.finished_at
        if not run.options["dry_run"]:
            times = {name: at(getattr(result, name)) - self.later for name in _TIMES}
            self.noted.append({name: getattr(result, name) for name in _OF_RUNS} | times)


def _take(asks: list[Ask], result: SyncResult) -> Ask:
    """Take the listing that a result is of: those of an organization end in their order."""
    ask = next((ask for ask in asks if ask.table == result.listing), None)
    assert ask is not None, f"one result more than there should be: {result}"
    asks.remove(ask)
    return ask


def _kind_of(table: str) -> Kind:
    return next(kind for kind in KINDS if kind.table == table)


def _row_of(organization: str, kind: Kind, key: Key, version: Version) -> dict[str, Any]:
    contents = dict.fromkeys(field.name for field in kind.contents) if version.contents is None else version.contents
    return {
        "organization": organization,
        **({kind.identifier: key[0]} if kind.identifier else {}),
        **version.values,
        **contents,
        "valid_from": version.since,
        "valid_to": version.until,
    }


def _line_of(row: dict[str, Any]) -> str:
    return json.dumps(row, sort_keys=True)


def _without_hashes(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _HASHES}


def _compare_columns(kind: Kind, rows: Sequence[dict[str, Any]]) -> None:
    expected = {"organization", "valid_from", "valid_to", "content_hash", *kind.columns}
    expected |= ({kind.identifier} if kind.identifier else set()) | ({"contents_hash"} if kind.contents else set())
    assert all(row.keys() == expected for row in rows[:1]), f"columns of {kind.table}: {expected ^ rows[0].keys()}"


def _compare_rows(table: str, expected: Iterable[dict[str, Any]], found: Iterable[dict[str, Any]]) -> None:
    wanted, there = (Counter(map(_line_of, rows)) for rows in (expected, found))
    if wanted != there:
        missing, surplus = (
            "\n".join(map(str, sorted((one - other).elements())[:6]))
            for one, other in ((wanted, there), (there, wanted))
        )
        message = f"{table} lacks\n{missing}\nand has\n{surplus}"
        raise AssertionError(message)
