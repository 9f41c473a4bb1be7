"""A server that takes calls, and counts how often each person was called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from aiohttp import web

FROM_NUMBER = "+12025550100"
AGENT = "3f0a7d6e-90cf-4b4d-8d5c-64c1a6b0f001"

_LARGE_BUDGET = {"X-RateLimit-Limit": "1000000", "X-RateLimit-Remaining": "999999", "X-RateLimit-Reset": "60"}


async def _pass(_: str) -> None:
    pass


class CallsServer:
    """Takes starts over real sockets; calls end as soon as they are placed.

    Attributes:
        starts: How often each number, or contact, was called.
        calls: The rows of the listing, in order.
        bodies: Of all requests that start a call, in order.
        under_way: How many starts have arrived and have no response yet.
        reply: Given the body of a start, returns the response in place of placing the call; None places it.
        at: Is awaited when a start "arrives", when it "counts", and when a "status" is asked for.
        is_lagging: Whether the listing lacks all calls.
        live: Whether calls go on for ever.
    """

    def __init__(self) -> None:
        self.starts: Counter[str] = Counter()
        self.calls: list[dict[str, Any]] = []
        self.bodies: list[Mapping[str, Any]] = []
        self.under_way = 0
        self.reply: Callable[[Mapping[str, Any]], web.Response | None] = lambda _: None
        self.at: Callable[[str], Awaitable[None]] = _pass
        self.is_lagging = False
        self.live = False
        app = web.Application()
        app.router.add_post("/v1/calls/single-phone-call", self._start)
        app.router.add_post("/v1/calls/single-contact-call", self._start)
        app.router.add_get("/v1/calls/{call_id}/status", self._tell_status)
        app.router.add_get("/v1/calls", self._list)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _start(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.under_way += 1
        try:
            await self.at("arrives")
            self.bodies.append(body)
            if (refusal := self.reply(body)) is not None:
                return refusal
            call_id = self.place(body)
            await self.at("counts")
            return _respond({"call_id": call_id, "agent_id": body["agent_id"], "contact_id": None}, status=201)
        finally:
            self.under_way -= 1

    def place(self, body: Mapping[str, Any]) -> str:
        """Place the call that *body* asks for, and return its id."""
        whom = body.get("to_number") or body["contact_id"]
        self.starts[whom] += 1
        call_id = str(uuid4())
        contact = {"id": str(uuid4()), "full_name": body.get("full_name"), "phone_number": body.get("to_number")}
        self.calls.append(
            {
                "id": call_id,
                "direction": "outbound",
                "from": body.get("from_number"),
                "created_at": datetime.now(UTC).isoformat(),
                "agent_id": body["agent_id"],
                "type": "api_call",
                "contact": contact,
            }
        )
        return call_id

    async def _tell_status(self, request: web.Request) -> web.Response:
        await self.at("status")
        return _respond(
            {
                "call_id": request.match_info["call_id"],
                "call_status": "in_progress" if self.live else "ended",
                "finished": not self.live,
            }
        )

    async def _list(self, request: web.Request) -> web.Response:
        limit, offset = int(request.query.get("limit", "20")), int(request.query.get("offset", "0"))
        rows = [] if self.is_lagging else self.calls[::-1]
        page = {"page": 1, "total_rows": len(rows), "total_pages": 1}
        return web.json_response(
            {"statusCode": 200, "data": rows[offset : offset + limit], "pagination": page}, headers=_LARGE_BUDGET
        )


def _respond(data: Mapping[str, Any], *, status: int = 200) -> web.Response:
    return web.json_response({"statusCode": status, "data": data}, status=status, headers=_LARGE_BUDGET)


def refuse(status: int, message: str = "no") -> web.Response:
    """Return a refusal with a message."""
    return web.json_response({"statusCode": status, "message": message}, status=status, headers=_LARGE_BUDGET)


def write_contacts(number: int) -> str:
    """Write a file of that many contacts, up to 100."""
    return "to_number,full_name\n" + "".join(f"+120255501{place:02},Person {place}\n" for place in range(number))
