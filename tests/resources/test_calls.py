"""Calls: what the contracts of all endpoints and all listings do not say of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import define, field
from called_resources import Recorder, enveloped
from endpoints import ENDPOINTS
from jumping_loop import in_loop_time, now, run
from made_up import rows_of
from paged_listing import PagedListing, each_mode
from raw_server import RawServer, response

from contactship_async import (
    ConflictError,
    ContactshipClient,
    MalformedResponseError,
    PaginationError,
    RateLimit,
    Request,
    Response,
    WalkPosition,
)
from contactship_async.models.calls import Call, CallResult, CallStatus, LiveCallStatus, StoppedCall, TranscriptEntry
from contactship_async.sandbox import Sandbox

FIELDS: Final = next(endpoint.response_fields for endpoint in ENDPOINTS if endpoint.slug == "list-calls")

HEAVY: Final = RateLimit(20, per_seconds=60)
"""The documented budget of the listing of calls."""

ROUND_TRIP: Final = 0.05

STATUS: Final = {"call_id": "c-1", "call_status": "pending", "finished": False}


def rows(number: int) -> list[dict[str, Any]]:
    """Make up calls, the newest first."""
    return rows_of(FIELDS, number, id_field="id", sort_key="created_at")


@define
class Budgeted(PagedListing):
    """Has a budget for the listing of calls, of windows that begin at some time, and none for all else.

    Args:
        begins: When a window begins.
        served: When pages were asked for.
        refused: How many requests came too many.
    """

    begins: float = 0.0
    served: list[float] = field(factory=list)
    refused: int = 0

    async def transport(self, request: Request) -> Response:
        """Return a page, a refusal, or a status."""
        await asyncio.sleep(ROUND_TRIP)
        if request.path != "/v1/calls":
            return enveloped("F", STATUS)
        window = [at for at in self.served if self._window_of(at) == self._window_of(now())]
        self.served.append(now())
        if len(window) >= HEAVY.requests:
            self.refused += 1
            return Response(status=429, headers={"retry-after": "60"})
        return await super().transport(request)

    def _window_of(self, at: float) -> float:
        return (at - self.begins) // HEAVY.per_seconds


@pytest.mark.parametrize("begins", [0.0, 17.0, 59.9])
@each_mode
def test_walk_of_many_within_the_budget(mode: Mapping[str, Any], begins: float) -> None:
    """5,000 calls come exactly, without one refused request, while no other call waits for the walk."""
    server = Budgeted(rows(5000), begins=begins)

    async def ask_meanwhile(client: ContactshipClient, walk: asyncio.Task[Any]) -> set[float]:
        seconds: set[float] = set()
        while not walk.done():
            began = now()
            await client.calls.get_status("c-1")
            seconds.add(round(now() - began, 3))
            await asyncio.sleep(1)
        return seconds

    async def main() -> tuple[list[str], set[float], float]:
        began = now()
        client = ContactshipClient("key", transport=server.transport, heavy_rate_limit=HEAVY)
        async with in_loop_time(client):
            walk = asyncio.create_task(collect(client, page_size=100, **mode))
            others = await ask_meanwhile(client, walk)
            return await walk, others, now() - began

    ids, others, seconds = run(main())

    assert [row["id"] for row in server.rows] == ids
    assert 0 == server.refused
    assert {ROUND_TRIP} == others
    assert seconds > 2 * HEAVY.per_seconds
    for first, later in zip(server.served, server.served[HEAVY.requests :], strict=False):
        assert later - first > HEAVY.per_seconds - 0.001


async def collect(client: ContactshipClient, **options: Any) -> list[str]:
    """Walk all calls, and return their ids."""
    return [call.id async for call in client.calls.list().rows(**options)]


@pytest.mark.parametrize(
    ("contents", "size"),
    [
        ({}, 1000),
        ({"include_transcript": False, "include_words": False, "include_tools": False}, 1000),
        ({"include_transcript": True}, 25),
        ({"include_tools": True}, 25),
        ({"include_transcript": True, "include_words": True, "include_tools": True}, 25),
    ],
)
async def test_size_of_pages(contents: dict[str, Any], size: int) -> None:
    """Pages with transcripts are small, unless one asks for more, up to what the API allows."""
    server = PagedListing(rows(3))
    async with server.client() as client:
        listing = client.calls.list(**contents)
        assert 3 == len([call async for call in listing])
        assert 3 == len([call async for call in listing.rows(page_size=1000)])

    assert [str(size), "1000"] == [query["limit"] for query in server.queries]
    assert [{name: json.dumps(flag) for name, flag in contents.items()}] * 2 == [
        {name: value for name, value in query.items() if name.startswith("include_")} for query in server.queries
    ]


@each_mode
async def test_contents_are_no_filter(mode: Mapping[str, Any]) -> None:
    """A count of more rows than come is an error with transcripts, too: what rows hold does not explain it."""
    server = PagedListing(rows(23), filters={"never": "asked"}, others=9)
    async with server.client() as client:
        listing = client.calls.list(include_transcript=True, include_tools=True)
        with pytest.raises(PaginationError, match="the listing is said to have 32 rows"):
            _ = [call async for call in listing.rows(page_size=5, **mode)]


async def test_filters() -> None:
    """Filters are sent by the API's names, dates as they are written, and what is not given is not sent."""
    server = PagedListing([])
    async with server.client() as client:
        await client.calls.list(
            order="asc",
            date_from=date(2026, 5, 4),
            date_to="2026-05-31",
            call_status=CallStatus.NO_ANSWER,
            call_result="voicemail",
            agent_id="ag-1",
            campaign_id="ca-1",
            phone_number="+12025550142",
        ).page()
        await client.calls.list(call_status="voice_mail", call_result=CallResult.BUSY).page()

    assert [
        {
            "order": "asc",
            "date_from": "2026-05-04",
            "date_to": "2026-05-31",
            "call_status": "no-answer",
            "call_result": "voicemail",
            "agent_id": "ag-1",
            "campaign_id": "ca-1",
            "phoneNumber": "+12025550142",
        },
        {"call_status": "voice_mail", "call_result": "busy"},
    ] == server.queries


