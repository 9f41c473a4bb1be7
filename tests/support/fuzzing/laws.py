"""What must hold for any input; each law asserts it, and lets nothing else escape."""

from __future__ import annotations

import ast
import asyncio
import json
import math
import pickle
import re
from collections.abc import AsyncIterable, Callable, Mapping
from datetime import datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import msgspec
from jumping_loop import in_loop_time, now, run
from key_leaks import KEY

import contactship_async
from contactship_async import (
    AmbiguousOutcomeError,
    ConnectionFailedError,
    ContactshipClient,
    ContactshipError,
    ContactshipPool,
    MalformedResponseError,
    OrganizationError,
    PaginationError,
    PhoneNumber,
    PhoneNumberType,
    PoolError,
    Request,
    RequestTimeoutError,
    Response,
    Secret,
    StatusError,
    TransportError,
)
from contactship_async._codec import codec
from contactship_async._http.rate_limit_headers import read_pauses, read_retry_after
from contactship_async._http.requests import build_request, complete_request
from contactship_async._http.responses import (
    _PageEnvelope,
    read_error,
    read_page,
)
from contactship_async._pagination.walk import MAX_PAGES_WITHOUT_NEW_ROWS
from contactship_async.models.tags import Tag
from contactship_async.settings import RetryPolicy, Timeouts
from contactship_async.webhooks import read_finished_call, read_follow_up_closed, read_inbound_context
from fuzzing.corpus import Call, Conversation, ScriptedResponse
from fuzzing.inputs import ROW

_REQUEST: Final = complete_request(build_request(method="GET", path="/v1/phone-numbers"), Secret(KEY))
_MAX_SECONDS: Final = 120
_MAX_SECONDS_AT_A_GATE: Final = 300
"""The longest reset that is believed; the total limit of a page of a walk begins behind the gate."""

_TIMEOUTS: Final = Timeouts(total=_MAX_SECONDS)
_RETRY: Final = RetryPolicy()
_WALKS: Final[frozenset[Call]] = frozenset({"walk", "filtered", "overlapping", "exact", "pool"})
_ORGANIZATIONS: Final = ("acme", "globex")
_MAX_REQUESTS_OF_A_WALK: Final = 2 * MAX_PAGES_WITHOUT_NEW_ROWS * _RETRY.max_attempts

_PYTHONS_WORDS: Final = frozenset({"sub", "exception", "exceptions", "ConnectionResetError"})
_WORD: Final = re.compile(r"[^\W\d_]+")
_TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[-+][\d:.]+)")


def check_paths_agree(body: bytes, cl: type[Any]) -> None:
    """What the fast path takes, the slow path reads as the same value; what the slow path refuses, so does it.

    But for faults in fields that are not read: the fast path skips what no JSON decoder would take.
    """
    try:
        fast = msgspec.json.decode(body, type=cl)
    except (ValueError, RecursionError):
        return
    try:
        slow = codec._loads_slowly(body, cl)
    except MalformedResponseError:
        assert not _is_json(body), "the slow path refuses what the fast path takes"
    else:
        assert fast == slow, "the two paths read different values"


def _is_json(body: bytes) -> bool:
    try:
        msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return False
    return True


def check_codec(body: bytes) -> None:
    """Bytes are a page, a row, or malformed."""
    check_paths_agree(body, _PageEnvelope[PhoneNumber])
    check_paths_agree(body, PhoneNumber)
    check_paths_agree(body, Tag)
    for cl in (_PageEnvelope[PhoneNumber], PhoneNumber, object):
        try:
            value = codec.loads(body, cl)
        except MalformedResponseError as error:
            _check_error(error)
        else:
            _check_value(value)


