"""What a fleet refuses before anything is sent."""

from __future__ import annotations

from functools import partial
from typing import Any
from unittest.mock import Mock, call

import fleet_jobs
import pytest
from distributed import Client

from contactship_async import ConfigurationError
from contactship_async.integrations._dask_cluster import Claims, check_is_private
from contactship_async.integrations.dask import run_fleet

VARIABLE = "ACME_CONTACTSHIP_KEY"
ONE, TWO = "address-1", "address-2"


def refusal_of(**wrong: Any) -> Exception:
    """Return what a fleet raises whose arguments are right, but for some."""
    arguments: dict[str, Any] = {
        "dask_client": Mock(spec=Client, asynchronous=True),
        "organizations": {"acme": VARIABLE},
    }
    arguments |= {"job": fleet_jobs.count, "addresses": [ONE], **wrong}
    with pytest.raises((TypeError, ValueError)) as refused:
        run_fleet(**arguments)
    return refused.value


def is_refused(address: str) -> bool:
    """Return whether an address is taken for one that others can reach."""
    try:
        check_is_private(address)
    except ConfigurationError as error:
        return str(error).startswith(f"{address} is not encrypted: whoever reaches it can run code where the API keys")
    return False


def test_private_connections() -> None:
    """Encrypted ones, those within a process, and those that stay on the machine."""
    private = ["tls://10.1.2.3:8786", "wss://fleet.example:8786", "inproc://10.1.2.3/1/1", "tcp://127.0.0.1:8786"]
    private += ["tcp://127.8.9.1:8786", "tcp://localhost:8786", "tcp://[::1]:8786"]

    assert [] == [address for address in private if is_refused(address)]


def test_open_connections_are_refused() -> None:
    """Whoever is between could run code beside the keys."""
    others = ["tcp://10.1.2.3:8786", "tcp://fleet.example:8786", "tcp://[2001:db8::1]:8786", "tcp://0.0.0.0:8786"]
    others += ["ws://fleet.example:8786", "tcp://localhost.example:8786"]

    assert others == [address for address in others if is_refused(address)]


def test_open_worker_gets_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """One that joins while a fleet runs is no exception."""
    worker = "tcp://10.1.2.3:4242"
    scheduler = Mock(resources={ONE: {worker: 4}, TWO: {"tcp://127.0.0.1:4242": 4}})

    Claims("fleet", "client", [ONE, TWO]).add_worker(scheduler, worker)

    assert [call(worker, {ONE: 0})] == scheduler.add_resources.mock_calls
    assert f"{worker} gets no organizations of {ONE}: {worker} is not encrypted" in caplog.text


KEYS = ["sk-live-0123456789", "0123456789abcdef0123456789abcdef", "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", "sk_live_abc"]
KEYS += ["AKIAIOSFODNN7EXAMPLE", "SK_LIVE_0123456789ABCDEF01234567", "sk:live", "json:no_such_key", "sk:live:abc"]


def test_keys_never_travel() -> None:
    """What may be one is refused, and neither the text quotes it nor a frame of the traceback holds it."""
    for key in KEYS:
        with pytest.raises(ValueError, match=r"^the key of 'acme' must be given by the name of an env") as refused:
            run_fleet(Mock(spec=Client, asynchronous=True), {"acme": key}, fleet_jobs.count, addresses=[ONE])
        assert key not in str(refused.value)
        assert [] == [frame.name for frame in refused.traceback[1:] if key in repr(frame.frame.f_locals)]


def in_main(name: str) -> str:
    """Return a key."""
    return "sk"


in_main.__module__ = "__main__"

NO_NAME = "the key of 'acme' must be given by the name of an environment variable of the workers, in capital letters"
NOT_IMPORTABLE = "must be a function that the workers can import: of a module, and not of the program that is started"
NO_ADDRESS = "an address must be a string of letters, digits, -, _ and ., such as contactship-address-1"

REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"organizations": ["acme"]}, TypeError, "organizations must be of type Mapping, not list"),
    ({"organizations": {"": VARIABLE}}, TypeError, "the names of organizations must be non-empty strings"),
    ({"organizations": {7: VARIABLE}}, TypeError, "the names of organizations must be non-empty strings"),
    *(
        ({"organizations": {"acme": source}}, ValueError, NO_NAME)
        for source in ("", "a b", 7, None, b"sk", partial(fleet_jobs.find_key), lambda name: name, in_main)
    ),
    ({"dask_client": "tcp://127.0.0.1:8786"}, TypeError, "dask_client must be of type Client, not str"),
    (
        {"dask_client": Mock(spec=Client, asynchronous=False)},
        ValueError,
        "dask_client must have been made with asynchronous=True",
    ),
    ({"job": fleet_jobs.find_key}, TypeError, "job must be an async function"),
    ({"job": partial(fleet_jobs.count)}, ValueError, f"job {NOT_IMPORTABLE}"),
    ({"connector": lambda: None}, ValueError, f"connector {NOT_IMPORTABLE}"),
    (
        {"proxy": "http://proxy.example"},
        TypeError,
        "there is no option 'proxy': a fleet has base_url, integrations_url, timeouts",
    ),
    ({"rate_limit": 120}, TypeError, "rate_limit must be of type RateLimit, not int"),
    ({"base_url": "http://contactship.example"}, ConfigurationError, "base_url would send the API key in clear: use"),
    ({"addresses": ONE}, TypeError, "addresses must be of type Sequence or Mapping, not str"),
    ({"addresses": 4}, TypeError, "addresses must be of type Sequence or Mapping, not int"),
    ({"addresses": []}, ValueError, "addresses must name one at least, each once"),
    ({"addresses": [ONE, ONE]}, ValueError, "addresses must name one at least, each once"),
    ({"addresses": {"globex": ONE}}, ValueError, "addresses must have an address for each of the organizations, and"),
    *(({"addresses": [address]}, ValueError, NO_ADDRESS) for address in ("a b", 7, "../x", "")),
]


def test_wrong_arguments_are_refused() -> None:
    """The errors say what is allowed."""
    refusals = [(wrong, refusal_of(**wrong), error, message) for wrong, error, message in REFUSED]

    assert [] == [
        (wrong, refusal)
        for wrong, refusal, error, message in refusals
        if type(refusal) is not error or not str(refusal).startswith(message)
    ]
