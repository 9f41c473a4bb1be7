"""What the table of hostile servers is made of: their responses, what is asked of them, and what must come of it."""

from __future__ import annotations

import asyncio
import logging
import time
import tracemalloc
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import pytest
from attrs import field, frozen
from key_leaks import KEY, leaks, shown_by
from raw_server import Act, RawServer

from contactship_async import (
    ContactshipClient,
    ContactshipError,
    MalformedResponseError,
    RequestTimeoutError,
    RetryPolicy,
    Timeouts,
)

LIMIT: Final = 0.2  # in less, a busy machine does not always send a request
TOLERANCE: Final = 0.9
ONCE: Final = RetryPolicy(max_attempts=1)
ATTEMPT: Final = {"timeouts": Timeouts(connect=None, attempt=LIMIT), "retry": ONCE}
TOTAL: Final = {"timeouts": Timeouts(connect=None, attempt=None, total=LIMIT)}

PERSONAL: Final = ("2025550", "Jane", "jane", "hidden", "req-77")
"""What stands in requests and responses, and in no text of an error or log."""

_PATH: Final = "/v1/contacts/+12025550199/calls"

Content: TypeAlias = Any
Acts: TypeAlias = Act | tuple[Act, ...]
Call: TypeAlias = Callable[[ContactshipClient], Awaitable[Content]]


def call(method: str, path: str = _PATH, **arguments: Any) -> Call:
    """Make a call of any endpoint."""
    return lambda client: client.request(method, path, **arguments)


async def _list(client: ContactshipClient) -> list[str]:
    return [number.id for number in await client.list_phone_numbers()]


async def _count(client: ContactshipClient) -> int:
    return await client.count_phone_numbers()


async def _get_balance(client: ContactshipClient) -> float | None:
    return (await client.credits.get()).credits


async def idle(_: ContactshipClient) -> None:
    """Call nothing until the server has ended its act."""


def walk(*, ahead: bool = False, **settings: Any) -> Call:
    """Make a walk in small pages, fetched *ahead* or not, whose error must say how many rows came before it."""

    async def ids_of(client: ContactshipClient) -> list[str]:
        came: list[str] = []
        options = {"page_size": 5, **settings}
        try:
            if ahead:
                async with client.phone_numbers.list().prefetch(**options) as rows:
                    async for number in rows:
                        came.append(number.id)  # noqa: PERF401 - keeps those that come before an error
            else:
                async for number in client.iter_phone_numbers(**options):
                    came.append(number.id)  # noqa: PERF401 - as above
        except ContactshipError as error:
            yielded = getattr(error.position, "yielded", None)
            if (len(came), len(came)) != (len({*came}), yielded):
                message = f"{len(came)} rows came, {len({*came})} of them different, and the error says {yielded}"
                raise AssertionError(message) from error
            raise
        return came

    return ids_of


WRITES: Final = ("POST", "PATCH", "PUT", "DELETE")
METHODS: Final = ("GET", "HEAD", *WRITES)
CALLS: Final[Mapping[str, Call]] = {
    "GET": call("GET"),
    "HEAD": call("HEAD"),
    **{name: call(name, json={"to": "+12025550142", "name": "Jane", "note": "hidden"}) for name in WRITES},
    "COUNT": _count,
    "BALANCE": _get_balance,  # an object
    "LIST": _list,  # the ids of one page
    "WALK": walk(),  # the ids of all
    "IDLE": idle,
}


def fetched(suffix: str) -> Callable[[], Awaitable[str]]:
    """Make a source of keys that returns the right one with *suffix*."""

    async def fetch() -> str:
        return KEY + suffix

    return fetch


@frozen(kw_only=True)
class Case:
    """One line of the table.

    Args:
        name: What the server does.
        script: Its acts, one for each request; the last one is played from then on.
        calls: What is asked of the client, one after the other.
        expected: What comes of each: an exact class of error, or what is returned.
        requests: How many the server must have seen, or how many at least and at the most.
        settings: Of the client, if other than three attempts without a delay.
        in_text: What the last error's text holds.
        came: How many rows of a walk came before the error.
        listens: Whether the server reads requests; if not, connections are counted.
        seconds: How long all calls may take.
        max_mebibytes: How much memory they may take, where that is in danger.
        in_sample: Whether it is run without `--volume`, too.
    """

    name: str
    script: tuple[Act, ...] = field(repr=False)
    calls: Sequence[Call] = field(repr=False)
    expected: Sequence[object]
    requests: int | tuple[int, int]
    settings: Mapping[str, Any] = field(repr=False)
    in_text: str
    came: int
    listens: bool
    seconds: float
    max_mebibytes: float | None
    in_sample: bool