A_DATE: Final = "must be a date, or a string such as '2026-05-04', not "
WITH_TRANSCRIPT: Final = "include_words must come with include_transcript=True"

WRONG: list[tuple[str, dict[str, Any], type[Exception], str]] = [
    ("list", {"date_from": datetime(2026, 5, 4, tzinfo=UTC)}, TypeError, f"date_from {A_DATE}datetime"),
    ("list", {"date_to": 20260504}, TypeError, f"date_to {A_DATE}int"),
    ("list", {"date_to": ""}, ValueError, f"date_to {A_DATE}''"),
    ("list", {"date_to": "20260504"}, ValueError, f"date_to {A_DATE}'20260504'"),
    ("list", {"date_to": "2026-02-30"}, ValueError, f"date_to {A_DATE}'2026-02-30'"),
    ("list", {"date_to": "2026-05-04T00:00:00Z"}, ValueError, f"date_to {A_DATE}"),
    ("list", {"date_from": "2026-W19-1"}, ValueError, f"date_from {A_DATE}"),
    ("list", {"date_from": "٢٠٢٦-05-04"}, ValueError, f"date_from {A_DATE}"),
    ("list", {"call_status": "ended"}, ValueError, "call_status must be 'in-progress' or "),
    ("list", {"call_result": "no-answer"}, ValueError, "call_result must be 'answered' or "),
    ("list", {"agent_id": ""}, ValueError, "agent_id must be a non-empty string"),
    ("list", {"phone_number": "202 555 0142"}, ValueError, "phone_number must be a phone number with a plus"),
    ("list", {"include_transcript": 1}, TypeError, "include_transcript must be True or False, not int"),
    ("list", {"include_words": True}, ValueError, WITH_TRANSCRIPT),
    ("list", {"include_words": True, "include_tools": True}, ValueError, WITH_TRANSCRIPT),
    ("list", {"include_words": True, "include_transcript": False}, ValueError, WITH_TRANSCRIPT),
    ("get", {"call_id": "c-1", "include_words": True, "include_transcript": False}, ValueError, WITH_TRANSCRIPT),
    ("get", {"call_id": "c-1", "include_tools": "yes"}, TypeError, "include_tools must be True or False, not str"),
    ("wait", {"call_id": ".."}, ValueError, "call_id must be a non-empty string, not '.' or '..'"),
    ("wait", {"call_id": "c-1", "poll_interval": 0}, ValueError, "poll_interval must be a finite number of seconds > "),
    ("wait", {"call_id": "c-1", "poll_interval": True}, TypeError, "poll_interval must be a finite number of seconds "),
    ("download_recording", {"call": 5, "file": "x"}, TypeError, "call must be a Call, or the address of its recording"),
    ("download_recording", {"call": "", "file": "x"}, ValueError, "call must have a call_record"),
    ("download_recording", {"call": Call("c-1"), "file": "x"}, ValueError, "call must have a call_record"),
    ("download_recording", {"call": Call("c-1", call_record=""), "file": "x"}, ValueError, "call must have a "),
    (
        "download_recording",
        {"call": "https://media.example/1", "file": "x", "max_bytes": 0},
        ValueError,
        "max_bytes must be an integer >= 1",
    ),
]


