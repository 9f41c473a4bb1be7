"""Contacts: their endpoints, what they have to do with calls and tags, and a collection for tests."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, get_args

import pytest
from openapi_schema_validator import OAS31Validator

from contactship_async import ConflictError, ContactshipClient, NotFoundError, Response
from contactship_async.models.contacts import Contact, ContactField
from contactship_async.sandbox import Sandbox
from contactship_async.sandbox._api.envelopes import Envelope

Ask = Callable[..., Awaitable[Response]]

PATH = "/v1/contacts"
NOBODY = "+14155550137"


def read(response: Response) -> tuple[int, Any]:
    """Return the status of a response, and its JSON; None for an empty one."""
    return response.status, json.loads(response.body or b"null")


async def call(sandbox: Sandbox, client: ContactshipClient, number: str, **options: Any) -> str | None:
    """Call a number, and return the id of the contact."""
    placed = await client.calls.make_phone_call(
        from_number=sandbox.phone_numbers[0]["phone_number"],
        to_number=number,
        full_name="Somebody Else",
        agent_id="agent-1",
        **options,
    )
    return placed.contact_id


def test_made_up_contacts() -> None:
    """They look as documented, have distinct ids and numbers, and are the persons of the calls, in order."""
    sandbox = Sandbox(calls=25)
    contacts = sandbox.contacts.rows

    assert contacts == Sandbox(0, tags=0, calls=0).contacts
    assert 30 == len(contacts) == len({row["id"] for row in contacts}) == len({row["phone_number"] for row in contacts})
    assert 29 == len({row["email"] for row in contacts}), "two share one"
    assert {
        "full_name": "Noor Haddad",
        "email": "noor.haddad@people.example",
        "country": "US",
        "description": None,
        "additional_data": [],
        "tags": [],
        "organization_id": sandbox.organization_id,
        "created_at": "2024-01-01T00:00:00Z",
    }.items() <= contacts[-1].items()
    persons = [{name: row[name] for name in sandbox.calls[0]["contact"]} for row in contacts[-25:]]
    assert persons == [row["contact"] for row in sandbox.calls]
    assert sandbox.calls == Sandbox(calls=25, contacts=0).calls == Sandbox(calls=25, contacts=3).calls
    assert not {row["id"] for row in contacts} & {row["id"] for row in Sandbox(seed=1).contacts}


async def test_pages(ask: Ask) -> None:
    """A page needs both limit and offset, and may have a thousand rows; without them all come, up to 10,000."""
    sandbox = Sandbox(contacts=7, max_limit=4)
    rows = sandbox.contacts.rows

    async def ask_for(**params: object) -> tuple[int, Any]:
        return read(await ask(sandbox, "GET", PATH, **params))

    status, everything = await ask_for()
    assert (200, rows, {"page": None, "total_rows": 7, "total_pages": None}) == (
        status,
        everything["data"],
        everything["pagination"],
    )
    _, page = await ask_for(limit=3, offset=3, order="asc")
    assert (rows[::-1][3:6], {"page": 2, "total_rows": 7, "total_pages": 3}) == (page["data"], page["pagination"])
    assert rows[:4] == (await ask_for(limit=1000, offset=0))[1]["data"], "max_limit lowers it silently"
    for params in ({"limit": 3}, {"offset": 3}):
        assert (400, "limit and offset must be sent together") == (
            (found := await ask_for(**params))[0],
            found[1]["message"],
        )
    assert 400 == (await ask_for(limit=1001, offset=0))[0]


async def test_filters_take_a_part_in_any_case() -> None:
    """Name, address and number select by a part of them, all that are given; the count follows."""
    sandbox = Sandbox(contacts=0)
    for full_name, email, number in (
        ("Jörg Weiß", "JW@example.com", "+4930123456"),
        ("Joan Weis", "joan@example.org", "+4930123457"),
        ("Ana", "ana@example.com", "+14155550137"),
    ):
        sandbox.contacts.add(full_name=full_name, email=email, phone_number=number)

    async with sandbox.client() as client:

        async def find(**filters: str) -> list[str | None]:
            listing = client.contacts.list(**filters)  # type: ignore[arg-type] # those that there are
            found = [contact.full_name async for contact in listing]
            assert len(found) == await listing.count()
            return found

        assert ["Joan Weis", "Jörg Weiß"] == await find(full_name="WEIS")
        assert ["Ana", "Jörg Weiß"] == await find(email="Example.COM")
        assert ["Jörg Weiß"] == await find(email="example.com", phone_number="4930")
        assert ["Ana"] == await find(phone_number="5550137")
        assert [] == await find(full_name="Weis", email="ana")


async def test_create_get_update_delete() -> None:
    """A contact is created, found by id, number and address, changed in what is sent, and removed."""
    data = [ContactField("text", "segment", "retail")]
    for envelope in get_args(Envelope):
        sandbox = Sandbox(contacts=2, envelope=envelope)
        async with sandbox.client() as client:
            made = await client.contacts.create(
                phone_number=NOBODY,
                full_name="Noor Haddad",
                country="US",
                email="Noor@Example.com",
                additional_data=data,
            )
            assert made.to_dict() == Contact(**{**sandbox.contacts[0], "created_at": made.created_at}).to_dict() | {
                "additional_data": [data[0].to_dict()]
            }
            for identifier, kind in ((made.id, "id"), (NOBODY, "phone_number"), ("noor@example.COM", "email")):
                assert made == await client.contacts.get(identifier, identifier_type=kind)  # type: ignore[arg-type] # as above

            same = await client.contacts.update(made.id, phone_number=NOBODY, full_name="Noor Haddad")
            changed = await client.contacts.update(made.id, phone_number="+14155550138", email=None, additional_data=())
            assert made == same
            assert ("+14155550138", None, (), "US") == (
                changed.phone_number,
                changed.email,
                changed.additional_data,
                changed.country,
            )
            for identifier, kind in ((NOBODY, "phone_number"), ("noor@example.com", "email"), ("none", "id")):
                with pytest.raises(NotFoundError):
                    await client.contacts.get(identifier, identifier_type=kind)  # type: ignore[arg-type] # as above

            await client.contacts.delete(made.id)
            assert 2 == len(sandbox.contacts)
            for gone in (
                client.contacts.get(made.id),
                client.contacts.update(made.id, full_name="Nobody"),
                client.contacts.delete(made.id),
                client.contacts.get_call_history(made.id),
                client.contacts.list_comments(made.id).count(),
                client.contacts.list_tags(made.id).count(),
                client.contacts.add_tag(made.id, sandbox.tags[0]["id"]),
                client.contacts.remove_tag(made.id, sandbox.tags[0]["id"]),
                client.contacts.add_comment(contact_id=made.id, content="Hello.", created_by_type="AI"),
            ):
                with pytest.raises(NotFoundError) as caught:
                    await gone
                assert "There is no such contact" == caught.value.message


async def test_wrong_requests(ask: Ask) -> None:
    """A number that another contact has is a 409, and what is not allowed a 400; neither changes anything."""
    sandbox = Sandbox(contacts=2)
    before, taken = sandbox.contacts.rows, sandbox.contacts[1]["phone_number"]
    mine = f"{PATH}/{before[0]['id']}"
    noor = {"phone_number": NOBODY, "full_name": "Noor Haddad", "country": "US"}
    comment = {"contact_id": before[0]["id"], "content": "Hello.", "created_by_type": "AI"}
    expected: list[tuple[int, str, str, object, str]] = [
        (409, "POST", PATH, {**noor, "phone_number": taken}, "Another contact has this phone_number"),
        (409, "PATCH", mine, {"phone_number": taken}, "Another contact has this phone_number"),
        (400, "POST", PATH, {**noor, "phone_number": "4155550137"}, "phone_number must be a string such as "),
        (400, "POST", PATH, {**noor, "full_name": ""}, "full_name must be a non-empty string"),
        (400, "POST", PATH, {"full_name": "Noor Haddad"}, "phone_number is required"),
        (400, "PATCH", mine, {"full_name": None}, "full_name must be a non-empty string"),
        (400, "PATCH", mine, {"additional_data": [{"field": "a", "value": "b"}]}, "additional_data must be an array"),
        (400, "POST", "/v1/comments", {**comment, "created_by_type": "USER"}, "created_by must be sent with "),
        (400, "POST", "/v1/comments", {**comment, "created_by": "ana@ours.example"}, "created_by must be sent with "),
        (400, "POST", "/v1/comments", {**comment, "created_by_type": "user"}, "created_by_type must be one of: USER, "),
        (400, "GET", f"{PATH}/4155?identifierType=phone_number", None, "identifier must be a string such as +1"),
    ]
    for status, method, target, body, message in expected:
        path, _, kind = target.partition("?identifierType=")
        found = read(await ask(sandbox, method, path, body, **({"identifierType": kind} if kind else {})))
        assert (status, True) == (found[0], found[1]["message"].startswith(message)), found

    assert before == sandbox.contacts


async def test_who_is_called() -> None:
    """A call to a number that no contact has makes one; calls show a contact as it was when they were placed."""
    sandbox = Sandbox(contacts=3)
    known = sandbox.contacts[0]
    async with sandbox.client() as client:
        assert known["id"] == await call(sandbox, client, known["phone_number"])
        assert known == sandbox.contacts[0]
        person = {"full_name": "Somebody Else", "phone_number": known["phone_number"], "email": known["email"]}
        assert person.items() <= sandbox.calls[0]["contact"].items()

        new = await call(sandbox, client, NOBODY, country="CA")
        assert new == await call(sandbox, client, NOBODY, email="new@example.com")
        made = sandbox.contacts[0]
        assert (4, new, NOBODY, "Somebody Else", None, "CA") == (
            len(sandbox.contacts),
            *(made[name] for name in ("id", "phone_number", "full_name", "email", "country")),
        )
        assert ["new@example.com", None] == [row["contact"]["email"] for row in sandbox.calls[:2]]

        await client.contacts.delete(made["id"])
        assert [new, new] == [row["contact"]["id"] for row in sandbox.calls[:2]]
        again = await call(sandbox, client, NOBODY)
        assert again not in {new, None}
        assert again == sandbox.contacts[0]["id"]


def test_added_calls_are_with_contacts() -> None:
    """A past call to the number of a contact is with that contact; to any other, with somebody who is none."""
    sandbox = Sandbox(calls=0)
    ada = sandbox.contacts.add(id="ct-1", full_name="Ada", phone_number=NOBODY, email="ada@example.com", country="GB")
    person = {name: ada[name] for name in ("id", "full_name", "phone_number", "email", "country")}

    assert person == sandbox.calls.add(phone_number=NOBODY)["contact"]
    assert {**person, "full_name": "A."} == sandbox.calls.add(phone_number=NOBODY, full_name="A.")["contact"]
    stranger = sandbox.calls.add(phone_number="+14155550138")["contact"]
    assert "+14155550138" == stranger["phone_number"]
    assert stranger["id"] not in {row["id"] for row in sandbox.contacts}


async def test_call_histories() -> None:
    """A contact's history has its calls, the newest first, with what was said; it may have none."""
    sandbox = Sandbox(calls=30, contacts=6)
    sandbox.calls.answer_next("answered")
    contact = sandbox.contacts[-1]
    async with sandbox.client() as client:
        await call(sandbox, client, contact["phone_number"])
        history = await client.contacts.get_call_history(contact["id"])
        waiting, second, first = (history.call_history and history.call_history.calls) or ()
        sandbox.clock.advance(60)
        ended = (await client.contacts.get_call_history(contact["id"])).call_history
        none = (
            await client.contacts.get_call_history(
                (await client.contacts.create(phone_number=NOBODY, full_name="N", country="US")).id
            )
        ).call_history

    shown = [row for row in sandbox.calls if row["contact"]["id"] == contact["id"]]
    assert history.contact is not None
    assert (contact["id"], 3) == (history.contact.id, len(shown))
    assert ("in-queue", None, None, 0) == (waiting.status, waiting.duration, waiting.chat_history, waiting.price)
    assert [row["call_result"] for row in shown[1:]] == [second.status, first.status]
    assert [row["from"] for row in shown[1:]] == [second.from_number, first.from_number]
    assert ended is not None
    assert ended.last_call is not None
    assert (3, ended.last_call) == (ended.call_attempts, (ended.calls or ())[0])
    assert ("answered", shown[0]["duration"], 0.25) == (
        ended.last_call.status,
        ended.last_call.duration,
        ended.last_call.price,
    )
    assert "agent" == (ended.last_call.chat_history or ())[0].role
    assert none is not None
    assert (0, None, ()) == (none.call_attempts, none.last_call, none.calls)


