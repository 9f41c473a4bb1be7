"""Webhooks that the sandbox posts, over real sockets: what is sent, how often, and where nothing is sent to."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from attrs import define, field
from web_apps import wait_until

from contactship_async.sandbox._serving.deliveries import MAX_ATTEMPTS, Deliveries, WebhookDelivery

PAYLOAD = {"data": {"call": {"call_id": "c-1", "transcript": "Zoë"}}}
ELSEWHERE = "it leads to another machine than this one"
NO_URL = "it is no http or https URL"
PATIENCE = 30.0
"""Seconds for another thread, on a busy machine."""


@define
class Receiver:
    """A server that keeps what it gets, and responds with the statuses given, the last one for ever."""

    statuses: list[int] = field(factory=lambda: [204])
    bodies: list[Any] = field(factory=list)
    headers: list[dict[str, str]] = field(factory=list)
    port: int = 0
    released: asyncio.Event = field(factory=asyncio.Event)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://localhost:{self.port}/hook?x=1"  # of addresses, no cookie is kept

    async def respond(self, request: web.BaseRequest) -> web.Response:
        """Keep a request, and respond once it is let."""
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        self.bodies.append((request.method, str(request.rel_url), json.loads(await request.read())))
        await self.released.wait()
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return web.Response(status=status, headers={"Location": "/elsewhere", "Set-Cookie": "a=b"})


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Serve a receiver in the test's own loop."""
    receiver = Receiver()
    receiver.released.set()
    runner = web.ServerRunner(web.Server(receiver.respond, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.port = runner.addresses[0][1]
    yield receiver
    receiver.released.set()
    await runner.cleanup()


def senders() -> list[threading.Thread]:
    """Return the threads that send webhooks now."""
    return [thread for thread in threading.enumerate() if thread.name == "contactship-sandbox-webhooks"]


async def post(url: str, deliveries: Deliveries | None = None) -> WebhookDelivery:
    """Post a webhook, and wait until that is over."""
    deliveries = deliveries or Deliveries()
    deliveries.post(url, PAYLOAD)
    await asyncio.to_thread(deliveries.wait)
    return deliveries.deliveries[-1]


def let_names_stand_for(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Have each look-up of a name return the next of these lists of addresses; return the names that were asked for."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def look_up(host: str, port: int, *settings: Any) -> list[Any]:
        asked.append(host)
        return [found for address in answers[len(asked) - 1] for found in real(address, port, *settings)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


async def test_what_is_sent(receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The payload is posted as JSON, and nothing else: no key, cookie, netrc, or proxy."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login me password secret")
    for name, value in {
        "NETRC": str(netrc),
        "HTTP_PROXY": "http://127.0.0.1:1",
        "http_proxy": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    delivery = await post(receiver.url)

    assert (True, [204], None) == (delivery.is_delivered, delivery.statuses, delivery.refused)
    assert [("POST", "/hook?x=1", PAYLOAD)] == receiver.bodies
    assert "application/json" == receiver.headers[0]["content-type"]
    assert not {"authorization", "cookie", "x-api-key", "proxy-authorization"} & receiver.headers[0].keys()
    assert "Zo" not in repr(delivery)


@pytest.mark.parametrize(
    ("statuses", "sent"),
    [
        ([200], [200]),
        ([299], [299]),
        ([500, 204], [500, 204]),
        ([503], [503] * 3),
        ([404], [404] * 3),
        ([301], [301] * 3),
    ],
)
async def test_repeats(receiver: Receiver, statuses: list[int], sent: list[int]) -> None:
    """A response that is no 2xx is followed by another attempt, three in all; no redirect is followed."""
    receiver.statuses = statuses
    delivery = await post(receiver.url)

    assert sent == delivery.statuses
    assert (sent[-1] < HTTPStatus.MULTIPLE_CHOICES) is delivery.is_delivered
    assert [("POST", "/hook?x=1", PAYLOAD)] * len(sent) == receiver.bodies
    assert not [headers for headers in receiver.headers if "cookie" in headers]


async def test_nobody_is_there() -> None:
    """A refused connection is an attempt without a response."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    delivery = await post(f"http://127.0.0.1:{port}/")

    assert ([None] * MAX_ATTEMPTS, False) == (delivery.statuses, delivery.is_delivered)


async def test_log(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    """Each webhook has a record of what became of it, which names the host alone: the path may be a secret."""
    caplog.set_level(logging.DEBUG, "contactship_async.sandbox")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    receiver.statuses = [503, 204]
    for url in (
        receiver.url, f"http://127.0.0.1:{port}/secret", "http://me:secret@10.0.0.1/", "http://[", "secret",
    ):  # fmt: skip
        await post(url)

    assert [
        "webhook to localhost: 503, 204",
        "webhook to 127.0.0.1: no response, no response, no response",
        f"webhook to 10.0.0.1: not sent, since {ELSEWHERE}",
        f"webhook to nowhere: not sent, since {NO_URL}",
        f"webhook to nowhere: not sent, since {NO_URL}",
    ] == [record.getMessage() for record in caplog.records if record.name == "contactship_async.sandbox"]


async def test_slow_receiver(receiver: Receiver) -> None:
    """A response that does not come in time is none."""
    receiver.released.clear()
    delivery = await post(receiver.url, Deliveries(timeout=0.05))

    assert [None] * MAX_ATTEMPTS == delivery.statuses


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://10.0.0.1/", ELSEWHERE), ("http://0.0.0.0:80/", ELSEWHERE), ("https://[2001:db8::1]/", ELSEWHERE),
        ("http://[::ffff:10.0.0.1]/", ELSEWHERE), ("http://169.254.169.254/latest", ELSEWHERE),
        ("http://127.1/", NO_URL), ("http://2130706433/", NO_URL), ("ftp://127.0.0.1/", NO_URL),
        ("//127.0.0.1/", NO_URL), ("file:///etc/hosts", NO_URL), ("http://", NO_URL), ("http://[", NO_URL),
        ("hook", NO_URL), ("", NO_URL), ("http://a..b/", NO_URL), (f"http://{'a' * 70}.test/", NO_URL),
        ("http://127.0.0.1:99999/", NO_URL), ("http://127.0.0.1@10.0.0.1/", ELSEWHERE),
    ],
)  # fmt: skip
async def test_refused_urls(url: str, reason: str) -> None:
    """Nothing is sent to another machine, or to what is no URL; it is recorded why."""
    delivery = await post(url)

    assert (reason, []) == (delivery.refused, delivery.statuses)
    assert not delivery.is_delivered


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["127.0.0.1", "10.0.0.1"], ["2001:db8::1", "127.0.0.1"]])
async def test_refused_names(receiver: Receiver, addresses: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is refused if any of its addresses is another machine's, whatever the name looks like."""
    asked = let_names_stand_for(monkeypatch, addresses)
    delivery = await post(f"http://localhost:{receiver.port}/")

    assert (ELSEWHERE, []) == (delivery.refused, delivery.statuses)
    assert ["localhost"] == asked
    assert [] == receiver.bodies


async def test_names_of_this_machine(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is made to the address that the name was seen to stand for: it is not looked up again."""
    asked = let_names_stand_for(monkeypatch, ["127.0.0.1"])
    delivery = await post(f"http://app.test:{receiver.port}/hook")

    assert [204] == delivery.statuses
    assert ["app.test"] == asked
    assert f"app.test:{receiver.port}" == receiver.headers[0]["host"]


async def test_name_that_changes(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads elsewhere at the second attempt is refused then."""
    receiver.statuses = [500]
    let_names_stand_for(monkeypatch, ["127.0.0.1"], ["10.0.0.1"])
    delivery = await post(f"http://app.test:{receiver.port}/")

    assert ([500], ELSEWHERE, False) == (delivery.statuses, delivery.refused, delivery.is_delivered)


async def test_any_host(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where that is allowed, any address is connected to, and whatever a name stands for."""
    let_names_stand_for(monkeypatch, ["0.0.0.0"])  # noqa: S104 - connects to this machine, though it is no loopback one
    for host in ("0.0.0.0", "app.test"):  # noqa: S104 - as above
        delivery = await post(f"http://{host}:{receiver.port}/", Deliveries(allow_any_host=True))

        assert [204] == delivery.statuses


async def test_many_at_once(receiver: Receiver) -> None:
    """They are posted in order, eight at once; nothing is left when the last one is over."""
    deliveries = Deliveries()
    receiver.released.clear()
    for number in range(20):
        deliveries.post(receiver.url, {"number": number})
    await wait_until(lambda: len(receiver.bodies) == 8)
    with pytest.raises(TimeoutError, match="still under way after 0 s"):
        deliveries.wait(0)
    assert (8, 8) == (len(senders()), len(receiver.bodies))
    receiver.released.set()
    await asyncio.to_thread(deliveries.wait)

    assert [*range(20)] == [delivery.payload["number"] for delivery in deliveries.deliveries]
    assert [*range(20)] == sorted(body["number"] for *_, body in receiver.bodies)
    assert all(delivery.is_delivered for delivery in deliveries.deliveries)


async def test_close(receiver: Receiver) -> None:
    """What is under way is ended at once, and what is due is not begun; afterwards it may go on."""
    deliveries = Deliveries()
    receiver.released.clear()
    for _ in range(9):
        deliveries.post(receiver.url, PAYLOAD)
    await wait_until(lambda: len(receiver.bodies) == 8)
    await asyncio.to_thread(deliveries.close)

    assert [[]] * 9 == [delivery.statuses for delivery in deliveries.deliveries]
    assert ([], 8) == (senders(), len(receiver.bodies))
    receiver.released.set()
    assert (await post(receiver.url, deliveries)).is_delivered


def test_close_waits_for_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that takes long to be looked up holds up no end, and nothing is sent when it is found, or after that."""
    asked, answered = threading.Event(), threading.Event()

    def look_up(*_: object) -> list[Any]:
        asked.set()
        assert answered.wait(PATIENCE)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr("contactship_async.sandbox._serving.deliveries._MOST_SECONDS_TO_END", 0.01)
    deliveries = Deliveries()
    for _ in range(20):
        deliveries.post("http://slow.example/hook", PAYLOAD)
    assert asked.wait(PATIENCE)
    deliveries.close()
    assert senders()
    answered.set()
    deliveries.wait()

    assert [([], None)] * 20 == [(delivery.statuses, delivery.refused) for delivery in deliveries.deliveries]


async def test_posted_while_closing(receiver: Receiver) -> None:
    """What comes in the midst of the end is recorded, and not sent."""
    deliveries = Deliveries()
    deliveries._is_closing = True
    deliveries.post(receiver.url, PAYLOAD)
    await deliveries._send(deliveries.deliveries[0])

    assert ([], [], []) == (deliveries.deliveries[0].statuses, receiver.bodies, senders())


def test_without_an_event_loop() -> None:
    """A program without a loop posts as well; the receiver may be anything."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        deliveries = Deliveries()
        deliveries.post(f"http://127.0.0.1:{listener.getsockname()[1]}/", PAYLOAD)
        connection, _ = listener.accept()
        with connection:
            received = b""
            while not received.endswith(json.dumps(PAYLOAD).encode()):
                received += connection.recv(4096)
            connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            deliveries.wait()

    assert received.startswith(b"POST / HTTP/1.1\r\n")
    assert [204] == deliveries.deliveries[0].statuses


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Deliveries(allow_any_host="no"), TypeError, "allow_any_host must be True or False"),  # type: ignore[arg-type] # wrong
        (lambda: Deliveries(timeout=0), ValueError, "timeout must be a finite number of seconds > 0"),
    ],
)
def test_refused_arguments(make: Callable[[], object], error: type[Exception], message: str) -> None:
    """Wrong arguments are named."""
    with pytest.raises(error, match=message):
        make()
