"""Calls that are placed: asked for, followed, and stopped; each proceeds in the time of the organization.

Source: https://docs.contactship.ai/api-reference/endpoint/make-ai-phone-call
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from attrs import field, frozen

from contactship_async._arguments import check_choice
from contactship_async.sandbox._api.replies import Refusal
from contactship_async.sandbox._api.routes import Call, Route
from contactship_async.sandbox._calls.agenda import Steps
from contactship_async.sandbox._calls.conversations import analyse, find_conversation
from contactship_async.sandbox._calls.dialled import DialledCall
from contactship_async.sandbox._calls.lives import (
    NOBODY,
    ON_THE_PHONE,
    OUTCOMES,
    REASON_OF_OUTCOME,
    STATUS_OF_OUTCOME,
    WAITING,
    Life,
    Outcome,
    draw_life,
    is_picked_up,
    live_status_of,
    price_of,
)
from contactship_async.sandbox._calls.starts import find_begin, read_schedule
from contactship_async.sandbox._resources.call_fields import (
    CALL_ID,
    CONTACT_CALL,
    FLAGS,
    LIVE_CALL,
    PHONE_CALL,
    PLACED_CALL,
    STOPPED_CALL,
)
from contactship_async.sandbox._resources.call_rows import CallRows, show_person, values_of
from contactship_async.sandbox._resources.collection import show_time
from contactship_async.sandbox._resources.contacts import Contacts
from contactship_async.sandbox._resources.credits import Credits
from contactship_async.sandbox._resources.organization import Organization, make_uuid
from contactship_async.sandbox._resources.phone_numbers import PhoneNumbers

Deliver: TypeAlias = Callable[[str, Mapping[str, Any]], object]
"""Posts a finished call to a URL, without waiting for it. The call is that of `GET /v1/calls/{callId}`, with the
`to_number` that rang and the `additional_data` of its start."""

_LIFE_OF_ADDED: Final = Life("answered", timedelta(), timedelta(), timedelta(), speed=1.0)
"""What is left of the life of a call that a test added, once it is stopped: its analysis is there at once."""

_STARTS: Final = "/v1/calls/single-phone-call"


@frozen
class _Plan:
    """What is going to be with a call.

    Args:
        life: How it goes.
        webhook_url: Where it is posted when it is finished; None posts nothing.
        additional_data: What is posted with it.
        is_paid: Whether it costs credits.
    """

    life: Life
    webhook_url: str | None = None
    additional_data: Mapping[str, str] = field(factory=dict)
    is_paid: bool = True


class Calls(CallRows):
    """The calls of the organization, the newest first; those that are placed proceed in `Sandbox.clock`.

    Call *i* of those made up at first, counted from 0, was placed *i* hours after the beginning of 2024 (UTC); of ten,
    six were answered, and every fifth is inbound. The same seed makes the same rows, and lets the calls that are placed
    one after the other go the same way.

    A placed call waits for a second or two, rings for 3 to 6, and if somebody picks up, goes on for as long as what is
    said takes, some 15 seconds; 2 seconds later, analysis, transcript and recording are there. It costs 0.25 credits
    for each minute that began since it was picked up, and nothing if it was not.

    Args:
        organization: Whose they are.
        count: How many are made up.
        agents: The ids of those that speak in calls that are made up.
        contacts: Those that are called.
        speed: How many times as fast placed calls proceed.
        phone_numbers: Those that may call.
        credits: What calls are paid from.
        deliver: Posts the webhooks of finished calls.
    """

    def __init__(  # noqa: PLR0913 - what calls have to do with, by keyword
        self,
        organization: Organization,
        count: int,
        *,
        agents: Sequence[str],
        contacts: Contacts,
        speed: float,
        phone_numbers: PhoneNumbers,
        credits: Credits,  # noqa: A002 - the API's word
        deliver: Deliver,
    ) -> None:
        super().__init__(organization, count, agents=agents, contacts=contacts)
        self._speed = speed
        self._phone_numbers = phone_numbers
        self._credits = credits
        self._deliver = deliver
        # Under this name, the first calls of the default seed are answered, which is what guides show.
        self._placing = organization.random("dialled_calls")
        self._placed: list[DialledCall] = []
        self._answers: deque[Outcome] = deque()
        self._plans: dict[str, _Plan] = {}
        self._steps: dict[str, Steps] = {}
        self.routes = (
            *self.routes,
            Route(
                "GET",
                "/v1/calls/{callId}/status",
                self._get_status,
                "get-call-status",
                LIVE_CALL,
                identifier=CALL_ID.schema,
            ),
            Route(
                "POST", _STARTS, self._make_phone_call, "make-ai-phone-call", PLACED_CALL, body=PHONE_CALL, status=201
            ),
            Route(
                "POST",
                "/v1/calls/single-contact-call",
                self._make_contact_call,
                "make-contact-call",
                PLACED_CALL,
                body=CONTACT_CALL,
                status=201,
                errors=(404,),
            ),
            Route(
                "POST",
                f"{_STARTS}/{{callId}}/stop",
                self._stop,
                "stop-call",
                STOPPED_CALL,
                identifier=CALL_ID.schema,
                errors=(409,),
            ),
        )

    @property
    def placed(self) -> list[DialledCall]:
        """What would have been dialled so far, in order. This is the list itself: clear it as you like."""
        return self._placed

    def answer_next(self, *outcomes: Outcome) -> None:
        """Say how the next calls go that are placed, one each; replaces what is left of an earlier time.

        Args:
            outcomes: `answered`, `voicemail`, `no_answer`, `busy` or `failed`. Calls beyond them go as the seed says.

        Raises:
            TypeError: Something else than a string.
            ValueError: No outcome at all, or an unknown one.
        """
        if not outcomes:
            message = "outcomes must not be empty"
            raise ValueError(message)
        for outcome in outcomes:
            check_choice("outcomes", outcome, OUTCOMES)
        with self._organization.lock:
            self._answers = deque(outcomes)

    def remove(self, id: str) -> None:  # noqa: A002 - as it is inherited
        with self._organization.lock:
            super().remove(id)
            self._break_off(id)

    def _get_status(self, request: Call) -> Mapping[str, object]:
        row = self._find(request.path["callId"]).to_dict()
        return {
            "call_id": row["id"],
            "agent_id": row["agent_id"],
            "call_status": live_status_of(row),
            "finished": row["finished_at"] is not None,
            "disconnection_reason": row["disconnection_reason"],
            "started_at": row["start_at"],
            "ended_at": row["finished_at"],
        }

    def _make_phone_call(self, request: Call) -> Mapping[str, object]:
        body = request.body
        if not self._phone_numbers.has_number(body["from_number"]):
            raise Refusal(400, "from_number must be a phone number of the organization")
        schedule = read_schedule(body)
        number, names = body["to_number"], ("full_name", "email", "country")
        given = {name: body[name] for name in names if body.get(name) is not None}
        contact = self._contacts.of_number(number) or self._contacts.insert({**given, "phone_number": number})
        return self._place(request, body["from_number"], show_person(contact, given), schedule)

    def _make_contact_call(self, request: Call) -> Mapping[str, object]:
        from_number = self._phone_numbers.number_of(request.body["from_number_id"])
        schedule = read_schedule(request.body)
        contact = self._contacts.find(request.body["contact_id"])
        return self._place(request, from_number, show_person(contact, {}), schedule)

    def _place(
        self, request: Call, from_number: str, person: Mapping[str, Any], schedule: datetime | None
    ) -> Mapping[str, object]:
        body, now = request.body, self._organization.agenda.now
        begin = find_begin(body, schedule, now)
        id_ = make_uuid(self._placing)
        life = draw_life(self._placing, self._speed, self._answers.popleft() if self._answers else None)
        row: dict[str, Any] = {
            "direction": "outbound",
            "from": from_number,
            **self._tell_past(id_, "scheduled" if begin > now else "in-queue", now, None),
            "type": "api_call",
            "agent_id": body["agent_id"],
            "campaign_id": None,
            "contact": person,
        }
        row = self._add(id_, now, row, values_of(row))
        additional_data = {item["key"]: item["value"] for item in body.get("additional_data", ())}
        self._speeds[id_] = self._speed
        self._placed.append(
            DialledCall(
                call_id=id_,
                from_number=from_number,
                to_number=person["phone_number"],
                contact_id=body.get("contact_id"),
                full_name=person["full_name"],
                agent_id=body["agent_id"],
                additional_data=additional_data,
                schedule=schedule,
                webhook_url=body.get("webhook_url"),
                metadata=body.get("metadata"),
                body=json.loads(request.sent),
            )
        )
        plan = _Plan(life, body.get("webhook_url"), additional_data)
        self._follow(id_, plan, self._proceed(id_, plan, begin, is_scheduled=begin > now))
        return {
            "call_id": id_,
            "agent_id": row["agent_id"],
            "contact_id": person["id"],
            "created_at": row["created_at"],
        }

    def _stop(self, request: Call) -> Mapping[str, object]:
        row = self._find(request.path["callId"]).to_dict()
        id_, status = row["id"], live_status_of(row)
        if status in WAITING:
            raise Refusal(409, "The call is not on the phone yet")
        is_on_the_phone = status in ON_THE_PHONE
        if is_on_the_phone:
            plan = self._plans.get(id_) or _Plan(_LIFE_OF_ADDED, is_paid=False)
            self._break_off(id_)
            self._follow(id_, plan, self._hang_up(id_, plan))
        return {"call_id": id_, "stopped": is_on_the_phone, "call_status": status}

    def _follow(self, id_: str, plan: _Plan, steps: Steps) -> None:
        self._plans[id_], self._steps[id_] = plan, steps
        self._organization.agenda.follow(steps)

    def _break_off(self, id_: str) -> None:
        """Let a call not proceed any more, if it does."""
        if id_ in self._plans:
            del self._plans[id_]
            self._steps.pop(id_).close()

    def _proceed(self, id_: str, plan: _Plan, begin: datetime, *, is_scheduled: bool) -> Steps:
        """Let a call begin and come to its end."""
        life = plan.life
        if is_scheduled:
            yield begin
            self._change(id_, call_status="in-queue")
        end = begin + life.queued
        yield end
        self._change(id_, call_status="in-progress")
        end += life.ringing
        yield end
        if is_picked_up(life.outcome):
            self._change(id_, start_at=show_time(end))
            end += timedelta(seconds=find_conversation(id_, life.outcome).seconds / life.speed)
            yield end
        yield from self._finish(id_, plan, end, STATUS_OF_OUTCOME[life.outcome], life.outcome)

    def _hang_up(self, id_: str, plan: _Plan) -> Steps:
        """Let a call that is on the phone end now."""
        is_ringing = self._store[id_].to_dict()["start_at"] is None
        status, outcome = ("incomplete", NOBODY) if is_ringing else ("completed", plan.life.outcome)
        yield from self._finish(id_, plan, self._organization.agenda.now, status, outcome, is_stopped=True)

    def _finish(  # noqa: PLR0913 - what its row is going to show
        self, id_: str, plan: _Plan, end: datetime, status: str, outcome: Outcome, *, is_stopped: bool = False
    ) -> Steps:
        """Let a call have ended, and be analysed later."""
        started = self._store[id_].to_dict()["start_at"]
        talk = timedelta() if started is None else max(timedelta(), end - datetime.fromisoformat(started))
        self._change(
            id_,
            call_status=status,
            call_result=outcome,
            disconnection_reason="user_hangup" if is_stopped else REASON_OF_OUTCOME[outcome],
            finished_at=show_time(end),
            duration=talk.total_seconds(),
        )
        if plan.is_paid:
            self._credits.pay(price_of(talk))
        yield end + plan.life.analysing
        analysis = analyse(find_conversation(id_, outcome), is_stopped=is_stopped)
        recording = None if started is None else self._find_recording(id_)
        self._change(id_, call_analysis=analysis, call_record=recording)
        del self._plans[id_], self._steps[id_]
        if plan.webhook_url is not None:
            shown = self._tell(self._store[id_], {**dict.fromkeys(FLAGS, False), "include_transcript": True})
            said = {"to_number": shown["contact"]["phone_number"], "additional_data": plan.additional_data}
            self._deliver(plan.webhook_url, {**shown, **said})
