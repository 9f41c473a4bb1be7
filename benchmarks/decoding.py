"""How much processor time does it take to make models of a page?

Command: python -m benchmarks decoding

Setting: a page of 100 numbers, in both envelopes. Ours is `read_page` on a whole response, as a walk calls it; msgspec
decodes into the same classes, cattrs and pydantic into classes of their own with the same fields. Garbage collection
is on, and what was made before is left out of it. 31 rounds of 200 pages each.
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
from benchmarks._measure import MICROSECONDS, Answer, Finding, Line, Target, ratio, rotated, spread
from benchmarks.contenders import PAGE_SIZE, cattrs_loop, httpx_pydantic
from contactship_async import PhoneNumber, Response
from contactship_async._http.responses import read_page

PAGES_PER_ROUND = 200
OURS = "contactship_async"
MSGSPEC = "msgspec into the same classes"
PYDANTIC = "pydantic, model_validate_json"
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


def answer(quick: bool) -> Answer:  # noqa: FBT001 - see `Question`
    """Measure both envelopes."""
    rounds = 7 if quick else 31
    rows = [_rows.contactship(index) for index in range(PAGE_SIZE)]
    older = {"data": rows, "count": 10_000}
    newer = {"statusCode": 200, "data": rows, "pagination": {"total_rows": 10_000}}
    result = Answer()
    for envelope, content, decoders in (
        ("{data, count}", older, _decoders(OlderPage, cattrs_loop.Answer, httpx_pydantic.Answer)),
        ("{data, pagination}", newer, _decoders(NewerPage, CattrsNewerPage, PydanticNewerPage)),
    ):
        setting = f"decoding a page of 100, {envelope}"
        seconds = _time(decoders, json.dumps(content, separators=(",", ":")).encode(), rounds)
        medians = {name: MICROSECONDS(spread(values).median) for name, values in seconds.items()}
        result.lines.extend(Line(setting, name, spread(values), MICROSECONDS) for name, values in seconds.items())
        result.findings.append(
            Finding(
                setting,
                medians[OURS],
                f"{MSGSPEC}: {medians[MSGSPEC]}",
                ratio(seconds[OURS], seconds[MSGSPEC]),
                target=Target(1.15),
            )
        )
        result.findings.append(
            Finding(
                f"{setting}: times faster",
                medians[OURS],
                f"{PYDANTIC}: {medians[PYDANTIC]}",
                ratio(seconds[PYDANTIC], seconds[OURS]),
                target=Target(2, at_least=True),
            )
        )
    return result


def _decoders(same_classes: type[Any], cattrs_page: type[Any], pydantic_page: type[Any]) -> dict[str, Decode]:
    decoder = msgspec.json.Decoder(same_classes)
    return {
        OURS: lambda body: read_page(Response(status=200, body=body), PhoneNumber).rows,
        MSGSPEC: lambda body: decoder.decode(body).data,
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
