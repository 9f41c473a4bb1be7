"""The three commands of the guide that call somebody, at a terminal, as they stand there."""

from __future__ import annotations

import asyncio
import os
import sys
import termios
from pathlib import Path
from typing import Any

from guides import ROOT, blocks_of
from terminals_and_pipes import STYLING, read_terminal

from contactship_async.sandbox import Sandbox

GUIDE = ROOT / "contactship_async" / "_cli" / "README.md"
COMMANDS = next(block.code for block in blocks_of(GUIDE) if "contactship calls make" in block.code)
SHOWN = [block.code for block in blocks_of(GUIDE) if block.language == "text"]


async def test_three_commands_list_numbers_call_and_follow(start: Any) -> None:
    """Each of them does what the guide says, with the numbers and the id that stand there, and shows what it shows."""
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    os.write(ours, b"y\n")
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    async with Sandbox() as sandbox:
        sandbox.on_request = lambda _: sandbox.clock.advance(60)
        process = await start(
            "-e", "-c", COMMANDS, program="bash", url=sandbox.url, variables={"PATH": path}, **streams
        )
        os.close(theirs)
        shown = STYLING.sub("", await asyncio.to_thread(read_terminal, ours))
        placed = sandbox.calls.placed

    assert 0 == await process.wait()
    assert 3 == COMMANDS.count("contactship ")
    assert ["+14155550137"] == [call.to_number for call in placed]
    assert [] == [line for text in SHOWN for line in text.splitlines() if line not in shown]
