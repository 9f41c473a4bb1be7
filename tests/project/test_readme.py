"""Every code block of the front page and the guides is run, against a sandbox where it would talk to the API.

Those that are a web app, and the one that traces, are run by the tests in `tests/web`.
"""

from __future__ import annotations

import ast
import asyncio
import re
import sys
from pathlib import Path

import pytest
from guides import BLOCKS, FILES, FRONT_PAGE, blocks_of, run, run_script

from contactship_async.sandbox import Sandbox

ROOT = Path(__file__).parents[2]

SET_UP = [block for block in BLOCKS if block.language == "bash" and "pip install" in block.code]
ASKING = [block for block in BLOCKS if "contactship calls make" in block.code and "--yes" not in block.code]
"""Those that need a terminal, at which the tests in `tests/cli` run them."""

STARTING = [block for block in BLOCKS if block.language == "bash" and "dask scheduler" in block.code]
"""Those that start what does not end by itself: the tests in `tests/integrations` run them."""

ELSEWHERE = SET_UP + ASKING + STARTING
COMMANDS = [block for block in BLOCKS if block.language == "bash" and block not in ELSEWHERE]
SETTINGS = {block.code.split()[1]: block.code for block in BLOCKS if block.language == "toml"}
SCRIPTS = [block for block in BLOCKS if block.language == "python" and block.code not in FILES.values()]

OUTPUT = ("python", "text")

KEYS = ("CONTACTSHIP_API_KEY", "ACME_CONTACTSHIP_KEY", "GLOBEX_CONTACTSHIP_KEY")


def settings_of(sandbox: Sandbox) -> dict[str, str]:
    """Return the environment variables that put *sandbox* in place of the API."""
    return {"CONTACTSHIP_BASE_URL": sandbox.url, **dict.fromkeys(KEYS, sandbox.api_key)}


def told_when_it_fails(code: str) -> list[str]:
    """Find the words with which the handlers of a block begin what they print."""
    handlers = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.ExceptHandler)]
    return [words for handler in handlers for words in re.findall(r"print\('([^']+)'", ast.unparse(handler))]


def write_settings(directory: Path) -> None:
    """Write the files that commands and programs of the guides read."""
    for name, content in SETTINGS.items():
        (directory / name).write_text(content, encoding="utf-8")


@pytest.mark.parametrize("code", [block.code for block in SCRIPTS], ids=[block.place for block in SCRIPTS])
async def test_python(
    code: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Each Python block runs beside the files it reads, prints something, warns of nothing, and needs no handler."""
    write_settings(tmp_path)
    monkeypatch.chdir(tmp_path)
    async with Sandbox(phone_numbers=29) as sandbox:
        sandbox.phone_numbers.add(created_at="2026-01-15T10:00:00.5Z")  # Some times have fractions of a second.
        sandbox.on_request = lambda _: sandbox.clock.advance(60)  # A call that is waited for ends at once.
        for name, value in settings_of(sandbox).items():
            monkeypatch.setenv(name, value)
        await asyncio.to_thread(run_script, code)
    printed = capsys.readouterr()

    assert "" == printed.err
    assert printed.out
    assert [] == [words for words in (*told_when_it_fails(code), "Error(") if words in printed.out]


async def test_first_example_prints_what_stands_below_it() -> None:
    """The output on the front page is that of the example above it."""
    blocks = blocks_of(FRONT_PAGE)
    example, shown = (next(block.code for block in blocks if block.language == kind) for kind in OUTPUT)
    async with Sandbox() as sandbox:
        status, output, _ = await run(sys.executable, "-c", example, settings=settings_of(sandbox))

    assert (0, shown) == (status, output)


@pytest.mark.timeout(600)  # A block starts Python up to nine times, one after the other.
@pytest.mark.parametrize("code", [block.code for block in COMMANDS], ids=[block.place for block in COMMANDS])
async def test_shell(code: str, tmp_path: Path, forked_contactship: Path) -> None:
    """Each command runs and writes no errors, beside the files it reads."""
    write_settings(tmp_path)
    async with Sandbox() as sandbox:
        sandbox.on_request = lambda _: sandbox.clock.advance(60)
        status, output, errors = await run(
            *("bash", "-e", "-o", "pipefail", "-c", code),
            settings=settings_of(sandbox),
            directory=tmp_path,
            programs=forked_contactship,
        )

    assert (0, "") == (status, errors)
    assert output


async def test_files(tmp_path: Path) -> None:
    """The files of a user's test suite pass together, and warn of nothing."""
    for name, code in FILES.items():
        (tmp_path / name).write_text(code, encoding="utf-8")
    async with Sandbox() as sandbox:
        status, output, _ = await run(
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"),
            *("-o", "asyncio_default_fixture_loop_scope=function"),
            settings=settings_of(sandbox),
            directory=tmp_path,
        )

    assert 0 == status, output
    assert "8 passed" in output
    assert [] == sandbox.requests


def test_set_up() -> None:
    """The three commands that set everything up are those that the gate takes from here and runs."""
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8")

    assert 3 == len(SET_UP)
    assert "README.md" in gate
    assert not [line for line in gate.splitlines() if "phone-numbers list" in line]
    assert {"", "bash", "python", "text", "toml"} >= {language for _, language, _ in BLOCKS}
