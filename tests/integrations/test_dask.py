"""Fleets on a Dask cluster within this process; those of processes, and of processes that are killed, are beside."""

from __future__ import annotations

import asyncio
import pickle
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import fleet_jobs
import pytest
from distributed import KilledWorker, Worker
from fleet_cluster import Cluster, cluster, connect

from contactship_async import (
    ClientClosedError,
    ConfigurationError,
    OrganizationError,
    OrganizationResult,
    RateLimit,
)
from contactship_async.integrations._dask_cluster import Claims
from contactship_async.integrations.dask import run_fleet
from contactship_async.sandbox import Sandbox, SandboxPool

VARIABLE = "ACME_CONTACTSHIP_KEY"
ONE, TWO = "address-1", "address-2"
BOTH = {"at-once": VARIABLE, "slow": VARIABLE}


@pytest.fixture(autouse=True)
def _worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Workers have the keys, only loopback to send them to, and hold their addresses apart from other tests'."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv(VARIABLE, "sk-made-up")
    monkeypatch.setenv("CONTACTSHIP_BASE_URL", "http://127.0.0.1:9")
    fleet_jobs.WAITING.clear()
    fleet_jobs.CANCELLED.clear()
    fleet_jobs.RELEASED.clear()


@pytest.fixture
async def started() -> AsyncIterator[Cluster]:
    """Return a cluster with two addresses."""
    async with cluster(ONE, TWO) as running:
        yield running
        assert [] == claims_on(running)
        assert [[], []] == [fleets_on(running.workers[address]) for address in (ONE, TWO)]


def claims_on(running: Cluster) -> list[object]:
    """Return the fleets that the scheduler knows."""
    return [plugin for plugin in running.scheduler.plugins.values() if isinstance(plugin, Claims)]


def fleets_on(worker: Worker) -> list[str]:
    """Return the fleets that a worker knows."""
    return [name for name in worker.plugins if name.startswith("contactship-fleet")]


async def until(is_so: Callable[[], object]) -> None:
    """Wait until something has happened, in this loop and the threads of the workers."""
    while not is_so():  # noqa: ASYNC110 - threads tell nobody
        await asyncio.sleep(0.001)  # real time, as above


async def results_of(*arguments: Any, **options: Any) -> dict[str, OrganizationResult[Any]]:
    """Run a fleet to its end, and return its results by organization."""
    results = [result async for result in run_fleet(*arguments, **options)]
    assert sorted({result.organization for result in results}) == sorted(result.organization for result in results)
    return {result.organization: result for result in results}


def take_all(running: Cluster, **options: Any) -> dict[str, Any]:
    """Return arguments that are right, but for *options*."""
    arguments = {"dask_client": running.client, "organizations": {"acme": VARIABLE}, "job": fleet_jobs.count}
    return {**arguments, "addresses": [ONE], **options}


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        ([ONE, TWO], {"acme": ONE, "globex": TWO, "initech": ONE}),
        ([TWO], {"acme": TWO, "globex": TWO, "initech": TWO}),
        ({"acme": TWO, "globex": TWO, "initech": ONE}, {"acme": TWO, "globex": TWO, "initech": ONE}),
    ],
)
async def test_organizations_are_served_from_their_addresses(
    started: Cluster, monkeypatch: pytest.MonkeyPatch, addresses: Any, expected: Mapping[str, str]
) -> None:
    """They are dealt out in turn, in the order of their names, or as they are bound."""
    async with Sandbox(7) as sandbox:
        monkeypatch.setenv(VARIABLE, sandbox.api_key)
        organizations = dict.fromkeys(["initech", "globex", "acme"], VARIABLE)
        results = await results_of(
            started.client, organizations, fleet_jobs.count, addresses=addresses, base_url=sandbox.url
        )

    assert {name: (7, address) for name, address in expected.items()} == {
        name: result.value for name, result in results.items()
    }


