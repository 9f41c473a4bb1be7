"""Tags against the sandbox, end to end: what the contract of all endpoints does not say."""

from __future__ import annotations

from typing import Any

import pytest

from contactship_async import UNSET, AmbiguousOutcomeError, BadRequestError, NotFoundError, ServerError
from contactship_async.sandbox import Cut, Sandbox, Status


@pytest.fixture(params=["count", "pagination"])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """An organization with three tags, in both generations of envelopes."""
    return Sandbox(tags=3, envelope=request.param)


async def test_life_of_a_tag(sandbox: Sandbox) -> None:
    """It is created, listed, changed and deleted, and is the same to the client and the sandbox."""
    async with sandbox.client() as client:
        created = await client.tags.create(name="call back", color="#1A73E8")
        [found] = [tag async for tag in client.tags.list(name="call")]
        changed = await client.tags.update(created.id, label="This week")
        [labelled] = [tag async for tag in client.tags.list(label="week")]
        await client.tags.delete(created.id)

        assert created == found
        assert ("call back", "#1A73E8", None) == (created.name, created.color, created.label)
        assert sandbox.organization_id == created.organization_id
        assert created.created_at is not None
        assert (created.id, "call back", "This week", None) == (
            *(changed.id, changed.name, changed.label, changed.created_at),
        )
        assert changed.updated_at is not None
        assert "This week" == labelled.label
        assert 3 == await client.tags.list().count()
        with pytest.raises(NotFoundError):
            await client.tags.delete(created.id)


async def test_not_given_and_none_differ(sandbox: Sandbox) -> None:
    """What is not given is not sent and stays as it is; None is sent as null."""
    row = sandbox.tags.add(name="gold", label="Customers")
    async with sandbox.client() as client:
        kept = await client.tags.update(row["id"], name="Gold", color=UNSET)
        removed = await client.tags.update(row["id"], label=None)

    assert ("Gold", row["color"], "Customers") == (kept.name, kept.color, kept.label)
    assert ("Gold", None) == (removed.name, removed.label)
    assert [{"name": "Gold"}, {"label": None}] == [request.json() for request in sandbox.requests]


async def test_create_sends_no_null(sandbox: Sandbox) -> None:
    """A label of None is none."""
    async with sandbox.client() as client:
        await client.tags.create(name="plain", color="#ffffff", label=None)

    assert [{"name": "plain", "color": "#ffffff"}] == [request.json() for request in sandbox.requests]


async def test_create_is_never_sent_twice(sandbox: Sandbox) -> None:
    """It is not repeated when it may have been processed, also after a 5xx; an update and a deletion are."""
    async with sandbox.client() as client:
        sandbox.script(Cut(after_bytes=1))
        with pytest.raises(AmbiguousOutcomeError):
            await client.tags.create(name="once", color="#1A73E8")
        sandbox.script(Status(503, retry_after=0))
        with pytest.raises(ServerError):
            await client.tags.create(name="twice", color="#1A73E8")
        assert 2 == len(sandbox.requests)

        sandbox.script(Status(503, retry_after=0))
        await client.tags.update(sandbox.tags.rows[0]["id"], label="x")
        sandbox.script(Status(503, retry_after=0))
        await client.tags.delete(sandbox.tags.rows[0]["id"])
        assert [503, 200] * 2 == [request.status for request in sandbox.requests[2:]]


async def test_name_that_is_taken(sandbox: Sandbox) -> None:
    """The API refuses it."""
    async with sandbox.client() as client:
        with pytest.raises(BadRequestError) as caught:
            await client.tags.create(name=sandbox.tags.rows[0]["name"], color="#1A73E8")

    assert "unique" in caught.value.message


WRONG: list[tuple[str, dict[str, Any], type[Exception], str]] = [
    ("create", {"name": "", "color": "#1A73E8"}, ValueError, "name must be a non-empty string"),
    ("create", {"name": "vip", "color": "red"}, ValueError, "color must be of the form '#RRGGBB', not 'red'"),
    ("create", {"name": "vip", "color": "#1A73E8\n"}, ValueError, "color must be of the form '#RRGGBB'"),
    ("create", {"name": "vip", "color": "#1A73E8", "label": 1}, TypeError, "label must be a non-empty string, not int"),
    ("create", {"name": None, "color": "#1A73E8"}, TypeError, "name must be a non-empty string, not NoneType"),
    ("update", {"tag_id": "t", "name": None}, TypeError, "name must be a non-empty string, not NoneType"),
    ("update", {"tag_id": "t", "color": "#12"}, ValueError, "color must be of the form '#RRGGBB'"),
    ("update", {"tag_id": "..", "label": None}, ValueError, "tag_id must be a non-empty string, not '.' or '..'"),
    ("update", {"tag_id": 5}, TypeError, "tag_id must be of type str, not int"),
    ("delete", {"tag_id": ""}, ValueError, "tag_id must be a non-empty string"),
    ("list", {"name": 5}, TypeError, "name must be a non-empty string, not int"),
    ("list", {"label": ""}, ValueError, "label must be a non-empty string, not ''"),
]


@pytest.mark.parametrize(("method", "arguments", "error", "text"), WRONG)
async def test_wrong_arguments(method: str, arguments: dict[str, Any], error: type[Exception], text: str) -> None:
    """They are refused before anything is sent, in words that say what is allowed."""
    sandbox = Sandbox(tags=0)
    async with sandbox.client() as client:
        with pytest.raises(error, match=f"^{text}"):
            await getattr(client.tags, method)(**arguments)

    assert [] == sandbox.requests


async def test_identifier_stays_in_its_segment(sandbox: Sandbox) -> None:
    """One that looks like a path reaches no other endpoint."""
    async with sandbox.client() as client:
        for tag_id in ("../phone-numbers", "a/b", "%2e%2e/x", "a?b#c", "ü +"):
            with pytest.raises(NotFoundError):
                await client.tags.delete(tag_id)

    assert ["..%2Fphone-numbers", "a%2Fb", "%252e%252e%2Fx", "a%3Fb%23c", "%C3%BC%20%2B"] == [
        request.path.removeprefix("/v1/tags/") for request in sandbox.requests
    ]


async def test_credits(sandbox: Sandbox) -> None:
    """The balance may have decimals."""
    sandbox.credits.balance = 12.75
    async with sandbox.client() as client:
        assert 12.75 == (await client.credits.get()).credits
