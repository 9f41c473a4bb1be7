"""What the command line says about calls that failed: what happened, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from contactship_async import (
    AuthenticationError,
    ContactshipError,
    MalformedResponseError,
    PoolError,
    StatusError,
    WalkPosition,
)

_MAX_MESSAGE_CHARACTERS: Final = 300  # characters of a server's message that are shown


def describe(error: ContactshipError, noun: str | None = None) -> str:
    """Describe the failure of the one call or listing there was.

    Args:
        error: The failure.
        noun: What was listed, in the plural, where an offset can go on from there.
    """
    advice = ""
    if noun and _is_malformed_row(error):
        advice = f"; to go on behind that row, add --offset {_offset_behind(error)}"
    elif noun and error.position is not None and error.position.yielded:
        advice = f"; to go on after the {_name_printed(error.position, noun)}, add --offset {error.position.offset}"
    return f"{error}{_explain(error, 'CONTACTSHIP_API_KEY')}{advice}"


def describe_each(error: PoolError, variables: Mapping[str, str], noun: str | None = None) -> Iterator[str]:
    """Describe the failure of each organization, in the order of *variables*, which hold their keys."""
    places = {name: place for place, name in enumerate(variables)}
    for failure in sorted(error.exceptions, key=lambda failure: places[failure.organization]):
        text = f"{failure}{_explain(failure.__cause__, variables[failure.organization])}"
        if noun and _is_malformed_row(failure.__cause__):
            text += f"; to go on behind that row, list it alone with --offset {_offset_behind(failure)}"
        elif noun and failure.position is not None and failure.position.yielded:
            text += (
                f"; to go on after its {_name_printed(failure.position, noun)},"
                f" list it alone with --offset {failure.position.offset}"
            )
        yield text


def _is_malformed_row(error: BaseException | None) -> bool:
    return isinstance(error, MalformedResponseError) and error.row is not None and error.position is not None


def _offset_behind(error: ContactshipError) -> int:
    return 0 if error.position is None else error.position.offset + 1


def _name_printed(position: WalkPosition, noun: str) -> str:
    return "first" if position.yielded == 1 else f"{position.yielded} {noun} printed"


def _explain(error: BaseException | None, variable: str) -> str:
    """Return what the text of *error* leaves out: the server's words, and which variable may hold a wrong key."""
    text = ""
    if isinstance(error, StatusError):
        message = " ".join(error.message.split())
        text += f": {message[:_MAX_MESSAGE_CHARACTERS]}" if message else ""
        text += f" (request id {error.request_id})" if error.request_id else ""
    if isinstance(error, AuthenticationError):
        text += f"; check {variable}"
    return text
