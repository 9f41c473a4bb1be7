"""The front page is short, no link is dead, and what pages say in figures is what the code does."""

from __future__ import annotations

import re
import tomllib
from inspect import signature
from pathlib import Path

import pytest
from guides import FRONT_PAGE, GUIDES, PAGES, ROOT, anchors_of, blocks_of, links_of, name_of, refused_at_a_prompt
from terminal_picture import PICTURE, draw

from contactship_async import ContactshipPool, Listing, ListingDeclaration, RetryPolicy, Timeouts
from contactship_async._cli.contacts.command import import_file
from contactship_async._configuration import DEFAULT_BASE_URL, DEFAULT_MAX_RESPONSE_BYTES
from contactship_async._http.aiohttp_transport import DEFAULT_CONNECTIONS
from contactship_async.resources.contacts import Contacts
from contactship_async.sandbox import Sandbox
from contactship_async.sandbox._calls.lives import CREDITS_PER_MINUTE
from contactship_async.sync import DuckDBTarget, sync

MAX_BYTES = 12 * 1024
MAX_COLUMNS = 96
"""What a desktop browser shows of a block of code on GitHub without scrolling."""

GUIDE = "contactship_async/{}/README.md"
CONTRIBUTING = ".github/CONTRIBUTING.md"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

WANTED = {
    "to list": GUIDE.format("_pagination") + "#list-everything",
    "to resume": GUIDE.format("_pagination") + "#resume-after-an-error",
    "what exact promises": GUIDE.format("_pagination") + "#what-exact-promises",
    "to test an app": GUIDE.format("sandbox") + "#test-your-app",
    "to keep a copy": GUIDE.format("sync") + "#two-commands",
    "to add an endpoint": CONTRIBUTING + "#add-an-endpoint",
}

RETRY, TIMEOUTS = RetryPolicy(), Timeouts()
PAST_CALLS = signature(Sandbox).parameters["calls"].default
AT_ONCE = signature(ContactshipPool).parameters["max_concurrent"].default
PAGE_SIZE = signature(ListingDeclaration).parameters["page_size"].default
SYNC = {name: parameter.default for name, parameter in signature(sync).parameters.items()}
IMPORTED_AT_ONCE = signature(Contacts.import_from).parameters["concurrency"].default
ROWS = {name: parameter.default for name, parameter in signature(Listing.rows).parameters.items()}

FIGURES = [
    ("README.md", f"With Python {PROJECT['project']['requires-python'].removeprefix('>=')} or newer"),
    (GUIDE.format("_http"), f"| `max_attempts` | {RETRY.max_attempts} |"),
    (GUIDE.format("_http"), f"| `initial_delay` | {RETRY.initial_delay} s |"),
    (GUIDE.format("_http"), f"| `max_delay` | {RETRY.max_delay} s |"),
    (GUIDE.format("_http"), f"| `max_retry_after` | {RETRY.max_retry_after} s |"),
    (GUIDE.format("_http"), "| 408, 425, and every 5xx but 501 and 505 | retried |"),
    (GUIDE.format("_http"), f"| `connect` | {TIMEOUTS.connect} s |"),
    (GUIDE.format("_http"), f"| `attempt` | {TIMEOUTS.attempt} s |"),
    (GUIDE.format("_http"), f"| `total` | {TIMEOUTS.total} s |"),
    (GUIDE.format("_http"), f"one of the {DEFAULT_CONNECTIONS} connections"),
    (GUIDE.format("_http"), f"| `max_response_bytes` | | {DEFAULT_MAX_RESPONSE_BYTES // 2**20} MiB |"),
    (GUIDE.format("_http"), f"`CONTACTSHIP_BASE_URL` | `{DEFAULT_BASE_URL}` |"),
    (GUIDE.format("_pagination"), f"| `page_size` | ≥ 1; with `exact` ≥ 3 | {PAGE_SIZE} |"),
    (GUIDE.format("_pagination"), f"| `offset` | ≥ 0 | {ROWS['offset']} |"),
    (GUIDE.format("_pagination"), f"| `concurrency` | ≥ 1 | {ROWS['concurrency']} |"),
    (GUIDE.format("_pagination"), f"| `exact` | `True`, `False` | `{ROWS['exact']}` |"),
    (GUIDE.format("sandbox"), f"| what it costs | {CREDITS_PER_MINUTE} credits for each minute that began"),
    (GUIDE.format("sandbox"), f"{PAST_CALLS} past calls are there from the beginning"),
    (GUIDE.format("_pool"), f"{AT_ONCE} if you don't say"),
    (GUIDE.format("_cli"), f"At most {AT_ONCE} are listed concurrently"),
    (GUIDE.format("_cli"), f"`--concurrency {signature(import_file).parameters['concurrency'].default}` is how many"),
    (GUIDE.format("resources"), f"import_from(people(), concurrency={IMPORTED_AT_ONCE})"),
    (GUIDE.format("sync"), f"less than `--full-every` ago ({SYNC['full_every'].days} days)"),
    (GUIDE.format("sync"), f"others wait `wait={DuckDBTarget('').wait:.0f}` seconds"),
]
"""A page, and words of it with the figure that the code has now."""


