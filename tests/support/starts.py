"""Starts of calls and sends of messages against a server in memory, which counts those it takes, and fails.

It fails in every way that is known.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final, TypeAlias

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
from contactship_async.models.whatsapp import SentMessage

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
_RATE_LIMITED: Final = "refused by a rate limiter"
_UNREADABLE: Final = (
    b"",
    b"<html>",
    b'{"statusCode": 201, "data": ',
    b'{"statusCode": 201, "data": {}}',
    b'{"statusCode": 201, "data": {"call_id": null}}',
    b'{"statusCode": 201, "data": {"call_id": 7}}',
    b'{"statusCode": 201, "data": {"call_id": ""}}',
    b'{"statusCode": 201, "data": []}',
    b'{"call_id": "\\ud800", "message_id": "\\ud800"}',
    b'{"success": false, "data": {"call_id": "c-1", "message_id": "m-1"}}',
    b"true",
)


Ending: TypeAlias = Callable[[str], Response]
"""Returns the response that an attempt ends with, which may name the call, or raises its error."""


async def dial(client: ContactshipClient) -> PlacedCall:
    """Start a call."""
    return await client.calls.make_phone_call(**PERSON)


@frozen
class Start:
    """What must not happen twice.

    Args:
        begin: Lets it begin.
        id_field: The field of what is returned that has its id.
        is_relayed: Whether a 429 is not of the server's own rate limiter.
        harmless: Statuses that say, as documented, that nothing was taken.
    """

    begin: Callable[[ContactshipClient], Awaitable[Any]]
    id_field: str = "message_id"
    is_relayed: bool = True
    harmless: frozenset[int] = frozenset()

    def is_sent_again_after(self, act: Act) -> bool:
        """Return whether an attempt that left may be followed by another one."""
        return (
            act.name == "refused, 401"
            or act.name in {self._name_of(status) for status in self.harmless}
            or (act.name == _RATE_LIMITED and not self.is_relayed)
        )

    def refine(self, act: Act) -> Act:
        """Return what becomes of an attempt at this."""
        for status in self.harmless:
            if act.name in {f"{status}", f"{status}, stalled"}:
                return evolve(act, name=self._name_of(status), takes=False)
        return act

    @staticmethod
    def _name_of(status: int) -> str:
        return f"refused, {status}, which is harmless"


TO: Final[Mapping[str, Any]] = {"channel_id": "chn-1", "contact_id": "contact-1"}
"""Whom a message is sent to."""

HARMLESS: Final = frozenset({502})

CALL: Final = Start(dial, "call_id", is_relayed=False)

SENDS: Final[Mapping[str, Start]] = {
    "send_message": Start(lambda client: client.whatsapp.send_message(**TO, content="Hi"), harmless=HARMLESS),
    "send_template": Start(lambda client: client.whatsapp.send_template(**TO, template_name="reminder")),
    "send_media": Start(
        lambda client: client.whatsapp.send_media(**TO, media_type="image", media_data="https://example.com/a.png"),
        harmless=HARMLESS,
    ),
    "send_location": Start(lambda client: client.whatsapp.send_location(**TO, latitude=40.4, longitude=-3.7)),
}
"""The four that send a message, by the names of their methods."""


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
    ending: Ending | None
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
            await asyncio.get_running_loop().create_future()  # never done
        assert act.ending is not None
        return act.ending(call_id)


def responds(status: int, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Ending:
    """Let an attempt end with a response; without a *body*, one that says which call was placed, or message sent."""

    def ending(call_id: str) -> Response:
        placed = json.dumps({"statusCode": status, "data": {"call_id": call_id, "message_id": call_id}}).encode()
        return Response(status=status, headers=dict(headers or {}), body=placed if body is None else body)

    return ending


def breaks(error: Callable[[], BaseException]) -> Ending:
    """Let an attempt end with an error."""

    def ending(_: str) -> Response:
        raise error()

    return ending


def _says_little(call_id: str) -> Response:
    """Say which call was placed, or message sent, and nothing else that can be read."""
    known = b'"call_id": "%b", "message_id": "%b"' % (call_id.encode(), call_id.encode())
    return Response(status=201, body=b'{%b, "created_at": "soon", "agent_id": 7, "status": [], "thread_id": 7}' % known)


PLACED: Final = Act("placed", leaves=True, takes=True, ending=responds(201))


def draw_act(random: Random) -> Act:
    """Draw what becomes of an attempt, and how long it takes."""
    kind = random.choice(["never left", _RATE_LIMITED, "refused", "unknown", "unknown", "placed"])
    draw = {"never left": _draw_unsent, "refused": _draw_refused, "unknown": _draw_unknown}.get(kind)
    if draw is not None:
        act = draw(random)
    elif kind == "placed":
        ending = random.choice([responds(200), responds(201), responds(202), _says_little])
        act = Act(kind, leaves=True, takes=True, ending=ending)
    else:
        act = Act(kind, leaves=True, takes=False, ending=responds(429, b"{}", random.choice(_NAMED)))
    before, after = (random.choice((0, 0, 0, 0.1, 1, 2 * ATTEMPT_SECONDS)) for _ in range(2))
    return evolve(act, before=before, after=after)


def _draw_unsent(random: Random) -> Act:
    endings: list[Ending | None] = [
        breaks(lambda: ConnectionFailedError("refused")),
        breaks(lambda: RequestTimeoutError("no connection", limit="connect")),
        breaks(ConnectionRefusedError),
        None,
    ]
    return Act("never left", leaves=False, takes=False, ending=random.choice(endings))


def _draw_refused(random: Random) -> Act:
    status = random.choice(_REFUSALS)
    stalls = random.random() < 0.2 and status != 429
    ending, seen = (None, status) if stalls else (responds(status, b"{}"), None)
    return Act(f"refused, {status}", leaves=True, takes=False, ending=ending, status=seen)


def _draw_unknown(random: Random) -> Act:
    """Draw an attempt that leaves open whether the start was taken: at random it was."""
    status = random.choice(_UNKNOWN)
    endings: dict[str, tuple[Ending | None, int | None]] = {
        f"{status}": (responds(status, b"{}", random.choice([{}, {"retry-after": "0"}])), None),
        f"{status}, stalled": (None, status),
        "2xx, stalled": (None, 201),
        "stalled": (None, None),
        "reset": (breaks(ConnectionResetError), None),
        "broken": (breaks(BrokenPipeError), None),
        "cut": (breaks(lambda: AmbiguousOutcomeError("cut")), 201),
        "foreign error": (breaks(lambda: LookupError("of a trace hook")), None),
        "unreadable": (responds(random.choice((200, 201)), random.choice(_UNREADABLE)), None),
        "too large": (breaks(lambda: MalformedResponseError(("larger than 9 bytes",))), 201),
    }
    name = random.choice([*endings])
    takes = name in {"unreadable", "too large"} or random.random() < 0.5
    ending, seen = endings[name]
    return Act(name, leaves=True, takes=takes, ending=ending, status=seen)


@define
class Schedule:
    """One start, and all that happens to it.

    Args:
        random: Draws it.
        start: What is started.

    Attributes:
        server: What takes it, or not.
        fetches: How often the key was fetched.
    """

    random: Random
    start: Start
    server: CountingServer = field(init=False)
    fetches: int = 0

    @server.default
    def _draw_server(self) -> CountingServer:
        return CountingServer([self._draw_act() for _ in range(self.random.randint(1, 6))])

    def _draw_act(self) -> Act:
        act = draw_act(self.random)
        if self.start.harmless and self.random.random() < 0.2:
            [status] = self.start.harmless
            act = evolve(act, name=f"{status}", leaves=True, ending=responds(status, b"{}"), status=None)
        return self.start.refine(act)

    async def fetch_key(self) -> str:
        """Return another key each time, late, or fail."""
        self.fetches += 1
        await asyncio.sleep(self.random.choice((0, 0.1, 2)))
        if self.random.random() < 0.1:
            raise KeyError(self.fetches)
        return f"key-{self.fetches}"

    def client(self) -> ContactshipClient:
        """Draw a client."""
        random = self.random
        client = ContactshipClient(
            self.fetch_key if random.random() < 0.5 else "key",
            transport=self.server.transport,
            retry=RetryPolicy(max_attempts=random.randint(1, 4), initial_delay=random.choice((0, 0.5))),
            timeouts=Timeouts(attempt=ATTEMPT_SECONDS, total=random.choice((3, 20, None))),
            rate_limit=random.choice([None, None, RateLimit(1, 4), RateLimit(1, 1000)]),
        )
        in_loop_time(client)
        client._caller.attempts = evolve(client._caller.attempts, now=wall_clock)
        return client

    async def run(self) -> object:
        """Start the call, and return what comes of it: what is returned or raised."""
        random, client = self.random, self.client()
        start = asyncio.ensure_future(self.start.begin(client))
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
            return start.result()
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - whatever it is, it is judged
            return error

    def judge(self, outcome: object) -> None:
        """Compare what is said of the start with what the server knows."""
        server = self.server
        assert len(server.taken) <= 1
        possible = [act for act in server.left if not act.refuses]
        assert len(possible) <= 1, "sent again after an attempt that may have been taken"
        assert [] == possible or possible == server.played[-1:]
        earlier = server.left[:-1] if server.left[-1:] == server.played[-1:] else server.left
        assert [] == [act.name for act in earlier if not self.start.is_sent_again_after(act)]
        if isinstance(outcome, PlacedCall | SentMessage):
            assert [getattr(outcome, self.start.id_field)] == server.taken
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
