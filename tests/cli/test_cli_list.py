from __future__ import annotations

import csv
import json
import math
from functools import partial
from typing import Any

import pytest
from connect_proxy import ConnectProxy
from raw_server import RawServer, refused_url, response
from terminals_and_pipes import run_in_terminal

from contactship_async import ContactshipClient, Request, RetryPolicy
from contactship_async._cli import streams
from contactship_async._cli.output import Output
from contactship_async._cli.table import lay_out
from contactship_async.sandbox import Body, Sandbox, Slow, Status
from contactship_async.sandbox._api.replies import Reply
from contactship_async.sandbox._serving.server import serve

LIST = ("phone-numbers", "list")
FIELDS = ["id", "phone_number", "type", "organization_id", "created_at"]

ESCAPE = "\x1b]0;owned\x07"


def row(number: int, **fields: Any) -> dict[str, Any]:
    """Make the row of a page but for *fields*."""
    return {
        "id": f"pn-{number}",
        "phone_number": f"+1202555010{number}",
        "type": "inbound",
        "organization_id": "org-1",
        "created_at": f"2026-01-15T10:00:0{number}Z",
        **fields,
    }


async def test_prints_the_same_numbers_in_each_format(call: Any) -> None:
    """The sandbox's numbers come out whole in each format, with the fields in their order, and nothing else."""
    formats = ("json", "jsonl", "csv", "table")
    selection = ("--sandbox", "--type", "inbound", "--order", "asc", "--offset", "1", "--limit", "5")

    ended = [await call(*LIST, *selection, "--page-size", "2", "--format", format_) for format_ in formats]

    expected = [number for number in reversed(Sandbox().phone_numbers) if number["type"] == "inbound"][1:6]
    array, lines, sheet, table = (one.output for one in ended)
    assert [(0, "")] * 4 == [(one.code, one.stderr) for one in ended]
    assert expected == json.loads(array)
    assert 1 == array.count("\n")
    assert expected == [json.loads(line) for line in lines.splitlines()]
    assert FIELDS == list(json.loads(array)[0]) == list(json.loads(lines.splitlines()[0]))
    assert expected == list(csv.DictReader(sheet.splitlines()))
    assert FIELDS == sheet.splitlines()[0].split(",")
    assert FIELDS == table.splitlines()[0].split()
    assert [list(number.values()) for number in expected] == [line.split() for line in table.splitlines()[2:]]


@pytest.mark.parametrize("options", [(), ("--exact",), ("--concurrency", "8"), ("--exact", "--concurrency", "8")])
async def test_walks_with_options(call: Any, options: tuple[str, ...]) -> None:
    """Concurrently or with proof, the numbers are the same, and the pages are those of such a walk."""
    async with Sandbox(120) as sandbox:
        ended = await call(*LIST, *options, "--page-size", "20", "--format", "jsonl", url=sandbox.url)

    assert (0, "") == (ended.code, ended.stderr)
    assert [*sandbox.phone_numbers] == [json.loads(line) for line in ended.output.splitlines()]
    strides = {"--exact": 18, "--concurrency": 19}
    assert strides.get((*options, "")[0], 20) == int(sandbox.requests[1].params["offset"])


async def test_says_why_a_listing_is_not_provably_complete(call: Any) -> None:
    """What an exact walk can't prove is one line with the reason and the remedy."""
    tied = [row(number, created_at="2026-01-15T10:00:00Z") for number in range(5)]

    windows = [tied[:3], tied[3:4], tied[4:]]
    async with Sandbox(0) as sandbox:
        sandbox.script(*(Body(json.dumps({"data": rows, "count": 5}).encode()) for rows in windows))
        ended = await call(*LIST, "--exact", "--page-size", "3", url=sandbox.url)

    assert 1 == ended.code
    assert "contactship: 5 rows share 2026-01-15T10:00:00Z; pass --page-size >= 7" in ended.stderr


async def test_lists_a_sandbox_without_any_settings(contactship: Any) -> None:
    """All its numbers come as a table with a row for each, whatever the environment holds and however narrow it is."""
    settings = {"CONTACTSHIP_BASE_URL": "nonsense", "CONTACTSHIP_API_KEY": "a key", "COLUMNS": "40"}

    ended = await contactship(*LIST, "--sandbox", variables=settings)

    header, rule, *rows = ended.output.splitlines()
    assert (0, "") == (ended.code, ended.stderr)
    assert FIELDS == header.split()
    assert {"─"} == set(rule)
    assert [list(number.values()) for number in Sandbox().phone_numbers] == [line.split() for line in rows]


async def test_prints_an_empty_listing_in_each_format(call: Any) -> None:
    """No numbers are an empty array, no lines, a header alone, or no table and a word about it."""
    async with Sandbox(0) as server:
        ended = [
            await call(*LIST, "--format", format_, url=server.url) for format_ in ("json", "jsonl", "csv", "table")
        ]

    assert ["[]\n", "", ",".join(FIELDS) + "\n", ""] == [one.output for one in ended]
    assert ["", "", "", "contactship: no phone numbers\n"] == [one.stderr for one in ended]
    assert {0} == {one.code for one in ended}


