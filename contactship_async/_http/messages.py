"""One request, one response, and the function between them.

A transport is any async function from a frozen `Request` to a frozen `Response`. The aiohttp adapter is one, the
sandbox offers another, and retries wrap whichever is in use.

These are structs of msgspec, which makes a frozen one in a sixth of the time that attrs takes: 2 % of a walk.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar, Final, TypeAlias

from msgspec import Struct, field

from contactship_async._codec import codec
from contactship_async._headers import Headers
from contactship_async._http.secret import Secret
from contactship_async._http.servers import Server

_NO_KEY: Final = Secret("")
NO_HEADERS: Final = Headers()

Query: TypeAlias = tuple[tuple[str, str], ...]


class _Message(Struct, frozen=True, kw_only=True):
    """Only fields that are not sensitive appear in its repr (redaction), and in that of rich, which would show all."""

    _shown: ClassVar[tuple[str, ...]] = ()

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [(name, getattr(self, name)) for name in self._shown]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"


class Response(_Message, frozen=True, kw_only=True):
    """What came back, of any content type. Its repr shows no header and nothing of the body.

    Args:
        status: Of HTTP, such as 200.
        headers: Found by their names in lower case, those of `ContactshipClient.send` in any case.
        body: Decompressed; empty for HEAD.
    """

    _shown = ("status",)

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def is_success(self) -> bool:
        """Whether the status is a 2xx."""
        return is_success(self.status)

    @property
    def request_id(self) -> str | None:
        """What the server calls the request, to be told to its support: `x-request-id`; None without that header."""
        request_id = self.headers.get("x-request-id")
        return None if request_id is None else make_printable(request_id)

    def json(self) -> Any:
        """Decode the body as it was sent, envelope included; None for an empty one.

        Raises:
            MalformedResponseError: The body is not JSON.
        """
        return codec.loads(self.body, object) if self.body.strip() else None


def make_printable(text: str) -> str:
    """Replace what has no form in UTF-8 in the value of a header.

    aiohttp delivers bytes that are not UTF-8 as lone surrogates. Other transports may deliver surrogates that no bytes
    stand for; UTF-16 has a form for all of them.
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def is_success(status: int) -> bool:
    """Return whether *status* is a 2xx (RFC 9110, 15.3)."""
    return status // 100 == 2  # noqa: PLR2004 - the class of the status


class Delivery(Struct):
    """How far one attempt has come; a transport notes it, the attempt loop reads it when it has to end the attempt.

    If a transport notes nothing, the cautious default holds: the request may have left, and nothing has come back.

    Args:
        provably_unsent: No byte of the request has left yet.
        refusal: The response so far, once its status is known and is no 2xx: the status counts without the whole body.
        is_hopeless: The attempt failed, and another one would fail in the same way.
        sent_at: When an attempt began that is not safe to repeat, by the clock on the wall, in UTC; None before.
        status: That of the response, once it is known, whether or not the rest of it comes.
    """

    provably_unsent: bool = False
    refusal: Response | None = None
    is_hopeless: bool = False
    sent_at: datetime | None = None
    status: int | None = None


class Request(_Message, frozen=True, kw_only=True):
    """One attempt at one call.

    Args:
        method: Upper case, such as `GET`.
        path: Percent-encoded, starting with `/`.
        query: Name and value pairs, not encoded, in the order in which they are sent.
        body: JSON, or bytes of the type that *headers* say; None for no body.
        headers: Those that the caller gave, the key and what the transport adds apart.
        api_key: The value of the `x-api-key` header; empty until it is known.
        idempotent: Whether the call may reach the server twice without harm.
        connect_seconds: How long to wait for a connection; None waits without limit.
        relayed: Whether the server passes the call on to another, whose 429 it passes back, such as a send to WhatsApp:
            then a 429 does not say that the call was refused before it had any effect.
        harmless_statuses: Those after which the documentation says that it is safe to repeat, though it is not
            idempotent: it had no effect.
        server: Where it goes; None for the server of all endpoints but one. A transport that goes to a server of its
            own may look at the `base_url` of this.
        add_on: What a 403 may be for the lack of, such as `Tasks`; None for an endpoint that each organization has.
        delivery: Where the transport notes how far the attempt has come.
    """

    _shown = ("method", "api_key", "idempotent")

    method: str
    path: str
    query: Query = ()
    body: bytes | None = None
    headers: Mapping[str, str] = NO_HEADERS
    api_key: Secret = _NO_KEY
    idempotent: bool
    connect_seconds: float | None = None
    relayed: bool = False
    harmless_statuses: frozenset[int] = frozenset()
    server: Server | None = None
    add_on: str | None = None
    delivery: Delivery = field(default_factory=Delivery)

    @property
    def is_repeatable(self) -> bool:
        """Whether sending the call again can do no harm, as far as this attempt has come."""
        return self.idempotent or self.delivery.provably_unsent

    def redact(self, text: str) -> str:
        """Return what a server said with the key masked wherever it echoes it."""
        return self.api_key.redact(make_printable(text).encode()).decode(errors="replace")

    def redacted_id(self, response: Response) -> str | None:
        """Return the request id of *response*, with the key masked."""
        return None if response.request_id is None else self.redact(response.request_id)


Transport = Callable[[Request], Awaitable[Response]]
"""Exchange one request for one response.

It fails with a `TransportError`, or with an `OSError` such as `ConnectionResetError`, which the attempt loop
translates. For a request that is not idempotent, any `TransportError` but `AmbiguousOutcomeError` says that the
server never received it.
"""
