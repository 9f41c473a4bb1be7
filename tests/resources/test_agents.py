"""Agents against the sandbox, end to end: what the contract of all endpoints does not say."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import pytest
from called_resources import Recorder, enveloped
from endpoints import PAGES

from contactship_async import NotFoundError, Response
from contactship_async.models.agents import Agent, AmbientSound
from contactship_async.sandbox import Sandbox

NEW: Final[dict[str, Any]] = {"name": "Reminders", "voice_id": "voice-alba", "timezone": "Europe/Madrid"}
"""What an agent can't be created without."""


@pytest.fixture(params=["count", "pagination"])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """An organization with three agents, in both generations of envelopes."""
    return Sandbox(agents=3, envelope=request.param)


async def test_life_of_an_agent(sandbox: Sandbox) -> None:
    """It is created, listed, read, changed and deleted, and is the same to the client and the sandbox."""
    async with sandbox.client() as client:
        created = await client.agents.create(**NEW, prompt="Be brief.", tools=[{"type": "end_call", "name": "bye"}])
        listed = [agent async for agent in client.agents.list()]
        changed = await client.agents.update(created.id, voice_speed=1.5, start_speaker="user")
        assert changed == await client.agents.get(created.id)
        assert 4 == await client.agents.list().count()
        await client.agents.delete(created.id)
        with pytest.raises(NotFoundError):
            await client.agents.get(created.id)

    assert created == listed[0]
    assert [agent["id"] for agent in sandbox.agents] == [agent.id for agent in listed[1:]]
    assert ("Reminders", "en-US", "Be brief.") == (created.name, created.language, created.prompt)
    assert ({"type": "end_call", "name": "bye"},) == created.tools
    assert (1.5, "user", created.created_at) == (changed.voice_speed, changed.start_speaker, changed.created_at)
    assert created.updated_at is not None
    assert changed.updated_at is not None
    assert created.updated_at < changed.updated_at


async def test_none_removes_and_arrays_replace(sandbox: Sandbox) -> None:
    """What is not given is not sent and stays as it is; None is sent as null; of an array, all are sent."""
    id_ = sandbox.agents.add(ambient_sound="cafe", prompt="Hello", tools=[{"name": "a"}, {"name": "b"}])["id"]
    async with sandbox.client() as client:
        quiet = await client.agents.update(id_, ambient_sound=None)
        fewer = await client.agents.update(id_, tools=[{"type": "end_call"}])
        none = await client.agents.update(id_, tools=None, prompt=None)

    assert (None, "Hello", 2) == (quiet.ambient_sound, quiet.prompt, len(quiet.tools or ()))
    assert ({"type": "end_call"},) == fewer.tools
    assert (None, None) == (none.tools, none.prompt)
    assert [{"ambient_sound": None}, {"tools": [{"type": "end_call"}]}, {"prompt": None, "tools": None}] == [
        request.json() for request in sandbox.requests
    ]


async def test_what_is_found_out_can_be_sent_back(sandbox: Sandbox) -> None:
    """Objects come as the API has them, with what this release does not know, so that nothing of them is lost."""
    known = {"type": "enum", "name": "mood", "choices": ["good", "bad"], "description": "At the end", "tomorrow": [1]}
    id_ = sandbox.agents.add(post_call_analysis_data=[known])["id"]
    async with sandbox.client() as client:
        before = await client.agents.get(id_)
        added = {"type": "boolean", "name": "confirmed", "required": True}
        after = await client.agents.update(
            id_, post_call_analysis_data=[*(before.post_call_analysis_data or ()), added]
        )

    assert (known, added) == after.post_call_analysis_data


async def test_nulls_can_be_sent_back() -> None:
    """What a response may have as null within arrays does not keep them from being sent back whole."""
    tools = [{"type": "end_call", "name": None, "description": None}]
    found = [{"type": "string", "name": "mood", "description": None, "choices": None}]
    server = Recorder([enveloped("F", {"id": "a-1", "tools": tools, "post_call_analysis_data": found})] * 2)
    async with server.client() as client:
        agent = await client.agents.get("a-1")
        await client.agents.update(agent.id, tools=agent.tools, post_call_analysis_data=agent.post_call_analysis_data)

    assert {"tools": tools, "post_call_analysis_data": found} == json.loads(server.requests[1].body or b"")


