"""Contacts: what the contract tests can't know of."""

from __future__ import annotations

import json
from typing import Any

import pytest
from called_resources import Recorder
from made_up import in_json

from contactship_async import UNSET, MalformedResponseError, PaginationError, Response
from contactship_async.models.contacts import CallHistory, Contact, ContactCallHistory, ContactField, PastCall

NOOR: dict[str, Any] = {"id": "ct-1", "full_name": "Noor Haddad", "phone_number": "+14155550137"}
COMMENT = {"id": "cm-1", "content": "Call in May.", "created_by": "AI", "created_at": "2026-05-04T09:12:00Z"}


def answer(content: Any, status: int = 200) -> Response:
    """Return a response with this JSON."""
    return Response(status=status, body=json.dumps(content).encode())


def wrap(content: Any) -> Response:
    """Return a response in the newer envelope."""
    return answer({"statusCode": 200, "data": content})


def wrap_fields(**content: Any) -> Response:
    """Return an object in it."""
    return wrap(content)


NEWEST = PastCall(direction="outbound", status="answered", duration=98.0, from_number="+12025550142")  # type: ignore[arg-type] # enums are compared as strings
WITHOUT_ID = {name: value for name, value in NOOR.items() if name != "id"}
HISTORIES: dict[str, tuple[Response, ContactCallHistory]] = {
    "newest": (
        wrap_fields(
            contact=NOOR,
            call_history={
                "call_attempts": 1,
                "last_call": {"duration": "98.5"},
                "calls": [{"direction": "outbound", "status": "answered", "duration": "98", "from": "+12025550142"}],
            },
        ),
        ContactCallHistory(Contact(**NOOR), CallHistory(1, PastCall(duration=98.5), (NEWEST,))),
    ),
    "by phone number": (
        wrap_fields(
            contact_id="ct-1",
            contact=WITHOUT_ID,
            history={"call_attempts": "2", "calls": [{"direction": "outbound-api", "duration": "no number"}]},
        ),
        ContactCallHistory(
            Contact(**NOOR),
            CallHistory(2, None, (PastCall(direction="outbound-api"),)),  # type: ignore[arg-type] # as above
        ),
    ),
    "an array beside the contact": (
        answer({"contact": NOOR, "call_history": [{"id": "c-1", "status": "no-answer", "transcript": "Hello."}]}),
        ContactCallHistory(
            Contact(**NOOR),
            CallHistory(calls=(PastCall(id="c-1", status="no-answer", transcript="Hello."),)),  # type: ignore[arg-type] # as above
        ),
    ),
    "an array alone": (
        answer([{"id": "c-1", "duration": 61, "notes": None, "recording_url": None, "user_id": "u-1"}]),
        ContactCallHistory(None, CallHistory(calls=(PastCall(id="c-1", duration=61.0, user_id="u-1"),))),
    ),
    "an array in an envelope": (wrap([]), ContactCallHistory(None, CallHistory(calls=()))),
    "no calls": (wrap_fields(contact=NOOR, call_history=None), ContactCallHistory(Contact(**NOOR), None)),
    "nothing but calls": (wrap_fields(history=[]), ContactCallHistory(None, CallHistory(calls=()))),
}


async def test_call_histories_of_all_revisions() -> None:
    """Each documented form is read into the one class, durations as numbers."""
    actual = {}
    for name, (response, _) in HISTORIES.items():
        async with Recorder([response]).client() as client:
            actual[name] = await client.contacts.get_call_history("ct-1")

    assert {name: expected for name, (_, expected) in HISTORIES.items()} == actual
    assert Contact is type(actual["by phone number"].contact)


async def test_malformed_call_histories() -> None:
    """What is wrong is named by its path, also in older forms; a contact that has no id anywhere lacks one."""
    wrong = {
        "data.contact.id: missing": wrap_fields(contact=WITHOUT_ID, call_history={}),
        "data.history[1].duration": wrap_fields(contact=NOOR, history=[{}, {"duration": []}]),
        "[0]: expected an object": answer([5]),
        "call_history: expected": answer({"contact": NOOR, "call_history": "none"}),
    }
    for place, response in wrong.items():
        async with Recorder([response]).client() as client:
            with pytest.raises(MalformedResponseError) as caught:
                await client.contacts.get_call_history("ct-1")
        assert caught.value.issues[0].startswith(place), place


