"""Webhooks are read in every documented shape and in odd ones; what is malformed is named without its values."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from webhook_bodies import CALL, CONTACT, DOCUMENTED, FOLLOW_UP_CLOSED, INBOUND_CONTEXT, dump, finished_call

from contactship_async import MalformedResponseError
from contactship_async.models.calls import CallDirection, CallResult, CallType, EvaluationOutcome, SpeakerRole
from contactship_async.webhooks import (
    MAX_BODY_BYTES,
    CampaignStatus,
    FinishedCall,
    FinishedCallDetails,
    FollowUpClosureReason,
    read_finished_call,
    read_follow_up_closed,
    read_inbound_context,
    write_inbound_context,
)

READERS: list[Callable[[bytes], Any]] = [read_finished_call, read_inbound_context, read_follow_up_closed]
BODIES = [DOCUMENTED["campaign"], INBOUND_CONTEXT, FOLLOW_UP_CLOSED]


def read_call(**changes: Any) -> FinishedCallDetails:
    """Read a finished call with some fields of its `call` changed."""
    call = read_finished_call(dump(finished_call(**changes))).call
    assert call is not None
    return call


def issues_of(read: Callable[[bytes], Any], body: bytes) -> tuple[str, ...]:
    """Return what a reader finds wrong; the error is only ours."""
    with pytest.raises(MalformedResponseError) as caught:
        read(body)
    assert str(caught.value).startswith("the webhook is malformed: ")
    assert caught.value.__context__ is None
    assert str(caught.value) == str(pickle.loads(pickle.dumps(caught.value)))
    return caught.value.issues


@pytest.mark.parametrize("shape", DOCUMENTED)
def test_documented_shapes(shape: str) -> None:
    """Each documented example is read, with nothing lost that has a name."""
    body = DOCUMENTED[shape]
    parts = body["data"]
    finished = read_finished_call(dump(body))
    plain = finished.to_dict()

    assert {name for name, part in parts.items() if part} == {name for name, part in plain.items() if part}
    for name in ("agent", "organization", "contact"):
        assert parts.get(name, {}).items() <= (plain[name] or {}).items()
    sent, call = parts["call"], plain["call"]
    assert sent.keys() == {name for name in call if call[name] is not None}
    assert {name: value for name, value in sent.items() if isinstance(value, str)}.items() <= call.items()
    assert sent["transcript_object"] == call["transcript_object"]
    assert sent["call_analysis"].items() <= call["call_analysis"].items()
    assert CALL["call_id"] == finished.delivery_key


def test_finished_call() -> None:
    """A finished call has times in UTC, its duration as a number, and the values of enums."""
    finished = read_finished_call(dump(DOCUMENTED["campaign"]))
    call, contact, campaign = finished.call, finished.contact, finished.campaign

    assert call is not None
    assert contact is not None
    assert campaign is not None
    assert datetime(2026, 10, 26, 7, 33, 20, tzinfo=UTC) == call.start_timestamp
    assert (98.0, CallType.CAMPAIGN_CALL, CallResult.ANSWERED) == (call.duration, call.call_type, call.call_result)
    assert [SpeakerRole.AGENT, SpeakerRole.USER] == [entry.role for entry in call.transcript_object or ()]
    assert (2, "completed", {"table": "7"}) == (contact.call_attempts, contact.call_status, contact.contact_data)
    assert (CampaignStatus.ACTIVE, datetime(2026, 10, 26, 7, tzinfo=UTC)) == (campaign.status, campaign.start_at)
    evaluated = read_finished_call(dump(DOCUMENTED["with evaluations"])).call
    assert evaluated is not None
    assert evaluated.call_analysis is not None
    [evaluation] = evaluated.call_analysis.evaluation_results or ()
    assert (EvaluationOutcome.SUCCESS, None) == (evaluation.result, evaluation.score)


def test_odd_numbers_and_times() -> None:
    """A duration may be text, and a time that is not known 0."""
    odd = read_call(duration="98.5", start_timestamp=0, end_timestamp="1793000098000")

    assert 98.5 == odd.duration
    assert odd.start_timestamp is None
    assert datetime(2026, 10, 26, 7, 34, 58, tzinfo=UTC) == odd.end_timestamp
    assert read_call(duration="").duration is None


@pytest.mark.parametrize(
    ("additional_data", "read"),
    [
        ({"segment": "vip"}, {"segment": "vip"}),
        ([{"type": "text", "field": "segment", "value": 5}], ({"type": "text", "field": "segment", "value": 5},)),
        ({}, {}), ([], ()), (None, None),
    ],
)  # fmt: skip
def test_additional_data(additional_data: object, read: object) -> None:
    """What is kept of a contact, and given with a call, may be an object, an array, or null."""
    contact = CONTACT | {"additional_data": additional_data, "contact_data": additional_data, "call_attempts": "3"}
    finished = read_finished_call(dump(finished_call(contact=contact, call_additional_data=additional_data)))

    assert finished.contact is not None
    assert finished.call is not None
    assert read == finished.contact.additional_data
    assert read == finished.contact.contact_data
    assert read == finished.call.call_additional_data
    assert 3 == finished.contact.call_attempts


@pytest.mark.parametrize("part", ["agent", "organization", "call", "campaign", "contact"])
@pytest.mark.parametrize("nothing", [{}, None])
def test_parts_that_are_not_there(part: str, nothing: object) -> None:
    """A part may be missing, null or an empty object, and is None then."""
    body = copy.deepcopy(DOCUMENTED["campaign"])
    whole = read_finished_call(dump(body))
    body["data"][part] = nothing
    without = read_finished_call(dump(body))
    del body["data"][part]

    assert getattr(without, part) is None
    assert evolve(whole, **{part: None}) == without == read_finished_call(dump(body))


@pytest.mark.parametrize("name", [name for name in CALL if name != "call_id"])
def test_fields_that_are_not_there(name: str) -> None:
    """Each field of the call but its id may be missing or null."""
    body = finished_call(**{name: None})
    call = read_call(**{name: None})
    del body["data"]["call"][name]

    assert getattr(call, name) is None
    assert call == read_finished_call(dump(body)).call


def test_what_is_new_is_passed_over() -> None:
    """Fields that this release does not know are ignored, and new values of enums kept."""
    body = finished_call(price={"usd": 1}, call_type="telepathy", disconnection_reason="asleep")
    body |= {"event": "call.finished"}
    body["data"]["events"] = [1]
    call = read_finished_call(dump(body)).call

    assert call is not None
    assert ("telepathy", "asleep") == (call.call_type, call.disconnection_reason)


def test_inbound_context() -> None:
    """A call that comes in tells who calls whom; the person may be unknown, or nameless."""
    inbound = read_inbound_context(dump(INBOUND_CONTEXT))
    unknown = read_inbound_context(dump(INBOUND_CONTEXT | {"contact": None}))
    nameless = read_inbound_context(dump(INBOUND_CONTEXT | {"contact": {"id": None, "full_name": None}}))

    assert inbound.call is not None
    assert (CallDirection.INBOUND, "+14155550137") == (inbound.call.direction, inbound.call.from_number)
    assert INBOUND_CONTEXT == inbound.to_dict()
    assert unknown.contact is None
    assert nameless.contact is not None
    assert ("agent_id: missing",) == issues_of(read_inbound_context, b"{}")


def test_follow_up_closed() -> None:
    """A closed follow-up has Python names; numbers may be text, and the person may be unknown."""
    closed = read_follow_up_closed(dump(FOLLOW_UP_CLOSED))
    odd = read_follow_up_closed(dump(FOLLOW_UP_CLOSED | {"totalStages": "3", "currentStage": 3.0, "contact": None}))

    assert "thr-1" == closed.thread_id
    assert FollowUpClosureReason.ALL_STAGES_COMPLETED_NO_RESPONSE == closed.closure_reason
    assert datetime(2026, 10, 26, 7, 33, 20, tzinfo=UTC) == closed.closed_at
    assert closed.ai_analysis_reason is None
    assert evolve(closed, contact=None) == odd
    assert ("threadId: missing",) == issues_of(read_follow_up_closed, b"{}")


WITHOUT_CALL = {"data": {"contact": CONTACT | {"additional_data": {"segment": "vip", "city": "Lima"}}}}


@pytest.mark.parametrize(("read", "body"), [*zip(READERS, BODIES, strict=True), (read_finished_call, WITHOUT_CALL)])
def test_delivery_key(read: Callable[[bytes], Any], body: dict[str, Any]) -> None:
    """A repeat has the same key, in whatever order its fields come, and the key holds nothing personal."""
    key = read(dump(body)).delivery_key

    assert key == read(json.dumps(body, sort_keys=True, indent=1).encode()).delivery_key
    assert key.isascii()
    assert "5550137" not in key


def test_delivery_keys_differ() -> None:
    """Another call, caller, cycle of follow-ups, or body without a call has another key."""
    later = FOLLOW_UP_CLOSED | {"closedAt": "2026-10-27T07:33:20.000Z"}
    other = INBOUND_CONTEXT | {"call": {"from_number": "+12025550199"}}
    nobody = [{"data": {}}, {"data": {"agent": {"name": "x"}}}]

    assert read_call().call_id != read_call(call_id="other").call_id
    for read, bodies in (
        (read_finished_call, nobody),
        (read_inbound_context, [INBOUND_CONTEXT, other]),
        (read_follow_up_closed, [FOLLOW_UP_CLOSED, later]),
    ):
        keys = [read(dump(body)).delivery_key for body in bodies]
        assert len(keys) == len({*keys})
        assert {64} == {len(key) for key in keys}


@pytest.mark.parametrize(
    ("body", "issue"),
    [
        (b"", "not JSON"), (b"\xff", "not JSON"), (b"5", "expected an object, got a number"),
        (b"[]", "expected an object, got an array"), (b"{}", "data: missing"),
        (b'{"data": null}', "data: expected an object, got null"),
        (b'{"data": []}', "data: expected an object, got an array"),
        (dump(finished_call(call_id=None)), "data.call.call_id: expected a non-empty string, got null"),
        (dump(finished_call(call_id="")), "data.call.call_id: expected a non-empty string, got a string"),
        (dump(finished_call(duration=[98])), "data.call.duration: expected a number of seconds, got an array"),
        (dump(finished_call(start_timestamp=True)), "data.call.start_timestamp: expected a time, got true or false"),
        (dump(finished_call(call_analysis=[])), "data.call.call_analysis: expected an object, got an array"),
        (dump(finished_call(transcript="\ud83d")), "data.call.transcript: holds a lone surrogate"),
        (b" " * (MAX_BODY_BYTES + 1), f"larger than {MAX_BODY_BYTES} bytes"),
    ],
)  # fmt: skip
def test_malformed(body: bytes, issue: str) -> None:
    """What is wrong is named by its path, and by the kinds that were expected and came."""
    assert (issue,) == issues_of(read_finished_call, body)


@pytest.mark.parametrize("read", READERS)
def test_size_and_depth(read: Callable[[bytes], Any]) -> None:
    """A body is as large and as deep as it may be; one byte or level more is refused."""
    body = BODIES[READERS.index(read)]
    whole = dump(body)

    assert read(whole) == read(whole.ljust(MAX_BODY_BYTES))
    assert (f"larger than {MAX_BODY_BYTES} bytes",) == issues_of(read, whole.ljust(MAX_BODY_BYTES + 1))
    assert read(whole) == read(dump(body | {"new": json.loads("[" * 63 + "]" * 63)}))
    assert ("more than 64 levels deep",) == issues_of(read, dump(body | {"new": json.loads("[" * 64 + "]" * 64)}))
    assert ("not JSON",) == issues_of(read, b"[" * 100_000)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("body", ["{}", None, {"data": {}}])
def test_bodies_are_bytes(read: Callable[[Any], Any], body: object) -> None:
    """What is no bytes is the caller's mistake."""
    with pytest.raises(TypeError, match="body must be of type bytes, not"):
        read(body)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*CALL, *CONTACT]), inner),
    )
)
def test_any_json(value: object) -> None:
    """Whatever JSON stands in the place of a part, it is read or malformed."""
    for body in (value, {"data": value}, {"data": {"call": value}}, {"data": {"call": CALL, "contact": value}}):
        for read in READERS:
            with suppress(MalformedResponseError):
                assert read(dump(body)).delivery_key


