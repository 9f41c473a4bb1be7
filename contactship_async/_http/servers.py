"""The servers that a client speaks to, and the way to each: all but one endpoint are on the first.

Source: https://docs.contactship.ai/api-reference/endpoint/waba-send-location
"""

from __future__ import annotations

from attrs import frozen

from contactship_async._http.proxy import Proxy


@frozen
class Server:
    """A server of the API.

    Args:
        base_url: What paths are appended to; without a trailing slash.
        proxy: What requests go through; None for none.
    """

    base_url: str
    proxy: Proxy | None = None
