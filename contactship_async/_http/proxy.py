"""The proxy that requests go through: read once, when a client is made, from an argument or from the environment.

Its URL may hold a password, which must not be left in a frame that an exception passes through, since error trackers
record locals. So the text is kept as a `Secret`, and its faults are returned, and raised where no frame holds it.
"""

from __future__ import annotations

from typing import Final
from urllib.request import getproxies, proxy_bypass

import aiohttp
from attrs import frozen
from yarl import URL

from contactship_async._http.secret import Secret
from contactship_async._http.urls import is_loopback, parse_http_url
from contactship_async.errors import ConfigurationError

_FORM: Final = (
    "must be an http:// or https:// URL with a host, without a path, such as http://user:password@proxy.example:3128;"
    " special characters of the password are percent-encoded"
)


@frozen
class Proxy:
    """A proxy, and what it is told.

    Args:
        url: Where it is, without user and password.
        authorization: The value of the `Proxy-Authorization` header; None if it asks for none.
    """

    url: URL
    authorization: Secret | None

    def headers(self) -> dict[str, str]:
        """Return what only the proxy is told."""
        return {} if self.authorization is None else {"Proxy-Authorization": self.authorization.reveal()}


def hide_proxy(proxy: object) -> Secret | TypeError | None:
    """Return the argument `proxy` as a secret, or its fault."""
    if proxy is None or isinstance(proxy, str):
        return None if proxy is None else Secret(proxy)
    return TypeError(f"proxy must be a string or None, not {type(proxy).__name__}")


def read_proxy(hidden: Secret | None, base_url: str, *, trust_env: bool) -> Proxy | None:
    """Return the proxy for *base_url*, if there is one.

    Args:
        hidden: The URL that was given.
        base_url: Where the requests go.
        trust_env: Whether to look for one in the environment, if none was given.

    Raises:
        ConfigurationError: Its URL is unusable.
    """
    name = "proxy"
    if hidden is None and trust_env:
        name, hidden = "the proxy of the environment", _find_in_environment(URL(base_url))
    if hidden is None:
        return None
    proxy = _parse_proxy(hidden.reveal(), name)
    if isinstance(proxy, ConfigurationError):
        raise proxy
    return proxy


def _find_in_environment(url: URL) -> Secret | None:
    """Return what `HTTPS_PROXY` or `HTTP_PROXY` says, unless `NO_PROXY` names the host of *url*.

    This machine is never reached through a proxy, which would look for the server on its own: Go does the same,
    https://pkg.go.dev/net/http#ProxyFromEnvironment.
    """
    text = getproxies().get(url.scheme)
    if not text or is_loopback(url.host) or proxy_bypass(f"{url.host}:{url.port}"):
        return None
    return Secret(text if "://" in text else f"http://{text}")


def _parse_proxy(text: str, name: str) -> Proxy | ConfigurationError:
    url = parse_http_url(text)
    if url is None or url.path not in ("", "/") or "?" in text or "#" in text:
        return ConfigurationError(f"{name} {_FORM}")
    authorization = None
    if "@" in url.raw_authority:
        try:
            authorization = Secret(aiohttp.encode_basic_auth(url.user or "", url.password or ""))
        except ValueError:
            return ConfigurationError(f"{name} must have no ':' in its user (RFC 7617, 2)")
    return Proxy(url.origin(), authorization)
