"""The caller of endpoints: one call, with its key, its limits and its retries, and what came back as an object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from attrs import define, evolve, field

from contactship_async._headers import Headers
from contactship_async._http.api_key import ApiKey
from contactship_async._http.connection import Connection
from contactship_async._http.failures import unknown_outcome
from contactship_async._http.messages import NO_HEADERS, Query, Request, Response
from contactship_async._http.rate_limits import OwnBudget
from contactship_async._http.requests import Parameters, build_request, complete_request, merge_headers
from contactship_async._http.responses import read_object, read_started
from contactship_async._http.retry import AttemptLoop
from contactship_async._http.secret import Secret
from contactship_async._http.servers import Server
from contactship_async._http.session import Call, WalkSession
from contactship_async.errors import AuthenticationError, MalformedResponseError, StatusError
from contactship_async.settings import RetryPolicy, Timeouts

T = TypeVar("T")


@define(eq=False)
class Caller:
    """What a client and all its resources call endpoints with.

    Args:
        connection: What requests are sent over.
        attempts: Sends a request as often as need be.
        api_key: The key, or what fetches it.
        headers: Those that go with every request.
        of_walk: The session of the walk that all its calls belong to; None where each stands for itself.
    """

    connection: Connection
    attempts: AttemptLoop
    api_key: ApiKey
    headers: Headers = field(factory=Headers)
    of_walk: WalkSession | None = None

    def with_options(
        self, timeouts: Timeouts | None, retry: RetryPolicy | None, headers: Mapping[str, str | None] | None
    ) -> Caller:
        """Return a caller with other settings, and everything else shared; None leaves a setting as it is."""
        attempts = evolve(
            self.attempts,
            timeouts=self.attempts.timeouts if timeouts is None else timeouts,
            policy=self.attempts.policy if retry is None else retry,
        )
        return evolve(self, attempts=attempts, headers=merge_headers(self.headers, headers))

    async def exchange(  # noqa: PLR0913 - one call, by keyword
        self,
        request: Request,
        window: Query = (),
        *,
        headers: Headers | None = None,
        own_budget: OwnBudget | None = None,
        of_walk: WalkSession | None = None,
        sent: list[Request] | None = None,
    ) -> Response:
        """Send *request*, which lacks its key and *window*, with its retries, and return its 2xx response.

        A key from a function that the server refuses is fetched anew, and the request sent again once if it differs.

        Args:
            request: As `build_request` made it.
            window: What comes before its query: the part of a listing that is asked for.
            headers: In place of those that go with every request.
            own_budget: The one that it counts in besides, if it does.
            of_walk: The session of the walk that it belongs to, in place of the caller's; its total limit begins when
                it has its turn at the gates.
            sent: Takes each attempt at a call that is not safe to repeat, when the transport gets it.

        Raises:
            ContactshipError: The call failed.
        """
        headers = self.headers if headers is None else headers
        of_walk = self.of_walk if of_walk is None else of_walk
        connect_seconds = self.attempts.timeouts.connect
        deadline = self.attempts.start_deadline() if of_walk is None else None
        session = self.connection.get_session(of_walk)
        if callable(self.connection.connector):  # What the connector allows that it made is known only now.
            self.attempts.limits.address.max_in_flight = self.connection.max_requests
        with Call(session, sent) as call:
            transport = call.transport(request)
            api_key = await self._get_api_key()
            try:
                complete = complete_request(request, api_key, window, headers, connect_seconds)
                return await self.attempts.send(complete, transport, deadline, own_budget=own_budget)
            except AuthenticationError as error:
                renewed = await self._renew_api_key(api_key, deadline)
                if renewed is None:
                    raise
                arrived = error.may_have_been_processed
            complete = complete_request(request, renewed, window, headers, connect_seconds)
            return await self.attempts.send(
                complete, transport, deadline, own_budget=own_budget, may_have_arrived=arrived
            )
        raise call.error()

    async def send(  # noqa: PLR0913 - one call, by keyword
        self,
        method: str,
        path: str,
        *,
        params: Parameters | None = None,
        json: object = None,
        content: bytes | None = None,
        headers: Mapping[str, str | None] | None = None,
        defaults: Mapping[str, str] = NO_HEADERS,
        idempotent: bool | None = None,
        add_on: str | None = None,
    ) -> Response:
        """Send one call; the arguments are those of `build_request`, and *headers* change those of all requests.

        *defaults* are headers to be sent where there are none of their names.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is not allowed.
            ContactshipError: The call failed.
        """
        request = build_request(
            method=method,
            path=path,
            params=params,
            json=json,
            content=content,
            idempotent=idempotent,
            add_on=add_on,
        )
        if defaults or headers:
            missing = {name: value for name, value in defaults.items() if name not in self.headers}
            return await self.exchange(request, headers=merge_headers({**missing, **self.headers}, headers))
        return await self.exchange(request)

    async def call(  # noqa: PLR0913 - one call, by keyword
        self,
        method: str,
        path: str,
        returns: type[T],
        *,
        params: Parameters | None = None,
        json: object = None,
        idempotent: bool | None = None,
        add_on: str | None = None,
    ) -> T:
        """Send one call, and read the object that comes back, out of whichever envelope it is in.

        *add_on* is what an organization has to have enabled for the endpoint, and what a 403 then names.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is not allowed.
            MalformedResponseError: What came back is none of *returns*.
            ContactshipError: The call failed.
        """
        response = await self.send(method, path, params=params, json=json, idempotent=idempotent, add_on=add_on)
        return read_object(response, returns)

    async def start(  # noqa: PLR0913 - one call, by keyword
        self,
        method: str,
        path: str,
        returns: type[T],
        *,
        json: object,
        identified_by: Sequence[str] = (),
        relayed: bool = False,
        harmless_statuses: frozenset[int] = frozenset(),
        server: Server | None = None,
    ) -> T:
        """Send one call that dials a person or sends a message: never twice, and with an error that tells its end.

        It ends in one of four ways:

        - It took effect, and is returned: a 2xx with all that identifies it, such as an id.
        - It was refused: a 4xx but 408 is a `StatusError`. (A 429 that names its budget is waited for, and it is sent
          again, unless it is relayed.)
        - It provably had no effect, and was sent again as often as the retry policy allows: a `ConnectionFailedError`,
          a `RequestTimeoutError`, or a `ClientClosedError` if it never left; and a `StatusError` after one of
          *harmless_statuses*.
        - Nobody knows: an `AmbiguousOutcomeError`. Where it is cancelled after it was sent, the `CancelledError` has a
          note that says so.

        Args:
            method: Such as `POST`.
            path: Such as `/v1/calls/single-phone-call`.
            returns: What comes back.
            json: The body.
            identified_by: The fields of *returns* of which one must be there; none for those that it requires.
            relayed: As for `Request`, and so are *harmless_statuses* and *server*.
            harmless_statuses: Those that it is safe to repeat after.
            server: Where it goes.

        Raises:
            TypeError: *json* holds what JSON has no form for.
            ValueError: A value has no form in JSON.
            AmbiguousOutcomeError: It may have taken effect.
            ContactshipError: It has not taken effect.
        """
        request = build_request(
            method=method,
            path=path,
            json=json,
            idempotent=False,
            relayed=relayed,
            harmless_statuses=harmless_statuses,
            server=server,
        )
        sent: list[Request] = []
        try:
            return read_started(await self.exchange(request, sent=sent), returns, identified_by)
        except (MalformedResponseError, StatusError) as error:
            if not sent:  # It is what the function for the key raised.
                error.may_have_been_processed = False
                raise
            if isinstance(error, MalformedResponseError):
                reason = str(error)
            elif error.may_have_been_processed:
                reason = f"the response has status {error.status}"
            else:
                raise
            raise unknown_outcome(sent[-1], reason) from error

    async def delete(self, path: str) -> None:
        """Delete what is at *path*; whatever a 2xx response says, it is gone.

        Raises:
            NotFoundError: There is no such thing. (After an attempt that may have deleted it, a 404 is a success.)
            ContactshipError: The call failed.
        """
        await self.send("DELETE", path, idempotent=True)

    async def _get_api_key(self) -> Secret:
        if isinstance(self.api_key, Secret):
            return self.api_key
        return await self.api_key.get(self.attempts.timeouts.total)

    async def _renew_api_key(self, refused: Secret, deadline: float | None) -> Secret | None:
        """Return another key than *refused* to send the call again with; None if there is none."""
        if isinstance(self.api_key, Secret):
            return None
        if self.attempts.policy.max_attempts == 1:
            self.api_key.forget(refused)
            return None
        total = self.attempts.timeouts.total
        time_left = total if deadline is None or total is None else deadline - self.attempts.clock()
        return await self.api_key.renew(refused, time_left)
