"""How a client is configured, what it refuses, and that no refusal quotes a value."""

from __future__ import annotations

import asyncio
import copy
import os
import pickle
from typing import Any

import aiohttp
import pytest
from jumping_loop import in_loop_time, now, run
from raw_server import RawServer, response

from contactship_async import (
    AuthenticationError,
    ConfigurationError,
    ContactshipClient,
    ContactshipPool,
    Request,
    RequestTimeoutError,
    Response,
    RetryPolicy,
    Timeouts,
)
from contactship_async._http.api_key import FetchedApiKey
from contactship_async.sandbox import Sandbox, Status

KEY = "sk-live-0123456789"


@pytest.mark.parametrize("key", ["", " ", "sk\nx", "sk x", "sk\u00e9", "sk\ud800", "k" * 513, 5, b"sk-bytes"])
def test_malformed_key(key: Any) -> None:
    """A key that could not be sent unchanged is refused, and not quoted."""
    with pytest.raises(ConfigurationError, match="API key") as caught:
        ContactshipClient(key)

    assert not isinstance(key, str) or not key.strip() or key not in str(caught.value)


def test_missing_key() -> None:
    """Without a key the error says where it may come from."""
    with pytest.raises(ConfigurationError, match="pass api_key, or set CONTACTSHIP_API_KEY"):
        ContactshipClient()


async def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Key and base URL fall back to the environment, the base URL then to the documented one."""
    assert "<ContactshipClient https://api.contactship.ai>" == repr(ContactshipClient(KEY))
    async with Sandbox(3) as sandbox:
        monkeypatch.setenv("CONTACTSHIP_API_KEY", f" {sandbox.api_key}\n")
        monkeypatch.setenv("CONTACTSHIP_BASE_URL", f"{sandbox.url}/")
        async with ContactshipClient() as client:
            assert 3 == await client.count_phone_numbers()


def test_empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable is as good as none."""
    monkeypatch.setenv("CONTACTSHIP_BASE_URL", "")

    assert "<ContactshipClient https://api.contactship.ai>" == repr(ContactshipClient(KEY))


@pytest.mark.parametrize(
    "url",
    ["https://api.example.com", "https://api.example.com:8443/contactship/", "http://127.0.0.1:8000", "http://localhost",
     "http://[::1]:80", "http://127.8.9.1"],
)  # fmt: skip
def test_base_urls(url: str) -> None:
    """TLS is fine anywhere, clear text on this machine only; a path in front of the API's is kept."""
    assert f"<ContactshipClient {url.rstrip('/')}>".replace(":80>", ">") == repr(ContactshipClient(KEY, base_url=url))


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "scheme and host"),
        ("api.contactship.ai", "scheme and host"),
        ("//api.contactship.ai", "scheme and host"),
        ("https://", "scheme and host"),
        ("https:///v1", "scheme and host"),
        ("ftp://api.contactship.ai", "scheme and host"),
        ("https://api.contactship.ai:port", "scheme and host"),
        ("https://user:hunter2@api.contactship.ai", "no user, password"),
        ("https://hunter2@api.contactship.ai", "no user, password"),
        ("https://api.contactship.ai?x=hunter2", "query or fragment"),
        ("https://api.contactship.ai/#hunter2", "query or fragment"),
        ("https://api.contactship.ai/?", "query or fragment"),
        ("https://evil.example\\@api.contactship.ai", "blanks, control characters and backslashes"),
        ("https://api.contactship.ai\n", "blanks, control characters and backslashes"),
        (5, "must be a string"),
        ("http://api.contactship.ai", "in clear"),
        ("http://128.0.0.1", "in clear"),
        ("http://localhost.example", "in clear"),
    ],
)
def test_refused_base_urls(url: Any, reason: str) -> None:
    """A base URL that is unusable, ambiguous or would send the key in clear is refused, and not quoted."""
    with pytest.raises(ConfigurationError, match=reason) as caught:
        ContactshipClient(KEY, base_url=url)

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("{}/v1", ""),
        ("{}/v1/", ""),
        ("{}/gw/v1", "/gw"),
        ("{}/gw//v1//", "/gw"),
        ("{}/gw/v1/v1", "/gw/v1"),
        ("{}/gw/xv1", "/gw/xv1"),
        ("{}/gw/V1", "/gw/V1"),
    ],
)
async def test_base_url_with_the_version(url: str, address: str) -> None:
    """The version at the end of a base URL is not doubled; a path before it is kept."""
    async with RawServer(response({"data": [], "count": 0})) as server:
        client = ContactshipClient(KEY, base_url=url.format(server.url))
        await client.count_phone_numbers()
        await client.close()

    assert f"<ContactshipClient {server.url}{address}>" == repr(client)
    assert f"{address}/v1/phone-numbers" == server.requests[0].target.partition("?")[0]


