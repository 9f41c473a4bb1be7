"""Where the key and the base URL come from, and what is accepted as such.

The key as plain text must not be left in a frame that an exception passes through, since error trackers record
locals. So a fault of the key is returned, and raised where no frame holds the text. A base URL is never quoted: what
does not belong there may be a password.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Awaitable, Callable
from inspect import isawaitable

from yarl import URL

from contactship_async._secret import Secret
from contactship_async.errors import ConfigurationError, RequestTimeoutError

ApiKeySource = str | Callable[[], Awaitable[str]]

_API_KEY = re.compile(r"[\x21-\x7e]{1,512}")
"""What aiohttp sends unchanged: it strips blanks, refuses control characters, and sends a lone surrogate as no key."""

_KEY_FORM = "a text of 1 to 512 visible ASCII characters"

_UNFIT_FOR_URL = re.compile(r"[\x00-\x20\x7f\\]")


class FetchedApiKey:
    """What an async function last returned as the key."""

    def __init__(self, fetch: Callable[[], Awaitable[str]]) -> None:
        self._fetch = fetch
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
        message = f"the API key was not fetched within {timeout_seconds} s, the total limit"
        raise RequestTimeoutError(message, limit="total")

    def forget(self, api_key: Secret) -> None:
        """Have the key fetched anew, unless another call has done so since *api_key*."""
        if self._known is api_key:
            self._known = None

    async def _fetch_anew(self) -> Secret:
        answer = self._fetch()
        if not isawaitable(answer):
            del answer
            message = "api_key must be a text or an async function that returns one"
            raise TypeError(message)
        fetched = read_api_key(await answer)
        if isinstance(fetched, ConfigurationError):
            message = f"the function passed as api_key did not return one: it must return {_KEY_FORM}"
            raise ConfigurationError(message)
        self._known = fetched
        return fetched

    def _lock_of_running_loop(self) -> asyncio.Lock:
        # A lock that tasks have waited for belongs to their loop for good.
        loop = asyncio.get_running_loop()
        if self._lock_loop is not loop:
            self._lock, self._lock_loop = asyncio.Lock(), loop
        return self._lock


def read_api_key(text: object) -> Secret | ConfigurationError:
    """Check a key, and return it or its fault."""
    if text is None or text == "":
        return ConfigurationError("there is no API key: pass api_key, or set CONTACTSHIP_API_KEY")
    if not isinstance(text, str) or not _API_KEY.fullmatch(text.strip()):
        return ConfigurationError(f"the API key must be {_KEY_FORM}")
    return Secret(text.strip())


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
