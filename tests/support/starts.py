"""Starts of calls against a server in memory that counts those it takes, and fails in every way that is known."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from attrs import define, evolve, field, frozen
from jumping_loop import in_loop_time, now

from contactship_async import (
    AmbiguousOutcomeError,
    ConnectionFailedError,
    ContactshipClient,
    ContactshipError,
    MalformedResponseError,
    RateLimit,
    Request,
    RequestTimeoutError,
    Response,
    RetryPolicy,
    Timeouts,
)
from contactship_async.models.calls import PlacedCall

PERSON: Final[Mapping[str, Any]] = {
    "from_number": "+12025550142",
    "to_number": "+14155550137",
    "full_name": "Noor Haddad",
    "agent_id": "agent-1",
}
"""What a call can't be started without."""

BEGAN: Final = datetime(2026, 5, 4, 9, 12, tzinfo=UTC)
"""What the clock on the wall shows when that of the event loop shows 0."""

LEFT: Final = "may have been processed"
"""What is noted of a call that was cancelled after it had been sent."""

ATTEMPT_SECONDS: Final = 5.0

_REFUSALS: Final = (400, 401, 402, 403, 404, 409, 410, 418, 422, 425, 429, 451, 499)
_UNKNOWN: Final = (101, 301, 302, 303, 307, 308, 408, 500, 501, 502, 503, 504, 505, 520, 599, 600)
_NAMED: Final = ({"retry-after": "1"}, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "2"}, {"retry-after": "60"})
_UNREADABLE: Final = (
    b"",
    b"<html>",
    b'{"statusCode": 201, "data": ',
    b'{"statusCode": 201, "data": {}}',
    b'{"statusCode": 201, "data": {"call_id": null}}',
    b'{"statusCode": 201, "data": {"call_id": 7}}',
    b'{"statusCode": 201, "data": {"call_id": ""}}',
    b'{"statusCode": 201, "data": []}',
    b'{"call_id": "\\ud800"}',
    b"true",
)


async def dial(client: ContactshipClient) -> PlacedCall:
    """Start a call."""
    return await client.calls.make_phone_call(**PERSON)


def wall_clock() -> datetime:
    """Return the time on the wall, which goes with that of the running loop."""
    return BEGAN + timedelta(seconds=now())


@frozen
class Act:
    """What becomes of one attempt.

    Args:
        name: For whoever reads a failure.
        leaves: Whether a byte of the request leaves.
        takes: Whether the server takes the start.
        ending: Returns the response, or raises what ends the attempt; None never ends it.
        before: For how many seconds nothing leaves.
        after: For how many seconds it takes from there.
        status: Of a response of which no more than that comes.
    """

    name: str
    leaves: bool
    takes: bool
    ending: Callable[[str], Response] | None
    before: float = 0
    after: float = 0
    status: int | None = None

    @property
    def refuses(self) -> bool:
        """Whether it provably has no effect."""
        return not self.leaves or self.name.startswith("refused")


@define
class CountingServer:
    """A transport that plays *script*, one act for each attempt, and counts the starts that it takes.

    Attributes:
        played: The acts so far.
        left: Those of which a byte has left.
        sent_at: When the last attempt came.
        taken: The ids of the calls.
    """

    script: list[Act]
    played: list[Act] = field(factory=list)
    left: list[Act] = field(factory=list)
    sent_at: datetime = BEGAN
    taken: list[str] = field(factory=list)

    async def transport(self, request: Request) -> Response:
        """Play the next act, the last one for ever."""
        act = self.script[min(len(self.played), len(self.script) - 1)]
        self.played.append(act)
        self.sent_at = wall_clock()
        request.delivery.provably_unsent = True
        await asyncio.sleep(act.before)
        if act.leaves:
            self.left.append(act)
            request.delivery.provably_unsent = False
        call_id = f"call-{len(self.played)}"
        if act.takes:
            self.taken.append(call_id)
        await asyncio.sleep(act.after)
        if act.status is not None:
            request.delivery.status = act.status
            if act.status // 100 != 2:
                request.delivery.refusal = Response(status=act.status)
        if act.ending is None:
            await asyncio.Event().wait()
            raise AssertionError
        return act.ending(call_id)