def test_front_page_is_short() -> None:
    """It has room for what a newcomer needs, and no more."""
    assert FRONT_PAGE.stat().st_size <= MAX_BYTES


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_link_is_dead(page: Path) -> None:
    """Each link to a file of the repository, or to a heading, leads there."""
    dead = []
    for link in links_of(page):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors_of(target)):
            dead.append(link)

    assert [] == dead


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_pictures_have_words(page: Path) -> None:
    """A picture has a text that says what it shows."""
    assert "![](" not in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_code_fits_the_page(page: Path) -> None:
    """The end of a command is not out of sight."""
    lines = [line for block in blocks_of(page) for line in block.code.splitlines()]

    assert [] == [line for line in lines if len(line) > MAX_COLUMNS]


def test_code_can_be_pasted() -> None:
    """What is not a file of the reader's runs as it stands at the prompt of `python -m asyncio`, as the guides say."""
    blocks = [block for page in (FRONT_PAGE, *GUIDES) for block in blocks_of(page) if block.language == "python"]
    scripts = [block for block in blocks if not block.code.startswith("# ")]
    refused = {block.place: refused_at_a_prompt(block.code) for block in scripts}

    assert {} == {place: lines for place, lines in refused.items() if lines}


@pytest.mark.parametrize("wanted", WANTED)
def test_stranger_finds_it_in_one_click(wanted: str) -> None:
    """The front page leads to the section, not just to the page that has it."""
    assert WANTED[wanted] in links_of(FRONT_PAGE)


@pytest.mark.parametrize("guide", GUIDES, ids=name_of)
def test_guide_is_linked_from_the_front_page(guide: Path) -> None:
    """Each is one click away."""
    assert name_of(guide) in {link.partition("#")[0] for link in links_of(FRONT_PAGE)}


@pytest.mark.parametrize("guide", [*GUIDES, ROOT / CONTRIBUTING], ids=name_of)
def test_guide_has_a_table_of_contents(guide: Path) -> None:
    """It names each of its sections but the short ones within one."""
    text = guide.read_text(encoding="utf-8")
    sections = re.findall(r"^## (.*)$", text, re.MULTILINE)
    contents = text.partition("\n## ")[0]

    assert [] == [section for section in sections if f"[{section}](#" not in contents]


@pytest.mark.parametrize(("page", "words"), FIGURES)
def test_figure_is_that_of_the_code(page: str, words: str) -> None:
    """A page says what the code does now."""
    assert words in (ROOT / page).read_text(encoding="utf-8")


def test_contributors_words_are_tasks() -> None:
    """Each `poe` word is a task, and each task is documented."""
    text = (ROOT / CONTRIBUTING).read_text(encoding="utf-8")

    assert set(PROJECT["tool"]["poe"]["tasks"]) == set(re.findall(r"\bpoe (\w+)", text))


def test_contributors_are_sent_to_files_that_exist() -> None:
    """A path in a text is there."""
    text = (ROOT / CONTRIBUTING).read_text(encoding="utf-8")
    paths = re.findall(r"`((?:contactship_async|tests)/[\w/.]+)`", text)

    assert paths
    assert [] == [path for path in paths if not (ROOT / path).exists()]


async def test_picture_of_the_terminal_is_up_to_date() -> None:
    """Where this fails, `poe picture` draws it anew."""
    assert await draw() == PICTURE.read_text(encoding="utf-8")


def test_retried_statuses_are_those_of_the_guide() -> None:
    """The guide names the statuses that calls are retried after, and a rate limit."""
    server_errors = {*range(500, 600)} - {501, 505}

    assert {408, 425, 429} | server_errors == {status for status in range(300, 1000) if RETRY.retries(status)}
