"""WhatsApp in the sandbox: what is sent appears in threads and messages, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from contactship_async._http.messages import Response
from contactship_async.models.events import Event, EventIdentity
from contactship_async.sandbox import OutgoingMessage, Sandbox, SandboxPool

Ask = Callable[..., Awaitable[Response]]

SEND = "/v1/waba/send"
TEMPLATE = "/v1/waba/send-template"
MEDIA = "/v1/waba/send-media"
LOCATION = "/api/integrations/waba/send-location"
TEMPLATES = "/v1/waba/templates"
SENDS: Mapping[str, Mapping[str, Any]] = {
    SEND: {"content": "Hi"},
    TEMPLATE: {"template_name": "reminder"},
    MEDIA: {"media_type": "image", "media_data": "https://example.com/a.png"},
    LOCATION: {"latitude": 40.4, "longitude": -3.7},
}


def read(response: Response) -> tuple[int, Any]:
    """Return the status of a response, and its JSON."""
    return response.status, json.loads(response.body)


def refusal(status: int, message: str) -> tuple[int, dict[str, object]]:
    """Return what an error is read as."""
    return status, {"statusCode": status, "message": message}


def whom(sandbox: Sandbox) -> dict[str, Any]:
    """Return an active channel of WhatsApp, and a contact."""
    channel = next(row for row in sandbox.channels if row["status"] == "active")
    return {"channel_id": channel["id"], "contact_id": sandbox.contacts[0]["id"]}


@pytest.mark.parametrize("envelope", ["count", "pagination"])
async def test_sends(ask: Ask, envelope: Any) -> None:
    """Each send is kept as it would have gone out, in one thread for contact and channel, in an envelope of its own."""
    sandbox = Sandbox(envelope=envelope)
    to = whom(sandbox)
    bodies = {
        SEND: {**to, "content": "Hi", "unknown": 1},
        TEMPLATE: {
            **to,
            "template_name": "reminder",
            "language_code": "es",
            "components": [
                {"type": "HEADER"},
                {"type": "BODY", "parameters": [{"type": "text", "text": "Noor"}, {"type": "image"}]},
            ],
        },
        MEDIA: {**to, "media_type": "audio", "media_data": "//4=", "content": "Listen", "file_name": "a.ogg"},
        LOCATION: {**to, "latitude": 40.4, "longitude": -3, "name": "Puerta del Sol", "address": "Madrid"},
    }
    replies = [read(await ask(sandbox, "POST", path, body)) for path, body in bodies.items()]

    assert [(200, True, "Enviado correctamente")] * 4 == [
        (status, reply["success"], reply["message"]) for status, reply in replies
    ]
    data = [reply["data"] for _, reply in replies]
    assert [{"status"}, set(), {"media_url"}, {"status"}] == [
        {*each} - {"message_id", "provider_id", "thread_id"} for each in data
    ]
    [thread] = sandbox.threads
    assert {thread["id"]} == {each["thread_id"] for each in data}
    assert {**to, "status": "open", "assignee": None, "channel_type": "WABA"}.items() <= thread.items()
    contents = ["Hi", "Hola Noor, le recordamos su cita a las .", "Listen", "Puerta del Sol\nMadrid\n40.4, -3"]
    types = ["text", "template", "audio", "location"]
    assert [
        OutgoingMessage(type=kind, content=content, body=body, **to, **{key: ids[key] for key in [*ids][:3]})
        for kind, content, body, ids in zip(types, contents, bodies.values(), data, strict=True)
    ] == sandbox.whatsapp.sent
    assert "unknown" not in repr(sandbox.whatsapp.sent)
    messages = sandbox.messages[::-1]
    assert [each["message_id"] for each in data] == [message["id"] for message in messages]
    assert [*zip(types, contents, strict=True)] == [(message["type"], message["content"]) for message in messages]
    assert [None, None, {"url": data[2]["media_url"], "file_name": "a.ogg"}, None] == [
        message["media"] for message in messages
    ]
    assert data[2]["media_url"].startswith("https://media.example/")


async def test_message_and_thread_of_a_send(ask: Ask) -> None:
    """Both are there by their ids, as documented, and a thread changes with its messages and by an update."""
    sandbox = Sandbox()
    ids = read(await ask(sandbox, "POST", SEND, {**whom(sandbox), "content": "Hi"}))[1]["data"]
    began = sandbox.threads[0]
    sandbox.clock.advance(60)
    await ask(sandbox, "POST", SEND, {"thread_id": ids["thread_id"], "content": "Hi again"})

    thread = read(await ask(sandbox, "GET", f"/v1/thread/{ids['thread_id']}"))[1]
    assert {**began, "updated_at": thread["updated_at"]} == thread
    assert began["updated_at"] == began["created_at"] < thread["updated_at"]
    message = read(await ask(sandbox, "GET", f"/v1/messages/{ids['message_id']}"))[1]
    assert {"content": "Hi", "role": "human", "source": "webapp", "status": "sent", "sender_id": None}.items() <= (
        message.items()
    )
    assert [*message] == [
        *("id", "thread_id", "role", "type", "content", "media", "from", "source", "status", "sender_id", "created_at"),
    ]
    change = {"assignee": "user-1", "assignee_type": "user", "status": "closed"}
    updated = read(await ask(sandbox, "PUT", f"/v1/thread/{ids['thread_id']}", change))[1]
    assert change.items() <= updated.items()
    assert "created_at" not in updated
    left = read(await ask(sandbox, "PUT", f"/v1/thread/{ids['thread_id']}", {"assignee": None}))[1]
    assert (None, None, "closed") == (left["assignee"], left["assignee_type"], left["status"])
    assert refusal(400, "assignee_type is required with assignee") == read(
        await ask(sandbox, "PUT", f"/v1/thread/{ids['thread_id']}", {"assignee": "user-1"})
    )


async def test_message_that_is_not_saved(ask: Ask) -> None:
    """It is sent in its thread, but has no id, and is in no list of messages."""
    sandbox = Sandbox()
    body = {**whom(sandbox), **SENDS[MEDIA], "save_message": False}
    data = read(await ask(sandbox, "POST", MEDIA, body))[1]["data"]

    assert (None, "https://example.com/a.png") == (data["message_id"], data["media_url"])
    assert ([], 1, 1) == (sandbox.messages.rows, len(sandbox.threads), len(sandbox.whatsapp.sent))


@pytest.mark.parametrize(("path", "unknown_channel"), [(SEND, 404), (TEMPLATE, 400), (MEDIA, 400), (LOCATION, 403)])
async def test_refused(ask: Ask, path: str, unknown_channel: int) -> None:
    """Contacts, threads and channels that are unknown, removed, or not to be used are refused; nothing is sent."""
    sandbox = Sandbox()
    to, content = whom(sandbox), SENDS[path]
    inactive = next(row["id"] for row in sandbox.channels if row["status"] == "inactive")
    other = sandbox.channels.add(type="INSTAGRAM", status="active")["id"]
    gone = sandbox.contacts[1]["id"]
    sandbox.contacts.remove(gone)
    unreachable = sandbox.contacts.insert({"email": "noor@example.com"})["id"]
    thread = {"thread_id": sandbox.threads.add(contact_id=gone)["id"]}
    not_usable = "channel_id must be an active channel of WhatsApp"
    expected: list[tuple[dict[str, Any], int, str]] = [
        ({**to, "contact_id": "lost"}, 404, "There is no such contact"),
        ({**to, "contact_id": gone}, 404, "There is no such contact"),
        ({**to, "contact_id": unreachable}, 400, "contact_id must be of a contact that has a phone number"),
        ({**to, "channel_id": "lost"}, unknown_channel, "There is no such channel"),
        ({**to, "channel_id": inactive}, 400, not_usable),
        ({**to, "channel_id": other}, 400, not_usable),
        ({"thread_id": "lost"}, 404, "There is no such thread"),
        ({**thread, "contact_id": to["contact_id"]}, 400, "contact_id must be that of the thread"),
        ({"contact_id": gone}, 400, "channel_id is required"),
        ({"channel_id": to["channel_id"]}, 400, "contact_id is required"),
    ]
    for whom_to, status, message in expected:
        assert refusal(status, message) == read(await ask(sandbox, "POST", path, {**content, **whom_to}))

    assert ([], [], 1) == (sandbox.whatsapp.sent, sandbox.messages.rows, len(sandbox.threads))


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        (TEMPLATE, {"template_name": "lost"}, "template_name must be an approved template in this language_code"),
        (TEMPLATE, {"template_name": "reminder", "language_code": "en"}, "template_name must be an approved template"),
        (TEMPLATE, {"template_name": "receipt_2"}, "template_name must be an approved template"),
        (TEMPLATE, {"template_name": "reminder", "components": [{"type": "FOOTER"}]}, "components must be an array"),
        (MEDIA, {"media_type": "image", "media_data": "not base64"}, "media_data must be a URL or base64"),
        (MEDIA, {"media_type": "image", "media_data": "ü"}, "media_data must be a URL or base64"),
        (MEDIA, {"media_type": "song", "media_data": "//4="}, "media_type must be one of: image, video"),
        (LOCATION, {"latitude": 90.5, "longitude": 0}, "latitude must be a number from -90 to 90"),
        (LOCATION, {"latitude": True, "longitude": 0}, "latitude must be a number from -90 to 90"),
        (SEND, {"content": ""}, "content must be a non-empty string"),
        (SEND, {}, "content is required"),
    ],
)
async def test_refused_content(ask: Ask, path: str, body: dict[str, Any], message: str) -> None:
    """What can't be sent is refused, and leaves neither a message nor a thread."""
    sandbox = Sandbox()
    status, reply = read(await ask(sandbox, "POST", path, {**whom(sandbox), **body}))

    assert 400 == status
    assert reply["message"].startswith(message)
    assert ([], [], []) == (sandbox.whatsapp.sent, sandbox.messages.rows, sandbox.threads.rows)


