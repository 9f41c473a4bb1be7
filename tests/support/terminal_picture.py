"""Draws the picture of a terminal on the front page: what the real program prints, as SVG.

    PYTHONPATH=tests/support python -m terminal_picture

writes it anew. A test says when that is due.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import sys
import termios
from asyncio.subprocess import DEVNULL
from typing import Final

from guides import ROOT
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text
from terminals_and_pipes import read_terminal

PICTURE: Final = ROOT / "contactship_async" / "_cli" / "terminal.svg"
COLUMNS: Final = 96
COMMAND: Final = ("phone-numbers", "list", "--sandbox", "--limit", "8")

_FORMAT: Final = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
"""Without the fonts that a viewer would fetch from elsewhere."""


async def draw() -> str:
    """Run the command at a terminal, and return what is shown, as SVG."""
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, COLUMNS))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "contactship_async", *COMMAND),
        stdin=theirs,
        stdout=theirs,
        stderr=DEVNULL,  # The bar of progress is another one each time.
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "NO_COLOR": ""},
    )
    os.close(theirs)
    shown = await asyncio.to_thread(read_terminal, ours)
    await process.wait()
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text(f"$ contactship {' '.join(COMMAND)}", style="bold"))
    console.print(Text.from_ansi(shown.rstrip()))
    return console.export_svg(title="contactship", code_format=_FORMAT, unique_id="terminal")


if __name__ == "__main__":
    PICTURE.write_text(asyncio.run(draw()), encoding="utf-8")
