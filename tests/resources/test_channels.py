"""Channels against the sandbox: what the contract of all listings does not say."""

from __future__ import annotations

import pytest

from contactship_async.models.channels import AnswerMethod, ChannelStatus, ChannelType
from contactship_async.sandbox import Sandbox


@pytest.mark.parametrize("envelope", ["count", "pagination"])
async def test_filters(envelope: str) -> None:
    """Each filter selects, and all together."""
    sandbox = Sandbox(channels=0, envelope="count" if envelope == "count" else "pagination")
    for name, type_, status, answer_method in [
        ("Front desk", "WABA", "active", "manual"),
        ("Front office", "WABA", "active", "auto"),
        ("Back office", "WABA", "inactive", "auto"),
        ("Front photos", "INSTAGRAM", "active", "auto"),
    ]:
        sandbox.channels.add(name=name, type=type_, status=status, answer_method=answer_method)
    async with sandbox.client() as client:
        by_all = client.channels.list(status="active", type="WABA", name="front", answer_method=AnswerMethod.AUTO)

        assert ["Front office"] == [channel.name async for channel in by_all]
        assert 3 == await client.channels.list(status="active").count()
        assert 3 == await client.channels.list(type="WABA").count()
        assert 3 == await client.channels.list(answer_method="auto").count()
        assert 2 == await client.channels.list(name="OFFICE").count()


async def test_values() -> None:
    """What a channel is, is an open enum: a value of the future arrives as it came, and can be asked for."""
    sandbox = Sandbox(channels=1)
    sandbox.channels.add(type="TELEGRAM", status="paused")
    async with sandbox.client() as client:
        new, known = [channel async for channel in client.channels.list()]
        [asked_for] = [channel async for channel in client.channels.list(type="TELEGRAM", status="paused")]

    assert (ChannelType.WABA, ChannelStatus.ACTIVE, AnswerMethod.MANUAL) == (
        *(known.type, known.status, known.answer_method),
    )
    assert ("TELEGRAM", "paused") == (new.type, new.status)
    assert new == asked_for
    assert known.id.startswith("chn-")


def test_wrong_arguments() -> None:
    """They are refused when the listing is asked for."""
    client = Sandbox().client()
    with pytest.raises(
        ValueError, match=r"^answer_method must be 'manual' or 'auto', not 'both'; see https://.*/get-channels$"
    ):
        client.channels.list(answer_method="both")  # type: ignore[arg-type] # which is what is tried
    with pytest.raises(ValueError, match=r"^status must be a non-empty string, not ''; see https://.*/get-channels$"):
        client.channels.list(status="")
