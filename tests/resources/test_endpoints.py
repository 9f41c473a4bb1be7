"""Each endpoint that has a method, compared with its documentation; the API table says which method calls which."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, Final, get_type_hints

import pytest
from called_resources import CALLED, METHODS, Called, Recorder, enveloped, prefix_of, query_of, told, variants
from endpoints import ENDPOINTS, PAGES, README, TABLE, WINDOW, call_of, python_name
from made_up import WRONG, changed, in_json, path_of, payload_of, without, wrong_value_of
from msgspec import UNSET, UnsetType

import contactship_async
from contactship_async import (
    AmbiguousOutcomeError,
    ConnectionFailedError,
    ContactshipClient,
    ContactshipError,
    MalformedResponseError,
    Response,
    RetryPolicy,
    ServerError,
    StatusError,
)
from contactship_async._http.rate_limits import Limits, OwnBudget

CONVENIENCES: Final = frozenset({
    *("calls.download_recording", "calls.find_recent", "calls.wait"),
    *("contacts.import_from", "events.send_from"),
})  # fmt: skip
"""Methods of resources that have no row of their own, since they call those that have one."""

STARTS: Final = frozenset({
    *("calls.make_phone_call", "calls.make_contact_call"),
    *("whatsapp.send_message", "whatsapp.send_template", "whatsapp.send_media", "whatsapp.send_location"),
})  # fmt: skip
"""Methods that dial or send: whatever may have had an effect is an `AmbiguousOutcomeError`, from what others raise."""

INFERRED: Final = frozenset({"channel_id", "contact_id"})
"""What a page calls required as well as inferred from a `thread_id`, so that it can be left out."""

OF_A_MEMBER: Final = {"created_by_type": "USER"}
"""The one type of a comment that `created_by` goes with."""

ALWAYS_THERE: Final = {
    "PhoneNumber": {"phone_number", "type", "organization_id", "created_at"},
    "SentEvents": {"results"},
}
"""Fields besides identifiers that a model requires, because the documentation shows that they are never missing."""

IDENTIFIED_BY: Final = {"SentMessage": {"message_id"}}
"""Fields of which one has to be there, though none of them is required: one of each such model."""

ERRORS: Final = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    409: "ConflictError",
    429: "RateLimitError",
    500: "ServerError",
    502: "ServerError",
}

ENVELOPES: Final = {
    "object": ("F", "bare", "waba"),
    "rows": ("F", "D", "bare", "waba"),
    "boolean": ("F", "bare", "none"),
}
"""The envelopes that each kind of response is read from, whichever of them its own page shows: which ones the service
sends is not known."""

OWN_BUDGETS: Final = {"list-calls": "heavy", "get-contacts": "heavy", "send-events": "events", "identify": "events"}
"""The endpoints whose calls count in a rate limit besides that of the organization."""

REPEATED: Final = {True: "yes", False: "only when provably not sent"}


def each(cases: Sequence[Called]) -> Callable[[Any], Any]:
    """Run a test for each of the methods."""
    return pytest.mark.parametrize("called", cases, ids=lambda called: called.endpoint.slug)


each_method = each(CALLED)
NAMING: Final = [called for called in CALLED if called.endpoint.identifiers]
READING: Final = [called for called in CALLED if called.shape is not None]
CHANGING: Final = [
    called for called in CALLED if any(one.default is UNSET for one in called.signature.parameters.values())
]


# The table


def test_table_names_each_endpoint_once() -> None:
    """The table has one row for each documented endpoint, with a link to its page."""
    expected = sorted((call_of(endpoint), PAGES + endpoint.slug) for endpoint in ENDPOINTS)

    assert 43 == len(ENDPOINTS)
    assert expected == sorted((row.call, row.link) for row in TABLE)


def test_table_has_all_rows_in_sight() -> None:
    """No line of the table is written in a form that the tests would not read."""
    lines = [line for line in README.splitlines() if line.startswith("| [")]

    assert len(lines) == len(TABLE)


def test_table_of_contents() -> None:
    """The table of contents leads to each heading, in order."""
    headings = [line.lstrip("# ") for line in README.splitlines() if line.startswith(("## ", "### "))]
    anchors = [heading.lower().replace(",", "").replace(" ", "-") for heading in headings]
    contents = README.partition("\n## ")[0]
    linked = [part.split(")")[0] for part in contents.split("](#")[1:]]

    assert anchors == linked


def test_each_method_has_one_row() -> None:
    """Each public method of a resource calls the endpoint of one row, or is a known convenience."""
    assert sorted(METHODS.keys() - CONVENIENCES) == sorted(row.method for row in TABLE)
    assert METHODS.keys() >= CONVENIENCES


def test_rows_are_the_signatures() -> None:
    """A row has the parameters of its method, in order, and what it returns."""
    signatures = {row.method: Called(row.method, row.endpoint).signature for row in TABLE}

    assert {name: (tuple(one.parameters), one.return_annotation) for name, one in signatures.items()} == {
        row.method: (row.parameters, row.returns) for row in TABLE
    }


def test_rows_say_whether_they_are_repeated() -> None:
    """A row says whether the endpoint is safe to repeat, as it is documented."""
    expected = {}
    for endpoint in ENDPOINTS:
        condition, is_safe = endpoint.safe_if, endpoint.safe_to_repeat
        harmless = [] if is_safe else [f", or after a {status}" for status in sorted(endpoint.harmless_statuses)]
        expected[endpoint.slug] = "".join([REPEATED[is_safe] if condition is None else f"if {condition}", *harmless])

    assert expected == {row.endpoint.slug: row.repeated for row in TABLE}


async def test_rows_say_which_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row says which rate limit a call counts in, as it is documented, and as its method does."""
    counted: list[str] = []
    enter = Limits.enter_at_once

    def note(limits: Limits, *, own_budget: OwnBudget | None = None) -> bool:
        counted.append(own_budget or "general")
        return enter(limits, own_budget=own_budget)

    monkeypatch.setattr(Limits, "enter_at_once", note)
    for called in CALLED:
        async with Recorder([response_of(called)]).client() as client:
            await called.call_simply(client)

    documented = [OWN_BUDGETS.get(row.endpoint.slug, "general") for row in TABLE]
    assert (documented, documented) == ([row.budget for row in TABLE], counted)


