"""Many organizations at one URL: which sandbox handles which key, and how a `ContactshipPool` reaches them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from contactship_async import (
    AuthenticationError,
    ConnectionFailedError,
    ContactshipClient,
    ContactshipPool,
    OrganizationResult,
    RateLimitError,
    Request,
    RetryPolicy,
    Secret,
    ServerError,
)
from contactship_async.sandbox import Cut, Sandbox, SandboxPool, Status

ONCE = RetryPolicy(max_attempts=1)

Start = Callable[..., Awaitable[SandboxPool]]


@pytest.fixture(params=["in memory", "over the port"])
async def start(request: pytest.FixtureRequest) -> AsyncIterator[Start]:
    """Return an async function that makes a pool of sandboxes, and starts it if it is to be reached over the port."""
    async with AsyncExitStack() as running:

        async def make(**sandboxes: Sandbox) -> SandboxPool:
            pool = SandboxPool(sandboxes)
            if request.param == "over the port":
                await running.enter_async_context(pool)
            return pool

        yield make


async def count_each(pool: ContactshipPool) -> dict[str, OrganizationResult[int]]:
    """Ask for the count of each organization, and return what became of it by its name."""
    return {result.organization: result async for result in pool.map(lambda client: client.count_phone_numbers())}


async def test_each_key_gets_the_rows_of_its_organization(start: Start) -> None:
    """A pool of clients finds all organizations under their names, with rows of their own."""
    sandboxes = await start(acme=Sandbox(25), globex=Sandbox(4, seed=1))

    async with sandboxes.pool() as pool:
        rows = [(name, number.id) async for name, number in pool.iter(lambda client: client.iter_phone_numbers())]

    assert ["acme", "globex"] == [*sandboxes] == [*pool]
    assert 2 == len(sandboxes)
    for name in sandboxes:
        numbers = sandboxes[name].phone_numbers
        assert [number["id"] for number in numbers] == [id_ for owner, id_ in rows if owner == name]
        assert {sandboxes[name].organization_id} == {number["organization_id"] for number in numbers}
    assert 29 == len({id_ for _, id_ in rows})
    with pytest.raises(KeyError):
        sandboxes["hooli"]


async def test_each_organization_has_its_own_faults_and_limits(start: Start) -> None:
    """What is scripted, recorded and limited for one organization is no other's business."""
    sandboxes = await start(
        acme=Sandbox(3),
        globex=Sandbox(4, seed=1),
        hooli=Sandbox(5, seed=2, rate_limit=1),
        initech=Sandbox(6, seed=3, envelope="pagination"),
        umbrella=Sandbox(7, seed=4),
    )
    sandboxes["acme"].script(Status(500), times=None)
    sandboxes["umbrella"].script(Cut(), times=None)

    # A pool for each: the first response of hooli says that its budget is spent, and the client would wait.
    for _ in range(2):
        async with sandboxes.pool(retry=ONCE) as pool:
            results = await count_each(pool)

    assert {"globex": 4, "initech": 6} == {name: result.value for name, result in results.items() if result.value}
    assert isinstance(results["acme"].error, ServerError)
    assert isinstance(results["hooli"].error, RateLimitError)
    assert isinstance(results["umbrella"].error, ConnectionFailedError)
    statuses = {name: [request.status for request in sandboxes[name].requests] for name in sandboxes}
    assert {None} == {*statuses.pop("umbrella")}  # Over the port, aiohttp asks once more by itself.
    assert {
        "acme": [500, 500],
        "globex": [200, 200],
        "hooli": [200, 429],
        "initech": [200, 200],
    } == statuses


async def test_unknown_keys_are_refused(start: Start) -> None:
    """An unknown key gets a 401 and counts for no organization, whatever their scripts say."""
    sandboxes = await start(acme=Sandbox())
    sandboxes["acme"].script(Status(500))

    async with sandboxes.pool(api_keys={"acme": "another"}) as pool:
        results = await count_each(pool)

    error = results["acme"].error
    assert isinstance(error, AuthenticationError)
    assert ("Invalid or missing API key", "sandbox-000001") == (error.message, error.request_id)
    assert [] == sandboxes["acme"].requests


def test_keys_are_made_of_names_unless_chosen() -> None:
    """Keys are strings that a header can hold, whatever the names; a sandbox keeps the key it has."""
    names = ["acme", "Ünïcode \n", "\ud800", "chosen", "again"]
    again = Sandbox(0, seed=4)
    SandboxPool({"before": again})
    sandboxes = SandboxPool(
        dict(zip(names, [*(Sandbox(0, seed=seed) for seed in range(3)), Sandbox(0, seed=3, api_key="mine"), again]))  # noqa: B905 - as many as there are
    )

    assert {
        "acme": "sandbox-key-acme",
        "Ünïcode \n": "sandbox-key-%C3%9Cn%C3%AFcode%20%0A",
        "\ud800": "sandbox-key-%3F",
        "chosen": "mine",
        "again": "sandbox-key-before",
    } == sandboxes.api_keys
    assert sandboxes.api_keys == {name: sandboxes[name].api_key for name in sandboxes}
    assert names == [*sandboxes.pool()]


