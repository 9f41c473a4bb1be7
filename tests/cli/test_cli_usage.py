from __future__ import annotations

import asyncio
import inspect
import shutil
from pathlib import Path
from typing import Any

import pytest
from terminals_and_pipes import closed_pipe

from contactship_async import ContactshipClient, __version__
from contactship_async._cli.commands import HELPS, RESOURCES
from contactship_async._cli.resources import find_methods
from contactship_async._cli.sandbox import serve
from contactship_async.sandbox import Sandbox

LIST = ("phone-numbers", "list")

WRONG: dict[tuple[str, ...], list[str]] = {
    ("lost",): ['"lost"', "phone-numbers", "tags"],
    ("phone-numbers", "lost"): ['"lost"', "list"],
    (*LIST, "more"): ["more"],
    (*LIST, "--formt", "csv"): ["--formt", "--format"],
    (*LIST, "--api-key=sk-live-KEY"): ["--api-key"],
    (*LIST, "--concurrency", "0"): ["--concurrency", ">= 1"],
    (*LIST, "--exact", "--page-size", "2", "--sandbox"): ["--exact needs a --page-size of 3 or more"],
    (*LIST, "--type", "both"): ["--type", "inbound", "outbound"],
    (*LIST, "--order", "up"): ["--order", "asc", "desc"],
    (*LIST, "--format", "\x1b[31m\n"): ["--format", r"\x1b[31m\n", "table", "json", "jsonl", "csv"],
    (*LIST, "--limit", "-1"): ["--limit", ">= 0"],
    (*LIST, "--limit", "all"): ["--limit", '"all" is not a whole number'],
    (*LIST, "--limit"): ["--limit", "requires an argument"],
    (*LIST, "--offset", "-1"): ["--offset", ">= 0"],
    (*LIST, "--page-size", "0"): ["--page-size", ">= 1"],
    (*LIST, "--limit", "1.5"): ["--limit", '"1.5" is not a whole number'],
    (*LIST, "inbound"): ["unexpected argument 'inbound'"],
    LIST: ["no API key: set the environment variable CONTACTSHIP_API_KEY, or try it out with --sandbox"],
    (*LIST, "--max-concurrent", "0"): ["--max-concurrent", ">= 1"],
    (*LIST, "--max-concurrent", "2"): ["--max-concurrent is for many organizations, and goes with --organizations"],
    (*LIST, "--organizations"): ["--organizations", "requires an argument"],
    (*LIST, "--organizations", "some.toml", "--sandbox"): ["--sandbox", "does not go with --organizations"],
    (*LIST, "--timeout", "0"): ["--timeout", "above 0"],
    (*LIST, "--timeout", "inf"): ["--timeout", "finite"],
    (*LIST, "--timeout", "nan"): ["--timeout", "finite"],
    ("contacts", "list", "--page-size", "1001", "--sandbox"): [
        "--page-size must be an integer from 1 to 1000, not 1001",
        "; see https://docs.contactship.ai/api-reference/endpoint/get-contacts",
    ],
    ("sandbox", "--port", "65536"): ["--port must be an integer from 0 to 65535, not 65536"],
    ("sandbox", "--phone-numbers", "-1"): ["--phone-numbers must be an integer from 0 to 1000000, not -1"],
    ("sandbox", "--max-limit", "0"): ["--max-limit", ">= 1"],
    ("sandbox", "--rate-limit", "0"): ["--rate-limit", ">= 1"],
    ("sandbox", "--seed", "-1"): ["--seed", ">= 0"],
    ("sandbox", "--envelope", "box"): ["--envelope", "count", "pagination"],
    ("sandbox", "--latency", "nan"): ["latency", ">= 0"],
    ("sandbox", "--latency", "inf"): ["latency", "finite"],
    ("sandbox", "--credits", "nan"): ["credits must be a finite number"],
    ("sandbox", "--host", ""): ["host must be a non-empty string"],
}


@pytest.mark.parametrize(("arguments", "words"), WRONG.items(), ids=[" ".join(arguments) for arguments in WRONG])
async def test_names_what_is_allowed_in_one_line(call: Any, arguments: tuple[str, ...], words: list[str]) -> None:
    """Wrong usage is exit code 2 and one line, in which no value steers the terminal and no key is repeated."""
    ended = await call(*arguments)

    assert (2, "") == (ended.code, ended.output)
    assert ended.stderr.startswith("contactship: ")
    assert "\n" == ended.stderr[-1]
    assert ended.stderr[:-1].isprintable()
    assert [] == [word for word in words if word not in ended.stderr]
    assert "sk-live-KEY" not in ended.stderr


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("api.contactship.ai", "must be an http(s) URL with scheme and host"),
        (
            "http://192.0.2.1",
            "would send the API key in clear: use https, or set CONTACTSHIP_ALLOW_INSECURE_HTTP=1\n",
        ),
    ],
)
async def test_names_the_settings_that_are_unusable(call: Any, url: str, fault: str) -> None:
    """A server that the client refuses is wrong usage, and the line says where the setting comes from."""
    ended = await call(*LIST, url=url)

    assert (2, "", 1) == (ended.code, ended.output, ended.stderr.count("\n"))
    assert ended.stderr.startswith(f"contactship: CONTACTSHIP_BASE_URL {fault}")


