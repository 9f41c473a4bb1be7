"""What a response means, without input or output: JSON, a page of rows, an object, or an error.

Several generations of envelopes are documented, and each endpoint may send any of them:

- pages: `{"data": [...], "count": 8}`, `{"statusCode": 200, "data": [...], "pagination": {"total_rows": 8}}`,
  `{"success": true, "data": [...], "paging": {"cursors": {"after": "..."}}}`, and bare arrays
- rows within an object: `{"statusCode": 200, "data": {"total_comments": 8, "comments": [...]}}`, and all of the above
- objects: `{"statusCode": 200, "data": {...}}`, `{"success": true, "message": "...", "data": {...}}`, and bare objects
- deletes: any 2xx, with `true` in or without an envelope, or with nothing

`"success": false` in a 2xx contradicts it, and is documented nowhere: the response is malformed, and so the outcome of
a message that was to be sent is unknown.

Source: https://docs.contactship.ai/api-reference/introduction
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from functools import lru_cache, reduce
from json import loads
from operator import getitem
from typing import Annotated, Any, Final, Generic, TypeAlias, TypeVar, get_type_hints

from attrs import NOTHING, evolve, field, fields, frozen, make_class
from msgspec import UNSET, Meta, Raw, Struct, UnsetType, json

from contactship_async._codec import codec
from contactship_async._codec.lone_surrogates import replace_lone_surrogates
from contactship_async._headers import Headers
from contactship_async._http.error_messages import read_message
from contactship_async._http.messages import Request, Response
from contactship_async._http.rate_limit_headers import read_retry_after
from contactship_async.errors import (
    AuthenticationError,
    BadRequestError,
    ConflictError,
    MalformedResponseError,
    MalformedRow,
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

_BEFORE_JSON: Final = BOM_UTF8 + b" \t\r\n"

_MAX_FLOAT_COUNT: Final = 2.0**53
"""Up to here, a float holds each integer."""

_COUNT_TEXT: Final = re.compile(r"[0-9]{1,18}")

_MAX_BODY_BYTES_IN_ERROR: Final = 64 * 1024
_SECRET_HEADERS: Final = ("location", "set-cookie")
"""A redirect's target may hold the key, and a cookie opens a session: neither is for logs of errors."""


_Count: TypeAlias = Annotated[int | float | str | None, Meta(description="an integer >= 0")]
"""All that servers send for a count, so that no response is decoded twice; `read_page` takes what is one."""


