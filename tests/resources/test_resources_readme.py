"""The code of the API table's page is run, with a client whose server is made up here."""

from __future__ import annotations

import ast
import re
from typing import Final

import pytest
from called_resources import Recorder, enveloped
from endpoints import README
from paged_listing import PagedListing

BLOCKS: Final = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)

TAG: Final = {"id": "tag-1", "name": "VIP", "color": "#1A73E8", "created_at": "2026-05-04T09:12:03Z"}

EXPECTED: Final[list[tuple[bool, list[str], str]]] = [
    (False, ["POST /v1/tags"], "VIP None\n"),
    (False, ["PATCH /v1/tags/tag-1"], ""),
    (True, ["GET /v1/campaigns", "GET /v1/thread/thr-1"], f"VIP\n{ {'data': [TAG], 'count': 1} }\n"),
]
"""For each block whether the response is a listing or an object, its requests, and what it prints."""


def test_all_blocks_are_run() -> None:
    """The page has as many blocks of code as are run here."""
    assert len(EXPECTED) == len(BLOCKS)


@pytest.mark.parametrize("place", range(len(EXPECTED)))
async def test_code(place: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A block runs, sends what it shows, and prints what it reads."""
    is_listing, requests, printed = EXPECTED[place]
    server = PagedListing([TAG], envelope="D") if is_listing else Recorder([enveloped("F", TAG)])
    code = compile(BLOCKS[place], "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    async with server.client() as client:
        await eval(code, {"client": client})  # noqa: S307 - the code of our own page

    assert requests == [f"{request.method} {request.path}" for request in server.requests]
    assert printed == capsys.readouterr().out
