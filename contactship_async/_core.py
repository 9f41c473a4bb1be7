"""Send one request, read one page, walk one listing: the base of every resource's methods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Hashable, Mapping
from enum import StrEnum
from typing import TypeVar

from contactship_async import _protocol
from contactship_async._messages import Response, Secret, Transport
from contactship_async._pagination import OffsetWalk, PageRequest, walk_pages
from contactship_async._protocol import PageAnswer, Parameter, Parameters
from contactship_async._retry import AttemptLoop
from contactship_async.errors import AuthenticationError
from contactship_async.models import Page, SortOrder

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


class Core(ABC):
    """What resources build their methods on; the client supplies the connection and the key."""

    _attempts: AttemptLoop

    @abstractmethod
    async def _get_transport(self) -> Transport:
        """Return the transport of the running loop, opened if need be."""

    @abstractmethod
    async def _get_api_key(self) -> Secret:
        """Return the key, fetched from its source if need be."""

    @abstractmethod
    def _forget_api_key(self, api_key: Secret) -> None:
        """Fetch the key anew for the next call: the server refused *api_key*."""

    async def _send(
        self,
        method: str,
        path: str,
        *,
        params: Parameters | None = None,
        json: object = None,
        idempotent: bool | None = None,
    ) -> Response:
        """Send one call with its retries, and return its 2xx answer."""
        deadline = self._attempts.start_deadline()
        transport = await self._get_transport()
        api_key = await self._get_api_key()
        request = _protocol.build_request(
            method=method, path=path, api_key=api_key, params=params, json=json, idempotent=idempotent
        )
        try:
            return await self._attempts.send(request, transport, _protocol.read_error, deadline)
        except AuthenticationError:
            self._forget_api_key(api_key)
            raise

    async def _get_page(self, path: str, row_type: type[T], params: Parameters) -> PageAnswer[T]:
        return _protocol.read_page(await self._send("GET", path, params=params), row_type)

    def _walk_pages(  # noqa: PLR0913 - a walk's settings, all by keyword
        self,
        path: str,
        row_type: type[T],
        *,
        identify: Callable[[T], Hashable],
        filters: Mapping[str, Parameter],
        order: SortOrder,
        offset: int,
        page_size: int,
        max_items: int | None,
    ) -> AsyncGenerator[Page[T], None]:
        """Walk a listing by offsets; filters that are None are not sent."""

        async def fetch(asked: PageRequest) -> PageAnswer[T]:
            window: Parameters = {"limit": asked.limit, "offset": asked.offset, "order": order}
            return await self._get_page(path, row_type, {**window, **filters} if asked.filtered else window)

        walk = OffsetWalk(
            identify=identify,
            offset=offset,
            page_size=page_size,
            max_items=max_items,
            filtered=any(value is not None for value in filters.values()),
        )
        return walk_pages(walk, fetch)


def check_integer(name: str, value: object, *, lowest: int) -> int:
    """Return *value* if it is an integer of at least *lowest*.

    Raises:
        TypeError: It is not an integer; booleans are none.
        ValueError: It is lower.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        message = f"{name} must be an integer >= {lowest}, not {type(value).__name__}"
        raise TypeError(message)
    if value < lowest:
        message = f"{name} must be an integer >= {lowest}, not {value}"
        raise ValueError(message)
    return value


def check_choice(name: str, value: object, choices: type[E]) -> E:
    """Return *value*, a member of *choices* or its text, as the member.

    Raises:
        TypeError: It is not a text.
        ValueError: It is no member; for an open enum, values that only the server knows are none.
    """
    allowed = " or ".join(repr(choice.value) for choice in choices)
    if not isinstance(value, str):
        message = f"{name} must be {allowed}, not {type(value).__name__}"
        raise TypeError(message)
    for choice in choices:
        if choice == value:
            return choice
    message = f"{name} must be {allowed}, not {value!r}"
    raise ValueError(message)
