"""Small changes of an input: much faster than making one anew, so each that is made comes with a few of them."""

from __future__ import annotations

from functools import singledispatch
from random import Random
from typing import Any, Final

from attrs import evolve

from fuzzing.corpus import Conversation, ScriptedResponse

_PIECES: Final = (
    b"", b"\0", b"\xff", b"\xc3", b"\xed\xa0\x80", b" ", b"\n", b'"', b"\\", b"\\u", b"\\ud800", b"{", b"}", b"[", b"]",
    b",", b":", b"null", b"true", b"-", b"0", b"9", b"9" * 400, b"1e9", b".", b"+", b"Z", b"T", b"GMT", b"-0000", b"%2",
    b"\xef\xbb\xbf", b"\xd9\xa3", b'"id":', b'"data":', b'"count":', b'{"x":' * 1100, b"[" * 1100,
)  # fmt: skip


@singledispatch
def mutate(value: Any, random: Random) -> Any:
    """Return *value*, an input of a target, with a few changes drawn by *random*."""
    raise NotImplementedError


@mutate.register
def _(value: bytes, random: Random) -> bytes:
    for _ in range(random.choice((1, 1, 2, 4))):
        start = random.randrange(len(value) + 1)
        end = min(start + random.choice((1, 1, 2, 8, 64)), len(value))
        change = random.randrange(6)
        if change == 0 and start < len(value):
            value = value[:start] + bytes([value[start] ^ 1 << random.randrange(8)]) + value[start + 1 :]
        elif change == 1:
            value = value[:start] + value[end:]
        elif change == 2:
            value = value[:end] + value[start:]
        elif change == 3 and not random.randrange(8):
            value = value[:start]
        else:
            value = value[:start] + random.choice(_PIECES) + value[random.choice((start, end)) :]
    return value


@mutate.register
def _(value: str, random: Random) -> str:
    return mutate(value.encode(errors="surrogatepass"), random).decode(errors="surrogateescape")  # type: ignore[no-any-return] # bytes


@mutate.register
def _(value: dict, random: Random) -> dict[str, str]:  # type: ignore[type-arg] # dispatched on at run time
    if not value:
        return {"retry-after": mutate("1", random)}
    name = random.choice([*value])
    return {**value, name: mutate(value[name], random)}


@mutate.register
def _(value: ScriptedResponse, random: Random) -> ScriptedResponse:
    if random.randrange(3):
        return evolve(value, body=mutate(value.body, random))
    return evolve(value, headers=mutate(dict(value.headers), random))


@mutate.register
def _(value: Conversation, random: Random) -> Conversation:
    responses = [*value.responses]
    place = random.randrange(len(responses))
    change = random.randrange(4)
    if change == 0:
        responses.insert(place, random.choice(responses))
    elif change == 1 and len(responses) > 1:
        responses.pop(place)
    else:
        responses[place] = mutate(responses[place], random)
    return Conversation(value.call, tuple(responses))