def test_parameters() -> None:
    """A method takes the identifiers by position, and all else that is documented by keyword, required if it is."""
    expected, actual = {}, {}
    for called in CALLED:
        parameters = called.signature.parameters
        identifiers = called.endpoint.identifiers
        by_keyword = {name for name, one in parameters.items() if one.kind is inspect.Parameter.KEYWORD_ONLY}
        required = {name for name, one in parameters.items() if one.default is inspect.Parameter.empty}
        can_be_inferred = INFERRED if "thread_id" in parameters else set()
        expected[called.name] = [
            identifiers,
            {*identifiers, *called.arguments()},
            {*identifiers, *called.required} - can_be_inferred,
            set(),
            True,
        ]
        actual[called.name] = [
            [*parameters][: len(identifiers)],
            {*parameters},
            required,
            by_keyword & {*identifiers},
            len({*parameters} - by_keyword) <= max(1, len(identifiers)),
        ]

    assert expected == actual


def test_docstrings_name_their_source() -> None:
    """The docstring of a method ends with the page of its endpoint."""
    sources = {called.name: (inspect.getdoc(METHODS[called.name]) or "").splitlines()[-1] for called in CALLED}

    assert {called.name: f"Source: {PAGES}{called.endpoint.slug}" for called in CALLED} == sources


def test_documented_envelopes_are_tested() -> None:
    """Each envelope that an endpoint is or was documented with is among those that its response is read from."""
    documented = {endpoint: {endpoint.envelope, endpoint.envelope_older} - {None} for endpoint in ENDPOINTS}

    assert {} == {
        endpoint.slug: untested
        for endpoint, envelopes in documented.items()
        if (untested := envelopes - {*ENVELOPES[endpoint.response_is]})
    }


# What is sent


@each_method
async def test_request(called: Called) -> None:
    """A call sends what it was given under the API's names, and nothing else: all that it takes, and what it needs."""
    server = Recorder([response_of(called)])
    expected = []
    async with server.client() as client:
        for required_only in (False, True):
            arguments = called.arguments(required_only=required_only)
            if arguments.keys() >= {"delay", "schedule"}:  # They exclude each other; the delay has tests of its own.
                del arguments["delay"]
            is_of_a_member = arguments.keys() >= {"created_by", *OF_A_MEMBER}
            arguments |= OF_A_MEMBER if is_of_a_member else {}
            await called.call(client, *called.identifiers, **arguments)
            query, body = (
                [field for field in fields if python_name(field.name) in arguments]
                for fields in (called.endpoint.parameters, called.endpoint.body)
            )
            payload = payload_of(body) | (OF_A_MEMBER if is_of_a_member else {})
            content = payload if called.endpoint.body else None
            expected.append((called.endpoint.method, called.path, sorted(query_of(query).items()), content))

    requests = [(request, dict(request.query)) for request in server.requests]
    windows = [[query.pop(name) and name for name in [*query] if name in WINDOW] for _, query in requests]
    assert expected == [
        (request.method, request.path, sorted(query.items()), sent(request.body)) for request, query in requests
    ]
    assert [["limit"] if called.endpoint.paginated == "cursor" else []] * 2 == windows
    assert all(len({*request.query}) == len(request.query) for request, _ in requests)


