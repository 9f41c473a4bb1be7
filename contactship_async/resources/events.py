"""What contacts did in a product of the organization; an add-on: `/v1/events`.

Source: https://docs.contactship.ai/api-reference/endpoint/send-events
"""

from __future__ import annotations

from attrs import frozen

from contactship_async._http.caller import Caller


@frozen(repr=False)
class Events:
    """What contacts did in a product of the organization; an add-on: `client.events`."""

    _caller: Caller
