"""Threads and messages against the sandbox: what the contract of all endpoints does not say."""

from __future__ import annotations

from typing import Any

import pytest

from contactship_async.models.messages import MessageSource, MessageStatus
from contactship_async.models.threads import AssigneeType, ThreadStatus
from contactship_async.sandbox import Sandbox


async def test_thread_is_assigned_closed_and_left() -> None:
    """What is not given stays as it is; None for the assignee is nobody, and needs no type."""
    sandbox = Sandbox()
    thread_id = sandbox.threads.add()["id"]
    async with sandbox.client() as client:
        assigned = await client.threads.update(thread_id, assignee="agent-1", assignee_type="agent")
        closed = await client.threads.update(thread_id, status="closed")
        left = await client.threads.update(thread_id, assignee=None)

        assert left.updated_at == (await client.threads.get(thread_id)).updated_at

    assert ("agent-1", AssigneeType.AGENT, ThreadStatus.OPEN) == (
        *(assigned.assignee, assigned.assignee_type, assigned.status),
    )
    assert ("agent-1", ThreadStatus.CLOSED) == (closed.assignee, closed.status)
    assert (None, None, ThreadStatus.CLOSED) == (left.assignee, left.assignee_type, left.status)
    assert [{"assignee": "agent-1", "assignee_type": "agent"}, {"status": "closed"}, {"assignee": None}] == [
        request.json() for request in sandbox.requests if request.method == "PUT"
    ]


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"assignee": "user-1"}, ValueError, "assignee_type must be given together with .*; see .*/update-thread$"),
        ({"assignee": "user-1", "status": "open"}, ValueError, "assignee_type must be given together"),
        ({"assignee": ""}, ValueError, "assignee must be a non-empty string"),
        ({"assignee": "bot", "assignee_type": "bot"}, ValueError, "assignee_type must be 'user' or 'agent'"),
        ({"status": ""}, ValueError, "status must be a non-empty string"),
    ],
)
async def test_wrong_update(arguments: dict[str, Any], error: type[Exception], text: str) -> None:
    """An assignee without its type is refused before anything is sent, as is what no field takes."""
    sandbox = Sandbox()
    async with sandbox.client() as client:
        with pytest.raises(error, match=f"^{text}"):
            await client.threads.update("thr-1", **arguments)

    assert [] == sandbox.requests


async def test_message_of_a_contact() -> None:
    """A message has come from WhatsApp if a contact wrote it, and can be followed by its id."""
    sandbox = Sandbox()
    row = sandbox.messages.add(content="Can we move it?", from_number="+14155550137", status="read")
    async with sandbox.client() as client:
        message = await client.messages.get(row["id"])

    assert ("Can we move it?", "+14155550137") == (message.content, message.from_number)
    assert (MessageSource.WHATSAPP, MessageStatus.READ) == (message.source, message.status)
    assert sandbox.threads[0]["id"] == message.thread_id
