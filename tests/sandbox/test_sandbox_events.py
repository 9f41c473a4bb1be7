"""Events of the sandbox: their results, whose they are, contacts that they create, and sessions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from attrs import evolve

from contactship_async import BadRequestError, ConflictError, PermissionDeniedError
from contactship_async.models.events import Event, EventIdentity, EventResult, EventSummary
from contactship_async.sandbox import Sandbox

NOOR: Final = EventIdentity(phone="+14155550137", email="noor@example.com", name="Noor Haddad", country="US")
PURCHASE: Final = Event(event_name="purchase", contact=NOOR)
VISIT: Final = Event(event_name="page_view", session_id="visit-7")


async def send(sandbox: Sandbox, *events: Event) -> Sequence[EventResult]:
    """Send events, and return their results."""
    async with sandbox.client() as client:
        return (await client.events.send(events)).results


async def send_raw(sandbox: Sandbox, *events: Any) -> list[dict[str, Any]]:
    """Send anything, and return the results as they come."""
    async with sandbox.client() as client:
        response = await client.request("POST", "/v1/events", json={"events": events})
    results: list[dict[str, Any]] = response["data"]["results"]
    return results


def of(**contact: str) -> Event:
    """Return an event of somebody."""
    return evolve(PURCHASE, contact=EventIdentity(**contact))


async def test_contact_is_created_and_found_again() -> None:
    """An event of somebody new creates a contact with what was sent, which others find by all of that."""
    sandbox = Sandbox(contacts=0)
    known = evolve(NOOR, external_id="customer-4821")
    [created, again] = await send(sandbox, evolve(PURCHASE, contact=known), PURCHASE)
    [contact] = sandbox.contacts
    found = await send(
        sandbox,
        of(contact_id=contact["id"], phone="+12025550142"),
        of(external_id="customer-4821"),
        of(phone="(415) 555-0137"),
        of(email="NOOR@example.com"),
        evolve(of(contact_id="ct-unknown", email="noor@example.com"), create_contact=False),
    )

    assert ("+14155550137", "noor@example.com", "Noor Haddad", "US") == (
        *(contact["phone_number"], contact["email"], contact["full_name"], contact["country"]),
    )
    assert [("created", None, True), ("created", "phone", False)] == [told(one) for one in (created, again)]
    assert ["contact_id", "external_id", "phone", "email", "email"] == [told(one)[1] for one in found]
    assert {contact["id"]} == {result.contact.id for result in found if result.contact is not None}
    assert [None] * 4 + [{"contact_id_not_found": "ct-unknown"}] == [result.conflict for result in found]
    assert [contact["id"]] * 7 == [event.contact_id for event in sandbox.events]


async def test_number_with_blanks_is_the_same_number() -> None:
    """A contact that an event has created keeps its number for itself, however that is written."""
    sandbox = Sandbox(contacts=0)
    await send(sandbox, of(phone="+1 415 555-0137"))
    async with sandbox.client() as client:
        with pytest.raises(ConflictError):
            await client.contacts.create(phone_number="+14155550137", full_name="Noor Haddad", country="US")
        found = await client.contacts.get("+14155550137", identifier_type="phone_number")
        changed = await client.contacts.update(found.id, phone_number="+14155550137")

    assert ("+1 415 555-0137", "+14155550137") == (found.phone_number, changed.phone_number)


def told(result: EventResult) -> tuple[Any, Any, Any]:
    """Return the status of a result, and how its contact came about."""
    contact = result.contact
    return (result.status, *((contact.matched_by, contact.created) if contact else (result.reason, None)))


async def test_contacts_without_a_number() -> None:
    """An e-mail address is enough to create a contact; an event that has what it lacks fills that in."""
    sandbox = Sandbox(contacts=0)
    await send(sandbox, of(email="noor@example.com"), of(email="lee@example.com", external_id="lee"))
    async with sandbox.client() as client:
        [lee, noor] = [contact async for contact in client.contacts.list()]
        with pytest.raises(BadRequestError):
            [number] = [one async for one in client.phone_numbers.list(type="outbound").rows(max_items=1)]
            await client.calls.make_contact_call(contact_id=noor.id, agent_id="ag-1", from_number_id=number.id)
        await client.events.send([PURCHASE, of(external_id="lee", phone="+12025550142", email="other@example.com")])
        filled = [await client.contacts.get(one.id) for one in (noor, lee)]

    assert [("noor@example.com", None), ("lee@example.com", None)] == [
        (one.full_name, one.phone_number) for one in (noor, lee)
    ]
    assert [("+14155550137", "noor@example.com"), ("+12025550142", "lee@example.com")] == [
        (one.phone_number, one.email) for one in filled
    ]


async def test_contacts_that_are_not_created() -> None:
    """Without a way to reach somebody, or where it is not wanted, an event is stored without a contact."""
    sandbox = Sandbox(contacts=0)
    sandbox.contacts.add(email="shared@example.com")
    sandbox.contacts.add(email="Shared@example.com")
    results = await send(
        sandbox,
        evolve(PURCHASE, create_contact=False),
        of(contact_id="ct-unknown"),
        of(external_id="customer-1"),
        of(email="shared@example.com"),
        of(email="shared@example.com", phone="+14155550137"),
    )

    unresolved = [("unresolved", reason, None) for reason in (*["not_found"] * 3, "ambiguous_email")]
    assert [*unresolved, ("created", None, True)] == [told(result) for result in results]
    shared = {"email_shared": 2}
    assert [None, {"contact_id_not_found": "ct-unknown"}, None, shared, shared] == [one.conflict for one in results]
    assert [None, "+14155550137"] == [sandbox.contacts[0]["email"], sandbox.contacts[0]["phone_number"]]
    assert 3 == len(sandbox.contacts)


async def test_ambiguous_contacts() -> None:
    """A phone number wins over an e-mail address; of several contacts with the same last digits, the newest has it."""
    sandbox = Sandbox(contacts=0)
    sandbox.contacts.add(phone_number="+524155550137", email="noor@example.com")
    newest = sandbox.contacts.add(phone_number="+14155550137", email="lee@example.com")
    [result] = await send(sandbox, PURCHASE)

    assert result.contact is not None
    assert (newest["id"], "phone") == (result.contact.id, result.contact.matched_by)
    assert {"phone_shared_by": 2, "email_points_to": sandbox.contacts[1]["id"]} == result.conflict


async def test_sessions() -> None:
    """Anonymous events wait for their session; an event with a contact, or `identify`, makes them that contact's."""
    sandbox = Sandbox(contacts=0)
    async with sandbox.client() as client:
        await client.events.send([VISIT, VISIT, evolve(VISIT, session_id="visit-8")])
        waiting = [(event.status, event.contact_id) for event in sandbox.events]
        linked = await client.events.identify(" visit-7 ", contact=NOOR)
        again = await client.events.identify("visit-7", contact=NOOR)
        taken = await client.events.identify("visit-7", contact=EventIdentity(email="lee@example.com"))
        nobody = await client.events.identify(
            "visit-9", contact=EventIdentity(email="no@one.example"), create_contact=False
        )
        sent = await client.events.send([VISIT, evolve(PURCHASE, session_id="visit-8")])
        elsewhere = await client.events.send([evolve(of(email="lee@example.com"), session_id="visit-7")])

    [lee, noor] = sandbox.contacts
    assert [("pending", None)] * 3 == waiting
    assert [("linked", 2, True), ("linked", 0, False)] == [
        (one.status, one.pending_events, one.contact.created) for one in (linked, again) if one.contact is not None
    ]
    assert "visit-7" == linked.session_id
    assert taken.contact is not None
    assert ("already_linked", noor["id"], 0) == (taken.status, taken.contact.id, taken.pending_events)
    assert {"session_belongs_to": noor["id"]} == taken.conflict
    assert ("not_found", None, "not_found") == (nobody.status, nobody.contact, nobody.reason)
    assert [("created", "session", False), ("created", "phone", False)] == [told(result) for result in sent.results]
    assert {"session_belongs_to": noor["id"]} == elsewhere.results[0].conflict
    assert [("created", noor["id"])] * 5 + [("created", lee["id"])] == [
        (event.status, event.contact_id) for event in sandbox.events
    ]


