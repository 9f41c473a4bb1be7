"""What is accepted as the settings of a client, and where the base URL comes from.

A base URL is never quoted: what does not belong there may be a password.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from inspect import iscoroutinefunction
from ssl import SSLContext
from typing import Final, TypedDict

import aiohttp
from attrs import frozen

from contactship_async._arguments import check_integer, check_type
from contactship_async._headers import Headers
from contactship_async._http.aiohttp_transport import ConnectorSource
from contactship_async._http.connection import Connection
from contactship_async._http.messages import NO_HEADERS, Transport
from contactship_async._http.proxy import Proxy, read_proxy
from contactship_async._http.requests import merge_headers
from contactship_async._http.secret import Secret
from contactship_async._http.servers import Server
from contactship_async._http.urls import is_loopback, parse_http_url
from contactship_async.errors import ConfigurationError
from contactship_async.settings import RetryPolicy, Timeouts, Wait

DEFAULT_BASE_URL: Final = "https://api.contactship.ai"
DEFAULT_INTEGRATIONS_URL: Final = "https://integrations.contactship.ai"
"""Where locations are sent to, if all else is at the default base URL; otherwise they are sent to where that is.

Source: https://docs.contactship.ai/api-reference/endpoint/waba-send-location
"""

DEFAULT_MAX_RESPONSE_BYTES: Final = 32 * 1024 * 1024


class ClientOptions(TypedDict, total=False):
    """The settings that do not depend on the organization; `ContactshipClient` says what they mean."""

    base_url: str | None
    integrations_url: str | None
    timeouts: Timeouts
    retry: RetryPolicy
    connector: ConnectorSource | None
    ssl_context: SSLContext | None
    trust_env: bool
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


def read_settings(  # noqa: PLR0913 - the settings of a client, all by keyword
    *,
    base_url: str | None = None,
    integrations_url: str | None = None,
    timeouts: Timeouts = Timeouts(),
    retry: RetryPolicy = RetryPolicy(),
    connector: ConnectorSource | None = None,
    ssl_context: SSLContext | None = None,
    proxy: Secret | TypeError | None = None,
    trust_env: bool = False,
    transport: Transport | None = None,
    trace_configs: Sequence[aiohttp.TraceConfig] = (),
    max_response_bytes: int = DEFAULT_MAX_RESPONSE_BYTES,
    allow_insecure_http: bool | None = None,
    headers: Mapping[str, str] | None = None,
    on_wait: Callable[[Wait], object] | None = None,
) -> Settings:
    """Check the settings that do not depend on the organization.

    Raises:
        ConfigurationError: A base URL or the proxy is unusable or would see the key in clear, a transport is combined
            with a setting of HTTP, or a connector with an SSL context.
        TypeError: A setting has the wrong type.
        ValueError: A setting is out of range.
    """
    check_type("timeouts", timeouts, Timeouts)
    check_type("retry", retry, RetryPolicy)
    if isinstance(proxy, TypeError):
        raise proxy
    if connector is not None and not callable(connector):
        check_type("connector", connector, aiohttp.BaseConnector)
    if ssl_context is not None:
        check_type("ssl_context", ssl_context, SSLContext)
    check_type("trust_env", trust_env, bool)
    if transport is not None:
        check_type("transport", transport, Callable)
    if on_wait is not None:
        _check_plain_function("on_wait", on_wait)
    check_type("trace_configs", trace_configs, Sequence)
    for trace_config in trace_configs:
        check_type("each of trace_configs", trace_config, aiohttp.TraceConfig)
    if allow_insecure_http is None:
        allow_insecure_http = os.environ.get("CONTACTSHIP_ALLOW_INSECURE_HTTP") == "1"
    check_type("allow_insecure_http", allow_insecure_http, bool)
    _check_combination(connector, ssl_context, transport, proxy, trust_env, trace_configs)
    if base_url is None:
        base_url = os.environ.get("CONTACTSHIP_BASE_URL") or DEFAULT_BASE_URL
    base_url = read_base_url(base_url, allow_insecure_http=allow_insecure_http)
    if integrations_url is not None:
        integrations_url = read_base_url(integrations_url, "integrations_url", allow_insecure_http=allow_insecure_http)
    else:
        integrations_url = DEFAULT_INTEGRATIONS_URL if base_url == DEFAULT_BASE_URL else base_url
    server, integrations = (
        Server(url, _read_proxy(proxy, url, name, trust_env=trust_env, allow_insecure_http=allow_insecure_http))
        for name, url in (("base_url", base_url), ("integrations_url", integrations_url))
    )
    connection = Connection(
        server=server,
        integrations=integrations,
        transport=transport,
        connector=connector,
        ssl_context=ssl_context,
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


def _read_proxy(
    proxy: Secret | None, url: str, name: str, *, trust_env: bool, allow_insecure_http: bool
) -> Proxy | None:
    chosen = read_proxy(proxy, url, trust_env=trust_env)
    reveals_key = chosen is not None and url.startswith("http:") and not is_loopback(chosen.url.host)
    if reveals_key and not allow_insecure_http:
        message = f"the proxy would see the API key of an http:// {name}: use https, or pass allow_insecure_http=True"
        raise ConfigurationError(message)
    return chosen


def _check_combination(
    connector: ConnectorSource | None, ssl_context: SSLContext | None, transport: Transport | None, *others: object
) -> None:
    if transport is not None and (connector or ssl_context or any(others)):
        message = (
            "a transport takes the place of HTTP: it goes with no connector, ssl_context, proxy, trust_env"
            " and trace_configs"
        )
        raise ConfigurationError(message)
    if connector is not None and ssl_context is not None:
        message = "an ssl_context is for the connector that the client makes: give it to your own instead"
        raise ConfigurationError(message)


def _check_plain_function(name: str, value: object) -> None:
    if not callable(value) or iscoroutinefunction(value):
        message = f"{name} must be a plain function, not an async one"
        raise TypeError(message)


def read_base_url(text: object, name: str = "base_url", *, allow_insecure_http: bool) -> str:
    """Check a base URL, and return it without a slash or the version at its end: paths have that themselves.

    Args:
        text: The URL.
        name: What the error calls it.
        allow_insecure_http: Whether the key may travel in clear to another machine.

    Raises:
        ConfigurationError: It is none, holds more than scheme, host, port and path, or would send the key in clear.
    """
    if not isinstance(text, str):
        message = f"{name} must be a string"
        raise ConfigurationError(message)
    url = parse_http_url(text)
    if url is None:
        message = (
            f"{name} must be an http(s) URL with scheme and host, a valid port if any, and without blanks, control"
            f" characters and backslashes: {DEFAULT_BASE_URL}"
        )
        raise ConfigurationError(message)
    if "@" in url.raw_authority or "?" in text or "#" in text:
        message = f"{name} must hold no user, password, query or fragment"
        raise ConfigurationError(message)
    if url.scheme == "http" and not allow_insecure_http and not is_loopback(url.host):
        message = (
            f"{name} would send the API key in clear: use https, pass allow_insecure_http=True,"
            " or set CONTACTSHIP_ALLOW_INSECURE_HTTP=1"
        )
        raise ConfigurationError(message)
    return str(url).rstrip("/").removesuffix("/v1").rstrip("/")
