"""`contactship calls make --from-file` and `contactship calls journal`: calling many, once each."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from calls_server import AGENT, FROM_NUMBER, CallsServer, refuse, write_contacts
from processes import Held
from terminals_and_pipes import answer

from contactship_async._cli import event_loop
from contactship_async._cli.app import run
from contactship_async.calling import Journal, Run

Files = tuple[Path, Path]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Return a file of three contacts, and where their journal may be."""
    file = tmp_path / "contacts.csv"
    file.write_text(write_contacts(3))
    return file, tmp_path / "calls.db"


def make(files: Files, *more: str, agent: str = AGENT, number: str = FROM_NUMBER) -> tuple[str, ...]:
    """Return the arguments that call the contacts of a file."""
    file, journal = files
    return (
        *("calls", "make", "--from-file", str(file), "--journal", str(journal)),
        *("--agent-id", agent, "--from-number", number, *more),
    )


def outcomes_of(files: Files) -> list[str]:
    """Return what became of each contact."""
    with Journal(files[1]) as journal:
        return [line.outcome for line in journal.lines()]


async def test_calls_each_once(call: Any, files: Files) -> None:
    """A second run has nothing to do, and says what there is; a line that is added is called."""
    file, journal = files
    async with CallsServer() as server:
        ended = [await call(*make(files, "--yes"), url=server.url) for _ in range(2)]
        file.write_text(write_contacts(4))
        ended.append(await call(*make(files, "--yes"), url=server.url))
        starts = dict(server.starts)

    told = f"contactship: {{0}} contacts: {{0}} placed; contactship calls journal {journal} tells of each\n"
    nobody = "contactship: nobody is left to call\n"
    assert [(0, "", text) for text in (told.format(3), nobody + told.format(3), told.format(4))] == [
        (each.code, each.output, each.stderr) for each in ended
    ]
    assert {f"+12025550110{place}": 1 for place in range(0)} | {
        f"+120255501{place:02}": 1 for place in range(4)
    } == starts


async def test_tells_what_is_not_placed(call: Any, files: Files) -> None:
    """A line for each, with the server's words; the exit code is 1, and what is due is called by the same command."""
    replies = {
        "+12025550100": refuse(400, "full_name is  too long"),
        "+12025550101": refuse(500),
        "+12025550102": refuse(402, "no credits"),
    }
    async with CallsServer() as server:
        server.reply = lambda body: replies.get(body["to_number"])
        server.is_lagging = True
        ended = await call(*make(files, "--yes"), url=server.url)
        server.reply = lambda _: None
        again = await call(*make(files, "--yes"), url=server.url)

    assert (1, 1) == (ended.code, again.code)
    lines = ended.stderr.splitlines()
    assert {
        "contactship: line 2: refused: 400: full_name is too long",
        "contactship: line 3: unknown: 500: no",
        "contactship: line 4: refused: 402: no credits",
    } == {line for line in lines if "line " in line and "--settle" not in line} - {""} or lines
    assert "contactship: 1 is still to be called: the same command goes on" in lines
    assert ["refused", "unknown", "placed"] == outcomes_of(files)
    assert {"+12025550102": 1} == dict(server.starts)


async def test_tells_why_nothing_is_known(call: Any, files: Files) -> None:
    """Where the server said nothing, what went wrong is told, and kept in the journal."""
    files[0].write_text(write_contacts(1))
    async with CallsServer() as server:
        server.reply, server.is_lagging = lambda _: refuse(500, ""), True
        ended = await call(*make(files, "--yes"), url=server.url)
    with Journal(files[1]) as journal:
        [line] = journal.lines()

    why = "POST /v1/calls/single-phone-call may have been processed: the response has status 500"
    assert f"contactship: line 2: unknown: 500: {why}" == ended.stderr.splitlines()[0]
    assert why == line.message