async def test_a_sandbox_of_a_pool_has_a_client_of_its_own() -> None:
    """It takes the key that the sandbox has in the pool, in memory."""
    sandboxes = SandboxPool({"acme": Sandbox(3)})

    async with sandboxes["acme"].client() as client:
        assert 3 == await client.count_phone_numbers()


async def test_options_of_the_pool_win() -> None:
    """What is passed to pool() goes on to the pool of clients, and wins over the sandbox's."""
    sandboxes = SandboxPool({"acme": Sandbox(3)})

    async with sandboxes:
        elsewhere = sandboxes.pool(base_url="http://127.0.0.1:9", max_concurrent=1)
        started = sandboxes.pool()

        assert "http://127.0.0.1:9" in repr(elsewhere)
        assert sandboxes.url in repr(started)
    assert "sandbox.invalid" in repr(sandboxes.pool())
    with pytest.raises(RuntimeError, match=r"async with SandboxPool\(\.\.\.\)"):
        _ = sandboxes.url


async def test_serves_at_the_given_address() -> None:
    """Host and port are the pool's, and a client of one organization needs its key and the URL."""
    async with SandboxPool({"acme": Sandbox(3)}) as sandboxes:
        port = int(sandboxes.url.rpartition(":")[2])
    async with (
        SandboxPool({"acme": Sandbox(3)}, host="localhost", port=port) as sandboxes,
        ContactshipClient(sandboxes.api_keys["acme"], base_url=sandboxes.url) as client,
    ):
        assert f"http://localhost:{port}" == sandboxes.url
        assert 3 == await client.count_phone_numbers()


async def test_describes_the_organization_whose_key_is_sent() -> None:
    """Where settings differ, the key selects the description; without one it is that of the first."""
    sandboxes = SandboxPool(
        {"acme": Sandbox(max_limit=7), "globex": Sandbox(seed=1, envelope="pagination", max_limit=9)}
    )

    async def most_rows(key: str) -> int:
        request = Request(method="GET", path="/openapi.json", api_key=Secret(key), idempotent=True)
        document = json.loads((await sandboxes.transport(request)).body)
        response: dict[str, Any] = document["paths"]["/v1/phone-numbers"]["get"]["responses"]["200"]
        page: dict[str, Any] = response["content"]["application/json"]["schema"]["properties"]
        rows: int = page["data"]["maxItems"]
        return rows

    keys = ["", "unknown", *sandboxes.api_keys.values()]
    assert [7, 7, 7, 9] == [await most_rows(key) for key in keys]


async def test_many_organizations_at_once() -> None:
    """Hundreds of organizations are served concurrently."""
    sandboxes = SandboxPool({f"org{number}": Sandbox(3, seed=number) for number in range(200)})
    async with sandboxes, aiohttp.ClientSession() as session:

        async def ask(key: str) -> str:
            async with session.get(f"{sandboxes.url}/v1/phone-numbers", headers={"x-api-key": key}) as response:
                page = await response.json()
                return str(page["data"][0]["organization_id"])

        found = await asyncio.gather(*map(ask, sandboxes.api_keys.values()))

    assert [sandboxes[name].organization_id for name in sandboxes] == found


SAME: Any = Sandbox(0, seed=9)

WRONG: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
    ([Sandbox()], {}, TypeError, "sandboxes must be a mapping from names to sandboxes, not list"),
    ({}, {}, ValueError, "sandboxes must not be empty"),
    ({"": Sandbox()}, {}, TypeError, "the names of organizations in sandboxes must be non-empty strings"),
    ({1: Sandbox()}, {}, TypeError, "the names of organizations in sandboxes must be non-empty strings"),
    ({"acme": 250}, {}, TypeError, "sandboxes['acme'] must be a Sandbox, not int"),
    (
        {"acme": Sandbox(api_key="k"), "globex": Sandbox(api_key="k", seed=1)},
        {},
        ValueError,
        "the sandboxes of 'acme' and 'globex' must differ in their api_key",
    ),
    (
        {"acme": SAME, "globex": SAME},
        {},
        ValueError,
        "the sandboxes of 'acme' and 'globex' must differ in their api_key",
    ),
    (
        {"acme": Sandbox(250), "globex": Sandbox(40)},
        {},
        ValueError,
        "the sandboxes of 'acme' and 'globex' must differ in their seed",
    ),
    ({"acme": Sandbox()}, {"port": -1}, ValueError, "port must be an integer from 0 to 65535, not -1"),
    (
        {"acme": Sandbox()},
        {"host": "192.0.2.1:80"},
        ValueError,
        "host must be an address of this machine such as '127.0.0.1' or '0.0.0.0', or a name of it",
    ),
]


@pytest.mark.parametrize(("sandboxes", "settings", "error", "message"), WRONG, ids=[case[3] for case in WRONG])
def test_arguments_are_checked(sandboxes: Any, settings: dict[str, Any], error: type[Exception], message: str) -> None:
    """What can't be distinguished, or is no sandbox, is refused at once."""
    with pytest.raises(error) as caught:
        SandboxPool(sandboxes, **settings)

    assert message == str(caught.value)