async def test_create_sends_no_null(sandbox: Sandbox) -> None:
    """What is None in a creation is left to the API."""
    async with sandbox.client() as client:
        await client.agents.create(**NEW, prompt=None, ambient_sound=None, tools=None)

    assert [NEW] == [request.json() for request in sandbox.requests]


@pytest.mark.parametrize("shape", ["F", "bare"])
async def test_older_name_of_the_id(shape: str) -> None:
    """An agent that has `agent_id` in place of `id`, as older responses to a creation, is read all the same."""
    older = {"agent_id": "ag_1", "name": "Reminders", "created_at": "2026-02-10T08:00:00.000Z"}
    server = Recorder([enveloped(shape, older), enveloped(shape, [older])])
    async with server.client() as client:
        created = await client.agents.create(**NEW)
        [listed] = [agent async for agent in client.agents.list()]

    assert ("ag_1", "Reminders") == (created.id, created.name)
    assert created == listed


async def test_voices(sandbox: Sandbox) -> None:
    """Voices come whole; what is about hearing and seeing them may be missing."""
    async with sandbox.client() as client:
        voices = [voice async for voice in client.agents.list_voices()]

    assert {"voice-alba", "voice-iris"} < {voice.id for voice in voices}
    assert {True, False} == {voice.preview_url is None for voice in voices}


def test_calls_are_those_of_agents() -> None:
    """The first three agents speak in the calls that are made up; without agents, they have gone."""
    for agents, speaking in ((3, 3), (2, 2), (7, 3), (0, 1)):
        sandbox = Sandbox(0, agents=agents, calls=9)
        ids = [agent["id"] for agent in sandbox.agents][::-1]
        spoken = {call["agent_id"] for call in sandbox.calls}

        assert speaking == len(spoken)
        assert {*ids[:3]} == spoken or not agents


RANGES: Final[dict[str, tuple[float, float, str]]] = {
    "voice_speed": (0.5, 2, "a number from 0.5 to 2"),
    "voice_temperature": (0, 2, "a number from 0 to 2"),
    "volume": (0, 2, "a number from 0 to 2"),
    "ambient_sound_volume": (0, 2, "a number from 0 to 2"),
    "responsiveness": (0, 1, "a number from 0 to 1"),
    "interruption_sensitivity": (0.1, 1, "a number from 0.1 to 1"),
    "begin_message_delay_ms": (0, 5000, "a number from 0 to 5000"),
    "max_call_duration_ms": (1, 10**9, "a finite number >= 1"),
}
LENGTHS: Final = {"prompt": 28_000, "begin_message": 240}


async def test_ranges() -> None:
    """The ends of each range are sent, and what is outside is refused before sending, naming the range and its page."""
    server = Recorder([enveloped("F", {"id": "a"})])
    async with server.client() as client:
        changes: list[Any] = [client.agents.update, lambda _, **given: client.agents.create(**NEW, **given)]
        for slug, change in zip(("update-agent", "create-agent"), changes, strict=True):
            page = rf"; see {re.escape(PAGES)}{slug}$"
            for name, (lowest, highest, allowed) in RANGES.items():
                for value in (lowest, highest):
                    await change("a", **{name: value})
                    assert value == json.loads(server.requests.pop().body or b"")[name]
                for value in (lowest - 0.01, float("nan"), float("inf")):
                    with pytest.raises(ValueError, match=f"^{name} must be {allowed}, not .*{page}"):
                        await change("a", **{name: value})
                if "from" in allowed:
                    with pytest.raises(ValueError, match=f"^{name} must be {allowed}, not {highest + 1}{page}"):
                        await change("a", **{name: highest + 1})
            for name, longest in LENGTHS.items():
                await change("a", **{name: "é" * longest})
                server.requests.clear()
                with pytest.raises(
                    ValueError, match=f"^{name} must be a string of 0 to {longest} characters, not of .*{page}"
                ):
                    await change("a", **{name: "é" * (longest + 1)})

    assert [] == server.requests