@each(CHANGING)
async def test_null(called: Called) -> None:
    """In an update, None is sent as null where the value can be removed, and refused elsewhere."""
    server = Recorder([response_of(called)])
    outcomes: dict[str, object] = {}
    async with server.client() as client:
        for field in called.endpoint.body:
            try:
                await called.call(client, *called.identifiers, **{python_name(field.name): None})
                outcomes[field.name] = sent(server.requests.pop().body)
            except TypeError as error:
                outcomes[field.name] = error.args[0].split()[0]

    hints = get_type_hints(METHODS[called.name])
    may_be_null = {
        field.name for field in called.endpoint.body if type(None) in hints[python_name(field.name)].__args__
    }
    assert may_be_null >= {field.name for field in called.endpoint.body if field.nullable}
    assert {
        field.name: {field.name: None} if field.name in may_be_null else python_name(field.name)
        for field in called.endpoint.body
    } == outcomes
    assert [] == server.requests


@each(CHANGING)
def test_all_of_an_update_can_be_left_out(called: Called) -> None:
    """In an update, the default of each argument is `UNSET`, and the annotation says so."""
    hints = get_type_hints(METHODS[called.name])
    names = called.arguments()

    assert dict.fromkeys(names, UNSET) == {name: called.signature.parameters[name].default for name in names}
    assert [] == [name for name in names if UnsetType not in hints[name].__args__]


async def test_refusals_cite_their_page() -> None:
    """What is refused for its value names the page that says what is allowed; what is for its type does not."""
    expected, actual = [], []
    for called in CALLED:
        async with Recorder([response_of(called)]).client() as client:
            for name, wrong in product(called.arguments(), ["", -1, "no such thing", {"": 0}, [{}]]):
                arguments = called.arguments(required_only=True) | {name: wrong}
                error = None
                try:
                    await called.call(client, *called.identifiers, **arguments)
                except (TypeError, ValueError) as refusal:
                    error = refusal
                page = PAGES + called.endpoint.slug if isinstance(error, ValueError) else ""
                expected.append((called.name, name, wrong, page))
                actual.append((called.name, name, wrong, str(error).partition("; see ")[2]))

    assert expected == actual
    assert sum(bool(page) for *_, page in expected) > len(CALLED)


async def test_only_an_update_takes_unset() -> None:
    """Elsewhere, `UNSET` is no value of any argument, required or not: it is refused before anything is sent."""
    for called in CALLED:
        server = Recorder([response_of(called)])
        async with server.client() as client:
            for name in called.arguments() if called not in CHANGING else ():
                with told(f"{called.name}({name})"), pytest.raises(TypeError):
                    await called.call(
                        client, *called.identifiers, **called.arguments(required_only=True) | {name: UNSET}
                    )
        assert (called.name, []) == (called.name, server.requests)


@each(NAMING)
async def test_refused_identifier(called: Called) -> None:
    """An identifier that can't be a segment of a path is refused by its name, before anything is sent."""
    server = Recorder([response_of(called)])
    wrong: list[Any] = ["", ".", "..", "\ud800", 5, None]
    async with server.client() as client:
        for identifier, (place, name) in product(wrong, enumerate(called.endpoint.identifiers)):
            identifiers = [*called.identifiers[:place], identifier, *called.identifiers[place + 1 :]]
            with pytest.raises((TypeError, ValueError), match=f"^{name} must be ") as caught:
                await called.call(client, *identifiers, **called.arguments(required_only=True))
            assert (identifier, ValueError if isinstance(identifier, str) else TypeError) == (identifier, caught.type)

    assert [] == server.requests


@each(NAMING)
async def test_identifier_stays_in_its_segment(called: Called) -> None:
    """An identifier is percent-encoded whole, also where it looks encoded already."""
    server = Recorder([response_of(called)])
    odd = ["a/../b", "%2e%2e", "...", "a?b=c", "a#b", " ", "+12025550142", "a\\b"]
    async with server.client() as client:
        for identifier in odd:
            await called.call(client, *[identifier] * len(called.identifiers), **called.arguments(required_only=True))

    paths = [request.path for request in server.requests]
    assert [called.path_with([identifier] * len(called.identifiers)) for identifier in odd] == paths
    assert {called.endpoint.path.count("/")} == {path.count("/") for path in paths}