def _check_value(value: object) -> None:
    if isinstance(value, PhoneNumber):
        _check_row(value)
        assert value == codec.loads(codec.dumps(value), PhoneNumber), "a row is not dumped as what it is"
    elif isinstance(value, _PageEnvelope):
        assert type(value.data) is list
        assert value.count is None or type(value.count) in (int, float, str)
        assert value.pagination is None or type(value.pagination.total_rows) in (int, float, str)
        for row in value.data:
            _check_value(row)


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _check_row(row: PhoneNumber) -> None:
    texts = (row.id, row.phone_number, row.organization_id)
    assert all(type(text) is str and text for text in texts), "an id is no text, or empty"
    assert type(row.type) is PhoneNumberType
    assert type(row.created_at) is datetime
    assert row.created_at.utcoffset() is not None, "a time stamp has no zone"


_READERS: Final = (read_finished_call, read_inbound_context, read_follow_up_closed)


def check_webhook(body: bytes) -> None:
    """Bytes are a webhook that can be dumped, hashed and told apart, or malformed."""
    for read in _READERS:
        try:
            value = read(body)
        except MalformedResponseError as error:
            _check_error(error)
        else:
            assert value == codec.loads(codec.dumps(value), type(value)), "a webhook is not dumped as what it is"
            assert json.dumps(value.to_dict())
            assert repr(value)
            assert value.delivery_key == read(body).delivery_key
            assert value.delivery_key


def check_headers(headers: Mapping[str, str]) -> None:
    """Waits are plausible numbers of seconds, or none."""
    for retry_after in (read_retry_after(headers), read_retry_after(headers, refused=True)):
        assert retry_after is None or 0 <= retry_after <= 1e9  # NaN and infinities are not
    pauses = read_pauses(headers)
    if pauses is not None:
        known = [seconds for seconds in (pauses.organization, pauses.address, pauses.heavy) if seconds is not None]
        assert known
        assert all(0 <= seconds <= 300 for seconds in known)


def check_response(scripted: ScriptedResponse) -> None:
    """A response is a page, JSON or an error, and the error reveals neither the key nor the values."""
    response = scripted.response
    for read in (_read_rows, Response.json):
        try:
            read(response)
        except MalformedResponseError as error:
            _check_error(error)
    assert response.is_success is (200 <= scripted.status < 300)
    refusal = read_error(_REQUEST, response)
    assert scripted.status == refusal.status
    _check_error(refusal)


def _read_rows(response: Response) -> None:
    page = read_page(response, PhoneNumber)
    assert page.count is None or _is_count(page.count)
    for row in page.rows:
        _check_row(row)
    if page.problem is not None:
        _check_error(page.problem)


def _check_error(error: BaseException) -> None:
    """Errors are of the documented kinds, pickle, and say nothing that this package did not write."""
    documented = (MalformedResponseError, OrganizationError, PaginationError, PoolError, StatusError, TransportError)
    assert isinstance(error, documented)
    pickle.loads(pickle.dumps(error))
    texts = [str(error), repr(error)]
    if isinstance(error, MalformedResponseError):
        texts += error.issues
    for text in texts:
        shown = _TIMESTAMP.sub("", text) if isinstance(error, PaginationError) else text
        strange = set(_WORD.findall(shown)) - _own_words()
        assert not strange, f"an error text says what the package does not: {strange}"
        assert "2025550" not in text, "an error text holds a phone number"
    if isinstance(error, StatusError):
        for shown in (error.message, error.request_id or ""):
            shown.encode()
            assert KEY not in shown, "an error holds the key"
        assert KEY.encode() not in error.body, "the body of an error holds the key"
        assert error.retry_after is None or math.isfinite(error.retry_after)
    if isinstance(error, OrganizationError):
        assert isinstance(error.__cause__, ContactshipError)
        _check_error(error.__cause__)
    else:
        assert error.__cause__ is None
        assert error.__context__ is None, "an error drags another one along"
    if isinstance(error, PoolError):
        for each in error.exceptions:
            _check_error(each)


