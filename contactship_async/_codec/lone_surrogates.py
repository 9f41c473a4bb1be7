r"""Halves of characters, as servers send them that cut a text in the middle of an emoji: `"\ud83d"`.

Python's `json` decodes them to strings that can be neither printed nor encoded; msgspec refuses the whole response.
Where they stand in what nobody reads, they do no harm: so they are replaced, and looked for in what was read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import msgspec

from contactship_async._codec.json_names import RecordField, is_record, record_fields

_REPLACEMENT: Final = "\ufdd0"
"""A noncharacter, which is for internal use only: https://www.unicode.org/versions/latest/core-spec/chapter-23/#G12612"""

_MAX_REPLACED: Final = 10_000
"""A hostile response of nothing else would keep the event loop busy for seconds."""

_LONE: Final = rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
_PAIR: Final = rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_UP_TO_LONE: Final = re.compile(rb"((?:[^\\]++|\\[^u]|" + _PAIR + rb"|(?!" + _LONE + rb")\\u)*+)" + _LONE, re.DOTALL)
"""A lone surrogate, and what comes before it: no escape, another escape, a pair."""


def replace_lone_surrogates(data: bytes) -> bytes:
    """Replace the escapes of lone surrogates in JSON; without any, return *data* itself."""
    parts: list[bytes] = []
    end = 0
    while len(parts) < 2 * _MAX_REPLACED and (found := _UP_TO_LONE.match(data, end)):
        parts += found[1], _REPLACEMENT.encode()
        end = found.end()
    return b"".join((*parts, data[end:])) if parts else data


def holds_replaced(value: Any) -> bool:
    """Return whether a string in *value*, which was decoded, is one in which something was replaced."""
    return _REPLACEMENT.encode() in msgspec.json.encode(value)


def find_replaced(value: Any, place: str = "") -> Iterator[str]:
    """Return the JSON paths of these strings; *place* is that of *value*."""
    if isinstance(value, str):
        if _REPLACEMENT in value:
            yield place
    elif isinstance(value, dict):
        for pair in value.items():
            for item in pair:
                yield from find_replaced(item, f"{place}[...]")  # Keys come from the response.
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from find_replaced(item, f"{place}[{index}]")
    elif is_record(type(value)):
        for field in _fields_of(type(value)):  # type: ignore[arg-type] # mypy: no class is hashable
            yield from find_replaced(getattr(value, field.name), f"{place}.{field.json_name}")


@cache
def _fields_of(cl: type[Any]) -> list[RecordField]:
    return record_fields(cl)
