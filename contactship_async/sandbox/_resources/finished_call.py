"""What is posted when a call has finished: the call as listings show it, in the other words that webhooks have.

Source: https://docs.contactship.ai/api-reference/webhooks
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from zlib import crc32

_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00Z")
_MILLISECOND: Final = timedelta(milliseconds=1)

_NEWER_NAMES: Final = {"summary": "call_summary", "sentiment": "user_sentiment"}


def describe(call: Mapping[str, Any], agent: Mapping[str, str], organization_id: str) -> dict[str, Any]:
    """Describe a call that has finished, as it is posted to its `webhook_url`.

    Args:
        call: What `GET /v1/calls/{id}` shows, with the transcript; besides `to_number`, and `additional_data` if any
            was given with the call.
        agent: That spoke, as webhooks describe it.
        organization_id: Not sent, as Contactship does not; the organization is named after it.

    Returns:
        The payload. For every other call, by a checksum of its id, the duration is text: Contactship sends both.
    """
    described: dict[str, Any] = {
        "agent": dict(agent),
        "organization": {
            "name": f"Organization {organization_id[-4:]}",
            "email": "team@example.com",
            "country": "United States",
        },
        "call": _describe_call(call),
        "campaign": {},
    }
    if contact := call.get("contact"):
        described["call"] |= {
            "call_result": call.get("call_result"),
            "from_number": call.get("from"),
            "to_number": call.get("to_number"),
            "call_additional_data": _by_name(call.get("additional_data")),
        }
        described["contact"] = {
            "contact_id": contact["id"],
            **{name: contact.get(name) for name in ("full_name", "phone_number", "email", "country")},
            "additional_data": {},
            "call_attempts": 0,
        }
    return {"data": described}


def _describe_call(call: Mapping[str, Any]) -> dict[str, Any]:
    spoken = [entry | {"words": []} for entry in call.get("chat_history") or ()]
    duration = call.get("duration") or 0
    return {
        "call_id": call["id"],
        "call_type": call.get("type"),
        "call_status": "failed" if call.get("call_status") == "failed" else "ended",
        "duration": str(duration) if crc32(call["id"].encode()) % 2 else duration,
        "start_timestamp": _unix_milliseconds(call.get("start_at")),
        "end_timestamp": _unix_milliseconds(call.get("finished_at")),
        "disconnection_reason": call.get("disconnection_reason"),
        "recording_url": call.get("call_record") or "",
        "transcript": "\n".join(f"{entry['role'].capitalize()}: {entry['content']}" for entry in spoken),
        "transcript_object": spoken,
        "transcript_with_tool_calls": spoken,
        "call_analysis": {
            _NEWER_NAMES.get(name, name): value for name, value in (call.get("call_analysis") or {}).items()
        },
    }


def _unix_milliseconds(timestamp: str | None) -> int:
    """Turn a timestamp into Unix milliseconds; 0 stands for one that is not known."""
    return 0 if timestamp is None else (datetime.fromisoformat(timestamp) - _EPOCH) // _MILLISECOND


def _by_name(additional_data: Any) -> dict[str, Any]:
    """Return what was given with a call as an object: it is sent as a list of `key` and `value`, and posted so."""
    if isinstance(additional_data, Mapping):
        return dict(additional_data)
    return {each["key"]: each["value"] for each in additional_data or ()}
