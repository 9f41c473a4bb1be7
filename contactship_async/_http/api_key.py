"""The API key: where it comes from, and what is accepted as one.

The key as plain text must not be left in a frame that an exception passes through, since error trackers record
local variables. So an error about the key is returned, and raised where no frame holds the plain text.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from inspect import isawaitable

from contactship_async._http.secret import Secret
from contactship_async.errors import ConfigurationError, RequestTimeoutError

ApiKeySource = str | Callable[[], Awaitable[str]]

_API_KEY = re.compile(r"[\x21-\x7e]{1,512}")
"""What aiohttp sends unchanged: it strips blanks, refuses control characters, and sends a lone surrogate as no key."""

_KEY_FORM = "a string of 1 to 512 visible ASCII characters"


class FetchedApiKey:
    """What an async function last returned as the key."""

    def __init__(self, fetch: Callable[[], Awaitable[str]], of: str = "") -> None:
        self._fetch = fetch
        self._of = of
        self._known: Secret | None = None
        self._lock = asyncio.Lock()
        self._lock_loop: asyncio.AbstractEventLoop | None = None

    async def get(self, timeout_seconds: float | None) -> Secret:
        """Return the key, fetched if need be; concurrent calls wait for one fetch.

        Args:
            timeout_seconds: What is left of the call's total limit; None waits without limit.

        Raises:
            ConfigurationError: What was fetched is no key.
            RequestTimeoutError: Fetching it took too long.
        """
        if self._known is not None:
            return self._known
        try:
            async with asyncio.timeout(timeout_seconds) as timer, self._lock_of_running_loop():
                return self._known or await self._fetch_anew()
        except TimeoutError:
            if not timer.expired():
                raise
        message = f"the API key{self._of} was not fetched within the total limit of the call"
        raise RequestTimeoutError(message, limit="total")

    async def renew(self, refused: Secret, timeout_seconds: float | None) -> Secret | None:
        """Return the key that takes the place of *refused*, fetched unless another call has done so; None if none does.

        The arguments and errors are those of `get`.
        """
        self.forget(refused)
        renewed = await self.get(timeout_seconds)
        return None if renewed.equals(refused) else renewed

    def forget(self, api_key: Secret) -> None:
        """Have the key fetched anew, unless another call has done so since *api_key*."""
        if self._known is api_key:
            self._known = None

    async def _fetch_anew(self) -> Secret:
        result = self._fetch()
        if not isawaitable(result):
            del result
            message = f"the API key{self._of} must be a string or an async function that returns one"
            raise TypeError(message)
        fetched = _read_text(await result, self._of)
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
    """Check where a key comes from, and return it, or the error to raise.

    Args:
        source: The key, or an async function that returns it.
        of: Whose it is, for error texts.
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
