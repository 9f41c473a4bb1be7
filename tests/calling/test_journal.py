"""The journal: what is written stays, nobody is due twice, and one process alone has it."""

from __future__ import annotations

import io
import os
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from attrs import evolve
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from contactship_async.calling import (
    Caller,
    ContactFileError,
    Journal,
    JournalError,
    Line,
    Outcome,
    Remark,
    Result,
    read_contacts,
)
from contactship_async.calling._database import Database

CALLER = Caller("agent-1", from_number="+12025550100")
OF_CONTACTS = Caller("agent-1", from_number_id="number-1")
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
HEADER = "to_number,full_name\n"
TWO = HEADER + "+12025550142,Max\n+14155550137,Noor\n"
PLACED = Result(outcome="placed", call_id="call-1")


def take(journal: Journal, text: str, caller: Caller = CALLER) -> list[Remark]:
    """Let a journal take a file, and return what is told."""
    told: list[Remark] = []
    header, rows = read_contacts(io.BytesIO(text.encode()))
    left_out = journal.take(caller, header, rows, told.append)
    assert left_out == sum("is left out" in remark.text for remark in told)
    return told


def numbers(lines: list[Line]) -> list[int]:
    """Return the numbers of lines."""
    return [line.line for line in lines]


def begin(journal: Journal, line: int, result: Result | None = None) -> None:
    """Begin a start, and end it with a result if there is one."""
    journal.begin(line, NOW)
    if result is not None:
        journal.record(line, result)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a journal may be."""
    return tmp_path / "calls.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    """Return a journal with two contacts."""
    with Journal(path) as opened:
        take(opened, TWO)
        yield opened


def test_keeps_what_becomes_of_each(path: Path) -> None:
    """All of it is there for the next process, and only who is not called yet is due."""
    with Journal(path) as journal:
        take(journal, TWO + "+14155550138,Ada\n+14155550139,Eve\n+14155550140,Bob\n")
        begin(journal, 2, PLACED)
        begin(journal, 3, Result(outcome="refused", status=400, message="m" * 400))
        begin(journal, 4, Result(outcome="not sent", is_due=True))
        begin(journal, 5, Result(outcome="unknown", status=500, sent_at=NOW))
        assert [6] == numbers(journal.due(after=4))
        before = [*journal.lines()]
    with Journal(path) as journal:
        assert [4, 6] == numbers(journal.due())
        assert [4] == numbers(journal.due(limit=1))
        assert 2 == journal.count_due()
        assert {"placed": 1, "refused": 1, "not sent": 1, "unknown": 1, "due": 1} == journal.count()
        lines = [*journal.lines()]
        assert before == lines

    arguments = {"to_number": "+12025550142", "full_name": "Max"}
    assert lines[0] == Line(
        line=2,
        outcome="placed",
        is_due=False,
        identity="+12025550142",
        arguments=arguments,
        call_id="call-1",
        status=None,
        message=None,
        started_at=NOW,
        sent_at=None,
        told_by="response",
    )
    assert (400, "m" * 300) == (lines[1].status, lines[1].message)
    assert (NOW, "2026-11-28T12:00:00Z") == (lines[3].sent_at, lines[3].to_dict()["sent_at"])


def test_a_start_is_unknown_until_its_outcome_is_written(path: Path) -> None:
    """However the process ends in between, nobody is due again."""
    with Journal(path) as journal:
        take(journal, TWO)
        begin(journal, 2)
        assert [2] == numbers(journal.unknown())
    with Journal(path) as journal:
        assert [] == take(journal, TWO)
        assert [3] == numbers(journal.due())
        assert NOW == journal.unknown()[0].unknown_since


def test_only_who_is_due_is_begun(journal: Journal) -> None:
    """And only what is unknown gets an outcome: neither happens twice."""
    begin(journal, 2)
    changes: list[Callable[[], None]] = [
        *(lambda: journal.begin(2, NOW), lambda: journal.record(3, PLACED), lambda: journal.begin(9, NOW)),
    ]
    for change in changes:
        with pytest.raises(JournalError, match=r"is not as it was: nothing was changed$"):
            change()

    assert [2] == numbers(journal.unknown())
    assert [3] == numbers(journal.due())


def test_what_is_refused_for_all_is_due_again(journal: Journal) -> None:
    """A wrong key or no credits is not the contact's fault; beginning anew forgets what was told."""
    begin(journal, 2, Result(outcome="refused", status=402, message="no credits", is_due=True))
    assert [2, 3] == numbers(journal.due())
    begin(journal, 2)

    [line] = journal.unknown()
    assert (None, None, None) == (line.status, line.message, line.told_by)


