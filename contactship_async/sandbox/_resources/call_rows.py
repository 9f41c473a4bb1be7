"""Calls as they are shown: made-up ones and those that a test adds, their listing, and each with what was said.

Source: https://docs.contactship.ai/api-reference/endpoint/list-calls
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from attrs import asdict

from contactship_async._arguments import check_seconds
from contactship_async.sandbox._api.pages import Page
from contactship_async.sandbox._api.replies import Refusal
from contactship_async.sandbox._api.routes import Call, Route
from contactship_async.sandbox._calls.conversations import analyse, find_conversation
from contactship_async.sandbox._calls.lives import (
    OUTCOME_OF_STATUS,
    REASON_OF_OUTCOME,
    STATUS_OF_OUTCOME,
    Outcome,
    is_picked_up,
)
from contactship_async.sandbox._calls.recordings import make_recording
from contactship_async.sandbox._resources.call_fields import (
    AGENT_ID,
    ANALYSIS,
    CALL,
    CALL_ID,
    CAMPAIGN_ID,
    DATES,
    DIRECTION,
    FILTERS,
    FLAGS,
    FROM_NUMBER,
    FULL_NAME,
    HISTORY,
    PHONE_NUMBER,
    ROW,
    STATUS,
    flags,
)
from contactship_async.sandbox._resources.collection import Collection, show_time
from contactship_async.sandbox._resources.contact_calls import ContactCalls
from contactship_async.sandbox._resources.contacts import Contacts
from contactship_async.sandbox._resources.organization import IN_MEMORY, Organization, make_uuid
from contactship_async.sandbox._resources.people import id_by_number, make_person
from contactship_async.sandbox._resources.store import Row

_INDEXED: Final = ("call_status", "call_result", "agent_id", "campaign_id", "phoneNumber")
_OF_CONTACT: Final = "contact_id"

_OUTCOMES: Final[tuple[Outcome, ...]] = (
    *("answered", "answered", "no_answer", "answered", "voicemail"),
    *("answered", "answered", "busy", "answered", "failed"),
)
_PEOPLE: Final = 25
_FROM_DIALLING_TO_ANSWER: Final = timedelta(seconds=5)
_MOST_RINGING: Final = timedelta(seconds=30)

_RECORDINGS: Final = "/v1/recordings/"
"""Where recordings are: no part of the API, which has them at other hosts."""

_RECORDED_IN_MEMORY: Final = f'"call_record":"{IN_MEMORY}/'.encode()


class CallRows(Collection):
    """The calls of the organization, the newest first: what there is of them, whoever placed them.

    Args:
        organization: Whose they are.
        count: How many are made up.
        agents: The ids of those that speak in them, one after the other.
        contacts: Those that are called.
    """

    def __init__(self, organization: Organization, count: int, *, agents: Sequence[str], contacts: Contacts) -> None:
        super().__init__(
            organization,
            name="calls",
            noun="call",
            prefix="",
            default_limit=20,
            indexed=(*_INDEXED, _OF_CONTACT),
            shows_organization=False,
        )
        self._contacts = contacts
        self._given: dict[str, list[dict[str, Any]]] = {}  # transcripts, by the id of the call
        self._speeds: dict[str, float] = {}  # how many times as fast as usual it is spoken, by the id of the call
        self._agents = agents
        self._recordings = f"{_RECORDINGS}{organization.id}"
        query = (*FILTERS, *DATES, *flags())
        self.routes: tuple[Route, ...] = (
            Route("GET", "/v1/calls", self._list, "list-calls", ROW, paging=self._paging, query=query, heavy=True),
            Route("GET", "/v1/calls/{callId}", self._get, "get-call", CALL, query=flags("include_transcript")),
            Route(
                "GET",
                f"{self._recordings}/{{callId}}.wav",
                self._get_recording,
                "get-recording",
                "audio/wav",
                is_public=True,
            ),
            *ContactCalls(contacts.find, self._tell_all_of).routes,
        )
        for _ in range(count):
            self.add()

    def add(  # noqa: PLR0913 - what a row shows, all by keyword
        self,
        *,
        call_status: str | None = None,
        full_name: str | None = None,
        phone_number: str | None = None,
        from_number: str | None = None,
        direction: str | None = None,
        agent_id: str | None = None,
        campaign_id: str | None = None,
        duration: float | None = None,
        call_analysis: dict[str, Any] | None = None,
        chat_history: Sequence[dict[str, Any]] | None = None,
        created_at: datetime | str | None = None,
        id: str | None = None,  # noqa: A002 - the API's word
    ) -> dict[str, Any]:
        """Add one call that stays as it is, and return a copy of it; what is None is made up, but the campaign.

        Args:
            call_status: Such as `completed`; the `call_result`, the times and all else follow.
            full_name: Of the person, any string but the empty one.
            phone_number: Of the person, in E.164 format.
            from_number: The number that called, in E.164 format.
            direction: `inbound` or `outbound`.
            agent_id: Any string but the empty one.
            campaign_id: Any string but the empty one; None is no campaign.
            duration: Seconds from the answer to the end, finite and >= 0.
            call_analysis: Any object.
            chat_history: The transcript, such as `[{"role": "agent", "content": "Hello."}]`.
            created_at: As for `PhoneNumbers.add`.
            id: A UUID that is no id yet.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is not allowed.
        """
        for field, value in (
            *((STATUS, call_status), (FULL_NAME, full_name), (PHONE_NUMBER, phone_number), (FROM_NUMBER, from_number)),
            *((DIRECTION, direction), (AGENT_ID, agent_id), (CAMPAIGN_ID, campaign_id), (ANALYSIS, call_analysis)),
            *((HISTORY, chat_history), (CALL_ID, id)),
        ):
            field.check(value)
        if duration is not None:
            check_seconds("duration", duration, may_be_zero=True)
        with self._organization.lock:
            created, shown = self._read_created_at(created_at)
            index, id_ = self._made, id or make_uuid(self._random)
            made_up = make_person(self._organization, index % _PEOPLE)
            number = phone_number or made_up.phone_number
            contact = self._contacts.of_number(number) or {
                **asdict(made_up),
                "id": id_by_number(self._organization.id, number),
                "phone_number": number,
            }
            person = show_person(contact, {} if full_name is None else {"full_name": full_name})
            direction = direction or ("inbound" if index % 5 == 3 else "outbound")  # noqa: PLR2004 - every fifth
            ours = from_number or self._organization.make_phone_number(index % 3)
            row = {
                "direction": direction,
                "from": ours if direction == "outbound" else from_number or person["phone_number"],
                **self._tell_past(id_, call_status or STATUS_OF_OUTCOME[_OUTCOMES[index % 10]], created, duration),
                "type": "campaign_call" if campaign_id else "inbound_call" if direction == "inbound" else "api_call",
                "agent_id": agent_id or self._agents[index % len(self._agents)],
                "campaign_id": campaign_id,
                "contact": person,
            }
            if call_analysis is not None:
                row["call_analysis"] = call_analysis
            row = self._add(id_, shown, row, values_of(row))
            if chat_history is not None:
                self._given[id_] = [dict(entry) for entry in chat_history]
            return self._read(self._store[id_])

    def remove(self, id: str) -> None:  # noqa: A002 - the API's word
        """Remove one call; one that proceeds does not any more, and nothing is paid or posted for it.

        Args:
            id: Of the call.

        Raises:
            KeyError: There is none.
        """
        super().remove(id)
        self._given.pop(id, None)
        self._speeds.pop(id, None)

    def _tell_past(self, id_: str, status: str, created: datetime, duration: float | None) -> dict[str, Any]:
        """Return what a row shows of the time from its creation until now."""
        outcome = OUTCOME_OF_STATUS.get(status)
        talks = status == "in-progress" or (outcome is not None and is_picked_up(outcome))
        start = created + _FROM_DIALLING_TO_ANSWER
        past = {"call_record": None, "call_status": status, "call_result": outcome, "disconnection_reason": None}
        past |= {"start_at": show_time(start) if talks else None}
        if outcome is None:
            return {**past, "finished_at": None, "duration": None, "call_analysis": None}
        conversation = find_conversation(id_, outcome)
        seconds = (conversation.seconds if duration is None else duration) if talks else 0
        end = start + timedelta(seconds=seconds) if talks else created + _MOST_RINGING
        return {
            **past,
            "call_record": self._find_recording(id_) if talks else None,
            "disconnection_reason": REASON_OF_OUTCOME[outcome],
            "finished_at": show_time(end),
            "duration": seconds,
            "call_analysis": analyse(conversation),
        }

    def _find_recording(self, id_: str) -> str:
        """Return the address of a recording, as the store has it."""
        return f"{IN_MEMORY}{self._recordings}/{id_}.wav"

    def _change(self, id_: str, **fields: Any) -> None:
        """Let a call show something else."""
        row = {**self._store[id_].to_dict(), **fields}
        self._store.replace(id_, self._write(row), values_of(row))

    def _locate(self, row: Row) -> bytes:
        """Return a row as JSON, with the address that its recording has now."""
        if self._organization.base_url == IN_MEMORY:
            return row.json
        return row.json.replace(_RECORDED_IN_MEMORY, f'"call_record":"{self._organization.base_url}/'.encode(), 1)

    def _read(self, row: Row) -> dict[str, Any]:
        call: dict[str, Any] = json.loads(self._locate(row))
        return call

    def _tell(self, row: Row, query: Mapping[str, Any]) -> dict[str, Any]:
        """Return a call with what a query asks for besides, once the analysis is there or a test has given it."""
        call = self._read(row)
        is_there = call["call_analysis"] is not None or call["id"] in self._given
        if not is_there or not (query["include_transcript"] or query["include_tools"]):
            return call
        if query["include_transcript"]:
            call["chat_history"] = self._write_history(call, with_words=query["include_words"])
        if query["include_tools"]:
            call["chat_history_with_tools"] = self._write_history(call, with_tools=True)
        return {**call, "transcript_format": "json"}

    def _tell_all_of(self, contact_id: str) -> list[dict[str, Any]]:
        """Return all calls with a contact, the newest first, with what was said."""
        rows = self._store.select({_OF_CONTACT: contact_id}, {})
        return [self._tell(row, {**dict.fromkeys(FLAGS, False), "include_transcript": True}) for row in reversed(rows)]

    def _write_history(self, call: Mapping[str, Any], **settings: bool) -> list[dict[str, Any]]:
        if call["id"] in self._given:
            return self._given[call["id"]]
        conversation = find_conversation(call["id"], call["call_result"])
        speed = self._speeds.get(call["id"], 1.0)
        return conversation.write(call["contact"]["full_name"], call["duration"], speed=speed, **settings)

    def _list(self, request: Call) -> Page:
        query = request.query
        first, last = (date.fromisoformat(query[name]) if name in query else None for name in ("date_from", "date_to"))
        wants_more = query["include_transcript"] or query["include_tools"]
        return self._cut_page(
            request,
            equal=_INDEXED,
            within=(
                None if first is None else datetime.combine(first, time.min, UTC),
                None if last is None else datetime.combine(last, time.max, UTC),
            ),
            show=(lambda row: self._write(self._tell(row, query))) if wants_more else self._locate,
        )

    def _get(self, request: Call) -> Mapping[str, object]:
        call = self._tell(self._find(request.path["callId"]), request.query)
        del call["campaign_id"]  # Its page does not have it.
        return call

    def _get_recording(self, request: Call) -> bytes:
        row = self._find(request.path["callId"])
        if row.to_dict()["call_record"] is None:
            raise Refusal(404, "There is no such recording")
        return make_recording(request.path["callId"])


def show_person(contact: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a call shows of a contact: what was given for the call first."""
    return {name: given.get(name, contact[name]) for name in ("id", "full_name", "phone_number", "email", "country")}


def organization_of(path: str) -> str:
    """Return the id of the organization in the address of a recording; that of any other path is empty."""
    return path.split("/")[3] if path.startswith(_RECORDINGS) else ""


def values_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the values of the indexed fields of a call; one that it lacks is empty, which no filter can ask for."""
    contact = row["contact"]
    ids = (row["agent_id"], row["campaign_id"] or "", contact["phone_number"], contact["id"])
    return (row["call_status"], row["call_result"] or "", *ids)
