"""`contactship api`: any endpoint."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from raw_server import RawServer, response
from terminals_and_pipes import STYLING, answer, run_in_terminal

API = ("api",)


async def test_prints_the_body_as_it_was_sent(call: Any) -> None:
    """In a pipe nothing is changed, whatever it is; parameters go into the query, also several times."""
    body = b'{"b": 1,\n "a":"\xc3\xbc"}'
    async with RawServer(response(body)) as server:
        ended = await call(*API, "GET", "/v1/x", "--param", "a=1", "--param", "a=b=c", "--param", "d=", url=server.url)
        target = server.requests[0].target

    assert (0, body.decode(), "") == (ended.code, ended.output, ended.stderr)
    assert "/v1/x?a=1&a=b%3Dc&d=" == target


async def test_a_call_that_changes_something_needs_a_yes(call: Any, tmp_path: Path) -> None:
    """Without a terminal to ask at, it is wrong usage, and nothing is sent; --yes sends it with its body."""
    file = tmp_path / "body.json"
    file.write_text('{"to": "x"}')
    async with RawServer(response(b"{}")) as server:
        asked = [await call(*API, method, "/v1/x", url=server.url) for method in ("POST", "PUT", "PATCH", "DELETE")]
        sent_before = len(server.requests)
        given = await call(*API, "POST", "/v1/x", "--yes", "--json", '{"to": "y"}', url=server.url)
        of_file = await call(*API, "POST", "/v1/x", "--yes", "--json", f"@{file}", url=server.url)
        requests = [*server.requests]

    assert [(2, "")] * 4 == [(ended.code, ended.output) for ended in asked]
    assert "contactship: POST may dial, send or spend: add --yes to send it without being asked\n" == asked[0].stderr
    assert 0 == sent_before
    assert [(0, "{}"), (0, "{}")] == [(ended.code, ended.output) for ended in (given, of_file)]
    assert [b'{"to": "y"}', b'{"to": "x"}'] == [request.body for request in requests]
    assert {"application/json"} == {request.headers["content-type"] for request in requests}


async def test_reads_the_body_from_standard_input(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dash is standard input, which can't be asked at then."""
    async with RawServer(response(b"{}")) as server:
        for arguments, code in ((("--yes",), 0), ((), 2)):
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"[1]")))
            ended = await call(*API, "PUT", "/v1/x", "--json", "-", *arguments, url=server.url)
            assert code == ended.code
        assert [b"[1]"] == [request.body for request in server.requests]


async def test_a_sandbox_needs_no_yes(call: Any) -> None:
    """It dials nobody; what it refuses is told with the server's words and the request's id."""
    ended = await call(*API, "POST", "/v1/lost", "--sandbox")

    assert (1, "") == (ended.code, ended.output)
    assert (
        "contactship: POST /v1/lost failed: 404 Not Found: Cannot POST /v1/lost (request id sandbox-000001)\n"
    ) == ended.stderr


@pytest.mark.parametrize(
    ("arguments", "stderr"),
    [
        (("GET", "/v1/x", "--param", "limit"), "--param must be name=value, such as limit=10, not 'limit'"),
        (("GET", "/v1/x", "--param", "=1"), "--param must be name=value"),
        (("POST", "/v1/x", "--json", '{"secret'), "--json is not JSON"),
        (("POST", "/v1/x", "--json", "@lost.json"), "lost.json can't be read: No such file or directory"),
        (("GET", "v1/x", "--sandbox"), "--path must start with '/'"),
        (("BREW", "/v1/x"), "GET"),
        (("GET",), "--path"),
    ],
)
async def test_wrong_arguments_are_wrong_usage(call: Any, arguments: tuple[str, ...], stderr: str) -> None:
    """They end with exit code 2 and one line, which does not quote a body."""
    ended = await call(*API, *arguments)

    assert (2, "", 1) == (ended.code, ended.output, ended.stderr.count("\n"))
    assert stderr in ended.stderr
    assert "secret" not in ended.stderr


async def test_shows_at_a_terminal_what_can_be_shown(start: Any) -> None:
    """JSON is indented, and no escape gets through; no content and bytes of other types are told in a line."""
    answers = [
        response(json.dumps({"a": ["\x9b", 1]}, ensure_ascii=False).encode()),
        response(b"", status=204),
        response(b"\xff\x00", headers={"Content-Type": "audio/wav"}),
    ]
    async with RawServer(*answers) as server:
        shown = [STYLING.sub("", await run_in_terminal(start, *API, "GET", "/v1/x", url=server.url)) for _ in answers]

    assert '{\n  "a": [\n    "\\u009b",\n    1\n  ]\n}\n' == shown[0]
    assert "contactship: 204, with no content\n" == shown[1]
    assert "contactship: 2 bytes of audio/wav, which are no text for a terminal: redirect them to a file\n" == shown[2]


@pytest.mark.parametrize(("typed", "sent", "code"), [("y\n", 1, 0), ("\n", 0, 1)])
async def test_asks_at_a_terminal(start: Any, typed: str, sent: int, code: int) -> None:
    """Only a yes sends it."""
    async with RawServer(response(b"{}")) as server:
        ended, shown = await answer(start, typed, *API, "DELETE", "/v1/x", columns=80, url=server.url)
        assert code == ended
        assert sent == len(server.requests)

    assert "contactship: send DELETE /v1/x? [y/N] " in shown
    assert ("contactship: not sent" in shown) == (not sent)
