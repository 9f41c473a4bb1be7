"""One request, one response, and the function between them.

A transport is any async function from a frozen `Request` to a frozen `Response`. The aiohttp adapter is one, the
sandbox offers another, and retries wrap whichever is in use.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NoReturn

from attrs import define, field, frozen

_SHORTEST_CUT_SECRET = 8
"""A cut-off beginning of a secret is masked from this many characters on; shorter ones give nothing away."""

_ESCAPE = re.compile(
    rb"""
    (?: \\ (?:u[0-9A-Fa-f]{0,3})? | %[0-9A-Fa-f]? ) \Z  # cut off by the end
    | \\u00 (?P<json>[0-9A-Fa-f]{2})
    | % (?P<url>[0-9A-Fa-f]{2})
    | \\ (?P<literal>.)
    """,
    re.VERBOSE | re.DOTALL,
)
"""An escaped character of a JSON text or a URL."""


class Secret:
    """Text that no repr, format, comparison, copy or pickle gives away."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text; only for the line that sets the request header, and for the sandbox that checks it."""
        return self._value

    def redact(self, data: bytes) -> bytes:
        """Replace the text in *data* by `***`: plain, with escapes of JSON or URLs, or cut off by the end of *data*."""
        data = self._mask(data, data, range(len(data) + 1))
        if _ESCAPE.search(data):
            data = self._mask(data, *_unescape(data))
        return data

    def _mask(self, data: bytes, text: bytes, places: Sequence[int]) -> bytes:
        """Mask what *text* says in *data*, where `text[i]` stands at `places[i]`."""
        secret = self._value.encode()
        parts: list[bytes] = []
        end = 0
        while (start := text.find(secret, end)) >= 0:
            parts += data[places[end] : places[start]], b"***"
            end = start + len(secret)
        for length in range(min(len(secret) - 1, len(text) - end), _SHORTEST_CUT_SECRET - 1, -1):
            if text.endswith(secret[:length]):
                return b"".join((*parts, data[places[end] : places[len(text) - length]], b"***"))
        return b"".join((*parts, data[places[end] :]))

    def __repr__(self) -> str:
        return "***"

    def __reduce__(self) -> NoReturn:
        message = "a Secret is neither copied nor pickled"
        raise TypeError(message)


def _unescape(data: bytes) -> tuple[bytes, list[int]]:
    """Return *data* without its escapes, and for each byte of that, and for its end, where it stands in *data*."""
    text = bytearray()
    places: list[int] = []
    end = 0
    for escape in _ESCAPE.finditer(data):
        text += data[end : escape.start()]
        places += range(end, escape.start())
        code = escape["json"] or escape["url"]
        character = bytes.fromhex(code.decode()) if code else escape["literal"] or b""
        text += character
        places += [escape.start()] * len(character)
        end = escape.end()
    text += data[end:]
    return bytes(text), [*places, *range(end, len(data) + 1)]


@frozen(kw_only=True)
class Response:
    """What came back: a status, the headers under lower-case names, and the decompressed body."""

    status: int
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)

    @property
    def is_success(self) -> bool:
        """Whether the status is a 2xx (RFC 9110, 15.3)."""
        return self.status // 100 == 2  # noqa: PLR2004 - the class of the status


@define
class Delivery:
    """How far one attempt has come; a transport notes it, the attempt loop asks when it has to end the attempt.

    A transport that notes nothing leaves the cautious answer: the request may have left, and nothing has come back.

    Args:
        provably_unsent: No byte of the request has left yet.
        refusal: The answer so far, once its status is known and is no 2xx: the status counts without the whole body.
    """

    provably_unsent: bool = False
    refusal: Response | None = None


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
        delivery: Where the transport notes how far the attempt has come.
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


Transport = Callable[[Request], Awaitable[Response]]
"""Exchange one request for one response.

It fails with a `TransportError`, or with an `OSError` such as `ConnectionResetError`, which the attempt loop
translates. For a request that is not idempotent, any `TransportError` but `AmbiguousOutcomeError` says that the
server never received it.
"""
