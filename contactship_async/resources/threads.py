"""The conversations with contacts over channels: `/v1/thread`.

Source: https://docs.contactship.ai/api-reference/endpoint/get-thread
"""

from __future__ import annotations

from attrs import frozen

from contactship_async._http.caller import Caller


@frozen(repr=False)
class Threads:
    """The conversations with contacts over channels: `client.threads`."""

    _caller: Caller