def test_other_columns_are_left_out(journal: Journal) -> None:
    """A contact that the file has anew in other words is told of, and neither started nor changed."""
    begin(journal, 2, PLACED)
    remarks = take(journal, HEADER + "+12025550142,Maximilian\n+14155550137,Nora\n+14155550138,Ada\n")

    text = "has other columns than the journal's line {}, and is left out"
    assert [(2, text.format(2), False), (3, text.format(3), False)] == [
        (remark.line, remark.text, remark.is_problem) for remark in remarks
    ]
    assert [4] == numbers(journal.due())
    assert [] == take(journal, TWO)
    assert [3] == numbers(journal.due())


def test_who_is_no_longer_in_the_file_is_not_due(journal: Journal) -> None:
    """Whoever was crossed out is not called; numbers of lines stay, and new ones take those that are free."""
    begin(journal, 2, PLACED)
    take(journal, HEADER + "+14155550138,Ada\n+14155550137,Noor\n+14155550139,Eve\n")

    assert [(3, "+14155550137"), (4, "+14155550138"), (5, "+14155550139")] == [
        (line.line, line.identity) for line in journal.due()
    ]
    take(journal, HEADER + "+14155550139,Eve\n")
    assert ([5], {"due": 1}) == (numbers(journal.due()), journal.count())
    assert [2, 3, 4, 5] == [line.line for line in journal.lines()]


def test_problems_leave_the_journal_as_it_was(journal: Journal) -> None:
    """All of a file is taken, or nothing; each problem is told of."""
    told: list[Remark] = []
    text = HEADER + "+14155550138,Ada\n2025550143,Max\n+14155550138,Ada\n+14155550138,Ida\n"
    header, rows = read_contacts(io.BytesIO(text.encode()))
    with pytest.raises(ContactFileError, match=r"^3 lines can't be used as told above$"):
        journal.take(CALLER, header, rows, told.append)

    assert [(3, True), (4, True), (5, True)] == [(remark.line, remark.is_problem) for remark in told]
    assert "has the to_number of line 2" == told[1].text
    assert [2, 3] == numbers(journal.due())
    with pytest.raises(ContactFileError, match=r"^the file has no contacts$"):
        take(journal, HEADER)
    with pytest.raises(ContactFileError, match=r"^1 line can't be used"):
        take(journal, HEADER + "1,Max\n")


def test_the_caller_and_the_identity_stay(path: Path) -> None:
    """As soon as anybody was called, another agent, number or identity would call all of them again."""
    with Journal(path) as journal:
        take(journal, TWO, evolve(CALLER, agent_id="agent-2"))
        take(journal, TWO)
        begin(journal, 2)
        for text, caller, told in (
            (TWO, evolve(CALLER, agent_id="agent-2"), "has calls of the agent agent-1; another agent needs"),
            (TWO, evolve(CALLER, from_number="+12025550101"), "has calls from another number"),
            ("contact_id\n1\n", OF_CONTACTS, "has calls from another number"),
            ("key,to_number,full_name\n1,+12025550142,Max\n", CALLER, "tells contacts apart by to_number; by key, all"),
        ):
            with pytest.raises(JournalError, match=told):
                take(journal, text, caller)
        assert [3] == numbers(journal.due())


OTHERS = [
    (TWO, evolve(CALLER, agent_id="agent-2")),
    (TWO, evolve(CALLER, from_number="+12025550101")),
    ("contact_id\n1\n2\n", OF_CONTACTS),
    ("key,to_number,full_name\n1,+12025550142,Max\n2,+14155550137,Noor\n", CALLER),
]


@pytest.mark.parametrize(("text", "caller"), OTHERS)
@pytest.mark.parametrize("outcome", ["refused", "not sent"])
def test_a_caller_that_has_called_nobody_is_replaced(
    journal: Journal, text: str, caller: Caller, outcome: Outcome
) -> None:
    """A mistyped agent or number holds for nothing when all of its starts came to nothing; nor does an identity."""
    begin(journal, 2, Result(outcome=outcome, is_due=True))
    begin(journal, 3, Result(outcome="refused", status=404))
    take(journal, text, caller)

    assert [2, 3] == numbers(journal.due())
    assert {"due": 2} == journal.count()


