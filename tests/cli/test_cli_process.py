from __future__ import annotations

import asyncio
import math
import os
import shlex
import signal
import sys
from typing import Any

import pytest
from terminals_and_pipes import AT_ONCE, STYLING, closed_pipe, full_pipe, needs_full_device, run_in_terminal, unfold

from contactship_async.sandbox import Sandbox, Slow

LIST = ("phone-numbers", "list")
COMMAND = ("-m", "contactship_async", *LIST)
START_WITHOUT = "import sys; sys.modules[{!r}] = None; from contactship_async.__main__ import main; main()"

START_AND_INTERRUPT_THE_IMPORT = """
import sys
from contactship_async.__main__ import main

class CtrlC:
    def find_spec(self, name, *_):
        if name == "cyclopts":
            raise KeyboardInterrupt

sys.meta_path.insert(0, CtrlC())
main()
"""

START_AND_INTERRUPT_A_CALLBACK = """
import asyncio, os, signal
from contactship_async.__main__ import main
from contactship_async import Prefetch

async def walk(_):
    os.kill(os.getpid(), signal.SIGINT)
    print("still in the callback", flush=True)
    await asyncio.sleep(600)
    yield

Prefetch.pages = walk
os.environ["CONTACTSHIP_API_KEY"] = "a-key"
os.environ["CONTACTSHIP_BASE_URL"] = "http://127.0.0.1:9"
main()
"""


@pytest.fixture
def contactship_command() -> tuple[str, ...]:
    """Start it as people do: the process is what is tested here."""
    return sys.executable, "-m", "contactship_async"


async def test_ctrl_c_ends_a_listing_at_once(start: Any) -> None:
    """The rows of earlier pages stay, the call under way is dropped, and a line says how to go on; the code is 130."""
    server = Sandbox(5)
    server.script(None, Slow(math.inf))
    asked_again = asyncio.Event()
    server.on_request = lambda _: asked_again.set() if server.requests else None

    async with server:
        process = await start(
            *COMMAND, "--page-size", "2", "--offset", "1", "--limit", "3", "--format", "csv", url=server.url
        )
        lines = [await process.stdout.readline() for _ in range(3)]
        await asked_again.wait()
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(AT_ONCE):
            rest, stderr = await process.communicate()

    assert (130, b"") == (process.returncode, rest)
    assert (
        b"contactship: interrupted after the 2 phone numbers printed; to go on, add --offset 3 --limit 1\n"
    ) == stderr
    assert [number["id"].encode() for number in server.phone_numbers[1:3]] == [
        line.split(b",")[0] for line in lines[1:]
    ]


async def test_ctrl_c_waits_for_the_next_callback(start: Any) -> None:
    """An event loop that is interrupted amid a callback may lose a wake-up, and wait forever for a task to end."""
    process = await start("-c", START_AND_INTERRUPT_A_CALLBACK, *LIST, "--format", "csv")
    begun = await process.stdout.readline()  # On a busy machine, starting takes longer than what is measured.
    async with asyncio.timeout(AT_ONCE):
        rest, stderr = await process.communicate()

    assert (130, b"still in the callback\n") == (process.returncode, begun + rest)
    assert b"contactship: interrupted, with nothing printed\n" == stderr


@pytest.mark.parametrize("format_", ["csv", "table"])
async def test_ctrl_c_ends_a_listing_that_is_not_read(start: Any, format_: str) -> None:
    """The command does not wait for a reader that has stopped, such as a pager; what is out are whole lines."""
    with full_pipe() as (pipe, count_bytes, read):
        async with Sandbox(1000) as server:
            process = await start(*COMMAND, "--page-size", "1000", "--format", format_, url=server.url, stdout=pipe)
            before = -1
            while not before == count_bytes() > 0:
                before = count_bytes()
                await asyncio.sleep(0.05)  # real time: nothing shows that another process can write no more
            process.send_signal(signal.SIGINT)
            async with asyncio.timeout(AT_ONCE):
                _, stderr = await process.communicate()
        lines = read().splitlines(keepends=True)

    printed = len(lines) - 1  # but for the header
    told = f"contactship: interrupted after the {printed} phone numbers printed; to go on, add --offset {printed}\n"
    assert (130, told.encode() if format_ == "csv" else b"") == (process.returncode, stderr)
    assert lines[-1].endswith(b"Z\n")


