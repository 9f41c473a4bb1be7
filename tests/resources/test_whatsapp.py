"""Messages over WhatsApp: what the contracts of all endpoints and of all starts do not say."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from called_resources import Recorder
from endpoints import PAGES
from starts import SENDS, TO, Start

from contactship_async import (
    AmbiguousOutcomeError,
    ContactshipClient,
    CursorListing,
    MalformedResponseError,
    PaginationError,
    RateLimitError,
    Response,
    RetryPolicy,
    Timeouts,
)
from contactship_async.models.messages import MessageStatus
from contactship_async.models.whatsapp import (
    ComponentType,
    FilledComponent,
    FilledPart,
    ParameterType,
    SentMessage,
    Template,
    TemplateCategory,
    TemplateComponent,
    TemplateParameter,
    TemplateStatus,
)
from contactship_async.sandbox import Sandbox, Status

Send = Callable[[ContactshipClient], Awaitable[SentMessage]]

SENT = b'{"success": true, "message": "Mensaje enviado", "data": {"message_id": "m-1", "status": "sent"}}'


async def body_of(send: Send) -> Any:
    """Return what is sent."""
    server = Recorder([Response(status=200, body=SENT)])
    async with server.client() as client:
        assert SentMessage("m-1", status=MessageStatus.SENT) == await send(client)
    [request] = server.requests
    return json.loads(request.body or b"")


async def refusal_of(send: Send) -> tuple[type[Exception], str]:
    """Return what refuses to send; nothing is sent."""
    server = Recorder([Response(status=200, body=SENT)])
    async with server.client() as client:
        with pytest.raises((TypeError, ValueError)) as caught:
            await send(client)
    assert [] == server.requests
    return type(caught.value), str(caught.value)


async def test_thread_in_place_of_channel_and_contact() -> None:
    """The documentation calls both required, and infers them from a thread: with it, each can be left out."""
    sends: list[Callable[[ContactshipClient, Mapping[str, Any]], Awaitable[SentMessage]]] = [
        lambda client, to: client.whatsapp.send_message(content="Hi", **to),
        lambda client, to: client.whatsapp.send_template(template_name="t", **to),
        lambda client, to: client.whatsapp.send_media(media_type="audio", media_data="YQ==", **to),
        lambda client, to: client.whatsapp.send_location(latitude=0, longitude=0, **to),
    ]
    allowed = [{"thread_id": "t"}, {**TO, "thread_id": "t"}, {"channel_id": "c", "thread_id": "t"}, {**TO}]
    pages = ("waba-send-message", "waba-send-template", "waba-send-media", "waba-send-location")
    for page, send in zip(pages, sends, strict=True):
        for to in allowed:
            body = await body_of(lambda client, send=send, to=to: send(client, to))  # type: ignore[misc]
            assert to == {name: value for name, value in body.items() if name.endswith("_id")}
        for to in ({}, {"channel_id": "c"}, {"contact_id": "c", "thread_id": None}):
            refusal = await refusal_of(lambda client, send=send, to=to: send(client, to))  # type: ignore[misc]
            told = f"channel_id and contact_id must both be given, or thread_id; see {PAGES}{page}"
            assert (ValueError, told) == refusal


async def test_filled_in_template() -> None:
    """Parts and parameters are sent as the API has them, without what is not given; unknown types as they are."""
    components = (
        FilledComponent("HEADER", (TemplateParameter(type="location"),)),
        FilledComponent(FilledPart.BODY, [TemplateParameter("Noor"), TemplateParameter("10", "time")]),
        FilledComponent("BUTTON"),
    )
    body = await body_of(
        lambda client: client.whatsapp.send_template(**TO, template_name="reminder", components=components)
    )

    assert body["components"] == [
        {"type": "HEADER", "parameters": [{"type": "location"}]},
        {
            "type": "BODY",
            "parameters": [
                {"type": "text", "text": "Noor"},
                {"type": "text", "text": "10", "parameter_name": "time"},
            ],
        },
        {"type": "BUTTON"},
    ]
    assert ParameterType.TEXT is TemplateParameter("Noor").type


@pytest.mark.parametrize(
    ("components", "error", "text"),
    [
        ("BODY", TypeError, "components must be a sequence"),
        (FilledComponent("BODY"), TypeError, "components must be a sequence"),
        ([{"type": "BODY"}], TypeError, "components[0] must be of type FilledComponent, not dict"),
        ([FilledComponent("FOOTER")], ValueError, "components[0].type must be 'BODY' or 'HEADER' or 'BUTTON'"),
        ([FilledComponent("BODY", "Noor")], TypeError, "components[0].parameters must be a sequence"),  # type: ignore[arg-type]
        (
            [FilledComponent("BODY"), FilledComponent("BODY", ["Noor"])],  # type: ignore[list-item]
            TypeError,
            "components[1].parameters[0] must be of type TemplateParameter, not str",
        ),
        ([FilledComponent("BODY", [TemplateParameter("")])], ValueError, "components[0].parameters[0].text must be"),
        ([FilledComponent("BODY", [TemplateParameter(5)])], TypeError, "components[0].parameters[0].text must be"),  # type: ignore[arg-type]
        ([FilledComponent("BODY", [TemplateParameter(type="")])], ValueError, "components[0].parameters[0].type must"),
    ],
)
async def test_wrong_components(components: Any, error: type[Exception], text: str) -> None:
    """What is wrong within a template is refused by its place."""
    kind, message = await refusal_of(
        lambda client: client.whatsapp.send_template(**TO, template_name="reminder", components=components)
    )

    assert error is kind
    assert message.startswith(text)


async def test_file() -> None:
    """A file is sent by its address, or itself: bytes become base64."""
    for data, expected in ((b"\xff\xfe", "//4="), ("//4=", "//4="), ("https://example.com/a", "https://example.com/a")):
        body = await body_of(
            lambda client, data=data: client.whatsapp.send_media(**TO, media_type="image", media_data=data)  # type: ignore[misc]
        )
        assert expected == body["media_data"]
    for empty in ("", b""):
        refusal = await refusal_of(
            lambda client, empty=empty: client.whatsapp.send_media(**TO, media_type="image", media_data=empty)  # type: ignore[misc]
        )
        assert (ValueError, f"media_data must not be empty; see {PAGES}waba-send-media") == refusal


@pytest.mark.parametrize(
    ("latitude", "longitude", "text"),
    [
        (90.001, 0, "latitude must be a number from -90 to 90"),
        (-91, 0, "latitude must be a number from -90 to 90"),
        (float("nan"), 0, "latitude must be a number from -90 to 90"),
        (0, 180.5, "longitude must be a number from -180 to 180"),
        (0, float("-inf"), "longitude must be a number from -180 to 180"),
        (True, 0, "latitude must be a number"),
    ],
)
async def test_places_that_are_not_on_earth(latitude: float, longitude: float, text: str) -> None:
    """A place has a latitude and a longitude in degrees; booleans are no numbers."""
    kind, message = await refusal_of(
        lambda client: client.whatsapp.send_location(**TO, latitude=latitude, longitude=longitude)
    )

    assert message.startswith(text)
    assert (kind is ValueError) == message.endswith(f"; see {PAGES}waba-send-location")
    body = await body_of(lambda client: client.whatsapp.send_location(**TO, latitude=-90, longitude=180.0))
    assert (-90, 180) == (body["latitude"], body["longitude"])


@pytest.mark.parametrize("start", SENDS.values(), ids=SENDS)
async def test_what_says_that_it_was_sent(start: Start) -> None:
    """One of its two ids says that a message was sent, whatever else comes; without, or by its word, it is unknown."""
    sent = {
        b'{"success": true, "data": {"message_id": null, "provider_id": "wamid.1"}}': SentMessage(None, "wamid.1"),
        b'{"message_id": "m-1", "provider_id": "wamid.1", "status": 7}': SentMessage("m-1", "wamid.1"),
        b'{"statusCode": 201, "data": {"message_id": "m-1", "thread_id": []}}': SentMessage("m-1"),
    }
    unknown = [
        b'{"success": true, "message": "Mensaje enviado", "data": {"thread_id": "t", "status": "sent"}}',
        b'{"success": true, "data": {"message_id": "", "provider_id": "wamid.1"}}',
        b'{"success": true, "message": "Mensaje enviado"}',
        b'{"success": false, "message": "No", "data": {"message_id": "m-1"}}',
        b'{"success": false, "message": "No", "data": null}',
    ]
    for body, expected in sent.items():
        async with Recorder([Response(status=200, body=body)]).client() as client:
            assert expected == await start.begin(client)
    for body in unknown:
        server = Recorder([Response(status=200, body=body)])
        async with server.client() as client:
            with pytest.raises(AmbiguousOutcomeError) as caught:
                await start.begin(client)
        assert isinstance(caught.value.__cause__, MalformedResponseError)
        assert (200, 1) == (caught.value.status, len(server.requests))


async def test_outage_of_meta() -> None:
    """A 502 in a sandbox is repeated, and one message is sent; a 429 is not waited for, and holds back nothing else."""
    sandbox = Sandbox()
    channel = sandbox.channels.add(status="active")
    to = {"channel_id": channel["id"], "contact_id": sandbox.contacts[0]["id"]}
    async with sandbox.client(retry=RetryPolicy(initial_delay=0), timeouts=Timeouts(total=20)) as client:
        sandbox.script(Status(502), Status(502), None, Status(429, retry_after=60))
        sent = await client.whatsapp.send_message(**to, content="Hi")
        with pytest.raises(RateLimitError):
            await client.whatsapp.send_message(**to, content="Hi")
        assert "Hi" == (await client.messages.get(sent.message_id or "")).content

    assert [502, 502, 200, 429, 200] == [request.status for request in sandbox.requests]
    assert [sent.message_id] == [message.message_id for message in sandbox.whatsapp.sent]


async def test_templates() -> None:
    """All templates of a channel come by cursor, typed; they are not counted."""
    sandbox = Sandbox()
    new = sandbox.templates.add(
        name="offer",
        language="en",
        category="MARKETING",
        status="PAUSED",
        components=[{"type": "BODY", "text": "Hi"}, {"type": "FOOTER", "text": "Bye"}],
    )
    async with sandbox.client() as client:
        listing = client.whatsapp.list_templates(sandbox.channels[0]["id"])
        templates = [template async for template in listing.rows(page_size=3)]
        with pytest.raises(PaginationError, match="sends no count"):
            await listing.count()

    assert isinstance(listing, CursorListing)
    assert [row["id"] for row in sandbox.templates] == [template.id for template in templates]
    assert ["3", "3", "3"] == [request.params["limit"] for request in sandbox.requests]
    expected = Template(
        new["id"],
        "offer",
        "en",
        TemplateStatus.PAUSED,
        TemplateCategory.MARKETING,
        (TemplateComponent(ComponentType.BODY, text="Hi"), TemplateComponent(ComponentType.FOOTER, text="Bye")),
    )
    assert expected == templates[0]


def test_wrong_channel() -> None:
    """A listing of templates needs a channel."""
    client = ContactshipClient("key")
    with pytest.raises(TypeError, match="channel_id must be a non-empty string"):
        client.whatsapp.list_templates(None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="channel_id must be a non-empty string"):
        client.whatsapp.list_templates("")
