"""One request, one response, and the function between them.

A transport is any async function from a frozen `Request` to a frozen `Response`. The aiohttp adapter is one, the
sandbox offers another, and retries wrap whichever is in use.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import NoReturn

from attrs import define, field, frozen

_SHORTEST_CUT_KEY = 8
"""A cut-off beginning of the key is hidden from this many characters on; shorter ones give nothing away."""


class Secret:
    """Text that no repr, format, comparison, copy or pickle gives away."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text; only for the line that sets the request header, and for the sandbox that checks it."""
        return self._value

    def redact(self, data: bytes) -> bytes:
        """Replace the text in *data* by `***`, as it is, JSON-escaped, or cut off by the end of *data*."""
        escaped = json.dumps(self._value)[1:-1].encode()
        for form in {escaped, self._value.encode()}:
            data = data.replace(form, b"***")
            for length in range(len(form) - 1, _SHORTEST_CUT_KEY - 1, -1):
                if data.endswith(form[:length]):
                    data = data[:-length] + b"***"
                    break
        return data

    def __repr__(self) -> str:
        return "***"

    def __reduce__(self) -> NoReturn:
        message = "a Secret is neither copied nor pickled"
        raise TypeError(message)


@define
class Delivery:
    """What is known about the bytes of one attempt; a transport writes it, the attempt loop reads it.

    A transport that never touches it leaves the cautious answer: the request may have left.
    """

    provably_unsent: bool = False


@frozen(kw_only=True)
class Request:
    """One attempt at one call.

    Args:
        method: Upper case, such as `GET`.
        path: Percent-encoded, starting with `/`.
        query: Name and value pairs, not encoded, in the order in which they are sent.
        body: JSON bytes, or None for no body.
        api_key: The value of the `x-api-key` header.
        idempotent: Whether the call may reach the server twice without harm.
        delivery: Where the transport notes whether the request may have left.
    """

    method: str
    path: str = field(repr=False)
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes | None = field(default=None, repr=False)
    api_key: Secret
    idempotent: bool
    delivery: Delivery = field(factory=Delivery, eq=False, repr=False)

    @property
    def is_repeatable(self) -> bool:
        """Whether sending the call again can do no harm, as far as this attempt has come."""
        return self.idempotent or self.delivery.provably_unsent


@frozen(kw_only=True)
class Response:
    """What came back: a status, the headers under lower-case names, and the decompressed body."""

    status: int
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


Transport = Callable[[Request], Awaitable[Response]]
"""Exchange one request for one response.

It fails with a `TransportError`, or with an `OSError` such as `ConnectionResetError`, which the attempt loop
translates. For a request that is not idempotent, any `TransportError` but `AmbiguousOutcomeError` says that the
server never received it.
"""
