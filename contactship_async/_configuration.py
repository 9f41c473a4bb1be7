"""The settings of a client: where the key and the base URL come from, and what is accepted as such.

The key as plain text must not be left in a frame that an exception passes through, since error trackers record
locals. So a fault of the key is returned, and raised where no frame holds the text. A base URL is never quoted: what
does not belong there may be a password.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import re
from collections.abc import Awaitable, Callable, Sequence
from inspect import isawaitable
from typing import Final, TypedDict

import aiohttp
from attrs import frozen
from yarl import URL

from contactship_async._arguments import check_integer, check_type
from contactship_async._http.connection import Connection
from contactship_async._http.messages import Transport
from contactship_async._http.secret import Secret
from contactship_async.errors import ConfigurationError, RequestTimeoutError
from contactship_async.models.common import RetryPolicy, Timeouts

DEFAULT_BASE_URL: Final = "https://api.contactship.ai"
DEFAULT_MAX_RESPONSE_BYTES: Final = 32 * 1024 * 1024

ApiKeySource = str | Callable[[], Awaitable[str]]


class ClientOptions(TypedDict, total=False):
    """The settings that do not depend on the organization; `ContactshipClient` says what they mean."""

    base_url: str | None
    timeouts: Timeouts
    retry: RetryPolicy
    connector: aiohttp.BaseConnector | None
    transport: Transport | None
    trace_configs: Sequence[aiohttp.TraceConfig]
    max_response_bytes: int
    allow_insecure_http: bool


@frozen(kw_only=True)
class Settings:
    """Settings that have been checked, and the connection made of them."""

    connection: Connection
    timeouts: Timeouts
    retry: RetryPolicy


_API_KEY = re.compile(r"[\x21-\x7e]{1,512}")
"""What aiohttp sends unchanged: it strips blanks, refuses control characters, and sends a lone surrogate as no key."""

_KEY_FORM = "a text of 1 to 512 visible ASCII characters"

_UNFIT_FOR_URL = re.compile(r"[\x00-\x20\x7f\\]")


class FetchedApiKey:
    """What an async function last returned as the key."""

    def __init__(self, fetch: Callable[[], Awaitable[str]], of: str = "") -> None:
        self._fetch = fetch
        self._of = of
        self._known: Secret | None = None
        self._lock = asyncio.Lock()
        self._lock_loop: asyncio.AbstractEventLoop | None = None

    async def get(self, timeout_seconds: float | None) -> Secret:
        """Return the key, fetched if need be; calls at the same time wait for one fetch.

        Raises:
            ConfigurationError: What was fetched is no key.
            RequestTimeoutError: Fetching it took longer than *timeout_seconds*.
        """
        if self._known is not None:
            return self._known
        try:
            async with asyncio.timeout(timeout_seconds) as timer, self._lock_of_running_loop():
                return self._known or await self._fetch_anew()
        except TimeoutError:
            if not timer.expired():
                raise
        message = f"the API key{self._of} was not fetched within {timeout_seconds} s, the total limit"
        raise RequestTimeoutError(message, limit="total")

    def forget(self, api_key: Secret) -> None:
        """Have the key fetched anew, unless another call has done so since *api_key*."""
        if self._known is api_key:
            self._known = None

    async def _fetch_anew(self) -> Secret:
        answer = self._fetch()
        if not isawaitable(answer):
            del answer
            message = f"the API key{self._of} must be a text or an async function that returns one"
            raise TypeError(message)
        fetched = _read_text(await answer, self._of)
        if isinstance(fetched, ConfigurationError):
            message = f"the function for the API key{self._of} did not return one: it must return {_KEY_FORM}"
            raise ConfigurationError(message)
        self._known = fetched
        return fetched

    def _lock_of_running_loop(self) -> asyncio.Lock:
        # A lock that tasks have waited for belongs to their loop for good.
        loop = asyncio.get_running_loop()
        if self._lock_loop is not loop:
            self._lock, self._lock_loop = asyncio.Lock(), loop
        return self._lock


ApiKey = Secret | FetchedApiKey


def read_api_key(source: object, of: str = "") -> ApiKey | ConfigurationError:
    """Check where a key comes from, and return it or its fault.

    Args:
        source: The key, or an async function that returns it.
        of: Whose it is, for the texts of errors.
    """
    if callable(source):
        return FetchedApiKey(source, of)
    return _read_text(source, of)


def _read_text(text: object, of: str) -> Secret | ConfigurationError:
    if text is None or text == "":
        hint = "" if of else ": pass api_key, or set CONTACTSHIP_API_KEY"
        return ConfigurationError(f"there is no API key{of}{hint}")
    if not isinstance(text, str) or not _API_KEY.fullmatch(text.strip()):
        return ConfigurationError(f"the API key{of} must be {_KEY_FORM}")
    return Secret(text.strip())


def read_settings(  # noqa: PLR0913 - the settings of a client, all by keyword
    *,
    base_url: str | None = None,
    timeouts: Timeouts = Timeouts(),
    retry: RetryPolicy = RetryPolicy(),
    connector: aiohttp.BaseConnector | None = None,
    transport: Transport | None = None,
    trace_configs: Sequence[aiohttp.TraceConfig] = (),
    max_response_bytes: int = DEFAULT_MAX_RESPONSE_BYTES,
    allow_insecure_http: bool = False,
) -> Settings:
    """Check the settings that do not depend on the organization.

    Raises:
        ConfigurationError: The base URL is unusable, or a transport comes with what is only for HTTP.
        TypeError: A setting has the wrong type.
        ValueError: A setting is out of range.
    """
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
    connection = Connection(
        base_url=read_base_url(base_url, allow_insecure_http=allow_insecure_http),
        transport=transport,
        connector=connector,
        trace_configs=tuple(trace_configs),
        connect_seconds=timeouts.connect,
        max_response_bytes=check_integer("max_response_bytes", max_response_bytes, lowest=1),
    )
    return Settings(connection=connection, timeouts=timeouts, retry=retry)


def read_base_url(text: object, *, allow_insecure_http: bool) -> str:
    """Check a base URL, and return it without a slash at its end.

    Raises:
        ConfigurationError: It is none, holds more than scheme, host, port and path, or would send the key in clear.
    """
    if not isinstance(text, str) or _UNFIT_FOR_URL.search(text):
        message = "base_url must be a text without blanks, control characters and backslashes"
        raise ConfigurationError(message)
    try:
        url = URL(text)
    except ValueError:
        url = URL()
    if url.scheme not in ("http", "https") or not url.host:
        message = (
            "base_url must be an http(s) URL with scheme and host, and a valid port if any: https://api.contactship.ai"
        )
        raise ConfigurationError(message)
    if "@" in url.raw_authority or "?" in text or "#" in text:
        message = "base_url must hold no user, password, query or fragment"
        raise ConfigurationError(message)
    if url.scheme == "http" and not allow_insecure_http and not _is_loopback(url.host):
        message = "base_url would send the API key in clear: use https, or pass allow_insecure_http=True"
        raise ConfigurationError(message)
    return str(url).rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