@pytest.mark.parametrize(
    ("base_url", "integrations_url", "expected"),
    [
        (None, None, "https://integrations.contactship.ai"),
        ("https://API.contactship.ai:443/v1/", None, "https://integrations.contactship.ai"),
        ("https://api.contactship.ai/gw", None, "https://api.contactship.ai/gw"),
        ("https://api.contactship.ai.example", None, "https://api.contactship.ai.example"),
        ("http://127.0.0.1:8000/gw/v1/", None, "http://127.0.0.1:8000/gw"),
        ("http://127.0.0.1:8000", "https://elsewhere.example/gw/", "https://elsewhere.example/gw"),
        (None, "http://localhost:1/v1", "http://localhost:1"),
    ],
)
@pytest.mark.parametrize("from_environment", [False, True])
def test_integrations_url(
    monkeypatch: pytest.MonkeyPatch,
    base_url: str | None,
    integrations_url: str | None,
    expected: str,
    from_environment: bool,
) -> None:
    """Only with the default base URL it is the default one, with any other it is that, unless it is given."""
    if from_environment:
        monkeypatch.setenv("CONTACTSHIP_BASE_URL", base_url or "")
        base_url = None
    client = ContactshipClient(KEY, base_url=base_url, integrations_url=integrations_url)
    pool = ContactshipPool({"acme": KEY}, base_url=base_url, integrations_url=integrations_url)

    for each in (client, client.with_options(timeouts=Timeouts()), pool["acme"]):
        assert expected == each._caller.connection.integrations.base_url


@pytest.mark.parametrize("url", ["", 5, "https://a.example?x=hunter2", "https://hunter2@a.example", "http://a.example"])
def test_refused_integrations_urls(url: Any) -> None:
    """It is refused like a base URL, by its own name, and not quoted."""
    with pytest.raises(ConfigurationError, match=r"^integrations_url ") as caught:
        ContactshipClient(KEY, integrations_url=url)

    assert "hunter2" not in str(caught.value)
    insecure = ContactshipClient(KEY, integrations_url="http://a.example", allow_insecure_http=True)
    assert "http://a.example" == insecure._caller.connection.integrations.base_url


def test_proxy_of_the_integrations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each server has the proxy that the environment names for it; one that would see the key there is refused."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "api.contactship.ai")
    connection = ContactshipClient(KEY, trust_env=True)._caller.connection

    assert connection.server.proxy is None
    assert connection.integrations.proxy is not None
    assert "http://proxy.example:3128" == str(connection.integrations.proxy.url)
    with pytest.raises(ConfigurationError, match="the proxy would see the API key of an http:// integrations_url"):
        ContactshipClient(KEY, integrations_url="http://127.0.0.1:1", proxy="http://proxy.example:3128")


def test_insecure_on_purpose() -> None:
    """Clear text to another machine needs the caller's word."""
    client = ContactshipClient(KEY, base_url="http://api.example.com", allow_insecure_http=True)

    assert "<ContactshipClient http://api.example.com>" == repr(client)


def test_insecure_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The word may come from the environment, for programs whose code can't be changed."""
    monkeypatch.setenv("CONTACTSHIP_ALLOW_INSECURE_HTTP", "1")
    monkeypatch.setenv("CONTACTSHIP_BASE_URL", "http://sandbox:8000")

    assert "<ContactshipClient http://sandbox:8000>" == repr(ContactshipClient(KEY))
    assert "<ContactshipPool http://sandbox:8000>" == repr(ContactshipPool({"acme": KEY}))
    with pytest.raises(ConfigurationError, match="in clear"):
        ContactshipClient(KEY, allow_insecure_http=False)


