"""The rows that every contender reads: number *index* of an endless listing, newest first, in each server's words.

All dialects carry the same five facts. Telnyx's has in addition what its schema requires of every row, and the names
of its own two number types; Twilio's dates are in its own format.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

_NEWEST = datetime(2026, 1, 1, tzinfo=UTC)
_ORGANIZATION = "5f2c8a6e-0000-4000-8000-000000000001"


def row_id(index: int) -> str:
    """Tell the id of a row."""
    return f"{index:08x}-1d2c-4b3a-9f8e-{index:012x}"


def phone_number(index: int) -> str:
    """Tell the number of a row; no telephone has it, since no exchange begins with 0."""
    return f"+12020{index:06d}"


def created_at(index: int) -> datetime:
    """Tell when a row was created: a minute before the one above it."""
    return _NEWEST - timedelta(minutes=index)


def contactship(index: int) -> dict[str, Any]:
    """Describe a row as Contactship does."""
    return {
        "id": row_id(index),
        "phone_number": phone_number(index),
        "type": "outbound" if index % 3 else "inbound",
        "organization_id": _ORGANIZATION,
        "created_at": _iso(index),
    }


def contactship_call(index: int, *, from_name: str = "from") -> dict[str, Any]:
    """Describe a call, without transcript, as Contactship does, but that the caller's number may have another name."""
    return {
        "id": row_id(index),
        "direction": "outbound",
        from_name: phone_number(index),
        "call_record": f"https://media.example.net/recordings/{row_id(index)}.mp3",
        "call_status": "completed",
        "call_result": "answered" if index % 3 else "voicemail",
        "disconnection_reason": "user_hangup",
        "start_at": _iso(index),
        "finished_at": _iso(index),
        "duration": 60 + index % 60,
        "call_analysis": {"summary": "Wants to be called back on Friday.", "sentiment": "neutral"},
        "type": "ai_call",
        "created_at": _iso(index),
        "agent_id": _ORGANIZATION,
        "campaign_id": None,
        "contact": {
            "id": row_id(index),
            "full_name": "Noor Haddad",
            "phone_number": phone_number(index),
            "email": "noor@example.com",
            "country": "US",
        },
    }


def telnyx(index: int) -> dict[str, Any]:
    """Describe a row as Telnyx does."""
    return {
        "id": row_id(index),
        "phone_number": phone_number(index),
        "phone_number_type": "local" if index % 3 else "mobile",
        "connection_id": _ORGANIZATION,
        "created_at": _iso(index),
        "country_iso_alpha2": "US",
        "deletion_lock_enabled": False,
        "external_pin": None,
        "purchased_at": _iso(index),
        "record_type": "phone_number",
        "status": "active",
        "tags": [],
    }


def twilio(index: int) -> dict[str, Any]:
    """Describe a row as Twilio does."""
    return {
        "sid": row_id(index),
        "phone_number": phone_number(index),
        "type": "local" if index % 3 else "mobile",
        "account_sid": _ORGANIZATION,
        "date_created": created_at(index).strftime("%a, %d %b %Y %H:%M:%S +0000"),
    }


def _iso(index: int) -> str:
    return created_at(index).strftime("%Y-%m-%dT%H:%M:%S.000Z")