async def test_tags_of_contacts() -> None:
    """A tag appears on its contacts as it is now, once; a deleted one is on none, nor is one that was taken off."""
    sandbox = Sandbox(contacts=2, tags=3)
    other, contact = sandbox.contacts
    first, second, third = (tag["id"] for tag in sandbox.tags)
    async with sandbox.client() as client:

        async def tags_of(contact_id: str) -> list[str | None]:
            listed = [tag.name async for tag in client.contacts.list_tags(contact_id)]
            rows = {row.id: [tag.name for tag in row.tags or ()] async for row in client.contacts.list()}
            got = (await client.contacts.get(contact_id)).tags or ()
            assert listed == rows[contact_id] == [tag.name for tag in got]
            assert listed == [tag["name"] for row in sandbox.contacts for tag in row["tags"] if row["id"] == contact_id]
            return [*listed]

        for tag_id in (second, first, second):
            added = await client.contacts.add_tag(contact["id"], tag_id)
        names = {tag["id"]: tag["name"] for tag in sandbox.tags}
        assert [names[second], names[first]] == await tags_of(contact["id"]) == [tag.name for tag in added.tags or ()]
        assert [] == await tags_of(other["id"])

        await client.contacts.update(contact["id"], full_name="New Name")
        await client.tags.update(second, name="renamed")
        assert ["renamed", names[first]] == await tags_of(contact["id"])
        await client.contacts.remove_tag(contact["id"], first)
        for contact_id, tag_id in ((contact["id"], first), (contact["id"], third), (other["id"], second)):
            with pytest.raises(NotFoundError) as caught:
                await client.contacts.remove_tag(contact_id, tag_id)
            assert "The contact does not have this tag" == caught.value.message
        with pytest.raises(NotFoundError) as caught:
            await client.contacts.add_tag(contact["id"], "another")
        assert "There is no such tag" == caught.value.message
        await client.tags.delete(second)
        assert [] == await tags_of(contact["id"])
        sandbox.tags.add(id=second, name="another of this id")
        assert [] == await tags_of(contact["id"])

        await client.contacts.add_tag(contact["id"], first)
        sandbox.contacts.remove(contact["id"])
        sandbox.contacts.add(id=contact["id"])
        assert [] == await tags_of(contact["id"])