@pytest.mark.parametrize(("text", "caller"), OTHERS)
@pytest.mark.parametrize("result", [None, PLACED, Result(outcome="unknown")])
def test_a_caller_that_may_have_called_somebody_stays(
    journal: Journal, text: str, caller: Caller, result: Result | None
) -> None:
    """Also when the one who may have been called is in the file no longer."""
    begin(journal, 2, result)
    begin(journal, 3, Result(outcome="not sent", is_due=True))
    take(journal, HEADER + "+14155550137,Noor\n")
    with pytest.raises(JournalError, match=r"needs another journal$"):
        take(journal, text, caller)


def test_a_refusal_holds_for_the_same_caller(journal: Journal) -> None:
    """What was told of a contact is not forgotten, even if nobody was called."""
    begin(journal, 2, Result(outcome="refused", status=400))
    take(journal, TWO)

    assert [3] == numbers(journal.due())


@pytest.mark.parametrize(("text", "caller"), [(TWO, OF_CONTACTS), ("contact_id\n1\n", CALLER)])
def test_the_caller_suits_the_file(path: Path, text: str, caller: Caller) -> None:
    """Numbers are called from a number, contacts from the id of one."""
    with Journal(path) as journal, pytest.raises(ContactFileError, match=r"^a file of to_number is called from"):
        take(journal, text, caller)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"agent_id": "", "from_number": "+12025550100"}, "agent_id must not be empty"),
        ({"agent_id": "a"}, "either from_number or from_number_id must be given"),
        ({"agent_id": "a", "from_number": "+12025550100", "from_number_id": "n"}, "either from_number or"),
        ({"agent_id": "a", "from_number": "12025550100"}, "from_number must be a plus and 7 to 15 digits"),
        ({"agent_id": "a", "from_number_id": ""}, "from_number_id must not be empty"),
    ],
)
def test_wrong_callers(arguments: dict[str, str], told: str) -> None:
    """They are refused before anything is written down."""
    with pytest.raises(ValueError, match=told):
        Caller(**arguments)


def test_a_call_that_is_found_settles_its_start(journal: Journal) -> None:
    """A single call that is of no other line does; none, or several, leave it unknown."""
    begin(journal, 2, PLACED)
    begin(journal, 3)
    assert [None, None, None] == [journal.find(3, ids) for ids in ([], ["call-1"], ["call-2", "call-3"])]
    assert [3] == numbers(journal.unknown())
    assert "call-2" == journal.find(3, ["call-1", "call-2"])

    line = [*journal.lines()][1]
    assert ("placed", "call-2", "listing") == (line.outcome, line.call_id, line.told_by)
    assert [(2, "call-1"), (3, "call-2")] == journal.live(NOW)
    with pytest.raises(JournalError, match="is not as it was"):
        journal.find(3, ["call-4"])


def test_calls_are_live_until_they_have_ended(journal: Journal) -> None:
    """Those that began long ago are taken for ended."""
    begin(journal, 2, PLACED)
    assert [(2, "call-1")] == journal.live(NOW)
    assert [] == journal.live(datetime(2026, 11, 28, 12, 1, tzinfo=UTC))
    journal.end(2)
    assert [] == journal.live(NOW)


def test_settles_what_is_unknown(journal: Journal) -> None:
    """Only a person who says that nobody was called makes a contact due again."""
    begin(journal, 2)
    begin(journal, 3)
    assert "unknown" == journal.settle(2, is_placed=True).outcome
    assert "unknown" == journal.settle(3, is_placed=False).outcome

    assert ["Max", "Noor"] == [line.arguments["full_name"] for line in journal.lines()]
    assert {"placed": 1, "due": 1} == journal.count()
    assert [2] == numbers(journal.placed_by_word())
    assert [] == journal.live(NOW)
    assert [] == take(journal, HEADER + "+12025550142,Max\n+14155550137,Nora\n")
    [line] = journal.due()
    assert (3, "Nora", "person") == (line.line, line.arguments["full_name"], line.told_by)


def test_settles_what_was_refused(journal: Journal) -> None:
    """A contact that was corrected in the file is due again then; one whose call was placed never."""
    begin(journal, 2, Result(outcome="refused", status=400))
    for is_placed, line, told in (
        (True, 2, "line 2 is not unknown: it is refused"),
        (True, 3, "line 3 is not unknown: it is due"),
        (True, 9, "the journal has no line 9"),
    ):
        with pytest.raises(JournalError, match=told):
            journal.settle(line, is_placed=is_placed)
    assert "refused" == journal.settle(2, is_placed=False).outcome
    assert "due" == journal.settle(3, is_placed=False).outcome
    take(journal, TWO)
    begin(journal, 2, PLACED)
    with pytest.raises(JournalError, match="line 2 is not unknown: it is placed"):
        journal.settle(2, is_placed=False)


