"""`contactship contacts import`: the contacts of a file, however often it is run and however it ends."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from contacts_server import ContactsServer, number_of, respond
from processes import Held
from terminals_and_pipes import answer, closed_pipe, needs_full_device, run_in_terminal

from contactship_async import Request, Response
from contactship_async._cli.app import run
from contactship_async._cli.contacts.running import Running

NOWHERE = "http://127.0.0.1:9"


def write(number: int, *more: str) -> str:
    """Write a file of that many contacts, and further lines."""
    lines = [f"+1202555{place:04},Person {place},US" for place in range(number)]
    return "\n".join(["phone_number,full_name,country", *lines, *more, ""])


def row(place: int, **more: Any) -> dict[str, Any]:
    """Return one of these contacts as the API has it."""
    number = f"+1202555{place:04}"
    known = {"id": f"contact of {number}", "phone_number": number, "full_name": f"Person {place}", "country": "US"}
    return {**known, **more}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file of three contacts."""
    path = tmp_path / "people.csv"
    path.write_text(write(3))
    return path


def save(file: Path, text: str) -> None:
    """Write a file."""
    file.write_text(text)


def load(file: Path, *more: str) -> tuple[str, ...]:
    """Return the arguments that import a file."""
    return ("contacts", "import", str(file), *more)


async def test_imports_each_line(call: Any, file: Path) -> None:
    """The report says what became of each, in all formats; a second run changes nothing."""
    async with ContactsServer(row(1, full_name="Zoë"), row(2)) as server:
        first = await call(*load(file, "--yes", "--format", "json"), url=server.url)
        again = [await call(*load(file, "--yes", "--format", form), url=server.url) for form in ("csv", "table")]

    assert [0] * 3 == [ended.code for ended in (first, *again)]
    assert "contactship: 3 of 3 contacts: 1 created, 1 updated, 1 unchanged\n" == first.stderr
    expected = [
        {
            "line": place + 2,
            "outcome": outcome,
            "phone_number": f"+1202555{place:04}",
            "contact_id": f"contact of +1202555{place:04}",
            "status": None,
            "message": None,
        }
        for place, outcome in enumerate(["created", "updated", "unchanged"])
    ]
    assert expected == json.loads(first.output)
    assert ["unchanged"] * 3 == [each["outcome"] for each in csv.DictReader(io.StringIO(again[0].output))]
    assert 3 == again[1].output.count("unchanged")
    assert [row(place) for place in range(3)] == sorted(server.rows.values(), key=lambda each: each["phone_number"])


async def test_columns_that_are_asked_for(call: Any, file: Path) -> None:
    """They become additional data, with their types; the others are told to be left out."""
    save(file, "full_name,phone_number,since,note,size\nMax,+12025550000,2026-05-04,hi,7\n")
    fields = ("--additional-data", "size=number", "--additional-data", "since")
    async with ContactsServer() as server:
        ended = await call(*load(file, "--yes", *fields), url=server.url)

    [contact] = server.rows.values()
    assert [
        {"type": "number", "field": "size", "value": "7"},
        {"type": "text", "field": "since", "value": "2026-05-04"},
    ] == contact["additional_data"]
    assert (0, "contactship: not imported, as no --additional-data names them: note") == (
        *(ended.code, ended.stderr.splitlines()[0]),
    )


async def test_a_dry_run(call: Any, file: Path) -> None:
    """It prints the contacts as they would be sent, sends nothing, and needs no key."""
    save(file, "phone_number,full_name,since\n+1 202 555 0143,Max,\n+12025550144,Noor,2026\n")
    ended = await call(*load(file, "--dry-run", "--format", "json", "--additional-data", "since=date"))

    assert 0 == ended.code
    nothing = {"country": None, "email": None}
    data = [{"type": "date", "field": "since", "value": "2026"}]
    assert [
        {"line": 2, "phone_number": "+12025550143", "full_name": "Max", **nothing, "additional_data": None},
        {"line": 3, "phone_number": "+12025550144", "full_name": "Noor", **nothing, "additional_data": data},
    ] == json.loads(ended.output)
    assert "contactship: line 2 has the number +1 202 555 0143, which is kept as +12025550143\n" == ended.stderr