def test_empty_call() -> None:
    """A body that only says that there was a call is read, too."""
    assert FinishedCall() == read_finished_call(b'{"data": {}}')


def test_context() -> None:
    """The response to an inbound call is a flat object of strings, numbers, booleans and null."""
    variables: dict[str, Any] = {"name": "Zoë", "balance": 12.5, "orders": 3, "vip": True, "note": None}

    assert variables == json.loads(write_inbound_context(variables))
    assert b"{}" == write_inbound_context({})


@pytest.mark.parametrize(
    ("variables", "error", "message"),
    [
        ([("x", 1)], TypeError, "variables must be of type Mapping, not list"),
        ({5: "x"}, TypeError, "a name in variables must be a string, not int"),
        ({"": "x"}, ValueError, "a name in variables must not be empty"),
        ({"timezone": "UTC"}, ValueError, "contact_data, current_day_time, timezone, which Contactship sets itself"),
        ({"contact_data": "x"}, ValueError, "which Contactship sets itself"),
        ({"current_day_time": "x"}, ValueError, "which Contactship sets itself"),
        ({"x": {"y": 1}}, TypeError, r"variables\['x'\] must be a string, number, boolean or None, not dict"),
        ({"x": [1]}, TypeError, "not list"),
        ({"x": float("nan")}, ValueError, r"variables\['x'\] must be a finite number, not nan"),
        ({"x": float("-inf")}, ValueError, "not -inf"),
        ({"x": "\ud83d"}, ValueError, "lone surrogate"),
        ({"x": "y" * 8000}, ValueError, "at most 8000 characters as JSON, not 8008"),
    ],
)
def test_refused_context(variables: Any, error: type[Exception], message: str) -> None:
    """A response that Contactship would ignore, or that would hide its own values, is refused before it is sent."""
    with pytest.raises(error, match=message):
        write_inbound_context(variables)


@pytest.mark.parametrize(("text", "most"), [("y", 7992), ("é", 7992), ("😀", 3996)])
def test_longest_context(text: str, most: int) -> None:
    """Characters are counted as JavaScript does: one outside the first 65,536 is two."""
    assert json.loads(write_inbound_context({"x": text * most})) == {"x": text * most}
    with pytest.raises(ValueError, match="at most 8000"):
        write_inbound_context({"x": text * (most + 1)})
