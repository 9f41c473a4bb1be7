"""Readers of what Contactship posts to an app: finished calls, calls that come in, follow-ups that were closed.

    finished = read_finished_call(await request.body())
    if finished.delivery_key not in seen:
        ...

Contactship does not sign what it sends: let it post to an address that nobody can guess, and answer within 30 seconds
(10 for a follow-up, a few for an inbound call). It repeats a finished call until the response is a 2xx.
`contactship_async/integrations/README.md` has handlers for FastAPI and aiohttp.web.

Source: https://docs.contactship.ai/api-reference/webhooks
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any, Final, TypeVar

from attrs import frozen

from contactship_async._arguments import check_type
from contactship_async._codec import codec
from contactship_async.errors import MalformedResponseError
from contactship_async.models.webhooks import (
    CampaignStatus,
    FinishedCall,
    FinishedCallAgent,
    FinishedCallCampaign,
    FinishedCallContact,
    FinishedCallDetails,
    FinishedCallOrganization,
    FollowUpClosed,
    FollowUpClosureReason,
    FollowUpContact,
    InboundContact,
    InboundContext,
    InboundNumbers,
)

__all__ = [
    "MAX_BODY_BYTES",
    "CampaignStatus",
    "FinishedCall",
    "FinishedCallAgent",
    "FinishedCallCampaign",
    "FinishedCallContact",
    "FinishedCallDetails",
    "FinishedCallOrganization",
    "FollowUpClosed",
    "FollowUpClosureReason",
    "FollowUpContact",
    "InboundContact",
    "InboundContext",
    "InboundNumbers",
    "read_finished_call",
    "read_follow_up_closed",
    "read_inbound_context",
    "write_inbound_context",
]

T = TypeVar("T")

MAX_BODY_BYTES: Final = 4 * 2**20
"""The largest body that is read. An hour of talk, with the time of each word, is about half of it."""

_MAX_DEPTH: Final = 64
"""Documented bodies have 6 levels. Python, which puts values into JSON and hashes, gives up at some hundreds."""

_CONTAINERS: Final = frozenset({dict, list})

_MAX_CONTEXT_CHARACTERS: Final = 8000
_RESERVED: Final = ("contact_data", "current_day_time", "timezone")


def read_finished_call(body: bytes) -> FinishedCall:
    """Read what is posted when a call has finished and was analysed.

    Args:
        body: The body of the request, at most `MAX_BODY_BYTES`. Parts of it that are `{}` are None.

    Raises:
        TypeError: *body* is not bytes.
        MalformedResponseError: *body* is not that of a finished call. The error holds no values of it.

    Source: https://docs.contactship.ai/api-reference/webhooks
    """
    return _read(body, FinishedCall, is_wrapped=True)


def read_inbound_context(body: bytes) -> InboundContext:
    """Read what is posted when somebody calls an agent, before it answers: respond with `write_inbound_context`.

    Args:
        body: The body of the request, at most `MAX_BODY_BYTES`.

    Raises:
        TypeError: *body* is not bytes.
        MalformedResponseError: *body* is not that of an inbound call. The error holds no values of it.

    Source: https://docs.contactship.ai/api-reference/inbound-webhook
    """
    return _read(body, InboundContext)


def write_inbound_context(variables: Mapping[str, str | float | bool | None]) -> bytes:
    """Write the response to an inbound call: what the agent knows, by the names that its instructions use.

    Args:
        variables: The values by name; at most 8,000 characters as JSON, as JavaScript counts them. Contactship sets
            `contact_data`, `current_day_time` and `timezone` itself.

    Returns:
        The body of the response, whose content type is `application/json`.

    Raises:
        TypeError: *variables* is not a mapping of strings to strings, numbers, booleans or None.
        ValueError: A name is empty or reserved, a number is not finite, a string is no Unicode, or all is too long.

    Source: https://docs.contactship.ai/api-reference/inbound-webhook
    """
    check_type("variables", variables, Mapping)
    for name, value in variables.items():
        _check_variable(name, value)
    text = json.dumps(dict(variables), ensure_ascii=False, separators=(",", ":"))
    characters = len(text.encode("utf-16-le", "surrogatepass")) // 2
    if characters > _MAX_CONTEXT_CHARACTERS:
        message = f"variables must have at most {_MAX_CONTEXT_CHARACTERS} characters as JSON, not {characters}"
        raise ValueError(message)
    try:
        return text.encode()
    except UnicodeEncodeError:
        message = "variables must be Unicode: a string has half of a character (a lone surrogate)"
    raise ValueError(message)


def read_follow_up_closed(body: bytes) -> FollowUpClosed:
    """Read what is posted, or put, when a text agent no longer follows up a conversation.

    Args:
        body: The body of the request, at most `MAX_BODY_BYTES`.

    Raises:
        TypeError: *body* is not bytes.
        MalformedResponseError: *body* is not that of a closed follow-up. The error holds no values of it.

    Source: https://docs.contactship.ai/api-reference/follow-up-webhook
    """
    return _read(body, FollowUpClosed)


def _check_variable(name: object, value: object) -> None:
    if not isinstance(name, str):
        message = f"a name in variables must be a string, not {type(name).__name__}"
        raise TypeError(message)
    if not name or name in _RESERVED:
        message = f"a name in variables must not be empty, nor {', '.join(_RESERVED)}, which Contactship sets itself"
        raise ValueError(message)
    if not isinstance(value, str | int | float | None):
        message = f"variables[{name!r}] must be a string, number, boolean or None, not {type(value).__name__}"
        raise TypeError(message)
    if isinstance(value, float) and not isfinite(value):
        message = f"variables[{name!r}] must be a finite number, not {value}"
        raise ValueError(message)


@frozen
class _Wrapped:
    data: dict[str, Any]


def _read(body: bytes, cl: type[T], *, is_wrapped: bool = False) -> T:
    check_type("body", body, bytes)
    try:
        return _parse(body, cl, is_wrapped=is_wrapped)
    except MalformedResponseError as error:
        issues = error.issues
    raise MalformedResponseError(issues, subject="webhook")


def _parse(body: bytes, cl: type[T], *, is_wrapped: bool) -> T:
    if len(body) > MAX_BODY_BYTES:
        raise MalformedResponseError((f"larger than {MAX_BODY_BYTES} bytes",))
    value, has_replaced = codec.decode(body)
    if _is_too_deep(value):
        raise MalformedResponseError((f"more than {_MAX_DEPTH} levels deep",))
    if is_wrapped:
        parts = codec.convert(value, _Wrapped).data
        value = {name: part for name, part in parts.items() if part != {}}
    return codec.convert(value, cl, "data" if is_wrapped else "", has_replaced=has_replaced)


def _is_too_deep(value: object) -> bool:
    level: list[Any] = [[value]]
    for _ in range(_MAX_DEPTH + 1):
        level = [item for one in level for item in _items_of(one) if type(item) in _CONTAINERS]
        if not level:
            return False
    return True


def _items_of(value: Any) -> Iterable[Any]:
    return value.values() if type(value) is dict else value
