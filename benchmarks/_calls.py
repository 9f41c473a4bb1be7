"""Calls, as a class of each of those that decode them: 19 fields, one of them with another name in JSON."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, get_type_hints

import pydantic
from attrs import field, fields, frozen, make_class
from cattrs.gen import make_dict_structure_fn, override

from benchmarks.contenders import cattrs_loop
from contactship_async.models.common import AwareDatetime, Model, NonEmptyText, OpenEnum, json_field


class Direction(OpenEnum):
    """Who called whom."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class CallStatus(OpenEnum):
    """How far a call is."""

    IN_QUEUE = "in-queue"
    COMPLETED = "completed"


class CallResult(OpenEnum):
    """How a call went."""

    ANSWERED = "answered"
    VOICEMAIL = "voicemail"


class Reason(OpenEnum):
    """Why a call ended."""

    USER_HANGUP = "user_hangup"
    AGENT_HANGUP = "agent_hangup"


@frozen
class Contact(Model):
    """The person of a call."""

    id: NonEmptyText
    full_name: str | None = None
    phone_number: str | None = None
    email: str | None = None
    country: str | None = None


@frozen
class Call(Model):
    """A call, as a model of ours would be: 19 fields, one of them with another name in JSON."""

    id: NonEmptyText
    direction: Direction | None = None
    from_number: str | None = json_field("from")
    call_record: str | None = None
    call_status: CallStatus | None = None
    call_result: CallResult | None = None
    disconnection_reason: Reason | None = None
    start_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    duration: float | None = None
    call_analysis: dict[str, Any] | None = None
    type: str | None = None
    created_at: AwareDatetime | None = None
    agent_id: str | None = None
    campaign_id: str | None = None
    contact: Contact | None = None
    chat_history: list[dict[str, Any]] | None = None
    chat_history_with_tools: list[dict[str, Any]] | None = None
    transcript_format: str | None = None


HINTS = get_type_hints(Call, include_extras=True)
EqualCall: Any = make_class(
    "EqualCall",
    {one.name: field(default=one.default, type=HINTS[one.name]) for one in fields(Call)},
    frozen=True,
    slots=True,
)
"""The same class, of whose fields none is renamed."""

cattrs_loop.converter.register_structure_hook(
    EqualCall, make_dict_structure_fn(EqualCall, cattrs_loop.converter, from_number=override(rename="from"))
)


Id = Annotated[str, pydantic.Field(min_length=1)]
PydanticDirection = StrEnum("PydanticDirection", {"INBOUND": "inbound", "OUTBOUND": "outbound"})
PydanticStatus = StrEnum("PydanticStatus", {"IN_QUEUE": "in-queue", "COMPLETED": "completed"})
PydanticResult = StrEnum("PydanticResult", {"ANSWERED": "answered", "VOICEMAIL": "voicemail"})
PydanticReason = StrEnum("PydanticReason", {"USER_HANGUP": "user_hangup", "AGENT_HANGUP": "agent_hangup"})


class PydanticContact(pydantic.BaseModel):
    """The same for pydantic."""

    id: Id
    full_name: str | None = None
    phone_number: str | None = None
    email: str | None = None
    country: str | None = None


class PydanticCall(pydantic.BaseModel):
    """The same for pydantic, with the same rules, but that its enums are closed."""

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
    call_analysis: dict[str, Any] | None = None
    type: str | None = None
    created_at: pydantic.AwareDatetime | None = None
    agent_id: str | None = None
    campaign_id: str | None = None
    contact: PydanticContact | None = None
    chat_history: list[dict[str, Any]] | None = None
    chat_history_with_tools: list[dict[str, Any]] | None = None
    transcript_format: str | None = None
