"""Never run: mypy reads here what a type checker promises the users of the public surface."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, assert_type

import aiohttp

from contactship_async import (
    AmbiguousOutcomeError,
    Budget,
    ContactshipClient,
    ContactshipPool,
    Listing,
    OrganizationError,
    OrganizationResult,
    Page,
    PhoneNumber,
    PhoneNumberType,
    PoolError,
    Prefetch,
    RateLimit,
    Request,
    Response,
    RetryPolicy,
    SortOrder,
    StatusError,
    Timeouts,
    Transport,
    WalkPosition,
    WholeListing,
    read_organizations,
)
from contactship_async.models.calls import Call, LiveCall, PlacedCall, StoppedCall, TranscriptEntry
from contactship_async.models.contact_import import ContactInput, ImportedContact
from contactship_async.models.contacts import Contact, ContactField, PastCall
from contactship_async.models.tags import Tag
from contactship_async.webhooks import (
    FinishedCall,
    FollowUpClosed,
    InboundContext,
    read_finished_call,
    read_follow_up_closed,
    read_inbound_context,
    write_inbound_context,
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
    ContactshipClient(5)  # type: ignore[arg-type] # a key is a string


async def walks(client: ContactshipClient) -> None:
    """Walks are async generators of numbers or pages; options take enums and their strings."""
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
    async with client.tags.list().prefetch(concurrency=4) as ahead:
        assert_type(ahead, Prefetch[Tag])
        assert_type([row async for row in ahead], list[Tag])
        assert_type([page async for page in ahead.pages()], list[Page[Tag]])
    await client.tags.list().prefetch()  # type: ignore[misc] # it is used with `async with`


async def calls(client: ContactshipClient) -> None:
    """Single calls return typed values; any other endpoint returns whatever JSON it sends."""
    page = await client.list_phone_numbers(limit=5)
    assert_type(page, Page[PhoneNumber])
    assert_type([number.phone_number for number in page], list[str])
    assert_type(page.count, int | None)
    assert_type(page.next_offset, int | None)
    assert_type(await client.count_phone_numbers(), int)
    assert_type(await client.request("GET", "/v1/credits", params={"a": [1, 2], "b": None}), Any)


@dataclass
class Thread:
    """A row of the user's own."""

    id: str


async def listings(client: ContactshipClient, pool: ContactshipPool) -> None:
    """A listing knows the class of its rows, whatever is asked of it."""
    tags = client.tags.list(name="vip", order="asc")
    assert_type(tags, Listing[Tag])
    async for tag in tags:
        assert_type(tag, Tag)
        assert_type(tag.created_at, datetime | None)
    assert_type(tags.rows(concurrency=8, exact=True), AsyncGenerator[Tag, None])
    assert_type(tags.pages(page_size=500), AsyncGenerator[Page[Tag], None])
    assert_type(await tags.page(limit=20, offset=40), Page[Tag])
    assert_type(await tags.count(), int)
    assert_type(client.phone_numbers.list(type="inbound"), Listing[PhoneNumber])
    assert_type(client.list("/v1/threads"), Listing[dict[str, Any]])
    assert_type(client.list("/v1/threads", Thread, params={"status": "open"}), Listing[Thread])
    assert_type(pool.iter(lambda client: client.tags.list()), AsyncGenerator[tuple[str, Tag], None])
    assert_type(client.calls.list(call_status="completed", date_from=date(2026, 5, 4)), Listing[Call])
    client.calls.list(call_status="ended")  # type: ignore[arg-type] # the word of another endpoint
    client.tags.list(color="red")  # type: ignore[call-arg] # no such filter
    tags.rows(limit=5)  # type: ignore[call-arg] # no such option


async def resources(client: ContactshipClient) -> None:
    """Objects are models; in an update, not given is something else than None."""
    tag = await client.tags.create(name="vip", color="#1A73E8")
    assert_type(tag, Tag)
    assert_type(tag.to_dict(), dict[str, Any])
    assert_type(await client.tags.update(tag.id, label=None), Tag)
    assert_type((await client.credits.get()).credits, float | None)
    call = await client.calls.get("c-1", include_words=True)
    assert_type(call, Call)
    assert_type(call.chat_history, tuple[TranscriptEntry, ...] | str | None)
    assert_type(await client.calls.wait(call.id), LiveCall)
    assert_type(await client.calls.stop(call.id), StoppedCall)
    assert_type(await client.calls.download_recording(call, Path("call.wav")), int)
    contact = await client.contacts.create(
        phone_number="+14155550137",
        full_name="Noor Haddad",
        country=None,
        additional_data=[ContactField("text", "segment", "retail")],
    )
    assert_type(contact, Contact)
    assert_type(
        await client.contacts.update(contact.id, email=None, additional_data=contact.additional_data or ()), Contact
    )
    assert_type(await client.contacts.get("+14155550137", identifier_type="phone_number"), Contact)
    assert_type(client.contacts.list_tags(contact.id), WholeListing[Tag])
    history = (await client.contacts.get_call_history(contact.id)).call_history
    assert_type(None if history is None else history.calls, tuple[PastCall, ...] | None)
    await client.contacts.update(contact.id, full_name=None)  # type: ignore[arg-type] # a contact always has a name
    await client.contacts.create(phone_number="+1", full_name="Noor")  # type: ignore[call-arg] # None leaves it out
    await client.tags.update(tag.id, name=None)  # type: ignore[arg-type] # a tag always has a name
    await client.tags.create(name="vip")  # type: ignore[call-arg] # a tag always has a color


