"""A model of what a sync leaves: the history of each organization and listing, in plain Python and without a database.

It is written from the contract alone, so that it shares no mistake with what it judges.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Literal

from attrs import define, evolve, field, frozen
from sync_rows import OPEN_STATUSES, Values, same

Mode = Literal["full", "window", "filtered"]
Key = tuple[str | int, ...]
"""What identifies a row within an organization's table: what stands in the path, and its id."""

Place = tuple[str, str]
"""An organization and a table."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATE_CHANGES: Final = timedelta(days=3)
"""So long after its end a call may still change."""

_DAY: Final = timedelta(days=1)
_MICROSECOND: Final = timedelta(microseconds=1)
_ROWS_OF_PROOF: Final = 20
"""So many current rows are enough to tell another organization by, where it has no name."""


@frozen
class Version:
    """A row as it was for some time.

    Args:
        values: Its columns, without contents.
        contents: Those of its contents; None where nobody has asked for them yet.
        since: From when on, in microseconds since 1970.
        until: Until when; None for the current one.
        created: When the row was created.
    """

    values: Values
    contents: Values | None
    since: int
    until: int | None = None
    created: int = 0


@frozen
class Walk:
    """What a complete walk has brought.

    Args:
        mode: Of the run.
        rows: By key, each with its values and contents; contents are None where they were not asked for.
        created: When each row was created.
        scope: What stands in the path.
        identity: Of the organization; None where it is not known.
        days: In a window, its first day.
    """

    mode: Mode
    rows: Mapping[Key, tuple[Values, Values | None]]
    created: Mapping[Key, int]
    scope: tuple[str, ...] = ()
    identity: str | None = None
    day: date | None = None


@frozen
class Rules:
    """What a run is allowed to do.

    Args:
        max_retired: The part of the current rows that may be retired.
        accepts: Whether another organization is taken.
        keep: How long retired rows are kept, in microseconds; None for ever.
    """

    max_retired: float = 0.5
    accepts: bool = False
    keep: int | None = None


@frozen
class Verdict:
    """What becomes of a walk.

    Args:
        error: The name of the class of the error; None for success.
    """

    rows: int
    new: int = 0
    changed: int = 0
    retired: int = 0
    unchanged: int = 0
    error: str | None = None


@define
class Runs:
    """What is remembered of the runs of an organization and listing, in microseconds since 1970.

    Args:
        full: When the last complete full one began.
        complete: When the last complete one began, full or of a window.
    """

    full: int | None = None
    complete: int | None = None


@define
class SyncModel:
    """All that the tables of a target should hold.

    Args:
        histories: Of each organization and table: the versions of each row, the oldest first.
        identities: Whose rows the tables hold, where that is known.
        runs: What is remembered of the runs.
    """

    histories: dict[Place, dict[Key, tuple[Version, ...]]] = field(factory=dict)
    identities: dict[Place, str] = field(factory=dict)
    runs: dict[Place, Runs] = field(factory=dict)

    def current(self, place: Place, scope: tuple[str, ...] = ()) -> dict[Key, Version]:
        """Return the current version of each row that has one."""
        return {
            key: versions[-1]
            for key, versions in self.histories.get(place, {}).items()
            if key[:-1] == scope and versions[-1].until is None
        }

    def window(self, place: Place, now: int, full_every: int, *, full: bool) -> date | None:
        """Return the first day of the window that is to be walked; None where a full walk is due.

        Args:
            place: The organization, and the table of a listing that can be asked for its newest rows.
            now: When the run begins.
            full_every: How long after a full walk the next one is due, in microseconds.
            full: Whether a full walk is asked for.
        """
        runs = self.runs.get(place, Runs())
        if full or runs.full is None or runs.complete is None or now - runs.full >= full_every:
            return None
        overlap = (_EPOCH + runs.complete * _MICROSECOND) - _LATE_CHANGES
        may_change = [
            _EPOCH + version.created * _MICROSECOND
            for version in self.current(place).values()
            if _has_not_ended(version.values, (overlap - _EPOCH) // _MICROSECOND)
        ]
        first = min([overlap, *may_change])
        return (first - _DAY).date()

    def is_another(self, place: Place, identity: str | None) -> bool:
        """Return whether the rows are those of another organization than last time, by what both are called."""
        if place in self.identities:
            known = {self.identities[place]}
        else:  # what the organization's other listings say
            known = {one for other, one in self.identities.items() if other[0] == place[0]}
        return identity is not None and bool(known) and identity not in known

    def is_accepted(self, place: Place, identity: str | None, rules: Rules) -> bool:
        """Return whether the rows may be those of another organization: then all are walked, and nothing is refused."""
        is_same = identity is not None and identity == self.identities.get(place)
        return rules.accepts and not is_same

    def latest(self, place: Place, scope: tuple[str, ...]) -> int:
        """Return when the last version began or ended; 0 if there is none."""
        histories = [all_of for key, all_of in self.histories.get(place, {}).items() if key[:-1] == scope]
        return max((version.until or version.since for all_of in histories for version in all_of), default=0)

    def judge(self, place: Place, walk: Walk, rules: Rules) -> Verdict:
        """Return what becomes of a walk that was complete."""
        current = self.current(place, walk.scope)
        known = current.keys() & walk.rows.keys()
        unchanged = {key for key in known if not self._differs(current[key], *walk.rows[key])}
        gone = current.keys() - walk.rows.keys() if walk.mode == "full" else set()
        is_accepted = self.is_accepted(place, walk.identity, rules)
        if not is_accepted and self._shares_nothing(place, walk, current):
            return Verdict(len(walk.rows), error="OrganizationChangedError")
        if not is_accepted and len(gone) > rules.max_retired * len(current):
            return Verdict(len(walk.rows), error="TooManyRetiredError")
        return Verdict(
            rows=len(walk.rows),
            new=len(walk.rows) - len(known),
            changed=len(known) - len(unchanged),
            retired=len(gone),
            unchanged=len(unchanged),
        )

    def apply(self, place: Place, walk: Walk, *, started: int, moment: int, rules: Rules) -> None:
        """Do what a walk that was not refused leads to.

        Args:
            place: The organization and the table.
            walk: What has come.
            started: When the run began.
            moment: When it was applied.
            rules: Of the run.
        """
        history = self.histories.setdefault(place, {})
        current = self.current(place, walk.scope)
        accepted = self.is_accepted(place, walk.identity, rules)
        for key, (values, contents) in walk.rows.items():
            before = current.get(key)
            if before is not None and not self._differs(before, values, contents):
                continue
            if before is not None and contents is None:
                contents = before.contents  # noqa: PLW2901 - which nobody asked for this time
            self._retire(history, key, moment)
            version = Version(values, contents, moment, created=walk.created[key])
            history[key] = (*history.get(key, ()), version)
        if walk.mode == "full":
            for key in current.keys() - walk.rows.keys():
                self._retire(history, key, moment)
        self._note(place, walk, started, accepted=accepted)
        if rules.keep is not None:
            self._forget_before(history, walk.scope, moment - rules.keep)

    def forget(self, value: str) -> int:
        """Delete all versions of rows that hold *value*, and return how many."""
        deleted = 0
        for history in self.histories.values():
            for key in [
                key for key, versions in history.items() if any(_holds(version, key, value) for version in versions)
            ]:
                deleted += len(history.pop(key))
        return deleted

    def move_on(self, microseconds: int) -> None:
        """Let all that has happened be so much later: the clock of the database was set back."""
        for history in self.histories.values():
            for key, versions in history.items():
                history[key] = tuple(
                    evolve(one, since=one.since + microseconds, until=one.until and one.until + microseconds)
                    for one in versions
                )
        for runs in self.runs.values():
            runs.full, runs.complete = (moment and moment + microseconds for moment in (runs.full, runs.complete))

    def _note(self, place: Place, walk: Walk, started: int, *, accepted: bool) -> None:
        if walk.identity is not None:
            self.identities[place] = walk.identity
        elif accepted:
            self.identities.pop(place, None)
        runs = self.runs.setdefault(place, Runs())
        if walk.mode != "filtered":
            runs.complete = started
        if walk.mode == "full":
            runs.full = started

    def _shares_nothing(self, place: Place, walk: Walk, current: Mapping[Key, Version]) -> bool:
        """Return whether no row of many came again, where nothing else says whose they are."""
        if None not in {walk.identity, self.identities.get(place)} or walk.mode == "filtered":
            return False
        if walk.day is not None:
            # Wherever a day begins, the window's third day is within it.
            begin = datetime.combine(walk.day, time(), UTC) + 2 * _DAY
            current = {key: one for key, one in current.items() if one.created >= (begin - _EPOCH) / _MICROSECOND}
        return len(current) >= _ROWS_OF_PROOF and current.keys().isdisjoint(walk.rows)

    def _differs(self, version: Version, values: Values, contents: Values | None) -> bool:
        is_other = contents is not None and not same(version.contents, contents)
        return is_other or not same(version.values, values)

    def _retire(self, history: dict[Key, tuple[Version, ...]], key: Key, moment: int) -> None:
        versions = history.get(key, ())
        if versions and versions[-1].until is None:
            history[key] = (*versions[:-1], evolve(versions[-1], until=moment))

    def _forget_before(self, history: dict[Key, tuple[Version, ...]], scope: tuple[str, ...], moment: int) -> None:
        for key, versions in [*history.items()]:
            if key[:-1] != scope:
                continue
            kept = tuple(version for version in versions if version.until is None or version.until >= moment)
            if kept:
                history[key] = kept
            else:
                del history[key]


def _has_not_ended(call: Values, by: int) -> bool:
    """Return whether a call had not ended by a time."""
    ended: int | None = call["finished_at"]
    return call["call_status"] in OPEN_STATUSES if ended is None else ended >= by


def _holds(version: Version, key: Key, value: str) -> bool:
    return value in map(str, key) or any(
        _has(one, value) for one in (*version.values.values(), *(version.contents or {}).values())
    )


def _has(inside: Any, value: str) -> bool:
    if isinstance(inside, Mapping):
        return any(_has(item, value) for item in inside.values())
    if isinstance(inside, Iterable) and not isinstance(inside, str):
        return any(_has(item, value) for item in inside)
    return bool(inside == value)
