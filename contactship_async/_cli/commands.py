"""Which resources have commands: a list, so that `--help` does without the client, which takes time to import.

A test holds it to the resources of the client.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

RESOURCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "phone_numbers": "The phone numbers of the organization.",
        "tags": "The tags that the organization puts on its contacts.",
        "calls": "The calls of the organization, by its agents.",
        "channels": "The channels over which the organization exchanges messages.",
        "credits": "What the organization has left to spend.",
    }
)
"""What the client says about each, by its attribute there."""
