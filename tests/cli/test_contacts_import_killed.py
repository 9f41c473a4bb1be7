"""An import that is killed half way and run again ends in the same contacts, each once."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from processes import ForkedCommands, kill
from volume import Volume

from contactship_async.sandbox import RecordedRequest, Sandbox

KEPT = {"type": "text", "field": "owner", "value": "Ana"}


def row(place: int) -> dict[str, Any]:
    """Return a contact of the file as the sandbox is to have it in the end."""
    data = [{"type": "number", "field": "size", "value": str(place)}]
    return {
        "phone_number": f"+1206{place:07}",
        "full_name": f"Person {place}",
        "country": "US",
        "email": f"{place}@people.example",
        "additional_data": [KEPT, *data] if place % 10 == 0 else data,
    }


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write the file."""
    lines = [f"{row['phone_number']},{row['full_name']},US,{row['email']},{place}" for place, row in enumerate(rows)]
    path.write_text("\n".join(["phone_number,full_name,country,email,size", *lines, ""]))


@pytest.mark.timeout(600)  # of 10,000 contacts
async def test_each_is_there_once(tmp_path: Path, volume: Volume) -> None:
    """Whether it was new, or there and out of date; what it had besides stays."""
    number = 10_000 if volume.is_full else 160
    wanted = [row(place) for place in range(number)]
    file = tmp_path / "people.csv"
    write(file, wanted)
    sandbox = Sandbox(0, contacts=0, calls=0)
    for place in range(0, number, 10):
        sandbox.contacts.add(**{**row(place), "full_name": "Zoë", "additional_data": [KEPT]})
    left = number // 2 + Random(volume.seed).randrange(16)
    arguments = ("contacts", "import", str(file), "--additional-data", "size=number", "--yes")

    async def kill_half_way(process: int) -> None:
        def look(_: RecordedRequest) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                kill(process)

        sandbox.on_request = look

    async with sandbox:
        settings = {"CONTACTSHIP_API_KEY": sandbox.api_key, "CONTACTSHIP_BASE_URL": sandbox.url}
        async with ForkedCommands.start(settings) as commands:
            assert -signal.SIGKILL == await commands.run(*arguments, meanwhile=kill_half_way)
            there = len(sandbox.contacts.rows)
            sandbox.on_request = None
            assert 0 == await commands.run(*arguments)

    assert number // 3 < there < number
    found = [{name: contact[name] for name in wanted[0]} for contact in sandbox.contacts.rows]
    assert {1} == {*Counter(contact["phone_number"] for contact in found).values()}
    assert wanted == sorted(found, key=lambda contact: str(contact["phone_number"]))
    volume.drawn.append(("contacts imported", f"{number}, of which {there} were there when it was killed"))
