"""Every code block of the front page and the guides is run, against a sandbox where it would talk to the API.

Those that are a web app, and the one that traces, are run by the tests in `tests/web`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
from guides import BLOCKS, FILES, FRONT_PAGE, blocks_of

from contactship_async.sandbox import Sandbox

ROOT = Path(__file__).parents[2]

SET_UP = [code for language, code in BLOCKS if language == "bash" and "pip install" in code]
COMMANDS = [code for language, code in BLOCKS if language == "bash" and code not in SET_UP]
SETTINGS = {code.split()[1]: code for language, code in BLOCKS if language == "toml"}
SCRIPTS = [code for language, code in BLOCKS if language == "python" and code not in FILES.values()]

OUTPUT = ("python", "text")

KEYS = ("CONTACTSHIP_API_KEY", "ACME_CONTACTSHIP_KEY", "GLOBEX_CONTACTSHIP_KEY")

RUN_SCRIPT = """
import ast, asyncio, sys
code = compile(sys.stdin.read(), "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
coroutine = eval(code, {"__name__": "__main__"})
if coroutine is not None:
    asyncio.run(coroutine)
"""
"""Runs what `python -m asyncio` would."""


async def run(
    *command: str, sandbox: Sandbox, stdin: str = "", directory: Path | None = None
) -> tuple[int | None, str, str]:
    """Run *command* with the sandbox in place of the API; return its exit code, output and errors."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "CONTACTSHIP_BASE_URL": sandbox.url,
        **dict.fromkeys(KEYS, sandbox.api_key),
    }
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
        cwd=directory,
    )
    output, errors = await process.communicate(stdin.encode())
    return process.returncode, output.decode(), errors.decode()


def write_settings(directory: Path) -> None:
    """Write the files that commands and programs of the guides read."""
    for name, content in SETTINGS.items():
        (directory / name).write_text(content, encoding="utf-8")


@pytest.mark.parametrize("code", SCRIPTS)
async def test_python(code: str, tmp_path: Path) -> None:
    """Each Python block runs by itself, beside the files it reads, prints something, and warns of nothing."""
    write_settings(tmp_path)
    async with Sandbox(phone_numbers=30) as sandbox:
        status, output, errors = await run(
            *(sys.executable, "-W", "error", "-c", RUN_SCRIPT), sandbox=sandbox, stdin=code, directory=tmp_path
        )

    assert (0, "") == (status, errors)
    assert output


async def test_first_example_prints_what_stands_below_it() -> None:
    """The output on the front page is that of the example above it."""
    example, shown = (next(code for language, code in blocks_of(FRONT_PAGE) if language == kind) for kind in OUTPUT)
    async with Sandbox() as sandbox:
        status, output, _ = await run(sys.executable, "-c", example, sandbox=sandbox)

    assert (0, shown) == (status, output)


@pytest.mark.parametrize("code", COMMANDS)
async def test_shell(code: str, tmp_path: Path) -> None:
    """Each command runs and writes no errors, beside the files it reads."""
    write_settings(tmp_path)
    async with Sandbox(phone_numbers=30) as sandbox:
        status, output, errors = await run(
            "bash", "-e", "-o", "pipefail", "-c", code, sandbox=sandbox, directory=tmp_path
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
            sandbox=sandbox,
            directory=tmp_path,
        )

    assert 0 == status, output
    assert "7 passed" in output
    assert [] == sandbox.requests


def test_set_up() -> None:
    """The two commands that set everything up are those that the gate takes from here and runs."""
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8")

    assert 2 == len(SET_UP)
    assert "README.md" in gate
    assert not [line for line in gate.splitlines() if "phone-numbers list" in line]
    assert {"", "bash", "python", "text", "toml"} >= {language for language, _ in BLOCKS}
