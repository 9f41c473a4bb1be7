"""The messages in threads: `/v1/messages`.

Source: https://docs.contactship.ai/api-reference/endpoint/get-message
"""

from __future__ import annotations

from attrs import frozen

from contactship_async._http.caller import Caller


@frozen(repr=False)
class Messages:
    """The messages in threads: `client.messages`."""

    _caller: Caller
