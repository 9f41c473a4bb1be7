"""Calls as they are shown: made-up ones, their listing, and what was said in them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from contactship_async.models.calls import Call
from contactship_async.sandbox import Sandbox

Ask = Callable[..., Awaitable[Any]]

PATH = "/v1/calls"
ALL = ("include_transcript", "include_words", "include_tools")
PINNED = [
    (0, "db30e350-2eb8-b832-f937-77f3435ae1f8", "8b59763e9a81a2a0"),
    (7, "fb8be987-b1f4-6b32-5ec6-8b60ab661b1c", "b420ae65c7d9b4b9"),
]


def read(response: Any) -> Any:
    """Return the JSON of a response that is no error."""
    assert 200 == response.status, response.body
    return json.loads(response.body)


@pytest.mark.parametrize(("seed", "first_id", "digest"), PINNED)
def test_made_up_calls_stay(seed: int, first_id: str, digest: str) -> None:
    """The same seed makes the same calls, those added later too, from release to release."""
    sandbox = Sandbox(seed=seed)
    sandbox.calls.add()
    rows = sandbox.calls.rows

    assert rows == Sandbox(0, tags=0, channels=0, calls=41, seed=seed).calls
    assert (first_id, digest) == (rows[-1]["id"], hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16])


def test_made_up_calls_look_as_documented() -> None:
    """They are of all kinds; each that ended has times that fit, an analysis, and a recording if it was answered."""
    rows = Sandbox(calls=50).calls.rows

    assert {"completed": 30, "no-answer": 5, "voice_mail": 5, "busy": 5, "failed": 5} == Counter(
        row["call_status"] for row in rows
    )
    assert {"outbound": 40, "inbound": 10} == Counter(row["direction"] for row in rows)
    assert 25 == len({row["contact"]["id"] for row in rows}) == len({row["contact"]["phone_number"] for row in rows})
    assert 3 == len({row["agent_id"] for row in rows})
    assert 50 == len({UUID(row["id"]) for row in rows})
    for row in rows:
        assert row["from"] == row["contact"]["phone_number"] or row["direction"] == "outbound"
        start, end = (row[name] and datetime.fromisoformat(row[name]) for name in ("start_at", "finished_at"))
        assert row["created_at"] < row["finished_at"]
        assert row["duration"] == pytest.approx((end - start).total_seconds() if start else 0)
        assert (
            (start is None) == (row["call_record"] is None) == (row["call_result"] in {"no_answer", "busy", "failed"})
        )
        assert {"call_summary", "user_sentiment", "call_successful", "in_voicemail", "custom_analysis_data"} <= {
            *row["call_analysis"]
        }
    assert "2024-01-01T00:00:00Z" == rows[-1]["created_at"]


async def test_pages_are_the_newest_first(ask: Ask) -> None:
    """A page has twenty calls unless more are asked for, and the count of all; no transcript."""
    sandbox = Sandbox(calls=23)
    rows = sandbox.calls.rows

    page = read(await ask(sandbox, "GET", PATH))
    assert [row["id"] for row in rows[:20]] == [row["id"] for row in page["data"]]
    assert 23 == page["count"]
    assert rows[0].keys() == page["data"][0].keys()
    assert not {"chat_history", "chat_history_with_tools", "transcript_format"} & page["data"][0].keys()
    ascending = read(await ask(sandbox, "GET", PATH, order="asc", offset=2, limit=4))
    assert [row["id"] for row in rows[::-1][2:6]] == [row["id"] for row in ascending["data"]]


async def test_filters(ask: Ask) -> None:
    """Each filter selects by one field, together by all; the count follows."""
    sandbox = Sandbox(calls=30)
    added = sandbox.calls.add(
        call_status="busy", agent_id="a", campaign_id="c", phone_number="+12025550142", from_number="+14155550137"
    )
    rows = sandbox.calls.rows

    async def find(**params: object) -> list[str]:
        page = read(await ask(sandbox, "GET", PATH, limit=100, **params))
        assert len(page["data"]) == page["count"]
        return [row["id"] for row in page["data"]]

    def ids(**fields: object) -> list[str]:
        return [row["id"] for row in rows if all(row[name] == value for name, value in fields.items())]

    assert ids(call_status="completed") == await find(call_status="completed")
    assert ids(call_result="voicemail") == await find(call_result="voicemail")
    assert ids(call_result="busy", agent_id="a") == await find(call_result="busy", agent_id="a") == [added["id"]]
    assert [added["id"]] == await find(campaign_id="c") == await find(phoneNumber="+12025550142")
    assert [] == await find(phoneNumber="+14155550137") == await find(agent_id="another")


async def test_filters_by_day(ask: Ask) -> None:
    """Both days are whole, and in UTC."""
    sandbox = Sandbox(calls=0)
    times = [
        "2026-05-03T23:59:59.999999Z",
        "2026-05-04T00:00:00Z",
        "2026-05-04T23:59:59.999999Z",
        "2026-05-05T01:00:00+02:00",
        "2026-05-05T00:00:00Z",
    ]
    for time in times:
        sandbox.calls.add(created_at=time)

    async def find(**params: str) -> list[str]:
        page = read(await ask(sandbox, "GET", PATH, order="asc", **params))
        assert len(page["data"]) == page["count"]
        return [row["created_at"] for row in page["data"]]

    assert [times[1], times[3], times[2]] == await find(date_from="2026-05-04", date_to="2026-05-04")
    assert [times[4]] == await find(date_from="2026-05-05")
    assert [times[0]] == await find(date_to="2026-05-03")
    assert [] == await find(date_from="2026-05-05", date_to="2026-05-03")
    assert 5 == len(await find(date_from="0001-01-01", date_to="9999-12-31"))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"date_from": "2026-05-04T00:00:00Z"}, "date_from must be a date such as 2026-05-04"),
        ({"date_to": "2026-02-30"}, "date_to must be a date such as 2026-05-31"),
        ({"call_result": "no-answer"}, "call_result must be one of: answered, voicemail, no_answer, busy, failed"),
        ({"phoneNumber": " 12025550142"}, "phoneNumber must be a string such as +14155550137"),
        ({"include_transcript": "True"}, "include_transcript must be true or false"),
        ({"campaign_id": ""}, "campaign_id must be a non-empty string"),
        ({"transcript_format": "toon"}, "transcript_format must be one of: json"),
    ],
)
async def test_wrong_queries(ask: Ask, params: dict[str, str], message: str) -> None:
    """A parameter that is not allowed is a 400 that names what is."""
    response = await ask(Sandbox(), "GET", PATH, **params)

    assert (400, {"statusCode": 400, "message": message}) == (response.status, json.loads(response.body))


@pytest.mark.parametrize("envelope", ["count", "pagination"])
async def test_one_call(ask: Ask, envelope: Any) -> None:
    """A single call shows its transcript unless that is not wanted, and no campaign."""
    sandbox = Sandbox(calls=1, envelope=envelope)
    [row] = sandbox.calls
    del row["campaign_id"]

    def open_envelope(response: Any) -> Any:
        body = read(response)
        return body if envelope == "count" else body["data"]

    shown = open_envelope(await ask(sandbox, "GET", f"{PATH}/{row['id']}"))
    plain = open_envelope(await ask(sandbox, "GET", f"{PATH}/{row['id']}", include_transcript="false"))

    record = shown.pop("call_record"), plain.pop("call_record")
    assert record[0] == record[1]
    assert {"role", "content"} == {*shown["chat_history"][0]}
    assert "json" == shown["transcript_format"]
    del row["call_record"], shown["chat_history"], shown["transcript_format"]
    assert row == shown == plain


@pytest.mark.parametrize("path", ["nothing", "00000000-0000-0000-0000-000000000000"])
async def test_unknown_calls(ask: Ask, path: str) -> None:
    """An unknown id is a 404; the endpoints that are documented to want a UUID refuse what is none."""
    sandbox = Sandbox()
    none = 404, "There is no such call"
    wrong = none if path.startswith("0") else (400, "callId must be a UUID")
    for method, where, (status, message) in (
        ("GET", f"{PATH}/{path}", none),
        ("GET", f"{PATH}/{path}/status", wrong),
        ("POST", f"{PATH}/single-phone-call/{path}/stop", wrong),
    ):
        response = await ask(sandbox, method, where)
        assert (status, message) == (response.status, json.loads(response.body)["message"])


async def test_what_was_said(ask: Ask) -> None:
    """Transcript, words and tools come as they are asked for, in a list as for one call; words within the call."""
    sandbox = Sandbox(calls=10)
    page = read(await ask(sandbox, "GET", PATH, **dict.fromkeys(ALL, "true")))["data"]
    words_alone = read(await ask(sandbox, "GET", PATH, include_words="true"))["data"]
    tools_alone = read(await ask(sandbox, "GET", PATH, include_tools="true"))["data"]

    assert not any("chat_history" in row for row in (*words_alone, *tools_alone))
    for row, other in zip(page, tools_alone, strict=True):
        one = read(await ask(sandbox, "GET", f"{PATH}/{row['id']}", include_words="true", include_tools="true"))
        assert one["chat_history"] == row["chat_history"]
        assert other["chat_history_with_tools"] == row["chat_history_with_tools"] == one["chat_history_with_tools"]
        assert (row["start_at"] is None) == (row["chat_history"] == [])
        words = [word for entry in row["chat_history"] for word in entry["words"]]
        assert [entry["content"] for entry in row["chat_history"]] == [
            " ".join(word["word"] for word in entry["words"]) for entry in row["chat_history"]
        ]
        assert sorted(word["start"] for word in words) == [word["start"] for word in words]
        assert all(word["start"] < word["end"] for word in words)
        assert not words or words[-1]["end"] == pytest.approx(row["duration"])
        roles = {entry["role"] for entry in row["chat_history_with_tools"]}
        assert ({"tool_call_invocation", "tool_call_result"} <= roles) == (row["call_result"] == "answered")
        first_name = row["contact"]["full_name"].split()[0]
        assert not words or first_name in " ".join(word["word"] for word in words)
    assert 3 <= len({row["call_analysis"]["call_summary"] for row in page})


async def test_models_read_them() -> None:
    """The client's classes read what the sandbox shows, transcripts as well."""
    sandbox = Sandbox(calls=10)
    async with sandbox.client() as client:
        listed = [call async for call in client.list(PATH, Call, params={"include_transcript": True})]

    assert [row["id"] for row in sandbox.calls] == [call.id for call in listed]
    histories = [call.chat_history for call in listed if isinstance(call.chat_history, tuple)]
    assert {"agent", "user"} == {str(entry.role) for history in histories for entry in history}
    assert 10 == len(histories)
    assert all(call.call_analysis and call.created_at and call.duration is not None for call in listed)


