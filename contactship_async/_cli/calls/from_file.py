"""Calling many, once each: `calls make --from-file`, and `calls journal`, which tells what became of it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias

from cyclopts import CycloptsError, Parameter

from contactship_async import ContactshipClient
from contactship_async._cli import event_loop
from contactship_async._cli.confirmation import confirm
from contactship_async._cli.failures import translate
from contactship_async._cli.notices import Notices
from contactship_async._cli.options import PositiveInt, make_command, options_of, wrong_usage
from contactship_async._cli.output import Format, Output
from contactship_async._cli.streams import note
from contactship_async._cli.target import Target
from contactship_async.calling import (
    Caller,
    ContactFileError,
    Hours,
    Journal,
    JournalError,
    Line,
    Outcome,
    Pace,
    Remark,
    Result,
    Run,
    Watch,
    read_contacts,
)

Finding: TypeAlias = Literal["placed", "not-placed"]

_JOURNAL_HELP: Final = """Tell what became of a file's calls; settle what is unknown.

A start is unknown when it may have reached Contactship, and nobody knows whether the call was placed. It is never
started again by itself: look whether the person was called, and write down with --settle what you found. Only
`--settle LINE not-placed` lets the next run call that contact. So it does for one whose call was refused, once the file
is corrected."""

_MAX_DIGITS: Final = 18  # which SQLite takes for a number

_FIELDS: Final = (
    *("line", "outcome", "identity", "to", "full_name", "call_id"),
    *("status", "message", "started_at", "sent_at", "told_by"),
)


def make_from_file(  # noqa: PLR0913 - the options of a command
    *,
    from_file: Path,
    journal: Path | None = None,
    agent_id: str | None = None,
    from_number: str | None = None,
    from_number_id: str | None = None,
    max_live: PositiveInt = 5,
    between: str | None = None,
    time_zone: str | None = None,
    dry_run: bool = False,
    yes: bool = False,
    format: Format | None = None,  # noqa: A002 - the name of the option
    target: Target,
) -> int:
    """Call each contact of a file once, and return the exit code.

    Args:
        from_file: A csv file whose contacts are called, each once. Its first line names the columns: to_number and
            full_name, perhaps email and country, or contact_id; perhaps key, which tells contacts apart in place of
            these. Every other column is told the agent, by its name.
        journal: Where it is kept what became of each contact of the file. The same command goes on where it ended,
            however that was, and calls nobody twice.
        agent_id: Who speaks.
        from_number: The number that calls the numbers of a file.
        from_number_id: The id of the number that calls the contacts of a file.
        max_live: How many of the calls of a file may be live at once.
        between: The hours in which the contacts of a file may be called, such as 09:00-18:00; goes with --time-zone.
        time_zone: That of these hours, such as Europe/Madrid.
        dry_run: Only print whom of a file would be called.
        yes: Call them without asking.
        format: Of what --dry-run prints; table if not given.
        target: The organization that calls.

    Raises:
        CycloptsError: An argument, the file or the journal can't be used, or nobody said yes.
        ContactshipError: The journal could not be written any more.
    """
    if agent_id is None:
        message = "--from-file needs --agent-id, who speaks"
        raise CycloptsError(message)
    with wrong_usage():
        pace = Pace(max_live=max_live, hours=_read_hours(between, time_zone))
        caller = Caller(agent_id, from_number, from_number_id)
    if journal is None:
        message = "--from-file needs --journal, a file in which it is kept who was called"
        raise CycloptsError(message)
    if not dry_run:
        target.check_key()
    with _open(journal, is_rehearsal=dry_run) as opened:
        left_out = _take(opened, from_file, caller)
        if dry_run:
            return _print_due(opened, format or "table")
        due = opened.count_due()
        if not due:
            note("nobody is left to call")
        elif not confirm(_describe_run(opened, from_file, caller, pace), yes=yes or target.sandbox):
            note("nobody was called")
            return 1
        ended_by = _call_each(opened, caller, pace, target) if due + len(opened.unknown()) else None
        outcomes = opened.count()
        _describe_end(outcomes, opened.count_due(), journal)
        if ended_by is not None:
            return event_loop.exit_code_after(ended_by)
        return int(outcomes.keys() != {"placed"} or left_out > 0)


def show_journal(
    journal: Path,
    *,
    settle: Annotated[tuple[str, Finding] | None, Parameter()] = None,
    format: Format = "table",  # noqa: A002 - the name of the option
) -> int:
    """Print what became of each contact, or settle one, and return the exit code.

    Args:
        journal: That of `calls make --from-file`.
        settle: A line of the journal, and whether its call was placed: placed or not-placed. Nothing is printed then.
        format: json is one array, jsonl one object per line, csv has a header.

    Raises:
        CycloptsError: The journal or the line can't be used.
    """
    try:
        with Journal(journal, must_exist=True) as opened:
            if settle is None:
                return _print_journal(opened, format)
            line, finding = settle
            before = opened.settle(_read_line(line), is_placed=finding == "placed")
            note(f"line {line}, {before.identity}: {before.outcome}, now {'placed' if finding == 'placed' else 'due'}")
            return 0
    except JournalError as error:
        raise CycloptsError(str(error)) from None


journal: Final = make_command(show_journal, "journal", options_of(show_journal), _JOURNAL_HELP)
"""The command."""


def _read_hours(between: str | None, time_zone: str | None) -> Hours | None:
    if (between is None) != (time_zone is None):
        message = "--between and --time-zone go together"
        raise CycloptsError(message)
    return None if between is None or time_zone is None else Hours.read(between, time_zone)


def _read_line(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        message = f'--settle takes the number of a line, as the journal shows it, not "{text}"'
        raise CycloptsError(message)
    return int(text)


def _open(path: Path, *, is_rehearsal: bool) -> Journal:
    try:
        return Journal.rehearse(path) if is_rehearsal else Journal(path)
    except JournalError as error:
        raise CycloptsError(str(error)) from None


def _take(journal: Journal, path: Path, caller: Caller) -> int:
    """Take the contacts of a file, and return how many are left out."""
    try:
        with path.open("rb") as file:
            header, rows = read_contacts(file)
            return journal.take(caller, header, rows, _tell_remark)
    except OSError as error:
        message = f"{path} can't be read: {error.strerror}"
        raise CycloptsError(message) from None
    except (ContactFileError, JournalError) as error:
        message = f"nobody was called: {translate(str(error))}"
        raise CycloptsError(message) from None


def _tell_remark(remark: Remark) -> None:
    note(f"line {remark.line} {remark.text}")


def _describe_run(journal: Journal, path: Path, caller: Caller, pace: Pace) -> str:
    """Return the question, after lines that say what is going to be done."""
    due, total = journal.count_due(), sum(journal.count().values())
    facts = {
        "contacts": f"{due} of the {total} in {path}",
        "from": caller.from_number or f"number {caller.from_number_id}",
        "agent": caller.agent_id,
        "pace": f"{pace.max_live} live at once{'' if pace.hours is None else f', {pace.hours}'}",
    }
    question = f"call {due} {'people' if due > 1 else 'person'}, which rings their phones and spends credits?"
    return "\n".join([*(f"{name:10}{text}" for name, text in facts.items()), question])


def _call_each(journal: Journal, caller: Caller, pace: Pace, target: Target) -> int | None:
    """Call those who are due, and return the number of the signal that ended that, if one did."""
    notices = Notices(is_verbose=target.verbose)
    watch = Watch(_make_teller(is_detailed=target.verbose or sys.stderr.isatty()), note)

    async def call(client: ContactshipClient) -> int | None:
        ended_by = None
        run = Run(client, journal, caller, pace=pace, watch=watch)

        def interrupt(number: int) -> None:
            nonlocal ended_by
            ended_by = number
            again = event_loop.name_signal(number)
            note(f"interrupted: starts under way come to their ends; {again} again leaves them unknown")
            run.stop()

        async with client:
            with event_loop.first_interrupt(interrupt):
                await run.run()
        if run.stopped_by:
            note(f"stopped: {run.stopped_by}")
        return ended_by

    try:
        with notices:
            return event_loop.run(call(target.open_client(notices.on_wait)))
    except KeyboardInterrupt:
        return signal.SIGINT


def _make_teller(*, is_detailed: bool) -> Any:
    def tell(line: Line, result: Result) -> None:
        if result.outcome != "placed":
            facts = [str(result.status or ""), " ".join(result.message.split())]
            note(": ".join([f"line {line.line}", result.outcome, *filter(None, facts)]))
        elif is_detailed:
            note(f"line {line.line}: placed, call {result.call_id}")

    return tell


def _describe_end(outcomes: Mapping[Outcome, int], due: int, path: Path) -> None:
    names = {outcome: "not started" if outcome == "due" else outcome for outcome in outcomes}
    counts = ", ".join(f"{outcomes[outcome]} {name}" for outcome, name in sorted(names.items()))
    total = sum(outcomes.values())
    note(f"{total} contact{'s' if total > 1 else ''}: {counts}; contactship calls journal {path} tells of each")
    if due:
        note(f"{due} {'are' if due > 1 else 'is'} still to be called: the same command goes on")
    if outcomes.get("unknown"):
        note("what is unknown is not called again, unless --settle LINE not-placed of that command says so")


def _print_due(journal: Journal, format_: Format) -> int:
    names = ("to_number", "full_name", "email", "country", "contact_id", "additional_data")

    def rows() -> Iterable[list[dict[str, Any]]]:
        after = 0
        while lines := journal.due(after):
            after = lines[-1].line
            yield [
                {
                    "line": line.line,
                    "identity": line.identity,
                    **{name: line.arguments.get(name) for name in names},
                }
                for line in lines
            ]

    _print(rows(), ("line", "identity", *names), "contacts to call", format_)
    return 0


def _print_journal(journal: Journal, format_: Format) -> int:
    def rows() -> Iterable[list[dict[str, Any]]]:
        yield from ([_describe_line(line)] for line in journal.lines())

    _print(rows(), _FIELDS, "contacts", format_)
    if unknown := len(journal.unknown()):
        note(f"{unknown} unknown: look whether they were called; --settle LINE placed|not-placed writes it down")
    return 0


def _describe_line(line: Line) -> dict[str, Any]:
    given, fields = line.arguments, line.to_dict()
    to = given.get("to_number") or given.get("contact_id")
    fields |= {"to": None if to == line.identity else to, "full_name": given.get("full_name")}
    return {name: fields[name] for name in _FIELDS}


def _print(pages: Iterable[list[dict[str, Any]]], fields: tuple[str, ...], noun: str, format_: Format) -> None:
    output = Output(format_, fields=fields, noun=noun)

    async def add() -> None:
        for page in pages:
            await output.add(page)

    event_loop.run(add())
    output.end(failures=0)
