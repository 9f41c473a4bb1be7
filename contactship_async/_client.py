"""The client: its settings, and the resources it is composed of."""

from __future__ import annotations

import os
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import aiohttp

from contactship_async._arguments import check_type
from contactship_async._configuration import DEFAULT_BASE_URL, DEFAULT_MAX_RESPONSE_BYTES, Settings, read_settings
from contactship_async._http import responses
from contactship_async._http.api_key import ApiKey, ApiKeySource, FetchedApiKey, read_api_key
from contactship_async._http.messages import Transport
from contactship_async._http.rate_limits import Gate, Limits
from contactship_async._http.requests import Parameters
from contactship_async._http.retry import AttemptLoop
from contactship_async._http.secret import Secret
from contactship_async.errors import ConfigurationError
from contactship_async.resources.phone_numbers import PhoneNumberMethods
from contactship_async.settings import RateLimit, RetryPolicy, Timeouts


class ContactshipClient(PhoneNumberMethods):
    """A client of the Contactship API for one organization, the one its key belongs to.

    Use it with `async with`, or bare with a later `await client.close()`. Nothing is opened before the first call. The
    same client serves several event loops one after the other (two `asyncio.run()`), and calls after `close()` open it
    anew.

    Calls wait when the server says that too many were sent, and are retried as *retry* says: a GET after failed
    connections, cut answers, attempt timeouts, and the statuses 408, 429, 500, 502, 503 and 504; any other call only if
    it provably never left.

    Args:
        api_key: The key, or an async function that returns it, called at the first use; its answer is kept until a 401.
            None takes the environment variable `CONTACTSHIP_API_KEY`.
        base_url: Where the API is, with scheme and host. None takes the environment variable `CONTACTSHIP_BASE_URL`,
            and without it `https://api.contactship.ai`.
        timeouts: How long to wait, in seconds.
        retry: How often and when a call is tried again.
        rate_limit: A budget that calls wait for before they are sent; None sets none. The documented one of an
            organization is `RateLimit(120, 60)`.
        connector: An aiohttp connector to use (TLS, DNS, connection pool), such as `session.connector` of your app;
            never closed by the client. None opens one for 100 connections.
        transport: An async function from request to response in place of HTTP, such as `Sandbox().transport`.
        trace_configs: aiohttp trace configurations for the session. Their hooks see the request headers, and so the
            key.
        max_response_bytes: The longest answer accepted, decompressed; >= 1.
        allow_insecure_http: Allow an `http://` base URL that is not on this machine; the key then travels in clear.

    Raises:
        ConfigurationError: The key is missing or malformed, *base_url* is unusable or would send the key in clear, or
            *transport* comes with *connector* or *trace_configs*.
        TypeError: An argument has the wrong type.
        ValueError: *max_response_bytes* is out of range.

    Attributes:
        organization: Its name in a pool, otherwise None.

    Its methods raise `RuntimeError` when they are called from a second running event loop or after a fork, and when the
    client, or the connector it was given, is closed while they run.
    """

    organization: str | None = None
    _base_url = DEFAULT_BASE_URL  # for the repr of a client whose settings were refused

    def __init__(  # noqa: PLR0913 - the settings of a client, all but the key by keyword
        self,
        api_key: ApiKeySource | None = None,
        *,
        base_url: str | None = None,
        timeouts: Timeouts = Timeouts(),
        retry: RetryPolicy = RetryPolicy(),
        rate_limit: RateLimit | None = None,
        connector: aiohttp.BaseConnector | None = None,
        transport: Transport | None = None,
        trace_configs: Sequence[aiohttp.TraceConfig] = (),
        max_response_bytes: int = DEFAULT_MAX_RESPONSE_BYTES,
        allow_insecure_http: bool = False,
    ) -> None:
        if api_key is None:
            api_key = os.environ.get("CONTACTSHIP_API_KEY")
        key = read_api_key(api_key)
        del api_key
        if isinstance(key, ConfigurationError):
            raise key
        settings = read_settings(
            base_url=base_url,
            timeouts=timeouts,
            retry=retry,
            connector=connector,
            transport=transport,
            trace_configs=trace_configs,
            max_response_bytes=max_response_bytes,
            allow_insecure_http=allow_insecure_http,
        )
        if rate_limit is not None:
            check_type("rate_limit", rate_limit, RateLimit)
        address = Gate(most_under_way=settings.connection.most_requests)
        self._set_up(settings, key, Limits(Gate(rate_limit), address))

    def _set_up(self, settings: Settings, api_key: ApiKey, limits: Limits) -> None:
        self._connection = settings.connection
        self._base_url = settings.connection.base_url
        self._api_key = api_key
        self._attempts = AttemptLoop(
            settings.retry,
            settings.timeouts,
            limits,
            responses.read_error,
            responses.read_pauses,
            self.organization,
        )

    def __repr__(self) -> str:
        return f"<ContactshipClient {self._base_url}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the session and its connections; a later call opens it anew. Closing twice is allowed.

        Raises:
            RuntimeError: The client is in use by another running event loop.
        """
        await self._connection.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Parameters | None = None,
        json: object = None,
        idempotent: bool | None = None,
    ) -> Any:
        """Call any endpoint, with the same authentication, limits, retries and errors as the other methods.

        Args:
            method: GET, HEAD, POST, PUT, PATCH or DELETE.
            path: Such as `/v1/contacts/+12025550142`. Each segment is percent-encoded; sequences such as `%2B` stay.
            params: The query. None values are not sent, booleans become `true` and `false`, several values are
                repeated.
            json: The body, anything msgspec can encode (NaN and infinities become null); None for no body.
            idempotent: Whether the call is safe to repeat. None: GET and HEAD are, all else is not. True gives a call
                that is documented as safe, such as stopping a call, the retries of a GET.

        Returns:
            The decoded JSON as it was sent, envelope included; None for an empty body.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: *method* or *path* is not allowed.
            AmbiguousOutcomeError: A call that is not idempotent may have been processed.
            ContactshipError: The call failed.
        """
        return responses.read_json(await self._send(method, path, params=params, json=json, idempotent=idempotent))

    async def _get_api_key(self) -> Secret:
        if isinstance(self._api_key, Secret):
            return self._api_key
        return await self._api_key.get(self._attempts.timeouts.total)

    def _forget_api_key(self, api_key: Secret) -> None:
        if isinstance(self._api_key, FetchedApiKey):
            self._api_key.forget(api_key)
