"""The command `sync`: which of its parts the options ask for."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Final

from cyclopts import CycloptsError, Group, Parameter

from contactship_async._cli.commands import HELPS
from contactship_async._cli.options import make_command, name_options, options_of, refuse_strays
from contactship_async._cli.resources import take
from contactship_async._cli.sync.destination import Destination
from contactship_async._cli.sync.shards import ShardTarget
from contactship_async._cli.sync.stored import forget_rows, show_status
from contactship_async._cli.sync.walk import apply, walk
from contactship_async._cli.target import Target

_PARTS: Final[Mapping[str, Callable[..., int]]] = {
    "status": show_status,
    "forget": forget_rows,
    "forget_organization": forget_rows,
    "from_parquet": apply,
}
"""What is done when an option is given; without any of them, listings are walked."""

_GROUPS: Final[Mapping[str, Sequence[str]]] = {
    "Listings": ("listings", "with_", "full", "full_every", "page_size", "concurrency"),
    "Database": ("to", "to_env", "to_parquet", "from_parquet", "wait"),
    "What may change": ("max_retired", "accept_new_organization", "keep_history", "dry_run"),
    "Organizations": ("organizations", "shard", "max_concurrent", "sandbox"),
    "What the database holds": ("status", "forget", "forget_organization", "yes"),
    "Output and requests": ("format", "timeout", "verbose"),
}
"""The options, by the titles in the help."""

_OF_APPLYING: Final = frozenset({"full_every", "max_retired", "accept_new_organization", "keep_history"})
"""What is decided when rows are applied to a database."""

_OWNER_ONLY: Final = 0o077  # the umask: files are readable and writable for their owner alone


def run(*listings: str, **given: Any) -> int:
    """Do what the options ask for, and return the exit code.

    Raises:
        CycloptsError: An argument is wrong, or two do not go together.
        ContactshipError: The database can't be used.
    """
    parts = [name for name in _PARTS if name in given]
    if len(parts) > 1:
        message = f"{name_options(parts)} do not go together: each is a command of its own"
        raise CycloptsError(message)
    function = _PARTS[parts[0]] if parts else walk
    words = f"sync {name_options(parts)}".rstrip() + " takes"
    if parts and listings:
        message = f"{words} no listings, such as {listings[0]}"
        raise CycloptsError(message)
    takes = {option.name for option in _options_of(function)}
    if function is walk and "to_parquet" in given:
        words, takes = "sync --to-parquet takes", takes - _OF_APPLYING
    refuse_strays(words, given, takes)
    with _private_files():
        taken: dict[str, Any] = {"destination": take(Destination, given)}
        if function is walk:
            taken["target"] = take(ShardTarget, given)
        return function(*listings, **given, **taken)


@contextmanager
def _private_files() -> Iterator[None]:
    """Make all files for their owner alone, those of the databases' drivers, too."""
    before = os.umask(_OWNER_ONLY)
    try:
        yield
    finally:
        os.umask(before)


def _options_of(function: Callable[..., int]) -> Iterator[inspect.Parameter]:
    """Make the options of a part, and of what it needs."""
    options = options_of(function)
    yield from (option for option in options if option.name not in {"destination", "target"})
    yield from options_of(Destination)
    if any(option.name == "target" for option in options):
        yield from (option for option in options_of(ShardTarget) if option.name == "shard")
        yield from options_of(Target)


def _options() -> Iterator[inspect.Parameter]:
    """Make the options of all parts, in groups; what several take is explained by the first."""
    options: dict[str, inspect.Parameter] = {}
    for function in (walk, *_PARTS.values()):
        for option in _options_of(function):
            options.setdefault(option.name, option)
    for place, (title, names) in enumerate(_GROUPS.items()):
        group = Parameter(group=Group(title, sort_key=place))
        for name in names:
            option = options.pop(name)
            yield option.replace(annotation=Annotated[option.annotation, group])


sync: Final = make_command(run, "sync", _options(), HELPS["sync"])
"""The command."""