async def test_an_unusable_file_calls_nobody(call: Any, files: Files) -> None:
    """Each line is told of, the good ones are not called either, and the journal stays as it was."""
    file, journal = files
    file.write_text("to_number,full_name\n+1 (202) 555-0142,Max\n2025550143,Noor\n1.2E+10,Ada\n+12025550142,Eve\n")
    async with CallsServer() as server:
        ended = await call(*make(files, "--yes"), url=server.url)

    assert (2, "", 0) == (ended.code, ended.output, len(server.bodies))
    lines = [line.removeprefix("contactship: ") for line in ended.stderr.splitlines()]
    assert "line 2 has the number +1 (202) 555-0142, which is dialled as +12025550142" == lines[0]
    assert lines[1].startswith("line 3 has a number without a plus")
    assert lines[2].startswith("line 4 has a number in a spreadsheet's short form")
    assert "line 5 has the to_number of line 2" == lines[3]
    assert "nobody was called: 3 lines can't be used as told above" == lines[4]
    with Journal(journal) as opened:
        assert [] == [*opened.lines()]


async def test_a_missing_file(call: Any, files: Files) -> None:
    """It is wrong usage."""
    ended = await call(*make((files[0].with_name("lost.csv"), files[1]), "--yes"), url="http://127.0.0.1:9")

    assert 2 == ended.code
    assert ended.stderr.endswith("lost.csv can't be read: No such file or directory\n")


async def test_a_changed_line_is_left_out(call: Any, files: Files) -> None:
    """It is told of, the others are called, and the exit code is 1."""
    async with CallsServer() as server:
        await call(*make(files, "--yes"), url=server.url)
        files[0].write_text(write_contacts(4).replace("Person 1", "Somebody"))
        ended = await call(*make(files, "--yes"), url=server.url)
        starts = dict(server.starts)

    assert 1 == ended.code
    assert "contactship: line 3 has other columns than the journal's line 3, and is left out\n" in ended.stderr
    assert {f"+120255501{place:02}": 1 for place in range(4)} == starts


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--from-number-id", "n"), "either --from-number or --from-number-id must be given"),
        (("--between", "09:00-18:00"), "--between and --time-zone go together"),
        (("--between", "9-18", "--time-zone", "Europe/Madrid"), "--between must be two times of the day"),
        (("--between", "09:00-18:00", "--time-zone", "Madrid"), "--time-zone must be one of the IANA database"),
        (("--max-live", "0"), "--max-live"),
        (("--to-number", "+12025550142"), "the calls of a file take no --to-number"),
        (("--delay", "5", "--watch"), "the calls of a file take no --delay, --watch"),
    ],
)
async def test_wrong_arguments(call: Any, files: Files, more: tuple[str, ...], told: str) -> None:
    """They are told before anything is written or sent."""
    ended = await call(*make(files, "--yes", *more), url="http://127.0.0.1:9")

    assert 2 == ended.code
    assert told in ended.stderr
    assert not files[1].exists()


@pytest.mark.parametrize(
    ("caller", "told"),
    [
        ({"agent": ""}, "--agent-id must not be empty"),
        ({"number": "2025550100"}, "--from-number must be a plus and 7 to 15 digits, such as +12025550142"),
    ],
)
async def test_wrong_callers(call: Any, files: Files, caller: dict[str, str], told: str) -> None:
    """They are told before anything is written or sent."""
    ended = await call(*make(files, "--yes", **caller), url="http://127.0.0.1:9")

    assert (2, f"contactship: {told}\n", False) == (ended.code, ended.stderr, files[1].exists())


async def test_a_file_of_another_kind(call: Any, files: Files) -> None:
    """Which number calls depends on what the file says whom to call by."""
    files[0].write_text("contact_id\n5b8e1d6a\n")
    ended = await call(*make(files, "--yes"), url="http://127.0.0.1:9")

    told = "a file of to_number is called from a --from-number, one of contact_id from a --from-number-id"
    assert (2, f"contactship: nobody was called: {told}\n") == (ended.code, ended.stderr)


async def test_needs_a_journal(call: Any, files: Files) -> None:
    """Without one, nobody would know who was called."""
    ended = await call(*make(files)[:4], *make(files)[6:], "--yes", url="http://127.0.0.1:9")

    assert (2, "contactship: --from-file needs --journal, a file in which it is kept who was called\n") == (
        ended.code,
        ended.stderr,
    )


async def test_needs_an_agent(call: Any, files: Files) -> None:
    """It is told which option is missing."""
    ended = await call(*make(files)[:6], *make(files)[8:], "--yes", url="http://127.0.0.1:9")

    assert (2, "contactship: --from-file needs --agent-id, who speaks\n") == (ended.code, ended.stderr)
    assert not files[1].exists()


