"""The code of the API table's page is run, with a client whose server is made up here."""

from __future__ import annotations

import ast
import re
from typing import Final

import pytest
from called_resources import Recorder, enveloped
from endpoints import README
from paged_listing import PagedListing

from contactship_async import ConnectionFailedError, Response

BLOCKS: Final = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)

TAG: Final = {"id": "tag-1", "name": "VIP", "color": "#1A73E8", "created_at": "2026-05-04T09:12:03Z"}

TAGS: Final = enveloped("F", TAG)
CALL: Final = {
    "id": "call-1",
    "direction": "outbound",
    "created_at": "2126-05-04T09:12:03Z",
    "contact": {"id": "ct-1", "phone_number": "+14155550137"},
}
STORED: Final = {"event_id": "purchase-1", "status": "created"}
REFUSED: Final = {"index": 1, "event_id": None, "status": "rejected", "reason": "no_identity"}
CONTACTS: Final = [
    {"id": f"ct-{place}", "phone_number": f"+1415555013{place}", "full_name": name, "country": "US"}
    for place, name in ((7, "Noor Haddad"), (8, "Max Weber"))
]
START: Final = "POST /v1/calls/single-phone-call"

EXPECTED: Final[list[tuple[list[Response] | None, list[str], str]]] = [
    ([TAGS], ["POST /v1/tags"], "VIP None\n"),
    ([TAGS], ["PATCH /v1/tags/tag-1"], ""),
    (
        [Response(status=503), enveloped("D", [CALL])],
        [START, "GET /v1/calls"],
        "unknown since .* status 503\nplaced: call-1\n",
    ),
    (
        [enveloped("waba", {"message_id": "msg-1"})] * 2 + [enveloped("bare", {"id": "msg-1", "status": "delivered"})],
        ["POST /v1/waba/send", "POST /v1/waba/send-template", "GET /v1/messages/msg-1"],
        "delivered\n",
    ),
    (
        [enveloped("F", CONTACTS[0]), Response(status=409), enveloped("F", CONTACTS[1])],
        ["POST /v1/contacts", "POST /v1/contacts", "GET /v1/contacts/%2B14155550138"],
        "0 created ct-7\n1 unchanged ct-8\n",
    ),
    (
        [enveloped("F", {"results": [STORED | {"index": 0}, REFUSED]})],
        ["POST /v1/events"],
        "purchase-1 created None\nNone rejected no_identity\n1 of them are not stored\n",
    ),
    (
        [
            enveloped("F", {"results": [STORED | {"index": 0}, STORED | {"index": 1}]}),
            enveloped("F", {"results": [STORED | {"index": 0}]}),
            enveloped("F", {"status": "linked", "pending_events": 3}),
        ],
        ["POST /v1/events", "POST /v1/events", "POST /v1/identify"],
        "0 purchase-1 created\n1 purchase-1 created\n2 purchase-1 created\nlinked 3\n",
    ),
    (None, ["GET /v1/campaigns", "GET /v1/thread/thr-1"], re.escape(f"VIP\n{ {'data': [TAG], 'count': 1} }\n")),
    ([enveloped("F", [{"id": "t-1", "brief": "Call Noor back"}])], ["GET /v1/tasks"], "Call Noor back\n"),
]
"""For each block the responses, or None for a listing of tags, its requests, and a pattern of what it prints."""


def test_all_blocks_are_run() -> None:
    """The page has as many blocks of code as are run here."""
    assert len(EXPECTED) == len(BLOCKS)


@pytest.mark.parametrize("place", range(len(EXPECTED)))
async def test_code(place: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A block runs, sends what it shows, and prints what it reads."""
    responses, requests, printed = EXPECTED[place]
    server = PagedListing([TAG], envelope="D") if responses is None else Recorder(responses)
    code = compile(BLOCKS[place], "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    async with server.client() as client:
        await eval(code, {"client": client})  # noqa: S307 - the code of our own page

    assert requests == [f"{request.method} {request.path}" for request in server.requests]
    assert re.fullmatch(printed, capsys.readouterr().out)


@pytest.mark.parametrize(
    ("responses", "printed"),
    [
        ([enveloped("F", {"call_id": "call-1"})], "placed: call-1\n"),
        ([Response(status=400, body=b'{"message": "no such agent"}')], "refused: 400 no such agent\n"),
        (
            [Response(status=503), enveloped("D", [])],
            "unknown since .* status 503\n0 calls may be it: a person has to decide\n",
        ),
        (
            [Response(status=503), enveloped("D", [CALL, CALL | {"id": "call-2"}])],
            "unknown since .*\n2 calls may be it: .*\n",
        ),
        ([ConnectionFailedError("no connection")], "not sent, so it can be tried again: no connection\n"),
    ],
)
async def test_each_end_of_a_start(
    responses: list[Response | Exception], printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The block that starts a call tells each of its ends."""
    [code] = [block for block in BLOCKS if "make_phone_call" in block]
    async with Recorder(responses).client() as client:
        await eval(  # noqa: S307 - the code of our own page
            compile(code, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), {"client": client}
        )

    assert re.fullmatch(printed, capsys.readouterr().out)