async def test_an_unusable_file(call: Any, file: Path) -> None:
    """Each line is told of, and nothing is sent, of the good ones either."""
    texts = [write(1, "2025550143,Max,", "+12025550144,,"), "phone_number\n", write(0), "phone_number,full_name\n1,a\n"]
    told = []
    async with ContactsServer() as server:
        for text in texts:
            save(file, text)
            ended = await call(*load(file, "--yes"), url=server.url)
            told += [ended.code, *ended.stderr.splitlines()]
        lost = await call(*load(file.with_name("lost.csv"), "--yes"), url=server.url)

    assert [
        2,
        "contactship: line 3 has a number without a plus, as in +12025550142: which country it is in is not guessed",
        "contactship: line 4 has no full_name",
        "contactship: nothing was sent: 2 lines can't be used as told above",
        2,
        "contactship: nothing was sent: line 1: there is no column full_name",
        2,
        "contactship: nothing was sent: the file has no contacts",
        2,
        "contactship: line 2 has a number without a plus, as in +12025550142: which country it is in is not guessed",
        "contactship: nothing was sent: 1 line can't be used as told above",
    ] == told
    assert (2, True) == (lost.code, lost.stderr.endswith("lost.csv can't be read: No such file or directory\n"))
    assert [] == server.requests


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--additional-data", "=date"), "--additional-data must be COLUMN or COLUMN=TYPE, such as since=date"),
        (("--additional-data", "since="), "--additional-data must be COLUMN or COLUMN=TYPE, such as since=date"),
        (("--additional-data", "email"), "--additional-data must be another column than email"),
        (("--additional-data", "a", "--additional-data", "a=date"), "--additional-data has 'a' twice"),
        (("--additional-data", "since"), "there is no column 'since', which --additional-data names"),
        (("--concurrency", "0"), "--concurrency"),
        (("--organizations", "some.toml"), "--organizations"),
    ],
)
async def test_wrong_arguments(call: Any, file: Path, more: tuple[str, ...], told: str) -> None:
    """Nothing is sent."""
    ended = await call(*load(file, "--yes", *more), url=NOWHERE)

    assert (2, True) == (ended.code, told in ended.stderr)


async def test_needs_a_key_and_a_yes(call: Any, file: Path) -> None:
    """Where nobody can be asked, contacts are changed only with --yes."""
    without = await call(*load(file, "--yes"))
    asked = await call(*load(file), url=NOWHERE)

    assert (2, 2) == (without.code, asked.code)
    assert "no API key" in without.stderr
    assert "contactship: this creates and changes contacts: add --yes to do it without being asked\n" == asked.stderr


@pytest.mark.parametrize(("typed", "code", "number"), [("y\n", 0, 3), ("n\n", 1, 0)])
async def test_asks_at_a_terminal(start: Any, file: Path, typed: str, code: int, number: int) -> None:
    """After it has said how many there are."""
    async with ContactsServer() as server:
        ended, shown = await answer(start, typed, *load(file), columns=300, url=server.url)

    assert (code, number) == (ended, len(server.rows))
    assert f"create these contacts, or update those that are there: 3 of {file}? [y/N]" in shown
    assert ("nothing was imported" in shown) == (number == 0)


async def test_shows_how_far_it_is(start: Any, file: Path) -> None:
    """At a terminal, with what came of them so far."""
    async with ContactsServer() as server:
        shown = await run_in_terminal(start, *load(file, "--yes"), shows_output=False, url=server.url)

    assert "3/3" in shown
    assert "3 created" in shown


async def test_lines_that_fail(call: Any, file: Path) -> None:
    """The report has the status and the server's words, the others are imported, and the exit code is 1."""
    save(file, write(8))

    async def refuse(request: Request) -> Response | None:
        number = number_of(request)
        reply = respond(502) if number == "+12025550000" else respond(400, message="no such country")
        return reply if number < "+12025550007" else None

    async with ContactsServer() as server:
        server.before = refuse
        ended = await call(*load(file, "--yes", "--format", "json", "--timeout", "0.2"), url=server.url)

    assert (1, "contactship: 8 of 8 contacts: 1 created, 7 failed\n") == (ended.code, ended.stderr)
    found = json.loads(ended.output)
    assert [(2, "failed", 502), *((line, "failed", 400) for line in range(3, 9)), (9, "created", None)] == [
        (each["line"], each["outcome"], each["status"]) for each in found
    ]
    assert "POST /v1/contacts failed: 400 Bad Request: no such country" == found[1]["message"]


async def test_a_wrong_key(call: Any, file: Path) -> None:
    """It ends the import, after the report of what was done, with how far it came and how to go on."""

    async def refuse(request: Request) -> Response | None:
        return respond(401) if number_of(request) == "+12025550001" else None

    async with ContactsServer() as server:
        server.before = refuse
        ended = await call(*load(file, "--yes", "--concurrency", "1", "--format", "jsonl"), url=server.url)

    assert (1, 1) == (ended.code, ended.output.count("\n"))
    assert [
        "contactship: 1 of 3 contacts: 1 created",
        "contactship: run the same command again: it ends in the same contacts",
        "contactship: POST /v1/contacts failed: 401 Unauthorized; check CONTACTSHIP_API_KEY",
    ] == ended.stderr.splitlines()


