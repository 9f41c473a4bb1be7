"""Importing contacts: each is created, or updated where it is there, whatever happens to the others."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from random import Random
from typing import Any

import jumping_loop
import pytest
from contacts_server import ContactsServer, number_of, respond
from jumping_loop import in_loop_time
from volume import Volume

from contactship_async import (
    AmbiguousOutcomeError,
    AuthenticationError,
    BadRequestError,
    ClientClosedError,
    ConfigurationError,
    ConflictError,
    ContactshipClient,
    PermissionDeniedError,
    RateLimit,
    Request,
    Response,
    ServerError,
    Timeouts,
)
from contactship_async.models.contact_import import ContactInput, ImportedContact
from contactship_async.models.contacts import ContactField


def person(place: int, **more: Any) -> ContactInput:
    """Make up a contact."""
    return ContactInput(**{"phone_number": f"+1202555{place:04}", "full_name": f"Person {place}", **more})


def row(place: int, **more: Any) -> dict[str, Any]:
    """Return the same contact as the API has it."""
    number = f"+1202555{place:04}"
    return {"id": f"contact of {number}", "phone_number": number, "full_name": f"Person {place}", **more}


async def people(given: Iterable[ContactInput]) -> AsyncIterator[ContactInput]:
    """Iterate over contacts that are there at once."""
    for each in given:
        yield each


async def take(client: ContactshipClient, given: Any, **options: Any) -> list[ImportedContact]:
    """Return what became of each contact."""
    return [result async for result in client.contacts.import_from(given, **options)]


def shown(results: Iterable[ImportedContact]) -> list[tuple[int, str]]:
    """Return the place and the outcome of each result."""
    return [(result.place, result.outcome) for result in results]


async def test_each_is_created_or_brought_up_to_date() -> None:
    """What is there gets only what differs; what is there as it is to be is only looked at."""
    server = ContactsServer(
        row(1, email="old@example.com", country="US"),
        row(2, email="two@example.com", description="Met at the fair"),
        row(3, full_name=None, country=None),
    )
    given = [
        person(0, country="ES"),
        person(1, email="new@example.com", country="US"),
        person(2, email="two@example.com"),
        person(3, country="ES"),
    ]
    async with server.client() as client:
        results = await take(client, people(given))
        again = await take(client, given)

    assert [(0, "created"), (1, "updated"), (2, "unchanged"), (3, "updated")] == shown(results)
    assert [(place, "unchanged") for place in range(4)] == shown(again)
    assert [server.rows[each.phone_number]["id"] for each in given] == [result.contact_id for result in results]
    assert [{"email": "new@example.com"}, {"full_name": "Person 3", "country": "ES"}] == server.updates
    assert row(0, country="ES") == server.rows["+12025550000"]
    assert {None} == {result.error for result in results}


async def test_fields_that_are_not_given_stay() -> None:
    """An array replaces the whole one, so what the contact has besides is sent along."""
    known = [{"type": "text", "field": "segment", "value": "retail"}, {"type": "number", "field": "age", "value": "7"}]
    server = ContactsServer(row(0, additional_data=known), row(1, additional_data=None), row(2, additional_data=known))
    segment, since = (
        ContactField("text", "segment", "b2b"),
        ContactField("date", "since", "2026-05-04"),
    )
    given = [
        person(0, additional_data=[segment, since]),
        person(1, additional_data=[since]),
        person(2, additional_data=[ContactField("text", "segment", "retail")]),
    ]
    async with server.client() as client:
        results = await take(client, given)

    assert [(0, "updated"), (1, "updated"), (2, "unchanged")] == shown(results)
    assert [
        {"additional_data": [segment.to_dict(), known[1], since.to_dict()]},
        {"additional_data": [since.to_dict()]},
    ] == server.updates


async def test_fields_of_one_name() -> None:
    """Where a name is repeated, the contact has all of its values, and the same import again changes nothing."""
    visits = [ContactField("date", "visit", f"2026-05-0{day}") for day in (4, 5)]
    server = ContactsServer(row(1, additional_data=[visits[0].to_dict(), visits[0].to_dict(), visits[0].to_dict()]))
    given = [person(place, additional_data=visits) for place in range(2)]
    async with server.client() as client:
        outcomes = [shown(await take(client, given)) for _ in range(2)]

    assert [[(0, "created"), (1, "updated")], [(0, "unchanged"), (1, "unchanged")]] == outcomes
    assert [{"additional_data": [each.to_dict() for each in (*visits, visits[0])]}] == server.updates


async def test_fields_that_cannot_be_sent_back() -> None:
    """A contact whose known fields lack a type or a name is not changed: the error is its result. The others go on."""
    nameless, untyped = {"type": "text", "field": None, "value": "x"}, {"type": "", "field": "a", "value": "x"}
    server = ContactsServer(row(0, additional_data=[untyped]), row(1, additional_data=[nameless]))
    since = [ContactField("date", "since", "2026-05-04")]
    async with server.client() as client:
        results = await take(client, [person(0, additional_data=since), person(1, additional_data=since), person(2)])

    assert [(0, "failed"), (1, "failed"), (2, "created")] == shown(results)
    assert [ValueError, TypeError] == [type(result.error) for result in results[:2]]
    assert "additional_data[0].field must be a non-empty string, not NoneType" == str(results[1].error)
    assert [] == server.updates


async def test_a_repeated_number_is_one_contact() -> None:
    """What comes later stays, however long what comes first takes."""
    server = ContactsServer()

    async def delay(request: Request) -> None:
        for _ in range(50 if b"Person 0" in (request.body or b"") else 0):
            await asyncio.sleep(0)

    server.before = delay
    given = [person(0), person(1), person(0, full_name="Noor"), person(0, email="noor@example.com")]
    async with server.client() as client:
        results = await take(client, given, concurrency=4)

    assert [(0, "created"), (1, "created"), (2, "updated"), (3, "updated")] == shown(results)
    assert [row(1), row(0, email="noor@example.com")] == sorted(
        server.rows.values(), key=lambda each: -int(each["phone_number"])
    )


async def test_an_error_is_the_result_of_its_contact() -> None:
    """The others go on, whether it is an argument that is not allowed, or the server that refuses."""
    server = ContactsServer(row(3))
    replies = {"POST +12025550001": 400, "GET +12025550003": 503, "PATCH +12025550003": 400}

    async def refuse(request: Request) -> Response | None:
        status = replies.get(f"{request.method} {number_of(request)}")
        return None if status is None else respond(status)

    server.before = refuse
    given = [person(0, phone_number="2025550000"), person(1), person(2), person(3), person(4, full_name=None)]
    async with server.client() as client:
        results = await take(client, given)
        [unwritable, after] = await take(client, [person(5, full_name="\ud800"), person(6)])
        replies.pop("GET +12025550003")
        [updated] = await take(client, [person(3, email="three@example.com")])

    assert ["failed", "failed", "created", "failed", "failed"] == [result.outcome for result in results]
    assert [ValueError, BadRequestError, type(None), ServerError, TypeError] == [type(each.error) for each in results]
    assert ["contact of +12025550002"] == [each.contact_id for each in results if each.contact_id is not None]
    assert isinstance(updated.error, BadRequestError)
    assert "contact must hold no lone surrogates and not be nested too deeply" == str(unwritable.error)
    assert "created" == after.outcome


@pytest.mark.parametrize("loss", [respond(500), respond(201, {"no": "id"}), AmbiguousOutcomeError("cut")])
@pytest.mark.parametrize("is_kept", [True, False])
async def test_what_may_have_been_created_is_looked_for(loss: Response | Exception, is_kept: bool) -> None:
    """It is created if it is there; if not, nobody knows, and the error says so. Nothing is sent twice."""
    server = ContactsServer()

    async def lose(request: Request) -> Response | None:
        if request.method != "POST":
            return None
        if isinstance(loss, Exception):
            raise loss
        return loss

    setattr(server, "after" if is_kept else "before", lose)
    async with server.client() as client:
        [result] = await take(client, [person(0)])
        server.before = server.after = ContactsServer().before
        [again] = await take(client, [person(0)])

    assert {"POST": 2, "GET": 2 if is_kept else 1} == server.counts
    assert ("created" if is_kept else "failed", "unchanged" if is_kept else "created") == (
        *(result.outcome, again.outcome),
    )
    assert result.error is None or getattr(result.error, "may_have_been_processed", False)


async def test_a_contact_that_was_there_before_an_unknown_end() -> None:
    """It is brought up to date, as after a refusal."""
    server = ContactsServer(row(0))

    async def lose(request: Request) -> Response | None:
        return respond(500) if request.method == "POST" else None

    server.before = lose
    async with server.client() as client:
        [result] = await take(client, [person(0, email="zero@example.com")])

    assert ("updated", "zero@example.com") == (result.outcome, server.rows["+12025550000"]["email"])


@pytest.mark.parametrize(
    "found",
    [respond(404), respond(200, row(7)), respond(200, row(0, phone_number="1 (202) 555-0000", full_name="Zoë"))],
    ids=["none", "another", "the same"],
)
async def test_the_contact_of_a_taken_number(found: Response) -> None:
    """One that can't be found by it, or that has another number, is not touched; the number's form does not matter."""
    server = ContactsServer(row(0, full_name="Zoë"))

    async def find(request: Request) -> Response | None:
        return found if request.method == "GET" else None

    server.before = find
    async with server.client() as client:
        [result] = await take(client, [person(0)])

    is_same = b"(202)" in found.body
    assert (is_same, "Person 0" if is_same else "Zoë") == (
        *(result.outcome == "updated", server.rows["+12025550000"]["full_name"]),
    )
    assert is_same or isinstance(result.error, ConflictError)


@pytest.mark.parametrize(("status", "error"), [(401, AuthenticationError), (403, PermissionDeniedError)])
@pytest.mark.parametrize("method", ["POST", "GET", "PATCH"])
async def test_what_concerns_all_ends_it(status: int, error: type[Exception], method: str) -> None:
    """It is raised when the results of those that were under way have come; no more contacts are taken."""
    server = ContactsServer(*(row(place, full_name="Zoë") for place in range(9)))
    server.rows.pop("+12025550001")
    left = iter(person(place) for place in range(9))

    async def refuse(request: Request) -> Response | None:
        return respond(status) if request.method == method and number_of(request) == "+12025550002" else None

    server.before = refuse
    results: list[ImportedContact] = []
    async with server.client() as client:
        with pytest.raises(error):
            async for result in client.contacts.import_from(left, concurrency=4):
                results.append(result)  # noqa: PERF401 - they are kept when it raises

    assert [(0, "updated"), (1, "created"), (3, "updated")] == shown(results)
    assert [*range(4, 9)] == [int(each.phone_number[-4:]) for each in left]


async def test_a_lost_creation_is_told_when_looking_for_it_ends_the_import() -> None:
    """The contact may be there: that is its result."""
    server = ContactsServer()

    async def refuse(request: Request) -> Response | None:
        return respond(500 if request.method == "POST" else 401)

    server.before = refuse
    results: list[ImportedContact] = []
    async with server.client() as client:
        with pytest.raises(AuthenticationError):
            async for result in client.contacts.import_from([person(0), person(1)], concurrency=1):
                results.append(result)  # noqa: PERF401 - they are kept when it raises

    [lost] = results
    assert isinstance(lost.error, ServerError)
    assert lost.error.may_have_been_processed
    assert {"POST": 1, "GET": 1} == server.counts


async def test_a_key_that_is_none_ends_it() -> None:
    """So does whatever the function for the key raises."""

    async def fetch_nothing() -> str:
        return ""

    async def fail() -> str:
        raise RuntimeError

    for fetch, error in ((fetch_nothing, ConfigurationError), (fail, RuntimeError)):
        async with ContactshipClient(fetch, transport=ContactsServer().transport) as client:
            with pytest.raises(error):
                await take(client, [person(0), person(1)])


async def test_as_many_as_allowed_are_under_way() -> None:
    """And none while a result is out, so that whoever leaves the loop leaves nothing behind."""
    server = ContactsServer()

    async def yield_to_others(_: Request) -> None:
        await asyncio.sleep(0)

    server.before = yield_to_others
    tasks = asyncio.all_tasks()
    async with server.client() as client:
        for concurrency in (1, 3):
            server.rows.clear()
            server.most_under_way = 0
            left = iter(person(place) for place in range(10))
            async for result in client.contacts.import_from(left, concurrency=concurrency):
                assert tasks == asyncio.all_tasks()
                if result.place == 4:
                    break
            assert concurrency == server.most_under_way
            taken = -(-5 // concurrency) * concurrency
            assert taken == len(server.rows)
            assert 10 - taken == len([*left])


async def test_a_step_that_is_cancelled_leaves_nothing_behind() -> None:
    """What is under way is cancelled and has ended; what waits for its turn is not sent."""
    server = ContactsServer()
    has_begun = asyncio.Event()

    async def hang(_: Request) -> None:
        has_begun.set()
        await asyncio.Event().wait()

    server.before = hang
    tasks = asyncio.all_tasks()
    async with server.client() as client, aclosing(client.contacts.import_from([person(0), person(0)])) as results:
        step = asyncio.ensure_future(anext(results))
        await has_begun.wait()
        step.cancel()
        with pytest.raises(asyncio.CancelledError):
            await step
        assert tasks == asyncio.all_tasks()

    assert {"POST": 1} == server.counts


async def test_closing_the_client_ends_it() -> None:
    """What was under way is told as it is known; what is closed while a result is out is not opened again."""
    server = ContactsServer()
    client = server.client()

    async def close(request: Request) -> None:
        if number_of(request) == "+12025550001":
            await asyncio.create_task(client.close())
            await asyncio.Event().wait()

    server.before = close
    results: list[ImportedContact] = []
    with pytest.raises(ClientClosedError):
        async for result in client.contacts.import_from([person(0), person(1), person(2)], concurrency=2):
            results.append(result)  # noqa: PERF401 - they are kept when it raises

    assert [(0, "created"), (1, "failed")] == shown(results)
    assert isinstance(results[1].error, AmbiguousOutcomeError)
    server.before = ContactsServer().before
    with pytest.raises(ClientClosedError, match="closed"):
        async for _ in client.contacts.import_from([person(4), person(5)], concurrency=1):
            await client.close()
    assert 3 == len(server.requests)


class BareIterator:
    """All that `async for` needs of an asynchronous iterator."""

    def __init__(self, given: Iterable[ContactInput]) -> None:
        self._given = iter(given)

    async def __anext__(self) -> ContactInput:
        """Return the next contact."""
        try:
            return next(self._given)
        except StopIteration:
            raise StopAsyncIteration from None


class BareIterable:
    """Has nothing but such an iterator."""

    def __aiter__(self) -> BareIterator:
        return BareIterator([person(0), person(1)])


async def test_whatever_can_be_iterated_over_asynchronously() -> None:
    """What `async for` takes is taken, also where the iterator is not iterable itself."""
    async with ContactsServer().client() as client:
        assert [(0, "created"), (1, "created")] == shown(await take(client, BareIterable()))


async def test_the_source_may_fail() -> None:
    """Its error is raised when what was taken before has come; so is that of what is no contact."""

    async def failing() -> AsyncIterator[ContactInput]:
        yield person(0)
        raise LookupError

    sources: list[tuple[Any, type[Exception]]] = [(failing(), LookupError), ([person(0), {"a": 1}], TypeError)]
    for source, error in sources:
        server = ContactsServer()
        results: list[ImportedContact] = []
        async with server.client() as client:
            with pytest.raises(error):
                async for result in client.contacts.import_from(source):
                    results.append(result)  # noqa: PERF401 - they are kept when it raises
        assert [(0, "created")] == shown(results)


async def test_a_slow_source_holds_back_one_result_at_the_most() -> None:
    """A round is not filled by a source that takes longer than an import; one at a time, no result is held back."""
    given: list[int] = []

    async def slow() -> AsyncIterator[ContactInput]:
        for place in range(6):
            for _ in range(100):
                await asyncio.sleep(0)
            given.append(place)
            yield person(place)

    async with ContactsServer().client() as client:
        seen = [(result.place, len(given)) async for result in client.contacts.import_from(slow())]
        given.clear()
        at_once = [(result.place, len(given)) async for result in client.contacts.import_from(slow(), concurrency=1)]

    assert [(0, 2), (1, 2), (2, 4), (3, 4), (4, 6), (5, 6)] == seen
    assert [(place, place + 1) for place in range(6)] == at_once


def test_waits_for_its_turn_however_long_that_takes() -> None:
    """A queue of the client's own that moves is no failure, unlike for calls that stand alone."""

    async def import_many() -> list[ImportedContact]:
        settings = {"rate_limit": RateLimit(10, 60), "timeouts": Timeouts(total=30)}
        async with in_loop_time(ContactsServer().client(**settings)) as client:
            return await take(client, [person(place) for place in range(40)], concurrency=40)

    assert [(place, "created") for place in range(40)] == shown(jumping_loop.run(import_many()))


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        ((7, 1), TypeError, "contacts must be an iterator, asynchronous or not, not int"),
        (([], 0), ValueError, "concurrency must be an integer >= 1, not 0"),
        (([], True), TypeError, "concurrency must be an integer >= 1, not bool"),
    ],
)
async def test_wrong_arguments(arguments: tuple[Any, int], error: type[Exception], told: str) -> None:
    """They are refused at once."""
    given, concurrency = arguments
    async with ContactsServer().client() as client:
        with pytest.raises(error, match=f"^{told}$"):
            client.contacts.import_from(given, concurrency=concurrency)
        assert [] == await take(client, [])