async def test_needs_a_key_and_a_yes(call: Any, files: Files) -> None:
    """Where nobody can be asked, people are called only with --yes."""
    without = await call(*make(files, "--yes"))
    asked = await call(*make(files), url="http://127.0.0.1:9")

    assert (2, 2) == (asked.code, without.code)
    assert "add --yes" in asked.stderr
    assert "no API key" in without.stderr
    assert ["due"] * 3 == outcomes_of(files)


@pytest.mark.parametrize(("typed", "code", "number"), [("y\n", 0, 3), ("n\n", 1, 0)])
async def test_asks_at_a_terminal(start: Any, files: Files, typed: str, code: int, number: int) -> None:
    """After it has said how many, from where, and who speaks; there, each call that is placed is told."""
    async with CallsServer() as server:
        between = ("--between", "00:00-23:59", "--time-zone", "UTC")
        ended, shown = await answer(start, typed, *make(files, *between), columns=200, url=server.url)
        assert code == ended
        assert number == sum(server.starts.values())
        ids = {call["id"] for call in server.calls}

    assert f"contactship: contacts  3 of the 3 in {files[0]}\n" in shown
    assert f"contactship: from      {FROM_NUMBER}\n" in shown
    assert f"contactship: agent     {AGENT}\n" in shown
    assert "contactship: pace      5 live at once, 00:00-23:59 (UTC)\n" in shown
    assert "contactship: call 3 people, which rings their phones and spends credits? [y/N] " in shown
    assert (number == 0) == ("contactship: nobody was called\n" in shown)
    assert ids == {line.rpartition(" ")[2] for line in shown.splitlines() if ": placed, call " in line}


async def test_a_dry_run(call: Any, files: Files) -> None:
    """It prints whom it would call, and asks, writes and sends nothing; nor does it need a key."""
    file, journal = files
    file.write_text("to_number,full_name,order\n+12025550142,Max,A-1\n+1 202 555 0143,Noor,\n")
    ended = await call(*make(files, "--dry-run", "--format", "json"))

    assert (0, False) == (ended.code, journal.exists())
    nothing = {"email": None, "country": None, "contact_id": None}
    assert [
        {
            "line": 2,
            "identity": "+12025550142",
            "to_number": "+12025550142",
            "full_name": "Max",
            **nothing,
            "additional_data": {"order": "A-1"},
        },
        {
            "line": 3,
            "identity": "+12025550143",
            "to_number": "+12025550143",
            "full_name": "Noor",
            **nothing,
            "additional_data": None,
        },
    ] == json.loads(ended.output)
    assert "contactship: line 3 has the number +1 202 555 0143, which is dialled as +12025550143\n" == ended.stderr
    assert "Noor" in (await call(*make(files, "--dry-run"))).output


async def test_the_journal_is_held(call: Any, files: Files) -> None:
    """Another run is told who has it, whatever it wants with it."""
    with Journal(files[1]):
        ended = [
            await call(*arguments, url="http://127.0.0.1:9")
            for arguments in (
                make(files, "--yes"),
                make(files, "--dry-run"),
                ("calls", "journal", str(files[1])),
                ("calls", "journal", str(files[1]), "--settle", "2", "placed"),
            )
        ]

    assert [2] * 4 == [each.code for each in ended]
    assert {True} == {f"is held by process {os.getpid()} on " in each.stderr for each in ended}
    assert {1} == {each.stderr.count("\n") for each in ended}


@pytest.mark.parametrize("name", ["lost/calls.db", "."])
async def test_an_unusable_journal(call: Any, files: Files, name: str) -> None:
    """It is told in one line, and nobody is called."""
    async with CallsServer() as server:
        ended = await call(*make((files[0], files[1].parent / name), "--yes"), url=server.url)

    assert (2, 1, 0) == (ended.code, ended.stderr.count("\n"), len(server.bodies))
    assert "contactship: the journal " in ended.stderr


