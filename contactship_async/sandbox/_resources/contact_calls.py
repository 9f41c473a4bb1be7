"""The calls with a contact, as its history shows them.

Source: https://docs.contactship.ai/api-reference/endpoint/get-contact-call-history
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from contactship_async.sandbox._api.routes import Call, Route
from contactship_async.sandbox._calls.lives import price_of
from contactship_async.sandbox._resources.contact_fields import CONTACT_CALLS


class ContactCalls:
    """The call histories of contacts.

    Args:
        find: Returns a contact that is named by a request, or refuses with 404.
        calls_of: Returns the calls with a contact, the newest first, each with its transcript.
    """

    def __init__(
        self, find: Callable[[str], Mapping[str, Any]], calls_of: Callable[[str], Sequence[Mapping[str, Any]]]
    ) -> None:
        self._find = find
        self._calls_of = calls_of
        self.routes = (
            Route(
                "GET",
                "/v1/contacts/{contactId}/call-history",
                self._get,
                "get-contact-call-history",
                CONTACT_CALLS,
                shape="wrapped",
            ),
        )

    def _get(self, request: Call) -> Mapping[str, object]:
        contact = self._find(request.path["contactId"])
        calls = [_show(call) for call in self._calls_of(contact["id"])]
        last = {"last_call": calls[0]} if calls else {}
        return {"contact": contact, "call_history": {"call_attempts": len(calls), **last, "calls": calls}}


def _show(call: Mapping[str, Any]) -> dict[str, Any]:
    """Return a call in the words of histories: its duration is a string there."""
    seconds = call["duration"]
    history = {"chat_history": call["chat_history"]} if "chat_history" in call else {}
    return {
        "direction": call["direction"],
        "status": call["call_result"] or call["call_status"],
        "duration": None if seconds is None else f"{seconds:g}",
        "from": call["from"],
        "call_record": call["call_record"],
        "start_at": call["start_at"],
        "finished_at": call["finished_at"],
        "price": price_of(timedelta(seconds=seconds or 0)),
        "price_unit": "USD",
        "call_analysis": call["call_analysis"],
        "type": call["type"],
        "created_at": call["created_at"],
        **history,
    }
