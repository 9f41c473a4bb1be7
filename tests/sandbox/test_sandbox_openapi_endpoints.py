"""The description at /openapi.json, compared with what is documented of each endpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args

import pytest
from endpoints import ENDPOINTS, Endpoint, Field, call_of

from contactship_async.sandbox import Sandbox
from contactship_async.sandbox._api.envelopes import Envelope

ANYWHERE: Final = {400, 401, 404, 429, 500}
"""Errors that any endpoint may respond with, whether or not its page lists them."""

ADD_ONS: Final = ("/v1/tasks",)
"""Where the paths of endpoints begin whose 403, without the add-on that they are part of, is not documented."""

CAN_BE_LEFT_OUT: Final = {"country", "channel_id", "contact_id"}
"""What pages call required in a body, though they also have examples without it, or say that it can be inferred."""

each_envelope = pytest.mark.parametrize("envelope", get_args(Envelope))


def describe(envelope: Envelope) -> dict[str, Any]:
    """Return the description of a sandbox that has all kinds of limits."""
    return Sandbox(1, envelope=envelope, rate_limit=1000, heavy_rate_limit=1000).openapi()


def operations_of(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the operations that need a key, as those of the API do, by names such as `GET /v1/tags`."""
    return {
        f"{method.upper()} {path}": operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if "security" not in operation
    }


def described(document: Mapping[str, Any]) -> Iterator[tuple[Endpoint, dict[str, Any]]]:
    """Yield each documented endpoint that is described, and how."""
    operations = operations_of(document)
    for endpoint in ENDPOINTS:
        if (operation := operations.get(f"{endpoint.method} {endpoint.path}")) is not None:
            yield endpoint, operation


def places_in(schema: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, bool]]:
    """Yield where each field is in an object or in the items of an array, to the bottom, and if it is required."""
    inner = schema.get("items", schema)
    for name, part in inner.get("properties", {}).items():
        yield f"{within}{name}", name in inner.get("required", ())
        yield from places_in(part, f"{within}{name}.")


def documented_places(fields: tuple[Field, ...], within: str = "") -> Iterator[tuple[str, bool]]:
    """Yield the same of documented fields."""
    for field in fields:
        yield f"{within}{field.name}", field.required
        yield from documented_places(field.fields, f"{within}{field.name}.")


@each_envelope
def test_all_endpoints_are_described(envelope: Envelope) -> None:
    """All that is documented is described under its path and the name of its page, and nothing else."""
    operations = operations_of(describe(envelope))
    expected = {f"{endpoint.method} {endpoint.path}": endpoint.slug for endpoint in ENDPOINTS}
    actual = {call: operation["externalDocs"]["url"].rpartition("/")[2] for call, operation in operations.items()}
    missing = expected.keys() - actual.keys()

    assert expected == actual, f"not described: {', '.join(sorted(missing))}"


@each_envelope
def test_parameters_are_those_of_the_documentation(envelope: Envelope) -> None:
    """An operation has the documented parameters, in the path and in the query, required if they are."""
    expected, actual = {}, {}
    for endpoint, operation in described(describe(envelope)):
        in_path = [segment[1:-1] for segment in endpoint.path.split("/") if segment.startswith("{")]
        expected[call_of(endpoint)] = {
            **dict.fromkeys(in_path, ("path", True)),
            **{field.name: ("query", field.required) for field in endpoint.query},
        }
        actual[call_of(endpoint)] = {
            parameter["name"]: (parameter["in"], parameter["required"]) for parameter in operation.get("parameters", ())
        }

    assert expected == actual


@each_envelope
def test_bodies_are_those_of_the_documentation(envelope: Envelope) -> None:
    """An operation takes a body with the documented fields, to the bottom, and requires those that are required.

    It may say more of an object whose fields are not documented.
    """
    wrong = {}
    for endpoint, operation in described(describe(envelope)):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {"schema": {}})
        expected, actual = dict(documented_places(endpoint.body)), dict(places_in(content["schema"]))
        roots = {place for place in expected if not any(other.startswith(f"{place}.") for other in expected)}
        more = {place for place in actual if any(place.startswith(f"{root}.") for root in roots)}
        differing = {
            place: (expected.get(place), actual.get(place))
            for place in {*expected, *actual} - more
            if expected.get(place) != actual.get(place)
            and (place not in CAN_BE_LEFT_OUT or actual.get(place) is not False)
        }
        wrong[call_of(endpoint)] = differing

    assert {} == {call: differing for call, differing in wrong.items() if differing}


@each_envelope
def test_statuses_make_sense(envelope: Envelope) -> None:
    """An operation succeeds as it is documented, and has the errors that are documented, or that any may have."""
    strange, missing = {}, {}
    for endpoint, operation in described(describe(envelope)):
        statuses = {int(status) for status in operation["responses"]}
        successes = {*endpoint.success_statuses} or {200, 201}
        add_on = {403} if endpoint.path.startswith(ADD_ONS) else set()
        allowed = {*endpoint.statuses, *ANYWHERE, *add_on}
        strange[call_of(endpoint)] = statuses - allowed - successes
        missing[call_of(endpoint)] = {status for status in endpoint.statuses if status >= 403} - statuses
        assert (call_of(endpoint), 1) == (call_of(endpoint), len(statuses & successes))

    assert [] == [call for call, statuses in strange.items() if statuses]
    assert [] == [(call, statuses) for call, statuses in missing.items() if statuses]


@each_envelope
def test_responses_show_what_is_documented(envelope: Envelope) -> None:
    """What comes back has each field that is documented to be always there, and none that is not documented."""
    missing, strange = {}, {}
    document = describe(envelope)
    for endpoint, operation in described(document):
        if endpoint.response_is == "boolean":
            continue
        documented = {field.name: field for field in endpoint.response_fields}
        shown = {*payload_schema(document, operation, endpoint.rows_field)["properties"]}
        missing[call_of(endpoint)] = {name for name, field in documented.items() if not field.optional} - shown
        strange[call_of(endpoint)] = shown - {*documented}

    assert {} == {call: names for call, names in missing.items() if names}
    assert {} == {call: names for call, names in strange.items() if names}


def payload_schema(document: Mapping[str, Any], operation: Mapping[str, Any], rows_field: str) -> dict[str, Any]:
    """Return the schema of the object, or of a row, within the envelope."""
    [success] = [response for status, response in operation["responses"].items() if status < "300"]
    schema = success["content"]["application/json"]["schema"]
    if "data" in schema.get("properties", ()):
        schema = schema["properties"]["data"]
    if rows_field in schema.get("properties", ()):
        schema = schema["properties"][rows_field]
    schema = schema.get("items", schema)
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = document["components"]["schemas"][name] if name else schema
    return found