async def test_whatever_happens_it_ends_in_the_same_contacts(volume: Volume) -> None:
    """Faults before and after the effect, and a consumer who leaves: a last import mends it all, and none is twice."""
    for seed in range(300 if volume.is_full else 5):
        random = Random(f"{volume.seed} {seed}")
        given = [person(random.randrange(12), email=f"{place}@people.example", country="ES") for place in range(20)]
        server = ContactsServer(*(row(place, full_name="Zoë", country="US") for place in range(0, 12, 5)))

        async def fail(_: Request, random: Random = random) -> Response | None:
            for _turn in range(random.randrange(4)):
                await asyncio.sleep(0)
            if random.random() < 0.05:
                message = "cut"
                raise AmbiguousOutcomeError(message)
            return respond(random.choice([400, 404, 409, 500, 503])) if random.random() < 0.2 else None

        server.before = server.after = fail
        async with server.client() as client:
            for _ in range(3):
                before = len(server.requests)
                last = random.randrange(20)
                seen = []
                async with aclosing(client.contacts.import_from(given, concurrency=random.randint(1, 8))) as results:
                    async for result in results:
                        seen.append(result.place)
                        if result.place == last:
                            break
                assert [*range(last + 1)] == seen
                created = Counter(number_of(each) for each in server.requests[before:] if each.method == "POST")
                assert created <= Counter(each.phone_number for each in given)
            server.before = server.after = ContactsServer().before
            assert "failed" not in {result.outcome for result in await take(client, given)}

        wanted = {each.phone_number: each for each in given}
        found = {number: server.rows[number] for number in wanted}
        assert {number: (each.full_name, each.email, "ES") for number, each in wanted.items()} == {
            number: (each["full_name"], each["email"], each["country"]) for number, each in found.items()
        }


def test_no_repr_shows_who_it_is() -> None:
    """Logs of inputs have no names or numbers."""
    contact = person(0, email="zero@example.com", country="US", additional_data=[ContactField("text", "a", "b")])

    assert "ContactInput(country='US')" == repr(contact)
