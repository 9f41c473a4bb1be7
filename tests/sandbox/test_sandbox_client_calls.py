"""The client's calls and those of the sandbox go together, also where a start ends in doubt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contactship_async import AmbiguousOutcomeError, ContactshipClient, RetryPolicy, ServerError
from contactship_async.models.calls import PlacedCall
from contactship_async.sandbox import Cut, Fault, Sandbox, Status


async def start(sandbox: Sandbox, client: ContactshipClient, **options: Any) -> PlacedCall:
    """Start a call."""
    return await client.calls.make_phone_call(
        from_number=sandbox.phone_numbers[0]["phone_number"],
        to_number="+14155550137",
        full_name="Noor Haddad",
        agent_id="agent-1",
        **options,
    )


async def test_all_that_a_call_can_be_given() -> None:
    """What the client sends is what the sandbox notes, in the same words."""
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    async with Sandbox() as sandbox, sandbox.client() as client:
        placed = await start(
            sandbox, client, schedule=at, additional_data={"day": "Friday"}, metadata={"run": 7}, country="US"
        )
        other = await client.calls.make_contact_call(
            contact_id=sandbox.contacts[0]["id"], agent_id="agent-1", from_number_id=sandbox.phone_numbers[0]["id"]
        )
        statuses = [(await client.calls.get_status(each.call_id)).call_status for each in (placed, other)]

    first, second = sandbox.calls.placed
    assert ["scheduled", "in_queue"] == statuses
    assert (placed.call_id, at, {"day": "Friday"}, {"run": 7}) == (
        first.call_id,
        first.schedule,
        first.additional_data,
        first.metadata,
    )
    assert (other.call_id, other.contact_id) == (second.call_id, second.contact_id)


@pytest.mark.parametrize(("fault", "placed"), [(Cut(), 1), (Cut(after_bytes=10), 1), (Status(500), 0)], ids=str)
async def test_a_start_in_doubt_is_looked_for(fault: Fault, placed: int) -> None:
    """A start whose response is lost is sent once; the calls of the number since then tell what became of it.

    The time of the sandbox may be ahead of this machine's: the client knows from the `Date` of responses.
    """
    async with Sandbox() as sandbox, sandbox.client(retry=RetryPolicy(initial_delay=0)) as client:
        sandbox.clock.advance(1000)
        await start(sandbox, client)
        sandbox.clock.advance(60)
        sandbox.script(fault)
        with pytest.raises(AmbiguousOutcomeError) as caught:
            await start(sandbox, client)
        found = await client.calls.find_recent(to_number="+14155550137", since=caught.value.sent_at)

    assert isinstance(caught.value.__cause__, ServerError) == (placed == 0)
    assert placed == len(found) == len(sandbox.calls.placed) - 1
    assert [call.call_id for call in sandbox.calls.placed[1:]] == [call.id for call in found]
    assert 2 == sum(request.method == "POST" for request in sandbox.requests)
