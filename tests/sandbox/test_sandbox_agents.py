"""Agents: six endpoints, and a collection for tests."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from contactship_async import Response
from contactship_async.sandbox import Sandbox

Ask = Callable[..., Awaitable[Response]]

PATH = "/v1/agents"
NEW: Final = {"name": "New", "voice_id": "voice-iris", "timezone": "UTC"}


def read(response: Response) -> tuple[int, Any]:
    """Return the status of a response, and its JSON."""
    return response.status, json.loads(response.body)


def test_made_up_agents() -> None:
    """Agents look as documented, and the same seed makes the same ones; those of the usual seed are as ever."""
    agents = Sandbox().agents.rows

    assert agents == Sandbox(0, agents=3).agents.rows
    assert not {agent["id"] for agent in agents} & {agent["id"] for agent in Sandbox(seed=1).agents}
    assert ["Survey", "Front desk", "Reminders"] == [agent["name"] for agent in agents]
    assert ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z") == (agents[-1]["created_at"], agents[-1]["updated_at"])
    assert None is agents[0]["prompt"] is agents[0]["ambient_sound"] is agents[0]["tools"]
    assert "2483b093-eee7-9f9e-1408-0c1f52ee405e" == agents[-1]["id"]


@pytest.mark.parametrize("envelope", ["count", "pagination"])
async def test_create_update_delete(ask: Ask, envelope: Any) -> None:
    """Agents are wrapped in either setting, as they have always been, but for a new one and the end of one."""
    sandbox = Sandbox(agents=1, envelope=envelope)
    wraps = envelope == "pagination"

    created = await ask(sandbox, "POST", PATH, {**NEW, "unknown": 1, "volume": 0.5})
    agent = sandbox.agents[0]
    assert {**NEW, "volume": 0.5, "voice_speed": 1, "language": "en-US", "tools": None}.items() <= agent.items()
    assert "unknown" not in agent
    assert (201, {"statusCode": 201, "data": agent} if wraps else agent) == read(created)

    updated = await ask(sandbox, "PUT", f"{PATH}/{agent['id']}", {"prompt": "Hi", "start_speaker": "user"})
    changed = {**agent, "prompt": "Hi", "start_speaker": "user", "updated_at": "2024-01-01T02:00:00Z"}
    assert (200, {"statusCode": 200, "data": changed}) == read(updated)
    assert read(updated) == read(await ask(sandbox, "GET", f"{PATH}/{agent['id']}"))
    assert (200, {"statusCode": 200, "data": sandbox.agents.rows}) == read(await ask(sandbox, "GET", PATH))

    deleted = await ask(sandbox, "DELETE", f"{PATH}/{agent['id']}")
    assert (200, {"statusCode": 200, "data": True} if wraps else True) == read(deleted)
    for method in ("GET", "PUT", "DELETE"):
        response = await ask(sandbox, method, f"{PATH}/{agent['id']}", {})
        assert (404, {"statusCode": 404, "message": "There is no such agent"}) == read(response)


async def test_what_is_not_allowed(ask: Ask) -> None:
    """Each range is kept, null removes only what may be missing, and a new agent needs three things."""
    sandbox = Sandbox(agents=1)
    path = f"{PATH}/{sandbox.agents[0]['id']}"
    wrong = {
        "voice_speed must be a number from 0.5 to 2": {"voice_speed": 3},
        "begin_message must be a string of at most 240 characters": {"begin_message": "x" * 241},
        "name must be a non-empty string": {"name": None},
        "ambient_sound must be one of: coffee-shop, convention-hall, summer-outdoor, mountain-outdoor, static-noise, "
        "call-center, office, cafe, null": {"ambient_sound": "beach"},
    }
    for message, body in wrong.items():
        assert (400, {"statusCode": 400, "message": message}) == read(await ask(sandbox, "PUT", path, body))
    for name in NEW:
        body = {key: value for key, value in NEW.items() if key != name}
        assert f"{name} is required" == read(await ask(sandbox, "POST", PATH, body))[1]["message"]
    assert 1 == len(sandbox.agents)


async def test_voices(ask: Ask) -> None:
    """They come whole, wrapped in either setting, and can't be deleted like an agent of that name."""
    sandbox = Sandbox()
    status, body = read(await ask(sandbox, "GET", f"{PATH}/voices"))

    assert (200, 200, 4) == (status, body["statusCode"], len(body["data"]))
    assert {agent["voice_id"] for agent in sandbox.agents} <= {voice["id"] for voice in body["data"]}
    assert 405 == (await ask(sandbox, "DELETE", f"{PATH}/voices")).status


def test_add() -> None:
    """A test says what matters to it; what is None is made up, and what is not allowed is refused."""
    sandbox = Sandbox(agents=0)
    added = sandbox.agents.add(name="Mine", language="de-DE", tools=[{"name": "bye"}], id="agent-1", prompt="")

    assert ("agent-1", "Mine", "de-DE", [{"name": "bye"}], "") == tuple(
        added[name] for name in ("id", "name", "language", "tools", "prompt")
    )
    with pytest.raises(ValueError, match=r"^id must be new"):
        sandbox.agents.add(id="agent-1")
    with pytest.raises(TypeError, match=r"^name must be a non-empty string, not int$"):
        sandbox.agents.add(name=5)  # type: ignore[arg-type] # that is the test
    with pytest.raises(ValueError, match=r"^ambient_sound must be "):
        sandbox.agents.add(ambient_sound="beach")
    assert [added] == sandbox.agents


def test_webhooks_describe_agents() -> None:
    """A finished call names its agent as it is listed, and one that nobody knows as a sandbox's own."""
    agents = Sandbox(agents=0).agents
    added = agents.add(name="Mine", language="de-DE", voice_id="v-1")

    assert {"agent_id": added["id"], "name": "Mine", "language": "de-DE", "voice": "v-1"} == agents.describe(
        added["id"]
    )
    assert {
        "agent_id": "agent-1",
        "name": "Sandbox agent",
        "language": "en-US",
        "voice": "voice-sandbox",
    } == agents.describe("agent-1")