@cache
def _own_words() -> frozenset[str]:
    """Collect the words of all texts in the source of the package, of the HTTP statuses, and of class names."""
    texts = [status.phrase for status in HTTPStatus] + [*vars(contactship_async), *ROW, *_ORGANIZATIONS]
    for module in Path(contactship_async.__file__).parent.rglob("*.py"):
        nodes = ast.walk(ast.parse(module.read_text()))
        texts += [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return frozenset(word for text in texts for word in _WORD.findall(text)) | _PYTHONS_WORDS


async def _collect(items: AsyncIterable[Any]) -> list[PhoneNumber]:
    return [item async for item in items]


_CALLS: Final[Mapping[Call, Callable[[ContactshipClient], Any]]] = {
    "list": lambda client: client.list_phone_numbers(limit=5),
    "count": lambda client: client.count_phone_numbers(),
    "get": lambda client: client.request("GET", "/v1/credits"),
    "post": lambda client: client.request("POST", "/v1/calls", json={}),
    "walk": lambda client: _collect(client.iter_phone_numbers(page_size=3)),
    "filtered": lambda client: _collect(client.iter_phone_numbers(page_size=3, type="inbound", order="asc")),
    "overlapping": lambda client: _collect(client.iter_phone_numbers(page_size=3, concurrency=3)),
    "exact": lambda client: _collect(client.iter_phone_numbers(page_size=4, concurrency=2, exact=True)),
}


def check_conversation(conversation: Conversation) -> None:
    """A call returns or raises an error of this package, in time, after few requests, and leaves nothing behind."""
    run(_converse(conversation))


async def _converse(conversation: Conversation) -> None:
    sent = requests = 0

    async def transport(_: Request) -> Response:
        nonlocal sent, requests
        scripted = conversation.responses[sent % len(conversation.responses)]
        sent += 1
        requests += scripted.status != HTTPStatus.TOO_MANY_REQUESTS  # which is a wait, until the time is over
        assert requests <= _MAX_REQUESTS_OF_A_WALK, "a walk does not end"
        await asyncio.sleep(0)
        if scripted.is_dropped:
            raise ConnectionResetError
        return scripted.response

    began = now()
    error: ContactshipError | None = None
    result: Any = None
    try:
        if conversation.call == "pool":
            await _walk_pool(transport)
        else:
            client = in_loop_time(ContactshipClient(KEY, transport=transport, timeouts=_TIMEOUTS, retry=_RETRY))
            result = await _CALLS[conversation.call](client)
    except ContactshipError as caught:
        error = caught
    assert {asyncio.current_task()} == asyncio.all_tasks(), "a task is left"
    max_seconds = sent * (_MAX_SECONDS_AT_A_GATE + _MAX_SECONDS) if conversation.call in _WALKS else _MAX_SECONDS
    assert now() - began <= max_seconds, "it took too long"
    _check_outcome(conversation.call, requests, error)
    if conversation.call in _WALKS and result is not None:
        for row in result:
            _check_row(row)
        assert len({row.id for row in result}) == len(result), "a row came twice"


def _check_outcome(call: Call, requests: int, error: ContactshipError | None) -> None:
    """Errors fit the call, and so does the number of requests."""
    if error is not None:
        _check_error(error)
    if call in _WALKS:
        assert not isinstance(error, AmbiguousOutcomeError)
    elif call == "post":
        fits = error is None or isinstance(error, AmbiguousOutcomeError | MalformedResponseError | StatusError)
        assert fits, "a POST that was received ended as if it could be repeated"
        assert requests <= 1, "a POST was sent twice"
    else:
        failed = (ConnectionFailedError, MalformedResponseError, RequestTimeoutError, StatusError)
        assert error is None or isinstance(error, failed)
        assert requests <= _RETRY.max_attempts


async def _walk_pool(transport: Callable[[Request], Any]) -> None:
    keys = dict.fromkeys(_ORGANIZATIONS, KEY)  # the one that servers echo
    async with ContactshipPool(keys, transport=transport, timeouts=_TIMEOUTS, retry=_RETRY) as pool:
        for organization in pool:
            in_loop_time(pool[organization])
        await _collect(pool.iter(lambda client: client.iter_phone_numbers(page_size=3)))
