"""The messages in threads: `/v1/messages`.

Source: https://docs.contactship.ai/api-reference/endpoint/get-message
"""

from __future__ import annotations

from typing import Final

from attrs import frozen

from contactship_async._http.caller import Caller
from contactship_async._http.requests import build_path
from contactship_async.models.messages import Message

_PATH: Final = "/v1/messages/{message_id}"


@frozen(repr=False)
class Messages:
    """The messages in threads: `client.messages`."""

    _caller: Caller

    async def get(self, message_id: str) -> Message:
        """Fetch a message, such as one that was sent, to see how far it has come.

        Args:
            message_id: The message's id; a send returns it.

        Raises:
            TypeError: *message_id* is not a string.
            ValueError: *message_id* can't be part of a path.
            NotFoundError: There is no such message.
            ContactshipError: The call failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/get-message
        """
        return await self._caller.call("GET", build_path(_PATH, message_id=message_id), Message)
