"""How a call becomes a request: path, query, headers and body encoded, each checked before anything is sent."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from functools import lru_cache
from types import NoneType
from typing import Final, TypeAlias
from urllib.parse import quote, unquote

from msgspec import to_builtins

from contactship_async._arguments import check_type
from contactship_async._codec import codec
from contactship_async._headers import Headers
from contactship_async._http.messages import NO_HEADERS, Query, Request
from contactship_async._http.secret import Secret
from contactship_async._http.servers import Server
from contactship_async._version import __version__

Parameter: TypeAlias = str | int | float | bool | Enum | datetime | None
Parameters: TypeAlias = Mapping[str, Parameter | Iterable[Parameter]]

_SINGLE: Final = (str, int, float, NoneType, bytes, Mapping)
"""What is one value, though some of it can be iterated; checked first, as checking for `Iterable` is slow."""

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_IDEMPOTENT_METHODS: Final = ("GET", "HEAD")
"""PUT and DELETE are idempotent by RFC 9110, but here each PUT publishes an agent and a repeated DELETE is a 404."""

ANY_TYPE: Final = "application/json, */*;q=0.8"
"""What is accepted where any type is: JSON rather than the page for browsers that a server may have as well."""

ANY_CONTENT: Final = "application/octet-stream"

USER_AGENT: Final = f"contactship-async/{__version__}"

_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A token of RFC 9110, 5.6.2."""

_HEADER_VALUE: Final = re.compile(r"[\t\x20-\x7e]*")
"""aiohttp sends other characters as UTF-8, and many servers read them as Latin-1."""

_OWN_HEADERS: Final = frozenset({
    *("connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"),
    *("proxy-authorization", "proxy-connection", "x-api-key"),
})  # fmt: skip
"""They say where a message ends and to whom it goes, and are aiohttp's; and the key, which is ours."""

_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half of a character: has no UTF-8 form, and so none in a URL."""


def build_request(  # noqa: PLR0913 - one call, by keyword
    *,
    method: str,
    path: str,
    params: Parameters | None = None,
    json: object = None,
    content: bytes | None = None,
    idempotent: bool | None = None,
    relayed: bool = False,
    harmless_statuses: frozenset[int] = frozenset(),
    server: Server | None = None,
    add_on: str | None = None,
) -> Request:
    """Build the request of one call, all but its key and its headers.

    Raises:
        TypeError: An argument has the wrong type, or *json* holds what JSON has no form for.
        ValueError: *method* or *path* is not allowed, a value has no form in JSON or in a query, or *json* and
            *content* are both given.
    """
    check_type("method", method, str)
    check_type("path", path, str)
    if method.upper() not in METHODS:
        message = f"method must be one of {', '.join(METHODS)}"
        raise ValueError(message)
    if idempotent is not None:
        check_type("idempotent", idempotent, bool)
    if content is not None:
        check_type("content", content, bytes)
        if json is not None:
            message = "json and content exclude each other: a call has one body"
            raise ValueError(message)
    method = method.upper()
    return Request(
        method=method,
        path=quote_path(path),
        query=_build_query({} if params is None else params),
        body=content if json is None else encode_json("json", json),
        idempotent=method in _IDEMPOTENT_METHODS if idempotent is None else idempotent,
        relayed=relayed,
        harmless_statuses=harmless_statuses,
        server=server,
        add_on=add_on,
    )


def complete_request(
    request: Request,
    api_key: Secret,
    window: Query = (),
    headers: Mapping[str, str] = NO_HEADERS,
    connect_seconds: float | None = None,
) -> Request:
    """Return *request* with all that it lacks, and *window* before its query; `replace` takes far longer."""
    return Request(
        method=request.method,
        path=request.path,
        query=window + request.query,
        body=request.body,
        headers=headers,
        api_key=api_key,
        idempotent=request.idempotent,
        connect_seconds=connect_seconds,
        relayed=request.relayed,
        harmless_statuses=request.harmless_statuses,
        server=request.server,
        add_on=request.add_on,
    )


def merge_headers(before: Mapping[str, str], changes: Mapping[str, str | None] | None) -> Headers:
    """Return *before* with the headers that a caller wants changed; None takes one away.

    No error quotes a value, which may be a secret of a gateway.

    Raises:
        TypeError: *changes*, or a name or a value in it, has the wrong type.
        ValueError: A header is not for callers to set, or can't be sent.
    """
    check_type("headers", {} if changes is None else changes, Mapping)
    merged = {name.lower(): (name, value) for name, value in before.items()}
    for name, value in (changes or {}).items():
        check_type("each name in headers", name, str)
        if not _HEADER_NAME.fullmatch(name):
            message = "each name in headers must be one of HTTP, such as 'X-Request-Id'"
            raise ValueError(message)
        if name.lower() in _OWN_HEADERS:
            message = f"headers must not hold {name}: the client sets it"
            raise ValueError(message)
        merged.pop(name.lower(), None)
        if value is not None:
            merged[name.lower()] = (name, _check_header(name, value))
    return Headers(dict(merged.values()))


def _check_header(name: str, value: object) -> str:
    check_type(f"headers[{name!r}]", value, str)
    text = str(value).strip()
    if not _HEADER_VALUE.fullmatch(text):
        message = f"headers[{name!r}] must hold nothing but visible ASCII characters, blanks and tabs"
        raise ValueError(message)
    return f"{text} {USER_AGENT}" if name.lower() == "user-agent" else text


def build_window(*, limit: int, offset: int) -> Query:
    """Build the part of a listing's query that asks for *limit* rows from *offset* on."""
    return (("limit", str(limit)), ("offset", str(offset)))


def build_path(template: str, **identifiers: str) -> str:
    """Put identifiers into a path such as `/v1/tags/{tag_id}`, percent-encoded: none can leave its segment.

    Raises:
        TypeError: An identifier is not a string.
        ValueError: It is empty, `.` or `..`, or holds a lone surrogate.
    """
    for name, identifier in identifiers.items():
        check_type(name, identifier, str)
        if identifier in ("", ".", "..") or _LONE_SURROGATE.search(identifier):
            message = f"{name} must be a non-empty string, not '.' or '..', and hold no lone surrogates"
            raise ValueError(message)
    return template.format_map({name: quote(identifier, safe="") for name, identifier in identifiers.items()})


def encode_json(name: str, value: object) -> bytes:
    """Return *value* as JSON.

    Raises:
        TypeError: It holds what JSON has no form for; *name* is what the error calls it.
        ValueError: It holds a lone surrogate or a number that is not finite, or is nested too deeply.

    Source: https://www.rfc-editor.org/rfc/rfc8259#section-6
    """
    try:
        written = codec.dumps(value)
        if b"null" not in written or _is_finite(to_builtins(codec.unstructure(value))):
            return written
        fault: Exception = ValueError(f"{name} must hold finite numbers only")
    except TypeError as error:
        message = f"{name} must be of types that JSON has a form for: {error}"
        fault = TypeError(message)
    except (ValueError, RecursionError):
        fault = ValueError(f"{name} must hold no lone surrogates and not be nested too deeply")
    raise fault


def _is_finite(value: object) -> bool:
    """Return whether all numbers in *value*, of builtin types, are finite: msgspec writes others as null."""
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


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


def _build_query(params: Parameters) -> Query:
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
    message = f"params[{name!r}] must be a string, number, boolean, date and time, or several of them"
    raise TypeError(message)