@pytest.mark.parametrize("text", ["", "0", "true", "yes", "1 ", "01", "11"])
def test_insecure_by_one_text_only(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Anything but `1` allows nothing, and the error names what would."""
    monkeypatch.setenv("CONTACTSHIP_ALLOW_INSECURE_HTTP", text)
    with pytest.raises(ConfigurationError, match=r"or set CONTACTSHIP_ALLOW_INSECURE_HTTP=1$"):
        ContactshipClient(KEY, base_url="http://sandbox:8000")


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"timeouts": 5}, TypeError, "timeouts must be of type Timeouts, not int"),
        ({"retry": 5}, TypeError, "retry must be of type RetryPolicy, not int"),
        ({"connector": 5}, TypeError, "connector must be of type BaseConnector, not int"),
        ({"transport": 5}, TypeError, "transport must be of type Callable, not int"),
        ({"trace_configs": 5}, TypeError, "trace_configs must be of type Sequence, not int"),
        ({"trace_configs": [5]}, TypeError, "each of trace_configs must be of type TraceConfig, not int"),
        ({"allow_insecure_http": "no"}, TypeError, "allow_insecure_http must be of type bool, not str"),
        ({"max_response_bytes": 0}, ValueError, "max_response_bytes must be an integer >= 1"),
        ({"max_response_bytes": "1"}, TypeError, "max_response_bytes must be an integer >= 1"),
    ],
)
def test_refused_settings(settings: dict[str, Any], error: type[Exception], text: str) -> None:
    """Settings of the wrong kind are refused by name."""
    with pytest.raises(error, match=text):
        ContactshipClient(KEY, **settings)


async def test_transport_takes_the_place_of_http() -> None:
    """A transport goes with neither a connector nor trace configurations."""
    transport = Sandbox().transport
    connector = aiohttp.TCPConnector()
    with pytest.raises(ConfigurationError, match="takes the place of HTTP"):
        ContactshipClient(KEY, transport=transport, connector=connector)
    with pytest.raises(ConfigurationError, match="takes the place of HTTP"):
        ContactshipClient(KEY, transport=transport, trace_configs=[aiohttp.TraceConfig()])
    await connector.close()


def test_client_shows_no_key() -> None:
    """Neither the repr of a client nor its attributes give the key away, and it does not pickle."""
    client = ContactshipClient(KEY)

    assert KEY not in f"{client!r} {vars(client)}"
    with pytest.raises(TypeError):
        pickle.dumps(client)


@pytest.mark.parametrize("is_open", [False, True])
async def test_no_copies(is_open: bool) -> None:
    """Clients, pools, and what belongs to them, say that they are neither copied nor pickled, opened or not."""
    async with Sandbox(3) as sandbox, sandbox.client() as client:
        pool = ContactshipPool({"acme": KEY}, base_url=sandbox.url)
        if is_open:
            await client.count_phone_numbers()
        for thing in (client, client.tags.list(), pool, pool["acme"]):
            for duplicate in (pickle.dumps, copy.deepcopy):
                with pytest.raises(TypeError, match="neither copied nor pickled"):
                    duplicate(thing)


class Vault:
    """A secret manager that hands out a new key each time."""

    def __init__(self, *keys: object) -> None:
        self.keys = list(keys)
        self.asked = 0

    async def __call__(self) -> Any:
        """Hand out the next key."""
        self.asked += 1
        await asyncio.sleep(0)
        key = self.keys.pop(0)
        if isinstance(key, Exception):
            raise key
        return key


async def test_key_is_fetched_once() -> None:
    """A key from an async function is fetched at the first use, by one of the calls that need it."""
    sandbox = Sandbox(3)
    vault = Vault(sandbox.api_key)
    async with sandbox.client(api_key=vault) as client:
        assert 0 == vault.asked
        counts = await asyncio.gather(*(client.count_phone_numbers() for _ in range(5)))

    assert [3] * 5 == counts
    assert 1 == vault.asked


async def test_refused_key_is_fetched_anew() -> None:
    """A 401 drops the key: it is fetched again, and the call itself goes on with the new one."""
    sandbox = Sandbox(3)
    vault = Vault("sk-revoked", sandbox.api_key)
    async with sandbox.client(api_key=vault) as client:
        count = await client.count_phone_numbers()

    assert 3 == count
    assert 2 == vault.asked


async def test_newer_key_survives_an_old_refusal() -> None:
    """The refusal of a key that another call has replaced meanwhile drops nothing."""
    vault = Vault("sk-1", "sk-2")
    api_key = FetchedApiKey(vault)
    old = await api_key.get(None)
    api_key.forget(old)
    new = await api_key.get(None)
    api_key.forget(old)

    assert new is await api_key.get(None)


async def test_no_use_after_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child process does not read from its parent's connections."""
    async with Sandbox(3) as sandbox, sandbox.client() as client:
        await client.count_phone_numbers()
        with monkeypatch.context() as patch:
            patch.setattr(os, "getpid", lambda: 0)
            with pytest.raises(RuntimeError, match="another event loop or process"):
                await client.count_phone_numbers()


async def test_given_key_survives_a_401() -> None:
    """A key given as a string stays."""
    sandbox = Sandbox(3)
    sandbox.script(Status(401))
    async with sandbox.client() as client:
        with pytest.raises(AuthenticationError):
            await client.count_phone_numbers()
        count = await client.count_phone_numbers()

    assert 3 == count


async def test_fetched_key_is_checked() -> None:
    """What the function returns is checked like a key that is given; its own errors pass, and it is asked again."""
    sandbox = Sandbox(3)
    vault = Vault("two words", None, PermissionError("no"), TimeoutError("slow"), sandbox.api_key)
    async with sandbox.client(api_key=vault) as client:
        for error, text in (
            (ConfigurationError, "visible ASCII"),
            (ConfigurationError, "the function for the API key did not return one"),
            (PermissionError, "no"),
            (TimeoutError, "slow"),
        ):
            with pytest.raises(error, match=text):
                await client.count_phone_numbers()
        count = await client.count_phone_numbers()

    assert 3 == count


async def test_function_that_is_not_async() -> None:
    """A plain function is refused at its first use, with what is allowed."""
    client = Sandbox().client(api_key=lambda: KEY)
    with pytest.raises(TypeError, match="the API key must be a string or an async function that returns one"):
        await client.count_phone_numbers()


def test_stalled_key() -> None:
    """A function that never returns is ended by the total limit."""

    async def stall() -> str:
        await asyncio.Event().wait()
        return ""

    with pytest.raises(RequestTimeoutError, match="API key was not fetched") as caught:
        run(Sandbox().client(api_key=stall, timeouts=Timeouts(total=10)).count_phone_numbers())

    assert "total" == caught.value.limit


def test_time_for_the_key_counts() -> None:
    """The wait for the key is part of the total limit."""

    async def fetch() -> str:
        await asyncio.sleep(30)
        return KEY

    async def silence(request: Request) -> Response:
        await asyncio.Event().wait()
        return Response(status=200)

    async def main() -> float:
        once = RetryPolicy(max_attempts=1)
        client = ContactshipClient(fetch, transport=silence, timeouts=Timeouts(total=50), retry=once)
        began = now()
        with pytest.raises(RequestTimeoutError, match="50 s, the total limit"):
            await in_loop_time(client).count_phone_numbers()
        return now() - began

    assert 50 == run(main())


def test_key_function_serves_several_loops() -> None:
    """The lock around the fetch does not tie the client to the loop in which calls first waited for it."""
    sandbox = Sandbox(3)
    client = sandbox.client(api_key=Vault(PermissionError(), PermissionError(), sandbox.api_key))

    async def count_twice() -> list[object]:
        return list(await asyncio.gather(*(client.count_phone_numbers() for _ in range(2)), return_exceptions=True))

    assert [PermissionError] * 2 == [type(error) for error in asyncio.run(count_twice())]
    assert [3, 3] == asyncio.run(count_twice())