@pytest.mark.parametrize(("method", "arguments", "error", "text"), WRONG)
async def test_wrong_arguments(method: str, arguments: dict[str, Any], error: type[Exception], text: str) -> None:
    """They are refused before anything is sent, in words that say what is allowed."""
    server = Recorder([enveloped("F", STATUS)])
    async with server.client() as client:
        with pytest.raises(error, match=f"^{text}"):
            await getattr(client.calls, method)(**arguments)

    assert [] == server.requests


async def test_words_of_a_single_call() -> None:
    """A single call has its transcript unless that is declined, and so words need not ask for it."""
    server = Recorder([enveloped("F", {"id": "c-1", "chat_history": [{"role": "user", "words": [{"at": 1}]}]})])
    async with server.client() as client:
        call = await client.calls.get("c-1", include_words=True)

    assert (("include_words", "true"),) == server.requests[0].query
    assert isinstance(call.chat_history, tuple)
    assert ({"at": 1},) == call.chat_history[0].words


async def test_transcript_as_a_string() -> None:
    """A transcript in the compact form, which is never asked for, is the string that it is."""
    async with Recorder([enveloped("F", {"id": "c-1", "chat_history": "agent,Hi"})]).client() as client:
        assert "agent,Hi" == (await client.calls.get("c-1")).chat_history


async def test_stop() -> None:
    """A stop has no body; a call that can't be stopped, as it is queued or scheduled, is a conflict at once."""
    stopped = {"call_id": "c-1", "stopped": False, "call_status": "ended"}
    server = Recorder([enveloped("F", stopped), Response(status=409, body=b'{"message": "not on the phone yet"}')])
    async with server.client() as client:
        assert StoppedCall("c-1", stopped=False, call_status=LiveCallStatus.ENDED) == await client.calls.stop("c-1")
        with pytest.raises(ConflictError) as caught:
            await client.calls.stop("c-1")

    assert "not on the phone yet" == caught.value.message
    assert [("POST", None)] * 2 == [(request.method, request.body) for request in server.requests]


@each_mode
async def test_one_malformed_call_costs_only_itself(mode: Mapping[str, Any]) -> None:
    """The error of a malformed transcript has the row, and says behind which offset the walk goes on."""
    calls = rows(60)
    calls[30]["chat_history"] = [{"role": "agent", "content": "Hi"}, {"role": "user", "content": 5551234}]
    server = PagedListing(calls)
    async with server.client() as client:
        listing = client.calls.list(include_transcript=True)
        read: list[str] = []
        with pytest.raises(MalformedResponseError) as caught:
            async for call in listing.rows(**mode):
                read.append(call.id)  # noqa: PERF401 - a comprehension would lose those before the error
        position, row = caught.value.position, caught.value.row
        assert position is not None
        read += [call.id async for call in listing.rows(offset=position.offset + 1, **mode)]

    assert WalkPosition(30, 30) == position
    assert row is not None
    assert calls[30] == row.value
    assert ["To go on behind the malformed row, pass offset=31."] == caught.value.__notes__
    assert [f"data[{row.index}].chat_history[1].content: expected a string, got a number"] == [*caught.value.issues]
    assert [call["id"] for call in calls if call is not calls[30]] == read


