"""What the API means, without input or output: how a call becomes a request, and a response a page or an error.

Two generations of envelopes are documented: `{"data": [...], "count": 8}`, and
`{"statusCode": 200, "data": [...], "pagination": {"total_rows": 8}}`. Both are accepted everywhere.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from functools import lru_cache
from types import NoneType
from typing import Annotated, Any, Final, Generic, TypeAlias, TypeVar
from urllib.parse import quote, unquote

from attrs import define, frozen
from msgspec import Meta

from contactship_async._arguments import check_type
from contactship_async._codec import codec
from contactship_async._messages import Request, Response
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

Parameter: TypeAlias = str | int | float | bool | Enum | datetime | None
Parameters: TypeAlias = Mapping[str, Parameter | Iterable[Parameter]]

_SINGLE: Final = (str, int, float, NoneType, bytes, Mapping)
"""What is one value, though some of it can be iterated; asked first, as numbers are slow to be found no iterable."""

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_IDEMPOTENT_METHODS: Final = ("GET", "HEAD")
"""PUT and DELETE are idempotent by RFC 9110, but here each PUT publishes an agent and a repeated DELETE is a 404."""

_ERRORS: Final = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    429: RateLimitError,
}

_MOST_BODY_BYTES_IN_ERROR: Final = 64 * 1024
_LONGEST_RETRY_AFTER_SECONDS: Final = 10.0**9
"""Some 30 years: keeps hostile headers within what arithmetic and sleeps can take."""

_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half of a character: has no UTF-8 form, and so none in a URL."""


def build_request(
    *,
    method: str,
    path: str,
    params: Parameters | None = None,
    json: object = None,
    idempotent: bool | None = None,
) -> Request:
    """Build the request of one call, all but its key.

    Raises:
        TypeError: An argument has the wrong type, or *json* holds what JSON has no form for.
        ValueError: *method* or *path* is not allowed, or a value has no form in JSON or in a query.
    """
    check_type("method", method, str)
    check_type("path", path, str)
    if method.upper() not in METHODS:
        message = f"method must be one of {', '.join(METHODS)}"
        raise ValueError(message)
    if idempotent is not None:
        check_type("idempotent", idempotent, bool)
    method = method.upper()
    return Request(
        method=method,
        path=quote_path(path),
        query=_build_query({} if params is None else params),
        body=None if json is None else _encode_json(json),
        idempotent=method in _IDEMPOTENT_METHODS if idempotent is None else idempotent,
    )


def _encode_json(json: object) -> bytes:
    try:
        return codec.dumps(json)
    except TypeError as error:
        message = f"json must be of types that JSON has a form for: {error}"
        fault: Exception = TypeError(message)
    except (ValueError, RecursionError):
        fault = ValueError("json must hold no lone surrogates and not be nested too deeply")
    raise fault


@lru_cache
def quote_path(path: str) -> str:
    """Percent-encode each segment of *path*; sequences such as `%2B` stay as they are.

    Segments that a server or aiohttp would resolve (empty, `.` and `..`, also escaped) are refused: with them an
    identifier from outside could reach another endpoint.
    """
    if not path.startswith("/") or _LONE_SURROGATE.search(path):
        message = "path must start with '/', such as '/v1/credits', and hold no lone surrogates"
        raise ValueError(message)
    if "?" in path or "#" in path:
        message = "path must not hold '?' or '#': pass the query as params"
        raise ValueError(message)
    return "/" + "/".join(_quote_segment(segment) for segment in path[1:].split("/"))


def _quote_segment(segment: str) -> str:
    if unquote(segment) in ("", ".", ".."):
        message = "path must not hold empty, '.' or '..' segments"
        raise ValueError(message)
    texts, escapes = _ESCAPE.split(segment), [*_ESCAPE.findall(segment), ""]
    return "".join(quote(text, safe="") + escape for text, escape in zip(texts, escapes, strict=True))


def _build_query(params: Parameters) -> tuple[tuple[str, str], ...]:
    check_type("params", params, Mapping)
    query: list[tuple[str, str]] = []
    for name, value in params.items():
        check_type("each name in params", name, str)
        if isinstance(value, _SINGLE) or not isinstance(value, Iterable):
            if value is not None:
                query.append((name, _query_text(name, value)))
        else:
            query += [(name, _query_text(name, single)) for single in value if single is not None]
    return tuple(query)