async def test_comments_on_contacts() -> None:
    """Comments come the newest first, with who made them, and go with the contact."""
    for envelope in get_args(Envelope):
        sandbox = Sandbox(contacts=2, envelope=envelope, clock=lambda: 0.0)
        id_ = sandbox.contacts[0]["id"]
        async with sandbox.client() as client:
            for content, source, member in (
                ("a", "USER", "ana@ours.example"),
                ("b", "AI", None),
                ("c", "SYSTEM", None),
            ):
                made = await client.contacts.add_comment(
                    contact_id=id_,
                    content=content,
                    created_by_type=source,  # type: ignore[arg-type] # one of the allowed
                    created_by=member,
                )
                sandbox.clock.advance(1)
            comments = [comment async for comment in client.contacts.list_comments(id_)]
            assert made == comments[0]
            assert [("c", "SYSTEM"), ("b", "AI"), ("a", {"email": "ana@ours.example"})] == [
                (comment.content, comment.created_by) for comment in comments
            ]
            assert comments == sorted(comments, key=lambda comment: str(comment.created_at), reverse=True)
            assert 0 == await client.contacts.list_comments(sandbox.contacts[1]["id"]).count()
            sandbox.contacts.remove(id_)
            sandbox.contacts.add(id=id_)
            assert 0 == await client.contacts.list_comments(id_).count()


