"""Send one request, read one page, walk one listing: the base of every resource's methods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping
from typing import TypeVar

from contactship_async._http import responses
from contactship_async._http.connection import Connection
from contactship_async._http.messages import Query, Request, Response
from contactship_async._http.requests import Parameter, Parameters, build_request, build_window, complete_request
from contactship_async._http.responses import PageAnswer
from contactship_async._http.retry import AttemptLoop
from contactship_async._http.secret import Secret
from contactship_async._pagination.anchors import Anchor, IdAnchor, KeyAnchor
from contactship_async._pagination.driver import Identify, PageRequest, Walk, walk_pages
from contactship_async._pagination.overlapping import OverlappingWalk
from contactship_async._pagination.sequential import DefaultWalk
from contactship_async.errors import AuthenticationError
from contactship_async.models.common import Page, SortOrder

T = TypeVar("T")


class Core(ABC):
    """What resources build their methods on; the client supplies the connection and the key."""

    _connection: Connection
    _attempts: AttemptLoop

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
        return await self._exchange(
            build_request(method=method, path=path, params=params, json=json, idempotent=idempotent)
        )

    async def _exchange(self, request: Request, window: Query = ()) -> Response:
        """Send *request*, which lacks its key and *window*, with its retries, and return its 2xx answer."""
        deadline = self._attempts.start_deadline()
        transport = self._connection.get_transport() or await self._connection.open()
        api_key = await self._get_api_key()
        try:
            return await self._attempts.send(complete_request(request, api_key, window), transport, deadline)
        except AuthenticationError:
            self._forget_api_key(api_key)
            raise

    async def _get_page(self, path: str, row_type: type[T], params: Parameters) -> PageAnswer[T]:
        return responses.read_page(await self._send("GET", path, params=params), row_type)

    def _walk_pages(  # noqa: PLR0913 - a walk's settings, all by keyword
        self,
        path: str,
        row_type: type[T],
        *,
        identify: Identify[T],
        filters: Mapping[str, Parameter],
        sort_key: str,
        order: SortOrder,
        offset: int,
        page_size: int,
        max_items: int | None,
        concurrency: int,
        exact: bool,
    ) -> AsyncGenerator[Page[T], None]:
        """Walk a listing by offsets; filters that are None are not sent."""
        whole = build_request(method="GET", path=path, params={"order": order})
        listing = build_request(method="GET", path=path, params={"order": order, **filters})

        async def fetch(asked: PageRequest) -> PageAnswer[T]:
            target = listing if asked.filtered else whole
            window = build_window(limit=asked.limit, offset=asked.offset)
            return responses.read_page(await self._exchange(target, window), row_type)

        filtered = any(value is not None for value in filters.values())
        walk: Walk[T] = DefaultWalk(
            identify=identify, offset=offset, page_size=page_size, max_items=max_items, filtered=filtered
        )
        if exact or (concurrency > 1 and page_size > 1):  # Pages of one row can't overlap.
            by_key = KeyAnchor(identify, sort_key, offset, descending=order is SortOrder.DESC)
            anchor: Anchor[T] = by_key if exact else IdAnchor(identify, offset)
            walk = OverlappingWalk(
                anchor=anchor,
                offset=offset,
                page_size=page_size,
                max_items=max_items,
                filtered=filtered,
                concurrency=concurrency,
                trusts_count=not exact,
                fallback=None if exact else walk,
            )
        return walk_pages(walk, fetch)
