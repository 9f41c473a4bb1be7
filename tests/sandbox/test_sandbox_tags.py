"""Tags: four endpoints, and a collection for tests."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from contactship_async._http.messages import Response
from contactship_async.sandbox import Sandbox

Ask = Callable[..., Awaitable[Response]]

PATH = "/v1/tags"


def read(response: Response) -> tuple[int, Any]:
    """Return the status of a response, and its JSON."""
    return response.status, json.loads(response.body)


def refusal(status: int, message: str) -> tuple[int, dict[str, object]]:
    """Return what an error is read as."""
    return status, {"statusCode": status, "message": message}


async def test_made_up_tags() -> None:
    """Tags look as documented, have distinct names, and every third has a label; the same seed makes the same ones."""
    tags = Sandbox(tags=20).tags.rows

    assert tags == Sandbox(0, tags=20).tags.rows
    assert not {tag["id"] for tag in tags} & {tag["id"] for tag in Sandbox(tags=20, seed=1).tags}
    assert 20 == len({tag["name"] for tag in tags}) == len({tag["id"] for tag in tags})
    assert ["id", "name", "color", "organization_id", "created_at"] == [*tags[-1]]
    assert ["id", "name", "color", "label", "organization_id", "created_at"] == [*tags[-3]]
    assert ("vip", "#1F6FEB", "2024-01-01T00:00:00Z") == (tags[-1]["name"], tags[-1]["color"], tags[-1]["created_at"])
    assert 6 == sum("label" in tag for tag in tags)
    assert 12 == len(Sandbox().tags)


async def test_pages_are_the_newest_first(ask: Ask) -> None:
    """A page has five tags unless more are asked for, and the count of all."""
    sandbox = Sandbox(tags=7)
    rows = sandbox.tags.rows

    assert (200, {"data": rows[:5], "count": 7}) == read(await ask(sandbox, "GET", PATH))
    assert rows[::-1][2:6] == read(await ask(sandbox, "GET", PATH, order="asc", offset=2, limit=4))[1]["data"]


async def test_filters_take_a_part_in_any_case(ask: Ask) -> None:
    """Name and label select by a part of them, together by both; the count follows."""
    sandbox = Sandbox(tags=0)
    sharp = sandbox.tags.add(name="Hauptstraße", label="Places")
    plain = sandbox.tags.add(name="street")
    other = sandbox.tags.add(name="strasse", label="places, too")

    async def find(**params: str) -> Any:
        page = read(await ask(sandbox, "GET", PATH, **params))[1]
        assert len(page["data"]) == page["count"]
        return page["data"]

    assert [other, plain, sharp] == await find(name="STR")
    assert [other, sharp] == await find(name="strasse", label="place") == await find(label="PLACE")
    assert [other] == await find(label="too", name="s")
    assert [] == await find(name="lane")


@pytest.mark.parametrize("envelope", ["count", "pagination"])
async def test_create_update_delete(ask: Ask, envelope: Any) -> None:
    """A tag is created, changed and removed; single objects are bare or wrapped, as the envelope says."""
    sandbox = Sandbox(tags=2, envelope=envelope)

    def wrap(status: int, value: object) -> tuple[int, object]:
        return status, value if envelope == "count" else {"statusCode": status, "data": value}

    created = await ask(sandbox, "POST", PATH, {"name": "new", "color": "#00ff7F", "unknown": 1})
    tag = sandbox.tags[0]
    assert {"name": "new", "color": "#00ff7F", "created_at": "2024-01-01T02:00:00Z"}.items() <= tag.items()
    assert wrap(201, tag) == read(created)

    updated = await ask(sandbox, "PATCH", f"{PATH}/{tag['id']}", {"label": "Group", "name": "newer"})
    changed = {"id": tag["id"], "name": "newer", "color": "#00ff7F", "label": "Group"}
    organization = {"organization_id": sandbox.organization_id}
    assert wrap(200, {**changed, **organization, "updated_at": "2024-01-01T03:00:00Z"}) == read(updated)
    assert {**changed, **organization, "created_at": tag["created_at"]} == sandbox.tags[0]

    assert wrap(200, value=True) == read(await ask(sandbox, "DELETE", f"{PATH}/{tag['id']}"))
    assert 2 == len(sandbox.tags)
    for method in ("PATCH", "DELETE"):
        response = await ask(sandbox, method, f"{PATH}/{tag['id']}", {})
        assert refusal(404, "There is no such tag") == read(response)


async def test_label_is_taken_away_by_null(ask: Ask) -> None:
    """A label that is null is none, in a new tag and in a change; what is not sent stays."""
    sandbox = Sandbox(tags=0)

    created = read(await ask(sandbox, "POST", PATH, {"name": "a", "color": "#000000", "label": None}))[1]
    assert "label" not in created
    for body, expected in (({"label": "x"}, "x"), ({}, "x"), ({"label": ""}, ""), ({"label": None}, None)):
        changed = read(await ask(sandbox, "PATCH", f"{PATH}/{created['id']}", body))[1]
        assert (expected, "a") == (changed.get("label"), changed["name"])
        assert expected == sandbox.tags[0].get("label")
    assert "label" not in sandbox.tags[0]
    assert "label" not in changed


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (None, "The body must be a JSON object"),
        (b"{", "The body must be a JSON object"),
        ({"color": "#000000"}, "name is required"),
        ({"name": "a"}, "color is required"),
        ({"name": "", "color": "#000000"}, "name must be a non-empty string"),
        ({"name": "a", "color": "red"}, "color must be a string such as #1F6FEB"),
        ({"name": "a", "color": "#000000", "label": 1}, "label must be a string or null"),
        ({"name": "vip", "color": "#000000"}, "name must be unique"),
    ],
)
async def test_wrong_bodies(ask: Ask, body: object, message: str) -> None:
    """A body that is not allowed, or takes the name of another tag, is a 400 and changes nothing."""
    sandbox = Sandbox(tags=2)
    before = sandbox.tags.rows

    assert refusal(400, message) == read(await ask(sandbox, "POST", PATH, body))
    assert before == sandbox.tags


async def test_renamed_tags(ask: Ask) -> None:
    """A tag may keep its name and take a free one, but no other's; the name it had is free again."""
    sandbox = Sandbox(tags=2)
    lead, vip = sandbox.tags

    async def rename(name: str) -> int:
        return (await ask(sandbox, "PATCH", f"{PATH}/{lead['id']}", {"name": name})).status

    assert [200, 400, 200, 200] == [await rename(name) for name in ("lead", vip["name"], "other", "lead")]
    assert 201 == (await ask(sandbox, "POST", PATH, {"name": "other", "color": "#000000"})).status


