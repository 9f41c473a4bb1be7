"""All the sandbox knows about agents: made-up ones, the voices that they can have, and their six endpoints.

Source: https://docs.contactship.ai/api-reference/endpoint/list-agents
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from contactship_async.sandbox._api.fields import optional
from contactship_async.sandbox._api.pages import Rows
from contactship_async.sandbox._api.paging import Whole
from contactship_async.sandbox._api.routes import Call, Route
from contactship_async.sandbox._resources.agent_fields import AGENT, BODY, DEFAULTS, START_SPEAKER, VOICE
from contactship_async.sandbox._resources.collection import Collection
from contactship_async.sandbox._resources.organization import Organization, make_uuid

_FIELDS: Final = {field.name: field for field in (*BODY, START_SPEAKER)}
_ADDED: Final = (
    *("name", "person_name", "language", "voice_id", "timezone", "conversation_purpose"),
    *("prompt", "webhook_url", "ambient_sound", "post_call_analysis_data", "tools"),
)
"""What a test says of an agent that it adds."""

_AGENT_PATH: Final = "/v1/agents/{agentId}"

_MADE_UP: Final = tuple(
    dict(zip(("name", "person_name", "voice_id", "language", "conversation_purpose"), values, strict=True))
    for values in (
        ("Reminders", "Iris", "voice-iris", "en-US", "Remind people of their appointments"),
        ("Front desk", "Alba", "voice-alba", "es-ES", "Answer questions about opening hours"),
        ("Survey", "Kofi", "voice-kofi", "en-GB", "Ask three questions about the last order"),
    )
)

_VOICES: Final = tuple(
    dict(zip((field.name for field in VOICE.fields), values, strict=False))
    for values in (
        ("voice-iris", "Iris", "en-US", "American", "female", "middle-aged", "Clear and friendly"),
        (
            *("voice-alba", "Alba", "es-ES", "Castilian", "female", "young", "Warm and calm"),
            "https://voices.example/voice-alba.mp3",
        ),
        (
            *("voice-kofi", "Kofi", "en-GB", "Ghanaian", "male", "young", "Bright and quick"),
            *("https://voices.example/voice-kofi.mp3", "https://voices.example/voice-kofi.png"),
        ),
        ("voice-lucia", "Lucia", "es-419", "Mexican", "female", "old", "Slow and patient"),
    )
)
"""Nobody can register what ends in .example (RFC 2606)."""


class Agents(Collection):
    """The agents of the organization, the newest first.

    Agent *i*, counted from 0, was created *i* hours after the beginning of 2024 (UTC). The same seed makes the same
    rows, and the first three speak in the calls that are made up.

    Args:
        organization: Whose they are.
        count: How many are made up.
    """

    def __init__(self, organization: Organization, count: int) -> None:
        super().__init__(
            # There were calls before there were agents: the ids come from their stream, so that calls keep theirs.
            organization,
            name="agents of calls",
            noun="agent",
            prefix="",
            default_limit=None,
            shows_organization=False,
        )
        whole, voices = Whole(), "/v1/agents/voices"
        changes = optional(*_FIELDS.values())
        self.routes: tuple[Route, ...] = (
            Route("GET", "/v1/agents", self._list, "list-agents", AGENT, paging=whole, shape="wrapped"),
            Route("GET", voices, self._list_voices, "list-voices", VOICE, paging=whole, shape="wrapped"),
            Route("GET", _AGENT_PATH, self._get, "get-agent", AGENT, shape="wrapped"),
            Route("POST", "/v1/agents", self._create, "create-agent", AGENT, body=BODY, status=201),
            Route("PUT", _AGENT_PATH, self._update, "update-agent", AGENT, body=changes, shape="wrapped"),
            Route("DELETE", _AGENT_PATH, self._delete, "delete-agent", returns=True),
        )
        for _ in range(count):
            self.add()

    def add(  # noqa: PLR0913 - what a row shows, all by keyword
        self,
        *,
        name: str | None = None,
        person_name: str | None = None,
        language: str | None = None,
        voice_id: str | None = None,
        timezone: str | None = None,
        conversation_purpose: str | None = None,
        prompt: str | None = None,
        webhook_url: str | None = None,
        ambient_sound: str | None = None,
        post_call_analysis_data: Sequence[dict[str, Any]] | None = None,
        tools: Sequence[dict[str, Any]] | None = None,
        created_at: datetime | str | None = None,
        id: str | None = None,  # noqa: A002 - the API's word
    ) -> dict[str, Any]:
        """Add one agent and return a copy of it; what is None is made up, or null. The rest can be set by an update.

        Args:
            name: Any string but the empty one, and so are the next four.
            person_name: As it calls itself.
            language: Such as `es-419`.
            voice_id: Of a voice.
            timezone: Such as `Europe/Madrid`.
            conversation_purpose: Any string but the empty one.
            prompt: A string of at most 28,000 characters.
            webhook_url: Any string but the empty one.
            ambient_sound: Such as `coffee-shop`.
            post_call_analysis_data: Objects with `type`, `name`, and what else is documented.
            tools: Objects with `type`, `name`, and whatever else.
            created_at: As for `PhoneNumbers.add`.
            id: Any string that is no id yet, but the empty one.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is not allowed.
        """
        values = (
            *(name, person_name, language, voice_id, timezone, conversation_purpose),
            *(prompt, webhook_url, ambient_sound, post_call_analysis_data, tools),
        )
        given = {field: value for field, value in zip(_ADDED, values, strict=True) if value is not None}
        for field, value in given.items():
            _FIELDS[field].check(value)
        with self._organization.lock:
            made_up = {**_MADE_UP[self._made % len(_MADE_UP)], "timezone": "UTC"}
            return self._publish(id, created_at, {**made_up, **given})

    def ids_in_calls(self) -> list[str]:
        """Return the ids of those that speak in made-up calls: the first three, or one that is not there any more."""
        return [agent["id"] for agent in self][::-1][:3] or [make_uuid(self._random)]

    def describe(self, id_: str) -> dict[str, str]:
        """Describe an agent as webhooks do; one that is not there is made up."""
        agent = {"name": "Sandbox agent", "language": "en-US", "voice_id": "voice-sandbox"}
        if id_ in self._store:
            agent = self._store[id_].to_dict()
        return {"agent_id": id_, "name": agent["name"], "language": agent["language"], "voice": agent["voice_id"]}

    def _publish(self, id_: str | None, created_at: datetime | str | None, fields: Mapping[str, Any]) -> dict[str, Any]:
        _, shown = self._read_created_at(created_at)
        return self._add(id_, shown, {**DEFAULTS, **fields, "updated_at": shown})

    def _list(self, _: Call) -> Rows:
        return self._show_all()

    def _list_voices(self, _: Call) -> Rows:
        return Rows([json.dumps(voice).encode() for voice in _VOICES])

    def _get(self, call: Call) -> Mapping[str, object]:
        return self._find(call.path["agentId"]).to_dict()

    def _create(self, call: Call) -> Mapping[str, object]:
        return self._publish(None, None, call.body)

    def _update(self, call: Call) -> Mapping[str, object]:
        agent = {**self._find(call.path["agentId"]).to_dict(), **call.body}
        self._replace(agent, noted_in="updated_at")
        return self._find(agent["id"]).to_dict()