async def test_a_reader_that_leaves_ends_it_silently(start: Any) -> None:
    """`| head -1` gets its line, and a closed pipe ends every kind of output with code 0 and not a word."""
    pipeline = f"{shlex.join([sys.executable, *COMMAND])} --format csv | head -1; echo ${{PIPESTATUS[0]}}"

    with closed_pipe() as pipe:
        async with Sandbox(3000) as server:
            shell = await start("-c", pipeline, program="bash", url=server.url)
            ended = [
                await start(*COMMAND, "--sandbox", "--format", "table", stdout=pipe),
                await start(*COMMAND, "--help", stdout=pipe),
            ]
            output, stderr = await shell.communicate()
            errors = [(await process.communicate())[1] for process in ended]

    assert ("id,phone_number,type,organization_id,created_at\n0\n", "") == (output.decode(), stderr.decode())
    assert [b""] * 2 == errors
    assert [0] * 2 == [process.returncode for process in ended]


@needs_full_device
async def test_says_why_it_could_not_write(contactship: Any) -> None:
    """A full disk is exit code 1 and one line."""
    full = os.open("/dev/full", os.O_WRONLY)
    ended = await contactship(*LIST, "--sandbox", stdout=full)
    os.close(full)

    assert (1, "contactship: No space left on device\n") == (ended.code, ended.stderr)


async def test_works_with_closed_streams(start: Any) -> None:
    """`2>&-` and `>&-` only silence it."""
    command = f"{shlex.join([sys.executable, *COMMAND])} --sandbox --limit 1"

    shell = await start("-c", f"{command} >&-; echo $?; {command} 2>&-", program="bash")
    output, stderr = await shell.communicate()

    first, *table = output.decode().splitlines()
    assert ("0", b"") == (first, stderr)
    assert Sandbox().phone_numbers[0]["id"] == table[-1].split()[0]


async def test_says_how_to_install_what_is_missing(start: Any) -> None:
    """Without cyclopts or rich there is one line; another missing module is a bug, and a Ctrl-C is no bug."""
    processes = [
        await start("-c", code)
        for code in (
            START_WITHOUT.format("cyclopts"),
            START_WITHOUT.format("rich"),
            START_WITHOUT.format("csv"),
            START_AND_INTERRUPT_THE_IMPORT,
        )
    ]
    errors = [(await process.communicate())[1].decode() for process in processes]

    hint = "contactship: the command line needs an extra: pip install 'contactship-async[cli]'\n"
    assert [1, 1, 1, 130] == [process.returncode for process in processes]
    assert [hint, hint, ""] == [*errors[:2], errors[3]]
    assert "ModuleNotFoundError: import of csv halted" in errors[2]


async def test_shows_progress_at_a_terminal(start: Any) -> None:
    """A bar counts up to the limit or the server's count and goes away; rows at the same terminal need none."""
    command = (*LIST, "--sandbox", "--offset", "100", "--format", "csv")

    everything, limited, rows = await asyncio.gather(
        run_in_terminal(start, *command, shows_output=False),
        run_in_terminal(start, *command, "--limit", "70", shows_output=False),
        run_in_terminal(start, *command, "--limit", "1"),
    )

    assert "phone numbers" in everything
    assert "150/150" in everything
    assert "70/70" in limited
    assert everything.endswith("\x1b[2K")  # the line of the bar is clear again,
    assert "\x1b[?25h" in everything  # and the cursor is back
    assert ["id", Sandbox().phone_numbers[100]["id"]] == [line.split(",")[0] for line in rows.splitlines()]


async def test_table_loses_nothing_at_a_terminal(start: Any) -> None:
    """A narrow terminal names the one organization once; a narrower one folds times; then each row is a block."""
    command = (*LIST, "--sandbox", "--limit", "3")
    widths = (132, 80, 60)

    shown = await asyncio.gather(*(run_in_terminal(start, *command, columns=columns) for columns in widths))

    wide, folded = (STYLING.sub("", text).partition("─\n")[2].splitlines() for text in shown[:2])
    blocks = STYLING.sub("", shown[2]).partition("\nid ")[2].splitlines()
    expected = [list(number.values()) for number in Sandbox().phone_numbers[:3]]
    organization = expected[0][3]
    assert expected == [line.split() for line in wide]
    assert [f"all of organization {organization}" in " ".join(text.split()) for text in shown] == [False, True, True]
    expected = [[cell for cell in row if cell != organization] for row in expected]
    assert [cell for row in expected for cell in row] == [line.split()[-1] for line in blocks if line]
    assert 60 >= max(map(len, blocks))
    assert expected == unfold(folded)
    assert [row[0] for row in expected] == [line.split()[0] for line in folded if "+1" in line]
    assert 80 >= max(map(len, folded))