@each_method
async def test_wrong_argument(called: Called) -> None:
    """An argument of the wrong type is refused by its name, and so is one not in a closed list, before sending."""
    server = Recorder([response_of(called)])
    async with server.client() as client:
        for field in called.endpoint.arguments:
            name = python_name(field.name)
            with pytest.raises(TypeError, match=f"^{name} must be "):
                await called.call(client, *called.identifiers, **called.arguments() | {name: object()})
            if field.enum and not field.open_enum:
                with pytest.raises(ValueError, match=f"^{name} must be .*{field.enum[0]}"):
                    await called.call(client, *called.identifiers, **called.arguments() | {name: WRONG})

    assert [] == server.requests


# When it is sent again


@each_method
async def test_repeated(called: Called) -> None:
    """A call is sent again after a 503 and a lost connection if it is safe to repeat; if it never left, in any case.

    A call that is not safe to repeat fails with the 503, and is ambiguous after a lost connection. Of a start, nobody
    knows after either.
    """
    failures: dict[str, Response | Exception] = {
        "a 503": Response(status=503),
        "a lost connection": ConnectionResetError(),
        "no connection": ConnectionFailedError("no connection"),
    }
    outcomes = {}
    for name, failure in failures.items():
        server = Recorder([failure, response_of(called)])
        async with server.client() as client:
            error = await failure_of(called.call_simply(client))
        outcomes[name] = [error, len(server.requests)]
        sent_again = [(request.method, request.path, request.query, request.body) for request in server.requests]
        assert all(request == sent_again[0] for request in sent_again)

    is_safe = called.endpoint.may_be_repeated
    assert {
        "a 503": [None, 2] if is_safe else [AmbiguousOutcomeError if called.name in STARTS else ServerError, 1],
        "a lost connection": [None, 2] if is_safe else [AmbiguousOutcomeError, 1],
        "no connection": [None, 2],
    } == outcomes


@each([called for called in CALLED if called.endpoint.harmless_statuses])
async def test_repeated_after_what_had_no_effect(called: Called) -> None:
    """After a failure that is documented as safe to repeat, a call is sent again; at last it is raised as it is."""
    for status in called.endpoint.harmless_statuses:
        server = Recorder([Response(status=status), Response(status=status), response_of(called)])
        async with server.client() as client:
            await called.call_simply(client)
        assert 3 == len(server.requests)

        failing = Recorder([Response(status=status)])
        async with failing.client() as client:
            with pytest.raises(ServerError) as caught:
                await called.call_simply(client)
        assert (status, 4) == (caught.value.status, len(failing.requests))
        assert called.endpoint.safe_to_repeat == caught.value.may_have_been_processed


@each_method
async def test_status(called: Called) -> None:
    """Each status that is documented, and each that any server may send, is raised as the error of its name.

    Of a start, a 5xx is unknown, and that error its cause.
    """
    statuses = sorted({*called.endpoint.statuses, *ERRORS} - {*called.endpoint.success_statuses})
    outcomes = []
    for status in statuses:
        server = Recorder([Response(status=status, body=b'{"statusCode": 0, "message": "no"}')])
        async with server.client(RetryPolicy(max_attempts=1)) as client:
            with pytest.raises(ContactshipError) as caught:
                await called.call_simply(client)
        error = caught.value
        if called.name in STARTS and status >= 500 and status not in called.endpoint.harmless_statuses:
            error = cause_of(error, status)
        assert isinstance(error, StatusError)
        outcomes.append((type(error), error.status, error.message, error.path))

    assert [(getattr(contactship_async, ERRORS[status]), status, "no", called.path) for status in statuses] == outcomes


# What is read


@each(READING)
def test_models(called: Called) -> None:
    """The class of an object has each documented field, and requires its id, and little else."""
    assert called.shape is not None
    for shape in called.shape.all():
        documented = {python_name(field.name): field for field in shape.fields}

        assert set() == documented.keys() - get_type_hints(shape.model).keys()
        assert shape.identifiers | ALWAYS_THERE.get(shape.model.__name__, set()) == shape.required
        assert [] == [name for name in shape.required if not documented[name].is_never_missing]


