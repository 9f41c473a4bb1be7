"""How much processor time does it take to make models of a page?

Command: python -m benchmarks decoding

Setting: a page of 100 phone numbers, in both envelopes, and one of 100 calls. Ours is `read_page` on a whole response,
as a walk calls it; msgspec decodes into equal classes, for calls without the renamed field and from JSON with its
Python name; cattrs and pydantic decode into classes of their own with the same fields. Garbage collection is on, and
what was made before is left out of it. 31 rounds of 200 pages each, of which the quieter half counts.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pydantic
from attrs import frozen

from benchmarks import _rows
from benchmarks._calls import EqualCall
from benchmarks._measure import MICROSECONDS, Answer, Line, quieter_half, ratio, rotated, spread
from benchmarks._other_calls import PydanticCall
from benchmarks._targets import MSGSPEC, PYDANTIC, judged
from benchmarks.contenders import PAGE_SIZE, cattrs_loop, httpx_pydantic
from contactship_async import PhoneNumber, Response
from contactship_async._http.responses import read_page
from contactship_async.models.calls import Call

PAGES_PER_ROUND = 200
OURS = "contactship_async"
CATTRS = "json + cattrs"

Decode = Callable[[bytes], list[Any]]


@frozen
class OlderPage:
    """`{"data": [...], "count": 8}`."""

    data: list[PhoneNumber]
    count: int


@frozen
class Pagination:
    """Where the newer envelope has its count."""

    total_rows: int


@frozen
class NewerPage:
    """`{"statusCode": 200, "data": [...], "pagination": {"total_rows": 8}}`."""

    data: list[PhoneNumber]
    pagination: Pagination


@frozen
class CattrsNewerPage:
    """The same for cattrs."""

    data: list[cattrs_loop.Number]
    pagination: Pagination


class PydanticPagination(pydantic.BaseModel):
    """The same for pydantic."""

    total_rows: int


class PydanticNewerPage(pydantic.BaseModel):
    """The same for pydantic."""

    data: list[httpx_pydantic.Number]
    pagination: PydanticPagination


@frozen
class CallPage:
    """The newer envelope around calls."""

    data: list[EqualCall]
    pagination: Pagination


class PydanticCallPage(pydantic.BaseModel):
    """The newer envelope around calls, for pydantic."""

    data: list[PydanticCall]
    pagination: PydanticPagination


def answer(quick: bool) -> Answer:  # noqa: FBT001 - see `Question`
    """Measure phone numbers in both envelopes, and calls in the newer one."""
    rounds = 7 if quick else 31
    numbers = [_rows.contactship(index) for index in range(PAGE_SIZE)]
    calls = [_rows.contactship_call(index) for index in range(PAGE_SIZE)]
    pagination = {"pagination": {"total_rows": 10_000}}
    older = _encode({"data": numbers, "count": 10_000})
    newer = _encode({"statusCode": 200, "data": numbers} | pagination)
    of_calls = _encode({"statusCode": 200, "data": calls} | pagination)
    not_renamed = [_rows.contactship_call(index, from_name="from_number") for index in range(PAGE_SIZE)]
    result = Answer()
    for envelope, body, pages in (
        ("{data, count}", older, (OlderPage, cattrs_loop.Answer, httpx_pydantic.Answer)),
        ("{data, pagination}", newer, (NewerPage, CattrsNewerPage, PydanticNewerPage)),
    ):
        _compare(result, f"phone numbers, {envelope}", _time(_decoders(PhoneNumber, *pages), body, rounds))
    equal_body = _encode({"statusCode": 200, "data": not_renamed} | pagination)
    decoders = _decoders(Call, CallPage, CallPage, PydanticCallPage, equal_body)
    _compare(result, "calls, a field renamed", _time(decoders, of_calls, rounds))
    return result


def _encode(content: dict[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def _compare(result: Answer, setting: str, seconds: dict[str, list[float]]) -> None:
    result.lines.extend(Line(setting, name, spread(values), MICROSECONDS) for name, values in seconds.items())
    for name in (MSGSPEC, PYDANTIC):
        mine, theirs = quieter_half(seconds[OURS], seconds[name])
        question, times = (
            (setting, ratio(mine, theirs)) if name == MSGSPEC else (f"{setting}: times faster", ratio(theirs, mine))
        )
        against = f"{name}: {MICROSECONDS(spread(theirs).median)}"
        result.findings.append(judged(question, MICROSECONDS(spread(mine).median), against, times))


def _decoders(
    row_type: type[Any],
    equal_classes: type[Any],
    cattrs_page: type[Any],
    pydantic_page: type[Any],
    equal_body: bytes | None = None,
) -> dict[str, Decode]:
    decoder = msgspec.json.Decoder(equal_classes)
    return {
        OURS: lambda body: read_page(Response(status=200, body=body), row_type).rows,
        MSGSPEC: lambda body: decoder.decode(equal_body or body).data,
        PYDANTIC: lambda body: pydantic_page.model_validate_json(body).data,
        CATTRS: lambda body: cattrs_loop.converter.structure(json.loads(body), cattrs_page).data,
    }


def _time(decoders: dict[str, Decode], body: bytes, rounds: int) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in decoders}
    for turn, names in enumerate(rotated(rounds + 1, list(decoders))):
        for name in names:
            decode = decoders[name]
            rows = decode(body)
            if [row.id for row in rows] != [_rows.row_id(index) for index in range(PAGE_SIZE)]:
                message = f"{name} decodes other rows than those of the page"
                raise RuntimeError(message)
            gc.collect()
            gc.freeze()
            start = time.process_time()
            for _ in range(PAGES_PER_ROUND):
                decode(body)
            duration = time.process_time() - start
            gc.unfreeze()
            if turn > 0:
                seconds[name].append(duration / PAGES_PER_ROUND)
    return seconds
