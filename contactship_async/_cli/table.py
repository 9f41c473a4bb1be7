"""Tables for a terminal or a pipe, in which nothing is lost and no word is broken: ids can be copied."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from attrs import frozen
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from contactship_async._cli.text import wrap

_WIDE: Final = 3  # blanks between columns
_TIGHT: Final = 1

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT")
_DATE_WIDTH: Final = 11  # with the T

Cells = Mapping[str, str]


@frozen
class Fold:
    """How a column may be folded.

    Args:
        least: The smallest width that breaks no word.
        is_time: Whether it holds times: those are folded after the date, or not at all.
    """

    least: int
    is_time: bool = False


@frozen
class Layout:
    """How a table is drawn.

    Args:
        widths: Of the columns that are shown, by their names.
        gap: How many blanks are between them.
        note: What the user has to know about a column that is not shown.
    """

    widths: Mapping[str, int]
    gap: int
    note: str = ""

    @property
    def width(self) -> int:
        """The width of the whole table."""
        return sum(self.widths.values()) + self.gap * (len(self.widths) - 1)


def lay_out(records: Sequence[Cells], names: Sequence[str], room: int, folds: Mapping[str, Fold]) -> Layout:
    """Choose columns and widths for a terminal, so that nothing is lost and little is folded.

    Where there is no room for all, columns without any value are left out, and the organization that all rows share.
    Where the room is too small for what can't be folded, the layout is wider than it: such rows are drawn as blocks.

    Args:
        records: Their cells by the names of the columns.
        names: The columns.
        room: The width of the terminal.
        folds: How columns may be folded; the others may not.
    """
    natural = {name: max(map(cell_len, [name, *(record[name] for record in records)])) for name in names}
    note = ""
    if Layout(natural, _TIGHT).width > room:
        natural = {name: width for name, width in natural.items() if any(record[name] for record in records)}
        if note := _note_on_organizations(records):
            del natural["organization_id"]
    least = {name: folds[name].least if name in folds else width for name, width in natural.items()}
    halved = {name: least[name] if name in folds and folds[name].is_time else width for name, width in natural.items()}
    for widths in (natural, halved):
        for gap in (_WIDE, _TIGHT):
            if Layout(widths, gap, note).width <= room:
                return Layout(widths, gap, note)
    if Layout(least, _TIGHT).width > room:
        return Layout(natural, _TIGHT, note)
    most = next(most for most in range(room, 0, -1) if Layout(_cut(halved, least, most), _TIGHT).width <= room)
    return Layout(_cut(halved, least, most), _TIGHT, note)


def find_folds(records: Sequence[Cells], names: Sequence[str]) -> dict[str, Fold]:
    """Find the columns that may be folded: those of times, and those of several words, which JSON has, too."""
    folds: dict[str, Fold] = {}
    for name in names:
        texts = [record[name] for record in records if record[name]]
        words = [word for text in texts for word in text.split()]
        if texts and all(map(_TIME.match, texts)):
            folds[name] = Fold(max(len(name), _DATE_WIDTH), is_time=True)
        elif len(words) > len(texts):
            folds[name] = Fold(max(len(name), *map(cell_len, words)))
    return folds


def draw(records: Sequence[Cells], layout: Layout) -> str:
    """Draw a table; its cells must be printable."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, (layout.gap - 1) // 2))
    for name, width in layout.widths.items():
        table.add_column(Text(name), width=width, overflow="fold")
    for record in records:
        cells = (_break_time(record[name], width) for name, width in layout.widths.items())
        table.add_row(*map(Text, cells))  # as Text, in which rich sees no markup
    console = Console(width=layout.width)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def draw_blocks(records: Sequence[Cells], names: Sequence[str], room: int) -> str:
    """Draw each row as a block, with a line for each field; its cells must be printable."""
    return "\n".join(draw_block([(name, record[name]) for name in names], room) for record in records)


def draw_block(lines: Sequence[tuple[str, str]], room: int) -> str:
    """Draw named texts, each beside its name; names and texts must be printable.

    A text that has no room there stands below its name, where an id can still be copied in one piece.
    """
    indent = max(cell_len(name) for name, _ in lines) + _WIDE
    drawn: list[str] = []
    for name, text in lines:
        longest = max(map(cell_len, text.split(" ")))
        if longest <= room - indent:
            first, *others = wrap(text, room - indent)
            drawn += [f"{name}{' ' * (indent - cell_len(name))}{first}", *(" " * indent + rest for rest in others)]
        else:
            drawn += [name, *wrap(text, room)]
    return "".join(f"{line.rstrip()}\n" for line in drawn)


def _break_time(text: str, width: int) -> str:
    """Break a time that has no room after its date: its column may be wider than that, for its name."""
    if len(text) > width and _TIME.match(text):
        return f"{text[:_DATE_WIDTH]}\n{text[_DATE_WIDTH:]}"
    return text


def _cut(widths: Mapping[str, int], least: Mapping[str, int], most: int) -> Mapping[str, int]:
    return {name: max(least[name], min(width, most)) for name, width in widths.items()}


def _note_on_organizations(records: Sequence[Cells]) -> str:
    """Return what to say instead of `organization_id`; nothing if rows of one organization differ in it."""
    ids = {(record.get("organization", ""), record.get("organization_id", "")) for record in records}
    if len(ids) > len({organization for organization, _ in ids}) or "" in {
        organization_id for _, organization_id in ids
    }:
        return ""
    if len(ids) == 1:
        return f"all of organization {next(iter(ids))[1]}"
    return "no room for organization_id; --format csv has it"
