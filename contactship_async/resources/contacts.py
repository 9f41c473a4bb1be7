"""The people that the organization calls and writes to: `/v1/contacts`.

Source: https://docs.contactship.ai/api-reference/endpoint/get-contacts
"""

from __future__ import annotations

from attrs import frozen

from contactship_async._http.caller import Caller


@frozen(repr=False)
class Contacts:
    """The people that the organization calls and writes to: `client.contacts`."""

    _caller: Caller