async def test_comments_of_all_revisions() -> None:
    """Comments are within an object beside their number, or an array by themselves, with or without an envelope."""
    within = {"total_comments": 2, "comments": [COMMENT, {"id": "cm-2"}]}
    responses = {
        "newest": wrap(within),
        "without an envelope": answer(within),
        "with a number as text": wrap({**within, "total_comments": "2"}),
        "with no number": wrap({**within, "total_comments": None}),
        "with what is none": wrap({**within, "total_comments": -2}),
        "array": answer(within["comments"]),
        "array in an envelope": wrap(within["comments"]),
    }
    actual = {}
    for name, response in responses.items():
        async with Recorder([response]).client() as client:
            listing = client.contacts.list_comments("ct-1")
            actual[name] = [[comment.id async for comment in listing], await listing.count()]

    assert {name: [["cm-1", "cm-2"], 2] for name in responses} == actual


async def test_comments_of_a_call_that_failed() -> None:
    """No comments, and a word that the call has failed, are not taken for a contact without comments."""
    for failed in ({"success": False, "data": {"comments": []}}, {"success": False, "data": []}):
        async with Recorder([answer(failed)]).client() as client:
            with pytest.raises(MalformedResponseError, match="success: false"):
                await client.contacts.list_comments("ct-1").count()


async def test_comments_that_are_cut_off() -> None:
    """A number that is larger than what came is an error, after the rows."""
    read = []
    async with Recorder([wrap({"total_comments": 51, "comments": [COMMENT]})]).client() as client:
        listing = client.contacts.list_comments("ct-1")
        with pytest.raises(PaginationError, match="only 1 of 51 rows"):
            async for comment in listing:
                read.append(comment)  # noqa: PERF401 - a comprehension would lose it
        with pytest.raises(PaginationError):
            await listing.count()

    assert [COMMENT] == [{name: in_json(comment)[name] for name in COMMENT} for comment in read]


async def test_malformed_comments() -> None:
    """The comments before a malformed one come, and it is named and shown as it was sent; without rows, all is."""
    good, bad = COMMENT, {"id": "", "content": "\ud800"}
    for place, response in {
        "data.comments": wrap({"comments": [good, bad]}),
        "data": wrap([good, bad]),
        "comments": answer({"comments": [good, bad]}),
        "": answer([good, bad]),
    }.items():
        read = []
        async with Recorder([response]).client() as client:
            with pytest.raises(MalformedResponseError) as caught:
                async for comment in client.contacts.list_comments("ct-1"):
                    read.append(comment.id)  # noqa: PERF401 - as above
        assert (["cm-1"], bad) == (read, caught.value.row and caught.value.row.value)
        assert caught.value.issues[0].startswith(f"{place}[1].id: ")
    for response in (wrap({}), answer({}), wrap({"comments": None}), wrap(None)):
        async with Recorder([response]).client() as client:
            with pytest.raises(MalformedResponseError, match="comments"):
                await client.contacts.list_comments("ct-1").count()


async def test_a_tag_is_put_on() -> None:
    """Of an association, which older servers send, only the contact's id is known: its own id is no contact's."""
    older = {"id": "as-1", "contact_id": "ct-1", "tag_id": "tag-1", "created_at": "2026-05-04T09:12:00Z"}
    newer = {**NOOR, "tags": [{"id": "tag-1", "name": "vip"}]}
    read = []
    for response in (wrap(newer), answer(older, 201)):
        server = Recorder([response])
        async with server.client() as client:
            read.append(await client.contacts.add_tag("ct-1", "tag-1"))
        assert ("POST", None) == (server.requests[0].method, server.requests[0].body)

    assert ["tag-1"] == [tag.id for tag in read[0].tags or ()]
    assert Contact("ct-1") == read[1]


async def test_identifiers() -> None:
    """A phone number goes into the path with its plus encoded, and is checked as that of a call; others are not."""
    server = Recorder([answer(NOOR)])
    async with server.client() as client:
        for identifier, kind in (("+14155550137", "phone_number"), ("noor@example.com", "email"), ("ct-1", None)):
            await client.contacts.get(identifier, identifier_type=kind)  # type: ignore[arg-type] # one of the allowed
        for wrong in ("14155550137", "+1 415 555 0137", "ct-1"):
            with pytest.raises(
                ValueError, match=r"^identifier must be .*; see .*/get-contact-by-identifier$"
            ) as caught:
                await client.contacts.get(wrong, identifier_type="phone_number")
            assert wrong not in str(caught.value)

    assert [
        ("/v1/contacts/%2B14155550137", [("identifierType", "phone_number")]),
        ("/v1/contacts/noor%40example.com", [("identifierType", "email")]),
        ("/v1/contacts/ct-1", []),
    ] == [(request.path, [*request.query]) for request in server.requests]