async def test_templates(ask: Ask) -> None:
    """Templates come by cursor for a channel that there is; two of those made up are not approved."""
    sandbox = Sandbox()
    channel_id = sandbox.channels[0]["id"]
    rows = sandbox.templates.rows

    assert rows == Sandbox(0).templates.rows
    assert ["REJECTED", "PENDING", *["APPROVED"] * 4] == [row["status"] for row in rows]
    assert {("id", "name", "language", "status", "category", "components")} == {tuple(row) for row in rows}
    first = read(await ask(sandbox, "GET", TEMPLATES, channel_id=channel_id, limit=4))[1]
    after = first["paging"]["cursors"]["after"]
    second = read(await ask(sandbox, "GET", TEMPLATES, channel_id=channel_id, after=after))[1]
    assert rows == first["data"] + second["data"]
    assert "after" not in second["paging"]["cursors"]
    assert "APPROVED" == sandbox.templates.add(name="another")["status"]
    assert refusal(400, "channel_id must be a channel of the organization") == read(
        await ask(sandbox, "GET", TEMPLATES, channel_id="lost")
    )
    assert 400 == (await ask(sandbox, "GET", TEMPLATES)).status


async def test_template_with_named_variables(ask: Ask) -> None:
    """They are filled in by their names; parts without a text are left out."""
    sandbox = Sandbox()
    components = [{"type": "HEADER", "format": "IMAGE"}, {"type": "BODY", "text": "Hi {{name}}, {{1}}"}]
    sandbox.templates.add(name="greeting", language="en", components=components)
    parameters = [{"type": "text", "parameter_name": "name", "text": "Noor"}]
    body = {
        "template_name": "greeting",
        "language_code": "en",
        "components": [{"type": "BODY", "parameters": parameters}],
    }
    await ask(sandbox, "POST", TEMPLATE, {**whom(sandbox), **body})

    assert ["Hi Noor, {{1}}"] == [message.content for message in sandbox.whatsapp.sent]


