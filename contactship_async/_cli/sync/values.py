"""Values of the options of `sync` that are neither words nor numbers: read strictly, since a wrong one deletes data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Final

from attrs import frozen
from cyclopts import Parameter, Token

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
"""In seconds."""

_MAX_SECONDS: Final = 36_500 * 86400  # a hundred years: longer ones would end before the calendar begins
_ALL: Final = 100  # percent

_DURATION: Final = re.compile(r"([0-9]{1,9})([smhd])")
_PERCENTAGE: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]+)?)%")
_SHARD: Final = re.compile(r"([0-9]{1,9})/([0-9]{1,9})")


class Duration(timedelta):
    """A length of time, written as a whole number and its unit, such as 7d."""


class Percentage(float):
    """A share, written as 50%."""


@frozen
class Shard:
    """One of the shares that the organizations are divided into, written as 2/5.

    Args:
        number: From 1 on.
        of: How many shares there are.
    """

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def read_duration(_: object, tokens: Sequence[Token]) -> Duration:
    """Read a whole number with its unit."""
    found = _DURATION.fullmatch(tokens[0].value)
    if found is None:
        message = f'"{tokens[0].value}" must be a whole number and its unit, such as 60s, 30m, 12h or 7d'
        raise ValueError(message)
    seconds = int(found[1]) * _UNITS[found[2]]
    if seconds > _MAX_SECONDS:
        message = f'"{tokens[0].value}" is longer than {_MAX_SECONDS // _UNITS["d"]}d'
        raise ValueError(message)
    return Duration(seconds=seconds)


def read_percentage(_: object, tokens: Sequence[Token]) -> Percentage:
    """Read a percentage."""
    found = _PERCENTAGE.fullmatch(tokens[0].value)
    if found is None or float(found[1]) > _ALL:
        message = f'"{tokens[0].value}" must be a percentage from 0% to 100%, such as 50%'
        raise ValueError(message)
    return Percentage(float(found[1]) / _ALL)


def read_shard(_: object, tokens: Sequence[Token]) -> Shard:
    """Read the number of a share, and how many there are."""
    found = _SHARD.fullmatch(tokens[0].value)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        message = f'"{tokens[0].value}" must be one of how many shares, such as 2/5'
        raise ValueError(message)
    return Shard(int(found[1]), int(found[2]))


DurationOption = Annotated[Duration | None, Parameter(converter=read_duration, accepts_keys=False, n_tokens=1)]
PercentageOption = Annotated[Percentage | None, Parameter(converter=read_percentage, accepts_keys=False, n_tokens=1)]
ShardOption = Annotated[Shard | None, Parameter(converter=read_shard, accepts_keys=False, n_tokens=1)]
