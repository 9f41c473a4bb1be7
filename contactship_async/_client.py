"""The client: its settings, the life of its session, and the resources it is composed of."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from types import AsyncGeneratorType, TracebackType
from typing import Any, Final, Self, cast

import aiohttp
from attrs import define, field

from contactship_async import _protocol
from contactship_async._arguments import check_integer, check_type
from contactship_async._configuration import ApiKeySource, FetchedApiKey, read_api_key, read_base_url
from contactship_async._messages import Transport
from contactship_async._requests import Parameters
from contactship_async._retry import AttemptLoop
from contactship_async._secret import Secret
from contactship_async._transport import open_transport
from contactship_async._version import __version__
from contactship_async.errors import ConfigurationError
from contactship_async.models import RetryPolicy, Timeouts
from contactship_async.resources.phone_numbers import PhoneNumberMethods

DEFAULT_BASE_URL: Final = "https://api.contactship.ai"

_MEBIBYTE: Final = 1024 * 1024


class ContactshipClient(PhoneNumberMethods):
    """A client of the Contactship API for one organization, the one its key belongs to.

    Use it with `async with`, or bare with a later `await client.close()`. Nothing is opened before the first call. The
    same client serves several event loops one after the other (two `asyncio.run()`), and calls after `close()` open it
    anew.

    Calls are retried as *retry* says: a GET after failed connections, cut answers, attempt timeouts, and the statuses
    408, 429, 500, 502, 503 and 504; any other call only if it provably never left.

    Args:
        api_key: The key, or an async function that returns it, called at the first use; its answer is kept until a 401.
            None takes the environment variable `CONTACTSHIP_API_KEY`.
        base_url: Where the API is, with scheme and host. None takes the environment variable `CONTACTSHIP_BASE_URL`,
            and without it `https://api.contactship.ai`.
        timeouts: How long to wait, in seconds.
        retry: How often and when a call is tried again.
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

    Its methods raise `RuntimeError` when they are called from a second running event loop or after a fork, and when the
    client, or the connector it was given, is closed while they run.
    """

    _base_url = DEFAULT_BASE_URL  # for the repr of a client whose settings were refused

    def __init__(  # noqa: PLR0913 - the settings of a client, all but the key by keyword
        self,
        api_key: ApiKeySource | None = None,
        *,
        base_url: str | None = None,
        timeouts: Timeouts = Timeouts(),
        retry: RetryPolicy = RetryPolicy(),
        connector: aiohttp.BaseConnector | None = None,
        transport: Transport | None = None,
        trace_configs: Sequence[aiohttp.TraceConfig] = (),
        max_response_bytes: int = 32 * _MEBIBYTE,
        allow_insecure_http: bool = False,
    ) -> None:
        if api_key is None:
            api_key = os.environ.get("CONTACTSHIP_API_KEY")
        key = FetchedApiKey(api_key) if callable(api_key) else read_api_key(api_key)
        del api_key
        if isinstance(key, ConfigurationError):
            raise key
        self._api_key = key
        check_type("timeouts", timeouts, Timeouts)
        check_type("retry", retry, RetryPolicy)
        if connector is not None:
            check_type("connector", connector, aiohttp.BaseConnector)
        if transport is not None:
            check_type("transport", transport, Callable)
        check_type("trace_configs", trace_configs, Sequence)
        for trace_config in trace_configs:
            check_type("each of trace_configs", trace_config, aiohttp.TraceConfig)
        check_type("allow_insecure_http", allow_insecure_http, bool)
        if transport is not None and (connector is not None or trace_configs):
            message = "a transport takes the place of HTTP: it goes with neither a connector nor trace_configs"
            raise ConfigurationError(message)
        if base_url is None:
            base_url = os.environ.get("CONTACTSHIP_BASE_URL") or DEFAULT_BASE_URL
        self._base_url = read_base_url(base_url, allow_insecure_http=allow_insecure_http)
        self._attempts = AttemptLoop(retry, timeouts)
        self._custom_transport = transport
        self._connector = connector
        self._trace_configs = tuple(trace_configs)
        self._max_response_bytes = check_integer("max_response_bytes", max_response_bytes, lowest=1)
        self._session: _Session | None = None

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
        session = self._current_session()
        self._session = None
        if session is not None:
            await session.opened.aclose()

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
        return _protocol.read_json(await self._send(method, path, params=params, json=json, idempotent=idempotent))

    async def _get_transport(self) -> Transport:
        if self._custom_transport is not None:
            return self._custom_transport
        session = self._current_session()
        if session is None:
            opened = open_transport(
                base_url=self._base_url,
                user_agent=f"contactship-async/{__version__}",
                connector=self._connector,
                trace_configs=self._trace_configs,
                connect_seconds=self._attempts.timeouts.connect,
                max_response_bytes=self._max_response_bytes,
            )
            session = self._session = _Session(cast("AsyncGeneratorType[Transport]", opened), await anext(opened))
        return session.transport

    def _current_session(self) -> _Session | None:
        """Return the session of the running loop, if one is open."""
        session = self._session
        if session is None or session.is_over:
            return None
        if session.loop is not asyncio.get_running_loop() or session.process_id != os.getpid():
            message = "this client is in use by another event loop or process: make one for each, or close it there"
            raise RuntimeError(message)
        return session

    async def _get_api_key(self) -> Secret:
        if isinstance(self._api_key, Secret):
            return self._api_key
        return await self._api_key.get(self._attempts.timeouts.total)

    def _forget_api_key(self, api_key: Secret) -> None:
        if isinstance(self._api_key, FetchedApiKey):
            self._api_key.forget(api_key)


@define
class _Session:
    """An open session: the generator that closes it, what it yielded, and where it may be used.

    After a fork, two processes would share one selector and each other's answers, so the process counts as well.
    """

    opened: AsyncGeneratorType[Transport]
    transport: Transport
    loop: asyncio.AbstractEventLoop = field(factory=asyncio.get_running_loop)
    process_id: int = field(factory=os.getpid)

    @property
    def is_over(self) -> bool:
        """Whether the loop has ended, or has closed the session because it is about to."""
        return self.loop.is_closed() or self.opened.ag_frame is None
