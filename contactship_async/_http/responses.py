"""What a response means, without input or output: JSON, a page of rows, an object, or an error.

Several generations of envelopes are documented, and each endpoint may send any of them:

- pages: `{"data": [...], "count": 8}`, `{"statusCode": 200, "data": [...], "pagination": {"total_rows": 8}}`,
  `{"success": true, "data": [...], "paging": {"cursors": {"after": "..."}}}`, and bare arrays
- objects: `{"statusCode": 200, "data": {...}}`, `{"success": true, "message": "...", "data": {...}}`, and bare objects
- deletes: any 2xx, with `true` in or without an envelope, or with nothing

Source: https://docs.contactship.ai/api-reference/introduction
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import suppress
from functools import lru_cache
from typing import Annotated, Any, Final, Generic, TypeVar

from attrs import frozen
from msgspec import UNSET, Meta, Raw, Struct, UnsetType, json

from contactship_async._codec import codec
from contactship_async._http.messages import Request, Response
from contactship_async._http.rate_limit_headers import read_retry_after
from contactship_async.errors import (
    AuthenticationError,
    BadRequestError,
    ConflictError,
    MalformedResponseError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    StatusError,
    UnexpectedRedirectError,
)

T = TypeVar("T")

_ERRORS: Final = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    429: RateLimitError,
}

_MAX_BODY_BYTES_IN_ERROR: Final = 64 * 1024
_MAX_BODY_BYTES_SEARCHED: Final = 2**20
"""For a message. 28 MiB of empty arrays, 28 KB when compressed, would take the decoder 700 MiB and ten seconds."""


def read_json(response: Response) -> Any:
    """Decode the body as it was sent, envelope included; None for an empty one.

    Raises:
        MalformedResponseError: The body is not JSON.
    """
    return codec.loads(response.body, object) if response.body.strip() else None


@frozen
class _Pagination:
    total_rows: Annotated[int, Meta(ge=0, description="an integer >= 0")]


@frozen
class _Cursors:
    after: Annotated[str, Meta(max_length=8192, description="a string of at most 8,192 characters")] | None = None


@frozen
class _Paging:
    cursors: _Cursors | None = None


@frozen
class _PageEnvelope(Generic[T]):
    """All generations in one class, so that none is decoded twice."""

    data: list[T]
    count: Annotated[int, Meta(ge=0, description="an integer >= 0")] | None = None
    pagination: _Pagination | None = None
    paging: _Paging | None = None


@lru_cache
def _page_reader(row_type: Hashable) -> Callable[[bytes], _PageEnvelope[Any]]:
    """Return what reads a page of *row_type*, made once: Python makes the class anew each time (1 % of a walk)."""
    return codec.reader(_PageEnvelope[row_type])  # type: ignore[valid-type] # at run time


@lru_cache
def _array_reader(row_type: Hashable) -> Callable[[bytes], list[Any]]:
    return codec.reader(list[row_type])  # type: ignore[valid-type] # at run time


class DecodedPage(Struct, Generic[T]):
    """The rows of one response, and what it says about its listing.

    Args:
        rows: Up to the first malformed one.
        count: Of the listing; None where the response does not say.
        problem: What is wrong with the row after them, if there is one that could not be read.
        after: The cursor of the next page; None where the response has none.
    """

    rows: list[T]
    count: int | None
    problem: MalformedResponseError | None = None
    after: str | None = None


def read_page(response: Response, row_type: type[T]) -> DecodedPage[T]:
    """Read a page of rows, up to the first malformed one.

    Raises:
        MalformedResponseError: The response is not a page.
    """
    body = response.body
    is_array = body[:1] == b"[" or body[:64].lstrip()[:1] == b"["
    problem = None
    try:
        if is_array:
            return DecodedPage(_array_reader(row_type)(body), None)  # type: ignore[arg-type] # mypy: no class is hashable
        envelope = _page_reader(row_type)(body)  # type: ignore[arg-type] # mypy: no class is hashable
    except MalformedResponseError as error:
        problem = error
    if problem is not None:
        if not all(issue.startswith("[" if is_array else "data[") for issue in problem.issues):
            raise problem
        raw = _PageEnvelope(codec.loads(body, list[Any])) if is_array else codec.loads(body, _PageEnvelope[Any])
        envelope = _PageEnvelope(_rows_before_malformed(raw.data, row_type), raw.count, raw.pagination, raw.paging)
    count = envelope.pagination.total_rows if envelope.pagination is not None else envelope.count
    cursors = envelope.paging.cursors if envelope.paging is not None else None
    return DecodedPage(envelope.data, count, problem, None if cursors is None else cursors.after)


def _rows_before_malformed(raw_rows: list[Any], row_type: type[T]) -> list[T]:
    rows: list[T] = []
    with suppress(ValueError, ExceptionGroup):
        rows.extend(codec.structure(raw, row_type) for raw in raw_rows)
    return rows


class _Envelope(Struct, rename={"status_code": "statusCode"}):
    """What may be around an object, none of it decoded: a hostile one would take 28 times the memory of its JSON."""

    data: Raw | UnsetType = UNSET
    status_code: Raw | UnsetType = UNSET
    success: Raw | UnsetType = UNSET


_read_envelope: Final = json.Decoder(_Envelope).decode


def read_object(response: Response, cl: type[T]) -> T:
    """Read one object, out of its envelope if it is in one.

    Raises:
        MalformedResponseError: The response is no object of *cl*.
    """
    envelope = _Envelope()
    with suppress(ValueError, RecursionError):  # What is no object, or no JSON, is explained below.
        envelope = _read_envelope(response.body)
    if envelope.data is UNSET or envelope.status_code is envelope.success is UNSET:
        return codec.loads(response.body, cl)
    return codec.loads(bytes(envelope.data), cl, place="data")


def read_error(request: Request, response: Response) -> StatusError:
    """Turn a response that is no 2xx into its error, with the key masked wherever the server echoes it."""
    redact = request.api_key.redact
    request_id = response.headers.get("x-request-id")
    return _error_class(response.status)(
        status=response.status,
        method=request.method,
        path=request.path,
        message=redact(_read_message(response.body).encode()).decode(errors="replace"),
        body=redact(response.body[:_MAX_BODY_BYTES_IN_ERROR]),
        request_id=None if request_id is None else redact(_header_bytes(request_id)).decode(errors="replace"),
        retry_after=read_retry_after(response.headers, refused=response.status == 429),  # noqa: PLR2004 - RFC 6585, 4
    )


def _header_bytes(text: str) -> bytes:
    # aiohttp delivers header bytes that are not UTF-8 as lone surrogates, which can't be printed or encoded. Other
    # transports may deliver surrogates that no bytes stand for; UTF-16 has a form for all of them.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _error_class(status: int) -> type[StatusError]:
    if 300 <= status < 400:  # noqa: PLR2004 - RFC 9110, 15.4
        return UnexpectedRedirectError
    if 500 <= status < 600:  # noqa: PLR2004 - RFC 9110, 15.6
        return ServerError
    return _ERRORS.get(status, StatusError)


def _read_message(body: bytes) -> str:
    """Find the server's words: `message` is the one field that all documentation of errors shares; a list is joined."""
    if len(body) > _MAX_BODY_BYTES_SEARCHED:
        return ""
    try:
        content = codec.loads(body, object)
    except MalformedResponseError:
        return ""
    message = content.get("message") if isinstance(content, dict) else None
    if isinstance(message, list):
        message = "; ".join(part for part in message if isinstance(part, str))
    return message[:_MAX_BODY_BYTES_IN_ERROR] if isinstance(message, str) else ""
