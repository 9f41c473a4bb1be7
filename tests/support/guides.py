"""The front page and the guides beside the code: their code blocks, how tests run them, and their links."""

from __future__ import annotations

import ast
import asyncio
import os
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE
from codeop import CommandCompiler
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from processes import started

ROOT: Final = Path(__file__).parents[2]
FRONT_PAGE: Final = ROOT / "README.md"
GUIDES: Final = sorted([*(ROOT / "contactship_async").rglob("README.md"), ROOT / "benchmarks" / "README.md"])
PAGES: Final = [FRONT_PAGE, *GUIDES, ROOT / "CHANGELOG.md", *sorted((ROOT / ".github").glob("*.md"))]

SYNC_GUIDE: Final = ROOT / "contactship_async" / "sync" / "README.md"

_RUN_ELSEWHERE: Final = {ROOT / "contactship_async" / "resources" / "README.md", SYNC_GUIDE}
"""`tests/resources` runs the blocks of the one, with a client whose server is made up there, and `tests/sync` those of
the other, one after the other."""

_BLOCK: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
_HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)


class Block(NamedTuple):
    """A block of code: where it stands, such as `README.md:9`, its language, and the code."""

    place: str
    language: str
    code: str


def name_of(page: Path) -> str:
    """Name a page by its path."""
    return page.relative_to(ROOT).as_posix()


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(f"{name_of(page)}:{text.count(chr(10), 0, match.start()) + 2}", match[1], match[2])
        for match in _BLOCK.finditer(text)
    ]


def outputs_of(page: Path) -> dict[str, str]:
    """Return what the blocks of a page print, where it stands right below them, by the places of the blocks."""
    text = page.read_text(encoding="utf-8")
    places = [block.place for block in blocks_of(page)]
    pairs = zip(places, pairwise(_BLOCK.finditer(text)), strict=False)
    return {
        place: below[2]
        for place, (block, below) in pairs
        if below[1] == "text" and not text[block.end() : below.start()].strip()
    }


def links_of(page: Path) -> list[str]:
    """Return where the links and pictures of a page lead, those in code left out."""
    return _LINK.findall(_BLOCK.sub("", page.read_text(encoding="utf-8")))


def anchors_of(page: Path) -> set[str]:
    """Return the names that links give to the headings of a page."""
    headings = _HEADING.findall(_BLOCK.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _find_blocks() -> Iterator[Block]:
    for page in (FRONT_PAGE, *GUIDES):
        if page not in _RUN_ELSEWHERE:
            yield from blocks_of(page)


BLOCKS: Final = [*_find_blocks()]
"""Those that are run as they stand, page by page."""

FILES: Final = {code.split()[1]: code for _, language, code in BLOCKS if language == "python" and code.startswith("# ")}
"""The Python blocks that are files of the reader's, by the name in their first line."""

FAULTS: Final = re.findall(
    r"^\| `(contactship_sandbox\.script\(.*?\))` \|",
    (ROOT / "contactship_async" / "sandbox" / "README.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)
"""The lines of a test that make the sandbox fail."""


def refused_at_a_prompt(code: str) -> list[str]:
    """Return the lines of *code* that `python -m asyncio` refuses if it is pasted there.

    The prompt takes line by line, as `code.InteractiveConsole` does: an empty line ends a compound statement, and
    nothing else does.
    """
    compile_command = CommandCompiler()
    compile_command.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    refused, lines = [], list[str]()
    for line in [*code.splitlines(), ""]:
        lines.append(line)
        try:
            if compile_command("\n".join(lines)) is not None:
                lines = []
        except SyntaxError:
            refused.append(line)
            lines = []
    return refused


def run_script(code: str) -> None:
    """Run *code* as `python -m asyncio` would."""
    compiled = compile(code, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    coroutine = eval(compiled, {"__name__": "__main__"})  # noqa: S307 - our own guides
    if coroutine is not None:
        asyncio.run(coroutine)


async def run(
    *command: str, settings: Mapping[str, str], directory: Path | None = None, programs: Path = Path(sys.executable)
) -> tuple[int | None, str, str]:
    """Run *command* with *settings* in its environment; return its exit code, output and errors.

    The directory of *programs* comes first where a shell looks for `contactship`.
    """
    path = os.pathsep.join([str(programs.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, **settings}
    streams = {"stdin": DEVNULL, "stdout": PIPE, "stderr": PIPE}
    async with started(*command, **streams, env=environment, cwd=directory) as process:
        output, errors = await process.communicate()
    return process.returncode, output.decode(), errors.decode()
