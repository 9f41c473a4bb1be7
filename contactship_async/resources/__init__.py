"""The resources of the API: one module for each, with the methods of `client.tags` and its like.

Each is imported at its first use, with its models: a program pays for those that it uses (PEP 562).

- `contactship_async.resources.agents`: `client.agents`
- `contactship_async.resources.calls`: `client.calls`
- `contactship_async.resources.channels`: `client.channels`
- `contactship_async.resources.contacts`: `client.contacts`
- `contactship_async.resources.credits`: `client.credits`
- `contactship_async.resources.events`: `client.events`
- `contactship_async.resources.messages`: `client.messages`
- `contactship_async.resources.phone_numbers`: `client.phone_numbers`
- `contactship_async.resources.tags`: `client.tags`
- `contactship_async.resources.tasks`: `client.tasks`
- `contactship_async.resources.threads`: `client.threads`
- `contactship_async.resources.whatsapp`: `client.whatsapp`
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contactship_async.resources import (
        agents,
        calls,
        channels,
        contacts,
        credits,  # noqa: A004 - the API's word
        events,
        messages,
        phone_numbers,
        tags,
        tasks,
        threads,
        whatsapp,
    )
else:  # of which type checkers would think that it knows any name

    def __getattr__(name: str) -> object:
        if name not in __all__:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message)
        return import_module(f"{__name__}.{name}")


__all__ = [
    "agents",
    "calls",
    "channels",
    "contacts",
    "credits",
    "events",
    "messages",
    "phone_numbers",
    "tags",
    "tasks",
    "threads",
    "whatsapp",
]