@pytest.mark.parametrize("envelope", get_args(Envelope))
async def test_responses_are_as_described(ask: Ask, envelope: Any) -> None:
    """Status, media type and body of each response are described in the document, of errors as well."""
    sandbox = Sandbox(envelope=envelope)
    id_, tag = sandbox.contacts[0]["id"], sandbox.tags[0]["id"]
    noor = {"phone_number": NOBODY, "full_name": "Noor Haddad", "country": "US"}
    comment = {"contact_id": id_, "content": "Hello.", "created_by_type": "USER", "created_by": "ana@ours.example"}
    document = sandbox.openapi()

    async def check(status: int, method: str, path: str, body: object = None, **params: object) -> None:
        at = path.replace("{contactId}", id_).replace("{identifier}", id_).replace("{tagId}", tag)
        response = await ask(sandbox, method, at, body, **params)
        found = document["paths"][path][method.lower()]["responses"][str(response.status)]
        if "$ref" in found:
            found = document["components"]["responses"][found["$ref"].rpartition("/")[2]]
        assert (status, method, path) == (response.status, method, path)
        if "content" not in found:
            assert b"" == response.body
            return
        schema = {**found["content"]["application/json"]["schema"], "components": document["components"]}
        assert [] == [error.message for error in OAS31Validator(schema).iter_errors(json.loads(response.body))], path

    one, itself = f"{PATH}/{{contactId}}", f"{PATH}/{{identifier}}"
    for _ in range(2):
        await check(201, "POST", f"{one}/tags/{{tagId}}")
    await check(201, "POST", "/v1/comments", comment)
    await check(
        201, "POST", PATH, {**noor, "email": None, "additional_data": [{"type": "a", "field": "b", "value": "c"}]}
    )
    await check(409, "POST", PATH, noor)
    await check(409, "PATCH", itself, {"phone_number": NOBODY})
    await check(400, "POST", PATH, {})
    await check(200, "PATCH", itself, {"country": None})
    for path in (PATH, itself, f"{one}/call-history", f"{one}/comments", f"{one}/tags"):
        await check(200, "GET", path)
    await check(200, "GET", PATH, limit=2, offset=1)
    await check(400, "GET", PATH, limit=2)
    await check(200, "DELETE", f"{one}/tags/{{tagId}}")
    await check(404, "DELETE", f"{one}/tags/{{tagId}}")
    await check(204 if envelope == "count" else 200, "DELETE", itself)
    await check(404, "DELETE", itself)
    for path in (itself, f"{one}/call-history", f"{one}/comments", f"{one}/tags"):
        await check(404, "GET", path)
    await check(404, "POST", "/v1/comments", comment)