async def test_says_in_one_line_why_a_call_failed(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused key, a server without a listener and a response that is not JSON print one line, and no data."""
    hasty = partial(ContactshipClient, retry=RetryPolicy(initial_delay=0))
    monkeypatch.setattr("contactship_async._cli.target.ContactshipClient", hasty)
    async with Sandbox(api_key="another-key") as server, RawServer(response(b"<html>")) as strange:
        refused = await call(*LIST, "--format", "json", url=server.url)
        unreachable = await call(*LIST, url=refused_url())
        malformed = await call(*LIST, "--format", "csv", url=strange.url)

    assert [(1, "")] * 3 == [(one.code, one.output) for one in (refused, unreachable, malformed)]
    assert (
        "contactship: GET /v1/phone-numbers failed: 401 Unauthorized: Invalid or missing API key"
        " (request id sandbox-000001); check CONTACTSHIP_API_KEY\n"
    ) == refused.stderr
    assert unreachable.stderr.startswith("contactship: GET /v1/phone-numbers failed: could not connect to ")
    assert unreachable.stderr.endswith(" (Connection refused)\n")
    assert 1 == unreachable.stderr.count("\n")
    assert "contactship: the response is malformed: not JSON\n" == malformed.stderr


async def test_prints_what_came_before_a_failure_and_how_to_go_on(call: Any) -> None:
    """The numbers before a failure are printed in each format, and the offset it names gives the others."""
    server = Sandbox(5)
    # A wait longer than the client grants ends the walk without retries.
    server.script(None, Status(500, retry_after=600, message=f"{ESCAPE}[red]out of\n\n order[/red]" + "!" * 999))
    command = (*LIST, "--page-size", "3")

    async with server:
        failed = await call(*command, "--format", "csv", url=server.url)
        others = await call(*command, "--format", "csv", "--offset", "3", url=server.url)
        server.script(None, Status(502, retry_after=600, message=" "))
        array = await call(*command, "--format", "json", url=server.url)

    assert (1, 0, 1) == (failed.code, others.code, array.code)
    assert [number["id"] for number in server.phone_numbers] == [
        record["id"] for ended in (failed, others) for record in csv.DictReader(ended.output.splitlines())
    ]
    assert server.phone_numbers[:3] == json.loads(array.output)
    assert (
        "contactship: GET /v1/phone-numbers failed: 500 Internal Server Error; the server asks to wait 600 s:"
        rf" \x1b]0;owned\x07[red]out of order[/red]{'!' * (300 - 33)} (request id sandbox-000002);"
        " to go on after the 3 phone numbers printed, add --offset 3\n"
    ) == failed.stderr
    assert (
        "contactship: GET /v1/phone-numbers failed: 502 Bad Gateway; the server asks to wait 600 s"
        " (request id sandbox-000005); to go on after the 3 phone numbers printed, add --offset 3\n"
    ) == array.stderr


async def test_prints_the_rows_before_a_malformed_one(call: Any) -> None:
    """A row that can't be read ends the listing after the rows before it, and the offset behind it is named."""
    page = response({"data": [row(1), row(2), row(3, id=None), row(4)], "count": 4})
    rest = response({"data": [row(4)], "count": 4})

    async with RawServer(page, rest) as server:
        ended = await call(*LIST, "--format", "jsonl", url=server.url)
        others = await call(*LIST, "--format", "jsonl", "--offset", "3", url=server.url)

    assert 1 == ended.code
    assert (0, [row(4)]) == (others.code, [json.loads(line) for line in others.output.splitlines()])
    assert [row(1), row(2)] == [json.loads(line) for line in ended.output.splitlines()]
    assert (
        "contactship: the response is malformed: data[2].id: expected a non-empty string, got null;"
        " to go on behind that row, add --offset 3\n"
    ) == ended.stderr


@pytest.mark.parametrize("walk", [(), ("--concurrency", "4"), ("--exact",), ("--exact", "--concurrency", "4")])
async def test_leads_past_a_malformed_row(call: Any, walk: tuple[str, ...]) -> None:
    """However a listing is walked, whoever follows the hints gets all rows but the malformed ones, the first too."""
    dates = [f"2026-01-{30 - number:02}T10:00:00Z" for number in range(22)]
    rows = [row(number, created_at=date) for number, date in enumerate(dates)]
    malformed = [rows[place] for place in (0, 7, 8, 21)]
    for one in malformed:
        one["created_at"] = None

    def reply(request: Request) -> Reply:
        query = dict(request.query)
        start = int(query["offset"])
        data = rows[start : start + int(query["limit"])]
        return Reply(status=200, body=json.dumps({"data": data, "count": len(rows)}).encode())

    came: list[Any] = []
    offset = "0"
    async with serve(reply, "127.0.0.1", 0) as url:
        for _ in malformed:
            ended = await call(*LIST, "--page-size", "5", "--format", "jsonl", *walk, "--offset", offset, url=url)
            came += [json.loads(line) for line in ended.output.splitlines()]
            assert 1 == ended.code
            offset = ended.stderr.rpartition("to go on behind that row, add --offset ")[2].strip()
        ended = await call(*LIST, *walk, "--offset", offset, url=url)

    assert 0 == ended.code
    assert [one for one in rows if one not in malformed] == came


async def test_keeps_hostile_text_harmless(call: Any) -> None:
    """A table shows control characters as escapes and markup as it is; the other formats keep the text exactly."""
    hostile = row(
        1, id="pn\n\x9b2J\u202e1", phone_number="[bold]+1[/bold]", type=f"{ESCAPE}ünbound", organization_id="組織"
    )

    async with RawServer(response({"data": [hostile], "count": 1})) as server:
        table, lines, sheet = [
            await call(*LIST, "--format", format_, url=server.url) for format_ in ("table", "jsonl", "csv")
        ]

    assert [(0, "")] * 3 == [(one.code, one.stderr) for one in (table, lines, sheet)]
    assert [r"pn\n\x9b2J\u202e1", "[bold]+1[/bold]", r"\x1b]0;owned\x07ünbound", "組織", "2026-01-15T10:00:01Z"] == (
        table.output.splitlines()[2].split()
    )
    assert hostile == json.loads(lines.output)
    assert [hostile] == list(csv.DictReader(sheet.output.splitlines(keepends=True)))


async def test_nothing_controls_the_terminal(start: Any) -> None:
    """Where csv or jsonl is shown and not kept, control characters and those that turn text around are escapes."""
    hostile = row(1, phone_number=f"{ESCAPE}\x9b2J\u202e\n1", organization_id="組織")
    async with RawServer(response({"data": [hostile], "count": 1})) as server:
        shown = {
            format_: await run_in_terminal(start, *LIST, "--format", format_, url=server.url)
            for format_ in ("jsonl", "csv")
        }

    assert hostile == json.loads(shown["jsonl"])
    assert r"\u001b]0;owned\u0007\u009b2J\u202e\n1" in shown["jsonl"]
    assert rf"{hostile['id']},\x1b]0;owned\x07\x9b2J\u202e\n1," in shown["csv"]
    assert "組織" in shown["csv"]


def test_table_of_several_organizations_keeps_the_column() -> None:
    """Only an organization that all numbers share is left out of a narrow table."""
    records = [row(number, organization_id=f"org-{number}") for number in (1, 2)]

    narrow = lay_out(records, FIELDS, 50, {})
    of_one = lay_out([{**record, "organization_id": "org-1"} for record in records], FIELDS, 50, {})

    assert FIELDS == [*narrow.widths]
    assert "" == narrow.note
    assert [name for name in FIELDS if name != "organization_id"] == [*of_one.widths]
    assert "all of organization org-1" == of_one.note


async def test_goes_through_the_proxy_of_the_environment(call: Any) -> None:
    """HTTPS_PROXY and NO_PROXY hold, as they do for other programs; a refusal is told as the proxy's."""
    variables = {"CONTACTSHIP_API_KEY": "a-key", "NO_PROXY": "", "no_proxy": ""}
    url = "https://contactship.invalid"
    async with ConnectProxy(refuses=403) as proxy:
        proxied = await call(
            *LIST, url=url, variables={**variables, "HTTPS_PROXY": proxy.url, "https_proxy": proxy.url}
        )
        asked = [(request.method, request.target) for request in proxy.requests]
        direct = {"HTTPS_PROXY": proxy.url, "https_proxy": proxy.url, "NO_PROXY": "invalid", "no_proxy": "invalid"}
        await call(*LIST, "--timeout", "0.5", url=url, variables={**variables, **direct})
        asked_in_all = len(proxy.requests)

    assert 1 == proxied.code
    assert "the proxy" in proxied.stderr
    assert [("CONNECT", "contactship.invalid:443")] == asked
    assert 1 == asked_in_all


async def test_timeout_ends_a_call(call: Any) -> None:
    """It is the limit of a request with its retries and waits, and the message names the option."""
    async with Sandbox(3) as server:
        server.script(Slow(math.inf))
        ended = await call(*LIST, "--timeout", "0.2", url=server.url)

    assert (1, "") == (ended.code, ended.output)
    assert (
        "contactship: GET /v1/phone-numbers failed: no complete response within 0.2 s, the limit of --timeout\n"
    ) == ended.stderr


def test_lines_leave_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a pipe takes at once, or not at all, ends with a line; a line that is longer goes alone."""
    written: list[bytes] = []
    monkeypatch.setattr(streams, "write", written.append)
    lines = [b"x" * size + b"\n" for size in (10, streams._WHOLE_BYTES, 20, streams._WHOLE_BYTES - 22, 30)]

    streams.write_lines(lines)

    assert [lines[0], lines[1], lines[2] + lines[3], lines[4]] == written


async def test_prints_no_line_after_ctrl_c(capfd: pytest.CaptureFixture[str]) -> None:
    """What was counted by then is all that is out."""
    output = Output("jsonl")

    await output.add([{"id": 1}])
    output.stop()
    await output.add([{"id": 2}])

    assert {"": 1} == output.printed
    assert '{"id":1}\n' == capfd.readouterr().out
