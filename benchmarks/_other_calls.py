"""Calls for cattrs and pydantic, with the fields and the rules of ours, but that pydantic's enums are closed."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import pydantic
from cattrs.gen import make_dict_structure_fn, override

from benchmarks._calls import EqualCall
from benchmarks.contenders import cattrs_loop
from contactship_async.models.calls import TranscriptEntry

_Transcript = tuple[TranscriptEntry, ...] | str | None


def _structure_transcript(value: Any, _: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    return cattrs_loop.converter.structure(value, tuple[TranscriptEntry, ...])


cattrs_loop.converter.register_structure_hook(_Transcript, _structure_transcript)
cattrs_loop.converter.register_structure_hook(tuple[Any, ...] | str | None, lambda value, _: value)
cattrs_loop.converter.register_structure_hook(
    EqualCall, make_dict_structure_fn(EqualCall, cattrs_loop.converter, from_number=override(rename="from"))
)


Id = Annotated[str, pydantic.Field(min_length=1)]
PydanticDirection = StrEnum("PydanticDirection", {"INBOUND": "inbound", "OUTBOUND": "outbound"})
PydanticStatus = StrEnum("PydanticStatus", {"IN_QUEUE": "in-queue", "COMPLETED": "completed"})
PydanticResult = StrEnum("PydanticResult", {"ANSWERED": "answered", "VOICEMAIL": "voicemail"})
PydanticReason = StrEnum("PydanticReason", {"USER_HANGUP": "user_hangup", "AGENT_HANGUP": "agent_hangup"})
PydanticType = StrEnum("PydanticType", {"API_CALL": "api_call", "AI_CALL": "ai_call"})
PydanticRole = StrEnum("PydanticRole", {"AGENT": "agent", "USER": "user"})
PydanticOutcome = StrEnum("PydanticOutcome", {"SUCCESS": "success", "FAILURE": "failure"})


class PydanticEvaluation(pydantic.BaseModel):
    """The same for pydantic."""

    key: str | None = None
    name: str | None = None
    result: PydanticOutcome | None = None
    rationale: str | None = None
    quote: str | None = None
    score: float | None = None


class PydanticAnalysis(pydantic.BaseModel):
    """The same for pydantic."""

    call_summary: str | None = None
    user_sentiment: str | None = None
    custom_analysis_data: dict[str, Any] | None = None
    call_successful: bool | None = None
    in_voicemail: bool | None = None
    evaluation_results: tuple[PydanticEvaluation, ...] | None = None
    summary: str | None = None
    sentiment: str | None = None


class PydanticContact(pydantic.BaseModel):
    """The same for pydantic."""

    id: Id
    full_name: str | None = None
    phone_number: str | None = None
    email: str | None = None
    country: str | None = None


class PydanticEntry(pydantic.BaseModel):
    """The same for pydantic."""

    role: PydanticRole | None = None
    content: str | None = None
    words: tuple[Any, ...] | None = None


class PydanticCall(pydantic.BaseModel):
    """The same for pydantic."""

    id: Id
    direction: PydanticDirection | None = None
    from_number: str | None = pydantic.Field(None, alias="from")
    call_record: str | None = None
    call_status: PydanticStatus | None = None
    call_result: PydanticResult | None = None
    disconnection_reason: PydanticReason | None = None
    start_at: pydantic.AwareDatetime | None = None
    finished_at: pydantic.AwareDatetime | None = None
    duration: float | None = None
    call_analysis: PydanticAnalysis | None = None
    type: PydanticType | None = None
    created_at: pydantic.AwareDatetime | None = None
    agent_id: str | None = None
    campaign_id: str | None = None
    contact: PydanticContact | None = None
    chat_history: tuple[PydanticEntry, ...] | str | None = None
    chat_history_with_tools: tuple[Any, ...] | str | None = None
    transcript_format: str | None = None