async def test_exits_with_the_code_of_its_outcome(call: Any, contactship: Any) -> None:
    """The process ends with 2 after wrong usage, and without arguments it prints the help."""
    wrong = await contactship("--lost")
    alone = await call()

    assert (2, "") == (wrong.code, wrong.output)
    assert wrong.stderr.startswith("contactship: ")
    assert 1 == wrong.stderr.count("\n")
    assert (0, "") == (alone.code, alone.stderr)
    assert "Usage: contactship COMMAND" in alone.output
    assert {"phone-numbers", "sandbox", "--help", "--install-completion", "--version"} <= set(alone.output.split())


async def test_prints_the_version(call: Any, contactship: Any, start: Any) -> None:
    """`--version` prints the version and no more, also without the libraries of the command line, or to nobody."""
    within, alone = await call("--version"), await contactship("--version")
    with closed_pipe() as pipe:
        unread = await start("-m", "contactship_async", "--version", stdout=pipe)
        _, stderr = await unread.communicate()

    assert [(0, f"{__version__}\n", "")] * 2 == [(ended.code, ended.output, ended.stderr) for ended in (within, alone)]
    assert (0, b"") == (unread.returncode, stderr)


@pytest.mark.parametrize(
    ("option", "heavy"),
    [
        ("--version", {"aiohttp", "asyncio", "attrs", "cattrs", "cyclopts", "msgspec", "rich"}),
        ("--help", {"aiohttp", "cattrs", "contactship_async._client"}),
    ],
)
async def test_imports_little_to_say_little(start: Any, option: str, heavy: set[str]) -> None:
    """The version needs Python alone, and the help no client: completion and people wait for both."""
    process = await start("-X", "importtime", "-m", "contactship_async", option)
    _, stderr = await process.communicate()

    imported = {line.rpartition("|")[2].strip() for line in stderr.decode().splitlines()}
    assert 0 == process.returncode
    assert "contactship_async" in imported
    assert set() == heavy & imported


def test_commands_are_those_of_the_resources() -> None:
    """The list that the help is made of has each resource that has something to list or to get, and its own words."""
    assert dict(RESOURCES) == {name: text for name, text, _ in find_methods(ContactshipClient)}


async def test_help_shows_all_options_and_says_why_there_is_none_for_the_key(call: Any) -> None:
    """The help of the listing names its options and their values, and where the key belongs."""
    ended = await call(*LIST, "--help")

    options = {word.rstrip(",") for word in ended.output.split() if word.startswith("--")}
    text = " ".join(ended.output.split())
    walk = {"--type", "--order", "--limit", "--offset", "--page-size", "--concurrency", "--exact"}
    assert {*walk, "--format", "--organizations", "--max-concurrent", "--sandbox", "--timeout", "--verbose"} == options
    assert "[choices: table, json, jsonl, csv] [default: table]" in text.replace(" │ │ ", " ")
    assert "The environment variable CONTACTSHIP_API_KEY holds the key" in text
    assert "There is no option for the key: it would stay in the history of your shell" in text


def test_sandbox_options_are_those_of_the_sandbox() -> None:
    """The command takes what the class takes, with the same defaults, but for the key and the clock, and two more."""
    options = inspect.signature(serve).parameters
    arguments = inspect.signature(Sandbox).parameters

    assert {name: option.default for name, option in options.items() if name not in {"organizations", "openapi"}} == {
        name: argument.default for name, argument in arguments.items() if name not in {"api_key", "clock"}
    }


@pytest.mark.skipif(shutil.which("bash") is None, reason="completion is tried in bash, which this machine lacks")
async def test_installs_a_completion_that_works(call: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`--install-completion` teaches the shell the commands, options and values."""
    monkeypatch.setenv("HOME", str(tmp_path))
    script = tmp_path / "completion"

    ended = await call("--install-completion", "--shell", "bash", "--output", str(script))

    assert (0, "") == (ended.code, ended.stderr)
    assert str(script) in (tmp_path / ".bashrc").read_text()
    assert {"phone-numbers", "sandbox", "tags"} <= {*await complete(script, "contactship", "")}
    assert ["--page-size"] == await complete(script, "contactship", "phone-numbers", "list", "--pa")
    assert ["json", "jsonl"] == await complete(script, "contactship", "phone-numbers", "list", "--format", "js")


async def complete(script: Path, *words: str) -> list[str]:
    """Ask bash what the last of *words* may become."""
    ask = f'. {script}; COMP_WORDS=("$@"); COMP_CWORD={len(words) - 1}; _contactship; echo "${{COMPREPLY[@]}}"'
    bash = await asyncio.create_subprocess_exec(
        "bash", "--norc", "-c", ask, "bash", *words, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await bash.communicate()
    return output.decode().split()


@pytest.mark.parametrize("command", HELPS)
async def test_the_help_of_a_command_has_all_of_its_text(call: Any, command: str) -> None:
    """The list of commands shows its first line only, and cyclopts the rest with the options."""
    alone, ended = await call(), await call(command, "--help")

    first, *rest = HELPS[command].split("\n\n")
    assert " ".join(first.split()) in " ".join(alone.output.replace("│", "").split())
    shown = " ".join(ended.output.split())
    assert [] == [text for text in (first, *rest) if " ".join(text.replace("`", "").split()) not in shown]
