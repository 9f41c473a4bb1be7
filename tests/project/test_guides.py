"""The front page is short, no link is dead, and the picture shows what the program prints."""

from __future__ import annotations

from pathlib import Path

import pytest
from guides import FRONT_PAGE, GUIDES, PAGES, ROOT, anchors_of, links_of
from terminal_picture import PICTURE, draw

MAX_BYTES = 12 * 1024


def name_of(page: Path) -> str:
    """Name a page by its path."""
    return str(page.relative_to(ROOT))


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


@pytest.mark.parametrize("guide", GUIDES, ids=name_of)
def test_guide_is_linked_from_the_front_page(guide: Path) -> None:
    """Each is one click away."""
    assert name_of(guide) in links_of(FRONT_PAGE)


@pytest.mark.parametrize("guide", GUIDES, ids=name_of)
def test_guide_has_a_table_of_contents(guide: Path) -> None:
    """It names each of its sections but the short ones within one."""
    text = guide.read_text(encoding="utf-8")
    sections = {line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")}
    contents = {link.removeprefix("#") for link in links_of(guide) if link.startswith("#")}

    assert sections
    assert len(sections) <= len(contents)


async def test_picture_of_the_terminal_is_up_to_date() -> None:
    """Where this fails, `PYTHONPATH=tests/support python -m terminal_picture` draws it anew."""
    assert await draw() == PICTURE.read_text(encoding="utf-8")