def test_added_calls() -> None:
    """A test adds calls with what it gives; the rest follows from that, or is made up."""
    sandbox = Sandbox(calls=0)
    id_ = "6f0c5b1e-3d0a-4f7e-8a43-0d5f3c9e1b72"
    row = sandbox.calls.add(
        call_status="voice_mail",
        full_name="Noor Haddad",
        phone_number="+12025550142",
        from_number="+14155550137",
        direction="inbound",
        agent_id="agent-1",
        campaign_id="campaign-1",
        duration=12.5,
        call_analysis={"call_summary": "Hm."},
        created_at=datetime(2026, 5, 4, 9, 12, tzinfo=UTC),
        id=id_,
    )

    contact = row.pop("contact")
    assert {
        "id": id_,
        "direction": "inbound",
        "from": "+14155550137",
        "call_record": f"https://recordings.example/v1/recordings/{sandbox.organization_id}/{id_}.wav",
        "call_status": "voice_mail",
        "call_result": "voicemail",
        "disconnection_reason": "agent_hangup",
        "start_at": "2026-05-04T09:12:05Z",
        "finished_at": "2026-05-04T09:12:17.500000Z",
        "duration": 12.5,
        "call_analysis": {"call_summary": "Hm."},
        "type": "campaign_call",
        "agent_id": "agent-1",
        "campaign_id": "campaign-1",
        "created_at": "2026-05-04T09:12:00Z",
    } == row
    assert ("Noor Haddad", "+12025550142") == (contact["full_name"], contact["phone_number"])
    assert contact["id"] == sandbox.calls.add(phone_number="+12025550142")["contact"]["id"]
    assert "2026-05-04T10:12:00Z" == sandbox.calls[0]["created_at"]
    sandbox.calls.remove(id_)
    assert 1 == len(sandbox.calls)
    with pytest.raises(KeyError):
        sandbox.calls.remove(id_)


