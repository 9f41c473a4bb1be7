from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

import contactship_async.sandbox
from contactship_async.sandbox import Body, Cut, Drip, Fault, Html, Redirect, Sandbox, Slow, Status

HOSTS = "an address of this machine such as '127.0.0.1' or '0.0.0.0', or a name of it"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"phone_numbers": -1}, ValueError, "phone_numbers must be an integer from 0 to 1000000, not -1"),
        ({"phone_numbers": True}, TypeError, "phone_numbers must be an integer from 0 to 1000000, not bool"),
        ({"phone_numbers": "9"}, TypeError, "phone_numbers must be an integer from 0 to 1000000, not str"),
        ({"tags": -1}, ValueError, "tags must be an integer from 0 to 1000000, not -1"),
        ({"agents": -1}, ValueError, "agents must be an integer from 0 to 1000000, not -1"),
        ({"tasks": True}, TypeError, "tasks must be an integer from 0 to 1000000, not bool"),
        ({"api_key": ""}, ValueError, "api_key must be a non-empty string, not ''"),
        ({"api_key": 5}, TypeError, "api_key must be a non-empty string, not int"),
        ({"seed": 1.5}, TypeError, "seed must be an integer >= 0, not float"),
        ({"envelope": "array"}, ValueError, "envelope must be 'count' or 'pagination', not 'array'"),
        ({"max_limit": 0}, ValueError, "max_limit must be an integer >= 1, not 0"),
        ({"latency": -0.1}, ValueError, "latency must be a finite number of seconds >= 0, not -0.1"),
        ({"latency": math.inf}, ValueError, "latency must be a finite number of seconds >= 0, not inf"),
        ({"latency": "1"}, TypeError, "latency must be a finite number of seconds >= 0, not str"),
        ({"rate_limit": 0}, ValueError, "rate_limit must be an integer >= 1, not 0"),
        ({"heavy_rate_limit": 0}, ValueError, "heavy_rate_limit must be an integer >= 1, not 0"),
        ({"count_follows_filter": 1}, TypeError, "count_follows_filter must be True or False, not int"),
        ({"host": ""}, ValueError, "host must be a non-empty string, not ''"),
        ({"host": "http://sandbox"}, ValueError, f"host must be {HOSTS}"),
        ({"host": "127.0.0.1:80"}, ValueError, f"host must be {HOSTS}"),
        ({"host": "sandbox\r\n"}, ValueError, f"host must be {HOSTS}"),
        ({"host": ".example"}, ValueError, f"host must be {HOSTS}"),
        ({"port": 65536}, ValueError, "port must be an integer from 0 to 65535, not 65536"),
    ],
)
def test_settings_are_checked(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    """A wrong setting is refused at once; the error names it and what is allowed."""
    with pytest.raises(error) as caught:
        Sandbox(**arguments)

    assert message == str(caught.value)


@pytest.mark.parametrize(
    ("fault", "arguments", "error", "message"),
    [
        (Status, {"status": 200}, ValueError, "status must be an integer from 400 to 599, not 200"),
        (Status, {"status": "500"}, TypeError, "status must be an integer from 400 to 599, not str"),
        (
            Status,
            {"status": 429, "retry_after": -1},
            ValueError,
            "retry_after must be a finite number of seconds >= 0, not -1",
        ),
        (Status, {"status": 429, "retry_after": ""}, ValueError, "retry_after must be a non-empty string, not ''"),
        (
            Status,
            {"status": 429, "retry_after": b"1"},
            TypeError,
            "retry_after must be a finite number of seconds >= 0, not bytes",
        ),
        (Status, {"status": 500, "message": 5}, TypeError, "message must be a non-empty string, not int"),
        (Slow, {"seconds": -1}, ValueError, "seconds must be a number of seconds >= 0, not -1"),
        (Slow, {"seconds": math.nan}, ValueError, "seconds must be a number of seconds >= 0, not nan"),
        (Slow, {"seconds": True}, TypeError, "seconds must be a number of seconds >= 0, not bool"),
        (
            Drip,
            {"seconds_per_byte": math.inf},
            ValueError,
            "seconds_per_byte must be a finite number of seconds >= 0, not inf",
        ),
        (Cut, {"after_bytes": -1}, ValueError, "after_bytes must be an integer >= 0, not -1"),
        (Cut, {"after_bytes": 1.0}, TypeError, "after_bytes must be an integer >= 0, not float"),
        (Html, {"status": 100}, ValueError, "status must be an integer from 200 to 599, not 100"),
        (Html, {"status": 304}, ValueError, "status must not be 304, which HTTP sends without a body"),
        (Redirect, {"location": ""}, ValueError, "location must be a non-empty string, not ''"),
        (Redirect, {"location": "/", "status": 200}, ValueError, "status must be an integer from 300 to 399, not 200"),
        (Body, {"body": "text"}, TypeError, "body must be of type bytes, not str"),
        (Body, {"body": b"", "status": 600}, ValueError, "status must be an integer from 200 to 599, not 600"),
        (Body, {"body": b"x", "status": 204}, ValueError, "status must not be 204, which HTTP sends without a body"),
        (
            Body,
            {"body": b"", "headers": {"Content-length": "5"}},
            ValueError,
            "headers must not hold Content-Length or Transfer-Encoding: they follow from body",
        ),
    ],
)
def test_faults_are_checked(
    fault: Callable[..., Fault], arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    """A fault that can't be played is refused when it is made."""
    with pytest.raises(error) as caught:
        fault(**arguments)

    assert message == str(caught.value)


@pytest.mark.parametrize(
    ("faults", "times", "error", "message"),
    [
        ([], 1, ValueError, "faults must not be empty; clear_script() ends a script"),
        ([500], 1, TypeError, "faults must be faults such as Status(500), or None, not int"),
        ([Status], 1, TypeError, "faults must be faults such as Status(500), or None, not type"),
        ([None], 0, ValueError, "times must be an integer >= 1, not 0"),
    ],
)
def test_scripts_are_checked(faults: list[Any], times: int, error: type[Exception], message: str) -> None:
    """A script of something else than faults is refused."""
    with pytest.raises(error) as caught:
        Sandbox().script(*faults, times=times)

    assert message == str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"type": "sms"}, ValueError, "type must be 'inbound' or 'outbound', not 'sms'"),
        ({"phone_number": 1}, TypeError, "phone_number must be a non-empty string, not int"),
        ({"id": ""}, ValueError, "id must be a non-empty string, not ''"),
        ({"id": "taken"}, ValueError, "id must be new, but there is a phone number 'taken'"),
        (
            {"created_at": datetime(2026, 1, 1)},  # noqa: DTZ001 - the mistake
            ValueError,
            "created_at must be an aware datetime, or an ISO 8601 string",
        ),
        (
            {"created_at": ""},
            ValueError,
            "created_at must be an aware datetime or an ISO 8601 string such as '2026-01-15T10:00:00Z'",
        ),
        ({"created_at": 0}, TypeError, "created_at must be an aware datetime or an ISO 8601 string, not int"),
    ],
)
def test_added_numbers_are_checked(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    """A field that is not allowed is refused; the error names it and what is allowed."""
    sandbox = Sandbox(2)
    sandbox.add_phone_number(id="taken")
    with pytest.raises(error) as caught:
        sandbox.add_phone_number(**arguments)

    assert message == str(caught.value)


@pytest.mark.parametrize("arguments", [{"created_at": "never"}, {"type": "sms"}, {"id": ""}, {"phone_number": ""}])
def test_refused_number_leaves_no_trace(arguments: dict[str, str]) -> None:
    """A number that was refused changes neither the listing nor the numbers made up later."""
    sandbox, untouched = Sandbox(2), Sandbox(2)
    with pytest.raises(ValueError, match=r"must"):
        sandbox.add_phone_number(**arguments)

    assert untouched.add_phone_number() == sandbox.add_phone_number()
    assert untouched.phone_numbers == sandbox.phone_numbers


def test_public_names_are_sorted_and_exist() -> None:
    """__all__ is sorted and every name in it can be imported."""
    names = contactship_async.sandbox.__all__

    assert sorted(names) == names
    assert all(hasattr(contactship_async.sandbox, name) for name in names)
