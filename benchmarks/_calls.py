"""What a floor decodes a page of calls into: a class equal to ours, of whose fields none is renamed."""

from __future__ import annotations

from typing import Any, get_type_hints

from attrs import field, fields, frozen, make_class

from contactship_async.models.calls import Call

HINTS = get_type_hints(Call, include_extras=True)
EqualCall: Any = make_class(
    "EqualCall",
    {one.name: field(default=one.default, type=HINTS[one.name]) for one in fields(Call)},
    frozen=True,
    slots=True,
)
"""A call whose fields all have in JSON the names that they have here: msgspec can't rename those of attrs classes."""


@frozen
class OlderCallPage:
    """`{"data": [...], "count": 8}`."""

    data: list[EqualCall]
    count: int
