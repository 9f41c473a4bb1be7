"""The calls of an organization: `/v1/calls`.

Source: https://docs.contactship.ai/api-reference/endpoint/list-calls
"""

from __future__ import annotations

from typing import Final

from attrs import frozen

from contactship_async._http.caller import Caller
from contactship_async._http.requests import build_path
from contactship_async.models.calls import LiveCall

_STATUS: Final = "/v1/calls/{call_id}/status"


@frozen(repr=False)
class Calls:
    """The calls of the organization: `client.calls`."""

    _caller: Caller

    async def get_status(self, call_id: str) -> LiveCall:
        """Ask where a call is now.

        Args:
            call_id: Of the call.

        Raises:
            TypeError: *call_id* is not a string.
            ValueError: *call_id* can't be part of a path.
            NotFoundError: There is no such call.
            ContactshipError: The call failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/get-call-status
        """
        return await self._caller.call("GET", build_path(_STATUS, call_id=call_id), LiveCall)