@pytest.mark.parametrize(
    ("status", "live", "finished"),
    [
        ("in-progress", "in_progress", False),
        ("completed", "ended", True),
        ("no-answer", "no_answer", True),
        ("failed", "failed", True),
        ("in-queue", "in_queue", False),
        ("incomplete", "ended", True),
        ("busy", "no_answer", True),
        ("answering-machine", "voicemail", True),
        ("scheduled", "scheduled", False),
        ("voice_mail", "voicemail", True),
    ],
)
async def test_any_status_can_be_added(ask: Ask, status: str, live: str, finished: bool) -> None:
    """Each has its live status, and times, result and analysis only as far as it has come."""
    sandbox = Sandbox(calls=0)
    row = sandbox.calls.add(call_status=status)
    shown = read(await ask(sandbox, "GET", f"{PATH}/{row['id']}/status"))

    assert {
        "call_id": row["id"],
        "agent_id": row["agent_id"],
        "call_status": live,
        "finished": finished,
        "disconnection_reason": row["disconnection_reason"],
        "started_at": row["start_at"],
        "ended_at": row["finished_at"],
    } == shown
    for name in ("finished_at", "call_result", "call_analysis", "disconnection_reason"):
        assert (name, finished) == (name, row[name] is not None)


@pytest.mark.parametrize("status", ["completed", "busy", "in-progress"])
async def test_added_transcript(ask: Ask, status: str) -> None:
    """A transcript that a test gives is shown as it is, with words and tools too; a later change of it is not."""
    sandbox = Sandbox(calls=0)
    agent, user = {"role": "agent", "content": "Hello."}, {"role": "user", "content": "Hi.", "words": [1]}
    row = sandbox.calls.add(call_status=status, chat_history=[agent, user])
    expected = [dict(agent), dict(user)]
    agent["content"] = "changed"

    shown = read(await ask(sandbox, "GET", f"{PATH}/{row['id']}", include_tools="true"))

    assert expected == shown["chat_history"] == shown["chat_history_with_tools"]


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"call_status": "ended"}, ValueError, "call_status must be 'in-progress' or 'completed' or"),
        ({"direction": 1}, TypeError, "direction must be 'inbound' or 'outbound', not int"),
        ({"phone_number": "0202555"}, ValueError, "phone_number must be a string such as +14155550137, not '0202555'"),
        ({"full_name": ""}, ValueError, "full_name must be a non-empty string, not ''"),
        ({"duration": -1}, ValueError, "duration must be a finite number of seconds >= 0, not -1"),
        ({"duration": "1"}, TypeError, "duration must be a finite number of seconds >= 0, not str"),
        ({"call_analysis": []}, TypeError, "call_analysis must be an object such as {"),
        ({"chat_history": {}}, TypeError, "chat_history must be an array such as [{"),
        ({"chat_history": [{"role": "agent"}]}, ValueError, "chat_history must be an array such as [{"),
        ({"chat_history": [{"role": "agent", "content": 1}]}, ValueError, "chat_history must be an array such as [{"),
        ({"created_at": ""}, ValueError, "created_at must be an aware datetime or an ISO 8601 string such as"),
        ({"id": "call-1"}, ValueError, "id must be a UUID, not 'call-1'"),
        ({"id": "6f0c5b1e-3d0a-4f7e-8a43-0d5f3c9e1b72"}, ValueError, "id must be new, but there is a call '6f0c5b1e"),
    ],
)
def test_added_calls_are_checked(fields: dict[str, Any], error: type[Exception], message: str) -> None:
    """What is not allowed is refused, and leaves no trace in what is made up later."""
    sandbox, untouched = Sandbox(calls=1), Sandbox(calls=1)
    for each in (sandbox, untouched):
        each.calls.add(id="6f0c5b1e-3d0a-4f7e-8a43-0d5f3c9e1b72")
    with pytest.raises(error) as caught:
        sandbox.calls.add(**fields)

    assert str(caught.value).startswith(message)
    assert untouched.calls.add() == sandbox.calls.add()
