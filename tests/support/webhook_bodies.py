"""What Contactship posts, in all shapes that are documented: made up, with the fields that each shape has."""

from __future__ import annotations

import json
from typing import Any, Final

ANALYSIS: Final[dict[str, Any]] = {
    "call_summary": "Confirmed.",
    "user_sentiment": "Neutral",
    "custom_analysis_data": {"confirmed": True, "guests": 4},
    "call_successful": True,
    "in_voicemail": False,
}
AGENT: Final = {"agent_id": "0e9b7c64", "name": "Reminder bot", "language": "es-419", "voice": "v-204"}

CALL: Final[dict[str, Any]] = {
    "call_id": "7d0c2f5e-3b1a-4a77-9c0e-0f6b1f1d2a11",
    "call_type": "web_call",
    "call_status": "ended",
    "duration": 98,
    "start_timestamp": 1_793_000_000_000,
    "end_timestamp": 1_793_000_098_000,
    "disconnection_reason": "user_hangup",
    "recording_url": "https://recordings.example/7d0c.wav",
    "transcript": "Agent: Still on for nine?\nUser: Yes.",
    "transcript_object": [
        {"role": "agent", "content": "Still on for nine?", "words": []},
        {"role": "user", "content": "Yes.", "words": [{"word": "Yes.", "start": 2.1, "end": 2.4}]},
    ],
    "transcript_with_tool_calls": [{"role": "tool_call_invocation", "name": "book", "arguments": "{}"}],
    "call_analysis": ANALYSIS,
}
OF_A_CONTACT: Final[dict[str, Any]] = {
    "call_result": "answered",
    "from_number": "+12025550142",
    "to_number": "+14155550137",
    "call_additional_data": {"table": "7"},
}
IN_A_BROWSER: Final[dict[str, Any]] = {"from_number": "", "to_number": "", "call_additional_data": {}}
CONTACT: Final[dict[str, Any]] = {
    "contact_id": "c1f0a7d2-0001-4000-8000-000000000001",
    "full_name": "Ada Example",
    "phone_number": "+14155550137",
    "email": "ada@example.com",
    "country": "United States",
    "additional_data": {"segment": "regulars"},
    "call_attempts": 0,
}
CAMPAIGN: Final[dict[str, Any]] = {
    "name": "Reminders",
    "description": "The day before",
    "start_at": "2026-10-26T07:00:00Z",
    "status": "ACTIVE",
}
EVALUATION: Final[dict[str, Any]] = {
    "key": "greeting",
    "name": "Greets first",
    "result": "success",
    "rationale": "It does.",
    "quote": "Still on for nine?",
    "score": None,
}


def finished_call(*, contact: dict[str, Any] | None = None, campaign: object = None, **call: Any) -> dict[str, Any]:
    """Make the body of a finished call."""
    parts = {
        "agent": AGENT,
        "organization": {"name": "Example Ltd", "email": "team@example.com", "country": "Mexico"},
        "call": CALL | call,
        "campaign": campaign or {},
    }
    return {"data": parts if contact is None else parts | {"contact": contact}}


DOCUMENTED: Final[dict[str, dict[str, Any]]] = {
    "web test without a contact": finished_call(call_type="test_web_call"),
    "web test with a contact": finished_call(
        contact=CONTACT | {"phone_number": ""}, call_type="test_web_call", **OF_A_CONTACT | IN_A_BROWSER
    ),
    "phone test": finished_call(contact=CONTACT, call_type="test_phone_call", **OF_A_CONTACT),
    "through the API": finished_call(contact=CONTACT, call_type="api_call", **OF_A_CONTACT),
    "from the app": finished_call(contact=CONTACT, call_type="platform_contact_call", **OF_A_CONTACT),
    "inbound": finished_call(contact=CONTACT, call_type="inbound_call", **OF_A_CONTACT),
    "campaign": finished_call(
        contact=CONTACT | {"call_attempts": 2, "call_status": "completed", "contact_data": {"table": "7"}},
        campaign=CAMPAIGN,
        call_type="campaign_call",
        **OF_A_CONTACT,
    ),
    "widget without a contact": finished_call(call_type="widget_web_call"),
    "widget with a contact": finished_call(
        contact=CONTACT | {"phone_number": ""}, call_type="widget_web_call", **OF_A_CONTACT | IN_A_BROWSER
    ),
    "web": finished_call(call_type="web_call"),
    "with evaluations": finished_call(call_analysis=ANALYSIS | {"evaluation_results": [EVALUATION]}),
    "no answer": finished_call(
        contact=CONTACT,
        **OF_A_CONTACT
        | {
            "call_type": "api_call",
            "call_result": "no_answer",
            "disconnection_reason": "no_answer",
            "duration": 0,
            "end_timestamp": CALL["start_timestamp"],
            "transcript": "",
            "transcript_object": [],
            "transcript_with_tool_calls": [],
            "call_analysis": {"call_summary": "Nobody.", "custom_analysis_data": {}, "call_successful": False},
        },
    ),
}
"""Each example of the page, by what it shows."""

INBOUND_CONTEXT: Final[dict[str, Any]] = {
    "call": {"direction": "inbound", "from_number": "+14155550137", "to_number": "+12025550142"},
    "agent_id": "0e9b7c64",
    "organization_id": "org-1",
    "contact": {"id": "c-1", "full_name": "Ada Example", "email": "ada@example.com"},
}
FOLLOW_UP_CLOSED: Final[dict[str, Any]] = {
    "event": "follow_up_closed",
    "threadId": "thr-1",
    "agentId": "0e9b7c64",
    "closureReason": "all_stages_completed_no_response",
    "closureReasonDescription": "Todas las etapas",
    "totalStages": 3,
    "currentStage": 3,
    "closedAt": "2026-10-26T07:33:20.000Z",
    "contact": {"id": "c-1", "phone": "+14155550137", "name": "Ada Example"},
    "conversationSummary": "No reply.",
}


def dump(body: object) -> bytes:
    """Write a body."""
    return json.dumps(body).encode()