WRONG_FIELDS: list[tuple[Any, type[Exception], str]] = [
    ("text", TypeError, "additional_data must be a sequence"),
    ({"type": "text"}, TypeError, "additional_data must be a sequence"),
    ([{"type": "text", "field": "a", "value": "b"}], TypeError, r"additional_data\[0\] must be of type ContactField"),
    ([ContactField("text", "a", "b"), None], TypeError, r"additional_data\[1\] must be of type ContactField"),
    ([ContactField()], TypeError, r"additional_data\[0\].type must be a non-empty string, not NoneType"),
    ([ContactField("", "a")], ValueError, r"additional_data\[0\].type must be a non-empty string"),
    ([ContactField("text")], TypeError, r"additional_data\[0\].field must be a non-empty string, not NoneType"),
    ([ContactField("text", "")], ValueError, r"additional_data\[0\].field must be a non-empty string"),
    ([ContactField("text", "a", object())], TypeError, r"additional_data\[0\].value must be of types that JSON"),
    ([ContactField("text", "a", "\ud800")], ValueError, r"additional_data\[0\].value must hold no lone surrogates"),
]


async def test_wrong_arguments() -> None:
    """What is not allowed is refused before anything is sent, and no error quotes it."""
    server = Recorder([answer(NOOR)])
    async with server.client() as client:
        for data, error, message in WRONG_FIELDS:
            with pytest.raises(error, match=f"^{message}"):
                await client.contacts.update("ct-1", additional_data=data)
        for number in ("4155550137", "+1(415)5550137", ""):
            with pytest.raises(ValueError, match=r"^phone_number must be a phone number.*; see .*/create-contact$"):
                await client.contacts.create(phone_number=number, full_name="Noor Haddad", country="US")
            with pytest.raises(ValueError, match=r"^phone_number must be a phone number.*; see .*/update-contact$"):
                await client.contacts.update("ct-1", phone_number=number)
        for source, member in (("USER", None), ("AI", "ana@ours.example"), ("SYSTEM", "ana@ours.example")):
            with pytest.raises(ValueError, match=r"^created_by must be given with .*; see https://.*/create-comment$"):
                await client.contacts.add_comment(
                    contact_id="ct-1",
                    content="Hello.",
                    created_by_type=source,  # type: ignore[arg-type] # one of the allowed
                    created_by=member,
                )
        contacts = client.contacts.list()
        with pytest.raises(
            ValueError, match=r"^limit must be an integer from 0 to 1000, .*; see https://.*/get-contacts$"
        ):
            await contacts.page(limit=1001)
        with pytest.raises(ValueError, match=r"^page_size must be an integer from 1 to 1000, .*/get-contacts$"):
            contacts.rows(page_size=1001)

    assert [] == server.requests


async def test_bodies() -> None:
    """Fields are sent as they were read, whatever their values are; what is left out on purpose is not sent."""
    read = (ContactField("boolean", "vip", value=True), ContactField("date", "since", "2026-05-04"))
    server = Recorder([answer(NOOR)])
    async with server.client() as client:
        await client.contacts.create(phone_number="+14155550137", full_name="Noor Haddad", country=None)
        await client.contacts.update("ct-1", additional_data=read, country=None, email=UNSET)
        await client.contacts.update("ct-1", additional_data=())

    assert [
        {"phone_number": "+14155550137", "full_name": "Noor Haddad"},
        {
            "country": None,
            "additional_data": [
                {"type": "boolean", "field": "vip", "value": True},
                {"type": "date", "field": "since", "value": "2026-05-04"},
            ],
        },
        {"additional_data": []},
    ] == [json.loads(request.body or b"") for request in server.requests]


def test_fields_have_open_types() -> None:
    """A type may be given as a string, also one that this release does not know, and equals it."""
    known, unknown = ContactField("date", "since", "2026-05-04"), ContactField("multiselect", "a", "b")

    assert ("date", "multiselect") == (known.type, unknown.type)
    assert {"type": "multiselect", "field": "a", "value": "b"} == unknown.to_dict()