@each(READING)
async def test_response(called: Called) -> None:
    """All fields are read, from each envelope; any but the required ones may be missing or null, others are ignored."""
    shape = called.shape
    assert shape is not None
    payload = payload_of(shape.fields)
    needed = shape.required | IDENTIFIED_BY.get(shape.model.__name__, set())
    bare = {field.name: payload[field.name] for field in shape.fields if python_name(field.name) in needed}
    contents = {"all": payload, "required": bare, "unknown field": payload | {"tomorrow": [{"a": 1}]}}
    for place, field, can_be_missing in shape.places():
        path = path_of(place)
        if can_be_missing:
            contents |= {f"{path} missing": without(payload, place), f"{path} null": changed(payload, place, None)}
        if field.enum:
            contents[f"{path} new"] = changed(payload, place, "a value of tomorrow")

    expected = {name: shape.read(content) for name, content in contents.items()}
    server = Recorder([])
    async with server.client() as client:
        for envelope in ENVELOPES[called.endpoint.response_is]:
            actual = {}
            for name, response in variants(called, envelope, contents):
                server.outcomes = [response]
                read = await called.call_simply(client)
                actual[name] = in_json(read[0] if called.endpoint.is_listing else read)
            assert (envelope, expected) == (envelope, actual)


@each(READING)
async def test_malformed_field(called: Called) -> None:
    """A field of the wrong type, and a required one that is missing or null, is named by its path and not quoted.

    Of a start, only the required ones matter: it has taken effect.
    """
    shape = called.shape
    assert shape is not None
    payload = payload_of(shape.fields)
    server = Recorder([])
    expected, actual = {}, {}
    async with server.client() as client:
        for envelope in ENVELOPES[called.endpoint.response_is]:
            prefix = prefix_of(envelope, called.endpoint)
            contents = {}
            for place, field, can_be_missing in shape.places():
                path = path_of(place, prefix)
                if field.type != "any" and (not can_be_missing or called.name not in STARTS):
                    contents[f"{path} wrong"] = changed(payload, place, wrong_value_of(field))
                if not can_be_missing:
                    contents |= {
                        f"{path} missing": without(payload, place),
                        f"{path} null": changed(payload, place, None),
                    }
            for name, response in variants(called, envelope, contents):
                server.outcomes = [response]
                error = await malformed_by(called, client)
                expected[envelope, name] = [name.split()[0]]
                actual[envelope, name] = [issue.split(": ")[0] for issue in error.issues]
    assert expected == actual


@each(READING)
async def test_wrong_shape(called: Called) -> None:
    """What is neither an object nor rows, where one of them is documented, is malformed; no value is quoted."""
    wrong: list[Any] = [None, WRONG, 5551234, True, {WRONG: 1} if called.endpoint.is_listing else [WRONG]]
    bodies = [
        enveloped(envelope, content, called.endpoint.rows_field).body
        for envelope in ENVELOPES[called.endpoint.response_is]
        for content in wrong
    ]
    server = Recorder([])
    async with server.client() as client:
        for body in [*bodies, b"", b"<html>wrong-5551234</html>", b'{"statusCode": 200, "data": ', b"\xff"]:
            server.outcomes = [Response(status=200, body=body)]
            await malformed_by(called, client)


@each([called for called in CALLED if called.shape is None])
async def test_done(called: Called) -> None:
    """What returns nothing is done by any success: with true in an envelope, a bare true, or an empty response."""
    for envelope in ENVELOPES[called.endpoint.response_is]:
        async with Recorder([enveloped(envelope, content=True)]).client() as client:
            assert (envelope, None) == (envelope, await called.call_simply(client))


async def malformed_by(called: Called, client: ContactshipClient) -> MalformedResponseError:
    """Call a method whose response is malformed, and return the error, which quotes no value."""
    with pytest.raises(ContactshipError) as caught:
        await called.call_simply(client)
    error = cause_of(caught.value, 200) if called.name in STARTS else caught.value
    assert isinstance(error, MalformedResponseError)
    assert "5551234" not in f"{caught.value!s}{caught.value!r}{error!s}{error!r}{error.issues}"
    return error


def response_of(called: Called) -> Response:
    """Return what the endpoint returns today."""
    content: Any = payload_of(called.endpoint.response_fields)
    if called.endpoint.response_is == "boolean":
        content = True
    content = [content] if called.endpoint.is_listing else content
    return enveloped(called.endpoint.envelope, content, called.endpoint.rows_field)


def cause_of(error: ContactshipError, status: int) -> ContactshipError:
    """Return what a start of unknown outcome was told by a response with *status*."""
    assert isinstance(error, AmbiguousOutcomeError)
    assert status == error.status
    assert isinstance(error.__cause__, ContactshipError)
    return error.__cause__


def sent(body: bytes | None) -> Any:
    """Read the body of a request; None for none."""
    return None if body is None else json.loads(body)


async def failure_of(call: Any) -> type[ContactshipError] | None:
    """Return the class of the error that ends a call; None if it succeeds."""
    try:
        await call
    except ContactshipError as error:
        return type(error)
    return None
