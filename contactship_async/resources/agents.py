"""The AI agents of the organization, and the voices that they can have: `/v1/agents`.

Source: https://docs.contactship.ai/api-reference/endpoint/list-agents
"""

from __future__ import annotations

from attrs import frozen

from contactship_async._http.caller import Caller


@frozen(repr=False)
class Agents:
    """The AI agents of the organization, and the voices that they can have: `client.agents`."""

    _caller: Caller