def _query_text(name: str, value: object) -> str:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        if _LONE_SURROGATE.search(value):
            message = f"params[{name!r}] must hold no lone surrogates"
            raise ValueError(message)
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float):
        if not math.isfinite(value):
            message = f"params[{name!r}] must be finite"
            raise ValueError(message)
        return str(value)
    message = f"params[{name!r}] must be a text, number, boolean, date and time, or several of them"
    raise TypeError(message)


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
class _PageEnvelope(Generic[T]):
    """Both generations in one class, so that neither is decoded twice."""

    data: list[T]
    count: Annotated[int, Meta(ge=0, description="an integer >= 0")] | None = None
    pagination: _Pagination | None = None


@define
class PageAnswer(Generic[T]):
    """The rows of a page, and the problem of the row after them that could not be read, if there is one."""

    rows: list[T]
    count: int
    problem: MalformedResponseError | None = None


def read_page(response: Response, row_type: type[T]) -> PageAnswer[T]:
    """Read a page of rows, up to the first malformed one.

    Raises:
        MalformedResponseError: The answer is not a page.
    """
    problem = None
    try:
        envelope = codec.loads(response.body, _PageEnvelope[row_type])  # type: ignore[valid-type] # at run time
    except MalformedResponseError as error:
        problem = error
    if problem is not None:
        if not all(issue.startswith("data[") for issue in problem.issues):
            raise problem
        raw = codec.loads(response.body, _PageEnvelope[Any])
        envelope = _PageEnvelope(_rows_before_malformed(raw.data, row_type), raw.count, raw.pagination)
    count = envelope.pagination.total_rows if envelope.pagination is not None else envelope.count
    if count is None:
        raise MalformedResponseError(("count: missing",))
    return PageAnswer(envelope.data, count, problem)


def _rows_before_malformed(raw_rows: list[Any], row_type: type[T]) -> list[T]:
    rows: list[T] = []
    with suppress(ValueError, ExceptionGroup):
        rows.extend(codec.structure(raw, row_type) for raw in raw_rows)
    return rows


def read_error(request: Request, response: Response) -> StatusError | None:
    """Turn every answer but a 2xx into its error, with the key masked wherever the server echoes it."""
    if response.is_success:
        return None
    redact = request.api_key.redact
    request_id = response.headers.get("x-request-id")
    return _error_class(response.status)(
        status=response.status,
        method=request.method,
        path=request.path,
        message=redact(_read_message(response.body).encode()).decode(errors="replace"),
        body=redact(response.body[:_MOST_BODY_BYTES_IN_ERROR]),
        request_id=None if request_id is None else redact(_header_bytes(request_id)).decode(errors="replace"),
        retry_after=read_retry_after(response.headers),
    )


def _header_bytes(text: str) -> bytes:
    # aiohttp delivers header bytes that are not UTF-8 as lone surrogates, which nobody could print or encode.
    return text.encode(errors="surrogateescape")


def _error_class(status: int) -> type[StatusError]:
    if 300 <= status < 400:  # noqa: PLR2004 - RFC 9110, 15.4
        return UnexpectedRedirectError
    if 500 <= status < 600:  # noqa: PLR2004 - RFC 9110, 15.6
        return ServerError
    return _ERRORS.get(status, StatusError)


def _read_message(body: bytes) -> str:
    """Find the server's words: `message` is the one field that all documentation of errors shares; a list is joined."""
    try:
        content = codec.loads(body, object)
    except MalformedResponseError:
        return ""
    message = content.get("message") if isinstance(content, dict) else None
    if isinstance(message, list):
        message = "; ".join(part for part in message if isinstance(part, str))
    return message[:_MOST_BODY_BYTES_IN_ERROR] if isinstance(message, str) else ""


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Read `Retry-After` as seconds from now: a number of them or an HTTP date (RFC 9110, 10.2.3), None if neither.

    A date is compared with the answer's own `Date`, so that a wrong clock on either side does no harm.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST_RETRY_AFTER_SECONDS)
    until = _read_http_date(text)
    if until is None:
        return None
    now = _read_http_date(headers.get("date", "")) or datetime.now(UTC)
    return min(max((until - now).total_seconds(), 0.0), _LONGEST_RETRY_AFTER_SECONDS)


def _read_http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
