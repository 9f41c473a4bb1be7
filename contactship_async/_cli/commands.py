"""Which commands there are: lists, so that `--help` does without the client, which takes time to import."""

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
"""What the client says about each, by its attribute there; a test holds it to the resources of the client."""

OWN_COMMANDS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "calls": {
            "journal": "contactship_async._cli.calling:journal",
            "make": "contactship_async._cli.calls.make:make",
            "stop": "contactship_async._cli.calls.stop:stop",
            "watch": "contactship_async._cli.calls.watch:watch",
        },
    }
)
"""Where the commands of a resource are that are not derived from its methods, by their names."""
