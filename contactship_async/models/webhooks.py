"""What Contactship posts to an app: a call that has finished, one that comes in, a follow-up that was closed.

Identifiers of other objects may be missing, too: no call is lost because its agent is gone.

Source: https://docs.contactship.ai/api-reference/webhooks
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from attrs import NOTHING, frozen

from contactship_async.models.calls import (
    CallAnalysis,
    CallDirection,
    CallResult,
    CallType,
    DisconnectionReason,
    LiveCallStatus,
    TranscriptEntry,
)
from contactship_async.models.common import Count, Model, NonEmptyText, OpenEnum, Seconds, Timestamp, json_field

__all__ = [
    "CampaignStatus",
    "FinishedCall",
    "FinishedCallAgent",
    "FinishedCallCampaign",
    "FinishedCallContact",
    "FinishedCallDetails",
    "FinishedCallOrganization",
    "FollowUpClosed",
    "FollowUpClosureReason",
    "FollowUpContact",
    "InboundContact",
    "InboundContext",
    "InboundNumbers",
]


class CampaignStatus(OpenEnum):
    """Where a campaign is; the server may add values, see `OpenEnum`."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    COMPLETED = "COMPLETED"
    CREDITS_REQUIRED = "CREDITS_REQUIRED"
    INCOMPLETE = "INCOMPLETE"


class FollowUpClosureReason(OpenEnum):
    """Why a text agent no longer follows up; the server may add values, see `OpenEnum`."""

    ALL_STAGES_COMPLETED_NO_RESPONSE = "all_stages_completed_no_response"
    AI_DETERMINED_CONVERSATION_RESOLVED = "ai_determined_conversation_resolved"


@frozen
class FinishedCallAgent(Model):
    """The agent that spoke.

    Args:
        agent_id: Opaque.
        name: As the organization calls it.
        language: Such as `es-419`.
        voice: Opaque; of the voice.
    """

    agent_id: str | None = None
    name: str | None = None
    language: str | None = None
    voice: str | None = None


@frozen
class FinishedCallOrganization(Model):
    """The organization, which comes without an id.

    Args:
        name: Of the organization.
        email: Of the organization.
        country: Of the organization.
    """

    name: str | None = None
    email: str | None = None
    country: str | None = None


@frozen
class FinishedCallDetails(Model):
    """How the call went. What begins with `call_result` comes only where the call has a contact.

    Args:
        call_id: Opaque; that of `client.calls`, and of the response that placed the call.
        call_type: What started it, such as `api_call`.
        call_status: `ended` or `failed`. A call that nobody answered has ended, too: see *call_result*.
        duration: In seconds.
        start_timestamp: When it began, in UTC; Unix milliseconds in the JSON.
        end_timestamp: When it ended, in UTC; Unix milliseconds in the JSON.
        disconnection_reason: Such as `user_hangup`.
        recording_url: The address of the recording, or empty.
        transcript: What was said, as text; may be empty.
        transcript_object: What was said, by speaker.
        transcript_with_tool_calls: The same with the tools that the agent used, in forms that are not documented.
        call_analysis: How it went.
        call_result: Such as `answered`; None does not mean that somebody answered.
        from_number: The caller's; empty for a call in a browser.
        to_number: Whom it called; empty for a call in a browser.
        call_additional_data: What was given with the call; by name, or as a list.
    """

    call_id: NonEmptyText
    call_type: CallType | None = None
    call_status: LiveCallStatus | None = None
    duration: Seconds | None = None
    start_timestamp: Timestamp | None = None
    end_timestamp: Timestamp | None = None
    disconnection_reason: DisconnectionReason | None = None
    recording_url: str | None = None
    transcript: str | None = None
    transcript_object: tuple[TranscriptEntry, ...] | None = None
    transcript_with_tool_calls: tuple[Any, ...] | None = None
    call_analysis: CallAnalysis | None = None
    call_result: CallResult | None = None
    from_number: str | None = None
    to_number: str | None = None
    call_additional_data: dict[str, Any] | tuple[Any, ...] | None = None


@frozen
class FinishedCallContact(Model):
    """The person of the call.

    Args:
        contact_id: Opaque.
        full_name: As the organization knows the person.
        phone_number: Of the person; may be empty.
        email: Of the person.
        country: In whatever form the organization uses.
        additional_data: What the organization keeps of the person; by name, or as a list of `type`, `field`, `value`.
        call_attempts: How often the campaign has called the person; 0 without a campaign.
        call_status: How far the campaign is with the person; not the status of the call.
        contact_data: What the campaign knows of the person.
    """

    contact_id: str | None = None
    full_name: str | None = None
    phone_number: str | None = None
    email: str | None = None
    country: str | None = None
    additional_data: dict[str, Any] | tuple[Any, ...] | None = None
    call_attempts: Count | None = None
    call_status: str | None = None
    contact_data: dict[str, Any] | tuple[Any, ...] | None = None


