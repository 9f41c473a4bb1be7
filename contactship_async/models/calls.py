"""Calls: as they are listed, their live status, what was said, and how they went.

Source: https://docs.contactship.ai/api-reference/endpoint/list-calls
"""

from __future__ import annotations

from typing import Any

from attrs import frozen

from contactship_async.models.common import AwareDatetime, Model, NonEmptyText, OpenEnum, Seconds, json_field

__all__ = [
    "Call",
    "CallAnalysis",
    "CallContact",
    "CallDirection",
    "CallResult",
    "CallStatus",
    "CallType",
    "DisconnectionReason",
    "EvaluationOutcome",
    "EvaluationResult",
    "LiveCall",
    "LiveCallStatus",
    "PlacedCall",
    "SpeakerRole",
    "StoppedCall",
    "TranscriptEntry",
]


class CallDirection(OpenEnum):
    """Who called whom; the server may add values, see `OpenEnum`."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class CallStatus(OpenEnum):
    """What became of a call, as calls are listed; the server may add values, see `OpenEnum`."""

    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    NO_ANSWER = "no-answer"
    FAILED = "failed"
    IN_QUEUE = "in-queue"
    INCOMPLETE = "incomplete"
    BUSY = "busy"
    ANSWERING_MACHINE = "answering-machine"
    SCHEDULED = "scheduled"
    VOICE_MAIL = "voice_mail"


class LiveCallStatus(OpenEnum):
    """Where a call is now, in words of its own; the server may add values, see `OpenEnum`."""

    IN_QUEUE = "in_queue"
    SCHEDULED = "scheduled"
    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    ENDED = "ended"
    VOICEMAIL = "voicemail"
    NO_ANSWER = "no_answer"
    FAILED = "failed"
    CANCELED = "canceled"


class CallResult(OpenEnum):
    """Who answered; the server may add values, see `OpenEnum`."""

    ANSWERED = "answered"
    VOICEMAIL = "voicemail"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    FAILED = "failed"


class CallType(OpenEnum):
    """What started a call; the server may add values, see `OpenEnum`."""

    TEST_WEB_CALL = "test_web_call"
    TEST_PHONE_CALL = "test_phone_call"
    API_CALL = "api_call"
    PLATFORM_CONTACT_CALL = "platform_contact_call"
    CAMPAIGN_CALL = "campaign_call"
    INBOUND_CALL = "inbound_call"
    WIDGET_WEB_CALL = "widget_web_call"
    WEB_CALL = "web_call"
    AI_CALL = "ai_call"


class DisconnectionReason(OpenEnum):
    """Why a call ended; the server may add values, see `OpenEnum`."""

    USER_HANGUP = "user_hangup"
    AGENT_HANGUP = "agent_hangup"
    CALL_TRANSFER = "call_transfer"
    MAX_DURATION_REACHED = "max_duration_reached"
    NO_ANSWER = "no_answer"
    FAILED = "failed"


class SpeakerRole(OpenEnum):
    """Who speaks in a transcript; the server may add values, see `OpenEnum`."""

    AGENT = "agent"
    USER = "user"
    ASSISTANT = "assistant"


class EvaluationOutcome(OpenEnum):
    """What an evaluation came to; the server may add values, see `OpenEnum`."""

    SUCCESS = "success"
    FAILURE = "failure"
    UNKNOWN = "unknown"


@frozen
class EvaluationResult(Model):
    """One of the organization's own criteria, as it was judged after a call.

    Args:
        key: What identifies the criterion.
        name: As people see it.
        result: `success`, `failure` or `unknown`.
        rationale: Why.
        quote: What was said.
        score: None where the criterion has none.
    """

    key: str | None = None
    name: str | None = None
    result: EvaluationOutcome | None = None
    rationale: str | None = None
    quote: str | None = None
    score: float | None = None


@frozen
class CallAnalysis(Model):
    """How a call went. Two sets of names are documented; which of them a response has, only it can tell.

    Args:
        call_summary: What was said, in a few sentences; by the newer names.
        user_sentiment: Such as `Positive` or `Neutral`.
        custom_analysis_data: What the organization asks to be found out, by its own names. A name that is missing does
            not mean "no".
        call_successful: Whether the call reached its purpose.
        in_voicemail: Whether a machine answered.
        evaluation_results: The organization's criteria.
        summary: What was said, by the older names.
        sentiment: Such as `neutral`, by the older names.
    """

    call_summary: str | None = None
    user_sentiment: str | None = None
    custom_analysis_data: dict[str, Any] | None = None
    call_successful: bool | None = None
    in_voicemail: bool | None = None
    evaluation_results: tuple[EvaluationResult, ...] | None = None
    summary: str | None = None
    sentiment: str | None = None


@frozen
class CallContact(Model):
    """The person of a call.

    Args:
        id: Opaque; the `contact_id` of all else.
        full_name: As the organization knows the person.
        phone_number: The other end of an outbound call.
        email: The e-mail address of the person.
        country: In whatever form the organization uses.
    """

    id: NonEmptyText
    full_name: str | None = None
    phone_number: str | None = None
    email: str | None = None
    country: str | None = None


@frozen
class TranscriptEntry(Model):
    """What one of the two said, without a break.

    Args:
        role: `agent` (or `assistant`) and `user`.
        content: What was said.
        words: When each word was said, of a form that is not documented; only where it was asked for.
    """

    role: SpeakerRole | None = None
    content: str | None = None
    words: tuple[Any, ...] | None = None


@frozen
class Call(Model):
    """A call of an organization.

    Args:
        id: Opaque; the `call_id` of all else.
        direction: `inbound` or `outbound`.
        from_number: The caller's number: `from` in the API. (Whom it called is `contact.phone_number`.)
        call_record: The address of the recording; there some time after the call has ended.
        call_status: Such as `completed`.
        call_result: Such as `answered`.
        disconnection_reason: Such as `user_hangup`.
        start_at: When it began; with a time zone.
        finished_at: When it ended; with a time zone.
        duration: In seconds; None also where the server sends what is no number.
        call_analysis: How it went; there some time after the call has ended.
        type: What started it, such as `api_call`.
        created_at: When it was asked for; with a time zone.
        agent_id: The id of the agent that speaks.
        campaign_id: The id of the campaign that it is part of.
        contact: The person.
        chat_history: The transcript, where it was asked for; a string only if the server sends its compact form.
        chat_history_with_tools: The same with the tools that the agent used, in forms that are not documented.
        transcript_format: `json`, or `toon` for the compact form.
    """

    id: NonEmptyText
    direction: CallDirection | None = None
    from_number: str | None = json_field("from")
    call_record: str | None = None
    call_status: CallStatus | None = None
    call_result: CallResult | None = None
    disconnection_reason: DisconnectionReason | None = None
    start_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    duration: Seconds | None = None
    call_analysis: CallAnalysis | None = None
    type: CallType | None = None
    created_at: AwareDatetime | None = None
    agent_id: str | None = None
    campaign_id: str | None = None
    contact: CallContact | None = None
    chat_history: tuple[TranscriptEntry, ...] | str | None = None
    chat_history_with_tools: tuple[Any, ...] | str | None = None
    transcript_format: str | None = None


@frozen
class LiveCall(Model):
    """Where a call is now.

    Args:
        call_id: Opaque.
        agent_id: The id of the agent that speaks.
        call_status: Such as `in_progress`; not the words that calls are listed with.
        finished: Whether it has ended. Recording, analysis and transcript may come later.
        disconnection_reason: Why it ended; may come some seconds later.
        started_at: When it was answered; with a time zone.
        ended_at: When it ended; with a time zone.
    """

    call_id: NonEmptyText
    agent_id: str | None = None
    call_status: LiveCallStatus | None = None
    finished: bool | None = None
    disconnection_reason: DisconnectionReason | None = None
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None


@frozen
class PlacedCall(Model):
    """A call that was asked for, and that Contactship will place.

    Args:
        call_id: Opaque; what all else about the call is asked by.
        agent_id: The id of the agent that will speak.
        contact_id: The id of the contact that is called.
        created_at: When it was asked for; with a time zone.
    """

    call_id: NonEmptyText
    agent_id: str | None = None
    contact_id: str | None = None
    created_at: AwareDatetime | None = None


@frozen
class StoppedCall(Model):
    """What a stop came to.

    Args:
        call_id: Opaque.
        stopped: False if the call had ended by itself.
        call_status: When the stop was asked for.
    """

    call_id: NonEmptyText
    stopped: bool | None = None
    call_status: LiveCallStatus | None = None