def test_rows_that_are_added() -> None:
    """Threads and messages take the newest of what they belong to, and make it up where there is none."""
    sandbox = Sandbox(channels=0, contacts=0)
    message = sandbox.messages.add()

    assert [message["thread_id"]] == [thread["id"] for thread in sandbox.threads]
    assert (1, 1) == (len(sandbox.channels), len(sandbox.contacts))
    assert sandbox.threads.add()["contact_id"] == sandbox.contacts[0]["id"]
    thread = sandbox.threads.add(channel_id="chn-of-another", assignee="user-1")
    assert ("WABA", "user", "chn-of-another") == (
        *(thread["channel_type"], thread["assignee_type"], thread["channel_id"]),
    )
    assert "bot" == sandbox.threads.add(assignee="bot", assignee_type="agent")["assignee"]
    assert thread["id"] == sandbox.messages.add(thread_id=thread["id"])["thread_id"]
    refused: list[tuple[Callable[..., Any], dict[str, Any]]] = [
        (sandbox.threads.add, {"status": "lost"}),
        (sandbox.messages.add, {"type": "song"}),
        (sandbox.templates.add, {"category": "lost"}),
    ]
    for add, arguments in refused:
        with pytest.raises(ValueError, match=f"{next(iter(arguments))} must be "):
            add(**arguments)


async def test_message_of_a_contact_can_be_replied_to() -> None:
    """A thread that is added without more is over a channel, and with a contact, that messages can be sent to."""
    sandbox = Sandbox(channels=0, contacts=0)
    over, to = sandbox.channels.add(type="WABA", status="active"), sandbox.contacts.add()
    sandbox.channels.add(type="instagram", status="active")
    sandbox.channels.add(type="WABA", status="inactive")
    async with sandbox.client() as client:
        await client.events.send([Event(event_name="signed up", contact=EventIdentity(email="noor@example.com"))])
        thread_id = sandbox.messages.add(content="When are you open?")["thread_id"]
        await client.whatsapp.send_message(thread_id=thread_id, content="From 9 to 18.")

    assert sandbox.contacts[0]["phone_number"] is None
    assert [(thread_id, over["id"], to["id"])] == [
        (sent.thread_id, sent.channel_id, sent.contact_id) for sent in sandbox.whatsapp.sent
    ]


async def test_locations_of_a_pool() -> None:
    """Over the pool, the key says whose location it is, at the address of all others."""
    sandboxes = SandboxPool({"acme": Sandbox(), "globex": Sandbox(seed=1)})
    async with sandboxes, sandboxes.pool() as pool:
        await pool["globex"].whatsapp.send_location(**whom(sandboxes["globex"]), latitude=1, longitude=2)

    assert [0, 1] == [len(sandboxes[name].whatsapp.sent) for name in sandboxes]