def case(  # noqa: PLR0913, PLR0917 - the columns of a table, most of them by position
    name: str,
    script: Acts,
    calls: str | Call,
    expected: object,
    requests: int | tuple[int, int] = 1,
    settings: Mapping[str, Any] = MappingProxyType({}),
    *,
    in_text: str = "",
    came: int = 0,
    listens: bool = True,
    seconds: float = 10.0,
    max_mebibytes: float | None = None,
    in_sample: bool = True,
) -> Case:
    """Make a case; *calls* are names of `CALLS`, and where they are several, *expected* is a tuple."""
    each = [CALLS[call_name] for call_name in calls.split()] if isinstance(calls, str) else [calls]
    return Case(
        name=name,
        script=script if isinstance(script, tuple) else (script,),
        calls=each,
        expected=list(expected) if len(each) > 1 and isinstance(expected, tuple) else [expected],
        requests=requests,
        settings=settings,
        in_text=in_text,
        came=came,
        listens=listens,
        seconds=seconds,
        max_mebibytes=max_mebibytes,
        in_sample=in_sample,
    )


def cases(
    acts: Mapping[str, Acts], expected: Mapping[str, object], *columns: Any, one_act_in: int = 1, **named: Any
) -> list[Case]:
    """Make a case of each of *acts* and each of the calls; the other columns are the same for all.

    The sample has each act, or *one_act_in* so many where they are slow, and each call; and no more of their pairs than
    that takes.
    """
    fewer = min(len(acts), len(expected))
    return [
        case(
            f"{name}, {calls}",
            act,
            calls,
            outcome,
            *columns,
            **named,
            in_sample=row % one_act_in == 0 and row // one_act_in % fewer == column % fewer,
        )
        for row, (name, act) in enumerate(acts.items())
        for column, (calls, outcome) in enumerate(expected.items())
    ]


def each_of(sections: Mapping[str, Sequence[Case]]) -> pytest.MarkDecorator:
    """Give each case of a table to a test."""
    names = [f"{name}: {case.name}" for name, section in sections.items() for case in section]
    assert [] == [name for name, times in Counter(names).items() if times > 1]
    marked = [
        pytest.param(case, marks=[] if case.in_sample else [pytest.mark.volume])
        for case in chain.from_iterable(sections.values())
    ]
    return pytest.mark.parametrize("case", marked, ids=names)


async def try_out(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    """Make the calls of *case*; all must come as expected, in time, and nothing secret may be revealed."""
    caplog.set_level(logging.DEBUG)
    outcomes: list[object] = []
    least, most = (case.requests, case.requests) if isinstance(case.requests, int) else case.requests
    async with RawServer() as sink, RawServer(*case.script, listens=case.listens, elsewhere=sink.url) as server:
        client = server.client(**{"api_key": KEY, **case.settings})
        began = time.monotonic()
        with _memory_bounded(case.max_mebibytes), suppress(TimeoutError):
            async with asyncio.timeout(case.seconds):
                for each in case.calls:
                    if each is idle:
                        await server.is_at_rest()
                    outcomes.append(await _outcome(each, client))
        seconds = time.monotonic() - began
        await client.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(case.seconds):
                await server.is_asked(least)

    assert case.expected == [type(each) if isinstance(each, BaseException) else each for each in outcomes]
    assert seconds < case.seconds
    assert least <= (len(server.requests) if case.listens else server.connections) <= most
    assert 0 == sink.connections
    for got in server.requests:
        assert KEY == got.headers["x-api-key"]
        assert {"cookie", "authorization", "proxy-authorization", "referer", "x-injected"}.isdisjoint(got.headers)
    errors = [each for each in outcomes if isinstance(each, BaseException)]
    for error in errors:
        assert [] == leaks(shown_by(error) if isinstance(error, ContactshipError) else repr(error))
        assert [] == personal(f"{error} {error!r} {error.args} {getattr(error, '__notes__', '')}")
        assert not isinstance(error, ContactshipError) or (None, None) == (error.__cause__, error.__context__)
        assert not isinstance(error, MalformedResponseError) or [] == personal("".join(error.issues))
        if isinstance(error, RequestTimeoutError) and len(case.calls) == 1:
            assert seconds >= 0.9 * getattr(case.settings["timeouts"], error.limit)
    assert [] == leaks(caplog.text) + personal(caplog.text)
    last = errors[-1] if errors else None
    assert case.in_text in str(last)
    assert case.came == getattr(getattr(last, "position", None), "yielded", 0)


def personal(text: str) -> list[str]:
    """Return which of the personal and hidden words *text* holds."""
    return [word for word in PERSONAL if word in text]


async def _outcome(call: Call, client: ContactshipClient) -> object:
    """Return what comes of a call; no frame of an error's traceback is above this one."""
    try:
        return await call(client)
    except Exception as error:  # noqa: BLE001 - its class is compared with the one expected
        return error


@contextmanager
def _memory_bounded(max_mebibytes: float | None) -> Iterator[None]:
    if max_mebibytes is None:
        yield
        return
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < max_mebibytes * 2**20
