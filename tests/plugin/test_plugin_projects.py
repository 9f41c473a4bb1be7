"""The plugin in pytest runs of their own, as users have them: installed, and without our conftest."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1] / "support" / "throwaway_project"

NO_ASYNC_PLUGIN = ("-p", "no:asyncio", "-p", "no:anyio")
ONE_LOOP_EACH = ("-o", "asyncio_default_fixture_loop_scope=function")  # pytest-asyncio warns without it

FAILING = """
import asyncio
from contactship_async.sandbox import Slow, Status
import pytest

def test_error(contactship_sandbox, contactship_client):
    contactship_sandbox.script(Status(503), times=None)
    asyncio.run(contactship_client.count_phone_numbers())

def test_timeout(contactship_sandbox, contactship_client):
    async def wait():
        async with asyncio.timeout(0.1):
            await contactship_client.count_phone_numbers()

    contactship_sandbox.script(Slow(3600), times=None)
    asyncio.run(wait())

def test_cancellation(contactship_sandbox, contactship_client):
    async def cancel():
        contactship_sandbox.on_request = lambda _: loop.call_soon_threadsafe(task.cancel)
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(contactship_client.count_phone_numbers())
        await task

    contactship_sandbox.script(Slow(3600), times=None)
    asyncio.run(cancel())

def test_assertion(contactship_sandbox, contactship_client):
    asyncio.run(contactship_client.count_phone_numbers())
    assert contactship_sandbox.requests == []
"""

MISTAKEN = """
import pytest

pytestmark = pytest.mark.usefixtures("contactship_sandbox")

@pytest.mark.contactship_sandbox(phone_number=3)
def test_unknown_setting(): ...

@pytest.mark.contactship_sandbox(phone_numbers=-3)
def test_unfit_setting(): ...

@pytest.mark.contactship_sandbox(3)
def test_by_position(): ...
"""


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run pytest on the throw-away project; every warning is an error, and each test leaves nothing behind."""
    shutil.copytree(PROJECT, pytester.path, dirs_exist_ok=True)
    strict = ("-p", "nothing_left", "-p", "no:cacheprovider", "--strict-markers", "-W", "error")
    return pytester.runpytest_subprocess(*strict, *arguments)


@pytest.fixture(autouse=True)
def _development_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDEVMODE", "1")
    monkeypatch.setenv("PYTHONPATH", ".")


@pytest.mark.parametrize(
    ("arguments", "passed"),
    [
        pytest.param(("asyncio_strict.py", *ONE_LOOP_EACH), 3, id="pytest-asyncio, strict"),
        pytest.param(
            ("asyncio_strict.py", *ONE_LOOP_EACH, "-n2"),
            3,
            id="pytest-asyncio, strict; pytest-xdist",
            marks=pytest.mark.volume,
        ),
        pytest.param(
            ("asyncio_auto.py", *ONE_LOOP_EACH, "-o", "asyncio_mode=auto"),
            1,
            id="pytest-asyncio, auto",
            marks=pytest.mark.volume,  # this suite is in that mode, too: test_plugin_fixtures.py
        ),
        pytest.param(("anyio_plugin.py", "-p", "no:asyncio"), 3, id="anyio", marks=pytest.mark.volume),
        pytest.param(("no_async_plugin.py", *NO_ASYNC_PLUGIN), 4, id="none", marks=pytest.mark.volume),
    ],
)
def test_async_plugins(pytester: pytest.Pytester, arguments: tuple[str, ...], passed: int) -> None:
    """The fixtures work with each plugin for async tests, in all kinds of loops."""
    run(pytester, *arguments).assert_outcomes(passed=passed)


def test_failing_tests(pytester: pytest.Pytester) -> None:
    """Nothing is left behind by tests that fail, and it is their own error that is reported."""
    pytester.makepyfile(test_failing=FAILING)
    result = run(pytester, "test_failing.py", *NO_ASYNC_PLUGIN)

    result.assert_outcomes(failed=4)
    result.stdout.fnmatch_lines(
        [
            "contactship_client = <ContactshipClient http://127.0.0.1:*>",
            "E *.ServerError: GET /v1/phone-numbers failed: 503 Service Unavailable",
            "E * RecordedRequest(method='GET', path='/v1/phone-numbers', params=*'limit': '1'*, status=200)",
            "FAILED *::test_timeout - TimeoutError",
            "FAILED *::test_cancellation - asyncio.exceptions.CancelledError",
        ]
    )


def test_mistaken_marks(pytester: pytest.Pytester) -> None:
    """A mark that can't be used is reported in one line, without the plugin's own code."""
    pytester.makepyfile(test_mistaken=MISTAKEN)
    result = run(pytester, "test_mistaken.py", *NO_ASYNC_PLUGIN)

    result.assert_outcomes(errors=3)
    result.stdout.fnmatch_lines(
        [
            "@pytest.mark.contactship_sandbox: *unexpected keyword argument 'phone_number'*",
            "@pytest.mark.contactship_sandbox: phone_numbers must be an integer from 0 to 1000000, not -3",
            "@pytest.mark.contactship_sandbox takes keywords only, such as phone_numbers=3",
        ]
    )
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")


def test_descriptions(pytester: pytest.Pytester) -> None:
    """The lists that pytest prints show the fixtures and the mark."""
    fixtures = run(pytester, "--fixtures", *NO_ASYNC_PLUGIN)
    marks = run(pytester, "--markers", *NO_ASYNC_PLUGIN)

    fixtures.stdout.fnmatch_lines(
        [
            "contactship_sandbox -- *",
            "    A pretend Contactship for one test, over HTTP; clients find it in the environment.",
            "contactship_client -- *",
            "    A `ContactshipClient` of `contactship_sandbox`, closed after the test; *",
        ]
    )
    marks.stdout.fnmatch_lines(["@pytest.mark.contactship_sandbox(?*settings): *"])