async def test_another_agent_needs_another_journal(call: Any, files: Files) -> None:
    """All would be called again."""
    async with CallsServer() as server:
        await call(*make(files, "--yes"), url=server.url)
        ended = await call(*make(files, "--yes", agent="other"), url=server.url)

    assert 2 == ended.code
    assert "has calls of the agent" in ended.stderr


async def test_a_mistyped_number_is_corrected(call: Any, files: Files) -> None:
    """With the same journal, as nobody was called; neither does a run that nobody said yes to hold for the next."""
    async with CallsServer() as server:
        server.reply = lambda _: refuse(404, "unknown number")
        await call(*make(files, "--yes", number="+12025550199"), url=server.url)
        server.reply = lambda _: None
        asked = await call(*make(files, number="+12025550198"), url=server.url)
        ended = await call(*make(files, "--yes"), url=server.url)

    assert (2, 0) == (asked.code, ended.code)
    assert {1} == {*server.starts.values()}
    assert ["placed"] * 3 == outcomes_of(files)


async def test_stops_when_all_are_refused(call: Any, files: Files) -> None:
    """After five in a row; the same command goes on when the key is right."""
    files[0].write_text(write_contacts(20))
    async with CallsServer() as server:
        server.reply = lambda _: refuse(401)
        ended = await call(*make(files, "--yes", "--max-live", "1"), url=server.url)
        refused = len(server.bodies)
        server.reply = lambda _: None
        again = await call(*make(files, "--yes"), url=server.url)

    assert (1, 5, 0) == (ended.code, refused, again.code)
    assert "contactship: stopped: 5 starts in a row came to nothing: POST /v1/calls/single-phone-call failed: 401" in (
        ended.stderr
    )
    assert {1} == {*server.starts.values()}


async def test_tells_what_became_of_each(call: Any, files: Files) -> None:
    """In the formats of all listings; what is unknown is settled by its line."""
    journal = ("calls", "journal", str(files[1]))
    async with CallsServer() as server:
        server.reply = lambda body: refuse(500) if body["to_number"] == "+12025550101" else None
        server.is_lagging = True
        await call(*make(files, "--yes"), url=server.url)
        table, text, rows = [await call(*journal, "--format", form) for form in ("table", "csv", "json")]
        settled = await call(*journal, "--settle", "3", "not-placed")
        server.reply = lambda _: None
        await call(*make(files, "--yes"), url=server.url)

    assert [0] * 4 == [each.code for each in (table, text, rows, settled)]
    assert "Person 1" in table.output
    found = json.loads(rows.output)
    assert [(2, "placed"), (3, "unknown"), (4, "placed")] == [(row["line"], row["outcome"]) for row in found]
    assert [row["identity"] for row in csv.DictReader(io.StringIO(text.output))] == [row["identity"] for row in found]
    unknown = "1 unknown: look whether they were called; --settle LINE placed|not-placed writes it down"
    assert f"contactship: {unknown}\n" == table.stderr
    assert "contactship: line 3, +12025550101: unknown, now due\n" == settled.stderr
    assert ["placed"] * 3 == outcomes_of(files)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("2", "not-placed"), "line 2 is not unknown: it is placed"),
        (("9", "placed"), "the journal has no line 9"),
        (("+12025550100", "placed"), "--settle takes the number of a line, as the journal shows it"),
        (("2", "perhaps"), "not-placed"),
    ],
)
async def test_settles_nothing_else(call: Any, files: Files, arguments: tuple[str, str], told: str) -> None:
    """What is known stays as it is."""
    async with CallsServer() as server:
        await call(*make(files, "--yes"), url=server.url)
        ended = await call("calls", "journal", str(files[1]), "--settle", *arguments)

    assert 2 == ended.code
    assert told in ended.stderr
    assert ["placed"] * 3 == outcomes_of(files)


async def test_an_empty_journal_and_none(call: Any, files: Files) -> None:
    """A wrong name makes no journal."""
    missing = await call("calls", "journal", str(files[1]))
    Journal(files[1]).close()
    empty = await call("calls", "journal", str(files[1]))

    assert (2, 0) == (missing.code, empty.code)
    assert "can't be opened: No such file or directory" in missing.stderr
    assert "contactship: no contacts\n" == empty.stderr