def test_it_is_for_its_owner_only(journal: Journal, path: Path) -> None:
    """Names and numbers are personal; so is what SQLite writes beside it."""
    begin(journal, 2)

    assert {"calls.db", "calls.db-wal", "calls.db-holder"} == {file.name for file in path.parent.iterdir()}
    assert {0o600} == {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}


def test_what_is_written_is_on_the_disk(journal: Journal) -> None:
    """A power cut loses nothing that was committed."""
    assert [("wal",)] == journal._database.execute("PRAGMA journal_mode")
    assert [(2,)] == journal._database.execute("PRAGMA synchronous")


def test_one_run_alone_has_it(journal: Journal, path: Path) -> None:
    """A second one is told who; through another name of the file as well, and for reading."""
    link = path.with_name("link.db")
    link.symlink_to(path)
    who = rf"is held by process {os.getpid()} on {socket.gethostname()} since 20\d\d-"
    for other in (path, link):
        for open_ in (Journal, Journal.rehearse, lambda name: Journal(name, must_exist=True)):
            with pytest.raises(JournalError, match=who):
                open_(other)

    path.with_name("calls.db-holder").write_bytes(b"\xff")
    with pytest.raises(JournalError, match=r"is held by another process$"):
        Journal(path)
    journal.close()
    Journal(path).close()
    assert {"calls.db", "link.db"} == {file.name for file in path.parent.iterdir()}


def test_a_rehearsal_changes_nothing(path: Path) -> None:
    """It begins with what the journal has, if there is one."""
    with Journal.rehearse(path) as rehearsal:
        take(rehearsal, TWO)
        assert [2, 3] == numbers(rehearsal.due())
    assert not path.exists()
    with Journal(path) as journal:
        take(journal, TWO)
        begin(journal, 2, PLACED)
    with Journal.rehearse(path) as rehearsal:
        take(rehearsal, TWO + "+14155550138,Ada\n")
        assert [3, 4] == numbers(rehearsal.due())
    with Journal(path) as journal:
        assert [2, 3] == [line.line for line in journal.lines()]


def _no_directory(path: Path) -> Path:
    return path / "lost" / "calls.db"


def _directory(path: Path) -> Path:
    return path


def _text(path: Path) -> Path:
    (path / "calls.db").write_text(TWO * 100)
    return path / "calls.db"


def _other_database(path: Path) -> Path:
    with sqlite3.connect(path / "calls.db") as database:
        database.execute("CREATE TABLE x (y)")
    database.close()
    return path / "calls.db"


def _newer(path: Path) -> Path:
    with Journal(path / "calls.db") as journal:
        journal._database.execute("UPDATE journal SET schema_version = 2")
    return path / "calls.db"


def _damaged_schema(path: Path, change: str) -> Path:
    with Journal(path / "calls.db") as journal:
        take(journal, TWO)
    with sqlite3.connect(path / "calls.db") as database:
        database.execute("PRAGMA writable_schema = ON")
        database.execute(f"UPDATE sqlite_master SET {change}")  # noqa: S608 - it is from here
    database.close()
    return path / "calls.db"


def _damaged_index(path: Path) -> Path:
    return _damaged_schema(path, "rootpage = 3 WHERE name = 'sqlite_autoindex_lines_1'")


def _damaged_table(path: Path) -> Path:
    lines = "(SELECT rootpage FROM sqlite_master WHERE name = 'lines')"
    return _damaged_schema(path, f"rootpage = {lines} WHERE name = 'journal'")


def _no_text(path: Path) -> Path:
    with Journal(path / "calls.db"):
        pass
    file = path / "calls.db"
    file.write_bytes(file.read_bytes().replace(b"CREATE TABLE lines", b"CREATE \xffABLE lines"))
    return file


