"""The log: one record for each attempt, with facts as attributes, and nothing secret or personal."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import pytest
from key_leaks import KEY, leaks

from contactship_async import (
    ConnectionFailedError,
    ContactshipClient,
    ContactshipPool,
    MalformedResponseError,
    Request,
    Response,
    RetryPolicy,
    ServerError,
)

FACTS = ("method", "path", "status", "error", "attempt", "organization")


def client_of(*responses: Response | Exception, **settings: Any) -> ContactshipClient:
    """Make a client that is given *responses*, and waits for nothing."""
    remaining = [*responses]

    async def transport(_: Request) -> Response:
        response = remaining.pop(0)
        if isinstance(response, Exception):
            raise response
        return response

    return ContactshipClient(KEY, transport=transport, retry=RetryPolicy(max_attempts=2, initial_delay=0), **settings)


def facts_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return what a record says besides times."""
    return {name: getattr(record, name) for name in FACTS}


def ours(records: Sequence[logging.LogRecord]) -> list[logging.LogRecord]:
    """Return the records of this package."""
    return [record for record in records if record.name == "contactship_async"]


async def test_attempts(caplog: pytest.LogCaptureFixture) -> None:
    """Each attempt has a record with its facts: at level INFO where it failed, otherwise DEBUG."""
    caplog.set_level(logging.DEBUG)
    await client_of(Response(status=503), Response(status=200, body=b"{}")).request("GET", "/v1/credits")

    first, second = ours(caplog.records)
    common = {"method": "GET", "path": "/v1/credits", "error": None, "organization": None}
    assert {**common, "status": 503, "attempt": 1} == facts_of(first)
    assert {**common, "status": 200, "attempt": 2} == facts_of(second)
    assert [logging.INFO, logging.DEBUG] == [first.levelno, second.levelno]
    assert all(0 <= record.__dict__[name] < 1 for record in (first, second) for name in ("elapsed", "wait"))
    assert "GET /v1/credits: 503 after 0.0" in first.getMessage()
    assert "(attempt 1, waited 0.0" in first.getMessage()


async def test_attempts_without_a_response(caplog: pytest.LogCaptureFixture) -> None:
    """An attempt that got no response has no status, but the class of its error."""
    caplog.set_level(logging.INFO)
    with pytest.raises(ConnectionFailedError):
        await client_of(ConnectionResetError(), ConnectionFailedError("x")).request("GET", "/v1/credits")

    assert ["ConnectionFailedError"] * 2 == [record.__dict__["error"] for record in ours(caplog.records)]
    assert [None] * 2 == [record.__dict__["status"] for record in ours(caplog.records)]


async def test_attempts_that_end_otherwise(caplog: pytest.LogCaptureFixture) -> None:
    """An attempt that is cancelled, or whose response is too large, has a record as well."""
    caplog.set_level(logging.INFO)

    async def cancelled(_: Request) -> Response:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await ContactshipClient(KEY, transport=cancelled).request("GET", "/v1/credits")
    with pytest.raises(MalformedResponseError):
        await client_of(MalformedResponseError(("too large",))).request("GET", "/v1/credits")

    assert ["CancelledError", "MalformedResponseError"] == [record.__dict__["error"] for record in ours(caplog.records)]


async def test_organization(caplog: pytest.LogCaptureFixture) -> None:
    """The records of a pool name the organization."""
    caplog.set_level(logging.DEBUG)

    async def transport(_: Request) -> Response:
        return Response(status=200, body=b"{}")

    async with ContactshipPool({"acme": KEY}, transport=transport) as pool:
        await pool["acme"].request("GET", "/v1/credits")

    assert ["acme"] == [record.__dict__["organization"] for record in ours(caplog.records)]


async def test_nothing_personal(caplog: pytest.LogCaptureFixture) -> None:
    """Neither key nor query nor body nor a number of the path is in any record."""
    caplog.set_level(logging.DEBUG)
    refusal = Response(status=500, headers={"x-request-id": KEY}, body=b"+12025550142 " + KEY.encode())
    client = client_of(refusal, refusal)
    with pytest.raises(ServerError):
        await client.request(
            "GET", "/v1/contacts/+12025550142", params={"email": "jane@example.com", "key": KEY}, json={"x": KEY}
        )

    shown = "\n".join(f"{record.getMessage()} {vars(record)}" for record in ours(caplog.records))
    assert "/v1/contacts/***" in shown
    assert [] == [word for word in ("2025550142", "jane", "email") if word in shown]
    assert [] == leaks(shown)


async def test_silence(caplog: pytest.LogCaptureFixture) -> None:
    """An application that configures nothing hears nothing: no record is at level WARNING or above."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ServerError):
        await client_of(*[Response(status=503)] * 2).request("GET", "/v1/credits")

    assert [] == [record for record in ours(caplog.records) if record.levelno >= logging.WARNING]