async def interrupt(start: Any, files: Files, number: int, *, times: int) -> tuple[int, str]:
    """Send a signal so many times while a start is under way, and return the exit code and what was told."""
    held = Held()

    async def hold(point: str) -> None:
        if point == "arrives":
            await held.hold()

    async with CallsServer() as server:
        server.at = hold
        arguments = make(files, "--yes", "--max-live", "1")
        process = await start("-m", "contactship_async", *arguments, url=server.url)
        told = await held.interrupt(process, number, times=times)
    return process.returncode, told


@pytest.mark.parametrize("times", [1, 2])
async def test_ctrl_c(start: Any, files: Files, times: int) -> None:
    """Starts under way come to their ends, and it says how to go on; the second time it does not wait for them."""
    code, told = await interrupt(start, files, signal.SIGINT, times=times)

    assert 130 == code
    first, *lines = told.splitlines()
    assert "contactship: interrupted: starts under way come to their ends; Ctrl-C again leaves them unknown" == first
    counts = f"2 not started, {'1 placed' if times == 1 else '1 unknown'}"
    assert f"contactship: 3 contacts: {counts}; contactship calls journal {files[1]} tells of each" in lines
    assert "contactship: 2 are still to be called: the same command goes on" in lines
    assert ["placed" if times == 1 else "unknown", "due", "due"] == outcomes_of(files)


@pytest.mark.parametrize("react", [signal.SIG_DFL, signal.SIG_IGN])
async def test_sigterm(start: Any, files: Files, react: signal.Handlers) -> None:
    """It is taken as Ctrl-C is, also where that is ignored, as in the background of a script."""
    before = signal.signal(signal.SIGINT, react)  # which the process inherits
    try:
        code, told = await interrupt(start, files, signal.SIGTERM, times=1)
    finally:
        signal.signal(signal.SIGINT, before)

    assert 143 == code
    first, *lines = told.splitlines()
    assert "contactship: interrupted: starts under way come to their ends; SIGTERM again leaves them unknown" == first
    assert "contactship: 2 are still to be called: the same command goes on" in lines
    assert ["placed", "due", "due"] == outcomes_of(files)


def test_sigterm_before_the_first_start(
    files: Files, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody is called, and all are told to be left."""

    @contextmanager
    def interrupt_at_once(react: Callable[[int], object]) -> Iterator[None]:
        react(signal.SIGTERM)
        yield

    monkeypatch.setattr(event_loop, "first_interrupt", interrupt_at_once)
    monkeypatch.setenv("CONTACTSHIP_API_KEY", "sandbox-key")
    monkeypatch.setenv("CONTACTSHIP_BASE_URL", "http://127.0.0.1:9")

    assert 143 == run(make(files, "--yes"))
    assert "contactship: 3 are still to be called: the same command goes on\n" in capsys.readouterr().err


async def test_a_second_sigterm(start: Any, files: Files) -> None:
    """It ends the process, as it ever does: the start under way is unknown."""
    code, _ = await interrupt(start, files, signal.SIGTERM, times=2)

    assert -signal.SIGTERM == code
    assert ["unknown", "due", "due"] == outcomes_of(files)


def test_ctrl_c_that_does_not_wait(
    files: Files, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever is interrupted, what has become of all is told, and the process ends as it does at Ctrl-C."""

    async def interrupt(_: Run) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Run, "run", interrupt)
    monkeypatch.setenv("CONTACTSHIP_API_KEY", "sandbox-key")
    with pytest.raises(KeyboardInterrupt):
        run(make(files, "--yes"))

    assert "contactship: 3 are still to be called: the same command goes on\n" in capsys.readouterr().err


async def test_a_full_disk_ends_it(call: Any, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says so, and nobody is called whose start could not be written down."""
    begin = Journal.begin

    def fail(journal: Journal, *arguments: Any) -> None:
        journal._database.execute("PRAGMA max_page_count = 1")
        journal._database.execute("CREATE TABLE large AS SELECT randomblob(100000)")
        begin(journal, *arguments)

    monkeypatch.setattr(Journal, "begin", fail)
    async with CallsServer() as server:
        ended = await call(*make(files, "--yes"), url=server.url)

    assert (1, 0) == (ended.code, len(server.bodies))
    assert f"contactship: the journal {files[1]} can't be written: the disk is full\n" == ended.stderr
