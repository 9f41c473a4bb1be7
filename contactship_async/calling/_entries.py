"""What a journal is about: who calls, whom, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

import msgspec
from attrs import asdict, field, frozen

from contactship_async.contact_files import NUMBER

Outcome: TypeAlias = Literal["due", "placed", "refused", "not sent", "unknown"]


@frozen
class Caller:
    """Who calls: the same for all lines of a journal.

    Args:
        agent_id: The agent that speaks.
        from_number: The number that calls those who are known by their numbers, such as +12025550142.
        from_number_id: The id of the number that calls contacts of the organization.
    """

    agent_id: str
    from_number: str | None = None
    from_number_id: str | None = None

    def __attrs_post_init__(self) -> None:
        if not self.agent_id:
            message = "agent_id must not be empty"
            raise ValueError(message)
        if (self.from_number is None) == (self.from_number_id is None):
            message = "either from_number or from_number_id must be given"
            raise ValueError(message)
        if self.from_number is not None and NUMBER.fullmatch(self.from_number) is None:
            message = "from_number must be a plus and 7 to 15 digits, such as +12025550142"
            raise ValueError(message)
        if self.from_number_id == "":
            message = "from_number_id must not be empty"
            raise ValueError(message)


@frozen(kw_only=True)
class Result:
    """What a start came to.

    Args:
        outcome: `placed`, `refused`, `not sent` or `unknown`.
        call_id: Of the call that was placed.
        status: Of the response, where there was one.
        message: The server's words, which may hold personal data; else, unless it was refused, why it came to that.
        sent_at: When the start was sent last, where the outcome is unknown; with a time zone.
        is_due: Whether the next run starts it again: it was not placed, for a reason that is not the contact's.
    """

    outcome: Outcome
    call_id: str | None = None
    status: int | None = None
    message: str = field(default="", repr=False)
    sent_at: datetime | None = None
    is_due: bool = False


@frozen(kw_only=True)
class Line:
    """A contact, and what became of it.

    Args:
        line: Its number: that of its line in the file, unless the file has changed since and that number was taken.
        outcome: `due`: not started yet. `placed`: Contactship has the call. `refused`: it has not taken it.
            `not sent`: nothing reached it. `unknown`: it may have taken it.
        is_due: Whether the next run that finds the contact in its file starts it.
        identity: Its key, number or contact id.
        arguments: Those of the call that the line has.
        call_id: Of the call that was placed.
        status: Of the response, where there was one.
        message: That of the result of its start.
        started_at: When it was started last; with a time zone.
        sent_at: When that was sent, where the outcome is or was unknown and that is known; with a time zone.
        told_by: How the outcome was learned: from the `response`, from the `listing` of calls later, or by a `person`.
    """

    line: int
    outcome: Outcome
    is_due: bool
    identity: str = field(repr=False)
    arguments: Mapping[str, Any] = field(repr=False)
    call_id: str | None
    status: int | None
    message: str | None = field(repr=False)
    started_at: datetime | None
    sent_at: datetime | None
    told_by: Literal["response", "listing", "person"] | None

    @property
    def to_number(self) -> str | None:
        """Whom to call; None for a contact of the organization."""
        return self.arguments.get("to_number")

    @property
    def unknown_since(self) -> datetime:
        """When a start whose outcome is unknown was sent last or, if that is unknown, was about to be sent first."""
        return self.sent_at or self.started_at or datetime.now(UTC)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, times as strings of ISO 8601 in UTC, with `Z`."""
        fields: dict[str, Any] = msgspec.to_builtins(asdict(self))
        return fields
