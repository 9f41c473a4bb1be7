"""What is accepted as the settings of a client, and where the base URL comes from.

A base URL is never quoted: what does not belong there may be a password.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Mapping, Sequence
from inspect import iscoroutinefunction
from typing import Final, TypedDict

import aiohttp
from attrs import frozen
from yarl import URL

from contactship_async._arguments import check_integer, check_type
from contactship_async._headers import Headers
from contactship_async._http.connection import Connection
from contactship_async._http.messages import NO_HEADERS, Transport
from contactship_async._http.requests import merge_headers
from contactship_async.errors import ConfigurationError
from contactship_async.settings import RetryPolicy, Timeouts, Wait

DEFAULT_BASE_URL: Final = "https://api.contactship.ai"
DEFAULT_MAX_RESPONSE_BYTES: Final = 32 * 1024 * 1024


class ClientOptions(TypedDict, total=False):
    """The settings that do not depend on the organization; `ContactshipClient` says what they mean."""

    base_url: str | None
    timeouts: Timeouts
    retry: RetryPolicy
    connector: aiohttp.BaseConnector | None
    transport: Transport | None
    trace_configs: Sequence[aiohttp.TraceConfig]
    max_response_bytes: int
    allow_insecure_http: bool | None
    headers: Mapping[str, str] | None
    on_wait: Callable[[Wait], object] | None


@frozen(kw_only=True)
class Settings:
    """Settings that have been checked, and the connection made of them."""

    connection: Connection
    timeouts: Timeouts
    retry: RetryPolicy
    headers: Headers
    on_wait: Callable[[Wait], object] | None


_UNFIT_FOR_URL = re.compile(r"[\x00-\x20\x7f\\]")


def read_settings(  # noqa: PLR0913 - the settings of a client, all by keyword
    *,
    base_url: str | None = None,
    timeouts: Timeouts = Timeouts(),
    retry: RetryPolicy = RetryPolicy(),
    connector: aiohttp.BaseConnector | None = None,
    transport: Transport | None = None,
    trace_configs: Sequence[aiohttp.TraceConfig] = (),
    max_response_bytes: int = DEFAULT_MAX_RESPONSE_BYTES,
    allow_insecure_http: bool | None = None,
    headers: Mapping[str, str] | None = None,
    on_wait: Callable[[Wait], object] | None = None,
) -> Settings:
    """Check the settings that do not depend on the organization.

    Raises:
        ConfigurationError: The base URL is unusable, or a transport is combined with a setting of HTTP.
        TypeError: A setting has the wrong type.
        ValueError: A setting is out of range.
    """
    check_type("timeouts", timeouts, Timeouts)
    check_type("retry", retry, RetryPolicy)
    if connector is not None:
        check_type("connector", connector, aiohttp.BaseConnector)
    if transport is not None:
        check_type("transport", transport, Callable)
    if on_wait is not None and (not callable(on_wait) or iscoroutinefunction(on_wait)):
        message = "on_wait must be a plain function, not an async one"
        raise TypeError(message)
    check_type("trace_configs", trace_configs, Sequence)
    for trace_config in trace_configs:
        check_type("each of trace_configs", trace_config, aiohttp.TraceConfig)
    if allow_insecure_http is None:
        allow_insecure_http = os.environ.get("CONTACTSHIP_ALLOW_INSECURE_HTTP") == "1"
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
        max_response_bytes=check_integer("max_response_bytes", max_response_bytes, lowest=1),
    )
    return Settings(
        connection=connection,
        timeouts=timeouts,
        retry=retry,
        headers=merge_headers(NO_HEADERS, headers),
        on_wait=on_wait,
    )


def read_base_url(text: object, *, allow_insecure_http: bool) -> str:
    """Check a base URL, and return it without a slash or the version at its end: all paths begin with that.

    Raises:
        ConfigurationError: It is none, holds more than scheme, host, port and path, or would send the key in clear.
    """
    if not isinstance(text, str) or _UNFIT_FOR_URL.search(text):
        message = "base_url must be a string without blanks, control characters and backslashes"
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
        message = (
            "base_url would send the API key in clear: use https, pass allow_insecure_http=True,"
            " or set CONTACTSHIP_ALLOW_INSECURE_HTTP=1"
        )
        raise ConfigurationError(message)
    return str(url).rstrip("/").removesuffix("/v1").rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