def responds(status: int, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Callable[[str], Response]:
    """Let an attempt end with a response: by default, one that says which call was placed."""

    def ending(call_id: str) -> Response:
        placed = {"statusCode": status, "data": {"call_id": call_id}}
        return Response(status=status, headers=dict(headers or {}), body=json.dumps(placed).encode() if body is None else body)

    return ending


def breaks(error: Callable[[], BaseException]) -> Callable[[str], Response]:
    """Let an attempt end with an error."""

    def ending(_: str) -> Response:
        raise error()

    return ending


PLACED: Final = Act("placed", leaves=True, takes=True, ending=responds(201))


def draw_act(random: Random) -> Act:
    """Draw what becomes of an attempt, and how long it takes."""
    before, after = (random.choice((0, 0, 0, 0.1, 1, 2 * ATTEMPT_SECONDS)) for _ in range(2))
    kind = random.choice(["never left", "refused by a rate limiter", "refused", "unknown", "unknown", "placed"])
    if kind == "never left":
        endings: list[Callable[[str], Response] | None] = [
            breaks(lambda: ConnectionFailedError("refused")),
            breaks(lambda: RequestTimeoutError("no connection", limit="connect")),
            breaks(ConnectionRefusedError),
            None,
        ]
        return Act(kind, leaves=False, takes=False, ending=random.choice(endings), before=before, after=after)
    if kind == "refused by a rate limiter":
        ending = responds(429, b"{}", random.choice(_NAMED))
        return Act(kind, leaves=True, takes=False, ending=ending, before=before, after=after)
    if kind == "refused":
        status = random.choice(_REFUSALS)
        if random.random() < 0.2 and status != 429:
            return Act(kind, leaves=True, takes=False, ending=None, before=before, after=after, status=status)
        return Act(kind, leaves=True, takes=False, ending=responds(status, b"{}"), before=before, after=after)
    if kind == "placed":
        rest = random.choice([None, b'{"call_id": "%s", "created_at": "soon", "agent_id": 7}'])
        ending = responds(random.choice((200, 201, 202)))
        if rest is not None:
            ending = lambda call_id: Response(status=201, body=rest % call_id.encode())  # noqa: E731 - one of several
        return Act(kind, leaves=True, takes=True, ending=ending, before=before, after=after)
    takes = random.random() < 0.5
    status = random.choice(_UNKNOWN)
    name, ending, seen = random.choice([
        (f"{status}", responds(status, b"{}", random.choice([{}, {"retry-after": "0"}])), None),
        (f"{status}, stalled", None, status),
        ("2xx, stalled", None, 201),
        ("stalled", None, None),
        ("reset", breaks(ConnectionResetError), None),
        ("broken", breaks(BrokenPipeError), None),
        ("cut", breaks(lambda: AmbiguousOutcomeError("cut")), 201),
        ("foreign error", breaks(lambda: LookupError("of a trace hook")), None),
        ("unreadable", responds(random.choice((200, 201)), random.choice(_UNREADABLE)), None),
        ("too large", breaks(lambda: MalformedResponseError(("larger than 9 bytes",))), 201),
    ])  # fmt: skip
    takes = takes or name in ("unreadable", "too large")
    return Act(name, leaves=True, takes=takes, ending=ending, before=before, after=after, status=seen)


@define
class Schedule:
    """One start, and all that happens to it.

    Attributes:
        server: What takes it.
        settings: Of the client.
        disturbance: What else happens, and after how many seconds.
    """

    random: Random
    server: CountingServer = field(init=False)
    fetches: int = 0

    @server.default
    def _draw_server(self) -> CountingServer:
        return CountingServer([draw_act(self.random) for _ in range(self.random.randint(1, 6))])

    async def fetch_key(self) -> str:
        """Return another key each time, late, or fail."""
        self.fetches += 1
        await asyncio.sleep(self.random.choice((0, 0.1, 2)))
        if self.random.random() < 0.1:
            raise KeyError("vault")
        return f"key-{self.fetches}"

    def client(self) -> ContactshipClient:
        """Draw a client."""
        random = self.random
        client = ContactshipClient(
            random.choice(["key", self.fetch_key]),
            transport=self.server.transport,
            retry=RetryPolicy(max_attempts=random.randint(1, 4), initial_delay=random.choice((0, 0.5))),
            timeouts=Timeouts(attempt=ATTEMPT_SECONDS, total=random.choice((3, 20, None))),
            rate_limit=random.choice([None, None, RateLimit(1, 4), RateLimit(1, 1000)]),
        )
        in_loop_time(client)
        client._caller.attempts = evolve(client._caller.attempts, now=wall_clock)
        return client

    async def run(self) -> tuple[ContactshipClient, object]:
        """Start the call, and return what comes of it: what is returned or raised."""
        random = self.random
        client = self.client()
        start = asyncio.create_task(dial(client))
        moment = random.choice((0, 0, 0.05, 0.5, 1, 3, 6))
        disturbance = random.choice(["none", "none", "cancel", "close", "pause"])
        await asyncio.sleep(moment)
        if disturbance == "cancel":
            start.cancel()
        elif disturbance == "close":
            await client.close()
        elif disturbance == "pause":
            client._caller.attempts.limits.organization.pause(random.choice((1, 10, 100)))
        await asyncio.wait([start])
        await client.close()
        try:
            return client, start.result()
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - whatever it is, it is judged
            return client, error

    def judge(self, outcome: object) -> None:
        """Compare what is said of the start with what the server knows."""
        server = self.server
        assert len(server.taken) <= 1
        possible = [act for act in server.left if not act.refuses]
        assert len(possible) <= 1, "sent again after an attempt that may have been taken"
        assert [] == possible or possible == server.played[-1:]
        if isinstance(outcome, PlacedCall):
            assert [outcome.call_id] == server.taken
        elif isinstance(outcome, AmbiguousOutcomeError):
            assert outcome.may_have_been_processed
            assert server.left[-1:] == server.played[-1:]
            assert server.sent_at == outcome.sent_at
            assert outcome.status is None or outcome.status not in _REFUSALS or server.played[-1].ending is None
        elif isinstance(outcome, ContactshipError):
            assert not outcome.may_have_been_processed
            assert [] == server.taken
        else:
            assert isinstance(outcome, asyncio.CancelledError | KeyError | LookupError)
            is_told = any(LEFT in note for note in getattr(outcome, "__notes__", ()))
            assert is_told or [] == server.taken
            assert not is_told or server.left[-1:] == server.played[-1:]
