"""What a test sees of the requests that arrived: bodies as well, which nothing shows by accident."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import pytest

from contactship_async._http.messages import Response
from contactship_async.sandbox import RecordedRequest, Sandbox

Ask = Callable[..., Awaitable[Response]]


async def test_bodies_are_recorded(ask: Ask) -> None:
    """A body is there as it arrived and as JSON, also while the request waits, and of requests that are refused."""
    sandbox = Sandbox()
    seen: list[object] = []
    sandbox.on_request = lambda request: seen.append(request.body and request.json())
    tag = {"name": "Grace", "color": "#000000"}

    await ask(sandbox, "POST", "/v1/tags", tag)
    await ask(sandbox, "POST", "/v1/nothing", tag, key="wrong")
    await ask(sandbox, "GET", "/v1/tags")

    created, refused, listed = sandbox.requests
    assert json.dumps(tag).encode() == created.body == refused.body
    assert tag == created.json()
    assert [201, 401, 200] == [request.status for request in sandbox.requests]
    assert listed.body is None
    assert [tag, tag, None] == seen
    assert "Grace" not in repr(sandbox.requests)


async def test_bodies_that_are_no_json(ask: Ask) -> None:
    """Asking for the JSON of another body, or of none, is a ValueError that does not show the body."""
    sandbox = Sandbox()
    await ask(sandbox, "POST", "/v1/tags", b"{Grace")
    await ask(sandbox, "POST", "/v1/tags")

    broken, missing = sandbox.requests
    assert b"{Grace" == broken.body
    with pytest.raises(ValueError, match="line 1 column 2") as caught:
        broken.json()
    assert "Grace" not in str(caught.value)
    with pytest.raises(ValueError, match="the request POST /v1/tags has no body"):
        missing.json()


def test_a_record_needs_no_body() -> None:
    """A record is made as before there were bodies."""
    request = RecordedRequest("GET", "/", Sandbox().requests, None)  # type: ignore[arg-type] # any params

    assert "RecordedRequest(method='GET', path='/', params=[], status=None)" == repr(request)
