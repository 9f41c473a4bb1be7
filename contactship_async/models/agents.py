"""AI agents, which speak in calls, and the voices that they can have.

Source: https://docs.contactship.ai/api-reference/endpoint/get-agent
"""

from __future__ import annotations

from typing import Any

from attrs import NOTHING, frozen

from contactship_async.models.common import AwareDatetime, Model, NonEmptyText, OpenEnum, json_field

__all__ = ["Agent", "AmbientSound", "StartSpeaker", "Voice"]


class AmbientSound(OpenEnum):
    """What is heard behind an agent's voice; the server may add values, see `OpenEnum`.

    An older page has `office` and `cafe`, newer ones the others.

    Source: https://docs.contactship.ai/api-reference/endpoint/create-agent
    """

    COFFEE_SHOP = "coffee-shop"
    CONVENTION_HALL = "convention-hall"
    SUMMER_OUTDOOR = "summer-outdoor"
    MOUNTAIN_OUTDOOR = "mountain-outdoor"
    STATIC_NOISE = "static-noise"
    CALL_CENTER = "call-center"
    OFFICE = "office"
    CAFE = "cafe"


class StartSpeaker(OpenEnum):
    """Who speaks first in a call; the server may add values, see `OpenEnum`."""

    AGENT = "agent"
    USER = "user"


@frozen
class Agent(Model):
    """An AI agent, with the configuration that is published.

    Args:
        id: Opaque; the `agent_id` of all else, which is also what older responses call it.
        name: As the organization calls it.
        person_name: As it calls itself.
        language: The language that it speaks, such as `es-419`, or `multi` for Spanish and English.
        webhook_url: Where its finished calls are posted.
        conversation_purpose: What its calls are for.
        prompt: What it is told to do.
        ambient_sound: What is heard behind its voice; None for nothing.
        post_call_analysis_data: What is to be found out after a call, as the API has it: objects with `type`, `name`,
            `description`, `required` and `choices`.
        tools: What it can use, as the API has it: objects that are not fully documented.
        volume: From 0 to 2.
        voice_id: The id of its voice.
        interruption_sensitivity: From 0.1, never interrupted, to 1.
        voice_speed: From 0.5 to 2.
        voice_temperature: How much its voice varies, from 0 to 2.
        timezone: An IANA name, such as `Europe/Madrid`.
        responsiveness: How fast it answers, from 0 to 1.
        ambient_sound_volume: From 0 to 2.
        begin_message: What it says first.
        begin_message_delay_ms: After how many milliseconds.
        max_call_duration_ms: After how many milliseconds it hangs up.
        start_speaker: Who speaks first, `agent` or `user`.
        boosted_keywords: Words that it should understand better.
        created_at: When it was created; with a time zone.
        updated_at: When it was changed; with a time zone.
    """

    id: NonEmptyText = json_field("id", default=NOTHING, older_name="agent_id")
    name: str | None = None
    person_name: str | None = None
    language: str | None = None
    webhook_url: str | None = None
    conversation_purpose: str | None = None
    prompt: str | None = None
    ambient_sound: AmbientSound | None = None
    post_call_analysis_data: tuple[dict[str, Any], ...] | None = None
    tools: tuple[dict[str, Any], ...] | None = None
    volume: float | None = None
    voice_id: str | None = None
    interruption_sensitivity: float | None = None
    voice_speed: float | None = None
    voice_temperature: float | None = None
    timezone: str | None = None
    responsiveness: float | None = None
    ambient_sound_volume: float | None = None
    begin_message: str | None = None
    begin_message_delay_ms: float | None = None
    max_call_duration_ms: float | None = None
    start_speaker: StartSpeaker | None = None
    boosted_keywords: tuple[str, ...] | None = None
    created_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None


@frozen
class Voice(Model):
    """A voice that an agent can have.

    Args:
        id: Opaque; the `voice_id` of agents.
        name: As people see it.
        language: The language that it speaks.
        accent: In words.
        gender: In words.
        age: In words, such as `young`.
        description: What it sounds like.
        preview_url: Where it can be heard.
        avatar_url: Where its picture is.

    Source: https://docs.contactship.ai/api-reference/endpoint/list-voices
    """

    id: NonEmptyText
    name: str | None = None
    language: str | None = None
    accent: str | None = None
    gender: str | None = None
    age: str | None = None
    description: str | None = None
    preview_url: str | None = None
    avatar_url: str | None = None