def test_added_contacts() -> None:
    """A test adds contacts with the fields that it gives; what it leaves out is made up, no number a taken one."""
    sandbox = Sandbox(contacts=0)
    data = [{"type": "date", "field": "since", "value": "2026-05-04"}]
    row = sandbox.contacts.add(
        full_name="Noor Haddad",
        phone_number=NOBODY,
        email="",
        country="",
        description="Met at the fair.",
        additional_data=data,
        created_at="2020-02-03T04:05:06+01:00",
        id="ct-1",
    )
    numbers = [sandbox.contacts.add()["phone_number"] for _ in range(3)]
    sandbox.contacts.remove(sandbox.contacts[0]["id"])
    numbers.append(sandbox.contacts.add(phone_number=Sandbox(contacts=5).contacts[0]["phone_number"])["phone_number"])
    numbers += [sandbox.contacts.add()["phone_number"] for _ in range(2)]

    assert {
        "id": "ct-1",
        "phone_number": NOBODY,
        "full_name": "Noor Haddad",
        "country": "",
        "email": "",
        "description": "Met at the fair.",
        "additional_data": data,
        "tags": [],
        "organization_id": sandbox.organization_id,
        "created_at": "2020-02-03T04:05:06+01:00",
    } == row
    assert row == sandbox.contacts[-1]
    assert 6 == len({*numbers})


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"full_name": ""}, ValueError, "full_name must be a non-empty string, not ''"),
        ({"phone_number": "4155550137"}, ValueError, "phone_number must be a string such as +14155550137, not "),
        ({"phone_number": NOBODY}, ValueError, "phone_number must be new, but there is a contact with '+14155550137'"),
        ({"email": 1}, TypeError, "email must be a string or null, not int"),
        ({"additional_data": [{}]}, ValueError, "additional_data must be an array such as "),
        ({"id": "taken"}, ValueError, "id must be new, but there is a contact 'taken'"),
        ({"id": ""}, ValueError, "id must be a non-empty string, not ''"),
    ],
)
def test_added_contacts_are_checked(fields: dict[str, Any], error: type[Exception], message: str) -> None:
    """What is not allowed is refused, and leaves no trace in what is made up later."""
    sandbox, untouched = Sandbox(contacts=1), Sandbox(contacts=1)
    for each in (sandbox, untouched):
        each.contacts.add(id="taken", phone_number=NOBODY)
    with pytest.raises(error) as caught:
        sandbox.contacts.add(**fields)

    assert str(caught.value).startswith(message)
    assert untouched.contacts.add() == sandbox.contacts.add()


async def test_numbers_come_again_when_all_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once each made-up number has a contact, they come again, under other ids; a request can't take one twice."""
    monkeypatch.setattr("contactship_async.sandbox._resources.people.MOST_PEOPLE", 3)
    monkeypatch.setattr("contactship_async.sandbox._resources.contacts.MOST_PEOPLE", 3)
    sandbox = Sandbox(contacts=3)
    extra = sandbox.contacts.add()

    assert (4, 3) == (
        len({row["id"] for row in sandbox.contacts}),
        len({row["phone_number"] for row in sandbox.contacts}),
    )
    async with sandbox.client() as client:
        found = await client.contacts.get(extra["phone_number"], identifier_type="phone_number")
        assert extra["id"] == found.id
        with pytest.raises(ConflictError):
            await client.contacts.create(phone_number=extra["phone_number"], full_name="A", country="US")
        assert (await client.contacts.create(phone_number=NOBODY, full_name="A", country=None)).country is None