async def test_keys_come_from_functions(started: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function gets the name of the organization: plain or async, itself or by its name."""
    sandboxes = {name: Sandbox(size, seed=size) for size, name in enumerate(["a", "b", "c"], 1)}
    sources = {"a": fleet_jobs.find_key, "b": fleet_jobs.fetch_key, "c": "fleet_jobs:fetch_key"}
    async with SandboxPool(sandboxes) as pool:
        for name, key in pool.api_keys.items():
            monkeypatch.setenv(f"KEY_OF_{name}", key)
        results = await results_of(started.client, sources, fleet_jobs.count, addresses=[ONE, TWO], base_url=pool.url)

    assert {"a": (1, ONE), "b": (2, TWO), "c": (3, ONE)} == {name: each.value for name, each in results.items()}


async def test_settings_reach_the_pool(started: Cluster) -> None:
    """A connector is made on the worker."""
    fleet_jobs.CONNECTED.clear()
    async with Sandbox() as sandbox:
        await results_of(
            **take_all(
                started,
                organizations={"acme": "fleet_jobs:find_key"},
                base_url=sandbox.url,
                connector=fleet_jobs.connect,
                total_rate_limit=RateLimit(600, 60),
            )
        )

    assert [ONE] == fleet_jobs.CONNECTED


async def test_errors_of_this_package_come_back(started: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """They say nothing that is secret."""
    async with Sandbox() as sandbox:
        monkeypatch.setenv(VARIABLE, "sk-unknown")
        results = await results_of(**take_all(started, base_url=sandbox.url))

    assert "AuthenticationError" == type(results["acme"].error).__name__
    assert "GET /v1/phone-numbers failed: 401 Unauthorized" == str(results["acme"].error)


async def test_other_errors_come_back_by_class(started: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their texts may say anything, and stay on the worker, and so do their causes."""
    async with Sandbox() as sandbox:
        monkeypatch.setenv(VARIABLE, sandbox.api_key)
        results = await results_of(**take_all(started, job=fleet_jobs.fail, base_url=sandbox.url))

    error = results["acme"].error
    assert isinstance(error, OrganizationError)
    assert "acme: LookupError" == str(error)
    assert error.__cause__ is None
    assert re.fullmatch(r"raised at fleet_jobs\.py:\d+ on a worker", error.__notes__[0])
    assert "planted" not in repr(pickle.dumps(error))


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (
            fleet_jobs.make_what_does_not_travel,
            TypeError("what the job returned or raised, of type function, can't be pickled (AttributeError)"),
        ),
        (
            fleet_jobs.make_too_much,
            ValueError(
                "the job returned more than 1 MiB: let it write rows into a database or a file, and return a summary"
            ),
        ),
        (fleet_jobs.cancel_itself, ClientClosedError("the job was cancelled")),
        (fleet_jobs.end_the_program, OrganizationError("acme", cast("Exception", SystemExit()))),
        (
            fleet_jobs.count,
            ConfigurationError(
                "the environment variable NO_SUCH_KEY, for the API key of 'acme', is not set on this worker"
            ),
        ),
    ],
)
async def test_failures_are_results(started: Cluster, job: Any, expected: Exception) -> None:
    """What a job returned that a fleet does not take, a job that ended itself or its program, a key that is missing."""
    results = await results_of(**take_all(started, organizations={"acme": "NO_SUCH_KEY"}, job=job))

    assert (type(expected), str(expected)) == (type(results["acme"].error), str(results["acme"].error))


async def leave(fleet: Any) -> None:
    """Stop listening after the first result."""
    async with aclosing(fleet):
        async for _ in fleet:
            break


async def fail(fleet: Any) -> None:
    """Raise after it."""
    with pytest.raises(ZeroDivisionError):
        async with aclosing(fleet):
            async for _ in fleet:
                raise ZeroDivisionError


