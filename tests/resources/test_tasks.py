"""Tasks against the sandbox, end to end: what the contract of all endpoints does not say."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from called_resources import Recorder, enveloped

from contactship_async import NotFoundError, PermissionDeniedError
from contactship_async.models.tasks import TaskFilter, TaskOrder, TaskStatus
from contactship_async.sandbox import Sandbox

NEW: Final[dict[str, Any]] = {
    "details": "She asked for the price.",
    "brief": "Call Noor back",
    "type": "custom",
    "created_by": "ana@example.com",
}
"""What a task can't be created without."""


@pytest.fixture(params=["count", "pagination"])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """An organization with eight tasks, in both generations of envelopes."""
    return Sandbox(tasks=8, envelope=request.param)


async def test_life_of_a_task(sandbox: Sandbox) -> None:
    """It is created, listed and read, and is the same to the client and the sandbox."""
    async with sandbox.client() as client:
        created = await client.tasks.create(**NEW, assigned_to=["kofi@example.com"], additional_data={"a": [1]})
        assert created == await client.tasks.get(created.id)
        listed = [task async for task in client.tasks.list().rows(page_size=4, exact=True, concurrency=2)]
        with pytest.raises(NotFoundError):
            await client.tasks.get("none")

    assert created == listed[0]
    assert [task["id"] for task in sandbox.tasks] == [task.id for task in listed]
    assert ("todo", "high", {"a": [1]}) == (created.status, created.priority, created.additional_data)
    assert isinstance(created.created_by, dict)
    assert "ana@example.com" == created.created_by["email"]
    assert {dict, str, type(None)} == {type(task.created_by) for task in listed}
    assert "kofi@example.com" not in (created.assigned_to or ())


async def test_filters(sandbox: Sandbox) -> None:
    """Conditions are written as an object with a type, or as a mapping; all of them hold, and the count follows."""
    chosen = [task["id"] for task in sandbox.tasks if task["status"] == "todo"]
    async with sandbox.client() as client:
        for filters in (
            [TaskFilter("status", "EQUAL", TaskStatus.TODO), TaskFilter("priority", "EQUAL", "high")],
            ({"value": "todo", "field": "status", "operator": "EQUAL"},),
        ):
            listing = client.tasks.list(filters=filters)
            assert chosen == [task.id async for task in listing]
            assert (len(chosen), True) == (await listing.count(), listing.is_filtered)
        nobody = [TaskFilter("status", "EQUAL", None)]
        assert [] == [task async for task in client.tasks.list(filters=nobody)]
        assert 8 == await client.tasks.list(filters=[]).count()

    asked = [request.params.get("filters") for request in sandbox.requests]
    assert '[{"field":"status","operator":"EQUAL","value":"todo"}]' in asked
    assert asked[-1] is None


async def test_orders(sandbox: Sandbox) -> None:
    """Tasks come in either direction, by any field; the newest first if nothing is given."""
    async with sandbox.client() as client:
        newest_first = [task.id async for task in client.tasks.list()]
        for listing in (
            client.tasks.list(order_direction="ASCENDENT"),
            client.tasks.list(order_direction=TaskOrder.ASCENDENT, order_by="created_at"),
        ):
            assert newest_first[::-1] == [task.id async for task in listing.rows(exact=True)]
        assert newest_first == [task.id async for task in client.tasks.list(order_by="created_at").rows(exact=True)]
        sandbox.requests.clear()
        by_brief = [task.brief or "" async for task in client.tasks.list(order_by="brief").rows(page_size=3)]
        page = await client.tasks.list(order_by="brief", order_direction="ASCENDENT").page()
        first = await client.tasks.list(order_by="brief").page(limit=1)

    assert sorted(by_brief, reverse=True) == by_brief
    assert sorted(by_brief) == [task.brief for task in page]
    assert by_brief[:1] == [task.brief for task in first]
    assert {("brief", "DESCENDENT"), ("brief", "ASCENDENT")} == {
        (request.params["orderBy"], request.params["orderDirection"]) for request in sandbox.requests
    }


