"""twilio: its own pager over its own incoming phone numbers, with its asynchronous HTTP client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from benchmarks.contenders import PAGE_SIZE, Fields, Walk


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Walk]:
    """Open a client."""
    async with AsyncTwilioHttpClient() as http_client:
        client = Client("AC1", "made-up", http_client=http_client)
        # It has no setting for another server; of all that is on the way to a URL, only this attribute is replaced.
        client.api.base_url = url

        async def walk() -> list[Fields]:
            return [
                (number.sid, number.phone_number, number.type, number.date_created)
                async for number in await client.incoming_phone_numbers.stream_async(page_size=PAGE_SIZE)
            ]

        yield walk
