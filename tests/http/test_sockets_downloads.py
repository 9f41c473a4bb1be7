"""Recordings over real sockets: nothing of the client goes to another host, and a file is complete or not there."""

from __future__ import annotations

import asyncio
import errno
import gzip
import io
import logging
import os
import stat
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, BinaryIO

import aiohttp
import pytest
from certificates import server_context, trusting_context
from connect_proxy import ConnectProxy
from key_leaks import KEY, failure_of, leaks, shown_by
from raw_server import Act, RawServer, close, drip, flood, head, reset, response, stall, until_read

from contactship_async import (
    ClientClosedError,
    ConnectionFailedError,
    ContactshipClient,
    ContactshipError,
    MalformedResponseError,
    NotFoundError,
    PermissionDeniedError,
    RateLimit,
    RateLimitError,
    Request,
    RequestTimeoutError,
    Response,
    RetryPolicy,
    Timeouts,
    UnexpectedRedirectError,
)
from contactship_async._http import downloads
from contactship_async.models.calls import Call

pytestmark = pytest.mark.every_event_loop

SOUND = bytes(range(255, -1, -1)) * 4000  # 1,024,000 bytes
WHOLE = response(SOUND, headers={"Content-Type": "audio/wav"})
HALF: list[Any] = [head(200, {"Content-Length": str(len(SOUND))}), SOUND[:5000]]
SECRET_PATH = "/rec/7d0c2f5e-unguessable.wav"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Name a file in a folder of its own."""
    return tmp_path / "call.wav"


def api_client(base_url: str = "http://127.0.0.1:9", **settings: Any) -> ContactshipClient:
    """Make a client whose API is elsewhere."""
    retry = RetryPolicy(max_attempts=3, initial_delay=0)
    return ContactshipClient(KEY, **{"base_url": base_url, "retry": retry, **settings})


def files_beside(file: Path) -> dict[str, bytes]:
    """Read all that is in its folder, temporary files too."""
    return {path.name: path.read_bytes() for path in file.parent.iterdir()}


@pytest.fixture
def before(file: Path) -> Path:
    """Offer the file with something in it already."""
    file.write_bytes(b"before")
    return file


BEFORE = {"call.wav": b"before"}
DOWNLOADED = {"call.wav": SOUND}


async def test_recording_of_a_call(file: Path) -> None:
    """It is written as it came, for its owner only, and its size is returned."""
    async with RawServer(WHOLE) as server, api_client() as client:
        size = await client.calls.download_recording(Call("c-1", call_record=server.url + SECRET_PATH), file)

    assert len(SOUND) == size
    assert DOWNLOADED == files_beside(file)
    assert "-rw-------" == stat.filemode(os.stat(file).st_mode)  # noqa: PTH116 - at once


async def test_nothing_of_the_client_goes_along(file: Path) -> None:
    """Neither the key, nor headers of the client, nor cookies: only who asks, and the address as it is written."""
    signed = "?Signature=a%2Bb%2fc~%7E+d&X=%20"
    answer = response(SOUND, headers={"Set-Cookie": "session=abc; Path=/"})
    async with RawServer(answer) as server, api_client(headers={"X-Gateway": "hidden", "Accept": "a/b"}) as client:
        for _ in range(2):
            await client.calls.download_recording(server.url + SECRET_PATH + signed, file)

    assert [SECRET_PATH + signed] * 2 == [got.target for got in server.requests]
    for got in server.requests:
        assert {"host", "user-agent", "accept", "accept-encoding"} == got.headers.keys()
        assert "*/*" == got.headers["accept"]
        assert "identity" == got.headers["accept-encoding"]
        assert [] == leaks(repr(got.headers))


async def test_nothing_goes_along_to_the_host_of_the_api(file: Path) -> None:
    """Nor does the key go to the host of the API, if that has the recording."""
    async with RawServer(WHOLE) as server, api_client(server.url) as client:
        await client.calls.download_recording(f"{server.url}{SECRET_PATH}", file)

    assert "x-api-key" not in server.requests[0].headers


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_is_not_followed(file: Path, status: int) -> None:
    """A redirect is an error, and its target is never contacted."""
    async with RawServer() as sink:
        redirect = response(b"", status=status, headers={"Location": f"{sink.url}/stolen"})
        async with RawServer(redirect) as server, api_client() as client:
            with pytest.raises(UnexpectedRedirectError):
                await client.calls.download_recording(server.url + SECRET_PATH, file)

    assert (1, 0) == (len(server.requests), sink.connections)
    assert {} == files_beside(file)


FAILURES: dict[str, tuple[Act, type[ContactshipError], str, int]] = {
    "gone": (response(status=404), NotFoundError, "GET call_record failed: 404", 1),
    "expired": (response(status=403), PermissionDeniedError, "GET call_record failed: 403", 1),
    "failing": (response(status=503), ContactshipError, "GET call_record failed: 503", 3),
    "cut": ([*HALF, close], ConnectionFailedError, "the response was cut off", 3),
    "reset": ([*HALF, until_read, reset], ConnectionFailedError, "GET call_record failed", 3),
    "cut chunk": (
        [head(200, {"Transfer-Encoding": "chunked"}), b"5\r\nabcde\r\n", close],
        ConnectionFailedError,
        "the response was cut off",
        3,
    ),
    "silent": ([*HALF, stall], ConnectionFailedError, "the server was silent for too long", 3),
    "slow": ([*HALF, drip(b"a")], RequestTimeoutError, "within 0.5 s, the total limit", 1),
    "said to be large": (
        [head(200, {"Content-Length": "2000001"}), stall],
        MalformedResponseError,
        "larger than 2000000 bytes, the max_bytes of the download",
        1,
    ),
    "large": (
        [head(200, {"Transfer-Encoding": "chunked"}), flood(b"1000\r\n%b\r\n" % (b"a" * 4096))],
        MalformedResponseError,
        "larger than 2000000 bytes",
        1,
    ),
    "bomb": (
        response(gzip.compress(b"a" * 2_000_001), headers={"Content-Encoding": "gzip"}),
        MalformedResponseError,
        "larger than 2000000 bytes",
        1,
    ),
    "a part": (response(SOUND[:5000], status=206), MalformedResponseError, "not a whole file, by its status 206", 1),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", MalformedResponseError, "by its status 204", 1),
    "no HTTP": (b"SSH-2.0\r\n\r\n", ConnectionFailedError, "the response is not valid HTTP", 3),
}


@pytest.mark.parametrize("name", FAILURES)
async def test_failure(before: Path, name: str) -> None:
    """A failure that may pass is retried; in the end, what was there before is there, and nothing else."""
    act, error, text, requests = FAILURES[name]
    timeouts = Timeouts(attempt=0.1 if name == "silent" else 30, total=0.5 if name == "slow" else 60)
    async with RawServer(act) as server, api_client(timeouts=timeouts) as client:
        with pytest.raises(error, match=text) as caught:
            await client.calls.download_recording(server.url + SECRET_PATH, before, max_bytes=2_000_000)

    assert requests == len(server.requests)
    assert BEFORE == files_beside(before)
    assert "unguessable" not in f"{caught.value!s}{caught.value!r}{caught.value.args}"
    assert [] == leaks(shown_by(caught.value))


async def test_a_cut_download_begins_anew(file: Path) -> None:
    """After a cut response, the whole recording comes, and no byte of the first one is left."""
    longer: Act = [head(200, {"Content-Length": str(2 * len(SOUND))}), SOUND + b"x", close]
    async with RawServer(longer, WHOLE) as server, api_client() as client:
        assert len(SOUND) == await client.calls.download_recording(server.url, file)

    assert DOWNLOADED == files_beside(file)


async def test_what_was_there_is_replaced(before: Path) -> None:
    """A file that is there is replaced once the new one is complete, and not before."""
    async with RawServer([*HALF, stall]) as stalling, RawServer(WHOLE) as server, api_client() as client:
        download = asyncio.create_task(client.calls.download_recording(stalling.url, before))
        await stalling.is_asked()
        await stalling.is_read()
        assert b"before" == files_beside(before)["call.wav"]
        download.cancel()
        with pytest.raises(asyncio.CancelledError):
            await download
        assert BEFORE == files_beside(before)
        await client.calls.download_recording(server.url, str(before))

    assert DOWNLOADED == files_beside(before)


async def test_open_file() -> None:
    """An open file gets the whole recording where it stands, or nothing."""
    memory = io.BytesIO(b"before")
    memory.seek(0, os.SEEK_END)
    async with RawServer([*HALF, close], response(status=404), WHOLE) as server, api_client() as client:
        with pytest.raises(NotFoundError):
            await client.calls.download_recording(server.url, memory)
        assert b"before" == memory.getvalue()
        assert len(SOUND) == await client.calls.download_recording(server.url, memory)

    assert b"before" + SOUND == memory.getvalue()


@pytest.fixture
def full_disk() -> Iterator[BinaryIO]:
    """Offer an open file that has no room."""
    with Path("/dev/full").open("wb", buffering=0) as full:
        yield full


async def test_file_that_cannot_be_written(file: Path, full_disk: BinaryIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """A place that can't be written to is an `OSError`: before anything is sent, where that can be known."""
    async with RawServer(WHOLE) as server, api_client() as client:
        with pytest.raises(FileNotFoundError):
            await client.calls.download_recording(server.url, file / "nowhere" / "call.wav")
        with pytest.raises(IsADirectoryError):
            await client.calls.download_recording(server.url, file.parent)
        assert [] == server.requests
        with pytest.raises(OSError, match="No space left"):
            await client.calls.download_recording(server.url, full_disk)
        assert 1 == len(server.requests)

        def fail(*_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        for function in ("_append", "_empty"):
            with monkeypatch.context() as patch:
                patch.setattr(downloads, function, fail)
                with pytest.raises(OSError, match="No space left"):
                    await client.calls.download_recording(server.url, file)
        assert 2 == len(server.requests)

    assert {} == files_beside(file)


async def test_what_is_no_regular_file_stays(file: Path) -> None:
    """A pipe or a device at the path is an `OSError` before anything is sent: no file takes its place."""
    os.mkfifo(file)
    async with RawServer(WHOLE) as server, api_client() as client:
        with pytest.raises(OSError, match="no regular file"):
            await client.calls.download_recording(server.url, file)

    assert [] == server.requests
    assert file.is_fifo()  # noqa: ASYNC240 - at once


async def test_a_full_disk(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be written when the disk was full does not hide the error when it is given up."""

    class Full(io.BytesIO):
        name = str(file.parent / "part")

        def close(self) -> None:
            super().close()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(downloads, "NamedTemporaryFile", lambda **_: Full())
    monkeypatch.setattr(downloads, "TemporaryFile", Full)
    async with RawServer(response(status=404)) as server, api_client() as client:
        for target in (file, io.BytesIO()):
            with pytest.raises(NotFoundError):
                await client.calls.download_recording(server.url, target)


@pytest.mark.parametrize("target", [io.StringIO(), 5, b"call.wav", None, object()])
async def test_no_file(target: Any) -> None:
    """What is neither a path nor a binary file is refused before anything is sent."""
    async with RawServer(WHOLE) as server, api_client() as client:
        with pytest.raises(TypeError, match=r"^file must be a path, or a file that is open for writing in binary mode"):
            await client.calls.download_recording(server.url, target)

    assert [] == server.requests


@pytest.mark.parametrize("ending", ["cancelled", "closed", "late"])
async def test_nothing_is_written_after_the_end(file: Path, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    """However it ends, it ends when its thread has: nothing is written afterwards, and nothing is left."""
    writing, may_write = threading.Event(), threading.Event()
    append = downloads._append

    def append_slowly(spool: IO[bytes], data: bytes) -> None:
        writing.set()
        may_write.wait()
        append(spool, data)

    monkeypatch.setattr(downloads, "_append", append_slowly)
    timeouts = Timeouts(total=0.3 if ending == "late" else None)
    async with RawServer([*HALF, stall]) as server:
        client = api_client(timeouts=timeouts)
        download = asyncio.create_task(client.calls.download_recording(server.url, file))
        await asyncio.to_thread(writing.wait)
        if ending == "late":
            await asyncio.sleep(0.4)  # real time, by which the limits of sockets go
        elif ending == "cancelled":
            download.cancel()
        else:
            await client.close()
        await asyncio.sleep(0)
        assert not download.done()
        may_write.set()
        error = await failure_of(download)
        await client.close()

    kinds = {"cancelled": asyncio.CancelledError, "closed": ClientClosedError, "late": RequestTimeoutError}
    assert isinstance(error, kinds[ending])
    assert {} == files_beside(file)


async def test_closed_connector(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connector whose owner closes it under a download, or before, is no failure of the network."""
    append, connectors = downloads._append, [aiohttp.TCPConnector() for _ in range(2)]
    writing = asyncio.Event()
    loop = asyncio.get_running_loop()

    def append_and_tell(spool: IO[bytes], data: bytes) -> None:
        append(spool, data)
        loop.call_soon_threadsafe(writing.set)

    monkeypatch.setattr(downloads, "_append", append_and_tell)
    timeouts = Timeouts(attempt=0.2)
    async with RawServer([*HALF, stall]) as server:
        for place, connector in enumerate(connectors):
            async with api_client(connector=connector, timeouts=timeouts) as client:
                writing.clear()
                download = asyncio.create_task(client.calls.download_recording(server.url, file))
                await writing.wait()
                if place == 1:
                    await server.is_read()
                await connector.close()
                assert isinstance(await failure_of(download), ClientClosedError)
                with pytest.raises(ClientClosedError):
                    await client.calls.download_recording(server.url, file)

    assert 2 == len(server.requests)


ADDRESSES = [
    ("https://api.contactship.ai", "http://media.example.net/1.wav"),
    ("https://api.contactship.ai", "http://127.0.0.1:9200/_search"),
    ("https://api.contactship.ai", "http://api.contactship.ai/1.wav"),
    ("http://127.0.0.1:9", "http://media.example.net/1.wav"),
    ("http://127.0.0.1:9", "http://169.254.169.254/latest"),
    ("https://api.contactship.ai", "https://user:password@media.example.net/1.wav"),
    ("https://api.contactship.ai", "https://media.example.net\\@127.0.0.1/1.wav"),
    ("https://api.contactship.ai", "file:///etc/passwd"),
    ("https://api.contactship.ai", "//media.example.net/1.wav"),
    ("https://api.contactship.ai", "/etc/passwd"),
    ("https://api.contactship.ai", "https:///1.wav"),
    ("https://api.contactship.ai", "https://media.example.net/1.wav\r\nX: y"),
]


@pytest.mark.parametrize(("base_url", "address"), ADDRESSES)
async def test_refused_addresses(file: Path, base_url: str, address: str) -> None:
    """Nothing is fetched in clear, but from where the client speaks in clear; no error quotes the address."""
    async with api_client(base_url) as client:
        with pytest.raises(ValueError, match=r"^call_record must be an https:// URL without user") as caught:
            await client.calls.download_recording(address, file)

    assert address not in str(caught.value)
    assert {} == files_beside(file)


async def test_tls(file: Path) -> None:
    """The client's own authorities hold for other hosts, too; a certificate that is not accepted is final."""
    async with RawServer(WHOLE, ssl_context=server_context()) as server:
        async with api_client(ssl_context=trusting_context()) as client:
            assert len(SOUND) == await client.calls.download_recording(server.url, file)
        async with api_client() as client:
            with pytest.raises(ConnectionFailedError, match="certificate") as caught:
                await client.calls.download_recording(server.url, file)

    assert caught.value.is_hopeless
    assert 1 == len(server.requests)


async def test_proxy(file: Path) -> None:
    """The client's proxy leads to other hosts, is told its password, and alone."""
    told = "Basic bWU6aGlkZGVu"  # of me:hidden
    context = server_context("media.example.net")
    async with (
        RawServer(WHOLE, ssl_context=context) as server,
        ConnectProxy(leads_to=server.port) as proxy,
        api_client(proxy=proxy.url_with("me:hidden"), ssl_context=trusting_context()) as client,
    ):
        await client.calls.download_recording(f"https://media.example.net{SECRET_PATH}", file)

    assert [("CONNECT", "media.example.net:443")] == [(got.method, got.target) for got in proxy.requests]
    assert told == proxy.requests[0].headers["proxy-authorization"]
    assert "proxy-authorization" not in server.requests[0].headers


async def test_proxy_in_clear(file: Path) -> None:
    """A proxy forwards what is fetched in clear; this machine is reached without it."""
    base_url = "http://api.contactship.test"
    async with RawServer(WHOLE) as server, ConnectProxy(leads_to=server.port) as proxy:
        settings: dict[str, Any] = {"proxy": proxy.url_with("me:hidden"), "allow_insecure_http": True}
        async with api_client(base_url, **settings) as client:
            await client.calls.download_recording(f"{base_url}{SECRET_PATH}", file)
            await client.calls.download_recording(server.url, file)

    assert [f"{base_url}{SECRET_PATH}"] == [got.target for got in proxy.requests]
    assert "Basic bWU6aGlkZGVu" == proxy.requests[0].headers["proxy-authorization"]
    assert "x-api-key" not in proxy.requests[0].headers
    assert 2 == len(server.requests)


async def test_other_hosts_know_nothing_of_the_limits(file: Path) -> None:
    """A download uses up no budget of the API, and what its server says of budgets is not the API's word."""
    busy = response(status=429, headers={"Retry-After": "99", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "99"})
    settings: dict[str, Any] = {"rate_limit": RateLimit(1, 9999), "retry": RetryPolicy(max_attempts=1)}
    async with (
        RawServer(WHOLE, busy) as server,
        RawServer(response({"call_id": "c-1"})) as api,
        api_client(api.url, **settings) as client,
    ):
        await client.calls.download_recording(server.url, file)
        with pytest.raises(RateLimitError):
            await client.calls.download_recording(server.url, file)
        assert client.budget is None
        assert "c-1" == (await client.calls.get_status("c-1")).call_id

    assert (2, 1) == (len(server.requests), len(api.requests))


async def test_log(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A record names the field, and not the address: whoever knows that may have the recording."""
    caplog.set_level(logging.DEBUG, "contactship_async")
    async with RawServer(WHOLE) as server, api_client() as client:
        await client.calls.download_recording(server.url + SECRET_PATH, file)

    [record] = [record for record in caplog.records if record.name == "contactship_async"]
    assert record.getMessage().startswith("GET call_record: 200 after ")
    assert "unguessable" not in repr(vars(record))


async def test_transport_in_place_of_http(file: Path) -> None:
    """A transport in place of HTTP is asked for what is at the path, without a key."""
    asked: list[tuple[str, Mapping[str, str], str]] = []

    async def transport(request: Request) -> Response:
        asked.append((request.path, dict(request.query), request.api_key.reveal()))
        return Response(status=200, body=SOUND) if len(asked) > 1 else Response(status=503)

    retry = RetryPolicy(initial_delay=0)
    async with ContactshipClient(KEY, transport=transport, retry=retry) as client:
        size = await client.calls.download_recording(f"https://media.example.net{SECRET_PATH}?a=b%20c", file)
        with pytest.raises(MalformedResponseError, match="larger than 5 bytes"):
            await client.calls.download_recording("https://media.example.net/2", file, max_bytes=5)

    assert [(SECRET_PATH, {"a": "b c"}, "")] * 2 == asked[:2]
    assert len(SOUND) == size
    assert DOWNLOADED == files_beside(file)


async def test_address_that_is_not_ascii(file: Path) -> None:
    """An address with other letters is percent-encoded, as it can't be sent as it is written."""
    async with RawServer(WHOLE) as server, api_client() as client:
        await client.calls.download_recording(f"{server.url}/señal.wav", file)

    assert "/se%C3%B1al.wav" == server.requests[0].target
