"""The AI agents of the organization, and the voices that they can have: `/v1/agents`.

Source: https://docs.contactship.ai/api-reference/endpoint/list-agents
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from attrs import frozen
from msgspec import UnsetType

from contactship_async._arguments import UNSET, without_none, without_unset
from contactship_async._http.caller import Caller
from contactship_async._http.requests import build_path
from contactship_async._pagination.declaration import ListingDeclaration
from contactship_async._pagination.whole import WholeListing
from contactship_async.models.agents import Agent, AmbientSound, StartSpeaker, Voice
from contactship_async.resources._agent_arguments import build_agent

Sound = (
    AmbientSound
    | Literal[
        "coffee-shop",
        "convention-hall",
        "summer-outdoor",
        "mountain-outdoor",
        "static-noise",
        "call-center",
        "office",
        "cafe",
    ]
)
Speaker = StartSpeaker | Literal["agent", "user"]
Objects = Sequence[Mapping[str, Any]]

LISTING: Final = ListingDeclaration("/v1/agents", Agent)
LISTING_OF_VOICES: Final = ListingDeclaration("/v1/agents/voices", Voice, sort_key=None)
_PATH: Final = "/v1/agents/{agent_id}"


@frozen(repr=False)
class Agents:
    """The AI agents of the organization, and the voices that they can have: `client.agents`."""

    _caller: Caller

    def list(self) -> WholeListing[Agent]:
        """Return the listing of the voice agents that are published; nothing is sent before it is iterated over.

        Source: https://docs.contactship.ai/api-reference/endpoint/list-agents
        """
        return WholeListing(LISTING, self._caller)

    async def get(self, agent_id: str) -> Agent:
        """Fetch an agent, as it is published; what is in its draft is not shown.

        Args:
            agent_id: The agent's id.

        Raises:
            TypeError: *agent_id* is not a string.
            ValueError: *agent_id* can't be part of a path.
            NotFoundError: There is no such agent.
            ContactshipError: The call failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/get-agent
        """
        return await self._caller.call("GET", build_path(_PATH, agent_id=agent_id), Agent)

    async def create(  # noqa: PLR0913 - all that an agent can be made of, by keyword
        self,
        *,
        name: str,
        voice_id: str,
        timezone: str,
        person_name: str | None = None,
        language: str | None = None,
        conversation_purpose: str | None = None,
        prompt: str | None = None,
        webhook_url: str | None = None,
        ambient_sound: Sound | None = None,
        voice_speed: float | None = None,
        voice_temperature: float | None = None,
        volume: float | None = None,
        ambient_sound_volume: float | None = None,
        responsiveness: float | None = None,
        interruption_sensitivity: float | None = None,
        begin_message: str | None = None,
        begin_message_delay_ms: float | None = None,
        max_call_duration_ms: float | None = None,
        boosted_keywords: Sequence[str] | None = None,
        post_call_analysis_data: Objects | None = None,
        tools: Objects | None = None,
    ) -> Agent:
        """Create an agent, and publish it at once: it can speak in calls from then on.

        Not repeated when it may have been processed. What is None is left to the API.

        Args:
            name: As the organization calls it.
            voice_id: The id of one of `list_voices`.
            timezone: An IANA name, such as `Europe/Madrid`.
            person_name: As it calls itself.
            language: Such as `es-419`, or `multi` for Spanish and English. Any is accepted, since the documentation's
                own examples go beyond its list: en-US, en-IN, en-GB, de-DE, es-ES, es-419, hi-IN, ja-JP, pt-PT, pt-BR,
                fr-FR, zh-CN, ru-RU, it-IT, ko-KR, nl-NL, pl-PL, tr-TR, vi-VN, multi. If not given, it is the
                organization's by one page, and en-US by another.
            conversation_purpose: What its calls are for.
            prompt: What it is told to do, in at most 28,000 characters.
            webhook_url: Where its finished calls are posted: an `https://` URL, or an `http://` URL of this machine.
            ambient_sound: What is heard behind its voice. `office` and `cafe` are on an older page only, all others on
                newer ones.
            voice_speed: From 0.5 to 2; 1 if not given.
            voice_temperature: How much its voice varies, from 0 to 2; 1 if not given.
            volume: From 0 to 2; 1 if not given.
            ambient_sound_volume: From 0 to 2.
            responsiveness: How fast it answers, from 0 to 1.
            interruption_sensitivity: From 0.1, never interrupted, to 1, which it is if not given.
            begin_message: What it says first, in at most 240 characters.
            begin_message_delay_ms: After how many milliseconds, from 0 to 5000.
            max_call_duration_ms: After how many milliseconds it hangs up, >= 1. The plan of the organization has a
                limit of its own, from 3 minutes to an hour, and the app's editor takes no less than a minute.
            boosted_keywords: Words that it should understand better.
            post_call_analysis_data: What is to be found out after a call: mappings with a `type` (`string`, `enum`,
                `boolean` or `number`), a `name` (lower-case letters, digits and underscores, a letter first), and as
                you like `description` (at most 300 characters) and `required` (True or False); of an `enum` also at
                least two `choices`.
            tools: What it can use: mappings with a `type` such as `booking`, `transfer_call`, `custom`, `end_call` or
                `agent_swap`, a `name` (no other tool's; 1 to 64 letters, digits, `-` and `_`), a `description` (at most
                2,000 characters), and more that is not documented.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is empty or out of range.
            BadRequestError: The API refuses an argument.
            AmbiguousOutcomeError: The agent may have been created.
            ContactshipError: The call failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/create-agent
        """
        optional = without_none(
            person_name=person_name,
            language=language,
            conversation_purpose=conversation_purpose,
            prompt=prompt,
            webhook_url=webhook_url,
            ambient_sound=ambient_sound,
            voice_speed=voice_speed,
            voice_temperature=voice_temperature,
            volume=volume,
            ambient_sound_volume=ambient_sound_volume,
            responsiveness=responsiveness,
            interruption_sensitivity=interruption_sensitivity,
            begin_message=begin_message,
            begin_message_delay_ms=begin_message_delay_ms,
            max_call_duration_ms=max_call_duration_ms,
            boosted_keywords=boosted_keywords,
            post_call_analysis_data=post_call_analysis_data,
            tools=tools,
        )
        body = build_agent("create-agent", name=name, voice_id=voice_id, timezone=timezone, **optional)
        return await self._caller.call("POST", LISTING.path, Agent, json=body)

    async def update(  # noqa: PLR0913 - all that an agent can be made of, by keyword
        self,
        agent_id: str,
        *,
        name: str | UnsetType = UNSET,
        voice_id: str | UnsetType = UNSET,
        timezone: str | UnsetType = UNSET,
        person_name: str | UnsetType = UNSET,
        language: str | UnsetType = UNSET,
        conversation_purpose: str | UnsetType | None = UNSET,
        prompt: str | UnsetType | None = UNSET,
        webhook_url: str | UnsetType | None = UNSET,
        ambient_sound: Sound | UnsetType | None = UNSET,
        voice_speed: float | UnsetType = UNSET,
        voice_temperature: float | UnsetType = UNSET,
        volume: float | UnsetType = UNSET,
        ambient_sound_volume: float | UnsetType = UNSET,
        responsiveness: float | UnsetType = UNSET,
        interruption_sensitivity: float | UnsetType = UNSET,
        begin_message: str | UnsetType = UNSET,
        begin_message_delay_ms: float | UnsetType = UNSET,
        max_call_duration_ms: float | UnsetType = UNSET,
        boosted_keywords: Sequence[str] | UnsetType = UNSET,
        post_call_analysis_data: Objects | UnsetType | None = UNSET,
        tools: Objects | UnsetType | None = UNSET,
        start_speaker: Speaker | UnsetType = UNSET,
    ) -> Agent:
        """Change an agent, and publish it at once, with whatever anybody has left unfinished in its draft.

        What is not given stays as it is. Each call publishes, so it is not repeated when it may have been processed:
        read the agent back first. The ranges of all arguments are those of `create`.

        Args:
            agent_id: The agent's id.
            name: As the organization calls it.
            voice_id: The id of one of `list_voices`.
            timezone: An IANA name.
            person_name: As it calls itself.
            language: The language that it speaks.
            conversation_purpose: What its calls are for; None removes it.
            prompt: What it is told to do; None removes it.
            webhook_url: Where its finished calls are posted; None removes it.
            ambient_sound: What is heard behind its voice; None removes it.
            voice_speed: How fast it speaks.
            voice_temperature: How much its voice varies.
            volume: How loud its voice is.
            ambient_sound_volume: How loud the ambient sound is.
            responsiveness: How fast it answers.
            interruption_sensitivity: How easily it is interrupted.
            begin_message: What it says first.
            begin_message_delay_ms: After how many milliseconds it says that.
            max_call_duration_ms: After how many milliseconds it hangs up.
            boosted_keywords: In place of all that there were.
            post_call_analysis_data: In place of all that there was; None removes it.
            tools: In place of all that there were; None removes them.
            start_speaker: Who speaks first, `agent` or `user`.

        Returns:
            The agent, as it is published now.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is empty or out of range, no change is given (which would publish the draft all the
                same), or *agent_id* can't be part of a path.
            BadRequestError: The API refuses an argument.
            NotFoundError: There is no such agent.
            AmbiguousOutcomeError: The agent may have been changed and published.
            ContactshipError: The call failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/update-agent
        """
        changes = without_unset(
            name=name,
            voice_id=voice_id,
            timezone=timezone,
            person_name=person_name,
            language=language,
            conversation_purpose=conversation_purpose,
            prompt=prompt,
            webhook_url=webhook_url,
            ambient_sound=ambient_sound,
            voice_speed=voice_speed,
            voice_temperature=voice_temperature,
            volume=volume,
            ambient_sound_volume=ambient_sound_volume,
            responsiveness=responsiveness,
            interruption_sensitivity=interruption_sensitivity,
            begin_message=begin_message,
            begin_message_delay_ms=begin_message_delay_ms,
            max_call_duration_ms=max_call_duration_ms,
            boosted_keywords=boosted_keywords,
            post_call_analysis_data=post_call_analysis_data,
            tools=tools,
            start_speaker=start_speaker,
        )
        body = build_agent("update-agent", **changes)
        return await self._caller.call("PUT", build_path(_PATH, agent_id=agent_id), Agent, json=body)

    async def delete(self, agent_id: str) -> None:
        """Delete an agent for good. Calls that it is in go on.

        Args:
            agent_id: The agent's id.

        Raises:
            TypeError: *agent_id* is not a string.
            ValueError: *agent_id* can't be part of a path.
            NotFoundError: There is no such agent; it may be that an earlier attempt of this call has deleted it.
            ContactshipError: The call failed.

        Source: https://docs.contactship.ai/api-reference/endpoint/delete-agent
        """
        await self._caller.delete(build_path(_PATH, agent_id=agent_id))

    def list_voices(self) -> WholeListing[Voice]:
        """Return the listing of the voices that an agent can have; nothing is sent before it is iterated over.

        Source: https://docs.contactship.ai/api-reference/endpoint/list-voices
        """
        return WholeListing(LISTING_OF_VOICES, self._caller)