async def starts(client: ContactshipClient, error: AmbiguousOutcomeError) -> None:
    """A call is started with times, not with texts; what is unknown of it is typed."""
    placed = await client.calls.make_phone_call(
        from_number="+12025550142",
        to_number="+14155550137",
        full_name="Noor Haddad",
        agent_id="agent-1",
        delay=timedelta(minutes=2),
        additional_data={"order_no": "A-1881"},
    )
    assert_type(placed, PlacedCall)
    assert_type(placed.call_id, str)
    await client.calls.make_contact_call(
        contact_id="ct-1",
        agent_id="agent-1",
        from_number_id="pn-1",
        schedule="2126-07-02 16:45:00",  # type: ignore[arg-type] # it would have no time zone
    )
    assert_type(error.sent_at, datetime)
    assert_type(error.status, int | None)
    assert_type(await client.calls.find_recent(to_number="+14155550137", since=error.sent_at), tuple[Call, ...])


async def imports(client: ContactshipClient, people: AsyncIterator[ContactInput]) -> None:
    """Contacts come from an iterator of either kind, and each has a typed end."""
    results = client.contacts.import_from(people, concurrency=4)
    assert_type(results, AsyncGenerator[ImportedContact, None])
    async for result in results:
        assert_type(result.place, int)
        assert_type(result.outcome, Literal["created", "updated", "unchanged", "failed"])
        assert_type(result.contact_id, str | None)
        assert_type(result.error, Exception | None)
    client.contacts.import_from([ContactInput(phone_number="+12025550142", full_name="Noor Haddad", country=None)])
    client.contacts.import_from([{"phone_number": "+12025550142"}])  # type: ignore[list-item] # no values that are checked
    ContactInput("+12025550142", "Noor Haddad")  # type: ignore[call-arg] # by name


def webhooks(body: bytes) -> None:
    """Bodies of webhooks are models."""
    finished = read_finished_call(body)
    assert_type(finished, FinishedCall)
    assert_type(finished.delivery_key, str)
    if finished.call is not None:
        assert_type(finished.call.duration, float | None)
        assert_type(finished.call.start_timestamp, datetime | None)
    assert_type(read_inbound_context(body), InboundContext)
    assert_type(read_follow_up_closed(body), FollowUpClosed)
    assert_type(write_inbound_context({"balance": 12.5, "vip": True, "note": None}), bytes)
    write_inbound_context({"orders": [1]})  # type: ignore[dict-item] # it is flat


def errors(error: StatusError) -> None:
    """The facts of an error are typed."""
    assert_type(error.status, int)
    assert_type(error.body, bytes)
    assert_type(error.request_id, str | None)
    assert_type(error.headers, Mapping[str, str])
    assert_type(error.retry_after, float | None)
    assert_type(error.position, WalkPosition | None)


async def raw_calls(client: ContactshipClient) -> None:
    """All that comes back of a call is typed, and options make a client like any other."""
    response = await client.send("POST", "/v1/x", content=b"a", headers={"Content-Type": "text/csv", "X-A": None})
    assert_type(response, Response)
    assert_type(response.body, bytes)
    assert_type(response.headers, Mapping[str, str])
    assert_type(response.request_id, str | None)
    assert_type(client.with_options(headers={"X-A": None}), ContactshipClient)
    assert_type(client.budget, Budget | None)
    await client.send("POST", "/v1/x", content="a")  # type: ignore[arg-type] # no text
    ContactshipClient(headers={"X-A": None})  # type: ignore[dict-item] # nothing to take away from


async def pools(pool: ContactshipPool) -> None:
    """What a pool yields has the type of what its function yields or returns."""
    numbers = pool.iter(lambda client: client.iter_phone_numbers())
    assert_type(numbers, AsyncGenerator[tuple[str, PhoneNumber], None])
    assert_type(read_organizations("organizations.toml"), dict[str, str])
    async for result in pool.map(lambda client: client.count_phone_numbers()):
        assert_type(result, OrganizationResult[int])
        assert_type(result.value, int | None)
        assert_type(result.error, Exception | None)
    assert_type(pool["acme"].organization, str | None)
    ContactshipPool({"acme": "sk-test"}, rate_limit=RateLimit(120, 60), timeouts=Timeouts(total=None))
    ContactshipPool({"acme": "sk-test"}, unknown=5)  # type: ignore[call-arg] # no such setting
    ContactshipPool({"acme": 5})  # type: ignore[dict-item] # a key is a string
    pool.iter(lambda client: client.count_phone_numbers())  # type: ignore[return-value, arg-type] # not an iterator
    try:
        await anext(numbers)
    except PoolError as error:
        assert_type(error.exceptions, tuple[OrganizationError, ...])
        assert_type(error.exceptions[0].organization, str)
