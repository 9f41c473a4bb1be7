"""The conversations with contacts over channels: `/v1/thread`.

Source: https://docs.contactship.ai/api-reference/endpoint/get-thread
"""

from __future__ import annotations

from functools import partial
from typing import Final, Literal

from attrs import frozen
from msgspec import UnsetType

from contactship_async._arguments import (
    UNSET,
    Checks,
    build_body,
    check_choice,
    check_text,
    text_or_none,
    without_unset,
)
from contactship_async._http.caller import Caller
from contactship_async._http.requests import build_path
from contactship_async.models.threads import AssigneeType, Thread, ThreadStatus
from contactship_async.resources._common_arguments import citing_page

_PATH: Final = "/v1/thread/{thread_id}"


_CHECKS: Final[Checks] = {
    "status": check_text,
    "assignee": text_or_none,
    "assignee_type": partial(check_choice, choices=AssigneeType),
}


@frozen(repr=False)
class Threads:
    """The conversations with contacts over channels: `client.threads`."""

    _caller: Caller

    async def get(self, thread_id: str) -> Thread:
        """Fetch a thread. The API does not list them: a send over WhatsApp returns the id of its thread.

        Args:
            thread_id: The thread's id.

        Raises:
            TypeError: *thread_id* is not a string.
            ValueError: *thread_id* can't be part of a path.
            NotFoundError: There is no such thread.
            ContactshipError: The call failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/get-thread
        """
        return await self._caller.call("GET", build_path(_PATH, thread_id=thread_id), Thread)

    async def update(
        self,
        thread_id: str,
        *,
        status: ThreadStatus | str | UnsetType = UNSET,
        assignee: str | UnsetType | None = UNSET,
        assignee_type: AssigneeType | Literal["user", "agent"] | UnsetType = UNSET,
    ) -> Thread:
        """Close, reopen or assign a thread. What is not given stays as it is.

        Closing and reopening can start automations of the organization.

        Args:
            thread_id: The thread's id.
            status: `open` or `closed`; other words are sent as they are, since the API may know more.
            assignee: The id of who answers from now on; None for nobody.
            assignee_type: What *assignee* is, `user` or `agent`; given together with it, but for None.

        Returns:
            The thread; its `created_at` may be missing.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is not allowed, *assignee* comes without *assignee_type*, or *thread_id* can't be
                part of a path.
            NotFoundError: There is no such thread.
            ContactshipError: The call failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/update-thread
        """
        with citing_page("update-thread"):
            changes = without_unset(status=status, assignee=assignee, assignee_type=assignee_type)
            body = build_body(_CHECKS, **changes)
            if body.get("assignee") is not None and "assignee_type" not in body:
                message = "assignee_type must be given together with assignee: 'user' or 'agent'"
                raise ValueError(message)
        return await self._caller.call(
            "PUT", build_path(_PATH, thread_id=thread_id), Thread, json=body, idempotent=True
        )
