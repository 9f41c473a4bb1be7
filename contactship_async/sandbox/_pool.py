"""Many organizations at one URL, distinguished by their keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import evolve

from contactship_async._http.messages import Request
from contactship_async._pool.pool import ContactshipPool
from contactship_async.sandbox._api.handler import RequestHandler
from contactship_async.sandbox._api.openapi import DOCUMENT_PATH
from contactship_async.sandbox._api.replies import Reply
from contactship_async.sandbox._resources.call_rows import organization_of
from contactship_async.sandbox._sandbox import Sandbox
from contactship_async.sandbox._serving.served import Served


class SandboxPool(Served):
    """Pretend to be Contactship for many organizations: in memory as it is, over a port as a `Sandbox` is.

        sandboxes = SandboxPool({"acme": Sandbox(250), "globex": Sandbox(40, seed=1)})
        async with sandboxes, sandboxes.pool() as pool:
            sandboxes["acme"].script(Status(500))

    The key of a request decides which sandbox handles it, with the faults, the rate limit and the latency of that one;
    an unknown key gets a 401. `sandboxes["acme"]` is the sandbox of an organization.

    Source: https://docs.contactship.ai/api-reference/introduction

    Args:
        sandboxes: By the name of the organization. Those without an *api_key* of their own get one made of the name.
        host: An address of this machine for the server, or a name of it. Others reach one that is no loopback address,
            such as `0.0.0.0`, which is all of them (in a container, say), and may use it: its key is no secret.
        port: For the server, 0 to 65535; 0 takes any free one.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: There is no sandbox, two have the same key or the same seed, or an argument is out of range.
    """

    def __init__(self, sandboxes: Mapping[str, Sandbox], *, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(self._respond_by_key, host, port, self._catch_up_all)
        self._sandboxes = _check_types(sandboxes)
        handlers = {name: sandbox._join(name) for name, sandbox in self._sandboxes.items()}  # noqa: SLF001 - for here
        self._by_organization_id = {self._sandboxes[name].organization_id: (name, handlers[name]) for name in handlers}
        _check_distinct(self._sandboxes)
        self._by_key = {self._sandboxes[name].api_key: (name, handler) for name, handler in handlers.items()}
        self._first = next(iter(self._by_key))
        self._unknown_key = RequestHandler((), api_key=None)

    def __getitem__(self, organization: str) -> Sandbox:
        """Return the sandbox of *organization*.

        Raises:
            KeyError: There is no such organization.
        """
        return self._sandboxes[organization]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sandboxes)

    def __len__(self) -> int:
        return len(self._sandboxes)

    @property
    def api_keys(self) -> dict[str, str]:
        """A copy of the keys by the names of the organizations, as `ContactshipPool` takes them."""
        return {name: sandbox.api_key for name, sandbox in self._sandboxes.items()}

    def pool(self, **options: Any) -> ContactshipPool:
        """Build a pool of the organizations: over the port while the server runs, in memory otherwise.

        Args:
            options: Passed on to `ContactshipPool`; `api_keys`, `base_url` and `transport` win over the sandbox's.
        """
        return ContactshipPool(**{"api_keys": self.api_keys, **self._connect(options)})

    def _respond_by_key(self, request: Request) -> Reply:
        # The description without a key is that of the first organization; it matters only if settings differ.
        unknown = ("", self._by_key[self._first][1] if request.path == DOCUMENT_PATH else self._unknown_key)
        owner = self._by_organization_id.get(organization_of(request.path))
        name, handler = owner or self._by_key.get(request.api_key.reveal(), unknown)
        return evolve(handler.respond(request), organization=name)

    def _catch_up_all(self) -> float | None:
        waits = [sandbox._catch_up() for sandbox in self._sandboxes.values()]  # noqa: SLF001 - for here
        return min((seconds for seconds in waits if seconds is not None), default=None)

    def _note_url(self, url: str | None) -> None:
        super()._note_url(url)
        for sandbox in self._sandboxes.values():
            sandbox._note_server(url)  # noqa: SLF001 - for here


def _check_types(sandboxes: object) -> dict[str, Sandbox]:
    if not isinstance(sandboxes, Mapping):
        message = f"sandboxes must be a mapping from names to sandboxes, not {type(sandboxes).__name__}"
        raise TypeError(message)
    for name, sandbox in sandboxes.items():
        if not isinstance(name, str) or not name:
            message = "the names of organizations in sandboxes must be non-empty strings"
            raise TypeError(message)
        if not isinstance(sandbox, Sandbox):
            message = f"sandboxes[{name!r}] must be a Sandbox, not {type(sandbox).__name__}"
            raise TypeError(message)
    if not sandboxes:
        message = "sandboxes must not be empty"
        raise ValueError(message)
    return dict(sandboxes)


def _check_distinct(sandboxes: Mapping[str, Sandbox]) -> None:
    for attribute, argument in (("api_key", "api_key"), ("organization_id", "seed")):
        owners: dict[str, str] = {}
        for name, sandbox in sandboxes.items():
            owner = owners.setdefault(getattr(sandbox, attribute), name)
            if owner != name:
                message = f"the sandboxes of {owner!r} and {name!r} must differ in their {argument}"
                raise ValueError(message)
