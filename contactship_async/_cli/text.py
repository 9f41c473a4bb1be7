"""Text for a terminal: what could control it is escaped, and no word is broken."""

from __future__ import annotations

from collections.abc import Iterator
from unicodedata import east_asian_width


def printable(text: str) -> str:
    """Escape what could control a terminal or break the line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def printable_json(text: str) -> str:
    """Escape what could control a terminal, apart from line breaks; JSON stays the JSON that it is."""
    return "".join(c if c.isprintable() or c == "\n" else _escape_utf_16(c) for c in text)


def wrap(text: str, width: int) -> Iterator[str]:
    """Break a line at blanks, so that each piece has room; a longer word is a line of its own.

    Args:
        text: Printable.
        width: Of the terminal, in columns.
    """
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if line and measure(longer) > width:
            yield line
            longer = word
        line = longer
    yield line


def measure(text: str) -> int:
    """Count the columns of a terminal that *text* takes; those of East Asian scripts are wide (UAX 11)."""
    return len(text) if text.isascii() else sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


def write_length(seconds: float) -> str:
    """Write a length of time in minutes and seconds, such as `1:38`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"


def _escape_utf_16(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
