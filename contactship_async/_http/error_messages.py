"""What a server says about an error, in whichever of the common forms its frameworks and gateways say it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from contactship_async._codec import codec
from contactship_async.errors import MalformedResponseError

_FIELDS: Final = ("message", "error", "errors", "detail")
"""`message` is the one field that all documentation of the API shares."""

_FIELDS_WITHIN: Final = (*_FIELDS, "msg", "title")

_MAX_DEPTH: Final = 4

_MAX_CHARACTERS: Final = 64 * 1024
_MAX_BODY_BYTES_SEARCHED: Final = 2**20
"""28 MiB of empty arrays, 28 KB when compressed, would take the decoder 700 MiB and ten seconds."""


def read_message(body: bytes) -> str:
    """Find the server's words in the body of a refusal; an empty string where there are none.

    `message`, `error`, `errors` and `detail` are looked at in this order. Each may be a string, an object with a
    message, an object of messages by fields, or a list of any of these, which are joined:

        {"statusCode": 400, "message": ["limit must be a number", "type is unknown"], "error": "Bad Request"}
        {"error": {"code": 7, "message": "no such tag"}}
        {"errors": {"name": ["is too long"]}}
        {"detail": [{"loc": ["query", "limit"], "msg": "Input should be greater than 0"}]}

    Source: NestJS, Google's API design guide, Rails, FastAPI; RFC 9457 for `detail`
    """
    if len(body) > _MAX_BODY_BYTES_SEARCHED:
        return ""
    try:
        content = codec.loads(body, object)
    except MalformedResponseError:
        return ""
    return _first_of(content, _FIELDS)[:_MAX_CHARACTERS] if isinstance(content, dict) else ""


def _first_of(content: dict[str, Any], fields: tuple[str, ...], depth: int = 0) -> str:
    return next(filter(None, (_text_of(content.get(field), depth) for field in fields)), "")


def _text_of(value: Any, depth: int) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list | dict) and depth < _MAX_DEPTH:
        return "; ".join(filter(None, _texts_in(value, depth + 1)))
    return ""


def _texts_in(value: list[Any] | dict[str, Any], depth: int) -> Iterator[str]:
    if isinstance(value, list):
        yield from (_text_of(item, depth) for item in value)
    elif text := _first_of(value, _FIELDS_WITHIN, depth):
        place = value.get("loc")
        yield f"{'.'.join(map(str, place))}: {text}" if isinstance(place, list) else text
    else:
        for name, item in value.items():
            if text := _text_of(item, depth):
                yield f"{name}: {text}"
