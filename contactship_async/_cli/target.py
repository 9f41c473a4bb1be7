"""The target of a command: one organization, a sandbox, or those of a file."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

from attrs import field, frozen
from cyclopts import CycloptsError, Parameter

from contactship_async import (
    ConfigurationError,
    ContactshipClient,
    ContactshipPool,
    Timeouts,
    Wait,
    read_organizations,
)
from contactship_async._cli.failures import KEY_VARIABLE
from contactship_async._cli.options import PositiveInt, PositiveSeconds, options_of

_MAX_CONCURRENT: Final = 16  # organizations, as in `ContactshipPool`

OF_MANY: Final = frozenset({"organizations", "max_concurrent"})
"""The options of a target that mean something for many organizations only."""

OnWait: TypeAlias = Callable[[Wait], None]


@frozen(kw_only=True)
class Target:
    """The target of a command and how it is asked, as its options say.

    Args:
        organizations: A TOML file with a line for each organization: acme = "ACME_CONTACTSHIP_KEY" is its name, and the
            environment variable that holds its key. The name becomes the first column. jsonl and csv come as
            the responses do; table and json are in the order of the file.
        max_concurrent: How many organizations to ask concurrently.
        sandbox: Ask a sandbox, which makes its data up; needs no account, key or network.
        timeout: How many seconds a request may take at the most, with all its retries and waits. A listing makes
            many requests, and each has this time from its turn on.
        verbose: Tell of each request and each wait on standard error.
    """

    organizations: Path | None = None
    max_concurrent: Annotated[PositiveInt | None, Parameter(show_default=str(_MAX_CONCURRENT))] = None
    sandbox: bool = False
    timeout: Annotated[PositiveSeconds | None, Parameter(show_default=f"{Timeouts().total:g}")] = None
    verbose: Annotated[bool, Parameter(alias="-v")] = False
    variables: Mapping[str, str] = field(init=False)
    """The environment variables of the keys by the names of the organizations; empty for one without a name."""

    @variables.default
    def _read_variables(self) -> Mapping[str, str]:
        if self.organizations is not None and self.sandbox:
            message = "--sandbox is an organization of its own, and does not go with --organizations"
            raise CycloptsError(message)
        if self.organizations is not None:
            return variables_of(self.organizations)
        if self.max_concurrent is not None:
            message = "--max-concurrent is for many organizations, and goes with --organizations"
            raise CycloptsError(message)
        return {}

    def check_key(self) -> None:
        """Raise a `CycloptsError` if there is no key where one is needed."""
        if not self.sandbox and not os.environ.get(KEY_VARIABLE):
            message = f"no API key: set the environment variable {KEY_VARIABLE}, or try it out with --sandbox"
            raise CycloptsError(message)

    def open_client(self, on_wait: OnWait) -> ContactshipClient:
        """Return a client of the one organization.

        Args:
            on_wait: Is told of its waits.

        Raises:
            CycloptsError: There is no key.
            ConfigurationError: The key or the base URL is unusable.
        """
        if self.sandbox:
            from contactship_async.sandbox import Sandbox  # noqa: PLC0415 - its server takes time to import

            return Sandbox().client(timeouts=self._timeouts, on_wait=on_wait)
        self.check_key()
        return ContactshipClient(timeouts=self._timeouts, on_wait=on_wait, trust_env=True)

    def open_pool(self, on_wait: OnWait) -> ContactshipPool:
        """Return a pool of the organizations of the file.

        Args:
            on_wait: Is told of their waits.

        Raises:
            CycloptsError: A key is malformed.
            ConfigurationError: The base URL is unusable.
        """
        try:
            return ContactshipPool(
                {name: os.environ[variable] for name, variable in self.variables.items()},
                max_concurrent=self.max_concurrent or _MAX_CONCURRENT,
                timeouts=self._timeouts,
                on_wait=on_wait,
                trust_env=True,
            )
        except ConfigurationError as error:
            if str(error).startswith("base_url"):
                raise
            raise CycloptsError(str(error)) from None

    @property
    def _timeouts(self) -> Timeouts:
        return Timeouts() if self.timeout is None else Timeouts(total=self.timeout)


def options_for_one(function: Callable[..., Any]) -> Iterator[inspect.Parameter]:
    """Make the options of a function that takes, as further keywords, those of `Target` for one organization."""
    for option in options_of(function):
        if option.kind is not option.VAR_KEYWORD:
            yield option
    for option in options_of(Target):
        if option.name not in OF_MANY:
            yield option


def variables_of(file: Path, *, with_keys: bool = True) -> dict[str, str]:
    """Do what `read_organizations` does, with the error of wrong usage."""
    try:
        return read_organizations(file, with_keys=with_keys)
    except ConfigurationError as error:
        raise CycloptsError(str(error)) from None
