"""The request handler: checks the key and the rate limit, finds the route, applies the script of faults, records."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterable
from email.utils import format_datetime
from threading import RLock

from attrs import evolve
from multidict import MultiDict, MultiDictProxy

from contactship_async._http.messages import Request
from contactship_async.sandbox._api.envelopes import NO_CONTENT, Envelope, choose_status, write_object, write_rows
from contactship_async.sandbox._api.faults import Fault
from contactship_async.sandbox._api.openapi import DOCUMENT_PATH, build_document
from contactship_async.sandbox._api.pages import Rows
from contactship_async.sandbox._api.paging import Whole
from contactship_async.sandbox._api.rate_limit import FixedWindow, RateLimits, spend
from contactship_async.sandbox._api.records import RecordedRequest
from contactship_async.sandbox._api.replies import JSON_HEADERS, Refusal, Reply, build_error
from contactship_async.sandbox._api.routes import Match, Route, find_route, refuse_method, refuse_path
from contactship_async.sandbox._api.script import Script
from contactship_async.sandbox._calls.agenda import Agenda


class RequestHandler:
    """The pretend API: a request in, the plan of its response out.

    Args:
        routes: The endpoints of all resources.
        api_key: The only key that is accepted; None refuses every key.
        lock: Held while a request is handled.
        agenda: What is due happens before a request is handled, and responses have its time; None has none.
        envelope: The shape of pages.
        latency: Seconds before each response.
        limits: Of requests; None sets none.
    """

    def __init__(  # noqa: PLR0913 - parts, all but the first by keyword
        self,
        routes: Iterable[Route],
        *,
        api_key: str | None,
        lock: RLock | None = None,
        agenda: Agenda | None = None,
        envelope: Envelope = "count",
        latency: float = 0.0,
        limits: RateLimits | None = None,
    ) -> None:
        self.api_key = api_key
        self.requests: list[RecordedRequest] = []
        self.on_request: Callable[[RecordedRequest], object] | None = None
        self.script = Script()
        self.lock = lock or RLock()
        self._agenda = agenda
        self._routes = tuple(routes)
        self._envelope = envelope
        self._latency = latency
        self._limits = limits or RateLimits(None, None, time.monotonic)
        self._serial_numbers = itertools.count(1)
        self._shown: dict[str, Rows] = {}

    def respond(self, request: Request) -> Reply:
        """Respond to one request, and record it, unless it asks for the description of the API."""
        if request.path == DOCUMENT_PATH:
            return _without_body_for_head(request, self._describe(request))
        params = MultiDictProxy(MultiDict(request.query))
        arrived = RecordedRequest(request.method, request.path, params, None, request.body)
        if (on_request := self.on_request) is not None:
            on_request(arrived)  # without the lock: it may add and remove numbers
        with self.lock:
            if self._agenda is not None:
                self._agenda.catch_up()
            return self._respond(request, arrived)

    def _respond(self, request: Request, arrived: RecordedRequest) -> Reply:
        fault = self.script.take()
        found = find_route(self._routes, request.method, request.path)
        windows = [] if _is_public(found) else self._limits.windows(heavy=found is not None and found.route.heavy)
        reply = fault.alter_reply(self._respond_normally(request, fault, found, windows))
        if reply.page is not None:
            self._shown[request.path] = reply.page
        reply = evolve(
            _without_body_for_head(request, reply),
            headers={**self._common_headers(windows), **reply.headers},
            delay=reply.delay + self._latency,
            fault="" if type(fault) is Fault else type(fault).__name__,
        )
        self.requests.append(evolve(arrived, status=reply.status if reply.arrives else None))
        return reply

    def _describe(self, request: Request) -> Reply:
        if request.method not in {"GET", "HEAD"}:
            return _write_refusal(refuse_method(["GET"]))
        document = build_document(self._routes, self._envelope, self._limits)
        return Reply(body=json.dumps(document).encode())

    def _respond_normally(
        self, request: Request, fault: Fault, found: Match | None, windows: list[FixedWindow]
    ) -> Reply:
        # The documentation warns that a 401 does not prove that a path exists: the key is looked at first.
        if not _is_public(found) and request.api_key.reveal() != self.api_key:
            return build_error(401, "Invalid or missing API key")
        if (wait := spend(windows)) is not None:
            message = f"Rate limit exceeded. Try again in {wait} seconds."
            return build_error(429, message, {"retry-after": str(wait)})
        if not fault.lets_process:
            return Reply(body=b"")
        try:
            if found is None:
                raise refuse_path(self._routes, request.method, request.path)
            return self._process(request, fault, found)
        except Refusal as refusal:
            return _write_refusal(refusal)

    def _process(self, request: Request, fault: Fault, found: Match) -> Reply:
        route = found.route
        result = route.respond(route.read(request, found.identifiers))
        if isinstance(result, Rows):
            rows = fault.alter_page(result, self._shown.get(request.path))
            field = route.paging.field if isinstance(route.paging, Whole) else ""
            return Reply(body=write_rows(rows, route.shape, self._envelope, field=field), page=rows)
        if isinstance(result, bytes):
            return Reply(headers={"content-type": str(route.returns)}, body=result)
        status = choose_status(route.status, route.shape, self._envelope)
        body = write_object(result, status, route.shape, self._envelope)
        return Reply(status=status, headers={} if status == NO_CONTENT else JSON_HEADERS, body=body)

    def _common_headers(self, windows: list[FixedWindow]) -> dict[str, str]:
        headers = {"x-request-id": f"sandbox-{next(self._serial_numbers):06d}"}
        if self._agenda is not None:
            headers["date"] = format_datetime(self._agenda.now, usegmt=True)
        for window in windows:
            headers |= window.headers()
        return headers


def _is_public(found: Match | None) -> bool:
    return found is not None and found.route.is_public


def _write_refusal(refusal: Refusal) -> Reply:
    return build_error(refusal.status, refusal.message, refusal.headers)


def _without_body_for_head(request: Request, reply: Reply) -> Reply:
    return evolve(reply, body=b"") if request.method == "HEAD" else reply