async def test_a_server_that_fails(call: Any, file: Path) -> None:
    """After five contacts in a row it stops."""
    save(file, write(20))

    async def refuse(request: Request) -> Response | None:
        return respond(501) if number_of(request) > "+12025550001" else None

    async with ContactsServer() as server:
        server.before = refuse
        ended = await call(*load(file, "--yes", "--concurrency", "1", "--format", "csv"), url=server.url)

    assert (1, 8) == (ended.code, ended.output.count("\n"))
    assert [
        "contactship: stopped: 5 contacts in a row failed: POST /v1/contacts failed: 501 Not Implemented",
        "contactship: 7 of 20 contacts: 2 created, 5 failed",
        "contactship: run the same command again: it ends in the same contacts",
    ] == ended.stderr.splitlines()


async def test_nobody_reads_the_report(start: Any, file: Path) -> None:
    """That is no reason to end an import."""
    for form in ("jsonl", "table"):
        async with ContactsServer() as server:
            with closed_pipe() as closed:
                arguments = load(file, "--yes", "--format", form, "--concurrency", "1")
                process = await start("-m", "contactship_async", *arguments, stdout=closed, url=server.url)
                _, told = await process.communicate()
            assert (0, 3) == (process.returncode, len(server.rows))
            assert b"contactship: 3 of 3 contacts: 3 created\n" == told


@needs_full_device
@pytest.mark.parametrize(
    ("form", "told"),
    [
        ("jsonl", "1 of 3 contacts: 1 created\ncontactship: run the same command again: it ends in the same contacts"),
        ("table", "3 of 3 contacts: 3 created"),
    ],
)
async def test_the_report_finds_no_room(start: Any, file: Path, form: str, told: str) -> None:
    """It is told how far the import came, and how to go on if there is more to do."""
    full = os.open("/dev/full", os.O_WRONLY)
    async with ContactsServer() as server:
        arguments = load(file, "--yes", "--format", form, "--concurrency", "1")
        process = await start("-m", "contactship_async", *arguments, stdout=full, url=server.url)
        _, stderr = await process.communicate()
    os.close(full)

    assert 1 == process.returncode
    assert f"contactship: {told}\ncontactship: No space left on device\n" == stderr.decode()


async def interrupt(start: Any, file: Path, number: int, *, times: int) -> tuple[int, str, ContactsServer]:
    """Send a signal so many times while a contact is under way, and return the exit code and what was told."""
    held = Held()

    async def hold(request: Request) -> None:
        if number_of(request) == "+12025550001":
            await held.hold()

    async with ContactsServer() as server:
        server.before = hold
        arguments = load(file, "--yes", "--concurrency", "1", "--format", "csv")
        process = await start("-m", "contactship_async", *arguments, url=server.url)
        told = await held.interrupt(process, number, times=times)
    return process.returncode, told, server


@pytest.mark.parametrize(("number", "name"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")])
async def test_an_interrupt(start: Any, file: Path, number: signal.Signals, name: str) -> None:
    """The contact under way comes to its end, and it says how far it came and how to go on."""
    code, told, server = await interrupt(start, file, number, times=1)

    assert 128 + number == code
    assert [
        f"contactship: interrupted: contacts under way come to their ends; {name} again does not wait for them",
        "contactship: 2 of 3 contacts: 2 created",
        "contactship: run the same command again: it ends in the same contacts",
    ] == told.splitlines()
    assert 2 == len(server.rows)


async def test_a_second_ctrl_c(start: Any, file: Path) -> None:
    """It does not wait for the contact under way, and says how far it came."""
    code, told, _ = await interrupt(start, file, signal.SIGINT, times=2)

    assert 130 == code
    assert "contactship: 1 of 3 contacts: 1 created" == told.splitlines()[1]


def test_an_interrupt_before_the_first_contact(
    file: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing is sent, and it says so."""

    async def end(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Running, "_import_each", end)
    monkeypatch.setenv("CONTACTSHIP_API_KEY", "sandbox-key")
    with pytest.raises(KeyboardInterrupt):
        run(load(file, "--yes"))

    assert "contactship: 0 of 3 contacts: nothing was imported\n" in capfd.readouterr().err
