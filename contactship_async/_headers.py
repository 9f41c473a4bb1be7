"""Headers of HTTP: found by their names whatever the case, and never shown with their values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class Headers(Mapping[str, str]):
    """Headers that can't be changed; a name that comes several times has its values joined by commas.

    Two are equal if they hold the same values by names that differ in upper and lower case at the most.

    Args:
        headers: By their names, which keep the case in which they come first.

    Source: RFC 9110, 5.1 and 5.3
    """

    __slots__ = ("_fields",)

    def __init__(self, headers: Mapping[str, str] | None = None) -> None:
        fields: dict[str, tuple[str, str]] = {}
        for name, value in () if headers is None else headers.items():
            first, *before = fields.get(name.lower(), (name,))
            fields[name.lower()] = first, ", ".join((*before, value))
        self._fields = fields

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()][1]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._fields.values())

    def __len__(self) -> int:
        return len(self._fields)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        return self._by_lower_case() == Headers(other)._by_lower_case()

    __hash__ = None  # type: ignore[assignment] # as that of a dictionary

    def __rich_repr__(self) -> Iterator[Any]:
        return iter(self)

    def __repr__(self) -> str:
        return f"Headers({', '.join(map(repr, self))})"

    def _by_lower_case(self) -> dict[str, str]:
        return {name: value for name, (_, value) in self._fields.items()}
