"""What the command line says about calls that failed, and about Ctrl-C: what happened, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from attrs import frozen

from contactship_async.errors import (
    AmbiguousOutcomeError,
    AuthenticationError,
    ConfigurationError,
    ContactshipError,
    MalformedResponseError,
    PoolError,
    StatusError,
    WalkPosition,
)

KEY_VARIABLE: Final = "CONTACTSHIP_API_KEY"
"""Holds the key of the one organization."""

_MAX_MESSAGE_CHARACTERS: Final = 300  # characters of a server's message that are shown
_MAX_NAMES: Final = 5  # organizations that a line names

_OPTIONS: Final = (
    (
        r"(,) (?:or )?pass allow_insecure_http=True(?:, or set CONTACTSHIP_ALLOW_INSECURE_HTTP=1)?",
        r"\1 or set CONTACTSHIP_ALLOW_INSECURE_HTTP=1",
    ),
    (r"\bbase_url\b", "CONTACTSHIP_BASE_URL"),
    (r"\bexact=True", "--exact"),
    (r"\border_by\b", "--order-by"),
    (r"\bfilters\[\d+\] must be a TaskFilter, or a mapping of\b", "--filters must be an array of objects with"),
    (r"\bmust be a sequence such as a list, not \w+", "must be an array of JSON"),
    (r"\bpass the query as params\b", "give the query by --param"),
    (r"\binclude_transcript=True", "--include-transcript"),
    (r"\btogether with schedule\b", "together with --schedule"),
    (r"\bfrom_number_id\b", "--from-number-id"),
    (r"\bfrom_number\b", "--from-number"),
    (r"\bmax_items\b", "--limit"),
    (r"\baccept_new_organization=True", "--accept-new-organization"),
    (r"\bmax_retired\b", "--max-retired"),
    (r"\bpage_size\b", "--page-size"),
    (r"\b(a )?concurrency above\b", "--concurrency above"),
    (r"\bthe total limit\b", "the limit of --timeout"),
)
"""What the library's messages call arguments in Python, and the option or variable in their place."""


@frozen
class Listed:
    """What was being listed.

    Args:
        noun: What its rows are, in the plural.
        has_offset: Whether an offset can go on from any row.
        limit: How many rows were asked for; None for all.
    """

    noun: str
    has_offset: bool = False
    limit: int | None = None

    def tell_how_to_go_on(self, position: WalkPosition) -> str:
        """Return the options with which the command goes on from *position*."""
        rest = "" if self.limit is None else f" --limit {max(self.limit - position.yielded, 0)}"
        return f"--offset {position.offset}{rest}"


def translate(text: str) -> str:
    """Name options and environment variables where a message of the library names arguments of Python."""
    for pattern, words in _OPTIONS:
        text = re.sub(pattern, words, text)
    return text


def describe_setting(error: ConfigurationError) -> str:
    """Describe what is wrong with the environment variables."""
    text = translate(str(error))
    return f"CONTACTSHIP_API_KEY is unusable: {text}" if text.startswith("the API key") else text


def describe(error: ContactshipError, listed: Listed | None = None) -> str:
    """Describe the failure of the one call or listing there was."""
    return describe_failure(error, KEY_VARIABLE) + _advise(error, error.position, listed, whose="the", how="add")


def describe_failure(error: Exception, variable: str) -> str:
    """Describe a failure.

    Args:
        error: What it was.
        variable: The environment variable that holds the key.
    """
    return translate(str(error)) + _explain(error, variable)


def describe_each(error: PoolError, variables: Mapping[str, str], listed: Listed) -> Iterator[str]:
    """Describe the failure of each organization, in the order of *variables*, which hold their keys."""
    places = {name: place for place, name in enumerate(variables)}
    for failure in sorted(error.exceptions, key=lambda failure: places[failure.organization]):
        name = f"{failure.organization}: "
        text = translate(str(failure).removeprefix(name)) + _explain(failure.__cause__, variables[failure.organization])
        advice = _advise(failure.__cause__, failure.position, listed, whose="its", how="list it alone with")
        yield f"{name}{text}{advice}"


def describe_interrupt(listed: Listed, position: WalkPosition | None) -> str:
    """Describe how far the one listing had come at Ctrl-C.

    Args:
        listed: What it is.
        position: Of the first row that was not printed; None if none was.
    """
    if position is None:
        return "interrupted, with nothing printed"
    advice = f"; to go on, add {listed.tell_how_to_go_on(position)}" if listed.has_offset else ""
    return f"interrupted after the {_name_printed(position, listed.noun)}{advice}"


def describe_interrupts(
    listed: Listed, complete: int, positions: Mapping[str, WalkPosition], unprinted: list[str]
) -> Iterator[str]:
    """Describe how far the listings of organizations had come at Ctrl-C.

    Args:
        listed: What they are.
        complete: How many had ended.
        positions: Of the others, by their names: of the first row that was not printed.
        unprinted: Those of which none was.
    """
    yield f"interrupted, with {complete} of {complete + len(positions) + len(unprinted)} organizations complete"
    for name, position in positions.items():
        advice = f"; to go on, list it alone with {listed.tell_how_to_go_on(position)}" if listed.has_offset else ""
        yield f"{name}: interrupted after its {_name_printed(position, listed.noun)}{advice}"
    if unprinted:
        more = f" and {len(unprinted) - _MAX_NAMES} more" if len(unprinted) > _MAX_NAMES else ""
        yield f"nothing printed of {', '.join(unprinted[:_MAX_NAMES])}{more}"


def _advise(
    error: BaseException | None, position: WalkPosition | None, listed: Listed | None, *, whose: str, how: str
) -> str:
    """Return how to go on, if that is possible: a malformed row would end the next walk as it ended this one."""
    if listed is None or not listed.has_offset or position is None:
        return ""
    if isinstance(error, MalformedResponseError) and error.row is not None:
        behind = WalkPosition(position.offset + 1, position.yielded)
        return f"; to go on behind that row, {how} {listed.tell_how_to_go_on(behind)}"
    if not position.yielded:
        return ""
    return (
        f"; to go on after {whose} {_name_printed(position, listed.noun)}, {how} {listed.tell_how_to_go_on(position)}"
    )


def _name_printed(position: WalkPosition, noun: str) -> str:
    return "first" if position.yielded == 1 else f"{position.yielded} {noun} printed"


def _explain(error: BaseException | None, variable: str) -> str:
    """Return what the text of *error* leaves out: the server's words, and which variable may hold a wrong key."""
    text = ""
    if isinstance(error, AmbiguousOutcomeError):
        error = error.__cause__
    if isinstance(error, StatusError):
        message = " ".join(error.message.split())
        text += f": {message[:_MAX_MESSAGE_CHARACTERS]}" if message else ""
        text += f" (request id {error.request_id})" if error.request_id else ""
    if isinstance(error, AuthenticationError):
        text += f"; check {variable}"
    return text
