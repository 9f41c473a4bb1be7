"""Recordings of calls: at an address of the server, without a key."""

from __future__ import annotations

import io
import json
import wave
from typing import Any

import aiohttp
import pytest

from contactship_async.sandbox import Cut, Sandbox, SandboxPool, Status


async def download(url: str, **headers: str) -> tuple[int, str, bytes]:
    """Download what is at *url*."""
    async with aiohttp.request("GET", url, headers=headers) as response:
        return response.status, response.headers["content-type"], await response.read()


def test_without_a_server() -> None:
    """In memory, the address is one that nobody can have."""
    sandbox = Sandbox(calls=1)
    [row] = sandbox.calls

    assert f"https://recordings.example/v1/recordings/{sandbox.organization_id}/{row['id']}.wav" == row["call_record"]


async def test_wav(get: Any) -> None:
    """Each call that was picked up has a short one, always the same; others have none."""
    sandbox = Sandbox(calls=3)
    rows = sandbox.calls[::-1]
    responses = [
        await get(sandbox, f"/v1/recordings/{sandbox.organization_id}/{row['id']}.wav", key="") for row in rows
    ]
    again = await get(Sandbox(calls=1), f"/v1/recordings/{sandbox.organization_id}/{rows[0]['id']}.wav", key="wrong")
    unknown = await get(sandbox, f"/v1/recordings/{sandbox.organization_id}/nothing.wav", key="")

    assert [200, 200, 404] == [response.status for response in responses]
    assert ["audio/wav"] * 2 == [response.headers["content-type"] for response in responses[:2]]
    assert responses[0].body == again.body != responses[1].body
    assert 404 == unknown.status
    with wave.open(io.BytesIO(responses[0].body)) as recording:
        assert (1, 8000, 8000) == (recording.getnchannels(), recording.getframerate(), recording.getnframes())
        assert 10 < len({*recording.readframes(8000)})
    assert len(responses[0].body) < 100_000


async def test_address_is_that_of_the_server() -> None:
    """While the server runs, rows and responses have its address, in the thread and in a pool as well."""

    async def check(sandbox: Sandbox, url: str, key: str) -> None:
        [row] = sandbox.calls
        headers = {"x-api-key": key}
        _, _, page = await download(f"{url}/v1/calls", **headers)
        _, _, one = await download(f"{url}/v1/calls/{row['id']}", **headers)
        assert row["call_record"].startswith(f"{url}/v1/recordings/")
        assert row["call_record"] == json.loads(page)["data"][0]["call_record"] == json.loads(one)["call_record"]
        assert (200, "audio/wav") == (await download(row["call_record"]))[:2]

    sandbox = Sandbox(calls=1)
    async with sandbox:
        await check(sandbox, sandbox.url, sandbox.api_key)
    with sandbox:
        await check(sandbox, sandbox.url, sandbox.api_key)
    sandboxes = SandboxPool({"acme": Sandbox(calls=1), "globex": Sandbox(calls=1, seed=1)})
    async with sandboxes:
        for name in sandboxes:
            await check(sandboxes[name], sandboxes.url, sandboxes[name].api_key)
        recordings = f"{sandboxes.url}/v1/recordings"
        assert 401 == (await download(f"{recordings}/org-unknown/{sandboxes['acme'].calls[0]['id']}.wav"))[0]
    assert sandbox.calls[0]["call_record"].startswith("https://recordings.example/")
    assert sandboxes["globex"].calls[0]["call_record"].startswith("https://recordings.example/")


async def test_what_others_write_is_not_replaced() -> None:
    """Only the address of the recording is where the server is, whatever else a call shows."""
    sandbox = Sandbox(calls=0)
    text = '"call_record":"https://recordings.example/'
    sandbox.calls.add(call_analysis={"call_summary": text})
    async with sandbox:
        [row] = sandbox.calls

    assert text == row["call_analysis"]["call_summary"]
    assert row["call_record"].startswith("http://127.0.0.1")


@pytest.mark.parametrize(("fault", "status"), [(Status(503), 503), (None, 200)])
async def test_recordings_meet_faults(get: Any, fault: Any, status: int) -> None:
    """A download is a request like others: it is recorded, and meets the script; no budget counts it."""
    sandbox = Sandbox(calls=1, rate_limit=1)
    path = f"/v1/recordings/{sandbox.organization_id}/{sandbox.calls[0]['id']}.wav"
    sandbox.script(fault)
    responses = [await get(sandbox, path), await get(sandbox, path), await get(sandbox, path, method="HEAD")]

    assert [status, 200, 200] == [response.status for response in responses]
    assert b"" == responses[2].body
    assert "x-ratelimit-remaining" not in responses[1].headers
    assert [path] * 3 == [request.path for request in sandbox.requests]
    sandbox.script(Cut(after_bytes=1000))
    with pytest.raises((aiohttp.ClientPayloadError, ConnectionResetError)):
        await get(sandbox, path)