async def be_cancelled(fleet: Any) -> None:
    """Have the task cancelled that waits for the second."""

    async def take_all() -> None:
        async for _ in fleet:
            pass

    task = asyncio.create_task(take_all())
    await until(lambda: len(fleet_jobs.WAITING) >= 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("end", [leave, fail, be_cancelled])
async def test_nothing_is_left_on_the_cluster(started: Cluster, end: Callable[[Any], Any]) -> None:
    """However a fleet ends: jobs are cancelled, before the generator has ended; tasks and plugins are gone."""
    organizations = dict.fromkeys(
        ["at-once", "slow-1", "slow-2", *(f"waiting-{place}" for place in range(20))], VARIABLE
    )
    fleet = run_fleet(started.client, organizations, fleet_jobs.wait, addresses=dict.fromkeys(organizations, ONE))

    await end(fleet)

    assert sorted(map(str, fleet_jobs.WAITING)) == sorted(map(str, fleet_jobs.CANCELLED))
    await until(lambda: not started.scheduler.tasks)
    await until(lambda: not started.workers[ONE].state.tasks)


async def test_results_are_not_kept_on_the_cluster(started: Cluster) -> None:
    """A worker that dies later takes none with it, which would have to be made again."""
    async with aclosing(run_fleet(**take_all(started, job=fleet_jobs.wait, organizations=BOTH))) as fleet:
        await anext(fleet)

        await until(lambda: len(started.scheduler.tasks) == 1)


async def test_fleet_ends_with_its_program(started: Cluster) -> None:
    """When the program's connection is gone, so are its jobs, and the next fleet begins."""
    async with connect(started.scheduler) as other:
        fleet = run_fleet(**take_all(started, dask_client=other, job=fleet_jobs.wait))
        first = asyncio.create_task(anext(fleet))
        await until(lambda: fleet_jobs.WAITING)
    await until(lambda: not claims_on(started))

    assert ["acme"] == fleet_jobs.CANCELLED
    assert isinstance((await first).error, OrganizationError)
    await fleet.aclose()
    await results_of(**take_all(started, organizations={"at-once": VARIABLE}, job=fleet_jobs.wait))


async def test_fleet_outlives_other_clients(started: Cluster) -> None:
    """Whoever else leaves the cluster ends nothing."""
    async with aclosing(run_fleet(**take_all(started, job=fleet_jobs.wait, organizations=BOTH))) as fleet:
        async with connect(started.scheduler) as other:
            await anext(fleet)
        await until(lambda: other.id not in started.scheduler.clients)

        assert 1 == len(claims_on(started))
        assert [] == fleet_jobs.CANCELLED


async def test_fleet_is_cancelled_at_once(started: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scheduler has heard of it then, but the program does not know that."""
    register = started.scheduler.handlers["register_scheduler_plugin"]
    registered, goes_on = asyncio.Event(), asyncio.Event()

    async def register_slowly(**plugin: Any) -> None:
        await register(**plugin)
        registered.set()
        await goes_on.wait()

    monkeypatch.setitem(started.scheduler.handlers, "register_scheduler_plugin", register_slowly)
    task = asyncio.create_task(results_of(**take_all(started)))
    await registered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    goes_on.set()

    assert [] == claims_on(started)


async def test_fleets_take_turns(started: Cluster) -> None:
    """A fleet beside another one would double the budget of an address."""
    async with aclosing(run_fleet(**take_all(started, job=fleet_jobs.wait, organizations=BOTH))) as first:
        await anext(first)
        with pytest.raises(ConfigurationError, match=r"^another fleet is running on this cluster: each address has"):
            await anext(run_fleet(**take_all(started, addresses=[TWO])))

        assert 1 == len(claims_on(started))


async def test_address_without_a_worker_is_refused(started: Cluster) -> None:
    """Dask itself would wait for one, without a word."""
    with pytest.raises(ConfigurationError, match=r"^no worker has the resource address-3: an address is served by"):
        await results_of(**take_all(started, addresses=["address-3"]))


async def test_address_with_two_workers_is_refused(started: Cluster) -> None:
    """Each would have the whole budget."""
    await started.add(ONE)

    with pytest.raises(ConfigurationError, match=r"^2 worker processes have the resource address-1: .* --nworkers 1 "):
        await results_of(**take_all(started))


async def test_worker_with_two_addresses_is_refused(started: Cluster) -> None:
    """It has one budget."""
    await started.add("address-3", "address-4")

    with pytest.raises(ConfigurationError, match=r"^a worker serves one address, and not address-3 and address-4$"):
        await results_of(**take_all(started, organizations=BOTH, addresses=["address-3", "address-4"]))

    assert 0 == started.scheduler.resources["address-3"][started.workers["address-3"].address]


async def test_second_worker_of_an_address_gets_nothing(started: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    """The one that was there first serves the organizations on; the log of both sides says why."""
    organizations = dict.fromkeys(["at-once", *"bcdefghi"], VARIABLE)
    async with aclosing(
        run_fleet(**take_all(started, job=fleet_jobs.wait_for_release, organizations=organizations))
    ) as fleet:
        first, second = started.workers[ONE], None
        results = []
        async for result in fleet:
            results.append(result)
            if second is None:
                second = await started.add(ONE)
                fleet_jobs.RELEASED.set()

    assert sorted(organizations) == sorted(result.organization for result in results)
    assert second is not None
    assert not second.state.tasks
    assert f"the worker {second.address} gets no organizations of {ONE}: {first.address} serves that" in caplog.text
    assert f"another worker process serves {ONE}: this one gets no organizations until that" in caplog.text


async def test_second_worker_is_restarted_when_the_first_has_gone(started: Cluster) -> None:
    """It was refused because of that one; here, nobody restarts it, so that it ends."""
    async with aclosing(run_fleet(**take_all(started, job=fleet_jobs.wait, organizations=BOTH))) as fleet:
        await anext(fleet)
        first, second, third = started.workers[ONE], await started.add(ONE), await started.add(ONE)
        await third.close()
        assert started.scheduler.workers.keys() >= {first.address, second.address}

        await first.close()
        await second.finished()  # type: ignore[no-untyped-call] # as Dask has it

        assert started.scheduler.workers.keys() == {started.workers[TWO].address}
        await started.add(ONE)


async def test_address_is_held_on_the_machine(started: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    """Fleets of two clusters don't serve one address at the same time."""
    async with (
        cluster(ONE) as other,
        aclosing(run_fleet(**take_all(started, job=fleet_jobs.wait, organizations=BOTH))) as fleet,
    ):
        await anext(fleet)
        with pytest.raises(ConfigurationError, match=r"^another process on this machine serves address-1, or .* can't"):
            await results_of(**take_all(other))

        assert [] == claims_on(other)


async def test_worker_is_replaced(started: Cluster) -> None:
    """The one that is started in the place of one that died takes its organizations over, and no other one does."""
    organizations = dict.fromkeys("abcdef", VARIABLE)
    fleet = run_fleet(**take_all(started, organizations=organizations, job=fleet_jobs.wait_once))
    first = asyncio.create_task(anext(fleet))
    await until(lambda: len(fleet_jobs.WAITING) == 4)

    await started.workers[ONE].close()
    await until(lambda: len(fleet_jobs.CANCELLED) == 4)
    fleet_jobs.WAITING.extend("abcdef")
    await started.add(ONE)
    results = [await first, *[result async for result in fleet]]

    assert sorted(organizations) == sorted(result.organization for result in results)
    assert {ONE} == {result.value for result in results}


async def test_replacement_may_be_refused(started: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    """What it was given before it knew is given back, and waits for the next one."""
    async with cluster(ONE) as other:
        fleet = run_fleet(**take_all(started, job=fleet_jobs.wait_once))
        first = asyncio.create_task(anext(fleet))
        await until(lambda: fleet_jobs.WAITING)
        await started.workers[ONE].close()
        async with aclosing(run_fleet(**take_all(other, job=fleet_jobs.wait, organizations=BOTH))) as holder:
            await anext(holder)
            refused = await started.add(ONE)
            await until(lambda: not refused.state.tasks)
        assert "serves address-1, or" in caplog.text
        await refused.close()
        await started.add(ONE)

        assert ONE == (await first).value
        await fleet.aclose()


@pytest.mark.parametrize(("deaths", "is_served"), [(4, True), (5, False)])
async def test_workers_may_die(started: Cluster, deaths: int, is_served: bool) -> None:
    """An organization is given to the cluster five times, until it is told as failed, and the others go on."""
    started.scheduler.allowed_failures = 0
    organizations = {"acme": VARIABLE, "globex": VARIABLE}
    fleet = run_fleet(
        **take_all(started, organizations=organizations, job=fleet_jobs.wait, addresses={"acme": ONE, "globex": TWO})
    )
    first = asyncio.create_task(anext(fleet))
    for death in range(deaths):
        await until(lambda: fleet_jobs.WAITING.count("acme") == death + 1)  # noqa: B023 - awaited in this turn
        dying = started.workers[ONE]
        await started.scheduler.remove_worker(dying.address, stimulus_id="killed")
        await dying.finished()  # type: ignore[no-untyped-call] # as Dask has it
        await started.add(ONE)
    if is_served:
        await until(lambda: fleet_jobs.WAITING.count("acme") == deaths + 1)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
    else:
        result = await first
        assert isinstance(result.error, OrganizationError)
        assert "acme: KilledWorker" == str(result.error)
        assert isinstance(result.error.__cause__, KilledWorker)
    assert 1 == fleet_jobs.WAITING.count("globex")
    await fleet.aclose()


async def test_cluster_must_be_encrypted(started: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of its addresses counts; nothing is sent if one of them is open."""
    known = started.scheduler.identity()
    lies: list[dict[str, Any]] = [
        {"address": "tcp://10.1.2.3:8786"},
        {"workers": {"tcp://10.1.2.3:4242": {"nanny": None}}},
        {"workers": {"tcp://127.0.0.1:4242": {"nanny": "tcp://10.1.2.3:4343"}}},
    ]
    for lie in lies:
        monkeypatch.setitem(started.scheduler.handlers, "identity", lambda lie=lie: {**known, **lie})
        with pytest.raises(ConfigurationError, match=r"^tcp://10\.1\.2\.3:\d+ is not encrypted"):
            await results_of(**take_all(started))

    assert not started.scheduler.tasks