def test_added_tags() -> None:
    """A test adds tags with the fields that it gives; what it leaves out is made up, the name never a taken one."""
    sandbox = Sandbox(tags=0)
    row = sandbox.tags.add(name="lead", color="#ABCDEF", label="x", id="t1", created_at="2020-02-03T04:05:06+01:00")
    names = [sandbox.tags.add()["name"] for _ in range(8)]

    assert {
        "id": "t1",
        "name": "lead",
        "color": "#ABCDEF",
        "label": "x",
        "organization_id": sandbox.organization_id,
        "created_at": "2020-02-03T04:05:06+01:00",
    } == row
    assert row == sandbox.tags[-1]
    assert 9 == len({*names, "lead"})
    sandbox.tags.remove("t1")
    assert "t1" not in {tag["id"] for tag in sandbox.tags}
    with pytest.raises(KeyError):
        sandbox.tags.remove("t1")


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"name": ""}, ValueError, "name must be a non-empty string, not ''"),
        ({"name": 1}, TypeError, "name must be a non-empty string, not int"),
        ({"name": "vip"}, ValueError, "name must be new, but there is a tag 'vip'"),
        ({"color": "red"}, ValueError, "color must be a string such as #1F6FEB, not 'red'"),
        ({"label": 1}, TypeError, "label must be a string or null, not int"),
        ({"id": "taken"}, ValueError, "id must be new, but there is a tag 'taken'"),
        ({"id": ""}, ValueError, "id must be a non-empty string, not ''"),
        ({"created_at": ""}, ValueError, "created_at must be an aware datetime or an ISO 8601 string such as"),
    ],
)
def test_added_tags_are_checked(fields: dict[str, Any], error: type[Exception], message: str) -> None:
    """What is not allowed is refused, and leaves no trace in what is made up later."""
    sandbox, untouched = Sandbox(tags=1), Sandbox(tags=1)
    for each in (sandbox, untouched):
        each.tags.add(id="taken")
    with pytest.raises(error) as caught:
        sandbox.tags.add(**fields)

    assert str(caught.value).startswith(message)
    assert untouched.tags.add() == sandbox.tags.add()