@frozen
class _Pagination:
    total_rows: Annotated[int | float | str, Meta(description="an integer >= 0")]


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
    count: _Count = None
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
        MalformedResponseError: The response is not a page, or one without rows says that the call has failed.
    """
    body = response.body
    is_array = body[:1] == b"[" or body[:64].lstrip(_BEFORE_JSON)[:1] == b"["
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
        rows, page = _read_rows_before(problem, body, row_type, () if is_array else ("data",))
        envelope = (
            _PageEnvelope(rows)
            if is_array
            else evolve(codec.convert({**page, "data": []}, _PageEnvelope[T]), data=rows)
        )
    if not envelope.data:
        _check_success(_read_around(body.removeprefix(BOM_UTF8)))
    pagination, cursors = envelope.pagination, None if envelope.paging is None else envelope.paging.cursors
    said = envelope.count if pagination is None else pagination.total_rows
    if type(said) is int and said >= 0:
        count: int | None = said
    else:
        count = _read_odd_count(said)
        if count is None and said is not None:
            kind = "a string" if isinstance(said, str) else "a number"
            place = "count" if pagination is None else "pagination.total_rows"
            issue = f"{place}: expected an integer >= 0, got {kind}"
            raise MalformedResponseError((*(() if problem is None else problem.issues), issue))
    return DecodedPage(envelope.data, count, problem, None if cursors is None else cursors.after)


def _read_odd_count(said: object) -> int | None:
    """Read a count that is written as `12.0` or `"12"`; None for what is no count."""
    if isinstance(said, float) and 0 <= said <= _MAX_FLOAT_COUNT and said.is_integer():
        return int(said)
    return int(said) if isinstance(said, str) and _COUNT_TEXT.fullmatch(said) else None


def _read_rows_before(
    problem: MalformedResponseError, body: bytes, row_type: type[T], place: Sequence[str]
) -> tuple[list[T], Any]:
    """Read rows up to the one that *problem* is about, tell *problem* which it is, and return them with the page.

    *place* is where in the page the rows are: the names of the fields that lead to them.
    """
    page, has_replaced = codec.decode(body)
    raw_rows = reduce(getitem, place, page)
    rows: list[T] = []
    with suppress(MalformedResponseError):
        rows.extend(codec.convert(raw, row_type, has_replaced=has_replaced) for raw in raw_rows)
    if has_replaced:  # The value is to be seen as it came.
        raw_rows = reduce(getitem, place, loads(body))
    problem.row = MalformedRow(len(rows), raw_rows[len(rows)])
    return rows, page


@lru_cache
def _reader_of_rows_within(row_type: Hashable, name: str) -> Callable[[bytes], Any]:
    """Return what reads an object with rows in its field *name*, in an envelope or bare, or an envelope with rows."""
    rows: Any = list[row_type]  # type: ignore[valid-type] # at run time
    total: Any = _Count
    numbers = {f"total_{name}": field(type=total, default=None)}
    within: Any = make_class("RowsWithin", {name: field(type=rows), **numbers}, frozen=True)
    either = {"data": field(type=rows | within | None, default=None), name: field(type=rows | None, default=None)}
    return codec.reader(make_class("Response", {**either, **numbers}, frozen=True))


def read_rows_within(response: Response, row_type: type[T], name: str) -> DecodedPage[T]:
    """Read rows that come whole: in the field *name* of an object, beside their number, or by themselves.

    Raises:
        MalformedResponseError: The response holds no array of rows, or one without rows says that the call has failed.
    """
    body = response.body
    if body[:64].lstrip(_BEFORE_JSON)[:1] == b"[":
        return read_page(response, row_type)
    problem = None
    try:
        read = _reader_of_rows_within(row_type, name)(body)  # type: ignore[arg-type] # mypy: no class is hashable
    except MalformedResponseError as error:
        problem = error
    if problem is not None:
        for place in (("data", name), ("data",), (name,)):
            if all(issue.startswith(f"{'.'.join(place)}[") for issue in problem.issues):
                return DecodedPage(_read_rows_before(problem, body, row_type, place)[0], None, problem)
        raise problem
    found = read if read.data is None else read.data
    rows = found if isinstance(found, list) else getattr(found, name)
    if not rows:
        _check_success(_read_around(body.removeprefix(BOM_UTF8)))
    if rows is None:
        raise MalformedResponseError((f"data.{name}: missing",))
    return DecodedPage(rows, _read_whole_count(getattr(found, f"total_{name}", None)))


def _read_whole_count(said: object) -> int | None:
    """Read the number of rows beside them; None for what is none, since all rows are there."""
    return said if type(said) is int else _read_odd_count(said)


class _Envelope(Struct, rename={"status_code": "statusCode"}):
    """What may be around an object, none of it decoded: a hostile one would take 28 times the memory of its JSON."""

    data: Raw | UnsetType = UNSET
    status_code: Raw | UnsetType = UNSET
    success: Raw | UnsetType = UNSET


_read_envelope: Final = json.Decoder(_Envelope).decode


def _read_around(body: bytes) -> _Envelope:
    """Read the envelope of *body*; of what is no object, or no JSON, nothing."""
    with suppress(ValueError, RecursionError):
        return _read_envelope(replace_lone_surrogates(body))
    return _Envelope()


def _check_success(envelope: _Envelope) -> None:
    """Refuse what a server calls a failure with a 2xx: whatever came with it is not what was asked for."""
    if envelope.success is not UNSET and bytes(envelope.success) == b"false":
        raise MalformedResponseError(("success: false, in spite of the status",))


@frozen
class _DataOf(Generic[T]):
    """An envelope with its object."""

    data: T


def read_object(response: Response, cl: type[T]) -> T:
    """Read one object, out of its envelope if it is in one.

    Raises:
        MalformedResponseError: The response is no object of *cl*, or says that the call has failed.
    """
    body = response.body.removeprefix(BOM_UTF8)
    envelope = _read_around(body)
    if envelope.data is UNSET or envelope.status_code is envelope.success is UNSET:
        return codec.loads(body, cl)
    _check_success(envelope)
    return codec.loads(body, _DataOf[cl]).data  # type: ignore[valid-type] # at run time


def read_started(response: Response, cl: type[T], identified_by: Sequence[str]) -> T:
    """Read one object like `read_object`; of one that is malformed elsewhere, the fields that identify it.

    Whoever has started something needs its id, whatever is wrong with the rest.

    Args:
        response: A 2xx.
        cl: The class of the object.
        identified_by: The fields of which one must be there; none for all that *cl* requires.

    Raises:
        MalformedResponseError: It is not identified.
    """
    started, malformed = None, None
    try:
        started = read_object(response, cl)
    except MalformedResponseError as error:
        malformed = error
    if malformed is not None:
        part = _identifying_part_of(cl, tuple(identified_by))  # type: ignore[arg-type] # mypy: no class is hashable
        with suppress(MalformedResponseError):
            found = read_object(response, part)
            started = cl(**{each.name: getattr(found, each.name) for each in fields(part)})
    if started is None or (identified_by and all(getattr(started, name) is None for name in identified_by)):
        raise malformed or MalformedResponseError((f"{' and '.join(identified_by)}: missing",))
    return started


@lru_cache
def _identifying_part_of(cl: type[Any], identified_by: Sequence[str]) -> type[Any]:
    """Return a class with those fields of *cl* that have no default, and those named."""
    hints = get_type_hints(cl, include_extras=True)
    identifying = [each for each in fields(cl) if each.default is NOTHING or each.name in identified_by]
    parts = {each.name: field(type=hints[each.name], default=each.default) for each in identifying}
    return make_class(cl.__name__, parts, frozen=True)


def read_error(request: Request, response: Response) -> StatusError:
    """Turn a response that is no 2xx into its error, with the key masked wherever the server echoes it."""
    cls = _error_class(response.status)
    of_add_on = {"add_on": request.add_on} if cls is PermissionDeniedError else {}
    return cls(
        status=response.status,
        method=request.method,
        path=request.path,
        message=request.redact(read_message(response.body)),
        body=request.api_key.redact(response.body[:_MAX_BODY_BYTES_IN_ERROR]),
        request_id=request.redacted_id(response),
        headers={
            request.redact(name): request.redact(value)
            for name, value in Headers(response.headers).items()
            if name.lower() not in _SECRET_HEADERS
        },
        retry_after=read_retry_after(response.headers, refused=response.status == 429),  # noqa: PLR2004 - RFC 6585, 4
        **of_add_on,
    )


def _error_class(status: int) -> type[StatusError]:
    if 300 <= status < 400:  # noqa: PLR2004 - RFC 9110, 15.4
        return UnexpectedRedirectError
    if 500 <= status < 600:  # noqa: PLR2004 - RFC 9110, 15.6
        return ServerError
    return _ERRORS.get(status, StatusError)
