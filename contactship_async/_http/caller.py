"""The caller of endpoints: one call, with its key, its limits and its retries, and what came back as an object."""

from __future__ import annotations

from typing import TypeVar

from attrs import define

from contactship_async._http.api_key import ApiKey, FetchedApiKey
from contactship_async._http.connection import Connection
from contactship_async._http.messages import Query, Request, Response, Transport
from contactship_async._http.requests import Parameters, build_request, complete_request
from contactship_async._http.responses import read_object
from contactship_async._http.retry import AttemptLoop
from contactship_async._http.secret import Secret
from contactship_async.errors import AuthenticationError

T = TypeVar("T")


@define(eq=False)
class Caller:
    """What a client and all its resources call endpoints with.

    Args:
        connection: What requests are sent over.
        attempts: Sends a request as often as need be.
        api_key: The key, or what fetches it.
    """

    connection: Connection
    attempts: AttemptLoop
    api_key: ApiKey

    async def exchange(self, request: Request, window: Query = (), *, heavy: bool = False) -> Response:
        """Send *request*, which lacks its key and *window*, with its retries, and return its 2xx response.

        Args:
            request: As `build_request` made it.
            window: What comes before its query: the part of a listing that is asked for.
            heavy: Whether it is one of a heavy listing, which have a budget of their own.

        Raises:
            ContactshipError: The call failed.
        """
        deadline = self.attempts.start_deadline()
        transport = self.connection.get_transport() or await self._open()
        api_key = await self._get_api_key()
        try:
            request = complete_request(request, api_key, window)
            return await self.attempts.send(request, transport, deadline, heavy=heavy)
        except AuthenticationError:
            if isinstance(self.api_key, FetchedApiKey):
                self.api_key.forget(api_key)
            raise

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Parameters | None = None,
        json: object = None,
        idempotent: bool | None = None,
    ) -> Response:
        """Send one call; the arguments are those of `build_request`.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is not allowed.
            ContactshipError: The call failed.
        """
        return await self.exchange(
            build_request(method=method, path=path, params=params, json=json, idempotent=idempotent)
        )

    async def call(  # noqa: PLR0913 - one call, by keyword
        self,
        method: str,
        path: str,
        returns: type[T],
        *,
        params: Parameters | None = None,
        json: object = None,
        idempotent: bool | None = None,
    ) -> T:
        """Send one call, and read the object that comes back, out of whichever envelope it is in.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is not allowed.
            MalformedResponseError: What came back is none of *returns*.
            ContactshipError: The call failed.
        """
        response = await self.send(method, path, params=params, json=json, idempotent=idempotent)
        return read_object(response, returns)

    async def delete(self, path: str) -> None:
        """Delete what is at *path*; whatever a 2xx response says, it is gone.

        Raises:
            NotFoundError: There is no such thing, or not any more: an earlier attempt may have deleted it.
            ContactshipError: The call failed.
        """
        await self.send("DELETE", path, idempotent=True)

    async def _open(self) -> Transport:
        transport = await self.connection.open()
        if callable(self.connection.connector):  # What the connector allows that it makes is known only now.
            self.attempts.limits.address.max_in_flight = self.connection.max_requests
        return transport

    async def _get_api_key(self) -> Secret:
        if isinstance(self.api_key, Secret):
            return self.api_key
        return await self.api_key.get(self.attempts.timeouts.total)