async def test_wider_form_where_the_documentation_disagrees() -> None:
    """The sounds of an older page are accepted besides the newer ones, and any language is."""
    server = Recorder([enveloped("F", {"id": "a", "ambient_sound": "cafe", "language": "xx-YY"})])
    async with server.client() as client:
        for sound in AmbientSound:
            await client.agents.create(**NEW, ambient_sound=sound, language="xx-YY")
        read = await client.agents.update("a", begin_message="", ambient_sound="office")

    assert [*AmbientSound, "office"] == [json.loads(one.body or b"")["ambient_sound"] for one in server.requests]
    assert Agent("a", ambient_sound=AmbientSound.CAFE, language="xx-YY") == read


WRONG: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"name": ""}, ValueError, "name must be a non-empty string"),
    ({"name": None}, TypeError, "name must be a non-empty string, not NoneType"),
    ({"ambient_sound": "beach"}, ValueError, "ambient_sound must be 'coffee-shop' or .* 'cafe', not 'beach'"),
    ({"webhook_url": "http://example.com"}, ValueError, "webhook_url must be an https:// URL"),
    ({"boosted_keywords": "abc"}, TypeError, "boosted_keywords must be a sequence such as a list, not str"),
    ({"boosted_keywords": ["a", 5]}, TypeError, r"boosted_keywords\[1\] must be a non-empty string, not int"),
    ({"post_call_analysis_data": [5]}, TypeError, r"post_call_analysis_data\[0\] must be of type Mapping, not int"),
    ({"post_call_analysis_data": [{}]}, TypeError, r"post_call_analysis_data\[0\]\['type'\] must be 'string' or "),
    (
        {"post_call_analysis_data": [{"type": "date", "name": "day"}]},
        *(ValueError, r"post_call_analysis_data\[0\]\['type'\] must be 'string' or .* 'number', not 'date'"),
    ),
    (
        {"post_call_analysis_data": [{"type": "number"}]},
        *(TypeError, r"post_call_analysis_data\[0\]\['name'\] must be a non-empty string, not NoneType"),
    ),
    (
        {"post_call_analysis_data": [{"type": "number", "name": "1st"}]},
        *(
            ValueError,
            r"post_call_analysis_data\[0\]\['name'\] must be of lower-case letters, digits and underscores, ",
        ),
    ),
    (
        {"post_call_analysis_data": [{"type": "number", "name": "n", "description": "x" * 301}]},
        *(ValueError, r"post_call_analysis_data\[0\]\['description'\] must be a string of 0 to 300 characters, not of"),
    ),
    (
        {"post_call_analysis_data": [{"type": "enum", "name": "n", "choices": ["one"]}]},
        *(ValueError, r"post_call_analysis_data\[0\]\['choices'\] must be at least 2 strings"),
    ),
    (
        {"post_call_analysis_data": [{"type": "enum", "name": "n"}]},
        *(TypeError, r"post_call_analysis_data\[0\]\['choices'\] must be a sequence such as a list, not NoneType"),
    ),
    ({"tools": [{"name": "a b"}]}, ValueError, r"tools\[0\]\['name'\] must be no other tool's, of 1 to 64 letters"),
    ({"tools": [{"name": "a"}, {"name": "a"}]}, ValueError, r"tools\[1\]\['name'\] must be no other tool's"),
    (
        {"tools": [{"description": "x" * 2001}]},
        ValueError,
        r"tools\[0\]\['description'\] must be a string of 0 to 2000",
    ),
    ({}, ValueError, "no change was given, and the call would publish the draft"),
    ({"tools": [{"name": "a", "url": object()}]}, TypeError, r"tools\[0\] must be of types that JSON has a form for"),
]


async def test_wrong_arguments() -> None:
    """They are refused before anything is sent, in words that say what is allowed and where it is not."""
    sandbox = Sandbox(agents=0)
    async with sandbox.client() as client:
        for arguments, error, text in WRONG:
            with pytest.raises(error, match=f"^{text}"):
                await client.agents.update("a", **arguments)

    assert [] == sandbox.requests


async def test_row_of_a_listing_that_is_malformed() -> None:
    """An agent without any id is named by its place."""
    server = Recorder([Response(status=200, body=b'{"statusCode": 200, "data": [{"id": "a"}, {"name": "b"}]}')])
    async with server.client() as client:
        agents = client.agents.list().rows()
        assert Agent("a") == await anext(agents)
        with pytest.raises(Exception, match=r"data\[1\]\.id: missing"):
            await anext(agents)