@frozen
class FinishedCallCampaign(Model):
    """The campaign of the call, which comes without an id.

    Args:
        name: As the organization calls it.
        description: In the organization's words.
        start_at: When it begins; with a time zone.
        status: Such as `ACTIVE`.
    """

    name: str | None = None
    description: str | None = None
    start_at: Timestamp | None = None
    status: CampaignStatus | None = None


@frozen
class FinishedCall(Model):
    """A call that has ended and was analysed. What you gave as its `metadata` does not come: keep it by the call's id.

    Args:
        call: How it went; None if Contactship could not find that out.
        agent: The agent that spoke.
        organization: Whose agent it is.
        campaign: The campaign that called; None for other calls.
        contact: The person; None where Contactship does not know who it was.
    """

    call: FinishedCallDetails | None = None
    agent: FinishedCallAgent | None = None
    organization: FinishedCallOrganization | None = None
    campaign: FinishedCallCampaign | None = None
    contact: FinishedCallContact | None = None

    @property
    def delivery_key(self) -> str:
        """The same for each delivery of one call: its id, or a hash of everything where the body has no call."""
        return _hash("finished call", self.to_dict()) if self.call is None else self.call.call_id


@frozen
class InboundNumbers(Model):
    """Who calls whom.

    Args:
        direction: `inbound`.
        from_number: The caller's.
        to_number: The organization's.
    """

    direction: CallDirection | None = None
    from_number: str | None = None
    to_number: str | None = None


@frozen
class InboundContact(Model):
    """The person that calls, as far as the organization knows who it is.

    Args:
        id: Opaque; of the contact.
        full_name: As the organization knows the person.
        email: Of the person.
    """

    id: str | None = None
    full_name: str | None = None
    email: str | None = None


@frozen
class InboundContext(Model):
    """A question before an agent takes a call: what should it know about the caller? The call has no id yet.

    Args:
        agent_id: Opaque; of the agent that will speak.
        call: Who calls whom.
        organization_id: Opaque.
        contact: The person; None where Contactship does not know who it is.
    """

    agent_id: NonEmptyText
    call: InboundNumbers | None = None
    organization_id: str | None = None
    contact: InboundContact | None = None

    @property
    def delivery_key(self) -> str:
        """A hash of who calls whom: the same for a repeat, but also when the same person calls again.

        Respond each time; the key is for what you look up only once. Like any hash of a phone number, it can be undone
        by trying all numbers.
        """
        return _hash("inbound context", self.to_dict())


@frozen
class FollowUpContact(Model):
    """The person of a conversation.

    Args:
        id: Opaque; of the contact.
        phone: The person's number.
        name: As the organization knows the person.
    """

    id: str | None = None
    phone: str | None = None
    name: str | None = None


@frozen
class FollowUpClosed(Model):
    """A text agent no longer follows up a conversation. The same conversation may be followed up, and closed, again.

    Args:
        thread_id: Opaque; of the conversation.
        event: `follow_up_closed`.
        agent_id: Opaque; of the text agent.
        closure_reason: Such as `all_stages_completed_no_response`.
        closure_reason_description: The same for people, in Spanish.
        total_stages: How many messages the agent would have sent.
        current_stage: How far it came, from 1.
        closed_at: With a time zone.
        contact: The person; None where Contactship does not know who it is.
        conversation_summary: What was said, in a few sentences.
        ai_analysis_reason: Why the agent took the matter for resolved.
    """

    thread_id: NonEmptyText = json_field("threadId", default=NOTHING)
    event: str | None = None
    agent_id: str | None = json_field("agentId")
    closure_reason: FollowUpClosureReason | None = json_field("closureReason")
    closure_reason_description: str | None = json_field("closureReasonDescription")
    total_stages: Count | None = json_field("totalStages")
    current_stage: Count | None = json_field("currentStage")
    closed_at: Timestamp | None = json_field("closedAt")
    contact: FollowUpContact | None = None
    conversation_summary: str | None = json_field("conversationSummary")
    ai_analysis_reason: str | None = json_field("aiAnalysisReason")

    @property
    def delivery_key(self) -> str:
        """A hash of the conversation, the agent, and when and how it was closed."""
        facts = self.to_dict()
        identifying = ("thread_id", "agent_id", "closed_at", "closure_reason", "current_stage")
        return _hash("follow-up closed", *(facts[name] for name in identifying))


def _hash(*facts: object) -> str:
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
