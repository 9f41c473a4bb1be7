"""Which commands there are: those of each resource of the client that has something to list or to get."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, get_type_hints


def find_methods(client: type[Any]) -> Iterator[tuple[str, str, dict[str, Callable[..., Any]]]]:
    """Find the resources of a class of clients.

    Yields:
        The attribute of the client, what it says about itself, and the methods that commands are made of.
    """
    members = {name: member for owner in reversed(client.__mro__) for name, member in vars(owner).items()}
    for name, member in members.items():
        getter = member.fget if isinstance(member, property) else None
        resource = None if getter is None else get_type_hints(getter)["return"]
        if getter is not None and isinstance(resource, type):
            methods: dict[str, Callable[..., Any]] = {
                key: method
                for key, method in vars(resource).items()
                if inspect.isfunction(method) and (key == "get" or key.partition("_")[0] == "list")
            }
            if methods:
                yield name, summarize(getter), methods


def summarize(function: Callable[..., Any]) -> str:
    """Return the first paragraph of a docstring."""
    return " ".join((inspect.getdoc(function) or "").partition("\n\n")[0].split())
