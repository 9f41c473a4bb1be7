"""The payload of the finished-call webhook, made of what `GET /v1/calls/{id}` shows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from webhook_bodies import AGENT, CALL, CONTACT, OF_A_CONTACT, finished_call

from contactship_async.models.calls import TranscriptEntry
from contactship_async.sandbox._resources.finished_call import describe
from contactship_async.webhooks import FinishedCall, read_finished_call

ROW: dict[str, Any] = {
    "id": str(UUID(int=1)),
    "direction": "outbound",
    "from": "+12025550142",
    "to_number": "+14155550137",
    "call_record": "https://recordings.example/1.wav",
    "call_status": "completed",
    "call_result": "answered",
    "disconnection_reason": "agent_hangup",
    "start_at": "2026-01-15T10:00:00.250Z",
    "finished_at": "2026-01-15T10:01:38.250Z",
    "duration": 98,
    "call_analysis": {"summary": "Confirmed.", "sentiment": "Positive", "call_successful": True},
    "type": "api_call",
    "created_at": "2026-01-15T09:59:58Z",
    "agent_id": "a-1",
    "campaign_id": None,
    "contact": {"id": "c-1", "full_name": "Ada Example", "phone_number": "+14155550137", "email": None},
    "chat_history": [{"role": "agent", "content": "Hello."}, {"role": "user", "content": "Hi."}],
}


def read(row: dict[str, Any]) -> FinishedCall:
    """Read what is described, as an app would."""
    return read_finished_call(json.dumps(describe(row, AGENT, "org-0042")).encode())


def test_answered_call() -> None:
    """All that the call shows is there, by the names that webhooks have, and an app reads the same call."""
    finished = read(ROW)
    call, contact = finished.call, finished.contact

    assert call is not None
    assert contact is not None
    assert (ROW["id"], "ended", "answered") == (call.call_id, call.call_status, call.call_result)
    assert (98.0, datetime(2026, 1, 15, 10, 0, 0, 250_000, UTC)) == (call.duration, call.start_timestamp)
    assert "Agent: Hello.\nUser: Hi." == call.transcript
    assert "Hi." == (call.transcript_object or (TranscriptEntry(),))[-1].content
    assert call.call_analysis is not None
    assert ("Confirmed.", "Positive", None) == (
        call.call_analysis.call_summary,
        call.call_analysis.user_sentiment,
        call.call_analysis.summary,
    )
    assert ("+12025550142", "+14155550137") == (call.from_number, call.to_number)
    assert ("c-1", {}, 0) == (contact.contact_id, contact.additional_data, contact.call_attempts)
    assert finished.campaign is None
    assert "org-0042" not in json.dumps(describe(ROW, AGENT, "org-0042"))


def test_fields_are_the_documented_ones() -> None:
    """No field is there that the page does not have, and none is missing."""
    described = describe(ROW, AGENT, "org-1")["data"]
    documented = finished_call(contact=CONTACT, **OF_A_CONTACT)["data"]

    assert documented.keys() == described.keys()
    for part in documented:
        assert documented[part].keys() == described[part].keys()
    assert {} == described["campaign"]
    assert (
        {"role", "content", "words"}
        == described["call"]["transcript_object"][0].keys()
        == CALL["transcript_object"][0].keys()
    )


def test_call_that_nobody_answered() -> None:
    """What is not known is 0 or empty, and a call that failed says so."""
    row = {"id": "x", "call_status": "failed", "contact": None}
    call = describe(row, AGENT, "org-1")["data"]["call"]

    assert ("failed", 0, 0, "", "", []) == tuple(
        call[name]
        for name in (
            "call_status",
            "start_timestamp",
            "end_timestamp",
            "recording_url",
            "transcript",
            "transcript_object",
        )
    )
    assert read(row).contact is None
    assert read(row).call is not None


def test_durations_are_numbers_and_text() -> None:
    """About half of the calls have a duration as text, always the same ones."""
    rows = [ROW | {"id": str(UUID(int=number))} for number in range(100)]
    kinds = [type(describe(row, AGENT, "org-1")["data"]["call"]["duration"]) for row in rows]

    assert 30 < kinds.count(str) < 70
    assert kinds == [type(describe(row, AGENT, "org-1")["data"]["call"]["duration"]) for row in rows]
    assert {98.0} == {finished.call.duration for finished in map(read, rows) if finished.call is not None}


@pytest.mark.parametrize("given", [{"table": "7"}, [{"key": "table", "value": "7"}]])
def test_additional_data(given: object) -> None:
    """What was given with the call comes as an object."""
    assert {"table": "7"} == describe(ROW | {"additional_data": given}, AGENT, "org-1")["data"]["call"][
        "call_additional_data"
    ]