def _cut(path: Path) -> Path:
    with Journal(path / "calls.db") as journal:
        take(journal, HEADER + "".join(f"+1202555{number:04},Max\n" for number in range(1000)))
    os.truncate(path / "calls.db", 8192)
    return path / "calls.db"


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (_no_directory, "can't be opened: No such file or directory"),
        (_directory, "can't be opened: Is a directory"),
        (_text, "is no journal, or is damaged"),
        (_other_database, "is a database of something else"),
        (_newer, "is of version 2, and this release knows 1"),
        (_damaged_index, "is damaged|can't be used"),
        (_damaged_table, "is damaged"),
        (_cut, "is damaged"),
        (_no_text, "is damaged"),
    ],
)
def test_unusable_journals(tmp_path: Path, make: Callable[[Path], Path], told: str) -> None:
    """They are refused with one line; nothing is guessed from what is left of one."""
    place = make(tmp_path)
    with pytest.raises(JournalError, match=told) as caught:
        Journal(place)

    assert str(caught.value).startswith("the journal ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("column", ["arguments", "started_at"])
def test_damaged_lines(path: Path, column: str) -> None:
    """What a line says may be damaged where SQLite finds nothing: that is told in the same words."""
    with Journal(path) as journal:
        take(journal, TWO)
        journal.begin(2, NOW)
        journal._database.execute(f"UPDATE lines SET {column} = '[5]'")  # noqa: S608 - it is from here
        with pytest.raises(JournalError, match=r"is damaged$"):
            list(journal.lines())


def test_a_missing_journal_is_not_made_for_reading(path: Path) -> None:
    """Who asks what became of calls, by a wrong name, gets no empty journal."""
    with pytest.raises(JournalError, match=r"can't be opened: No such file or directory$"):
        Journal(path, must_exist=True)

    assert not path.exists()


def test_a_file_system_without_a_write_ahead_log(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite then goes on without one, and with less care: such a journal is refused."""
    monkeypatch.setattr(Database, "execute", lambda *_: [("delete",)])
    with pytest.raises(JournalError, match="is on a file system that can't keep one"):
        Journal(path)


FULL_DISK = """
import io, resource, sys
from pathlib import Path
from contactship_async.calling import *

limits = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), limits[1]))
try:
    with Journal(Path(sys.argv[1])) as journal:
        text = "to_number,full_name\\n" + "".join(f"+1202555{number:04},Max\\n" for number in range(500))
        journal.take(Caller("a", "+12025550100"), *read_contacts(io.BytesIO(text.encode())), print)
        for line in journal.due(limit=500):
            journal.begin(line.line, line.unknown_since)
