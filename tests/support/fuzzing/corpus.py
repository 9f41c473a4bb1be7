"""The inputs kept as files: seeds written by hand, and what once broke a law."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from attrs import field, frozen

from contactship_async import Response

CORPUS = Path(__file__).parent / "corpus"

Call: TypeAlias = Literal["list", "count", "get", "post", "walk", "filtered", "overlapping", "exact", "pool"]
CALLS: tuple[Call, ...] = get_args(Call)


@frozen
class ScriptedResponse:
    """What a server sends back, or that it drops the connection instead."""

    status: int = 200
    headers: Mapping[str, str] = field(factory=dict)
    body: bytes = b""
    is_dropped: bool = False

    @property
    def response(self) -> Response:
        """What a transport makes of it."""
        return Response(status=self.status, headers=self.headers, body=self.body)


@frozen
class Conversation:
    """A call of the client, and the server's responses; after the last one comes the first again."""

    call: Call
    responses: tuple[ScriptedResponse, ...]


def _dump_response(scripted: ScriptedResponse) -> dict[str, Any] | None:
    if scripted.is_dropped:
        return None
    return {"status": scripted.status, "headers": dict(scripted.headers), "body": scripted.body.decode("latin-1")}


def _load_response(raw: dict[str, Any] | None) -> ScriptedResponse:
    if raw is None:
        return ScriptedResponse(is_dropped=True)
    return ScriptedResponse(raw["status"], raw["headers"], raw["body"].encode("latin-1"))


def dump(value: object) -> bytes:
    """Write an input of any target as the bytes of its file."""
    if isinstance(value, bytes):
        return value
    raw: object = value
    if isinstance(value, ScriptedResponse):
        raw = _dump_response(value)
    elif isinstance(value, Conversation):
        raw = {"call": value.call, "responses": [_dump_response(scripted) for scripted in value.responses]}
    return json.dumps(raw, indent=1).encode() + b"\n"


def load_headers(data: bytes) -> dict[str, str]:
    """Read the file of some headers."""
    headers: dict[str, str] = json.loads(data)
    return headers


def load_response(data: bytes) -> ScriptedResponse:
    """Read the file of a response."""
    return _load_response(json.loads(data))


def load_conversation(data: bytes) -> Conversation:
    """Read the file of a conversation."""
    raw = json.loads(data)
    return Conversation(raw["call"], tuple(_load_response(scripted) for scripted in raw["responses"]))


def read(target: str) -> dict[str, bytes]:
    """Read the files of *target*, by their names."""
    return {path.name: path.read_bytes() for path in sorted((CORPUS / target).iterdir())}


def keep(target: str, value: object, folder: Path = CORPUS) -> Path:
    """Write *value* into the corpus of *target*, under a name that two findings never share."""
    data = dump(value)
    path = folder / target / f"found-{hashlib.sha256(data).hexdigest()[:12]}"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path