async def test_contacts_that_are_gone() -> None:
    """A contact that was deleted is found by nothing, and its sessions are nobody's."""
    sandbox = Sandbox(contacts=0)
    known = evolve(NOOR, external_id="noor")
    await send(sandbox, evolve(PURCHASE, contact=known, session_id="visit-7"))
    sandbox.contacts.remove(sandbox.contacts[0]["id"])
    results = await send(sandbox, VISIT, of(external_id="noor"), evolve(PURCHASE, session_id="visit-7"))

    assert ["pending", "unresolved", "created"] == [result.status for result in results]
    assert [True] == [result.contact.created for result in results if result.contact]
    assert "created" == sandbox.events[1].status


async def test_events_do_not_wait_for_ever() -> None:
    """After 30 days, an anonymous event stays without a contact."""
    sandbox = Sandbox(contacts=0)
    async with sandbox.client() as client:
        await client.events.send([VISIT])
        sandbox.clock.advance(timedelta(days=30, seconds=-9).total_seconds())
        await client.events.send([VISIT])
        sandbox.clock.advance(10)
        identified = await client.events.identify("visit-7", contact=NOOR)

    assert 1 == identified.pending_events
    assert ["pending", "created"] == [event.status for event in sandbox.events]


async def test_what_is_stored() -> None:
    """Names are stored in snake_case, an id once, and at most 500 names; the sandbox shows all that was sent."""
    sandbox = Sandbox(contacts=1)
    names = ["Add To Cart", "add-to-cart", "addToCart", "AddToCart", "Compra Realizada", "Événement.payé", "HTTPError"]
    before = datetime.now(UTC)
    async with sandbox.client() as client:
        sent = await client.events.send(
            [evolve(PURCHASE, event_name=name, event_id=f"e-{place}") for place, name in enumerate(names)]
        )
        duplicate = await client.events.send([evolve(PURCHASE, event_id="e-6", occurred_at=before)])
        many = await client.events.send([evolve(PURCHASE, event_name=f"name_{place}") for place in range(500)])
        known = await client.events.send([evolve(PURCHASE, event_name="HTTPError")])

    stored = [*["add_to_cart"] * 4, "compra_realizada", "evenement_paye", "http_error"]
    assert stored == [result.event_name for result in sent.results]
    assert names == [result.original_event_name for result in sent.results]
    assert (
        EventSummary(
            received=7, created=7, unresolved=0, pending=0, duplicate=0, rejected=0, invalid=0, contacts_created=1
        )
        == sent.summary
    )
    assert ["duplicate"] == [result.status for result in duplicate.results]
    assert ["event_name_limit"] * 4 == [result.reason for result in many.rejected]
    assert "created" == known.results[0].status
    assert (509, "purchase", "e-6", "duplicate", before) == (
        *(len(sandbox.events), sandbox.events[7].event_name, sandbox.events[7].event_id),
        *(sandbox.events[7].status, sandbox.events[7].occurred_at),
    )
    assert ["e-0", "e-1"] == [event.event_id for event in sandbox.events[:2]]
    assert before <= sandbox.events[0].occurred_at
    assert "noor@example.com" == sandbox.events[0].body["contact"]["email"]
    assert "noor" not in repr(sandbox.events[:]).casefold()
    assert "<Events: 509>" == repr(sandbox.events)


