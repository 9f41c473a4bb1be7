"""What error texts say, and what they never hold: no phone number, no body, no header value."""

from __future__ import annotations

import copy
import pickle

import pytest
from raw_server import Act, RawServer, close, head, refused_url, response, stall

from contactship_async import (
    ConnectionFailedError,
    ContactshipClient,
    ContactshipError,
    RateLimitError,
    RetryPolicy,
    Timeouts,
)

PERSONAL = ("2025550142", "555-0142", "555%200142", "jane", "example.org", "Jane", "hidden", "req-77")

BODY = {
    "message": "Jane (+12025550142) is unknown, hidden",
    "data": [{"id": "hidden", "phone_number": "+12025550142", "type": 5, "created_at": "hidden"}],
    "count": 1,
}
HEADERS = {"x-request-id": "req-77", "X-Other": "hidden", "Location": "https://hidden.example.org/?a=2025550142"}

FAILURES: dict[str, Act] = {
    **{
        str(status): response(BODY, status=status, headers=HEADERS)
        for status in (302, 400, 401, 404, 409, 429, 500, 999)
    },
    "bad reason": b"HTTP/1.1 418 hidden Jane\r\nContent-Length: 0\r\n\r\n",
    "cut off": [head(200, {"Content-Length": "999", **HEADERS}), b'{"hidden": "+12025550142', close],
    "no HTTP": b"hidden Jane +12025550142\r\n\r\n",
    "bad header": b"HTTP/1.1 200 OK\r\nhidden Jane: \0+12025550142\r\n\r\n",
    "bad chunk": [head(200, {"Transfer-Encoding": "chunked"}), b"hidden +12025550142\r\n"],
    "not JSON": response(b'{"hidden": +12025550142, Jane'),
    "too large": response(b"hidden Jane +12025550142" * 1000),
    "stall": stall,
}

PATHS = {
    "E.164": "/v1/contacts/+12025550142/notes",
    "escaped": "/v1/contacts/%2B12025550142",
    "e-mail": "/v1/contacts/jane@example.org",
    "e-mail, escaped": "/v1/contacts/jane%40example.org",
    "national": "/v1/contacts/(202) 555-0142",
    "dashes": "/v1/contacts/+1-202-555-0142",
}


@pytest.mark.parametrize("act", FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_error_text_holds_nothing_of_the_response(method: str, act: Act) -> None:
    """An error's text, notes and repr hold nothing that the server sent but the status."""
    timeouts = Timeouts(attempt=0.05)
    async with RawServer(act) as server, server.client(timeouts=timeouts, max_response_bytes=9000) as client:
        with pytest.raises(ContactshipError) as caught:
            await client.request(
                method, "/v1/contacts/+12025550142", params={"q": "Jane"}, json={"name": "Jane hidden"}
            )

    shown = f"{caught.value} {caught.value!r} {caught.value.args} {getattr(caught.value, '__notes__', '')}"
    assert [] == [word for word in PERSONAL if word in shown]


@pytest.mark.parametrize("act", [response(BODY), response(BODY["data"]), response({**BODY, "count": "+12025550142"})])
async def test_malformed_page_is_described_without_values(act: Act) -> None:
    """What is wrong with a page is named by its place and kind, not quoted."""
    async with RawServer(act) as server, server.client() as client:
        with pytest.raises(ContactshipError) as caught:
            await client.list_phone_numbers()

    shown = f"{caught.value} {caught.value!r} {vars(caught.value)}"
    assert [] == [word for word in PERSONAL if word in shown]


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
async def test_error_text_holds_no_person_of_the_path(path: str) -> None:
    """A phone number or e-mail address in the path is left out of each kind of error."""
    shown = []
    retry = RetryPolicy(max_attempts=1)
    for act in (response(status=404), close, b"no HTTP\r\n\r\n", stall):
        async with RawServer(act) as server, server.client(timeouts=Timeouts(attempt=0.03), retry=retry) as client:
            for method in ("GET", "POST"):
                with pytest.raises(ContactshipError) as caught:
                    await client.request(method, path)
                shown.append(f"{caught.value} {caught.value!r}")
    async with ContactshipClient("sk", base_url=refused_url(), retry=retry) as client:
        with pytest.raises(ContactshipError) as caught:
            await client.request("POST", path)
        shown.append(f"{caught.value} {caught.value!r}")

    assert 9 == len(shown)
    assert [] == [text for text in shown if any(word in text for word in PERSONAL)]
    assert all("/v1/contacts/***" in text for text in shown)


@pytest.mark.parametrize("act", FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_error_survives_pickle_and_copy(method: str, act: Act) -> None:
    """An error that was pickled or copied says and holds the same as before."""
    timeouts = Timeouts(attempt=0.05)
    async with RawServer(act) as server, server.client(timeouts=timeouts, max_response_bytes=9000) as client:
        with pytest.raises(ContactshipError) as caught:
            await client.request(method, "/v1/credits")

    error = caught.value
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert (type(error), str(error), error.args, vars(error)) == (type(twin), str(twin), twin.args, vars(twin))


async def test_status_error_says_what_to_do() -> None:
    """The text names the call, the status and the wait that was asked for."""
    async with (
        RawServer(response(BODY, status=429, headers={"Retry-After": "999"})) as server,
        server.client() as client,
    ):
        with pytest.raises(ContactshipError) as caught:
            await client.list_phone_numbers()

    assert "GET /v1/phone-numbers failed: 429 Too Many Requests; the server asks to wait 999 s" == str(caught.value)


async def test_names_of_headers() -> None:
    """They are found in whatever case they come, and the first of two counts."""
    refusal = b"HTTP/1.1 429 Slow\r\nRETRY-AFTER: 998\r\nRetry-after: 999\r\nContent-Length: 0\r\n\r\n"
    async with RawServer(refusal) as server, server.client() as client:
        with pytest.raises(RateLimitError) as caught:
            await client.list_phone_numbers()

    assert 998 == caught.value.retry_after


async def test_reasons_for_no_connection() -> None:
    """The system's own words say why there is no connection, and those of TLS why there is no trust."""
    retry = RetryPolicy(max_attempts=1)
    shown = []
    async with RawServer(response("plain"), listens=False) as server:
        for url in (refused_url(), server.url.replace("http:", "https:")):
            async with ContactshipClient("sk", base_url=url, retry=retry) as client:
                with pytest.raises(ConnectionFailedError) as caught:
                    await client.request("POST", "/v1/calls")
                shown.append(str(caught.value))

    assert shown[0].endswith(" (Connection refused)")
    assert "could not connect to 127.0.0.1:" in shown[1]
    assert "Connection refused" not in shown[1]