async def test_page_that_is_too_large_to_explain() -> None:
    """Where a page is too large to find its malformed row, the error says to ask for fewer rows at once."""
    calls = rows(60)
    for call in calls:
        call["chat_history"] = [{"role": "agent", "content": "Hi " * 30_000}]
    calls[30]["id"] = None
    server = PagedListing(calls)
    async with server.client() as client:
        listing = client.calls.list(include_transcript=True)
        with pytest.raises(MalformedResponseError, match="a smaller page_size asks for fewer rows") as caught:
            await collect_ids(listing.rows(page_size=60))
        assert WalkPosition(0, 0) == caught.value.position
        with pytest.raises(MalformedResponseError, match="id: expected a non-empty string") as caught:
            await collect_ids(listing.rows())

    assert caught.value.row is not None
    assert WalkPosition(30, 30) == caught.value.position


async def test_page_that_is_too_large_to_read() -> None:
    """A page beyond the bound of responses says what to do: ask for fewer rows at once."""
    page = response({"data": rows(5), "count": 5})
    async with RawServer(page) as server, server.client(max_response_bytes=1000) as client:
        with pytest.raises(MalformedResponseError) as caught:
            await collect_ids(client.calls.list().rows())

    issue = "larger than 1000 bytes, the client's max_response_bytes; of a listing, a smaller page_size asks for fewer"
    assert f"{issue} rows at once" == caught.value.issues[0]


async def collect_ids(calls: Any) -> list[str]:
    """Read all rows."""
    return [call.id async for call in calls]


@pytest.mark.parametrize("is_served", [True, False], ids=["over a port", "in memory"])
async def test_from_dialling_to_the_recording(is_served: bool, tmp_path: Path) -> None:
    """A call of the sandbox is waited for while it proceeds; then it has a transcript, an analysis and a recording."""
    sandbox = Sandbox(calls=3)
    sandbox.calls.answer_next("answered")
    file = tmp_path / "call.wav"
    async with sandbox if is_served else nullcontext(), sandbox.client() as client:
        [number] = [row async for row in client.phone_numbers.list(type="outbound").rows(max_items=1)]
        placed = await client.calls.make_phone_call(
            from_number=number.phone_number, to_number="+14155550137", full_name="Noor Haddad", agent_id="ag-1"
        )
        assert not (await client.calls.get_status(placed.call_id)).finished
        with pytest.raises(ConflictError):
            await client.calls.stop(placed.call_id)
        sandbox.clock.advance(600)
        ended = await client.calls.wait(placed.call_id)
        call = await client.calls.get(placed.call_id, include_words=True, include_tools=True)
        size = await client.calls.download_recording(call, file)
        listed = {row.id: row async for row in client.calls.list(include_transcript=True)}

    assert (True, LiveCallStatus.ENDED) == (ended.finished, ended.call_status)
    assert isinstance(call.chat_history, tuple)
    assert call.chat_history
    assert call.call_analysis is not None
    assert [entry.content for entry in call.chat_history] == [
        entry.content for entry in listed[call.id].chat_history or () if isinstance(entry, TranscriptEntry)
    ]
    assert 4 == len(listed)
    assert size == len(await asyncio.to_thread(file.read_bytes)) > 1000


def test_newest_calls_alone() -> None:
    """A listing can be had of the same rows, but only of those created from some day on."""
    client = Sandbox().client()
    calls = client.calls.list(call_status="completed", include_transcript=True)
    asked = {name: value for name, value in calls.since(date(2026, 5, 4)).filters.items() if value is not None}

    assert {"call_status": "completed", "include_transcript": True, "date_from": "2026-05-04"} == asked
    assert (True, False) == (calls.is_filtered, client.calls.list(include_transcript=True).is_filtered)
    with pytest.raises(TypeError, match="day must be of type date, not datetime"):
        calls.since(datetime(2026, 5, 4, tzinfo=UTC))
    with pytest.raises(PaginationError, match="/v1/tags can't be asked for its newest rows alone"):
        client.tags.list().since(date(2026, 5, 4))
