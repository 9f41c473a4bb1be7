"""Never run: mypy reads here what a type checker promises the users of the public surface."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Any, assert_type

import aiohttp

from contactship_async import (
    ContactshipClient,
    ContactshipPool,
    OrganizationError,
    OrganizationResult,
    Page,
    PhoneNumber,
    PhoneNumberType,
    PoolError,
    RateLimit,
    Request,
    Response,
    RetryPolicy,
    SortOrder,
    StatusError,
    Timeouts,
    Transport,
    WalkPosition,
)


async def fetch_key() -> str:
    """Stand in for a secret manager."""
    return "sk-test"


async def transport(request: Request) -> Response:
    """Stand in for HTTP."""
    return Response(status=200, headers={}, body=request.body or b"")


async def clients() -> None:
    """Clients take a key or a function, and settings by keyword."""
    ContactshipClient()
    ContactshipClient("sk-test", timeouts=Timeouts(total=None), retry=RetryPolicy(max_attempts=1))
    ContactshipClient(fetch_key, base_url="https://api.example.com", connector=aiohttp.TCPConnector())
    given: Transport = transport
    async with ContactshipClient("sk-test", transport=given) as client:
        assert_type(client, ContactshipClient)
    await client.close()
    ContactshipClient("sk-test", "https://api.example.com")  # type: ignore[call-arg] # settings are keywords
    ContactshipClient(5)  # type: ignore[arg-type] # a key is text


async def walks(client: ContactshipClient) -> None:
    """Walks are async generators of numbers or pages; options take enums and their texts."""
    numbers = client.iter_phone_numbers(type="inbound", order=SortOrder.ASC)
    assert_type(numbers, AsyncGenerator[PhoneNumber, None])
    async for number in numbers:
        assert_type(number, PhoneNumber)
        assert_type(number.id, str)
        assert_type(number.type, PhoneNumberType)
        assert_type(number.created_at, datetime)
    pages = client.iter_phone_number_pages(type=PhoneNumberType.OUTBOUND, order="desc", max_items=None)
    assert_type(pages, AsyncGenerator[Page[PhoneNumber], None])
    client.iter_phone_numbers(concurrency=16, exact=True)
    client.iter_phone_number_pages(concurrency=16, exact=True)
    client.iter_phone_numbers(type="both")  # type: ignore[arg-type] # a type that does not exist
    client.iter_phone_numbers(order="up")  # type: ignore[arg-type] # an order that does not exist


async def calls(client: ContactshipClient) -> None:
    """Single calls return typed values; any other endpoint returns whatever JSON it sends."""
    page = await client.list_phone_numbers(limit=5)
    assert_type(page, Page[PhoneNumber])
    assert_type([number.phone_number for number in page], list[str])
    assert_type(page.count, int | None)
    assert_type(page.next_offset, int | None)
    assert_type(await client.count_phone_numbers(), int)
    assert_type(await client.request("GET", "/v1/credits", params={"a": [1, 2], "b": None}), Any)


def errors(error: StatusError) -> None:
    """The facts of an error are typed."""
    assert_type(error.status, int)
    assert_type(error.body, bytes)
    assert_type(error.request_id, str | None)
    assert_type(error.retry_after, float | None)
    assert_type(error.position, WalkPosition | None)


async def pools(pool: ContactshipPool) -> None:
    """What a pool yields has the type of what its function yields or returns."""
    numbers = pool.iter(lambda client: client.iter_phone_numbers())
    assert_type(numbers, AsyncGenerator[tuple[str, PhoneNumber], None])
    async for result in pool.map(lambda client: client.count_phone_numbers()):
        assert_type(result, OrganizationResult[int])
        assert_type(result.value, int | None)
        assert_type(result.error, Exception | None)
    assert_type(pool["acme"].organization, str | None)
    ContactshipPool({"acme": "sk-test"}, rate_limit=RateLimit(120, 60), timeouts=Timeouts(total=None))
    ContactshipPool({"acme": "sk-test"}, unknown=5)  # type: ignore[call-arg] # no such setting
    ContactshipPool({"acme": 5})  # type: ignore[dict-item] # a key is text
    pool.iter(lambda client: client.count_phone_numbers())  # type: ignore[return-value, arg-type] # not an iterator
    try:
        await anext(numbers)
    except PoolError as error:
        assert_type(error.exceptions, tuple[OrganizationError, ...])
        assert_type(error.exceptions[0].organization, str)
