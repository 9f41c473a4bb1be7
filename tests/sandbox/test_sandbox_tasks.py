"""Tasks: three endpoints, and a collection for tests."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from contactship_async import Response
from contactship_async.sandbox import Sandbox

Ask = Callable[..., Awaitable[Response]]

PATH = "/v1/tasks"
NEW: Final = {"details": "In full", "brief": "Short", "type": "custom", "created_by": "ana@example.com"}
DONE: Final = '[{"field": "status", "operator": "EQUAL", "value": "done"}]'


def read(response: Response) -> tuple[int, Any]:
    """Return the status of a response, and its JSON."""
    return response.status, json.loads(response.body)


def test_made_up_tasks() -> None:
    """Tasks look as documented, of each type, and the same seed makes the same ones."""
    tasks = Sandbox(tasks=20).tasks.rows

    assert tasks == Sandbox(0, tasks=20).tasks.rows
    assert not {task["id"] for task in tasks} & {task["id"] for task in Sandbox(tasks=20, seed=1).tasks}
    assert {"custom", "AI", "system", "automatization"} == {task["type"] for task in tasks}
    assert [
        *("id", "type", "brief", "details", "status", "priority", "assigned_to", "created_by"),
        *("updated_at", "created_at"),
    ] == [*tasks[0]]
    assert 8 == len(Sandbox().tasks)


@pytest.mark.parametrize("envelope", ["count", "pagination"])
async def test_create_get_list(ask: Ask, envelope: Any) -> None:
    """Tasks are wrapped in either setting, since no older revision has them; a new one has the documented defaults."""
    sandbox = Sandbox(tasks=2, envelope=envelope)
    body = {**NEW, "assigned_to": ["kofi@example.com"], "additional_data": {"a": 1}, "contact_id": "ct-1"}
    created = await ask(sandbox, "POST", PATH, body)
    task = sandbox.tasks[0]

    assert {"status": "todo", "priority": "high", "additional_data": {"a": 1}}.items() <= task.items()
    assert "contact_id" not in task
    assert [task["created_by"]["email"], 1] == ["ana@example.com", len(task["assigned_to"])]
    assert (201, {"statusCode": 201, "data": task}) == read(created)
    assert (200, {"statusCode": 200, "data": task}) == read(await ask(sandbox, "GET", f"{PATH}/{task['id']}"))
    pagination = {"page": 2, "total_rows": 3, "total_pages": 3}
    page = await ask(sandbox, "GET", PATH, limit=1, offset=1)
    assert (200, {"statusCode": 200, "data": [sandbox.tasks[1]], "pagination": pagination}) == read(page)
    missing = {"statusCode": 404, "message": "There is no such task"}
    assert (404, missing) == read(await ask(sandbox, "GET", f"{PATH}/none"))


async def test_filters_and_orders(ask: Ask) -> None:
    """Conditions all hold, and rows come by any field in either direction; the newest first if nothing is said."""
    sandbox = Sandbox(tasks=0)
    first = sandbox.tasks.add(brief="b", status="done", assigned_to=["a@example.com"])
    second = sandbox.tasks.add(brief="a", status="done", priority="low", additional_data={"x": [1]})
    third = sandbox.tasks.add(brief="c", status="todo")

    async def find(*conditions: tuple[str, object], **query: Any) -> Any:
        filters = [{"field": field, "operator": "EQUAL", "value": value} for field, value in conditions]
        return read(await ask(sandbox, "GET", PATH, filters=json.dumps(filters), **query))[1]["data"]

    assert [third, second, first] == await find()
    assert [second, first] == await find(("status", "done"))
    assert (
        [second] == await find(("status", "done"), ("priority", "low")) == await find(("additional_data", {"x": [1]}))
    )
    assert [] == await find(("status", "none"))
    assert [first, second, third] == await find(orderDirection="ASCENDENT")
    assert [second, first, third] == await find(orderBy="brief", orderDirection="ASCENDENT")
    assert [second] == await find(orderBy="brief", limit=1, offset=2)
    assert [first] == await find(("assigned_to", first["assigned_to"]), ("status", "done"))


async def test_count_may_ignore_filters(ask: Ask) -> None:
    """The count is that of all tasks where the sandbox is told so, as for all listings."""
    query: dict[str, Any] = {"filters": DONE, "limit": 1, "offset": 0}
    for follows, count in ((True, 2), (False, 8)):
        sandbox = Sandbox(count_follows_filter=follows)
        assert count == read(await ask(sandbox, "GET", PATH, **query))[1]["pagination"]["total_rows"]


async def test_what_is_not_allowed(ask: Ask) -> None:
    """Half a window, an order or a condition that is not known, and what a task can't be made of are refused."""
    sandbox = Sandbox()
    queries: list[dict[str, Any]] = [
        *({"limit": 5}, {"offset": 5}, {"limit": 0, "offset": 0}, {"orderBy": "color"}, {"orderDirection": "asc"}),
        *({"filters": text} for text in ("", "{}", "[5]", '[{"field": "status"}]', '["', "[" * 100_000)),
        {"filters": '[{"field": "status", "operator": "LIKE", "value": "x"}]'},
        {"filters": '[{"field": "color", "operator": "EQUAL", "value": "x"}]'},
    ]
    for query in queries:
        assert 400 == (await ask(sandbox, "GET", PATH, **query)).status, query
    for change in ({"details": "abc"}, {"type": "manual"}, {"status": None}, {"assigned_to": "ana"}, {"brief": ""}):
        assert 400 == (await ask(sandbox, "POST", PATH, {**NEW, **change})).status, change
    assert 8 == len(sandbox.tasks)


async def test_add_on_that_is_not_enabled(ask: Ask) -> None:
    """Each endpoint is a 403 then, and nothing is created."""
    sandbox = Sandbox()
    sandbox.tasks.is_enabled = False
    refusal = (403, {"statusCode": 403, "message": "The add-on Tasks is not enabled"})

    for method, path in (("GET", PATH), ("GET", f"{PATH}/{sandbox.tasks[0]['id']}"), ("POST", PATH)):
        assert refusal == read(await ask(sandbox, method, path, NEW if method == "POST" else None))
    assert 8 == len(sandbox.tasks)


def test_wrong_arguments() -> None:
    """What a test adds is checked like what is sent."""
    tasks = Sandbox(tasks=0).tasks
    with pytest.raises(ValueError, match=r"^status must be "):
        tasks.add(status="never")
    with pytest.raises(TypeError, match=r"^assigned_to must be "):
        tasks.add(assigned_to=5)  # type: ignore[arg-type] # that is the test
    assert [] == tasks