async def test_order_that_proves_nothing(sandbox: Sandbox) -> None:
    """A walk that is sorted by what may change meanwhile can't prove to be complete, and is not begun."""
    async with sandbox.client() as client:
        for order_by in ("updated_at", "priority"):
            listing = client.tasks.list(order_by=order_by)
            for options in ({"exact": True}, {"concurrency": 2}):
                told = (
                    f"do not go with order_by: sorted by {order_by}, rows may change places; leave out one of the two"
                )
                with pytest.raises(ValueError, match=told):
                    listing.rows(**options)

    assert [] == sandbox.requests


async def test_add_on_that_is_not_enabled(sandbox: Sandbox) -> None:
    """Without the add-on, each call is a 403 whose error names it."""
    sandbox.tasks.is_enabled = False
    async with sandbox.client() as client:
        listing = client.tasks.list()
        for call in (
            client.tasks.get("t"),
            client.tasks.create(**NEW),
            listing.page(),
            listing.count(),
            anext(listing.rows()),
        ):
            with pytest.raises(
                PermissionDeniedError, match=r"; Tasks is an add-on, which may not be enabled$"
            ) as caught:
                await call
            assert "Tasks" == caught.value.add_on


async def test_create_sends_no_null() -> None:
    """What is None in a creation is left to the API; status and priority have defaults there."""
    server = Recorder([enveloped("F", {"id": "t", "created_by": "ana"})])
    async with server.client() as client:
        created = await client.tasks.create(**NEW, status=None, priority=None, assigned_to=None, additional_data=None)

    assert "ana" == created.created_by
    assert [NEW] == [json.loads(request.body or b"") for request in server.requests]


WRONG: list[tuple[str, dict[str, Any], type[Exception], str]] = [
    ("create", {**NEW, "details": "abc"}, ValueError, "details must be a string of at least 4 .* not of 3; see https://.*/create-task$"),
    ("create", {**NEW, "brief": ""}, ValueError, "brief must be a non-empty string"),
    ("create", {**NEW, "type": "manual"}, ValueError, "type must be 'custom' or 'AI' or 'system' or 'automatization'"),
    ("create", {**NEW, "created_by": None}, TypeError, "created_by must be a non-empty string, not NoneType"),
    ("create", {**NEW, "assigned_to": "ana@example.com"}, TypeError, "assigned_to must be a sequence such as a list"),
    ("create", {**NEW, "additional_data": {5: 1}}, TypeError, "each key in additional_data must be of type str"),
    ("list", {"order_by": ""}, ValueError, "order_by must be a non-empty string"),
    ("list", {"order_direction": "asc"}, ValueError, "order_direction must be 'ASCENDENT' or .*/list-tasks$"),
    ("list", {"filters": "status=todo"}, TypeError, "filters must be a sequence such as a list, not str"),
    ("list", {"filters": ["status"]}, TypeError, r"filters\[0\] must be a TaskFilter, or a mapping of field, operator"),
    ("list", {"filters": [{"field": "status"}]}, TypeError, r"filters\[0\] must be a TaskFilter, or a mapping of"),
    ("list", {"filters": [TaskFilter("", "EQUAL", 1)]}, ValueError, r"filters\[0\].field must be a non-empty string"),
    ("list", {"filters": [{"field": "a", "operator": None, "value": 1}]}, TypeError, r"filters\[0\].operator must be "),
    ("list", {"filters": [TaskFilter("a", "EQUAL", object())]}, TypeError, "filters must be of types that JSON has a"),
]  # fmt: skip


async def test_wrong_arguments() -> None:
    """They are refused before anything is sent, in words that say what is allowed."""
    sandbox = Sandbox(tasks=0)
    async with sandbox.client() as client:
        for method, arguments, error, text in WRONG:
            with pytest.raises(error, match=f"^{text}"):
                await getattr(client.tasks, method)(**arguments)

    assert [] == sandbox.requests
