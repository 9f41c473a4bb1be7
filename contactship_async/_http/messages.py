"""One request, one response, and the function between them.

A transport is any async function from a frozen `Request` to a frozen `Response`. The aiohttp adapter is one, the
sandbox offers another, and retries wrap whichever is in use.

These are structs of msgspec, which makes a frozen one in a sixth of the time that attrs takes: 2 % of a walk.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, Final, TypeAlias

from msgspec import Struct, field

from contactship_async._http.secret import Secret

_NO_KEY: Final = Secret("")

Query: TypeAlias = tuple[tuple[str, str], ...]


class _Message(Struct, frozen=True, kw_only=True):
    """Only fields that are not sensitive appear in its repr (redaction), and in that of rich, which would show all."""

    _shown: ClassVar[tuple[str, ...]] = ()

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [(name, getattr(self, name)) for name in self._shown]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"


class Response(_Message, frozen=True, kw_only=True):
    """What came back.

    Args:
        status: Of HTTP, such as 200.
        headers: Found by their names in lower case.
        body: Decompressed.
    """

    _shown = ("status",)

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def is_success(self) -> bool:
        """Whether the status is a 2xx."""
        return is_success(self.status)


def is_success(status: int) -> bool:
    """Return whether *status* is a 2xx (RFC 9110, 15.3)."""
    return status // 100 == 2  # noqa: PLR2004 - the class of the status


class Delivery(Struct):
    """How far one attempt has come; a transport notes it, the attempt loop reads it when it has to end the attempt.

    If a transport notes nothing, the cautious default holds: the request may have left, and nothing has come back.

    Args:
        provably_unsent: No byte of the request has left yet.
        refusal: The response so far, once its status is known and is no 2xx: the status counts without the whole body.
    """

    provably_unsent: bool = False
    refusal: Response | None = None


class Request(_Message, frozen=True, kw_only=True):
    """One attempt at one call.

    Args:
        method: Upper case, such as `GET`.
        path: Percent-encoded, starting with `/`.
        query: Name and value pairs, not encoded, in the order in which they are sent.
        body: JSON bytes, or None for no body.
        api_key: The value of the `x-api-key` header; empty until it is known.
        idempotent: Whether the call may reach the server twice without harm.
        relayed: Whether the server passes the call on to another, whose 429 it passes back, such as a send to WhatsApp:
            then a 429 does not say that the call was refused before it had any effect.
        delivery: Where the transport notes how far the attempt has come.
    """

    _shown = ("method", "api_key", "idempotent")

    method: str
    path: str
    query: Query = ()
    body: bytes | None = None
    api_key: Secret = _NO_KEY
    idempotent: bool
    relayed: bool = False
    delivery: Delivery = field(default_factory=Delivery)

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