async def test_malformed_events_have_a_result() -> None:
    """What is wrong with one event is said in its result, and does not keep the others from being stored."""
    sandbox = Sandbox(contacts=0)
    long = "x" * 201
    malformed: list[dict[str, Any]] = [
        {},
        {"event_name": 5, "event_id": 7},
        {"event_name": "cs_call"},
        {"event_name": "a" * 41},
        {"event_name": "a", "event_id": "a b"},
        {"event_name": "a", "occurred_at": "yesterday"},
        {"event_name": "a", "occurred_at": "1999-12-31T23:59:59"},
        {"event_name": "a", "params": {"key": "x" * 32_000}},
        {"event_name": "a", "value": "much"},
        {"event_name": "a", "contact": {"phone": "123"}, "currency": "dollar"},
        {"event_name": "a", "contact": {"external_id": long}},
        {"event_name": "a", "links": [{"url": "data:a"}]},
    ]
    results = await send_raw(
        sandbox, *malformed, {"event_name": "a", "contact": None}, {"event_name": "a", "session_id": " v "}
    )

    assert [("invalid", faults) for faults in (1, 2, 1, 1, 1, 1, 1, 1, 1, 2, 1, 1)] == [
        (result["status"], len(result["errors"])) for result in results[:-2]
    ]
    assert ["event_name is required"] == results[0]["errors"]
    assert {"event_name"} == results[2].keys() - results[0].keys()
    assert ("rejected", "no_identity") == (results[-2]["status"], results[-2]["reason"])
    assert ("pending", "v") == (results[-1]["status"], sandbox.events[-1].session_id)
    assert [*["invalid"] * 12, "rejected", "pending"] == [event.status for event in sandbox.events]


@pytest.mark.parametrize("events", [[], [{}] * 101, [5], {}])
async def test_malformed_bodies(events: Any) -> None:
    """Only a body that is no array of 1 to 100 objects is refused as a whole."""
    sandbox = Sandbox()
    async with sandbox.client() as client:
        with pytest.raises(BadRequestError, match="400 Bad Request"):
            await client.request("POST", "/v1/events", json={"events": events})
        with pytest.raises(BadRequestError):
            await client.request("POST", "/v1/identify", json={"session_id": "v", "contact": {"name": "Noor"}})

    assert 0 == len(sandbox.events)


async def test_without_the_add_on() -> None:
    """Without it, both endpoints are a 403 that names it, and nothing is stored."""
    sandbox = Sandbox(contacts=0)
    sandbox.events.is_enabled = False
    async with sandbox.client() as client:
        with pytest.raises(PermissionDeniedError, match="Events is an add-on"):
            await client.events.send([PURCHASE])
        with pytest.raises(PermissionDeniedError, match="Events is an add-on"):
            await client.events.identify("visit-7", contact=NOOR)

    assert (0, 0) == (len(sandbox.events), len(sandbox.contacts))