except JournalError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, limits)
"""


@pytest.mark.parametrize("size", [0, 5_000, 40_000, 400_000])
def test_a_full_disk(path: Path, size: int) -> None:
    """Whenever nothing more can be written, that is said in one line, and what was written is still there."""
    command = [sys.executable, "-W", "error", "-c", FULL_DISK, str(path), str(size)]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - Python

    assert "" == ended.stderr
    assert ended.stdout in {
        f"the journal {path} can't be written: the disk is full\n",
        f"the journal {path} can't be read or written\n",
    }
    with Journal(path) as journal:
        lines = [*journal.lines()]
        assert len(lines) in {0, 500}
        assert len(lines) == len(journal.unknown()) + len(journal.due(limit=500))


class Starts(RuleBasedStateMachine):
    """Files are taken, starts begin and end, people settle, and processes end, in any order.

    The model knows who may have been called: from the moment a start begins, until it is known to have come to nothing
    or a person says so.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.path = Path(self.folder.name) / "calls.db"
        self.journal = Journal(self.path)
        self.in_file: set[str] = set()
        self.under_way: list[Line] = []
        self.may_be_called: set[str] = set()
        self.called: set[str] = set()
        self.calls = 0

    @rule(
        people=st.lists(st.integers(0, 5), unique=True, min_size=1),
        name=st.sampled_from(["Max", "Max", "Max", "Noor"]),
        is_bad=st.booleans(),
    )
    def take(self, people: list[int], name: str, *, is_bad: bool) -> None:
        """Take a file, which may have a line that is no contact."""
        numbers = [f"+1202555010{person}" for person in people]
        text = HEADER + "".join(f"{number},{name}\n" for number in numbers)
        try:
            take(self.journal, text + ("x,\n" if is_bad else ""))
        except ContactFileError:
            assert is_bad
        else:
            self.in_file = {*numbers}

    @rule(place=st.integers(0, 5))
    def begin(self, place: int) -> None:
        """Begin the start of one who is due."""
        for line in self.journal.due()[place : place + 1]:
            assert line.identity in self.in_file
            self.journal.begin(line.line, NOW)
            self.may_be_called.add(line.identity)
            self.under_way.append(line)

    @rule(outcome=st.sampled_from(["placed", "refused", "not sent", "unknown"]), is_due=st.booleans())
    @precondition(lambda self: self.under_way)
    def end(self, outcome: Outcome, *, is_due: bool) -> None:
        """Write down what a start came to."""
        line = self.under_way.pop()
        is_placed = outcome == "placed"
        self.calls += is_placed
        self.journal.record(
            line.line,
            Result(
                outcome=outcome,
                call_id=f"call-{self.calls}" if is_placed else None,
                is_due=is_due and outcome in {"refused", "not sent"},
            ),
        )
        if is_placed:
            self.called.add(line.identity)
        elif outcome != "unknown":
            self.may_be_called.remove(line.identity)

    @rule()
    def end_the_process(self) -> None:
        """Let another process go on."""
        self.journal.close()
        self.journal = Journal(self.path)
        self.under_way.clear()

    @rule(line=st.integers(1, 12), is_placed=st.booleans())
    @precondition(lambda self: not self.under_way)
    def settle(self, line: int, *, is_placed: bool) -> None:
        """Let a person settle a line."""
        try:
            before = self.journal.settle(line, is_placed=is_placed)
        except JournalError:
            return
        assert before.identity not in self.called
        if is_placed:
            self.called.add(before.identity)
        else:
            self.may_be_called.discard(before.identity)

    @rule(call_ids=st.lists(st.sampled_from(["x", "y", "z"]), unique=True, max_size=2))
    @precondition(lambda self: self.may_be_called - self.called - {line.identity for line in self.under_way})
    def find(self, call_ids: list[str]) -> None:
        """Find calls in the listing, for one whose start is unknown."""
        line = next(line for line in self.journal.unknown() if line.line not in {one.line for one in self.under_way})
        if self.journal.find(line.line, call_ids) is not None:
            self.called.add(line.identity)

    @invariant()
    def nobody_is_called_twice(self) -> None:
        """Whoever may have been called is not due; whoever was is placed, by a call of their own."""
        lines = [*self.journal.lines()]
        call_ids = [line.call_id for line in lines if line.call_id]
        assert len(lines) == len({line.identity for line in lines})
        assert len(call_ids) == len({*call_ids})
        assert set() == self.may_be_called & {line.identity for line in lines if line.is_due}
        assert self.called == {line.identity for line in lines if line.outcome == "placed"}
        assert self.may_be_called - self.called == {line.identity for line in lines if line.outcome == "unknown"}

    def teardown(self) -> None:
        """Remove the journal."""
        self.journal.close()
        self.folder.cleanup()


TestStarts = Starts.TestCase
TestStarts.settings = settings(stateful_step_count=25)


def copy_without_log(path: Path) -> Path:
    """Copy the file of a journal alone, as backups and people do."""
    copy = path.with_name("copy.db")
    copy.write_bytes(path.read_bytes())
    return copy


def test_copy_of_a_killed_run_without_its_log(tmp_path: Path) -> None:
    """What a run wrote before it was killed stands in the log: a file without it is refused, and not begun anew."""
    path = tmp_path / "calls.db"
    with Journal(path) as journal:
        take(journal, TWO)
        begin(journal, 2)
        copy = copy_without_log(path)
        with pytest.raises(JournalError, match=r"was not closed, and lacks copy\.db-wal"):
            Journal(copy)
        copy.with_name("copy.db-wal").write_bytes(path.with_name("calls.db-wal").read_bytes())
        with Journal(copy) as both:
            assert [2] == numbers(both.unknown())


def test_copy_of_a_closed_journal(tmp_path: Path) -> None:
    """A journal that was closed is all in its file."""
    path = tmp_path / "calls.db"
    with Journal(path) as journal:
        take(journal, TWO)
        begin(journal, 2)
    with Journal(copy_without_log(path)) as copy:
        assert [2] == numbers(copy.unknown())


def test_journal_that_could_not_say_that_it_is_closed(tmp_path: Path) -> None:
    """A full disk as a journal is closed does not keep it from being opened again."""
    path = tmp_path / "calls.db"
    journal = Journal(path)
    take(journal, TWO)
    journal._database.execute("PRAGMA query_only = 1")
    journal.close()
    with Journal(path) as again:
        assert [2, 3] == numbers(again.due())


def test_holder_that_is_a_link(tmp_path: Path) -> None:
    """What tells who holds a journal is written over no other file."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "calls.db-holder").symlink_to(victim)
    with Journal(tmp_path / "calls.db"):
        assert "precious" == victim.read_text()
