"""What the command line says about a listing that failed: what happened, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from contactship_async import AuthenticationError, ContactshipError, PoolError, StatusError

_LONGEST_MESSAGE: Final = 300  # characters of a server's message that are shown


def describe(error: ContactshipError) -> str:
    """Describe the failure of the one listing there was."""
    text = f"{error}{_explain(error, 'CONTACTSHIP_API_KEY')}"
    if error.position is not None and error.position.yielded:
        text += f"; to go on after the {error.position.yielded} numbers printed, add --offset {error.position.offset}"
    return text


def describe_each(error: PoolError, variables: Mapping[str, str]) -> Iterator[str]:
    """Describe the failure of each organization, in the order of *variables*, which hold their keys."""
    places = {name: place for place, name in enumerate(variables)}
    for failure in sorted(error.exceptions, key=lambda failure: places[failure.organization]):
        text = f"{failure}{_explain(failure.__cause__, variables[failure.organization])}"
        if failure.position is not None and failure.position.yielded:
            text += (
                f"; to go on after its {failure.position.yielded} numbers printed,"
                f" list it alone with --offset {failure.position.offset}"
            )
        yield text


def _explain(error: BaseException | None, variable: str) -> str:
    """Return what the text of *error* leaves out: the server's words, and which variable may hold a wrong key."""
    text = ""
    if isinstance(error, StatusError):
        message = " ".join(error.message.split())
        text += f": {message[:_LONGEST_MESSAGE]}" if message else ""
        text += f" (request id {error.request_id})" if error.request_id else ""
    if isinstance(error, AuthenticationError):
        text += f"; check {variable}"
    return text
