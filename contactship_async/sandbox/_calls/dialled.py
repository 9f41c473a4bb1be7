"""What a test sees of the calls that were asked for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen


@frozen(kw_only=True)
class DialledCall:
    """One call that would have been dialled.

    Args:
        call_id: The UUID that the response had.
        from_number: The number that the person would have seen.
        to_number: The number that would have rung; that of a made-up person where only *contact_id* was sent.
        contact_id: As it was sent; None where *to_number* was.
        full_name: Whom the agent would have asked for.
        agent_id: Of the agent.
        additional_data: As it was sent, by its keys.
        schedule: When the phone would have rung, in UTC; None without a schedule.
        webhook_url: As it was sent.
        metadata: As it was sent.
        body: All that was sent, also what the sandbox does not know. Not shown by `repr`.
    """

    call_id: str
    from_number: str
    to_number: str
    contact_id: str | None
    full_name: str
    agent_id: str
    additional_data: Mapping[str, str]
    schedule: datetime | None
    webhook_url: str | None
    metadata: Mapping[str, Any] | None
    body: Mapping[str, Any] = field(repr=False)
