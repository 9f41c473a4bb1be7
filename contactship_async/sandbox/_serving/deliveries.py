"""The webhooks that the sandbox posts: to this machine only, unless it may reach others.

They are sent by threads that end with the last of them, so all is alike in memory, in an event loop, and with the
server in a thread. No redirect is followed, and no key, cookie, netrc or proxy is used.

Source: https://docs.contactship.ai/api-reference/webhooks
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address
from threading import Condition, Thread, current_thread
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from attrs import define, field
from yarl import URL

from contactship_async._arguments import check_flag, check_seconds
from contactship_async.sandbox._serving.log import log_delivery

MAX_ATTEMPTS: Final = 3
"""How often a webhook is sent at the most, at once each time. Contactship repeats, too, but does not say how often."""

_MAX_AT_ONCE: Final = 8

_MOST_SECONDS_TO_END: Final = 0.5

_NO_URL: Final = "it is no http or https URL"
_NOT_LOOPBACK: Final = "it leads to another machine than this one"


@define(eq=False)
class WebhookDelivery:
    """A webhook that was to be posted, and what became of it so far.

    Args:
        url: Where to.
        payload: Its JSON.
        statuses: Those of the responses, one for each attempt; None where there was no response.
        refused: Why it is not sent; None otherwise.
    """

    url: str
    payload: Mapping[str, Any] = field(repr=False)
    statuses: list[int | None] = field(factory=list)
    refused: str | None = None

    @property
    def is_delivered(self) -> bool:
        """Whether the latest response was a 2xx."""
        latest = self.statuses[-1] if self.statuses else None
        return latest is not None and 200 <= latest < 300  # noqa: PLR2004 - RFC 9110, 15.3


class _RefusedError(Exception):
    """Nothing is sent to this URL; the text says why."""


class _LoopbackResolver(AbstractResolver):
    """Looks names up, and takes only those all of whose addresses are loopback ones, to which aiohttp then connects."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        # Nothing else waits for this thread.
        found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
        addresses = [str(address[0]) for *_, address in found]
        if not all(ip_address(address).is_loopback for address in addresses):
            raise _RefusedError(_NOT_LOOPBACK)
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=proto, flags=socket.AI_NUMERICHOST)
            for (kind, _, proto, *_), address in zip(found, addresses, strict=True)
        ]

    async def close(self) -> None:
        """There is nothing to close."""


class Deliveries:
    """What the sandbox posts, up to eight at once.

    Args:
        allow_any_host: Whether a URL may lead to another machine than this one.
        timeout: Seconds for each attempt, finite and > 0. Contactship waits for 30.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: *timeout* is out of range.
    """

    def __init__(self, *, allow_any_host: bool = False, timeout: float = 30.0) -> None:
        check_flag("allow_any_host", allow_any_host)
        check_seconds("timeout", timeout, may_be_zero=False)
        self._allow_any_host = allow_any_host
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._deliveries: list[WebhookDelivery] = []
        self._due: deque[WebhookDelivery] = deque()
        self._senders: set[Thread] = set()
        self._sending: dict[asyncio.Task[None], asyncio.AbstractEventLoop] = {}
        self._is_closing = False
        self._changed = Condition()

    @property
    def deliveries(self) -> list[WebhookDelivery]:
        """All so far, in the order in which they were posted. This is the list itself: clear it as you like."""
        return self._deliveries

    def post(self, url: str, payload: Mapping[str, Any]) -> None:
        """Have *payload* sent, and return at once. A response that is no 2xx, or none, is followed by another attempt.

        Args:
            url: An `http` or `https` URL. One that may lead to another machine is recorded, and nothing is sent; it is
                looked at what a name stands for, and the connection is made to the very address that was seen.
            payload: JSON; do not change it later.
        """
        delivery = WebhookDelivery(url, payload)
        with self._changed:
            self._deliveries.append(delivery)
            if self._is_closing:
                return
            self._due.append(delivery)
            if len(self._senders) < _MAX_AT_ONCE:
                sender = Thread(target=self._send_due, name="contactship-sandbox-webhooks", daemon=True)
                self._senders.add(sender)
                sender.start()

    def wait(self, timeout: float = 10.0) -> None:
        """Wait until nothing is under way; in a coroutine, use `asyncio.to_thread`.

        Args:
            timeout: Seconds at the most.

        Raises:
            TimeoutError: Something still is.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: not self._senders, timeout):
                message = f"webhooks are still under way after {timeout:g} s"
                raise TimeoutError(message)

    def close(self) -> None:
        """End what is under way, and begin nothing of what is due.

        A look-up of a name can't be ended. It is not waited for longer than a moment: its thread ends after it.
        """
        with self._changed:
            self._is_closing = True
            self._due.clear()
            for task, loop in self._sending.items():
                loop.call_soon_threadsafe(task.cancel)
            senders = list(self._senders)
        until = time.monotonic() + _MOST_SECONDS_TO_END
        for sender in senders:
            sender.join(max(until - time.monotonic(), 0))
        with self._changed:
            self._is_closing = False

    def _send_due(self) -> None:
        while (delivery := self._take_due()) is not None:
            with suppress(asyncio.CancelledError):  # by close()
                asyncio.run(self._send(delivery))

    def _take_due(self) -> WebhookDelivery | None:
        with self._changed:
            if self._due:
                return self._due.popleft()
            # Under the same lock, so that whoever posts next does not count on a sender that is about to end.
            self._senders.discard(current_thread())
            self._changed.notify_all()
            return None

    async def _send(self, delivery: WebhookDelivery) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - in a coroutine
        with self._changed:
            if self._is_closing:
                return
            self._sending[task] = asyncio.get_running_loop()
        try:
            async with self._open_session() as session:
                while len(delivery.statuses) < MAX_ATTEMPTS and not delivery.is_delivered:
                    delivery.statuses.append(await self._attempt(session, delivery))
        except _RefusedError as error:
            delivery.refused = str(error)
        finally:
            with self._changed:
                del self._sending[task]
        log_delivery(delivery.url, delivery.statuses, delivery.refused)

    def _open_session(self) -> aiohttp.ClientSession:
        resolver = None if self._allow_any_host else _LoopbackResolver()
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "contactship-async-sandbox"},
            timeout=self._timeout,
        )

    async def _attempt(self, session: aiohttp.ClientSession, delivery: WebhookDelivery) -> int | None:
        url = _read_url(delivery.url)
        if not self._allow_any_host:
            _check_literal(url)
        body = json.dumps(delivery.payload).encode()
        headers = {"Content-Type": "application/json"}
        try:
            async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
                return response.status
        except ValueError:  # of aiohttp, for 127.1 and its like, and of Python, for a name that no DNS could have
            raise _RefusedError(_NO_URL) from None
        except (aiohttp.ClientError, OSError):
            return None


def _read_url(text: str) -> URL:
    try:
        url = URL(text)
    except ValueError:
        url = URL()
    if url.scheme not in {"http", "https"} or not url.host:
        raise _RefusedError(_NO_URL)
    return url


def _check_literal(url: URL) -> None:
    """Raise a `_RefusedError` if the host of *url* is another address than a loopback one; names are left to DNS."""
    with suppress(ValueError):
        if not ip_address(url.host or "").is_loopback:
            raise _RefusedError(_NOT_LOOPBACK)
